//! The rules of one direction, ready to be asked.

use super::asked::only;
use super::field::Tables;
use super::merge::Group;
use super::plan::{Plan, most_bytes};
use super::{Fields, Labelled, Rule, Treatment, build};
use crate::id::{IfIndex, VrfId};

/// What was found: the rule's place, and what becomes of its packets.
pub type Found = Option<(usize, Treatment)>;

/// Rules in their order. Its memory is bounded by the different rows that its conditions
/// make, 8 bytes at most for each 64 rules in each, whatever packets come.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
    /// What becomes of each rule's packets: all that is looked at of a rule that matches.
    treatments: Vec<Treatment>,
    pub(super) tables: Tables,
    /// One bit for each [`Field`](super::field::Field) that tells packets apart.
    looks: u16,
    pub(super) plan: Plan,
    /// Whether any rule takes packets of an interface's class; and of a Vrf's.
    concerned: [Vec<bool>; 2],
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
        let most = most_bytes(rules.len());
        Self::within(rules, most)
    }

    /// As [`RuleSet::new`], its tables of two classes take `most` bytes at most, and their rows
    /// as much again.
    pub(super) fn within(rules: Vec<Rule>, most: usize) -> Self {
        Self::planned(rules, |groups, rules| Plan::new(groups, rules, most))
    }

    /// Of rules, what is looked at of them taken together as `plan` says.
    pub(super) fn planned(rules: Vec<Rule>, plan: impl FnOnce(Vec<Group>, &[Rule]) -> Plan) -> Self {
        let built = build::build(&rules);
        let looks = built.groups.iter().fold(0, |looks, group| looks | 1 << group.place);
        let plan = plan(built.groups, &rules);
        let treatments = rules.iter().map(|rule| rule.treatment).collect();
        let labels = rules.iter().any(|rule| rule.conditions.tcs.is_some());
        let (tables, concerned) = (built.tables, built.concerned);
        Self { rules, treatments, tables, looks, plan, concerned, labels }
    }

    /// The rules in their order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What becomes of the packets of the rule in this place.
    #[inline]
    pub fn treatment(&self, rule: usize) -> Option<Treatment> {
        self.treatments.get(rule).copied()
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
        self.tables.memory() + self.plan.memory()
    }

    /// Bytes of the rows and of the tables of numbers.
    #[cfg(test)]
    pub(super) fn bounded(&self) -> usize {
        self.tables.numbers() + self.plan.memory()
    }

    /// Whether a rule looks at a field.
    #[inline(always)]
    pub(super) fn looks(&self, field: super::field::Field) -> bool {
        self.looks >> field as usize & 1 != 0
    }

    /// Whether any rule may take packets of this interface and Vrf, with such labels. Most
    /// interfaces of a router may have no rule at all.
    #[inline(always)]
    pub(super) fn concerns(&self, interface: u32, vrf: u32, labelled: Labelled) -> bool {
        let [interfaces, vrfs] = &self.concerned;
        let of = |all: &[bool], class: u32| all.get(class as usize).copied().unwrap_or(false);
        of(interfaces, interface)
            && of(vrfs, vrf)
            && (self.labels || !matches!(labelled, Labelled::Through(_)))
    }

    /// The place of the first rule whose conditions all hold, and what becomes of its packets.
    /// Several packets are asked for together at less cost: [`Asked`](super::Asked).
    pub fn find(&self, fields: &Fields) -> Found {
        only(self, |asked| asked.add(self, fields))
    }

    /// As [`RuleSet::find`], of what has labels and below them no IP packet: rules that name
    /// nothing of an IP header.
    pub fn find_opaque(&self, interface: IfIndex, vrf: VrfId, labelled: Labelled) -> Found {
        only(self, |asked| asked.add_opaque(self, interface, vrf, labelled))
    }
}
