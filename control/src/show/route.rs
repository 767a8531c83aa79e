//! Routes: every candidate, which is used, and why.

use std::net::IpAddr;

use dataplane::table::Snapshot;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hops::{HopRow, ways};
use crate::commit::State;
use crate::rib::{Candidate, NEVER, NextHop, Rib, Source, Wanted};

/// Which routes to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RouteFilter {
    /// Of this Vrf only.
    pub vrf: Option<String>,
    /// To this prefix and those within it.
    #[schemars(with = "Option<String>")]
    pub within: Option<IpNet>,
    /// To the longest prefix that covers this address and has a route that is used.
    pub covering: Option<IpAddr>,
    /// From this source only.
    pub source: Option<Source>,
    /// Rows at most; 0 is no bound. Default 10,000.
    pub most: usize,
}

impl Default for RouteFilter {
    fn default() -> Self {
        Self { vrf: None, within: None, covering: None, source: None, most: 10_000 }
    }
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RouteRow {
    /// Its Vrf.
    pub vrf: String,
    /// Its prefix.
    #[schemars(with = "String")]
    pub prefix: IpNet,
    /// Where it comes from.
    pub source: Source,
    /// Its administrative distance.
    pub distance: u8,
    /// Whether it is the one that is used.
    pub used: bool,
    /// What it asks for: next hops, an interface, "local" or how it discards.
    pub asks: Vec<String>,
    /// The neighbours that its next hops come to.
    pub hops: Vec<HopRow>,
    /// The label given out for it, where its Vrf exports it.
    #[serde(default)]
    pub label: Option<u32>,
    /// Why it is used, or is not.
    pub why: String,
}

/// Some routes, and how many there were too many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RouteRows {
    /// In order of Vrf, family and prefix; of one prefix most preferred first.
    pub rows: Vec<RouteRow>,
    /// Rows left out.
    pub more: usize,
}

/// The routes that `filter` asks for.
pub fn routes(snapshot: &Snapshot, state: &State, filter: &RouteFilter) -> RouteRows {
    let mut out = RouteRows::default();
    let wanted = |name: &str| filter.vrf.as_deref().is_none_or(|v| v == name);
    for (_, vrf) in snapshot.vrfs.iter().filter(|(_, v)| wanted(&v.name)) {
        let Some(rib) = state.rib(vrf.id) else { continue };
        for (prefix, candidates) in chosen(rib, filter) {
            let best = rib.best(prefix).copied();
            let of_source = |c: &&Candidate| filter.source.is_none_or(|s| s == c.source);
            for candidate in candidates.iter().filter(of_source) {
                if filter.most > 0 && out.rows.len() >= filter.most {
                    out.more += 1;
                    continue;
                }
                out.rows.extend(row(snapshot, state, &vrf.name, rib, prefix, candidate, best));
            }
        }
    }
    out
}

/// The prefixes that `filter` asks for.
fn chosen<'r>(rib: &'r Rib, filter: &RouteFilter) -> Box<dyn Iterator<Item = (IpNet, &'r [Candidate])> + 'r> {
    if let Some(address) = filter.covering {
        return Box::new(rib.longest(address).into_iter());
    }
    match filter.within {
        Some(net) => Box::new(rib.within(net)),
        None => Box::new(rib.iter()),
    }
}

fn row(
    snapshot: &Snapshot,
    state: &State,
    vrf: &str,
    rib: &Rib,
    prefix: IpNet,
    candidate: &Candidate,
    best: Option<Candidate>,
) -> Option<RouteRow> {
    let target = rib.target(candidate.target)?;
    let mut hops = Vec::new();
    if let Ok(outcome) = &target.outcome {
        ways(snapshot, state, outcome, &mut Vec::new(), &mut hops);
    }
    Some(RouteRow {
        vrf: vrf.into(),
        prefix,
        source: candidate.source,
        distance: candidate.distance,
        used: best == Some(*candidate),
        asks: asks(&target.wanted, state),
        hops,
        label: state.label_of(vrf, prefix, candidate),
        why: why(rib, prefix, candidate, best),
    })
}

fn asks(wanted: &Wanted, state: &State) -> Vec<String> {
    match wanted {
        Wanted::Connected(interface) => vec![format!("on {interface}")],
        Wanted::Local => vec!["local".into()],
        Wanted::Discard(discard) => vec![discard.to_string()],
        Wanted::Via(hops) => hops.iter().map(NextHop::to_string).collect(),
        Wanted::Lsp(address) => vec![format!("via {address}")],
        Wanted::Imported(from) => vec![format!("imported from vrf {}", state.vrf_name(from.vrf))],
    }
}

/// Why a candidate is used, or is not, in one clause.
fn why(rib: &Rib, prefix: IpNet, candidate: &Candidate, best: Option<Candidate>) -> String {
    if let Some(reason) = rib.target(candidate.target).and_then(|t| t.outcome.as_ref().err()) {
        return format!("its next hop cannot be reached: {reason}");
    }
    let others = rib.candidates(prefix).len();
    match best {
        _ if candidate.distance == NEVER => "distance 255 is never used".into(),
        Some(best) if best == *candidate && others == 1 => "the only route".into(),
        Some(best) if best == *candidate => "the lowest distance that can be used".into(),
        Some(best) if best.distance == candidate.distance => {
            format!("a {} route goes before it", best.source)
        }
        Some(best) => format!("a {} route has distance {}", best.source, best.distance),
        None => "not used".into(),
    }
}
