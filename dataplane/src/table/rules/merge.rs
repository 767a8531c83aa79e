//! Two classes taken together: a table says for each pair which class it is, or which rule
//! (recursive flow classification, Gupta and McKeown, SIGCOMM 1999).
//!
//! Most of a large table repeats itself, as a rule is of few values of either field. So it is
//! kept in blocks, of which those that are alike are one.

use std::sync::Arc;

use ahash::AHashMap;

use super::rows::{Classes, Row, has, rules, set};

/// Tables of so many pairs are not kept in blocks.
const FEW_PAIRS: usize = 1 << 14;
/// Classes of a block.
const BLOCK: usize = 64;
/// In a table of rules: no rule takes both.
pub(super) const NONE: u32 = u16::MAX as u32;

/// Classes of packets, in the place that the look-up keeps them.
#[derive(Clone)]
pub(super) struct Group {
    pub(super) place: usize,
    pub(super) rows: Vec<Arc<Row>>,
}

/// What the classes in two places are together, for a third.
#[derive(Clone, Debug)]
pub(super) struct Merge {
    pub(super) of: [usize; 2],
    pub(super) into: usize,
    /// Classes in the second place; or blocks of them.
    width: u32,
    /// Where each block begins; none where the table is not kept in blocks.
    blocks: Vec<u32>,
    classes: Vec<u16>,
}

impl Merge {
    /// The rule of each class of one group, in a table with the single class of `nothing`.
    pub(super) fn rules(group: &Group, nothing: usize, into: usize) -> Self {
        let first = |row: &Arc<Row>| rules(row).next().map_or(NONE as u16, |rule| rule as u16);
        let classes = group.rows.iter().map(first).collect();
        Self { of: [group.place, nothing], into, width: 1, blocks: Vec::new(), classes }
    }

    /// Of several packets.
    #[inline(always)]
    pub(super) fn merge(&self, first: &[u32], second: &[u32], into: &mut [u32]) {
        let class = |at: u32| self.classes.get(at as usize).copied().unwrap_or(0).into();
        let all = into.iter_mut().zip(first.iter().zip(second));
        if self.blocks.is_empty() {
            all.for_each(|(into, (first, second))| *into = class(first * self.width + second));
            return;
        }
        all.for_each(|(into, (first, second))| {
            let block = (first * self.width + second / BLOCK as u32) as usize;
            *into = self.blocks.get(block).copied().unwrap_or(0) + second % BLOCK as u32;
        });
        into.iter_mut().for_each(|into| *into = class(*into));
    }

    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.classes) + size_of_val(&*self.blocks)
    }
}

/// What may be spent on tables.
#[derive(Clone, Copy)]
pub(super) struct Budget {
    /// Bytes of tables.
    pub(super) tables: usize,
    /// Bytes of the rows of the classes that are made.
    pub(super) rows: usize,
    /// Rules that are looked at.
    pub(super) work: usize,
}

/// What a table says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// Classes, the first of which is that of no rule.
    Classes,
    /// The first rule that takes both, or [`NONE`].
    Rules,
}

/// The table of two groups for the place `into`, and the rows of the classes that it makes;
/// `None` where the budget, of which it takes, is too small.
pub(super) fn merged(
    mut of: [&Group; 2],
    into: usize,
    says: Says,
    budget: &mut Budget,
) -> Option<(Merge, Vec<Arc<Row>>)> {
    let bits = |group: &Group| group.rows.iter().map(|row| 1 + rules(row).count()).sum::<usize>();
    of.sort_by_key(|group| bits(group));
    let [few, many] = of;
    budget.work = budget.work.checked_sub(bits(few).saturating_mul(many.rows.len()))?;
    let words = few.rows.first().map_or(0, |row| row.len());
    let (mut table, mut together) = (Table::default(), Together::new(words, says));
    let blocks = few.rows.len() * many.rows.len() > FEW_PAIRS;
    let mut line = Vec::with_capacity(many.rows.len());
    for row in &few.rows {
        let of_row: Vec<usize> = rules(row).collect();
        line.clear();
        for other in &many.rows {
            line.push(together.class(&of_row, other)?);
        }
        if blocks {
            table.add_blocks(&line)
        } else {
            table.classes.extend_from_slice(&line)
        }
        if table.bytes() > budget.tables || together.bytes() > budget.rows {
            return None;
        }
    }
    budget.tables -= table.bytes();
    budget.rows -= together.bytes();
    let width = if blocks { many.rows.len().div_ceil(BLOCK) } else { many.rows.len() } as u32;
    let of = [few.place, many.place];
    let merge = Merge { of, into, width, blocks: table.blocks, classes: table.classes };
    Some((merge, together.classes.rows().to_vec()))
}

#[derive(Default)]
struct Table {
    blocks: Vec<u32>,
    classes: Vec<u16>,
    seen: AHashMap<Box<[u16]>, u32>,
}

impl Table {
    fn add_blocks(&mut self, line: &[u16]) {
        for block in line.chunks(BLOCK) {
            let place = self.seen.get(block).copied().unwrap_or_else(|| {
                let place = self.classes.len() as u32;
                self.classes.extend_from_slice(block);
                self.seen.insert(block.into(), place);
                place
            });
            self.blocks.push(place);
        }
    }

    fn bytes(&self) -> usize {
        size_of_val(&*self.classes) + size_of_val(&*self.blocks)
    }
}

/// The classes that two groups are together.
struct Together {
    says: Says,
    classes: Classes,
    row: Vec<u64>,
    rules: Vec<u16>,
    /// The class of each list of rules.
    seen: AHashMap<Box<[u16]>, u16>,
}

impl Together {
    fn new(words: usize, says: Says) -> Self {
        let (mut classes, row) = (Classes::default(), vec![0; words]);
        classes.number(&row);
        Self { says, classes, row, rules: Vec::new(), seen: AHashMap::new() }
    }

    /// What rules, in order, and a row have in common; `None` where there are too many classes.
    fn class(&mut self, of: &[usize], other: &Row) -> Option<u16> {
        let mut common = of.iter().copied().filter(|rule| has(other, *rule));
        if self.says == Says::Rules {
            return Some(common.next().map_or(NONE as u16, |rule| rule as u16));
        }
        let Some(first) = common.next() else { return Some(0) };
        self.rules.clear();
        self.rules.push(first as u16);
        self.rules.extend(common.map(|rule| rule as u16));
        if let Some(class) = self.seen.get(&*self.rules) {
            return Some(*class);
        }
        self.row.fill(0);
        self.rules.iter().for_each(|rule| set(&mut self.row, usize::from(*rule)));
        let class = u16::try_from(self.classes.number(&self.row)).ok()?;
        self.seen.insert(self.rules.as_slice().into(), class);
        Some(class)
    }

    /// Bytes of the rows, each with a word that says which others have a bit.
    fn bytes(&self) -> usize {
        if self.says == Says::Rules {
            0
        } else {
            self.classes.len() * (self.row.len() + 1) * size_of::<u64>()
        }
    }
}
