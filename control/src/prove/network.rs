//! The routers of a network, the lines between them, and its edges.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ahash::AHashMap;
use dataplane::id::{IfIndex, VrfId};
use dataplane::table::{Interface, Snapshot, VlanMatch, Vrf};

use super::links::{self, LinkError};
use crate::config::Config;
use crate::rib::is_link_local;

/// One router: what it forwards by, and what its interfaces are joined to.
#[derive(Clone, Debug)]
pub struct Router {
    /// Its name; no other router of the network has it.
    pub name: String,
    /// What it forwards by.
    pub snapshot: Arc<Snapshot>,
    /// Interface → link, both by name, where the configuration names one.
    pub links: BTreeMap<String, String>,
}

impl Router {
    /// The router that `config` makes, forwarding by `snapshot`.
    pub fn new(config: &Config, snapshot: Arc<Snapshot>) -> Self {
        let link = |i: &crate::config::Interface| Some((i.name.clone(), i.link.clone()?));
        let links = config.interfaces.iter().filter_map(link).collect();
        Self { name: config.router.name.clone(), snapshot, links }
    }
}

/// An interface of a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    /// Index of the router.
    pub(super) router: usize,
    /// The interface.
    pub(super) interface: IfIndex,
}

/// A Vrf of a router: one table of destinations. An index over the whole network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Node(pub(super) u32);

impl Node {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// The other end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    /// The interface that the line joins.
    pub(super) end: Place,
    /// The one that frames are taken by there: their tags decide. `NONE` where
    /// they match none.
    pub(super) taken_by: IfIndex,
}

/// Who may take a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Takers {
    /// Ends of known routers.
    pub(super) known: Vec<Peer>,
    /// Whether a host or router may that is not known.
    pub(super) others: bool,
}

/// Routers, lines and Vrfs.
#[derive(Debug)]
pub(super) struct Network<'r> {
    pub(super) routers: &'r [Router],
    /// Of the interfaces that are joined to others.
    peers: AHashMap<Place, Vec<Peer>>,
    nodes: Vec<(usize, VrfId)>,
    /// By router, then by Vrf.
    index: Vec<Vec<Option<Node>>>,
}

impl<'r> Network<'r> {
    /// Finds the lines.
    ///
    /// # Errors
    /// Two routers of one name; lines that the addresses do not tell apart.
    pub(super) fn new(routers: &'r [Router]) -> Result<Self, Vec<LinkError>> {
        let mut network = Self { routers, peers: AHashMap::new(), nodes: Vec::new(), index: Vec::new() };
        for (router, of) in routers.iter().enumerate() {
            let mut index = vec![None; of.snapshot.vrfs.capacity()];
            for (at, vrf) in of.snapshot.vrfs.iter() {
                index[at] = Some(Node(network.nodes.len() as u32));
                network.nodes.push((router, vrf.id));
            }
            network.index.push(index);
        }
        for segment in links::segments(routers)? {
            network.join(&segment);
        }
        Ok(network)
    }

    /// Joins these interfaces: what one sends, all others may take.
    fn join(&mut self, ends: &[Place]) {
        for from in ends {
            let Some(vlan) = self.interface(*from).map(|i| i.vlan) else { continue };
            let others = ends.iter().filter(|end| *end != from);
            let peers = others.map(|end| Peer { end: *end, taken_by: self.taken_by(*end, vlan) }).collect();
            self.peers.insert(*from, peers);
        }
    }

    /// The interface of `end`'s port that frames with these tags belong to.
    fn taken_by(&self, end: Place, vlan: VlanMatch) -> IfIndex {
        let snapshot = &self.routers[end.router].snapshot;
        let port = self.interface(end).and_then(|i| snapshot.port(i.port));
        port.map_or(IfIndex::NONE, |port| match vlan {
            VlanMatch::Untagged => port.demux.untagged(),
            VlanMatch::Single(tpid, vid) => port.demux.single(tpid, vid),
            VlanMatch::Double(tpid, outer, inner) => port.demux.double(tpid, outer, inner),
        })
    }

    pub(super) fn snapshot(&self, router: usize) -> &'r Snapshot {
        &self.routers[router].snapshot
    }

    pub(super) fn interface(&self, place: Place) -> Option<&'r Interface> {
        self.snapshot(place.router).interface(place.interface)
    }

    /// The name of an interface; empty where it is not.
    pub(super) fn interface_name(&self, place: Place) -> &'r str {
        self.interface(place).map_or("", |i| &i.name)
    }

    /// All Vrfs of all routers.
    pub(super) fn nodes(&self) -> impl Iterator<Item = Node> + use<> {
        (0..self.nodes.len() as u32).map(Node)
    }

    pub(super) fn node(&self, router: usize, vrf: VrfId) -> Option<Node> {
        *self.index.get(router)?.get(vrf.index())?
    }

    /// The Vrf that an interface belongs to.
    pub(super) fn node_of(&self, place: Place) -> Option<Node> {
        self.node(place.router, self.interface(place)?.vrf)
    }

    pub(super) fn router_of(&self, node: Node) -> usize {
        self.nodes[node.index()].0
    }

    pub(super) fn vrf_of(&self, node: Node) -> VrfId {
        self.nodes[node.index()].1
    }

    /// The tables of a Vrf.
    pub(super) fn vrf(&self, node: Node) -> Option<&'r Vrf> {
        self.snapshot(self.router_of(node)).vrf(self.vrf_of(node))
    }

    /// The names of its router and of the Vrf.
    pub(super) fn names(&self, node: Node) -> (&'r str, &'r str) {
        (&self.routers[self.router_of(node)].name, self.vrf(node).map_or("", |v| &v.name))
    }

    /// What may take a frame that leaves by `from` for `neighbour`. An address that none
    /// of the far ends has may be any one's there, or that of someone who is not known; but
    /// a link-local one is the only far end's, whose own is not known without its port.
    pub(super) fn takers(&self, from: Place, neighbour: IpAddr) -> Takers {
        let peers = self.peers(from);
        let owns = |peer: &&Peer| self.interface(peer.end).is_some_and(|end| end.owns(neighbour));
        let owners: Vec<Peer> = peers.iter().filter(owns).copied().collect();
        match owners.is_empty() {
            true => Takers { known: peers.to_vec(), others: peers.len() != 1 || !is_link_local(neighbour) },
            false => Takers { known: owners, others: false },
        }
    }

    /// The other ends of the line at `place`; none for an edge.
    pub(super) fn peers(&self, place: Place) -> &[Peer] {
        self.peers.get(&place).map_or(&[], Vec::as_slice)
    }

    /// Whether no other router is known on the far side.
    pub(super) fn is_edge(&self, place: Place) -> bool {
        !self.peers.contains_key(&place)
    }

    /// Whether the configuration names a link that no other router given has: what
    /// is on the far side is the network's own, and not known.
    pub(super) fn is_boundary(&self, place: Place) -> bool {
        self.is_edge(place) && self.routers[place.router].links.contains_key(self.interface_name(place))
    }

    /// The enabled interfaces that are edges, in order.
    pub(super) fn edges(&self) -> impl Iterator<Item = (Place, &'r Interface)> + '_ {
        let of = |(router, of): (usize, &'r Router)| {
            let place = move |i: &'r Arc<Interface>| (Place { router, interface: i.id }, &**i);
            of.snapshot.interfaces.iter().map(move |(_, i)| place(i))
        };
        let all = self.routers.iter().enumerate().flat_map(of);
        all.filter(|(place, interface)| interface.enabled && self.is_edge(*place))
    }
}
