//! Match rules, from configuration to Snapshot.

use std::sync::Arc;

use dataplane::table::Snapshot;
use dataplane::table::rules::{self, RuleSet, Rules};

use super::State;
use crate::config::{self, Direction, Resolver};

impl State {
    /// Sets the rules; those of a direction that are as they were stay the very same.
    pub(super) fn rules(&self, snapshot: &mut Snapshot) {
        let config = &self.config;
        let interface = |_, i: &config::Interface| self.interfaces.get(i.name.as_str()).copied();
        let resolver = Resolver::new(config, interface, |vrf| self.vrfs.get(vrf).copied());
        let of = |direction, before: &Arc<RuleSet>| {
            let of = config.rules.iter().filter(|rule| rule.direction == direction);
            let rules: Vec<rules::Rule> = of
                .map(|rule| rules::Rule {
                    name: rule.name.as_str().into(),
                    conditions: resolver.conditions(rule),
                    treatment: rule.treatment(),
                })
                .collect();
            if rules == before.rules() { before.clone() } else { Arc::new(RuleSet::new(rules)) }
        };
        let before = &snapshot.rules;
        let new = Rules {
            entering: of(Direction::In, &before.entering),
            leaving: of(Direction::Out, &before.leaving),
            marks: config.interfaces.iter().any(|i| i.remark_tc || !i.dscp_out.is_empty()),
            ecn: config.interfaces.iter().any(|i| !i.tc_ce.is_empty()),
            doubts: config.interfaces.iter().any(|i| i.mpls && i.trust == config::Trust::Nothing),
        };
        if *snapshot.rules != new {
            snapshot.rules = Arc::new(new);
        }
    }
}
