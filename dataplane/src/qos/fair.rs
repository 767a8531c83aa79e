//! Shares by weight among the classes of one interface.
//!
//! Start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996): a class's next
//! frame starts where its last one ended, at its length by the class's weight, but
//! not before what is served now, and the earliest start goes first. No length need
//! be known before a frame is served, so that a queue may still choose or drop its
//! first. Eight classes make it a look at eight numbers; against deficit round
//! robin, a class with a small weight does not wait while a heavy one sends its
//! whole quantum. Between two classes that both wait, what each got by its weight
//! never differs by more than one longest frame of each.

use crate::class::CLASSES;

/// Weight 1's tag for one byte.
const SCALE: u64 = 1 << 40;

/// No frame is longer, bytes as accounted.
const LONGEST: u64 = 1 << 14;

/// A start may be before the clock by no more, nor after it: one longest frame of the least weight.
const MARGIN: u64 = SCALE * LONGEST;

/// The clock and the starts of one interface's classes. Classes with a weight and
/// those without run on separate clocks. All arithmetic wraps: starts in use lie
/// within one longest frame of their clock.
#[derive(Clone, Debug)]
pub(super) struct Fair {
    /// What one byte of each class is worth.
    per_byte: [u64; CLASSES],
    /// Where each class's first frame starts.
    starts: [u64; CLASSES],
    clocks: [u64; 2],
}

impl Fair {
    /// For these weights; 0 is a class that only gets what the others leave.
    pub(super) fn new(weights: [u32; CLASSES]) -> Self {
        let per_byte = weights.map(|w| SCALE / u64::from(w.max(1)));
        Self { per_byte, starts: [0; CLASSES], clocks: [0; 2] }
    }

    /// The class of `waiting` (a bit each, not 0) whose turn it is; of equals the first.
    #[inline]
    pub(super) fn choose(&self, waiting: u8, leftover: bool) -> usize {
        if waiting & waiting.wrapping_sub(1) == 0 {
            return waiting.trailing_zeros() as usize & 7;
        }
        // Eight numbers without a branch: which is least cannot be foretold.
        let base = self.clocks[usize::from(leftover)].wrapping_sub(MARGIN);
        let mut least = u64::MAX;
        for (class, start) in self.starts.iter().enumerate() {
            let ahead = start.wrapping_sub(base) << 3 | class as u64;
            let key = if waiting & (1 << class) != 0 { ahead } else { u64::MAX };
            least = least.min(key);
        }
        least as usize & 7
    }

    /// A class that was empty has a frame. Where its last one ended later than what is
    /// served now began, it goes on there: coming and going gains it nothing.
    #[inline]
    pub(super) fn wake(&mut self, class: usize, leftover: bool) {
        let clock = self.clocks[usize::from(leftover)];
        let ahead = self.starts[class].wrapping_sub(clock);
        if ahead > self.per_byte[class].wrapping_mul(LONGEST) {
            self.starts[class] = clock;
        }
    }

    /// A class's first frame, of `bytes`, was served.
    #[inline]
    pub(super) fn served(&mut self, class: usize, leftover: bool, bytes: u32) {
        self.clocks[usize::from(leftover)] = self.starts[class];
        let worth = self.per_byte[class].wrapping_mul(u64::from(bytes));
        self.starts[class] = self.starts[class].wrapping_add(worth);
    }
}
