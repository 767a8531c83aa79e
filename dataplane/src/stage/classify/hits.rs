//! What each match rule was asked for: one worker's counts.

use std::sync::Arc;

use ahash::AHashMap;

use crate::qos::Count;
use crate::table::rules::{Asked, RuleSet, Rules};

/// Packets and bytes (layer 2, without FCS) that each rule matched, since it has its name.
#[derive(Debug, Default)]
pub struct RuleHits {
    of: Arc<Rules>,
    pub(super) entering: Vec<Count>,
    pub(super) leaving: Vec<Count>,
    /// For the frames of a batch that rules are asked for.
    pub(super) asked: Asked,
}

impl RuleHits {
    /// For no rules.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes up the rules of a new generation: counts stay with their names.
    pub fn sync(&mut self, rules: &Arc<Rules>) {
        if Arc::ptr_eq(&self.of, rules) {
            return;
        }
        let before: AHashMap<Arc<str>, Count> = self.counts().collect();
        let counts = |set: &RuleSet| {
            set.rules().iter().map(|rule| before.get(&rule.name).copied().unwrap_or_default()).collect()
        };
        (self.entering, self.leaving) = (counts(&rules.entering), counts(&rules.leaving));
        self.of = rules.clone();
    }

    /// The name of a rule that matched, of those for what comes in and for what goes out.
    pub(crate) fn matched(&self) -> [Option<Arc<str>>; 2] {
        let first = |set: &RuleSet, counts: &[Count]| {
            let mut matched = set.rules().iter().zip(counts).filter(|(_, count)| count.packets > 0);
            matched.next().map(|(rule, _)| rule.name.clone())
        };
        [first(&self.of.entering, &self.entering), first(&self.of.leaving, &self.leaving)]
    }

    /// Each rule by its name.
    pub fn counts(&self) -> impl Iterator<Item = (Arc<str>, Count)> + '_ {
        let entering = self.of.entering.rules().iter().zip(&self.entering);
        let all = entering.chain(self.of.leaving.rules().iter().zip(&self.leaving));
        all.map(|(rule, count)| (rule.name.clone(), *count))
    }
}

#[inline]
pub(super) fn count(counts: &mut [Count], rule: usize, bytes: u16) {
    if let Some(count) = counts.get_mut(rule) {
        count.packets += 1;
        count.bytes += u64::from(bytes);
    }
}
