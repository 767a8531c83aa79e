//! Vrfs: what makes each a community of its own, what it holds, and what that takes.

use std::collections::BTreeMap;

use dataplane::table::{Snapshot, Vrf};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::commit::{Asked, State};
use crate::config::TargetRule;
use crate::rib::{Candidate, Rib, Source};

/// One Vrf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VpnRow {
    /// Its id.
    pub id: u16,
    /// Its name.
    pub name: String,
    /// Its route distinguisher (RFC 4364 section 4.2).
    pub rd: Option<String>,
    /// Targets of the routes it takes, each with its prefix list: "65000:1 (shared)".
    pub import: Vec<String>,
    /// Targets that its routes carry, likewise.
    pub export: Vec<String>,
    /// What labels are given out for: "per-vrf", "per-ce" or "per-prefix"; `None` where it
    /// exports nothing.
    pub label_mode: Option<String>,
    /// How many labels are given out for it.
    pub labels: usize,
    /// The lowest of these.
    pub label: Option<u32>,
    /// Interfaces in it.
    pub interfaces: usize,
    /// IPv4 prefixes that are forwarded by.
    pub ipv4: usize,
    /// IPv6 prefixes that are forwarded by.
    pub ipv6: usize,
    /// Prefixes with a route taken over from another Vrf.
    pub imported: usize,
    /// Bytes of its tables and routes, about.
    pub bytes: usize,
}

/// Every Vrf.
pub fn vpns(snapshot: &Snapshot, state: &State) -> Vec<VpnRow> {
    let mut labels: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (label, of) in state.labels() {
        if let Asked::Vrf(key) = &of.asked {
            labels.entry(key.vrf()).or_default().push(label);
        }
    }
    let of = |vrf: &Vrf| labels.get(&*vrf.name).map_or(&[][..], Vec::as_slice);
    snapshot.vrfs.iter().map(|(_, vrf)| row(snapshot, state, vrf, of(vrf))).collect()
}

fn row(snapshot: &Snapshot, state: &State, vrf: &Vrf, labels: &[u32]) -> VpnRow {
    let said = state.config().vrf(&vrf.name);
    let exports = said.is_some_and(|s| !s.export.is_empty());
    let rib = state.rib(vrf.id);
    let rules = |rules: &[TargetRule]| rules.iter().map(rule).collect();
    VpnRow {
        id: vrf.id.0,
        name: vrf.name.to_string(),
        rd: said.and_then(|s| s.rd).map(|rd| rd.to_string()),
        import: said.map_or_else(Vec::new, |s| rules(&s.import)),
        export: said.map_or_else(Vec::new, |s| rules(&s.export)),
        label_mode: said.filter(|_| exports).map(|s| s.label.to_string()),
        labels: labels.len(),
        label: labels.first().copied(),
        interfaces: snapshot.interfaces.iter().filter(|(_, i)| i.vrf == vrf.id).count(),
        ipv4: vrf.fib4.len(),
        ipv6: vrf.fib6.len(),
        imported: rib.map_or(0, imported),
        bytes: vrf.fib4.memory() + vrf.fib6.memory() + rib.map_or(0, Rib::memory),
    }
}

fn imported(rib: &Rib) -> usize {
    let is_import = |c: &Candidate| c.source == Source::Imported;
    rib.iter().filter(|(_, all)| all.iter().any(is_import)).count()
}

fn rule(rule: &TargetRule) -> String {
    match &rule.prefixes {
        None => rule.target.to_string(),
        Some(list) => format!("{} ({list})", rule.target),
    }
}
