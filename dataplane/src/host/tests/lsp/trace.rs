//! The next hops that a reply tells, and the comparison with those that a request
//! came by.

use super::*;
use crate::table::{EcmpGroup, Labels, Pop, Push, Swap};

fn mapping(link: Link, labels: &[u32]) -> Mapping {
    let last = labels.len().saturating_sub(1);
    let entry = |(i, label): (usize, &u32)| LabelStackEntry::new(*label, 6, i == last, 0);
    Mapping {
        mtu: 1500,
        wants_arrival: true,
        link,
        code: ReturnCode::NONE,
        subcode: 0,
        labels: labels.iter().enumerate().map(|l| MappedLabel { entry: entry(l), protocol: 1 }).collect(),
    }
}

fn here() -> Link {
    Link::Numbered(ip("192.0.2.1"), ip("192.0.2.1"))
}

fn with(mapping: Mapping) -> Vec<u8> {
    echo(|_| {}, &Contents { mappings: vec![mapping], ..of(&[vpn("10.1.0.0/16")]) })
}

fn labels(mapping: &Mapping) -> Vec<u32> {
    mapping.labels.iter().map(|l| l.entry.label()).collect()
}

#[test]
fn a_switching_router_tells_its_next_hop_and_how_the_request_came() {
    let (header, contents) =
        heard(&mut pe(), &[SWAPPED, 99], &with(mapping(here(), &[SWAPPED, 99]))).unwrap();
    assert_eq!((header.code, header.subcode), (ReturnCode::SWITCHED, 2));
    let next = Link::Numbered(ip("192.0.2.9"), ip("192.0.2.9"));
    assert_eq!(contents.mappings, [mapping(next, &[21, 99])]);
    let arrival = contents.arrival.unwrap();
    assert_eq!(arrival.link, here());
    assert_eq!(
        arrival.stack,
        [LabelStackEntry::new(SWAPPED, 6, false, 1), LabelStackEntry::new(99, 6, true, 1)]
    );
}

#[test]
fn a_label_taken_off_is_an_implicit_null_and_one_put_on_is_there() {
    let pops = heard(&mut pe(), &[18, 99], &with(mapping(here(), &[18, 99]))).unwrap().1;
    assert_eq!(labels(&pops.mappings[0]), [3, 99]);
    let mut bench = pe();
    let push = Push {
        labels: Labels::new(&[40, 41]).unwrap(),
        next: NhlfeId(2),
        model: Default::default(),
        entropy: false,
    };
    let into = NhlfeId(bench.snapshot.nhlfes.insert(Nhlfe::Push(push)) as u32);
    bench.snapshot.nhlfes.set(4, Nhlfe::Swap(Swap { label: 21, next: into }));
    let pushes = heard(&mut bench, &[SWAPPED, 99], &with(mapping(here(), &[SWAPPED, 99]))).unwrap().1;
    assert_eq!(labels(&pushes.mappings[0]), [40, 41, 21, 99]);
}

#[test]
fn several_ways_on_have_a_code_each() {
    let mut bench = pe();
    let mut members = Vec::new();
    for (neighbour, label) in [("192.0.2.9", 21), ("192.0.2.8", 22), ("192.0.2.9", 21)] {
        let adjacency = bench.snapshot.adjacency_for(GE0, ip(neighbour));
        let forward = NhlfeId(bench.snapshot.nhlfes.insert(Nhlfe::Forward(adjacency)) as u32);
        let swap = Nhlfe::Swap(Swap { label, next: forward });
        members.push(NhlfeId(bench.snapshot.nhlfes.insert(swap) as u32));
    }
    bench.snapshot.nhlfes.set(4, Nhlfe::Ecmp(Arc::new(EcmpGroup::new(&members).unwrap())));
    let (header, contents) = heard(&mut bench, &[SWAPPED], &with(mapping(here(), &[SWAPPED]))).unwrap();
    assert_eq!((header.code, header.subcode), (ReturnCode::SEE_MAPPING, 0));
    let told: Vec<_> =
        contents.mappings.iter().map(|m| (m.link.address(), labels(m), m.code, m.subcode)).collect();
    let switched = ReturnCode::SWITCHED;
    assert_eq!(told, [(ip("192.0.2.9"), vec![21], switched, 1), (ip("192.0.2.8"), vec![22], switched, 1)]);
}

#[test]
fn a_mapping_that_is_not_this_arrival_is_a_mismatch() {
    for (case, mapping) in [
        ("another interface", mapping(Link::Numbered(ip("192.0.2.1"), ip("198.51.100.1")), &[SWAPPED])),
        ("another label", mapping(here(), &[18])),
        ("a label more", mapping(here(), &[SWAPPED, 99])),
        ("no label", mapping(here(), &[])),
        ("another router's index", mapping(Link::Unnumbered(ip("192.0.2.77"), 1), &[SWAPPED])),
    ] {
        let (header, contents) = heard(&mut pe(), &[SWAPPED], &with(mapping)).unwrap();
        assert_eq!((header.code, header.subcode), (ReturnCode::MISMATCH, 1), "{case}");
        assert_eq!((contents.mappings.len(), contents.arrival.is_some()), (0, true), "{case}");
    }
    for (case, mapping) in [
        ("implicit nulls are not seen", mapping(here(), &[3, SWAPPED])),
        ("an index is the upstream router's", mapping(Link::Unnumbered(ip("192.0.2.1"), 77), &[SWAPPED])),
        ("any router", mapping(Link::any(true), &[])),
    ] {
        assert_eq!(code(heard(&mut pe(), &[SWAPPED], &with(mapping))), (ReturnCode::SWITCHED, 1), "{case}");
    }
    let unknown = mapping(Link::Unnumbered(ip("127.0.0.1"), 0), &[SWAPPED]);
    let (header, contents) = heard(&mut pe(), &[SWAPPED], &with(unknown)).unwrap();
    assert_eq!((header.code, contents.arrival.is_some()), (ReturnCode::UPSTREAM_UNKNOWN, true));
}

#[test]
fn an_egress_tells_no_next_hop_and_compares_too() {
    let (header, contents) = heard(&mut pe(), &[TO_RED], &with(mapping(here(), &[3, TO_RED]))).unwrap();
    assert_eq!((header.code, contents.mappings.len()), (ReturnCode::EGRESS, 0));
    assert_eq!(contents.arrival.unwrap().stack.len(), 1);
    let wrong = with(mapping(here(), &[24, TO_RED]));
    assert_eq!(code(heard(&mut pe(), &[TO_RED], &wrong)), (ReturnCode::MISMATCH, 1));
}

#[test]
fn a_validated_nil_fec_names_its_label() {
    let validated = |label: u32| {
        let contents = Contents {
            mappings: vec![mapping(here(), &[3, SWAPPED])],
            ..of(&[vpn("10.0.0.0/8"), Fec::Nil(label)])
        };
        echo(|h| h.flags = flag::VALIDATE_FEC.into(), &contents)
    };
    assert_eq!(code(heard(&mut pe(), &[SWAPPED], &validated(SWAPPED))), (ReturnCode::SWITCHED, 1));
    assert_eq!(code(heard(&mut pe(), &[SWAPPED], &validated(18))), (ReturnCode::OTHER_LABEL, 1));
}

#[test]
fn entries_that_lead_in_a_circle_end() {
    let mut bench = pe();
    let model = Default::default();
    let circle = Push { labels: Labels::new(&[40]).unwrap(), next: NhlfeId(9), model, entropy: false };
    bench.snapshot.nhlfes.set(9, Nhlfe::Push(circle));
    bench.snapshot.nhlfes.set(4, Nhlfe::Pop(Pop { next: NhlfeId(9), model, egress: None }));
    let bytes = with(mapping(here(), &[SWAPPED]));
    assert_eq!(code(heard(&mut bench, &[SWAPPED], &bytes)), (ReturnCode::NOT_FORWARDED, 1));
}
