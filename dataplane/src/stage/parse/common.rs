//! Frames of the shapes that most have, read by wide words and once: Ethernet without a
//! tag or with one, then a label stack, IPv4 without options and whole, or IPv6 without
//! extension headers, with a protocol above that this stage knows all about.
//!
//! It takes what the careful way would forward, says the same of it, and leaves the rest,
//! untouched, to that way. Whatever is unusual is the rest, errors of all kinds with it.

use ipnet::IpNet;

use super::Martians;
use crate::id::PortIndex;
use crate::packet::flow::{hash_v4, hash_v6};
use crate::packet::{Flags, Layer3, Meta};
use crate::table::{Interface, Snapshot};
use crate::wire::checksum::is_valid_ipv4;
use crate::wire::ethernet::ether_type;
use crate::wire::l4::{has_ports, protocol};

/// Addresses of an interface that are looked for among sources here.
const OWN: usize = 8;

/// By first octet: whether an IPv4 address may be one that something is to be said of:
/// 0/8, 127/8, 169.254/16, multicast and what is above.
static UNUSUAL_V4: [bool; 256] = octets(&[0, 127, 169], 224);
/// The same of IPv6: `::/8`, `fe00::/8` and multicast.
static UNUSUAL_V6: [bool; 256] = octets(&[0], 0xfe);

const fn octets(these: &[u8], and_from: usize) -> [bool; 256] {
    let mut all = [false; 256];
    let mut at = 0;
    while at < these.len() {
        all[these[at] as usize] = true;
        at += 1;
    }
    at = and_from;
    while at < all.len() {
        all[at] = true;
        at += 1;
    }
    all
}

/// What of an interface its frames are held against.
pub(super) struct Known<'a> {
    interface: &'a Interface,
    /// TPID and VID of the only tag; 0 without one.
    tag: u32,
    mac: u64,
    sources: Sources<'a>,
}

/// The sources that packets of an interface may not have.
struct Sources<'a> {
    /// Its own IPv4 addresses, and their subnets' broadcast addresses.
    own_v4: [u32; OWN],
    /// Its own IPv6 addresses.
    own_v6: [u128; OWN],
    used_v6: usize,
    martians: Martians<'a>,
}

impl<'a> Known<'a> {
    /// Of an interface whose frames have this tag, as [`Known::is_of`] has it; `None` where
    /// all its frames need care.
    pub(super) fn new(interface: &'a Interface, tag: u32, snapshot: &'a Snapshot) -> Option<Self> {
        let [a, b, c, d, e, f] = interface.mac;
        let mac = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        let sources = Sources::new(interface, super::configured(snapshot))?;
        interface.enabled.then_some(Self { interface, tag, mac, sources })
    }

    /// Whether it is of the interface of frames with this tag: TPID and VID, 0 without one.
    #[inline]
    pub(super) fn is_of(&self, tag: u32) -> bool {
        self.tag == tag
    }

    /// Parses a received frame of a common shape; what it is then, and `None` for any other.
    #[inline(always)]
    pub(super) fn parse(&self, bytes: &[u8], meta: &mut Meta, port: PortIndex) -> Option<Layer3> {
        let link = bytes.first_chunk::<18>()?;
        let (front, back) = (word(link, 0)?, word(link, 4)?);
        let (to, from) = (front >> 16, back & 0xffff_ffff_ffff);
        // The own address is no group's, so that is said of both with it.
        if to != self.mac || from == self.mac || from >> 40 & 1 == 1 {
            return None;
        }
        let after = u32::from_be_bytes(*link.get(12..)?.first_chunk()?);
        let (kind, at, pcp) = match self.tag {
            0 => (after >> 16, 14, 0),
            tag if after & 0xffff_0fff == tag => {
                let priority = after >> 13 & 7 | (after >> 12 & 1) << 3;
                (u32::from(u16::from_be_bytes([link[16], link[17]])), 18, super::TAGGED | priority as u8)
            }
            _ => return None,
        };
        let l3 = bytes.get(usize::from(at)..)?;
        let layer3 = match kind as u16 {
            ether_type::IPV4 => ipv4(l3, at, meta, Some(&self.sources))?,
            ether_type::IPV6 => ipv6(l3, at, meta, Some(&self.sources))?,
            ether_type::MPLS if self.interface.mpls => labelled(l3, at, meta)?,
            _ => return None,
        };
        (meta.in_port, meta.length, meta.pcp) = (port, bytes.len() as u16, pcp);
        (meta.in_interface, meta.vrf) = (self.interface.id, self.interface.vrf);
        Some(layer3)
    }
}

impl<'a> Sources<'a> {
    /// `None` where an interface has more addresses than fit.
    fn new(interface: &Interface, martians: Martians<'a>) -> Option<Self> {
        // 0.0.0.0 is nobody's: it stands where there is none.
        let mut own = Self { own_v4: [0; OWN], own_v6: [0; OWN], used_v6: 0, martians };
        let mut used = 0;
        for address in interface.addresses.iter() {
            match address.net {
                IpNet::V4(net) => {
                    *own.own_v4.get_mut(used)? = net.addr().to_bits();
                    // A /31 has no broadcast address (RFC 3021).
                    let broadcast = if net.prefix_len() < 31 { net.broadcast().to_bits() } else { 0 };
                    *own.own_v4.get_mut(used + 1)? = broadcast;
                    used += 2;
                }
                IpNet::V6(net) => {
                    *own.own_v6.get_mut(own.used_v6)? = net.addr().to_bits();
                    own.used_v6 += 1;
                }
            }
        }
        Some(own)
    }

    /// Whether a packet from there may need care.
    #[inline(always)]
    fn forbid_v4(&self, source: u32, destination: u32) -> bool {
        // Not a branch for each: they are compared together.
        let own = self.own_v4.iter().fold(false, |own, address| own | (*address == source));
        let addresses = || (source.to_be_bytes().into(), destination.to_be_bytes().into());
        own || self.martians.is_some() && super::martian(self.martians, addresses).is_some()
    }

    #[inline(always)]
    fn forbid_v6(&self, source: [u8; 16], destination: [u8; 16]) -> bool {
        let number = u128::from_be_bytes(source);
        let own = self.own_v6.get(..self.used_v6).is_none_or(|own| own.contains(&number));
        let addresses = || (source.into(), destination.into());
        own || self.martians.is_some() && super::martian(self.martians, addresses).is_some()
    }
}

/// Eight octets of a header, the first of them highest.
#[inline(always)]
fn word(header: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(*header.get(at..)?.first_chunk()?))
}

/// Parses an IPv4 packet of the common shape that starts at `at` of its frame.
#[inline(always)]
fn ipv4(l3: &[u8], at: u16, meta: &mut Meta, sources: Option<&Sources<'_>>) -> Option<Layer3> {
    let header = l3.first_chunk::<28>()?;
    let (front, middle) = (word(header, 0)?, word(header, 8)?);
    let total = (front >> 32) as u16;
    // Version and length of the header; more fragments, and offset.
    if front >> 56 != 0x45 || front & 0x3fff != 0 || total < 28 || usize::from(total) > l3.len() {
        return None;
    }
    if !is_valid_ipv4(header.first_chunk()?) {
        return None;
    }
    let number = (middle >> 48) as u8;
    let (source, destination) = (middle as u32, (word(header, 16)? >> 32) as u32);
    let unusual = UNUSUAL_V4[(source >> 24) as usize] | UNUSUAL_V4[(destination >> 24) as usize];
    if unusual || number == protocol::ICMP || sources.is_some_and(|s| s.forbid_v4(source, destination)) {
        return None;
    }
    let ports = ports(word(header, 16)? as u32, number, meta);
    meta.flags.0 |= (front as u32 & 0x4000) / (0x4000 / Flags::DONT_FRAGMENT.0);
    meta.flow_hash = hash_v4(source.to_be_bytes(), destination.to_be_bytes(), number, ports);
    meta.layer3 = Layer3::Ipv4;
    (meta.l3_offset, meta.l3_length, meta.l4_offset) = (at, total, at + 20);
    (meta.protocol, meta.dscp, meta.ttl) = (number, (front >> 50) as u8 & 63, (middle >> 56) as u8);
    Some(Layer3::Ipv4)
}

/// Parses an IPv6 packet of the common shape that starts at `at` of its frame.
#[inline(always)]
fn ipv6(l3: &[u8], at: u16, meta: &mut Meta, sources: Option<&Sources<'_>>) -> Option<Layer3> {
    let header = l3.first_chunk::<48>()?;
    let front = word(header, 0)?;
    let (payload, number) = ((front >> 16) as u16, (front >> 8) as u8);
    let total = payload.checked_add(40)?;
    if front >> 60 != 6 || payload < 8 || usize::from(total) > l3.len() || !has_ports(number) {
        return None;
    }
    let (source, destination) = (*header.get(8..)?.first_chunk::<16>()?, *header.get(24..)?.first_chunk()?);
    if UNUSUAL_V6[usize::from(header[8])] | UNUSUAL_V6[usize::from(header[24])]
        || sources.is_some_and(|s| s.forbid_v6(source, destination))
    {
        return None;
    }
    let ports = ports((word(header, 40)? >> 32) as u32, number, meta);
    meta.flow_hash = hash_v6(source, destination, number, ports);
    meta.layer3 = Layer3::Ipv6;
    (meta.l3_offset, meta.l3_length, meta.l4_offset) = (at, total, at + 40);
    (meta.protocol, meta.dscp, meta.ttl) = (number, (front >> 54) as u8 & 63, front as u8);
    Some(Layer3::Ipv6)
}

/// The ports, where the protocol has them, into meta; and for the flow's hash.
#[inline(always)]
fn ports(ports: u32, number: u8, meta: &mut Meta) -> u32 {
    if !has_ports(number) {
        return 0;
    }
    (meta.l4_source, meta.l4_destination) = ((ports >> 16) as u16, ports as u16);
    meta.flags.set(Flags::PORTS);
    ports
}

/// Parses the top of a label stack that starts at `at` of its frame.
#[inline(always)]
fn labelled(stack: &[u8], at: u16, meta: &mut Meta) -> Option<Layer3> {
    let top = u32::from_be_bytes(*stack.first_chunk()?);
    meta.layer3 = Layer3::Mpls;
    (meta.l3_offset, meta.l3_length, meta.l4_offset) = (at, stack.len() as u16, at);
    (meta.tc, meta.ttl) = ((top >> 9 & 7) as u8, top as u8);
    Some(Layer3::Mpls)
}

/// Parses an IP packet of a common shape that labels have been taken off, whose TTL is no
/// more than the one that they left; whether it is one.
#[inline(always)]
pub(super) fn exposed(bytes: &[u8], meta: &mut Meta) -> bool {
    let (at, outer) = (meta.l3_offset, meta.ttl);
    let Some(l3) = bytes.get(usize::from(at)..) else { return false };
    let parsed = match meta.layer3 {
        Layer3::Ipv4 => ipv4(l3, at, meta, None),
        _ => ipv6(l3, at, meta, None),
    };
    if parsed.is_some() {
        meta.ttl = meta.ttl.min(outer);
    }
    parsed.is_some()
}
