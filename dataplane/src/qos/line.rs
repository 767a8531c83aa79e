//! What holds a tree to the rate of its port.
//!
//! A port with one tree has a bucket of its own, which nobody else looks at; the trees of
//! a port with several share one rate. What is asked of a shared one stands behind calls: a
//! port with one tree has none of that in its loops.

use super::bucket::TokenBucket;
use super::scheduler::{PORT_FULL, Scheduler};
use super::shaper::Shaper;
use super::shared_rate::{Place, Seat, Want};
use super::spec::RateSpec;
use super::turn::Turn;
use crate::time::Time;

/// The line, as a tree sees it.
#[derive(Debug, Default)]
pub(super) enum Line {
    /// It has no rate of its own.
    #[default]
    Unheld,
    /// This tree's alone.
    Own(Shaper),
    /// Shared with other trees.
    Shared(Box<Seat>),
}

impl Line {
    /// The same line at another rate, of 0 bit/s for none, and burst; what was sent before counts. Its tree
    /// is in this `round`.
    pub(super) fn retuned(self, to: RateSpec, place: Option<&Place>, round: u64, now: Time) -> Self {
        if to.rate == 0 {
            return Self::Unheld;
        }
        let mut shaper = Shaper::new(TokenBucket::of_time(to.rate, to.burst), PORT_FULL);
        match (self, place) {
            (Self::Shared(mut seat), Some(place)) if seat.is_at(place) => {
                seat.adopt(place, to);
                Self::Shared(seat)
            }
            (old, Some(place)) => Self::Shared(Box::new(Seat::new(place, to, old.due(false), round))),
            (Self::Own(old), None) => Self::Own(old.retuned(shaper, now)),
            (Self::Unheld, None) => Self::Own(shaper),
            (Self::Shared(seat), None) => {
                shaper.idled(now, 0);
                shaper.spend(now, seat.owed(now), true);
                Self::Own(shaper)
            }
        }
    }

    /// Whether it has a rate.
    #[inline]
    pub(super) fn is_held(&self) -> bool {
        !matches!(self, Self::Unheld)
    }

    /// When it lets a frame out, of a class with priority or not; not later than the last one sent
    /// when it does now.
    #[inline]
    pub(super) fn due(&self, urgent: bool) -> Time {
        match self {
            Self::Unheld => Time::ZERO,
            Self::Own(shaper) => shaper.due(urgent),
            Self::Shared(seat) => seat.due(urgent),
        }
    }

    /// Until `until`, which is not after `now`, the tree had nothing to send: what came in meanwhile is not
    /// saved, unless it is for another tree.
    #[inline]
    pub(super) fn idled(&mut self, until: Time, now: Time) {
        match self {
            Self::Unheld => {}
            Self::Own(shaper) => shaper.idled(now, now.since(until)),
            Self::Shared(seat) => seat.idled(until),
        }
    }

    /// Whether it lets a frame out at `now` behind others of so many bytes together; not asked of one that is
    /// shared, which does not.
    #[inline]
    pub(super) fn lets_behind(&mut self, now: Time, bytes: u64, urgent: bool) -> bool {
        match self {
            Self::Unheld => true,
            Self::Own(shaper) => shaper.lets_behind(now, bytes, urgent),
            Self::Shared(_) => false,
        }
    }

    /// How many bytes on it may leave at `now` before it is to be asked again.
    #[inline]
    pub(super) fn lets_through(&mut self, now: Time, urgent: bool) -> u64 {
        match self {
            Self::Unheld => u64::MAX,
            Self::Own(shaper) => shaper.lets_through(now, urgent),
            Self::Shared(_) => 0,
        }
    }

    /// Frames of so many `bytes` together leave, the longest of `longest`; one, by a line that is shared.
    #[inline]
    pub(super) fn spend_all(&mut self, now: Time, (bytes, longest): (u32, u32), urgent: bool) {
        match self {
            Self::Unheld => {}
            Self::Own(shaper) => shaper.spend_all(now, (bytes, longest), urgent),
            Self::Shared(seat) => seat.spend(now, bytes, urgent),
        }
    }

    /// A frame leaves that is so many bytes on it, of a class with priority or not.
    #[inline]
    pub(super) fn spend(&mut self, now: Time, bytes: u32, urgent: bool) {
        match self {
            Self::Unheld => {}
            Self::Own(shaper) => shaper.spend(now, bytes, urgent),
            Self::Shared(seat) => seat.spend(now, bytes, urgent),
        }
    }

    /// Whether an interface may send another frame, of a class with priority or not, in its turn.
    #[inline]
    pub(super) fn goes_on(&self, now: Time, urgent: bool) -> bool {
        match self {
            Self::Unheld => true,
            Self::Own(shaper) => shaper.lets(now, urgent),
            Self::Shared(seat) => seat.lets(now),
        }
    }

    /// Whether it is this tree's alone.
    #[inline]
    pub(super) fn is_own(&self) -> bool {
        !matches!(self, Self::Shared(_))
    }
}

impl Scheduler {
    /// Whether the line, and the other trees of the port where there are any, let this turn send now.
    #[inline]
    pub(super) fn port_lets(&mut self, turn: Turn) -> bool {
        match &self.line {
            Line::Unheld => true,
            Line::Own(shaper) => shaper.lets(self.clock, turn == Turn::Urgent),
            Line::Shared(_) => self.claims(turn),
        }
    }

    #[inline(never)]
    fn claims(&mut self, turn: Turn) -> bool {
        let Line::Shared(seat) = &mut self.line else { return true };
        seat.say(match turn {
            Turn::Urgent => Want::URGENT,
            Turn::Assured => Want::ASSURED,
            Turn::Shared => Want::shared(self.round),
            Turn::Leftover => Want::LEFTOVER,
        });
        let lets = seat.lets(self.clock);
        if lets && turn == Turn::Shared {
            seat.begin_round(self.round);
        }
        lets
    }

    /// Tells the other trees of the port, where there are any, what this one would send.
    #[inline]
    pub(super) fn tell_others(&mut self) {
        if let Line::Shared(_) = &self.line {
            self.tell();
        }
    }

    #[inline(never)]
    fn tell(&mut self) {
        let Line::Shared(seat) = &mut self.line else { return };
        let shares = self.shared.front().is_some();
        self.round = seat.round(self.round, shares);
        seat.say(match () {
            () if self.frames == 0 => Want::NOTHING,
            () if self.urgent.front().is_some() => Want::URGENT,
            () if self.assured.front().is_some() => Want::ASSURED,
            () if shares => Want::shared(self.round),
            () if self.leftover.front().is_some() => Want::LEFTOVER,
            () => Want::HELD,
        });
    }
}
