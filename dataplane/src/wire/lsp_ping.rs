//! MPLS echo (RFC 8029 section 3): a header of 32 bytes and TLVs, in UDP.
//!
//! ```text
//!  0         2       4     5     6     7       8       12        16     24         32
//!  | version | flags | kind| mode| code| depth | handle| sequence| sent | received | TLVs …
//! ```

mod contents;
mod fec;
mod mapping;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;

use zerocopy::byteorder::network_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::fixed_header;

pub use contents::{Contents, Fault};
pub use fec::{Fec, Signalling};
pub use mapping::{Arrival, Link, MappedLabel, Mapping};

/// The UDP port that requests go to and replies come from.
pub const PORT: u16 = 3503;
/// The version of the format.
pub const VERSION: u16 = 1;

/// Bits of [`EchoHeader::flags`].
pub mod flag {
    /// The sender wants the FEC stack validated.
    pub const VALIDATE_FEC: u16 = 1;
    /// No reply unless the label's TTL has run out.
    pub const RESPOND_IF_EXPIRED: u16 = 1 << 1;
}

/// Values of [`EchoHeader::kind`].
pub mod kind {
    /// A request.
    pub const REQUEST: u8 = 1;
    /// A reply.
    pub const REPLY: u8 = 2;
}

/// Values of [`EchoHeader::reply_mode`].
pub mod reply_mode {
    /// No reply.
    pub const NONE: u8 = 1;
    /// A UDP packet.
    pub const UDP: u8 = 2;
    /// A UDP packet with router alert.
    pub const ALERT: u8 = 3;
}

/// Types of TLVs (RFC 8029 section 6.2.2).
pub mod tlv {
    /// The FECs under test.
    pub const FEC_STACK: u16 = 1;
    /// Bytes to make a message longer.
    pub const PAD: u16 = 3;
    /// Whose private values follow.
    pub const VENDOR: u16 = 5;
    /// Where and under which labels a request arrived.
    pub const ARRIVAL: u16 = 7;
    /// The TLVs of a request that were not understood.
    pub const ERRORED: u16 = 9;
    /// The type of service of the reply.
    pub const REPLY_TOS: u16 = 10;
    /// Where the packet would go next.
    pub const DETAILED_MAPPING: u16 = 20;

    /// Whether a receiver may ignore a TLV of this type that it does not understand.
    pub const fn is_optional(kind: u16) -> bool {
        kind & 0x8000 != 0
    }
}

/// The fixed part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct EchoHeader {
    /// [`VERSION`].
    pub version: U16,
    /// [`flag`]s.
    pub flags: U16,
    /// A [`kind`].
    pub kind: u8,
    /// A [`reply_mode`].
    pub reply_mode: u8,
    /// What the replier found.
    pub code: ReturnCode,
    /// The stack depth that the code is about, the bottom being 1; else 0.
    pub subcode: u8,
    /// Tells the sender's messages apart.
    pub handle: U32,
    /// Counts up.
    pub sequence: U32,
    /// When the request was sent, NTP format: seconds (32 bits) and fractions (32).
    pub sent: U64,
    /// When the request was received, of a reply.
    pub received: U64,
}
fixed_header!(EchoHeader, 32);

/// What a replier found (RFC 8029 section 3.1).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(transparent)]
pub struct ReturnCode(pub u8);

impl ReturnCode {
    /// Nothing: what a request says.
    pub const NONE: Self = Self(0);
    /// The request is malformed.
    pub const MALFORMED: Self = Self(1);
    /// TLVs of the request were not understood.
    pub const NOT_UNDERSTOOD: Self = Self(2);
    /// The replier is an egress for the FEC.
    pub const EGRESS: Self = Self(3);
    /// The replier has no mapping for the FEC.
    pub const NO_MAPPING: Self = Self(4);
    /// It did not arrive as its mapping says.
    pub const MISMATCH: Self = Self(5);
    /// It says that its sender does not know where it arrives.
    pub const UPSTREAM_UNKNOWN: Self = Self(6);
    /// The label is switched.
    pub const SWITCHED: Self = Self(8);
    /// The label is switched to where no labels go.
    pub const NOT_FORWARDED: Self = Self(9);
    /// The label is not that of the FEC.
    pub const OTHER_LABEL: Self = Self(10);
    /// Nothing is known of the label.
    pub const NO_ENTRY: Self = Self(11);
    /// Each mapping has its own code.
    pub const SEE_MAPPING: Self = Self(14);

    /// Whether the subcode is a stack depth.
    pub const fn has_depth(self) -> bool {
        matches!(self.0, 3..=6 | 8..=12)
    }

    /// What it means, in words.
    pub const fn words(self) -> &'static str {
        match self.0 {
            0 => "no return code",
            1 => "malformed request",
            2 => "TLVs not understood",
            3 => "egress",
            4 => "no mapping for the FEC",
            5 => "arrived otherwise than mapped",
            6 => "upstream interface unknown",
            8 => "label switched",
            9 => "label switched to where MPLS is off",
            10 => "the label is not that of the FEC",
            11 => "no entry for the label",
            12 => "protocol not of this interface",
            13 => "ended early on a single label",
            14 => "several ways on",
            15 => "label switched, another FEC",
            _ => "unknown return code",
        }
    }
}

impl fmt::Display for ReturnCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.words())
    }
}

/// Whether `address` is one that requests are sent to: 127/8, or the same embedded
/// in IPv6 (RFC 8029 section 2.1).
pub const fn is_target(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => a.octets()[0] == 127,
        IpAddr::V6(a) => matches!(a.octets(), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, ..]),
    }
}

/// One TLV, or sub-TLV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// Its type.
    pub kind: u16,
    /// Its value, padding left out.
    pub value: &'a [u8],
}

/// Walks TLVs; ends behind the first that is cut short.
#[derive(Clone, Copy, Debug)]
pub struct Tlvs<'a>(pub &'a [u8]);

impl<'a> Iterator for Tlvs<'a> {
    type Item = Result<Tlv<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let Some(([a, b, c, d], rest)) = self.0.split_first_chunk() else {
            self.0 = &[];
            return Some(Err(Fault::Malformed));
        };
        let (kind, length) = (u16::from_be_bytes([*a, *b]), usize::from(u16::from_be_bytes([*c, *d])));
        // The padding of the last one may be missing.
        self.0 = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(rest.get(..length).map(|value| Tlv { kind, value }).ok_or(Fault::Malformed))
    }
}

/// Appends a TLV whose value `write` appends, padded to four bytes. A value beyond
/// 65,535 bytes is cut in its length field: nothing here is as long.
pub fn write_tlv(out: &mut Vec<u8>, kind: u16, write: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend(kind.to_be_bytes());
    out.extend([0; 2]);
    write(out);
    let length = out.len() - at - 4;
    if let Some(field) = out.get_mut(at + 2..at + 4) {
        field.copy_from_slice(&(length as u16).to_be_bytes());
    }
    out.resize(at + 4 + length.next_multiple_of(4), 0);
}
