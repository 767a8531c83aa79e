//! What the slow path asks of its caller, and the questions it answers.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::lsp::LspReply;
use crate::id::{IfIndex, VrfId};
use crate::packet::{DropReason, Frame};

/// What is to be done for the host. Every frame given to
/// [`Host::receive`](super::Host::receive) comes back in exactly one of these,
/// at once or, when it is held for a neighbour, later.
#[derive(Debug)]
pub enum Action {
    /// A complete layer-2 frame the router made, to be queued on `meta.out_interface`.
    Transmit(Frame),
    /// An IP datagram the router made, from its IP header on, to be looked up in `meta.vrf` and sent.
    Route(Frame),
    /// A frame that waited for its neighbour, or that router alert had the host look at,
    /// its bytes untouched, to be looked up again.
    Release(Frame),
    /// The snapshot is to be told where a neighbour is, or (`None`) that it is not known any more.
    Neighbour {
        /// The interface it is on.
        interface: IfIndex,
        /// Its address.
        address: IpAddr,
        /// Its station address.
        mac: Option<[u8; 6]>,
    },
    /// The frame ends here and is counted.
    Drop(Frame, DropReason),
    /// The frame was for the router itself and is consumed.
    Deliver(Frame),
    /// Something an operator should hear; already rate limited.
    Warn(Warning),
    /// What became of a ping.
    Pong(PingReply),
    /// What became of an MPLS echo request.
    LspPong(Box<LspReply>),
}

/// Something an operator should hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Another station uses one of the router's addresses (RFC 5227 section 2.4, RFC 4862 section 5.4).
    DuplicateAddress {
        /// The interface it was seen on.
        interface: IfIndex,
        /// The address.
        address: IpAddr,
        /// The other station.
        mac: [u8; 6],
        /// Whether the router goes on using it; `false` when it was found before the first use.
        kept: bool,
    },
    /// The neighbour table of an interface is full of neighbours in use (RFC 6583).
    NeighbourTableFull {
        /// The interface.
        interface: IfIndex,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateAddress { interface, address, mac: [a, b, c, d, e, g], kept } => {
                write!(f, "{address} on interface {interface} is also used by ")?;
                write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}; ")?;
                f.write_str(if *kept { "the router keeps it" } else { "the router does not use it" })
            }
            Self::NeighbourTableFull { interface } => {
                write!(f, "the neighbour table of interface {interface} is full")
            }
        }
    }
}

/// One echo request to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PingRequest {
    /// The Vrf it is looked up in.
    pub vrf: VrfId,
    /// Whom to ask.
    pub destination: IpAddr,
    /// The address to ask from; `None` takes one of the interface it leaves by.
    pub source: Option<IpAddr>,
    /// Bytes of data behind the ICMP header.
    pub size: u16,
    /// TTL or hop limit, 1 to 255.
    pub ttl: u8,
    /// DSCP, 0 to 63.
    pub dscp: u8,
    /// Don't-fragment (IPv4).
    pub dont_fragment: bool,
    /// Echo identifier.
    pub ident: u16,
    /// Echo sequence number.
    pub sequence: u16,
}

/// What became of a ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PingReply {
    /// The Vrf of the request.
    pub vrf: VrfId,
    /// Echo identifier of the request.
    pub ident: u16,
    /// Echo sequence number of the request.
    pub sequence: u16,
    /// Who answered.
    pub from: IpAddr,
    /// Time from request to answer.
    pub rtt: Duration,
    /// TTL or hop limit of the answer.
    pub ttl: u8,
    /// The answer.
    pub kind: PingKind,
}

/// The answer to a ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PingKind {
    /// An echo reply with this many bytes of data.
    Reply {
        /// Bytes behind the ICMP header.
        size: u16,
    },
    /// Destination unreachable; the code is that of ICMP 3 or ICMPv6 1.
    Unreachable {
        /// ICMP code.
        code: u8,
    },
    /// Too long for a link on the way (ICMP 3/4, ICMPv6 2).
    TooBig {
        /// MTU of that link; 0 when the answer does not say.
        mtu: u32,
    },
    /// TTL or hop limit ran out on the way.
    TimeExceeded,
    /// A header field was refused (ICMP 12, ICMPv6 4).
    ParameterProblem,
    /// It was never sent: no source address, no free buffer, or too long for one.
    NotSent,
}

/// A neighbour's state (RFC 4861 section 7.3.2), for IPv4 as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NeighbourState {
    /// Asked for, no answer yet.
    Incomplete,
    /// It answered lately.
    Reachable,
    /// Heard of, not confirmed, not used for forwarding yet.
    Stale,
    /// In use, not confirmed; to be probed shortly.
    Delay,
    /// In use; being asked whether it is still there.
    Probe,
    /// It did not answer; remembered for a while so that it is not asked for again.
    Failed,
    /// Configured.
    Static,
}

impl NeighbourState {
    /// Its name in commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::Reachable => "reachable",
            Self::Stale => "stale",
            Self::Delay => "delay",
            Self::Probe => "probe",
            Self::Failed => "failed",
            Self::Static => "static",
        }
    }
}

impl fmt::Display for NeighbourState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What is known of one neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeighbourInfo {
    /// The interface it is on.
    pub interface: IfIndex,
    /// Its address.
    pub address: IpAddr,
    /// Its station address, where known.
    pub mac: Option<[u8; 6]>,
    /// Its state.
    pub state: NeighbourState,
    /// Time since it last gave a sign of life, or since it was first asked for;
    /// zero for a static one.
    pub age: Duration,
    /// Whether it is configured.
    pub is_static: bool,
    /// Frames held for it.
    pub held: usize,
}

/// What the host did and left undone, since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// ICMP and ICMPv6 error messages sent.
    pub icmp_errors: u64,
    /// ICMP errors that were due and over the rate.
    pub icmp_errors_limited: u64,
    /// Echo replies sent.
    pub echo_replies: u64,
    /// Echo replies, MPLS ones among them, that were due and over the rate.
    pub echo_replies_limited: u64,
    /// MPLS echo replies sent.
    pub lsp_replies: u64,
    /// Router advertisements received and ignored.
    pub router_advertisements: u64,
    /// Router solicitations received and ignored.
    pub router_solicitations: u64,
    /// Redirects received and ignored.
    pub redirects: u64,
    /// Messages not sent because no buffer was free or large enough.
    pub pool_empty: u64,
    /// Messages to link-local neighbours that did not answer.
    pub unsent: u64,
}
