//! VLAN tags (IEEE 802.1Q clause 9, 802.1ad).
//!
//! A tag is read as it stands behind its TPID: control information, then the
//! EtherType of what follows, which may be another TPID.

use zerocopy::byteorder::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::fixed_header;

/// Tag control information, and the EtherType of what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct VlanTag {
    /// Priority (3 bits), drop eligible (1), VLAN id (12).
    pub control: U16,
    /// What follows.
    pub ether_type: U16,
}
fixed_header!(VlanTag, 4);

impl VlanTag {
    /// A tag: priority 0 to 7, VLAN id 0 to 4,095 (higher bits are ignored).
    pub const fn new(priority: u8, vid: u16, ether_type: u16) -> Self {
        let control = ((priority & 7) as u16) << 13 | (vid & 0x0fff);
        Self { control: U16::new(control), ether_type: U16::new(ether_type) }
    }

    /// The VLAN id, 0 to 4,095; 0 is no VLAN, only a priority.
    #[inline]
    pub const fn vid(&self) -> u16 {
        self.control.get() & 0x0fff
    }

    /// The priority code point, 0 to 7.
    pub const fn priority(&self) -> u8 {
        (self.control.get() >> 13) as u8
    }

    /// Whether it may be dropped first.
    pub const fn drop_eligible(&self) -> bool {
        self.control.get() & 0x1000 != 0
    }
}

#[cfg(test)]
mod tests {
    use pnet_packet::Packet as _;
    use proptest::prelude::*;

    use super::*;
    use crate::wire::WireError;

    #[test]
    fn a_tag_cut_short_is_truncated() {
        assert_eq!(VlanTag::parse(&[0x00, 0x64, 0x08]).err(), Some(WireError::Truncated));
    }

    proptest! {
        #[test]
        fn parse_undoes_emit_and_pnet_agrees(priority in 0u8..8, vid in 0u16..4096, kind: u16) {
            let mut bytes = [0; 5];
            VlanTag::new(priority, vid, kind).emit(&mut bytes).unwrap();
            let (tag, rest) = VlanTag::parse(&bytes).unwrap();
            prop_assert_eq!((tag.priority(), tag.vid(), tag.ether_type.get()), (priority, vid, kind));
            prop_assert_eq!((tag.drop_eligible(), rest), (false, &[0][..]));
            let theirs = pnet_packet::vlan::VlanPacket::new(&bytes).unwrap();
            prop_assert_eq!(theirs.get_priority_code_point().0, priority);
            prop_assert_eq!(theirs.get_vlan_identifier(), vid);
            prop_assert_eq!(theirs.get_ethertype().0, kind);
            prop_assert_eq!(theirs.payload(), rest);
        }
    }
}
