//! The ways a packet can go on from an entry, and the labels it has then (RFC 8029
//! section 3.4.2).

use std::net::IpAddr;

use crate::id::{AdjacencyId, NhlfeId};
use crate::table::{Interface, Nhlfe, Snapshot};
use crate::wire::lsp_ping::{Link, MappedLabel, Mapping, ReturnCode};
use crate::wire::mpls::{LabelStackEntry, label};

/// Entries looked at, over all ways.
const STEPS: usize = 128;
/// Ways given.
const WAYS: usize = 16;
/// Labels here are configured (RFC 8029 section 3.4.1.2).
const STATIC: u8 = 1;

/// One way on.
#[derive(Clone, Debug)]
pub(super) struct Downstream<'a> {
    pub(super) out: &'a Interface,
    pub(super) neighbour: IpAddr,
    /// Outermost first; where a label was taken off, implicit null in its place.
    pub(super) labels: Vec<u32>,
}

impl Downstream<'_> {
    /// The labels that are really put on.
    pub(super) fn stack(&self) -> Vec<u32> {
        self.labels.iter().copied().filter(|label| *label != label::IMPLICIT_NULL).collect()
    }

    /// The mapping that tells of it, its traffic class `tc`.
    pub(super) fn mapping(&self, tc: u8, wants_arrival: bool) -> Mapping {
        let last = self.labels.len().saturating_sub(1);
        let entry = |(i, label): (usize, &u32)| LabelStackEntry::new(*label, tc, i == last, 0);
        let labels = self.labels.iter().enumerate().map(entry);
        Mapping {
            mtu: self.out.mpls_mtu,
            wants_arrival,
            link: Link::Numbered(self.neighbour, self.neighbour),
            code: ReturnCode::NONE,
            subcode: 0,
            labels: labels.map(|entry| MappedLabel { entry, protocol: STATIC }).collect(),
        }
    }
}

/// The ways that a packet with these labels, outermost first, goes from the entry
/// `id`; each different way once.
pub(super) fn ways(id: NhlfeId, labels: Vec<u32>, snapshot: &Snapshot) -> Vec<Downstream<'_>> {
    let (mut open, mut found) = (vec![(id, labels)], Vec::<Downstream<'_>>::new());
    for _ in 0..STEPS {
        let Some((id, mut labels)) = open.pop() else { break };
        let next = match snapshot.nhlfe(id) {
            Some(Nhlfe::Forward(adjacency)) => {
                let same = |way: &Downstream<'_>, a: &Downstream<'_>| {
                    (way.out.id, way.neighbour, &way.labels) == (a.out.id, a.neighbour, &a.labels)
                };
                let way = end(*adjacency, labels, snapshot);
                found.extend(way.filter(|way| found.len() < WAYS && !found.iter().any(|f| same(f, way))));
                continue;
            }
            Some(Nhlfe::Ecmp(group)) => {
                // In their order: the last one pushed is the first looked at.
                open.extend(group.members().iter().rev().take(WAYS).map(|member| (*member, labels.clone())));
                continue;
            }
            Some(Nhlfe::Push(push)) => {
                labels.splice(0..0, push.labels.iter());
                push.next
            }
            Some(Nhlfe::Swap(swap)) => {
                labels.splice(..labels.len().min(1), [swap.label]);
                swap.next
            }
            Some(Nhlfe::Pop(pop)) => {
                labels.splice(..labels.len().min(1), [label::IMPLICIT_NULL]);
                pop.next
            }
            _ => continue,
        };
        open.push((next, labels));
    }
    found
}

fn end(id: AdjacencyId, labels: Vec<u32>, snapshot: &Snapshot) -> Option<Downstream<'_>> {
    let adjacency = snapshot.adjacency(id)?;
    let out = snapshot.interface(adjacency.interface)?;
    Some(Downstream { out, neighbour: adjacency.neighbour, labels })
}
