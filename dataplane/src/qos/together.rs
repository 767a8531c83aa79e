//! Frames of one class of one interface that come together.
//!
//! What has to be asked of each is asked once where all of them find room behind frames
//! that wait already in a plain queue; what is counted, and the order, are those of
//! [`Scheduler::enqueue`] one after the other.

use super::queue::Room;
use super::scheduler::Scheduler;
use super::site::{Dropped, Site};
use super::stats::Count;
use crate::class::TrafficClass;
use crate::id::IfIndex;
use crate::packet::{Batch, Frame};
use crate::time::Time;

impl Scheduler {
    /// Queues the frames of `batch`, all of this interface and class, in order. Those that
    /// are refused, or make way, go to `dropped`, with the reasons of [`Scheduler::enqueue`].
    pub fn enqueue_all(
        &mut self,
        (interface, class): (IfIndex, TrafficClass),
        batch: &mut Batch,
        now: Time,
        dropped: &mut Dropped,
    ) {
        let mut left = Count::default();
        batch.frames().iter().for_each(|frame| left.add(frame.len()));
        let mut frames = batch.drain();
        // The first may be the first of its queue.
        if let Some(first) = frames.next() {
            (left.packets, left.bytes) = (left.packets - 1, left.bytes - first.len() as u64);
            dropped.extend(self.enqueue(first, now).err());
        }
        self.follow_all((interface, class), left, &mut frames);
        dropped.extend(frames.filter_map(|frame| self.enqueue(frame, now).err()));
    }

    /// Queues the frames of `batch`, of whatever interfaces and classes, in order, as
    /// [`Scheduler::enqueue`] one after the other. Those that are refused, or make way, go to `dropped`.
    pub fn enqueue_mixed(&mut self, batch: &mut Batch, now: Time, dropped: &mut Dropped) {
        self.clock = self.clock.max(now);
        for meta in batch.frames().iter().map(Frame::meta) {
            self.fetch(meta.out_interface, meta.class);
        }
        for frame in batch.drain() {
            if let Err(refused) = self.enqueue_now(frame) {
                dropped.push(refused);
            }
        }
    }

    /// Queues what is left of frames that come together, where none of it needs another look.
    fn follow_all(
        &mut self,
        (interface, class): (IfIndex, TrafficClass),
        left: Count,
        frames: &mut impl Iterator<Item = Frame>,
    ) {
        let site = self.find(interface).and_then(|at| self.sites.get_mut(at)?.as_mut());
        if let Some(site) = site.filter(|site| site.takes_all(class, left)) {
            let taken = site.follow_all(class, frames, self.clock, &mut self.room);
            (self.frames, self.bytes) = (self.frames + taken.packets as usize, self.bytes + taken.bytes);
        }
    }
}

impl Site {
    /// Whether so many frames of a class find room behind others of their plain queue, whatever else is held.
    fn takes_all(&self, class: TrafficClass, left: Count) -> bool {
        let queue = &self.queues[class.index()];
        self.backlog & (1 << class.index()) != 0
            && self.frames + left.packets as usize <= self.sure_frames
            && self.bytes + left.bytes <= self.sure_bytes
            && queue.takes(left.bytes as usize)
    }

    fn follow_all(
        &mut self,
        class: TrafficClass,
        frames: &mut impl Iterator<Item = Frame>,
        now: Time,
        room: &mut Room,
    ) -> Count {
        let taken = self.queues[class.index()].follow_all(frames, now, room);
        (self.frames, self.bytes) = (self.frames + taken.packets as usize, self.bytes + taken.bytes);
        taken
    }
}
