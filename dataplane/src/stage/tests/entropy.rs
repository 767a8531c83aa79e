//! Entropy labels (RFC 6790), and the flows of labelled packets over several ways.

use std::collections::BTreeSet;

use super::*;
use crate::id::{AdjacencyId, VrfId};
use crate::table::{EcmpGroup, Pop, Push, Swap};
use crate::wire::mpls::LabelStackEntry;

fn entropy(labels: &[u32], next: NhlfeId, model: TunnelModel) -> Nhlfe {
    match push(labels, next, model) {
        Nhlfe::Push(push) => Nhlfe::Push(Push { entropy: true, ..push }),
        other => other,
    }
}

/// The entries of a frame that leaves: label, TC, bottom, TTL.
fn entries(frame: &Frame) -> Vec<(u32, u8, bool, u8)> {
    let mut found = Vec::new();
    for entry in sent(frame)[14..].chunks(4) {
        let (e, _) = LabelStackEntry::parse(entry).unwrap();
        found.push((e.label(), e.tc(), e.bottom(), e.ttl()));
        if e.bottom() {
            break;
        }
    }
    found
}

/// A datagram of flow `port`.
fn flow(port: u16) -> Vec<u8> {
    stack(&[&ipv4_with(V4, 17, 8, &[], |h| h.traffic_class = 46 << 2), &udp(port, 5006, 0)])
}

#[test]
fn it_stands_below_the_outermost_label_behind_its_indicator() {
    for (model, ttl) in [(UNIFORM, 63), (PIPE, 255)] {
        let mut snapshot = label_router();
        let next = to_ge1(&mut snapshot);
        let lsp = entry(&mut snapshot, entropy(&[30_012], next, model));
        route(&mut snapshot, "198.51.100.0/24", push(&[17], lsp, UNIFORM));
        let mut labels = BTreeSet::new();
        for port in 0..64 {
            let found = entries(&rewritten(&snapshot, &stack(&[&eth(ether_type::IPV4), &flow(port)])));
            let el = found[2].0;
            let expected =
                [(30_012, 5, false, ttl), (7, 5, false, ttl), (el, 0, false, 0), (17, 5, true, 63)];
            assert_eq!(found, expected);
            assert!(el > 15);
            labels.insert(el);
            let again = entries(&rewritten(&snapshot, &stack(&[&eth(ether_type::IPV4), &flow(port)])));
            assert_eq!(again[2].0, el);
        }
        assert!(labels.len() > 60);
    }
}

#[test]
fn it_is_the_bottom_where_nothing_is_below() {
    let mut snapshot = label_router();
    let next = to_ge1(&mut snapshot);
    route(&mut snapshot, "198.51.100.0/24", entropy(&[30_012, 17], next, UNIFORM));
    let frame = rewritten(&snapshot, &stack(&[&eth(ether_type::IPV4), &flow(1)]));
    let labels: Vec<_> = entries(&frame).iter().map(|e| (e.0, e.2)).collect();
    assert_eq!((labels.len(), labels[0], labels[1], labels[3]), (4, (30_012, false), (7, false), (17, true)));
    route(&mut snapshot, "198.51.100.0/24", entropy(&[30_012], next, UNIFORM));
    let found = entries(&rewritten(&snapshot, &stack(&[&eth(ether_type::IPV4), &flow(1)])));
    assert_eq!((found.len(), found[0].2, found[1].2), (3, false, false));
    assert_eq!((found[2].1, found[2].2, found[2].3), (0, true, 0));
}

#[test]
fn the_egress_takes_it_off_with_the_label_above() {
    let mut snapshot = label_router();
    let next = to_ge1(&mut snapshot);
    pop(&mut snapshot, 20, UNIFORM);
    label_to(&mut snapshot, 30, Nhlfe::Swap(Swap { label: 31, next }));
    label_to(&mut snapshot, 40, Nhlfe::Pop(Pop { next, model: UNIFORM, egress: Some(VrfId(0)) }));
    let vrf = PopLookup { vrf: VrfId(0), model: UNIFORM, bottom: true };
    label_to(&mut snapshot, 500, Nhlfe::PopLookup(vrf));
    let el = (99_999, 0, 0);
    let plain = |stack: &[(u32, u8, u8)]| {
        let frame = rewritten(&snapshot, &labelled(stack, &ip4(64)));
        assert_eq!(sent(&frame), out(ether_type::IPV4, &[&ip4(59)]), "{stack:?}");
        assert_eq!(usize::from(frame.meta().popped), stack.len());
    };
    plain(&[(20, 5, 60), (7, 5, 60), el]);
    plain(&[(7, 5, 60), el]); // behind a penultimate hop
    plain(&[(500, 5, 60), (7, 5, 60), el]);
    plain(&[(40, 5, 60), (7, 5, 60), el]);
    plain(&[(20, 5, 60), (7, 5, 60), el, (500, 5, 60)]);
    plain(&[(20, 5, 60), (7, 5, 60), el, (500, 5, 60), (7, 5, 60), el]);
    let frame = rewritten(&snapshot, &labelled(&[(20, 5, 60), (7, 5, 60), el, (30, 2, 64)], &ip4(64)));
    assert_eq!(sent(&frame), out(ether_type::MPLS, &[&mpls(&[(31, 2, 59)]), &ip4(64)]));
    let more = [(500, 5, 60), (7, 5, 60), el, (30, 5, 60)];
    assert_eq!(verdict_of(&snapshot, &more, &ip4(64)), dropped(DropReason::MplsNotBottom));
    let open = [(500, 5, 60), (7, 5, 60)];
    assert_eq!(verdict_of(&snapshot, &open, &ip4(64)), dropped(DropReason::MplsMalformed));
}

#[test]
fn a_penultimate_hop_leaves_it() {
    let mut snapshot = label_router();
    let next = to_ge1(&mut snapshot);
    label_to(&mut snapshot, 20, Nhlfe::Pop(Pop { next, model: UNIFORM, egress: None }));
    let frame = rewritten(&snapshot, &labelled(&[(20, 5, 60), (7, 5, 60), (99, 0, 0)], &ip4(64)));
    assert_eq!(sent(&frame), out(ether_type::MPLS, &[&mpls(&[(7, 5, 59), (99, 0, 0)]), &ip4(64)]));
}

/// Four ways for label 30: one of them is the penultimate hop.
fn ways() -> Snapshot {
    let mut snapshot = label_router();
    let members: Vec<_> = (10..14)
        .map(|n| {
            let neighbour = format!("10.2.0.{n}");
            assert!(snapshot.set_neighbour(GE1, neighbour.parse().unwrap(), Some(HOST1)));
            let next = via(&mut snapshot, GE1, &neighbour);
            let pop = Nhlfe::Pop(Pop { next, model: UNIFORM, egress: None });
            let swap = Nhlfe::Swap(Swap { label: 100 + n, next });
            entry(&mut snapshot, if n == 10 { pop } else { swap })
        })
        .collect();
    label_to(&mut snapshot, 30, Nhlfe::Ecmp(EcmpGroup::new(&members).unwrap().into()));
    snapshot
}

/// The ways that these packets take.
fn taken(packets: impl Iterator<Item = Vec<u8>>) -> BTreeSet<AdjacencyId> {
    let snapshot = ways();
    let way = |bytes: Vec<u8>| {
        let frame = rewritten(&snapshot, &bytes);
        assert_eq!(frame.meta().verdict, Verdict::Forward);
        frame.meta().adjacency
    };
    packets.map(way).collect()
}

#[test]
fn flows_below_labels_take_all_ways_and_each_keeps_its_own() {
    let v4 = |port| labelled(&[(30, 0, 64), (16, 0, 64)], &flow(port));
    assert_eq!(taken((0..64).map(v4)).len(), 4);
    assert_eq!(taken((0..64).map(|_| v4(7))).len(), 1);
    let v6 = |port| labelled(&[(30, 0, 64)], &stack(&[&ipv6(V6, 17, 8), &udp(port, 1, 0)]));
    assert_eq!(taken((0..64).map(v6)).len(), 4);
    // Fragments of a datagram have no ports to tell, and one way.
    let fragment = |port| {
        let more = |h: &mut crate::wire::ipv4::Ipv4Header| h.fragment = 0x2000.into();
        labelled(&[(30, 0, 64)], &stack(&[&ipv4_with(V4, 17, 8, &[], more), &udp(port, 1, 0)]))
    };
    assert_eq!(taken((0..64).map(fragment)).len(), 1);
}

#[test]
fn an_entropy_label_alone_is_the_flow() {
    let with = |el, port| labelled(&[(30, 0, 64), (7, 0, 64), (el, 0, 0), (16, 0, 64)], &flow(port));
    assert_eq!(taken((0..64).map(|n| with(1000 + n, 1))).len(), 4);
    assert_eq!(taken((0..64).map(|n| with(1000, n))).len(), 1);
}

#[test]
fn labels_are_the_flow_where_no_ip_is_below_and_special_ones_are_not() {
    let with = |label| labelled(&[(30, 0, 64), (label, 0, 64)], &[0x11; 40]);
    assert_eq!(taken((0..64).map(|n| with(16 + n))).len(), 4);
    let special = |n: u32| labelled(&[(30, 0, 64), ([0, 2, 13][n as usize % 3], 0, 64)], &[0x11; 40]);
    assert_eq!(taken((0..64).map(special)).len(), 1);
    // Only sixteen entries are looked at.
    let deep = |n: u32, at: usize| {
        let mut entries = vec![(30, 0, 64); 20];
        entries[at].0 = 1000 + n;
        labelled(&entries, &flow(n as u16))
    };
    assert_eq!(taken((0..64).map(|n| deep(n, 15))).len(), 4);
    assert_eq!(taken((0..64).map(|n| deep(n, 16))).len(), 1);
}
