//! Ethernet, VLAN tags, the interface they belong to, and the station addresses
//! (IEEE 802.1Q; RFC 1812 section 3.3).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::id::{IfIndex, PortIndex};
use crate::packet::{Alike, DropReason, Flags, Frame, Layer3, PuntReason, Verdict};
use crate::table::{Interface, PortSpec, Snapshot, Tpid};
use crate::time::Time;
use crate::wire::ethernet::{EthernetHeader, ether_type, is_group};
use crate::wire::vlan::VlanTag;

use super::common::Known;
use super::{TAGGED, exposed, ipv4, ipv6, labelled};

/// Tags looked at before a frame is given up: two that count, two of priority only.
const MAX_TAGS: usize = 4;

/// TPIDs of others, which name no interface here.
const FOREIGN_TPIDS: [u16; 3] = [0x9100, 0x9200, 0x9300];

/// One port's arrivals, with the interface of the last frame at hand.
pub(super) struct Arrival<'a> {
    snapshot: &'a Snapshot,
    index: PortIndex,
    /// When the frames were.
    received: Time,
    port: Option<&'a PortSpec>,
    last: Option<&'a Interface>,
    /// What frames of a common shape are held against that have the tag of the last one.
    known: Option<Known<'a>>,
    /// By bit: the kinds of frames that were parsed, as [`Layer3`] numbers them, or [`OTHER`].
    kinds: u32,
    /// The kind of the last one that was of a common shape; IPv4 before there is one.
    last_kind: Layer3,
    /// Bytes of those of a common shape.
    bytes: u64,
}

/// The bit of frames that are of no common shape.
const OTHER: u32 = 1 << 31;

/// What stands before the network header.
struct Link {
    interface: IfIndex,
    ether_type: u16,
    l3_offset: usize,
    /// As meta has it.
    pcp: u8,
    /// TPID and VID where there is no other tag, 0 where there is none; `None` for all else.
    tag: Option<u32>,
}

impl<'a> Arrival<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, index: PortIndex, received: Time) -> Self {
        let port = snapshot.port(index);
        let untagged = port.and_then(|port| snapshot.interface(port.demux.untagged()));
        let known = untagged.and_then(|interface| Known::new(interface, 0, snapshot));
        Self {
            snapshot,
            index,
            received,
            port,
            last: None,
            known,
            kinds: 0,
            last_kind: Layer3::Ipv4,
            bytes: 0,
        }
    }

    /// Whether labelled frames were among those parsed.
    pub(super) fn labelled(&self) -> bool {
        self.kinds & kind_bit(Layer3::Mpls) != 0
    }

    /// What all frames parsed have in common.
    pub(super) fn alike(&self) -> Option<Alike> {
        let kinds = [Layer3::Ipv4, Layer3::Ipv6, Layer3::Mpls];
        let layer3 = kinds.into_iter().find(|layer3| self.kinds == kind_bit(*layer3))?;
        // Another interface becomes known by frames that need care alone.
        let known = self.known.as_ref()?.interface;
        let (interface, vrf) = (known.id, known.vrf);
        Some(Alike { layer3, interface, vrf, bytes: self.bytes, class: None, way: None })
    }

    /// Parses the frames in front that have no tag and are of the kind of the one before them, of
    /// the common shape; gives how many.
    #[inline]
    pub(super) fn row(&mut self, frames: &mut [Frame], to: &mut [Ipv4Addr], tops: &mut [u64]) -> usize {
        let Some(known) = &self.known else { return 0 };
        let row = known.row(self.last_kind, (frames, to, tops));
        if row.frames > 0 {
            self.kinds |= kind_bit(self.last_kind);
            self.bytes += row.bytes;
        }
        row.frames
    }

    /// Whether a frame is of a common shape and to be forwarded; then it is parsed, an IPv4
    /// destination into `to`, and the front of a label stack into `top`.
    #[inline(always)]
    pub(super) fn is_common(&mut self, frame: &mut Frame, to: &mut Ipv4Addr, top: &mut u64) -> bool {
        let Some(known) = &self.known else { return false };
        if frame.meta().verdict != Verdict::Forward {
            return false;
        }
        let Some(layer3) = known.parse(frame, (to, top)) else { return false };
        self.kinds |= kind_bit(layer3);
        self.bytes += frame.len() as u64;
        self.last_kind = layer3;
        true
    }

    /// Parses any other frame that is live.
    #[inline(never)]
    pub(super) fn with_care(&mut self, frame: &mut Frame) {
        self.kinds |= OTHER;
        if frame.meta().verdict == Verdict::Forward {
            let verdict = self.parse(frame);
            frame.meta_mut().verdict = verdict;
        }
    }

    /// Parses one frame into its meta with care; gives its verdict.
    pub(super) fn parse(&mut self, frame: &mut Frame) -> Verdict {
        let length = frame.len() as u16;
        frame.meta_mut().length = length;
        (frame.rare_mut().in_port, frame.rare_mut().received) = (self.index, self.received);
        let Some(port) = self.port else { return Verdict::Drop(DropReason::InterfaceDown) };
        let link = match demux(frame.bytes(), port) {
            Ok(link) => link,
            Err(reason) => return Verdict::Drop(reason),
        };
        let Some(interface) = self.interface(&link) else {
            return Verdict::Drop(DropReason::VlanUnknown);
        };
        let meta = frame.meta_mut();
        meta.in_interface = interface.id;
        meta.vrf = interface.vrf;
        meta.l3_offset = link.l3_offset as u16;
        meta.pcp = link.pcp;
        if !interface.enabled {
            return Verdict::Drop(DropReason::InterfaceDown);
        }
        match stations(frame, interface) {
            Some(reason) => Verdict::Drop(reason),
            None => self.network(frame, &link, interface),
        }
    }

    /// A frame's interface; most frames of a batch are of the last one's.
    #[inline]
    fn interface(&mut self, link: &Link) -> Option<&'a Interface> {
        if self.last.is_none_or(|last| last.id != link.interface) {
            self.last = self.snapshot.interface(link.interface);
        }
        if let Some(tag) = link.tag
            && self.known.as_ref().is_none_or(|known| !known.is_of(tag))
        {
            self.known = self.last.and_then(|interface| Known::new(interface, tag, self.snapshot));
        }
        self.last
    }

    /// Goes on by EtherType.
    #[inline]
    fn network(&mut self, frame: &mut Frame, link: &Link, interface: &Interface) -> Verdict {
        let limits = Some(&*self.snapshot.limits);
        let verdict = match link.ether_type {
            ether_type::IPV4 => ipv4::parse(frame, link.l3_offset, limits),
            ether_type::IPV6 => ipv6::parse(frame, link.l3_offset, limits),
            ether_type::MPLS if interface.mpls => {
                self.kinds |= kind_bit(Layer3::Mpls);
                return labelled::parse(frame, link.l3_offset);
            }
            other => return unrouted(frame, link.l3_offset, other, interface),
        };
        match verdict {
            Verdict::Forward => own_source(frame, interface).map_or(verdict, Verdict::Drop),
            // What a penultimate hop has taken the last label off (RFC 8029 section 4.4).
            Verdict::Drop(DropReason::MartianDestination) if interface.mpls => {
                exposed::echo(frame).map_or(verdict, Verdict::Punt)
            }
            _ => verdict,
        }
    }
}

/// The bit of frames of this kind.
#[inline]
const fn kind_bit(layer3: Layer3) -> u32 {
    1 << layer3 as u32
}

/// Why a datagram whose source is the interface's own address, or the broadcast
/// address of one of its subnets, is not taken (RFC 1812 section 5.3.7).
#[inline]
fn own_source(frame: &Frame, interface: &Interface) -> Option<DropReason> {
    let l3 = frame.l3();
    if frame.meta().layer3 == Layer3::Ipv6 {
        let source = Ipv6Addr::from_octets(*l3.get(8..)?.first_chunk()?);
        return interface.owns(IpAddr::V6(source)).then_some(DropReason::SpoofedSelf);
    }
    let source = Ipv4Addr::from_octets(*l3.get(12..)?.first_chunk()?);
    interface.addresses.iter().find_map(|address| match address.net {
        IpNet::V4(net) if net.addr() == source => Some(DropReason::SpoofedSelf),
        // A /31 has no broadcast address (RFC 3021).
        IpNet::V4(net) if net.prefix_len() < 31 && net.broadcast() == source => {
            Some(DropReason::MartianSource)
        }
        _ => None,
    })
}

/// Frames that are not IP.
#[cold]
fn unrouted(frame: &mut Frame, l3_offset: usize, kind: u16, interface: &Interface) -> Verdict {
    let rest = frame.len().saturating_sub(l3_offset);
    let meta = frame.meta_mut();
    meta.l3_length = rest as u16;
    match kind {
        ether_type::ARP => {
            meta.layer3 = Layer3::Arp;
            Verdict::Punt(PuntReason::Arp)
        }
        ether_type::MPLS | ether_type::MPLS_UPSTREAM => {
            meta.layer3 = Layer3::Mpls;
            // Labels assigned upstream (RFC 5332) are not spoken.
            let off = !interface.mpls;
            Verdict::Drop(if off { DropReason::MplsDisabled } else { DropReason::EtherTypeUnknown })
        }
        _ => Verdict::Drop(DropReason::EtherTypeUnknown),
    }
}

/// Checks the station addresses; marks what came by multicast or broadcast.
#[inline]
fn stations(frame: &mut Frame, interface: &Interface) -> Option<DropReason> {
    let (bytes, meta) = frame.parts_mut();
    let Ok((header, _)) = EthernetHeader::parse(bytes) else { return Some(DropReason::Runt) };
    if is_group(&header.destination) {
        meta.flags.set(Flags::L2_MULTICAST);
    } else if header.destination != interface.mac {
        return Some(DropReason::WrongMac);
    }
    if is_group(&header.source) || header.source == interface.mac {
        return Some(DropReason::SourceMacInvalid);
    }
    None
}

/// Which interface a frame's tags say, and where its network header is.
#[inline]
fn demux(bytes: &[u8], port: &PortSpec) -> Result<Link, DropReason> {
    let Ok((header, _)) = EthernetHeader::parse(bytes) else { return Err(DropReason::Runt) };
    let ether_type = header.ether_type.get();
    if !is_tpid(ether_type) {
        let interface = port.demux.untagged();
        return match interface.is_some() && !FOREIGN_TPIDS.contains(&ether_type) {
            true => Ok(Link { interface, ether_type, l3_offset: EthernetHeader::LEN, pcp: 0, tag: Some(0) }),
            false => Err(DropReason::VlanUnknown),
        };
    }
    tagged(bytes, ether_type, port)
}

#[inline]
const fn is_tpid(ether_type: u16) -> bool {
    matches!(ether_type, ether_type::DOT1Q | ether_type::DOT1AD)
}

/// Walks the tags. VID 0 is a priority alone and counts for nothing, wherever it stands.
fn tagged(bytes: &[u8], first: u16, port: &PortSpec) -> Result<Link, DropReason> {
    let (mut ether_type, mut at) = (first, EthernetHeader::LEN);
    let mut tags: [Option<(Tpid, u16)>; 2] = [None, None];
    let mut pcp = 0;
    for _ in 0..MAX_TAGS {
        let tpid = match ether_type {
            ether_type::DOT1Q => Tpid::Dot1q,
            ether_type::DOT1AD => Tpid::Dot1ad,
            _ => break,
        };
        let tag = bytes.get(at..).and_then(|rest| VlanTag::parse(rest).ok());
        let Some((tag, _)) = tag else { return Err(DropReason::VlanTruncated) };
        ether_type = tag.ether_type.get();
        at += VlanTag::LEN;
        if pcp == 0 {
            pcp = TAGGED | tag.priority() | u8::from(tag.drop_eligible()) << 3;
        }
        match &mut tags {
            _ if tag.vid() == 0 => {}
            [outer @ None, _] => *outer = Some((tpid, tag.vid())),
            [_, inner @ None] => *inner = Some((tpid, tag.vid())),
            _ => return Err(DropReason::VlanUnknown),
        }
    }
    let interface = match tags {
        [None, _] => port.demux.untagged(),
        [Some((tpid, vid)), None] => port.demux.single(tpid, vid),
        [Some((tpid, outer)), Some((Tpid::Dot1q, inner))] => port.demux.double(tpid, outer, inner),
        [Some(_), Some((Tpid::Dot1ad, _))] => IfIndex::NONE,
    };
    let tag = match tags {
        [Some((tpid, vid)), None] if at == EthernetHeader::LEN + VlanTag::LEN => {
            Some(u32::from(tpid.ether_type()) << 16 | u32::from(vid))
        }
        _ => None,
    };
    match interface.is_some() && !is_tpid(ether_type) {
        true => Ok(Link { interface, ether_type, l3_offset: at, pcp, tag }),
        false => Err(DropReason::VlanUnknown),
    }
}
