//! Discovery options (RFC 4861 section 4.6).

use zerocopy::byteorder::network_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::wire::ethernet::Mac;
use crate::wire::{WireError, fixed_header};

/// Option types.
pub mod kind {
    /// The sender's station address.
    pub const SOURCE_LINK_LAYER: u8 = 1;
    /// The target's station address.
    pub const TARGET_LINK_LAYER: u8 = 2;
    /// Prefix information.
    pub const PREFIX: u8 = 3;
    /// MTU.
    pub const MTU: u8 = 5;
}

/// Source or target link-layer address, of Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct LinkLayerOption {
    /// [`kind::SOURCE_LINK_LAYER`] or [`kind::TARGET_LINK_LAYER`].
    pub kind: u8,
    /// 1, in units of 8 bytes.
    pub length: u8,
    /// The station address.
    pub mac: Mac,
}
fixed_header!(LinkLayerOption, 8);

impl LinkLayerOption {
    /// An option of this type.
    pub const fn new(kind: u8, mac: Mac) -> Self {
        Self { kind, length: 1, mac }
    }
}

/// Prefix information.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct PrefixOption {
    /// [`kind::PREFIX`].
    pub kind: u8,
    /// 4, in units of 8 bytes.
    pub length: u8,
    /// Bits of the prefix, 0 to 128.
    pub prefix_length: u8,
    /// On-link (0x80), autonomous (0x40).
    pub flags: u8,
    /// Seconds.
    pub valid_lifetime: U32,
    /// Seconds.
    pub preferred_lifetime: U32,
    /// 0.
    pub reserved: U32,
    /// The prefix.
    pub prefix: [u8; 16],
}
fixed_header!(PrefixOption, 32);

/// MTU of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct MtuOption {
    /// [`kind::MTU`].
    pub kind: u8,
    /// 1, in units of 8 bytes.
    pub length: u8,
    /// 0.
    pub reserved: U16,
    /// Bytes.
    pub mtu: U32,
}
fixed_header!(MtuOption, 8);

/// One option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NdOption<'a> {
    /// The sender's station address.
    Source(Mac),
    /// The target's station address.
    Target(Mac),
    /// Prefix information.
    Prefix(&'a PrefixOption),
    /// MTU of the link, bytes.
    Mtu(u32),
    /// Another type, or a known one of another length: to be passed over.
    Other(u8, &'a [u8]),
}

impl<'a> NdOption<'a> {
    /// Reads one option's bytes, type and length among them.
    fn of(number: u8, bytes: &'a [u8]) -> Self {
        let mac = || bytes.get(2..8).and_then(|m| m.first_chunk::<6>()).copied();
        let read = match (number, bytes.len()) {
            (kind::SOURCE_LINK_LAYER, 8) => mac().map(Self::Source),
            (kind::TARGET_LINK_LAYER, 8) => mac().map(Self::Target),
            (kind::PREFIX, 32) => PrefixOption::parse(bytes).ok().map(|(p, _)| Self::Prefix(p)),
            (kind::MTU, 8) => MtuOption::parse(bytes).ok().map(|(m, _)| Self::Mtu(m.mtu.get())),
            _ => None,
        };
        read.unwrap_or(Self::Other(number, bytes))
    }
}

/// Walks checked options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options<'a>(&'a [u8]);

impl<'a> Options<'a> {
    /// Over `bytes`, all of which are options.
    ///
    /// # Errors
    /// [`WireError::Malformed`] for a length of 0 (RFC 4861 section 4.6),
    /// [`WireError::Truncated`] when the last is cut short.
    pub fn check(bytes: &'a [u8]) -> Result<Self, WireError> {
        let mut rest = bytes;
        while let Some(first) = rest.first_chunk::<2>() {
            if first[1] == 0 {
                return Err(WireError::Malformed);
            }
            rest = rest.get(usize::from(first[1]) * 8..).ok_or(WireError::Truncated)?;
        }
        if rest.is_empty() { Ok(Self(bytes)) } else { Err(WireError::Truncated) }
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = NdOption<'a>;

    fn next(&mut self) -> Option<NdOption<'a>> {
        let &[number, length] = self.0.first_chunk::<2>()?;
        let (option, rest) = self.0.split_at_checked(usize::from(length) * 8)?;
        self.0 = rest;
        Some(NdOption::of(number, option))
    }
}
