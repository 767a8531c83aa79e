//! Frames a host makes and reads by hand: probes, and the question for its gateway.

use std::net::Ipv4Addr;

use dataplane::class::TrafficClass;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr,
    IpAddress, IpProtocol, Ipv4Packet, Ipv4Repr, TcpOption, TcpPacket, UdpPacket, UdpRepr,
};

use crate::traffic::{PORT, Probe, Send, dscp};

/// Bytes of an Ethernet header, of an IPv4 header without options, of a UDP header.
const ETHERNET: usize = 14;
const IP: usize = 20;
const UDP: usize = 8;

/// From which station to which.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stations {
    pub(super) source: [u8; 6],
    pub(super) destination: [u8; 6],
}

/// What a frame is to a host.
#[derive(Debug)]
pub(super) enum Heard {
    /// A probe, in a packet of so many bytes from the IP header on.
    Probe(Probe, u16),
    /// The gateway's answer: its station address.
    Gateway([u8; 6]),
    /// For the stack.
    Other,
}

fn ethernet(stations: Stations, ethertype: EthernetProtocol, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; ETHERNET + length];
    let header = EthernetRepr {
        src_addr: EthernetAddress(stations.source),
        dst_addr: EthernetAddress(stations.destination),
        ethertype,
    };
    header.emit(&mut EthernetFrame::new_unchecked(&mut bytes));
    bytes
}

/// Who has `gateway`? Tell `address` at `mac` (RFC 826).
pub(super) fn arp_request(mac: [u8; 6], address: Ipv4Addr, gateway: Ipv4Addr) -> Vec<u8> {
    let question = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Request,
        source_hardware_addr: EthernetAddress(mac),
        source_protocol_addr: address,
        target_hardware_addr: EthernetAddress([0; 6]),
        target_protocol_addr: gateway,
    };
    let stations = Stations { source: mac, destination: [0xff; 6] };
    let mut bytes = ethernet(stations, EthernetProtocol::Arp, question.buffer_len());
    question.emit(&mut ArpPacket::new_unchecked(&mut bytes[ETHERNET..]));
    bytes
}

/// The frame of one packet of the models, that leaves at `now` nanoseconds.
pub(super) fn probe(stations: Stations, addresses: (Ipv4Addr, Ipv4Addr), send: &Send, now: u64) -> Vec<u8> {
    let length = usize::from(send.emission.length);
    let (source, destination) = addresses;
    let mut bytes = ethernet(stations, EthernetProtocol::Ipv4, length);
    let ip = Ipv4Repr {
        src_addr: source,
        dst_addr: destination,
        next_header: IpProtocol::Udp,
        payload_len: length.saturating_sub(IP),
        hop_limit: 64,
    };
    let checksums = ChecksumCapabilities::default();
    let mut packet = Ipv4Packet::new_unchecked(&mut bytes[ETHERNET..]);
    ip.emit(&mut packet, &ChecksumCapabilities::ignored());
    packet.set_dscp(dscp(send.emission.flow.class));
    packet.fill_checksum();
    let udp = UdpRepr { src_port: PORT, dst_port: PORT };
    let emit = |payload: &mut [u8]| {
        // Every model's packets have room for a probe.
        let _ = send.probe(now).emit(payload);
    };
    let (from, to) = (IpAddress::Ipv4(source), IpAddress::Ipv4(destination));
    let mut datagram = UdpPacket::new_unchecked(packet.payload_mut());
    udp.emit(&mut datagram, &from, &to, length.saturating_sub(IP + UDP), emit, &checksums);
    bytes
}

/// What a frame is to the host at `own` whose gateway is `gateway`.
pub(super) fn hear(bytes: &[u8], own: Ipv4Addr, gateway: Ipv4Addr) -> Heard {
    heard_probe(bytes, own).or_else(|| heard_gateway(bytes, gateway)).unwrap_or(Heard::Other)
}

fn heard_probe(bytes: &[u8], own: Ipv4Addr) -> Option<Heard> {
    let frame = EthernetFrame::new_checked(bytes).ok()?;
    if frame.ethertype() != EthernetProtocol::Ipv4 {
        return None;
    }
    let packet = Ipv4Packet::new_checked(frame.payload()).ok()?;
    let ours = packet.dst_addr() == own && packet.next_header() == IpProtocol::Udp;
    if !ours || !packet.verify_checksum() {
        return None;
    }
    let datagram = UdpPacket::new_checked(packet.payload()).ok()?;
    let (from, to) = (IpAddress::Ipv4(packet.src_addr()), IpAddress::Ipv4(packet.dst_addr()));
    if datagram.dst_port() != PORT || !datagram.verify_checksum(&from, &to) {
        return None;
    }
    Some(Heard::Probe(Probe::parse(datagram.payload())?, packet.total_len()))
}

fn heard_gateway(bytes: &[u8], gateway: Ipv4Addr) -> Option<Heard> {
    let frame = EthernetFrame::new_checked(bytes).ok()?;
    if frame.ethertype() != EthernetProtocol::Arp {
        return None;
    }
    let packet = ArpPacket::new_checked(frame.payload()).ok()?;
    match ArpRepr::parse(&packet).ok()? {
        ArpRepr::EthernetIpv4 { source_protocol_addr, source_hardware_addr, .. }
            if source_protocol_addr == gateway =>
        {
            Some(Heard::Gateway(source_hardware_addr.0))
        }
        _ => None,
    }
}

/// Marks a TCP frame as Imaging: smoltcp leaves the DSCP at 0.
pub(super) fn mark_tcp(bytes: &mut [u8]) {
    let Ok(mut frame) = EthernetFrame::new_checked(bytes) else { return };
    if frame.ethertype() != EthernetProtocol::Ipv4 {
        return;
    }
    let Ok(mut packet) = Ipv4Packet::new_checked(frame.payload_mut()) else { return };
    if packet.next_header() == IpProtocol::Tcp {
        packet.set_dscp(dscp(TrafficClass::Imaging));
        packet.fill_checksum();
    }
}

/// When a TCP segment with data was sent, by its timestamp: microseconds.
pub(super) fn segment_sent(bytes: &[u8]) -> Option<u32> {
    let frame = EthernetFrame::new_checked(bytes).ok()?;
    let packet = Ipv4Packet::new_checked(frame.payload()).ok()?;
    if frame.ethertype() != EthernetProtocol::Ipv4 || packet.next_header() != IpProtocol::Tcp {
        return None;
    }
    let segment = TcpPacket::new_checked(packet.payload()).ok()?;
    if segment.payload().is_empty() {
        return None;
    }
    let mut options = segment.options();
    while let Ok((rest, option)) = TcpOption::parse(options) {
        match option {
            TcpOption::TimeStamp { tsval, .. } => return Some(tsval),
            TcpOption::EndOfList => break,
            _ => options = rest,
        }
    }
    None
}
