//! Neighbours that routes and labels come to, with the labels on the way.

use std::net::IpAddr;

use dataplane::table::Snapshot;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::commit::State;
use crate::config::IMPLICIT_NULL;
use crate::rib::{Resolved, Way};

/// A neighbour that a route leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HopRow {
    /// Its address.
    pub address: IpAddr,
    /// The interface it is on.
    pub interface: String,
    /// Whether its station address is known.
    pub resolved: bool,
    /// The label stack that packets leave to it with, outermost first.
    #[serde(default)]
    pub labels: Vec<u32>,
}

/// Adds the neighbours that `outcome` leads to, each with the labels on the way to it;
/// `stack` is what is below them, innermost first.
pub(super) fn ways(
    snapshot: &Snapshot,
    state: &State,
    outcome: &Resolved,
    stack: &mut Vec<u32>,
    out: &mut Vec<HopRow>,
) {
    for leaf in outcome.leaves() {
        let below = stack.len();
        stack.extend(leaf.swap.filter(|label| *label != IMPLICIT_NULL));
        stack.extend(leaf.tunnel.iter().flat_map(|t| t.labels.iter().rev()));
        match &leaf.way {
            Way::Neighbour { interface, address } => {
                let labels = stack.iter().rev().copied().collect();
                out.push(HopRow { labels, ..hop(snapshot, interface, *address) });
            }
            Way::Through(at) => {
                if let Some(Ok(further)) = state.ribs().target(*at).map(|t| &t.outcome) {
                    ways(snapshot, state, further, stack, out);
                }
            }
        }
        stack.truncate(below);
    }
    if let Resolved::Imported(from) = outcome
        && let Some(Ok(there)) = state.ribs().target(*from).map(|t| &t.outcome)
    {
        ways(snapshot, state, there, stack, out);
    }
}

fn hop(snapshot: &Snapshot, interface: &str, address: IpAddr) -> HopRow {
    let known = snapshot.interface_named(interface).and_then(|i| i.neighbours.get(&address));
    let resolved = known.and_then(|id| snapshot.adjacency(*id)).is_some_and(|a| a.header().is_some());
    HopRow { address, interface: interface.into(), resolved, labels: Vec::new() }
}
