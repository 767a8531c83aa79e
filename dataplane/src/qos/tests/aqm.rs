//! Queues that tell their senders: controlled delay, flow queues, early detection.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::class::Colour;
use crate::class::TrafficClass::{Imaging, Standard};
use crate::qos::{CodelSpec, TreeLimits, WredCurve};

const FULL: usize = 1514;

fn codel(flows: u16) -> InterfaceQos {
    let mut qos = shaped(10_000_000, 0);
    (class(&mut qos, Imaging).aqm, class(&mut qos, Imaging).flows) =
        (Aqm::Codel(CodelSpec::default()), flows);
    qos
}

fn counts(bench: &Bench, of: TrafficClass) -> crate::qos::QueueStats {
    bench.tree.stats(IfIndex(0), of).unwrap()
}

/// Bytes sent by flow, the flow being the serial of the frame.
fn by_flow(bench: &Bench, from: u64) -> BTreeMap<u32, usize> {
    let mut bytes = BTreeMap::new();
    for gone in bench.gone.iter().filter(|g| g.why.is_none() && g.at >= from) {
        *bytes.entry(gone.serial).or_default() += gone.len;
    }
    bytes
}

#[test]
fn a_standing_queue_is_drained_to_the_target() {
    // A sender that halves its window when a frame of it is dropped, and adds a frame to it every round trip.
    let mut bench = Bench::new(0, &[codel(0)]);
    let (mut window, mut seen, mut waits) = (40.0f64, 0, Vec::new());
    for tick in 0..20_000 {
        bench.run(tick * MS);
        let stats = counts(&bench, Imaging);
        let dropped = stats.dropped(DropReason::Codel).packets;
        if dropped > seen {
            (window, seen) = ((window / 2.0).max(2.0), dropped);
        } else if tick % 20 == 0 {
            window += 1.0;
        }
        while counts(&bench, Imaging).depth.packets < window as u64 {
            bench.enqueue(0, Imaging, FULL, 0);
        }
    }
    waits.extend(bench.gone.iter().filter(|g| g.why.is_none() && g.at > 2 * S).map(|g| (g.at, g.waited)));
    // In every two seconds, the least wait of some interval is below the target: no queue stands.
    let target = 7_382_400;
    for start in (2..18).map(|s| s * S) {
        let within = waits.iter().filter(|(at, _)| (start..start + 2 * S).contains(at));
        assert!(within.map(|(_, waited)| *waited).min().unwrap() <= target);
    }
    let mut all: Vec<_> = waits.iter().map(|(_, waited)| *waited).collect();
    all.sort_unstable();
    assert!(all[all.len() / 2] < 4 * target, "half waited {} ns", all[all.len() / 2]);
    let sent: usize = waits.len();
    assert!(sent as u64 * 1538 * 8 > 17_900_000 * 98 / 100, "the line is kept busy: {sent}");
}

#[test]
fn one_flow_among_a_hundred_gets_its_part_to_a_quantum() {
    let mut qos = shaped(100_000_000, 0);
    class(&mut qos, Standard).flows = 1024;
    class(&mut qos, Standard).limit_bytes = 16 << 20;
    let mut bench = Bench::new(0, &[qos]);
    // The first sends little, the others all they can.
    for round in 0..40 {
        for flow in 0..100u32 {
            let len = if flow == 0 { 400 } else { FULL };
            bench.enqueue_flow(0, Standard, len, (flow, flow.wrapping_mul(42_000_000)));
        }
        if round % 4 == 0 {
            bench.run(bench.now + MS);
        }
    }
    bench.run(bench.now + 200 * MS);
    assert!(counts(&bench, Standard).depth.packets > 0);
    let bytes = by_flow(&bench, 0);
    let fair: Vec<_> = bytes.iter().filter(|(flow, _)| **flow != 0).map(|(_, bytes)| *bytes).collect();
    let (least, most) = (fair.iter().min().unwrap(), fair.iter().max().unwrap());
    assert!(most - least <= 2 * FULL, "{least} {most}");
    assert_eq!(bytes[&0], 40 * 400, "what sends less than its part waits for none of it");
}

#[test]
fn a_flow_that_begins_goes_before_a_hundred_that_stand() {
    let mut qos = shaped(100_000_000, 0);
    class(&mut qos, Standard).flows = 1024;
    let mut bench = Bench::new(0, &[qos]);
    (0..600).for_each(|n| _ = bench.enqueue_flow(0, Standard, FULL, (n % 100, (n % 100) * 42_000_000)));
    bench.run(20 * MS);
    bench.enqueue_flow(0, Standard, 100, (777, 0xffff_0000));
    bench.run(bench.now + 2 * 123_040);
    assert!(bench.gone.iter().any(|g| g.serial == 777), "it waited for a frame or two only");
}

#[test]
fn a_full_class_takes_room_from_its_longest_flow() {
    let mut qos = shaped(8_000, 0);
    (class(&mut qos, Standard).flows, class(&mut qos, Standard).limit_bytes) = (16, 15_140);
    let mut bench = Bench::new(0, &[qos]);
    (0..10).for_each(|_| assert_eq!(bench.enqueue_flow(0, Standard, FULL, (1, 0)), None));
    // Another flow's frames come in; the long one loses its oldest.
    assert_eq!(bench.enqueue_flow(0, Standard, 500, (2, 1 << 31)), Some(DropReason::QueueBytes));
    assert_eq!(bench.gone.last().map(|g| (g.serial, g.len)), Some((1, FULL)));
    let stats = counts(&bench, Standard);
    assert_eq!((stats.offered.packets, stats.depth.packets, stats.depth.bytes), (11, 10, 9 * 1514 + 500));
    // The long flow itself is refused.
    (0..2).for_each(|_| assert_eq!(bench.enqueue_flow(0, Standard, 500, (2, 1 << 31)), None));
    assert_eq!(bench.enqueue_flow(0, Standard, FULL, (1, 0)), Some(DropReason::QueueBytes));
    assert_eq!(bench.gone.last().map(|g| (g.serial, g.waited)), Some((1, 0)));
}

#[test]
fn flows_below_labels_are_kept_apart() {
    let mut qos = shaped(100_000_000, 0);
    class(&mut qos, Standard).flows = 1024;
    let mut bench = Bench::new(0, &[qos]);
    for round in 0..3 {
        for port in 0..20u16 {
            assert_eq!(bench.enqueue_labelled(0, Standard, (port, round * 100 + u32::from(port))), None);
        }
    }
    assert_eq!(bench.tree.room.flows.used(), 20);
    bench.run(S);
    let order: Vec<_> = bench.gone.iter().take(20).map(|g| g.serial).collect();
    assert_eq!(order, (0..20).collect::<Vec<_>>(), "each flow its turn");
}

/// A class with early detection, green from 30 to 60 kB, red from 10 to 20.
fn wred(ecn: bool) -> InterfaceQos {
    let mut qos = shaped(10_000_000, 0);
    let curve = |from, to| WredCurve { from, to, percent: 10 };
    let curves = [curve(30_000, 60_000), curve(20_000, 40_000), curve(10_000, 20_000)];
    (class(&mut qos, Imaging).aqm, class(&mut qos, Imaging).ecn) = (Aqm::Wred(curves), ecn);
    qos
}

#[test]
fn red_is_dropped_early_and_green_is_not() {
    let mut bench = Bench::new(0, &[wred(false)]);
    let mut lost = [0; 3];
    for n in 0..40_000u32 {
        // 25 kB stand.
        bench.run(u64::from(n) * 400_000);
        let colour = [Colour::Green, Colour::Red][n as usize % 2];
        while counts(&bench, Imaging).depth.bytes < 25_000 {
            if bench.enqueue_coloured(0, Imaging, 500, colour) == Some(DropReason::Wred) {
                lost[colour as usize] += 1;
                break;
            }
        }
    }
    assert_eq!(lost[0], 0);
    assert!(lost[2] > 1_000, "{lost:?}");
    let counted = counts(&bench, Imaging).dropped(DropReason::Wred).packets;
    assert_eq!(counted, lost[2]);
}

#[test]
fn packets_whose_ends_know_ecn_are_marked_and_not_dropped() {
    for ect in [false, true] {
        let mut qos = codel(0);
        class(&mut qos, Imaging).ecn = true;
        let mut bench = Bench::new(0, &[qos]);
        bench.ect = ect;
        for tick in 0..5_000 {
            bench.run(tick * MS);
            while counts(&bench, Imaging).depth.packets < 30 {
                bench.enqueue(0, Imaging, FULL, 0);
            }
        }
        let stats = counts(&bench, Imaging);
        let (marked, dropped) = (stats.marked.packets, stats.dropped(DropReason::Codel).packets);
        assert_eq!((marked > 100, dropped > 100), (ect, !ect), "{marked} {dropped}");
        assert!(bench.ce == marked, "{} {marked}", bench.ce);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Offer(usize, usize, u32),
    Wait(u64),
    Change(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (5usize..8, 40usize..1515, 0u32..6).prop_map(|(class, len, flow)| Step::Offer(class, len, flow)),
        3 => (0..30 * MS).prop_map(Step::Wait),
        1 => any::<bool>().prop_map(Step::Change),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Whatever comes and however the queues are arranged meanwhile: offered is sent, dropped
    /// and held; each flow keeps its order; the line never rests while a frame waits; and no
    /// queue of a flow is left behind.
    #[test]
    fn every_frame_of_every_flow_is_accounted_for(
        steps in vec(step(), 1..80),
        limit in 1_514u32..20_000,
        interval in MS..50 * MS,
    ) {
        let spec = |keep: bool| {
            let mut qos = shaped(10_000_000, 0);
            for class in &mut qos.classes[5..7] {
                class.aqm = Aqm::Codel(CodelSpec { target: MS, interval });
                (class.flows, class.limit_bytes) = (if keep { 4 } else { 0 }, limit);
            }
            Some(Arc::new(qos))
        };
        let mut bench = Bench::new(0, &[]);
        bench.sync(0, &[spec(true)]);
        bench.tree.set_limits(TreeLimits { flows: 5, ..TreeLimits::default() });
        let (mut serial, mut flow_of) = (0, Vec::new());
        for step in steps {
            match step {
                Step::Offer(class, len, flow) => {
                    flow_of.push((class, flow));
                    bench.enqueue_flow(0, TrafficClass::ALL[class], len, (serial, flow.wrapping_mul(0x2468_ace1)));
                    serial += 1;
                }
                Step::Wait(time) => bench.run(bench.now + time),
                Step::Change(keep) => bench.sync(0, &[spec(keep)]),
            }
            let held = bench.tree.held_frames();
            prop_assert_eq!(held + bench.gone.len(), serial as usize);
            let idle = bench.tree.next_event(Time(bench.now)) == Time::NEVER;
            prop_assert_eq!(idle, held == 0);
        }
        bench.run(bench.now + 10 * S);
        prop_assert_eq!((bench.tree.held_frames(), bench.gone.len()), (0, serial as usize));
        prop_assert_eq!(bench.tree.room.flows.used(), 0);
        let mut last = BTreeMap::new();
        for gone in bench.gone.iter().filter(|g| g.why.is_none()) {
            let before = last.insert(flow_of[gone.serial as usize], gone.serial);
            prop_assert!(before.is_none_or(|before| before < gone.serial));
        }
        for (_, _, stats) in bench.tree.stats_iter() {
            let dropped: u64 = stats.drops().map(|(_, count)| count.packets).sum();
            prop_assert_eq!(stats.offered.packets, stats.sent.packets + dropped);
        }
    }

    /// Flows that all have something waiting get the same to a quantum and a frame.
    #[test]
    fn flows_share_to_one_quantum(longest in vec(64usize..1515, 2..12), seed in vec(0usize..1515, 200)) {
        let mut qos = shaped(10_000_000, 0);
        (class(&mut qos, Standard).flows, class(&mut qos, Standard).limit_bytes) = (1024, 16 << 20);
        let (mut bench, flows) = (Bench::new(0, &[qos]), longest.len() as u32);
        for (n, len) in seed.iter().enumerate() {
            let flow = n as u32 % flows;
            let len = 40 + len % (longest[flow as usize] - 39);
            bench.enqueue_flow(0, Standard, len, (flow, flow.wrapping_mul(357_000_000)));
        }
        let mut left = vec![0; flows as usize];
        (0..seed.len()).for_each(|n| left[n % flows as usize] += 1);
        bench.run(10 * S);
        let mut served = vec![0usize; flows as usize];
        for gone in &bench.gone {
            let flow = gone.serial as usize;
            (left[flow], served[flow]) = (left[flow] - 1, served[flow] + gone.len);
            if left.contains(&0) {
                break;
            }
            let (least, most) = (served.iter().min().unwrap(), served.iter().max().unwrap());
            prop_assert!(most - least <= 1514 + 1514, "{:?}", served);
        }
    }
}
