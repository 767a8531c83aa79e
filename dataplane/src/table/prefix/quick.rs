//! Most edits: one prefix that ends in a packed node and covers few bytes, below which
//! nothing is. Its runs are changed in place, and so is the list of prefixes. Likewise what
//! leads elsewhere from above.

use super::arena::{Full, set_word, word};
use super::edit::Edit;
use super::key::Key;
use super::pack;
use super::place::{GROUP, GROUPS, MANY, Place};
use super::set::{Bytes, PrefixSet};
use super::word::{Shape, Word};
use crate::id::NhlfeId;

/// Bytes that the prefix may cover.
const FEW: usize = 16;
/// The bits of such a prefix, at least.
const BITS: u8 = 4;

/// A few neighbouring bytes of a node, and where each is to lead.
#[derive(Clone, Copy, Debug)]
struct Span {
    first: usize,
    count: usize,
    slots: [u32; FEW],
}

/// The runs of a node when a few of them are others.
#[derive(Clone, Copy, Debug)]
struct Splice {
    starts: [u32; GROUPS],
    /// The first word that changes, counted from the node's first.
    from: usize,
    /// How many words go, and which come.
    old: usize,
    new: usize,
    fresh: [u32; FEW + 1],
}

impl Edit<'_> {
    /// Sets or takes out a prefix that ends in the node at `at`, if that is done in place.
    pub(super) fn quick<K: Key>(
        &mut self,
        at: Word,
        depth: u8,
        key: K,
        len: u8,
        value: Option<NhlfeId>,
    ) -> Result<Option<Word>, Full> {
        let (place, len) = (Place::of(at), len.saturating_sub(8 * depth));
        if place.shape != Shape::Packed || len < BITS {
            return Ok(None);
        }
        let index = PrefixSet::index(key.byte(depth), len);
        let listed = place.search(self.words, index);
        let splice = self.after(&place, index, value).and_then(|span| self.splice(&place, &span));
        let Some(splice) = splice.filter(|splice| self.fits(&place, splice, listed, value)) else {
            return Ok(None);
        };
        let own = self.own(at)?;
        self.set_runs(&own, &splice);
        match (listed, value) {
            (Ok(i), Some(value)) => set_word(self.words, own.list_start(self.words) + 2 * i + 1, value.0),
            (Err(i), Some(value)) => self.list_in(&own, i, index, value),
            (Ok(i), None) => self.list_out(&own, i),
            (Err(_), None) => {}
        }
        Ok(Some(own.node()))
    }

    /// Whether the block has room for it, and not too much would be left.
    fn fits(
        &self,
        place: &Place,
        splice: &Splice,
        listed: Result<usize, usize>,
        value: Option<NhlfeId>,
    ) -> bool {
        let (prefixes, runs) = (place.prefixes(self.words), place.run_count(self.words));
        let gap = place.list_start(self.words) - (place.body + runs);
        let more = usize::from(listed.is_err()) * 2;
        // It stays a node as long as there are two.
        let stays = value.is_some() || prefixes > 2 && gap < 2 * prefixes + runs;
        stays && splice.new + more <= splice.old + gap && runs + splice.new <= splice.old + MANY
    }

    /// Where the bytes of a prefix lead when it is set or taken out; none if anything is below.
    fn after(&self, place: &Place, index: u16, value: Option<NhlfeId>) -> Option<Span> {
        let words = self.words;
        let (first, last) = PrefixSet::range(index);
        let shorter = || (1..8).map(|bits| index >> bits).take_while(|index| *index > 1);
        let above = || shorter().find_map(|index| place.find(words, index)).unwrap_or(place.cover(words));
        let value = value.unwrap_or_else(above);
        // Bits of bytes that a longer prefix covers.
        let mut longer = 0u32;
        if first < last {
            let len = index.ilog2();
            for (other, _) in place.list(words).rev().take_while(|(other, _)| *other > index) {
                if other >> (other.ilog2() - len) == index {
                    let (from, to) = PrefixSet::range(other);
                    longer |= (u32::MAX >> (31 - (to - from))) << (from - first);
                }
            }
        }
        let mut span = Span { first: first.into(), count: 0, slots: [0; FEW] };
        for (byte, slot) in (first..=last).zip(&mut span.slots) {
            *slot = word(words, place.slot(words, byte));
            if Word(*slot).goes_on() {
                return None;
            }
            if longer & 1 << span.count == 0 {
                *slot = value.0;
            }
            span.count += 1;
        }
        Some(span)
    }

    /// Lets what no prefix of its own covers in a node lead to `cover`, unless a run is partly such.
    pub(super) fn quick_cover<K: Key>(
        &mut self,
        at: Word,
        depth: u8,
        cover: NhlfeId,
    ) -> Result<Option<Word>, Full> {
        let (words, place) = (self.words, Place::of(at));
        let mut covered = Bytes::default();
        place.list(words).for_each(|(index, _)| covered.add(PrefixSet::range(index)));
        let mut whole = true;
        place.each(words, 0, u8::MAX, |run, _| whole &= [0, run.len() as u32].contains(&covered.count(run)));
        if !whole {
            return Ok(None);
        }
        let own = self.own(at)?;
        let (mut slot, mut nodes) = (own.slot(words, 0), Vec::new());
        own.each(words, 0, u8::MAX, |run, below| {
            if covered.count(run) == 0 {
                match below.shape() {
                    Shape::Value => set_word(words, slot, cover.0),
                    Shape::Leaf => pack::set_leaf_cover(words, below.place(), cover),
                    Shape::Packed | Shape::Direct => nodes.push((slot, below)),
                }
            }
            slot += 1;
        });
        own.set_cover(words, cover);
        for (slot, below) in nodes {
            set_word(words, slot, self.cover::<K>(below, depth + 1, cover)?.0);
        }
        Ok(Some(own.node()))
    }

    /// What becomes of the runs when the bytes of a span lead where it says; none if a word
    /// would have to move that says where in the block something stands.
    fn splice(&self, place: &Place, span: &Span) -> Option<Splice> {
        let words = self.words;
        let starts: [u32; GROUPS] = std::array::from_fn(|group| word(words, place.start + group));
        let slot = |byte: usize| place.slot(words, byte as u8);
        let from = slot(span.first) + usize::from(!is_start(&starts, span.first)) - place.start;
        let mut splice = Splice { starts, from, old: 0, new: 0, fresh: [0; FEW + 1] };
        let mut last = span.first.checked_sub(1).map(|byte| word(words, slot(byte)));
        let after = span.first + span.count;
        let after = (after < 256).then(|| word(words, slot(after)));
        for (byte, slot) in (span.first..).zip(span.slots.into_iter().take(span.count).chain(after)) {
            splice.old += usize::from(is_start(&starts, byte));
            splice.lead(byte, slot, last == Some(slot));
            last = Some(slot);
        }
        (!after.is_some_and(|after| Word(after).is_leaf())).then_some(splice)
    }

    fn set_runs(&self, place: &Place, splice: &Splice) {
        let words = self.words;
        let (runs, count) = (place.body, place.run_count(words));
        let from = place.start + splice.from;
        self.shift(from + splice.old, runs + count, from + splice.new);
        (from..).zip(&splice.fresh[..splice.new]).for_each(|(at, slot)| set_word(words, at, *slot));
        place.set_counts(words, place.prefixes(words), count + splice.new - splice.old);
        let mut at = runs;
        for (group, starts) in splice.starts.iter().enumerate() {
            set_word(words, place.start + group, *starts);
            set_word(words, place.start + GROUPS + group, (at as u32).wrapping_sub(1));
            at += starts.count_ones() as usize;
        }
    }

    /// Moves the words `from..end` to `to`.
    fn shift(&self, from: usize, end: usize, to: usize) {
        let one = |at: usize| set_word(self.words, at - from + to, word(self.words, at));
        if to < from {
            (from..end).for_each(one);
        } else if to > from {
            (from..end).rev().for_each(one);
        }
    }

    fn list_in(&self, place: &Place, i: usize, index: u16, value: NhlfeId) {
        let start = place.list_start(self.words);
        self.shift(start, start + 2 * i, start - 2);
        set_word(self.words, start - 2 + 2 * i, index.into());
        set_word(self.words, start - 1 + 2 * i, value.0);
        place.set_counts(self.words, place.prefixes(self.words) + 1, place.run_count(self.words));
    }

    fn list_out(&self, place: &Place, i: usize) {
        let start = place.list_start(self.words);
        self.shift(start, start + 2 * i, start + 2);
        place.set_counts(self.words, place.prefixes(self.words) - 1, place.run_count(self.words));
    }
}

impl Splice {
    /// Lets a byte lead to `slot`, as the one before does or not.
    fn lead(&mut self, byte: usize, slot: u32, same: bool) {
        let bit = 1 << (byte % GROUP);
        self.starts[byte / GROUP] &= !bit;
        if !same {
            self.starts[byte / GROUP] |= bit;
            self.fresh[self.new] = slot;
            self.new += 1;
        }
    }
}

/// Whether a run starts at a byte.
fn is_start(starts: &[u32; GROUPS], byte: usize) -> bool {
    starts[byte / GROUP] & 1 << (byte % GROUP) != 0
}
