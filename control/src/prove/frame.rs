//! The packet of an example, as bytes.

use std::net::IpAddr;

use dataplane::table::{Interface, Tpid, VlanMatch};
use dataplane::wire::WireError;
use dataplane::wire::ethernet::{EthernetHeader, ether_type};
use dataplane::wire::ipv4::Ipv4Header;
use dataplane::wire::ipv6::Ipv6Header;
use dataplane::wire::l4::{UdpHeader, protocol};
use dataplane::wire::mpls::LabelStackEntry;
use dataplane::wire::vlan::VlanTag;

use super::report::Packet;

/// Station address of the neighbour that sends it.
const SENDER: [u8; 6] = [0x02, 0, 0, 0, 0, 0xfd];
/// Bytes behind the UDP header.
const PAYLOAD: usize = 32;
/// TTL of labels and of the datagram.
const TTL: u8 = 255;

impl Packet {
    /// The frame that brings it to an interface, TTL 255 everywhere, without FCS.
    ///
    /// # Errors
    /// None that a packet of the proof has: headers that cannot be written.
    pub fn frame(&self, interface: &Interface) -> Result<Vec<u8>, WireError> {
        let ip = if self.source.is_ipv4() { ether_type::IPV4 } else { ether_type::IPV6 };
        let kind = if self.labels.is_empty() { ip } else { ether_type::MPLS };
        let mut bytes = link(interface, kind)?;
        for (n, label) in self.labels.iter().enumerate() {
            let entry = LabelStackEntry::new(*label, 0, n + 1 == self.labels.len(), TTL);
            put(&mut bytes, LabelStackEntry::LEN, |room| entry.emit(room))?;
        }
        datagram(self, &mut bytes)?;
        bytes.resize(bytes.len().max(60), 0);
        Ok(bytes)
    }
}

/// Ethernet header and tags.
fn link(interface: &Interface, kind: u16) -> Result<Vec<u8>, WireError> {
    let tags: Vec<(Tpid, u16)> = match interface.vlan {
        VlanMatch::Untagged => Vec::new(),
        VlanMatch::Single(tpid, vid) => vec![(tpid, vid)],
        VlanMatch::Double(tpid, outer, inner) => vec![(tpid, outer), (Tpid::Dot1q, inner)],
    };
    let mut kinds = tags.iter().map(|(tpid, _)| tpid.ether_type()).chain([kind]);
    let mut bytes = Vec::with_capacity(128);
    let first = kinds.next().unwrap_or(kind);
    put(&mut bytes, EthernetHeader::LEN, |room| {
        EthernetHeader::new(interface.mac, SENDER, first).emit(room)
    })?;
    for ((_, vid), next) in tags.iter().zip(kinds) {
        put(&mut bytes, VlanTag::LEN, |room| VlanTag::new(0, *vid, next).emit(room))?;
    }
    Ok(bytes)
}

fn datagram(packet: &Packet, bytes: &mut Vec<u8>) -> Result<(), WireError> {
    let upper = UdpHeader::LEN + PAYLOAD;
    match (packet.source, packet.destination) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let mut header = Ipv4Header::new(from, to, protocol::UDP, upper as u16);
            header.ttl = TTL;
            put(bytes, Ipv4Header::LEN, |room| {
                header.emit(&mut *room).and_then(|_| Ipv4Header::fill_checksum(room))
            })?;
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let mut header = Ipv6Header::new(from, to, protocol::UDP, upper as u16);
            header.hop_limit = TTL;
            put(bytes, Ipv6Header::LEN, |room| header.emit(room))?;
        }
        _ => {}
    }
    put(bytes, upper, |room| {
        UdpHeader::new(packet.source_port, packet.destination_port, PAYLOAD as u16).emit(&mut *room)?;
        UdpHeader::fill_checksum(room, packet.source, packet.destination)
    })
}

/// Adds `length` bytes that `write` fills in.
fn put<T>(
    bytes: &mut Vec<u8>,
    length: usize,
    write: impl FnOnce(&mut [u8]) -> Result<T, WireError>,
) -> Result<(), WireError> {
    let at = bytes.len();
    bytes.resize(at + length, 0);
    bytes.get_mut(at..).map_or(Ok(()), |room| write(room).map(drop))
}
