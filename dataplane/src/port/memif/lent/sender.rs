//! The sending end of a ring whose buffers are the router's own.
//!
//! An entry says where the frame stands, and the frame is lent until the peer has moved the tail over it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{REGION, Slots};
use crate::packet::{Arena, Batch, Frame, Pool};
use crate::port::PortStats;
use crate::port::memif::ring::{Broken, Descriptor, Ring};

/// How many entries ahead what is known of a frame that comes back is asked for.
const AHEAD: u16 = 8;

/// Puts frames into one ring.
#[derive(Debug)]
pub(in crate::port::memif) struct Sender {
    ring: Ring,
    arena: Arc<Arena>,
    slots: Slots,
    /// The next entry to fill.
    next: u16,
    /// The oldest entry whose frame is lent.
    oldest: u16,
    /// Nothing was sent since it was last asked.
    idle: bool,
}

impl Sender {
    /// At an empty ring.
    pub(in crate::port::memif) fn new(ring: Ring, arena: Arc<Arena>) -> Self {
        let slots = Slots::new(ring.size());
        Self { ring, arena, slots, next: 0, oldest: 0, idle: true }
    }

    /// Its ring.
    #[inline]
    pub(in crate::port::memif) fn ring(&self) -> &Ring {
        &self.ring
    }

    /// Sends from the front of `batch`, as many as there is room for; gives how many left it.
    ///
    /// # Errors
    /// The ring is broken: nothing more can be sent, and nothing was.
    #[inline]
    pub(in crate::port::memif) fn transmit(
        &mut self,
        batch: &mut Batch,
        pool: &mut Pool,
        stats: &mut PortStats,
    ) -> Result<usize, Broken> {
        self.reclaim(pool)?;
        self.idle = false;
        let free = self.ring.size() - self.next.wrapping_sub(self.oldest);
        let most = batch.len().min(usize::from(free));
        for frame in batch.drain_front(most) {
            let Some(offset) = self.arena.offset(frame.bytes()) else {
                // Of another kind of pool: it has no place that the peer knows.
                stats.send_failed += 1;
                pool.put(frame);
                continue;
            };
            let lent =
                Descriptor { flags: 0, region: REGION, length: frame.len() as u32, offset: offset as u32 };
            self.ring.write(self.next, lent);
            self.slots.put(self.next, frame);
            self.next = self.next.wrapping_add(1);
            stats.sent += 1;
        }
        self.ring.head().store(self.next, Ordering::Release);
        Ok(most)
    }

    /// Takes back what the peer is done with, if nothing was sent since this was asked before: else sending did.
    ///
    /// # Errors
    /// The peer's index says that it is done with more than it was lent.
    #[inline]
    pub(in crate::port::memif) fn reclaim_when_idle(&mut self, pool: &mut Pool) -> Result<(), Broken> {
        let idle = std::mem::replace(&mut self.idle, true);
        if idle && self.next != self.oldest { self.reclaim(pool) } else { Ok(()) }
    }

    /// Takes back what the peer is done with.
    #[inline]
    fn reclaim(&mut self, pool: &mut Pool) -> Result<(), Broken> {
        // Acquire: the peer is done with what its index moved over.
        let tail = self.ring.tail().load(Ordering::Acquire);
        let done = tail.wrapping_sub(self.oldest);
        if done > self.next.wrapping_sub(self.oldest) {
            return Err(Broken::Index);
        }
        (0..done.min(AHEAD)).for_each(|ahead| self.fetch(self.oldest.wrapping_add(ahead)));
        while self.oldest != tail {
            if tail.wrapping_sub(self.oldest) > AHEAD {
                self.fetch(self.oldest.wrapping_add(AHEAD));
            }
            if let Some(frame) = self.slots.take(self.oldest) {
                pool.put(frame);
            }
            self.oldest = self.oldest.wrapping_add(1);
        }
        Ok(())
    }

    #[inline]
    fn fetch(&self, index: u16) {
        if let Some(frame) = self.slots.get(index) {
            frame.fetch_to_renew();
        }
    }

    /// Takes out all that is lent.
    pub(in crate::port::memif) fn take_all(&mut self) -> impl Iterator<Item = Frame> + '_ {
        self.slots.take_all()
    }
}
