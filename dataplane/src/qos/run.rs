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
    /// A frame of `len` bytes leaves by the port. Gives whether one more without priority may.
    #[inline]
    pub(super) fn port_takes(&mut self, len: usize, turn: Turn) -> bool {
        self.line.spend(self.now, len as u32 + LINE_OVERHEAD, turn == Turn::Urgent);
        self.line.goes_on(self.now)
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

impl Site {
    /// Queues a frame behind others of its plain queue.
    ///
    /// # Errors
    /// The frame, where that needs another look; nothing is counted.
    #[inline]
    pub(super) fn follow(&mut self, frame: Frame, now: Time, room: &mut Room) -> Result<(), Frame> {
        let (class, len) = (frame.meta().class.index(), frame.len());
        let has_room = self.has_room(len);
        let queue = &mut self.queues[class];
        if self.backlog & (1 << class) == 0 || !has_room || !queue.takes(len) {
            return Err(frame);
        }
        queue.follow(frame, now, room)?;
        self.frames += 1;
        self.bytes += len as u64;
        Ok(())
    }

    /// Sends a frame of a plain queue, or, in a turn by weight, frames of such while it lasts, `most` at the
    /// most. Gives how many, and what is next.
    #[inline]
    pub(super) fn run(&mut self, turn: Turn, most: usize, way: &mut Way<'_>) -> (usize, Next) {
        match turn {
            Turn::Urgent => self.run_one(turn, self.first_urgent(), way),
            Turn::Assured => self.run_one(turn, self.fair.first(), way),
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
        self.left_in_turn(turn, (1, len as u64, cost), way.now);
        (1, Next::Over)
    }

    fn run_on(&mut self, most: usize, way: &mut Way<'_>) -> (usize, Next) {
        let (mut given, mut bytes, mut costs) = (0, 0, 0);
        let next = loop {
            let place = self.fair.first();
            if !self.queues[place].is_plain() {
                break Next::Other;
            }
            let Some((len, cost)) = self.lead(place, Turn::Shared, way) else { break Next::Over };
            (given, bytes, costs) = (given + 1, bytes + len as u64, costs + cost);
            if !way.port_takes(len, Turn::Shared) || given >= most || !self.goes_on(way.now) {
                break Next::Over;
            }
        };
        self.left_in_turn(Turn::Shared, (given, bytes, costs), way.now);
        (given, next)
    }

    /// Sends the first frame of a plain queue. Gives its length, and what it costs.
    #[inline(always)]
    fn lead(&mut self, place: usize, turn: Turn, way: &mut Way<'_>) -> Option<(usize, u32)> {
        let queue = &mut self.queues[place];
        let (len, since) = queue.lead(way.room, way.out)?;
        let cost = self.cells.packed(len, self.overhead);
        queue.tally.sent(len, cost, way.now.since(since));
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

    /// So many frames, bytes and bytes as accounted left in a turn.
    #[inline]
    fn left_in_turn(&mut self, turn: Turn, (frames, bytes, cost): (usize, u64, u32), now: Time) {
        self.frames -= frames;
        self.bytes -= bytes;
        if frames > 0 {
            self.charge(turn, cost, now);
        }
    }
}
