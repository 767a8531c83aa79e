//! Layers to bytes, innermost first, so that each header can count and sum what it covers.

mod icmp;

use std::net::{IpAddr, Ipv4Addr};

use super::checksum;
use super::layer::{Checksum, Kind, Layer};

/// The addresses of the IP header around an upper-layer message: its pseudo-header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Enclosing {
    src: IpAddr,
    dst: IpAddr,
}

impl Enclosing {
    /// The pseudo-header of the last IP header among `layers`, if there is one.
    pub(super) fn of(layers: &[Layer]) -> Option<Self> {
        let ip = layers.iter().rfind(|layer| layer.kind.is_ip())?;
        let open = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        Some(Self { src: ip.address("src").unwrap_or(open), dst: ip.address("dst").unwrap_or(open) })
    }

    /// The checksum of an upper-layer message within it.
    pub(super) fn checksum(self, protocol: u8, message: &[u8]) -> u16 {
        checksum::upper(self.src, self.dst, protocol, message)
    }
}

/// The bytes of `layers`, within `enclosing` when they are upper layers.
pub(super) fn encode(layers: &[Layer], enclosing: Option<Enclosing>) -> Vec<u8> {
    let Some((layer, above)) = layers.split_first() else { return Vec::new() };
    if matches!(layer.kind, Kind::Icmp | Kind::Icmp6) {
        return icmp::message(layer, above, enclosing);
    }
    let inner = if layer.kind.is_ip() { Enclosing::of(std::slice::from_ref(layer)) } else { enclosing };
    let contents = encode(above, inner);
    let next = above.first();
    match layer.kind {
        Kind::Eth => eth(layer, next, &contents),
        Kind::Vlan => vlan(layer, next, &contents),
        Kind::Mpls => mpls(layer, next, &contents),
        Kind::Arp => arp(layer, &contents),
        Kind::Ipv4 => ipv4(layer, next, &contents),
        Kind::Ipv6 => ipv6(layer, next, &contents),
        Kind::HopByHop | Kind::Destination => extension(layer, next, layer.bytes("options"), &contents),
        Kind::Routing => routing(layer, next, &contents),
        Kind::Fragment => fragment(layer, next, &contents),
        Kind::Solicitation | Kind::Advertisement => discovery(layer, enclosing, &contents),
        Kind::Udp => udp(layer, enclosing, &contents),
        Kind::Tcp => tcp(layer, enclosing, &contents),
        Kind::Payload => [layer.bytes("bytes"), &contents].concat(),
        Kind::Icmp | Kind::Icmp6 | Kind::Extension | Kind::Object | Kind::Rest => contents,
    }
}

fn u8_of(layer: &Layer, name: &str, default: u8) -> u8 {
    layer.number(name).map_or(default, |n| n as u8)
}

fn u16_of(layer: &Layer, name: &str, default: u16) -> u16 {
    layer.number(name).map_or(default, |n| n as u16)
}

fn u32_of(layer: &Layer, name: &str) -> u32 {
    layer.number(name).map_or(0, |n| n as u32)
}

fn address_of(layer: &Layer, name: &str, size: usize) -> Vec<u8> {
    match layer.address(name) {
        Some(IpAddr::V4(a)) => a.octets().to_vec(),
        Some(IpAddr::V6(a)) => a.octets().to_vec(),
        None => vec![0; size],
    }
}

/// The EtherType before `next`.
fn ether_type(layer: &Layer, next: Option<&Layer>) -> [u8; 2] {
    let own = match next {
        Some(tag) if tag.kind == Kind::Vlan => Some(u16_of(tag, "tpid", 0x8100)),
        Some(next) => next.kind.ether_type(),
        None => None,
    };
    // IEEE 802's local experimental EtherType stands for contents without one.
    u16_of(layer, "type", own.unwrap_or(0x88b5)).to_be_bytes()
}

/// The protocol number before `next`; RFC 3692's experimental one for contents without any.
fn protocol(layer: &Layer, name: &str, next: Option<&Layer>) -> u8 {
    let none = if next.is_some() { 253 } else { 59 };
    u8_of(layer, name, next.and_then(|next| next.kind.protocol()).unwrap_or(none))
}

/// Writes the checksum that the layer asks for, `right` being the right one.
fn put_checksum(message: &mut [u8], at: usize, asked: Checksum, right: u16) {
    let value = match asked {
        Checksum::Good => right,
        Checksum::Bad(value) => value.unwrap_or(right ^ 0x0101),
        Checksum::Absent => 0,
        Checksum::Unchecked(value) => value,
    };
    if let Some(place) = message.get_mut(at..at + 2) {
        place.copy_from_slice(&value.to_be_bytes());
    }
}

fn eth(layer: &Layer, next: Option<&Layer>, contents: &[u8]) -> Vec<u8> {
    let mut out = layer.mac("dst").unwrap_or_default().to_vec();
    out.extend(layer.mac("src").unwrap_or_default());
    out.extend(ether_type(layer, next));
    out.extend(contents);
    out
}

fn vlan(layer: &Layer, next: Option<&Layer>, contents: &[u8]) -> Vec<u8> {
    let flags = u16::from(u8_of(layer, "pcp", 0) & 7) << 13 | u16::from(u8_of(layer, "dei", 0) & 1) << 12;
    let mut out = (flags | u16_of(layer, "vid", 0) & 0xfff).to_be_bytes().to_vec();
    out.extend(ether_type(layer, next));
    out.extend(contents);
    out
}

fn mpls(layer: &Layer, next: Option<&Layer>, contents: &[u8]) -> Vec<u8> {
    let bottom = u8::from(next.is_none_or(|next| next.kind != Kind::Mpls));
    let entry = u32_of(layer, "label") << 12
        | u32::from(u8_of(layer, "tc", 0) & 7) << 9
        | u32::from(u8_of(layer, "bos", bottom) & 1) << 8
        | u32::from(u8_of(layer, "ttl", 64));
    [&entry.to_be_bytes(), contents].concat()
}

fn arp(layer: &Layer, contents: &[u8]) -> Vec<u8> {
    let mut out = u16_of(layer, "hardware", 1).to_be_bytes().to_vec();
    out.extend(u16_of(layer, "protocol", 0x0800).to_be_bytes());
    out.extend([u8_of(layer, "hlen", 6), u8_of(layer, "plen", 4)]);
    out.extend(u16_of(layer, "op", 1).to_be_bytes());
    for (mac, address) in [("sha", "spa"), ("tha", "tpa")] {
        out.extend(layer.mac(mac).unwrap_or_default());
        out.extend(address_of(layer, address, 4));
    }
    out.extend(layer.bytes("trailer"));
    out.extend(contents);
    out
}

fn ipv4(layer: &Layer, next: Option<&Layer>, contents: &[u8]) -> Vec<u8> {
    let options = layer.bytes("options");
    let header = 20 + options.len();
    let ihl = u8_of(layer, "ihl", (header / 4) as u8);
    let mut out = vec![u8_of(layer, "version", 4) << 4 | ihl & 15];
    out.push(u8_of(layer, "dscp", 0) << 2 | u8_of(layer, "ecn", 0) & 3);
    out.extend(u16_of(layer, "length", (header + contents.len()) as u16).to_be_bytes());
    out.extend(u16_of(layer, "id", 0).to_be_bytes());
    let flag = |name| u16::from(u8_of(layer, name, 0) & 1);
    let fragment = flag("reserved") << 15 | flag("df") << 14 | flag("mf") << 13;
    out.extend((fragment | u16_of(layer, "offset", 0) & 0x1fff).to_be_bytes());
    out.extend([u8_of(layer, "ttl", 64), protocol(layer, "protocol", next), 0, 0]);
    out.extend(address_of(layer, "src", 4));
    out.extend(address_of(layer, "dst", 4));
    out.extend(options);
    let right = checksum::internet(&out);
    put_checksum(&mut out, 10, layer.checksum(), right);
    out.extend(contents);
    out.extend(layer.bytes("trailer"));
    out
}

fn ipv6(layer: &Layer, next: Option<&Layer>, contents: &[u8]) -> Vec<u8> {
    let class = u32::from(u8_of(layer, "dscp", 0)) << 2 | u32::from(u8_of(layer, "ecn", 0) & 3);
    let first = u32::from(u8_of(layer, "version", 6)) << 28 | class << 20 | u32_of(layer, "flow") & 0xf_ffff;
    let mut out = first.to_be_bytes().to_vec();
    out.extend(u16_of(layer, "length", contents.len() as u16).to_be_bytes());
    out.extend([protocol(layer, "protocol", next), u8_of(layer, "ttl", 64)]);
    out.extend(address_of(layer, "src", 16));
    out.extend(address_of(layer, "dst", 16));
    out.extend(contents);
    out.extend(layer.bytes("trailer"));
    out
}

/// An extension header with its next header and length before `body`.
fn extension(layer: &Layer, next: Option<&Layer>, body: &[u8], contents: &[u8]) -> Vec<u8> {
    let words = ((body.len() + 2) / 8).saturating_sub(1) as u8;
    let mut out = vec![protocol(layer, "next", next), u8_of(layer, "length", words)];
    out.extend(body);
    out.extend(contents);
    out
}

fn routing(layer: &Layer, next: Option<&Layer>, contents: &[u8]) -> Vec<u8> {
    let mut body = vec![u8_of(layer, "routing-type", 0), u8_of(layer, "segments-left", 0)];
    body.extend(layer.bytes("data"));
    extension(layer, next, &body, contents)
}

fn fragment(layer: &Layer, next: Option<&Layer>, contents: &[u8]) -> Vec<u8> {
    let mut out = vec![protocol(layer, "next", next), u8_of(layer, "reserved", 0)];
    let flags = u16::from(u8_of(layer, "reserved-bits", 0) & 3) << 1 | u16::from(u8_of(layer, "mf", 0) & 1);
    out.extend((u16_of(layer, "offset", 0) << 3 | flags).to_be_bytes());
    out.extend(u32_of(layer, "id").to_be_bytes());
    out.extend(contents);
    out
}

fn discovery(layer: &Layer, enclosing: Option<Enclosing>, contents: &[u8]) -> Vec<u8> {
    let (icmp_type, option) = if layer.kind == Kind::Solicitation { (135, 1) } else { (136, 2) };
    let mut out = vec![icmp_type, u8_of(layer, "code", 0), 0, 0];
    out.extend(u32_of(layer, "flags").to_be_bytes());
    out.extend(address_of(layer, "target", 16));
    if let Some(mac) = layer.mac("mac") {
        out.extend([option, 1]);
        out.extend(mac);
    }
    out.extend(layer.bytes("options"));
    out.extend(contents);
    let right = enclosing.map_or(0, |ip| ip.checksum(58, &out));
    put_checksum(&mut out, 2, layer.checksum(), right);
    out
}

fn udp(layer: &Layer, enclosing: Option<Enclosing>, contents: &[u8]) -> Vec<u8> {
    let mut out = u16_of(layer, "sport", 40000).to_be_bytes().to_vec();
    out.extend(u16_of(layer, "dport", 0).to_be_bytes());
    out.extend(u16_of(layer, "length", (8 + contents.len()) as u16).to_be_bytes());
    out.extend([0, 0]);
    out.extend(contents);
    // A sum of zero is sent as all ones (RFC 768).
    let right = match enclosing.map_or(0, |ip| ip.checksum(17, &out)) {
        0 => 0xffff,
        sum => sum,
    };
    put_checksum(&mut out, 6, layer.checksum(), right);
    out.extend(layer.bytes("trailer"));
    out
}

fn tcp(layer: &Layer, enclosing: Option<Enclosing>, contents: &[u8]) -> Vec<u8> {
    let options = layer.bytes("options");
    let mut out = u16_of(layer, "sport", 40000).to_be_bytes().to_vec();
    out.extend(u16_of(layer, "dport", 0).to_be_bytes());
    out.extend(u32_of(layer, "seq").to_be_bytes());
    out.extend(u32_of(layer, "ack").to_be_bytes());
    let words = ((20 + options.len()) / 4) as u16;
    out.extend((words << 12 | u16_of(layer, "flags", 0) & 0xfff).to_be_bytes());
    out.extend(u16_of(layer, "window", 65535).to_be_bytes());
    out.extend([0, 0]);
    out.extend(u16_of(layer, "urgent", 0).to_be_bytes());
    out.extend(options);
    out.extend(contents);
    let right = enclosing.map_or(0, |ip| ip.checksum(6, &out));
    put_checksum(&mut out, 16, layer.checksum(), right);
    out
}
