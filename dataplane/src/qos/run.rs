//! The short way of frames of plain queues into and out of one interface.
//!
//! A queue is plain where no policer, early detection, bound on waiting, flow or order
//! of all classes is looked at. What is done here is what [`Site::enqueue`] and
//! [`Site::take`] do of such a queue, without the questions that it does not ask.

use super::LINE_OVERHEAD;
use super::line::Line;
use super::queue::Room;
use super::site::Site;
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
}

impl Sum {
    #[inline]
    pub(super) fn of(len: usize, cost: u32) -> Self {
        Self { frames: 1, bytes: len as u64, cost }
    }

    #[inline]
    fn add(&mut self, len: usize, cost: u32) {
        self.frames += 1;
        self.bytes += len as u64;
        self.cost += cost;
    }
}

/// How far a turn goes: what may still leave in it. Rates are asked once, when it begins: what is spent of them
/// meanwhile is told at its end.
#[derive(Debug)]
struct Course {
    turn: Turn,
    frames: usize,
    /// Bytes as accounted, and on the line; below zero none leaves any more.
    cost: i64,
    line: i64,
    /// Bytes of the longest.
    longest: usize,
    /// What these were when it began.
    whole: (usize, i64, i64),
}

impl Course {
    #[inline(always)]
    fn takes(&mut self, len: usize, cost: u32) {
        self.frames -= 1;
        self.cost -= i64::from(cost);
        self.line -= len as i64 + i64::from(LINE_OVERHEAD);
        self.longest = self.longest.max(len);
    }

    /// Whether one more frame may leave.
    #[inline(always)]
    fn lets(&self) -> bool {
        self.frames > 0 && self.cost | self.line >= 0
    }

    /// What left in it, and bytes of that on the line.
    fn sum(&self) -> (Sum, u32) {
        let frames = self.whole.0 - self.frames;
        let on_line = (self.whole.2 - self.line) as u64;
        let bytes = on_line - frames as u64 * u64::from(LINE_OVERHEAD);
        (Sum { frames, bytes, cost: (self.whole.1 - self.cost) as u32 }, on_line as u32)
    }
}

impl Site {
    /// Whether a queue takes so many bytes without another look.
    #[inline(always)]
    pub(super) fn takes_in(&self, place: usize, len: usize) -> bool {
        u64::from(self.queues[place].bytes) + len as u64 <= u64::from(self.plain[place])
    }

    /// Whether the frames of a queue need no more than to be taken.
    #[inline(always)]
    fn is_plain(&self, place: usize) -> bool {
        self.plain[place] > 0
    }

    /// Whether the queue of a frame is plain, and has room for it.
    #[inline]
    pub(super) fn takes(&self, frame: &Frame) -> bool {
        self.takes_in(frame.meta().class.index(), frame.len())
    }

    /// Queues a frame for which there is room in its plain queue, and in the interface; `when` is now, and for how
    /// long it was not seen what came. Gives whether the queue was empty.
    #[inline]
    pub(super) fn begin(&mut self, frame: Frame, when: (Time, u64)) -> bool {
        let (place, len) = (frame.meta().class.index(), frame.len());
        let wakes = self.backlog & (1 << place) == 0;
        if wakes {
            self.begins(place, when.0, when.1);
            self.backlog |= 1 << place;
            self.wake(place);
        }
        self.frames += 1;
        self.bytes += len as u64;
        self.queues[place].begin(frame, when.0);
        wakes
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
        if !self.is_plain(place) {
            return (0, Next::Other);
        }
        let Some((len, cost)) = self.lead(place, turn, self.adds(), way) else { return (0, Next::Over) };
        self.spend(turn, cost, way.now);
        way.port_takes(len, turn);
        self.left_in_turn(turn, &Sum::of(len, cost), way.now);
        (1, Next::Over)
    }

    fn run_assured(&mut self, most: usize, way: &mut Way<'_>) -> (usize, Next) {
        let mut given = 0;
        loop {
            let (one, next) = self.run_one(Turn::Assured, self.fair.first(), way);
            given += one;
            let sure = self.assured_from() <= way.now && self.has_weighted();
            let lets = way.line.goes_on(way.now, false) && self.lets(way.now, false);
            if one == 0 || given >= most || !sure || !lets {
                return (given, next);
            }
        }
    }

    fn run_urgent(&mut self, most: usize, way: &mut Way<'_>) -> (usize, Next) {
        let mut course = self.course(Turn::Urgent, most, way);
        let next = loop {
            let place = self.first_urgent();
            if !self.is_plain(place) {
                break Next::Other;
            }
            self.lead_all(place, &mut course, way);
            if !(course.lets() && self.has_priority()) {
                break Next::Over;
            }
        };
        (self.ended(&course, way), next)
    }

    fn run_on(&mut self, most: usize, way: &mut Way<'_>) -> (usize, Next) {
        let mut course = self.course(Turn::Shared, most, way);
        let adds = self.adds();
        loop {
            let place = self.fair.first();
            if !self.is_plain(place) {
                return (self.ended(&course, way), Next::Other);
            }
            if self.fair.waits_alone() {
                self.lead_all(place, &mut course, way);
                break;
            }
            let Some((len, cost)) = self.lead(place, Turn::Shared, adds, way) else { break };
            course.takes(len, cost);
            if !(course.lets() && self.fair.waits()) {
                break;
            }
        }
        (self.ended(&course, way), Next::Over)
    }

    /// How far a turn goes that begins.
    #[inline]
    fn course(&mut self, turn: Turn, most: usize, way: &mut Way<'_>) -> Course {
        let urgent = turn == Turn::Urgent;
        let credit = if turn == Turn::Shared { (self.credit - 1).max(0) as u64 } else { u64::MAX };
        let own = self.shaper.as_mut().map_or(u64::MAX, |shaper| shaper.lets_through(way.now, urgent));
        let line = way.line.lets_through(way.now, urgent);
        let within = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        let (cost, line) = (within(own.min(credit)), within(line));
        Course { turn, frames: most, cost, line, longest: 0, whole: (most, cost, line) }
    }

    /// What follows for interface and port of what left in a turn. Gives how many frames.
    #[inline]
    fn ended(&mut self, course: &Course, way: &mut Way<'_>) -> usize {
        let (turn, (sum, on_line), urgent) = (course.turn, course.sum(), course.turn == Turn::Urgent);
        if sum.frames == 0 {
            return 0;
        }
        if let Some(shaper) = &mut self.shaper {
            let longest = self.cells.packed(course.longest, self.overhead);
            shaper.spend_all(way.now, (sum.cost, longest), urgent);
        }
        if turn == Turn::Shared {
            self.credit -= i64::from(sum.cost);
        }
        way.line.spend_all(way.now, (on_line, course.longest as u32 + LINE_OVERHEAD), urgent);
        self.left_in_turn(turn, &sum, way.now);
        sum.frames
    }

    /// Sends frames of a plain queue one after the other while the turn lasts; of a class with a rate of its own
    /// one. What is counted of all of them is counted once.
    #[inline]
    fn lead_all(&mut self, place: usize, course: &mut Course, way: &mut Way<'_>) {
        if self.paces.any() {
            if let Some((len, cost)) = self.lead(place, course.turn, self.adds(), way) {
                course.takes(len, cost);
            }
            return;
        }
        let (mut sum, mut last, mut waits, mut oldest) = (Sum::default(), 0, (Time::ZERO, 0), way.now);
        while let Some((len, since)) = self.queues[place].next(way.out) {
            let cost = self.cells.packed(len, self.overhead);
            if waits.1 > 0 && waits.0 != since {
                self.waits.record(place, way.now.since(waits.0), std::mem::take(&mut waits.1));
            }
            waits = (since, waits.1 + 1);
            oldest = oldest.min(since);
            last = cost;
            sum.add(len, cost);
            course.takes(len, cost);
            if !course.lets() {
                break;
            }
        }
        if waits.1 > 0 {
            self.waits.record(place, way.now.since(waits.0), waits.1);
        }
        if course.turn != Turn::Urgent {
            self.fair.served(place, false, sum.cost - last);
            self.fair.served(place, false, last);
        }
        self.queues[place].left(&sum, way.now.since(oldest));
        if self.queues[place].frames == 0 {
            self.backlog &= !(1 << place);
            self.fair.leave(place);
        }
    }

    /// Sends the first frame of a plain queue, of a class with priority or that whose turn it is by weight; `adds` is what
    /// [`Site::adds`] gives. Gives its length, and what it costs.
    #[inline(always)]
    fn lead(
        &mut self,
        place: usize,
        turn: Turn,
        adds: Option<u32>,
        way: &mut Way<'_>,
    ) -> Option<(usize, u32)> {
        let queue = &mut self.queues[place];
        let (len, since) = queue.next(way.out)?;
        let cost = match adds {
            Some(more) => len as u32 + more,
            None => self.cells.packed(len, self.overhead),
        };
        let waited = way.now.since(since);
        queue.left(&Sum::of(len, cost), waited);
        let stays = queue.frames > 0;
        match turn {
            Turn::Shared => self.waits.record_in_turn(place, waited),
            _ => self.waits.record(place, waited, 1),
        }
        if !stays {
            self.backlog &= !(1 << place);
        }
        if turn != Turn::Urgent {
            self.fair.served_first(place, cost, stays);
        }
        if self.paces.spend(place, cost, way.now) {
            self.fair.leave(place);
        }
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
