//! Frames that leave labelled: entries off and on, and the layer-2 header before them
//! (RFC 3032 sections 2.1 and 5).

use super::{datagram, priority, put_link};
use crate::packet::{DropReason, Frame, Layer3, StackEdit, Verdict};
use crate::table::Snapshot;
use crate::wire::ethernet::ether_type;
use crate::wire::mpls::LabelStackEntry;

/// Makes a frame ready that leaves with the entries of `edit`.
#[inline(never)]
pub(super) fn rewrite(frame: &mut Frame, link: &[u8], edit: &StackEdit, snapshot: &Snapshot) -> Verdict {
    if frame.meta().layer3 != Layer3::Mpls && !datagram(frame, snapshot) {
        return Verdict::Drop(DropReason::Ipv4Options);
    }
    let pcp = priority(frame, link, snapshot);
    match relink(frame, link, edit, pcp) {
        Some(()) => Verdict::Forward,
        None => Verdict::Drop(DropReason::NoHeadroom),
    }
}

/// Takes the old layer-2 header, the padding and entries off, puts entries and the
/// new header on. `None` without the room. Afterwards `l3_offset` is where the
/// stack starts, or the IP packet where it came unlabelled.
#[inline]
fn relink(frame: &mut Frame, link: &[u8], edit: &StackEdit, pcp: u8) -> Option<()> {
    let meta = *frame.meta();
    let (off, on) = (usize::from(edit.off) * LabelStackEntry::LEN, edit.len() * LabelStackEntry::LEN);
    let header = link.len() + 2;
    frame.pull(usize::from(meta.l3_offset) + off).ok()?;
    frame.set_len(usize::from(meta.l3_length).checked_sub(off)?).ok()?;
    frame.push(header + on).ok()?;
    let (bytes, meta) = frame.parts_mut();
    let (start, stack) = bytes.split_at_mut_checked(header)?;
    put_link(start, link, ether_type::MPLS, pcp)?;
    let (entries, _) = stack.get_mut(..on)?.as_chunks_mut::<4>();
    for (entry, word) in entries.iter_mut().zip(edit.words().iter().rev()) {
        *entry = word.to_be_bytes();
    }
    if meta.layer3 == Layer3::Mpls {
        meta.l3_offset = header as u16;
        meta.l3_length = meta.l3_length - off as u16 + on as u16;
    } else {
        meta.l3_offset = (header + on) as u16;
    }
    Some(())
}
