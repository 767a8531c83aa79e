//! Shares by weight among the classes of one interface.
//!
//! Self-clocked fair queueing (Golestani, INFOCOM 1994): a class's first frame
//! is tagged with the tag of the frame served when it came, plus its length by
//! the class's weight, and the smallest tag goes first. Eight classes make that a
//! look at no more than eight numbers; against deficit round robin, a class with
//! a small weight does not wait while a heavy one sends its whole quantum.
//! Between two classes that both wait, what each got by its weight never differs
//! by more than one longest frame of each.

use crate::class::CLASSES;

/// Weight 1's tag for one byte.
const SCALE: u64 = 1 << 32;

/// The clock and the tags of one interface's classes. Classes with a weight and
/// those without run on separate clocks. All arithmetic wraps: tags in use lie
/// within one longest frame of their clock.
#[derive(Clone, Debug)]
pub(super) struct Fair {
    /// Tag for one byte of each class.
    per_byte: [u64; CLASSES],
    /// Tag at which each class's first frame ends.
    ends: [u64; CLASSES],
    clocks: [u64; 2],
}

impl Fair {
    /// For these weights; 0 is a class that only gets what the others leave.
    pub(super) fn new(weights: [u32; CLASSES]) -> Self {
        let per_byte = weights.map(|w| SCALE / u64::from(w.max(1)));
        Self { per_byte, ends: [0; CLASSES], clocks: [0; 2] }
    }

    /// The class of `waiting` (a bit each, not 0) whose turn it is.
    #[inline]
    pub(super) fn choose(&self, waiting: u8) -> usize {
        let mut left = waiting & (waiting.wrapping_sub(1));
        let mut best = waiting.trailing_zeros() as usize & 7;
        while left != 0 {
            let class = left.trailing_zeros() as usize & 7;
            if (self.ends[class].wrapping_sub(self.ends[best]) as i64) < 0 {
                best = class;
            }
            left &= left - 1;
        }
        best
    }

    /// A class that was empty has a frame of `bytes` first.
    #[inline]
    pub(super) fn wake(&mut self, class: usize, leftover: bool, bytes: u32) {
        self.ends[class] = self.clocks[usize::from(leftover)].wrapping_add(self.tag(class, bytes));
    }

    /// A class's first frame was served.
    #[inline]
    pub(super) fn served(&mut self, class: usize, leftover: bool) {
        let clock = &mut self.clocks[usize::from(leftover)];
        if (self.ends[class].wrapping_sub(*clock) as i64) > 0 {
            *clock = self.ends[class];
        }
    }

    /// The frame behind the one served has `bytes`.
    #[inline]
    pub(super) fn next(&mut self, class: usize, bytes: u32) {
        self.ends[class] = self.ends[class].wrapping_add(self.tag(class, bytes));
    }

    /// A class's first frame, of `was` bytes, made way unserved for one of `is`.
    #[inline]
    pub(super) fn swap(&mut self, class: usize, was: u32, is: u32) {
        let start = self.ends[class].wrapping_sub(self.tag(class, was));
        self.ends[class] = start.wrapping_add(self.tag(class, is));
    }

    #[inline]
    fn tag(&self, class: usize, bytes: u32) -> u64 {
        self.per_byte[class].wrapping_mul(u64::from(bytes))
    }
}
