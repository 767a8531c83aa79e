//! The headers of fragments: the first keeps all options, later ones only those
//! with the copied flag (RFC 791 section 3.1).

use crate::packet::NoRoom;
use crate::wire::ipv4::{self, Ipv4Header, Options, kind};

/// Longest IPv4 header, bytes.
const MAX: usize = 60;

/// The header that later fragments start with, and what the datagram itself was.
pub(super) struct Headers {
    bytes: [u8; MAX],
    length: usize,
    /// Offset of the datagram, itself perhaps a fragment, bytes.
    offset: usize,
    /// Whether more fragments followed the datagram.
    more: bool,
}

impl Headers {
    /// From the datagram `l3`, whose header is `length` bytes.
    pub(super) fn of(l3: &[u8], length: usize) -> Option<Self> {
        let (fixed, _) = Ipv4Header::parse(l3).ok()?;
        let (offset, more) = (fixed.fragment_offset(), fixed.more_fragments());
        let mut headers = Self { bytes: [kind::END; MAX], length: Ipv4Header::LEN, offset, more };
        headers.bytes.get_mut(..Ipv4Header::LEN)?.copy_from_slice(l3.get(..Ipv4Header::LEN)?);
        if length > Ipv4Header::LEN {
            for option in Options::new(ipv4::options(l3)).flatten().filter(|o| o.copied()) {
                let end = headers.length + option.bytes.len();
                headers.bytes.get_mut(headers.length..end)?.copy_from_slice(option.bytes);
                headers.length = end;
            }
        }
        headers.length = headers.length.next_multiple_of(4);
        Some(headers)
    }

    /// Offset of the datagram, itself perhaps a fragment, bytes.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// The header's bytes.
    pub(super) fn later(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Makes `l3`, which starts with this header, the fragment at `from` bytes of the payload.
    pub(super) fn place(&self, l3: &mut [u8], from: usize, more: bool) -> Result<(), NoRoom> {
        let (length, total) = (self.length, l3.len());
        let (header, _) = Ipv4Header::parse_mut(l3).map_err(|_| NoRoom)?;
        header.version_ihl = 0x40 | (length / 4) as u8;
        let flag = if more || self.more { Ipv4Header::MORE_FRAGMENTS } else { 0 };
        header.fragment = (((self.offset + from) / 8) as u16 | flag).into();
        header.total_length = (total as u16).into();
        Ipv4Header::fill_checksum(l3).map_err(|_| NoRoom)
    }
}

/// Makes `l3` the first fragment: it keeps its offset, and more follow.
pub(super) fn place_first(l3: &mut [u8]) -> Result<(), NoRoom> {
    let total = l3.len();
    let (header, _) = Ipv4Header::parse_mut(l3).map_err(|_| NoRoom)?;
    header.fragment = (header.fragment.get() | Ipv4Header::MORE_FRAGMENTS).into();
    header.total_length = (total as u16).into();
    Ipv4Header::fill_checksum(l3).map_err(|_| NoRoom)
}
