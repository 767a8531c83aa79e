//! From an Nhlfe to an adjacency, or to a reason why not.

use std::net::IpAddr;

use super::{deliver, destination_v4, destination_v6};
use crate::id::{AdjacencyId, IfIndex, NhlfeId};
use crate::packet::{DropReason, Flags, Frame, Layer3, PuntReason, Verdict};
use crate::table::{Interface, Nhlfe, Snapshot};

/// Nhlfes walked for one frame before it is given up.
const STEPS: usize = 8;

/// Where an Nhlfe leads in the end.
enum End {
    Adjacency(AdjacencyId),
    Glean(IfIndex),
    Local,
    Not(Verdict),
}

/// A way out: an adjacency, its interface, and whether the neighbour is resolved.
#[derive(Clone, Copy)]
struct Way<'a> {
    adjacency: AdjacencyId,
    out: &'a Interface,
    resolved: bool,
}

/// Takes frames from their `meta.nhlfe` on. Remembers the last way, since most
/// frames of a batch go the same one.
pub(super) struct Resolver<'a> {
    snapshot: &'a Snapshot,
    last: Option<(NhlfeId, Way<'a>)>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, last: None }
    }

    /// Gives a frame's verdict.
    #[inline]
    pub(super) fn resolve(&mut self, frame: &mut Frame) -> Verdict {
        if frame.meta().flags.has(Flags::LINK_LOCAL_DESTINATION)
            && let Some(verdict) = link_local(frame, self.snapshot)
        {
            return verdict;
        }
        match self.last {
            Some((nhlfe, way)) if nhlfe == frame.meta().nhlfe => leave(frame, way),
            _ => self.follow(frame),
        }
    }

    fn follow(&mut self, frame: &mut Frame) -> Verdict {
        let meta = frame.meta_mut();
        let (id, end) = walk(meta.nhlfe, meta.flow_hash, self.snapshot);
        meta.nhlfe = id;
        match end {
            End::Adjacency(adjacency) => match way(adjacency, self.snapshot) {
                Some(way) => {
                    self.last = Some((id, way));
                    leave(frame, way)
                }
                None => Verdict::Drop(DropReason::InterfaceDown),
            },
            End::Glean(interface) => glean(frame, interface, self.snapshot),
            End::Local => deliver::local(frame, self.snapshot),
            End::Not(verdict) => verdict,
        }
    }
}

/// The way by an adjacency; `None` when its interface is gone.
#[inline]
fn way(id: AdjacencyId, snapshot: &Snapshot) -> Option<Way<'_>> {
    let adjacency = snapshot.adjacency(id)?;
    let out = snapshot.interface(adjacency.interface)?;
    Some(Way { adjacency: id, out, resolved: adjacency.header().is_some() })
}

/// The entry the walk ends on, and where that leads.
#[inline]
fn walk(first: NhlfeId, hash: u32, snapshot: &Snapshot) -> (NhlfeId, End) {
    let mut id = first;
    for _ in 0..STEPS {
        let end = match snapshot.nhlfe(id) {
            Some(Nhlfe::Forward(adjacency)) => End::Adjacency(*adjacency),
            Some(Nhlfe::Ecmp(group)) => {
                id = group.select(hash);
                continue;
            }
            Some(Nhlfe::Glean(interface)) => End::Glean(*interface),
            Some(Nhlfe::Local) => End::Local,
            Some(Nhlfe::Blackhole) => End::Not(Verdict::Drop(DropReason::Blackhole)),
            Some(Nhlfe::Unreachable) => End::Not(Verdict::Punt(PuntReason::Unreachable)),
            Some(Nhlfe::Prohibited) => End::Not(Verdict::Punt(PuntReason::Prohibited)),
            Some(Nhlfe::Push(_) | Nhlfe::Swap(_) | Nhlfe::Pop(_) | Nhlfe::PopLookup(_)) => {
                End::Not(Verdict::Drop(DropReason::MplsNoLabel))
            }
            None => End::Not(Verdict::Punt(PuntReason::NoRoute)),
        };
        return (id, end);
    }
    (id, End::Not(Verdict::Drop(DropReason::LookupLoop)))
}

/// To a link-local destination: to the router itself if the interface it came in
/// by has that address, else nowhere (RFC 4291 section 2.5.6, RFC 3927 section
/// 2.7). What the router made itself goes out by the interface it names.
#[cold]
fn link_local(frame: &mut Frame, snapshot: &Snapshot) -> Option<Verdict> {
    let meta = frame.meta();
    if meta.flags.has(Flags::ORIGINATED) {
        let out = meta.out_interface;
        return out.is_some().then(|| glean(frame, out, snapshot));
    }
    let own = snapshot.interface(meta.in_interface).zip(destination(frame)).is_some_and(|(i, d)| i.owns(d));
    Some(if own { Verdict::Punt(PuntReason::Local) } else { Verdict::Drop(DropReason::LinkLocal) })
}

/// The destination address.
pub(super) fn destination(frame: &Frame) -> Option<IpAddr> {
    match frame.meta().layer3 {
        Layer3::Ipv4 => destination_v4(frame).map(IpAddr::V4),
        Layer3::Ipv6 => destination_v6(frame).map(IpAddr::V6),
        _ => None,
    }
}

/// The destination is a neighbour on this interface, if it is known.
fn glean(frame: &mut Frame, interface: IfIndex, snapshot: &Snapshot) -> Verdict {
    let Some(out) = snapshot.interface(interface) else { return Verdict::Drop(DropReason::InterfaceDown) };
    let known = destination(frame).and_then(|d| out.neighbours.get(&d).copied());
    let known = known.and_then(|id| way(id, snapshot));
    leave(frame, known.unwrap_or(Way { adjacency: AdjacencyId::NONE, out, resolved: false }))
}

/// Everything that holds a frame back at its out-interface.
#[inline]
fn leave(frame: &mut Frame, way: Way<'_>) -> Verdict {
    let meta = frame.meta_mut();
    meta.out_interface = way.out.id;
    meta.adjacency = way.adjacency;
    if !way.out.enabled {
        return Verdict::Drop(DropReason::InterfaceDown);
    }
    if !meta.flags.has(Flags::ORIGINATED)
        && let Some(verdict) = deliver::transit(meta)
    {
        return verdict;
    }
    if meta.l3_length > way.out.mtu
        && let Some(verdict) = deliver::too_long(meta, way.out.mtu)
    {
        return verdict;
    }
    if way.resolved { Verdict::Forward } else { Verdict::Punt(PuntReason::NeighbourMiss) }
}
