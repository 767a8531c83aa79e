//! What the demonstration says while it runs.

use std::time::Duration;

use dataplane::class::TrafficClass;

/// A class since the last word of it, both ways together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// Packets sent since the phase began.
    pub sent: u64,
    /// Packets that arrived since the phase began.
    pub received: u64,
    /// The longest one-way delay since the last word.
    pub worst: Duration,
}

/// How a phase stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Whether each class has its own queue.
    pub qos: bool,
    /// Since the phase began.
    pub elapsed: Duration,
    /// How long it is planned to take.
    pub planned: Duration,
    /// The classes that have traffic.
    pub classes: Vec<(TrafficClass, Live)>,
    /// Bytes of the study that have arrived.
    pub study_done: u64,
    /// Bytes of the study.
    pub study: u64,
}

/// Time between two words, nanoseconds.
pub(super) const EVERY: u64 = 250_000_000;
