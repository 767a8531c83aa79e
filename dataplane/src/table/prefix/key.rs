//! Addresses as bit strings.

use std::fmt::Debug;

/// An address, its first bit the most significant one.
pub(in crate::table) trait Key: Copy + Eq + Debug {
    /// No bits set.
    const ZERO: Self;

    /// The byte at `depth`, counted from the front.
    fn byte(self, depth: u8) -> u8;

    /// How many bits from the front are the same: 0 to all.
    fn common(self, other: Self) -> u8;

    /// The first `len` bits, the others cleared.
    fn trunc(self, len: u8) -> Self;

    /// The same with `bits` set so that the last of them is bit `end`, counted from 1.
    fn with(self, bits: u16, end: u8) -> Self;
}

macro_rules! key {
    ($int:ty) => {
        impl Key for $int {
            const ZERO: Self = 0;

            #[inline(always)]
            fn byte(self, depth: u8) -> u8 {
                self.wrapping_shr(<$int>::BITS.wrapping_sub(8 + 8 * u32::from(depth))) as u8
            }

            #[inline(always)]
            fn common(self, other: Self) -> u8 {
                (self ^ other).leading_zeros() as u8
            }

            #[inline]
            fn trunc(self, len: u8) -> Self {
                self & !<$int>::MAX.checked_shr(len.into()).unwrap_or(0)
            }

            #[inline]
            fn with(self, bits: u16, end: u8) -> Self {
                let shift = <$int>::BITS.saturating_sub(end.into());
                self | <$int>::from(bits).checked_shl(shift).unwrap_or(0)
            }
        }
    };
}

key!(u32);
key!(u128);
