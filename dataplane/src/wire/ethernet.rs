//! Ethernet II framing (IEEE 802.3 clause 3, RFC 894).

use zerocopy::byteorder::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::fixed_header;

/// A station address.
pub type Mac = [u8; 6];

/// Every station of the link.
pub const BROADCAST: Mac = [0xff; 6];

/// EtherTypes (IEEE 802 registry).
pub mod ether_type {
    /// IPv4 (RFC 894).
    pub const IPV4: u16 = 0x0800;
    /// ARP (RFC 826).
    pub const ARP: u16 = 0x0806;
    /// VLAN tag (IEEE 802.1Q).
    pub const DOT1Q: u16 = 0x8100;
    /// IPv6 (RFC 2464).
    pub const IPV6: u16 = 0x86dd;
    /// MPLS (RFC 3032 section 5).
    pub const MPLS: u16 = 0x8847;
    /// MPLS with upstream-assigned labels (RFC 5332).
    pub const MPLS_UPSTREAM: u16 = 0x8848;
    /// Service VLAN tag (IEEE 802.1ad).
    pub const DOT1AD: u16 = 0x88a8;
    /// The smallest EtherType: less is an IEEE 802.3 length.
    pub const FIRST: u16 = 0x0600;
}

/// Destination, source and EtherType.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct EthernetHeader {
    /// The station it goes to.
    pub destination: Mac,
    /// The station that sent it.
    pub source: Mac,
    /// What follows.
    pub ether_type: U16,
}
fixed_header!(EthernetHeader, 14);

impl EthernetHeader {
    /// A header with these fields.
    pub const fn new(destination: Mac, source: Mac, ether_type: u16) -> Self {
        Self { destination, source, ether_type: U16::new(ether_type) }
    }
}

/// Whether `mac` is a group address: multicast or broadcast.
#[inline]
pub const fn is_group(mac: &Mac) -> bool {
    mac[0] & 1 == 1
}

/// The group address an IPv4 multicast address maps to (RFC 1112 section 6.4).
pub const fn multicast_v4(group: std::net::Ipv4Addr) -> Mac {
    let [_, b, c, d] = group.octets();
    [0x01, 0x00, 0x5e, b & 0x7f, c, d]
}

/// The group address an IPv6 multicast address maps to (RFC 2464 section 7).
pub const fn multicast_v6(group: std::net::Ipv6Addr) -> Mac {
    let o = group.octets();
    [0x33, 0x33, o[12], o[13], o[14], o[15]]
}

#[cfg(test)]
mod tests {
    use pnet_packet::Packet as _;
    use proptest::prelude::*;

    use super::*;
    use crate::wire::WireError;

    #[test]
    fn a_header_cut_short_is_truncated() {
        assert_eq!(EthernetHeader::parse(&[0; 13]).err(), Some(WireError::Truncated));
        let header = EthernetHeader::new(BROADCAST, [2, 0, 0, 0, 0, 1], ether_type::ARP);
        assert_eq!(header.emit(&mut [0; 13]), Err(WireError::Truncated));
    }

    #[test]
    fn groups_map_as_the_rfcs_say() {
        assert_eq!(multicast_v4([239, 129, 2, 3].into()), [1, 0, 0x5e, 1, 2, 3]);
        let nodes = "ff02::1:ff28:9c5a".parse().unwrap();
        assert_eq!(multicast_v6(nodes), [0x33, 0x33, 0xff, 0x28, 0x9c, 0x5a]);
        assert!(is_group(&multicast_v4([224, 0, 0, 1].into())) && is_group(&BROADCAST));
        assert!(!is_group(&[2, 0, 0, 0, 0, 1]));
    }

    proptest! {
        #[test]
        fn parse_undoes_emit(destination: Mac, source: Mac, kind: u16, rest: [u8; 3]) {
            let header = EthernetHeader::new(destination, source, kind);
            let mut bytes = [0; 17];
            prop_assert_eq!(header.emit(&mut bytes), Ok(14));
            bytes[14..].copy_from_slice(&rest);
            prop_assert_eq!(EthernetHeader::parse(&bytes), Ok((&header, &rest[..])));
        }

        #[test]
        fn others_read_the_same(bytes in prop::collection::vec(any::<u8>(), 14..40)) {
            let (header, rest) = EthernetHeader::parse(&bytes).unwrap();
            let theirs = smoltcp::wire::EthernetFrame::new_checked(&bytes[..]).unwrap();
            prop_assert_eq!(&theirs.dst_addr().0, &header.destination);
            prop_assert_eq!(&theirs.src_addr().0, &header.source);
            prop_assert_eq!(u16::from(theirs.ethertype()), header.ether_type.get());
            prop_assert_eq!(theirs.payload(), rest);
            let theirs = pnet_packet::ethernet::EthernetPacket::new(&bytes).unwrap();
            prop_assert_eq!(theirs.get_ethertype().0, header.ether_type.get());
            prop_assert_eq!(theirs.get_destination().octets(), header.destination);
            prop_assert_eq!(theirs.payload(), rest);
        }
    }
}
