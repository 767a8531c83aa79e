//! What labels cost beside plain IPv4: swap, a PE's way in and its way out, in the
//! same run, turn by turn, so that a clock that drifts or a busy neighbour touches
//! all of them alike. One core, 60-byte frames and their labels, the stages from
//! the Ethernet header to the queue; the cost of filling a batch is measured and
//! taken off.
//!
//! The figures to hold: swap at most 0.8, a PE at most 1.3 times plain IPv4.

use std::time::Instant;

use benches::ways::{self, Way};
use dataplane::packet::BATCH;

/// Turns of each way; a turn takes a fraction of a millisecond.
const TURNS: usize = 2_000;
/// Batches of one turn.
const ROUNDS: usize = 40;

/// Nanoseconds per packet of one turn.
fn turn(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..ROUNDS {
        work();
    }
    start.elapsed().as_nanos() as f64 / (ROUNDS * BATCH) as f64
}

fn median(sorted: &[f64]) -> f64 {
    quantile(sorted, 0.5)
}

/// The value that so great a part of the others is below.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let at = (sorted.len() as f64 * part) as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

/// What else the machine did meanwhile: processes that ran or waited, over the last minutes.
fn load() -> String {
    let averages = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    averages.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// Each turn's cost of a way, least first.
fn sorted(mut costs: Vec<f64>) -> Vec<f64> {
    costs.sort_by(f64::total_cmp);
    costs
}

/// What a way cost, turn by turn, in nanoseconds per packet.
#[derive(Default)]
struct Costs {
    fill: Vec<f64>,
    whole: Vec<f64>,
}

impl Costs {
    /// Each turn's cost without the filling, which is the same for all but for noise.
    fn net(&self) -> Vec<f64> {
        let fill = median(&sorted(self.fill.clone()));
        self.whole.iter().map(|whole| whole - fill).collect()
    }

    /// The same at its least.
    fn best(&self) -> f64 {
        let least = |costs: &[f64]| costs.iter().copied().fold(f64::INFINITY, f64::min);
        least(&self.whole) - least(&self.fill)
    }
}

/// Ways of one route or label, and of ten thousand; the first of each is plain IPv4.
fn ways() -> [Vec<Way>; 2] {
    let all = |n| {
        vec![
            ways::ipv4("ipv4", n),
            ways::swap("swap", n),
            ways::push("PE in: push 2", n),
            ways::pop("PE out: pop", n),
        ]
    };
    [all(1), all(10_000)]
}

fn main() {
    let mut all = ways();
    let mut costs = all.each_ref().map(|ways| ways.iter().map(|_| Costs::default()).collect::<Vec<_>>());
    for _ in 0..TURNS {
        for (ways, costs) in all.iter_mut().zip(&mut costs) {
            for (way, costs) in ways.iter_mut().zip(costs) {
                costs.fill.push(turn(|| way.fill()));
                costs.whole.push(turn(|| way.round()));
            }
        }
    }
    println!("load {}; the ratio: quartiles and median of {TURNS} turns", load());
    println!("{:32} {:>8} {:>8}   {:>20}", "ns per packet", "best", "median", "to ipv4");
    for ((ways, costs), of) in all.iter().zip(&costs).zip(["1 route or label", "10k"]) {
        let plain = costs.first().map(Costs::net).unwrap_or_default();
        for (way, costs) in ways.iter().zip(costs) {
            // Turn by turn beside the plain one next to it in time.
            let net = costs.net();
            let ratio = sorted(net.iter().zip(&plain).map(|(cost, plain)| cost / plain).collect());
            let name = format!("{}, {of}", way.name);
            let [low, mid, high] = [0.25, 0.5, 0.75].map(|part| quantile(&ratio, part));
            let (best, net) = (costs.best(), median(&sorted(net)));
            println!("{name:32} {best:8.2} {net:8.2}   {low:6.2} {mid:6.2} {high:6.2}");
        }
    }
}
