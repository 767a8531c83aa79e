//! What each byte leads to, as runs of neighbours that lead to the same.

use super::set::Slots;
use crate::id::NhlfeId;

/// 256 slots, packed for lookups.
#[derive(Clone, Debug, Default)]
#[repr(C)]
pub(super) struct Runs {
    /// Where each run leads.
    values: Vec<NhlfeId>,
    /// The bytes at which a run starts: the first, when there is any.
    starts: [u64; 4],
    /// How many runs start before each word.
    ranks: [u8; 4],
}

impl Runs {
    /// Where `byte` leads.
    #[inline(always)]
    pub(super) fn get(&self, byte: u8) -> NhlfeId {
        let word = usize::from(byte >> 6);
        let upto = self.starts[word] & (u64::MAX >> (63 - (byte & 63)));
        let rank = usize::from(self.ranks[word]) + upto.count_ones() as usize;
        self.values.get(rank.wrapping_sub(1)).copied().unwrap_or(NhlfeId::NONE)
    }

    /// Packs `slots`; takes no memory when none leads anywhere.
    pub(super) fn pack(&mut self, slots: &Slots) {
        self.starts = [0; 4];
        let mut last = NhlfeId::NONE;
        for (slots, starts) in slots.chunks(64).zip(&mut self.starts) {
            for (bit, value) in slots.iter().enumerate() {
                *starts |= u64::from(*value != last) << bit;
                last = *value;
            }
        }
        self.starts[0] |= u64::from(self.starts != [0; 4]);
        let mut before = 0u32;
        for (starts, rank) in self.starts.iter().zip(&mut self.ranks) {
            *rank = before as u8;
            before += starts.count_ones();
        }
        self.fill(slots, before as usize);
    }

    fn fill(&mut self, slots: &Slots, runs: usize) {
        self.values.clear();
        if runs > self.values.capacity() {
            self.values.reserve_exact(runs + runs / 8);
        }
        for (slots, starts) in slots.chunks(64).zip(self.starts) {
            let mut left = starts;
            while left != 0 {
                self.values.extend(slots.get(left.trailing_zeros() as usize));
                left &= left - 1;
            }
        }
    }

    /// Takes no memory and leads nowhere.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Bytes of memory beside itself.
    pub(super) fn memory(&self) -> usize {
        self.values.capacity() * size_of::<NhlfeId>()
    }
}
