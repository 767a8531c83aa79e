//! Frames of one batch, which remember one another's ways, against each of them alone.

use proptest::prelude::*;

use super::*;
use crate::id::{PortIndex, VrfId};
use crate::packet::Batch;
use crate::table::{EcmpGroup, Labels, Push, Swap};

/// An entry that leads to one of those before it.
#[derive(Clone, Debug)]
enum Does {
    Swap(u32),
    Push(Vec<u32>, TunnelModel, bool),
    Share,
}

/// What stands at each place, and which of the entries before it comes next.
type Entries = Vec<(Does, prop::sample::Index)>;

/// Two neighbours and a discard, then these; labels 16, 17, … and addresses
/// 198.51.100.0, 1, … lead to them in order.
fn build(entries: &Entries) -> Snapshot {
    let mut snapshot = label_router();
    let mut ids = vec![
        to_ge1(&mut snapshot),
        via(&mut snapshot, GE0, "10.1.0.9"),
        entry(&mut snapshot, Nhlfe::Blackhole),
    ];
    for (n, (does, next)) in entries.iter().enumerate() {
        let next = *next.get(&ids);
        let nhlfe = match does {
            Does::Swap(label) => Nhlfe::Swap(Swap { label: *label, next }),
            Does::Push(labels, model, entropy) => {
                let labels = Labels::new(labels).unwrap();
                Nhlfe::Push(Push { labels, next, model: *model, entropy: *entropy })
            }
            Does::Share => Nhlfe::Ecmp(EcmpGroup::new(&[next, ids[0]]).unwrap().into()),
        };
        let id = label_to(&mut snapshot, 16 + n as u32, nhlfe);
        ids.push(id);
        // Routes do not swap.
        if matches!(does, Does::Push(..)) {
            let net = format!("198.51.100.{n}/32").parse().unwrap();
            route_to(&mut snapshot, VrfId(0), net, id);
        }
    }
    snapshot
}

fn entries() -> impl Strategy<Value = Entries> {
    let label = 16u32..1 << 20;
    let model = prop_oneof![Just(UNIFORM), Just(PIPE)];
    let labels = prop::collection::vec(label.clone(), 0..4);
    let does = prop_oneof![
        4 => label.prop_map(Does::Swap),
        4 => (labels, model, prop::bool::weighted(0.2)).prop_map(|(l, m, e)| Does::Push(l, m, e)),
        1 => Just(Does::Share),
    ];
    prop::collection::vec((does, any::<prop::sample::Index>()), 12)
}

/// A frame with labels, or to an address.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let ttl = prop_oneof![6 => 2u8.., 1 => 0u8..2];
    let stack_of = prop::collection::vec((16u32..30, 0u8..8, ttl), 0..3);
    (stack_of, 0u8..14, 1u16..9).prop_map(|(entries, to, port)| {
        let to = format!("198.51.100.{to}");
        let below = stack(&[&ipv4_with(("10.1.0.9", &to), 17, 26, &[], |_| {}), &udp(port, 5006, 18)]);
        match entries.is_empty() {
            true => stack(&[&eth(ether_type::IPV4), &below]),
            false => labelled(&entries, &below),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn a_batch_goes_as_each_of_its_frames_alone(
        entries in entries(),
        frames in prop::collection::vec(frame(), 1..32),
    ) {
        let snapshot = build(&entries);
        let mut batch = Batch::new();
        for bytes in &frames {
            let mut frame = Frame::standard();
            frame.fill(bytes).unwrap();
            batch.push(frame).unwrap();
        }
        crate::stage::parse::run(&mut batch, &snapshot, PortIndex(0));
        crate::stage::classify::run(&mut batch, &snapshot, &mut crate::stage::classify::RuleHits::new());
        let edits = look_up(&mut batch, &snapshot);
        crate::stage::rewrite::run(&mut batch, &snapshot, &edits);
        for (bytes, frame) in frames.iter().zip(batch.frames()) {
            let alone = rewritten(&snapshot, bytes);
            prop_assert_eq!(frame.bytes(), alone.bytes());
            let of = |f: &Frame| (f.meta().verdict, f.meta().nhlfe, f.meta().adjacency, f.meta().flags);
            prop_assert_eq!(of(frame), of(&alone));
        }
    }
}
