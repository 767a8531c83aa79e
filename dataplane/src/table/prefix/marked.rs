//! Where generations of a large table differ: what the words of a sheet are to be, and when.
//!
//! An edit marks the words that it changes before anyone sees
//! its generation, and when none older is left the new ones are written. Marks and words are
//! written under the lock of the arena's book; a reader that sees an old word is older than
//! the edit, whose mark was there before its generation was published.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

use super::pages::Pages;
use super::sheet::{PAGE, SLOTS, Sheet};

/// Changes that wait at most; the words of others are a matter of the nodes until the sheet is
/// made anew. Tests come to that with few.
const PATIENCE: usize = if cfg!(test) { 1 << 6 } else { 1 << 20 };

/// The first mark.
pub(super) const MARK: u32 = 7 << 29;
/// Marks that changes have, one after another.
const MARKS: u32 = (1 << 29) - 2;
/// The mark of what is always a matter of the nodes.
pub(super) const STAYS: u32 = MARK + MARKS;

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
    /// Values of the first 24 bits whose words a generation marked which was given up.
    pub(super) astray: Vec<Range<u32>>,
    pub(super) pages: Pages,
}

impl Marked {
    fn mark(&self, index: usize) -> u32 {
        MARK + (self.first + index as u32) % MARKS
    }

    /// Writes what waits for a generation at most as old as this one.
    pub(super) fn settle(&mut self, oldest: u32, sheet: &Sheet) {
        while let Some(change) = self.changes.front().filter(|change| change.generation <= oldest) {
            let mark = self.mark(0);
            // What was changed again since has another mark.
            let words = sheet.words(change.first, change.count).iter();
            words.filter(|word| word.load(Relaxed) == mark).for_each(|word| word.store(change.word, Relaxed));
            self.changes.pop_front();
            self.first = (self.first + 1) % MARKS;
        }
        self.pages.settle(oldest);
    }

    /// Takes the changes out that generations later than `number` made, and notes where.
    pub(super) fn take_back(&mut self, number: u32) {
        while let Some(change) = self.changes.pop_back_if(|change| change.generation > number) {
            let words = change.first..change.first + change.count;
            if words.start < SLOTS as u32 {
                self.astray.push(words);
                continue;
            }
            // Of pages, all of each.
            let pages =
                (words.start - SLOTS as u32) / PAGE as u32..=(words.end - 1 - SLOTS as u32) / PAGE as u32;
            self.astray.extend(pages.filter_map(|page| self.pages.owner(page)).map(|slot| slot..slot + 1));
        }
        self.pages.take_back(number);
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

    /// What the word at `at` will be, which is `mark` now.
    pub(super) fn will_be(&self, at: u32, mark: u32) -> Option<u32> {
        let number = mark.checked_sub(MARK).filter(|number| *number < MARKS)?;
        let change = self.changes.get(((number + MARKS - self.first) % MARKS) as usize)?;
        (change.first..change.first + change.count).contains(&at).then_some(change.word)
    }

    /// Marks a word that is to be another.
    pub(super) fn add(&mut self, generation: u32, at: u32, word: u32) -> u32 {
        if let Some(last) = self.changes.back_mut()
            && (last.generation, last.word, last.first + last.count) == (generation, word, at)
            && at != SLOTS as u32
        {
            last.count += 1;
            return self.mark(self.changes.len() - 1);
        }
        if self.changes.len() >= PATIENCE {
            self.overflowed = Some(generation);
            return STAYS;
        }
        self.changes.push_back(Change { generation, first: at, count: 1, word });
        self.mark(self.changes.len() - 1)
    }
}
