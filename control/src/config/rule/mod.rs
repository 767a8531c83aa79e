//! `[[match]]` and `[[rule]]`: which packets are of a class, whatever their mark says.
//!
//! A match group says what a packet must be, and has a name; rules name groups, add
//! conditions of their own, and say what becomes of the packets for which all of it
//! holds. The first rule of a direction that matches decides.

mod resolve;
mod value;

use dataplane::table::rules::Treatment;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Serialize;

use super::values::Class;
use super::words::{ColourWord, Direction, FragmentWord};

pub(crate) use resolve::Resolver;
pub use value::{ByColour, Dscp, Meaning, Protocol, Span16, Trust};

/// Values of one key of a rule or group at most.
pub const MOST_VALUES: usize = 1_024;

/// What a packet must be; of each key that is given, one of its values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Conditions {
    /// The interface it comes in by (or, in a rule for what goes out, leaves by).
    pub interface: Vec<String>,
    /// The Vrf of that interface; in a rule for what comes in, of what comes labelled and has its
    /// last label taken off here, the Vrf that the label leads to.
    pub vrf: Vec<String>,
    /// The VLAN id of that interface, the outer one of two; 1 to 4094.
    pub vlan: Vec<u16>,
    /// Prefixes of the source address.
    #[schemars(with = "Vec<String>")]
    pub source: Vec<IpNet>,
    /// Prefixes of the destination address.
    #[schemars(with = "Vec<String>")]
    pub destination: Vec<IpNet>,
    /// Source ports of tcp, udp, dccp, sctp and udp-lite: 5060, or "10000-20000". Not of fragments behind the first.
    pub source_port: Vec<Span16>,
    /// Destination ports, as source ports.
    pub destination_port: Vec<Span16>,
    /// Upper-layer protocols: names such as "udp", or 0 to 255.
    pub protocol: Vec<Protocol>,
    /// DSCPs as received: names such as "ef", or 0 to 63; behind a uniform tunnel the one that it
    /// hands on.
    pub dscp: Vec<Dscp>,
    /// Traffic class of the top label, 0 to 7, as received, or in a rule for what goes out as it is
    /// to leave: only what comes, or leaves, labelled. A rule that
    /// names it is asked of frames that stay labelled too, and what it says of addresses, ports,
    /// protocol, DSCP, length and fragment is held against the IP packet below their labels.
    pub tc: Vec<u8>,
    /// Bytes of the IP packet: 200, or "0-200".
    pub length: Vec<Span16>,
    /// Parts of a datagram: "whole", "first" (fragment), "later" (fragments).
    pub fragment: Vec<FragmentWord>,
}

/// `[[match]]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct MatchGroup {
    /// Its name.
    pub name: String,
    /// What a packet must be.
    #[serde(flatten)]
    pub conditions: Conditions,
}

/// `[[rule]]`: of IP packets, also those whose last label is taken off here; of what stays
/// labelled only with `tc`. What comes labelled is metered before, by the class of its label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// Which packets it is asked about: those that come "in" or go "out". Default "in".
    pub direction: Direction,
    /// Match groups, by name: a packet must match all of them, and the conditions here.
    /// Default: none.
    #[serde(rename = "match")]
    pub groups: Vec<String>,
    /// What a packet must be.
    #[serde(flatten)]
    pub conditions: Conditions,
    /// The class of its packets. Default: by their mark.
    pub class: Option<Class>,
    /// Their drop precedence. Default: by their mark; green where a class is given.
    pub colour: Option<ColourWord>,
    /// The DSCP that they leave the router with, also below labels put on here; ECN stays. What
    /// stays labelled keeps its own. Default: their own, or of an interface that is not trusted
    /// the one of their class.
    pub mark: Option<Dscp>,
    /// In a rule for what goes out: the traffic class, 0 to 7, of the labels that they leave with,
    /// as far as this router writes them: the swapped one and those put on. Default: of labels put
    /// on the one of their class, of a swapped one its own.
    pub mark_tc: Option<u8>,
}

impl Rule {
    /// What the engine does with its packets.
    pub fn treatment(&self) -> Treatment {
        let green = self.class.map(|_| dataplane::class::Colour::Green);
        Treatment {
            class: self.class.map(|class| class.0),
            colour: self.colour.map(Into::into).or(green),
            mark: self.mark.map(|mark| mark.0),
            tc: self.mark_tc,
        }
    }
}
