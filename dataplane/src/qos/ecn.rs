//! Marks "congestion experienced" in place of a drop: in the IP header (RFC 3168 section 5),
//! or in the traffic class of the top label (RFC 5129 section 4.3).

use crate::wire::ecn::{NOT_ECT, mark_v4, mark_v6, of};
use crate::wire::ethernet::ether_type;
use crate::wire::mpls::LabelStackEntry;

/// Where the EtherType stands in a frame.
const ETHER_TYPE: usize = 12;
/// Entries of a label stack looked at for its bottom.
const DEPTH: usize = 16;

/// What labels say where congestion is met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LabelMarks {
    /// By traffic class of the top label: the one, 0 to 7, that says the same and that
    /// congestion was met; `None` where none does.
    pub tcs: [Option<u8>; 8],
    /// Whether labels are marked whatever is below them: the egress drops what does not
    /// know ECN (RFC 5129 section 3). If not, only above IP packets whose ends know it.
    pub domain: bool,
}

/// Sets CE in the IP header of a frame, behind up to two tags, or says the same in the top
/// label; `false`, and nothing changed, where neither can be. No other bit than these and,
/// in IPv4, the checksum is touched.
pub(super) fn mark(frame: &mut [u8], labels: &LabelMarks) -> bool {
    mark_at(frame, labels).unwrap_or(false)
}

fn mark_at(frame: &mut [u8], labels: &LabelMarks) -> Option<bool> {
    let mut at = ETHER_TYPE;
    for _ in 0..2 {
        match ether_type_at(frame, at)? {
            ether_type::DOT1Q | ether_type::DOT1AD => at += 4,
            _ => break,
        }
    }
    match ether_type_at(frame, at)? {
        ether_type::IPV4 => Some(mark_v4(frame.get_mut(at + 2..)?.first_chunk_mut()?)),
        ether_type::IPV6 => Some(mark_v6(frame.get_mut(at + 2..)?.first_chunk_mut()?)),
        ether_type::MPLS => mark_label(frame.get_mut(at + 2..)?, labels),
        _ => None,
    }
}

/// The traffic class stands in bits 1 to 3 of the third byte.
fn mark_label(stack: &mut [u8], labels: &LabelMarks) -> Option<bool> {
    let ce = labels.tcs[usize::from(stack.get(2)? >> 1 & 7)]?;
    if !labels.domain && below(stack)? == NOT_ECT {
        return Some(false);
    }
    let byte = stack.get_mut(2)?;
    *byte = *byte & !0x0e | (ce & 7) << 1;
    Some(true)
}

/// ECN of the IP packet below a label stack.
fn below(stack: &[u8]) -> Option<u8> {
    let mut rest = stack;
    for _ in 0..DEPTH {
        let (entry, behind) = LabelStackEntry::parse(rest).ok()?;
        rest = behind;
        if entry.bottom() {
            return of(rest);
        }
    }
    None
}

fn ether_type_at(frame: &[u8], at: usize) -> Option<u16> {
    frame.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::checksum;

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
            prop_assert_eq!(mark(&mut after, &LabelMarks::default()), ecn != 0);
            let expected = match (ecn, v6) {
                (0, _) => second,
                (_, true) => second | 0x30,
                (_, false) => second | 3,
            };
            prop_assert_eq!(&after, &frame(tags, v6, expected));
        }

        #[test]
        fn any_bytes_are_survived(mut bytes in prop::collection::vec(any::<u8>(), 0..80), labelled: bool) {
            if labelled && bytes.len() > 13 {
                bytes[12..14].copy_from_slice(&[0x88, 0x47]);
            }
            let before = bytes.clone();
            if !mark(&mut bytes, &LabelMarks::default()) {
                prop_assert_eq!(bytes, before);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn of_a_labelled_frame_only_the_top_label_s_class_changes(
            (tags, v6, second) in (0usize..3, any::<bool>(), any::<u8>()),
            tcs in prop::array::uniform8(prop::option::of(0u8..8)),
            (domain, depth, tc) in (any::<bool>(), 1usize..5, 0u8..8),
        ) {
            let plain = frame(tags, v6, second);
            let (link, packet) = plain.split_at(12 + 4 * tags);
            let stack = |top: u8| -> Vec<u8> {
                let entry = |n: usize| {
                    let tc = if n == 0 { top } else { 3 };
                    LabelStackEntry::new(77, tc, n + 1 == depth, 9).word().to_be_bytes()
                };
                [link, &[0x88, 0x47], &(0..depth).flat_map(entry).collect::<Vec<_>>(), &packet[2..]].concat()
            };
            let mut after = stack(tc);
            let ecn = if v6 { second >> 4 & 3 } else { second & 3 };
            let marked = tcs[usize::from(tc)].filter(|_| domain || ecn != 0);
            prop_assert_eq!(mark(&mut after, &LabelMarks { tcs, domain }), marked.is_some());
            prop_assert_eq!(after, stack(marked.unwrap_or(tc)));
        }
    }
}
