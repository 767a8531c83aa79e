//! The queues of flows: who has one, who shares, and for how long.

use super::*;
use crate::class::TrafficClass::{Imaging, Standard};
use crate::qos::{CodelSpec, TreeLimits};

const FULL: usize = 1514;

#[test]
fn flows_beyond_the_pool_share_queues() {
    let mut qos = shaped(10_000_000, 0);
    class(&mut qos, Standard).flows = 1024;
    let mut bench = Bench::new(0, &[qos]);
    bench.tree.set_limits(TreeLimits { flows: 4, ..TreeLimits::default() });
    (0..200).for_each(|n| assert_eq!(bench.enqueue_flow(0, Standard, 100, (n, n * 20_000_001)), None));
    assert_eq!(bench.tree.room.flows.used(), 4);
    bench.run(S);
    assert_eq!((bench.gone.len(), bench.tree.room.flows.used()), (200, 0));
    // Two beyond, of which one is long: the other's queue is another's.
    (0..8).for_each(|n| _ = bench.enqueue_flow(0, Standard, FULL, (0, n)));
    (0..100).for_each(|_| _ = bench.enqueue_flow(0, Standard, FULL, (1, 99)));
    bench.enqueue_flow(0, Standard, FULL, (2, 100));
    bench.run(2 * S);
    let place = bench.gone.iter().skip(200).position(|gone| gone.serial == 2);
    assert_eq!((bench.gone.len(), place), (309, Some(9)));
}

/// A moment of more flows than there are queues for, beside one that sends more than its part all the time.
#[test]
fn flows_are_kept_apart_again_after_a_crowd() {
    // The thin flows' hashes end as the heavy one's does, and otherwise.
    for (crowd, thin) in [(0, 7), (1_100, 7), (1_100, 111 + 32), (4_000, 111 + 64), (4_000, 9)] {
        let mut qos = shaped(20_000_000, 0);
        (class(&mut qos, Standard).flows, class(&mut qos, Standard).limit_bytes) = (1024, 1 << 20);
        class(&mut qos, Standard).aqm = Aqm::Codel(CodelSpec::default());
        let mut bench = Bench::new(0, &[qos]);
        // The heavy flow is in the crowd.
        for n in 0..crowd {
            let hash = if n % 10 == 9 { 111 } else { 0x9000_0000 + n * 7919 };
            bench.enqueue_flow(0, Standard, 74, (2, hash));
        }
        let mut order = 3;
        for tick in 0..4_000 {
            bench.run(tick * MS);
            for _ in 0..3 {
                bench.enqueue_flow(0, Standard, FULL, (order, 111));
                order += 1;
            }
            if tick % 20 == 0 {
                bench.enqueue_flow(0, Standard, 200, (1, thin));
            }
        }
        let sent = || bench.gone.iter().filter(|gone| gone.why.is_none());
        let waits = sent().filter(|gone| gone.serial == 1 && gone.at > S).map(|gone| gone.waited);
        // Two full frames, as where there was no crowd.
        assert!(waits.max().unwrap() <= 2 * 615_200, "{crowd} flows, {thin}");
        let heavy: Vec<_> = sent().filter(|gone| gone.serial > 2).map(|gone| gone.serial).collect();
        assert!(heavy.len() > 5_000 && heavy.is_sorted());
    }
}

/// The queue that was a class's longest may be another's by now: its frames make way for nobody else's.
#[test]
fn a_queue_that_was_given_back_makes_no_way() {
    let spec = |keep: bool| {
        let mut qos = shaped(10_000_000, 0);
        for class in &mut qos.classes[5..7] {
            class.aqm = Aqm::Codel(CodelSpec::default());
            (class.flows, class.limit_bytes) = (if keep { 4 } else { 0 }, 3_000);
        }
        qos.classes[6].limit_bytes = 30_000;
        Some(Arc::new(qos))
    };
    let mut bench = Bench::new(0, &[]);
    bench.sync(0, &[spec(true)]);
    // No flow finds room: those of a class share.
    bench.tree.set_limits(TreeLimits { flows: 0, ..TreeLimits::default() });
    let (imaging, standard) = (TrafficClass::ALL[5], TrafficClass::ALL[6]);
    bench.enqueue_flow(0, imaging, 1_000, (0, 1));
    bench.run(S);
    bench.sync(0, &[spec(false)]);
    bench.sync(0, &[spec(true)]);
    let mut offer = |class, len, n| bench.enqueue_flow(0, class, len, (n, class as u32));
    assert!((1..7).all(|n| offer(standard, 1_500, n).is_none()));
    assert!((7..37).all(|n| offer(imaging, 100, n).is_none()));
    assert_eq!(offer(imaging, 100, 37), Some(DropReason::QueueBytes));
    assert_eq!(bench.gone.last().map(|gone| gone.serial), Some(37));
    bench.run(2 * S);
    assert_eq!(bench.gone.iter().filter(|gone| gone.why.is_none()).count(), 37);
}

/// A flood of flows that find a class full opens no queues, and leaves those there are to others.
#[test]
fn what_is_refused_opens_no_queue() {
    let mut qos = shaped(10_000_000, 0);
    let imaging = class(&mut qos, Imaging);
    (imaging.aqm, imaging.flows, imaging.limit_bytes) = (Aqm::Tail, 64, 3_000);
    let mut bench = Bench::new(0, &[qos]);
    assert!((0..30).all(|n| bench.enqueue_flow(0, Imaging, 100, (n, n)).is_none()));
    let used = bench.tree.room.flows.used();
    for n in 30..1_000 {
        assert_eq!(bench.enqueue_flow(0, Imaging, 100, (n, n)), Some(DropReason::QueueBytes));
    }
    assert_eq!((used, bench.tree.room.flows.used()), (30, 30));
}

/// Other sites' flows take what is common of the pool, and no more: a site with its part of it keeps flows apart.
#[test]
fn each_site_has_a_part_of_the_pool() {
    let mut qos = shaped(20_000_000, 0);
    (class(&mut qos, Standard).flows, class(&mut qos, Standard).limit_bytes) = (1024, 1 << 20);
    let mut bench = Bench::new(0, &vec![qos; 8]);
    bench.tree.set_limits(TreeLimits { flows: 64, ..TreeLimits::default() });
    for tick in 0..1_000 {
        bench.run(tick * MS);
        // The other seven have more flows all the time than there are queues.
        for n in 0..if tick == 0 { 700 } else { 28 } {
            bench.enqueue_flow(1 + n % 7, Standard, 700, (0, n * 7919 + tick as u32 * 65_537));
        }
        (0..3).for_each(|_| _ = bench.enqueue_flow(0, Standard, FULL, (1, 111)));
        if tick % 20 == 0 {
            // One of the other three that it is sure of ends as the heavy one's does.
            (0..3).for_each(|n| _ = bench.enqueue_flow(0, Standard, 200, (2, 111 + 32 + n)));
        }
    }
    let used = bench.tree.room.flows.used();
    let waits = bench.gone.iter().filter(|gone| gone.serial == 2).map(|gone| gone.waited);
    // Two full frames, and two of its like.
    assert!(waits.clone().count() >= 147 && waits.max().unwrap() <= 2 * 615_200 + 3 * 89_600);
    assert!(used > 50, "{used} in use");
}
