//! Frames that fit one buffer each, as most do: a row of them is sent together.

use super::super::buffers::Buffers;
use super::super::region::Place;
use super::super::ring::Descriptor;
use super::{LONG, NEAR, Sender};
use crate::packet::Frame;

impl Sender {
    /// Fills an entry with each of `frames` from the front on, as long as there are `free` ones, and no frame needs
    /// more than one; gives how many. As something else is come to, the row ends.
    #[inline]
    pub(super) fn row(&mut self, frames: &[Frame], free: u16) -> u16 {
        // Asked once, not of each: that a frame will be long, and whose buffers they are.
        let long = frames.iter().any(|frame| frame.len() > LONG);
        let (entries, regions) = (self.ring.entries(), self.ring.regions());
        let row = match (self.buffers, long) {
            (Buffers::Theirs, false) => self.fill::<false>(frames, free, |index| {
                let said = entries.read(index);
                Some((said, regions.place(said.region, said.offset, said.length)?))
            }),
            (_, false) => self.fill::<false>(frames, free, |index| self.buffer(index).ok()),
            (_, true) => self.fill::<true>(frames, free, |index| self.buffer(index).ok()),
        };
        self.next = self.next.wrapping_add(row);
        row
    }

    #[inline(always)]
    fn fill<'a, const SOME_LONG: bool>(
        &self,
        frames: &[Frame],
        free: u16,
        buffer: impl Fn(u16) -> Option<(Descriptor, Place<'a>)>,
    ) -> u16 {
        let (entries, first, mut row) = (self.ring.entries(), self.next, 0);
        for (frame, at) in frames.iter().zip(0..free) {
            let index = first.wrapping_add(at);
            if SOME_LONG
                && at + NEAR < free
                && let Some(later) = frames.get(usize::from(at + NEAR)).filter(|frame| frame.len() > LONG)
            {
                self.prefetch_rest(index.wrapping_add(NEAR), later.len());
            }
            let bytes = frame.bytes();
            // Why a buffer is none is told of where each is looked at.
            let Some((said, place)) = buffer(index).filter(|(_, place)| place.len() > 0) else { break };
            if bytes.len() > place.len() {
                break;
            }
            place.write(bytes);
            entries.write(index, Descriptor { flags: 0, length: bytes.len() as u32, ..said });
            row = at + 1;
        }
        row
    }
}
