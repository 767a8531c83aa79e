//! ICMP (RFC 792, RFC 1191) and ICMPv6 (RFC 4443): one header, two vocabularies.
//!
//! A message is its header of eight bytes and what follows; [`Message`] says
//! what the header means. Discovery messages are in [`super::nd`].

use std::net::{IpAddr, Ipv6Addr};

use zerocopy::byteorder::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::checksum::{self, Sum};
use super::l4::protocol;
use super::{WireError, fixed_header};

pub mod extension;

/// The first eight bytes of every message used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct IcmpHeader {
    /// What kind of message.
    pub kind: u8,
    /// What of that kind.
    pub code: u8,
    /// Over the message, and for ICMPv6 the pseudo-header.
    pub checksum: U16,
    /// What the kind makes of it.
    pub rest: [u8; 4],
}
fixed_header!(IcmpHeader, 8);

/// Which protocol's numbers are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// ICMP.
    V4,
    /// ICMPv6.
    V6,
}

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Echo request.
    EchoRequest {
        /// Tells pings apart.
        identifier: u16,
        /// Counts up.
        sequence: u16,
    },
    /// Echo reply.
    EchoReply {
        /// The request's.
        identifier: u16,
        /// The request's.
        sequence: u16,
    },
    /// Destination unreachable, for this code. ICMP code 4 is [`Message::TooBig`].
    Unreachable(u8),
    /// Too long for the next link: ICMP 3/4 or ICMPv6 type 2.
    TooBig {
        /// Longest datagram that passes, bytes; of ICMP at most 65,535, and 0 where the sender does not say.
        mtu: u32,
    },
    /// Time exceeded: code 0 in transit, 1 in reassembly.
    TimeExceeded(u8),
    /// A header field in error.
    ParameterProblem {
        /// What is wrong with it.
        code: u8,
        /// Its offset in the datagram, bytes; of ICMP at most 255.
        pointer: u32,
    },
    /// Any other type and code.
    Other(u8, u8),
}

impl Message {
    /// What `header` says.
    pub fn of(family: Family, header: &IcmpHeader) -> Self {
        let [a, b, c, d] = header.rest;
        let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let word = u32::from_be_bytes(header.rest);
        match (family, header.kind, header.code) {
            (Family::V4, 8, 0) | (Family::V6, 128, 0) => {
                Self::EchoRequest { identifier: high, sequence: low }
            }
            (Family::V4, 0, 0) | (Family::V6, 129, 0) => Self::EchoReply { identifier: high, sequence: low },
            (Family::V4, 3, 4) => Self::TooBig { mtu: low.into() },
            (Family::V6, 2, _) => Self::TooBig { mtu: word },
            (Family::V4, 3, code) | (Family::V6, 1, code) => Self::Unreachable(code),
            (Family::V4, 11, code) | (Family::V6, 3, code) => Self::TimeExceeded(code),
            (Family::V4, 12, code) => Self::ParameterProblem { code, pointer: a.into() },
            (Family::V6, 4, code) => Self::ParameterProblem { code, pointer: word },
            (_, kind, code) => Self::Other(kind, code),
        }
    }

    /// The header that says it, its checksum not filled in.
    pub fn header(self, family: Family) -> IcmpHeader {
        let four = family == Family::V4;
        let pick = |v4: u8, v6: u8| if four { v4 } else { v6 };
        let (kind, code, rest) = match self {
            Self::EchoRequest { identifier, sequence } => (pick(8, 128), 0, pair(identifier, sequence)),
            Self::EchoReply { identifier, sequence } => (pick(0, 129), 0, pair(identifier, sequence)),
            Self::Unreachable(code) => (pick(3, 1), code, 0),
            Self::TooBig { mtu } if four => (3, 4, mtu.min(0xffff)),
            Self::TooBig { mtu } => (2, 0, mtu),
            Self::TimeExceeded(code) => (pick(11, 3), code, 0),
            Self::ParameterProblem { code, pointer } if four => (12, code, pointer.min(255) << 24),
            Self::ParameterProblem { code, pointer } => (4, code, pointer),
            Self::Other(kind, code) => (kind, code, 0),
        };
        IcmpHeader { kind, code, checksum: 0.into(), rest: rest.to_be_bytes() }
    }

    /// Whether it is an error message (RFC 1122 section 3.2.2, RFC 4443 section 2.1).
    pub fn is_error(self, family: Family) -> bool {
        is_error(family, self.header(family).kind)
    }
}

fn pair(high: u16, low: u16) -> u32 {
    u32::from(high) << 16 | u32::from(low)
}

/// Whether messages of this type are error messages: no error is sent about them.
#[inline]
pub const fn is_error(family: Family, kind: u8) -> bool {
    match family {
        // Unreachable, source quench, redirect, time exceeded, parameter problem.
        Family::V4 => matches!(kind, 3 | 4 | 5 | 11 | 12),
        Family::V6 => kind < 128,
    }
}

/// Checks a whole ICMP message: its length and checksum.
///
/// # Errors
/// [`WireError::Truncated`] or [`WireError::Checksum`].
pub fn check_v4(bytes: &[u8]) -> Result<(&IcmpHeader, &[u8]), WireError> {
    let parts = IcmpHeader::parse(bytes)?;
    if checksum::is_valid(bytes) { Ok(parts) } else { Err(WireError::Checksum) }
}

/// Checks a whole ICMPv6 message between these addresses: its length and checksum.
///
/// # Errors
/// [`WireError::Truncated`] or [`WireError::Checksum`].
pub fn check_v6(
    bytes: &[u8],
    source: Ipv6Addr,
    destination: Ipv6Addr,
) -> Result<(&IcmpHeader, &[u8]), WireError> {
    let parts = IcmpHeader::parse(bytes)?;
    match sum_v6(bytes, source, destination).fold() {
        0xffff => Ok(parts),
        _ => Err(WireError::Checksum),
    }
}

fn sum_v6(bytes: &[u8], source: Ipv6Addr, destination: Ipv6Addr) -> Sum {
    Sum::new().pseudo_v6(source, destination, protocol::ICMPV6, bytes.len() as u32).plus(bytes)
}

/// Fills the checksum of the message `bytes` in; the addresses say which protocol it is.
///
/// # Errors
/// [`WireError::Truncated`] without a whole header, [`WireError::Malformed`]
/// when the addresses are not of one family.
pub fn fill_checksum(bytes: &mut [u8], source: IpAddr, destination: IpAddr) -> Result<(), WireError> {
    IcmpHeader::parse_mut(bytes)?.0.checksum = 0.into();
    let sum = match (source, destination) {
        (IpAddr::V4(_), IpAddr::V4(_)) => checksum::checksum(bytes),
        (IpAddr::V6(source), IpAddr::V6(destination)) => sum_v6(bytes, source, destination).checksum(),
        _ => return Err(WireError::Malformed),
    };
    IcmpHeader::parse_mut(bytes)?.0.checksum = sum.into();
    Ok(())
}

#[cfg(test)]
mod tests;
