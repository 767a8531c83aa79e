//! The prefixes that end in one byte, each with its value.
//!
//! A prefix of `l` bits (0 to 8) has the index `2^l + bits`, as in a heap: the
//! prefix one bit shorter has half its index. Index 0 is none.

use crate::id::NhlfeId;

/// For the first five bits of a byte, the indices of the prefixes of at most
/// five bits that cover it, as a bitmap.
const COVERS: [u64; 32] = {
    let mut covers = [0; 32];
    let mut five = 0;
    while five < 32 {
        let mut index = 32 + five;
        while index > 0 {
            covers[five] |= 1 << index;
            index >>= 1;
        }
        five += 1;
    }
    covers
};

/// Index to value.
#[derive(Clone, Debug, Default)]
pub(super) struct PrefixSet {
    /// Which indices are there.
    bits: [u64; 8],
    /// How many are there before each word.
    ranks: [u16; 8],
    /// Values, in index order.
    values: Vec<NhlfeId>,
}

impl PrefixSet {
    /// The index of the prefix of `len` bits (0 to 8) at the front of `byte`.
    #[inline]
    pub(super) fn index(byte: u8, len: u8) -> u16 {
        (256 + u16::from(byte)) >> 8u8.saturating_sub(len)
    }

    /// The number of bits, and the bits, of the prefix of this index.
    pub(super) fn prefix(index: u16) -> (u8, u16) {
        let len = index.max(1).ilog2();
        (len as u8, index - (1 << len))
    }

    #[inline(always)]
    fn has(&self, index: usize) -> bool {
        self.bits[index >> 6 & 7] >> (index & 63) & 1 != 0
    }

    #[inline(always)]
    fn rank(&self, index: usize) -> usize {
        let word = index >> 6 & 7;
        let before = self.bits[word] & ((1 << (index & 63)) - 1);
        usize::from(self.ranks[word]) + before.count_ones() as usize
    }

    /// The index of the longest one that covers `byte`; 0 when none does.
    #[inline(always)]
    pub(super) fn longest(&self, byte: u8) -> u16 {
        let slot = 256 + usize::from(byte);
        let short = self.bits[0] & COVERS[slot >> 3 & 31];
        let mut index = if short == 0 { 0 } else { 63 - short.leading_zeros() as usize };
        index = if self.has(slot >> 2) { slot >> 2 } else { index };
        index = if self.has(slot >> 1) { slot >> 1 } else { index };
        index = if self.has(slot) { slot } else { index };
        index as u16
    }

    /// The value of an index.
    #[inline]
    pub(super) fn get(&self, index: u16) -> Option<NhlfeId> {
        let index = usize::from(index);
        if !self.has(index) {
            return None;
        }
        self.values.get(self.rank(index)).copied()
    }

    /// Sets a value; gives back the one before.
    pub(super) fn set(&mut self, index: u16, value: NhlfeId) -> Option<NhlfeId> {
        let index = usize::from(index);
        let rank = self.rank(index);
        if self.has(index) {
            return self.values.get_mut(rank).map(|old| std::mem::replace(old, value));
        }
        grow(&mut self.values);
        self.values.insert(rank.min(self.values.len()), value);
        self.bits[index >> 6 & 7] |= 1 << (index & 63);
        self.ranks.iter_mut().skip((index >> 6) + 1).for_each(|rank| *rank += 1);
        None
    }

    /// Takes an index out; gives back its value.
    pub(super) fn remove(&mut self, index: u16) -> Option<NhlfeId> {
        let value = self.get(index)?;
        let index = usize::from(index);
        self.values.remove(self.rank(index));
        self.bits[index >> 6 & 7] &= !(1 << (index & 63));
        self.ranks.iter_mut().skip((index >> 6) + 1).for_each(|rank| *rank -= 1);
        Some(value)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The index and value of the one there is, when there is but one.
    pub(super) fn only(&self) -> Option<(u16, NhlfeId)> {
        let [value] = self.values[..] else { return None };
        let (word, bits) = self.bits.iter().enumerate().find(|(_, bits)| **bits != 0)?;
        Some((word as u16 * 64 + bits.trailing_zeros() as u16, value))
    }

    /// Bytes of memory beside itself.
    pub(super) fn memory(&self) -> usize {
        self.values.capacity() * size_of::<NhlfeId>()
    }
}

/// Makes room for one more, a quarter ahead: tables hold many small arrays.
pub(super) fn grow<T>(values: &mut Vec<T>) {
    if values.len() == values.capacity() {
        values.reserve_exact(1 + values.len() / 4);
    }
}
