//! Which of the values of the first 24 bits have a page behind the sheet.
//!
//! A page belongs to one value from the edit that led to it until the last generation is gone that
//! its readers may have. What a generation took and left is remembered as long as it
//! may be given up.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use super::sheet::{PAGES, SLOTS};

/// Neighbouring values that are counted together.
const NEAR: usize = 1 << 8;

/// Whose page is whose.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// By value of the first 24 bits.
    of: BTreeMap<u32, u32>,
    /// How many of them have the same first 16: most have none, and need not be looked for.
    near: Vec<u16>,
    /// Whose each page is, or was last.
    owners: Vec<u32>,
    free: Vec<u32>,
    /// What generations took and left, oldest first.
    moves: VecDeque<Move>,
}

/// A page that a generation took, or left.
#[derive(Debug)]
struct Move {
    generation: u32,
    slot: u32,
    page: u32,
    taken: bool,
}

impl Pages {
    /// The page of a value of the first 24 bits.
    pub(super) fn of(&self, slot: u32) -> Option<u32> {
        self.of.get(&slot).copied()
    }

    /// Whether one of these values of the first 24 bits has a page.
    pub(super) fn has_any(&self, slots: &Range<u32>) -> bool {
        let near = slots.start as usize / NEAR..self.near.len().min((slots.end as usize).div_ceil(NEAR));
        let near = self.near.get(near).unwrap_or_default();
        near.iter().any(|count| *count > 0) && self.of.range(slots.clone()).next().is_some()
    }

    fn lead(&mut self, slot: u32, page: u32) {
        let at = slot as usize / NEAR;
        if self.near.len() <= at {
            self.near.resize(SLOTS / NEAR, 0);
        }
        if self.of.insert(slot, page).is_none() {
            self.near.iter_mut().skip(at).take(1).for_each(|count| *count += 1);
        }
    }

    fn forget(&mut self, slot: u32) -> Option<u32> {
        let page = self.of.remove(&slot)?;
        self.near.iter_mut().skip(slot as usize / NEAR).take(1).for_each(|count| *count -= 1);
        Some(page)
    }

    /// Whose a page is, or was last.
    pub(super) fn owner(&self, page: u32) -> Option<u32> {
        self.owners.get(page as usize).copied()
    }

    /// How many there ever were.
    pub(super) fn used(&self) -> usize {
        self.owners.len()
    }

    /// Bytes of memory beside itself, about.
    pub(super) fn memory(&self) -> usize {
        // A tree's nodes are half full at worst.
        let of = self.of.len() * 4 * size_of::<u32>();
        let lists = (self.owners.capacity() + self.free.capacity()) * size_of::<u32>();
        of + lists + self.near.capacity() * size_of::<u16>() + self.moves.capacity() * size_of::<Move>()
    }

    /// A page for a value that has none, if there is one; no generation later than `generation`
    /// sees it, or nobody but the caller if that is none.
    pub(super) fn take(&mut self, slot: u32, generation: Option<u32>) -> Option<u32> {
        let next = || (self.owners.len() < PAGES).then_some(self.owners.len() as u32);
        let page = self.free.pop().or_else(next)?;
        match self.owners.get_mut(page as usize) {
            Some(owner) => *owner = slot,
            None => self.owners.push(slot),
        }
        self.lead(slot, page);
        self.moves.extend(generation.map(|generation| Move { generation, slot, page, taken: true }));
        Some(page)
    }

    /// Leaves the page of a value, if it has one: it is free when no generation older than
    /// `generation` is left, or at once if that is none.
    pub(super) fn leave(&mut self, slot: u32, generation: Option<u32>) {
        let Some(page) = self.forget(slot) else { return };
        match generation {
            Some(generation) => self.moves.push_back(Move { generation, slot, page, taken: false }),
            None => self.free.push(page),
        }
    }

    /// Frees what waits for a generation at most as old as this one.
    pub(super) fn settle(&mut self, oldest: u32) {
        while let Some(moved) = self.moves.pop_front_if(|moved| moved.generation <= oldest) {
            self.free.extend((!moved.taken).then_some(moved.page));
        }
    }

    /// Undoes what generations later than `number` did, of which none is left.
    pub(super) fn take_back(&mut self, number: u32) {
        while let Some(moved) = self.moves.pop_back_if(|moved| moved.generation > number) {
            if moved.taken {
                self.forget(moved.slot);
                self.free.push(moved.page);
            } else {
                self.lead(moved.slot, moved.page);
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Pages that are taken, left, and what of it is taken back: what lies near is what a scan finds.
        #[test]
        fn those_of_neighbours_are_known(
            steps in prop::collection::vec((0u32..4, 0u32..2_000), 1..200),
            ranges in prop::collection::vec((0u32..2_100, 0u32..600), 1..50),
        ) {
            let mut pages = Pages::default();
            for ((what, slot), generation) in steps.into_iter().zip(1..) {
                match what {
                    0 | 1 if pages.of(slot).is_none() => {
                        prop_assert!(pages.take(slot, (what == 0).then_some(generation)).is_some());
                    }
                    0 | 1 => pages.leave(slot, (what == 0).then_some(generation)),
                    2 => pages.settle(generation.saturating_sub(slot)),
                    _ => pages.take_back(generation.saturating_sub(slot % 16)),
                }
                for (start, count) in &ranges {
                    let slots = *start..*start + *count;
                    prop_assert_eq!(pages.has_any(&slots), slots.clone().any(|slot| pages.of(slot).is_some()));
                }
            }
        }
    }
}
