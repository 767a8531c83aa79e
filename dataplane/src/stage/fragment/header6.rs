//! The headers of IPv6 fragments: all that stands before the payload of a packet that has
//! a fragment header already, and that header with another place (RFC 8200 section 4.5).

use crate::packet::NoRoom;
use crate::wire::ipv6::Ipv6Header;

/// Bytes of a fragment header.
const FRAGMENT: usize = 8;
/// The bit that says that more fragments follow.
const MORE: u16 = 1;

/// The headers that every fragment starts with, and what the packet itself was.
pub(super) struct Headers6<'a> {
    /// To behind the fragment header.
    bytes: &'a [u8],
    /// Offset of the packet, itself perhaps a fragment, bytes, and whether more followed.
    place: u16,
}

impl<'a> Headers6<'a> {
    /// From the packet `l3`, whose fragment header ends at `length`.
    pub(super) fn of(l3: &'a [u8], length: usize) -> Option<Self> {
        let bytes = l3.get(..length)?;
        let word = bytes.get(length.checked_sub(FRAGMENT)? + 2..)?.first_chunk()?;
        Some(Self { bytes, place: u16::from_be_bytes(*word) })
    }

    /// Offset of the packet, itself perhaps a fragment, bytes.
    pub(super) fn offset(&self) -> usize {
        usize::from(self.place & !7)
    }

    /// The headers' bytes.
    pub(super) fn later(&self) -> &[u8] {
        self.bytes
    }

    /// Makes `l3`, which starts with these headers, the fragment at `from` bytes of the payload.
    pub(super) fn place(&self, l3: &mut [u8], from: usize, more: bool) -> Result<(), NoRoom> {
        // The last offset there can be has been seen to be enough: it does not wrap.
        let place = self.place.wrapping_add(from as u16);
        put(l3, self.bytes.len(), if more { place | MORE } else { place })
    }
}

/// Makes `l3`, whose fragment header ends at `length`, the first fragment: it keeps its
/// offset, and more follow.
pub(super) fn place_first(l3: &mut [u8], length: usize) -> Result<(), NoRoom> {
    let place = Headers6::of(l3, length).ok_or(NoRoom)?.place;
    put(l3, length, place | MORE)
}

fn put(l3: &mut [u8], length: usize, place: u16) -> Result<(), NoRoom> {
    let at = length.checked_sub(FRAGMENT).ok_or(NoRoom)? + 2;
    *l3.get_mut(at..).and_then(|word| word.first_chunk_mut()).ok_or(NoRoom)? = place.to_be_bytes();
    let payload = l3.len() - Ipv6Header::LEN;
    let (header, _) = Ipv6Header::parse_mut(l3).map_err(|_| NoRoom)?;
    header.payload_length = (payload as u16).into();
    Ok(())
}
