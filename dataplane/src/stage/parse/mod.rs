//! The only stage that distrusts bytes: it checks every header it passes and
//! writes what it found, offsets and lengths among it, into the frame's meta.
//!
//! After it, `l3_offset + l3_length` lies within the frame, `l4_offset` within
//! that, and whoever reads a header again finds it whole. Frames of the shapes that most
//! have are read at once (`common`); any other goes the careful way, which has the last word.

mod common;
mod ethernet;
mod exposed;
mod ipv4;
mod ipv6;
mod labelled;
mod ports;

use std::net::IpAddr;

use crate::id::PortIndex;
use crate::packet::{Batch, Beside, DropReason, Flags, Frame, Layer3, Verdict};
use crate::table::{Limits, Snapshot};
use ethernet::Arrival;

pub use exposed::exposed;
pub use labelled::rewind;

/// Parses whole Ethernet frames received by `port`, when the batch says.
pub fn run(batch: &mut Batch, snapshot: &Snapshot, port: PortIndex) {
    let mut arrival = Arrival::new(snapshot, port, batch.received());
    let (frames, Beside { destinations, tops }) = batch.parts_mut();
    // Where they are not near, all of them come at once.
    frames.iter().for_each(Frame::fetch_bytes);
    let mut at = 0;
    while let (Some(frames), Some(to), Some(tops)) =
        (frames.get_mut(at..), destinations.get_mut(at..), tops.get_mut(at..))
    {
        // Frames in a row of one kind, then one that is not of it.
        let row = arrival.row(frames, to, tops);
        let (Some(frame), Some(to), Some(top)) = (frames.get_mut(row), to.get_mut(row), tops.get_mut(row))
        else {
            break;
        };
        if !arrival.is_common(frame, to, top) {
            arrival.with_care(frame);
        }
        at += row + 1;
    }
    batch.set_labelled(arrival.labelled());
    batch.set_alike(arrival.alike());
}

/// Parses a datagram that the router made itself: the frame starts with its IP
/// header, or with a label stack where `layer3` says so; `vrf` is set. Marks
/// [`Flags::ORIGINATED`].
pub fn datagram(frame: &mut Frame) {
    let length = frame.len() as u16;
    let meta = frame.meta_mut();
    meta.flags.set(Flags::ORIGINATED);
    meta.length = length;
    let limits = None;
    if meta.layer3 == Layer3::Mpls {
        let verdict = labelled::parse(frame, 0);
        frame.meta_mut().verdict = verdict;
        return;
    }
    let verdict = match frame.bytes().first().map(|b| b >> 4) {
        Some(4) => ipv4::parse(frame, 0, limits),
        Some(6) => ipv6::parse(frame, 0, limits),
        _ => Verdict::Drop(DropReason::Ipv4Malformed),
    };
    frame.meta_mut().verdict = verdict;
}

/// The configured martian lists, where there are any. `None` for what the
/// router made itself.
type Martians<'a> = Option<&'a Limits>;

/// Bit of [`Meta::pcp`](crate::packet::Meta::pcp) that says that there was a tag.
const TAGGED: u8 = 1 << 7;

/// The martian lists, where one of them says something.
#[inline]
fn configured(snapshot: &Snapshot) -> Martians<'_> {
    let limits = &*snapshot.limits;
    let none = limits.martian_sources.is_empty() && limits.martian_destinations.is_empty();
    (!none).then_some(limits)
}

/// Whether the configuration says that source or destination (in that order) is martian.
#[inline]
fn martian(martians: Martians<'_>, addresses: impl FnOnce() -> (IpAddr, IpAddr)) -> Option<Verdict> {
    let limits = martians?;
    if limits.martian_sources.is_empty() && limits.martian_destinations.is_empty() {
        return None;
    }
    let (source, destination) = addresses();
    if limits.martian_sources.iter().any(|net| net.contains(&source)) {
        return Some(Verdict::Drop(DropReason::MartianSource));
    }
    let hit = limits.martian_destinations.iter().any(|net| net.contains(&destination));
    hit.then_some(Verdict::Drop(DropReason::MartianDestination))
}

#[cfg(test)]
mod tests;
