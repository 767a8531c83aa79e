//! The rules of one direction, ready to be asked.

use super::field::Tables;
use super::{Fields, Rule, build};

/// Fields that are looked at.
const FIELDS: usize = 9;

/// Rules in their order. Its memory is bounded by the different rows that its conditions
/// make, 8 bytes for each 64 rules in each, whatever packets come.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
    /// Rows one behind another: a word that says which of the others have a bit, and
    /// those: bit `r % 64` of word `r / 64` is rule `r`.
    rows: Vec<u64>,
    /// Words of a row.
    stride: usize,
    tables: Tables,
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
        let (rows, stride, tables) = build::build(&rules);
        Self { rules, rows, stride, tables }
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

    /// Bytes of memory that it takes beside the rules' own texts. For people.
    pub fn memory(&self) -> usize {
        self.rows.len() * size_of::<u64>() + self.tables.memory()
    }

    #[inline]
    fn row(&self, place: usize) -> &[u64] {
        self.rows.get(place..place + self.stride).unwrap_or_default()
    }

    /// The first rule whose conditions all hold.
    #[inline]
    pub fn find(&self, fields: &Fields) -> Option<(usize, &Rule)> {
        let tables = &self.tables;
        let interface = self.row(tables.interface(fields.interface));
        // Most interfaces of a router may have no rule at all.
        if *interface.first()? == 0 {
            return None;
        }
        // No number is this: it is beyond every table.
        const NO_PORT: usize = usize::MAX;
        let (source_port, destination_port) =
            fields.ports.map_or((NO_PORT, NO_PORT), |(source, to)| (source.into(), to.into()));
        let rows: [&[u64]; FIELDS] = [
            interface,
            self.row(tables.sources.get(fields.source)),
            self.row(tables.destinations.get(fields.destination)),
            self.row(tables.source_ports.get(source_port)),
            self.row(tables.destination_ports.get(destination_port)),
            self.row(tables.protocols.get(fields.protocol.into())),
            self.row(tables.dscps.get(fields.dscp.into())),
            self.row(tables.lengths.get(fields.length.into())),
            self.row(tables.fragment(fields.fragment)),
        ];
        let word = |at: usize| rows.iter().fold(u64::MAX, |all, row| all & row.get(at).copied().unwrap_or(0));
        let mut worth = word(0);
        while worth != 0 {
            let at = worth.trailing_zeros() as usize;
            let left = word(at + 1);
            if left != 0 {
                let rule = at * 64 + left.trailing_zeros() as usize;
                return self.rules.get(rule).map(|found| (rule, found));
            }
            worth &= worth - 1;
        }
        None
    }
}
