//! What tables leave to be done for each packet: the first of the rules that they say; or, where
//! classes are left apart, the first rule common to their rows, as far as the rows' first
//! words say that a word is worth it (aggregated bit vectors, Baboescu and Varghese, SIGCOMM 2001).

use super::asked::NO_RULE;
use super::merge::Group;
use super::rows::summary;

/// What is left.
#[derive(Clone, Debug)]
pub(super) enum Last {
    /// A rule is said in each of these places.
    Rules(Vec<usize>),
    /// The classes in several places have a row each.
    Rows(Rows),
}

impl Default for Last {
    fn default() -> Self {
        Self::Rules(Vec::new())
    }
}

impl Last {
    pub(super) fn rows(groups: &[Group]) -> Self {
        Self::Rows(Rows::new(groups))
    }

    /// The rule of each packet, by the classes of all of them in each place; [`NO_RULE`] where there is none.
    #[inline(always)]
    pub(super) fn find_all<'c>(&self, classes: impl Fn(usize) -> &'c [u32], found: &mut [u16]) {
        match self {
            Self::Rules(places) => {
                found.fill(NO_RULE);
                for place in places {
                    // Classes here are rules, of which none is higher.
                    let each = found.iter_mut().zip(classes(*place));
                    each.for_each(|(first, rule)| *first = (*first).min(*rule as u16));
                }
            }
            Self::Rows(rows) => {
                for (at, found) in found.iter_mut().enumerate() {
                    let rule = rows.find(|place| classes(place).get(at).copied().unwrap_or(0));
                    *found = rule.map_or(NO_RULE, |rule| rule as u16);
                }
            }
        }
    }

    pub(super) fn memory(&self) -> usize {
        match self {
            Self::Rules(_) => 0,
            Self::Rows(rows) => size_of_val(&*rows.words),
        }
    }
}

/// Rows of the classes in several places.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    /// The places, and where the row of each one's first class begins.
    of: Vec<(usize, usize)>,
    /// Words of a row: one that says which of the others have a bit, and the others.
    width: usize,
    words: Vec<u64>,
}

impl Rows {
    fn new(groups: &[Group]) -> Self {
        let width = groups.iter().flat_map(|group| &group.rows).map(|row| row.len() + 1).next().unwrap_or(1);
        let mut all = Self { of: Vec::new(), width, words: Vec::new() };
        for group in groups {
            all.of.push((group.place, all.words.len()));
            for row in &group.rows {
                all.words.push(summary(row));
                all.words.extend_from_slice(row);
            }
        }
        all
    }

    #[inline(never)]
    fn find(&self, class: impl Fn(usize) -> u32) -> Option<usize> {
        let common = |at: usize| {
            let word = |(place, first): &(usize, usize)| {
                self.words.get(first + class(*place) as usize * self.width + at).copied().unwrap_or(0)
            };
            self.of.iter().fold(u64::MAX, |all, row| all & word(row))
        };
        let mut worth = common(0);
        while worth != 0 {
            let at = worth.trailing_zeros() as usize;
            let left = common(1 + at);
            if left != 0 {
                return Some(at * 64 + left.trailing_zeros() as usize);
            }
            worth &= worth - 1;
        }
        None
    }
}
