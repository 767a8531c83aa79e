//! What one router does with a label: what is below it once it is off, given what the
//! labels below and around it come to.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::rc::Rc;

use dataplane::id::{NhlfeId, VrfId};
use dataplane::packet::DropReason;
use dataplane::table::Nhlfe;
use dataplane::wire::mpls::label::{
    ENTROPY_INDICATOR, FIRST, IPV4_EXPLICIT_NULL, IPV6_EXPLICIT_NULL, ROUTER_ALERT,
};

use super::chain::{Chain, ENTROPY, Last, chains, members};
use super::end::{Below, End};
use super::network::{Network, Peer, Place};

/// A label on top of what arrives at a place.
pub(super) type Labelled = (Place, u32);
/// What a stack comes to, each once.
pub(super) type Belows = Rc<[Below]>;

/// The routers, each by itself. `ask` says what a label on top somewhere comes to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Switch<'n> {
    pub(super) network: &'n Network<'n>,
}

impl Switch<'_> {
    /// What a label at a place comes to.
    pub(super) fn top_label(
        self,
        (at, label): Labelled,
        ask: &mut impl FnMut(Labelled) -> Belows,
    ) -> BTreeSet<Below> {
        if label < FIRST {
            return BTreeSet::from([self.special(at, label)]);
        }
        let entries = members(self.network.snapshot(at.router), label);
        entries.into_iter().flat_map(|id| self.entry((at, label), id, ask)).collect()
    }

    /// What one entry of a label does.
    fn entry(
        self,
        (at, label): Labelled,
        id: NhlfeId,
        ask: &mut impl FnMut(Labelled) -> Belows,
    ) -> BTreeSet<Below> {
        let snapshot = self.network.snapshot(at.router);
        match snapshot.nhlfe(id) {
            None => BTreeSet::from([Below::End(End::Drop(at.router, DropReason::MplsNoLabel))]),
            Some(Nhlfe::PopLookup(pop)) => {
                BTreeSet::from([Below::Exposed { at, vrf: pop.vrf, bottom: pop.bottom, only: None }])
            }
            Some(Nhlfe::Pop(pop)) => match pop.egress {
                Some(vrf) => BTreeSet::from([Below::Way { at, next: pop.next, vrf }]),
                None => self.way(at.router, pop.next, self.vrf_of(at), ask),
            },
            Some(_) => {
                let ways = chains(snapshot, id, Some(label));
                ways.iter().flat_map(|chain| self.sent(at.router, chain, ask)).collect()
            }
        }
    }

    /// What the ways of an entry come to, for what has lost a label that stood for `vrf`.
    pub(super) fn way(
        self,
        router: usize,
        next: NhlfeId,
        vrf: VrfId,
        ask: &mut impl FnMut(Labelled) -> Belows,
    ) -> BTreeSet<Below> {
        let ways = chains(self.network.snapshot(router), next, None);
        let below = ways.iter().flat_map(|chain| self.sent(router, chain, ask));
        let here = |below| match below {
            Below::Local(router, None) => Below::Local(router, Some(vrf)),
            other => other,
        };
        below.map(here).collect()
    }

    /// What a router's way out comes to, the labels it put on followed to their ends.
    pub(super) fn sent(
        self,
        router: usize,
        chain: &Chain,
        ask: &mut impl FnMut(Labelled) -> Belows,
    ) -> BTreeSet<Below> {
        let left = self.leave(router, chain.last, !chain.labels.is_empty());
        chain.labels.iter().fold(left, |belows, label| self.through(belows, *label, ask))
    }

    /// What is below `label`, where that is on top of each of these.
    pub(super) fn through(
        self,
        belows: BTreeSet<Below>,
        label: u32,
        ask: &mut impl FnMut(Labelled) -> Belows,
    ) -> BTreeSet<Below> {
        let mut after = BTreeSet::new();
        for below in belows {
            match self.top(below, label) {
                Ok(at) => after.extend(ask((at, label)).iter().copied()),
                Err(ended) => drop(after.insert(ended)),
            }
        }
        after
    }

    /// Where a label below brings it: to a label at a place, or to an end.
    pub(super) fn labelled(self, below: Below) -> Result<Place, Below> {
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
            Below::Exposed { at, .. } | Below::Alert(at) => Ok(at),
            Below::Out { by, .. } => Err(Below::End(End::Unknown(by))),
            Below::Glean(place) => ended(place.router, DropReason::MplsNoLabel),
            Below::Local(router, _) => ended(router, DropReason::MplsNoLabel),
            Below::End(end) => Err(Below::End(end)),
        }
    }

    /// The place where `label` is looked up; or what it comes to without that. An entropy
    /// label goes with its indicator, also from below a label that must be the last
    /// (RFC 6790 section 4.2).
    fn top(self, below: Below, label: u32) -> Result<Place, Below> {
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

    fn vrf_of(self, at: Place) -> VrfId {
        self.network.interface(at).map_or(VrfId::NONE, |i| i.vrf)
    }

    /// What sending by a router's last entry comes to.
    fn leave(self, router: usize, last: Last, labelled: bool) -> BTreeSet<Below> {
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
    fn out(self, by: Place, labelled: bool, neighbour: Option<IpAddr>) -> BTreeSet<Below> {
        let ended = |router, reason| Below::End(End::Drop(router, reason));
        let interface = match self.network.interface(by) {
            Some(interface) if interface.enabled => interface,
            _ => return BTreeSet::from([ended(by.router, DropReason::InterfaceDown)]),
        };
        if labelled && !interface.mpls {
            return BTreeSet::from([ended(by.router, DropReason::MplsDisabled)]);
        }
        let Some(neighbour) = neighbour else {
            return BTreeSet::from([Below::Glean(by)]);
        };
        let refused = (!interface.mpls).then_some((by.router, DropReason::MplsDisabled));
        let takers = self.network.takers(by, neighbour);
        let arrive = |peer: &Peer| {
            let at = Place::new(peer.end.router, peer.taken_by);
            match self.network.interface(at) {
                None => ended(at.router, DropReason::VlanUnknown),
                Some(taker) if !taker.enabled => ended(at.router, DropReason::InterfaceDown),
                Some(_) => Below::Arrived { at, refused },
            }
        };
        let others = takers.others.then_some(Below::Out { by, refused });
        takers.known.iter().map(arrive).chain(others).collect()
    }

    /// Special-purpose labels (RFC 3032 section 2.1, RFC 4182).
    fn special(self, at: Place, label: u32) -> Below {
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
}
