//! Neighbour discovery messages (RFC 4861 section 4): ICMPv6 messages with a
//! fixed part and options.

use std::net::Ipv6Addr;

use zerocopy::byteorder::network_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::icmp::IcmpHeader;
use super::{WireError, fixed_header};

mod option;

pub use option::{LinkLayerOption, MtuOption, NdOption, Options, PrefixOption, kind};

/// ICMPv6 types.
pub mod message {
    /// Router solicitation.
    pub const ROUTER_SOLICITATION: u8 = 133;
    /// Router advertisement.
    pub const ROUTER_ADVERTISEMENT: u8 = 134;
    /// Neighbour solicitation.
    pub const NEIGHBOUR_SOLICITATION: u8 = 135;
    /// Neighbour advertisement.
    pub const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
    /// Redirect.
    pub const REDIRECT: u8 = 137;
}

/// Neighbour solicitation or advertisement without options (sections 4.3 and 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct NeighbourMessage {
    /// The ICMPv6 header; of an advertisement, its `rest` holds the flags.
    pub icmp: IcmpHeader,
    /// Who is asked for, or advertised.
    pub target: [u8; 16],
}
fixed_header!(NeighbourMessage, 24);

impl NeighbourMessage {
    /// Advertisement flag: the sender is a router.
    pub const ROUTER: u8 = 0x80;
    /// Advertisement flag: it answers a solicitation.
    pub const SOLICITED: u8 = 0x40;
    /// Advertisement flag: what is cached is to be overwritten.
    pub const OVERRIDE: u8 = 0x20;

    /// A solicitation for `target`.
    pub fn solicitation(target: Ipv6Addr) -> Self {
        Self::new(message::NEIGHBOUR_SOLICITATION, 0, target)
    }

    /// An advertisement of `target` with these flags.
    pub fn advertisement(target: Ipv6Addr, flags: u8) -> Self {
        Self::new(message::NEIGHBOUR_ADVERTISEMENT, flags, target)
    }

    fn new(kind: u8, flags: u8, target: Ipv6Addr) -> Self {
        let icmp = IcmpHeader { kind, code: 0, checksum: 0.into(), rest: [flags, 0, 0, 0] };
        Self { icmp, target: target.octets() }
    }

    /// The flags of an advertisement.
    pub const fn flags(&self) -> u8 {
        self.icmp.rest[0]
    }

    /// Views a solicitation or advertisement and its options; checks what RFC
    /// 4861 sections 7.1.1 and 7.1.2 ask of the message by itself. (Hop limit 255
    /// and the checksum are the packet's.)
    ///
    /// # Errors
    /// [`WireError::Truncated`]; [`WireError::Malformed`] for another type or
    /// code, a multicast target, or an option of length 0.
    pub fn check(bytes: &[u8]) -> Result<(&Self, Options<'_>), WireError> {
        let (message, options) = Self::parse(bytes)?;
        let kinds = message::NEIGHBOUR_SOLICITATION..=message::NEIGHBOUR_ADVERTISEMENT;
        if !kinds.contains(&message.icmp.kind) || message.icmp.code != 0 || message.target[0] == 0xff {
            return Err(WireError::Malformed);
        }
        Ok((message, Options::check(options)?))
    }
}

/// Router solicitation without options is its ICMPv6 header (section 4.1);
/// gives its options.
///
/// # Errors
/// As [`NeighbourMessage::check`].
pub fn check_router_solicitation(bytes: &[u8]) -> Result<Options<'_>, WireError> {
    let (header, options) = IcmpHeader::parse(bytes)?;
    match (header.kind, header.code) {
        (message::ROUTER_SOLICITATION, 0) => Options::check(options),
        _ => Err(WireError::Malformed),
    }
}

/// Router advertisement without options (section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct RouterAdvertisement {
    /// ICMPv6 type 134.
    pub kind: u8,
    /// 0.
    pub code: u8,
    /// Over pseudo-header and message.
    pub checksum: U16,
    /// Hop limit for hosts to use; 0 is unspecified.
    pub hop_limit: u8,
    /// Managed (0x80) and other (0x40) configuration.
    pub flags: u8,
    /// Seconds for which the sender is a default router; 0 is not at all.
    pub router_lifetime: U16,
    /// Milliseconds; 0 is unspecified.
    pub reachable_time: U32,
    /// Milliseconds; 0 is unspecified.
    pub retransmit_timer: U32,
}
fixed_header!(RouterAdvertisement, 16);

impl RouterAdvertisement {
    /// Views an advertisement and its options.
    ///
    /// # Errors
    /// As [`NeighbourMessage::check`].
    pub fn check(bytes: &[u8]) -> Result<(&Self, Options<'_>), WireError> {
        let (message, options) = Self::parse(bytes)?;
        match (message.kind, message.code) {
            (message::ROUTER_ADVERTISEMENT, 0) => Ok((message, Options::check(options)?)),
            _ => Err(WireError::Malformed),
        }
    }
}

/// The solicited-node group of an address (RFC 4291 section 2.7.1).
pub const fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let o = address.octets();
    let last = u16::from_be_bytes([o[14], o[15]]);
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | o[13] as u16, last)
}

#[cfg(test)]
mod tests;
