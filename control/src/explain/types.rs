//! Questions and answers, as they go over the control socket.

use std::net::IpAddr;

use dataplane::packet::{DropReason, PuntReason};
use dataplane::trace::Stage;
use serde::{Deserialize, Serialize};

/// Frames explained by one question at most.
pub const MOST_FRAMES: usize = 10_000;

/// What is to be explained.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Question {
    /// The interface, or the port, that the packets come in by.
    pub interface: String,
    /// The packets.
    pub packets: Packets,
}

/// Packets to be explained.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Packets {
    /// One, in words.
    Words(Words),
    /// Whole Ethernet frames without FCS, in hexadecimal.
    Frames(Vec<String>),
}

/// A packet in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// Source address.
    pub from: IpAddr,
    /// Destination address.
    pub to: IpAddr,
    /// Upper-layer protocol number; ICMP and ICMPv6 are echo requests.
    pub protocol: u8,
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// DSCP, 0 to 63.
    pub dscp: u8,
    /// TTL or hop limit.
    pub ttl: u8,
    /// Bytes of the datagram, IP header included; at least what its headers need.
    pub size: u16,
    /// IPv4 don't-fragment.
    pub dont_fragment: bool,
    /// VLAN ids, outermost first, 0 to 2 of them; `None` takes the interface's own tags.
    pub vlan: Option<Vec<u16>>,
    /// Labels above the datagram, outermost first, at most 100.
    #[serde(default)]
    pub labels: Vec<LabelWords>,
}

/// One label of a packet in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelWords {
    /// The label, 0 to 1,048,575.
    pub label: u32,
    /// Its traffic class, 0 to 7.
    pub tc: u8,
    /// Its TTL.
    pub ttl: u8,
}

/// One packet's way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// What it is, in words.
    pub packet: String,
    /// What each stage it came to decided.
    pub steps: Vec<Step>,
    /// What becomes of it.
    pub outcome: Outcome,
    /// What the router's slow path then does, where it comes to that.
    pub then: Vec<String>,
}

/// One stage's decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// receive (only where it ends there), parse, classify, police, labels (only where it came
    /// labelled), lookup, leaving (only where marks or rules of what goes out change it), rewrite
    /// or queue.
    pub stage: String,
    /// The decision, in a clause.
    pub decision: String,
    /// What it was made by.
    pub facts: Vec<Fact>,
}

/// Something a decision was made by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What.
    pub name: String,
    /// What it is.
    pub value: String,
}

/// What becomes of a packet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// "forward", "drop" or "punt" (to the router's slow path).
    pub verdict: String,
    /// The reason's name in counters; `None` when it is forwarded.
    pub reason: Option<String>,
    /// The interface it leaves by, when it is forwarded.
    pub interface: Option<String>,
    /// Layer-2 bytes without FCS of each frame that leaves: several, when it is fragmented.
    pub bytes: Vec<usize>,
    /// One sentence: what it means, and the standard behind it.
    pub explanation: String,
}

impl Step {
    /// A decision without facts yet.
    pub(super) fn new(stage: Stage, decision: String) -> Self {
        Self { stage: format!("{stage:?}").to_lowercase(), decision, facts: Vec::new() }
    }

    /// Adds what it was made by.
    pub(super) fn fact(&mut self, name: &str, value: impl ToString) {
        self.facts.push(Fact { name: name.into(), value: value.to_string() });
    }
}

impl Outcome {
    pub(super) fn forward(interface: &str, bytes: &[usize]) -> Self {
        let explanation = match bytes {
            [one] => format!("it leaves by {interface}, {one} bytes"),
            all => format!("it leaves by {interface} in {} fragments", all.len()),
        };
        let interface = Some(interface.into());
        Self { verdict: "forward".into(), reason: None, interface, bytes: bytes.into(), explanation }
    }

    pub(super) fn drop(reason: DropReason) -> Self {
        let (name, explanation) = (reason.name().into(), reason.explanation().into());
        Self { verdict: "drop".into(), reason: Some(name), explanation, ..Self::default() }
    }

    pub(super) fn punt(reason: PuntReason) -> Self {
        let (name, explanation) = (reason.name().into(), reason.explanation().into());
        Self { verdict: "punt".into(), reason: Some(name), explanation, ..Self::default() }
    }
}

/// Bytes written in hexadecimal.
pub(super) fn bytes(hex: &str) -> Result<Vec<u8>, String> {
    let pair = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).ok().filter(|t| t.len() == 2 && !t.starts_with('+'))?;
        u8::from_str_radix(text, 16).ok()
    };
    let all: Option<Vec<u8>> = hex.as_bytes().chunks(2).map(pair).collect();
    all.ok_or_else(|| "a frame is not hexadecimal: pairs of 0 to 9 and a to f".into())
}
