//! The IPv6 header (RFC 8200 section 3).

use std::net::Ipv6Addr;

use zerocopy::byteorder::network_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{WireError, fixed_header};

mod extension;

pub use extension::{Chain, Fragment, MAX_EXTENSIONS, fragment_end, next_header, walk};

/// The fixed header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Ipv6Header {
    /// Version (4 bits), DSCP (6), ECN (2), flow label (20).
    pub version_class_flow: U32,
    /// Bytes behind this header.
    pub payload_length: U16,
    /// What follows: an extension header or the upper layer.
    pub next_header: u8,
    /// Hops left.
    pub hop_limit: u8,
    /// The sender.
    pub source: [u8; 16],
    /// The receiver.
    pub destination: [u8; 16],
}
fixed_header!(Ipv6Header, 40);

impl Ipv6Header {
    /// A header for `payload` bytes: hop limit 64, DSCP 0, flow label 0.
    pub fn new(source: Ipv6Addr, destination: Ipv6Addr, next_header: u8, payload: u16) -> Self {
        Self {
            version_class_flow: 0x6000_0000.into(),
            payload_length: payload.into(),
            next_header,
            hop_limit: 64,
            source: source.octets(),
            destination: destination.octets(),
        }
    }

    /// The version; 6 when it is IPv6.
    #[inline]
    pub const fn version(&self) -> u8 {
        (self.version_class_flow.get() >> 28) as u8
    }

    /// Differentiated services code point, 0 to 63 (RFC 2474).
    #[inline]
    pub const fn dscp(&self) -> u8 {
        (self.version_class_flow.get() >> 22 & 0x3f) as u8
    }

    /// Explicit congestion notification, 0 to 3 (RFC 3168).
    pub const fn ecn(&self) -> u8 {
        (self.version_class_flow.get() >> 20 & 3) as u8
    }

    /// The flow label, 20 bits (RFC 6437).
    pub const fn flow_label(&self) -> u32 {
        self.version_class_flow.get() & 0xf_ffff
    }

    /// The same with this DSCP (0 to 63).
    #[must_use]
    pub fn with_dscp(mut self, dscp: u8) -> Self {
        let rest = self.version_class_flow.get() & !(0x3f << 22);
        self.version_class_flow = (rest | u32::from(dscp & 0x3f) << 22).into();
        self
    }

    /// The sender.
    #[inline]
    pub const fn source(&self) -> Ipv6Addr {
        Ipv6Addr::from_octets(self.source)
    }

    /// The receiver.
    #[inline]
    pub const fn destination(&self) -> Ipv6Addr {
        Ipv6Addr::from_octets(self.destination)
    }

    /// Views and checks a header: version, and payload length against the bytes there are.
    ///
    /// # Errors
    /// What of that is wrong.
    #[inline]
    pub fn check(bytes: &[u8]) -> Result<&Self, WireError> {
        let (header, rest) = Self::parse(bytes)?;
        if header.version() != 6 {
            return Err(WireError::Version);
        }
        // RFC 2675 jumbograms, payload length 0 with a hop-by-hop option, are not spoken.
        let zero = header.payload_length.get() == 0 && header.next_header == next_header::HOP_BY_HOP;
        if zero || usize::from(header.payload_length.get()) > rest.len() {
            return Err(WireError::Length);
        }
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use smoltcp::wire::Ipv6Packet;

    use super::*;

    #[test]
    fn version_and_payload_length_are_checked() {
        let mut bytes = vec![0; 40];
        let (a, b) = ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap());
        Ipv6Header::new(a, b, 17, 8).emit(&mut bytes).unwrap();
        assert_eq!(Ipv6Header::check(&bytes[..39]).err(), Some(WireError::Truncated));
        assert_eq!(Ipv6Header::check(&bytes).err(), Some(WireError::Length));
        bytes.extend([0; 8]);
        assert!(Ipv6Header::check(&bytes).is_ok());
        bytes[0] = 0x45;
        assert_eq!(Ipv6Header::check(&bytes).err(), Some(WireError::Version));
    }

    proptest! {
        #[test]
        fn parse_undoes_emit_and_others_agree(
            source: [u8; 16], destination: [u8; 16], next: u8, hop_limit: u8, dscp in 0u8..64,
            payload in prop::collection::vec(any::<u8>(), 1..40),
        ) {
            let header = Ipv6Header::new(source.into(), destination.into(), next, payload.len() as u16);
            let header = Ipv6Header { hop_limit, ..header.with_dscp(dscp) };
            let mut bytes = vec![0; 40];
            header.emit(&mut bytes).unwrap();
            bytes.extend(&payload);
            let ours = Ipv6Header::check(&bytes).unwrap();
            prop_assert_eq!(ours, &header);
            let theirs = Ipv6Packet::new_checked(&bytes[..]).unwrap();
            prop_assert_eq!(theirs.src_addr(), ours.source());
            prop_assert_eq!(theirs.dst_addr(), ours.destination());
            prop_assert_eq!(theirs.traffic_class() >> 2, ours.dscp());
            prop_assert_eq!(theirs.hop_limit(), hop_limit);
            prop_assert_eq!(theirs.payload(), &payload[..]);
            let theirs = pnet_packet::ipv6::Ipv6Packet::new(&bytes).unwrap();
            prop_assert_eq!(theirs.get_next_header().0, ours.next_header);
            prop_assert_eq!(theirs.get_flow_label(), ours.flow_label());
        }
    }
}
