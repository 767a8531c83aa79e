//! The short way of frames of plain queues into and out of one interface.
//!
//! A queue is plain where no policer, early detection, bound on waiting, flow or order
//! of all classes is looked at. What is done here is what [`Site::enqueue`] and
//! [`Site::take`] do of such a queue, without the questions that it does not ask.

use super::LINE_OVERHEAD;
use super::length::{filled, on_line};
use super::line::Line;
use super::queue::Room;
use super::site::Site;
use super::turn::Turn;
use super::wait::FULL;
use crate::class::CLASSES;
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
        self.line.spend(self.now, on_line(len), turn == Turn::Urgent);
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

/// A frame that left.
#[derive(Debug)]
struct Led {
    len: usize,
    cost: u32,
    /// Its queue has more.
    stays: bool,
}

/// How far a turn goes: what may still leave in it. Rates are asked once, when it begins: what is spent of them
/// meanwhile is told at its end.
#[derive(Debug)]
struct Course {
    turn: Turn,
    /// What [`Site::adds`] gives.
    adds: Option<u32>,
    /// Frames of the batch when it began, and when it has to end.
    from: usize,
    to: usize,
    /// Bytes that may still leave, by what counts more of a frame, interface or line; below zero none leaves any more.
    left: i64,
    /// The same when it began.
    whole: i64,
    /// Bytes that left.
    bytes: u64,
    /// As accounted and on the line, where these are not so many more for each frame.
    uneven: (u32, u32),
    /// Bytes of the longest, which may be [`FULL`] in any case.
    longest: usize,
}

impl Course {
    /// What a frame takes beside its bytes, of what it is that takes more.
    #[inline(always)]
    fn beside(adds: u32) -> u32 {
        adds.max(LINE_OVERHEAD)
    }

    #[inline(always)]
    fn takes(&mut self, len: usize, cost: u32) {
        self.bytes += len as u64;
        self.left -= match self.adds {
            Some(adds) => i64::from(filled(len) + Self::beside(adds)),
            None => {
                let on_line = on_line(len);
                self.uneven = (self.uneven.0 + cost, self.uneven.1 + on_line);
                cost.max(on_line).into()
            }
        };
        if len > self.longest {
            self.reaches(len);
        }
    }

    #[cold]
    fn reaches(&mut self, len: usize) {
        self.longest = len;
    }

    /// Whether one more frame may leave.
    #[inline(always)]
    fn lets(&self, out: &Batch) -> bool {
        out.len() < self.to && self.left >= 0
    }

    /// What left in it, and bytes of that on the line.
    #[inline]
    fn sum(&self, out: &Batch) -> (Sum, u32) {
        let frames = out.len() - self.from;
        let of = |cost| Sum { frames, bytes: self.bytes, cost };
        let Some(adds) = self.adds else { return (of(self.uneven.0), self.uneven.1) };
        let filled = (self.whole - self.left) as u32 - frames as u32 * Self::beside(adds);
        (of(filled + frames as u32 * adds), filled + frames as u32 * LINE_OVERHEAD)
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

    /// Queues the first frame of a plain queue, which is counted as the interface's; `when` is now, and for how long it was not seen
    /// what came. Gives whether it has priority.
    #[inline(always)]
    pub(super) fn begin(&mut self, frame: Frame, place: usize, when: (Time, u64)) -> bool {
        let place = place % CLASSES;
        debug_assert!(self.backlog & (1 << place) == 0 && self.is_plain(place));
        self.begins(place, when.0, when.1);
        self.backlog |= 1 << place;
        self.wake(place);
        self.queues[place].begin(frame, when.0);
        self.priority & (1 << place) != 0
    }

    /// Sends frames of plain queues while its turn lasts, `most` at the most. Gives how many, and what is next.
    #[inline(always)]
    pub(super) fn run(&mut self, turn: Turn, most: usize, way: &mut Way<'_>) -> (usize, Next) {
        match turn {
            Turn::Urgent => self.run_urgent(most, way),
            Turn::Assured => self.run_assured(most, way),
            Turn::Shared => self.run_on(most, way),
            Turn::Leftover => (0, Next::Other),
        }
    }

    /// Whether one frame after the other may leave a queue with nothing asked but the rates of interface and port.
    #[inline(always)]
    pub(super) fn is_simple(&self, place: usize) -> bool {
        self.is_plain(place) && !self.paces.any()
    }

    /// Sends the first frame of a plain queue. Gives its length.
    #[inline(always)]
    pub(super) fn run_one(&mut self, turn: Turn, place: usize, way: &mut Way<'_>) -> Option<usize> {
        let Led { len, cost, .. } = self.lead(place, turn, self.adds(), way)?;
        self.spend_of_class(place, cost, way.now);
        self.spend(turn, cost, way.now);
        way.line.spend(way.now, on_line(len), turn == Turn::Urgent);
        self.left_in_turn(turn, &Sum::of(len, cost), way.now);
        Some(len)
    }

    #[inline(never)]
    fn run_assured(&mut self, most: usize, way: &mut Way<'_>) -> (usize, Next) {
        let mut given = 0;
        loop {
            let place = self.fair.first();
            if !self.is_plain(place) {
                return (given, Next::Other);
            }
            if self.run_one(Turn::Assured, place, way).is_none() {
                return (given, Next::Over);
            }
            given += 1;
            let sure = self.assured_from() <= way.now && self.has_weighted();
            if given >= most || !sure || !way.line.goes_on(way.now, false) || !self.lets(way.now, false) {
                return (given, Next::Over);
            }
        }
    }

    #[inline(never)]
    fn run_urgent(&mut self, most: usize, way: &mut Way<'_>) -> (usize, Next) {
        let mut course = self.course(Turn::Urgent, most, way);
        let next = loop {
            let place = self.first_urgent();
            if !self.is_plain(place) {
                break Next::Other;
            }
            self.lead_all(place, &mut course, way);
            if !(course.lets(way.out) && self.has_priority()) {
                break Next::Over;
            }
        };
        (self.ended(&course, way), next)
    }

    #[inline(never)]
    pub(super) fn run_on(&mut self, most: usize, way: &mut Way<'_>) -> (usize, Next) {
        let mut course = self.course(Turn::Shared, most, way);
        let next = match course.adds {
            Some(adds) if !self.paces.any() => self.run_by_weight(&mut course, Some(adds), false, way),
            adds => self.run_by_weight(&mut course, adds, true, way),
        };
        (self.ended(&course, way), next)
    }

    /// Sends frames of those that have a weight, by their weights; of classes with rates of their own where it is `paced`.
    #[inline(always)]
    fn run_by_weight(
        &mut self,
        course: &mut Course,
        adds: Option<u32>,
        paced: bool,
        way: &mut Way<'_>,
    ) -> Next {
        // As often as a class has nothing more to send.
        while self.fair.waits() {
            if self.fair.waits_alone() {
                let place = self.fair.first();
                if !self.is_plain(place) {
                    return Next::Other;
                }
                self.lead_all(place, course, way);
                return Next::Over;
            }
            loop {
                let place = self.fair.first();
                if !self.is_plain(place) {
                    return Next::Other;
                }
                let Some(led) = self.lead(place, Turn::Shared, adds, way) else { return Next::Over };
                course.takes(led.len, led.cost);
                let held = paced && self.spend_of_class(place, led.cost, way.now);
                if !course.lets(way.out) {
                    return Next::Over;
                }
                if held || !led.stays {
                    break;
                }
            }
        }
        Next::Over
    }

    /// How far a turn goes that begins.
    #[inline]
    fn course(&mut self, turn: Turn, most: usize, way: &mut Way<'_>) -> Course {
        let urgent = turn == Turn::Urgent;
        let credit = if turn == Turn::Shared { (self.credit - 1).max(0) as u64 } else { u64::MAX };
        let own = self.shaper.as_mut().map_or(u64::MAX, |shaper| shaper.lets_through(way.now, urgent));
        let left = own.min(credit).min(way.line.lets_through(way.now, urgent));
        let left = i64::try_from(left).unwrap_or(i64::MAX);
        let (from, adds) = (way.out.len(), self.adds());
        let to = from + most;
        Course { turn, adds, from, to, left, whole: left, bytes: 0, uneven: (0, 0), longest: FULL }
    }

    /// What follows for interface and port of what left in a turn. Gives how many frames.
    #[inline]
    fn ended(&mut self, course: &Course, way: &mut Way<'_>) -> usize {
        let (turn, (sum, line), urgent) = (course.turn, course.sum(way.out), course.turn == Turn::Urgent);
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
        way.line.spend_all(way.now, (line, on_line(course.longest)), urgent);
        self.left_in_turn(turn, &sum, way.now);
        sum.frames
    }

    /// Sends frames of a plain queue one after the other while the turn lasts; of a class with a rate of its own
    /// one. What is counted of all of them is counted once.
    #[inline]
    fn lead_all(&mut self, place: usize, course: &mut Course, way: &mut Way<'_>) {
        if self.paces.any() {
            if let Some(led) = self.lead(place, course.turn, course.adds, way) {
                course.takes(led.len, led.cost);
                self.spend_of_class(place, led.cost, way.now);
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
            if !course.lets(way.out) {
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
    /// [`Site::adds`] gives.
    #[inline(always)]
    fn lead(&mut self, place: usize, turn: Turn, adds: Option<u32>, way: &mut Way<'_>) -> Option<Led> {
        let queue = &mut self.queues[place];
        let (len, since) = queue.next(way.out)?;
        let cost = match adds {
            Some(more) => filled(len) + more,
            None => self.cells.packed(len, self.overhead),
        };
        let waited = way.now.since(since);
        queue.left(&Sum::of(len, cost), waited);
        let stays = queue.frames > 0;
        match turn {
            Turn::Shared => self.waits.record_in_turn(place, waited),
            _ => self.waits.record(place, waited, 1),
        }
        if turn != Turn::Urgent {
            self.fair.served_first(place, cost, stays);
        }
        if !stays {
            self.backlog &= !(1 << place);
        }
        Some(Led { len, cost, stays })
    }

    /// A frame left of a class that may have a rate of its own. Gives whether the class is held from now on.
    #[inline(always)]
    fn spend_of_class(&mut self, place: usize, cost: u32, now: Time) -> bool {
        let held = self.paces.spend(place, cost, now);
        if held {
            self.fair.leave(place);
        }
        held
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
