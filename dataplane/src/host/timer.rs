//! What the host has to do later, in order of time.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::id::IfIndex;
use crate::time::Time;

/// Whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// A neighbour's next step.
    Neighbour(IfIndex, IpAddr),
    /// The next probe or announcement of one of the router's own addresses.
    Address(IfIndex, IpAddr),
}

/// At most one point in time for each [`Timer`]; its owner keeps that time, and
/// gives it when it sets another.
#[derive(Debug, Default)]
pub(super) struct Timers {
    due: BTreeSet<(Time, Timer)>,
}

impl Timers {
    /// Moves `timer` from `*due` to `at`; [`Time::NEVER`] stops it.
    pub(super) fn set(&mut self, timer: Timer, due: &mut Time, at: Time) {
        self.due.remove(&(*due, timer));
        *due = at;
        if at != Time::NEVER {
            self.due.insert((at, timer));
        }
    }

    /// Stops `timer`, which was due at `due`.
    pub(super) fn stop(&mut self, timer: Timer, due: Time) {
        self.due.remove(&(due, timer));
    }

    /// Takes out the earliest timer that is due by `now`.
    pub(super) fn pop(&mut self, now: Time) -> Option<Timer> {
        if self.next() > now {
            return None;
        }
        self.due.pop_first().map(|(_, timer)| timer)
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Time {
        self.due.first().map_or(Time::NEVER, |(at, _)| *at)
    }
}
