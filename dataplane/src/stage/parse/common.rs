//! Frames of the shapes that most have, read by wide words and once: Ethernet without a
//! tag or with one, then a label stack, IPv4 without options and whole, or IPv6 without
//! extension headers, with a protocol above that this stage knows all about.
//!
//! It takes what the careful way would forward, says the same of it, and leaves the rest,
//! untouched, to that way. Whatever is unusual is the rest, errors of all kinds with it. The
//! hash of their flow waits until it is wanted.
//!
//! Words of frames are held against others as they lie in memory, the first octet lowest.

use std::net::Ipv4Addr;

use ipnet::IpNet;

use super::Martians;
use crate::packet::{Flags, Frame, Layer3, Meta, Verdict};
use crate::table::{Interface, Snapshot};
use crate::wire::checksum::is_valid_ipv4;
use crate::wire::ethernet::ether_type;
use crate::wire::l4::{has_ports, protocol};

/// Bytes of a header without tags.
const ETHERNET: u16 = 14;
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

/// Frames in a row.
#[derive(Default)]
pub(super) struct Row {
    pub(super) frames: usize,
    pub(super) bytes: u64,
}

/// What of an interface its frames are held against.
pub(super) struct Known<'a> {
    pub(super) interface: &'a Interface,
    /// TPID and VID of the only tag; 0 without one.
    tag: u32,
    mac: u64,
    sources: Sources<'a>,
}

/// The sources that packets of an interface may not have.
struct Sources<'a> {
    /// Its own IPv4 addresses, and their subnets' broadcast addresses, as they lie in headers.
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
        let mac = u64::from_le_bytes([a, b, c, d, e, f, 0, 0]);
        let sources = Sources::new(interface, super::configured(snapshot))?;
        interface.enabled.then_some(Self { interface, tag, mac, sources })
    }

    /// Whether it is of the interface of frames with this tag: TPID and VID, 0 without one.
    #[inline]
    pub(super) fn is_of(&self, tag: u32) -> bool {
        self.tag == tag
    }

    /// Parses frames from the front on while they are of this kind and of the common shape, without a
    /// tag, and no list of martians is to be looked at; IPv4 destinations go into `to`, and the fronts
    /// of label stacks into `tops`.
    pub(super) fn row(
        &self,
        kind: Layer3,
        (frames, to, tops): (&mut [Frame], &mut [Ipv4Addr], &mut [u64]),
    ) -> Row {
        let sources = Some(&self.sources);
        if self.tag != 0 || self.sources.martians.is_some() {
            return Row::default();
        }
        match kind {
            Layer3::Ipv4 => self.each((frames, to), ether_type::IPV4, |l3, meta, to| {
                *to = ipv4(l3, ETHERNET, meta, sources)?;
                Some(())
            }),
            Layer3::Ipv6 => self.each((frames, to), ether_type::IPV6, |l3, meta, _| {
                ipv6(l3, ETHERNET, meta, sources).map(|_| ())
            }),
            Layer3::Mpls if self.interface.mpls => {
                self.each((frames, tops), ether_type::MPLS, |l3, meta, top| {
                    *top = labelled(l3, ETHERNET, meta)?;
                    Some(())
                })
            }
            _ => Row::default(),
        }
    }

    #[inline(always)]
    fn each<B>(
        &self,
        (frames, beside): (&mut [Frame], &mut [B]),
        kind: u16,
        read: impl Fn(&[u8], &mut Meta, &mut B) -> Option<()>,
    ) -> Row {
        let mut row = Row::default();
        let (id, vrf) = (self.interface.id, self.interface.vrf);
        for (frame, beside) in frames.iter_mut().zip(beside) {
            let (bytes, meta) = frame.parts_mut();
            let Some(l3) = bytes.get(usize::from(ETHERNET)..) else { break };
            if meta.verdict != Verdict::Forward
                || !self.is_to_us(bytes.first_chunk(), kind)
                || read(l3, meta, beside).is_none()
            {
                break;
            }
            (meta.length, meta.pcp) = (bytes.len() as u16, 0);
            (meta.in_interface, meta.vrf) = (id, vrf);
            row = Row { frames: row.frames + 1, bytes: row.bytes + bytes.len() as u64 };
        }
        row
    }

    /// Whether a frame is from another station to this one, of this EtherType. One from a station
    /// whose address ends as our own is said not to be: it is looked at with care.
    #[inline(always)]
    fn is_to_us(&self, link: Option<&[u8; 16]>, kind: u16) -> bool {
        let Some(link) = link else { return false };
        let [Some(front), Some(back)] = [word(link, 0), word(link, 8)] else { return false };
        // With the bit of group addresses of the source, which is to be 0.
        front & 0x1_ffff_ffff_ffff == self.mac
            && back as u32 != (self.mac >> 16) as u32
            && (back >> 32) as u16 == kind.swap_bytes()
    }

    /// Parses a received frame of a common shape, an IPv4 destination into `to`, and the front of a label
    /// stack into `top`; what it is then, and `None` for any other.
    #[inline(always)]
    pub(super) fn parse(&self, frame: &mut Frame, (to, top): (&mut Ipv4Addr, &mut u64)) -> Option<Layer3> {
        let (bytes, meta) = frame.parts_mut();
        let link = bytes.first_chunk::<18>()?;
        let (front, back) = (word(link, 0)?, word(link, 8)?);
        let from = front >> 48 | (back & 0xffff_ffff) << 16;
        // The own address is no group's, so that is said of both with it.
        if front & 0xffff_ffff_ffff != self.mac || from == self.mac || from & 1 == 1 {
            return None;
        }
        let (kind, at, pcp) = match self.tag {
            0 => ((back >> 32) as u16, 14, 0),
            tag => {
                let after = ((back >> 32) as u32).swap_bytes();
                if after & 0xffff_0fff != tag {
                    return None;
                }
                let priority = after >> 13 & 7 | (after >> 12 & 1) << 3;
                (u16::from_le_bytes([link[16], link[17]]), 18, super::TAGGED | priority as u8)
            }
        };
        let l3 = bytes.get(usize::from(at)..)?;
        const IPV4: u16 = ether_type::IPV4.swap_bytes();
        const IPV6: u16 = ether_type::IPV6.swap_bytes();
        const MPLS: u16 = ether_type::MPLS.swap_bytes();
        let layer3 = match kind {
            IPV4 => {
                *to = ipv4(l3, at, meta, Some(&self.sources))?;
                Layer3::Ipv4
            }
            IPV6 => ipv6(l3, at, meta, Some(&self.sources))?,
            MPLS if self.interface.mpls => {
                *top = labelled(l3, at, meta)?;
                Layer3::Mpls
            }
            _ => return None,
        };
        (meta.length, meta.pcp) = (bytes.len() as u16, pcp);
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
                    *own.own_v4.get_mut(used)? = u32::from_le_bytes(net.addr().octets());
                    // A /31 has no broadcast address (RFC 3021).
                    let broadcast = if net.prefix_len() < 31 { net.broadcast().octets() } else { [0; 4] };
                    *own.own_v4.get_mut(used + 1)? = u32::from_le_bytes(broadcast);
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
        let addresses = || (source.to_le_bytes().into(), destination.to_le_bytes().into());
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

/// Eight octets, the first of them lowest.
#[inline(always)]
fn word(header: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*header.get(at..)?.first_chunk()?))
}

/// Parses an IPv4 packet of the common shape that starts at `at` of its frame; its destination.
#[inline(always)]
fn ipv4(l3: &[u8], at: u16, meta: &mut Meta, sources: Option<&Sources<'_>>) -> Option<Ipv4Addr> {
    let header = l3.first_chunk::<28>()?;
    let (front, middle, back) = (word(header, 0)?, word(header, 8)?, word(header, 16)?);
    let total = ((front >> 16) as u16).swap_bytes();
    // Version and length of the header; more fragments, and offset.
    if front & 0xff3f_0000_0000_00ff != 0x45 || total < 28 || usize::from(total) > l3.len() {
        return None;
    }
    if !is_valid_ipv4(header.first_chunk()?) {
        return None;
    }
    let (ttl, number) = (middle as u8, (middle >> 8) as u8);
    let (source, destination) = ((middle >> 32) as u32, back as u32);
    let unusual = UNUSUAL_V4[(source & 0xff) as usize] | UNUSUAL_V4[(destination & 0xff) as usize];
    if unusual || number == protocol::ICMP || sources.is_some_and(|s| s.forbid_v4(source, destination)) {
        return None;
    }
    // The bit of the header moves to that of the flag.
    let whole = ((front >> 48) as u32 & 0x40) / (0x40 / Flags::DONT_FRAGMENT.0);
    meta.flags.0 |= whole | ports((back >> 32) as u32, number, meta);
    meta.layer3 = Layer3::Ipv4;
    (meta.l3_offset, meta.l3_length) = (at, total);
    (meta.protocol, meta.dscp, meta.ttl) = (number, (front >> 10) as u8 & 63, ttl);
    Some(destination.to_le_bytes().into())
}

/// Parses an IPv6 packet of the common shape that starts at `at` of its frame.
#[inline(always)]
fn ipv6(l3: &[u8], at: u16, meta: &mut Meta, sources: Option<&Sources<'_>>) -> Option<Layer3> {
    let header = l3.first_chunk::<48>()?;
    let front = word(header, 0)?;
    let (payload, number) = (((front >> 32) as u16).swap_bytes(), (front >> 48) as u8);
    let total = payload.checked_add(40)?;
    if front & 0xf0 != 0x60 || payload < 8 || usize::from(total) > l3.len() || !has_ports(number) {
        return None;
    }
    let (source, destination) = (*header.get(8..)?.first_chunk::<16>()?, *header.get(24..)?.first_chunk()?);
    if UNUSUAL_V6[usize::from(header[8])] | UNUSUAL_V6[usize::from(header[24])]
        || sources.is_some_and(|s| s.forbid_v6(source, destination))
    {
        return None;
    }
    meta.flags.0 |= ports(word(header, 40)? as u32, number, meta);
    meta.layer3 = Layer3::Ipv6;
    (meta.l3_offset, meta.l3_length) = (at, total);
    // The class lies across the first two octets.
    let class = (front as u16).swap_bytes() >> 4;
    (meta.protocol, meta.dscp, meta.ttl) = (number, (class >> 2) as u8 & 63, (front >> 56) as u8);
    Some(Layer3::Ipv6)
}

/// The ports, where the protocol has them, into meta; the flag that says so.
#[inline(always)]
fn ports(ports: u32, number: u8, meta: &mut Meta) -> u32 {
    if !has_ports(number) {
        return 0;
    }
    let ports = ports.swap_bytes();
    (meta.l4_source, meta.l4_destination) = ((ports >> 16) as u16, ports as u16);
    Flags::PORTS.0
}

/// Parses the top of a label stack that starts at `at` of its frame; its front.
#[inline(always)]
fn labelled(stack: &[u8], at: u16, meta: &mut Meta) -> Option<u64> {
    let front = u64::from_be_bytes(*stack.first_chunk()?);
    let top = (front >> 32) as u32;
    meta.layer3 = Layer3::Mpls;
    (meta.l3_offset, meta.l3_length) = (at, stack.len() as u16);
    (meta.tc, meta.ttl) = ((top >> 9 & 7) as u8, top as u8);
    Some(front)
}

/// Parses IP packets of a common shape that labels have been taken off, from the front on while they
/// are of this kind, as [`exposed`] does; gives how many.
pub(super) fn exposed_row(kind: Layer3, frames: &mut [Frame], to: &mut [Ipv4Addr]) -> usize {
    let each = frames.iter_mut().zip(to);
    if kind == Layer3::Ipv4 {
        each.map_while(|(frame, to)| exposed_v4(frame, to)).count()
    } else {
        each.map_while(|(frame, _)| exposed_v6(frame)).count()
    }
}

/// Parses an IP packet of a common shape that labels have been taken off, whose TTL is no
/// more than the one that they left, an IPv4 destination into `to` too; whether it is one.
#[inline(always)]
pub(super) fn exposed(frame: &mut Frame, to: &mut Ipv4Addr) -> bool {
    let parsed = match frame.meta().layer3 {
        Layer3::Ipv4 => exposed_v4(frame, to),
        _ => exposed_v6(frame),
    };
    parsed.is_some()
}

#[inline(always)]
fn exposed_v4(frame: &mut Frame, to: &mut Ipv4Addr) -> Option<()> {
    let (bytes, meta) = frame.parts_mut();
    let (at, outer) = (meta.l3_offset, meta.ttl);
    *to = ipv4(bytes.get(usize::from(at)..)?, at, meta, None)?;
    lower(meta, outer);
    Some(())
}

#[inline(always)]
fn exposed_v6(frame: &mut Frame) -> Option<()> {
    let (bytes, meta) = frame.parts_mut();
    let (at, outer) = (meta.l3_offset, meta.ttl);
    ipv6(bytes.get(usize::from(at)..)?, at, meta, None)?;
    lower(meta, outer);
    Some(())
}

#[inline(always)]
fn lower(meta: &mut Meta, outer: u8) {
    // The labels may have had one.
    meta.flow_hash = 0;
    meta.ttl = meta.ttl.min(outer);
}
