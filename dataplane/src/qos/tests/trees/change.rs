//! Ports that get more trees, or a rate, and frames that go to another tree.

use super::*;
use crate::qos::{PolicerSpec, QueueStats, Scheduler, TreeLimits, default_curves};

/// Keeps both sites waiting; each has half the line in every half second.
fn share_evenly(trees: &mut Trees) {
    let at = trees.now;
    for half in 0..4 {
        let from = at + half * S / 2;
        trees.run(from + S / 2, |trees| (0..2).for_each(|site| trees.fill(site, Standard, 4)));
        let gone = trees.gone();
        let of = |site| wire(&gone, |g| g.interface.0 == site && g.at >= from);
        for site in 0..2 {
            assert!(
                of(site).abs_diff(3_125_000) <= 10_000,
                "site {site}: {} in half second {half}",
                of(site)
            );
        }
    }
}

/// One tree of a port, after ten seconds in which it went through many rounds alone.
fn worn(rate: u64) -> Bench {
    let mut bench = Bench::new(rate, &[unshaped(1), unshaped(1)]);
    bench.now = S;
    while bench.now < 11 * S {
        while bench.tree.stats(IfIndex(0), Standard).unwrap().depth.packets < 4 {
            assert_eq!(bench.enqueue(0, Standard, FULL, 0), None);
        }
        bench.dequeue(64);
        bench.now += 100_000;
    }
    bench.run(bench.now + S);
    assert!(bench.tree.held_frames() == 0 && bench.tree.round > 10_000);
    bench.gone.clear();
    bench
}

/// The trees take their seats, the old one before the other or after it; first one of them sends alone.
fn joined(mut old: Bench, rate: u64, old_first: bool, alone: u32) -> Trees {
    let (now, shared) = (old.now, Counted::new(SharedRate::default()));
    let spec = || Some(Arc::new(unshaped(1)));
    let mut fresh = Bench::new(0, &[]);
    fresh.now = now;
    let place = |tree| Some(Place { shared: shared.clone(), tree, trees: 2 });
    let mut seats = [(0, &mut old, [spec(), None]), (1, &mut fresh, [None, spec()])];
    if !old_first {
        seats.reverse();
    }
    for (tree, bench, specs) in seats {
        bench.tree.set_place(place(tree));
        bench.sync(rate, &specs);
    }
    let mut trees = Trees { benches: vec![old, fresh], now };
    trees.set(now);
    trees.run(now + 10 * MS, |trees| trees.fill(alone, Standard, 4));
    trees
}

#[test]
fn a_second_tree_is_in_the_round_of_the_first() {
    for old_first in [true, false] {
        for alone in 0..2 {
            share_evenly(&mut joined(worn(100_000_000), 100_000_000, old_first, alone));
        }
    }
}

#[test]
fn trees_of_a_port_that_gets_a_rate_come_to_the_same_round() {
    for old_first in [true, false] {
        let mut trees = joined(worn(0), 0, old_first, 1);
        trees.benches.iter_mut().for_each(|bench| bench.gone.clear());
        for (tree, bench) in trees.benches.iter_mut().enumerate() {
            let spec = |site| (site == tree).then(|| Arc::new(unshaped(1)));
            bench.sync(100_000_000, &[spec(0), spec(1)]);
        }
        share_evenly(&mut trees);
    }
}

/// Takes all that a tree holds of its sites and gives it to another, as the workers do.
fn move_all(old: &mut Bench, new: &mut Bench) -> usize {
    let mut moved = Vec::new();
    old.tree.sync(0, std::iter::empty(), &mut moved);
    assert_eq!(old.tree.held_frames(), 0);
    new.now = old.now;
    let count = moved.len();
    for (frame, reason) in moved {
        assert_eq!(reason, DropReason::InterfaceGone);
        new.tree.take_over(frame, Time(new.now)).unwrap();
    }
    count
}

/// What came out, in order: serials, and how long each had waited.
fn came(bench: &Bench) -> Vec<(u32, u64)> {
    bench.gone.iter().inspect(|g| assert_eq!(g.why, None)).map(|g| (g.serial, g.waited)).collect()
}

#[test]
fn what_moves_is_policed_once_and_has_waited_since_it_came() {
    for of in [Standard, Voice] {
        // Four times what the interface sends is let in, and far less than waits then at once.
        let mut spec = shaped(500_000, 0);
        class(&mut spec, of).policer = Some(PolicerSpec { rate: 2_000_000, burst: 5 * 238 });
        let run = |moves: bool| {
            let mut bench = Bench::new(0, &[spec.clone()]);
            bench.now = S;
            for n in 0..40 {
                assert_eq!(bench.enqueue(0, of, CALL, n), None);
                bench.run(bench.now + MS);
            }
            if moves {
                let mut new = Bench::new(0, &[spec.clone()]);
                assert!((15..32).contains(&move_all(&mut bench, &mut new)));
                new.gone = bench.gone;
                bench = new;
            }
            bench.run(2 * S);
            came(&bench)
        };
        // What the first tree sent last has not to be waited for in the other.
        let (stays, goes) = (run(false), run(true));
        let serials = |all: &[(u32, u64)]| all.iter().map(|(n, _)| *n).collect::<Vec<_>>();
        assert_eq!(serials(&goes), (0..40).collect::<Vec<_>>());
        assert_eq!(serials(&goes), serials(&stays));
        // A frame, and what calls are sent before their time.
        let most = (238 + 1_538) * 8 * 2_000;
        for (goes, stays) in goes.iter().zip(&stays) {
            assert!(goes.1 <= stays.1 && stays.1 - goes.1 <= most, "{goes:?} {stays:?}");
        }
    }
}

#[test]
fn what_was_counted_in_one_tree_is_counted_on_in_the_next() {
    let mut spec = shaped(500_000, 0);
    class(&mut spec, Standard).policer = Some(PolicerSpec { rate: 600_000, burst: 5 * 238 });
    class(&mut spec, Voice).limit_bytes = 3 * CALL as u32;
    let (mut old, mut new) = (Bench::new(0, &[spec.clone()]), Bench::new(0, &[spec]));
    let shared = Counted::new(SharedRate::default());
    for (tree, bench) in [&mut old, &mut new].into_iter().enumerate() {
        bench.tree.set_place(Some(Place { shared: shared.clone(), tree, trees: 2 }));
    }
    // The next one has counts of its own.
    new.now = S;
    assert_eq!(new.enqueue(0, Standard, CALL, 0), None);
    new.run(2 * S);
    old.now = 2 * S;
    for n in 1..=80 {
        old.run(old.now + MS);
        let (of, frames) = if n % 20 == 0 { (Voice, 6) } else { (Standard, 1) };
        for _ in 0..frames {
            old.enqueue(0, of, CALL, n);
        }
    }
    let of = |bench: &Bench| [Standard, Voice].map(|class| bench.tree.stats(IfIndex(0), class).unwrap());
    let (here, before) = (of(&new), of(&old));
    assert!(before[0].dropped(DropReason::Policed).packets > 5);
    assert!(before[1].dropped(DropReason::QueueBytes).packets > 5);
    assert!(before.iter().all(|queue| queue.sent.packets > 5 && queue.depth.packets > 0));
    let waiting = move_all(&mut old, &mut new);
    let mut departed = old.tree.take_departed();
    assert!(departed.len() == 1 && old.tree.take_departed().is_empty());
    let departed = departed.remove(0);
    let departed = Scheduler::new(0).count_on(departed).unwrap_err();
    new.tree.count_on(departed).unwrap();
    for ((after, before), here) in of(&new).iter().zip(&before).zip(&here) {
        let sum = |of: fn(&QueueStats) -> u64| assert_eq!(of(after), of(before) + of(here));
        sum(|q| q.offered.packets);
        sum(|q| q.offered.bytes);
        sum(|q| q.sent.packets);
        sum(|q| q.sent.bytes);
        sum(|q| q.accounted);
        sum(|q| q.delay.count());
        sum(|q| q.depth.packets);
        sum(|q| q.drops().map(|(_, count)| count.packets).sum());
        sum(|q| q.drops().map(|(_, count)| count.bytes).sum());
        assert_eq!(after.worst.packets, before.worst.packets.max(here.worst.packets));
        assert_eq!(after.delay.max(), before.delay.max().max(here.delay.max()));
    }
    assert_eq!(before.iter().map(|queue| queue.depth.packets as usize).sum::<usize>(), waiting);
}

#[test]
fn what_moves_may_still_wait_too_long() {
    let mut spec = shaped(100_000, 0);
    class(&mut spec, Standard).limit_time = 100 * MS;
    let mut old = Bench::new(0, &[spec.clone()]);
    old.now = S;
    assert_eq!(old.enqueue(0, Standard, CALL, 0), None);
    assert_eq!(old.enqueue(0, Standard, CALL, 1), None);
    old.now += 200 * MS;
    let mut new = Bench::new(0, &[spec]);
    move_all(&mut old, &mut new);
    new.run(2 * S);
    assert!(new.gone.iter().all(|g| g.why == Some(DropReason::QueueTime)) && new.gone.len() == 2);
}

#[test]
fn early_detection_and_bounds_let_in_what_moves() {
    let mut spec = shaped(10_000_000, 0);
    let queue = class(&mut spec, Standard);
    queue.limit_bytes = 1 << 20;
    let (mut old, mut new) = (Bench::new(0, &[spec.clone()]), Bench::new(0, &[spec.clone()]));
    old.now = S;
    for n in 0..400 {
        assert_eq!(old.enqueue(0, Standard, FULL, n), None);
    }
    // The other detects early, holds less in each class, and less in all.
    let mut strict = spec;
    class(&mut strict, Standard).aqm = Aqm::Wred(default_curves(10_000));
    class(&mut strict, Standard).limit_bytes = 100_000;
    new.sync(0, &[Some(Arc::new(strict))]);
    new.tree.set_limits(TreeLimits { frames: 100, bytes: 100_000, ..TreeLimits::default() });
    assert_eq!(move_all(&mut old, &mut new), 400);
    assert_eq!((new.tree.held_frames(), new.tree.held_bytes()), (400, 400 * FULL as u64));
    // They count: nothing else has room until they have gone.
    assert!(new.enqueue(0, Imaging, FULL, 400).is_some());
    new.gone.clear();
    new.run(3 * S);
    assert_eq!(came(&new).into_iter().map(|(n, _)| n).collect::<Vec<_>>(), (0..400).collect::<Vec<_>>());
    assert_eq!(new.enqueue(0, Imaging, FULL, 401), None);
}

#[test]
fn what_moves_wakes_the_tree_and_its_call_goes_first() {
    let mut trees = Trees::new(2, 8_000_000, &[unshaped(1), unshaped(1)]);
    trees.fill(0, Standard, 8);
    trees.send(0);
    let mut old = Bench::new(0, &[unshaped(1), unshaped(1)]);
    old.now = trees.now;
    assert_eq!(old.enqueue(1, Voice, CALL, 7), None);
    move_all(&mut old, &mut trees.benches[1]);
    let end = trees.now + 3 * MS;
    trees.run(end, |_| {});
    let first = trees.gone().into_iter().nth(1).unwrap();
    assert_eq!((first.class, first.serial), (Voice, 7));
}
