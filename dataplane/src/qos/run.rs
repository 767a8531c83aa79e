//! The short way of frames of plain queues into and out of one interface.
//!
//! A queue is plain where no policer, early detection, bound on waiting, flow or order
//! of all classes is looked at. What is done here is what [`Site::enqueue`] and
//! [`Site::take`] do of such a queue, without the questions that it does not ask.

use super::LINE_OVERHEAD;
use super::queue::Room;
use super::shaper::Shaper;
use super::site::Site;
use super::turn::Turn;
use crate::packet::{Batch, Frame};
use crate::time::Time;

/// What the tree has for the frames of a turn.
#[derive(Debug)]
pub(super) struct Way<'a> {
    pub(super) now: Time,
    pub(super) port: Option<&'a mut Shaper>,
    pub(super) room: &'a mut Room,
    pub(super) out: &'a mut Batch,
}

impl Way<'_> {
    /// A frame of `len` bytes leaves by the port. Gives whether one more without priority may.
    #[inline]
    pub(super) fn port_takes(&mut self, len: usize, turn: Turn) -> bool {
        let Some(port) = &mut self.port else { return true };
        port.spend(self.now, len as u32 + LINE_OVERHEAD, turn == Turn::Urgent);
        port.lets(self.now, false)
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

    /// Sends frames of plain queues while a turn lasts, `most` at the most. Gives how many, and what is next.
    #[inline]
    pub(super) fn run(&mut self, turn: Turn, most: usize, way: &mut Way<'_>) -> (usize, Next) {
        let (mut given, mut bytes, mut accounted) = (0, 0, 0);
        let next = loop {
            let place = match turn {
                Turn::Urgent => self.first_urgent(),
                Turn::Assured | Turn::Shared => self.fair.first().unwrap_or_default(),
                Turn::Leftover => break Next::Other,
            };
            let queue = &mut self.queues[place];
            if !queue.is_plain() {
                break Next::Other;
            }
            let Some(held) = queue.lead(way.room) else { break Next::Over };
            let (len, empty) = (held.len(), queue.frames == 0);
            let cost = self.accounted(len);
            self.queues[place].tally.sent(len, cost, way.now.since(held.since));
            (given, bytes, accounted) = (given + 1, bytes + len as u64, accounted + cost);
            if empty {
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
            // There is room for `most`.
            let _ = way.out.push(held.frame);
            let port_lets = way.port_takes(len, turn);
            if turn != Turn::Shared || given >= most || !port_lets || !self.goes_on(way.now) {
                break Next::Over;
            }
        };
        self.frames -= given;
        self.bytes -= bytes;
        if given > 0 {
            self.charge(turn, accounted, way.now);
        }
        (given, next)
    }
}
