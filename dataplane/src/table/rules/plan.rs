//! In which order fields are taken together, until a table says the rule.
//!
//! First all rules at once. Where that takes too much, rules that name both addresses, one or
//! none are told apart first: each kind has a table of its own, which is small as fewer rules
//! meet in it, and the first of the rules that they say is the rule. Where that takes too much
//! as well, what is not together yet has rows, which are ANDed for each packet.

use std::sync::Arc;

use super::field::{FIELDS, Field};
use super::last::Last;
use super::merge::{Budget, Group, Merge, Says, merged};
use super::rows::{Row, set};
use super::{MOST_RULES, Rule};

/// Rules looked at for tables at most, each time: a fraction of a second.
const MOST_WORK: usize = 1 << 28;
/// Places of classes: one for each field and each table.
pub(super) const PLACES: usize = 24;
/// The place of a class that is 0 always.
const NOTHING: usize = FIELDS;

/// Bytes of all tables for so many rules: 128 KiB, and 2 KiB a rule; and again of rows.
pub(super) const fn most_bytes(rules: usize) -> usize {
    let rules = if rules < MOST_RULES { rules } else { MOST_RULES };
    (128 << 10) + (rules << 11)
}

/// Tables in their order, and what is left then.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub(super) merges: Vec<Merge>,
    pub(super) last: Last,
}

impl Plan {
    /// Of the groups of fields, in tables of `most` bytes, and as much of rows.
    pub(super) fn new(groups: Vec<Group>, rules: &[Rule], most: usize) -> Self {
        let mut whole = Planner::new(most);
        let left = whole.together(groups.clone(), 2);
        if let Some(rule) = whole.rule(&left) {
            return Self { merges: whole.merges, last: Last::Rules(vec![rule]) };
        }
        let rows = |whole: Planner| Self { merges: whole.merges, last: Last::rows(&left) };
        Self::apart(groups, rules, most).unwrap_or_else(|| rows(whole))
    }

    /// Of the groups of fields, each kind of rules with a table of its own; `None` where those
    /// take too much.
    pub(super) fn apart(groups: Vec<Group>, rules: &[Rule], most: usize) -> Option<Self> {
        let mut parts = Planner::new(most);
        let said = parts.parts(groups, rules)?;
        Some(Self { merges: parts.merges, last: Last::Rules(said) })
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.merges.iter().map(Merge::memory).sum::<usize>() + self.last.memory()
    }
}

struct Planner {
    merges: Vec<Merge>,
    budget: Budget,
}

impl Planner {
    fn new(most: usize) -> Self {
        Self { merges: Vec::new(), budget: Budget { tables: most, rows: most, work: MOST_WORK } }
    }

    /// The place for what the next table says.
    fn place(&self) -> Option<usize> {
        Some(NOTHING + 1 + self.merges.len()).filter(|place| *place < PLACES)
    }

    /// A table of two groups; gives the group that they are.
    fn merge(&mut self, of: [&Group; 2], says: Says) -> Option<Group> {
        let place = self.place()?;
        let (merge, rows) = merged(of, place, says, &mut self.budget)?;
        self.merges.push(merge);
        Some(Group { place, rows })
    }

    /// Takes groups together until so many are left, as far as the budget goes.
    fn together(&mut self, mut groups: Vec<Group>, until: usize) -> Vec<Group> {
        let mut refused = Vec::new();
        while let Some((first, second)) = next(&groups, &refused).filter(|_| groups.len() > until) {
            match self.merge([&groups[first], &groups[second]], Says::Classes) {
                Some(group) => {
                    groups.remove(second);
                    groups[first] = group;
                }
                None => refused.push([groups[first].place, groups[second].place]),
            }
        }
        groups
    }

    /// The place in which the rule is said for one group or two.
    fn rule(&mut self, groups: &[Group]) -> Option<usize> {
        match groups {
            [one] => {
                let place = self.place()?;
                self.merges.push(Merge::rules(one, NOTHING, place));
                Some(place)
            }
            [first, second] => self.merge([first, second], Says::Rules).map(|group| group.place),
            _ => None,
        }
    }

    /// The places in which the rule of each kind of rules is said.
    fn parts(&mut self, groups: Vec<Group>, rules: &[Rule]) -> Option<Vec<usize>> {
        let fields = [Field::Source, Field::Destination].map(|field| field as usize);
        let (addresses, others): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|group| fields.contains(&group.place));
        let others = self.together(others, 1);
        let mut said = Vec::new();
        for kind in [[true, true], [true, false], [false, true], [false, false]] {
            let mask = of_kind(rules, kind);
            if mask.iter().all(|word| *word == 0) {
                continue;
            }
            let named = fields.into_iter().zip(kind).filter(|(_, named)| *named).map(|(field, _)| field);
            let named: Vec<usize> = named.collect();
            let addresses = addresses.iter().filter(|group| named.contains(&group.place));
            let groups = addresses.chain(&others).map(|group| masked(group, &mask)).collect();
            let left = self.together(groups, 2);
            said.push(self.rule(&left)?);
        }
        Some(said)
    }
}

/// The rules that name these of source and destination, and not the others.
fn of_kind(rules: &[Rule], kind: [bool; 2]) -> Vec<u64> {
    let rules = rules.get(..MOST_RULES).unwrap_or(rules);
    let mut row = vec![0; rules.len().div_ceil(64)];
    let names = |rule: &Rule| [rule.conditions.sources.is_some(), rule.conditions.destinations.is_some()];
    for (at, _) in rules.iter().enumerate().filter(|(_, rule)| names(rule) == kind) {
        set(&mut row, at);
    }
    row
}

fn masked(group: &Group, mask: &Row) -> Group {
    let row = |row: &Arc<Row>| row.iter().zip(mask).map(|(word, mask)| word & mask).collect();
    Group { place: group.place, rows: group.rows.iter().map(row).collect() }
}

/// The two groups to take together next: what has few classes first, then addresses, which
/// leave few rules of all; then what makes the smallest table.
fn next(groups: &[Group], refused: &[[usize; 2]]) -> Option<(usize, usize)> {
    let pairs =
        (0..groups.len()).flat_map(|first| (first + 1..groups.len()).map(move |second| (first, second)));
    let places = |(first, second): (usize, usize)| [groups[first].place, groups[second].place];
    let order = |pair: &(usize, usize)| {
        let pairs = groups[pair.0].rows.len() * groups[pair.1].rows.len();
        let addresses = places(*pair) == [Field::Source, Field::Destination].map(|field| field as usize);
        (pairs > 256, !addresses, pairs)
    };
    pairs.filter(|pair| !refused.contains(&places(*pair))).min_by_key(order)
}
