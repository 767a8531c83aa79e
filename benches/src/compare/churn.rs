//! Changes of a million routes while a worker on the other core forwards at four fifths of what it could
//! beside them: what a change takes, and packets lost.
//!
//! What it could is measured in turn, with the same changes. The changes are committed as the control
//! side's are, singly or 100 or 1,000 in a generation.

use benches::churn::{Churn, Ran};

use super::Told;
use super::cpu;
use super::figures::{Compared, Measured, Spread};
use super::path::ticks_per_ns;

/// Changes of one repetition.
const CHANGES: u64 = 100_000;
/// Of what it could, the part that is forwarded.
const PART: f64 = 0.8;

const LINES: [(&str, u64); 3] =
    [("change-forwarding-1", 1), ("change-forwarding-100", 100), ("change-forwarding-1000", 1_000)];

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    LINES.into_iter().map(|(name, _)| name)
}

/// Measures the lines that are wanted; whether there are any.
pub(super) fn run(wanted: &dyn Fn(&str) -> bool, rounds: u8, core: usize, told: &mut Told) -> bool {
    let lines: Vec<_> = LINES.into_iter().filter(|(name, _)| wanted(name)).collect();
    let mut churn = (!lines.is_empty()).then(|| Churn::new(1_000_000));
    for (name, together) in &lines {
        let Some(churn) = &mut churn else { continue };
        told.tell(name, compared(name, *together, churn, rounds, core));
    }
    !lines.is_empty()
}

fn compared(
    name: &str,
    together: u64,
    churn: &mut Churn,
    rounds: u8,
    core: usize,
) -> Result<Compared, String> {
    let (other, ticks, before) = (cpu::beside(core)?, ticks_per_ns()?, cpu::load());
    let (mut ran, mut adds): (Vec<Ran>, Vec<f64>) = Default::default();
    // What it could at the least: the cores' speed differs from round to round.
    let mut slowest: f64 = 0.0;
    // The first round warms caches, and is forgotten.
    for round in 0..=rounds {
        let speed = cpu::adds_per_ns();
        slowest = slowest.max(churn.run(CHANGES / 2, together, other, None).packet);
        let took = churn.run(CHANGES, together, other, Some(slowest / PART));
        if round > 0 {
            ran.push(took);
            adds.push(speed / ticks);
        }
    }
    let spread = |of: fn(&Ran) -> f64| Spread::of(ran.iter().map(of).collect());
    let (change, packet) = (spread(|ran| ran.change), spread(|ran| ran.packet));
    let sum = |of: fn(&Ran) -> u64| ran.iter().map(of).sum::<u64>();
    let outcome = format!(
        "{:.0} thousand a second at {:.2} Mpps; of {} packets {} dropped; {} more than the line holds came behind a long \
         turn, {} while the core was away, {} as it was slower than before, in {} of the rounds; longest turn {:.0} µs, time \
         between two {:.0} µs",
        1e6 / change.median,
        1e3 / packet.median,
        sum(|ran| ran.sent),
        sum(|ran| ran.dropped),
        sum(|ran| ran.late),
        sum(|ran| ran.away),
        sum(|ran| ran.slow),
        sum(|ran| u64::from(ran.dropped + ran.late + ran.away + ran.slow > 0)),
        spread(|ran| ran.longest[0] / 1e3).max,
        spread(|ran| ran.longest[1] / 1e3).max
    );
    let none = Spread::of(Vec::new());
    let unit = "ns/change";
    let line = Measured { name, unit, ticks_per_ns: ticks, adds, rounds, core, before };
    Ok(line.compared(change, ("nothing was measured", none), [outcome, String::new()]))
}
