//! Ethernet, VLAN tags, label stack entries and ARP, as expressions.

use super::Packet;
use super::build::{address, mac};
use super::layer::{Kind, Value};

/// An Ethernet header; see [`eth`].
#[derive(Clone, Debug)]
pub struct Eth(pub(super) Packet);

/// A VLAN tag; see [`vlan`].
#[derive(Clone, Debug)]
pub struct Vlan(pub(super) Packet);

/// A label stack entry; see [`mpls`].
#[derive(Clone, Debug)]
pub struct Mpls(pub(super) Packet);

/// An ARP message; see [`arp`].
#[derive(Clone, Debug)]
pub struct Arp(pub(super) Packet);

/// An Ethernet header. Addresses not given are zero when encoded; the laboratory fills
/// in those of the neighbour and the router.
pub fn eth() -> Eth {
    Eth(Packet::of(Kind::Eth))
}

impl Eth {
    /// Destination station address.
    #[track_caller]
    pub fn dst(self, text: &str) -> Self {
        Self(self.0.first("dst", Value::Mac(mac(text))))
    }

    /// Source station address.
    #[track_caller]
    pub fn src(self, text: &str) -> Self {
        Self(self.0.first("src", Value::Mac(mac(text))))
    }

    /// To everybody on the link.
    pub fn broadcast(self) -> Self {
        Self(self.0.first("dst", Value::Mac([0xff; 6])))
    }

    /// EtherType in place of the next layer's own.
    pub fn ether_type(self, ether_type: u16) -> Self {
        Self(self.0.number("type", ether_type))
    }
}

/// A VLAN tag with this id (12 bits), TPID 0x8100.
pub fn vlan(vid: u16) -> Vlan {
    Vlan(Packet::of(Kind::Vlan).number("vid", vid))
}

impl Vlan {
    /// Tag protocol identifier: 0x8100 unless given.
    pub fn tpid(self, tpid: u16) -> Self {
        Self(self.0.number("tpid", tpid))
    }

    /// Priority, 0 to 7.
    pub fn pcp(self, pcp: u8) -> Self {
        Self(self.0.number("pcp", pcp))
    }

    /// Drop eligible.
    pub fn dei(self) -> Self {
        Self(self.0.number("dei", 1u8))
    }

    /// EtherType in place of the next layer's own.
    pub fn ether_type(self, ether_type: u16) -> Self {
        Self(self.0.number("type", ether_type))
    }
}

/// A label stack entry (RFC 3032 section 2.1): label 20 bits, TTL 64 unless given, bottom
/// of stack when no label follows.
pub fn mpls(label: u32) -> Mpls {
    Mpls(Packet::of(Kind::Mpls).number("label", label))
}

impl Mpls {
    /// Traffic class, 0 to 7 (RFC 5462).
    pub fn tc(self, tc: u8) -> Self {
        Self(self.0.number("tc", tc))
    }

    /// Time to live.
    pub fn ttl(self, ttl: u8) -> Self {
        Self(self.0.number("ttl", ttl))
    }

    /// Bottom of stack.
    pub fn bos(self) -> Self {
        Self(self.0.number("bos", 1u8))
    }

    /// Not bottom of stack, whatever follows.
    pub fn not_bos(self) -> Self {
        Self(self.0.number("bos", 0u8))
    }
}

/// An ARP message for IPv4 over Ethernet (RFC 826); [`Arp::request`] or [`Arp::reply`] follows.
pub fn arp() -> Arp {
    Arp(Packet::of(Kind::Arp))
}

impl Arp {
    /// Who has `target`? Tell `sender`.
    #[track_caller]
    pub fn request(self, target: &str, sender: &str) -> Self {
        self.message(1, sender, target)
    }

    /// `sender` is at ([`Arp::sender_mac`]), said to `target`.
    #[track_caller]
    pub fn reply(self, sender: &str, target: &str) -> Self {
        self.message(2, sender, target)
    }

    #[track_caller]
    fn message(self, op: u8, sender: &str, target: &str) -> Self {
        let packet = self.0.number("op", op).first("spa", Value::Address(address(sender)));
        Self(packet.first("tpa", Value::Address(address(target))))
    }

    /// Operation in place of request and reply.
    pub fn op(self, op: u16) -> Self {
        Self(self.0.number("op", op))
    }

    /// Sender's station address.
    #[track_caller]
    pub fn sender_mac(self, text: &str) -> Self {
        Self(self.0.first("sha", Value::Mac(mac(text))))
    }

    /// Target's station address.
    #[track_caller]
    pub fn target_mac(self, text: &str) -> Self {
        Self(self.0.first("tha", Value::Mac(mac(text))))
    }

    /// Hardware type: 1 (Ethernet) unless given.
    pub fn hardware(self, hardware: u16) -> Self {
        Self(self.0.number("hardware", hardware))
    }
}
