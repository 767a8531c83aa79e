//! Packets to the router.

use std::net::IpAddr;

use dataplane::table::VlanMatch;

use super::{Lab, host};
use crate::packet::{Kind, Layer, Packet, Value, eth};

/// The station address of senders that no neighbour was declared for.
const STRANGER: [u8; 6] = [2, 0, 0x5e, 0xff, 0xff, 0xff];

impl Lab {
    /// Puts a packet on the line to a port or interface; the router takes it with the
    /// next step. Station addresses not given are the router's and, for the IP source
    /// address of a declared neighbour, the neighbour's; the tags of an interface are
    /// put in when the packet has none.
    ///
    /// # Panics
    /// When there is no such port or interface, or its line is full or down.
    #[track_caller]
    pub fn send(&mut self, to: &str, packet: impl Into<Packet>) {
        self.send_on(to, 0, packet);
    }

    /// As [`Lab::send`], to one of the port's queues.
    ///
    /// # Panics
    /// As [`Lab::send`].
    #[track_caller]
    pub fn send_on(&mut self, to: &str, queue: usize, packet: impl Into<Packet>) {
        let bytes = self.filled_in(to, packet.into()).encode_padded();
        self.send_bytes(to, queue, &bytes);
    }

    /// Puts bytes on the line as they are.
    ///
    /// # Panics
    /// As [`Lab::send`].
    #[track_caller]
    pub fn send_bytes(&mut self, to: &str, queue: usize, bytes: &[u8]) {
        let now = self.now;
        assert!(self.line(to).put(now, queue, bytes), "the line of \"{to}\" is full or down");
    }

    /// The packet as [`Lab::send`] puts it on the line.
    #[track_caller]
    pub fn filled_in(&self, to: &str, packet: Packet) -> Packet {
        let port = self.port_of(to);
        let interface = Self::interface_of(&self.snapshot(), to);
        let router = interface.as_ref().map_or_else(|| super::line::mac(&port), |i| i.mac);
        let mut packet = with_layer2(packet, interface.map_or(VlanMatch::Untagged, |i| i.vlan));
        let sender = sender(&packet).and_then(|address| self.hosts.mac(&port, address));
        if let Some(eth) = packet.layer_mut(Kind::Eth) {
            let mut fill = |name, mac| {
                if eth.get(name).is_none() {
                    eth.set(name, Value::Mac(mac));
                }
            };
            fill("dst", router);
            fill("src", sender.unwrap_or(STRANGER));
        }
        packet
    }
}

/// The packet with an Ethernet header and the interface's tags, where it lacks them.
pub(super) fn with_layer2(packet: Packet, vlan: VlanMatch) -> Packet {
    let has = |kind| packet.layers().iter().any(|layer: &Layer| layer.kind == kind && !layer.quoted);
    match (has(Kind::Eth), has(Kind::Vlan)) {
        (false, false) => eth() / host::tags(vlan) / packet,
        (false, true) => eth() / packet,
        (true, true) => packet,
        (true, false) => {
            let mut layers = packet.layers.into_iter();
            let first = Packet { layers: layers.next().into_iter().collect() };
            first / host::tags(vlan) / Packet { layers: layers.collect() }
        }
    }
}

/// The address that the packet says it is from.
fn sender(packet: &Packet) -> Option<IpAddr> {
    let of = |kind, field| packet.layer(kind).and_then(|layer: &Layer| layer.address(field));
    of(Kind::Ipv4, "src").or_else(|| of(Kind::Ipv6, "src")).or_else(|| of(Kind::Arp, "spa"))
}
