//! Marks "congestion experienced" in place of a drop (RFC 3168 section 5).

use crate::wire::checksum;
use crate::wire::ethernet::ether_type;

/// Where the EtherType stands in a frame.
const ETHER_TYPE: usize = 12;
/// ECN of a packet whose ends do not know it.
const NOT_ECT: u8 = 0b00;
const CE: u8 = 0b11;

/// Sets CE in the IP header of a frame, behind up to two tags; `false`, and
/// nothing changed, where there is none or its ends do not know ECN. No other bit
/// than those two and, in IPv4, the checksum is touched.
pub(super) fn mark(frame: &mut [u8]) -> bool {
    mark_at(frame).unwrap_or(false)
}

fn mark_at(frame: &mut [u8]) -> Option<bool> {
    let mut at = ETHER_TYPE;
    for _ in 0..2 {
        match ether_type_at(frame, at)? {
            ether_type::DOT1Q | ether_type::DOT1AD => at += 4,
            _ => break,
        }
    }
    match ether_type_at(frame, at)? {
        ether_type::IPV4 => mark_v4(frame.get_mut(at + 2..)?.first_chunk_mut()?),
        ether_type::IPV6 => mark_v6(frame.get_mut(at + 2..)?.first_chunk_mut()?),
        _ => None,
    }
}

fn ether_type_at(frame: &[u8], at: usize) -> Option<u16> {
    frame.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

fn mark_v4(header: &mut [u8; 20]) -> Option<bool> {
    let old = u16::from_be_bytes([header[0], header[1]]);
    if header[1] & CE == NOT_ECT {
        return Some(false);
    }
    header[1] |= CE;
    let sum = u16::from_be_bytes([header[10], header[11]]);
    let sum = checksum::update(sum, old, u16::from_be_bytes([header[0], header[1]]));
    [header[10], header[11]] = sum.to_be_bytes();
    Some(true)
}

fn mark_v6(header: &mut [u8; 40]) -> Option<bool> {
    let ect = header[1] >> 4 & CE != NOT_ECT;
    if ect {
        header[1] |= CE << 4;
    }
    Some(ect)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A frame with so many tags and an IP header whose second byte is `second`.
    fn frame(tags: usize, v6: bool, second: u8) -> Vec<u8> {
        let mut bytes = vec![2; 12];
        (0..tags).for_each(|_| bytes.extend([0x81, 0, 0, 7]));
        bytes.extend(if v6 { [0x86, 0xdd] } else { [8, 0] });
        let mut header = vec![if v6 { 0x6b } else { 0x45 }, second];
        header.extend((0..if v6 { 38 } else { 18 }).map(|n: u8| n.wrapping_mul(7)));
        if !v6 {
            header[10..12].fill(0);
            let sum = checksum::checksum(&header);
            header[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        bytes.extend(header);
        bytes
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn only_the_two_bits_change_and_the_checksum_stays_right(tags in 0usize..3, v6: bool, second: u8) {
            let before = frame(tags, v6, second);
            let mut after = before.clone();
            let ecn = if v6 { second >> 4 & 3 } else { second & 3 };
            prop_assert_eq!(mark(&mut after), ecn != 0);
            let expected = match (ecn, v6) {
                (0, _) => second,
                (_, true) => second | 0x30,
                (_, false) => second | 3,
            };
            prop_assert_eq!(&after, &frame(tags, v6, expected));
        }

        #[test]
        fn any_bytes_are_survived(mut bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let before = bytes.clone();
            if !mark(&mut bytes) {
                prop_assert_eq!(bytes, before);
            }
        }
    }

    #[test]
    fn a_labelled_frame_is_not_marked() {
        let mut bytes = frame(0, false, 2);
        bytes[12..14].copy_from_slice(&[0x88, 0x47]);
        assert!(!mark(&mut bytes));
    }
}
