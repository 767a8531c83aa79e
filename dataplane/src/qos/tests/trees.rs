//! Several trees of one port, each asked at the same moments: together they are as one.

mod change;
mod order;
mod shares;

use proptest::prelude::*;

use super::*;
use crate::class::TrafficClass::{Imaging, Scavenger, Standard, Voice};
use crate::qos::{Place, RateSpec, SharedRate};
use crate::sync::Arc as Counted;

/// Layer-2 bytes of a full frame, and of one of a call.
const FULL: usize = 1476;
const CALL: usize = 214;

/// Trees, one clock, and which of them is asked first.
struct Trees {
    benches: Vec<Bench>,
    now: u64,
}

impl Trees {
    /// Interface n is in tree n modulo `trees`.
    fn new(trees: usize, rate: u64, interfaces: &[InterfaceQos]) -> Self {
        Self::with_burst(trees, (rate, MS), interfaces)
    }

    fn with_burst(trees: usize, (rate, burst): (u64, u64), interfaces: &[InterfaceQos]) -> Self {
        let shared = Counted::new(SharedRate::default());
        let bench = |tree| {
            let mut bench = Bench::new(0, &[]);
            bench.tree.set_port_burst(burst);
            bench.tree.set_place(Some(Place { shared: shared.clone(), tree, trees }));
            let mine = |(n, qos): (usize, &InterfaceQos)| (n % trees == tree).then(|| Arc::new(qos.clone()));
            bench.sync(rate, &interfaces.iter().enumerate().map(mine).collect::<Vec<_>>());
            bench
        };
        let mut trees = Self { benches: (0..trees).map(bench).collect(), now: 0 };
        trees.set(S);
        trees
    }

    fn set(&mut self, now: u64) {
        self.now = now;
        self.benches.iter_mut().for_each(|bench| bench.now = now);
    }

    fn of(&mut self, site: u32) -> &mut Bench {
        let trees = self.benches.len();
        &mut self.benches[site as usize % trees]
    }

    fn enqueue(&mut self, site: u32, class: TrafficClass, len: usize) -> Option<DropReason> {
        self.of(site).enqueue(site, class, len, 0)
    }

    fn depth(&mut self, site: u32, class: TrafficClass) -> u64 {
        self.of(site).tree.stats(IfIndex(site), class).unwrap().depth.packets
    }

    /// Keeps so many frames waiting.
    fn fill(&mut self, site: u32, class: TrafficClass, frames: u64) {
        for _ in self.depth(site, class)..frames {
            assert_eq!(self.enqueue(site, class, FULL), None);
        }
    }

    /// Asks each for what may leave now, from tree `first` on, until nothing may; `after` sees each that was asked.
    fn ask(&mut self, first: usize, mut after: impl FnMut(&mut Bench)) {
        let trees = self.benches.len();
        // What a tree said before it was asked may be old: others go by it once.
        for _ in 0..1_000 {
            for n in 0..trees {
                let bench = &mut self.benches[(first + n) % trees];
                bench.dequeue(64);
                after(bench);
            }
            if self.next() > self.now {
                return;
            }
        }
        panic!("somebody may send and is never let");
    }

    fn send(&mut self, first: usize) {
        self.ask(first, |_| {});
    }

    /// Sends what may leave now, into `gone` as it leaves.
    fn send_into(&mut self, first: usize, gone: &mut Vec<Gone>) {
        self.ask(first, |bench| gone.append(&mut bench.gone));
    }

    fn next(&self) -> u64 {
        self.benches.iter().map(|bench| bench.tree.next_event(Time(self.now)).0).min().unwrap()
    }

    fn gone(&self) -> Vec<Gone> {
        let mut all: Vec<_> = self.benches.iter().flat_map(|bench| bench.gone.clone()).collect();
        all.sort_by_key(|gone| gone.at);
        all
    }

    /// Runs to `end`, with `refill` before every step.
    fn run(&mut self, end: u64, mut refill: impl FnMut(&mut Self)) {
        let mut first = 0;
        while self.now < end {
            refill(self);
            self.send(first);
            first += 1;
            let next = self.next().min(end);
            assert!(next > self.now, "what may leave has left");
            self.set(next);
        }
    }
}

/// Bytes on the line.
fn wire(gone: &[Gone], mine: impl Fn(&Gone) -> bool) -> u64 {
    gone.iter().filter(|g| g.why.is_none() && mine(g)).map(|g| g.len as u64 + 24).sum()
}

fn unshaped(weight: u32) -> InterfaceQos {
    InterfaceQos { weight, ..plain() }
}

#[test]
fn sites_share_by_weight_whatever_tree_they_are_in() {
    // Eight of weight 1 and 3; the second tree has two of them only, the first six.
    let trees = 2;
    let mut specs = vec![unshaped(1); 12];
    specs[2] = unshaped(3);
    specs[3] = unshaped(3);
    let busy = [0, 1, 2, 3, 4, 6, 8, 10];
    let mut trees = Trees::new(trees, 100_000_000, &specs);
    trees.run(2 * S, |trees| busy.iter().for_each(|site| trees.fill(*site, Standard, 4)));
    let gone = trees.gone();
    let all = wire(&gone, |_| true);
    assert!(all.abs_diff(12_500_000) <= 2_000, "{all} bytes in a second");
    for site in busy {
        let (mine, weight) =
            (wire(&gone, |g| g.interface.0 == site), if (2..4).contains(&site) { 3 } else { 1 });
        let part = 12_500_000 * weight / 12;
        assert!(mine.abs_diff(part) <= part / 200, "site {site}: {mine} of {part}");
    }
}

#[test]
fn a_call_waits_for_one_frame_of_each_tree_and_no_more() {
    for count in 1..5 {
        let mut trees = Trees::new(count, 10_000_000, &vec![unshaped(1); 8]);
        let frame = (FULL as u64 + 24) * 800;
        let (mut tick, mut call) = (0u64, S);
        trees.run(3 * S, |trees| {
            (0..8).for_each(|site| trees.fill(site, Standard, 3));
            if trees.now >= call {
                tick += 1;
                call = S + tick * 7_919_003;
                assert_eq!(trees.enqueue(tick as u32 % 8, Voice, CALL), None);
            }
        });
        let gone = trees.gone();
        let voice: Vec<_> = gone.iter().filter(|g| g.class == Voice).collect();
        assert!(voice.len() > 250 && voice.iter().all(|g| g.why.is_none()));
        let worst = voice.iter().map(|g| g.waited).max().unwrap();
        assert!(worst <= count as u64 * frame, "{count} trees: {worst}");
        let all = wire(&gone, |_| true);
        assert!(all.abs_diff(2_500_000) <= 5_000, "{all} bytes in two seconds");
    }
}

#[test]
fn what_one_tree_leaves_the_others_take() {
    let mut trees = Trees::new(3, 80_000_000, &vec![unshaped(1); 6]);
    trees.run(2 * S, |trees| trees.fill(4, Imaging, 4));
    assert!(wire(&trees.gone(), |_| true).abs_diff(10_000_000) <= 2_000);
    // Data before leftovers, wherever they wait; these go in turn.
    let before = trees.gone().len();
    trees.run(3 * S, |trees| {
        (0..3).for_each(|site| trees.fill(site, Scavenger, 4));
        if trees.now < 2 * S + S / 2 {
            trees.fill(4, Imaging, 4);
        }
    });
    let gone = trees.gone().split_off(before);
    let of = |site, from: u64, to: u64| wire(&gone, |g| g.interface.0 == site && (from..to).contains(&g.at));
    let half = 2 * S + S / 2;
    assert!(of(4, 2 * S, half).abs_diff(5_000_000) <= 6_000);
    for site in 0..3 {
        let rest = of(site, half + 5 * MS, 3 * S - 5 * MS);
        assert!(rest.abs_diff(4_900_000 / 3) <= 10_000, "{rest} of leftovers");
    }
}

#[test]
fn what_sites_are_guaranteed_comes_before_what_others_share() {
    let sure = |rate| InterfaceQos { assured: Some(RateSpec { rate, burst: MS }), ..unshaped(1) };
    let specs = [unshaped(9), sure(30_000_000), sure(20_000_000), unshaped(1)];
    let rates = |count| {
        let mut trees = Trees::new(count, 100_000_000, &specs);
        trees.run(3 * S, |trees| (0..4).for_each(|site| trees.fill(site, Standard, 4)));
        let gone = trees.gone();
        [0, 1, 2, 3].map(|site| wire(&gone, |g| g.interface.0 == site && g.at >= 2 * S) as f64 * 8.0)
    };
    let alone = rates(1);
    for count in 2..5 {
        for (site, rate) in rates(count).into_iter().enumerate() {
            assert!(
                (rate / alone[site] - 1.0).abs() < 0.005,
                "{count} trees, site {site}: {rate} of {alone:?}"
            );
        }
    }
    assert!(alone[1] >= 30e6 && alone[2] >= 20e6, "{alone:?}");
}

#[test]
fn a_tree_that_is_not_asked_holds_nobody_up_and_makes_up_for_nothing_old() {
    let mut trees = Trees::new(2, 80_000_000, &vec![unshaped(1); 2]);
    (0..2).for_each(|site| trees.fill(site, Standard, 4));
    trees.send(0);
    // The other sends the whole rate, a tenth of a millisecond late.
    while trees.now < 2 * S {
        trees.fill(1, Standard, 4);
        trees.benches[1].dequeue(64);
        let now = trees.now + 10_000;
        trees.set(now);
    }
    assert!(wire(&trees.benches[1].gone, |_| true) >= 9_995_000);
    let before = trees.gone().len();
    trees.run(3 * S, |trees| (0..2).for_each(|site| trees.fill(site, Standard, 4)));
    let gone = trees.gone().split_off(before);
    for site in 0..2 {
        let part = wire(&gone, |g| g.interface.0 == site);
        assert!(part.abs_diff(5_000_000) <= 10_000, "site {site} had {part}");
    }
}

#[test]
fn a_port_gets_more_trees_or_one_again_and_its_rate_counts_on() {
    let specs = vec![Some(Arc::new(unshaped(1))); 2];
    let mut bench = Bench::new(8_000_000, &[unshaped(1), unshaped(1)]);
    bench.now = S;
    let shared = Counted::new(SharedRate::default());
    let place = |tree, trees| Some(Place { shared: shared.clone(), tree, trees });
    for turn in 0..6 {
        for _ in 0..4 {
            assert_eq!(bench.enqueue(turn % 2, Standard, 976, 0), None);
        }
        let free = bench.tree.next_event(Time(bench.now));
        bench.tree.set_place(if turn % 2 == 0 { place(0, 2) } else { None });
        bench.sync(8_000_000, &specs);
        assert_eq!(bench.tree.next_event(Time(bench.now)), free);
        bench.run(bench.now + 3 * MS + MS / 2);
    }
    for (n, gone) in bench.gone.iter().enumerate() {
        assert_eq!(gone.at, S + n as u64 * MS, "a frame a millisecond");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Whoever is asked first, and however late: never more than the rate, and no priority frame waits
    /// while there is more of data than a frame of each tree.
    #[test]
    fn no_window_has_more_than_the_rate_and_priority_goes_first(
        count in 1..5usize,
        rate in 1_000_000u64..100_000_000,
        burst in prop_oneof![Just(MS), 10_000u64..5 * MS],
        steps in prop::collection::vec((0..8u32, 0..3usize, 60usize..1515, 0..3usize, 0..400_000u64), 1..80),
    ) {
        let mut trees = Trees::with_burst(count, (rate, burst), &vec![unshaped(1); 8]);
        for (site, class, len, first, wait) in steps {
            trees.enqueue(site, [Voice, Standard, Scavenger][class], len);
            trees.send(first);
            // So late, whether the burst makes up for it or not; or when something is due.
            let next = if wait % 2 == 0 { trees.now + wait } else { trees.next().min(trees.now + wait) };
            trees.set(next);
        }
        trees.send(0);
        let from = trees.gone().len();
        while trees.next() < u64::MAX {
            trees.send(0);
            let next = trees.next().max(trees.now);
            if next < u64::MAX {
                trees.set(next);
            }
        }
        let gone = trees.gone();
        // What is sent once nothing comes any more: priority, then what shares, then leftovers.
        let rest: Vec<_> = gone[from..].iter().map(|g| [Voice, Standard, Scavenger].iter().position(|c| *c == g.class)).collect();
        prop_assert!(rest.is_sorted(), "{:?}", rest);
        for from in 0..gone.len() {
            let mut bytes = 0;
            for to in &gone[from..] {
                bytes += to.len as u64 + 24;
                let most = u128::from(to.at - gone[from].at + burst + count as u64) * u128::from(rate);
                let frames = (count as u128 + 1) * 1_538 * 8_000_000_000;
                prop_assert!(u128::from(bytes) * 8_000_000_000 <= most + frames);
            }
        }
    }
}
