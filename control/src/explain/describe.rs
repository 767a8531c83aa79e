//! Packets, stations and times in words.

use std::net::IpAddr;

use dataplane::packet::{Flags, Layer3, Meta};
use dataplane::wire::dscp;
use dataplane::wire::ethernet::{EthernetHeader, ether_type};
use dataplane::wire::icmp::{Family, IcmpHeader, Message};
use dataplane::wire::ipv4::Ipv4Header;
use dataplane::wire::ipv6::{self, Ipv6Header};
use dataplane::wire::l4::{Ports, has_ports, protocol};
use dataplane::wire::vlan::VlanTag;

use super::labels;

/// What a received frame is, as far as `parse` came.
pub(crate) fn frame(bytes: &[u8], meta: &Meta) -> String {
    let l3 = bytes.get(usize::from(meta.l3_offset)..).unwrap_or_default();
    match meta.layer3 {
        Layer3::Ipv4 | Layer3::Ipv6 => {
            let flag = |flag, text| if meta.flags.has(flag) { text } else { "" };
            format!(
                "{}{}{}{}{}",
                datagram(l3),
                flag(Flags::DONT_FRAGMENT, ", don't-fragment"),
                flag(Flags::OPTIONS, ", with options"),
                flag(Flags::FIRST_FRAGMENT, ", a first fragment"),
                flag(Flags::LATER_FRAGMENT, ", a later fragment"),
            )
        }
        Layer3::Arp => format!("ARP message, {} bytes", l3.len()),
        Layer3::Mpls => labelled(l3),
        Layer3::None => match refused(bytes) {
            Some(l3) => datagram(l3),
            None => format!("frame of {} bytes", bytes.len()),
        },
    }
}

/// What a label stack and what is below it are.
fn labelled(l3: &[u8]) -> String {
    let (stack, below) = labels::stack(l3);
    let ip = below.first().is_some_and(|first| matches!(first >> 4, 4 | 6));
    let below = if ip { datagram(below) } else { format!("{} bytes that are no IP packet", below.len()) };
    format!("labels {}, {below}", labels::words(&stack))
}

/// The datagram of a frame that `parse` did not get as far into, if it has one.
fn refused(bytes: &[u8]) -> Option<&[u8]> {
    let (header, mut rest) = EthernetHeader::parse(bytes).ok()?;
    let mut kind = header.ether_type.get();
    while matches!(kind, ether_type::DOT1Q | ether_type::DOT1AD) {
        let (tag, behind) = VlanTag::parse(rest).ok()?;
        (kind, rest) = (tag.ether_type.get(), behind);
    }
    matches!(kind, ether_type::IPV4 | ether_type::IPV6).then_some(rest)
}

/// What a datagram is, from its IP header on.
pub(super) fn datagram(l3: &[u8]) -> String {
    let Some(ip) = Ip::read(l3) else { return format!("datagram of {} bytes", l3.len()) };
    let Ip { from, to, number, upper, ttl, mark, length } = ip;
    let (family, hops) = if from.is_ipv4() { ("IPv4", "TTL") } else { ("IPv6", "hop limit") };
    let ports = upper.filter(|_| has_ports(number)).and_then(|u| Ports::parse(u).ok());
    let ends = match ports {
        Some((ports, _)) => {
            let end = |a: IpAddr, port: u16| std::net::SocketAddr::new(a, port).to_string();
            format!("{} → {}", end(from, ports.source.get()), end(to, ports.destination.get()))
        }
        None => format!("{from} → {to}"),
    };
    let what = upper_layer(&ip);
    let dscp = dscp::name(mark).map_or_else(|| format!("DSCP {mark}"), |name| format!("DSCP {name}"));
    format!("{family} {what} {ends}, {length} bytes, {hops} {ttl}, {dscp}")
}

/// A datagram's fields.
struct Ip<'a> {
    from: IpAddr,
    to: IpAddr,
    number: u8,
    upper: Option<&'a [u8]>,
    ttl: u8,
    mark: u8,
    length: usize,
}

impl<'a> Ip<'a> {
    fn read(l3: &'a [u8]) -> Option<Self> {
        if l3.first()? >> 4 == 6 {
            let (h, rest) = Ipv6Header::parse(l3).ok()?;
            let chain = ipv6::walk(h.next_header, rest).ok();
            let number = chain.as_ref().map_or(h.next_header, |c| c.protocol);
            let whole = chain.filter(|c| c.fragment.is_none_or(|f| f.offset == 0));
            let upper = whole.and_then(|c| rest.get(c.offset..));
            let (from, to) = (h.source().into(), h.destination().into());
            let length = usize::from(h.payload_length.get()) + Ipv6Header::LEN;
            return Some(Self { from, to, number, upper, ttl: h.hop_limit, mark: h.dscp(), length });
        }
        let (h, _) = Ipv4Header::parse(l3).ok()?;
        let upper = l3.get(h.header_length()..).filter(|_| h.fragment_offset() == 0);
        let (from, to) = (h.source().into(), h.destination().into());
        let length = h.total_length.get().into();
        Some(Self { from, to, number: h.protocol, upper, ttl: h.ttl, mark: h.dscp(), length })
    }
}

fn upper_layer(ip: &Ip<'_>) -> String {
    let family = if ip.from.is_ipv4() { Family::V4 } else { Family::V6 };
    match (ip.number, ip.upper) {
        (protocol::UDP, _) => "UDP".into(),
        (protocol::TCP, _) => "TCP".into(),
        (protocol::ICMP | protocol::ICMPV6, Some(upper)) => match IcmpHeader::parse(upper) {
            Ok((header, _)) => icmp(family, header),
            Err(_) => "ICMP".into(),
        },
        (number, _) => format!("protocol {number}"),
    }
}

/// An ICMP message's name, with type and code.
fn icmp(family: Family, header: &IcmpHeader) -> String {
    let name = match Message::of(family, header) {
        Message::EchoRequest { .. } => "echo request".to_owned(),
        Message::EchoReply { .. } => "echo reply".to_owned(),
        Message::Unreachable(_) => "destination unreachable".to_owned(),
        Message::TooBig { mtu } => format!("too big, MTU {mtu}"),
        Message::TimeExceeded(_) => "time exceeded".to_owned(),
        Message::ParameterProblem { pointer, .. } => format!("parameter problem at byte {pointer}"),
        Message::Other(133, _) if family == Family::V6 => "router solicitation".to_owned(),
        Message::Other(134, _) if family == Family::V6 => "router advertisement".to_owned(),
        Message::Other(135, _) if family == Family::V6 => "neighbour solicitation".to_owned(),
        Message::Other(136, _) if family == Family::V6 => "neighbour advertisement".to_owned(),
        Message::Other(..) => "message".to_owned(),
    };
    let family = if family == Family::V4 { "ICMP" } else { "ICMPv6" };
    format!("{family} {name} (type {}, code {})", header.kind, header.code)
}

/// A DSCP by name and number.
pub(super) fn mark(value: u8) -> String {
    dscp::name(value).map_or_else(|| format!("{value}"), |name| format!("{name} ({value})"))
}

/// A station address.
pub(super) fn station(mac: &[u8]) -> String {
    mac.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

/// Nanoseconds, for people.
pub(super) fn time(ns: u64) -> String {
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{:.1} µs", ns as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.3} ms", ns as f64 / 1e6),
        _ => format!("{:.3} s", ns as f64 / 1e9),
    }
}
