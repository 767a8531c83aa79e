//! What must come out of the router, and what it must have dropped.

use std::fmt::Write;
use std::time::Duration;

use dataplane::packet::DropReason;
use dataplane::table::VlanMatch;
use dataplane::time::Time;

use super::send::with_layer2;
use super::{Lab, ms, secs};
use crate::packet::{Packet, diff};

/// Longest virtual wait for a frame that is expected: past any neighbour resolution.
const PATIENCE: Duration = secs(8);
/// Virtual time within which anything else would have come.
const QUIET: Duration = ms(10);

/// A frame that the router sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When it was given to the line.
    pub at: Time,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Lab {
    /// The next frame out of a port or interface must be this packet; time passes until
    /// there is one, up to 8 s. Gives it as it was.
    ///
    /// # Panics
    /// When it is another, or when none comes.
    #[track_caller]
    pub fn expect(&mut self, from: &str, packet: impl Into<Packet>) -> Packet {
        let vlan = Self::interface_of(&self.snapshot(), from).map_or(VlanMatch::Untagged, |i| i.vlan);
        let expected = with_layer2(packet.into(), vlan);
        let Some(seen) = self.next_seen(from, PATIENCE) else {
            panic!("nothing left {from} within {PATIENCE:?}; expected was\n{expected}{}", self.account());
        };
        if let Some(difference) = diff(&expected, &seen.bytes) {
            let at = Duration::from_nanos(seen.at.nanos());
            panic!("what left {from} at {at:?} is not what was expected:\n{difference}{}", self.account());
        }
        Packet::decode(&seen.bytes)
    }

    /// The next frame out of a port or interface within `patience`.
    #[track_caller]
    pub fn next_seen(&mut self, from: &str, patience: Duration) -> Option<Seen> {
        let deadline = self.now + patience;
        loop {
            let waiting = self.line(from).seen.pop_front();
            let next = if waiting.is_none() { self.due() } else { self.now };
            let seen = waiting.or_else(|| self.line(from).seen.pop_front());
            if seen.is_some() || !self.move_to(next, deadline) {
                return seen;
            }
        }
    }

    /// Everything that left a port since it was last asked for.
    #[track_caller]
    pub fn take(&mut self, from: &str) -> Vec<Seen> {
        self.line(from).seen.drain(..).collect()
    }

    /// Nothing more may come out of any port.
    ///
    /// # Panics
    /// When something does, within 10 ms.
    #[track_caller]
    pub fn expect_nothing_else(&mut self) {
        self.run_until(self.now + QUIET);
        let left: usize = self.lines.values().map(|line| line.seen.len()).sum();
        assert!(left == 0, "nothing else was expected{}", self.account());
    }

    /// Exactly one frame must have been dropped since the last word about drops, for this reason.
    ///
    /// # Panics
    /// When it was not so.
    #[track_caller]
    pub fn expect_drop(&mut self, reason: DropReason) {
        self.expect_drops(&[(reason, 1)]);
    }

    /// Exactly these must have been dropped since the last word about drops.
    ///
    /// # Panics
    /// When it was not so.
    #[track_caller]
    pub fn expect_drops(&mut self, expected: &[(DropReason, u64)]) {
        self.run_until(self.now + ms(1));
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        let got = self.drops();
        assert!(got == expected, "dropped were {}, expected were {}", listed(&got), listed(&expected));
        self.judge_drops();
    }

    /// Nothing may have been dropped since the last word about drops.
    ///
    /// # Panics
    /// When something was.
    #[track_caller]
    pub fn expect_no_drops(&mut self) {
        self.expect_drops(&[]);
    }

    /// What was dropped since the last word about drops, in the order of reasons.
    pub fn drops(&self) -> Vec<(DropReason, u64)> {
        let before = |reason| self.judged.get(reason).copied().unwrap_or(0);
        let totals = self.router.handle().totals();
        let since = totals.drops.iter().map(|(reason, n)| (*reason, n - before(reason)));
        since.filter(|(_, n)| *n > 0).collect()
    }

    fn judge_drops(&mut self) {
        self.judged = self.router.handle().totals().drops.into_iter().collect();
    }

    /// Forgets the frames that left and were not expected, and the drops so far.
    pub fn forget(&mut self) {
        self.turn();
        self.lines.values_mut().for_each(|line| line.seen.clear());
        self.judge_drops();
    }

    /// What a failure tells beside its own: drops, and frames that nobody expected yet.
    fn account(&self) -> String {
        let mut text = format!("\ndropped: {}\n", listed(&self.drops()));
        for (name, line) in self.lines.iter().filter(|(_, line)| !line.seen.is_empty()) {
            for seen in line.seen.iter().take(4) {
                let at = Duration::from_nanos(seen.at.nanos());
                // Writing to a String cannot fail.
                let _ = write!(
                    text,
                    "out of {name} at {at:?}, not expected yet:\n{}",
                    Packet::decode(&seen.bytes)
                );
            }
        }
        text
    }
}

fn listed(drops: &[(DropReason, u64)]) -> String {
    if drops.is_empty() {
        return "none".into();
    }
    drops.iter().map(|(reason, n)| format!("{n} {reason}")).collect::<Vec<_>>().join(", ")
}
