//! What a site is served that loses tokens to others: out of what it is guaranteed, with its turns by weight or
//! without, and by weight where its turns would let it send more than its shaper does.
//!
//! In a time W, in which the site always has data, the others send first F + f·W at most on a line of rate C: their
//! priority, and what they are guaranteed. All of it may come while the site's bucket is full, after a time
//! in which the site was held by its shaper and the others were quiet: what the line was idle then does not make up for it.
//! So the time is what the line takes for that, and what the site's own bytes take:
//!
//! - one that it sends by its shaper takes 1/r; beside that, of each frame of another that has begun S/r at the most
//!   is not lost, and one that loses tokens comes for each S·C/(C−r) bytes at the most (`held`; the module of a class's way
//!   has the derivation);
//! - one that it sends in turns by weight takes what all quanta of a round take for one of its own (`in_turn`), or
//!   the same as before, if that is more;
//! - its own priority may come whenever it costs the most.
//!
//! What it is guaranteed comes at R. Call w the last moment at which it was in debt for that: until then it has sent R·w of
//! data and priority, but for a frame. After it no turns by weight are before it. So each byte takes no longer than 1/R, or
//! what it takes behind the others where that is more: `guaranteed`. Or count the turns by weight too, which it needs
//! only for what is beyond R·W, if anything is: `both`. Without a guarantee all bytes take as long,
//! `by_weight`, where turns are faster than the shaper. Where they are not, its quantum of a round waits for it while its
//! shaper holds it: that is counted as turns alone (`Turns`), which is tried, and not proven for others' calls that all come
//! together.

use super::curve::{Arrival, Service};
use super::path::{NEVER, Own, SECOND, taking};

/// A site on its line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sure {
    /// Bit/s that it is guaranteed, as it counts; 0 is nothing.
    pub(super) rate: u64,
    /// Bit/s of the line.
    pub(super) line: u64,
    /// The site as the line sees it, for a class without priority.
    pub(super) own: Own,
    /// What others send before what is shared.
    pub(super) first: Arrival,
    /// The longest frame of another, and one of each further tree, bytes.
    pub(super) begun: u64,
    /// Its longest frame, and the debt that its shaper lets one of priority leave in, bytes as it counts.
    pub(super) longest: u64,
    pub(super) owed: u64,
    /// What of a round is its own, what of it all have, and what all send before its first turn, bytes on the line.
    pub(super) part: (u64, u64),
    pub(super) rounds: u64,
}

impl Sure {
    /// Nanoseconds of so many bytes on the line.
    fn on_line(&self, bytes: u64) -> f64 {
        taking(bytes as f64, self.line as f64)
    }

    /// Nanoseconds of so many bytes as the site counts them, by its shaper.
    fn by_shaper(&self, bytes: u64) -> f64 {
        taking(bytes as f64, self.own.rate as f64)
    }

    /// The part of the line's time that others do not take first.
    fn left(&self) -> f64 {
        1.0 - self.first.rate as f64 / self.line as f64
    }

    /// What others take once: what they send at once, and the frames that have begun.
    fn once(&self) -> f64 {
        self.on_line(self.first.burst.saturating_add(self.begun))
    }

    /// Nanoseconds that a byte takes by the shaper.
    fn held(&self) -> f64 {
        let lost = self.on_line(self.begun) - self.by_shaper(self.own.saved);
        self.by_shaper(1) + lost.max(0.0) / self.own.spent()
    }

    /// Nanoseconds that a byte takes when all quanta of a round go before it.
    fn in_round(&self) -> f64 {
        let (mine, all) = self.part;
        all as f64 / mine.max(1) as f64 * taking(1.0, self.own.line as f64)
    }

    /// Nanoseconds that a byte takes in turns by weight.
    fn in_turn(&self) -> f64 {
        self.in_round().max(self.held())
    }

    /// Its own priority: bytes in a nanosecond, and at once.
    fn urgent(&self) -> (f64, f64) {
        let of = self.own.ahead.site;
        (of.rate as f64 / SECOND, of.burst as f64)
    }

    /// Whether its turns by weight would let it send more than its shaper.
    pub(super) fn is_held(&self) -> bool {
        self.in_round() < self.by_shaper(1)
    }

    /// What its data is served of turns by weight that are faster than its shaper.
    pub(super) fn by_weight(&self) -> Option<Service> {
        let (left, held, (urgent, burst)) = (self.left(), self.in_turn(), self.urgent());
        let once = self.once() + self.on_line(self.rounds) + self.by_shaper(self.longest);
        served(left, left - urgent * held, held, once + burst * held)
    }

    /// What its data is served of what it is guaranteed alone.
    pub(super) fn guaranteed(&self) -> Option<Service> {
        let (left, (urgent, burst)) = (self.left(), self.urgent());
        let byte = taking(1.0, self.rate as f64).max(self.held() / left);
        // It may owe a frame for its guarantee when the class's comes; and for its shaper, with what it was let out in
        // debt, when it owes none for its guarantee any more.
        let owes = taking(self.longest as f64, self.rate as f64);
        let held = self.by_shaper(self.longest.saturating_add(self.owed));
        let once = owes + (self.once() + held) / left + burst * byte;
        served(left, 1.0 - urgent * byte, byte, once)
    }

    /// What its data is served of that and its turns by weight: the less of what it is where some of it needs those, and
    /// where none does.
    pub(super) fn both(&self) -> Option<Service> {
        let (left, held, byte, (urgent, burst)) = (self.left(), self.held(), self.in_turn(), self.urgent());
        let owes = self.by_shaper(self.longest);
        let none = served(left, left - urgent * held, held, self.once() + owes + burst * held)?;
        let cheaper = self.rate as f64 / SECOND * (byte - held);
        // What it owes its shaper is what it sends less of what it is guaranteed.
        let once = self.once() + self.on_line(self.rounds) + (burst + self.longest as f64) * byte;
        let some = served(left, left + cheaper - urgent * byte, byte, once)?;
        Some(Service { rate: none.rate.min(some.rate), latency: none.latency.max(some.latency) })
    }
}

/// Bytes that take `byte` nanoseconds each of the `part` of the time that is left, after `once` of that; where
/// others leave anything.
fn served(left: f64, part: f64, byte: f64, once: f64) -> Option<Service> {
    let (rate, latency) = (SECOND * part / byte, once / part);
    let bounded = left > 0.0 && rate >= 1.0 && latency < NEVER;
    bounded.then(|| Service { rate: rate as u64, latency: latency.ceil() as u64 })
}
