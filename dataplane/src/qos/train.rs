//! Frames of one queue that leave one after the other, and are one for all that follows.
//!
//! Where fair queueing has chosen a class, its next frames go with the first as long as all of
//! them together are no longer than [`MOST`], which is less than a full frame: for the bounds of
//! fair queueing, which know the longest packet alone, they are a packet. What is asked of
//! interface and port frame by frame is worked out before the first: after so many bytes the turn
//! is over, as it would have been. So counts, credit and shaper are touched once, and what lies
//! beside each other in memory leaves together.

use super::queue::Queue;
use super::run::Way;
use super::LINE_OVERHEAD;

/// Bytes as accounted that go for one packet; a longer frame goes alone.
const MOST: u32 = 512;

/// When no further frame goes with those before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// There are as many.
    pub(super) frames: usize,
    /// They have more bytes, as the interface counts them.
    pub(super) cost: u64,
    /// They have more bytes, as the port counts them.
    pub(super) line: u64,
}

/// What left.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Train {
    pub(super) frames: u32,
    /// Layer 2 without FCS.
    pub(super) bytes: u32,
    /// The same of the longest.
    pub(super) longest: usize,
    /// Bytes as the interface counts them.
    pub(super) cost: u32,
}

impl Train {
    #[inline(always)]
    fn add(&mut self, len: usize, cost: u32) {
        self.frames += 1;
        self.bytes += len as u32;
        self.cost += cost;
        self.longest = self.longest.max(len);
    }

    /// Another one left after it.
    #[inline(always)]
    pub(super) fn couple(&mut self, next: &Self) {
        self.frames += next.frames;
        self.bytes += next.bytes;
        self.cost += next.cost;
        self.longest = self.longest.max(next.longest);
    }

    /// Bytes as the port counts them.
    #[inline(always)]
    pub(super) fn on_line(&self) -> u32 {
        self.bytes + self.frames * LINE_OVERHEAD
    }

    #[inline(always)]
    fn takes(&self, cost: u32, limits: &Limits) -> bool {
        self.cost + cost <= MOST
            && u64::from(self.cost) <= limits.cost
            && u64::from(self.on_line()) <= limits.line
            && (self.frames as usize) < limits.frames
    }
}

impl Queue {
    /// The first frames go to `out`, which has room, as far as they are one and nothing stops them. `cost` is of
    /// a length.
    #[inline(always)]
    pub(super) fn train(&mut self, limits: &Limits, cost: impl Fn(usize) -> u32, way: &mut Way<'_>) -> Train {
        let mut train = Train::default();
        while let Some((len, since)) = self.depart(way) {
            train.add(len, cost(len));
            self.tally.waited(way.now.since(since));
            if !self.next(way.room).is_some_and(|next| train.takes(cost(next), limits)) {
                break;
            }
        }
        self.departed(&train);
        train
    }
}
