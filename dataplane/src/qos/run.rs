//! The short way of frames of plain queues into and out of one interface.
//!
//! A queue is plain where no policer, early detection, bound on waiting, flow or order
//! of all classes is looked at. What is done here is what [`Site::enqueue`] and
//! [`Site::take`] do of such a queue, without the questions that it does not ask.

use super::LINE_OVERHEAD;
use super::line::Line;
use super::queue::Room;
use super::site::Site;
use super::store::Place;
use super::turn::Turn;
use crate::packet::{Batch, Frame};
use crate::time::Time;

/// What the tree has for the frames of a turn.
#[derive(Debug)]
pub(super) struct Way<'a> {
    pub(super) now: Time,
    pub(super) line: &'a mut Line,
    pub(super) room: &'a mut Room,
    pub(super) out: &'a mut Batch,
}

impl Way<'_> {
    /// A frame of `len` bytes leaves by the port. Gives whether one more like it may.
    #[inline]
    pub(super) fn port_takes(&mut self, len: usize, turn: Turn) -> bool {
        self.line.spend(self.now, len as u32 + LINE_OVERHEAD, turn == Turn::Urgent);
        self.line.goes_on(self.now, turn == Turn::Urgent)
    }
}

/// What became of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It is over.
    Over,
    /// It goes on with a queue that is not plain.
    Other,
}

/// Frames that left.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    pub(super) frames: usize,
    pub(super) bytes: u64,
    /// Bytes as accounted.
    pub(super) cost: u32,
    /// Whether one more like them may.
    goes_on: bool,
}

impl Sum {
    #[inline]
    fn of(len: usize, cost: u32) -> Self {
        Self { frames: 1, bytes: len as u64, cost, goes_on: false }
    }

    #[inline]
    fn add(&mut self, more: &Self) {
        self.frames += more.frames;
        self.bytes += more.bytes;
        self.cost += more.cost;
    }
}

impl Site {
    /// The place of a frame, which is counted, behind others of its plain queue; `None` where that needs
    /// another look.
    #[inline]
    pub(super) fn follow<'r>(&mut self, frame: &Frame, room: &'r mut Room) -> Option<&'r mut Place> {
        let (class, len) = (frame.meta().class.index(), frame.len());
        let has_room = self.has_room(len);
        let queue = &mut self.queues[class];
        if self.backlog & (1 << class) == 0 || !has_room || !queue.takes(len) {
            return None;
        }
        let place = queue.follow(len, room)?;
        self.frames += 1;
        self.bytes += len as u64;
        Some(place)
    }

    /// Sends frames of plain queues while its turn lasts, `most` at the most. Gives how many, and what is next.
    #[inline]
    pub(super) fn run(&mut self, turn: Turn, most: usize, way: &mut Way<'_>) -> (usize, Next) {
        match turn {
            Turn::Urgent if most == 1 => self.run_one(turn, self.first_urgent(), way),
            Turn::Assured if most == 1 => self.run_one(turn, self.fair.first(), way),
            Turn::Urgent => self.run_urgent(most, way),
            Turn::Assured => self.run_assured(most, way),
            Turn::Shared => self.run_on(most, way),
            Turn::Leftover => (0, Next::Other),
        }
    }

    #[inline]
    fn run_one(&mut self, turn: Turn, place: usize, way: &mut Way<'_>) -> (usize, Next) {
        if !self.queues[place].is_plain() {
            return (0, Next::Other);
        }
        let Some((len, cost)) = self.lead(place, turn, way) else { return (0, Next::Over) };
        way.port_takes(len, turn);
        self.left_in_turn(turn, &Sum::of(len, cost), way.now);
        (1, Next::Over)
    }

    fn run_urgent(&mut self, most: usize, way: &mut Way<'_>) -> (usize, Next) {
        let mut all = Sum::default();
        let next = loop {
            let place = self.first_urgent();
            if !self.queues[place].is_plain() {
                break Next::Other;
            }
            let sum = self.lead_all(place, Turn::Urgent, most - all.frames, way);
            all.add(&sum);
            if !(sum.goes_on && self.has_priority()) {
                break Next::Over;
            }
        };
        self.left_in_turn(Turn::Urgent, &all, way.now);
        (all.frames, next)
    }

    fn run_assured(&mut self, most: usize, way: &mut Way<'_>) -> (usize, Next) {
        let mut given = 0;
        loop {
            let place = self.fair.first();
            if !self.queues[place].is_plain() {
                return (given, Next::Other);
            }
            let Some((len, cost)) = self.lead(place, Turn::Assured, way) else { return (given, Next::Over) };
            given += 1;
            self.left_in_turn(Turn::Assured, &Sum::of(len, cost), way.now);
            let sure = self.assured_from() <= way.now && self.has_weighted();
            if !way.port_takes(len, Turn::Assured) || given >= most || !sure || !self.lets(way.now, false) {
                return (given, Next::Over);
            }
        }
    }

    fn run_on(&mut self, most: usize, way: &mut Way<'_>) -> (usize, Next) {
        let mut all = Sum::default();
        let next = loop {
            let place = self.fair.first();
            if !self.queues[place].is_plain() {
                break Next::Other;
            }
            if self.fair.waits_alone() {
                let sum = self.lead_all(place, Turn::Shared, most - all.frames, way);
                all.add(&sum);
                break Next::Over;
            }
            let Some((len, cost)) = self.lead(place, Turn::Shared, way) else { break Next::Over };
            all.add(&Sum::of(len, cost));
            if !way.port_takes(len, Turn::Shared) || all.frames >= most || !self.goes_on(way.now) {
                break Next::Over;
            }
        };
        self.left_in_turn(Turn::Shared, &all, way.now);
        (all.frames, next)
    }

    /// Sends frames of a plain queue one after the other, `most` at the most, while interface and port let them;
    /// of a class with a rate of its own one. What is counted of all of them is counted once.
    #[inline]
    fn lead_all(&mut self, place: usize, turn: Turn, most: usize, way: &mut Way<'_>) -> Sum {
        if self.paces.any() {
            let Some((len, cost)) = self.lead(place, turn, way) else { return Sum::default() };
            let goes_on = way.port_takes(len, turn) && most > 1 && self.lets(way.now, turn == Turn::Urgent);
            return Sum { goes_on, ..Sum::of(len, cost) };
        }
        let (mut sum, mut last, mut waits) = (Sum::default(), 0, (Time::ZERO, 0));
        while let Some((len, since)) = self.queues[place].next(way.room, way.out) {
            let cost = self.cells.packed(len, self.overhead);
            if waits.1 > 0 && waits.0 != since {
                self.waited(place, way.now.since(waits.0), std::mem::take(&mut waits.1));
            }
            waits = (since, waits.1 + 1);
            last = cost;
            sum.add(&Sum::of(len, cost));
            self.spend(turn, cost, way.now);
            let lets = way.port_takes(len, turn) && self.lets(way.now, turn == Turn::Urgent);
            sum.goes_on = lets && sum.frames < most;
            if !sum.goes_on || turn == Turn::Shared && self.credit <= 0 {
                break;
            }
        }
        if waits.1 > 0 {
            self.waited(place, way.now.since(waits.0), waits.1);
        }
        if turn != Turn::Urgent {
            self.fair.served(place, false, sum.cost - last);
            self.fair.served(place, false, last);
        }
        self.queues[place].left(&sum);
        if self.queues[place].frames == 0 {
            self.backlog &= !(1 << place);
            self.fair.leave(place);
        }
        sum
    }

    /// So many frames that are sent waited so long, nanoseconds.
    #[inline]
    fn waited(&mut self, place: usize, ns: u64, frames: u32) {
        self.queues[place].tally.waited(ns);
        self.waits.record(place, ns, frames);
    }

    /// Sends the first frame of a plain queue. Gives its length, and what it costs.
    #[inline(always)]
    fn lead(&mut self, place: usize, turn: Turn, way: &mut Way<'_>) -> Option<(usize, u32)> {
        let queue = &mut self.queues[place];
        let (len, since) = queue.lead(way.room, way.out)?;
        let cost = self.cells.packed(len, self.overhead);
        let waited = way.now.since(since);
        queue.tally.sent(len, cost, waited);
        self.waits.record(place, waited, 1);
        if queue.frames == 0 {
            self.backlog &= !(1 << place);
            self.fair.leave(place);
        }
        if turn != Turn::Urgent {
            self.fair.served(place, false, cost);
        }
        if self.paces.spend(place, cost, way.now) {
            self.fair.leave(place);
        }
        self.spend(turn, cost, way.now);
        Some((len, cost))
    }

    /// These left in a turn.
    #[inline]
    fn left_in_turn(&mut self, turn: Turn, sum: &Sum, now: Time) {
        self.frames -= sum.frames;
        self.bytes -= sum.bytes;
        if sum.frames > 0 {
            self.charge(turn, sum.cost, now);
        }
    }
}
