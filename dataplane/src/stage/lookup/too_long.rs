//! Longer than the next link takes (RFC 1191 section 4, RFC 8201, RFC 791 section 3.2),
//! the label stack counted (RFC 3032 sections 3.3 to 3.5).
//!
//! IPv6 is cut only below labels, and only where RFC 3032 section 3.5 has it so: a packet
//! of at most 1,280 bytes that has a fragment header already, since its sender cannot
//! make it shorter. Any other is told of.

use crate::packet::{DropReason, Flags, Frame, Layer3, PuntReason, StackEdit, Verdict};
use crate::wire::ipv4::Ipv4Header;
use crate::wire::ipv6::{Ipv6Header, fragment_end};
use crate::wire::mpls::LabelStackEntry;

/// The sender is told of `mtu`, what of its datagram would fit, or the datagram is
/// marked to be fragmented.
#[cold]
pub(super) fn datagram(frame: &mut Frame, mtu: u16) -> Option<Verdict> {
    frame.rare_mut().detail = mtu;
    let meta = frame.meta_mut();
    match meta.layer3 {
        Layer3::Ipv6 => Some(Verdict::Punt(PuntReason::PacketTooBig)),
        _ if meta.flags.has(Flags::DONT_FRAGMENT) => Some(Verdict::Punt(PuntReason::FragmentationNeeded)),
        _ => {
            meta.flags.set(Flags::TOO_LONG);
            None
        }
    }
}

/// The same for a frame that leaves with the entries of `edit`.
#[cold]
pub(super) fn labelled(frame: &mut Frame, edit: &StackEdit, mtu: u16) -> Option<Verdict> {
    let stack = LabelStackEntry::LEN * (edit.len() - usize::from(edit.off));
    let room = |labels: usize| mtu.saturating_sub((stack + labels) as u16);
    if frame.meta().layer3 != Layer3::Mpls {
        if frame.meta().layer3 == Layer3::Ipv6 && may_be_cut(frame.l3()) {
            frame.rare_mut().detail = room(0);
            frame.meta_mut().flags.set(Flags::TOO_LONG);
            return None;
        }
        return datagram(frame, room(0));
    }
    let Some(below) = Below::find(frame.l3()) else {
        return Some(Verdict::Drop(DropReason::FragmentationNeeded));
    };
    let meta = frame.meta_mut();
    // What is behind the datagram is padding.
    meta.l3_length = (below.labels + below.length) as u16;
    let fits = room(below.labels);
    if below.length <= usize::from(fits) {
        return None;
    }
    frame.rare_mut().detail = fits;
    match below.problem {
        Some(problem) => Some(Verdict::Punt(problem)),
        None => {
            frame.meta_mut().flags.set(Flags::TOO_LONG);
            None
        }
    }
}

/// What every link of IPv6 takes, bytes (RFC 8200 section 5).
const LEAST_MTU: usize = 1280;

/// Whether an IPv6 packet is one that RFC 3032 section 3.5 has cut.
fn may_be_cut(packet: &[u8]) -> bool {
    let Ok((header, rest)) = Ipv6Header::parse(packet) else { return false };
    let length = usize::from(header.payload_length.get());
    let payload = rest.get(..length).unwrap_or_default();
    Ipv6Header::LEN + length <= LEAST_MTU && fragment_end(header.next_header, payload).is_some()
}

/// The datagram below a label stack.
struct Below {
    /// Bytes of labels before it.
    labels: usize,
    /// Its own bytes.
    length: usize,
    /// What its sender is told if it does not fit; `None` where it may be fragmented.
    problem: Option<PuntReason>,
}

impl Below {
    /// `None` where no IP datagram is below.
    fn find(stack: &[u8]) -> Option<Self> {
        let entries = stack.chunks_exact(LabelStackEntry::LEN);
        let depth = entries.map_while(|e| LabelStackEntry::parse(e).ok()).position(|(e, _)| e.bottom())?;
        let labels = (depth + 1) * LabelStackEntry::LEN;
        let datagram = stack.get(labels..)?;
        let (length, problem) = match datagram.first()? >> 4 {
            4 => {
                let header = Ipv4Header::check(datagram).ok()?;
                let problem = header.dont_fragment().then_some(PuntReason::FragmentationNeeded);
                (usize::from(header.total_length.get()), problem)
            }
            6 => {
                let header = Ipv6Header::check(datagram).ok()?;
                let length = Ipv6Header::LEN + usize::from(header.payload_length.get());
                (length, (!may_be_cut(datagram)).then_some(PuntReason::PacketTooBig))
            }
            _ => return None,
        };
        Some(Self { labels, length, problem })
    }
}
