//! The receiving end of a ring: frames copied out of shared memory.
//!
//! A server takes what the client put at the head and moves the tail. A client takes
//! what the server filled up to the tail, and gives the buffers back by the head.

mod row;

use std::sync::atomic::Ordering;

use super::buffers::Buffers;
use super::ring::{Broken, Descriptor, NEXT, Ring};
use crate::packet::{Batch, Frame, NoRoom, Pool};
use crate::port::PortStats;

/// The most entries one frame may take.
pub(super) const MOST_PARTS: u16 = 512;
/// How many entries ahead a buffer is asked for. Buffers a power of two apart share few places of a
/// cache: twice as many would drive each other out of it.
const AHEAD: u16 = 8;

/// What may be wrong with a frame, beside its having no buffer.
pub(super) enum Bad {
    /// Longer than the pool's buffers.
    TooLong,
    /// Not where its descriptor says.
    Descriptor,
}

/// Takes frames from one ring.
#[derive(Debug)]
pub(super) struct Receiver {
    ring: Ring,
    buffers: Buffers,
    /// The next entry to take.
    next: u16,
    /// Entries up to here were given to the peer to fill; only a client gives.
    given: u16,
}

impl Receiver {
    /// At an empty ring. A client, whose buffers these are, gives all of them at once.
    pub(super) fn new(ring: Ring, buffers: Buffers) -> Self {
        let mut receiver = Self { ring, buffers, next: 0, given: 0 };
        receiver.give_back();
        receiver
    }

    #[cfg(test)]
    pub(super) fn ring(&self) -> &Ring {
        &self.ring
    }

    /// Entries that hold something.
    ///
    /// # Errors
    /// The peer's index says more than there can be.
    fn filled(&self) -> Result<u16, Broken> {
        // Acquire: the entries up to the peer's index are written.
        let (theirs, most) = match self.buffers {
            Buffers::Theirs => (self.ring.head().load(Ordering::Acquire), self.ring.size()),
            Buffers::Ours { .. } => {
                (self.ring.tail().load(Ordering::Acquire), self.given.wrapping_sub(self.next))
            }
        };
        let filled = theirs.wrapping_sub(self.next);
        if filled <= most { Ok(filled) } else { Err(Broken::Index) }
    }

    /// Receives up to `batch.room()` frames.
    ///
    /// # Errors
    /// The ring is broken: nothing more can come from it.
    #[inline]
    pub(super) fn receive(
        &mut self,
        pool: &mut Pool,
        batch: &mut Batch,
        stats: &mut PortStats,
    ) -> Result<usize, Broken> {
        let (before, first) = (batch.len(), self.next);
        let mut filled = self.filled()?;
        let room = batch.room();
        self.ring.prefetch(first, filled.min(room as u16));
        let row = self.row(filled.min(room as u16), pool, batch, stats);
        filled -= row;
        // Then one by one. Bad frames count too: whatever the peer says, this ends.
        for _ in usize::from(row)..room {
            if filled == 0 {
                break;
            }
            let said = self.ring.read(self.next);
            let Some(parts) = whole_frame(&self.ring, (self.next, &said), filled)? else { break };
            stats.received += 1;
            self.take((&said, parts), pool, batch, stats);
            self.next = self.next.wrapping_add(parts);
            filled -= parts;
        }
        if self.next != first {
            self.give_back();
        }
        Ok(batch.len() - before)
    }

    /// Copies the next frame into the batch, or counts why not.
    #[inline]
    fn take(
        &self,
        (said, parts): (&Descriptor, u16),
        pool: &mut Pool,
        batch: &mut Batch,
        stats: &mut PortStats,
    ) {
        let Some(mut frame) = pool.get() else {
            stats.pool_empty += 1;
            return;
        };
        let copied = self.copy(self.next, said, &mut frame);
        let copied = if parts == 1 { copied } else { copied.and_then(|()| self.rest(parts, &mut frame)) };
        match copied {
            Ok(()) => {
                if let Err(frame) = batch.push(frame) {
                    pool.put(frame);
                }
                return;
            }
            Err(Bad::TooLong) => stats.too_long += 1,
            Err(Bad::Descriptor) => stats.bad_descriptor += 1,
        }
        pool.put(frame);
    }

    /// Appends what is in the buffer of one entry.
    #[inline]
    fn copy(&self, index: u16, said: &Descriptor, frame: &mut Frame) -> Result<(), Bad> {
        let place = self.buffers.filled(self.ring.regions(), index, said).ok_or(Bad::Descriptor)?;
        let at = frame.len();
        frame.set_len(at + place.len()).map_err(|NoRoom| Bad::TooLong)?;
        place.read(frame.bytes_mut().get_mut(at..).unwrap_or_default());
        Ok(())
    }

    /// Appends the parts behind the first.
    #[cold]
    fn rest(&self, parts: u16, frame: &mut Frame) -> Result<(), Bad> {
        let mut indices = (1..parts).map(|part| self.next.wrapping_add(part));
        indices.try_for_each(|index| self.copy(index, &self.ring.read(index), frame))
    }

    /// Gives the peer the entries that were taken.
    #[inline]
    fn give_back(&mut self) {
        if let Buffers::Theirs = self.buffers {
            self.ring.tail().store(self.next, Ordering::Release);
            return;
        }
        let full = self.next.wrapping_add(self.ring.size());
        while self.given != full {
            self.ring.write(self.given, self.buffers.own(self.given, 0));
            self.given = self.given.wrapping_add(1);
        }
        self.ring.head().store(self.given, Ordering::Release);
    }

    /// Frames that wait and that nobody will take any more.
    pub(super) fn left(&self) -> u64 {
        let filled = self.filled().unwrap_or(0);
        let ends = |n: &u16| self.ring.read(self.next.wrapping_add(*n)).flags & NEXT == 0;
        (0..filled).filter(ends).count() as u64
    }
}

/// How many entries the frame takes whose first, at an index, is `said`, of those that are filled; `None` when not all
/// of it is there yet.
///
/// # Errors
/// It would take more than there are, or than a frame may.
#[inline]
pub(super) fn whole_frame(
    ring: &Ring,
    (first, said): (u16, &Descriptor),
    filled: u16,
) -> Result<Option<u16>, Broken> {
    if said.flags & NEXT == 0 { Ok(Some(1)) } else { several(ring, first, filled) }
}

#[cold]
fn several(ring: &Ring, first: u16, filled: u16) -> Result<Option<u16>, Broken> {
    for parts in 2..=filled.min(MOST_PARTS) {
        if ring.read(first.wrapping_add(parts - 1)).flags & NEXT == 0 {
            return Ok(Some(parts));
        }
    }
    let full = filled >= ring.size().min(MOST_PARTS);
    if full { Err(Broken::Endless) } else { Ok(None) }
}
