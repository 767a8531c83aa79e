//! Labelled frames: the top of the stack (RFC 3032 section 2.1). What is below is
//! looked at entry by entry, as `lookup` comes to it.

use crate::id::NhlfeId;
use crate::packet::{DropReason, Flags, Frame, Layer3, Verdict};
use crate::wire::mpls::LabelStackEntry;

/// Parses the top of the stack at `l3_offset`.
#[inline]
pub(super) fn parse(frame: &mut Frame, l3_offset: usize) -> Verdict {
    let (bytes, meta) = frame.parts_mut();
    let stack = bytes.get(l3_offset..).unwrap_or_default();
    meta.layer3 = Layer3::Mpls;
    meta.l3_offset = l3_offset as u16;
    meta.l3_length = stack.len() as u16;
    let Ok((top, _)) = LabelStackEntry::parse(stack) else { return Verdict::Drop(DropReason::MplsMalformed) };
    (meta.ttl, meta.tc) = (top.ttl(), top.tc());
    // Multicast in labels has rules of its own (RFC 5332).
    match meta.flags.has(Flags::L2_MULTICAST) {
        true => Verdict::Drop(DropReason::Broadcast),
        false => Verdict::Forward,
    }
}

/// What only the way of a frame made known, not its arrival.
const OF_THE_WAY: u32 =
    !(Flags::L2_MULTICAST.0 | Flags::ORIGINATED.0 | Flags::RELEASED.0 | Flags::HEARD.0 | Flags::RULED.0);

/// Takes a frame that was held for its neighbour, or looked at, back to where `lookup` found it:
/// to the top of its stack as it was received. Its bytes are untouched.
pub fn rewind(frame: &mut Frame) {
    let meta = frame.meta_mut();
    meta.flags.clear(Flags(Flags::STACK_EDIT.0 | Flags::TOO_LONG.0));
    if meta.popped == 0 && meta.layer3 != Layer3::Mpls {
        return;
    }
    // The way that the router itself gave a frame is that of its whole stack.
    let given = meta.popped == 0 && meta.flags.has(Flags::DIRECTED);
    let kept = if given { Flags::DIRECTED.0 } else { 0 };
    meta.flags.clear(Flags(OF_THE_WAY & !kept));
    if !given {
        meta.nhlfe = NhlfeId::NONE;
    }
    let top = meta.l3_offset.saturating_sub(u16::from(meta.popped) * LabelStackEntry::LEN as u16);
    meta.popped = 0;
    meta.flow_hash = 0;
    frame.rare_mut().detail = 0;
    let verdict = parse(frame, usize::from(top));
    frame.meta_mut().verdict = verdict;
}
