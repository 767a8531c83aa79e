//! Where IP packets end: the destinations of a Vrf in ranges, followed from Vrf to
//! Vrf, each range split where a table splits it.

use ahash::AHashSet;
use dataplane::id::{NhlfeId, VrfId};
use dataplane::packet::DropReason;
use dataplane::table::Nhlfe;
use ipnet::IpNet;

use super::address::Address;
use super::end::{End, Onward};
use super::network::{Network, Node, Place};
use super::table::Table;
use super::tunnel::Tunnels;

/// What a range of destinations leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lead {
    To(NhlfeId),
    Drop(DropReason),
}

/// Destinations from the first to the last, and where a packet for them ends.
pub(super) type Piece<A> = (A, A, End);

/// Every table of one family.
#[derive(Debug)]
pub(super) struct Walk<'n, A> {
    network: &'n Network<'n>,
    tables: Vec<Table<A, Lead>>,
    /// Which destinations are not forwarded at all, and why.
    usable: Table<A, Option<DropReason>>,
    /// By router: its own addresses, in order, and the Vrf of each.
    own: Vec<Vec<(A, VrfId)>>,
    /// By router: broadcast addresses of its subnets and the Vrf of each.
    broadcasts: Vec<AHashSet<(A, VrfId)>>,
}

/// Ranges that a Vrf has been asked for on one packet's ways.
struct Seen<A> {
    node: Node,
    first: A,
    last: A,
    /// Whether it is on the way at hand: coming back to it is a loop.
    open: bool,
}

impl<'n, A: Address + std::hash::Hash> Walk<'n, A> {
    pub(super) fn new(network: &'n Network<'n>) -> Self {
        let tables = network.nodes().map(|node| table(network, node)).collect();
        let routers = 0..network.routers.len();
        let own = routers.clone().map(|router| own(network, router)).collect();
        let broadcasts = routers.map(|router| broadcasts(network, router)).collect();
        let mut usable = Table::new([], None);
        for (prefix, reason) in A::unusable() {
            let range = A::range(prefix);
            range.into_iter().for_each(|(first, last)| usable.overlay(first, last, Some(reason)));
        }
        Self { network, tables, usable, own, broadcasts }
    }

    /// Calls `each` with where packets for `first..=last` end that are looked up in
    /// `node`: every one of them, and a destination with several ways several times.
    pub(super) fn ends(
        &self,
        tunnels: &mut Tunnels<'n>,
        node: Node,
        (first, last): (A, A),
        each: &mut impl FnMut(Piece<A>),
    ) {
        for (first, last, lead) in self.tables[node.index()].within(first, last) {
            let mut seen = vec![Seen { node, first, last, open: true }];
            self.led(tunnels, node, (first, last, lead), &mut seen, each);
        }
    }

    /// The ranges of a Vrf, each with the one other Vrf that looks it up next; `None` where
    /// that is not all that is done with it.
    pub(super) fn ranges<'w>(
        &'w self,
        tunnels: &'w mut Tunnels<'n>,
        node: Node,
    ) -> impl Iterator<Item = (A, A, Option<Node>)> + 'w {
        let router = self.network.router_of(node);
        self.tables[node.index()].within(A::FIRST, A::LAST).map(move |(first, last, lead)| {
            let onward =
                if let Lead::To(nhlfe) = lead { Some(tunnels.onward(router, nhlfe, A::V6)) } else { None };
            let next = match onward.as_deref() {
                Some([Onward::Lookup(next)]) if *next != node => Some(*next),
                _ => None,
            };
            (first, last, next)
        })
    }

    /// As [`Walk::ends`]; whether no other Vrf looked any of it up.
    pub(super) fn ends_alone(
        &self,
        tunnels: &mut Tunnels<'n>,
        node: Node,
        (first, last): (A, A),
        each: &mut impl FnMut(Piece<A>),
    ) -> bool {
        let mut seen = Vec::new();
        self.look_up(tunnels, node, (first, last), &mut seen, each);
        seen.len() == 1
    }

    /// As [`Walk::ends`], for packets whose first step is known.
    pub(super) fn onward_ends(
        &self,
        tunnels: &mut Tunnels<'n>,
        onward: Onward,
        (first, last): (A, A),
        each: &mut impl FnMut(Piece<A>),
    ) {
        match onward {
            Onward::End(end @ End::Edge(at)) => {
                for (first, last, refused) in self.usable.within(first, last) {
                    each((first, last, refused.map_or(end, |reason| End::Drop(at.router, reason))));
                }
            }
            Onward::End(end) => each((first, last, end)),
            Onward::Lookup(node) => self.ends(tunnels, node, (first, last), each),
            Onward::Glean(by) => self.glean(tunnels, by, (first, last), &mut Vec::new(), each),
            Onward::Local(Some(node)) => self.local(node, NhlfeId::NONE, (first, last), each),
            // Without a label, it is for the router only by having been looked up.
            Onward::Local(None) => {}
        }
    }

    /// What one range of a table leads to.
    fn led(
        &self,
        tunnels: &mut Tunnels<'n>,
        node: Node,
        (first, last, lead): (A, A, Lead),
        seen: &mut Vec<Seen<A>>,
        each: &mut impl FnMut(Piece<A>),
    ) {
        let router = self.network.router_of(node);
        let nhlfe = match lead {
            Lead::To(nhlfe) => nhlfe,
            Lead::Drop(reason) => return each((first, last, End::Drop(router, reason))),
        };
        for onward in tunnels.onward(router, nhlfe, A::V6).iter() {
            match *onward {
                Onward::End(end) => each((first, last, end)),
                Onward::Lookup(next) => self.look_up(tunnels, next, (first, last), seen, each),
                Onward::Glean(by) => self.glean(tunnels, by, (first, last), seen, each),
                Onward::Local(at) => self.local(at.unwrap_or(node), nhlfe, (first, last), each),
            }
        }
    }

    /// Looks a range up in a Vrf, as far as that has not been done on the same packet's ways.
    fn look_up(
        &self,
        tunnels: &mut Tunnels<'n>,
        node: Node,
        (first, last): (A, A),
        seen: &mut Vec<Seen<A>>,
        each: &mut impl FnMut(Piece<A>),
    ) {
        let known = seen.iter().find(|s| s.node == node && s.first <= last && first <= s.last);
        if let Some(known) = known {
            let (from, to) = (known.first.max(first), known.last.min(last));
            if known.open {
                each((from, to, End::Loop(self.network.router_of(node))));
            }
            if first < from {
                self.look_up(tunnels, node, (first, from.before()), seen, each);
            }
            if let Some(after) = to.next().filter(|_| to < last) {
                self.look_up(tunnels, node, (after, last), seen, each);
            }
            return;
        }
        let at = seen.len();
        seen.push(Seen { node, first, last, open: true });
        for range in self.tables[node.index()].within(first, last) {
            self.led(tunnels, node, range, seen, each);
        }
        seen[at].open = false;
    }

    /// To neighbours on a subnet: routers at the other ends of the line, and hosts; nobody at
    /// its broadcast address (RFC 2644).
    fn glean(
        &self,
        tunnels: &mut Tunnels<'n>,
        by: Place,
        (first, last): (A, A),
        seen: &mut Vec<Seen<A>>,
        each: &mut impl FnMut(Piece<A>),
    ) {
        let mut known: Vec<(A, Option<Place>)> = Vec::new();
        for peer in self.network.peers(by) {
            let at = Place::new(peer.end.router, peer.taken_by);
            let addresses = self.network.interface(peer.end).map(|i| i.addresses.clone()).unwrap_or_default();
            known.extend(addresses.iter().filter_map(|a| A::of(a.net.addr())).map(|a| (a, Some(at))));
        }
        let own = self.network.interface(by).into_iter().flat_map(|i| i.addresses.iter());
        known.extend(own.filter_map(|a| broadcast(a.net)).map(|a| (a, None)));
        known.retain(|(address, _)| (first..=last).contains(address));
        known.sort_unstable();
        let mut from = Some(first);
        for (address, at) in known {
            if let Some(from) = from.filter(|from| *from < address) {
                each((from, address.before(), End::Edge(by)));
            }
            from = address.next();
            let Some(at) = at else {
                each((address, address, End::Drop(by.router, DropReason::Broadcast)));
                continue;
            };
            match self.network.node_of(at).filter(|_| self.network.interface(at).is_some_and(|i| i.enabled)) {
                Some(node) => self.look_up(tunnels, node, (address, address), seen, each),
                None => each((address, address, End::Drop(at.router, DropReason::InterfaceDown))),
            }
        }
        if let Some(from) = from.filter(|from| *from <= last) {
            each((from, last, End::Edge(by)));
        }
    }

    /// For the router itself: whose of its Vrfs the address is.
    fn local(&self, node: Node, nhlfe: NhlfeId, (first, last): (A, A), each: &mut impl FnMut(Piece<A>)) {
        let router = self.network.router_of(node);
        let own = &self.own[router];
        let from = own.partition_point(|(address, _)| *address < first);
        let inside = own[from..].iter().take_while(|(address, _)| *address <= last);
        let mut next = Some(first);
        for (address, vrf) in inside {
            if let Some(start) = next.filter(|start| start < address) {
                self.unowned(router, node, (start, address.before()), each);
            }
            let owner = self.network.node(router, *vrf);
            if let Some(owner) = owner.filter(|owner| self.is_owner(node, nhlfe, *address, *owner)) {
                each((*address, *address, End::Local(owner)));
            }
            next = address.next();
        }
        if let Some(start) = next.filter(|start| *start <= last) {
            self.unowned(router, node, (start, last), each);
        }
    }

    /// Whether an address of the router, looked up in `node`, is that of `owner`, which has it.
    /// One that the Vrf has itself is its own; else it has the entry from its owner; else
    /// it may be anyone's.
    fn is_owner(&self, node: Node, nhlfe: NhlfeId, address: A, owner: Node) -> bool {
        let router = self.network.router_of(node);
        let owners = |of: &Node| self.own[router].binary_search(&(address, self.network.vrf_of(*of))).is_ok();
        if owner == node || owners(&node) {
            return owner == node;
        }
        let gives = |of: &Node| {
            let lead = self.tables[of.index()].within(address, address).next();
            owners(of) && lead.is_some_and(|(.., lead)| lead == Lead::To(nhlfe))
        };
        let here = self.network.nodes().filter(|of| self.network.router_of(*of) == router);
        gives(&owner) || !here.into_iter().any(|of| gives(&of))
    }

    /// Local destinations that are no interface's address: network and broadcast addresses.
    fn unowned(&self, router: usize, node: Node, (first, last): (A, A), each: &mut impl FnMut(Piece<A>)) {
        let broadcast =
            first == last && self.broadcasts[router].contains(&(first, self.network.vrf_of(node)));
        let end = if broadcast { End::Drop(router, DropReason::Broadcast) } else { End::Local(node) };
        each((first, last, end));
    }

    /// Prefixes that a Vrf decides about itself: it sends them to its own edges, whatever
    /// the next hops there, or keeps or discards them.
    pub(super) fn own_prefixes(&self, tunnels: &mut Tunnels<'n>, node: Node) -> Vec<(IpNet, Kind)> {
        let Some(vrf) = self.network.vrf(node) else { return Vec::new() };
        let router = self.network.router_of(node);
        let own = |place: Place| self.network.is_edge(place) && self.network.node_of(place) == Some(node);
        let mut kind = |nhlfe| {
            let onward = tunnels.onward(router, nhlfe, A::V6);
            let edge = |o: &Onward| matches!(o, Onward::Glean(p) | Onward::End(End::Edge(p)) if own(*p));
            let here = self.network.snapshot(router).nhlfe(nhlfe);
            match here {
                Some(Nhlfe::Blackhole | Nhlfe::Unreachable | Nhlfe::Prohibited | Nhlfe::Local) => {
                    Some(Kind::Other)
                }
                _ => (!onward.is_empty() && onward.iter().all(edge)).then_some(Kind::Edge),
            }
        };
        let routes = A::routes(vrf).filter(|(prefix, _)| !crate::rib::is_link_local(prefix.addr()));
        routes.filter_map(|(prefix, nhlfe)| Some((prefix, kind(nhlfe)?))).collect()
    }
}

/// What a Vrf does itself with a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It sends it to its edges.
    Edge,
    /// It keeps or discards it.
    Other,
}

/// The table of a Vrf, without what the router never looks up.
fn table<A: Address>(network: &Network<'_>, node: Node) -> Table<A, Lead> {
    let nothing = Lead::Drop(DropReason::NoRoute);
    let Some(vrf) = network.vrf(node) else { return Table::new([], nothing) };
    let routes = A::routes(vrf).filter_map(|(prefix, nhlfe)| {
        let (first, last) = A::range(prefix)?;
        Some((first, last, Lead::To(nhlfe)))
    });
    let mut table = Table::new(routes, nothing);
    let limits = &network.snapshot(network.router_of(node)).limits;
    let martians = limits.martian_destinations.iter().map(|p| (*p, DropReason::MartianDestination));
    for (prefix, reason) in martians.chain(A::unusable()) {
        if let Some((first, last)) = A::range(prefix) {
            table.overlay(first, last, Lead::Drop(reason));
        }
    }
    table
}

fn own<A: Address>(network: &Network<'_>, router: usize) -> Vec<(A, VrfId)> {
    let interfaces = network.snapshot(router).interfaces.iter().map(|(_, i)| i);
    let of = |i: &std::sync::Arc<dataplane::table::Interface>| {
        let vrf = i.vrf;
        i.addresses.iter().filter_map(|a| A::of(a.net.addr())).map(move |a| (a, vrf)).collect::<Vec<_>>()
    };
    let mut own: Vec<_> = interfaces.flat_map(of).collect();
    own.sort_unstable();
    own.dedup();
    own
}

fn broadcasts<A: Address + std::hash::Hash>(network: &Network<'_>, router: usize) -> AHashSet<(A, VrfId)> {
    let interfaces = network.snapshot(router).interfaces.iter().map(|(_, i)| i);
    let of = |i: &std::sync::Arc<dataplane::table::Interface>| {
        let vrf = i.vrf;
        i.addresses.iter().filter_map(|a| broadcast(a.net)).map(move |a| (a, vrf)).collect::<Vec<_>>()
    };
    interfaces.flat_map(of).collect()
}

/// The broadcast address of a subnet; a /31 has none (RFC 3021), nor has IPv6.
fn broadcast<A: Address>(net: IpNet) -> Option<A> {
    match net {
        IpNet::V4(n) if n.prefix_len() < 31 => A::of(net.broadcast()),
        _ => None,
    }
}
