//! Frames that come together, of whatever interfaces and classes.
//!
//! Where they find room behind frames that wait already in plain queues, their interface is asked
//! once for all that are one after the other; what is counted, and the order, are those of
//! [`Scheduler::enqueue`] one by one.

use super::scheduler::Scheduler;
use super::site::{Dropped, Site};
use super::stats::Count;
use crate::packet::{Batch, Frame};
use crate::time::Time;

impl Scheduler {
    /// Queues the frames of `batch`, of whatever interfaces and classes, in order, as
    /// [`Scheduler::enqueue`] one after the other. Those that are refused, or make way, go to `dropped`.
    pub fn enqueue_all(&mut self, batch: &mut Batch, now: Time, dropped: &mut Dropped) {
        self.clock = self.clock.max(now);
        self.fetch_all(batch.frames());
        let mut frames = batch.drain();
        let mut next = frames.next();
        while let Some(first) = next {
            next = match self.follow_some(first, &mut frames) {
                Ok(next) => next,
                Err(frame) => {
                    dropped.extend(self.enqueue_with_care(frame).err());
                    frames.next()
                }
            };
        }
    }

    /// Queues frames of one interface, `first` the first of them, while no more has to be asked than for room in plain
    /// queues, and none was empty but that of the last. Gives the one after them.
    ///
    /// # Errors
    /// One of which more has to be asked.
    #[inline(always)]
    pub(super) fn follow_some(
        &mut self,
        first: Frame,
        frames: &mut impl Iterator<Item = Frame>,
    ) -> Result<Option<Frame>, Frame> {
        let id = first.meta().out_interface;
        let Some(at) = self.index.get(id.index()).map(|at| *at as usize) else { return Err(first) };
        let Some(Some(site)) = self.sites.get_mut(at) else { return Err(first) };
        let (taken, end) = site.follow_some(first, frames, self.clock);
        (self.frames, self.bytes) = (self.frames + taken.packets as usize, self.bytes + taken.bytes);
        let (frame, place) = match end {
            End::Next(next) => return Ok(next),
            End::Care(frame) => return Err(frame),
            End::Begins(frame, place) => (frame, place),
        };
        let urgent = site.begin(frame, place, (self.clock, self.unseen.at(self.clock)));
        let lets = urgent && site.may_join(self.clock);
        if self.line.is_held() {
            self.port_idled();
        }
        if lets {
            self.urgent.join(at)
        } else {
            self.line_up_first(at, urgent)
        }
        self.tell_others();
        Ok(frames.next())
    }
}

/// Why no more frames of an interface are queued one after the other.
enum End {
    /// The next one, where there is one, is for another.
    Next(Option<Frame>),
    /// More has to be asked of this one.
    Care(Frame),
    /// This one is the first of its queue, for which there is room, and counted.
    Begins(Frame, usize),
}

impl Site {
    /// Queues frames, `first` the first of them, behind others of their plain queues, while they are for this
    /// interface and find room. Gives what it took, and why no more.
    #[inline(always)]
    fn follow_some(
        &mut self,
        first: Frame,
        frames: &mut impl Iterator<Item = Frame>,
        now: Time,
    ) -> (Count, End) {
        let id = first.meta().out_interface;
        let room = self.sure_frames.saturating_sub(self.frames) as u64;
        let room = Count { packets: room, bytes: self.sure_bytes.saturating_sub(self.bytes) };
        let (mut left, mut frame) = (room, first);
        let end = loop {
            let (class, len) = (frame.meta().class.index(), frame.len());
            if left.packets == 0 || len as u64 > left.bytes || !self.takes_in(class, len) {
                break End::Care(frame);
            }
            (left.packets, left.bytes) = (left.packets - 1, left.bytes - len as u64);
            if let Err(frame) = self.queues[class].follow(frame, now) {
                break End::Begins(frame, class);
            }
            frame = match frames.next() {
                Some(next) if next.meta().out_interface == id => next,
                other => break End::Next(other),
            };
        };
        let taken = Count { packets: room.packets - left.packets, bytes: room.bytes - left.bytes };
        (self.frames, self.bytes) = (self.frames + taken.packets as usize, self.bytes + taken.bytes);
        (taken, end)
    }

    /// Whether it may stand in the ring of priority, where a class with priority just had its first frame.
    #[inline(always)]
    fn may_join(&self, now: Time) -> bool {
        self.paces.held & self.backlog == 0 && !self.urging && self.lets(now, true)
    }
}
