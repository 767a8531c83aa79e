//! What `rewrite` is to do with a frame's label stack (RFC 3032 section 2.1).

use super::batch::BATCH;
use crate::wire::mpls::{LabelStackEntry, label};

/// Where the label stands in an entry.
const LABEL: u32 = 12;
/// Where the traffic class stands.
const TC: u32 = 9;

/// Entries to take off a frame's label stack, and those to put on instead. Lies
/// beside the batch: `lookup` decides it, `rewrite` carries it out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StackEdit {
    /// Entries to take off at `l3_offset`, 0 or 1; those in `meta.popped` stand before it.
    pub off: u8,
    /// Whether the packet and the labels that are put on it have one mark: the uniform
    /// model (RFC 3270 section 2.6.1).
    pub uniform: bool,
    len: u8,
    /// Innermost first, as they are pushed.
    on: [u32; StackEdit::MOST],
}

impl StackEdit {
    /// The most entries put on one frame.
    pub const MOST: usize = 16;

    /// Nothing taken off, nothing put on.
    pub const fn new() -> Self {
        Self { off: 0, uniform: false, len: 0, on: [0; Self::MOST] }
    }

    /// Forgets what it was; the entries need not be overwritten.
    #[inline]
    pub fn clear(&mut self) {
        (self.off, self.uniform, self.len) = (0, false, 0);
    }

    /// Makes it the exchange of the top entry for this one, as the word it is on the wire.
    #[inline]
    pub fn swap(&mut self, entry: u32) {
        (self.off, self.uniform, self.len) = (1, false, 1);
        self.on[0] = entry;
    }

    /// Makes it the putting on of these entries, innermost first, as `finish` has them; no more
    /// than [`StackEdit::MOST`].
    #[inline(always)]
    pub fn put(&mut self, uniform: bool, words: &[u32], mut finish: impl FnMut(u32) -> u32) {
        (self.off, self.uniform, self.len) = (0, uniform, words.len() as u8);
        for (slot, word) in self.on.iter_mut().zip(words) {
            *slot = finish(*word);
        }
    }

    /// Puts an entry, as the word it is on the wire, on top of the others; `false`
    /// when there are [`StackEdit::MOST`] already.
    #[inline]
    pub fn push(&mut self, entry: u32) -> bool {
        let Some(slot) = self.on.get_mut(usize::from(self.len)) else { return false };
        *slot = entry;
        self.len += 1;
        true
    }

    /// Gives all of them this traffic class, 0 to 7, but for entropy labels, which have
    /// none (RFC 6790 section 4.2).
    pub fn mark(&mut self, tc: u8) {
        let words = self.on.get_mut(..usize::from(self.len)).unwrap_or_default();
        let mut indicated = false;
        for word in words.iter_mut().rev() {
            if !indicated {
                *word = *word & !(7 << TC) | u32::from(tc & 7) << TC;
            }
            indicated = !indicated && *word >> LABEL == label::ENTROPY_INDICATOR;
        }
    }

    /// The traffic class of the outermost, 0 to 7; 0 where none is put on.
    #[inline]
    pub fn tc(&self) -> u8 {
        self.words().last().map_or(0, |word| (word >> TC & 7) as u8)
    }

    /// Entries to put on.
    #[inline]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether none is put on.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The words to put on, innermost first.
    #[inline]
    pub fn words(&self) -> &[u32] {
        self.on.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The entries to put on, outermost first, as they stand in the frame.
    pub fn entries(&self) -> impl Iterator<Item = LabelStackEntry> + '_ {
        self.words().iter().rev().map(|word| LabelStackEntry::from_word(*word))
    }
}

/// The edits of a batch, by the frames' places in it. One counts where the frame
/// has [`Flags::STACK_EDIT`](super::Flags::STACK_EDIT).
#[derive(Debug)]
pub struct StackEdits([StackEdit; BATCH]);

impl Default for StackEdits {
    fn default() -> Self {
        Self([StackEdit::new(); BATCH])
    }
}

impl StackEdits {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// That of the frame at this place.
    #[inline]
    pub fn get(&self, at: usize) -> Option<&StackEdit> {
        self.0.get(at)
    }

    /// Those of all places.
    #[inline]
    pub fn all(&self) -> &[StackEdit; BATCH] {
        &self.0
    }

    /// Those of all places, to be written.
    #[inline]
    pub fn all_mut(&mut self) -> &mut [StackEdit; BATCH] {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_last_stands_first() {
        let mut edit = StackEdit::new();
        for label in [16, 17, 18] {
            assert!(edit.push(LabelStackEntry::new(label, 5, label == 16, 63).word()));
        }
        let read: Vec<_> = edit.entries().map(|e| (e.label(), e.bottom())).collect();
        assert_eq!(read, [(18, false), (17, false), (16, true)]);
        edit.push(LabelStackEntry::new(label::ENTROPY_INDICATOR, 5, false, 63).word());
        edit.push(LabelStackEntry::new(99, 5, false, 63).word());
        edit.mark(2);
        // The entropy label, 18, is behind its indicator.
        let tcs: Vec<_> = edit.entries().map(|e| (e.tc(), e.bottom(), e.ttl())).collect();
        assert_eq!(tcs, [(2, false, 63), (2, false, 63), (5, false, 63), (2, false, 63), (2, true, 63)]);
        assert_eq!(edit.tc(), 2);
        edit.clear();
        assert!(edit.is_empty() && edit.tc() == 0);
        assert!((0..StackEdit::MOST as u32).all(|n| edit.push(n)) && !edit.push(16));
        assert_eq!(edit.len(), StackEdit::MOST);
    }
}
