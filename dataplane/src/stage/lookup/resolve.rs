//! From an Nhlfe to an adjacency and the labels on the way, or to a reason why not.

use std::net::IpAddr;

use super::chain::Chain;
use super::quick::Quick;
use super::{STEPS, alert, deliver, destination_v4, destination_v6, too_long};
use crate::id::{AdjacencyId, IfIndex, NhlfeId};
use crate::packet::{DropReason, Flags, Frame, Layer3, PuntReason, StackEdit, Verdict};
use crate::table::{Interface, Nhlfe, Snapshot};
use crate::wire::mpls::LabelStackEntry;

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
    /// The entry it ends on.
    end: NhlfeId,
    /// Whether its chain does something to the label stack.
    labels: bool,
    adjacency: AdjacencyId,
    out: &'a Interface,
    resolved: bool,
}

/// The last way taken.
struct Last<'a> {
    /// The entry it starts on.
    first: NhlfeId,
    /// The entry behind that; `NONE` where the first one is all there is.
    second: NhlfeId,
    /// Whether it is that of labelled frames: others may not take it, since a swap
    /// means nothing to them.
    labelled: bool,
    way: Way<'a>,
}

/// Takes frames from their `meta.nhlfe` on. Remembers the last way, since most
/// frames of a batch go the same one.
pub(super) struct Resolver<'a> {
    snapshot: &'a Snapshot,
    /// None that a flow's hash chose.
    last: Option<Last<'a>>,
    /// The labels of that way.
    chain: Chain,
}

impl Last<'_> {
    /// Makes it the way from `first` on where that differs in its first labels only, as
    /// the many labels and prefixes do that share an LSP. Whether it is that now.
    #[inline]
    fn turns_to(&mut self, first: NhlfeId, chain: &mut Chain, snapshot: &Snapshot) -> bool {
        if self.first == first {
            return true;
        }
        let turned = match snapshot.nhlfe(first) {
            Some(Nhlfe::Swap(swap)) => swap.next == self.second && chain.swap_first(swap),
            Some(Nhlfe::Push(push)) => push.next == self.second && chain.push_first(push),
            _ => false,
        };
        if turned {
            self.first = first;
        }
        turned
    }
}

impl<'a> Resolver<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, last: None, chain: Chain::new() }
    }

    /// How frames of a batch that have all in common go the last way, where that is soon told.
    pub(super) fn quick(&self, layer3: Layer3) -> Quick {
        match &self.last {
            Some(last) if last.way.resolved && last.way.out.enabled => {
                let Way { end, adjacency, out, .. } = last.way;
                Quick::of(layer3, (last.first, last.second), (end, adjacency, out), &self.chain)
            }
            _ => Quick::None,
        }
    }

    /// The entry of an id.
    #[inline(always)]
    pub(super) fn entry(&self, id: NhlfeId) -> Option<&'a Nhlfe> {
        self.snapshot.nhlfe(id)
    }

    /// The labels of the way from `first` on, if that is the last way or differs from it in its
    /// first labels only.
    #[inline(never)]
    pub(super) fn labels_from(&mut self, first: NhlfeId) -> Option<&Chain> {
        let turns = self.last.as_mut()?.turns_to(first, &mut self.chain, self.snapshot);
        turns.then_some(&self.chain)
    }

    /// Gives a frame's verdict, and what is to be done to its label stack.
    #[inline]
    pub(super) fn resolve(&mut self, frame: &mut Frame, edit: &mut StackEdit) -> Verdict {
        if frame.meta().flags.0 & (Flags::LINK_LOCAL_DESTINATION.0 | Flags::DIRECTED.0) != 0 {
            return self.unusual(frame, edit);
        }
        self.go(frame, edit)
    }

    /// Link-local destinations, and frames that no table was asked about.
    #[inline(never)]
    fn unusual(&mut self, frame: &mut Frame, edit: &mut StackEdit) -> Verdict {
        if frame.meta().flags.has(Flags::LINK_LOCAL_DESTINATION)
            && let Some(verdict) = link_local(frame, self.snapshot)
        {
            return verdict;
        }
        let verdict = self.go(frame, edit);
        let meta = frame.meta_mut();
        // The label of the next router's tunnel stands for the Vrf that the way is in.
        if meta.flags.has(Flags::PENULTIMATE)
            && let Some(out) = self.snapshot.interface(meta.out_interface)
        {
            meta.vrf = out.vrf;
        }
        verdict
    }

    #[inline]
    fn go(&mut self, frame: &mut Frame, edit: &mut StackEdit) -> Verdict {
        let (first, labelled) = (frame.meta().nhlfe, frame.meta().layer3 == Layer3::Mpls);
        let Some(last) = &mut self.last else { return self.follow(frame, edit) };
        if last.labelled != labelled || !last.turns_to(first, &mut self.chain, self.snapshot) {
            return self.follow(frame, edit);
        }
        frame.meta_mut().nhlfe = last.way.end;
        if last.way.labels || labelled {
            return leave_labelled(frame, &last.way, &self.chain, edit);
        }
        leave(frame, &last.way)
    }

    fn follow(&mut self, frame: &mut Frame, edit: &mut StackEdit) -> Verdict {
        let first = frame.meta().nhlfe;
        // The walk writes over the last way's chain.
        self.last = None;
        self.chain.clear();
        let walk = walk(frame, &mut self.chain, self.snapshot);
        let labelled = frame.meta().layer3 == Layer3::Mpls;
        frame.meta_mut().nhlfe = walk.end;
        match walk.to {
            End::Adjacency(adjacency) => {
                let Some(way) = way(adjacency, self.snapshot) else {
                    return Verdict::Drop(DropReason::InterfaceDown);
                };
                let way = Way { end: walk.end, labels: !self.chain.is_empty(), ..way };
                if !walk.chosen {
                    self.last = Some(Last { first, second: walk.second, labelled, way });
                }
                if way.labels || labelled {
                    return leave_labelled(frame, &way, &self.chain, edit);
                }
                leave(frame, &way)
            }
            // Labels lead to a neighbour, or nowhere.
            End::Glean(_) | End::Local if labelled || !self.chain.is_empty() => {
                Verdict::Drop(DropReason::MplsNoLabel)
            }
            End::Glean(interface) => glean(frame, interface, self.snapshot),
            End::Local => deliver::local(frame, self.snapshot),
            End::Not(Verdict::Punt(PuntReason::NoRoute)) if labelled => {
                Verdict::Drop(DropReason::MplsNoLabel)
            }
            End::Not(verdict) => verdict,
        }
    }
}

/// The way by an adjacency; `None` when its interface is gone.
#[inline]
fn way(id: AdjacencyId, snapshot: &Snapshot) -> Option<Way<'_>> {
    let adjacency = snapshot.adjacency(id)?;
    let out = snapshot.interface(adjacency.interface)?;
    let resolved = adjacency.header().is_some();
    Some(Way { end: NhlfeId::NONE, labels: false, adjacency: id, out, resolved })
}

/// A walk along entries.
struct Walk {
    /// The entry behind the first; `NONE` where that is all there is.
    second: NhlfeId,
    /// The entry it ended on.
    end: NhlfeId,
    /// Where that leads.
    to: End,
    /// Whether the flow's hash chose the way.
    chosen: bool,
}

/// Walks from the frame's entry on; the labels on the way go into `chain`.
#[inline]
fn walk(frame: &mut Frame, chain: &mut Chain, snapshot: &Snapshot) -> Walk {
    let (mut chosen, mut end, mut second) = (false, frame.meta().nhlfe, NhlfeId::NONE);
    let labelled = frame.meta().layer3 == Layer3::Mpls;
    for _ in 0..STEPS {
        let to = match snapshot.nhlfe(end) {
            Some(Nhlfe::Forward(adjacency)) => End::Adjacency(*adjacency),
            Some(Nhlfe::Ecmp(group)) => {
                (end, chosen) = (group.select(frame.flow()), true);
                continue;
            }
            Some(Nhlfe::Push(push)) => {
                second = if chain.is_empty() { push.next } else { second };
                chain.push(push);
                end = push.next;
                continue;
            }
            Some(Nhlfe::Swap(swap)) if labelled || !chain.is_empty() => {
                second = if chain.is_empty() { swap.next } else { second };
                chain.swap(swap);
                end = swap.next;
                continue;
            }
            Some(Nhlfe::Glean(interface)) => End::Glean(*interface),
            Some(Nhlfe::Local) => End::Local,
            Some(Nhlfe::Blackhole) => End::Not(Verdict::Drop(DropReason::Blackhole)),
            Some(Nhlfe::Unreachable) => End::Not(Verdict::Punt(PuntReason::Unreachable)),
            Some(Nhlfe::Prohibited) => End::Not(Verdict::Punt(PuntReason::Prohibited)),
            // Of labelled frames only, whose labels are off by now.
            Some(Nhlfe::Swap(_) | Nhlfe::Pop(_) | Nhlfe::PopLookup(_)) => {
                End::Not(Verdict::Drop(DropReason::MplsNoLabel))
            }
            None => End::Not(Verdict::Punt(PuntReason::NoRoute)),
        };
        return Walk { second, end, to, chosen };
    }
    Walk { second, end, to: End::Not(Verdict::Drop(DropReason::LookupLoop)), chosen }
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
    // What a tunnel carried did not come from the link.
    let here = snapshot.interface(meta.in_interface).filter(|_| !meta.flags.has(Flags::EXPOSED));
    let own = here.zip(destination(frame)).is_some_and(|(i, d)| i.owns(d));
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
    let to = destination(frame);
    let known = to.and_then(|d| out.neighbours.get(&d).copied());
    let known = known.and_then(|id| way(id, snapshot));
    // Looked up in a Vrf that the subnet is not of: there the address is no route of its own.
    if known.is_none() && matches!(to, Some(IpAddr::V4(to)) if deliver::is_broadcast(&out.addresses, to)) {
        return Verdict::Drop(DropReason::Broadcast);
    }
    let unknown =
        Way { end: NhlfeId::NONE, labels: false, adjacency: AdjacencyId::NONE, out, resolved: false };
    leave(frame, &known.unwrap_or(unknown))
}

/// Everything that holds a frame back at its out-interface.
#[inline]
fn leave(frame: &mut Frame, way: &Way<'_>) -> Verdict {
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
        && let Some(verdict) = too_long::datagram(frame, way.out.mtu)
    {
        return verdict;
    }
    if way.resolved { Verdict::Forward } else { Verdict::Punt(PuntReason::NeighbourMiss) }
}

/// The same for what leaves with labels: the stack counts for the MTU.
#[inline]
fn leave_labelled(frame: &mut Frame, way: &Way<'_>, chain: &Chain, edit: &mut StackEdit) -> Verdict {
    let meta = frame.meta_mut();
    meta.out_interface = way.out.id;
    meta.adjacency = way.adjacency;
    meta.flags.set(Flags::STACK_EDIT);
    if !way.out.enabled {
        return Verdict::Drop(DropReason::InterfaceDown);
    }
    if !way.out.mpls {
        return Verdict::Drop(DropReason::MplsDisabled);
    }
    if chain.overflows() {
        return Verdict::Drop(DropReason::NoHeadroom);
    }
    if !meta.flags.has(Flags::ORIGINATED)
        && let Some(verdict) = deliver::transit(meta)
    {
        return verdict;
    }
    chain.fill(frame, way.out, edit);
    if alert::is_off(frame)
        && let Some(verdict) = alert::put_back(frame, edit)
    {
        return verdict;
    }
    let grown = LabelStackEntry::LEN * edit.len() - LabelStackEntry::LEN * usize::from(edit.off);
    if usize::from(frame.meta().l3_length) + grown > usize::from(way.out.mpls_mtu)
        && let Some(verdict) = too_long::labelled(frame, edit, way.out.mpls_mtu)
    {
        return verdict;
    }
    if way.resolved { Verdict::Forward } else { Verdict::Punt(PuntReason::NeighbourMiss) }
}
