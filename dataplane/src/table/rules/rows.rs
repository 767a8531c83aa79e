//! Rows of bits, one a rule, and the classes of values whose rows are alike.

use std::sync::Arc;

use ahash::AHashMap;

/// One bit a rule: bit `r % 64` of word `r / 64` is rule `r`.
pub(super) type Row = [u64];

/// Sets a rule's bit.
pub(super) fn set(row: &mut Row, rule: usize) {
    if let Some(word) = row.get_mut(rule / 64) {
        *word |= 1 << (rule % 64);
    }
}

/// Clears a rule's bit.
pub(super) fn clear(row: &mut Row, rule: usize) {
    if let Some(word) = row.get_mut(rule / 64) {
        *word &= !(1 << (rule % 64));
    }
}

/// Rules that have a bit.
pub(super) fn count(row: &Row) -> usize {
    row.iter().map(|word| word.count_ones() as usize).sum()
}

/// The rules that have a bit, in order.
pub(super) fn rules(row: &Row) -> impl Iterator<Item = usize> + '_ {
    let bits = |(at, word): (usize, &u64)| {
        let mut left = *word;
        std::iter::from_fn(move || {
            let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
            left &= left - 1;
            Some(at * 64 + bit)
        })
    };
    row.iter().enumerate().flat_map(bits)
}

/// Whether a rule has its bit.
#[inline]
pub(super) fn has(row: &Row, rule: usize) -> bool {
    row.get(rule / 64).is_some_and(|word| word >> (rule % 64) & 1 != 0)
}

/// Which words have a bit.
pub(super) fn summary(row: &Row) -> u64 {
    row.iter().enumerate().fold(0, |all, (at, word)| all | u64::from(*word != 0) << at)
}

/// Values of a field, or of several together, that the same rules take are one class.
#[derive(Debug, Default)]
pub(super) struct Classes {
    rows: Vec<Arc<Row>>,
    numbers: AHashMap<Arc<Row>, u32>,
}

impl Classes {
    /// The number of the class that has this row, from 0.
    pub(super) fn number(&mut self, row: &Row) -> u32 {
        if let Some(number) = self.numbers.get(row) {
            return *number;
        }
        let (number, row) = (self.rows.len() as u32, Arc::from(row));
        self.rows.push(Arc::clone(&row));
        self.numbers.insert(row, number);
        number
    }

    /// The row of each class.
    pub(super) fn rows(&self) -> &[Arc<Row>] {
        &self.rows
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }
}
