//! A class's way: through its own site's shaper and queues, and between other sites on
//! the line.
//!
//! A frame waits for its site's shaper, or, where that lets it, for the line. The first
//! is no longer than the site alone would make it wait: each byte sent makes so much
//! debt. The second is what the other sites send meanwhile; and each time that the
//! shaper's bucket fills up beside a busy line, one frame of another site that has begun,
//! with one more for each further scheduler tree of the port.

use super::curve::{Arrival, Service, bytes, time};
use super::site::Load;

/// Times that the bound is worked out again.
const ROUNDS: usize = 64;
/// Nanoseconds that are as good as no bound: an hour.
const NEVER: u64 = 3_600_000_000_000;

/// What serves a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// Its site.
    pub(super) site: Service,
    /// The line, where the site has others beside it.
    pub(super) line: Option<Line>,
}

/// A line between sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Bit/s.
    pub(super) rate: u64,
    /// What of other sites can go before, whatever the order; `None` where that leaves nothing.
    pub(super) before: Option<Arrival>,
    /// The longest frame of another site, and one of each further tree of the port, bytes.
    pub(super) begun: u64,
    /// What turns give the site: what it is guaranteed, and its share.
    pub(super) turns: [Option<Turns>; 2],
    /// Nanoseconds in which the site's bucket fills up.
    pub(super) full: u64,
}

/// A site that is given turns on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turns {
    /// What the class is served when its site is at `rate`.
    pub(super) site: Service,
    /// Bit/s of the line.
    pub(super) rate: u64,
    /// Nanoseconds that it waits once: for what others have saved up, and for its first turn.
    pub(super) once: u64,
    /// Nanoseconds that it waits each time that a frame of another has begun.
    pub(super) again: u64,
}

impl Line {
    /// Bit/s that the class is sure of, whose site alone serves it `site`.
    fn sure(self, site: Service) -> u64 {
        let between = self.before.map_or(0, |before| (self.rate - before.rate).min(site.rate));
        self.turns.iter().flatten().map(|turns| turns.site.rate).fold(between, u64::max).min(site.rate)
    }

    /// How often a wait of the line may begin, in so many nanoseconds.
    fn begins(self, within: u64) -> u64 {
        1 + within / self.full.max(1)
    }

    /// The wait of what its site alone makes wait for `own`, with the others between:
    /// the longest for which there is enough before it.
    fn between(self, own: u64) -> Option<u64> {
        let before = self.before?;
        let left = self.rate - before.rate;
        settled(own, |wait| {
            let begun = self.begun.saturating_mul(self.begins(wait));
            time(bytes(own, self.rate).saturating_add(before.burst).saturating_add(begun), left)
        })
    }

    /// The wait where the site has its turns.
    fn by_turns(self, turns: Turns, of: Load) -> Option<u64> {
        let own = turns.site.delay(of.site).filter(|_| of.line.rate <= turns.rate)?;
        let own = own.saturating_add(turns.once);
        settled(own, |wait| own.saturating_add(turns.again.saturating_mul(self.begins(wait))))
    }
}

/// The least wait that is no shorter than what follows from it; `None` when there is none.
fn settled(from: u64, follows: impl Fn(u64) -> u64) -> Option<u64> {
    let mut wait = from;
    for _ in 0..ROUNDS {
        let longer = follows(wait);
        if longer <= wait {
            return Some(wait).filter(|wait| *wait < NEVER);
        }
        wait = longer;
    }
    None
}

impl Path {
    /// Bit/s that it is sure of.
    pub(super) fn rate(self) -> u64 {
        self.line.map_or(self.site.rate, |line| line.sure(self.site))
    }

    /// The longest from coming to being sent, nanoseconds; `None` when nothing bounds it.
    pub(super) fn delay(self, of: Load) -> Option<u64> {
        let own = self.site.delay(of.site)?;
        let Some(line) = self.line else { return Some(own) };
        let fits = |before: Arrival| before.rate.saturating_add(of.line.rate) <= line.rate;
        let between = line.before.filter(|before| fits(*before)).and_then(|_| line.between(own));
        let turns = line.turns.iter().flatten().filter_map(|turns| line.by_turns(*turns, of));
        between.into_iter().chain(turns).min()
    }

    /// The most that waits, bytes as the site counts them; `None` when nothing bounds it.
    pub(super) fn backlog(self, of: Load) -> Option<u64> {
        match self.line {
            None => self.site.backlog(of.site),
            // Whatever came longer ago has been sent.
            Some(_) => Some(of.site.burst.saturating_add(bytes(self.delay(of)?, of.site.rate))),
        }
    }
}
