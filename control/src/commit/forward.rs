//! Next-hop sets → Nhlfes, best routes → Fibs.
//!
//! Every next-hop set has one Nhlfe, which is edited in place: however many
//! prefixes use a set, a change of its neighbours is one write. The members of
//! ECMP groups are Nhlfes too, one per adjacency, counted by use.

use ahash::{AHashMap, AHashSet};
use dataplane::id::{AdjacencyId, IfIndex, NhlfeId, VrfId};
use dataplane::table::{EcmpGroup, Nhlfe, Snapshot};
use ipnet::IpNet;
use std::sync::Arc;

use super::State;
use crate::config::Discard;
use crate::rib::{Leaf, Resolved, Rib, TargetId};

/// Which Nhlfes are in use, and by whom.
#[derive(Debug, Default)]
pub(super) struct Entries {
    next: u32,
    free: Vec<u32>,
    members: AHashMap<AdjacencyId, (NhlfeId, u32)>,
    groups: AHashMap<NhlfeId, Vec<AdjacencyId>>,
}

impl State {
    /// Resolves everything anew and brings every Fib up to date.
    pub(super) fn forward_all(&mut self, snapshot: &mut Snapshot) {
        for (id, rib) in &mut self.ribs {
            rib.unsettle();
            forward(VrfId(*id), rib, &self.interfaces, &mut self.entries, snapshot);
        }
    }

    /// Brings forwarding up to date with what was edited in one Vrf.
    pub(super) fn forward_one(&mut self, vrf: VrfId, snapshot: &mut Snapshot) {
        if let Some(rib) = self.ribs.get_mut(&vrf.0) {
            forward(vrf, rib, &self.interfaces, &mut self.entries, snapshot);
        }
    }
}

fn forward(
    vrf: VrfId,
    rib: &mut Rib,
    names: &AHashMap<Arc<str>, IfIndex>,
    entries: &mut Entries,
    snapshot: &mut Snapshot,
) {
    let settled = rib.settle();
    for target in settled.targets {
        entries.realise(rib, target, names, snapshot);
    }
    if !settled.prefixes.is_empty()
        && let Some(tables) = snapshot.vrfs.get_mut(vrf.index())
    {
        for prefix in settled.prefixes {
            let best = rib.best(prefix).and_then(|c| rib.target(c.target)).map(|t| t.nhlfe);
            match (prefix, best.filter(|n| n.is_some())) {
                (IpNet::V4(p), Some(n)) if tables.fib4.get(p) != Some(n) => drop(tables.fib4.insert(p, n)),
                (IpNet::V6(p), Some(n)) if tables.fib6.get(p) != Some(n) => drop(tables.fib6.insert(p, n)),
                (IpNet::V4(p), None) => drop(tables.fib4.remove(p)),
                (IpNet::V6(p), None) => drop(tables.fib6.remove(p)),
                _ => {}
            }
        }
    }
    for nhlfe in rib.sweep() {
        entries.release(nhlfe, snapshot);
    }
}

impl Entries {
    /// Adjacencies that Nhlfes lead to.
    pub(super) fn adjacencies(&self, snapshot: &Snapshot) -> AHashSet<AdjacencyId> {
        let of = |(_, n): (usize, &Nhlfe)| if let Nhlfe::Forward(a) = n { Some(*a) } else { None };
        snapshot.nhlfes.iter().filter_map(of).collect()
    }

    /// Gives back every entry of a Rib that is gone.
    pub(super) fn forget(&mut self, rib: &Rib, snapshot: &mut Snapshot) {
        for (_, target) in rib.targets().filter(|(_, t)| t.nhlfe.is_some()) {
            self.release(target.nhlfe, snapshot);
        }
    }

    fn take(&mut self) -> NhlfeId {
        NhlfeId(self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        }))
    }

    fn give_back(&mut self, id: NhlfeId, snapshot: &mut Snapshot) {
        snapshot.nhlfes.remove(id.index());
        self.free.push(id.0);
    }

    fn release(&mut self, id: NhlfeId, snapshot: &mut Snapshot) {
        let members = self.groups.remove(&id).unwrap_or_default();
        self.leave(&members, snapshot);
        self.give_back(id, snapshot);
    }

    /// The Nhlfe of a group's member, counted once more.
    fn join(&mut self, adjacency: AdjacencyId, snapshot: &mut Snapshot) -> NhlfeId {
        if let Some((id, uses)) = self.members.get_mut(&adjacency) {
            *uses += 1;
            return *id;
        }
        let id = self.take();
        snapshot.nhlfes.set(id.index(), Nhlfe::Forward(adjacency));
        self.members.insert(adjacency, (id, 1));
        id
    }

    fn leave(&mut self, adjacencies: &[AdjacencyId], snapshot: &mut Snapshot) {
        for adjacency in adjacencies {
            let Some((id, uses)) = self.members.get_mut(adjacency) else { continue };
            *uses -= 1;
            if *uses == 0 {
                let id = *id;
                self.members.remove(adjacency);
                self.give_back(id, snapshot);
            }
        }
    }

    /// Makes the Nhlfe of a next-hop set what the set comes to.
    fn realise(
        &mut self,
        rib: &mut Rib,
        target: TargetId,
        names: &AHashMap<Arc<str>, IfIndex>,
        snapshot: &mut Snapshot,
    ) {
        let Some(set) = rib.target(target) else { return };
        let (now, parent) = (set.nhlfe, set.parent.and_then(|p| rib.target(p)).map(|p| p.nhlfe));
        let Ok(outcome) = set.outcome.clone() else {
            if now.is_some() {
                self.release(now, snapshot);
            }
            return set_nhlfe(rib, target, NhlfeId::NONE);
        };
        let id = if now.is_some() { now } else { self.take() };
        let held = self.groups.remove(&id).unwrap_or_default();
        let value = match outcome {
            Resolved::Glean(name) => Nhlfe::Glean(names.get(&name).copied().unwrap_or_default()),
            Resolved::Local => Nhlfe::Local,
            Resolved::Discard(discard) => discarding(discard),
            Resolved::Forward(leaves) => self.forwarding(id, parent, &leaves, names, snapshot),
        };
        if snapshot.nhlfe(id) != Some(&value) {
            snapshot.nhlfes.set(id.index(), value);
        }
        self.leave(&held, snapshot);
        set_nhlfe(rib, target, id);
    }

    fn forwarding(
        &mut self,
        id: NhlfeId,
        parent: Option<NhlfeId>,
        leaves: &[Leaf],
        names: &AHashMap<Arc<str>, IfIndex>,
        snapshot: &mut Snapshot,
    ) -> Nhlfe {
        let known = leaves.iter().filter_map(|l| Some((*names.get(&l.interface)?, l.address)));
        let adjacencies: Vec<_> =
            known.map(|(interface, to)| snapshot.adjacency_for(interface, to)).collect();
        if let [one] = adjacencies.as_slice() {
            return Nhlfe::Forward(*one);
        }
        let members: Vec<_> = adjacencies.iter().map(|a| self.join(*a, snapshot)).collect();
        self.groups.insert(id, adjacencies);
        let group = |id| match snapshot.nhlfe(id) {
            Some(Nhlfe::Ecmp(group)) => Some(group.clone()),
            _ => None,
        };
        // Flows stay where they are as far as the members do.
        let grown = match group(id).or_else(|| group(parent?)) {
            Some(old) if old.members() == members => Some(old),
            Some(old) => old.with_members(&members).map(Arc::new),
            None => EcmpGroup::new(&members).map(Arc::new),
        };
        grown.map_or(Nhlfe::Unreachable, Nhlfe::Ecmp)
    }
}

fn set_nhlfe(rib: &mut Rib, target: TargetId, nhlfe: NhlfeId) {
    if let Some(target) = rib.target_mut(target) {
        (target.nhlfe, target.parent) = (nhlfe, None);
    }
}

fn discarding(discard: Discard) -> Nhlfe {
    match discard {
        Discard::Blackhole => Nhlfe::Blackhole,
        Discard::Unreachable => Nhlfe::Unreachable,
        Discard::Prohibited => Nhlfe::Prohibited,
    }
}
