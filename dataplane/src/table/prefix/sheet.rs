//! What each value of the first 24 bits of an IPv4 address leads to, in a large table: one
//! load for most look-ups, where the nodes would take four.
//!
//! One sheet serves all generations of an arena. A word of it says what the 24 bits lead to
//! in every generation there is, and a mark where they differ: then a look-up goes by the
//! nodes of its own generation. An edit marks the words that it changes before anyone sees
//! its generation, and when none older is left the new ones are written. Marks and words are
//! written under the lock of the arena's book; a reader that sees an old word is older than
//! the edit, whose mark was there before its generation was published.

use std::collections::VecDeque;
use std::hint::select_unpredictable;
use std::ops::Range;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use super::arena::{LINE, Words, reserve};
use super::edit::Edit;
use super::key::{Address, Key};
use super::node::Leaf;
use super::pack;
use super::place::Place;
use super::walk;
use super::word::Word;
use crate::id::NhlfeId;
use crate::memory::fetch;

/// Words of a sheet.
const SLOTS: usize = 1 << 24;
/// Lines of nodes for which a sheet is worth its 64 MiB: those of some 150,000 routes.
const WORTH: usize = 1 << 16;
/// Changes that wait at most; the words of others are a matter of the nodes until the sheet is
/// made anew. Tests come to that with few.
const PATIENCE: usize = if cfg!(test) { 1 << 6 } else { 1 << 20 };

/// Addresses that are looked up between two turns of a loop.
const STRIDE: usize = 16;

/// The first mark.
const MARK: u32 = 7 << 29;
/// Marks that changes have, one after another.
const MARKS: u32 = (1 << 29) - 2;
/// The mark of what is always a matter of the nodes.
const STAYS: u32 = MARK + MARKS;

/// The words.
#[derive(Debug)]
pub(super) struct Sheet(Box<Words>);

impl Default for Sheet {
    /// One that leads nowhere.
    fn default() -> Self {
        let mut words = reserve(SLOTS);
        words.resize_with(SLOTS, || AtomicU32::new(NhlfeId::NONE.0));
        Self(words.into_boxed_slice())
    }
}

/// Neighbouring words that lead elsewhere from a generation on.
#[derive(Debug)]
struct Change {
    generation: u32,
    first: u32,
    count: u32,
    word: u32,
}

/// Changes that are marked, oldest first.
#[derive(Debug, Default)]
pub(super) struct Marked {
    /// The number of the first, of which the mark is made.
    first: u32,
    changes: VecDeque<Change>,
    /// The newest generation of which a change found no place among them.
    overflowed: Option<u32>,
    /// Words that a generation marked which was given up.
    astray: Vec<Range<u32>>,
}

impl Sheet {
    /// Words that are a matter of the nodes.
    #[cfg(test)]
    pub(super) fn undecided(&self) -> usize {
        self.0.iter().filter(|word| (MARK..=STAYS).contains(&word.load(Relaxed))).count()
    }

    /// Whether nodes of so many lines are worth one.
    pub(super) fn is_worth<K: Key>(lines: usize) -> bool {
        K::BITS == 32 && lines >= WORTH
    }

    /// Lets the word of an address come.
    pub(super) fn fetch<K: Key>(&self, address: K) {
        fetch(self.0.as_ptr().wrapping_add(address.word(0) as usize >> 8));
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.0)
    }

    /// What an address leads to.
    #[inline(always)]
    pub(super) fn one<K: Key>(&self, words: &Words, root: Word, address: K) -> NhlfeId {
        let word = self.0.get(address.word(0) as usize >> 8).map_or(STAYS, |word| word.load(Relaxed));
        if goes_on(word) { further(words, root, word, address) } else { NhlfeId(word) }
    }

    /// Looks addresses up; `default` where nothing but the prefix of no bits covers one. It is
    /// so short a way that the processor overlaps the waits for memory by itself, the better the
    /// fewer instructions there are for each: what few need is done elsewhere.
    #[inline(never)]
    pub(super) fn all<A: Address>(
        &self,
        words: &Words,
        root: Word,
        default: NhlfeId,
        addresses: &[A],
        found: &mut [NhlfeId],
    ) {
        let Some(sheet) = self.0.first_chunk::<SLOTS>() else { return };
        let one = |address: &A| {
            let word = sheet[address.key().word(0) as usize >> 8].load(Relaxed);
            let word = if goes_on(word) { later(words, root, word, *address) } else { word };
            NhlfeId(select_unpredictable(word == NhlfeId::NONE.0, default.0, word))
        };
        let count = addresses.len().min(found.len());
        let (strides, rest) = addresses[..count].as_chunks::<STRIDE>();
        let (places, others) = found[..count].as_chunks_mut::<STRIDE>();
        for (addresses, found) in strides.iter().zip(places) {
            addresses.iter().zip(found).for_each(|(address, found)| *found = one(address));
        }
        rest.iter().zip(others).for_each(|(address, found)| *found = one(address));
    }
}

/// What an address leads to where the sheet has not the answer.
#[cold]
#[inline(never)]
fn later<A: Address>(words: &Words, root: Word, word: u32, address: A) -> u32 {
    further(words, root, word, address.key()).0
}

/// Whether a word is no answer.
#[inline(always)]
fn goes_on(word: u32) -> bool {
    // NONE is one.
    (Word::VALUES..NhlfeId::NONE.0).contains(&word)
}

/// What an address leads to where the sheet has not the answer.
#[inline(always)]
fn further<K: Key>(words: &Words, root: Word, word: u32, address: K) -> NhlfeId {
    let at = Word(word);
    if at.is_node() {
        // Most are small: the runs are in the second line.
        fetch(words.as_ptr().wrapping_add(at.start() + LINE));
        return walk::on(words, at, 3, address);
    }
    walk::one(words, root, address)
}

impl Marked {
    fn mark(&self, index: usize) -> u32 {
        MARK + (self.first + index as u32) % MARKS
    }

    /// Whether there is one that waits for a generation at most as old as this one; writes it.
    pub(super) fn settle(&mut self, oldest: u32, sheet: &Sheet) {
        while let Some(change) = self.changes.front().filter(|change| change.generation <= oldest) {
            let (mark, first) = (self.mark(0), change.first as usize);
            let range = sheet.0.get(first..first + change.count as usize).unwrap_or_default();
            // What was changed again since has another mark.
            range
                .iter()
                .filter(|word| word.load(Relaxed) == mark)
                .for_each(|word| word.store(change.word, Relaxed));
            self.changes.pop_front();
            self.first = (self.first + 1) % MARKS;
        }
    }

    /// Takes the changes out that generations later than `number` made, and notes where.
    pub(super) fn take_back(&mut self, number: u32) {
        while let Some(change) = self.changes.pop_back_if(|change| change.generation > number) {
            self.astray.push(change.first..change.first + change.count);
        }
    }

    /// Whether the sheet is to be made anew now: there were changes that found no place here, and no
    /// generation as old as `oldest` or newer differs from another in anything.
    pub(super) fn takes_renewal(&mut self, oldest: u32) -> bool {
        let settled = self.changes.is_empty() && self.overflowed.is_some_and(|newest| newest <= oldest);
        if settled {
            self.overflowed = None;
        }
        settled
    }

    /// Marks a word that is to be another.
    fn add(&mut self, generation: u32, slot: u32, word: u32) -> u32 {
        if let Some(last) = self.changes.back_mut()
            && (last.generation, last.word, last.first + last.count) == (generation, word, slot)
        {
            last.count += 1;
            return self.mark(self.changes.len() - 1);
        }
        if self.changes.len() >= PATIENCE {
            self.overflowed = Some(generation);
            return STAYS;
        }
        self.changes.push_back(Change { generation, first: slot, count: 1, word });
        self.mark(self.changes.len() - 1)
    }
}

impl Edit<'_> {
    /// Brings the sheet up to date with the nodes where a prefix was set or taken out.
    pub(super) fn note<K: Key>(&mut self, root: Word, key: K, len: u8) {
        if let Some(sheet) = self.sheet {
            let first = key.word(0) >> 8;
            self.note_below(sheet, root, 0, 0, first..first + (1 << 24u8.saturating_sub(len)));
        }
    }

    /// Makes the sheet anew, before the edit, if that is due: after more changes than wait, each word of
    /// them would go by the nodes for ever. And those words that a generation marked which was given up.
    pub(super) fn renew<K: Key>(&mut self, root: Word) {
        if let Some(sheet) = self.sheet {
            for slots in std::mem::take(&mut self.book.marked.astray) {
                self.note_below(sheet, root, 0, 0, slots);
            }
        }
        if self.sheet.is_some() && root.is_node() && self.book.takes_renewal() {
            self.renews = true;
            self.note(root, K::ZERO, 0);
            self.renews = false;
        }
    }

    /// The same for those of `slots` that the node at `at` has: its first is `base`.
    fn note_below(&mut self, sheet: &Sheet, at: Word, depth: u8, base: u32, slots: Range<u32>) {
        let bits = 16u8.saturating_sub(8 * depth);
        let (first, last) = ((slots.start - base) >> bits, (slots.end - 1 - base) >> bits);
        Place::of(at).each(self.words, first as u8, last as u8, |run, below| {
            let part =
                (base + (run.start << bits)).max(slots.start)..(base + (run.end << bits)).min(slots.end);
            if below.is_node() && depth < 2 {
                // A run of its own.
                self.note_below(sheet, below, depth + 1, base + (run.start << bits), part);
            } else if below.is_leaf() {
                self.note_leaf(sheet, below, part);
            } else {
                self.lead_to(sheet, part, below.0);
            }
        });
    }

    /// The same where a lone prefix is left.
    fn note_leaf(&mut self, sheet: &Sheet, at: Word, slots: Range<u32>) {
        let leaf: Leaf<u32> = pack::leaf(self.words, at.place());
        let first = (leaf.key >> 8).clamp(slots.start, slots.end);
        let end = ((leaf.key >> 8) + (1 << 24u8.saturating_sub(leaf.len))).clamp(first, slots.end);
        let cover = pack::look(self.words, at.place(), !leaf.key);
        self.lead_to(sheet, slots.start..first, cover.0);
        self.lead_to(sheet, first..end, if leaf.len > 24 { STAYS } else { leaf.value.0 });
        self.lead_to(sheet, end..slots.end, cover.0);
    }

    /// Lets words lead elsewhere.
    fn lead_to(&mut self, sheet: &Sheet, slots: Range<u32>, word: u32) {
        let there = sheet.0.get(slots.start as usize..slots.end as usize).unwrap_or_default();
        if self.renews || self.book.is_alone() {
            return there.iter().for_each(|there| there.store(word, Relaxed));
        }
        for (slot, there) in slots.zip(there).filter(|(_, there)| there.load(Relaxed) != word) {
            there.store(self.book.marked.add(self.generation, slot, word), Relaxed);
        }
    }
}
