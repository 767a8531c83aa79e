//! Where a node's parts are in its block of the arena.
//!
//! In front stands what a look-up reads. Packed, that is a line of eight groups of 32 bytes
//! of the address each: which of them start a run that leads elsewhere than the byte before,
//! and where the words of the group's runs are. A node of many runs has a word for each byte
//! instead. Then come a few words about the block, and the runs: those of most nodes are in the
//! second line. At the end of the block stand the lone prefixes below, none of them in two lines,
//! and before them the node's own prefixes, so that they and the runs have room to grow; those
//! of a node with a word for each byte have a block of their own, as what is below such a node
//! changes far more often than they do.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

use super::arena::{LINE, Words, set_word, word};
use super::word::{Shape, Word};
use crate::id::NhlfeId;
use crate::memory::fetch;

/// Bytes of the address in a group.
pub(super) const GROUP: usize = 32;
/// Groups.
pub(super) const GROUPS: usize = 256 / GROUP;
/// More runs than these have a word for each byte.
pub(super) const MANY: usize = 160;

/// Words about a packed block: the cover, prefixes and lone ones, runs and lines, generation.
const ABOUT: usize = 4;
/// The same of one with a word for each byte, and of the block of its prefixes the line, the
/// lines and the generation.
const ABOUT_DIRECT: usize = 8;

/// Where a node's parts are, in words of the arena.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) shape: Shape,
    /// Its first word.
    pub(super) start: usize,
    about: usize,
    /// The word after those about it: its first run, if it is packed.
    pub(super) body: usize,
}

/// Lines that belong together, and the generation that wrote them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) line: u32,
    pub(super) lines: usize,
    pub(super) generation: u32,
}

impl Block {
    /// The word after its last.
    fn end(&self) -> usize {
        (self.line as usize + self.lines) * LINE
    }
}

/// What the words about a block say.
#[derive(Clone, Copy, Debug)]
pub(super) struct About {
    pub(super) cover: NhlfeId,
    pub(super) prefixes: usize,
    /// Words of lone prefixes.
    pub(super) leaves: usize,
    pub(super) runs: usize,
    pub(super) lines: usize,
    pub(super) generation: u32,
}

impl Place {
    pub(super) fn of(node: Word) -> Self {
        Self::at(node.shape(), node.start())
    }

    /// The parts of a node that starts at a word.
    pub(super) fn at(shape: Shape, start: usize) -> Self {
        let (about, words) = match shape {
            Shape::Direct => (256, ABOUT_DIRECT),
            _ => (2 * GROUPS, ABOUT),
        };
        Self { shape, start, about: start + about, body: start + about + words }
    }

    /// The word that leads to it.
    pub(super) fn node(&self) -> Word {
        let line = (self.start / LINE) as u32;
        if self.shape == Shape::Direct { Word::direct(line) } else { Word::packed(line) }
    }

    /// Where the words are that bytes lead to.
    pub(super) fn slots(&self, words: &Words) -> Range<usize> {
        if self.shape == Shape::Direct {
            return self.start..self.start + 256;
        }
        self.body..self.body + self.run_count(words)
    }

    pub(super) fn cover(&self, words: &Words) -> NhlfeId {
        NhlfeId(word(words, self.about))
    }

    pub(super) fn set_cover(&self, words: &Words, cover: NhlfeId) {
        set_word(words, self.about, cover.0);
    }

    pub(super) fn prefixes(&self, words: &Words) -> usize {
        (word(words, self.about + 1) & 0xffff) as usize
    }

    /// Words that the lone prefixes take.
    pub(super) fn leaves(&self, words: &Words) -> usize {
        (word(words, self.about + 1) >> 16) as usize
    }

    pub(super) fn run_count(&self, words: &Words) -> usize {
        (word(words, self.about + 2) & 0xffff) as usize
    }

    /// Its lines, without those of a block for its prefixes.
    pub(super) fn block(&self, words: &Words) -> Block {
        let lines = (word(words, self.about + 2) >> 16) as usize;
        Block { line: (self.start / LINE) as u32, lines, generation: word(words, self.about + 3) }
    }

    /// The block of its prefixes, if they have one.
    pub(super) fn apart(&self, words: &Words) -> Option<Block> {
        let [line, lines, generation] = [4, 5, 6].map(|i| word(words, self.about + i));
        let apart = Block { line, lines: lines as usize, generation };
        (self.shape == Shape::Direct && lines > 0).then_some(apart)
    }

    /// Writes the words about the block.
    pub(super) fn set_about(&self, words: &Words, about: &About) {
        let counts = [about.prefixes | about.leaves << 16, about.runs | about.lines << 16];
        let about = [about.cover.0, counts[0] as u32, counts[1] as u32, about.generation];
        (self.about..).zip(about).for_each(|(at, word)| set_word(words, at, word));
    }

    /// Writes how many prefixes and runs there are.
    pub(super) fn set_counts(&self, words: &Words, prefixes: usize, runs: usize) {
        let counts = [prefixes | self.leaves(words) << 16, runs | self.block(words).lines << 16];
        (self.about + 1..).zip(counts).for_each(|(at, word)| set_word(words, at, word as u32));
    }

    /// Writes where the prefixes are that have a block of their own.
    pub(super) fn set_apart(&self, words: &Words, apart: Block) {
        let apart = [apart.line, apart.lines as u32, apart.generation];
        (self.about + 4..).zip(apart).for_each(|(at, word)| set_word(words, at, word));
    }

    pub(super) fn set_generation(&self, words: &Words, generation: u32) {
        set_word(words, self.about + 3, generation);
    }

    /// Where the word is that `byte` leads to.
    #[inline(always)]
    pub(super) fn slot(&self, words: &Words, byte: u8) -> usize {
        match self.shape {
            Shape::Direct => self.start + usize::from(byte),
            _ => slot(words, self.start, byte),
        }
    }

    /// Calls `each` with the runs of bytes from `first` to `last`, and what they lead to.
    #[inline]
    pub(super) fn each(&self, words: &Words, first: u8, last: u8, mut each: impl FnMut(Range<u32>, Word)) {
        let (mut at, mut byte, end) = (self.slot(words, first), u32::from(first), u32::from(last) + 1);
        while byte < end {
            let run = byte..self.run_end(words, byte).min(end);
            byte = run.end;
            each(run, Word(word(words, at)));
            at += 1;
        }
    }

    /// The byte after the last of a run, or the last of a group.
    #[inline]
    fn run_end(&self, words: &Words, byte: u32) -> u32 {
        if self.shape == Shape::Direct {
            return byte + 1;
        }
        let (mut group, mut bit) = (byte as usize / GROUP, (byte + 1) & 31);
        group += usize::from(bit == 0);
        while group < GROUPS {
            let starts = word(words, self.start + group) >> bit;
            if starts != 0 {
                return (group * GROUP) as u32 + bit + starts.trailing_zeros();
            }
            (group, bit) = (group + 1, 0);
        }
        256
    }

    /// Lets the first lines of it come.
    pub(super) fn fetch(&self, words: &Words) {
        (0..8).for_each(|line| fetch(words.as_ptr().wrapping_add(self.start + line * LINE)));
    }

    /// The first word of the lone prefixes below.
    pub(super) fn leaves_start(&self, words: &Words) -> usize {
        self.block(words).end() - self.leaves(words)
    }

    /// The first word of the node's own prefixes.
    pub(super) fn list_start(&self, words: &Words) -> usize {
        let end = self.apart(words).map_or_else(|| self.leaves_start(words), |apart| apart.end());
        end - 2 * self.prefixes(words)
    }

    /// The node's own prefixes, shorter ones first.
    pub(super) fn list<'a>(
        &self,
        words: &'a Words,
    ) -> impl DoubleEndedIterator<Item = (u16, NhlfeId)> + ExactSizeIterator + use<'a> {
        let from = self.list_start(words);
        let pair = move |i| (word(words, from + 2 * i) as u16, NhlfeId(word(words, from + 2 * i + 1)));
        (0..self.prefixes(words)).map(pair)
    }

    /// Which of the node's own prefixes has this index, or would have it.
    pub(super) fn search(&self, words: &Words, index: u16) -> Result<usize, usize> {
        let from = self.list_start(words);
        let (mut low, mut high) = (0, self.prefixes(words));
        while low < high {
            let middle = (low + high) / 2;
            match (word(words, from + 2 * middle) as u16).cmp(&index) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Ok(middle),
                Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }

    /// The value of the node's own prefix of this index.
    pub(super) fn find(&self, words: &Words, index: u16) -> Option<NhlfeId> {
        let at = self.search(words, index).ok()?;
        Some(NhlfeId(word(words, self.list_start(words) + 2 * at + 1)))
    }
}

/// Where the word is that `byte` leads to in the packed node that starts at a word.
#[inline(always)]
pub(super) fn slot(words: &Words, start: usize, byte: u8) -> usize {
    let Some(line) = words.as_chunks::<LINE>().0.get(start / LINE) else { return usize::MAX };
    let group = usize::from(byte) / GROUP;
    let [starts, before] = [group, group + GROUPS].map(|at| line[at].load(Relaxed));
    // Of the runs, those that start no later than the byte.
    let upto = starts.wrapping_shl(31 - (u32::from(byte) & 31));
    before.wrapping_add(upto.count_ones()) as usize
}
