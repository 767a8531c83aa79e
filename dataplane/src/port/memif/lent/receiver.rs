//! The receiving end of a ring whose buffers are the router's own.
//!
//! The peer fills what it was lent, up to the tail; frames are taken as they are, and others from the pool are lent
//! for them by the head. Where the pool runs short, fewer are lent until it has some again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use super::{REGION, RESERVE, Slots};
use crate::memory::fetch;
use crate::packet::{Arena, Batch, Frame, NoRoom, Pool};
use crate::port::PortStats;
use crate::port::memif::receiver::{Bad, whole_frame};
use crate::port::memif::ring::{Broken, Descriptor, NEXT, Ring};

/// How many entries ahead a frame is asked for.
const AHEAD: u16 = 8;

/// Takes frames from one ring.
#[derive(Debug)]
pub(in crate::port::memif) struct Receiver {
    ring: Ring,
    arena: Arc<Arena>,
    slots: Slots,
    /// The next entry to take.
    next: u16,
    /// Entries up to here are lent.
    given: u16,
    /// `next`, for those who look at the ring.
    taken: Arc<AtomicU16>,
}

impl Receiver {
    /// At an empty ring; lends as soon as it has a pool. Says in `taken` which entry it takes next.
    pub(in crate::port::memif) fn new(ring: Ring, arena: Arc<Arena>, taken: Arc<AtomicU16>) -> Self {
        let slots = Slots::new(ring.size());
        Self { ring, arena, slots, next: 0, given: 0, taken }
    }

    #[cfg(test)]
    pub(in crate::port::memif) fn ring(&self) -> &Ring {
        &self.ring
    }

    /// Entries that were filled.
    ///
    /// # Errors
    /// The peer's index says more than there can be.
    fn filled(&self) -> Result<u16, Broken> {
        // Acquire: the frames up to the peer's index are written.
        let filled = self.ring.tail().load(Ordering::Acquire).wrapping_sub(self.next);
        if filled <= self.given.wrapping_sub(self.next) { Ok(filled) } else { Err(Broken::Index) }
    }

    /// Receives up to `batch.room()` frames, and lends others for them.
    ///
    /// # Errors
    /// The ring is broken: nothing more can come from it.
    #[inline]
    pub(in crate::port::memif) fn receive(
        &mut self,
        pool: &mut Pool,
        batch: &mut Batch,
        stats: &mut PortStats,
    ) -> Result<usize, Broken> {
        let (before, first) = (batch.len(), self.next);
        let mut filled = self.filled()?;
        self.ring.prefetch(first, filled.min(batch.room() as u16));
        (0..filled.min(AHEAD)).for_each(|ahead| self.prefetch(first.wrapping_add(ahead)));
        // Bad frames count too: whatever the peer says, this ends.
        for _ in 0..batch.room() {
            if filled == 0 {
                break;
            }
            if filled > AHEAD {
                self.prefetch(self.next.wrapping_add(AHEAD));
            }
            let said = self.ring.read(self.next);
            let Some(parts) = whole_frame(&self.ring, (self.next, &said), filled)? else { break };
            stats.received += 1;
            self.take((&said, parts), pool, batch, stats);
            self.next = self.next.wrapping_add(parts);
            filled -= parts;
        }
        if self.next != first {
            self.taken.store(self.next, Ordering::Relaxed);
        }
        if self.given.wrapping_sub(self.next) != self.ring.size() {
            self.lend(pool);
        }
        Ok(batch.len() - before)
    }

    /// Moves the next frame into the batch, or counts why not.
    #[inline]
    fn take(
        &mut self,
        (said, parts): (&Descriptor, u16),
        pool: &mut Pool,
        batch: &mut Batch,
        stats: &mut PortStats,
    ) {
        // There is one at every entry that was lent.
        let Some(mut frame) = self.slots.take(self.next) else { return };
        let whole = filled_to(&mut frame, said.length);
        let whole = if parts == 1 { whole } else { self.rest(parts, whole, &mut frame, pool) };
        let refused = match whole {
            Ok(()) => batch.push(frame).err(),
            Err(Bad::TooLong) => {
                stats.too_long += 1;
                Some(frame)
            }
            Err(Bad::Descriptor) => {
                stats.bad_descriptor += 1;
                Some(frame)
            }
        };
        if let Some(frame) = refused {
            pool.put(frame);
        }
    }

    /// Appends the parts behind the first, whose buffers go back; tells the first thing that is bad.
    #[cold]
    fn rest(
        &mut self,
        parts: u16,
        mut so_far: Result<(), Bad>,
        frame: &mut Frame,
        pool: &mut Pool,
    ) -> Result<(), Bad> {
        for part in 1..parts {
            let index = self.next.wrapping_add(part);
            let length = self.ring.read(index).length;
            let Some(mut more) = self.slots.take(index) else { continue };
            so_far = so_far
                .and_then(|()| filled_to(&mut more, length))
                .and_then(|()| frame.extend(more.bytes()).map_err(|NoRoom| Bad::TooLong));
            pool.put(more);
        }
        so_far
    }

    /// Asks for a frame that was filled: what is known of it, and its first bytes.
    #[inline]
    fn prefetch(&self, index: u16) {
        if let Some(frame) = self.slots.get(index) {
            frame.fetch_to_renew();
            fetch(self.arena.at(self.ring.read(index).offset));
        }
    }

    /// Lends frames of the pool for entries that have none, as far as there are some to spare.
    #[inline]
    fn lend(&mut self, pool: &mut Pool) {
        let (full, before) = (self.next.wrapping_add(self.ring.size()), self.given);
        let reserve = pool.total() / RESERVE;
        while self.given != full && pool.available() > reserve {
            let Some(frame) = pool.get() else { break };
            let Some(offset) = self.arena.offset(frame.bytes()) else {
                // A frame of another kind of pool: it has no place that the peer knows.
                pool.put(frame);
                break;
            };
            let length = frame.capacity() as u32;
            let lent = Descriptor { flags: 0, region: REGION, length, offset: offset as u32 };
            self.ring.write(self.given, lent);
            self.slots.put(self.given, frame);
            self.given = self.given.wrapping_add(1);
        }
        if self.given != before {
            self.ring.head().store(self.given, Ordering::Release);
        }
    }

    /// Frames that wait and that nobody will take any more.
    pub(in crate::port::memif) fn left(&self) -> u64 {
        let filled = self.filled().unwrap_or(0);
        let ends = |n: &u16| self.ring.read(self.next.wrapping_add(*n)).flags & NEXT == 0;
        (0..filled).filter(ends).count() as u64
    }

    /// Takes out all that is lent.
    pub(in crate::port::memif) fn take_all(&mut self) -> impl Iterator<Item = Frame> + '_ {
        self.slots.take_all()
    }
}

/// Has a frame that was lent hold what the peer says, if it had room for so much.
#[inline]
fn filled_to(frame: &mut Frame, length: u32) -> Result<(), Bad> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    frame.set_len(length).map_err(|NoRoom| Bad::Descriptor)
}
