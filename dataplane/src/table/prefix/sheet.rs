//! What each value of the first 24 bits of an address leads to, in a large table.
//!
//! In IPv4 that is one load for most look-ups, where the nodes would take four. Where longer prefixes
//! are, a page behind says what each value of the last 8 bits leads to: one load more. In IPv6, where
//! most prefixes are longer, it is the first step of a look-up: it leads to the node that looks at the
//! fourth byte. Of IPv6 it has global unicast addresses (2000::/3, RFC 4291 section 2.4) only.
//!
//! One sheet serves all generations of an arena. A word of it says what the bits lead to
//! in every generation there is, and a mark where they differ: then a look-up goes by the
//! nodes of its own generation. How the words are kept in step with the nodes is in `note`.

use std::hint::select_unpredictable;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

use zerocopy::FromZeros;

use super::arena::Words;
use super::key::{Address, Key};
use super::marked::{MARK, STAYS};
use super::vector::Vector;
use super::walk;
use super::word::Word;
use crate::id::NhlfeId;
use crate::memory::{fetch, large_pages_may_come, prefer_large_pages};

/// Words for the first 24 bits.
pub(super) const SLOTS: usize = 1 << 24;
/// Words of a page.
pub(super) const PAGE: usize = 1 << 8;
/// Pages there may be; where more are wanted the nodes decide.
pub(super) const PAGES: usize = 1 << 16;
/// All words: those of the pages come behind the others.
pub(super) const ALL: usize = SLOTS + PAGES * PAGE;
/// Values of the first 24 bits that a sheet of IPv6 has words for.
pub(super) const GLOBAL: Range<u32> = 1 << 21..1 << 22;
/// Those words.
pub(super) type Steps = [AtomicU32; (GLOBAL.end - GLOBAL.start) as usize];

/// Addresses that are looked up between two turns of a loop.
const STRIDE: usize = 16;

/// What sheets there are.
#[derive(Clone, Debug)]
struct Kind {
    /// The values of the first 24 bits.
    slots: Range<u32>,
    /// Words of pages.
    behind: usize,
    /// Lines of nodes for which one is worth its memory.
    worth: usize,
}

impl Kind {
    fn of<K: Key>() -> Self {
        match K::BITS {
            // 64 MiB: for some 150,000 routes.
            32 => Self { slots: 0..SLOTS as u32, behind: ALL - SLOTS, worth: 1 << 16 },
            // 8 MiB: for some 25,000 routes.
            _ => Self { slots: GLOBAL, behind: 0, worth: 1 << 15 },
        }
    }
}

/// The words, and what look-ups in them go by.
#[derive(Debug)]
pub(super) struct Sheet {
    /// Those of pages that never were take no memory.
    words: Box<Words>,
    kind: Kind,
    /// How many pages ever were.
    pages: AtomicUsize,
    vector: Vector,
}

impl Sheet {
    /// One whose words all are still to be written, if there is memory for one.
    pub(super) fn new<K: Key>() -> Option<Self> {
        let kind = Kind::of::<K>();
        let words = <Words>::new_box_zeroed_with_elems(kind.slots.len() + kind.behind).ok()?;
        let (slots, pages) = words.split_at_checked(kind.slots.len())?;
        // Before anything is there, so that nothing has to move.
        prefer_large_pages(std::iter::once(slots));
        large_pages_may_come(pages);
        Some(Self { words, kind, pages: AtomicUsize::default(), vector: Vector::ask() })
    }

    /// Whether nodes of so many lines are worth one.
    pub(super) fn is_worth<K: Key>(lines: usize) -> bool {
        lines >= Kind::of::<K>().worth
    }

    /// Whether its words lead to the nodes of depth 3, past those of `depth` or to them.
    pub(super) fn leads_past(&self, depth: u8) -> bool {
        depth <= 3 && self.leads_to_nodes()
    }

    /// Whether its words lead to nodes, and not to pages.
    pub(super) fn leads_to_nodes(&self) -> bool {
        self.kind.behind == 0
    }

    /// Those of some values of the first 24 bits that it has words for.
    pub(super) fn part(&self, slots: Range<u32>) -> Range<u32> {
        slots.start.max(self.kind.slots.start)..slots.end.min(self.kind.slots.end)
    }

    /// The words of some values of the first 24 bits, or those of a page.
    pub(super) fn words(&self, first: u32, count: u32) -> &Words {
        let first = first.wrapping_sub(self.kind.slots.start) as usize;
        self.words.get(first..first + count as usize).unwrap_or_default()
    }

    /// Notes that there were so many pages.
    pub(super) fn has_had(&self, pages: usize) {
        self.pages.fetch_max(pages, Relaxed);
    }

    /// Words that are a matter of the nodes.
    #[cfg(test)]
    pub(super) fn undecided(&self) -> usize {
        let used = &self.words[..self.kind.slots.len() + PAGE * self.pages.load(Relaxed)];
        used.iter().filter(|word| is_mark(word.load(Relaxed))).count()
    }

    /// Pages that there ever were.
    #[cfg(test)]
    pub(super) fn pages(&self) -> usize {
        self.pages.load(Relaxed)
    }

    /// Lets the word of an address come.
    pub(super) fn fetch<K: Key>(&self, address: K) {
        let slot = (address.word(0) >> 8).wrapping_sub(self.kind.slots.start);
        fetch(self.words.as_ptr().wrapping_add(slot as usize));
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        (self.kind.slots.len() + PAGE * self.pages.load(Relaxed)) * size_of::<AtomicU32>()
    }

    /// The word that says what an address leads to.
    #[inline(always)]
    fn word(&self, address: u32) -> u32 {
        let word = self.words.get(address as usize >> 8).map_or(STAYS, |word| word.load(Relaxed));
        if is_page(word) { self.in_page(word, address) } else { word }
    }

    #[inline(always)]
    fn in_page(&self, word: u32, address: u32) -> u32 {
        self.words.get(in_page(word, address)).map_or(STAYS, |word| word.load(Relaxed))
    }

    /// What an address leads to.
    #[inline(always)]
    pub(super) fn one<K: Key>(&self, words: &Words, root: Word, address: K) -> NhlfeId {
        if K::BITS != 32 {
            let at = self.steps().map_or(Word(STAYS), |steps| step(steps, address));
            return if is_mark(at.0) {
                walk::one(words, root, address)
            } else {
                walk::on(words, at, 3, address)
            };
        }
        let word = self.word(address.word(0));
        if goes_on(word) { walk::one(words, root, address) } else { NhlfeId(word) }
    }

    /// All of it, by index.
    #[inline(always)]
    pub(super) fn all(&self) -> Option<&[AtomicU32; ALL]> {
        self.words.first_chunk()
    }

    /// All of one of IPv6, by index.
    #[inline(always)]
    pub(super) fn steps(&self) -> Option<&Steps> {
        self.words.first_chunk()
    }

    /// What the processor has for look-ups in it.
    #[inline(always)]
    pub(super) fn vector(&self) -> Vector {
        self.vector
    }

    /// Looks addresses up; `default` where nothing but the prefix of no bits covers one. It is
    /// so short a way that the processor overlaps the waits for memory by itself, the better the
    /// fewer instructions there are for each: what few need is done elsewhere.
    #[inline(never)]
    pub(super) fn by_loads<A: Address>(
        &self,
        words: &Words,
        root: Word,
        default: NhlfeId,
        addresses: &[A],
        found: &mut [NhlfeId],
    ) {
        let Some(sheet) = self.words.first_chunk::<SLOTS>() else { return };
        let one = |address: &A| {
            let word = sheet[address.key().word(0) as usize >> 8].load(Relaxed);
            let word = if goes_on(word) { self.later(words, root, word, *address) } else { word };
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

    /// What an address leads to where the first word has not the answer.
    #[cold]
    #[inline(never)]
    fn later<A: Address>(&self, words: &Words, root: Word, word: u32, address: A) -> u32 {
        let bits = address.key().word(0);
        let word = if is_page(word) { self.in_page(word, bits) } else { word };
        if goes_on(word) { walk::one(words, root, address.key()).0 } else { word }
    }
}

/// Finds by the nodes what is no answer.
#[cold]
#[inline(never)]
pub(super) fn by_nodes<A: Address>(
    words: &Words,
    root: Word,
    default: NhlfeId,
    addresses: &[A],
    found: &mut [NhlfeId],
) {
    for (address, found) in addresses.iter().zip(found).filter(|(_, found)| goes_on(found.0)) {
        let value = walk::one(words, root, address.key());
        *found = if value.is_some() { value } else { default };
    }
}

/// What the first 24 bits of an address lead to in IPv6.
#[inline(always)]
pub(super) fn step<K: Key>(steps: &Steps, address: K) -> Word {
    let slot = (address.word(0) >> 8).wrapping_sub(GLOBAL.start);
    Word(steps.get(slot as usize).map_or(STAYS, |word| word.load(Relaxed)))
}

/// Whether a word is a mark: the nodes decide.
#[inline(always)]
pub(super) fn is_mark(word: u32) -> bool {
    // NONE is none.
    (MARK..=STAYS).contains(&word)
}

/// Whether a word is no answer.
#[inline(always)]
pub(super) fn goes_on(word: u32) -> bool {
    // NONE is one.
    (Word::VALUES..NhlfeId::NONE.0).contains(&word)
}

/// The word that leads to a page.
pub(super) fn page(number: u32) -> u32 {
    4 << 29 | SLOTS as u32 | number << 8
}

/// Whether a word leads to a page.
#[inline(always)]
pub(super) fn is_page(word: u32) -> bool {
    word >> 29 == 4
}

/// Which word of all an address has in the page that a word leads to.
#[inline(always)]
fn in_page(word: u32, address: u32) -> usize {
    (word | address & 0xff) as usize & (ALL - 1)
}
