//! The words of a sheet, and those of its pages, kept in step with the nodes.

use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

use super::arena::word;
use super::edit::Edit;
use super::key::Key;
use super::marked::STAYS;
use super::node::Leaf;
use super::pack;
use super::place::Place;
use super::sheet::{PAGE, SLOTS, Sheet, goes_on, is_page, page};
use super::word::Word;

/// So many words are written without a look at each, where no page can be among them.
const WIDE: usize = 8;

/// What each value of the last 8 bits leads to.
type Lead = [u32; PAGE];

impl Edit<'_> {
    /// Brings the sheet up to date with the nodes where a prefix was set or taken out.
    pub(super) fn note<K: Key>(&mut self, root: Word, key: K, len: u8) {
        if let Some(sheet) = self.sheet {
            let first = key.word(0) >> 8;
            let slots = sheet.part(first..first + (1 << 24u8.saturating_sub(len)));
            match slots.len() {
                0 => {}
                1 => self.note_one::<K>(sheet, root, slots.start),
                _ => self.note_below::<K>(sheet, root, 0, 0, slots),
            }
        }
    }

    /// Makes the sheet anew, before the edit, if that is due: after more changes than wait, each word of
    /// them would go by the nodes for ever. And those words that a generation marked which was given up.
    pub(super) fn renew<K: Key>(&mut self, root: Word) {
        if let Some(sheet) = self.sheet {
            for slots in std::mem::take(&mut self.book.marked.astray) {
                self.note_below::<K>(sheet, root, 0, 0, slots);
            }
        }
        if self.sheet.is_some() && root.is_node() && self.book.takes_renewal() {
            self.renews = true;
            self.note(root, K::ZERO, 0);
            self.renews = false;
        }
    }

    /// The same for one value of the first 24 bits.
    fn note_one<K: Key>(&mut self, sheet: &Sheet, root: Word, slot: u32) {
        let mut at = root;
        for bits in [16, 8, 0] {
            if at.is_node() {
                at = Word(word(self.words, Place::of(at).slot(self.words, (slot >> bits) as u8)));
            }
        }
        self.note_at::<K>(sheet, at, slot..slot + 1);
    }

    /// The same for those of `slots` that the node at `at` has: its first is `base`.
    fn note_below<K: Key>(&mut self, sheet: &Sheet, at: Word, depth: u8, base: u32, slots: Range<u32>) {
        let bits = 16u8.saturating_sub(8 * depth);
        let (first, last) = ((slots.start - base) >> bits, (slots.end - 1 - base) >> bits);
        let words = self.words;
        Place::of(at).each(words, first as u8, last as u8, |run, below| {
            let part =
                (base + (run.start << bits)).max(slots.start)..(base + (run.end << bits)).min(slots.end);
            if below.is_node() && depth < 2 {
                // A run of its own.
                self.note_below::<K>(sheet, below, depth + 1, base + (run.start << bits), part);
            } else {
                self.note_at::<K>(sheet, below, part);
            }
        });
    }

    /// The same for neighbours that all lead to `at`, one if that is a node.
    fn note_at<K: Key>(&mut self, sheet: &Sheet, at: Word, slots: Range<u32>) {
        if at.is_node() && !sheet.leads_to_nodes() {
            let mut lead = [STAYS; PAGE];
            Place::of(at).each(self.words, 0, u8::MAX, |run, below| {
                lead[run.start as usize..run.end as usize].fill(below.0);
            });
            self.note_page(sheet, slots.start, &lead);
        } else if at.is_leaf() {
            self.note_leaf::<K>(sheet, at, slots);
        } else {
            self.lead_to(sheet, slots, at.0);
        }
    }

    /// The same where a lone prefix is left.
    fn note_leaf<K: Key>(&mut self, sheet: &Sheet, at: Word, slots: Range<u32>) {
        let leaf: Leaf<K> = pack::leaf(self.words, at.place());
        let bits = leaf.key.word(0);
        let first = (bits >> 8).clamp(slots.start, slots.end);
        let end = ((bits >> 8) + (1 << 24u8.saturating_sub(leaf.len))).clamp(first, slots.end);
        let cover = pack::look(self.words, at.place(), K::of_words(|i| !leaf.key.word(i)));
        self.lead_to(sheet, slots.start..first, cover.0);
        if leaf.len <= 24 {
            self.lead_to(sheet, first..end, leaf.value.0);
        } else if sheet.leads_to_nodes() {
            // It moves with its node.
            self.lead_to(sheet, first..end, STAYS);
        } else if first < end {
            let mut lead = [cover.0; PAGE];
            let from = (bits & 0xff) as usize;
            lead[from..from + (1 << 32u8.saturating_sub(leaf.len))].fill(leaf.value.0);
            self.note_page(sheet, first, &lead);
        }
        self.lead_to(sheet, end..slots.end, cover.0);
    }

    /// Lets a word lead to a page.
    fn note_page(&mut self, sheet: &Sheet, slot: u32, lead: &Lead) {
        let base = |number: u32| (SLOTS + PAGE * number as usize) as u32;
        if let Some(number) = self.book.marked.pages.of(slot) {
            let mut at = base(number);
            for run in lead.chunk_by(|one, next| one == next) {
                let end = at + run.len() as u32;
                self.lead_to(sheet, at..end, run[0]);
                at = end;
            }
            return self.lead_to(sheet, slot..slot + 1, page(number));
        }
        let generation = (!self.book.is_alone()).then_some(self.generation);
        let Some(number) = self.book.marked.pages.take(slot, generation) else {
            return self.lead_to(sheet, slot..slot + 1, STAYS);
        };
        sheet.has_had(self.book.marked.pages.used());
        let there = sheet.words(base(number), PAGE as u32);
        there.iter().zip(lead).for_each(|(there, word)| there.store(*word, Relaxed));
        // Readers that are under way are told of a new page by a generation, and no sooner.
        let renews = std::mem::take(&mut self.renews);
        self.lead_to(sheet, slot..slot + 1, page(number));
        self.renews = renews;
    }

    /// Lets words lead elsewhere.
    fn lead_to(&mut self, sheet: &Sheet, at: Range<u32>, word: u32) {
        let alone = self.book.is_alone();
        let generation = (!alone).then_some(self.generation);
        let there = sheet.words(at.start, at.end - at.start);
        // Nothing that is there says more than what is to be: no word is waited for.
        if (alone || self.renews) && there.len() >= WIDE && !self.book.marked.pages.has_any(&at) {
            return there.iter().for_each(|there| there.store(word, Relaxed));
        }
        for (at, there) in at.zip(there) {
            let old = there.load(Relaxed);
            if old == word || self.book.marked.will_be(at, old) == Some(word) {
                continue;
            }
            if goes_on(old) && at < SLOTS as u32 && !is_page(word) {
                self.book.marked.pages.leave(at, generation);
            }
            let direct = alone || self.renews;
            there.store(if direct { word } else { self.book.marked.add(self.generation, at, word) }, Relaxed);
        }
    }
}
