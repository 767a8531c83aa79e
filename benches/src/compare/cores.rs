//! Two workers of one router beside two routers of one worker each, at the same time: what
//! workers cost each other, apart from what the cores do that share a physical one.
//!
//! Each worker has ports and trees of its own; in `two-cores-handoff` every frame leaves by the
//! other's. What the in-process lines cost, measured on both cores at once as well, is taken
//! off all figures. A figure is what both cores together take of a frame's time.

use std::num::NonZeroUsize;

use benches::cores::{self, Cores, Loops, Work};

use super::Told;
use super::cpu::{self, Watch};
use super::figures::{Compared, Measured, Spread};
use super::path::ticks_per_ns;

/// Batches of each loop in one repetition.
const TURNS: usize = 1 << 14;

/// Of a cache line, in each round.
const TRIPS: usize = 20_000;

const LINES: [(&str, Work); 3] =
    [("two-cores", Work::Plain), ("two-cores-hqos", Work::Hqos), ("two-cores-handoff", Work::Handed)];

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    LINES.into_iter().map(|(name, _)| name)
}

/// Measures the lines that are wanted; whether there are any.
pub(super) fn run(wanted: &dyn Fn(&str) -> bool, rounds: u8, core: usize, told: &mut Told) -> bool {
    let mut some = false;
    for (name, work) in LINES.into_iter().filter(|(name, _)| wanted(name)) {
        some = true;
        told.tell(name, compared(name, work, rounds, core));
    }
    some
}

/// Nanoseconds a frame, the lines' own taken off.
#[derive(Default)]
struct Rounds {
    two: Vec<f64>,
    apart: Vec<f64>,
    alone: Vec<f64>,
    line: Vec<f64>,
}

fn compared(name: &str, work: Work, rounds: u8, core: usize) -> Result<Compared, String> {
    let (other, ticks, before) = (cpu::beside(core)?, ticks_per_ns()?, cpu::load());
    let one = NonZeroUsize::MIN;
    let (mut both, mut pair) =
        (Cores::new(one.saturating_add(1), work), [(); 2].map(|()| Cores::new(one, apart(work))));
    let (mut took, mut adds) = (Rounds::default(), Vec::new());
    // The first round warms caches, and is forgotten.
    for round in 0..=rounds {
        let speed = cpu::adds_per_ns();
        let on = |loops: Loops<'_>| {
            cores::together(loops, TURNS, |i| pin([core, other][i]), Watch::start, Watch::ns)
        };
        let [lone, lines] = [1, 2].map(|loops| on(cores::lines(loops)));
        let two = on(both.loops());
        let apart = on(pair.iter_mut().flat_map(Cores::loops).collect());
        let alone = on(pair.iter_mut().take(1).flat_map(Cores::loops).collect());
        if round > 0 {
            took.two.push(without(&two, &lines));
            took.apart.push(without(&apart, &lines));
            took.alone.push(without(&alone, &lone));
            took.line.push(cores::there_and_back(TRIPS, |i| pin([core, other][i])));
            adds.push(speed / ticks);
        }
    }
    let Rounds { two, apart, alone, line } = took;
    let [two, apart, alone, line] = [two, apart, alone, line].map(Spread::of);
    let said = |spread: Spread| format!("{:.2} of two that run alone", alone.median / 2.0 / spread.median);
    let far = format!("a cache line there and back in {:.0} ns", line.median);
    let unit = "ns/frame of both cores";
    let line = Measured { name, unit, ticks_per_ns: ticks, adds, rounds, core, before };
    let outcome = [format!("{}; {far}", said(two)), said(apart)];
    Ok(line.compared(two, ("two routers of one worker each, at the same time", apart), outcome))
}

/// What routers of one worker do: all is their own.
fn apart(work: Work) -> Work {
    if work == Work::Handed { Work::Plain } else { work }
}

/// The frame's time on all cores together, that of the lines taken off each.
fn without(loops: &[f64], lines: &[f64]) -> f64 {
    let net: Vec<f64> = loops.iter().zip(lines).map(|(took, line)| took - line).collect();
    cores::shared(&net)
}

fn pin(core: usize) {
    // It has been seen to be there; on one that is not allowed the loops share the others.
    let _ = cpu::pin(core);
}
