//! What `lsp ping` and `lsp trace` send over the control socket, as JSON.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Which LSP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LspTarget {
    /// The one that packets to this prefix take.
    Prefix(IpNet),
    /// The one that these labels, outermost first, start at a neighbour.
    Labels {
        /// 1 to 8 labels, 16 to 1,048,575, or 0, 1 or 2.
        labels: Vec<u32>,
        /// The neighbour.
        via: IpAddr,
        /// Its interface; only needed for link-local neighbours.
        #[serde(default)]
        interface: Option<String>,
    },
}

/// What a request says of the router it is to arrive at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LspNext {
    /// Nothing: a ping.
    Unasked,
    /// The neighbour: a trace's first hop.
    Own,
    /// Nothing is known: a trace behind a silent hop.
    Any,
    /// What the hop before said.
    Said(LspHop),
}

/// A router on the way, and the labels a packet has when it arrives there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LspHop {
    /// An address of the router.
    pub router: IpAddr,
    /// The address of its interface; `None` where that has only an index.
    pub interface: Option<IpAddr>,
    /// Longest labelled packet of the link to it, bytes.
    pub mtu: u16,
    /// The labels, outermost first; 3, implicit null, where one was taken off.
    pub labels: Vec<u32>,
}

/// One MPLS echo request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LspPing {
    /// The Vrf of prefix or neighbour.
    pub vrf: String,
    /// Where.
    pub target: LspTarget,
    /// The route distinguisher the far end knows the prefix by; written as in
    /// configuration; the Vrf's own unless given.
    #[serde(default)]
    pub rd: Option<String>,
    /// The address to ask from.
    #[serde(default)]
    pub source: Option<IpAddr>,
    /// TTL of the labels.
    pub ttl: u8,
    /// Traffic class of the labels, 0 to 7; that of the DSCP's class unless given.
    #[serde(default)]
    pub tc: Option<u8>,
    /// DSCP, 0 to 63.
    pub dscp: u8,
    /// Bytes of the IP datagram; 0 is as short as it can be.
    pub size: u16,
    /// Whether the reply is to have router alert.
    pub alert: bool,
    /// What it says of where it arrives.
    pub next: LspNext,
    /// Tells questions apart.
    pub handle: u32,
    /// Counts up.
    pub sequence: u32,
    /// Milliseconds to wait for the reply, 1 to 10,000.
    pub timeout_ms: u64,
}

/// How a request left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LspSent {
    /// The interface.
    pub interface: String,
    /// The neighbour.
    pub neighbour: IpAddr,
    /// The labels, outermost first.
    pub labels: Vec<u32>,
}

/// A label that a request arrived with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LspLabel {
    /// The label.
    pub label: u32,
    /// Its traffic class.
    pub tc: u8,
    /// Its TTL.
    pub ttl: u8,
}

/// What became of one MPLS echo request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LspPong {
    /// The return code in words, "timeout", or "not sent: " and why.
    pub outcome: String,
    /// Return code (RFC 8029 section 3.1).
    pub code: Option<u8>,
    /// Stack depth it is about, the bottom being 1.
    pub depth: Option<u8>,
    /// Who replied.
    pub from: Option<IpAddr>,
    /// The request's.
    pub sequence: u32,
    /// Milliseconds from request to reply.
    pub rtt_ms: Option<f64>,
    /// How it left.
    pub sent: Option<LspSent>,
    /// The labels it arrived with, outermost first; `None` where the reply does not say.
    pub arrived: Option<Vec<LspLabel>>,
    /// Where it would go next.
    pub next: Vec<LspHop>,
}
