//! Whether a queue stands: the least time that TCP's segments were on their way.
//!
//! A queue that works off bursts is short at some time of every round trip; one that
//! stands is not (RFC 8289 section 3). So what counts is the least of a while.

use dataplane::time::Time;

/// A while, nanoseconds: CoDel's interval.
const WHILE: u64 = 100_000_000;

/// The least time on the way, by tenths of a second.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// By number of the tenth; `u64::MAX` where nothing came.
    least: Vec<u64>,
}

impl Standing {
    /// Takes in a segment with this timestamp, microseconds, that arrived at `at`.
    pub(super) fn record(&mut self, sent: u32, at: Time) {
        let now = (at.nanos() / 1_000) as u32;
        let transit = u64::from(now.wrapping_sub(sent)) * 1_000;
        let tenth = (at.nanos() / WHILE) as usize;
        if self.least.len() <= tenth {
            self.least.resize(tenth + 1, u64::MAX);
        }
        self.least[tenth] = transit.min(self.least[tenth]);
    }

    /// The least of each tenth of a second in which something came, from the first on: nanoseconds,
    /// to the microsecond.
    pub fn least(&self) -> impl Iterator<Item = u64> {
        self.least.iter().copied().filter(|least| *least < u64::MAX)
    }
}
