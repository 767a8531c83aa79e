//! Labels given at run time: batches that are taken whole or not at all.

use std::sync::Arc;

use ahash::AHashSet;
use dataplane::table::Snapshot;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::State;
use super::batch::{BatchErrors, RouteVia, at_most, check_all, check_push};
use super::label::{Asked, WantedLabel};
use crate::config::{DiffServWord, IMPLICIT_NULL, LEAST_LABEL, MOST_LABEL, StaticLabel, TtlWord, rules};

/// One change to the labels of a running router.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LabelChange {
    /// Sets where a label leads.
    Add(LabelSpec),
    /// Takes a label out that was given at run time.
    Remove {
        /// The label.
        label: u32,
    },
}

/// A run-time label; one of `swap`, `pop` and `vrf`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LabelSpec {
    /// The label, 16 to 1,048,575, outside of the dynamic range.
    pub label: u32,
    /// The label that replaces it: 16 to 1,048,575, 0 or 2 (explicit null), or 3 (implicit null).
    #[serde(default)]
    pub swap: Option<u32>,
    /// Whether it is taken off, and what is below is sent to `via`.
    #[serde(default)]
    pub pop: bool,
    /// The Vrf in which the packet below it is looked up.
    #[serde(default)]
    pub vrf: Option<String>,
    /// Next hops of `swap` and `pop`, at most 64.
    #[serde(default)]
    pub via: Vec<RouteVia>,
    /// The Vrf in which next hops are resolved; `None` is "default".
    #[serde(default)]
    pub via_vrf: Option<String>,
    /// Labels put on top of the one swapped in, outermost first; at most 8.
    #[serde(default)]
    pub push: Vec<u32>,
    /// What `pop` or `vrf` hands on of the TTL; `None` is what the Vrf says.
    #[serde(default)]
    pub ttl: Option<TtlWord>,
    /// What `pop` or `vrf` hands on of the marks; `None` is what the Vrf says.
    #[serde(default)]
    pub diffserv: Option<DiffServWord>,
}

/// What a batch did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LabelReport {
    /// Labels that are new.
    pub added: usize,
    /// Labels that lead elsewhere now.
    pub replaced: usize,
    /// Labels taken out.
    pub removed: usize,
    /// Removals of labels that were not there.
    pub missing: usize,
    /// Labels added or replaced whose next hops cannot be reached: kept, and used once they can be.
    pub unresolved: usize,
}

/// A change that has been checked.
enum Checked {
    Add(u32, WantedLabel),
    Remove(u32),
}

impl State {
    /// Makes `changes` to run-time labels, in order, in `snapshot` and here.
    ///
    /// # Errors
    ///
    /// What is wrong with any of them; nothing is changed then.
    pub fn change_labels(
        &mut self,
        changes: &[LabelChange],
        snapshot: &mut Snapshot,
    ) -> Result<LabelReport, BatchErrors> {
        let check = |change: &LabelChange| match change {
            LabelChange::Remove { label } => self.is_free(*label).map(|()| Checked::Remove(*label)),
            LabelChange::Add(spec) => {
                let label = self.check_label(spec, snapshot)?;
                Ok(Checked::Add(spec.label, WantedLabel::of(&label)))
            }
        };
        let checked = check_all("label", changes, check)?;
        let mut report = LabelReport::default();
        let mut added = Vec::new();
        for change in checked {
            match change {
                Checked::Add(label, WantedLabel { way, hops }) => {
                    let known = self.label(label).is_some();
                    *(if known { &mut report.replaced } else { &mut report.added }) += 1;
                    let set = self.hold_hops(hops);
                    self.set_label(label, Asked::Runtime, way, set);
                    added.push(label);
                }
                Checked::Remove(label) => {
                    let known = self.label(label).is_some();
                    *(if known { &mut report.removed } else { &mut report.missing }) += 1;
                    self.remove_label(label, snapshot);
                }
            }
        }
        self.forward(snapshot);
        added.sort_unstable();
        added.dedup();
        let leads_nowhere = |label: &&u32| self.label(**label).is_some_and(|of| !of.nhlfe.is_some());
        report.unresolved = added.iter().filter(leads_nowhere).count();
        Ok(report)
    }

    /// Whether `label` is for people to give at run time.
    fn is_free(&self, label: u32) -> Result<(), String> {
        let range = self.dynamic_labels();
        if !(LEAST_LABEL..=MOST_LABEL).contains(&label) {
            return Err(format!("{label} is not a label of {LEAST_LABEL} to {MOST_LABEL}"));
        }
        if range.contains(label) {
            return Err(format!("{label} is of the range {range}, which the router gives out itself"));
        }
        match self.label(label).map(|of| &of.asked) {
            Some(Asked::Static) => Err(format!("{label} is a label of the configuration: change it there")),
            _ => Ok(()),
        }
    }

    /// The label as the file would say it, held to the file's rules.
    fn check_label(&self, spec: &LabelSpec, snapshot: &Snapshot) -> Result<StaticLabel, String> {
        self.is_free(spec.label)?;
        let label = as_written(spec);
        if let Some(broken) = rules::of_action(&label).into_iter().chain(rules::of_label(&label)).next() {
            return Err(broken.to_string());
        }
        check_push(&spec.swap.into_iter().collect::<Vec<_>>())?;
        check_push(&spec.push)?;
        spec.vrf
            .iter()
            .chain(&spec.via_vrf)
            .try_for_each(|name| self.vrf_of(&Some(name.clone())).map(drop))?;
        let hops = label.hops().map(|hop| {
            self.next_hop(&hop, hop.address.into(), snapshot)?;
            let swapped = hop.swap.or(label.swap).is_some_and(|swap| swap != IMPLICIT_NULL);
            self.speaks_mpls(&hop, swapped || !hop.push.is_empty(), snapshot)
        });
        at_most(spec.via.len(), hops)?;
        Ok(label)
    }

    /// Takes run-time labels out whose Vrf is gone, or that the file or the dynamic range
    /// has taken; gives them.
    pub(super) fn lose_labels(&mut self, snapshot: &mut Snapshot) -> Vec<u32> {
        let range = self.config.labels.dynamic;
        let vrf_gone = |of: &super::Label| {
            let looks: Option<&Arc<str>> = match &of.way {
                super::LabelWay::Lookup { vrf, .. } => Some(vrf),
                _ => None,
            };
            looks.is_some_and(|vrf| self.vrf(vrf).is_none())
                || of.set.is_some_and(|at| self.ribs.target(at).is_none())
        };
        let fixed: AHashSet<u32> = self.config.static_labels.iter().map(|of| of.label).collect();
        let taken = |label: u32| range.contains(label) || fixed.contains(&label);
        let lost: Vec<u32> = self
            .labels()
            .filter(|(label, of)| of.asked == Asked::Runtime && (taken(*label) || vrf_gone(of)))
            .map(|(label, _)| label)
            .collect();
        lost.iter().for_each(|label| self.remove_label(*label, snapshot));
        lost
    }
}

/// The label as the file would say it.
fn as_written(spec: &LabelSpec) -> StaticLabel {
    StaticLabel {
        label: spec.label,
        swap: spec.swap,
        pop: spec.pop,
        vrf: spec.vrf.clone(),
        via: spec.via.iter().map(RouteVia::to_via).collect(),
        interface: None,
        via_vrf: spec.via_vrf.clone(),
        push: spec.push.clone(),
        ttl: spec.ttl,
        diffserv: spec.diffserv,
    }
}
