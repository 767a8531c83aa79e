//! One layer of a packet: its kind, and the fields that are given or were read.

use std::net::IpAddr;

/// What a layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Ethernet II.
    Eth,
    /// A VLAN tag (IEEE 802.1Q).
    Vlan,
    /// A label stack entry (RFC 3032).
    Mpls,
    /// ARP (RFC 826).
    Arp,
    /// IPv4 (RFC 791).
    Ipv4,
    /// IPv6 (RFC 8200).
    Ipv6,
    /// IPv6 hop-by-hop options.
    HopByHop,
    /// IPv6 destination options.
    Destination,
    /// IPv6 routing header.
    Routing,
    /// IPv6 fragment header.
    Fragment,
    /// ICMP (RFC 792).
    Icmp,
    /// ICMPv6 (RFC 4443).
    Icmp6,
    /// What stands behind the datagram that an ICMP error quotes (RFC 4884); the label
    /// stack in it (RFC 4950) follows as entries.
    Extension,
    /// One object of it that is no label stack.
    Object,
    /// Neighbour solicitation (RFC 4861 section 4.3).
    Solicitation,
    /// Neighbour advertisement (RFC 4861 section 4.4).
    Advertisement,
    /// UDP (RFC 768).
    Udp,
    /// TCP (RFC 9293).
    Tcp,
    /// Bytes that nothing here looks into.
    Payload,
    /// In an expectation: whatever follows.
    Rest,
}

impl Kind {
    /// Its name in a rendering.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eth => "eth",
            Self::Vlan => "vlan",
            Self::Mpls => "mpls",
            Self::Arp => "arp",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::HopByHop => "hop-by-hop",
            Self::Destination => "dest-options",
            Self::Routing => "routing",
            Self::Fragment => "fragment",
            Self::Icmp => "icmp",
            Self::Icmp6 => "icmpv6",
            Self::Extension => "icmp-extension",
            Self::Object => "icmp-object",
            Self::Solicitation => "nd-solicit",
            Self::Advertisement => "nd-advert",
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Payload => "payload",
            Self::Rest => "rest",
        }
    }

    /// Whether it is an IP header.
    pub const fn is_ip(self) -> bool {
        matches!(self, Self::Ipv4 | Self::Ipv6)
    }

    /// Its EtherType, where it has one of its own.
    pub(super) const fn ether_type(self) -> Option<u16> {
        match self {
            Self::Mpls => Some(0x8847),
            Self::Arp => Some(0x0806),
            Self::Ipv4 => Some(0x0800),
            Self::Ipv6 => Some(0x86dd),
            _ => None,
        }
    }

    /// Its IP protocol number, where it has one.
    pub(super) const fn protocol(self) -> Option<u8> {
        match self {
            Self::HopByHop => Some(0),
            Self::Icmp => Some(1),
            Self::Ipv4 => Some(4),
            Self::Tcp => Some(6),
            Self::Udp => Some(17),
            Self::Ipv6 => Some(41),
            Self::Routing => Some(43),
            Self::Fragment => Some(44),
            Self::Icmp6 | Self::Solicitation | Self::Advertisement => Some(58),
            Self::Destination => Some(60),
            _ => None,
        }
    }
}

/// What is known of a checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// It is right.
    Good,
    /// It is wrong; the value read, or `None` where any wrong one will do.
    Bad(Option<u16>),
    /// Zero, which UDP over IPv4 may send (RFC 768).
    Absent,
    /// This value, which cannot be checked: some of what it covers is missing.
    Unchecked(u16),
}

/// A field's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number or a bit.
    Number(u64),
    /// An IP address.
    Address(IpAddr),
    /// A station address.
    Mac([u8; 6]),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A checksum.
    Checksum(Checksum),
}

/// A field, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, as in the RFC.
    pub name: &'static str,
    /// Its value.
    pub value: Value,
    /// In what was read: so unusual that an expectation has to mention it.
    pub odd: bool,
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// What it is.
    pub kind: Kind,
    /// The fields that are given, or were read, in the order of rendering.
    pub fields: Vec<Field>,
    /// Whether it is part of what an ICMP error quotes.
    pub quoted: bool,
}

impl Layer {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, fields: Vec::new(), quoted: false }
    }

    /// A field's value, if it is given.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|field| field.name == name).map(|field| &field.value)
    }

    /// Gives a field a value, in place of the one it had.
    pub fn set(&mut self, name: &'static str, value: Value) {
        match self.fields.iter_mut().find(|field| field.name == name) {
            Some(field) => field.value = value,
            None => self.fields.push(Field { name, value, odd: false }),
        }
    }

    /// Takes a field out, so that it is open again.
    pub fn unset(&mut self, name: &str) {
        self.fields.retain(|field| field.name != name);
    }

    pub(super) fn with(mut self, name: &'static str, value: Value) -> Self {
        self.set(name, value);
        self
    }

    /// Adds what was read; `odd` as in [`Field::odd`].
    pub(super) fn read(&mut self, name: &'static str, value: Value, odd: bool) {
        self.fields.push(Field { name, value, odd });
    }

    pub(super) fn read_number(&mut self, name: &'static str, value: impl Into<u64>) {
        self.read(name, Value::Number(value.into()), false);
    }

    /// Reads a number that is odd when it is not zero.
    pub(super) fn read_rare(&mut self, name: &'static str, value: impl Into<u64>) {
        let value = value.into();
        self.read(name, Value::Number(value), value != 0);
    }

    /// Reads bytes that are odd when there are any.
    pub(super) fn read_bytes(&mut self, name: &'static str, bytes: &[u8]) {
        self.read(name, Value::Bytes(bytes.to_vec()), !bytes.is_empty());
    }

    /// A number field; `None` when it is not given.
    pub fn number(&self, name: &str) -> Option<u64> {
        match self.get(name) {
            Some(Value::Number(n)) => Some(*n),
            _ => None,
        }
    }

    /// An address field; `None` when it is not given.
    pub fn address(&self, name: &str) -> Option<IpAddr> {
        match self.get(name) {
            Some(Value::Address(a)) => Some(*a),
            _ => None,
        }
    }

    /// A station address field; `None` when it is not given.
    pub fn mac(&self, name: &str) -> Option<[u8; 6]> {
        match self.get(name) {
            Some(Value::Mac(mac)) => Some(*mac),
            _ => None,
        }
    }

    /// A bytes field; empty when it is not given.
    pub fn bytes(&self, name: &str) -> &[u8] {
        match self.get(name) {
            Some(Value::Bytes(bytes)) => bytes,
            _ => &[],
        }
    }

    pub(super) fn checksum(&self) -> Checksum {
        match self.get("checksum") {
            Some(Value::Checksum(c)) => *c,
            _ => Checksum::Good,
        }
    }
}
