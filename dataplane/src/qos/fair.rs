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
    /// Classes with a weight that wait, the earliest start first: a byte each.
    order: u64,
    /// How many bits that is.
    end: u32,
    /// A bit for each of them.
    within: u8,
    /// Where each class's first frame starts.
    starts: [u64; CLASSES],
    /// What one byte of each class is worth.
    per_byte: [u64; CLASSES],
    clocks: [u64; 2],
}

impl Fair {
    /// For these weights; 0 is a class that only gets what the others leave.
    pub(super) fn new(weights: [u32; CLASSES]) -> Self {
        let per_byte = weights.map(|w| SCALE / u64::from(w.max(1)));
        Self { order: 0, end: 0, within: 0, starts: [0; CLASSES], per_byte, clocks: [0; 2] }
    }

    /// The class with a weight whose turn it is, where one waits.
    #[inline]
    pub(super) fn first(&self) -> usize {
        self.order as usize & 7
    }

    /// The class without a weight whose turn it is, of those that are `ready`.
    pub(super) fn first_leftover(&self, ready: u8) -> usize {
        let ahead = |class: &usize| self.starts[*class].wrapping_sub(self.clocks[1].wrapping_sub(MARGIN));
        (0..CLASSES).filter(|class| ready & (1 << class) != 0).min_by_key(ahead).unwrap_or_default() % CLASSES
    }

    /// A class that had no frame, or might not send, has one that it may. Where its last one ended later than what is
    /// served now began, it goes on there: coming and going gains it nothing.
    #[inline]
    pub(super) fn wake(&mut self, class: usize, leftover: bool) {
        let class = class % CLASSES;
        let clock = self.clocks[usize::from(leftover)];
        let ahead = self.starts[class].wrapping_sub(clock);
        if ahead > self.per_byte[class].wrapping_mul(LONGEST) {
            self.starts[class] = clock;
        }
        if !leftover {
            self.leave(class);
            self.join(class);
        }
    }

    /// Whether any class with a weight waits.
    #[inline]
    pub(super) fn waits(&self) -> bool {
        self.end > 0
    }

    /// Whether one does, and no other.
    #[inline]
    pub(super) fn waits_alone(&self) -> bool {
        self.end == 8
    }

    /// A class has no frame any more, or may not send it.
    #[inline]
    pub(super) fn leave(&mut self, class: usize) {
        if self.within & (1 << class) != 0 {
            self.within &= !(1 << class);
            let at = (0..self.end).step_by(8).find(|at| self.class(*at) == class).unwrap_or_default();
            let after = self.order >> at >> 8 << at;
            self.order = self.order & below(at) | after;
            self.end -= 8;
        }
    }

    /// Takes its place in the order, behind those with the same start.
    #[inline]
    fn join(&mut self, class: usize) {
        self.within |= 1 << class;
        self.stand(class);
    }

    #[inline]
    fn stand(&mut self, class: usize) {
        let (start, end) = (self.starts[class], self.end);
        let mut at = end;
        self.end += 8;
        while at > 0 && self.starts[self.class(at - 8)].wrapping_sub(start) as i64 > 0 {
            at -= 8;
        }
        if at == end {
            self.order |= (class as u64) << at;
            return;
        }
        let after = self.order >> at << at << 8;
        self.order = self.order & below(at) | (class as u64) << at | after;
    }

    #[inline]
    fn class(&self, at: u32) -> usize {
        (self.order >> at) as usize & 7
    }

    /// A frame of `bytes` was served of the first class with a weight, which has another that it may send or has not.
    #[inline(always)]
    pub(super) fn served_first(&mut self, class: usize, bytes: u32, stays: bool) {
        debug_assert!(self.waits() && self.first() == class && self.within & (1 << class) != 0);
        self.goes_on(class, false, bytes);
        let (others, end) = (self.order >> 8, self.end - 8);
        if !stays {
            (self.order, self.end) = (others, end);
            self.within &= !(1 << class);
            return;
        }
        // Mostly it goes behind all others. Alone it does, or stands where it did.
        let last = others.wrapping_shr(end.wrapping_sub(8)) as usize & 7;
        if self.starts[last].wrapping_sub(self.starts[class]) as i64 <= 0 {
            self.order = others | (class as u64) << end;
            return;
        }
        (self.order, self.end) = (others, end);
        self.stand(class);
    }

    /// What is served now began where the class stood, whose next frame starts so much later.
    #[inline(always)]
    fn goes_on(&mut self, class: usize, leftover: bool, bytes: u32) {
        self.clocks[usize::from(leftover)] = self.starts[class];
        let worth = self.per_byte[class].wrapping_mul(u64::from(bytes));
        self.starts[class] = self.starts[class].wrapping_add(worth);
    }

    /// A frame of `bytes` was served of a class: of those with a weight, the first.
    #[inline]
    pub(super) fn served(&mut self, class: usize, leftover: bool, bytes: u32) {
        self.goes_on(class, leftover, bytes);
        if self.within & (1 << class) != 0 {
            (self.order, self.end) = (self.order >> 8, self.end - 8);
            self.stand(class);
        }
    }
}

/// The bits below one that is not the last.
#[inline]
const fn below(bit: u32) -> u64 {
    (1 << bit) - 1
}
