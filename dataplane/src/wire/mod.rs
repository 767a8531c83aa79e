//! Bytes ↔ fields: the wire formats this router speaks.
//!
//! Stateless, and imports nothing of ours. A fixed header is a zerocopy struct
//! that is viewed in place: `parse` checks the length and gives the header and
//! what follows it, `emit` writes it. What varies in length (options, extension
//! headers, label stacks, discovery options) is walked by bounded iterators.

pub mod arp;
pub mod checksum;
pub mod dscp;
pub mod ecn;
pub mod ethernet;
pub mod icmp;
pub mod ipv4;
pub mod ipv6;
pub mod l4;
pub mod lsp_ping;
pub mod mpls;
pub mod nd;
pub mod vlan;

/// Why bytes are not what they were to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum WireError {
    /// They end before the format does, or there is no room to write it.
    #[error("cut short")]
    Truncated,
    /// The version field says another version.
    #[error("wrong version")]
    Version,
    /// A length field contradicts the bytes there are, or its own minimum.
    #[error("wrong length")]
    Length,
    /// The checksum does not match.
    #[error("wrong checksum")]
    Checksum,
    /// A field has a value the format does not allow.
    #[error("malformed")]
    Malformed,
}

/// `parse` and `emit` of a fixed header.
macro_rules! fixed_header {
    ($name:ident, $len:literal) => {
        impl $name {
            /// Bytes of it on the wire.
            pub const LEN: usize = $len;

            /// Views the header in place, and gives what follows it.
            ///
            /// # Errors
            /// [`WireError::Truncated`](crate::wire::WireError::Truncated) when there are fewer than [`Self::LEN`] bytes.
            #[inline]
            pub fn parse(bytes: &[u8]) -> Result<(&Self, &[u8]), $crate::wire::WireError> {
                use zerocopy::FromBytes as _;
                Self::ref_from_prefix(bytes).map_err(|_| $crate::wire::WireError::Truncated)
            }

            /// Views the header in place to be edited, and gives what follows it.
            ///
            /// # Errors
            /// [`WireError::Truncated`](crate::wire::WireError::Truncated) when there are fewer than [`Self::LEN`] bytes.
            #[inline]
            pub fn parse_mut(bytes: &mut [u8]) -> Result<(&mut Self, &mut [u8]), $crate::wire::WireError> {
                use zerocopy::FromBytes as _;
                Self::mut_from_prefix(bytes).map_err(|_| $crate::wire::WireError::Truncated)
            }

            /// Writes the header to the front of `bytes`; gives its length.
            ///
            /// # Errors
            /// [`WireError::Truncated`](crate::wire::WireError::Truncated) when `bytes` is shorter than [`Self::LEN`].
            #[inline]
            pub fn emit(&self, bytes: &mut [u8]) -> Result<usize, $crate::wire::WireError> {
                use zerocopy::IntoBytes as _;
                self.write_to_prefix(bytes).map_err(|_| $crate::wire::WireError::Truncated)?;
                Ok(Self::LEN)
            }
        }

        const _: () = assert!(size_of::<$name>() == $name::LEN);
    };
}
pub(crate) use fixed_header;
