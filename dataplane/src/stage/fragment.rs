//! Fragmentation (RFC 791 section 3.2; of IPv6 below labels alone, RFC 3032 section 3.5):
//! a datagram longer than the MTU, ready to leave, becomes datagrams that fit.
//!
//! `lookup` marks it [`Flags::TOO_LONG`] with what fits in `detail`, `rewrite` makes
//! it ready, and this splits it: the frame itself becomes the first fragment. All
//! have the label stack that it has (RFC 3032 section 3.4).

mod header;
mod header6;

use crate::packet::{DropReason, Flags, Frame, Layer3, Meta, NoRoom, Pool, Verdict};
use crate::wire::ipv4::Ipv4Header;
use crate::wire::ipv6::{Ipv6Header, fragment_end};
use crate::wire::mpls::LabelStackEntry;

use header6::Headers6;

/// What is split: where, and into how many.
struct Plan {
    /// Bytes before the IP header, labels among them.
    link: usize,
    /// Bytes of IP header; options included, or IPv6 extensions to behind the fragment header.
    header: usize,
    /// Bytes of payload in all.
    payload: usize,
    /// Bytes of payload in each fragment but the last: a multiple of 8.
    part: usize,
}

impl Plan {
    /// `None` when the MTU has no room for the header and 8 bytes.
    fn new(frame: &Frame) -> Option<Self> {
        let meta = frame.meta();
        let header = header_length(frame.l3())?;
        let part = usize::from(frame.rare().detail).checked_sub(header)? & !7;
        let payload = usize::from(meta.l3_length) - header;
        (part > 0).then_some(Self { link: usize::from(meta.l3_offset), header, payload, part })
    }

    /// Fragments behind the first.
    fn later(&self) -> usize {
        self.payload.div_ceil(self.part).saturating_sub(1)
    }
}

/// Bytes that every fragment starts with; later ones of IPv4 without some options.
fn header_length(l3: &[u8]) -> Option<usize> {
    if l3.first()? >> 4 == 4 {
        return Some(Ipv4Header::check(l3).ok()?.header_length());
    }
    let (header, payload) = Ipv6Header::parse(l3).ok()?;
    Some(Ipv6Header::LEN + fragment_end(header.next_header, payload)?)
}

/// Bytes of the longest datagram.
const LONGEST: usize = 65_535;

/// The headers of the fragments, by family.
enum Headers<'a> {
    V4(header::Headers),
    V6(Headers6<'a>),
}

impl<'a> Headers<'a> {
    fn of(l3: &'a [u8], length: usize) -> Option<Self> {
        match l3.first()? >> 4 {
            4 => header::Headers::of(l3, length).map(Self::V4),
            _ => Headers6::of(l3, length).map(Self::V6),
        }
    }

    /// Whether `payload` bytes from its offset on end where a datagram may (RFC 791 section
    /// 3.2, RFC 8200 section 4.5). Below labels nobody has asked before.
    fn has_room(&self, payload: usize) -> bool {
        let before = match self {
            Self::V4(headers) => headers.offset() + Ipv4Header::LEN,
            Self::V6(headers) => headers.offset(),
        };
        before + payload <= LONGEST
    }

    /// What later fragments start with.
    fn later(&self) -> &[u8] {
        match self {
            Self::V4(headers) => headers.later(),
            Self::V6(headers) => headers.later(),
        }
    }

    /// Makes `l3`, which starts with this header, the fragment at `from` bytes of the payload.
    fn place(&self, l3: &mut [u8], from: usize, more: bool) -> Result<(), NoRoom> {
        match self {
            Self::V4(headers) => headers.place(l3, from, more),
            Self::V6(headers) => headers.place(l3, from, more),
        }
    }
}

/// Splits `frame`, if it is marked [`Flags::TOO_LONG`]: it becomes the first
/// fragment, the later ones go to the end of `later` in order. Frames for those
/// come from `pool`; where they do not suffice, none is taken and `frame` is
/// dropped (`PoolEmpty`). `later` is given its room once, by its owner.
pub fn run(frame: &mut Frame, pool: &mut Pool, later: &mut Vec<Frame>) {
    let meta = frame.meta();
    if meta.verdict != Verdict::Forward || !meta.flags.has(Flags::TOO_LONG) {
        return;
    }
    if meta.layer3 == Layer3::Mpls {
        below(frame);
    } else {
        // All fragments are of the flow that the whole one was of.
        frame.flow();
    }
    let Some(plan) = Plan::new(frame) else {
        let v6 = frame.meta().layer3 == Layer3::Ipv6;
        let reason = if v6 { DropReason::PacketTooBig } else { DropReason::FragmentationNeeded };
        frame.meta_mut().verdict = Verdict::Drop(reason);
        return;
    };
    let already = later.len();
    let verdict = match split(frame, &plan, pool, later) {
        Ok(()) => return,
        Err(reason) => Verdict::Drop(reason),
    };
    for fragment in later.drain(already..) {
        pool.put(fragment);
    }
    frame.meta_mut().verdict = verdict;
}

/// From here on it is the datagram below the label stack.
fn below(frame: &mut Frame) {
    let entries = frame.l3().chunks_exact(LabelStackEntry::LEN);
    let bottom = entries.map_while(|e| LabelStackEntry::parse(e).ok()).position(|(e, _)| e.bottom());
    let labels = bottom.map_or(0, |depth| (depth + 1) * LabelStackEntry::LEN) as u16;
    let meta = frame.meta_mut();
    meta.l3_offset += labels;
    meta.l3_length -= labels;
    let v6 = frame.l3().first().is_some_and(|byte| byte >> 4 == 6);
    frame.meta_mut().layer3 = if v6 { Layer3::Ipv6 } else { Layer3::Ipv4 };
}

fn split(frame: &mut Frame, plan: &Plan, pool: &mut Pool, later: &mut Vec<Frame>) -> Result<(), DropReason> {
    let headers = Headers::of(frame.l3(), plan.header).ok_or(DropReason::Ipv4Malformed)?;
    if !headers.has_room(plan.payload) {
        return Err(DropReason::FragmentInvalid);
    }
    if pool.available() < plan.later() {
        return Err(DropReason::PoolEmpty);
    }
    for i in 1..=plan.later() {
        let mut fragment = pool.get().ok_or(DropReason::PoolEmpty)?;
        let copied = copy(frame, &mut fragment, plan, &headers, i * plan.part);
        later.push(fragment);
        copied.map_err(|NoRoom| DropReason::FrameTooLong)?;
    }
    truncate(frame, plan).map_err(|NoRoom| DropReason::FrameTooLong)
}

/// Writes the fragment whose payload starts at `from`.
fn copy(
    whole: &Frame,
    to: &mut Frame,
    plan: &Plan,
    headers: &Headers<'_>,
    from: usize,
) -> Result<(), NoRoom> {
    let bytes = whole.bytes();
    let start = plan.link + plan.header;
    let until = (from + plan.part).min(plan.payload);
    let data = bytes.get(start + from..start + until).ok_or(NoRoom)?;
    to.extend(bytes.get(..plan.link).ok_or(NoRoom)?)?;
    to.extend(headers.later())?;
    to.extend(data)?;
    let length = headers.later().len() + data.len();
    let home = to.meta().home;
    let flags = later_flags(whole.meta().flags);
    *to.meta_mut() = Meta { home, flags, l3_length: length as u16, ..*whole.meta() };
    *to.rare_mut() = *whole.rare();
    headers.place(to.l3_mut(), from, until < plan.payload)
}

/// Cuts the frame down to the first fragment.
fn truncate(frame: &mut Frame, plan: &Plan) -> Result<(), NoRoom> {
    let length = plan.header + plan.part;
    frame.set_len(plan.link + length)?;
    let meta = frame.meta_mut();
    meta.l3_length = length as u16;
    meta.flags.clear(Flags::TOO_LONG);
    if !meta.flags.has(Flags::LATER_FRAGMENT) {
        meta.flags.set(Flags::FIRST_FRAGMENT);
    }
    match frame.meta().layer3 {
        Layer3::Ipv6 => header6::place_first(frame.l3_mut(), plan.header),
        _ => header::place_first(frame.l3_mut()),
    }
}

fn later_flags(mut flags: Flags) -> Flags {
    for gone in [Flags::TOO_LONG, Flags::FIRST_FRAGMENT, Flags::PORTS, Flags::ICMP_ERROR] {
        flags.clear(gone);
    }
    flags.set(Flags::LATER_FRAGMENT);
    flags
}

#[cfg(test)]
mod tests;
