//! What the slow path is asked to send along an LSP, and what comes of it.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::id::{IfIndex, VrfId};
use crate::table::Labels;
use crate::wire::lsp_ping::{Contents, Mapping, ReturnCode};

/// Which LSP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LspTarget {
    /// The one that packets to this prefix take.
    Prefix {
        /// The Vrf it is looked up in.
        vrf: VrfId,
        /// The prefix; the route that covers it counts.
        net: IpNet,
        /// The route distinguisher that the far end knows it by, where it is of a VPN.
        rd: [u8; 8],
    },
    /// The one that these labels start.
    Labels {
        /// At least one.
        labels: Labels,
        /// The neighbour they are sent to.
        via: IpAddr,
        /// The interface it is on; `None` takes the one of `vrf` with its subnet.
        interface: Option<IfIndex>,
        /// The Vrf of the neighbour.
        vrf: VrfId,
    },
}

/// What a request says of the router it is to arrive at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextHop {
    /// Nothing: only the end of the LSP is wanted.
    Unasked,
    /// The neighbour, and the labels that are put on.
    Own,
    /// That any router is to tell its next hops.
    Any,
    /// What a router before it said.
    Said(Mapping),
}

/// One MPLS echo request to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LspRequest {
    /// Where.
    pub target: LspTarget,
    /// The address to ask from; `None` takes one of the interface it leaves by.
    pub source: Option<IpAddr>,
    /// TTL of the labels, 1 to 255. The innermost of a VPN's stack has always 1.
    pub ttl: u8,
    /// Traffic class of the labels, 0 to 7; `None` takes that of the DSCP's class.
    pub tc: Option<u8>,
    /// DSCP, 0 to 63.
    pub dscp: u8,
    /// Bytes of the IP datagram, rounded down to a multiple of 4; as long as it must
    /// be where that is longer.
    pub size: u16,
    /// Whether the reply is to have router alert.
    pub alert: bool,
    /// What it says of where it arrives.
    pub next: NextHop,
    /// Tells questions apart.
    pub handle: u32,
    /// Counts up.
    pub sequence: u32,
}

/// How a request left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The interface.
    pub interface: IfIndex,
    /// The neighbour.
    pub neighbour: IpAddr,
    /// The labels, outermost first.
    pub labels: Vec<u32>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LspReply {
    /// The request's.
    pub handle: u32,
    /// The request's.
    pub sequence: u32,
    /// How it left; `None` when it did not.
    pub sent: Option<Sent>,
    /// Time from request to reply.
    pub rtt: Duration,
    /// The reply.
    pub outcome: LspOutcome,
}

/// The reply to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LspOutcome {
    /// A router answered.
    Answer {
        /// Its address.
        from: IpAddr,
        /// What it found.
        code: ReturnCode,
        /// The stack depth that this is about; 0 for none.
        subcode: u8,
        /// Its next hops, and how the request arrived.
        contents: Contents,
    },
    /// The request was not sent.
    NotSent(NotSent),
}

/// Why a request was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// There is no route to the prefix, or no interface to the neighbour.
    NoRoute,
    /// The way there has no labels.
    NoLabels,
    /// The interface it would leave by is down or carries no labels.
    NoMpls,
    /// The router has no address to ask from, or not this one.
    NoSource,
    /// It is longer than labelled packets may be on that interface.
    TooLong,
    /// The neighbour does not answer.
    NoNeighbour,
    /// No buffer was free or large enough.
    NoBuffer,
}

impl NotSent {
    /// It in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoRoute => "no route",
            Self::NoLabels => "the way there has no labels",
            Self::NoMpls => "the interface it would leave by is down or has MPLS off",
            Self::NoSource => "no source address",
            Self::TooLong => "longer than the MPLS MTU",
            Self::NoNeighbour => "the neighbour does not answer",
            Self::NoBuffer => "no buffer is free, or long enough",
        }
    }
}
