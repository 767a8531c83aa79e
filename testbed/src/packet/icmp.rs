//! ICMP, ICMPv6 and neighbour discovery, as expressions.

use super::Packet;
use super::build::{address, mac};
use super::layer::{Checksum, Kind, Layer, Value};

/// An ICMP or ICMPv6 message; see [`icmp`], [`icmp6`].
#[derive(Clone, Debug)]
pub struct Icmp(pub(super) Packet);

/// A neighbour discovery message; see [`neighbour_solicitation`].
#[derive(Clone, Debug)]
pub struct Nd(pub(super) Packet);

fn message(kind: Kind, icmp_type: u8, code: u8) -> Icmp {
    Icmp(Packet::of(kind).number("type", icmp_type).number("code", code))
}

/// An ICMP message (RFC 792).
pub fn icmp(icmp_type: u8, code: u8) -> Icmp {
    message(Kind::Icmp, icmp_type, code)
}

/// An ICMPv6 message (RFC 4443).
pub fn icmp6(icmp_type: u8, code: u8) -> Icmp {
    message(Kind::Icmp6, icmp_type, code)
}

/// An ICMP echo request.
pub fn icmp_echo_request(id: u16, seq: u16) -> Icmp {
    icmp(8, 0).echo(id, seq)
}

/// An ICMP echo reply.
pub fn icmp_echo_reply(id: u16, seq: u16) -> Icmp {
    icmp(0, 0).echo(id, seq)
}

/// An ICMPv6 echo request.
pub fn icmp6_echo_request(id: u16, seq: u16) -> Icmp {
    icmp6(128, 0).echo(id, seq)
}

/// An ICMPv6 echo reply.
pub fn icmp6_echo_reply(id: u16, seq: u16) -> Icmp {
    icmp6(129, 0).echo(id, seq)
}

impl Icmp {
    /// Identifier and sequence number of an echo.
    pub fn echo(self, id: u16, seq: u16) -> Self {
        Self(self.0.number("id", id).number("seq", seq))
    }

    /// The MTU of fragmentation needed (RFC 1191) or packet too big.
    pub fn mtu(self, mtu: u32) -> Self {
        Self(self.0.number("mtu", mtu))
    }

    /// The pointer of a parameter problem.
    pub fn pointer(self, pointer: u32) -> Self {
        Self(self.0.number("pointer", pointer))
    }

    /// A wrong checksum.
    pub fn bad_checksum(self) -> Self {
        Self(self.0.first("checksum", Value::Checksum(Checksum::Bad(None))))
    }

    /// The datagram that an error is about. In an expectation the quote may be cut short:
    /// what is there must agree.
    pub fn quoting(mut self, packet: impl Into<Packet>) -> Self {
        let quoted = packet.into().layers.into_iter().filter(|layer| layer.kind != Kind::Eth);
        self.0.layers.extend(quoted.map(|mut layer| {
            layer.quoted = true;
            layer
        }));
        self
    }
}

impl Icmp {
    /// The label stack that the quoted datagram came with (RFC 4950), behind the quote
    /// as RFC 4884 says.
    pub fn stack(mut self, labels: impl Into<Packet>) -> Self {
        self.0.layers.push(Layer::new(Kind::Extension));
        self.0.layers.extend(labels.into().layers);
        self
    }
}

/// Who has `target`? (RFC 4861 section 4.3.)
#[track_caller]
pub fn neighbour_solicitation(target: &str) -> Nd {
    Nd(Packet::of(Kind::Solicitation).first("target", Value::Address(address(target))))
}

/// `target` is here (RFC 4861 section 4.4).
#[track_caller]
pub fn neighbour_advertisement(target: &str) -> Nd {
    Nd(Packet::of(Kind::Advertisement).first("target", Value::Address(address(target))))
}

impl Nd {
    /// The source (solicitation) or target (advertisement) link-layer address option.
    #[track_caller]
    pub fn link_address(self, text: &str) -> Self {
        self.link_address_bytes(mac(text))
    }

    /// As [`Nd::link_address`], not as text.
    pub fn link_address_bytes(self, mac: [u8; 6]) -> Self {
        Self(self.0.first("mac", Value::Mac(mac)))
    }

    /// Flags of an advertisement: router, solicited, override.
    pub fn flags(self, router: bool, solicited: bool, over: bool) -> Self {
        let flags = u32::from(router) << 31 | u32::from(solicited) << 30 | u32::from(over) << 29;
        Self(self.0.number("flags", flags))
    }

    /// Code, 0 unless given.
    pub fn code(self, code: u8) -> Self {
        Self(self.0.number("code", code))
    }

    /// Further options, as bytes.
    pub fn options(self, options: &[u8]) -> Self {
        Self(self.0.first("options", Value::Bytes(options.to_vec())))
    }

    /// A wrong checksum.
    pub fn bad_checksum(self) -> Self {
        Self(self.0.first("checksum", Value::Checksum(Checksum::Bad(None))))
    }
}
