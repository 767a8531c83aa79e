//! IP packets whose labels `lookup` has taken off: the checks that any other gets.

use super::{Martians, common, configured, ipv4, ipv6};
use crate::packet::{Batch, Beside, DropReason, Flags, Frame, Layer3, PuntReason, Verdict};
use crate::table::Snapshot;
use crate::wire::l4::protocol;

/// UDP port of MPLS echo requests (RFC 8029 section 3).
const ECHO: u16 = 3503;

/// Parses what has come to the front of the live frames' stacks.
pub fn exposed(batch: &mut Batch, snapshot: &Snapshot) {
    let martians = configured(snapshot);
    let alike = batch.alike().filter(|_| martians.is_none());
    let received = batch.received();
    let (frames, Beside { destinations, .. }) = batch.parts_mut();
    let done = alike.map_or(0, |alike| common::exposed_row(alike.layer3, frames, destinations));
    let mut care = false;
    for (frame, to) in frames.iter_mut().zip(destinations).skip(done) {
        let meta = frame.meta();
        if meta.verdict != Verdict::Forward || !meta.flags.has(Flags::EXPOSED) {
            continue;
        }
        if martians.is_some() || !common::exposed(frame, to) {
            frame.rare_mut().received = received;
            let verdict = parse(frame, martians);
            frame.meta_mut().verdict = verdict;
            care = true;
        }
    }
    if care {
        batch.set_alike(None);
    }
}

#[inline(never)]
pub(super) fn parse(frame: &mut Frame, martians: Martians<'_>) -> Verdict {
    let meta = frame.meta();
    // What the label leaves of the TTL; 255 where the tunnel was a pipe.
    let (l3_offset, outer) = (usize::from(meta.l3_offset), meta.ttl);
    let martians = martians.filter(|_| !meta.flags.has(Flags::ORIGINATED));
    let verdict = match meta.layer3 {
        Layer3::Ipv4 => ipv4::parse(frame, l3_offset, martians),
        _ => ipv6::parse(frame, l3_offset, martians),
    };
    let meta = frame.meta_mut();
    meta.ttl = meta.ttl.min(outer);
    match verdict {
        Verdict::Forward => verdict,
        Verdict::Drop(DropReason::MartianDestination) => asked(frame).unwrap_or(verdict),
        // A group of a link is none of those at a tunnel's far end.
        Verdict::Punt(PuntReason::LinkMulticast) => Verdict::Drop(DropReason::Multicast),
        other => other,
    }
}

/// What becomes of an MPLS echo request: it is this router's, unless a label of the
/// penultimate hop was all it had.
#[cold]
fn asked(frame: &Frame) -> Option<Verdict> {
    let here = !frame.meta().flags.has(Flags::KEEP_TTL);
    echo(frame).map(|reason| if here { Verdict::Punt(reason) } else { Verdict::Forward })
}

/// Whether a packet to an address of no host is an MPLS echo request, which is sent
/// to 127/8 so that it never goes on as IP (RFC 8029 section 2.1).
#[cold]
pub(super) fn echo(frame: &Frame) -> Option<PuntReason> {
    let (meta, l3) = (frame.meta(), frame.l3());
    let loopback = match meta.layer3 {
        Layer3::Ipv4 => l3.get(16) == Some(&127),
        _ => l3.get(24..37) == Some(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127]),
    };
    let asks = meta.protocol == protocol::UDP && meta.flags.has(Flags::PORTS) && meta.l4_destination == ECHO;
    (loopback && asks).then_some(PuntReason::LspPing)
}
