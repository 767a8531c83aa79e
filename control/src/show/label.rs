//! Labels: who asked for each, and where it leads.

use std::net::IpAddr;

use ahash::{AHashMap, AHashSet};
use dataplane::table::Snapshot;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hops::{HopRow, ways};
use crate::commit::{Asked, Key, Label, LabelWay, State};
use crate::rib::{Resolved, Target, TargetRef, Unresolved, Wanted};

/// One incoming label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LabelRow {
    /// The label.
    pub label: u32,
    /// Who asked for it: "static", "run time", or a Vrf and what for: "vrf red per-vrf",
    /// "vrf red per-ce via 10.0.0.2", "vrf red per-prefix 10.1.0.0/16".
    pub asked: String,
    /// Where it leads, in words.
    pub leads: String,
    /// Whether packets with it are forwarded; not while its next hops cannot be reached.
    pub used: bool,
    /// The neighbours that it leads to, and the labels that packets leave to them with.
    pub hops: Vec<HopRow>,
}

/// Every label in use, in order.
pub fn labels(snapshot: &Snapshot, state: &State) -> Vec<LabelRow> {
    state.labels().map(|(label, of)| label_row(snapshot, state, label, of)).collect()
}

/// One label.
pub(crate) fn label_row(snapshot: &Snapshot, state: &State, label: u32, of: &Label) -> LabelRow {
    let mut hops = Vec::new();
    let own = of.set.filter(|_| !matches!(of.way, LabelWay::Lookup { .. }));
    let set = own.and_then(|at| state.ribs().target(at));
    let below = match of.way {
        LabelWay::Swap(to) => vec![to],
        _ => Vec::new(),
    };
    if let Some(Ok(outcome)) = set.map(|t| &t.outcome) {
        ways(snapshot, state, outcome, &mut below.clone(), &mut hops);
    }
    LabelRow { label, asked: asked(&of.asked), leads: leads(state, of, set), used: of.nhlfe.is_some(), hops }
}

fn asked(asked: &Asked) -> String {
    match asked {
        Asked::Static => "static".into(),
        Asked::Runtime => "run time".into(),
        Asked::Vrf(Key::Vrf(vrf)) => format!("vrf {vrf} per-vrf"),
        Asked::Vrf(Key::Prefix(vrf, prefix)) => format!("vrf {vrf} per-prefix {prefix}"),
        Asked::Vrf(Key::Ce(vrf, wanted)) => format!("vrf {vrf} per-ce {}", via(wanted)),
    }
}

fn via(wanted: &Wanted) -> String {
    match wanted {
        Wanted::Via(hops) => hops.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        _ => String::new(),
    }
}

fn leads(state: &State, of: &Label, set: Option<&Target>) -> String {
    let off = of.set.and_then(|at| state.ribs().unlabelled_way(at));
    let to = || match set.map(|t| (&t.outcome, via(&t.wanted))) {
        Some((Ok(Resolved::Discard(discard)), _)) => discard.to_string(),
        Some((Ok(_), via)) => via,
        Some((Err(why), via)) => format!("{via}: it cannot be reached, {why}"),
        None => "no route leads there now".into(),
    };
    match &of.way {
        LabelWay::Swap(label) => match off {
            Some(off) => format!("swap {label}, {}: {}", to(), Unresolved::NoLabels(off.clone())),
            None => format!("swap {label}, {}", to()),
        },
        LabelWay::SwapEach => format!("swap, {}", to()),
        LabelWay::Pop { egress: None, .. } => format!("pop, {}", to()),
        LabelWay::Pop { egress: Some(_), .. } => format!("end of the LSP, {}", to()),
        LabelWay::Lookup { vrf, bottom: true, .. } => format!("end of the LSP, look-up in vrf {vrf}"),
        LabelWay::Lookup { vrf, .. } => format!("pop, look-up of the label below, or in vrf {vrf}"),
    }
}

/// Which LSPs to show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LspFilter {
    /// Those whose next hop is in this prefix.
    #[schemars(with = "Option<String>")]
    pub within: Option<IpNet>,
    /// Those that put this label on, or that packets with this label enter.
    pub label: Option<u32>,
}

/// A way that labelled routes share: to one next hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LspRow {
    /// The Vrf that its next hop is resolved in.
    pub vrf: String,
    /// Its next hop: the egress router of the routes that go through it.
    pub next_hop: IpAddr,
    /// The prefix of the route that leads there.
    #[schemars(with = "Option<String>")]
    pub prefix: Option<IpNet>,
    /// The neighbours it leads to, and the labels that packets get on the way to them.
    pub hops: Vec<HopRow>,
    /// Routes and labels with labelled next hops that go through it.
    pub users: usize,
    /// Why it is not used; `None` where it is.
    pub unused: Option<String>,
}

/// The LSPs that `filter` asks for, by Vrf and next hop.
pub fn lsps(snapshot: &Snapshot, state: &State, filter: &LspFilter) -> Vec<LspRow> {
    let mut rows = Vec::new();
    let users = users(state);
    let entered = filter.label.and_then(|label| state.label(label)?.set);
    for (vrf, rib) in state.ribs().iter() {
        for (id, target) in rib.targets() {
            let at = TargetRef { vrf, id };
            let Some(row) = lsp(snapshot, state, &users, at, target) else { continue };
            let within = filter.within.is_none_or(|net| net.contains(&row.next_hop));
            let puts_on = |label: u32| row.hops.iter().any(|hop| hop.labels.contains(&label));
            let enters = entered
                .and_then(|set| state.ribs().target(set))
                .is_some_and(|set| set.linked().any(|l| l == at));
            if within && filter.label.is_none_or(|label| puts_on(label) || enters) {
                rows.push(row);
            }
        }
    }
    rows.sort_by(|a, b| (&a.vrf, a.next_hop).cmp(&(&b.vrf, b.next_hop)));
    rows
}

fn lsp(
    snapshot: &Snapshot,
    state: &State,
    users: &AHashMap<TargetRef, usize>,
    at: TargetRef,
    target: &Target,
) -> Option<LspRow> {
    let Wanted::Lsp(next_hop) = *target.wanted else { return None };
    let mut row = LspRow {
        vrf: state.vrf_name(at.vrf).into(),
        next_hop,
        prefix: state.rib(at.vrf).and_then(|rib| rib.longest(next_hop)).map(|(prefix, _)| prefix),
        hops: Vec::new(),
        users: users.get(&at).copied().unwrap_or(0),
        unused: target.outcome.as_ref().err().map(ToString::to_string),
    };
    if let Ok(outcome) = &target.outcome {
        ways(snapshot, state, outcome, &mut Vec::new(), &mut row.hops);
    }
    Some(row)
}

/// How many routes and labels have next hops that go through each shared set.
fn users(state: &State) -> AHashMap<TargetRef, usize> {
    let mut users: AHashMap<TargetRef, usize> = AHashMap::new();
    for (_, target) in state.ribs().iter().flat_map(|(_, rib)| rib.targets()) {
        let shared: AHashSet<TargetRef> = target.linked().collect();
        shared.into_iter().for_each(|at| *users.entry(at).or_default() += target.users());
    }
    users
}
