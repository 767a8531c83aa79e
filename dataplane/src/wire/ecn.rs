//! Explicit congestion notification in the IP header (RFC 3168 section 5).

use super::checksum;

/// ECN of a packet whose ends do not know it.
pub const NOT_ECT: u8 = 0b00;
/// Congestion experienced.
pub const CE: u8 = 0b11;

/// ECN, 0 to 3, of the IP packet that `l3` starts with; `None` for what is none, by its
/// first four bits.
#[inline]
pub fn of(l3: &[u8]) -> Option<u8> {
    let [first, second, ..] = l3 else { return None };
    match first >> 4 {
        4 => Some(second & CE),
        6 => Some(second >> 4 & CE),
        _ => None,
    }
}

/// Sets CE in an IPv4 header; `false`, and nothing changed, where its ends do not know ECN.
pub fn mark_v4(header: &mut [u8; 20]) -> bool {
    let old = u16::from_be_bytes([header[0], header[1]]);
    if header[1] & CE == NOT_ECT {
        return false;
    }
    header[1] |= CE;
    let sum = u16::from_be_bytes([header[10], header[11]]);
    let sum = checksum::update(sum, old, u16::from_be_bytes([header[0], header[1]]));
    [header[10], header[11]] = sum.to_be_bytes();
    true
}

/// The same in an IPv6 header.
pub fn mark_v6(header: &mut [u8; 40]) -> bool {
    let ect = header[1] >> 4 & CE != NOT_ECT;
    if ect {
        header[1] |= CE << 4;
    }
    ect
}
