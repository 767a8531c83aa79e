//! Packets as text: expressions that read like the diagrams of the RFCs.
//!
//! ```
//! use testbed::packet::*;
//!
//! let sent = eth() / ip("10.1.0.1", "10.2.0.9").dscp(EF).ttl(64) / udp(5004) / rtp();
//! let bytes = sent.encode();
//! assert!(diff(&sent, &bytes).is_none());
//! ```
//!
//! `/` stacks one layer on another. [`Packet::encode`] makes the frame, with lengths,
//! protocol numbers and checksums right unless the expression says otherwise.
//! [`Packet::decode`] reads any bytes back, layer by layer. [`diff`](fn@diff) compares a frame
//! with an expectation: what the expectation does not mention may be anything, except
//! that checksums must be right and nothing unusual (fragment, options, wrong lengths)
//! may go unmentioned.
//!
//! The codec here shares nothing with `dataplane::wire`, so that each checks the other.

mod build;
mod checksum;
mod decode;
mod diff;
mod dscp;
mod encode;
mod ethernet;
mod icmp;
mod layer;
mod network;
mod render;
mod transport;

pub use build::{address, mac};
pub use diff::{diff, diff_packets};
pub use dscp::*;
pub use ethernet::{Arp, Eth, Mpls, Vlan, arp, eth, mpls, vlan};
pub use icmp::{
    Icmp, Nd, icmp, icmp_echo_reply, icmp_echo_request, icmp6, icmp6_echo_reply, icmp6_echo_request,
    neighbour_advertisement, neighbour_solicitation,
};
pub use layer::{Checksum, Field, Kind, Layer, Value};
pub use network::{Ip, ip};
pub use transport::{Payload, Tcp, Udp, bytes, payload, rest, rtp, tcp, udp};

/// A stack of layers, outermost first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packet {
    pub(crate) layers: Vec<Layer>,
}

impl Packet {
    /// The layers, outermost first.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The first layer of this kind, if there is one.
    pub fn layer(&self, kind: Kind) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.kind == kind)
    }

    /// The first layer of this kind, to be changed.
    pub fn layer_mut(&mut self, kind: Kind) -> Option<&mut Layer> {
        self.layers.iter_mut().find(|layer| layer.kind == kind)
    }

    /// The bytes, with what the expression leaves open computed or at its default.
    pub fn encode(&self) -> Vec<u8> {
        encode::encode(&self.layers, None)
    }

    /// The bytes, padded with zeros to the 60 of a shortest Ethernet frame (IEEE 802.3).
    pub fn encode_padded(&self) -> Vec<u8> {
        let mut bytes = self.encode();
        bytes.resize(bytes.len().max(60), 0);
        bytes
    }

    /// Reads an Ethernet frame. Never fails: what cannot be read is a payload of raw bytes.
    /// Encoding the result gives the same bytes again.
    pub fn decode(bytes: &[u8]) -> Self {
        Self { layers: decode::ethernet(bytes) }
    }

    /// Reads an IPv4 or IPv6 datagram, as [`Packet::decode`] does a frame.
    pub fn decode_ip(bytes: &[u8]) -> Self {
        Self { layers: decode::network(bytes, false) }
    }

    /// The bytes `range` of the first IP layer's contents, extension headers not skipped:
    /// what a fragment of this datagram carries. `range` is cut to what there is.
    pub fn part(&self, range: std::ops::Range<usize>) -> Payload {
        let at = self.layers.iter().position(|layer| layer.kind.is_ip()).unwrap_or(0);
        let (head, rest) = self.layers[at..].split_at(1.min(self.layers.len() - at));
        let contents = encode::encode(rest, encode::Enclosing::of(head));
        let end = range.end.min(contents.len());
        bytes(&contents[range.start.min(end)..end])
    }
}

macro_rules! stackable {
    ($($name:ident),+) => {
        $(
            impl From<$name> for crate::packet::Packet {
                fn from(layer: $name) -> Self {
                    layer.0
                }
            }

            impl<Upper: Into<crate::packet::Packet>> std::ops::Div<Upper> for $name {
                type Output = crate::packet::Packet;
                fn div(self, upper: Upper) -> crate::packet::Packet {
                    crate::packet::Packet::from(self) / upper
                }
            }
        )+
    };
}

stackable!(Eth, Vlan, Mpls, Arp, Ip, Icmp, Nd, Udp, Tcp, Payload);

impl<Upper: Into<Packet>> std::ops::Div<Upper> for Packet {
    type Output = Packet;
    fn div(mut self, upper: Upper) -> Packet {
        self.layers.extend(upper.into().layers);
        self
    }
}
