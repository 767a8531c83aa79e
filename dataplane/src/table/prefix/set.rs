//! The prefixes that end in one byte, each with its value.
//!
//! A prefix of `l` bits (0 to 8) has the index `2^l + bits`, as in a heap: the
//! prefix one bit shorter has half its index. Index 0 is none.

use crate::id::NhlfeId;

/// What each byte of 256 leads to.
pub(super) type Slots = [NhlfeId; 256];

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
