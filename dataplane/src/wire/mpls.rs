//! Label stack entries (RFC 3032 section 2.1, RFC 5462).

use zerocopy::byteorder::network_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::fixed_header;

/// Special-purpose labels (RFC 3032 section 2.1, RFC 7274 section 5, RFC 6790 section 4).
pub mod label {
    /// IPv4 explicit null.
    pub const IPV4_EXPLICIT_NULL: u32 = 0;
    /// Router alert.
    pub const ROUTER_ALERT: u32 = 1;
    /// IPv6 explicit null.
    pub const IPV6_EXPLICIT_NULL: u32 = 2;
    /// Implicit null: said by signalling, never in a packet.
    pub const IMPLICIT_NULL: u32 = 3;
    /// Entropy label indicator.
    pub const ENTROPY_INDICATOR: u32 = 7;
    /// The first label that is not special.
    pub const FIRST: u32 = 16;
    /// The greatest label.
    pub const LAST: u32 = 0xf_ffff;
}

/// One entry of a label stack.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct LabelStackEntry(U32);
fixed_header!(LabelStackEntry, 4);

impl LabelStackEntry {
    /// An entry: label 0 to 1,048,575, traffic class 0 to 7 (higher bits are ignored).
    pub const fn new(label: u32, tc: u8, bottom: bool, ttl: u8) -> Self {
        let tc = ((tc & 7) as u32) << 9;
        Self(U32::new((label & 0xf_ffff) << 12 | tc | (bottom as u32) << 8 | ttl as u32))
    }

    /// The entry that this word is, host order.
    #[inline]
    pub const fn from_word(word: u32) -> Self {
        Self(U32::new(word))
    }

    /// The entry as a word, host order.
    #[inline]
    pub const fn word(&self) -> u32 {
        self.0.get()
    }

    /// The label, 0 to 1,048,575.
    #[inline]
    pub const fn label(&self) -> u32 {
        self.0.get() >> 12
    }

    /// The traffic class, 0 to 7.
    #[inline]
    pub const fn tc(&self) -> u8 {
        (self.0.get() >> 9 & 7) as u8
    }

    /// Whether it is the bottom of the stack.
    #[inline]
    pub const fn bottom(&self) -> bool {
        self.0.get() & 0x100 != 0
    }

    /// Time to live.
    #[inline]
    pub const fn ttl(&self) -> u8 {
        self.0.get() as u8
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_lie_where_rfc_3032_figure_1_says() {
        let mut bytes = [0; 4];
        LabelStackEntry::new(30012, 5, true, 63).emit(&mut bytes).unwrap();
        // 0000 0111 0101 0011 1100 | 101 | 1 | 0011 1111
        assert_eq!(bytes, [0x07, 0x53, 0xcb, 0x3f]);
    }

    proptest! {
        #[test]
        fn parse_undoes_emit(label in 0u32..1 << 20, tc in 0u8..8, bottom: bool, ttl: u8) {
            let mut bytes = [0; 4];
            LabelStackEntry::new(label, tc, bottom, ttl).emit(&mut bytes).unwrap();
            let (e, _) = LabelStackEntry::parse(&bytes).unwrap();
            prop_assert_eq!((e.label(), e.tc(), e.bottom(), e.ttl()), (label, tc, bottom, ttl));
        }
    }
}
