//! What sites get of a port whatever trees they are in, and that every byte of it is counted.

use proptest::collection::vec;

use super::super::report::{judge, three};
use super::*;
use crate::class::CLASSES;
use crate::qos::QUANTUM;

const PORT: u64 = 10_000_000;
const TICK: u64 = 5 * MS;
/// Ticks in a window, and in all.
const WINDOW: usize = 14;
const TICKS: usize = 24;

/// Bits on the line by tick.
fn by_tick(gone: &[Gone], site: u32) -> [u64; TICKS] {
    let mut sums = [0; TICKS];
    for gone in gone.iter().filter(|g| g.interface.0 == site) {
        if let Some(sum) = sums.get_mut(((gone.at - S) / TICK) as usize) {
            *sum += (gone.len as u64 + 24) * 8;
        }
    }
    sums
}

#[derive(Clone, Debug)]
enum Step {
    /// Frames of one class for one site.
    Offer(u32, usize, usize, usize),
    Wait(u64),
    /// A site goes to this tree.
    Move(u32, usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..6u32, 0..CLASSES, 40usize..1515, 1usize..6).prop_map(|(s, c, l, n)| Step::Offer(s, c, l, n)),
        4 => (0..3 * MS).prop_map(Step::Wait),
        1 => (0..6u32, 0..4usize).prop_map(|(site, tree)| Step::Move(site, tree)),
    ]
}

/// Trees between which sites go.
struct Movers {
    trees: Trees,
    specs: Vec<Arc<InterfaceQos>>,
    /// The tree of each site.
    home: Vec<usize>,
}

impl Movers {
    fn new(count: usize) -> Self {
        let specs: Vec<_> = (0..6).map(|n| three(20 * MS)[n % 3].clone()).collect();
        let trees = Trees::new(count, 20_000_000, &specs);
        Self {
            trees,
            specs: specs.into_iter().map(Arc::new).collect(),
            home: (0..6).map(|n| n % count).collect(),
        }
    }

    /// As the workers do it: what waits goes to the other tree in order, and the counts too.
    fn go(&mut self, site: u32, to: usize) {
        let from = std::mem::replace(&mut self.home[site as usize], to);
        let mut moved = Vec::new();
        for tree in [to, from] {
            let specs = (0..).map(IfIndex).zip(&self.specs);
            let here = specs.filter(|(id, _)| self.home[id.index()] == tree);
            self.trees.benches[tree].tree.sync(20_000_000, here, &mut moved);
        }
        let (departed, now) = (self.trees.benches[from].tree.take_departed(), Time(self.trees.now));
        let new = &mut self.trees.benches[to].tree;
        for (frame, why) in moved {
            assert_eq!((frame.meta().out_interface.0, why), (site, DropReason::InterfaceGone));
            new.take_over(frame, now).unwrap();
        }
        departed.into_iter().for_each(|departed| new.count_on(departed).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Of any two sites that wait, what each has had by its weight differs by a quantum and a longest frame of each
    /// at the most, be they in one tree or in two.
    #[test]
    fn sites_of_all_trees_share_to_one_quantum(
        count in 1..5usize,
        rate in 5_000_000u64..200_000_000,
        sites in vec((1u32..5, 64usize..1515), 2..7),
    ) {
        let mut trees = Trees::new(count, rate, &sites.iter().map(|site| unshaped(site.0)).collect::<Vec<_>>());
        let mut left: Vec<_> =
            sites.iter().map(|(weight, len)| 4 * QUANTUM as usize * *weight as usize / len + 2).collect();
        for (site, (_, len)) in sites.iter().enumerate() {
            for _ in 0..left[site] {
                prop_assert_eq!(trees.enqueue(site as u32, Imaging, *len), None);
            }
        }
        let (mut gone, mut first) = (Vec::new(), 0);
        while trees.next() < u64::MAX {
            trees.set(trees.next().max(trees.now));
            trees.send_into(first, &mut gone);
            first += 1;
        }
        let mut served = vec![0.0; sites.len()];
        for frame in &gone {
            let site = frame.interface.index();
            left[site] -= 1;
            served[site] += frame.len as f64 / f64::from(sites[site].0);
            if left[site] == 0 {
                break;
            }
            for (a, b) in (0..sites.len()).flat_map(|a| (0..a).map(move |b| (a, b))) {
                let one = |site: usize| sites[site].1 as f64 / f64::from(sites[site].0);
                let apart = (served[a] - served[b]).abs();
                prop_assert!(apart <= QUANTUM as f64 + one(a) + one(b) + 0.001, "{a} {b}: {apart}");
            }
        }
    }

    /// A site that always has something waiting gets what it is sure of, its calls counted to it, in every window of
    /// 70 ms, to what one frame of each site takes, whatever the others send and in whatever trees they are.
    #[test]
    fn every_window_holds_what_was_promised_in_any_tree(
        count in 1..5usize,
        sites in vec((prop_oneof![Just(0u64), 1_200_000u64..2_200_000], 64usize..1515, 1u32..4), 2..5),
        calls in 0u32..3,
    ) {
        let spec = |(rate, _, weight): &(u64, usize, u32)| InterfaceQos {
            assured: (*rate > 0).then_some(RateSpec { rate: *rate, burst: MS }),
            ..unshaped(*weight)
        };
        let mut trees = Trees::new(count, PORT, &sites.iter().map(spec).collect::<Vec<_>>());
        for tick in 0..TICKS {
            for (site, (_, len, _)) in (0..).zip(&sites) {
                let held = |trees: &mut Trees| trees.of(site).tree.stats(IfIndex(site), Imaging).unwrap().depth;
                let held = held(&mut trees);
                let most = PORT * TICK / S / 8 + 2 * 1538;
                for _ in 0..most.saturating_sub(held.bytes + 24 * held.packets).div_ceil(*len as u64 + 24) {
                    prop_assert_eq!(trees.enqueue(site, Imaging, *len), None);
                }
                if tick % 4 == 0 {
                    (0..calls).for_each(|_| _ = trees.enqueue(site, Voice, CALL));
                }
            }
            let end = trees.now + TICK;
            trees.run(end, |_| {});
        }
        let gone = trees.gone();
        let longest: u64 = sites.iter().map(|site| (site.1 as u64 + 24) * 8).sum();
        for (site, (rate, len, _)) in (0..).zip(&sites).filter(|(_, site)| site.0 > 0) {
            let owed = rate * TICK * WINDOW as u64 / S;
            let slack = longest * rate / PORT + (*len as u64 + 24) * 8 * 2;
            prop_assert!(slack * 2 <= owed, "{slack} of {owed} says nothing");
            for (from, window) in by_tick(&gone, site).windows(WINDOW).enumerate() {
                let got: u64 = window.iter().sum();
                prop_assert!(got + slack >= owed, "site {site}: {got} of {owed} from {from}, slack {slack}");
            }
        }
    }

    /// Every byte offered is sent, dropped and held, and counted as its line counts it, while sites go from tree to
    /// tree; and each class of each keeps its order.
    #[test]
    fn every_byte_is_counted_whatever_trees_sites_go_through(count in 2..5usize, steps in vec(step(), 1..50)) {
        let mut movers = Movers::new(count);
        let (mut offered, mut serial) = ([[0u64; CLASSES]; 6], 0);
        for step in steps {
            match step {
                Step::Offer(site, class, len, frames) => {
                    offered[site as usize][class] += frames as u64;
                    let bench = &mut movers.trees.benches[movers.home[site as usize]];
                    for _ in 0..frames {
                        bench.enqueue(site, TrafficClass::ALL[class], len, serial);
                        serial += 1;
                    }
                }
                Step::Wait(time) => {
                    let end = movers.trees.now + time;
                    movers.trees.run(end, |_| {});
                }
                Step::Move(site, tree) if movers.home[site as usize] != tree % count => movers.go(site, tree % count),
                Step::Move(..) => {}
            }
        }
        let gone = movers.trees.gone();
        for (site, spec) in movers.specs.iter().enumerate() {
            let tree = &movers.trees.benches[movers.home[site]].tree;
            for class in TrafficClass::ALL {
                let of = |g: &&Gone| (g.interface.index(), g.class) == (site, class);
                let of: Vec<_> = gone.iter().filter(of).copied().collect();
                let stats = tree.stats(IfIndex(site as u32), class).unwrap();
                judge(&stats, &of, spec, offered[site][class.index()]);
                let sent = of.iter().filter(|g| g.why.is_none()).map(|g| g.serial);
                prop_assert!(sent.is_sorted(), "site {site}, {class}");
            }
        }
    }
}
