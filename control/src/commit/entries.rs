//! Nhlfes: which are in use, and by whom.
//!
//! Every next-hop set has one Nhlfe, which is edited in place: however many
//! prefixes use a set, a change of its neighbours is one write. What a set
//! leads through is an Nhlfe too: the members of an ECMP group and the neighbour
//! below a label, one for each, counted by use; and the entry of another set, to which
//! linked next hops lead. So a change of the way to an egress router is one write,
//! however many labelled routes go there.

use ahash::{AHashMap, AHashSet};
use dataplane::id::{AdjacencyId, IfIndex, NhlfeId};
use dataplane::table::{EcmpGroup, Nhlfe, Push, Snapshot};
use std::sync::Arc;

use crate::config::Discard;
use crate::rib::{Leaf, Resolved, Ribs, TargetRef, Tunnel, Way};

/// Interface names and their ids.
pub(super) type Names = AHashMap<Arc<str>, IfIndex>;

/// Which Nhlfes are in use, and by whom.
#[derive(Clone, Debug, Default)]
pub(super) struct Entries {
    next: u32,
    free: Vec<u32>,
    members: AHashMap<Member, (NhlfeId, u32)>,
    /// What an entry leads through, where it is counted.
    held: AHashMap<NhlfeId, Vec<Member>>,
}

/// What one way of a set is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Member {
    /// To a neighbour.
    Forward(AdjacencyId),
    /// To a neighbour, with labels.
    Push(Tunnel, AdjacencyId),
    /// Through another set's entry.
    Through(NhlfeId),
    /// Through another set's entry, with labels.
    PushThrough(Tunnel, NhlfeId),
}

impl Entries {
    /// Adjacencies that Nhlfes lead to.
    pub(super) fn adjacencies(&self, snapshot: &Snapshot) -> AHashSet<AdjacencyId> {
        let of = |(_, n): (usize, &Nhlfe)| if let Nhlfe::Forward(a) = n { Some(*a) } else { None };
        snapshot.nhlfes.iter().filter_map(of).collect()
    }

    /// An id that nothing uses yet.
    pub(super) fn take(&mut self) -> NhlfeId {
        NhlfeId(self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        }))
    }

    /// Takes an entry out, and what only it led through.
    pub(super) fn release(&mut self, id: NhlfeId, snapshot: &mut Snapshot) {
        let members = self.held.remove(&id).unwrap_or_default();
        self.leave(&members, snapshot);
        snapshot.nhlfes.remove(id.index());
        self.free.push(id.0);
    }

    /// The Nhlfe of a way, counted once more.
    fn join(&mut self, member: Member, snapshot: &mut Snapshot) -> NhlfeId {
        if let Member::Through(id) = member {
            return id;
        }
        if let Some((id, uses)) = self.members.get_mut(&member) {
            *uses += 1;
            return *id;
        }
        let id = self.take();
        self.members.insert(member, (id, 1));
        let value = self.value(id, member, snapshot);
        snapshot.nhlfes.set(id.index(), value);
        id
    }

    fn leave(&mut self, members: &[Member], snapshot: &mut Snapshot) {
        for member in members {
            let Some((id, uses)) = self.members.get_mut(member) else { continue };
            *uses -= 1;
            if *uses == 0 {
                let id = *id;
                self.members.remove(member);
                self.release(id, snapshot);
            }
        }
    }

    /// What an entry with this one way is; it holds what it leads through.
    fn value(&mut self, id: NhlfeId, member: Member, snapshot: &mut Snapshot) -> Nhlfe {
        match member {
            Member::Forward(adjacency) => Nhlfe::Forward(adjacency),
            Member::Push(tunnel, adjacency) => {
                let below = Member::Forward(adjacency);
                let next = self.join(below, snapshot);
                self.held.insert(id, vec![below]);
                push(tunnel, next)
            }
            // No labels at all: on to the other entry as it is.
            Member::Through(next) => push(Tunnel::default(), next),
            Member::PushThrough(tunnel, next) => push(tunnel, next),
        }
    }

    /// Makes the Nhlfe of a next-hop set what the set comes to. Sets that it goes
    /// through have an id already.
    pub(super) fn realise(&mut self, ribs: &mut Ribs, at: TargetRef, names: &Names, snapshot: &mut Snapshot) {
        let Some(set) = ribs.target(at) else { return };
        let parent = set.parent.map(|id| TargetRef { id, ..at });
        let (id, parent) = (set.nhlfe, parent.and_then(|p| ribs.target(p)).map(|p| p.nhlfe));
        if !id.is_some() {
            return;
        }
        let Ok(outcome) = set.outcome.clone() else { return };
        let held = self.held.remove(&id).unwrap_or_default();
        let value = match outcome {
            Resolved::Glean(name) => Nhlfe::Glean(names.get(&name).copied().unwrap_or_default()),
            Resolved::Local => Nhlfe::Local,
            Resolved::Discard(discard) => discarding(discard),
            Resolved::Forward(leaves) => {
                let ways = leaves.iter().filter_map(|l| member(l, ribs, names, snapshot)).collect();
                self.forwarding(id, parent, ways, snapshot)
            }
            Resolved::Imported(_) => return,
        };
        if snapshot.nhlfe(id) != Some(&value) {
            snapshot.nhlfes.set(id.index(), value);
        }
        self.leave(&held, snapshot);
    }

    fn forwarding(
        &mut self,
        id: NhlfeId,
        parent: Option<NhlfeId>,
        ways: Vec<Member>,
        snapshot: &mut Snapshot,
    ) -> Nhlfe {
        if let [one] = ways.as_slice() {
            return self.value(id, *one, snapshot);
        }
        let members: Vec<_> = ways.iter().map(|way| self.join(*way, snapshot)).collect();
        self.held.insert(id, ways);
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

fn push(tunnel: Tunnel, next: NhlfeId) -> Nhlfe {
    let Tunnel { labels, model, entropy } = tunnel;
    Nhlfe::Push(Push { labels, next, model, entropy })
}

fn member(leaf: &Leaf, ribs: &Ribs, names: &Names, snapshot: &mut Snapshot) -> Option<Member> {
    match &leaf.way {
        Way::Neighbour { interface, address } => {
            let adjacency = snapshot.adjacency_for(*names.get(interface)?, *address);
            Some(leaf.tunnel.map_or(Member::Forward(adjacency), |t| Member::Push(t, adjacency)))
        }
        Way::Through(at) => {
            let next = ribs.target(*at).map(|t| t.nhlfe).filter(|n| n.is_some())?;
            Some(leaf.tunnel.map_or(Member::Through(next), |t| Member::PushThrough(t, next)))
        }
    }
}

fn discarding(discard: Discard) -> Nhlfe {
    match discard {
        Discard::Blackhole => Nhlfe::Blackhole,
        Discard::Unreachable => Nhlfe::Unreachable,
        Discard::Prohibited => Nhlfe::Prohibited,
    }
}
