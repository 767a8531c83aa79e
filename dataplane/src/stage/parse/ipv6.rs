//! IPv6 (RFC 8200, RFC 4291 section 2.5, RFC 5095).

use super::Martians;
use super::ports;
use crate::packet::flow::hash_v6;
use crate::packet::{DropReason, Flags, Frame, Layer3, Meta, PuntReason, Verdict};
use crate::wire::icmp::{Family, is_error};
use crate::wire::ipv6::{Chain, Fragment, Ipv6Header, walk};
use crate::wire::l4::protocol;

/// Parses the packet at `l3_offset`.
#[inline]
pub(super) fn parse(frame: &mut Frame, l3_offset: usize, martians: Martians<'_>) -> Verdict {
    let (bytes, meta) = frame.parts_mut();
    let l3 = bytes.get(l3_offset..).unwrap_or_default();
    meta.layer3 = Layer3::Ipv6;
    let Ok(header) = Ipv6Header::check(l3) else { return Verdict::Drop(DropReason::Ipv6Malformed) };
    let total = Ipv6Header::LEN + usize::from(header.payload_length.get());
    let Ok(total_u16) = u16::try_from(total) else { return Verdict::Drop(DropReason::Ipv6Malformed) };
    meta.l3_offset = l3_offset as u16;
    meta.l3_length = total_u16;
    meta.dscp = header.dscp();
    meta.ttl = header.hop_limit;
    let payload = l3.get(Ipv6Header::LEN..total).unwrap_or_default();
    let Ok(chain) = walk(header.next_header, payload) else {
        return Verdict::Drop(DropReason::Ipv6Extension);
    };
    meta.protocol = chain.protocol;
    let upper = payload.get(chain.offset..).unwrap_or_default();
    if let Some(reason) = extensions(&chain, upper.len(), meta) {
        return Verdict::Drop(reason);
    }
    let ports = ports(upper, meta);
    meta.flow_hash = hash_v6(header.source, header.destination, meta.protocol, ports);
    addresses(header, meta, martians).unwrap_or(Verdict::Forward)
}

/// What the extension headers ask for, or why they are dropped.
#[inline]
fn extensions(chain: &Chain, upper: usize, meta: &mut Meta) -> Option<DropReason> {
    if chain.offset == 0 {
        return None;
    }
    meta.flags.set(Flags::OPTIONS);
    if chain.router_alert {
        meta.flags.set(Flags::ROUTER_ALERT);
    }
    if chain.routing_type_0 {
        return Some(DropReason::RoutingHeader);
    }
    fragment(chain.fragment?, chain.protocol, upper, meta)
}

/// Marks fragments; finds those that no honest sender makes (RFC 8200 section
/// 4.5, RFC 7112). A whole packet with a fragment header is none (RFC 6946).
fn fragment(fragment: Fragment, number: u8, upper: usize, meta: &mut Meta) -> Option<DropReason> {
    let Fragment { offset, more, .. } = fragment;
    if offset == 0 && !more {
        return None;
    }
    meta.flags.set(if offset == 0 { Flags::FIRST_FRAGMENT } else { Flags::LATER_FRAGMENT });
    let least = match number {
        _ if offset > 0 => 1,
        protocol::TCP => 16,
        _ => 8,
    };
    let uneven = more && !upper.is_multiple_of(8);
    let beyond = offset + upper > 65_535;
    (upper < least || uneven || beyond).then_some(DropReason::FragmentInvalid)
}

/// Ports and what ICMPv6 it is, into meta; gives the ports for the flow's hash.
#[inline]
fn ports(upper: &[u8], meta: &mut Meta) -> u32 {
    if meta.flags.has(Flags::LATER_FRAGMENT) {
        return 0;
    }
    if meta.protocol == protocol::ICMPV6 {
        if upper.first().is_some_and(|kind| is_error(Family::V6, *kind)) {
            meta.flags.set(Flags::ICMP_ERROR);
        }
        return 0;
    }
    ports::ports(upper, meta)
}

/// `::ffff:0:0/96`, never on the wire as an address of a packet (RFC 4291 section 2.5.5.2).
const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/// Whether the address is `::`, `::1` or an IPv4-mapped one.
#[inline]
fn unusable(address: [u8; 16]) -> bool {
    address[..8] == [0; 8] && (u128::from_be_bytes(address) <= 1 || address[..12] == MAPPED)
}

/// `fe80::/10` (RFC 4291 section 2.5.6).
#[inline]
const fn link_local(address: [u8; 16]) -> bool {
    address[0] == 0xfe && address[1] & 0xc0 == 0x80
}

/// Addresses that cannot be a sender's or a receiver's, scopes, and multicast.
#[inline]
fn addresses(header: &Ipv6Header, meta: &mut Meta, martians: Martians<'_>) -> Option<Verdict> {
    let (source, destination) = (header.source, header.destination);
    let to_link = destination[0] == 0xff && destination[1] & 15 == 2;
    // `::` is the source of duplicate address detection and its kin only (RFC 4862 section 5.4.2).
    let nobody = to_link && source == [0; 16];
    if source[0] == 0xff || (unusable(source) && !nobody) {
        return Some(Verdict::Drop(DropReason::MartianSource));
    }
    if unusable(destination) {
        return Some(Verdict::Drop(DropReason::MartianDestination));
    }
    if link_local(source) {
        meta.flags.set(Flags::LINK_LOCAL_SOURCE);
    }
    if link_local(destination) {
        meta.flags.set(Flags::LINK_LOCAL_DESTINATION);
    }
    if let Some(verdict) = super::martian(martians, || (header.source().into(), header.destination().into()))
    {
        return Some(verdict);
    }
    match destination[0] {
        0xff if to_link => Some(Verdict::Punt(PuntReason::LinkMulticast)),
        0xff => Some(Verdict::Drop(DropReason::Multicast)),
        _ => None,
    }
}
