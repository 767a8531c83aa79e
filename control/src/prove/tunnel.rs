//! Where a label ends: every router that takes it off, and what becomes of what
//! is below. What that is does not matter to a label, so each label of each router
//! is followed once.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::rc::Rc;

use ahash::{AHashMap, AHashSet};
use dataplane::id::{NhlfeId, VrfId};
use dataplane::packet::DropReason;
use dataplane::table::Nhlfe;
use dataplane::wire::mpls::label::{
    ENTROPY_INDICATOR, FIRST, IPV4_EXPLICIT_NULL, IPV6_EXPLICIT_NULL, ROUTER_ALERT,
};

use super::chain::{Chain, ENTROPY, Last, chains, members};
use super::end::{Below, End, Onward};
use super::network::{Network, Place};

/// A label on top of what arrives at a place.
type Labelled = (Place, u32);
/// What a stack comes to, each once.
pub(super) type Belows = Rc<[Below]>;

/// What an entry comes to for IPv4, and for IPv6.
type BothFamilies = [Rc<[Onward]>; 2];

/// All labels of a network.
#[derive(Debug)]
pub(super) struct Tunnels<'n> {
    network: &'n Network<'n>,
    known: AHashMap<Labelled, Belows>,
    /// Those that are being followed: coming back to one puts labels on without end.
    open: AHashSet<Labelled>,
    /// What each entry comes to for an IP packet, by router and entry.
    onward: Vec<Vec<Option<BothFamilies>>>,
}

impl<'n> Tunnels<'n> {
    pub(super) fn new(network: &'n Network<'n>) -> Self {
        let onward = network.routers.iter().map(|r| vec![None; r.snapshot.nhlfes.capacity()]).collect();
        Self { network, known: AHashMap::new(), open: AHashSet::new(), onward }
    }

    /// What an entry of a router comes to for an IP packet; `v6` says which family.
    pub(super) fn onward(&mut self, router: usize, nhlfe: NhlfeId, v6: bool) -> Rc<[Onward]> {
        let known = self.onward.get(router).and_then(|of| of.get(nhlfe.index()));
        if let Some(Some(known)) = known {
            return known[usize::from(v6)].clone();
        }
        let mut belows = BTreeSet::new();
        for chain in chains(self.network.snapshot(router), nhlfe, None) {
            belows.extend(self.sent(router, &chain));
        }
        let both = [false, true].map(|v6| self.contents(&belows, v6).into_iter().collect::<Rc<[_]>>());
        let found = both[usize::from(v6)].clone();
        if let Some(slot) = self.onward.get_mut(router).and_then(|of| of.get_mut(nhlfe.index())) {
            *slot = Some(both);
        }
        found
    }

    /// What an IP packet below comes to.
    pub(super) fn contents<'b>(
        &mut self,
        belows: impl IntoIterator<Item = &'b Below>,
        v6: bool,
    ) -> BTreeSet<Onward> {
        let mut found = BTreeSet::new();
        for below in belows {
            self.unpack(*below, v6, &mut Vec::new(), &mut AHashSet::new(), &mut found);
        }
        found
    }

    /// As [`Tunnels::contents`], behind labels that stand for one way: `open` are those on
    /// the way at hand, `seen` all so far.
    fn unpack(
        &mut self,
        below: Below,
        v6: bool,
        open: &mut Vec<Below>,
        seen: &mut AHashSet<Below>,
        found: &mut BTreeSet<Onward>,
    ) {
        let Below::Way { at, next, vrf } = below else {
            found.insert(self.content(below, v6));
            return;
        };
        if open.contains(&below) {
            found.insert(Onward::End(End::Loop(at.router)));
        }
        if !seen.insert(below) {
            return;
        }
        open.push(below);
        for after in self.way(at.router, next, vrf) {
            self.unpack(after, v6, open, seen, found);
        }
        open.pop();
    }

    /// What the ways of an entry come to, for what has lost a label that stood for `vrf`.
    fn way(&mut self, router: usize, next: NhlfeId, vrf: VrfId) -> BTreeSet<Below> {
        let ways = chains(self.network.snapshot(router), next, None);
        let below = ways.iter().flat_map(|chain| self.sent(router, chain));
        let here = |below| match below {
            Below::Local(router, None) => Below::Local(router, Some(vrf)),
            other => other,
        };
        below.map(here).collect()
    }

    fn content(&self, below: Below, v6: bool) -> Onward {
        let lookup = |router, vrf| match self.network.node(router, vrf) {
            Some(node) => Onward::Lookup(node),
            None => Onward::End(End::Drop(router, DropReason::NoRoute)),
        };
        match below {
            Below::Arrived { at, .. } => {
                lookup(at.router, self.network.interface(at).map_or(VrfId::NONE, |i| i.vrf))
            }
            Below::Exposed { at, only: Some(only), .. } if only != v6 => {
                Onward::End(End::Drop(at.router, DropReason::MplsPayload))
            }
            Below::Exposed { at, vrf, .. } => lookup(at.router, vrf),
            Below::Way { at, .. } => Onward::End(End::Drop(at.router, DropReason::LookupLoop)),
            Below::Alert(at) => Onward::End(End::Drop(at.router, DropReason::MplsMalformed)),
            Below::Out { by, .. } => Onward::End(End::Edge(by)),
            Below::Glean(place) => Onward::Glean(place),
            Below::Local(router, vrf) => Onward::Local(vrf.and_then(|vrf| self.network.node(router, vrf))),
            Below::End(end) => Onward::End(end),
        }
    }

    /// Where a label below brings it: to a label at a place, or to an end.
    pub(super) fn labelled(&self, below: Below) -> Result<Place, Below> {
        let ended = |router, reason| Err(Below::End(End::Drop(router, reason)));
        match below {
            Below::Arrived { refused: Some((router, reason)), .. }
            | Below::Out { refused: Some((router, reason)), .. } => ended(router, reason),
            Below::Arrived { at, .. } => match self.network.interface(at) {
                Some(interface) if interface.mpls => Ok(at),
                _ => ended(at.router, DropReason::MplsDisabled),
            },
            Below::Exposed { at, bottom: true, .. } | Below::Way { at, .. } => {
                ended(at.router, DropReason::MplsNotBottom)
            }
            Below::Exposed { at, .. } => Ok(at),
            Below::Alert(at) => match self.network.node_of(at) {
                Some(node) => Err(Below::End(End::Local(node))),
                None => ended(at.router, DropReason::MplsMalformed),
            },
            Below::Out { by, .. } => Err(Below::End(End::Unknown(by))),
            Below::Glean(place) => ended(place.router, DropReason::MplsNoLabel),
            Below::Local(router, _) => ended(router, DropReason::MplsNoLabel),
            Below::End(end) => Err(Below::End(end)),
        }
    }

    /// What a router's way out comes to, the labels it put on followed to their ends.
    fn sent(&mut self, router: usize, chain: &Chain) -> BTreeSet<Below> {
        let left = self.leave(router, chain.last, !chain.labels.is_empty());
        chain.labels.iter().fold(left, |belows, label| self.through(belows, *label))
    }

    /// What is below all of these labels, outermost first, of a packet that arrives at a place.
    pub(super) fn stack(&mut self, at: Place, labels: &[u32]) -> BTreeSet<Below> {
        let arrived = BTreeSet::from([Below::Arrived { at, refused: None }]);
        let (mut belows, mut rest) = (arrived, labels);
        while let Some((label, below)) = rest.split_first() {
            // An entropy label goes with the indicator before it.
            let entropy = *label == ENTROPY_INDICATOR && !below.is_empty();
            belows = self.through(belows, if entropy { ENTROPY } else { *label });
            rest = below.get(usize::from(entropy)..).unwrap_or_default();
        }
        belows
    }

    /// What is below `label`, where that is on top of each of these.
    fn through(&mut self, belows: BTreeSet<Below>, label: u32) -> BTreeSet<Below> {
        let mut after = BTreeSet::new();
        for below in belows {
            match self.top(below, label) {
                Ok(at) => after.extend(self.tunnel(at, label).iter().copied()),
                Err(ended) => drop(after.insert(ended)),
            }
        }
        after
    }

    /// The place where `label` is looked up; or what it comes to without that. An entropy
    /// label goes with its indicator, also from below a label that must be the last
    /// (RFC 6790 section 4.2).
    fn top(&self, below: Below, label: u32) -> Result<Place, Below> {
        let is_last = matches!(below, Below::Exposed { bottom: true, .. } | Below::Way { .. });
        if label == ENTROPY && is_last {
            return Err(below);
        }
        let at = self.labelled(below)?;
        match label {
            ENTROPY => Err(Below::Exposed { at, vrf: self.vrf_of(at), bottom: false, only: None }),
            _ => Ok(at),
        }
    }

    fn vrf_of(&self, at: Place) -> VrfId {
        self.network.interface(at).map_or(VrfId::NONE, |i| i.vrf)
    }

    /// What sending by a router's last entry comes to.
    fn leave(&self, router: usize, last: Last, labelled: bool) -> BTreeSet<Below> {
        let ended = |reason| BTreeSet::from([Below::End(End::Drop(router, reason))]);
        match last {
            Last::Drop(reason) => ended(reason),
            Last::Local => BTreeSet::from([Below::Local(router, None)]),
            Last::Glean(interface) => self.out(Place::new(router, interface), labelled, None),
            Last::Adjacency(id) => match self.network.snapshot(router).adjacency(id) {
                Some(a) => self.out(Place::new(router, a.interface), labelled, Some(a.neighbour)),
                None => ended(DropReason::InterfaceDown),
            },
        }
    }

    /// What sending by an interface comes to; `neighbour` is `None` where the destination is.
    fn out(&self, by: Place, labelled: bool, neighbour: Option<IpAddr>) -> BTreeSet<Below> {
        let ended = |router, reason| Below::End(End::Drop(router, reason));
        let interface = match self.network.interface(by) {
            Some(interface) if interface.enabled => interface,
            _ => return BTreeSet::from([ended(by.router, DropReason::InterfaceDown)]),
        };
        if labelled && !interface.mpls {
            return BTreeSet::from([ended(by.router, DropReason::MplsDisabled)]);
        }
        if neighbour.is_none() {
            return BTreeSet::from([Below::Glean(by)]);
        }
        let refused = (!interface.mpls).then_some((by.router, DropReason::MplsDisabled));
        let Some(peers) = self.network.takers(by, neighbour) else {
            return BTreeSet::from([Below::Out { by, refused }]);
        };
        let arrive = |peer: &super::network::Peer| {
            let at = Place::new(peer.end.router, peer.taken_by);
            match self.network.interface(at) {
                None => ended(at.router, DropReason::VlanUnknown),
                Some(taker) if !taker.enabled => ended(at.router, DropReason::InterfaceDown),
                Some(_) => Below::Arrived { at, refused },
            }
        };
        peers.iter().map(arrive).collect()
    }

    /// Everywhere that `label`, arriving at a place, is taken off.
    pub(super) fn tunnel(&mut self, at: Place, label: u32) -> Belows {
        if let Some(known) = self.known.get(&(at, label)) {
            return known.clone();
        }
        if !self.open.insert((at, label)) {
            return Rc::from([Below::End(End::Loop(at.router))]);
        }
        let found = self.follow(at, label);
        self.open.remove(&(at, label));
        self.known.insert((at, label), found.clone());
        found
    }

    /// Follows a label and what it is swapped for, router by router.
    fn follow(&mut self, at: Place, label: u32) -> Belows {
        let mut found = BTreeSet::new();
        let mut steps: AHashMap<Labelled, Vec<Labelled>> = AHashMap::new();
        let (mut open, mut lone) = (vec![(at, label)], true);
        while let Some(state) = open.pop() {
            if steps.contains_key(&state) {
                continue;
            }
            if let Some(known) = self.known.get(&state) {
                found.extend(known.iter().copied());
                continue;
            }
            let (next, ended): (Vec<_>, Vec<_>) =
                self.switch(state.0, state.1).into_iter().partition(Result::is_ok);
            found.extend(ended.into_iter().filter_map(Result::err));
            let next: Vec<Labelled> = next.into_iter().flatten().collect();
            lone &= next.len() <= 1 && (next.is_empty() || found.is_empty());
            open.extend(&next);
            steps.insert(state, next);
        }
        found.extend(cycle(&steps).map(|at| Below::End(End::Loop(at.router))));
        let found: Belows = found.into_iter().collect();
        if lone {
            // One way with no branch: every step of it ends alike.
            steps.into_keys().for_each(|state| drop(self.known.insert(state, found.clone())));
        }
        found
    }

    /// What one router does with a label: another in its place, at a place; or what is below.
    fn switch(&mut self, at: Place, label: u32) -> Vec<Result<Labelled, Below>> {
        if label < FIRST {
            return vec![Err(self.special(at, label))];
        }
        let found = members(self.network.snapshot(at.router), label);
        found.into_iter().flat_map(|id| self.entry(at, label, id)).collect()
    }

    /// Special-purpose labels (RFC 3032 section 2.1, RFC 4182).
    fn special(&self, at: Place, label: u32) -> Below {
        let vrf = self.vrf_of(at);
        let null = |v6| Below::Exposed { at, vrf, bottom: false, only: Some(v6) };
        match label {
            IPV4_EXPLICIT_NULL => null(false),
            IPV6_EXPLICIT_NULL => null(true),
            ROUTER_ALERT => Below::Alert(at),
            ENTROPY_INDICATOR => Below::End(End::Drop(at.router, DropReason::MplsMalformed)),
            _ => Below::End(End::Drop(at.router, DropReason::MplsReserved)),
        }
    }

    /// What one entry of a label does.
    fn entry(&mut self, at: Place, label: u32, id: NhlfeId) -> Vec<Result<Labelled, Below>> {
        let snapshot = self.network.snapshot(at.router);
        match snapshot.nhlfe(id) {
            None => vec![Err(Below::End(End::Drop(at.router, DropReason::MplsNoLabel)))],
            Some(Nhlfe::PopLookup(pop)) => {
                vec![Err(Below::Exposed { at, vrf: pop.vrf, bottom: pop.bottom, only: None })]
            }
            Some(Nhlfe::Pop(pop)) => match pop.egress {
                Some(vrf) => vec![Err(Below::Way { at, next: pop.next, vrf })],
                None => {
                    let vrf = self.vrf_of(at);
                    self.way(at.router, pop.next, vrf).into_iter().map(Err).collect()
                }
            },
            Some(_) => {
                let ways = chains(snapshot, id, Some(label));
                ways.iter().flat_map(|chain| self.switched(at.router, chain)).collect()
            }
        }
    }

    /// What a way out comes to whose last label is the one followed.
    fn switched(&mut self, router: usize, chain: &Chain) -> Vec<Result<Labelled, Below>> {
        let Some((label, outer)) = chain.labels.split_last() else { return Vec::new() };
        let left = self.leave(router, chain.last, true);
        let around = outer.iter().fold(left, |belows, label| self.through(belows, *label));
        around.into_iter().map(|below| self.top(below, *label).map(|at| (at, *label))).collect()
    }
}

/// A place on a cycle of these steps, if there is one: what is left when all that
/// nothing leads to has been taken away, again and again.
fn cycle(steps: &AHashMap<Labelled, Vec<Labelled>>) -> Option<Place> {
    let mut entries: AHashMap<Labelled, usize> = steps.keys().map(|state| (*state, 0)).collect();
    for next in steps.values().flatten() {
        entries.entry(*next).and_modify(|n| *n += 1);
    }
    let mut open: Vec<Labelled> = entries.iter().filter(|(_, n)| **n == 0).map(|(state, _)| *state).collect();
    while let Some(state) = open.pop() {
        entries.remove(&state);
        for next in steps.get(&state).into_iter().flatten() {
            if let Some(n) = entries.get_mut(next) {
                *n -= 1;
                open.extend((*n == 0).then_some(*next));
            }
        }
    }
    entries.keys().map(|(at, _)| *at).min()
}
