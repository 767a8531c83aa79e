//! Frames that leave as they come: the tree where nothing is to be decided.
//!
//! What comes together, of one class of one interface, while the tree is empty and every
//! rate on its way lets all of it go at once, would be queued and given out again at the same moment and in the same
//! order. So it need not be: it is counted as if, with a wait of nothing, and whoever
//! shares with it later finds what it would have found. Among flows of a class that keeps
//! them apart the order stays that of arrival: with nothing waiting there are no turns.
//!
//! What rates let go at once is what the time since the worker's last turn brought
//! ([`Scheduler::begin_turn`]): at 50 µs of 1 Gbit/s 6,250 bytes and the frame behind them.

use super::LINE_OVERHEAD;
use super::length::{filled, on_line};
use super::scheduler::Scheduler;
use super::serve::Terms;
use super::site::{ASSURED_MOST, Site};
use super::turn::{QUANTUM, Turn};
use crate::class::TrafficClass;
use crate::id::IfIndex;
use crate::packet::Frame;
use crate::time::Time;

/// Frames that come together, in sum.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    frames: u32,
    bytes: u32,
    /// With what the line fills them up with.
    filled: u32,
    /// As the interface's shaper counts them, and the longest of them.
    cost: u32,
    longest_cost: u32,
    longest: u32,
    /// Of the last of them.
    last: u32,
    last_cost: u32,
}

impl Row {
    /// What the port counts: all of it, and the longest frame.
    fn on_line(&self) -> (u32, u32) {
        (self.filled + self.frames * LINE_OVERHEAD, on_line(self.longest as usize))
    }

    /// The same without the last frame.
    fn before_on_line(&self) -> u64 {
        u64::from(self.on_line().0 - on_line(self.last as usize))
    }

    fn before_cost(&self) -> u64 {
        u64::from(self.cost - self.last_cost)
    }
}

impl Scheduler {
    /// Whether frames of `class` that come for `interface` now may leave by way of
    /// [`Scheduler::pass`] if nothing else comes, and not too many of them.
    #[inline]
    pub fn lets_pass(&self, interface: IfIndex, class: TrafficClass, now: Time) -> bool {
        if self.frames > 0 || !self.line.is_own() {
            return false;
        }
        let site = self.find(interface).and_then(|at| self.sites.get(at)?.as_ref());
        site.is_some_and(|site| {
            let urgent = site.is_first(class);
            site.lets_pass(class) && site.due(urgent) <= now && self.line.due(urgent) <= now
        })
    }

    /// Counts frames, all of `interface` and `class`, as queued and sent `now`, if all of them
    /// fit where they would have waited and no rate makes one of them wait; gives their bytes. Frames that may not pass,
    /// or do not fit, have to be queued: nothing is counted then, and `None` given.
    pub fn pass(
        &mut self,
        interface: IfIndex,
        class: TrafficClass,
        frames: &[Frame],
        now: Time,
    ) -> Option<u64> {
        if !self.lets_pass(interface, class, now) {
            return None;
        }
        self.clock = self.clock.max(now);
        let unseen = self.unseen.at(self.clock);
        let site = self.find(interface).and_then(|at| self.sites.get_mut(at)?.as_mut())?;
        let (row, urgent) = (site.row(frames), site.is_first(class));
        let terms = Terms {
            now: self.clock,
            unseen,
            port_rate: self.port_rate,
            frames: &self.frame_bound,
            bytes: &self.byte_bound,
        };
        if !site.has_room_for(class, &row, &terms) {
            return None;
        }
        site.begins(site.place(class), self.clock, unseen);
        self.port_idled();
        let site = self.find(interface).and_then(|at| self.sites.get_mut(at)?.as_mut())?;
        let lets = self.line.lets_behind(self.clock, row.before_on_line(), urgent)
            && site.lets_all(class, &row, frames, self.clock);
        if lets {
            self.line.spend_all(self.clock, row.on_line(), urgent);
            site.pass(class, &row, frames, self.clock, &mut self.round);
        }
        lets.then_some(row.bytes.into())
    }
}

impl Site {
    fn lets_pass(&self, class: TrafficClass) -> bool {
        self.queues[self.place(class)].lets_pass() && self.paces.held & (1 << self.place(class)) == 0
    }

    fn row(&self, frames: &[Frame]) -> Row {
        let (mut bytes, mut all, mut longest) = (0, 0, 0);
        for frame in frames {
            let len = frame.len() as u32;
            (bytes, all, longest) = (bytes + len, all + filled(frame.len()), longest.max(len));
        }
        let of = frames.len() as u32;
        let last = frames.last().map_or(0, Frame::len);
        let (last, last_cost) = (last as u32, self.accounted(last));
        let row = Row { frames: of, bytes, filled: all, longest, last, last_cost, ..Row::default() };
        match self.adds() {
            Some(more) => Row { cost: all + of * more, longest_cost: filled(longest as usize) + more, ..row },
            None => {
                let each = || frames.iter().map(|frame| self.accounted(frame.len()));
                Row { cost: each().sum(), longest_cost: each().max().unwrap_or(0), ..row }
            }
        }
    }

    /// Whether each of them would be queued behind those before it.
    fn has_room_for(&mut self, class: TrafficClass, row: &Row, terms: &Terms<'_>) -> bool {
        let urgent = self.is_urgent(class);
        let (before, mut bound) = (u64::from(row.frames).saturating_sub(1), *terms.frames);
        bound.add(0, before);
        self.holds(class, row.bytes.into(), urgent)
            && (urgent || self.fifo || !bound.is_much(before, before))
            && terms.frames.admits(0, row.frames.into(), urgent)
            && terms.bytes.admits(0, row.bytes.into(), urgent)
            && !self.last_is_late(class, row, terms)
    }

    /// Whether the last of them would be refused, since those before it take longer than it may wait.
    fn last_is_late(&mut self, class: TrafficClass, row: &Row, terms: &Terms<'_>) -> bool {
        let place = self.place(class);
        let Some(bound) = self.queues[place].wait_bound() else { return false };
        let (frames, bytes) = (row.frames.saturating_sub(1), row.bytes - row.last);
        // What its own shaper lets go at once is not waited for, and no more passes.
        self.shaper.is_none()
            && self.would_wait_longer(place, self.accounted_all(frames, bytes), bound, terms)
    }

    /// Whether the interface's rate lets all of them go at once, the policer of their class lets them in, and so does
    /// the rate of their class; what the last two are told of is spent there then.
    fn lets_all(&mut self, class: TrafficClass, row: &Row, frames: &[Frame], now: Time) -> bool {
        let (place, urgent) = (self.place(class), self.is_first(class));
        let (overhead, cells) = (self.overhead, self.cells);
        let each = frames.iter().map(|frame| cells.packed(frame.len(), overhead));
        let shaper = self.shaper.as_mut();
        shaper.is_none_or(|shaper| shaper.lets_behind(now, row.before_cost(), urgent))
            && self.policer(class).is_none_or(|policer| policer.lets_in(now, row.cost))
            && self.paces.let_all(place, each, now)
            && self.policer(class).is_none_or(|policer| policer.conforms(now, row.cost))
    }

    /// Counts, and what others are to find later.
    fn pass(&mut self, class: TrafficClass, row: &Row, frames: &[Frame], now: Time, round: &mut u64) {
        let (place, urgent) = (self.place(class), self.is_first(class));
        if frames.is_empty() {
            return;
        }
        self.queues[class.index()].tally.passed(row.frames, row.bytes, row.cost);
        self.waits.record(class.index(), 0, row.frames);
        if let Some(shaper) = &mut self.shaper {
            shaper.spend_all(now, (row.cost, row.longest_cost), urgent);
        }
        if urgent {
            return self.charge(Turn::Urgent, row.cost, now);
        }
        self.burst.sent(now, row.cost);
        let leftover = self.is_leftover(place);
        self.fair.wake(place, leftover);
        self.fair.served(place, leftover, row.cost - row.last_cost);
        self.fair.served(place, leftover, row.last_cost);
        self.fair.leave(place);
        if !leftover {
            let sure = self.pass_assured(row, frames, now);
            let (frames, overhead, cells) =
                (frames.get(sure..).unwrap_or_default(), self.overhead, self.cells);
            match self.adds() {
                Some(more) => self.pass_shared(frames, round, |len| i64::from(filled(len) + more)),
                None => self.pass_shared(frames, round, |len| cells.packed(len, overhead).into()),
            }
        }
    }

    /// How many of them leave out of what it is sure of, which is counted there.
    fn pass_assured(&mut self, row: &Row, frames: &[Frame], now: Time) -> usize {
        let (overhead, cells) = (self.overhead, self.cells);
        let Some(tokens) = &mut self.assured else { return 0 };
        if tokens.covers(now, row.before_cost(), 0) {
            tokens.spend_within(now, row.cost, ASSURED_MOST);
            return frames.len();
        }
        let leaves = |frame: &&Frame| {
            let sure = tokens.covers(now, 0, 0);
            if sure {
                tokens.spend_within(now, cells.packed(frame.len(), overhead), ASSURED_MOST);
            }
            sure
        };
        frames.iter().take_while(leaves).count()
    }

    /// The turns they would have had among interfaces that share, alone; `cost` is what a frame of a length counts.
    fn pass_shared(&mut self, frames: &[Frame], round: &mut u64, cost: impl Fn(usize) -> i64) {
        if frames.is_empty() {
            return;
        }
        if self.round < *round {
            self.grant(*round, QUANTUM);
        } else if self.credit <= 0 {
            self.grant(*round + 1, QUANTUM);
        }
        *round = self.round.max(*round);
        let mut credit = self.credit;
        for frame in frames {
            while credit <= 0 {
                *round += 1;
                self.credit = credit;
                self.grant(*round, QUANTUM);
                credit = self.credit;
            }
            credit -= cost(frame.len());
        }
        self.credit = credit;
    }
}
