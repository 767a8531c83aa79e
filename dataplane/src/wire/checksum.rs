//! The Internet checksum (RFC 1071) and its incremental update (RFC 1624).

use std::net::{Ipv4Addr, Ipv6Addr};

/// A running ones' complement sum of 16-bit words, not folded yet. Words are
/// summed as they lie in memory and swapped once at the end (RFC 1071 section 2(B)).
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum(u64);

impl Sum {
    /// The sum of nothing.
    pub const fn new() -> Self {
        Self(0)
    }

    /// Adds `bytes`, which start on an even offset of what is summed; an odd
    /// last byte is padded with a zero.
    #[inline]
    #[must_use]
    pub fn plus(self, bytes: &[u8]) -> Self {
        let mut sum = self.0;
        let (words, rest) = bytes.as_chunks::<4>();
        for word in words {
            sum += u64::from(u32::from_ne_bytes(*word));
        }
        let mut last = [0; 4];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        Self(sum + u64::from(u32::from_ne_bytes(last)))
    }

    /// Adds one word.
    #[inline]
    #[must_use]
    pub fn plus_word(self, word: u16) -> Self {
        Self(self.0 + u64::from(word.to_be()))
    }

    /// Adds the pseudo-header of IPv4 (RFC 768, RFC 9293 section 3.1); `length` is the upper layer's.
    #[must_use]
    pub fn pseudo_v4(self, source: Ipv4Addr, destination: Ipv4Addr, protocol: u8, length: u16) -> Self {
        let sum = self.plus(&source.octets()).plus(&destination.octets());
        sum.plus_word(u16::from(protocol)).plus_word(length)
    }

    /// Adds the pseudo-header of IPv6 (RFC 8200 section 8.1); `length` is the upper layer's.
    #[must_use]
    pub fn pseudo_v6(self, source: Ipv6Addr, destination: Ipv6Addr, protocol: u8, length: u32) -> Self {
        let sum = self.plus(&source.octets()).plus(&destination.octets());
        sum.plus(&length.to_be_bytes()).plus_word(u16::from(protocol))
    }

    /// The sum folded to 16 bits, in host order: 0xffff when what was summed
    /// holds its own right checksum.
    #[inline]
    pub const fn fold(self) -> u16 {
        let mut sum = (self.0 >> 32) + (self.0 & 0xffff_ffff);
        sum = (sum >> 16) + (sum & 0xffff);
        sum = (sum >> 16) + (sum & 0xffff);
        sum = (sum >> 16) + (sum & 0xffff);
        u16::from_be(sum as u16)
    }

    /// The checksum to be written: the complement of the sum.
    #[inline]
    pub const fn checksum(self) -> u16 {
        !self.fold()
    }
}

/// The checksum of `bytes`, whose own checksum field is zero.
pub fn checksum(bytes: &[u8]) -> u16 {
    Sum::new().plus(bytes).checksum()
}

/// Whether `bytes`, the checksum field included, sum up right.
#[inline]
pub fn is_valid(bytes: &[u8]) -> bool {
    Sum::new().plus(bytes).fold() == 0xffff
}

/// Whether an IPv4 header without options sums up right: three words, no loop. A carry out
/// of a word comes back in at its low end, as in the sum of 16-bit words (RFC 1071 section 2(C)).
#[inline(always)]
pub const fn is_valid_ipv4(h: &[u8; 20]) -> bool {
    let front = u64::from_ne_bytes([h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]]);
    let middle = u64::from_ne_bytes([h[8], h[9], h[10], h[11], h[12], h[13], h[14], h[15]]);
    let end = u32::from_ne_bytes([h[16], h[17], h[18], h[19]]) as u64;
    let (sum, carry) = front.overflowing_add(middle);
    let (sum, carry) = sum.overflowing_add(end + carry as u64);
    let sum = sum.wrapping_add(carry as u64);
    let sum = (sum.wrapping_add(sum.rotate_left(32)) >> 32) as u32;
    sum.wrapping_add(sum.rotate_left(16)) >> 16 == 0xffff
}

/// The checksum after one of the summed words changed from `old` to `new`
/// (RFC 1624 equation 3).
#[inline]
pub const fn update(checksum: u16, old: u16, new: u16) -> u16 {
    let mut sum = (!checksum) as u32 + (!old) as u32 + new as u32;
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 1071 section 4.1, as slow and obvious as it stands there.
    fn oracle(bytes: &[u8]) -> u16 {
        let mut sum = 0u32;
        for pair in bytes.chunks(2) {
            sum += u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }

    #[test]
    fn the_example_of_rfc_1071_section_3() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(Sum::new().plus(&bytes).fold(), 0xddf2);
        assert_eq!(checksum(&bytes), 0x220d);
    }

    #[test]
    fn the_examples_of_rfc_1624_section_4() {
        // Old checksum 0xdd2f, m = 0x5555, m' = 0x3285: equation 3 gives 0x0000, not 0xffff.
        assert_eq!(update(0xdd2f, 0x5555, 0x3285), 0x0000);
    }

    proptest! {
        #[test]
        fn agrees_with_the_oracle_and_with_pnet(bytes in prop::collection::vec(any::<u8>(), 1..200)) {
            prop_assert_eq!(checksum(&bytes), oracle(&bytes));
            prop_assert_eq!(checksum(&bytes), pnet_packet::util::checksum(&bytes, usize::MAX));
        }

        #[test]
        fn an_update_is_a_new_sum(mut words in prop::collection::vec(any::<u16>(), 4..20), new: u16) {
            let bytes = |words: &[u16]| words.iter().flat_map(|w| w.to_be_bytes()).collect::<Vec<_>>();
            // As in any IP header, some word is not zero: the sum never is then (RFC 1624 section 3).
            words[0] |= 0x4500;
            let (before, old) = (checksum(&bytes(&words)), words[1]);
            words[1] = new;
            prop_assert_eq!(update(before, old, new), checksum(&bytes(&words)));
        }

        #[test]
        fn a_header_is_valid_with_its_checksum_only(mut header: [u8; 20], flip in 0usize..160) {
            header[0] = 0x45;
            header[10..12].fill(0);
            let sum = checksum(&header);
            header[10..12].copy_from_slice(&sum.to_be_bytes());
            prop_assert!(is_valid(&header) && is_valid_ipv4(&header));
            header[flip / 8] ^= 1 << (flip % 8);
            prop_assert!(!is_valid(&header) && !is_valid_ipv4(&header));
        }

        #[test]
        fn pseudo_headers_are_what_stands_in_the_rfcs(a: [u8; 16], b: [u8; 16], p: u8, len: u16) {
            let v6 = [&a[..], &b, &u32::from(len).to_be_bytes(), &[0, 0, 0, p]].concat();
            let sum = Sum::new().pseudo_v6(a.into(), b.into(), p, len.into());
            prop_assert_eq!(sum.checksum(), oracle(&v6));
            let v4 = [&a[..4], &b[..4], &[0, p], &len.to_be_bytes()].concat();
            let address = |x: [u8; 16]| Ipv4Addr::new(x[0], x[1], x[2], x[3]);
            let sum = Sum::new().pseudo_v4(address(a), address(b), p, len);
            prop_assert_eq!(sum.checksum(), oracle(&v4));
        }
    }
}
