//! Frames that have all in common are asked once what each is asked else: the same becomes
//! of them.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::class::{Colour, TrafficClass};
use crate::id::{PortIndex, VrfId};
use crate::packet::{BATCH, Batch, Frame, StackEdits};
use crate::qos::{Ingress, InterfaceQos, MeterAction, MeterKind, MeterSpec, Policers};
use crate::stage::{classify, enqueue, lookup, parse, police, rewrite};
use crate::table::rules::{Conditions, Rule, RuleSet, Treatment};
use crate::table::{Labels, Marks, Pop, Push, Swap, Trust};
use crate::time::Time;

/// The ends of routes to 198.51.100.0, 1, … and 2001:db8:100::0, 1, …
fn build(mtu: u16, marks: (bool, bool)) -> Snapshot {
    let mut snapshot = label_router();
    let push = |next| {
        let labels = Labels::new(&[100]).unwrap();
        Nhlfe::Push(Push { labels, next, model: UNIFORM, entropy: false })
    };
    let one = to_ge1(&mut snapshot);
    let other = via(&mut snapshot, GE0, "10.1.0.9");
    let labelled = entry(&mut snapshot, push(one));
    let nowhere = entry(&mut snapshot, Nhlfe::Blackhole);
    let here = entry(&mut snapshot, Nhlfe::Local);
    let glean = entry(&mut snapshot, Nhlfe::Glean(GE1));
    for (n, end) in [one, one, one, one, other, labelled, nowhere, here, glean].into_iter().enumerate() {
        route_to(&mut snapshot, VrfId(0), format!("198.51.100.{n}/32").parse().unwrap(), end);
        route_to(&mut snapshot, VrfId(0), format!("2001:db8:100::{n}/128").parse().unwrap(), end);
    }
    let (untrusted, leaving) = marks;
    change(&mut snapshot, GE0, |i| {
        let trust = if untrusted { Trust::Nothing } else { Trust::Dscp };
        i.marks = Arc::new(Marks { trust, ..Marks::default() });
    });
    change(&mut snapshot, GE1, |i| {
        i.mtu = mtu;
        let dscp_out = std::array::from_fn(|class| (leaving && class == 1).then_some([10, 12, 14]));
        i.marks = Arc::new(Marks { dscp_out, ..Marks::default() });
    });
    Arc::make_mut(&mut snapshot.rules).marks = leaving;
    snapshot
}

fn policers(kind: u8) -> Policers {
    let mut qos = InterfaceQos::default();
    let actions = [MeterAction::Pass, MeterAction::Mark(14), MeterAction::Drop];
    let spec = MeterSpec { kind: MeterKind::SrTcm, ebs: 300, actions, ..MeterSpec::policer(0, 500) };
    if kind > 0 {
        qos.ingress[TrafficClass::Voice.index()] = Some(Ingress::Own(spec));
    }
    let mut policers = Policers::new();
    if kind < 2 {
        policers.sync([(GE0, &qos)].into_iter());
    }
    policers
}

/// Match rules for what comes in: by destination, interface, length and mark.
fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let port = prop::option::of(5003u16..5006);
    let upper = (port.clone(), port, prop::option::of(prop::sample::select(vec![17u8, 6])), any::<bool>());
    let rule = (0u8..12, 0u8..4, prop::option::of(28u16..80), upper, 0usize..9, 0u8..3, 0u8..70);
    let rule =
        rule.prop_map(|(to, kind, length, (from_port, to_port, protocol, here), class, colour, mark)| Rule {
            name: format!("{to} {kind} {length:?} {here} {class} {colour} {mark}").into(),
            conditions: Conditions {
                interfaces: (!here).then(|| vec![GE1]),
                destinations: (kind > 0).then(|| vec![format!("198.51.100.{to}/31").parse().unwrap()]),
                sources: (kind == 2).then(|| vec!["10.1.0.8/30".parse().unwrap()]),
                source_ports: from_port.map(|port| vec![port..=5004]),
                destination_ports: to_port.map(|port| vec![port..=5006]),
                protocols: protocol.map(|protocol| vec![protocol]),
                lengths: length.map(|length| vec![length..=1500]),
                dscps: (kind > 2).then(|| vec![46]),
                ..Conditions::default()
            },
            treatment: Treatment {
                class: TrafficClass::ALL.get(class).copied(),
                colour: [None, Some(Colour::Yellow), Some(Colour::Red)][usize::from(colour)],
                mark: (mark < 64).then_some(mark).filter(|_| to % 3 == 0),
                tc: None,
            },
        });
    // Names are what counts are kept by.
    prop::collection::vec(rule, 0..5).prop_map(|rules| {
        let named = |(at, rule): (usize, Rule)| Rule { name: format!("{at} {}", rule.name).into(), ..rule };
        rules.into_iter().enumerate().map(named).collect()
    })
}

/// Frames like one another but for a few.
fn frames() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let ttl = prop_oneof![9 => Just(64u8), 1 => 0u8..3];
    let to = prop_oneof![9 => 0u8..4, 1 => 0u8..12];
    let mark = prop_oneof![9 => Just(46u8), 1 => 0u8..64];
    let shape = prop_oneof![12 => Just(0u8), 1 => 1u8..4];
    let frame = (ttl, to, mark, 0usize..60, shape).prop_map(|(ttl, to, dscp, data, shape)| {
        let edit = |h: &mut crate::wire::ipv4::Ipv4Header| {
            (h.ttl, h.traffic_class) = (ttl, dscp << 2);
            h.fragment = if shape == 1 { 0x2000 } else { 0x4000 }.into();
        };
        let protocol = if shape == 2 { 1 } else { 17 };
        let mut v6 = ipv6(("2001:db8:1::9", &format!("2001:db8:100::{to}")), protocol, 8 + data);
        (v6[0], v6[1], v6[7]) = (0x60 | dscp >> 2, dscp << 6, ttl);
        let v4 = ipv4_with(("10.1.0.9", &format!("198.51.100.{to}")), protocol, 8 + data, &[], edit);
        let other = if shape == 3 { &v6 } else { &v4 };
        [(ether_type::IPV4, v4.clone()), (ether_type::IPV6, v6.clone())].map(|(kind, header)| {
            let header = if shape == 3 { other } else { &header };
            let kind = if header[0] >> 4 == 6 { ether_type::IPV6 } else { kind };
            stack(&[&eth(kind), header, &udp(5004, 5006, data)])
        })
    });
    (any::<bool>(), prop::collection::vec(frame, 1..BATCH))
        .prop_map(|(six, all)| all.into_iter().map(|[v4, v6]| if six { v6 } else { v4 }).collect())
}

fn filled(frames: &[Vec<u8>]) -> Batch {
    let mut batch = Batch::new();
    for bytes in frames {
        let mut frame = Frame::standard();
        frame.fill(bytes).unwrap();
        batch.push(frame).unwrap();
    }
    batch
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_is_asked_once_is_what_each_would_say(
        frames in frames(),
        mtu in prop_oneof![4 => Just(1500u16), 1 => Just(68)],
        marks in prop_oneof![4 => Just((false, false)), 1 => any::<(bool, bool)>()],
        meters in 0u8..3,
        rules in prop_oneof![Just(Vec::new()), rules()],
    ) {
        let mut snapshot = build(mtu, marks);
        Arc::make_mut(&mut snapshot.rules).entering = Arc::new(RuleSet::new(rules));
        let [one, other] = [true, false].map(|together| {
            let mut batch = filled(&frames);
            let (mut hits, mut edits) = (classify::RuleHits::new(), StackEdits::new());
            hits.sync(&snapshot.rules);
            let mut keys = [PortIndex::NONE; BATCH];
            parse::run(&mut batch, &snapshot, PortIndex(0));
            let each = |batch: &mut Batch| if !together { batch.set_alike(None) };
            each(&mut batch);
            classify::run(&mut batch, &snapshot, &mut hits);
            police::run(&mut batch, &mut policers(meters), Time(5));
            each(&mut batch);
            lookup::run(&mut batch, &snapshot, &mut edits);
            each(&mut batch);
            classify::leaving(&mut batch, &snapshot, &mut edits, &mut hits);
            rewrite::run(&mut batch, &snapshot, &edits);
            each(&mut batch);
            if let Some(together) = enqueue::run(&mut batch, &snapshot, &mut keys) {
                let bytes: u64 = frames.iter().map(|frame| frame.len() as u64).sum();
                assert_eq!(together.bytes, bytes);
                for (frame, key) in batch.frames().iter().zip(&mut keys) {
                    let meta = frame.meta();
                    assert_eq!((meta.in_interface, meta.verdict), (together.from, Verdict::Forward));
                    assert_eq!(snapshot.interface(meta.out_interface).unwrap().port, together.port);
                    assert!(together.of.is_none_or(|of| of == (meta.out_interface, meta.class)));
                    assert!(!meta.flags.has(crate::packet::Flags::TOO_LONG));
                    *key = together.port;
                }
            }
            let said: Vec<String> =
                batch.frames().iter().map(|f| format!("{:?} {:02x?}", f.meta(), f.bytes())).collect();
            (said, keys, hits.counts().collect::<Vec<_>>())
        });
        prop_assert_eq!(one, other);
    }
}

/// Where labels lead: to labels, or to one of two Vrfs, in all models.
fn labels() -> impl Strategy<Value = Vec<(u8, u32, TunnelModel)>> {
    let ttl = prop_oneof![3 => Just(TtlModel::Uniform), 1 => Just(TtlModel::Pipe)];
    let diffserv = prop_oneof![
        4 => Just(DiffServModel::Pipe),
        1 => Just(DiffServModel::Uniform),
        1 => Just(DiffServModel::ShortPipe),
    ];
    let model = (ttl, diffserv).prop_map(|(ttl, diffserv)| TunnelModel { ttl, diffserv });
    // Often all of them lead to the same.
    let end = (prop_oneof![4 => Just(1u8), 1 => 0u8..5], 16u32..1 << 20, model);
    prop_oneof![
        2 => end.clone().prop_map(|end| vec![end; 4]),
        1 => prop::collection::vec(end, 4),
    ]
}

fn label_tables(ends: &[(u8, u32, TunnelModel)], mtu: u16) -> Snapshot {
    let mut snapshot = build(mtu, (false, false));
    let one = to_ge1(&mut snapshot);
    route_to(&mut snapshot, VrfId(1), "198.51.100.0/31".parse().unwrap(), one);
    for (label, (kind, other, model)) in (16..).zip(ends) {
        let lookup = |vrf, bottom| PopLookup { vrf: VrfId(vrf), model: *model, bottom };
        let nhlfe = match kind {
            0 => Nhlfe::Swap(Swap { label: *other, next: one }),
            1 => Nhlfe::PopLookup(lookup(0, true)),
            2 => Nhlfe::PopLookup(lookup(1, *other % 2 == 0)),
            3 => Nhlfe::Pop(Pop { next: one, model: *model, egress: None }),
            _ => Nhlfe::Blackhole,
        };
        label_to(&mut snapshot, label, nhlfe);
    }
    snapshot
}

/// Labelled frames like one another but for a few.
fn labelled_frames() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let entry = || {
        let ttl = prop_oneof![9 => 2u8.., 1 => 0u8..2];
        (prop_oneof![6 => Just(16u32), 3 => 16u32..20, 1 => 0u32..21], 0u8..8, ttl)
    };
    let entries = prop_oneof![6 => entry().prop_map(|e| vec![e]), 1 => prop::collection::vec(entry(), 2..3)];
    let below = prop_oneof![8 => Just(4u8), 1 => 0u8..16];
    let frame = (entries, below, 0u8..10, 0usize..40).prop_map(|(entries, version, to, data)| {
        let mut below = match version {
            6 => ipv6(("2001:db8:1::9", &format!("2001:db8:100::{to}")), 17, 8 + data),
            _ => ipv4(("10.1.0.9", &format!("198.51.100.{to}")), 8 + data),
        };
        below[0] = version << 4 | below[0] & 0xf;
        labelled(&entries, &stack(&[&below, &udp(5004, 5006, data)]))
    });
    prop::collection::vec(frame, 1..BATCH)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn labels_that_are_asked_for_together_end_as_each(
        ends in labels(),
        frames in labelled_frames(),
        mtu in prop_oneof![4 => Just(1500u16), 1 => Just(68)],
    ) {
        let snapshot = label_tables(&ends, mtu);
        let [one, other] = [true, false].map(|together| {
            let mut batch = filled(&frames);
            let (mut hits, mut edits) = (classify::RuleHits::new(), StackEdits::new());
            parse::run(&mut batch, &snapshot, PortIndex(0));
            let each = |batch: &mut Batch| if !together { batch.set_alike(None) };
            each(&mut batch);
            classify::run(&mut batch, &snapshot, &mut hits);
            each(&mut batch);
            if lookup::labels::run(&mut batch, &snapshot) {
                each(&mut batch);
                parse::exposed(&mut batch, &snapshot);
                classify::exposed(&mut batch, &snapshot, &mut hits);
            }
            each(&mut batch);
            lookup::run(&mut batch, &snapshot, &mut edits);
            each(&mut batch);
            rewrite::run(&mut batch, &snapshot, &edits);
            for frame in batch.frames_mut() {
                // Found once it is wanted.
                frame.meta_mut().flow_hash = 0;
            }
            batch.frames().iter().map(|f| format!("{:?} {:02x?}", f.meta(), f.bytes())).collect::<Vec<_>>()
        });
        prop_assert_eq!(one, other);
    }
}

/// It is there for batches that most are like.
#[test]
fn plain_packets_to_one_neighbour_go_together() {
    let snapshot = build(1500, (false, false));
    for header in [ipv4(("10.1.0.9", "198.51.100.1"), 26), ipv6(("2001:db8:1::9", "2001:db8:100::1"), 17, 26)]
    {
        let kind = if header[0] >> 4 == 6 { ether_type::IPV6 } else { ether_type::IPV4 };
        let bytes = stack(&[&eth(kind), &header, &udp(5004, 5006, 18)]);
        let mut batch = batch(&bytes);
        batch.push(batch_of_one(&bytes)).unwrap();
        let (mut hits, mut edits) = (classify::RuleHits::new(), StackEdits::new());
        parse::run(&mut batch, &snapshot, PortIndex(0));
        classify::run(&mut batch, &snapshot, &mut hits);
        lookup::run(&mut batch, &snapshot, &mut edits);
        rewrite::run(&mut batch, &snapshot, &edits);
        let together = enqueue::run(&mut batch, &snapshot, &mut [PortIndex::NONE; BATCH]).unwrap();
        assert_eq!((together.from, together.port), (GE0, PortIndex(1)));
        assert_eq!(together.of, Some((GE1, TrafficClass::Standard)));
        assert_eq!(together.bytes, 2 * bytes.len() as u64);
    }
}

fn batch_of_one(bytes: &[u8]) -> Frame {
    batch(bytes).pop().unwrap()
}
