//! Frames the router makes itself: buffer, layer-2 header, IP header, meta.

use std::net::IpAddr;

use smoltcp::wire::{IpProtocol, Ipv4Packet, Ipv6Packet};

use super::{Action, Host, Turn};
use crate::class::{ClassMap, TrafficClass};
use crate::id::VrfId;
use crate::packet::{Flags, Frame, Layer3, Meta, Rare};
use crate::table::Interface;
use crate::wire::mpls::LabelStackEntry;

/// EtherTypes (IEEE 802).
pub(super) const ARP: u16 = 0x0806;
pub(super) const IPV4: u16 = 0x0800;
pub(super) const IPV6: u16 = 0x86dd;
const MPLS: u16 = 0x8847;

/// DSCP CS6, internetwork control: RFC 1812 section 4.3.2.5 gives ICMP errors
/// precedence 6 or 7; the router's other messages to neighbours take the same.
pub(super) const CS6: u8 = 48;

/// The fields of an IP header that its maker chooses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) protocol: u8,
    /// TTL or hop limit.
    pub(super) ttl: u8,
    pub(super) dscp: u8,
    pub(super) dont_fragment: bool,
}

impl Host {
    /// A free buffer with `len` bytes, all zero; counted when there is none.
    fn buffer(&mut self, len: usize) -> Option<Frame> {
        let Some(mut frame) = self.pool.get() else {
            self.counters.pool_empty += 1;
            return None;
        };
        if frame.set_len(len).is_err() {
            self.counters.pool_empty += 1;
            self.pool.put(frame);
            return None;
        }
        frame.bytes_mut().fill(0);
        *frame.rare_mut() = Rare::default();
        frame.meta_mut().flags.set(Flags::ORIGINATED);
        Some(frame)
    }

    /// Sends `len` bytes that `write` fills, behind a layer-2 header, as a
    /// Control frame of `interface`.
    pub(super) fn transmit(
        &mut self,
        interface: &Interface,
        destination: [u8; 6],
        ether_type: u16,
        len: usize,
        turn: &mut Turn<'_>,
        write: impl FnOnce(&mut [u8]),
    ) {
        let Some(mut frame) = self.buffer(len) else { return };
        write(frame.bytes_mut());
        frame.meta_mut().l3_length = len as u16;
        frame.meta_mut().layer3 = if ether_type == ARP { Layer3::Arp } else { Layer3::Ipv6 };
        frame.meta_mut().class = TrafficClass::Control;
        self.transmit_frame(frame, interface, destination, ether_type, turn);
    }

    /// Sends a frame that starts with its network header to a station on `interface`;
    /// a labelled one as such, whatever the EtherType.
    pub(super) fn transmit_frame(
        &mut self,
        mut frame: Frame,
        interface: &Interface,
        destination: [u8; 6],
        ether_type: u16,
        turn: &mut Turn<'_>,
    ) {
        let ether_type = if frame.meta().layer3 == Layer3::Mpls { MPLS } else { ether_type };
        let mut header = interface.layer2_header(destination);
        header.extend(ether_type.to_be_bytes());
        // Never refused: the router's own frames start behind a whole headroom.
        if frame.push(header.len()).is_err() {
            self.counters.pool_empty += 1;
            self.pool.put(frame);
            return;
        }
        let (bytes, meta, rare) = frame.all_mut();
        bytes[..header.len()].copy_from_slice(&header);
        rare.received = turn.now;
        meta.out_interface = interface.id;
        meta.vrf = interface.vrf;
        meta.l3_offset += header.len() as u16;
        turn.out.push(Action::Transmit(frame));
    }

    /// An IP datagram whose `len` bytes of payload `write` fills.
    pub(super) fn datagram(
        &mut self,
        vrf: VrfId,
        header: &Header,
        len: usize,
        write: impl FnOnce(&mut [u8]),
    ) -> Option<Frame> {
        self.ident = self.ident.wrapping_add(1);
        let ident = self.ident;
        let start = if header.source.is_ipv4() { 20 } else { 40 };
        let mut frame = self.buffer(start + len)?;
        let (bytes, meta) = frame.parts_mut();
        header.write(&mut bytes[..], ident);
        write(&mut bytes[start..]);
        header.describe(vrf, start, len, meta);
        Some(frame)
    }

    /// A datagram of these bytes, which `header` describes; an upper layer of UDP or
    /// ICMP fills its end, options or extension headers stand before it.
    pub(super) fn own_datagram(&mut self, vrf: VrfId, header: &Header, bytes: &[u8]) -> Option<Frame> {
        let mut frame = self.buffer(bytes.len())?;
        let start = if header.source.is_ipv4() { 20 } else { 40 };
        let (room, meta) = frame.parts_mut();
        room.copy_from_slice(bytes);
        header.describe(vrf, start, bytes.len().saturating_sub(start), meta);
        Some(frame)
    }

    /// Puts a label stack before a datagram of the router's own: label, traffic class
    /// and TTL of each entry, outermost first. `None`, the frame unchanged, for no
    /// entries or more than there is room for; that is counted.
    pub(super) fn push_stack(
        &mut self,
        frame: &mut Frame,
        entries: impl ExactSizeIterator<Item = (u32, u8, u8)>,
    ) -> Option<()> {
        let (count, length) = (entries.len(), entries.len() * LabelStackEntry::LEN);
        if count == 0 || frame.push(length).is_err() {
            self.counters.pool_empty += 1;
            return None;
        }
        let (bytes, meta) = frame.parts_mut();
        for (i, (label, tc, ttl)) in entries.enumerate() {
            if i == 0 {
                (meta.tc, meta.ttl) = (tc, ttl);
            }
            // The room was just made.
            let _ = LabelStackEntry::new(label, tc, i + 1 == count, ttl).emit(&mut bytes[i * 4..]);
        }
        meta.layer3 = Layer3::Mpls;
        meta.l3_length += length as u16;
        Some(())
    }
}

impl Header {
    /// Says in `meta` what a datagram with this header, `start` bytes long, and `len`
    /// bytes of payload is.
    fn describe(&self, vrf: VrfId, start: usize, len: usize, meta: &mut Meta) {
        meta.vrf = vrf;
        meta.layer3 = if self.source.is_ipv4() { Layer3::Ipv4 } else { Layer3::Ipv6 };
        meta.l3_length = (start + len) as u16;
        meta.protocol = self.protocol;
        meta.ttl = self.ttl;
        meta.dscp = self.dscp;
        (meta.class, meta.colour) = ClassMap::default().get(self.dscp);
    }

    /// Writes the header before a payload that fills the rest of `bytes`.
    pub(super) fn write(&self, bytes: &mut [u8], ident: u16) {
        let len = bytes.len();
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let mut packet = Ipv4Packet::new_unchecked(bytes);
                packet.set_version(4);
                packet.set_header_len(20);
                packet.set_dscp(self.dscp);
                packet.set_total_len(len as u16);
                packet.set_ident(ident);
                packet.set_dont_frag(self.dont_fragment);
                packet.set_hop_limit(self.ttl);
                packet.set_next_header(IpProtocol::from(self.protocol));
                packet.set_src_addr(source);
                packet.set_dst_addr(destination);
                packet.fill_checksum();
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let mut packet = Ipv6Packet::new_unchecked(bytes);
                packet.set_version(6);
                packet.set_traffic_class(self.dscp << 2);
                packet.set_payload_len((len - 40) as u16);
                packet.set_next_header(IpProtocol::from(self.protocol));
                packet.set_hop_limit(self.ttl);
                packet.set_src_addr(source);
                packet.set_dst_addr(destination);
            }
            _ => {}
        }
    }
}
