//! IPv4 and IPv6 with extension headers, as expressions.

use std::net::IpAddr;

use super::Packet;
use super::build::address;
use super::layer::{Checksum, Kind, Layer, Value};

/// An IP header, with IPv6 extension headers behind it; see [`ip`].
#[derive(Clone, Debug)]
pub struct Ip(pub(super) Packet);

/// An IP header from `src` to `dst`, version 4 or 6 by the texts. TTL is 64 unless given.
///
/// # Panics
/// When the texts are not two addresses of one version.
#[track_caller]
pub fn ip(src: &str, dst: &str) -> Ip {
    let (src, dst) = (address(src), address(dst));
    assert_eq!(src.is_ipv4(), dst.is_ipv4(), "{src} and {dst} are not of one IP version");
    let kind = if matches!(src, IpAddr::V4(_)) { Kind::Ipv4 } else { Kind::Ipv6 };
    Ip(Packet::of(kind).first("src", Value::Address(src)).first("dst", Value::Address(dst)))
}

impl Ip {
    /// DSCP, 0 to 63.
    pub fn dscp(self, dscp: u8) -> Self {
        Self(self.0.number("dscp", dscp))
    }

    /// ECN, 0 to 3.
    pub fn ecn(self, ecn: u8) -> Self {
        Self(self.0.number("ecn", ecn))
    }

    /// TTL or hop limit.
    pub fn ttl(self, ttl: u8) -> Self {
        Self(self.0.number("ttl", ttl))
    }

    /// Protocol or next header, in place of the next layer's own.
    pub fn protocol(self, protocol: u8) -> Self {
        Self(self.0.number("protocol", protocol))
    }

    /// IPv4 total length or IPv6 payload length, in place of the right one.
    pub fn total_length(self, length: u16) -> Self {
        Self(self.0.number("length", length))
    }

    /// Version, in place of the right one.
    pub fn version(self, version: u8) -> Self {
        Self(self.0.number("version", version))
    }

    /// IPv4: header length in 32-bit words, in place of the right one.
    pub fn header_words(self, words: u8) -> Self {
        Self(self.0.number("ihl", words))
    }

    /// IPv4: identification.
    pub fn id(self, id: u16) -> Self {
        Self(self.0.number("id", id))
    }

    /// IPv4: don't fragment.
    pub fn df(self) -> Self {
        Self(self.0.number("df", 1u8))
    }

    /// IPv4: fragments may be made of it. Worth saying in an expectation only.
    pub fn may_fragment(self) -> Self {
        Self(self.0.number("df", 0u8))
    }

    /// IPv4: more fragments follow.
    pub fn mf(self) -> Self {
        Self(self.0.number("mf", 1u8))
    }

    /// IPv4: where this fragment belongs, in bytes (a multiple of 8).
    pub fn offset(self, bytes: u16) -> Self {
        Self(self.0.number("offset", bytes / 8))
    }

    /// IPv4: options, filled with end-of-list to a multiple of 4 bytes.
    pub fn options(self, options: &[u8]) -> Self {
        let mut options = options.to_vec();
        options.resize(options.len().next_multiple_of(4), 0);
        Self(self.0.first("options", Value::Bytes(options)))
    }

    /// IPv4: a wrong header checksum.
    pub fn bad_checksum(self) -> Self {
        Self(self.0.first("checksum", Value::Checksum(Checksum::Bad(None))))
    }

    /// IPv6: flow label, 20 bits.
    pub fn flow_label(self, label: u32) -> Self {
        Self(self.0.number("flow", label))
    }

    /// IPv6: a hop-by-hop options header, padded with PadN to a multiple of 8 bytes.
    pub fn hop_by_hop(self, options: &[u8]) -> Self {
        self.extension(Layer::new(Kind::HopByHop).with("options", Value::Bytes(padded(options))))
    }

    /// IPv6: a destination options header, padded as [`Ip::hop_by_hop`].
    pub fn destination_options(self, options: &[u8]) -> Self {
        self.extension(Layer::new(Kind::Destination).with("options", Value::Bytes(padded(options))))
    }

    /// IPv6: a routing header of this type (RFC 8200 section 4.4) through `hops`.
    #[track_caller]
    pub fn routing(self, routing_type: u8, segments_left: u8, hops: &[&str]) -> Self {
        let mut data = vec![0; 4];
        for hop in hops {
            match address(hop) {
                IpAddr::V6(hop) => data.extend(hop.octets()),
                IpAddr::V4(hop) => data.extend(hop.octets()),
            }
        }
        data.resize(4 + (data.len() - 4).next_multiple_of(8), 0);
        let layer = Layer::new(Kind::Routing).with("routing-type", Value::Number(routing_type.into()));
        let layer = layer.with("segments-left", Value::Number(segments_left.into()));
        self.extension(layer.with("data", Value::Bytes(data)))
    }

    /// IPv6: a fragment header; `offset` in bytes (a multiple of 8), `more` fragments follow.
    pub fn fragment(self, id: u32, offset: u16, more: bool) -> Self {
        let layer = Layer::new(Kind::Fragment).with("id", Value::Number(id.into()));
        let layer = layer.with("offset", Value::Number((offset / 8).into()));
        self.extension(layer.with("mf", Value::Number(more.into())))
    }

    /// IPv6: next header of the last extension header, in place of the next layer's own.
    pub fn next_header(mut self, next: u8) -> Self {
        if let Some(last) = self.0.layers.last_mut() {
            let name = if last.kind.is_ip() { "protocol" } else { "next" };
            last.set(name, Value::Number(next.into()));
        }
        self
    }

    fn extension(mut self, layer: Layer) -> Self {
        self.0.layers.push(layer);
        self
    }
}

/// Options filled with Pad1 or PadN (RFC 8200 section 4.2), so that two bytes of header
/// before them make a multiple of 8.
fn padded(options: &[u8]) -> Vec<u8> {
    let mut all = options.to_vec();
    let gap = (options.len() + 2).next_multiple_of(8) - options.len() - 2;
    match gap {
        0 => {}
        1 => all.push(0),
        _ => {
            all.extend([1, (gap - 2) as u8]);
            all.resize(all.len() + gap - 2, 0);
        }
    }
    all
}
