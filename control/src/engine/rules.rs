//! `show rules`: what the match rules did.

use ahash::AHashMap;
use dataplane::qos::Count;
use dataplane::table::rules::{Rule, RuleSet};

use super::Engine;
use crate::api::types::{Refusal, RuleRow, Traffic};
use crate::config::Direction;

fn row(rule: &Rule, direction: Direction, count: Count) -> RuleRow {
    let treatment = rule.treatment;
    RuleRow {
        name: rule.name.to_string(),
        direction: direction.word().into(),
        class: treatment.class.map(|class| class.name().into()),
        colour: treatment.colour.map(|colour| format!("{colour:?}").to_lowercase()),
        mark: treatment.mark,
        traffic: Traffic { frames: count.packets, bytes: count.bytes },
    }
}

impl Engine {
    /// `show rules`: those for what comes in, then those for what goes out.
    ///
    /// # Errors
    /// A worker that does not answer.
    pub fn rules(&self) -> Result<Vec<RuleRow>, Refusal> {
        let (status, snapshot) = (self.status()?, self.handle.snapshot());
        let mut counts: AHashMap<&str, Count> = AHashMap::new();
        for (name, count) in status.iter().flat_map(|s| &s.rules) {
            let sum = counts.entry(name).or_default();
            sum.packets += count.packets;
            sum.bytes += count.bytes;
        }
        let rows = |set: &RuleSet, direction| {
            let row =
                |rule: &Rule| row(rule, direction, counts.get(&*rule.name).copied().unwrap_or_default());
            set.rules().iter().map(row).collect::<Vec<_>>()
        };
        let entering = rows(&snapshot.rules.entering, Direction::In);
        Ok([entering, rows(&snapshot.rules.leaving, Direction::Out)].concat())
    }
}
