//! IPv4 (RFC 791; RFC 1812 sections 5.2.2, 5.2.4 and 5.3.7; RFC 1858).

use super::Martians;
use super::ports;
use crate::packet::flow::hash_v4;
use crate::packet::{DropReason, Flags, Frame, Layer3, Meta, PuntReason, Rare, Verdict};
use crate::wire::WireError;
use crate::wire::icmp::{Family, is_error};
use crate::wire::ipv4::{self, Ipv4Header, Options, kind};
use crate::wire::l4::protocol;

/// Parses the datagram at `l3_offset`.
#[inline]
pub(super) fn parse(frame: &mut Frame, l3_offset: usize, martians: Martians<'_>) -> Verdict {
    let (bytes, meta, rare) = frame.all_mut();
    let l3 = bytes.get(l3_offset..).unwrap_or_default();
    meta.layer3 = Layer3::Ipv4;
    let header = match Ipv4Header::check(l3) {
        Ok(header) => header,
        Err(WireError::Checksum) => return Verdict::Drop(DropReason::Ipv4Checksum),
        Err(_) => return Verdict::Drop(DropReason::Ipv4Malformed),
    };
    let (length, total) = (header.header_length(), usize::from(header.total_length.get()));
    meta.l3_offset = l3_offset as u16;
    meta.l3_length = total as u16;
    meta.protocol = header.protocol;
    meta.dscp = header.dscp();
    meta.ttl = header.ttl;
    let upper = l3.get(length..total).unwrap_or_default();
    if let Some(verdict) = fragment(header, upper.len(), meta) {
        return verdict;
    }
    let ports = ports(upper, meta);
    meta.flow_hash = hash_v4(header.source, header.destination, header.protocol, ports);
    if let Some(verdict) = addresses(header, meta, martians) {
        return verdict;
    }
    if length > Ipv4Header::LEN
        && let Some(verdict) = options(ipv4::options(l3), meta, rare)
    {
        return verdict;
    }
    destination(header)
}

/// Don't-fragment and fragment flags; fragments that no honest sender makes.
#[inline]
fn fragment(header: &Ipv4Header, payload: usize, meta: &mut Meta) -> Option<Verdict> {
    if header.dont_fragment() {
        meta.flags.set(Flags::DONT_FRAGMENT);
    }
    let (offset, more) = (header.fragment_offset(), header.more_fragments());
    if offset == 0 && !more {
        return None;
    }
    meta.flags.set(if offset == 0 { Flags::FIRST_FRAGMENT } else { Flags::LATER_FRAGMENT });
    let least = match header.protocol {
        _ if offset > 0 => 1,
        protocol::TCP => 16, // RFC 1858 section 3
        _ => 8,
    };
    let overlapping = header.protocol == protocol::TCP && offset == 8; // RFC 1858 section 4
    let uneven = more && !payload.is_multiple_of(8);
    let beyond = header.header_length() + offset + payload > 65_535;
    (payload < least || overlapping || uneven || beyond).then_some(Verdict::Drop(DropReason::FragmentInvalid))
}

/// Ports and what ICMP it is, into meta; gives the ports as one word for the
/// flow's hash, 0 for fragments.
#[inline]
fn ports(upper: &[u8], meta: &mut Meta) -> u32 {
    if meta.flags.has(Flags::LATER_FRAGMENT) {
        return 0;
    }
    if meta.protocol == protocol::ICMP {
        if upper.first().is_some_and(|kind| is_error(Family::V4, *kind)) {
            meta.flags.set(Flags::ICMP_ERROR);
        }
        return 0;
    }
    ports::ports(upper, meta)
}

/// Addresses that cannot be a sender's or a receiver's (RFC 1812 section 5.3.7);
/// marks link-local ones (RFC 3927).
#[inline]
fn addresses(header: &Ipv4Header, meta: &mut Meta, martians: Martians<'_>) -> Option<Verdict> {
    let (source, destination) = (header.source, header.destination);
    if let 0 | 127 | 224..=255 = source[0] {
        return Some(Verdict::Drop(DropReason::MartianSource));
    }
    match destination[0] {
        255 if destination == [255; 4] => return Some(Verdict::Drop(DropReason::Broadcast)),
        0 | 127 | 240..=255 => return Some(Verdict::Drop(DropReason::MartianDestination)),
        _ => {}
    }
    if source[..2] == [169, 254] {
        meta.flags.set(Flags::LINK_LOCAL_SOURCE);
    }
    if destination[..2] == [169, 254] {
        meta.flags.set(Flags::LINK_LOCAL_DESTINATION);
    }
    super::martian(martians, || (header.source().into(), header.destination().into()))
}

/// Checks the options (RFC 1812 section 5.2.4, RFC 7126). Record route,
/// timestamp and router alert pass; source routes do not.
#[cold]
fn options(bytes: &[u8], meta: &mut Meta, rare: &mut Rare) -> Option<Verdict> {
    meta.flags.set(Flags::OPTIONS);
    let mut problem = |at: usize| {
        rare.detail = (Ipv4Header::LEN + at) as u16;
        Some(Verdict::Punt(PuntReason::ParameterProblem))
    };
    let mut walk = Options::new(bytes);
    while let Some(option) = walk.next() {
        let Ok(option) = option else { return problem(walk.position() + 1) };
        let pointer = option.bytes.get(2).copied();
        match option.kind {
            kind::LOOSE_SOURCE_ROUTE | kind::STRICT_SOURCE_ROUTE => {
                return Some(Verdict::Drop(DropReason::SourceRoute));
            }
            // Pointers count from the type octet, which is 1.
            kind::RECORD_ROUTE if pointer.is_none_or(|p| p < 4) => return problem(option.at + 2),
            kind::TIMESTAMP if pointer.is_none_or(|p| p < 5) => return problem(option.at + 2),
            kind::ROUTER_ALERT => meta.flags.set(Flags::ROUTER_ALERT),
            _ => {}
        }
    }
    None
}

/// Multicast: this link's groups are for the router itself, others go nowhere.
#[inline]
fn destination(header: &Ipv4Header) -> Verdict {
    match header.destination {
        [224, 0, 0, _] => Verdict::Punt(PuntReason::LinkMulticast),
        [224..=239, ..] => Verdict::Drop(DropReason::Multicast),
        _ => Verdict::Forward,
    }
}
