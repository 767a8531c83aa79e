//! Where one packet can end, by the same tables as the proof: to hold it against
//! packets that were really sent.

use std::collections::BTreeSet;
use std::net::IpAddr;

use dataplane::packet::DropReason;

use super::address::Address;
use super::end::End;
use super::links::LinkError;
use super::network::{Network, Place, Router};
use super::tunnel::Tunnels;
use super::walk::Walk;

/// Where a packet ends. Routers are numbers, in the order in which they were given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Given to a neighbour beyond the known network: router, interface.
    Delivered(usize, String),
    /// As [`Outcome::Delivered`], with labels.
    Labelled(usize, String),
    /// The router itself has it.
    Local(usize),
    /// Dropped there.
    Dropped(usize, DropReason),
    /// It loops.
    Loops,
}

/// All tables of a network.
pub struct Ways<'n> {
    network: &'n Network<'n>,
    tunnels: Tunnels<'n>,
    v4: Walk<'n, u32>,
    v6: Walk<'n, u128>,
}

/// Calls `with` with the ways through a network.
///
/// # Errors
/// The lines between the routers are not known.
pub fn ways<T>(routers: &[Router], with: impl FnOnce(&mut Ways<'_>) -> T) -> Result<T, Vec<LinkError>> {
    let network = Network::new(routers)?;
    let (v4, v6) = (Walk::new(&network), Walk::new(&network));
    Ok(with(&mut Ways { network: &network, tunnels: Tunnels::new(&network), v4, v6 }))
}

impl Ways<'_> {
    /// Every end of a packet that comes in by `interface` with these labels, outermost
    /// first; several where equal ways share the flows, none for an unknown interface.
    pub fn ends(&mut self, router: usize, interface: &str, labels: &[u32], to: IpAddr) -> BTreeSet<Outcome> {
        let snapshot = self.network.routers.get(router).map(|r| &r.snapshot);
        let Some(at) = snapshot.and_then(|s| s.interface_named(interface)).map(|i| Place::new(router, i.id))
        else {
            return BTreeSet::new();
        };
        let mut ends = BTreeSet::new();
        match to {
            IpAddr::V4(to) => follow(&self.v4, &mut self.tunnels, at, labels, to.to_bits(), &mut ends),
            IpAddr::V6(to) => follow(&self.v6, &mut self.tunnels, at, labels, to.to_bits(), &mut ends),
        }
        ends.into_iter().map(|end| self.outcome(end)).collect()
    }

    fn outcome(&self, end: End) -> Outcome {
        match end {
            End::Edge(at) => Outcome::Delivered(at.router, self.network.interface_name(at).into()),
            End::Unknown(at) => Outcome::Labelled(at.router, self.network.interface_name(at).into()),
            End::Local(node) => Outcome::Local(self.network.router_of(node)),
            End::Drop(router, reason) => Outcome::Dropped(router, reason),
            End::Loop(_) => Outcome::Loops,
        }
    }
}

fn follow<'n, A: Address + std::hash::Hash>(
    walk: &Walk<'n, A>,
    tunnels: &mut Tunnels<'n>,
    at: Place,
    labels: &[u32],
    to: A,
    ends: &mut BTreeSet<End>,
) {
    let belows = tunnels.stack(at, labels);
    for onward in tunnels.contents(&belows, A::V6) {
        walk.onward_ends(tunnels, onward, (to, to), &mut |(.., end)| {
            ends.insert(end);
        });
    }
}
