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
use dataplane::table::{EcmpGroup, Nhlfe, Pop, Push, Snapshot, Swap, TunnelModel};
use std::sync::Arc;

use crate::config::{Discard, IMPLICIT_NULL};
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

/// One way of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Member {
    top: Top,
    on: Onward,
}

/// What a way does first to the label that packets came in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Top {
    /// Nothing: it is dealt with, or there is none.
    Keep,
    /// Puts another in its place.
    Swap(u32),
    /// Takes it off.
    Pop(TunnelModel),
}

/// Where a way goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Onward {
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
        if let Member { top: Top::Keep, on: Onward::Through(id) } = member {
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
        let mut below = |on| {
            let below = Member { top: Top::Keep, on };
            let next = self.join(below, snapshot);
            self.held.insert(id, vec![below]);
            next
        };
        match (member.top, member.on) {
            (Top::Swap(label), on) => Nhlfe::Swap(Swap { label, next: below(on) }),
            (Top::Pop(model), on) => Nhlfe::Pop(Pop { next: below(on), model, egress: None }),
            (Top::Keep, Onward::Forward(adjacency)) => Nhlfe::Forward(adjacency),
            (Top::Keep, Onward::Push(tunnel, adjacency)) => push(tunnel, below(Onward::Forward(adjacency))),
            // No labels at all: on to the other entry as it is.
            (Top::Keep, Onward::Through(next)) => push(Tunnel::default(), next),
            (Top::Keep, Onward::PushThrough(tunnel, next)) => push(tunnel, next),
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
                let ways = leaves.iter().filter_map(|l| member(l, at, ribs, names, snapshot)).collect();
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

fn member(leaf: &Leaf, at: TargetRef, ribs: &Ribs, names: &Names, snapshot: &mut Snapshot) -> Option<Member> {
    let on = match &leaf.way {
        Way::Neighbour { interface, address } => {
            let adjacency = snapshot.adjacency_for(*names.get(interface)?, *address);
            leaf.tunnel.map_or(Onward::Forward(adjacency), |t| Onward::Push(t, adjacency))
        }
        Way::Through(at) => {
            let next = ribs.target(*at).map(|t| t.nhlfe).filter(|n| n.is_some())?;
            leaf.tunnel.map_or(Onward::Through(next), |t| Onward::PushThrough(t, next))
        }
    };
    let top = match leaf.swap {
        None => Top::Keep,
        Some(IMPLICIT_NULL) => Top::Pop(ribs.get(at.vrf)?.model),
        Some(label) => Top::Swap(label),
    };
    Some(Member { top, on })
}

fn discarding(discard: Discard) -> Nhlfe {
    match discard {
        Discard::Blackhole => Nhlfe::Blackhole,
        Discard::Unreachable => Nhlfe::Unreachable,
        Discard::Prohibited => Nhlfe::Prohibited,
    }
}
