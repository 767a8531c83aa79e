//! Frames that have one entry each, as most have: a row of them is received together.

use super::super::region::Place;
use super::super::ring::NEXT;
use super::{AHEAD, Receiver};
use crate::packet::{BATCH, Batch, Pool};
use crate::port::PortStats;

impl Receiver {
    /// Receives from the front on up to `most` frames, but none that has several entries, or that is not to be had
    /// whole; gives how many entries that were. As the first of another kind is come to, the row ends.
    #[inline]
    pub(super) fn row(
        &mut self,
        most: u16,
        pool: &mut Pool,
        batch: &mut Batch,
        stats: &mut PortStats,
    ) -> u16 {
        let mut places = [Place::NOWHERE; BATCH];
        let mut row = 0;
        let (entries, regions) = (self.ring.entries(), self.ring.regions());
        let (buffers, first, room) = (self.buffers, self.next, pool.room());
        // What each entry says is read once: the peer may write meanwhile.
        for (at, place) in (0..most).zip(&mut places) {
            let index = first.wrapping_add(at);
            let said = entries.read(index);
            let Some(found) = buffers.filled(regions, index, &said) else { break };
            if said.flags & NEXT != 0 || found.len() > room {
                break;
            }
            if at < AHEAD {
                found.prefetch();
            }
            (*place, row) = (found, at + 1);
        }
        let places = places.get(..usize::from(row)).unwrap_or_default();
        let before = batch.len();
        let had = pool.lend(places.len(), batch);
        let frames = batch.frames_mut().get_mut(before..).unwrap_or_default();
        for (at, (frame, place)) in frames.iter_mut().zip(places).enumerate() {
            if let Some(later) = places.get(at + usize::from(AHEAD)) {
                later.prefetch();
            }
            // There is room: nothing longer is in the row.
            if frame.set_len(place.len()).is_ok() {
                place.read(frame.bytes_mut());
            }
        }
        stats.received += u64::from(row);
        stats.pool_empty += (places.len() - had) as u64;
        self.next = self.next.wrapping_add(row);
        row
    }
}
