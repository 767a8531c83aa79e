//! Frames that leave as they come: the tree where nothing is to be decided.
//!
//! What comes together, of one class of one interface, while the tree is empty and no rate
//! holds it back, would be queued and given out again at the same moment and in the same
//! order. So it need not be: it is counted as if, with a wait of nothing, and whoever
//! shares with it later finds what it would have found. Among flows of a class that keeps
//! them apart the order stays that of arrival: with nothing waiting there are no turns.

use super::scheduler::Scheduler;
use super::site::Site;
use super::spec::InterfaceQos;
use super::turn::QUANTUM;
use crate::class::TrafficClass;
use crate::id::IfIndex;
use crate::packet::Frame;
use crate::time::Time;

impl Scheduler {
    /// Whether frames of `class` that come for `interface` now may leave by way of
    /// [`Scheduler::pass`] if nothing else comes.
    #[inline]
    pub fn lets_pass(&self, interface: IfIndex, class: TrafficClass) -> bool {
        if self.frames > 0 || self.port_rate > 0 {
            return false;
        }
        let site = self.find(interface).and_then(|at| self.sites.get(at)?.as_ref());
        site.is_some_and(|site| site.lets_pass(class))
    }

    /// Counts frames, all of `interface` and `class`, as queued and sent `now`, if all of them
    /// fit where they would have waited; gives their bytes. Frames that may not pass, or do not fit,
    /// have to be queued: nothing is counted then, and `None` given.
    pub fn pass(
        &mut self,
        interface: IfIndex,
        class: TrafficClass,
        frames: &[Frame],
        now: Time,
    ) -> Option<u64> {
        if !self.lets_pass(interface, class) {
            return None;
        }
        let clock = self.clock.max(now);
        let site = self.find(interface).and_then(|at| self.sites.get_mut(at)?.as_mut())?;
        let bytes: u64 = frames.iter().map(|frame| frame.len() as u64).sum();
        let (urgent, of) = (site.is_urgent(class), frames.len() as u64);
        // The last of them would find the others there.
        let (before, mut bound) = (of.saturating_sub(1), self.frame_bound);
        bound.add(0, before);
        let fits = site.holds(class, bytes, urgent)
            && (urgent || site.fifo || !bound.is_much(before, before))
            && self.frame_bound.admits(0, of, urgent)
            && self.byte_bound.admits(0, bytes, urgent);
        if fits {
            self.clock = clock;
            site.pass(class, frames, bytes, clock, &mut self.round);
        }
        fits.then_some(bytes)
    }
}

impl Site {
    fn lets_pass(&self, class: TrafficClass) -> bool {
        let spec: &InterfaceQos = &self.spec;
        let place = self.place(class);
        let rates = spec.shaper.is_some() || spec.assured.is_some() || spec.classes[place].shaper.is_some();
        !rates && self.policers.is_none() && self.queues[place].lets_pass()
    }

    /// Counts, and what others are to find later.
    fn pass(&mut self, class: TrafficClass, frames: &[Frame], bytes: u64, now: Time, round: &mut u64) {
        let place = self.place(class);
        let Some(last) = frames.last().map(|frame| frame.len() as u64) else { return };
        self.burst.sent(now, bytes as u32);
        self.queues[class.index()].tally.passed(frames.len() as u32, bytes as u32);
        if self.priority & (1 << place) != 0 {
            return;
        }
        let leftover = self.is_leftover(place);
        self.fair.wake(place, leftover);
        self.fair.served(place, leftover, (bytes - last) as u32);
        self.fair.served(place, leftover, last as u32);
        self.fair.leave(place);
        if !leftover {
            self.pass_shared(frames, round);
        }
    }

    /// The turns it would have had among interfaces that share, alone.
    fn pass_shared(&mut self, frames: &[Frame], round: &mut u64) {
        if self.round < *round {
            self.grant(*round, QUANTUM);
        } else if self.credit <= 0 {
            self.grant(*round + 1, QUANTUM);
        }
        for frame in frames {
            *round = self.round.max(*round);
            while self.credit <= 0 {
                *round += 1;
                self.grant(*round, QUANTUM);
            }
            self.credit -= frame.len() as i64;
        }
    }
}
