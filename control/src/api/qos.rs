//! What `show qos` and `top` get over the control socket, as JSON.
//!
//! A site is an interface with its queues. Bytes are of layer 2 without FCS, but where
//! it is said that they are counted as the site's shaper counts: with overhead, and in
//! whole cells. What is recent is told over two windows that end now, of about 1 s and
//! about 10 s; each says how long it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::types::Traffic;

/// `show qos`: every site.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Qos {
    /// A row for each.
    pub sites: Vec<SiteRow>,
    /// All of them together.
    pub totals: QosTotals,
}

/// What all sites together are and did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QosTotals {
    /// How many there are.
    pub sites: usize,
    /// Delivered over the two windows, bit/s, each site's as its shaper counts.
    pub delivered: [u64; 2],
    /// Sent.
    pub sent: Traffic,
    /// Dropped at their queues.
    pub dropped: Traffic,
    /// Marked "congestion experienced" in place of a drop (RFC 3168).
    pub marked: Traffic,
    /// In their queues now.
    pub depth: Traffic,
    /// The longest that a frame of Voice was in a queue, µs.
    pub voice_max_us: f64,
}

/// One site.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SiteRow {
    /// The interface.
    pub interface: String,
    /// Its port.
    pub port: String,
    /// The most that it gets, bit/s, where it is shaped.
    pub rate: Option<u64>,
    /// What it gets before any site gets more than its own, bit/s, where that is said.
    pub guaranteed: Option<u64>,
    /// Its part of what no site is guaranteed.
    pub weight: u32,
    /// Bytes that its shaper counts for a frame beside those of layer 2 without FCS.
    pub overhead: i16,
    /// What its shaper counts whole: "none", "atm" or "ptm" cells.
    pub cells: String,
    /// Over about 1 s, and over about 10 s.
    pub recent: [SiteRecent; 2],
    /// Given to its queues.
    pub offered: Traffic,
    /// Sent.
    pub sent: Traffic,
    /// Dropped at its queues.
    pub dropped: Traffic,
    /// Marked "congestion experienced" in place of a drop (RFC 3168).
    pub marked: Traffic,
    /// In its queues now.
    pub depth: Traffic,
    /// The longest that a frame of Voice was in its queue, µs.
    pub voice_max_us: f64,
}

/// What a site did over a window that ends now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SiteRecent {
    /// Seconds of the window; 0 where nothing is known yet.
    pub seconds: f64,
    /// What left, bit/s, as its shaper counts.
    pub delivered: u64,
    /// Frames dropped at its queues.
    pub dropped: u64,
    /// Burst at 1 ms: the most bytes, as its shaper counts them, that left in one
    /// millisecond. Milliseconds are taken one after the other, each beginning with the
    /// first frame after the one before: the most of any millisecond at all is no less,
    /// and no more than twice as much.
    pub burst_bytes: u64,
    /// The longest that a frame of Voice that left was in its queue, µs.
    pub voice_us: f64,
}

/// `show qos SITE`: the whole tree of one site.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QosTree {
    /// The site.
    pub site: SiteRow,
    /// Its port.
    pub port: PortTree,
    /// Its classes.
    pub classes: Vec<ClassRow>,
}

/// The port of a site.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PortTree {
    /// Its name.
    pub name: String,
    /// Its rate, bit/s, each frame with 24 bytes more (FCS, preamble and gap), where it is said.
    pub rate: Option<u64>,
    /// The burst of that rate, as time at it, microseconds.
    pub burst_us: Option<f64>,
    /// What left by it, bit/s counted so, over the two windows.
    pub delivered: [u64; 2],
    /// Sites on it.
    pub sites: usize,
    /// Scheduler trees that they are in.
    pub trees: usize,
    /// In all queues of it now.
    pub depth: Traffic,
    /// What its queues may hold together.
    pub room: Traffic,
}

/// One class of a site, with its queue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassRow {
    /// The class.
    pub class: String,
    /// Whether it goes before all without priority (RFC 3246).
    pub priority: bool,
    /// Its share of what priority leaves; 0 is what nobody else wants.
    pub weight: u32,
    /// What it is guaranteed when all wait, bit/s, where that is said.
    pub guaranteed: Option<u64>,
    /// The most that it gets, bit/s, where that is said of it.
    pub rate: Option<u64>,
    /// What its policer lets in, bit/s, where it has one.
    pub policer: Option<u64>,
    /// What its queue goes by.
    pub queue: QueueRow,
    /// Over about 1 s, and over about 10 s.
    pub recent: [ClassRecent; 2],
    /// Received by the interface in this class.
    pub received: Traffic,
    /// Given to its queue: sent, dropped, or in it now.
    pub offered: Traffic,
    /// Sent.
    pub sent: Traffic,
    /// Dropped at its queue.
    pub dropped: Traffic,
    /// The same by every reason there can be.
    pub drops: BTreeMap<String, Traffic>,
    /// Marked "congestion experienced" in place of a drop (RFC 3168).
    pub marked: Traffic,
    /// In its queue now.
    pub depth: Traffic,
    /// The most that was ever in its queue, frames and bytes each on its own.
    pub worst: Traffic,
    /// Median time in the queue, µs.
    pub p50_us: f64,
    /// 99th percentile, µs.
    pub p99_us: f64,
    /// 99.9th percentile, µs.
    pub p999_us: f64,
    /// Longest, µs.
    pub max_us: f64,
}

/// What the queue of a class goes by. Where all classes of a site wait in one, that is Standard's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueueRow {
    /// Bytes that it holds at most, layer 2 without FCS.
    pub limit_bytes: u64,
    /// Longest that a frame may wait in it, µs, where that is said.
    pub limit_us: Option<f64>,
    /// How its senders learn that it is long: "tail", "codel" or "wred".
    pub aqm: String,
    /// With "codel": the target that is configured, and the one in use, which a full frame fits into at the least
    /// rate that the class gets, µs.
    pub target_us: Option<[f64; 2]>,
    /// With "codel": the interval that is configured, and the one in use, µs.
    pub interval_us: Option<[f64; 2]>,
    /// With "wred": of green, yellow and red the bytes from which on it drops, and to which.
    pub wred: Option<[[u64; 2]; 3]>,
    /// Flows with a queue of their own; 0 is one queue for all.
    pub flows: u16,
    /// Whether it marks in place of dropping (RFC 3168).
    pub ecn: bool,
}

/// What a class did over a window that ends now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassRecent {
    /// Seconds of the window; 0 where nothing is known yet.
    pub seconds: f64,
    /// What left, bit/s, as the site's shaper counts.
    pub delivered: u64,
    /// The longest that a frame that left was in the queue, µs.
    pub longest_us: f64,
}
