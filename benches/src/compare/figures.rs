//! Least, median and largest of a line's rounds, as JSON and for people.

use std::fmt;

use serde::Serialize;

use super::cpu;

/// Of all rounds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Spread {
    pub(super) min: f64,
    pub(super) median: f64,
    pub(super) max: f64,
}

impl Spread {
    /// Of `values`, of which there is at least one.
    pub(super) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |i: usize| values.get(i).copied().unwrap_or(f64::NAN);
        Self { min: at(0), median: at(values.len() / 2), max: at(values.len().saturating_sub(1)) }
    }

    /// In another unit.
    pub(super) fn times(self, by: f64) -> Self {
        Self { min: self.min * by, median: self.median * by, max: self.max * by }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figure = |n: f64| if n.is_nan() { format!("{:>7}", "-") } else { format!("{n:7.2}") };
        write!(f, "{} {} {}", figure(self.min), figure(self.median), figure(self.max))
    }
}

/// The peer's.
#[derive(Clone, Debug, Serialize)]
pub(super) struct PeerSpread {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) spread: Spread,
}

/// One line.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Compared {
    pub(super) name: String,
    pub(super) unit: &'static str,
    pub(super) ours: Spread,
    pub(super) peer: PeerSpread,
    /// The peer's median by ours; not a number (null as JSON) where no figure of a peer is known.
    pub(super) ratio: f64,
    /// TSC ticks an item.
    pub(super) ours_ticks: Spread,
    pub(super) peer_ticks: Spread,
    /// Dependent additions a TSC tick: how fast the core was.
    pub(super) adds_per_tick: Spread,
    pub(super) ticks_per_ns: f64,
    pub(super) rounds: u8,
    pub(super) core: usize,
    /// Whether the peer's memory is in huge pages; ours is in large ones where the kernel has them.
    pub(super) huge_pages: bool,
    /// Load of the machine, this measurement included, before and after.
    pub(super) load: [f64; 2],
    /// What came out, ours and the peer's, so that both are seen to have done the same.
    pub(super) outcome: [String; 2],
}

/// What a line is, and in what way it was measured.
#[derive(Debug)]
pub(super) struct Measured<'l> {
    pub(super) name: &'l str,
    pub(super) unit: &'static str,
    pub(super) ticks_per_ns: f64,
    /// Dependent additions a TSC tick, by round.
    pub(super) adds: Vec<f64>,
    pub(super) rounds: u8,
    pub(super) core: usize,
    /// Load of the machine before.
    pub(super) before: f64,
}

impl Measured<'_> {
    /// The line: nanoseconds an item, ours and the peer's, and what came out of both.
    pub(super) fn compared(
        self,
        ours: Spread,
        (peer, theirs): (&str, Spread),
        outcome: [String; 2],
    ) -> Compared {
        Compared {
            name: self.name.to_owned(),
            unit: self.unit,
            ours,
            peer: PeerSpread { name: peer.to_owned(), spread: theirs },
            ratio: theirs.median / ours.median,
            ours_ticks: ours.times(self.ticks_per_ns),
            peer_ticks: theirs.times(self.ticks_per_ns),
            adds_per_tick: Spread::of(self.adds),
            ticks_per_ns: self.ticks_per_ns,
            rounds: self.rounds,
            core: self.core,
            huge_pages: false,
            load: [self.before, cpu::load()],
            outcome,
        }
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ticks = format!("{:.1}", self.ours_ticks.median);
        if self.ratio.is_nan() {
            writeln!(f, "{}, {}: no figure of a peer", self.name, self.unit)?;
            writeln!(f, "  viaduct {}   ({})", self.ours, self.outcome[0])?;
        } else {
            writeln!(f, "{}, {}: ratio {:.2}", self.name, self.unit, self.ratio)?;
            writeln!(f, "  viaduct {}   ({})", self.ours, self.outcome[0])?;
            writeln!(f, "  peer    {}   ({})", self.peer.spread, self.outcome[1])?;
            writeln!(f, "          {}", self.peer.name)?;
            ticks += &format!(" by {:.1}", self.peer_ticks.median);
        }
        let [before, after] = self.load;
        let adds = self.adds_per_tick;
        writeln!(
            f,
            "  {} rounds on core {}, ticks: {ticks}, adds a tick: {adds}, load {before} to {after}",
            self.rounds, self.core
        )
    }
}
