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

    /// Queues frames of one interface, `first` the first of them, while no more has to be asked than for room behind
    /// others of their queue. Gives the one after them.
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
        let Some(at) = self.index.get(id.index()) else { return Err(first) };
        let Some(Some(site)) = self.sites.get_mut(*at as usize) else { return Err(first) };
        let (taken, end) = site.follow_some(first, frames, self.clock);
        (self.frames, self.bytes) = (self.frames + taken.packets as usize, self.bytes + taken.bytes);
        end
    }
}

impl Site {
    /// Queues frames, `first` the first of them, behind others of their plain queues, while they are for this
    /// interface and find room. Gives what it took, and the frame after it.
    ///
    /// # Errors
    /// One of which more has to be asked.
    #[inline(always)]
    fn follow_some(
        &mut self,
        first: Frame,
        frames: &mut impl Iterator<Item = Frame>,
        now: Time,
    ) -> (Count, Result<Option<Frame>, Frame>) {
        let id = first.meta().out_interface;
        let room = self.sure_frames.saturating_sub(self.frames) as u64;
        let room = Count { packets: room, bytes: self.sure_bytes.saturating_sub(self.bytes) };
        let (mut left, mut frame) = (room, first);
        let end = loop {
            let (class, len) = (frame.meta().class.index(), frame.len());
            if left.packets == 0 || len as u64 > left.bytes || !self.takes_in(class, len) {
                break Err(frame);
            }
            if let Err(frame) = self.queues[class].follow(frame, now) {
                break Err(frame);
            }
            (left.packets, left.bytes) = (left.packets - 1, left.bytes - len as u64);
            frame = match frames.next() {
                Some(next) if next.meta().out_interface == id => next,
                other => break Ok(other),
            };
        };
        let taken = Count { packets: room.packets - left.packets, bytes: room.bytes - left.bytes };
        (self.frames, self.bytes) = (self.frames + taken.packets as usize, self.bytes + taken.bytes);
        (taken, end)
    }
}
