//! What match rules cost: none, 1, 51 and 4,096 of them, in the same run, turn by turn. One
//! core, 60-byte frames, the stages from the Ethernet header to the queue; the same
//! frames to 4,096 networks, each of which matches a rule.
//!
//! The figures to hold: 51 rules cost at most 1.5 times what one does, 4,096, whose tables
//! no longer fit the nearest cache, at most 3 times.

use std::time::Instant;

use benches::ways::{self, Way};
use dataplane::packet::BATCH;

/// Turns of each; a turn takes a fraction of a millisecond.
const TURNS: usize = 2_000;
/// Batches of one turn.
const ROUNDS: usize = 40;

/// Nanoseconds per packet of one turn.
fn turn(way: &mut Way) -> f64 {
    let start = Instant::now();
    for _ in 0..ROUNDS {
        way.round();
    }
    start.elapsed().as_nanos() as f64 / (ROUNDS * BATCH) as f64
}

fn median(mut costs: Vec<f64>) -> f64 {
    costs.sort_by(f64::total_cmp);
    costs.get(costs.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() {
    let names = [("no rules", 0), ("1 rule", 1), ("51 rules", 51), ("4,096 rules", 4_096)];
    let mut ways = names.map(|(name, rules)| ways::ruled(name, rules));
    let mut costs = [const { Vec::new() }; 4];
    for _ in 0..TURNS {
        for (way, costs) in ways.iter_mut().zip(&mut costs) {
            costs.push(turn(way));
        }
    }
    // Turn by turn beside the one without rules next to it in time.
    let own = |at: usize| median(costs[at].iter().zip(&costs[0]).map(|(cost, none)| cost - none).collect());
    println!("{:12} {:>12} {:>14} {:>16}", "ns per packet", "all stages", "of the rules", "to one rule");
    for (at, (name, _)) in names.iter().enumerate() {
        let ratio = if at > 0 { format!("{:.2}", own(at) / own(1)) } else { "-".into() };
        println!("{name:12} {:12.2} {:14.2} {ratio:>16}", median(costs[at].clone()), own(at));
    }
}
