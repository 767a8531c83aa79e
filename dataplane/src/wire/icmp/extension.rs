//! The extension structure of ICMP errors (RFC 4884 sections 4, 7 and 8) and the
//! one object used here: the label stack that a packet came with (RFC 4950).
//!
//! ```text
//! | ICMP header, length attribute | original datagram, padded | extension header | object header | entries … |
//!   8                               ≥ 128                       4                  4               4 each
//! ```

use zerocopy::byteorder::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{Family, IcmpHeader};
use crate::wire::mpls::LabelStackEntry;
use crate::wire::{WireError, checksum, fixed_header};

/// Bytes that an original datagram takes at least where a structure follows (RFC 4884 section 3).
pub const LEAST_QUOTE: usize = 128;

/// The version that the header of a structure names.
const VERSION: u8 = 2;
/// Class and sub-type of an incoming label stack (RFC 4950 section 5).
const STACK: (u8, u8) = (1, 1);

/// What a structure starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct ExtensionHeader {
    /// Version (4 bits), the rest reserved.
    pub version: u8,
    /// Zero.
    pub reserved: u8,
    /// Over the whole structure; 0 is none.
    pub checksum: U16,
}
fixed_header!(ExtensionHeader, 4);

/// What each object starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct ObjectHeader {
    /// Bytes of header and payload.
    pub length: U16,
    /// What kind of object.
    pub class: u8,
    /// What of that kind.
    pub kind: u8,
}
fixed_header!(ObjectHeader, 4);

/// Whether a structure may follow messages of this type (RFC 4884 section 4.6; RFC 4950
/// section 5 names these of them for label stacks).
pub const fn is_extensible(family: Family, kind: u8) -> bool {
    match family {
        Family::V4 => matches!(kind, 3 | 11),
        Family::V6 => matches!(kind, 1 | 3),
    }
}

/// Bytes in which the length attribute counts.
const fn unit(family: Family) -> usize {
    match family {
        Family::V4 => 4,
        Family::V6 => 8,
    }
}

/// Where in the four bytes behind the checksum the length attribute is.
const fn place(family: Family) -> usize {
    match family {
        Family::V4 => 1,
        Family::V6 => 0,
    }
}

/// Bytes of a structure with a stack of `entries`.
pub const fn stack_length(entries: usize) -> usize {
    ExtensionHeader::LEN + ObjectHeader::LEN + entries * LabelStackEntry::LEN
}

/// Bytes that a datagram of `original` bytes takes where at most `room`, at least
/// [`LEAST_QUOTE`], are left: padded, or cut, to the unit of the length attribute.
pub fn quote_length(family: Family, original: usize, room: usize) -> usize {
    let unit = unit(family);
    original.next_multiple_of(unit).clamp(LEAST_QUOTE, room - room % unit)
}

/// Writes the length attribute for an original datagram of `length` padded bytes, up to 1,020.
pub fn set_length(family: Family, header: &mut IcmpHeader, length: usize) {
    header.rest[place(family)] = (length / unit(family)) as u8;
}

/// Writes a structure with one object, the label stack `stack` as it was received;
/// gives its length.
///
/// # Errors
/// [`WireError::Truncated`] when `bytes` is shorter than [`stack_length`].
pub fn write_stack(bytes: &mut [u8], stack: &[u8]) -> Result<usize, WireError> {
    let length = stack_length(stack.len() / LabelStackEntry::LEN);
    let bytes = bytes.get_mut(..length).ok_or(WireError::Truncated)?;
    let header =
        |checksum: u16| ExtensionHeader { version: VERSION << 4, reserved: 0, checksum: checksum.into() };
    let object = (length - ExtensionHeader::LEN) as u16;
    header(0).emit(bytes)?;
    ObjectHeader { length: object.into(), class: STACK.0, kind: STACK.1 }.emit(&mut bytes[4..])?;
    bytes[8..].copy_from_slice(stack.get(..length - 8).ok_or(WireError::Length)?);
    let sum = checksum::checksum(bytes);
    header(sum).emit(bytes)
}

/// The original datagram in `body`, what follows the header of an error, and the
/// structure behind it, if the length attribute says that there is one.
pub fn split<'a>(family: Family, header: &IcmpHeader, body: &'a [u8]) -> (&'a [u8], Option<&'a [u8]>) {
    let length = usize::from(header.rest[place(family)]) * unit(family);
    match body.split_at_checked(length) {
        Some((quote, structure)) if length > 0 && is_extensible(family, header.kind) => {
            (quote, Some(structure))
        }
        _ => (body, None),
    }
}

/// The label stack in a structure, outermost first; `None` when it holds none.
///
/// # Errors
/// [`WireError::Version`] or [`WireError::Checksum`] of the structure,
/// [`WireError::Truncated`] or [`WireError::Length`] of an object.
pub fn stack(structure: &[u8]) -> Result<Option<Vec<LabelStackEntry>>, WireError> {
    let (header, mut rest) = ExtensionHeader::parse(structure)?;
    if header.version >> 4 != VERSION {
        return Err(WireError::Version);
    }
    if header.checksum.get() != 0 && !checksum::is_valid(structure) {
        return Err(WireError::Checksum);
    }
    while !rest.is_empty() {
        let (object, _) = ObjectHeader::parse(rest)?;
        let length = usize::from(object.length.get());
        let (bytes, next) = rest.split_at_checked(length).ok_or(WireError::Length)?;
        let payload = bytes.get(ObjectHeader::LEN..).ok_or(WireError::Length)?;
        if (object.class, object.kind) == STACK {
            let entries = payload.chunks_exact(LabelStackEntry::LEN);
            return Ok(Some(entries.filter_map(|e| LabelStackEntry::parse(e).ok().map(|e| *e.0)).collect()));
        }
        rest = next;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_structure_is_that_of_rfc_4950() {
        // | label 30012, TC 5, TTL 1 | label 17, TC 5, bottom, TTL 1 |
        let stack = [0x07, 0x53, 0xca, 0x01, 0x00, 0x01, 0x1b, 0x01];
        let mut bytes = [0xff; 16];
        assert_eq!(write_stack(&mut bytes, &stack), Ok(4));
        assert_eq!(bytes[..2], [0x20, 0]);
        assert!(checksum::is_valid(&bytes));
        // | length 12 | class 1 | sub-type 1 |
        assert_eq!(bytes[4..8], [0, 12, 1, 1]);
        assert_eq!(bytes[8..], stack);
        assert_eq!(write_stack(&mut bytes[..15], &stack), Err(WireError::Truncated));
    }

    #[test]
    fn an_original_datagram_is_padded_to_128_bytes_or_cut_to_whole_units() {
        assert_eq!(quote_length(Family::V4, 28, 532), 128);
        assert_eq!(quote_length(Family::V4, 129, 532), 132);
        assert_eq!(quote_length(Family::V4, 1500, 530), 528);
        assert_eq!(quote_length(Family::V6, 129, 1216), 136);
        assert_eq!(quote_length(Family::V6, 1500, 1220), 1216);
    }

    #[test]
    fn the_length_attribute_stands_where_each_family_has_it() {
        let mut header = IcmpHeader { kind: 11, code: 0, checksum: 0.into(), rest: [0; 4] };
        set_length(Family::V4, &mut header, 128);
        assert_eq!(header.rest, [0, 32, 0, 0]);
        let body = [7; 144];
        assert_eq!(split(Family::V4, &header, &body), (&body[..128], Some(&body[128..])));
        let mut header = IcmpHeader { kind: 3, code: 0, checksum: 0.into(), rest: [0; 4] };
        set_length(Family::V6, &mut header, 128);
        assert_eq!(header.rest, [16, 0, 0, 0]);
        assert_eq!(split(Family::V6, &header, &body).0.len(), 128);
        // A message that cannot be extended, a length beyond its end, none.
        header.kind = 2;
        assert_eq!(split(Family::V6, &header, &body), (&body[..], None));
        assert_eq!(split(Family::V4, &header, &body[..9]), (&body[..9], None));
    }

    #[test]
    fn structures_that_contradict_themselves_are_refused() {
        let mut bytes = [0; 12];
        write_stack(&mut bytes, &[0x07, 0x53, 0xcb, 0x01]).unwrap();
        assert_eq!(stack(&bytes).unwrap().unwrap()[0].label(), 30_012);
        let with = |at: usize, value: u8| {
            let mut bytes = bytes;
            (bytes[2], bytes[3], bytes[at]) = (0, 0, value);
            stack(&bytes)
        };
        assert_eq!(with(0, 0x10), Err(WireError::Version));
        assert_eq!(with(5, 9), Err(WireError::Length)); // longer than the structure
        assert_eq!(with(5, 3), Err(WireError::Length)); // shorter than its header
        assert_eq!(with(6, 2), Ok(None)); // an object of another class
        bytes[11] = 9;
        assert_eq!(stack(&bytes), Err(WireError::Checksum));
    }

    proptest! {
        #[test]
        fn reading_undoes_writing(entries in prop::collection::vec(any::<u32>(), 0..64)) {
            let written: Vec<u8> = entries.iter().flat_map(|e| e.to_be_bytes()).collect();
            let mut bytes = vec![0; stack_length(entries.len())];
            write_stack(&mut bytes, &written).unwrap();
            let read = stack(&bytes).unwrap().unwrap();
            prop_assert_eq!(read.iter().flat_map(|e| e.as_bytes().to_vec()).collect::<Vec<_>>(), written);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), kind: u8, rest: [u8; 4]) {
            let _ = stack(&bytes);
            let header = IcmpHeader { kind, code: 0, checksum: 0.into(), rest };
            for family in [Family::V4, Family::V6] {
                let (quote, structure) = split(family, &header, &bytes);
                prop_assert_eq!(quote.len() + structure.map_or(0, <[u8]>::len), bytes.len());
            }
        }
    }
}
