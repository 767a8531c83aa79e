//! What a proof says: the figures, and each finding with one packet and its path.

use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::chain::listed;
use super::intent::Rule;

/// A Vrf of a router, and an interface of it where one is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Site {
    /// The router.
    pub router: String,
    /// Its Vrf.
    pub vrf: String,
    /// Its interface.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub interface: Option<String>,
}

/// One packet: UDP, as it arrives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Packet {
    /// Its labels, outermost first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub labels: Vec<u32>,
    /// Source address.
    #[schemars(with = "String")]
    pub source: IpAddr,
    /// Destination address.
    #[schemars(with = "String")]
    pub destination: IpAddr,
    /// Always "udp".
    pub protocol: String,
    /// Source port; where several ways share the flows, it decides which.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
}

/// A router on a packet's path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hop {
    /// The router.
    pub router: String,
    /// The interface that it comes in by.
    pub interface: String,
    /// Its labels there, outermost first.
    pub labels: Vec<u32>,
    /// What the router does with it.
    pub does: String,
}

/// One packet that shows a finding, and how it fares in the real stages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Example {
    /// The interface it arrives by.
    pub at: Site,
    /// The packet.
    pub packet: Packet,
    /// Its path.
    pub path: Vec<Hop>,
    /// Where it ends, in words.
    pub end: String,
    /// Who has it in the end: a Vrf, and the interface that it leaves by; `None` where
    /// nobody known has it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub receiver: Option<Site>,
    /// Whether that is where the finding says. It is not where no packet tried took the
    /// one of several equal ways that leads there.
    pub confirmed: bool,
}

/// A packet that reaches what it may not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Leak {
    /// Where such packets come from.
    pub from: Site,
    /// Where they come to.
    pub to: Site,
    /// The rule that is broken.
    pub rule: Rule,
    /// The first of the destinations, as a range.
    pub destinations: String,
    /// How many ranges of destinations there are.
    pub ranges: usize,
    /// One of the packets; `None` where none could be made.
    pub example: Option<Example>,
}

/// What must be reached, and is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Missing {
    /// Where packets start.
    pub from: Site,
    /// Where they should come to.
    pub to: Site,
    /// The extranet that asks for it, as its two communities; else they have a community in common.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub extranet: Option<(String, String)>,
    /// The first of the destinations, as a range.
    pub destinations: String,
    /// How many ranges of destinations there are.
    pub ranges: usize,
    /// One of the packets; `None` where nobody has the destinations at an edge.
    pub example: Option<Example>,
}

/// What cannot be told, because packets leave the routers that are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unproved {
    /// Where packets start.
    pub from: Site,
    /// The interface that they leave by, with labels.
    pub by: Site,
    /// Whether that counts as a fault: no configuration says that the interface is the
    /// network's own.
    pub fault: bool,
    /// One of the packets; `None` where none could be made.
    pub example: Option<Example>,
}

/// Packets that are never delivered nor dropped but for their TTL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Loop {
    /// Where packets start.
    pub from: Site,
    /// The first of the destinations, as a range.
    pub destinations: String,
    /// One of the packets; `None` where none could be made.
    pub example: Option<Example>,
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Routers.
    pub routers: usize,
    /// Vrfs of all routers.
    pub vrfs: usize,
    /// Prefixes of all Vrfs of all routers.
    pub prefixes: usize,
    /// Declared communities.
    pub communities: usize,
    /// Pairs of Vrfs, sender and receiver, that packets were followed between.
    pub pairs: usize,
    /// How long it took, seconds.
    pub seconds: f64,
    /// Packets that reach what they may not.
    pub leaks: Vec<Leak>,
    /// What must be reached, and is not.
    pub missing: Vec<Missing>,
    /// What cannot be told.
    pub unproved: Vec<Unproved>,
    /// How much of that counts as a fault, what is not listed included.
    pub faults: usize,
    /// Packets that loop.
    pub loops: Vec<Loop>,
    /// Members of communities, as COMMUNITY: MEMBER, that no router has.
    pub unknown_members: Vec<String>,
    /// Findings beyond those listed.
    pub more: usize,
}

impl Report {
    /// Whether the network does what is meant: nothing leaks, nothing is missing, every
    /// member of a community is there, and nothing is unknown that should be known.
    pub fn holds(&self) -> bool {
        let known = self.unknown_members.is_empty() && self.faults == 0;
        known && self.leaks.is_empty() && self.missing.is_empty()
    }

    /// The figures, in words.
    pub fn figures(&self) -> String {
        format!(
            "{} routers, {} vrfs, {} prefixes, {} communities, {} pairs of vrfs",
            self.routers, self.vrfs, self.prefixes, self.communities, self.pairs
        )
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} vrf {}", self.router, self.vrf)?;
        self.interface.iter().try_for_each(|interface| write!(f, " interface {interface}"))
    }
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.labels.is_empty() {
            write!(f, "labels {}, ", listed(self.labels.iter().copied()))?;
        }
        let Self { source, destination, protocol, source_port, destination_port, .. } = self;
        write!(f, "{source} to {destination}, {protocol} port {source_port} to {destination_port}")
    }
}

impl fmt::Display for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  packet: {}, in by {}", self.packet, self.at)?;
        for hop in &self.path {
            let labels = match hop.labels.as_slice() {
                [] => String::new(),
                labels => format!(" [{}]", listed(labels.iter().copied())),
            };
            writeln!(f, "    {} {}{labels}: {}", hop.router, hop.interface, hop.does)?;
        }
        writeln!(f, "    {}", self.end)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words =
            |names: &[String]| names.iter().map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", ");
        match self {
            Self::Closed { from, to } => {
                write!(f, "no extranet leads from {} to {}", words(from), words(to))
            }
            Self::Extranet { from, to, prefixes } => {
                let prefixes: Vec<_> = prefixes.iter().map(ToString::to_string).collect();
                write!(f, "the extranet from \"{from}\" to \"{to}\" is for {} only", prefixes.join(", "))
            }
            Self::Spokes(name) => write!(f, "spokes of \"{name}\" reach only its hubs"),
            Self::OneWay(name) => {
                write!(f, "in \"{name}\" the sender is to receive only, or the receiver to send only")
            }
            Self::Infrastructure => f.write_str("the default vrf is the network's own"),
        }
    }
}

fn shown(example: &Option<Example>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match example {
        Some(example) => write!(f, "{example}"),
        None => writeln!(f, "  nobody has these destinations at an edge"),
    }
}

fn ranges(first: &str, count: usize) -> String {
    match count {
        0 | 1 => first.to_owned(),
        n => format!("{first} and {} more ranges", n - 1),
    }
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = ranges(&self.destinations, self.ranges);
        writeln!(f, "leak: {} reaches {} ({}), for {to}", self.from, self.to, self.rule)?;
        shown(&self.example, f)
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = ranges(&self.destinations, self.ranges);
        write!(f, "missing: {} does not reach {} for {to}", self.from, self.to)?;
        if let Some((from, to)) = &self.extranet {
            write!(f, " (extranet from \"{from}\" to \"{to}\")")?;
        }
        writeln!(f)?;
        shown(&self.example, f)
    }
}

impl fmt::Display for Unproved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "unproved: what {} sends leaves the known network labelled, by {}", self.from, self.by)?;
        shown(&self.example, f)
    }
}

impl fmt::Display for Loop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "loop: what {} sends to {} comes back", self.from, self.destinations)?;
        shown(&self.example, f)
    }
}
