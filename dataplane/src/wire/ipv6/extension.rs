//! IPv6 extension headers (RFC 8200 section 4).

use crate::wire::WireError;

/// Next-header values that this walk knows (IANA extension header types).
pub mod next_header {
    /// Hop-by-hop options; only right behind the fixed header.
    pub const HOP_BY_HOP: u8 = 0;
    /// Routing.
    pub const ROUTING: u8 = 43;
    /// Fragment.
    pub const FRAGMENT: u8 = 44;
    /// Authentication (RFC 4302).
    pub const AUTHENTICATION: u8 = 51;
    /// Nothing follows.
    pub const NONE: u8 = 59;
    /// Destination options.
    pub const DESTINATION: u8 = 60;
    /// Mobility (RFC 6275).
    pub const MOBILITY: u8 = 135;
    /// Host identity (RFC 7401).
    pub const HIP: u8 = 139;
    /// Shim6 (RFC 5533).
    pub const SHIM6: u8 = 140;
}

/// The most extension headers walked (RFC 8504 section 5.3 lets a node bound them).
pub const MAX_EXTENSIONS: usize = 8;

/// A fragment header's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Where this fragment belongs, in bytes.
    pub offset: usize,
    /// Whether more fragments follow.
    pub more: bool,
    /// What the fragments of one packet have in common.
    pub identification: u32,
}

/// What a chain of extension headers says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// The upper-layer protocol; of a later fragment, what the fragment header says.
    pub protocol: u8,
    /// Where the upper layer starts, bytes behind the fixed header.
    pub offset: usize,
    /// The fragment header, if there is one.
    pub fragment: Option<Fragment>,
    /// Whether the hop-by-hop options hold router alert (RFC 2711).
    pub router_alert: bool,
    /// Whether there is a routing header of type 0 (RFC 5095).
    pub routing_type_0: bool,
}

/// Walks the extension headers in `payload`, the bytes behind the fixed header,
/// whose next header is `first`. Ends at the upper layer, or behind the fragment
/// header of a later fragment.
///
/// # Errors
/// [`WireError::Truncated`] when a header is cut short, [`WireError::Malformed`]
/// when hop-by-hop options are not first or the chain is longer than [`MAX_EXTENSIONS`].
pub fn walk(first: u8, payload: &[u8]) -> Result<Chain, WireError> {
    let mut chain = Chain { protocol: first, ..Chain::default() };
    for step in 0..=MAX_EXTENSIONS {
        let later = chain.fragment.is_some_and(|f| f.offset > 0);
        if later || !is_extension(chain.protocol) {
            return Ok(chain);
        }
        if chain.protocol == next_header::HOP_BY_HOP && step > 0 {
            return Err(WireError::Malformed);
        }
        chain.step(payload)?;
    }
    Err(WireError::Malformed)
}

/// Where the fragment header in `payload` ends, bytes behind the fixed header whose next
/// header is `first`: what stands before is that of every fragment. `None` without one.
pub fn fragment_end(first: u8, payload: &[u8]) -> Option<usize> {
    let mut chain = Chain { protocol: first, ..Chain::default() };
    for _ in 0..=MAX_EXTENSIONS {
        if !is_extension(chain.protocol) {
            return None;
        }
        chain.step(payload).ok()?;
        if chain.fragment.is_some() {
            return Some(chain.offset);
        }
    }
    None
}

/// Whether `number` is an extension header that is walked over.
#[inline]
const fn is_extension(number: u8) -> bool {
    use next_header::{AUTHENTICATION, DESTINATION, FRAGMENT, HIP, HOP_BY_HOP, MOBILITY, ROUTING, SHIM6};
    matches!(number, HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION | MOBILITY | HIP | SHIM6)
}

impl Chain {
    /// Takes the header at `self.offset` in.
    fn step(&mut self, payload: &[u8]) -> Result<(), WireError> {
        let rest = payload.get(self.offset..).ok_or(WireError::Truncated)?;
        let fixed = rest.first_chunk::<8>().ok_or(WireError::Truncated)?;
        let length = match self.protocol {
            next_header::FRAGMENT => 8,
            next_header::AUTHENTICATION => (usize::from(fixed[1]) + 2) * 4,
            _ => (usize::from(fixed[1]) + 1) * 8,
        };
        let header = rest.get(..length).ok_or(WireError::Truncated)?;
        match self.protocol {
            next_header::FRAGMENT => self.fragment = Some(fragment(fixed)),
            next_header::HOP_BY_HOP => self.router_alert = has_router_alert(header),
            next_header::ROUTING => self.routing_type_0 |= fixed[2] == 0,
            _ => {}
        }
        self.protocol = fixed[0];
        self.offset += length;
        Ok(())
    }
}

const fn fragment(h: &[u8; 8]) -> Fragment {
    let word = u16::from_be_bytes([h[2], h[3]]);
    Fragment {
        offset: (word & 0xfff8) as usize,
        more: word & 1 != 0,
        identification: u32::from_be_bytes([h[4], h[5], h[6], h[7]]),
    }
}

/// Looks for option type 5 among hop-by-hop options; a cut-short option ends the look.
fn has_router_alert(header: &[u8]) -> bool {
    let mut rest = header.get(2..).unwrap_or_default();
    while let Some((kind, tail)) = rest.split_first() {
        if *kind == 5 {
            return true;
        }
        let skip = match (kind, tail.first()) {
            (0, _) => 0,
            (_, Some(length)) => usize::from(*length) + 1,
            (_, None) => return false,
        };
        rest = tail.get(skip..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALERT: [u8; 8] = [60, 0, 5, 2, 0, 0, 1, 0]; // next: destination; router alert, PadN
    const PADDED: [u8; 8] = [44, 0, 1, 4, 0, 0, 0, 0]; // next: fragment; PadN of 6

    #[test]
    fn a_whole_chain_is_walked_to_its_upper_layer() {
        let fragment = [17, 0, 0, 1, 0, 0, 0, 9]; // first fragment, more follow, id 9
        let bytes = [&ALERT[..], &PADDED, &fragment, &[0; 8]].concat();
        let expected = Chain {
            protocol: 17,
            offset: 24,
            fragment: Some(Fragment { offset: 0, more: true, identification: 9 }),
            router_alert: true,
            routing_type_0: false,
        };
        assert_eq!(walk(0, &bytes), Ok(expected));
        assert_eq!(fragment_end(0, &bytes), Some(24));
        assert_eq!(fragment_end(0, &bytes[..23]), None);
        assert_eq!(fragment_end(60, &[&[17, 0, 1, 4][..], &[0; 12]].concat()), None);
        for cut in 0..24 {
            assert_eq!(walk(0, &bytes[..cut]), Err(WireError::Truncated), "{cut} bytes");
        }
    }

    #[test]
    fn a_later_fragment_ends_the_walk() {
        let bytes = [&[60, 0, 0x05, 0xa8, 0, 0, 0, 9][..], &[0xff; 4]].concat();
        let chain = walk(44, &bytes).unwrap();
        assert_eq!((chain.protocol, chain.offset), (60, 8));
        assert_eq!(chain.fragment.map(|f| (f.offset, f.more)), Some((1448, false)));
    }

    #[test]
    fn hop_by_hop_is_first_or_malformed() {
        let bytes = [[0, 0, 1, 4, 0, 0, 0, 0], [17, 0, 1, 4, 0, 0, 0, 0]].concat();
        assert_eq!(walk(60, &bytes), Err(WireError::Malformed));
    }

    #[test]
    fn a_chain_longer_than_the_bound_is_malformed() {
        let padding = [60, 0, 1, 4, 0, 0, 0, 0];
        let mut bytes = padding.repeat(MAX_EXTENSIONS - 1);
        bytes.extend([17, 0, 1, 4, 0, 0, 0, 0]);
        assert_eq!(walk(60, &bytes).map(|c| c.protocol), Ok(17));
        let bytes = [&padding[..], &bytes].concat();
        assert_eq!(walk(60, &bytes), Err(WireError::Malformed));
    }

    #[test]
    fn routing_and_authentication_headers_have_their_own_lengths() {
        let bytes = [&[51, 2, 0, 1][..], &[0; 20], &[6, 1, 0, 0], &[0; 8]].concat();
        let chain = walk(43, &bytes).unwrap();
        assert_eq!((chain.protocol, chain.offset, chain.routing_type_0), (6, 36, true));
    }

    proptest! {
        #[test]
        fn any_bytes_are_walked_within_them(first: u8, bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            if let Ok(chain) = walk(first, &bytes) {
                prop_assert!(chain.offset <= bytes.len());
            }
        }
    }
}
