//! What to do next with a packet (RFC 3031 section 3.10).

use std::sync::Arc;

use super::label::{Labels, TunnelModel};
use crate::id::{AdjacencyId, IfIndex, NhlfeId, VrfId};

/// What a prefix or an incoming label leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nhlfe {
    /// To this neighbour, unlabelled.
    Forward(AdjacencyId),
    /// The destination itself is the neighbour, on this connected subnet.
    Glean(IfIndex),
    /// The router itself.
    Local,
    /// One of several, chosen by the flow's hash.
    Ecmp(Arc<EcmpGroup>),
    /// Put labels on, and go on.
    Push(Push),
    /// Replace the top label, and go on. Of labelled frames only.
    Swap(Swap),
    /// Take the top label off, and go on with what is below. Of labelled frames only.
    Pop(Pop),
    /// Take the top label off and look up what is below. Of labelled frames only.
    PopLookup(PopLookup),
    /// Discard without a word.
    Blackhole,
    /// Discard; say unreachable (ICMP 3/1, ICMPv6 1/3).
    Unreachable,
    /// Discard; say prohibited (ICMP 3/13, ICMPv6 1/1).
    Prohibited,
}

/// Labels to put on. What several prefixes share of their way (the LSP to one
/// egress router) is an entry of its own, to which `next` leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Push {
    /// The labels.
    pub labels: Labels,
    /// Where the labelled packet goes: another `Push`, a group, an adjacency.
    pub next: NhlfeId,
    /// What the new labels take over from what they are put on.
    pub model: TunnelModel,
    /// Whether an entropy label, behind its indicator, goes below the outermost of
    /// the labels (RFC 6790 section 4.2).
    pub entropy: bool,
}

/// The label that replaces the top one; its traffic class stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swap {
    /// The new label, 16 to 1,048,575, or 0 or 2 (explicit null).
    pub label: u32,
    /// Where the packet goes then.
    pub next: NhlfeId,
}

/// The end of a tunnel whose contents have one way: the penultimate hop (RFC 3031
/// section 3.16), or a label for one customer edge or prefix (RFC 4364 section 4.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pop {
    /// Where what is below goes, labelled or not.
    pub next: NhlfeId,
    /// What the tunnel's contents take over from the label.
    pub model: TunnelModel,
    /// At the tunnel's egress (a label for one customer edge or prefix), the Vrf whose
    /// packets the label carries, wherever `next` leads; `None` at the hop before it.
    /// At the egress the label must be the bottom of the stack, and IP below loses a
    /// hop of its own in the pipe model too; the penultimate hop leaves that to the
    /// egress (RFC 3443 section 3.3).
    pub egress: Option<VrfId>,
}

/// The end of a tunnel whose contents are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PopLookup {
    /// The Vrf that an IP packet below is looked up in.
    pub vrf: VrfId,
    /// What the tunnel's contents take over from the label.
    pub model: TunnelModel,
    /// Whether the label must be the bottom of the stack, as a Vrf's must; if not,
    /// a label below is looked up in the Ilm.
    pub bottom: bool,
}

const _: () = assert!(size_of::<Option<Nhlfe>>() <= 40);

/// Equal-cost next hops behind a resilient table: flows map to slots, slots to
/// members, and a change of members moves only the slots it must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcmpGroup {
    members: Vec<NhlfeId>,
    slots: Box<[NhlfeId; EcmpGroup::SLOTS]>,
}

impl EcmpGroup {
    /// Slots of a group: with 16 members a member's part is exact to 7 %.
    pub const SLOTS: usize = 256;

    /// A group over `members`, each with an even part; `None` for no members
    /// or more than [`EcmpGroup::SLOTS`].
    pub fn new(members: &[NhlfeId]) -> Option<Self> {
        let first = *members.first()?;
        let group = Self { members: Vec::new(), slots: Box::new([first; Self::SLOTS]) };
        group.with_members(members)
    }

    /// The same group with other members: a slot whose member stays and has no
    /// more than its part keeps it, so only flows of removed members move, and
    /// of the others no more than a new member's part.
    pub fn with_members(&self, members: &[NhlfeId]) -> Option<Self> {
        if members.is_empty() || members.len() > Self::SLOTS {
            return None;
        }
        let (part, extra) = (Self::SLOTS / members.len(), Self::SLOTS % members.len());
        // The first `extra` members that ask for it take one slot more.
        let mut left_extra = extra;
        let mut held = vec![0usize; members.len()];
        let mut slots = self.slots.clone();
        let mut open = Vec::new();
        for (i, slot) in slots.iter().enumerate() {
            let keeps = members.iter().position(|m| m == slot).is_some_and(|m| {
                let may = held[m] < part || (held[m] == part && left_extra > 0);
                left_extra -= usize::from(may && held[m] == part);
                held[m] += usize::from(may);
                may
            });
            if !keeps {
                open.push(i);
            }
        }
        for i in open {
            // The member furthest below its part; ties go to the earlier one.
            let (m, _) = held.iter().enumerate().min_by_key(|(_, held)| **held)?;
            held[m] += 1;
            slots[i] = members[m];
        }
        Some(Self { members: members.to_vec(), slots })
    }

    /// The member for a flow with this hash.
    #[inline]
    pub fn select(&self, hash: u32) -> NhlfeId {
        self.slots[(hash >> 24) as usize]
    }

    /// Its members.
    pub fn members(&self) -> &[NhlfeId] {
        &self.members
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(range: std::ops::Range<u32>) -> Vec<NhlfeId> {
        range.map(NhlfeId).collect()
    }

    fn parts(group: &EcmpGroup) -> Vec<usize> {
        let count = |m: &NhlfeId| group.slots.iter().filter(|s| *s == m).count();
        group.members().iter().map(count).collect()
    }

    #[test]
    fn parts_are_even_for_every_size() {
        for n in 1..=64u32 {
            let group = EcmpGroup::new(&ids(0..n)).unwrap();
            let parts = parts(&group);
            let (min, max) = (parts.iter().min().unwrap(), parts.iter().max().unwrap());
            assert!(max - min <= 1, "{n} members: {parts:?}");
        }
        assert!(EcmpGroup::new(&[]).is_none());
    }

    #[test]
    fn removing_a_member_moves_only_its_slots() {
        for n in 2..=32u32 {
            let before = EcmpGroup::new(&ids(0..n)).unwrap();
            let after = before.with_members(&ids(1..n)).unwrap();
            for (a, b) in before.slots.iter().zip(after.slots.iter()) {
                assert!(a == b || *a == NhlfeId(0), "{n} members: a slot of {a} moved to {b}");
            }
            let parts = parts(&after);
            assert!(parts.iter().max().unwrap() - parts.iter().min().unwrap() <= 1);
        }
    }

    #[test]
    fn adding_a_member_takes_no_more_than_its_part() {
        for n in 1..=32u32 {
            let before = EcmpGroup::new(&ids(0..n)).unwrap();
            let after = before.with_members(&ids(0..n + 1)).unwrap();
            let moved = before.slots.iter().zip(after.slots.iter()).filter(|(a, b)| a != b);
            let (moved, part) = (moved.count(), EcmpGroup::SLOTS / (n as usize + 1) + 1);
            assert!(moved <= part, "{n} members: {moved} slots moved, a part is {part}");
        }
    }
}
