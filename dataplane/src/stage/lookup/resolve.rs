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

/// Takes a frame from `meta.nhlfe` on; gives its verdict.
#[inline]
pub(super) fn resolve(frame: &mut Frame, snapshot: &Snapshot) -> Verdict {
    if frame.meta().flags.has(Flags::LINK_LOCAL_DESTINATION)
        && let Some(verdict) = link_local(frame, snapshot)
    {
        return verdict;
    }
    let meta = frame.meta();
    let (id, end) = walk(meta.nhlfe, meta.flow_hash, snapshot);
    frame.meta_mut().nhlfe = id;
    match end {
        End::Adjacency(adjacency) => to_adjacency(frame, adjacency, snapshot),
        End::Glean(interface) => glean(frame, interface, snapshot),
        End::Local => deliver::local(frame, snapshot),
        End::Not(verdict) => verdict,
    }
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
    leave(frame, out, known.unwrap_or_default(), snapshot)
}

#[inline]
fn to_adjacency(frame: &mut Frame, adjacency: AdjacencyId, snapshot: &Snapshot) -> Verdict {
    let known = snapshot.adjacency(adjacency);
    let out = known.and_then(|a| snapshot.interface(a.interface));
    match out {
        Some(out) => leave(frame, out, adjacency, snapshot),
        None => Verdict::Drop(DropReason::InterfaceDown),
    }
}

/// Everything that holds a frame back at its out-interface.
#[inline]
fn leave(frame: &mut Frame, out: &Interface, adjacency: AdjacencyId, snapshot: &Snapshot) -> Verdict {
    let meta = frame.meta_mut();
    meta.out_interface = out.id;
    meta.adjacency = adjacency;
    if !out.enabled {
        return Verdict::Drop(DropReason::InterfaceDown);
    }
    if !meta.flags.has(Flags::ORIGINATED)
        && let Some(verdict) = deliver::transit(meta)
    {
        return verdict;
    }
    if meta.l3_length > out.mtu
        && let Some(verdict) = deliver::too_long(meta, out.mtu)
    {
        return verdict;
    }
    match snapshot.adjacency(adjacency).and_then(|a| a.header()) {
        Some(_) => Verdict::Forward,
        None => Verdict::Punt(PuntReason::NeighbourMiss),
    }
}
