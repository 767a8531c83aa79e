//! The only stage that edits: TTL, DSCP, options that want the router's mark, padding,
//! labels, and the layer-2 header.

mod labels;
mod options;

use crate::id::AdjacencyId;
use crate::packet::{Batch, DropReason, Flags, Frame, Layer3, Meta, StackEdit, StackEdits, Verdict};
use crate::table::{Adjacency, Snapshot};
use crate::wire::checksum;
use crate::wire::ethernet::ether_type;
use crate::wire::ipv4::Ipv4Header;
use crate::wire::ipv6::Ipv6Header;

/// Makes the live frames ready for their out-interface, those that leave labelled by `edits`.
pub fn run(batch: &mut Batch, snapshot: &Snapshot, edits: &StackEdits) {
    let mut last = (AdjacencyId::NONE, None);
    for (at, frame) in batch.frames_mut().iter_mut().enumerate() {
        if frame.meta().verdict != Verdict::Forward {
            continue;
        }
        let wanted = frame.meta().adjacency;
        if last.0 != wanted {
            last = (wanted, snapshot.adjacency(wanted));
        }
        let verdict = match last.1 {
            Some(adjacency) => rewrite(frame, adjacency, snapshot, edits.get(at)),
            None => Verdict::Drop(DropReason::NeighbourUnresolved),
        };
        frame.meta_mut().verdict = verdict;
    }
}

#[inline]
fn rewrite(
    frame: &mut Frame,
    adjacency: &Adjacency,
    snapshot: &Snapshot,
    edit: Option<&StackEdit>,
) -> Verdict {
    let Some(link) = adjacency.header() else { return Verdict::Drop(DropReason::NeighbourUnresolved) };
    let meta = *frame.meta();
    let (layer3, originated) = (meta.layer3, meta.flags.has(Flags::ORIGINATED));
    let marks = layer3 == Layer3::Ipv4 && meta.flags.has(Flags::OPTIONS) && !originated;
    let kind = match layer3 {
        Layer3::Ipv4 => ether_type::IPV4,
        Layer3::Ipv6 => ether_type::IPV6,
        Layer3::Mpls => ether_type::MPLS,
        _ => return Verdict::Drop(DropReason::EtherTypeUnknown),
    };
    if !originated && layer3 != Layer3::Mpls {
        hop(frame.l3_mut(), &meta);
    }
    if meta.flags.has(Flags::REMARK) {
        remark(frame.l3_mut(), &meta);
    }
    if marks && !options::mark(frame, snapshot) {
        return Verdict::Drop(DropReason::Ipv4Options);
    }
    let done = match edit {
        Some(edit) if meta.flags.has(Flags::STACK_EDIT) => labels::relink(frame, link, edit),
        _ => relink(frame, link, kind),
    };
    match done {
        Some(()) => Verdict::Forward,
        None => Verdict::Drop(DropReason::NoHeadroom),
    }
}

/// One hop less (RFC 1812 section 5.3.1, RFC 8200 section 3) than meta says, which
/// a label above may have lowered; none less where the next router does that (RFC
/// 3443 section 3.3).
#[inline]
fn hop(l3: &mut [u8], meta: &Meta) {
    let ttl = meta.ttl.saturating_sub(u8::from(!meta.flags.has(Flags::KEEP_TTL)));
    if meta.layer3 == Layer3::Ipv6 {
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

/// The DSCP that meta says; ECN stays (RFC 2474 section 3, RFC 3168 section 5).
#[cold]
fn remark(l3: &mut [u8], meta: &Meta) {
    if meta.layer3 == Layer3::Ipv6 {
        if let Ok((header, _)) = Ipv6Header::parse_mut(l3) {
            *header = header.with_dscp(meta.dscp);
        }
    } else if let Ok((header, _)) = Ipv4Header::parse_mut(l3) {
        let word = |class: u8, first: u8| u16::from_be_bytes([first, class]);
        let old = word(header.traffic_class, header.version_ihl);
        header.traffic_class = meta.dscp << 2 | header.ecn();
        let new = word(header.traffic_class, header.version_ihl);
        header.checksum = checksum::update(header.checksum.get(), old, new).into();
    }
}

/// Takes the old layer-2 header and the padding off, puts the new header and its
/// EtherType before the datagram. `None` without the room.
#[inline]
fn relink(frame: &mut Frame, link: &[u8], kind: u16) -> Option<()> {
    let meta = *frame.meta();
    let length = link.len() + 2;
    frame.pull(usize::from(meta.l3_offset)).ok()?;
    frame.set_len(usize::from(meta.l3_length)).ok()?;
    frame.push(length).ok()?;
    let (bytes, meta) = frame.parts_mut();
    let (addresses, rest) = bytes.split_at_mut_checked(link.len())?;
    addresses.copy_from_slice(link);
    rest.first_chunk_mut::<2>()?.copy_from_slice(&kind.to_be_bytes());
    meta.l4_offset = meta.l4_offset - meta.l3_offset + length as u16;
    meta.l3_offset = length as u16;
    Some(())
}

#[cfg(test)]
mod tests;
