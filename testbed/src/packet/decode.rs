//! Bytes to layers. Total: whatever cannot be read as what it claims to be is a payload,
//! and encoding the layers again gives the same bytes.

mod icmp;

use std::net::{Ipv4Addr, Ipv6Addr};

use super::checksum;
use super::encode::Enclosing;
use super::layer::{Checksum, Kind, Layer, Value};

/// What surrounds an upper-layer message.
#[derive(Clone, Copy)]
struct Around {
    enclosing: Option<Enclosing>,
    /// The datagram is cut short: checksums over it cannot be checked.
    cut: bool,
    /// IPv6, where UDP must have a checksum.
    v6: bool,
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |b| u16::from_be_bytes([b[0], b[1]]))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) << 16 | u32::from(u16_at(bytes, at + 2))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..at + N).and_then(|b| b.try_into().ok()).unwrap_or([0; N])
}

fn mac_at(bytes: &[u8], at: usize) -> Value {
    Value::Mac(array(bytes, at))
}

fn ipv4_at(bytes: &[u8], at: usize) -> Value {
    Value::Address(Ipv4Addr::from(array::<4>(bytes, at)).into())
}

fn ipv6_at(bytes: &[u8], at: usize) -> Value {
    Value::Address(Ipv6Addr::from(array::<16>(bytes, at)).into())
}

/// What nothing looks into; no layer at all when there is nothing.
fn raw(bytes: &[u8]) -> Vec<Layer> {
    if bytes.is_empty() {
        return Vec::new();
    }
    vec![Layer::new(Kind::Payload).with("bytes", Value::Bytes(bytes.to_vec()))]
}

fn stack(layer: Layer, above: Vec<Layer>) -> Vec<Layer> {
    let mut layers = vec![layer];
    layers.extend(above);
    layers
}

/// An Ethernet frame.
pub(super) fn ethernet(bytes: &[u8]) -> Vec<Layer> {
    if bytes.len() < 14 {
        return raw(bytes);
    }
    let mut eth = Layer::new(Kind::Eth);
    eth.read("src", mac_at(bytes, 6), false);
    eth.read("dst", mac_at(bytes, 0), false);
    eth.read_number("type", u16_at(bytes, 12));
    stack(eth, by_type(u16_at(bytes, 12), &bytes[14..]))
}

fn by_type(ether_type: u16, bytes: &[u8]) -> Vec<Layer> {
    match ether_type {
        0x8100 | 0x88a8 | 0x9100 => vlan(ether_type, bytes),
        0x8847 | 0x8848 => mpls(bytes),
        0x0806 => arp(bytes),
        0x0800 => ipv4(bytes),
        0x86dd => ipv6(bytes),
        _ => raw(bytes),
    }
}

fn vlan(tpid: u16, bytes: &[u8]) -> Vec<Layer> {
    if bytes.len() < 4 {
        return raw(bytes);
    }
    let tag = u16_at(bytes, 0);
    let mut vlan = Layer::new(Kind::Vlan);
    vlan.read_number("vid", tag & 0xfff);
    vlan.read("tpid", Value::Number(tpid.into()), tpid != 0x8100);
    vlan.read_number("pcp", tag >> 13);
    vlan.read_number("dei", tag >> 12 & 1);
    vlan.read_number("type", u16_at(bytes, 2));
    stack(vlan, by_type(u16_at(bytes, 2), &bytes[4..]))
}

fn mpls(bytes: &[u8]) -> Vec<Layer> {
    if bytes.len() < 4 {
        return raw(bytes);
    }
    let entry = u32_at(bytes, 0);
    let mut mpls = Layer::new(Kind::Mpls);
    mpls.read_number("label", entry >> 12);
    mpls.read_number("tc", entry >> 9 & 7);
    mpls.read_number("ttl", entry & 255);
    mpls.read_number("bos", entry >> 8 & 1);
    let bottom = entry >> 8 & 1 == 1;
    stack(mpls, if bottom { network(&bytes[4..], false) } else { self::mpls(&bytes[4..]) })
}

fn arp(bytes: &[u8]) -> Vec<Layer> {
    if bytes.len() < 28 {
        return raw(bytes);
    }
    let mut arp = Layer::new(Kind::Arp);
    arp.read_number("op", u16_at(bytes, 6));
    arp.read("sha", mac_at(bytes, 8), false);
    arp.read("spa", ipv4_at(bytes, 14), false);
    arp.read("tha", mac_at(bytes, 18), false);
    arp.read("tpa", ipv4_at(bytes, 24), false);
    for (name, value, usual) in [
        ("hardware", u16_at(bytes, 0), 1),
        ("protocol", u16_at(bytes, 2), 0x0800),
        ("hlen", bytes[4].into(), 6),
        ("plen", bytes[5].into(), 4),
    ] {
        arp.read(name, Value::Number(value.into()), value != usual);
    }
    arp.read("trailer", Value::Bytes(bytes[28..].to_vec()), false);
    vec![arp]
}

/// A datagram whose version its first four bits say. In a quote, lengths may exceed what is there.
pub(super) fn network(bytes: &[u8], quoted: bool) -> Vec<Layer> {
    let mut layers = match bytes.first().map(|b| b >> 4) {
        Some(4) => ipv4(bytes),
        Some(6) => ipv6(bytes),
        _ => raw(bytes),
    };
    if quoted {
        for layer in &mut layers {
            layer.quoted = true;
            layer.fields.iter_mut().filter(|f| f.name == "length").for_each(|f| f.odd = false);
        }
    }
    layers
}

fn ipv4(bytes: &[u8]) -> Vec<Layer> {
    let header = bytes.first().map_or(0, |b| usize::from(b & 15) * 4);
    if header < 20 || bytes.len() < header || bytes[0] >> 4 != 4 {
        return raw(bytes);
    }
    let length = usize::from(u16_at(bytes, 2));
    let wrong = length < header || length > bytes.len();
    let end = if wrong { bytes.len() } else { length };
    let fragment = u16_at(bytes, 6);
    let mut ip = Layer::new(Kind::Ipv4);
    ip.read("src", ipv4_at(bytes, 12), false);
    ip.read("dst", ipv4_at(bytes, 16), false);
    ip.read_number("dscp", bytes[1] >> 2);
    ip.read_number("ecn", bytes[1] & 3);
    ip.read_number("ttl", bytes[8]);
    ip.read("length", Value::Number(length as u64), wrong);
    ip.read_number("id", u16_at(bytes, 4));
    ip.read_rare("reserved", fragment >> 15);
    ip.read_number("df", fragment >> 14 & 1);
    ip.read_rare("mf", fragment >> 13 & 1);
    ip.read_rare("offset", fragment & 0x1fff);
    ip.read_number("protocol", bytes[9]);
    ip.read_bytes("options", &bytes[20..header]);
    let right = checksum::internet(&[&bytes[..10], &bytes[12..header]].concat());
    read_checksum(&mut ip, u16_at(bytes, 10), Some(right));
    ip.read("trailer", Value::Bytes(bytes[end..].to_vec()), false);
    let around = Around { enclosing: Enclosing::of(std::slice::from_ref(&ip)), cut: wrong, v6: false };
    let contents = &bytes[header..end];
    let partial = fragment & 0x3fff != 0;
    stack(ip, if partial { raw(contents) } else { upper(bytes[9], contents, around) })
}

fn ipv6(bytes: &[u8]) -> Vec<Layer> {
    if bytes.len() < 40 || bytes[0] >> 4 != 6 {
        return raw(bytes);
    }
    let length = usize::from(u16_at(bytes, 4));
    let wrong = length + 40 > bytes.len();
    let end = if wrong { bytes.len() } else { length + 40 };
    let first = u32_at(bytes, 0);
    let mut ip = Layer::new(Kind::Ipv6);
    ip.read("src", ipv6_at(bytes, 8), false);
    ip.read("dst", ipv6_at(bytes, 24), false);
    ip.read_number("dscp", first >> 22 & 63);
    ip.read_number("ecn", first >> 20 & 3);
    ip.read_number("ttl", bytes[7]);
    ip.read_number("flow", first & 0xf_ffff);
    ip.read("length", Value::Number(length as u64), wrong);
    ip.read_number("protocol", bytes[6]);
    ip.read("trailer", Value::Bytes(bytes[end..].to_vec()), false);
    let around = Around { enclosing: Enclosing::of(std::slice::from_ref(&ip)), cut: wrong, v6: true };
    stack(ip, upper(bytes[6], &bytes[40..end], around))
}

fn upper(protocol: u8, bytes: &[u8], around: Around) -> Vec<Layer> {
    match (protocol, around.v6) {
        (0, true) => options(Kind::HopByHop, bytes, around),
        (60, true) => options(Kind::Destination, bytes, around),
        (43, true) => routing(bytes, around),
        (44, true) => fragment(bytes, around),
        (1, false) => icmp::icmp(bytes, around),
        (58, true) => icmp::icmp6(bytes, around),
        (6, _) => tcp(bytes, around),
        (17, _) => udp(bytes, around),
        (4, _) => ipv4(bytes),
        (41, _) => ipv6(bytes),
        _ => raw(bytes),
    }
}

/// The length of the extension header at the start of `bytes`, if all of it is there.
fn extension_length(bytes: &[u8]) -> Option<usize> {
    let length = (usize::from(*bytes.get(1)?) + 1) * 8;
    (length <= bytes.len()).then_some(length)
}

fn options(kind: Kind, bytes: &[u8], around: Around) -> Vec<Layer> {
    let Some(length) = extension_length(bytes) else { return raw(bytes) };
    let mut layer = Layer::new(kind);
    layer.read_number("next", bytes[0]);
    layer.read("options", Value::Bytes(bytes[2..length].to_vec()), false);
    stack(layer, upper(bytes[0], &bytes[length..], around))
}

fn routing(bytes: &[u8], around: Around) -> Vec<Layer> {
    let Some(length) = extension_length(bytes) else { return raw(bytes) };
    let mut layer = Layer::new(Kind::Routing);
    layer.read_number("next", bytes[0]);
    layer.read_number("routing-type", bytes[2]);
    layer.read_number("segments-left", bytes[3]);
    layer.read("data", Value::Bytes(bytes[4..length].to_vec()), false);
    stack(layer, upper(bytes[0], &bytes[length..], around))
}

fn fragment(bytes: &[u8], around: Around) -> Vec<Layer> {
    if bytes.len() < 8 {
        return raw(bytes);
    }
    let flags = u16_at(bytes, 2);
    let mut layer = Layer::new(Kind::Fragment);
    layer.read_number("next", bytes[0]);
    layer.read_number("id", u32_at(bytes, 4));
    layer.read_rare("offset", flags >> 3);
    layer.read_rare("mf", flags & 1);
    layer.read_rare("reserved", bytes[1]);
    layer.read_rare("reserved-bits", flags >> 1 & 3);
    let partial = flags & 0xfff9 != 0;
    stack(layer, if partial { raw(&bytes[8..]) } else { upper(bytes[0], &bytes[8..], around) })
}

/// Reads a checksum; `right` is what it should be, where that can be known.
fn read_checksum(layer: &mut Layer, value: u16, right: Option<u16>) {
    let checksum = match right {
        None => Checksum::Unchecked(value),
        Some(right) if right == value => Checksum::Good,
        Some(_) => Checksum::Bad(Some(value)),
    };
    layer.read("checksum", Value::Checksum(checksum), matches!(checksum, Checksum::Bad(_)));
}

/// The right checksum of `message`, whose own stands at `at`; `None` where it cannot be known.
fn right_checksum(protocol: u8, message: &[u8], at: usize, around: Around) -> Option<u16> {
    if around.cut {
        return None;
    }
    let mut message = message.to_vec();
    message[at..at + 2].fill(0);
    match protocol {
        1 => Some(checksum::internet(&message)),
        _ => around.enclosing.map(|ip| ip.checksum(protocol, &message)),
    }
}

fn udp(bytes: &[u8], around: Around) -> Vec<Layer> {
    if bytes.len() < 8 {
        return raw(bytes);
    }
    let length = usize::from(u16_at(bytes, 4));
    let wrong = length < 8 || length > bytes.len();
    let end = if wrong { bytes.len() } else { length };
    let mut udp = Layer::new(Kind::Udp);
    udp.read_number("sport", u16_at(bytes, 0));
    udp.read_number("dport", u16_at(bytes, 2));
    udp.read("length", Value::Number(length as u64), wrong);
    let value = u16_at(bytes, 6);
    if value == 0 && !wrong {
        udp.read("checksum", Value::Checksum(Checksum::Absent), around.v6);
    } else {
        let right = right_checksum(17, &bytes[..end], 6, around);
        let right = right.map(|sum| if sum == 0 { 0xffff } else { sum });
        read_checksum(&mut udp, value, if wrong { None } else { right });
    }
    udp.read("trailer", Value::Bytes(bytes[end..].to_vec()), end < bytes.len());
    stack(udp, raw(&bytes[8..end]))
}

fn tcp(bytes: &[u8], around: Around) -> Vec<Layer> {
    let header = bytes.get(12).map_or(0, |b| usize::from(b >> 4) * 4);
    if header < 20 || bytes.len() < header {
        return raw(bytes);
    }
    let mut tcp = Layer::new(Kind::Tcp);
    tcp.read_number("sport", u16_at(bytes, 0));
    tcp.read_number("dport", u16_at(bytes, 2));
    tcp.read_number("flags", u16_at(bytes, 12) & 0xfff);
    tcp.read_number("seq", u32_at(bytes, 4));
    tcp.read_number("ack", u32_at(bytes, 8));
    tcp.read_number("window", u16_at(bytes, 14));
    tcp.read_number("urgent", u16_at(bytes, 18));
    tcp.read("options", Value::Bytes(bytes[20..header].to_vec()), false);
    read_checksum(&mut tcp, u16_at(bytes, 16), right_checksum(6, bytes, 16, around));
    stack(tcp, raw(&bytes[header..]))
}
