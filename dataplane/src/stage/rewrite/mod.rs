//! The only stage that edits: TTL, options that want the router's mark, padding,
//! and the layer-2 header.

mod options;

use crate::id::AdjacencyId;
use crate::packet::{Batch, DropReason, Flags, Frame, Layer3, Verdict};
use crate::table::{Adjacency, Snapshot};
use crate::wire::checksum;
use crate::wire::ethernet::ether_type;
use crate::wire::ipv4::Ipv4Header;
use crate::wire::ipv6::Ipv6Header;

/// Makes the live frames ready for their out-interface.
pub fn run(batch: &mut Batch, snapshot: &Snapshot) {
    let mut last = (AdjacencyId::NONE, None);
    for frame in batch.live() {
        let wanted = frame.meta().adjacency;
        if last.0 != wanted {
            last = (wanted, snapshot.adjacency(wanted));
        }
        let verdict = match last.1 {
            Some(adjacency) => rewrite(frame, adjacency, snapshot),
            None => Verdict::Drop(DropReason::NeighbourUnresolved),
        };
        frame.meta_mut().verdict = verdict;
    }
}

#[inline]
fn rewrite(frame: &mut Frame, adjacency: &Adjacency, snapshot: &Snapshot) -> Verdict {
    let Some(link) = adjacency.header() else { return Verdict::Drop(DropReason::NeighbourUnresolved) };
    let meta = frame.meta();
    let (layer3, originated) = (meta.layer3, meta.flags.has(Flags::ORIGINATED));
    let marks = layer3 == Layer3::Ipv4 && meta.flags.has(Flags::OPTIONS) && !originated;
    let kind = match layer3 {
        Layer3::Ipv4 => ether_type::IPV4,
        Layer3::Ipv6 => ether_type::IPV6,
        _ => return Verdict::Drop(DropReason::EtherTypeUnknown),
    };
    if !originated {
        hop(frame.l3_mut(), layer3);
    }
    if marks && !options::mark(frame, snapshot) {
        return Verdict::Drop(DropReason::Ipv4Options);
    }
    match relink(frame, link, kind) {
        Some(()) => Verdict::Forward,
        None => Verdict::Drop(DropReason::NoHeadroom),
    }
}

/// One hop less (RFC 1812 section 5.3.1, RFC 8200 section 3).
#[inline]
fn hop(l3: &mut [u8], layer3: Layer3) {
    if layer3 == Layer3::Ipv6 {
        if let Ok((header, _)) = Ipv6Header::parse_mut(l3) {
            header.hop_limit = header.hop_limit.saturating_sub(1);
        }
    } else if let Ok((header, _)) = Ipv4Header::parse_mut(l3) {
        let word = |ttl: u8, protocol: u8| u16::from_be_bytes([ttl, protocol]);
        let old = word(header.ttl, header.protocol);
        header.ttl = header.ttl.saturating_sub(1);
        let new = word(header.ttl, header.protocol);
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
