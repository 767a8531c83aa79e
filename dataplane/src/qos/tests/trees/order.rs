//! Who goes first among trees, and that the line is never idle beside what may leave.

use super::*;

#[test]
fn priority_of_a_third_tree_does_not_upset_the_turns_of_two() {
    let sure = InterfaceQos { assured: Some(RateSpec { rate: 40_000_000, burst: MS }), ..unshaped(1) };
    for (class, spec) in [(Scavenger, unshaped(1)), (Standard, sure)] {
        let mut trees = Trees::new(3, 100_000_000, &[spec.clone(), spec, unshaped(1)]);
        let mut last = 0;
        trees.run(2 * S, |trees| {
            (0..2).for_each(|site| trees.fill(site, class, 4));
            let sent = trees.benches[0].gone.len() + trees.benches[1].gone.len();
            // A call between any two frames of data.
            if sent > last {
                last = sent;
                assert_eq!(trees.enqueue(2, Voice, CALL), None);
            }
        });
        let gone = trees.gone();
        let [one, other] = [0, 1].map(|site| wire(&gone, |g| g.interface.0 == site));
        assert!(one.abs_diff(other) <= 3_000 && one > 5_000_000, "{class:?}: {one} and {other}");
    }
}

#[test]
fn nothing_goes_past_the_tree_of_a_port_whose_rate_is_shared() {
    let shared = Trees::new(2, 100_000_000, &[unshaped(1), unshaped(1)]);
    let free = Trees::new(2, 0, &[unshaped(1), unshaped(1)]);
    for site in 0..2 {
        assert!(!shared.benches[site].tree.lets_pass(IfIndex(site as u32), Standard, Time(S)));
        assert!(free.benches[site].tree.lets_pass(IfIndex(site as u32), Standard, Time(S)));
    }
}

/// A frame that comes: site, class, bytes; who is asked first; how long nobody is asked, in parts of
/// what a tree is waited for.
type Step = (u32, usize, usize, usize, u64);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((0..8u32, 0..4usize, 60usize..1515, 0..4usize, 0..5u64), 1..120)
}

const CLASSES: [TrafficClass; 4] = [Voice, Imaging, Standard, Scavenger];

/// The most frames of data that left between a call's coming, when so many had left, and its leaving.
fn overtaken(gone: &[Gone], found: &[usize]) -> usize {
    let calls = gone.iter().enumerate().filter(|(_, g)| g.class == Voice);
    let data = |(at, call): (usize, &Gone)| {
        gone[found[call.serial as usize]..at].iter().filter(|g| g.class != Voice).count()
    };
    calls.map(data).max().unwrap_or(0)
}

/// 10⁻⁹ bit of so many frames of so many bytes together.
fn bits(frames: usize, bytes: u64) -> u128 {
    (u128::from(bytes) + frames as u128 * 24) * 8_000_000_000
}

impl Trees {
    fn waits(&self) -> u128 {
        self.benches.iter().map(|b| bits(b.tree.held_frames(), b.tree.held_bytes())).sum()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Asked one after the other, none later than the others wait for it: no data goes before a call
    /// that has come, in whatever tree, and the line sends without a gap while anything waits.
    #[test]
    fn calls_go_before_data_of_all_trees_and_the_line_is_never_idle(
        count in 1..5usize,
        rate in 1_000_000u64..100_000_000,
        shapes in prop::collection::vec((1..4u32, prop::option::of(100_000u64..10_000_000)), 8),
        steps in steps(),
    ) {
        let site = |(weight, sure): &(u32, Option<u64>)| {
            InterfaceQos { assured: sure.map(|rate| RateSpec { rate, burst: MS }), ..unshaped(*weight) }
        };
        let mut trees = Trees::new(count, rate, &shapes.iter().map(site).collect::<Vec<_>>());
        let (mut gone, mut found) = (Vec::new(), Vec::new());
        // Until when the line sends what has come, if it never waits.
        let mut busy = 0;
        let mut steps = steps.into_iter();
        loop {
            let (mut first, mut next) = (0, trees.next());
            if let Some((site, class, len, asked, wait)) = steps.next() {
                let serial = found.len() as u32;
                found.push(gone.len());
                prop_assert_eq!(trees.of(site).enqueue(site, CLASSES[class], len, serial), None);
                busy = bits(1, len as u64) + u128::max(busy, u128::from(trees.now) * u128::from(rate));
                trees.send_into(asked, &mut gone);
                (first, next) = (asked + 1, trees.now + wait * 24_000);
            }
            if next == u64::MAX {
                break;
            }
            trees.set(next);
            trees.send_into(first, &mut gone);
            let (waits, now) = (trees.waits(), u128::from(trees.now) * u128::from(rate));
            // Each tree may owe a part of a nanosecond of what came before the line was idle.
            let parts = count as u128 * u128::from(rate);
            prop_assert!(waits == 0 || busy - waits + parts > now, "the line is idle");
        }
        prop_assert_eq!(gone.len(), found.len());
        prop_assert_eq!(overtaken(&gone, &found), 0);
    }
}
