//! Batch after batch, against meters that are asked for one frame after the other.

use proptest::prelude::*;

use super::*;
use crate::packet::{Alike, BATCH};
use crate::qos::{Ingress, InterfaceQos, MeterKind, MeterSpec, SharedMeter};
use crate::sync::Arc;

/// What comes in: the interface, the class and the colour by number, and the length.
type Came = (u32, usize, u8, u16);

fn action() -> impl Strategy<Value = MeterAction> {
    prop_oneof![
        3 => Just(MeterAction::Pass),
        2 => Just(MeterAction::Recolour),
        1 => (0u8..64).prop_map(MeterAction::Mark),
        2 => Just(MeterAction::Drop),
    ]
}

fn spec() -> impl Strategy<Value = MeterSpec> {
    let kind = prop_oneof![Just(MeterKind::SrTcm), Just(MeterKind::TrTcm), Just(MeterKind::Rfc4115)];
    let (rate, burst) = (0u64..2_000_000_000, prop_oneof![0u64..3_000, 0u64..60_000]);
    let actions = [action(), action(), action()];
    (kind, any::<bool>(), rate.clone(), burst.clone(), rate, burst, actions).prop_map(
        |(kind, colour_aware, cir, cbs, eir, ebs, actions)| MeterSpec {
            kind,
            colour_aware,
            cir,
            cbs,
            eir,
            ebs,
            actions,
        },
    )
}

/// The meters of two interfaces, by class: none, one of its own, or the one that others have too.
fn policers(own: &[(u8, MeterSpec)], shared: &MeterSpec) -> Policers {
    let shared = Arc::new(SharedMeter::new(*shared));
    let of = |specs: &[(u8, MeterSpec)]| {
        let ingress = std::array::from_fn(|class| match specs[class] {
            (0..3, spec) => Some(Ingress::Own(spec)),
            (3, _) => Some(Ingress::Shared(shared.clone())),
            _ => None,
        });
        InterfaceQos { ingress, ..InterfaceQos::default() }
    };
    let both: Vec<_> = own.chunks(CLASSES).map(of).collect();
    let mut policers = Policers::new();
    policers.sync(both.iter().enumerate().map(|(at, qos)| (IfIndex(at as u32), qos)));
    policers
}

fn batch(frames: &[Came], local: bool) -> Batch {
    let mut batch = Batch::new();
    for (interface, class, colour, length) in frames {
        let mut frame = Frame::standard();
        let meta = frame.meta_mut();
        (meta.in_interface, meta.length, meta.layer3) = (IfIndex(*interface), *length, Layer3::Ipv4);
        meta.class = TrafficClass::ALL[*class];
        meta.colour = [Colour::Green, Colour::Yellow, Colour::Red][usize::from(*colour)];
        if local && length % 7 == 0 {
            meta.flags.set(Flags::ORIGINATED);
        } else if local && length % 7 == 1 {
            meta.verdict = Verdict::Drop(DropReason::Runt);
        }
        batch.push(frame).unwrap();
    }
    let (interface, class, ..) = frames[0];
    // As classify says it of frames that are all live and of one interface.
    if !local && frames.iter().all(|frame| frame.0 == interface) {
        let one = frames.iter().all(|frame| frame.1 == class);
        let bytes = frames.iter().map(|frame| u64::from(frame.3)).sum();
        batch.set_alike(Some(Alike {
            layer3: Layer3::Ipv4,
            interface: IfIndex(interface),
            vrf: crate::id::VrfId(0),
            bytes,
            class: one.then_some(TrafficClass::ALL[class]),
            way: None,
        }));
    }
    batch
}

/// Each frame asks the meter of its class.
fn one_by_one(batch: &mut Batch, policers: &mut Policers, now: Time) {
    for frame in batch.live() {
        let meta = frame.meta_mut();
        if meta.flags.has(Flags::ORIGINATED) {
            continue;
        }
        let bytes = u32::from(meta.length);
        if let Some((colour, action)) = policers.meter(meta.in_interface, meta.class, meta.colour, now, bytes)
        {
            act(meta, colour, action);
        }
    }
    policers.settle();
}

/// Frames of a batch, mostly of one interface and often of one class and colour, and how much later they come.
fn frames() -> impl Strategy<Value = (u64, bool, Vec<Came>)> {
    let (interfaces, classes) =
        (prop_oneof![3 => Just(1u32), 1 => Just(2)], prop_oneof![Just(1usize), Just(3), Just(8)]);
    let colours = prop_oneof![2 => Just(1u8), 1 => Just(3)];
    (interfaces, classes, colours).prop_flat_map(|(interfaces, classes, colours)| {
        let frame = (0..interfaces, 0..classes, 0..colours, 60u16..1_500);
        let gap = prop_oneof![0u64..100_000, 0u64..10_000_000];
        (gap, prop::bool::weighted(0.2), prop::collection::vec(frame, 1..=BATCH))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn frames_that_pass_together_are_what_each_would_be(
        own in prop::collection::vec((0u8..5, spec()), 2 * CLASSES),
        shared in spec(),
        batches in prop::collection::vec(frames(), 1..6),
    ) {
        let (mut these, mut those) = (policers(&own, &shared), policers(&own, &shared));
        let mut now = 0;
        for (gap, local, frames) in batches {
            now += gap;
            let (mut one, mut other) = (batch(&frames, local), batch(&frames, local));
            run(&mut one, &mut these, Time(now));
            one_by_one(&mut other, &mut those, Time(now));
            let metas = |batch: &Batch| batch.frames().iter().map(|f| format!("{:?}", f.meta())).collect::<Vec<_>>();
            prop_assert_eq!(metas(&one), metas(&other));
            let unlike = one.frames().iter().any(|frame| {
                frame.meta().verdict != Verdict::Forward || frame.meta().flags.has(Flags::REMARK)
            });
            prop_assert!(!unlike || one.alike().is_none());
        }
        let counts = |policers: &Policers| policers.metered().collect::<Vec<_>>();
        prop_assert_eq!(counts(&these), counts(&those));
    }
}
