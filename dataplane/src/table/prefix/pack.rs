//! Nodes into the arena and out of it.

use std::sync::atomic::Ordering::Relaxed;

use super::arena::{LINE, Words, set_word, word};
use super::key::Key;
use super::node::{Leaf, Node};
use super::place::{About, GROUP, GROUPS, MANY, Place};
use super::set::{PrefixSet, Slots};
use super::word::{Shape, Word};
use crate::id::NhlfeId;

/// Words of a lone prefix: length, value, what covers it, and the key.
const fn leaf_words<K: Key>() -> usize {
    (3 + K::WORDS).next_multiple_of(4)
}

/// The lone prefix at a word of the arena.
pub(super) fn leaf<K: Key>(words: &Words, at: usize) -> Leaf<K> {
    let key = K::of_words(|i| word(words, at + 3 + i));
    Leaf { key, len: word(words, at) as u8, value: NhlfeId(word(words, at + 1)) }
}

/// Lets what a lone prefix does not cover lead elsewhere.
pub(super) fn set_leaf_cover(words: &Words, at: usize, cover: NhlfeId) {
    set_word(words, at + 2, cover.0);
}

/// What an address leads to where only this prefix is left.
#[inline(always)]
pub(super) fn look<K: Key>(words: &Words, at: usize, address: K) -> Word {
    let (fours, _) = words.as_chunks::<4>();
    let Some([len, value, cover, front]) = fours.get(at / 4) else { return Word::NONE };
    let rest = if K::WORDS > 1 { fours.get(at / 4 + 1) } else { None };
    let key = K::of_words(|i| match (i, rest) {
        (0, _) => front.load(Relaxed),
        (_, rest) => rest.map_or(0, |rest| rest[(i - 1) & 3].load(Relaxed)),
    });
    let covers = address.common(key) >= len.load(Relaxed) as u8;
    Word(std::hint::select_unpredictable(covers, value.load(Relaxed), cover.load(Relaxed)))
}

/// A node's words as they are to be, but for where they will stand.
pub(super) struct Packed<'a, K> {
    node: &'a Node<K>,
    /// By byte, without what is below.
    own: Slots,
    /// By byte; a lone prefix is told by its number.
    slots: [u32; 256],
    starts: [u32; GROUPS],
    runs: usize,
    shape: Shape,
}

impl<'a, K: Key> Packed<'a, K> {
    pub(super) fn new(node: &'a Node<K>) -> Self {
        let own = node.slots();
        let mut slots = own.map(|value| value.0);
        for (byte, below) in &node.nodes {
            slots[usize::from(*byte)] = below.0;
        }
        for (number, leaf) in node.leaves.iter().enumerate() {
            slots[usize::from(leaf.key.byte(node.depth))] = Word::leaf(4 * number).0;
        }
        let mut starts = [0; GROUPS];
        let (mut runs, mut last) = (0, !slots[0]);
        for (slots, starts) in slots.chunks(GROUP).zip(&mut starts) {
            for (bit, slot) in slots.iter().enumerate() {
                *starts |= u32::from(*slot != last) << bit;
                last = *slot;
            }
            runs += starts.count_ones() as usize;
        }
        let shape = if runs > MANY { Shape::Direct } else { Shape::Packed };
        Self { node, own, slots, starts, runs, shape }
    }

    /// Whether its runs are packed.
    pub(super) fn is_packed(&self) -> bool {
        self.shape == Shape::Packed
    }

    /// Lines it takes, without those of its prefixes where they stand apart.
    pub(super) fn lines(&self) -> usize {
        let front = Place::at(self.shape, 0).body + self.node.leaves.len() * leaf_words::<K>();
        let rest = self.runs + 2 * self.node.prefixes.len();
        (front + if self.shape == Shape::Direct { 0 } else { rest }).div_ceil(LINE)
    }

    /// Lines that its prefixes take apart.
    pub(super) fn lines_apart(&self) -> usize {
        let words = if self.shape == Shape::Direct { 2 * self.node.prefixes.len() } else { 0 };
        words.div_ceil(LINE)
    }

    /// Writes it, but for the prefixes, to `lines` lines from `line` on.
    pub(super) fn write(&self, words: &Words, line: u32, lines: usize, generation: u32) -> Place {
        let place = Place::at(self.shape, line as usize * LINE);
        let node = self.node;
        let about = About {
            cover: node.cover,
            prefixes: node.prefixes.len(),
            leaves: node.leaves.len() * leaf_words::<K>(),
            runs: self.runs,
            lines,
            generation,
        };
        place.set_about(words, &about);
        let leaves = place.leaves_start(words);
        match self.shape {
            Shape::Direct => (place.start..).zip(self.slots).for_each(|(at, slot)| {
                set_word(words, at, self.placed(slot, leaves));
            }),
            _ => self.write_runs(words, &place, leaves),
        }
        for (number, leaf) in node.leaves.iter().enumerate() {
            self.write_leaf(words, leaves + number * leaf_words::<K>(), leaf);
        }
        place
    }

    /// Writes the node's own prefixes to where they belong.
    pub(super) fn write_list(words: &Words, place: &Place, list: &PrefixSet) {
        let start = place.list_start(words);
        for (i, (index, value)) in list.iter().enumerate() {
            set_word(words, start + 2 * i, index.into());
            set_word(words, start + 2 * i + 1, value.0);
        }
    }

    /// A lone prefix's number becomes its place.
    fn placed(&self, slot: u32, leaves: usize) -> u32 {
        match Word(slot).shape() {
            Shape::Leaf => Word::leaf(leaves + Word(slot).place() / 4 * leaf_words::<K>()).0,
            _ => slot,
        }
    }

    fn write_runs(&self, words: &Words, place: &Place, leaves: usize) {
        let mut at = place.body;
        for (group, starts) in self.starts.iter().enumerate() {
            set_word(words, place.start + group, *starts);
            set_word(words, place.start + GROUPS + group, (at as u32).wrapping_sub(1));
            let mut left = *starts;
            while left != 0 {
                let slot = self.slots[group * GROUP + left.trailing_zeros() as usize];
                set_word(words, at, self.placed(slot, leaves));
                at += 1;
                left &= left - 1;
            }
        }
    }

    fn write_leaf(&self, words: &Words, at: usize, leaf: &Leaf<K>) {
        let cover = self.own[usize::from(leaf.key.byte(self.node.depth))];
        let about = [leaf.len.into(), leaf.value.0, cover.0];
        let key = (0..K::WORDS).map(|i| leaf.key.word(i));
        (at..).zip(about.into_iter().chain(key)).for_each(|(at, word)| set_word(words, at, word));
    }
}

impl<K: Key> Node<K> {
    /// The node at `at`, which looks at byte `depth`.
    pub(super) fn read(words: &Words, at: Word, depth: u8) -> Self {
        let place = Place::of(at);
        let (mut nodes, mut leaves) = (Vec::new(), Vec::new());
        place.each_below(words, |byte, word| match word.shape() {
            Shape::Leaf => leaves.push(leaf(words, word.place())),
            _ => nodes.push((byte, word)),
        });
        let prefixes: PrefixSet = place.list(words).collect();
        Self { depth, cover: place.cover(words), prefixes, nodes, leaves }
    }
}

impl Place {
    /// Calls `each` with every byte that something is below, and what.
    pub(super) fn each_below(&self, words: &Words, mut each: impl FnMut(u8, Word)) {
        let mut tell = |byte: usize, at| {
            let below = Word(word(words, at));
            if below.goes_on() {
                each(byte as u8, below);
            }
        };
        if self.shape == Shape::Direct {
            return (0..256).for_each(|byte| tell(byte, self.start + byte));
        }
        let mut at = self.body;
        for group in 0..GROUPS {
            let mut left = word(words, self.start + group);
            while left != 0 {
                tell(group * GROUP + left.trailing_zeros() as usize, at);
                at += 1;
                left &= left - 1;
            }
        }
    }

    /// Copies the block to as many lines from `line` on. What is below stays where it is, but
    /// for lone prefixes, which are in the block; so do prefixes that stand apart.
    pub(super) fn copy(&self, from: &Words, to: &Words, line: u32, generation: u32) -> Self {
        let start = line as usize * LINE;
        copy_lines(from, self.start, to, start, self.block(from).lines);
        let copy = Self::at(self.shape, start);
        let slots = if self.leaves(from) > 0 { copy.slots(to) } else { 0..0 };
        for at in slots {
            let slot = Word(word(to, at));
            if slot.shape() == Shape::Leaf {
                set_word(to, at, Word::leaf(slot.place() - self.start + start).0);
            }
        }
        if self.shape != Shape::Direct {
            let by = (start as u32).wrapping_sub(self.start as u32);
            for at in start + GROUPS..start + 2 * GROUPS {
                set_word(to, at, word(to, at).wrapping_add(by));
            }
        }
        copy.set_generation(to, generation);
        copy
    }
}

/// Copies lines between words.
pub(super) fn copy_lines(from: &Words, at: usize, to: &Words, start: usize, lines: usize) {
    let count = lines * LINE;
    let both = from.get(at..at + count).into_iter().zip(to.get(start..start + count));
    for (from, to) in both.flat_map(|(from, to)| from.iter().zip(to)) {
        to.store(from.load(Relaxed), Relaxed);
    }
}
