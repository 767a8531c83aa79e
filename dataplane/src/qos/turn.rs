//! Which interface of a tree sends next, and what follows for it.

use super::run::{Next, Way};
use super::scheduler::Scheduler;
use super::site::Dropped;
use crate::packet::Batch;
use crate::time::Time;

/// Bytes that an interface of weight 1 may send before it is the next one's turn.
pub const QUANTUM: i64 = 1600;

/// What an interface's turn is out of, from most to least urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It has a frame of a priority class.
    Urgent,
    /// It has not had what it is guaranteed.
    Assured,
    /// Its weight's part of what the others leave.
    Shared,
    /// Only a class without a weight waits.
    Leftover,
}

impl Scheduler {
    /// Lines up the interfaces whose time has come.
    pub(super) fn wake(&mut self) {
        self.port_idled();
        while let Some(at) = self.urging.pop(self.clock) {
            if let Some(site) = self.sites.get_mut(at).and_then(Option::as_mut) {
                site.urging = false;
            }
            self.line_up(at);
        }
        while let Some(at) = self.wheel.pop(self.clock) {
            if let Some(site) = self.sites.get_mut(at).and_then(Option::as_mut) {
                site.waiting = false;
            }
            self.line_up(at);
        }
        self.wake_classes();
        while let Some(at) = self.assuring.pop(self.clock) {
            let Some(site) = self.sites.get_mut(at).and_then(Option::as_mut) else { continue };
            site.assuring = false;
            if site.stands == Some(Turn::Shared) {
                self.line_up(at);
            }
        }
    }

    /// Puts an interface with frames where it belongs: into the rings, or into
    /// the wheels until its shaper lets it.
    #[inline(never)]
    pub(super) fn line_up(&mut self, at: usize) {
        self.see_to_classes(at);
        self.line_up_urgent(at);
        if self.sites.get(at).and_then(Option::as_ref).is_some_and(|site| site.has_plain() && !site.waiting) {
            self.line_up_plain(at);
        }
    }

    /// The same where a queue with priority has its first frame, or another without: what others have stands where it should.
    #[inline(always)]
    pub(super) fn line_up_first(&mut self, at: usize, urgent: bool) {
        if !urgent {
            return self.line_up(at);
        }
        self.see_to_classes(at);
        self.line_up_urgent(at);
    }

    /// The same of its frames with priority.
    #[inline(always)]
    fn line_up_urgent(&mut self, at: usize) {
        let Some(Some(site)) = self.sites.get_mut(at) else { return };
        if !site.has_priority() || site.urging {
            return;
        }
        if site.lets(self.clock, true) {
            return self.urgent.join(at);
        }
        site.urging = true;
        self.urging.insert(at, site.due(true), self.clock);
    }

    /// The same of its frames without priority, for which it stands in no wheel.
    #[inline]
    fn line_up_plain(&mut self, at: usize) {
        let Some(site) = self.sites.get_mut(at).and_then(Option::as_mut) else { return };
        let due = site.due(false);
        if due > self.clock {
            site.waiting = true;
            return self.wheel.insert(at, due, self.clock);
        }
        let place = self.place(at);
        self.stand(at, place);
    }

    /// Sees to classes that may not send by their own rate.
    #[inline(always)]
    fn see_to_classes(&mut self, at: usize) {
        if self.sites.get(at).and_then(Option::as_ref).is_some_and(|site| site.paces.held & site.backlog != 0)
        {
            self.hold_classes(at);
        }
    }

    /// Which ring an interface belongs in that may send, but for that of priority.
    #[inline]
    fn place(&mut self, at: usize) -> Option<Turn> {
        let site = self.sites.get_mut(at).and_then(Option::as_mut)?;
        if !site.has_weighted() {
            return site.has_leftover().then_some(Turn::Leftover);
        }
        let from = site.assured_from();
        if from <= self.clock {
            return Some(Turn::Assured);
        }
        if from != Time::NEVER && !std::mem::replace(&mut site.assuring, true) {
            self.assuring.insert(at, from, self.clock);
        }
        Some(Turn::Shared)
    }

    /// Moves an interface to another of the three rings without priority, or out of all.
    #[inline]
    pub(super) fn stand(&mut self, at: usize, place: Option<Turn>) {
        let Some(site) = self.sites.get_mut(at).and_then(Option::as_mut) else { return };
        let before = std::mem::replace(&mut site.stands, place);
        if before == place {
            return;
        }
        match before {
            Some(Turn::Assured) => self.assured.leave(at),
            Some(Turn::Shared) => self.shared.leave(at),
            Some(Turn::Leftover) => self.leftover.leave(at),
            Some(Turn::Urgent) | None => {}
        }
        match place {
            Some(Turn::Assured) => self.assured.join(at),
            Some(Turn::Shared) => self.rejoin(at),
            Some(Turn::Leftover) => self.leftover.join(at),
            Some(Turn::Urgent) | None => {}
        }
    }

    /// Into the ring of those that share. One that has not had its quantum of this
    /// round, or has some left, goes first: coming and going, as a slow shaper
    /// makes it, costs an interface nothing and gains it nothing.
    #[inline]
    fn rejoin(&mut self, at: usize) {
        let Some(site) = self.sites.get_mut(at).and_then(Option::as_mut) else { return };
        if site.round < self.round {
            site.grant(self.round, QUANTUM);
        } else if site.credit <= 0 {
            site.grant(self.round + 1, QUANTUM);
        }
        if site.round <= self.round && site.credit > 0 {
            self.shared.join_front(at);
        } else {
            self.shared.join(at);
        }
    }

    /// Which interface is next where none has a frame of a priority class.
    #[inline]
    pub(super) fn turn(&mut self) -> Option<(usize, Turn)> {
        if let Some(at) = self.assured.front() {
            return Some((at, Turn::Assured));
        }
        while let Some(at) = self.shared.front() {
            let site = self.sites.get_mut(at).and_then(Option::as_mut)?;
            self.round = self.round.max(site.round);
            if site.credit > 0 {
                return Some((at, Turn::Shared));
            }
            site.grant(self.round + 1, QUANTUM);
            self.shared.turn();
        }
        self.leftover.front().map(|at| (at, Turn::Leftover))
    }

    /// Sends frames of priority classes, `most` at the most, until no interface has one any more or the port lets none out:
    /// gives how many.
    #[inline(never)]
    pub(super) fn serve_urgent(&mut self, most: usize, out: &mut Batch, dropped: &mut Dropped) -> usize {
        let mut given = 0;
        while let Some(at) = self.urgent.front().filter(|_| given < most) {
            if !self.port_lets(Turn::Urgent) {
                break;
            }
            given += match self.serve_one_urgent(at, out) {
                true => 1,
                false => self.serve_any_urgent(at, most - given, out, dropped),
            };
        }
        given
    }

    /// An interface's turn in the ring of priority.
    #[inline(never)]
    fn serve_any_urgent(&mut self, at: usize, most: usize, out: &mut Batch, dropped: &mut Dropped) -> usize {
        self.serve(at, Turn::Urgent, most, out, dropped)
    }

    /// The same where one frame of a plain queue is sent, and no class has a rate of its own. Gives whether it is so.
    #[inline(always)]
    fn serve_one_urgent(&mut self, at: usize, out: &mut Batch) -> bool {
        let alone = self.is_alone(at, Turn::Urgent);
        let Some(Some(site)) = self.sites.get_mut(at) else { return false };
        let place = site.first_urgent();
        if !site.is_simple(place) || alone && site.queues[place].frames > 1 {
            return false;
        }
        let mut way = Way { now: self.clock, line: &mut self.line, room: &mut self.room, out };
        let Some(len) = site.run_one(Turn::Urgent, place, &mut way) else { return false };
        self.frames -= 1;
        self.bytes -= len as u64;
        self.frame_bound.sub(site.frames as u64, 1);
        self.byte_bound.sub(site.bytes, len as u64);
        if !site.lets(self.clock, false) {
            self.hold_back(at, Turn::Urgent);
        } else {
            self.stay(at, Turn::Urgent);
        }
        true
    }

    /// An interface's turn: its next frames, `most` at the most, go to `out`. Gives how many, and
    /// sees to what follows for interface and port. One that shares has its turn until its
    /// quantum is used, the others for one frame; or, where no other is in turn with it, as long as it would be its again.
    #[inline(always)]
    pub(super) fn serve(
        &mut self,
        at: usize,
        turn: Turn,
        most: usize,
        out: &mut Batch,
        dropped: &mut Dropped,
    ) -> usize {
        let most = match turn {
            Turn::Shared => most,
            _ if self.is_alone(at, turn) => most,
            _ => 1,
        };
        if turn == Turn::Shared {
            self.fetch_next(at);
        }
        let Some(Some(site)) = self.sites.get_mut(at) else { return 0 };
        let before = (site.frames, site.bytes);
        let mut way = Way { now: self.clock, line: &mut self.line, room: &mut self.room, out };
        let (mut given, mut next) = site.run(turn, most, &mut way);
        while next == Next::Other {
            let (more, then) = site.step(turn, most - given, &mut way, dropped);
            (given, next) = (given + more, then);
        }
        let held = (site.frames, site.bytes);
        let calm = site.paces.held & site.backlog == 0 && site.lets(self.clock, false);
        self.let_go(held, (before.0 - held.0, before.1 - held.1));
        if calm {
            self.stay(at, turn)
        } else {
            self.settle(at, turn)
        }
        given
    }

    /// Whether an interface whose turn it is would have the next one too, were it to stay where it stands.
    #[inline]
    fn is_alone(&self, at: usize, turn: Turn) -> bool {
        let ring = if turn == Turn::Urgent { &self.urgent } else { &self.assured };
        ring.after(at) == at && self.line.is_own() && turn != Turn::Leftover
    }

    /// After an interface had its turn, of which some class may not send by its own rate, or all by the interface's.
    #[inline(never)]
    fn settle(&mut self, at: usize, turn: Turn) {
        self.see_to_classes(at);
        let Some(Some(site)) = self.sites.get(at) else { return };
        if site.lets(self.clock, false) { self.stay(at, turn) } else { self.hold_back(at, turn) }
    }

    /// After an interface had its turn that may go on sending: out of the rings it no longer belongs in.
    #[inline(always)]
    fn stay(&mut self, at: usize, turn: Turn) {
        let Some(Some(site)) = self.sites.get(at) else { return };
        if !site.has_priority() {
            self.urgent.leave(at);
        } else if turn == Turn::Urgent {
            self.urgent.turn();
        }
        match turn {
            Turn::Assured => self.assured.turn(),
            Turn::Leftover => self.leftover.turn(),
            // What it is sure of is as it was, and so is what else it has.
            Turn::Urgent if site.assured.is_none() => return,
            Turn::Urgent | Turn::Shared => {}
        }
        let place = self.place(at);
        self.stand(at, place);
    }

    /// After the turn of an interface that is in debt now: out of the rings, but for that of priority while the
    /// debt is small, and to its new place in the wheels.
    fn hold_back(&mut self, at: usize, turn: Turn) {
        self.stand(at, None);
        let Some(Some(site)) = self.sites.get_mut(at) else { return };
        if std::mem::take(&mut site.waiting) {
            self.wheel.remove(at);
        }
        if !site.has_priority() || !site.lets(self.clock, true) {
            self.urgent.leave(at);
        } else if turn == Turn::Urgent {
            self.urgent.turn();
        }
        self.line_up(at);
    }
}
