//! Match rules: which packets are of a class, whatever their mark says (RFC 2475
//! section 2.3.1, a multi-field classifier). `classify` asks them.
//!
//! ```text
//! field → the class of its value: values that the same rules take are one class
//! two classes → one, by a table of all pairs, as far as that stays small
//! the last class → the rule; or, of several, the first bit common to their rows
//! ```
//!
//! A [`RuleSet`] is built once for a generation. What a packet costs does not grow
//! with the rules: one look-up a field, one for each two, and where classes are left apart at
//! most [`MOST_RULES`] / 64 words to AND, of which the rows' first words say which are worth it.

mod asked;
mod bound;
mod build;
mod columns;
mod field;
mod last;
mod merge;
mod nets;
mod plan;
mod rows;
mod set;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

use ipnet::IpNet;

use crate::class::{Colour, TrafficClass};
use crate::id::{IfIndex, VrfId};

pub use asked::{ASKED, Asked, Concern, NO_RULE};
pub use bound::{MOST_MEMORY, most_memory};
pub use columns::Plain;
pub use set::{Found, RuleSet};

/// Rules of one direction at most: one bit each of 64 words.
pub const MOST_RULES: usize = 4_096;

/// Which part of a datagram a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Fragment {
    /// All of it.
    Whole = 0,
    /// The first of several.
    First = 1,
    /// One that is not the first, without an upper-layer header.
    Later = 2,
}

impl Fragment {
    /// Every part; `ALL[i] as usize == i`.
    pub const ALL: [Self; 3] = [Self::Whole, Self::First, Self::Later];
}

/// The labels of a packet, and the traffic class, 0 to 7, of the top one (RFC 5462).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Labelled {
    /// It has none.
    No,
    /// This router takes the last one off, or puts the first one on: it is an IP packet here.
    Edge(u8),
    /// It came with labels and leaves with labels. Only rules that name traffic classes are
    /// asked: what is below is somebody else's, with addresses of any world.
    Through(u8),
}

impl Labelled {
    /// Its place among the others.
    #[inline]
    const fn index(self) -> usize {
        match self {
            Self::No => 0,
            Self::Edge(tc) => 1 + (tc & 7) as usize,
            Self::Through(tc) => 9 + (tc & 7) as usize,
        }
    }
}

/// What rules look at.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    /// The interface it comes in by, or leaves by.
    pub interface: IfIndex,
    /// The Vrf it is of, or leaves into.
    pub vrf: VrfId,
    /// Its labels.
    pub labelled: Labelled,
    /// Source address.
    pub source: IpAddr,
    /// Destination address, of the same family.
    pub destination: IpAddr,
    /// Source and destination port, where it has ports.
    pub ports: Option<(u16, u16)>,
    /// Upper-layer protocol.
    pub protocol: u8,
    /// DSCP, 0 to 63.
    pub dscp: u8,
    /// Bytes of the IP packet.
    pub length: u16,
    /// Which part of a datagram it is.
    pub fragment: Fragment,
}

/// Values that a field may have; `None` for any.
pub type Wanted<T> = Option<Vec<T>>;

/// What a packet must be for a rule. All of it must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Interface.
    pub interfaces: Wanted<IfIndex>,
    /// Vrf.
    pub vrfs: Wanted<VrfId>,
    /// Traffic class of the top label, 0 to 7; only packets that have labels, or had.
    pub tcs: Wanted<u8>,
    /// Source address.
    pub sources: Wanted<IpNet>,
    /// Destination address.
    pub destinations: Wanted<IpNet>,
    /// Source port; only packets that have ports.
    pub source_ports: Wanted<RangeInclusive<u16>>,
    /// Destination port; only packets that have ports.
    pub destination_ports: Wanted<RangeInclusive<u16>>,
    /// Upper-layer protocol.
    pub protocols: Wanted<u8>,
    /// DSCP, 0 to 63.
    pub dscps: Wanted<u8>,
    /// Bytes of the IP packet.
    pub lengths: Wanted<RangeInclusive<u16>>,
    /// Part of a datagram.
    pub fragments: Wanted<Fragment>,
}

/// What becomes of the packets of a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Treatment {
    /// Their class; `None` leaves it.
    pub class: Option<TrafficClass>,
    /// Their colour; `None` leaves it.
    pub colour: Option<Colour>,
    /// The DSCP they are to leave with, 0 to 63; `None` leaves it.
    pub mark: Option<u8>,
    /// Of what leaves labelled: the traffic class, 0 to 7, of the labels that it is to leave
    /// with, as far as this router writes them; `None` leaves it. Only of what leaves.
    pub tc: Option<u8>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name: counts stay with it over generations.
    pub name: Arc<str>,
    /// Which packets are its own, unless they are an earlier rule's.
    pub conditions: Conditions,
    /// What becomes of them.
    pub treatment: Treatment,
}

/// The rules of a generation, each direction's in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// For what comes in.
    pub entering: Arc<RuleSet>,
    /// For what leaves.
    pub leaving: Arc<RuleSet>,
    /// Whether any interface marks what leaves by it, beside the labels that are put on.
    pub marks: bool,
    /// Whether labels of any interface say that congestion was met (RFC 5129).
    pub ecn: bool,
    /// Whether labels come in by an interface whose marks are not trusted.
    pub doubts: bool,
}
