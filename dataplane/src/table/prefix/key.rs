//! Addresses as bit strings.

use std::fmt::Debug;
use std::net::{Ipv4Addr, Ipv6Addr};

/// An address, its first bit the most significant one.
pub(in crate::table) trait Key: Copy + Eq + Debug {
    /// No bits set.
    const ZERO: Self;
    /// Bits of it.
    const BITS: u8;
    /// Words of four bytes.
    const WORDS: usize = Self::BITS as usize / 32;

    /// Made of its words, the first of them at 0.
    fn of_words(word: impl Fn(usize) -> u32) -> Self;

    /// The word at `index`.
    fn word(self, index: usize) -> u32;

    /// As a number, by which addresses are in order.
    fn order(self) -> u128;

    /// The byte at `depth`, counted from the front.
    fn byte(self, depth: u8) -> u8;

    /// How many bits from the front are the same: 0 to all.
    fn common(self, other: Self) -> u8;

    /// The first `len` bits, the others cleared.
    fn trunc(self, len: u8) -> Self;

    /// The same with `bits` set so that the last of them is bit `end`, counted from 1.
    fn with(self, bits: u16, end: u8) -> Self;
}

/// An address as it is given.
pub(in crate::table) trait Address: Copy {
    /// As bits.
    type Key: Key;
    /// Whether most addresses of a large table are not decided by their first three bytes.
    const WIDE: bool;

    /// As bits.
    fn key(self) -> Self::Key;

    /// The byte at `DEPTH`, counted from the front; there is one.
    fn byte<const DEPTH: usize>(self) -> u8;

    /// The same addresses, if they are of IPv4.
    fn short(addresses: &[Self]) -> Option<&[Ipv4Addr]>;
}

impl Address for Ipv4Addr {
    type Key = u32;
    const WIDE: bool = false;

    #[inline(always)]
    fn key(self) -> u32 {
        self.to_bits()
    }

    #[inline(always)]
    fn byte<const DEPTH: usize>(self) -> u8 {
        self.octets()[DEPTH & 3]
    }

    #[inline(always)]
    fn short(addresses: &[Self]) -> Option<&[Ipv4Addr]> {
        Some(addresses)
    }
}

impl Address for Ipv6Addr {
    type Key = Long;
    const WIDE: bool = true;

    #[inline(always)]
    fn key(self) -> Long {
        self.into()
    }

    #[inline(always)]
    fn byte<const DEPTH: usize>(self) -> u8 {
        self.octets()[DEPTH & 15]
    }

    #[inline(always)]
    fn short(_: &[Self]) -> Option<&[Ipv4Addr]> {
        None
    }
}

impl Key for u32 {
    const ZERO: Self = 0;
    const BITS: u8 = 32;

    #[inline(always)]
    fn of_words(word: impl Fn(usize) -> u32) -> Self {
        word(0)
    }

    fn word(self, _: usize) -> u32 {
        self
    }

    fn order(self) -> u128 {
        self.into()
    }

    #[inline(always)]
    fn byte(self, depth: u8) -> u8 {
        self.wrapping_shr(24u32.wrapping_sub(8 * u32::from(depth))) as u8
    }

    #[inline(always)]
    fn common(self, other: Self) -> u8 {
        (self ^ other).leading_zeros() as u8
    }

    fn trunc(self, len: u8) -> Self {
        self & !u32::MAX.checked_shr(len.into()).unwrap_or(0)
    }

    fn with(self, bits: u16, end: u8) -> Self {
        let shift = 32u32.saturating_sub(end.into());
        self | u32::from(bits).checked_shl(shift).unwrap_or(0)
    }
}

/// An IPv6 address in two halves: aligned to 8 bytes, so that tables stay small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::table) struct Long {
    high: u64,
    low: u64,
}

impl Long {
    pub(in crate::table) const fn from_bits(bits: u128) -> Self {
        Self { high: (bits >> 64) as u64, low: bits as u64 }
    }

    pub(in crate::table) const fn to_bits(self) -> u128 {
        (self.high as u128) << 64 | self.low as u128
    }
}

impl From<Ipv6Addr> for Long {
    #[inline(always)]
    fn from(address: Ipv6Addr) -> Self {
        Self::from_bits(address.to_bits())
    }
}

impl Key for Long {
    const ZERO: Self = Self { high: 0, low: 0 };
    const BITS: u8 = 128;

    #[inline(always)]
    fn of_words(word: impl Fn(usize) -> u32) -> Self {
        let half = |i| u64::from(word(i)) << 32 | u64::from(word(i + 1));
        Self { high: half(0), low: half(2) }
    }

    fn word(self, index: usize) -> u32 {
        (self.to_bits() >> (96 - 32 * (index & 3))) as u32
    }

    fn order(self) -> u128 {
        self.to_bits()
    }

    #[inline(always)]
    fn byte(self, depth: u8) -> u8 {
        let half = if depth < 8 { self.high } else { self.low };
        half.wrapping_shr(56u32.wrapping_sub(8 * u32::from(depth & 7))) as u8
    }

    #[inline(always)]
    fn common(self, other: Self) -> u8 {
        match self.high ^ other.high {
            0 => 64 + (self.low ^ other.low).leading_zeros() as u8,
            high => high.leading_zeros() as u8,
        }
    }

    fn trunc(self, len: u8) -> Self {
        Self::from_bits(self.to_bits() & !u128::MAX.checked_shr(len.into()).unwrap_or(0))
    }

    fn with(self, bits: u16, end: u8) -> Self {
        let shift = 128u32.saturating_sub(end.into());
        Self::from_bits(self.to_bits() | u128::from(bits).checked_shl(shift).unwrap_or(0))
    }
}
