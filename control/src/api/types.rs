//! What goes over the control socket, as JSON. Every `show --json` prints these.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::config::ConfigError;
use crate::diff::Change;

/// A text from the operator's machine, with the name to call it by in errors.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConfigText {
    /// File name as the operator gave it.
    pub file: String,
    /// Its contents.
    pub text: String,
}

/// What an apply changed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Applied {
    /// Generation that carries it.
    pub generation: u64,
    /// Everything added, removed or changed.
    pub changes: Vec<Change>,
    /// What the operator should know although nothing is wrong.
    pub warnings: Vec<String>,
}

/// `show version`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Version {
    /// Version of the router process.
    pub version: String,
    /// Its name, from `[router]`.
    pub name: String,
    /// Generation that is forwarded by.
    pub generation: u64,
    /// Seconds since it started.
    pub uptime_seconds: u64,
    /// Workers.
    pub workers: usize,
    /// "busy", "adaptive" or "interrupt".
    pub mode: String,
    /// Old generations that some worker may still read.
    pub lag: usize,
    /// The file the configuration came from.
    pub file: String,
}

/// Frames and layer-2 bytes (without FCS).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Frames.
    pub frames: u64,
    /// Bytes.
    pub bytes: u64,
}

/// The process itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Bytes of memory it has resident.
    pub resident_bytes: u64,
}

/// `show ports`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PortRow {
    /// Its name.
    pub name: String,
    /// af-xdp, af-packet, tap, pcap, loopback, memif.
    pub kind: String,
    /// Network device, file or socket.
    pub device: String,
    /// "up", "down" or "absent".
    pub link: String,
    /// Queues.
    pub queues: usize,
    /// Scheduler trees that its interfaces are in.
    pub trees: usize,
    /// Frames taken from the line.
    pub received: u64,
    /// Frames given to the line.
    pub sent: u64,
    /// Frames the kernel or the device lost before they were received.
    pub missed: u64,
    /// Drops that belong to no interface of the port, by reason.
    pub drops: BTreeMap<String, u64>,
    /// Of a memif port: its peer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memif: Option<MemifRow>,
}

/// A memif port's peer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MemifRow {
    /// This router's role: "server" or "client".
    pub role: String,
    /// The interface's number at the socket.
    pub id: u32,
    /// Whether a peer is connected.
    pub connected: bool,
    /// What it, or the last one, calls itself.
    pub peer: String,
    /// What it calls its interface.
    pub interface: String,
    /// How often one connected.
    pub connections: u64,
    /// Whether frames pass to and from it without copies: it has all of this router's frames.
    #[serde(default)]
    pub zero_copy: bool,
    /// Why the last one went or was refused, or none is there yet.
    pub reason: Option<String>,
    /// Each queue's two rings, in order.
    pub rings: Vec<RingRow>,
}

/// The rings of one queue of a memif port.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct RingRow {
    /// Entries of each.
    pub size: u16,
    /// Entries that wait to be received.
    pub to_receive: u16,
    /// Entries sent that the peer has not taken.
    pub to_send: u16,
}

/// `show interfaces`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InterfaceRow {
    /// Its name.
    pub name: String,
    /// Its port.
    pub port: String,
    /// "untagged", "100" or "100.200", with the TPID where it is not 802.1Q.
    pub vlan: String,
    /// Its Vrf.
    pub vrf: String,
    /// Its addresses with prefix lengths.
    pub addresses: Vec<String>,
    /// Bytes.
    pub mtu: u16,
    /// Its station address.
    pub mac: String,
    /// "up", "down" or "disabled".
    pub state: String,
    /// Received.
    pub received: Traffic,
    /// Sent.
    pub sent: Traffic,
    /// Dropped, of all reasons.
    pub dropped: u64,
}

/// `show neighbours`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NeighbourRow {
    /// Its Vrf.
    pub vrf: String,
    /// Its interface.
    pub interface: String,
    /// Its address.
    pub address: IpAddr,
    /// Its station address; `None` while it is not known.
    pub mac: Option<String>,
    /// RFC 4861 section 7.3.2, or "static".
    pub state: String,
    /// Seconds since it was last heard of.
    pub age_seconds: u64,
    /// Packets that wait for it.
    pub held: usize,
}

/// `show policers`: the meter of one interface's class, and what it made of what came in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PolicerRow {
    /// The interface that frames come in by.
    pub interface: String,
    /// Their class.
    pub class: String,
    /// The `[[meter]]` that it shares with others.
    pub meter: Option<String>,
    /// "policer", "srtcm", "trtcm" or "rfc4115".
    pub kind: String,
    /// Whether the colour that frames come with counts.
    pub colour_aware: bool,
    /// Committed rate, bit/s.
    pub cir: u64,
    /// Committed burst, bytes.
    pub cbs: u64,
    /// Peak rate of trtcm, excess rate of rfc4115, bit/s.
    pub excess_rate: Option<u64>,
    /// Peak burst of trtcm, excess burst of the others, bytes.
    pub excess_burst: Option<u64>,
    /// Frames that it found green.
    pub green: ColourRow,
    /// Frames that it found yellow.
    pub yellow: ColourRow,
    /// Frames that it found red.
    pub red: ColourRow,
    /// Frames that it dropped.
    pub dropped: u64,
}

/// `show rules`: one match rule, and what it matched.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RuleRow {
    /// Its name.
    pub name: String,
    /// "in" or "out".
    pub direction: String,
    /// The class that it gives.
    pub class: Option<String>,
    /// The colour that it gives.
    pub colour: Option<String>,
    /// The DSCP that it writes.
    pub mark: Option<u8>,
    /// Frames that it matched; bytes are of layer 2 as received, without FCS.
    #[serde(flatten)]
    pub traffic: Traffic,
}

/// What a meter made of one colour.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ColourRow {
    /// "pass", "recolour", "drop" or "dscp NAME".
    pub action: String,
    /// How much of it there was.
    #[serde(flatten)]
    pub traffic: Traffic,
}

/// `show drops`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropRow {
    /// "interface", "vrf" or "port".
    pub scope: String,
    /// Which one.
    pub name: String,
    /// The class; only for interfaces.
    pub class: Option<String>,
    /// The reason.
    pub reason: String,
    /// Frames.
    pub count: u64,
    /// What the reason means, and the standard behind it.
    pub explanation: String,
}

/// `show drops`: all of them, and the balance they belong to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Drops {
    /// Frames taken from lines.
    pub received: u64,
    /// Frames the router made itself.
    pub originated: u64,
    /// Frames that fragmentation made beyond the one it took.
    pub fragments: u64,
    /// Frames given to lines.
    pub sent: u64,
    /// Frames consumed by the router itself.
    pub delivered: u64,
    /// Frames dropped.
    pub dropped: u64,
    /// Frames on their way through the router when the counts were read.
    pub held: i64,
    /// The drops, one row for each place and reason.
    pub rows: Vec<DropRow>,
}

/// `show workers`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkerRow {
    /// Its number.
    pub worker: u8,
    /// The core it is pinned to.
    pub core: Option<u16>,
    /// "ordinary" or "real-time"; "refused" where it was to be real-time and the log says why it is not.
    pub priority: String,
    /// Free buffers of its pool.
    pub pool_free: usize,
    /// Buffers of its pool.
    pub pool_total: usize,
    /// Frames in its queues.
    pub held: usize,
    /// Batches worked on.
    pub batches: u64,
    /// Times it looked for work.
    pub polls: u64,
    /// Times it went to sleep.
    pub sleeps: u64,
    /// Times it stopped, being real-time, to leave others their part of its core.
    pub stops: u64,
    /// Queues it receives from: port names, once for each queue.
    pub queues: Vec<String>,
}

/// `ping`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ping {
    /// The Vrf.
    pub vrf: String,
    /// Whom to ask.
    pub destination: IpAddr,
    /// The address to ask from.
    #[serde(default)]
    pub source: Option<IpAddr>,
    /// Bytes of data, 0 to 8,900.
    pub size: u16,
    /// TTL or hop limit.
    pub ttl: u8,
    /// DSCP, 0 to 63.
    pub dscp: u8,
    /// Don't-fragment.
    pub dont_fragment: bool,
    /// Echo identifier.
    pub ident: u16,
    /// Echo sequence number.
    pub sequence: u16,
    /// Milliseconds to wait for the answer, 1 to 10,000.
    pub timeout_ms: u64,
}

/// What became of one echo request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pong {
    /// "reply", "timeout" or what an error message said.
    pub outcome: String,
    /// Who answered.
    pub from: Option<IpAddr>,
    /// Echo sequence number of the request.
    pub sequence: u16,
    /// Bytes of data in the answer.
    pub size: Option<u16>,
    /// TTL or hop limit of the answer.
    pub ttl: Option<u8>,
    /// Milliseconds from request to answer.
    pub rtt_ms: Option<f64>,
}

/// A refused request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What is wrong, for people, with how to mend it.
    pub message: String,
    /// Where, when it is about a configuration file: one entry a fault.
    #[serde(default)]
    pub faults: Vec<ConfigError>,
}
