//! The sending end of a ring: frames copied into shared memory.
//!
//! A client fills its own buffers and moves the head. A server fills the buffers that
//! the client gave up to the head, and moves the tail.

mod row;

use std::sync::atomic::Ordering;

use super::buffers::Buffers;
use super::receiver::MOST_PARTS;
use super::region::Place;
use super::ring::{Broken, Descriptor, NEXT, Ring};
use crate::packet::{Batch, Pool};
use crate::port::PortStats;

/// How many entries ahead the lines of a long frame's buffer are asked for, but the first: to ask for that of each
/// frame has the core wait for what else it does beside.
const NEAR: u16 = 3;
/// Bytes of the longest frame whose lines the processor has coming early enough by itself.
const LONG: usize = 512;

/// Why a frame stays.
enum Stays {
    /// There are too few free entries now.
    Full,
    /// It is longer than all of them together: it will never go.
    TooLong,
}

/// Puts frames into one ring.
#[derive(Debug)]
pub(super) struct Sender {
    ring: Ring,
    buffers: Buffers,
    /// The next entry to fill.
    next: u16,
}

impl Sender {
    /// At an empty ring.
    pub(super) fn new(ring: Ring, buffers: Buffers) -> Self {
        Self { ring, buffers, next: 0 }
    }

    /// Its ring.
    #[inline]
    pub(super) fn ring(&self) -> &Ring {
        &self.ring
    }

    /// Entries that can be filled.
    ///
    /// # Errors
    /// The peer's index says more than there can be.
    fn free(&self) -> Result<u16, Broken> {
        // Acquire: the peer is done with what its index moved over.
        let free = match self.buffers {
            Buffers::Theirs => self.ring.head().load(Ordering::Acquire).wrapping_sub(self.next),
            Buffers::Ours { .. } => {
                let held = self.next.wrapping_sub(self.ring.tail().load(Ordering::Acquire));
                self.ring.size().checked_sub(held).ok_or(Broken::Index)?
            }
        };
        if free <= self.ring.size() { Ok(free) } else { Err(Broken::Index) }
    }

    /// Sends from the front of `batch`, as many as there is room for; gives how many left it.
    ///
    /// # Errors
    /// The ring is broken: nothing more can be sent. What was sent before has left the batch.
    #[inline]
    pub(super) fn transmit(
        &mut self,
        batch: &mut Batch,
        pool: &mut Pool,
        stats: &mut PortStats,
    ) -> Result<usize, Broken> {
        let mut free = self.free()?;
        let (first, mut broken) = (self.next, None);
        let row = self.row(batch.frames(), free);
        free -= row;
        stats.sent += u64::from(row);
        let mut gone = usize::from(row);
        for frame in batch.frames().iter().skip(gone) {
            match self.put(frame.bytes(), free) {
                Ok(Ok(parts)) => {
                    self.next = self.next.wrapping_add(parts);
                    free -= parts;
                    stats.sent += 1;
                }
                Ok(Err(Stays::TooLong)) => stats.send_failed += 1,
                Ok(Err(Stays::Full)) => break,
                Err(why) => {
                    broken = Some(why);
                    break;
                }
            }
            gone += 1;
        }
        if self.next != first {
            self.publish();
        }
        pool.put_front(batch, gone);
        broken.map_or(Ok(gone), Err)
    }

    #[inline]
    fn publish(&self) {
        match self.buffers {
            Buffers::Theirs => self.ring.tail().store(self.next, Ordering::Release),
            Buffers::Ours { .. } => self.ring.head().store(self.next, Ordering::Release),
        }
    }

    /// Fills entries with a frame; gives how many it took. The peer sees them when they are published.
    #[inline]
    fn put(&self, mut bytes: &[u8], free: u16) -> Result<Result<u16, Stays>, Broken> {
        let most = free.min(MOST_PARTS);
        for part in 0..most {
            let index = self.next.wrapping_add(part);
            let (descriptor, place) = self.buffer(index)?;
            place.write(bytes);
            let length = place.len().min(bytes.len());
            bytes = bytes.get(length..).unwrap_or_default();
            let flags = if bytes.is_empty() { 0 } else { NEXT };
            self.ring.write(index, Descriptor { flags, length: length as u32, ..descriptor });
            if bytes.is_empty() {
                return Ok(Ok(part + 1));
            }
        }
        let never = most == self.ring.size().min(MOST_PARTS);
        Ok(Err(if never { Stays::TooLong } else { Stays::Full }))
    }

    /// Asks for the lines of a free entry's buffer, but the first, that a frame of `len` bytes has.
    #[inline]
    fn prefetch_rest(&self, index: u16, len: usize) {
        if let Ok((_, place)) = self.buffer(index) {
            place.prefetch_rest_to_write(len);
        }
    }

    /// The buffer of an entry: ours, or where the client says, if that is inside its memory.
    #[inline]
    fn buffer(&self, index: u16) -> Result<(Descriptor, Place<'_>), Broken> {
        let descriptor = match self.buffers {
            Buffers::Theirs => self.ring.read(index),
            Buffers::Ours { .. } => self.buffers.own(index, 0),
        };
        let place = self.buffers.filled(self.ring.regions(), index, &descriptor).ok_or(Broken::Buffer)?;
        if place.len() == 0 { Err(Broken::Buffer) } else { Ok((descriptor, place)) }
    }
}
