//! The prefixes that end in one byte, each with its value.
//!
//! A prefix of `l` bits (0 to 8) has the index `2^l + bits`, as in a heap: the
//! prefix one bit shorter has half its index. Index 0 is none.

use std::ops::Range;

use crate::id::NhlfeId;

/// What each byte of 256 leads to.
pub(super) type Slots = [NhlfeId; 256];

/// Some of the 256 bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bytes([u64; 4]);

impl Bytes {
    /// Adds those from the first to the last.
    pub(super) fn add(&mut self, (first, last): (u8, u8)) {
        let run = u32::from(first)..u32::from(last) + 1;
        self.0.iter_mut().zip(0..).for_each(|(bytes, part)| *bytes |= within(&run, part));
    }

    /// How many of a run are among them.
    pub(super) fn count(&self, run: Range<u32>) -> u32 {
        self.0.iter().zip(0..).map(|(bytes, part)| (bytes & within(&run, part)).count_ones()).sum()
    }
}

/// The bits of a run among 64 bytes.
fn within(run: &Range<u32>, part: u32) -> u64 {
    let (first, end) = (run.start.max(64 * part), run.end.min(64 * part + 64));
    if first < end { u64::MAX >> (64 - (end - first)) << (first - 64 * part) } else { 0 }
}

/// Index to value, in index order: shorter prefixes first.
#[derive(Clone, Debug, Default)]
pub(super) struct PrefixSet {
    list: Vec<(u16, NhlfeId)>,
}

impl PrefixSet {
    /// The index of the prefix of `len` bits (0 to 8) at the front of `byte`.
    pub(super) fn index(byte: u8, len: u8) -> u16 {
        (256 + u16::from(byte)) >> 8u8.saturating_sub(len)
    }

    /// The number of bits, and the bits, of the prefix of this index.
    pub(super) fn prefix(index: u16) -> (u8, u16) {
        let len = index.max(1).ilog2();
        (len as u8, index - (1 << len))
    }

    /// The first and last byte that the prefix of this index covers.
    pub(super) fn range(index: u16) -> (u8, u8) {
        let (len, bits) = Self::prefix(index);
        let (free, wide) = (8u8.saturating_sub(len), u32::from(bits));
        ((wide << free) as u8, (((wide + 1) << free) - 1) as u8)
    }

    fn find(&self, index: u16) -> Result<usize, usize> {
        self.list.binary_search_by_key(&index, |(index, _)| *index)
    }

    /// The value of an index.
    pub(super) fn get(&self, index: u16) -> Option<NhlfeId> {
        let at = self.find(index).ok()?;
        self.list.get(at).map(|(_, value)| *value)
    }

    /// The longest one that covers `byte`.
    pub(super) fn longest(&self, byte: u8) -> Option<(u16, NhlfeId)> {
        (0..=8).rev().map(|len| Self::index(byte, len)).find_map(|index| Some((index, self.get(index)?)))
    }

    /// What each byte's longest one leads to; `cover` where none covers it.
    pub(super) fn slots(&self, cover: NhlfeId) -> Slots {
        let mut slots = [cover; 256];
        for (index, value) in &self.list {
            let (first, last) = Self::range(*index);
            slots[usize::from(first)..=usize::from(last)].fill(*value);
        }
        slots
    }

    /// Sets a value; gives back the one before.
    pub(super) fn set(&mut self, index: u16, value: NhlfeId) -> Option<NhlfeId> {
        match self.find(index) {
            Ok(at) => self.list.get_mut(at).map(|(_, old)| std::mem::replace(old, value)),
            Err(at) => {
                self.list.insert(at, (index, value));
                None
            }
        }
    }

    /// Takes an index out; gives back its value.
    pub(super) fn remove(&mut self, index: u16) -> Option<NhlfeId> {
        let at = self.find(index).ok()?;
        Some(self.list.remove(at).1)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Each index and value, shorter prefixes first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u16, NhlfeId)> + '_ {
        self.list.iter().copied()
    }
}

impl FromIterator<(u16, NhlfeId)> for PrefixSet {
    /// Of what is in index order.
    fn from_iter<I: IntoIterator<Item = (u16, NhlfeId)>>(list: I) -> Self {
        let list = list.into_iter();
        // Room for one more: that is what most are read for.
        let mut room = Vec::with_capacity(list.size_hint().0 + 1);
        room.extend(list);
        Self { list: room }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bytes_are_those_that_were_added(
            added in prop::collection::vec((any::<u8>(), any::<u8>()), 0..4),
            run in (0u32..256, 0u32..=256),
        ) {
            let (mut bytes, run) = (Bytes::default(), run.0.min(run.1)..run.0.max(run.1));
            let added: Vec<_> = added.into_iter().map(|(one, other)| (one.min(other), one.max(other))).collect();
            added.iter().for_each(|run| bytes.add(*run));
            let is_in = |byte: &u32| added.iter().any(|(first, last)| (*first..=*last).contains(&(*byte as u8)));
            prop_assert_eq!(bytes.count(run.clone()) as usize, run.filter(is_in).count());
        }
    }
}
