//! Transport headers, as far as a router reads them: UDP (RFC 768), and the
//! ports that UDP, TCP, SCTP, DCCP and UDP-Lite all start with.

use std::net::IpAddr;

use zerocopy::byteorder::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::checksum::Sum;
use super::{WireError, fixed_header};

/// Upper-layer protocol numbers (IANA protocol numbers registry).
pub mod protocol {
    /// ICMP (RFC 792).
    pub const ICMP: u8 = 1;
    /// TCP (RFC 9293).
    pub const TCP: u8 = 6;
    /// UDP (RFC 768).
    pub const UDP: u8 = 17;
    /// DCCP (RFC 4340).
    pub const DCCP: u8 = 33;
    /// ICMPv6 (RFC 4443).
    pub const ICMPV6: u8 = 58;
    /// SCTP (RFC 9260).
    pub const SCTP: u8 = 132;
    /// UDP-Lite (RFC 3828).
    pub const UDP_LITE: u8 = 136;
}

/// Whether the protocol's header starts with source and destination port.
#[inline]
pub const fn has_ports(number: u8) -> bool {
    use protocol::{DCCP, SCTP, TCP, UDP, UDP_LITE};
    matches!(number, TCP | UDP | DCCP | SCTP | UDP_LITE)
}

/// Source and destination port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Ports {
    /// The sender's.
    pub source: U16,
    /// The receiver's.
    pub destination: U16,
}
fixed_header!(Ports, 4);

/// A UDP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct UdpHeader {
    /// The ports.
    pub ports: Ports,
    /// Bytes of header and data.
    pub length: U16,
    /// Over pseudo-header, header and data; 0 is none (IPv4 only).
    pub checksum: U16,
}
fixed_header!(UdpHeader, 8);

impl UdpHeader {
    /// A header for `payload` bytes of data, its checksum not filled in.
    pub fn new(source: u16, destination: u16, payload: u16) -> Self {
        Self {
            ports: Ports { source: source.into(), destination: destination.into() },
            length: payload.saturating_add(8).into(),
            checksum: 0.into(),
        }
    }

    /// Fills the checksum of the datagram `bytes` in, which start with this header.
    ///
    /// # Errors
    /// [`WireError::Truncated`] without a whole header; [`WireError::Malformed`]
    /// when the addresses are not of one family.
    pub fn fill_checksum(bytes: &mut [u8], source: IpAddr, destination: IpAddr) -> Result<(), WireError> {
        Self::parse_mut(bytes)?.0.checksum = 0.into();
        let sum = pseudo(source, destination, protocol::UDP, bytes.len())?.plus(bytes).checksum();
        // RFC 768: a computed zero is sent as all ones.
        Self::parse_mut(bytes)?.0.checksum = if sum == 0 { 0xffff } else { sum }.into();
        Ok(())
    }
}

/// The sum of the pseudo-header for an upper layer of `length` bytes.
///
/// # Errors
/// [`WireError::Malformed`] when the addresses are not of one family;
/// [`WireError::Length`] when an IP packet cannot be as long.
pub fn pseudo(source: IpAddr, destination: IpAddr, protocol: u8, length: usize) -> Result<Sum, WireError> {
    let length = u16::try_from(length).map_err(|_| WireError::Length)?;
    match (source, destination) {
        (IpAddr::V4(s), IpAddr::V4(d)) => Ok(Sum::new().pseudo_v4(s, d, protocol, length)),
        (IpAddr::V6(s), IpAddr::V6(d)) => Ok(Sum::new().pseudo_v6(s, d, protocol, length.into())),
        _ => Err(WireError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use smoltcp::wire::{IpAddress, UdpPacket};

    use super::*;

    #[test]
    fn families_do_not_mix() {
        let (v4, v6): (IpAddr, IpAddr) = ("10.0.0.1".parse().unwrap(), "2001:db8::1".parse().unwrap());
        assert_eq!(pseudo(v4, v6, 17, 8).err(), Some(WireError::Malformed));
        assert_eq!(pseudo(v4, v4, 17, 65_536).err(), Some(WireError::Length));
    }

    proptest! {
        #[test]
        fn smoltcp_reads_what_we_emit(
            a: [u8; 16], b: [u8; 16], v6: bool,
            source: u16, destination: u16,
            payload in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let address = |x: [u8; 16]| if v6 {
                IpAddr::from(x)
            } else {
                IpAddr::from([x[0], x[1], x[2], x[3]])
            };
            let (a, b) = (address(a), address(b));
            let mut bytes = vec![0; 8];
            UdpHeader::new(source, destination, payload.len() as u16).emit(&mut bytes).unwrap();
            bytes.extend(&payload);
            UdpHeader::fill_checksum(&mut bytes, a, b).unwrap();

            let theirs = UdpPacket::new_checked(&bytes[..]).unwrap();
            prop_assert_eq!((theirs.src_port(), theirs.dst_port()), (source, destination));
            prop_assert!(theirs.verify_checksum(&IpAddress::from(a), &IpAddress::from(b)));
            let (ports, _) = Ports::parse(&bytes).unwrap();
            prop_assert_eq!((ports.source.get(), ports.destination.get()), (source, destination));
            let (ours, rest) = UdpHeader::parse(&bytes).unwrap();
            prop_assert_eq!((usize::from(ours.length.get()), rest), (bytes.len(), &payload[..]));
        }
    }
}
