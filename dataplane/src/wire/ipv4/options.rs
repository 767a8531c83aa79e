//! IPv4 options (RFC 791 section 3.1, RFC 7126).

use crate::wire::WireError;

/// Option type octets: copied flag, class and number.
pub mod kind {
    /// End of the option list.
    pub const END: u8 = 0;
    /// No operation.
    pub const NOP: u8 = 1;
    /// Record route.
    pub const RECORD_ROUTE: u8 = 7;
    /// Internet timestamp.
    pub const TIMESTAMP: u8 = 68;
    /// Loose source and record route.
    pub const LOOSE_SOURCE_ROUTE: u8 = 131;
    /// Strict source and record route.
    pub const STRICT_SOURCE_ROUTE: u8 = 137;
    /// Router alert (RFC 2113).
    pub const ROUTER_ALERT: u8 = 148;
    /// The flag of options that every fragment carries.
    pub const COPIED: u8 = 0x80;
}

/// One option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Option<'a> {
    /// Its type octet.
    pub kind: u8,
    /// Where its type octet stands, bytes from the first option's.
    pub at: usize,
    /// All its bytes: type, and for all but END and NOP length and data.
    pub bytes: &'a [u8],
}

impl Ipv4Option<'_> {
    /// Whether every fragment carries it.
    pub const fn copied(&self) -> bool {
        self.kind & kind::COPIED != 0
    }
}

/// Walks options until their end; a malformed one is the last item given.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Options<'a> {
    /// Over the options alone, as [`options`](fn@super::options) gives them.
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Where the walk stands, bytes from the first option's type octet.
    pub const fn position(&self) -> usize {
        self.at
    }

    fn length(&self, kind: u8) -> Option<usize> {
        match kind {
            kind::NOP => Some(1),
            _ => self.bytes.get(self.at + 1).map(|n| usize::from(*n)).filter(|n| *n >= 2),
        }
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = Result<Ipv4Option<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        let kind = *self.bytes.get(self.at)?;
        if kind == kind::END {
            return None;
        }
        let at = self.at;
        let Some(bytes) = self.length(kind).and_then(|n| self.bytes.get(at..at + n)) else {
            self.bytes = &[];
            return Some(Err(WireError::Length));
        };
        self.at += bytes.len();
        Some(Ok(Ipv4Option { kind, at, bytes }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_list_ends_at_its_end() {
        let bytes = [1, 7, 7, 4, 0, 0, 0, 0, 148, 4, 0, 0, 0, 99, 1, 1];
        let kinds: Vec<_> = Options::new(&bytes).map(|o| o.unwrap()).map(|o| (o.at, o.kind)).collect();
        assert_eq!(kinds, [(0, 1), (1, 7), (8, 148)]);
    }

    #[test]
    fn lengths_below_two_or_beyond_the_header_are_malformed() {
        for bytes in [&[7][..], &[7, 0], &[7, 1], &[7, 5, 4, 0], &[131, 255, 4]] {
            let mut options = Options::new(bytes);
            assert_eq!(options.next(), Some(Err(WireError::Length)), "{bytes:?}");
            assert_eq!(options.position(), 0);
            assert_eq!(options.next(), None);
        }
    }

    proptest! {
        #[test]
        fn what_is_emitted_is_walked(list in prop::collection::vec((2u8..=255, 0usize..8), 0..4)) {
            let bytes: Vec<u8> = list
                .iter()
                .flat_map(|(kind, n)| [vec![*kind, *n as u8 + 2], vec![0xaa; *n]].concat())
                .collect();
            let walked: Vec<_> = Options::new(&bytes).map(|o| o.unwrap()).collect();
            prop_assert_eq!(walked.len(), list.len());
            for (option, (kind, n)) in walked.iter().zip(&list) {
                prop_assert_eq!((option.kind, option.bytes.len()), (*kind, n + 2));
            }
        }

        #[test]
        fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert!(Options::new(&bytes).count() <= 40);
        }
    }
}
