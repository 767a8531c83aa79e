//! Where a label ends: every router that takes it off, and what becomes of what
//! is below. What that is does not matter to a label, so each label of each router
//! is followed once.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use ahash::AHashMap;
use dataplane::id::{NhlfeId, VrfId};
use dataplane::packet::DropReason;
use dataplane::wire::mpls::label::ENTROPY_INDICATOR;

use super::chain::{ENTROPY, chains};
use super::end::{Below, End, Onward};
use super::follow::follow;
use super::network::{Network, Place};
use super::rings::{components, is_ring};
use super::switch::{Belows, Labelled, Switch};

/// What an entry comes to for IPv4, and for IPv6.
type BothFamilies = [Rc<[Onward]>; 2];

/// All labels of a network.
#[derive(Debug)]
pub(super) struct Tunnels<'n> {
    network: &'n Network<'n>,
    switch: Switch<'n>,
    /// What has been followed, with all that it needed: no more can be learnt of it.
    known: AHashMap<Labelled, Belows>,
    /// What each entry comes to for an IP packet, by router and entry.
    onward: Vec<Vec<Option<BothFamilies>>>,
}

impl<'n> Tunnels<'n> {
    pub(super) fn new(network: &'n Network<'n>) -> Self {
        let onward = network.routers.iter().map(|r| vec![None; r.snapshot.nhlfes.capacity()]).collect();
        Self { network, switch: Switch { network }, known: AHashMap::new(), onward }
    }

    /// What an entry of a router comes to for an IP packet; `v6` says which family.
    pub(super) fn onward(&mut self, router: usize, nhlfe: NhlfeId, v6: bool) -> Rc<[Onward]> {
        let known = self.onward.get(router).and_then(|of| of.get(nhlfe.index()));
        if let Some(Some(known)) = known {
            return known[usize::from(v6)].clone();
        }
        let mut belows = BTreeSet::new();
        for chain in chains(self.network.snapshot(router), nhlfe, None) {
            belows.extend(self.switch.sent(router, &chain, &mut |label| self.ask(label)));
        }
        let both = [false, true].map(|v6| self.contents(&belows, v6).into_iter().collect::<Rc<[_]>>());
        let found = both[usize::from(v6)].clone();
        if let Some(slot) = self.onward.get_mut(router).and_then(|of| of.get_mut(nhlfe.index())) {
            *slot = Some(both);
        }
        found
    }

    /// What an IP packet below comes to. Labels that stand for one way are followed on it;
    /// a ring of such ways is a loop.
    pub(super) fn contents<'b>(
        &mut self,
        belows: impl IntoIterator<Item = &'b Below>,
        v6: bool,
    ) -> BTreeSet<Onward> {
        let mut reached: BTreeSet<Below> = belows.into_iter().copied().collect();
        let (mut open, mut ways): (Vec<Below>, _) = (reached.iter().copied().collect(), Vec::new());
        while let Some(below) = open.pop() {
            if let Below::Way { at, next, vrf } = below {
                let after = self.switch.way(at.router, next, vrf, &mut |label| self.ask(label));
                open.extend(after.iter().filter(|below| reached.insert(**below)));
                ways.push((at.router, below, after));
            }
        }
        reached.iter().filter_map(|below| self.content(*below, v6)).chain(rings(&ways)).collect()
    }

    /// What a packet comes to that is given a place to look its destination up in; `None`
    /// where a label stood for the way.
    fn content(&self, below: Below, v6: bool) -> Option<Onward> {
        let lookup = |router, vrf| match self.network.node(router, vrf) {
            Some(node) => Onward::Lookup(node),
            None => Onward::End(End::Drop(router, DropReason::NoRoute)),
        };
        Some(match below {
            Below::Arrived { at, .. } => {
                lookup(at.router, self.network.interface(at).map_or(VrfId::NONE, |i| i.vrf))
            }
            Below::Exposed { at, only: Some(only), .. } if only != v6 => {
                Onward::End(End::Drop(at.router, DropReason::MplsPayload))
            }
            Below::Exposed { at, vrf, .. } => lookup(at.router, vrf),
            Below::Way { .. } => return None,
            Below::Alert(at) => Onward::End(End::Drop(at.router, DropReason::MplsMalformed)),
            Below::Out { by, .. } => Onward::End(End::Edge(by)),
            Below::Glean(place) => Onward::Glean(place),
            Below::Local(router, vrf) => Onward::Local(vrf.and_then(|vrf| self.network.node(router, vrf))),
            Below::End(end) => Onward::End(end),
        })
    }

    /// Where a label below brings it: to a label at a place, or to an end.
    pub(super) fn labelled(&self, below: Below) -> Result<Place, Below> {
        self.switch.labelled(below)
    }

    /// What is below all of these labels, outermost first, of a packet that arrives at a place.
    pub(super) fn stack(&mut self, at: Place, labels: &[u32]) -> BTreeSet<Below> {
        let arrived = BTreeSet::from([Below::Arrived { at, refused: None }]);
        let (mut belows, mut rest) = (arrived, labels);
        while let Some((label, below)) = rest.split_first() {
            // An entropy label goes with the indicator before it.
            let entropy = *label == ENTROPY_INDICATOR && !below.is_empty();
            let label = if entropy { ENTROPY } else { *label };
            belows = self.switch.through(belows, label, &mut |label| self.ask(label));
            rest = below.get(usize::from(entropy)..).unwrap_or_default();
        }
        belows
    }

    /// Everywhere that `label`, arriving at a place, is taken off.
    pub(super) fn tunnel(&mut self, at: Place, label: u32) -> Belows {
        self.ask((at, label))
    }

    fn ask(&mut self, label: Labelled) -> Belows {
        if let Some(known) = self.known.get(&label) {
            return known.clone();
        }
        let found = follow(self.switch, &self.known, label);
        self.known.extend(found);
        self.known.get(&label).cloned().unwrap_or_default()
    }
}

/// The loops that ways make which lead to each other: of each, its router, the way itself,
/// and what that comes to.
fn rings(ways: &[(usize, Below, BTreeSet<Below>)]) -> Vec<Onward> {
    let index: BTreeMap<Below, usize> = ways.iter().enumerate().map(|(n, (_, way, _))| (*way, n)).collect();
    let leads = |after: &BTreeSet<Below>| after.iter().filter_map(|b| index.get(b).copied()).collect();
    let edges: Vec<Vec<usize>> = ways.iter().map(|(.., after)| leads(after)).collect();
    let rings = components(&edges).into_iter().filter(|component| is_ring(component, &edges));
    let routers = rings.filter_map(|ring| ring.iter().map(|n| ways[*n].0).min());
    routers.map(|router| Onward::End(End::Loop(router))).collect()
}
