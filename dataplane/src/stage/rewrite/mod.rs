//! The only stage that edits: TTL, DSCP, options that want the router's mark, padding,
//! labels, and the layer-2 header.

mod labels;
mod link;
mod options;

use crate::id::AdjacencyId;
use crate::packet::{Batch, DropReason, Flags, Frame, Layer3, StackEdit, StackEdits, Verdict, Way};
use crate::table::{Adjacency, Snapshot};
use crate::wire::ethernet::ether_type;
use crate::wire::ipv4::Ipv4Header;
use crate::wire::ipv6::Ipv6Header;
use crate::wire::{checksum, ecn};
use link::Link;

/// Makes the live frames ready for their out-interface, those that leave labelled by `edits`.
pub fn run(batch: &mut Batch, snapshot: &Snapshot, edits: &StackEdits) {
    let mut last: Option<Link<'_>> = None;
    let mut of = AdjacencyId::NONE;
    if let Some((alike, way)) = batch.alike().and_then(|alike| Some((alike, alike.way?))) {
        let still = together(batch, alike.layer3, way, snapshot, edits);
        return batch.set_alike(still.then_some(alike));
    }
    for (frame, edit) in batch.frames_mut().iter_mut().zip(edits.all()) {
        let meta = frame.meta();
        if meta.verdict != Verdict::Forward {
            continue;
        }
        if of != meta.adjacency {
            of = meta.adjacency;
            last = Link::to(of, snapshot);
        }
        let verdict = match &last {
            Some(link) if link.rewrite(frame, edit) => continue,
            Some(link) => rewrite(frame, link.adjacency, snapshot, Some(edit)),
            None => Verdict::Drop(DropReason::NeighbourUnresolved),
        };
        frame.meta_mut().verdict = verdict;
    }
}

/// The same for frames that have all in common, their way too; whether all of them are forwarded.
fn together(batch: &mut Batch, layer3: Layer3, way: Way, snapshot: &Snapshot, edits: &StackEdits) -> bool {
    let Some(link) = Link::to(way.adjacency, snapshot) else {
        let all = batch.frames_mut().iter_mut();
        all.for_each(|frame| {
            frame.meta_mut().verdict = Verdict::Drop(DropReason::NeighbourUnresolved);
        });
        return false;
    };
    let frames = batch.frames_mut().iter_mut().zip(edits.all());
    let mut left = Left { link: &link, snapshot, all: true };
    match (way.labels, layer3) {
        ((0, 0), Layer3::Ipv4) => {
            frames.for_each(|(f, e)| left.check(link.datagram(f, Layer3::Ipv4), f, e));
        }
        ((0, 0), Layer3::Ipv6) => {
            frames.for_each(|(f, e)| left.check(link.datagram(f, Layer3::Ipv6), f, e));
        }
        ((1, 1), Layer3::Mpls) => frames.for_each(|(f, e)| left.check(link.swapped(f, e), f, e)),
        ((0, 1), Layer3::Ipv4) => {
            frames.for_each(|(f, e)| left.check(link.labels::<1>(f, Layer3::Ipv4, e), f, e));
        }
        ((0, 2), Layer3::Ipv4) => {
            frames.for_each(|(f, e)| left.check(link.labels::<2>(f, Layer3::Ipv4, e), f, e));
        }
        _ => frames.for_each(|(f, e)| left.check(link.labelled(f, e), f, e)),
    }
    left.all
}

/// What the quick way leaves to the rest.
struct Left<'a> {
    link: &'a Link<'a>,
    snapshot: &'a Snapshot,
    /// Whether all are still forwarded.
    all: bool,
}

impl Left<'_> {
    #[inline(always)]
    fn check(&mut self, done: Option<()>, frame: &mut Frame, edit: &StackEdit) {
        if done.is_none() {
            let verdict = rewrite(frame, self.link.adjacency, self.snapshot, Some(edit));
            frame.meta_mut().verdict = verdict;
            self.all &= verdict == Verdict::Forward;
        }
    }
}

#[inline(never)]
fn rewrite(
    frame: &mut Frame,
    adjacency: &Adjacency,
    snapshot: &Snapshot,
    edit: Option<&StackEdit>,
) -> Verdict {
    let Some(link) = adjacency.header() else { return Verdict::Drop(DropReason::NeighbourUnresolved) };
    if let Some(edit) = edit.filter(|_| frame.meta().flags.has(Flags::STACK_EDIT)) {
        return labels::rewrite(frame, link, edit, snapshot);
    }
    let kind = match frame.meta().layer3 {
        Layer3::Ipv4 => ether_type::IPV4,
        Layer3::Ipv6 => ether_type::IPV6,
        _ => return Verdict::Drop(DropReason::EtherTypeUnknown),
    };
    if !datagram(frame, snapshot) {
        return Verdict::Drop(DropReason::Ipv4Options);
    }
    let pcp = priority(frame, link, snapshot);
    match relink(frame, link, kind, pcp) {
        Some(()) => Verdict::Forward,
        None => Verdict::Drop(DropReason::NoHeadroom),
    }
}

/// TTL, mark and options of the IP packet; `false` when an option has no room left.
#[inline(always)]
fn datagram(frame: &mut Frame, snapshot: &Snapshot) -> bool {
    let meta = frame.meta();
    let (layer3, flags) = (meta.layer3, meta.flags);
    let originated = flags.has(Flags::ORIGINATED);
    if !originated {
        let ttl = meta.ttl.saturating_sub(u8::from(!flags.has(Flags::KEEP_TTL)));
        hop(frame.l3_mut(), layer3, ttl);
    }
    if flags.0 & (Flags::REMARK.0 | Flags::CONGESTED.0) != 0 {
        remark(frame);
    }
    let marks = layer3 == Layer3::Ipv4 && flags.has(Flags::OPTIONS) && !originated;
    !marks || options::mark(frame, snapshot)
}

/// Writes the TTL: one hop less (RFC 1812 section 5.3.1, RFC 8200 section 3) than meta
/// says, which a label above may have lowered; none less where the next router sees
/// to it (RFC 3443 section 3.3).
#[inline]
fn hop(l3: &mut [u8], layer3: Layer3, ttl: u8) {
    if layer3 == Layer3::Ipv6 {
        if let Ok((header, _)) = Ipv6Header::parse_mut(l3) {
            header.hop_limit = ttl;
        }
    } else if let Ok((header, _)) = Ipv4Header::parse_mut(l3) {
        let word = |ttl: u8, protocol: u8| u16::from_be_bytes([ttl, protocol]);
        let old = word(header.ttl, header.protocol);
        header.ttl = ttl;
        let new = word(header.ttl, header.protocol);
        header.checksum = checksum::update(header.checksum.get(), old, new).into();
    }
}

/// The DSCP that meta says; ECN stays (RFC 2474 section 3, RFC 3168 section 5), but where a
/// label that is off says that congestion was met (RFC 5129 section 4.6).
#[cold]
fn remark(frame: &mut Frame) {
    let (layer3, dscp, flags) = (frame.meta().layer3, frame.meta().dscp, frame.meta().flags);
    let l3 = frame.l3_mut();
    if flags.has(Flags::CONGESTED) {
        match layer3 {
            Layer3::Ipv6 => l3.first_chunk_mut().map(ecn::mark_v6),
            _ => l3.first_chunk_mut().map(ecn::mark_v4),
        };
    }
    if !flags.has(Flags::REMARK) {
        return;
    }
    if layer3 == Layer3::Ipv6 {
        if let Ok((header, _)) = Ipv6Header::parse_mut(l3) {
            *header = header.with_dscp(dscp);
        }
    } else if let Ok((header, _)) = Ipv4Header::parse_mut(l3) {
        let word = |class: u8, first: u8| u16::from_be_bytes([first, class]);
        let old = word(header.traffic_class, header.version_ihl);
        header.traffic_class = dscp << 2 | header.ecn();
        let new = word(header.traffic_class, header.version_ihl);
        header.checksum = checksum::update(header.checksum.get(), old, new).into();
    }
}

/// The 802.1p priority of the tags, where there are any.
#[inline]
fn priority(frame: &Frame, link: &[u8], snapshot: &Snapshot) -> u8 {
    let meta = frame.meta();
    match link.len() {
        ..=12 => 0,
        _ => snapshot.interface(meta.out_interface).map_or(0, |i| i.marks.pcp_out[meta.class.index()]),
    }
}

/// Takes the old layer-2 header and the padding off, puts the new header and its
/// EtherType before the datagram. `None` without the room.
#[inline]
fn relink(frame: &mut Frame, link: &[u8], kind: u16, pcp: u8) -> Option<()> {
    let meta = *frame.meta();
    let length = link.len() + 2;
    frame.pull(usize::from(meta.l3_offset)).ok()?;
    frame.set_len(usize::from(meta.l3_length)).ok()?;
    frame.push(length).ok()?;
    let (bytes, meta) = frame.parts_mut();
    put_link(bytes, link, kind, pcp)?;
    meta.l3_offset = length as u16;
    Some(())
}

/// Writes the layer-2 header, this priority in its tags, and its EtherType to the front.
/// Most headers have no tags, and twelve bytes known beforehand are copied without a call.
#[inline]
fn put_link(bytes: &mut [u8], link: &[u8], kind: u16, pcp: u8) -> Option<()> {
    let (addresses, tags) = link.split_first_chunk::<12>()?;
    let (to, rest) = bytes.split_first_chunk_mut::<12>()?;
    *to = *addresses;
    let rest = match tags {
        [] => rest,
        _ => {
            let (to, rest) = rest.split_at_mut_checked(tags.len())?;
            to.copy_from_slice(tags);
            let (tags, _) = to.as_chunks_mut::<4>();
            tags.iter_mut().for_each(|[.., control, _]| *control |= pcp << 5);
            rest
        }
    };
    *rest.first_chunk_mut::<2>()? = kind.to_be_bytes();
    Some(())
}

#[cfg(test)]
mod tests;
