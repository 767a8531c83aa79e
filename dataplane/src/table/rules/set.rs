//! The rules of one direction, ready to be asked.

use super::field::Tables;
use super::{Fields, Labelled, Rule, Treatment, build};
use crate::id::{IfIndex, VrfId};

/// Fields that are looked at.
const FIELDS: usize = 9;
/// No number is this: it is beyond every table.
const NONE: usize = usize::MAX;

/// Rules in their order. Its memory is bounded by the different rows that its conditions
/// make, 8 bytes at most for each 64 rules in each, whatever packets come.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
    /// What becomes of each rule's packets: all that is looked at of a rule that matches.
    treatments: Vec<Treatment>,
    /// Rows one behind another: a word that says which of the others there are, and those
    /// that have a bit: bit `r % 64` of word `r / 64` is rule `r`.
    rows: Vec<u64>,
    tables: Tables,
    /// Whether a rule names traffic classes of labels.
    labels: bool,
}

impl PartialEq for RuleSet {
    /// The same rules in the same order; all else follows from them.
    fn eq(&self, other: &Self) -> bool {
        self.rules == other.rules
    }
}

impl RuleSet {
    /// Of rules in their order; those beyond [`MOST_RULES`](super::MOST_RULES) never match.
    pub fn new(rules: Vec<Rule>) -> Self {
        let (rows, tables) = build::build(&rules);
        let treatments = rules.iter().map(|rule| rule.treatment).collect();
        let labels = rules.iter().any(|rule| rule.conditions.tcs.is_some());
        Self { rules, treatments, rows, tables, labels }
    }

    /// The rules in their order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether there is no rule.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether a rule may match what stays labelled.
    #[inline]
    pub fn reads_labels(&self) -> bool {
        self.labels
    }

    /// Bytes of memory that it takes beside the rules' own texts. For people.
    pub fn memory(&self) -> usize {
        self.rows.len() * size_of::<u64>() + self.tables.memory()
    }

    /// Bytes of the rows and of the tables of numbers.
    #[cfg(test)]
    pub(super) fn bounded(&self) -> usize {
        self.rows.len() * size_of::<u64>() + self.tables.numbers()
    }

    /// A word of the rows; 0 beyond them.
    #[inline(always)]
    fn word(&self, at: usize) -> u64 {
        self.rows.get(at).copied().unwrap_or(0)
    }

    /// The place of the first rule whose conditions all hold, and what becomes of its packets.
    #[inline]
    pub fn find(&self, fields: &Fields) -> Option<(usize, Treatment)> {
        let tables = &self.tables;
        let (interface, vrf) = (tables.interface(fields.interface), tables.vrf(fields.vrf));
        // Most interfaces of a router may have no rule at all.
        if self.word(interface) & self.word(vrf) == 0 {
            return None;
        }
        let (source_port, destination_port) =
            fields.ports.map_or((NONE, NONE), |(source, to)| (source.into(), to.into()));
        self.first([
            interface,
            vrf,
            tables.sources.get(fields.source),
            tables.destinations.get(fields.destination),
            tables.source_ports.get(source_port),
            tables.destination_ports.get(destination_port),
            tables.protocols.get(fields.protocol.into()),
            tables.lengths.get(fields.length.into()),
            tables.header(fields),
        ])
    }

    /// As [`RuleSet::find`], of what has labels and below them no IP packet: rules that name
    /// nothing of an IP header.
    pub fn find_opaque(
        &self,
        interface: IfIndex,
        vrf: VrfId,
        labelled: Labelled,
    ) -> Option<(usize, Treatment)> {
        let tables = &self.tables;
        self.first([
            tables.interface(interface),
            tables.vrf(vrf),
            tables.sources.other as usize,
            tables.destinations.other as usize,
            tables.source_ports.get(NONE),
            tables.destination_ports.get(NONE),
            tables.protocols.get(NONE),
            tables.lengths.get(NONE),
            tables.opaque(labelled),
        ])
    }

    /// The first rule that has its bit in all rows at these places.
    #[inline(always)]
    fn first(&self, places: [usize; FIELDS]) -> Option<(usize, Treatment)> {
        let rows = places.map(|place| (place, self.word(place)));
        let mut worth = rows.iter().fold(u64::MAX, |all, (_, has)| all & has);
        while worth != 0 {
            let at = worth.trailing_zeros() as usize;
            let left = rows.iter().fold(u64::MAX, |all, row| all & self.part(*row, at));
            if left != 0 {
                let rule = at * 64 + left.trailing_zeros() as usize;
                return self.treatments.get(rule).map(|found| (rule, *found));
            }
            worth &= worth - 1;
        }
        None
    }

    /// The bits of rules 64 · `at` and on of a row that has some, and `has` as its first word.
    #[inline(always)]
    fn part(&self, (place, has): (usize, u64), at: usize) -> u64 {
        let before = has & ((1 << at) - 1);
        // Most rows have either all words or very few.
        let skipped = if before + 1 == 1 << at { at } else { before.count_ones() as usize };
        self.word(place + 1 + skipped)
    }
}
