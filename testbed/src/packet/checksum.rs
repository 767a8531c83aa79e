//! The Internet checksum (RFC 1071), the obvious way.

use std::net::IpAddr;

/// The checksum of `bytes`, an odd last byte padded with zero.
pub(super) fn internet(bytes: &[u8]) -> u16 {
    let mut sum = 0u64;
    for pair in bytes.chunks(2) {
        sum += u64::from(pair[0]) << 8 | u64::from(pair.get(1).copied().unwrap_or(0));
    }
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    !(sum as u16)
}

/// The checksum of an upper-layer message with its pseudo-header (RFC 9293 section 3.1,
/// RFC 8200 section 8.1).
pub(super) fn upper(src: IpAddr, dst: IpAddr, protocol: u8, message: &[u8]) -> u16 {
    let mut covered = Vec::with_capacity(message.len() + 40);
    for address in [src, dst] {
        match address {
            IpAddr::V4(a) => covered.extend(a.octets()),
            IpAddr::V6(a) => covered.extend(a.octets()),
        }
    }
    covered.extend((message.len() as u32).to_be_bytes());
    covered.extend([0, 0, 0, protocol]);
    covered.extend(message);
    internet(&covered)
}
