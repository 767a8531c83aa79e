//! The IPv4 header (RFC 791 section 3.1).

use std::net::Ipv4Addr;

use zerocopy::byteorder::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::checksum;
use super::{WireError, fixed_header};

mod options;

pub use options::{Ipv4Option, Options, kind};

/// The header without its options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Ipv4Header {
    /// Version (4 bits) and header length in words (4).
    pub version_ihl: u8,
    /// DSCP (6 bits) and ECN (2).
    pub traffic_class: u8,
    /// Bytes of header and payload.
    pub total_length: U16,
    /// What the fragments of one datagram have in common.
    pub identification: U16,
    /// Reserved, don't fragment, more fragments, and offset in units of 8 bytes (13 bits).
    pub fragment: U16,
    /// Time to live, hops.
    pub ttl: u8,
    /// The upper-layer protocol.
    pub protocol: u8,
    /// Over the header with its options.
    pub checksum: U16,
    /// The sender.
    pub source: [u8; 4],
    /// The receiver.
    pub destination: [u8; 4],
}
fixed_header!(Ipv4Header, 20);

impl Ipv4Header {
    /// The don't-fragment bit of [`Ipv4Header::fragment`].
    pub const DONT_FRAGMENT: u16 = 0x4000;
    /// The more-fragments bit of [`Ipv4Header::fragment`].
    pub const MORE_FRAGMENTS: u16 = 0x2000;

    /// A header without options for `payload` bytes: TTL 64, DSCP 0, may be
    /// fragmented; the checksum is not filled in.
    pub fn new(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8, payload: u16) -> Self {
        Self {
            version_ihl: 0x45,
            traffic_class: 0,
            total_length: payload.saturating_add(20).into(),
            identification: 0.into(),
            fragment: 0.into(),
            ttl: 64,
            protocol,
            checksum: 0.into(),
            source: source.octets(),
            destination: destination.octets(),
        }
    }

    /// The version; 4 when it is IPv4.
    #[inline]
    pub const fn version(&self) -> u8 {
        self.version_ihl >> 4
    }

    /// Bytes of header with options: 20 to 60 when it is well formed.
    #[inline]
    pub const fn header_length(&self) -> usize {
        ((self.version_ihl & 15) as usize) * 4
    }

    /// Differentiated services code point, 0 to 63 (RFC 2474).
    #[inline]
    pub const fn dscp(&self) -> u8 {
        self.traffic_class >> 2
    }

    /// Explicit congestion notification, 0 to 3 (RFC 3168).
    pub const fn ecn(&self) -> u8 {
        self.traffic_class & 3
    }

    /// Whether it may not be fragmented.
    #[inline]
    pub const fn dont_fragment(&self) -> bool {
        self.fragment.get() & Self::DONT_FRAGMENT != 0
    }

    /// Whether more fragments follow.
    #[inline]
    pub const fn more_fragments(&self) -> bool {
        self.fragment.get() & Self::MORE_FRAGMENTS != 0
    }

    /// Where this fragment belongs, in bytes.
    #[inline]
    pub const fn fragment_offset(&self) -> usize {
        ((self.fragment.get() & 0x1fff) as usize) * 8
    }

    /// The sender.
    #[inline]
    pub const fn source(&self) -> Ipv4Addr {
        Ipv4Addr::from_octets(self.source)
    }

    /// The receiver.
    #[inline]
    pub const fn destination(&self) -> Ipv4Addr {
        Ipv4Addr::from_octets(self.destination)
    }

    /// Views and checks a header: version, header length, total length against
    /// the bytes there are, and checksum (RFC 1812 section 5.2.2).
    ///
    /// # Errors
    /// What of that is wrong.
    #[inline]
    pub fn check(bytes: &[u8]) -> Result<&Self, WireError> {
        let Some(fixed) = bytes.first_chunk::<20>() else { return Err(WireError::Truncated) };
        let (header, _) = Self::parse(fixed)?;
        if header.version() != 4 {
            return Err(WireError::Version);
        }
        let (length, total) = (header.header_length(), usize::from(header.total_length.get()));
        if length < 20 || total < length || total > bytes.len() {
            return Err(WireError::Length);
        }
        let valid = match length {
            20 => checksum::is_valid_ipv4(fixed),
            _ => bytes.get(..length).is_some_and(checksum::is_valid),
        };
        if valid { Ok(header) } else { Err(WireError::Checksum) }
    }

    /// Fills the checksum of the header with options in that `bytes` start with.
    ///
    /// # Errors
    /// [`WireError::Truncated`] when the header is not whole.
    pub fn fill_checksum(bytes: &mut [u8]) -> Result<(), WireError> {
        let (header, _) = Self::parse_mut(bytes)?;
        header.checksum = 0.into();
        let length = header.header_length();
        let sum = checksum::checksum(bytes.get(..length).ok_or(WireError::Truncated)?);
        Self::parse_mut(bytes)?.0.checksum = sum.into();
        Ok(())
    }
}

/// The options of the header that `bytes` start with; none where it is not whole.
#[inline]
pub fn options(bytes: &[u8]) -> &[u8] {
    let length = bytes.first().map_or(0, |b| usize::from(b & 15) * 4);
    bytes.get(20..length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use smoltcp::wire::Ipv4Packet;

    use super::*;

    fn emitted(header: &Ipv4Header, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 20];
        header.emit(&mut bytes).unwrap();
        bytes.extend(payload);
        Ipv4Header::fill_checksum(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn every_check_of_rfc_1812_section_5_2_2() {
        let good = emitted(&Ipv4Header::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), 17, 8), &[0; 8]);
        assert!(Ipv4Header::check(&good).is_ok());
        let with = |at: usize, value: u8| {
            let mut bytes = good.clone();
            bytes[at] = value;
            Ipv4Header::check(&bytes).err()
        };
        assert_eq!(Ipv4Header::check(&good[..19]).err(), Some(WireError::Truncated));
        assert_eq!(with(0, 0x65), Some(WireError::Version));
        assert_eq!(with(0, 0x44), Some(WireError::Length)); // header of 16 bytes
        assert_eq!(with(3, 19), Some(WireError::Length)); // total length shorter than the header
        assert_eq!(with(3, 29), Some(WireError::Length)); // total length beyond the bytes there are
        assert_eq!(with(8, 63), Some(WireError::Checksum));
    }

    proptest! {
        #[test]
        fn parse_undoes_emit_and_smoltcp_agrees(
            source: [u8; 4], destination: [u8; 4], protocol: u8, ttl: u8, tos: u8, id: u16, fragment: u16,
            payload in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut header = Ipv4Header::new(source.into(), destination.into(), protocol, payload.len() as u16);
            (header.ttl, header.traffic_class) = (ttl, tos);
            (header.identification, header.fragment) = (id.into(), fragment.into());
            let bytes = emitted(&header, &payload);
            let ours = Ipv4Header::check(&bytes).unwrap();
            let theirs = Ipv4Packet::new_checked(&bytes[..]).unwrap();
            prop_assert!(theirs.verify_checksum());
            prop_assert_eq!(theirs.src_addr(), ours.source());
            prop_assert_eq!(theirs.dst_addr(), ours.destination());
            prop_assert_eq!((theirs.dscp(), theirs.ecn()), (ours.dscp(), ours.ecn()));
            prop_assert_eq!((theirs.ident(), theirs.hop_limit()), (id, ttl));
            prop_assert_eq!(usize::from(theirs.frag_offset()), ours.fragment_offset());
            prop_assert_eq!(theirs.more_frags(), ours.more_fragments());
            prop_assert_eq!(theirs.dont_frag(), ours.dont_fragment());
            prop_assert_eq!(theirs.payload(), &payload[..]);
            let theirs = pnet_packet::ipv4::Ipv4Packet::new(&bytes).unwrap();
            prop_assert_eq!(theirs.get_next_level_protocol().0, ours.protocol);
            prop_assert_eq!(theirs.get_total_length(), ours.total_length.get());
            prop_assert_eq!(theirs.get_checksum(), ours.checksum.get());
        }

        #[test]
        fn any_bytes_are_checked_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(header) = Ipv4Header::check(&bytes) {
                prop_assert!(Ipv4Packet::new_checked(&bytes[..]).unwrap().verify_checksum());
                prop_assert!(header.header_length() <= bytes.len());
            }
        }
    }
}
