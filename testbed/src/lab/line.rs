//! The test's end of a port's line.

use std::collections::VecDeque;

use dataplane::id::PortIndex;
use dataplane::port::LoopbackEnd;
use dataplane::time::Time;

use super::Seen;

/// A port's line, an end for each of its queues.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: PortIndex,
    pub(super) ends: Vec<LoopbackEnd>,
    /// What the router sent, and nobody has expected yet.
    pub(super) seen: VecDeque<Seen>,
}

/// The station address of the port of this name: made of its letters, so that it is
/// the same in every run.
pub(super) fn mac(port: &str) -> [u8; 6] {
    let sum =
        port.bytes().fold(0x811c_9dc5u32, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let [a, b, c, d] = sum.to_be_bytes();
    [2, 0x56, a, b, c, d]
}

impl Line {
    pub(super) fn new(id: PortIndex, ends: Vec<LoopbackEnd>) -> Self {
        Self { id, ends, seen: VecDeque::new() }
    }

    /// The next frame that the router sent.
    pub(super) fn take(&self) -> Option<(Time, Vec<u8>)> {
        self.ends.iter().find_map(LoopbackEnd::receive)
    }

    /// Puts a frame on the line to one of the router's queues; `false` when the line
    /// is full or down.
    pub(super) fn put(&self, now: Time, queue: usize, bytes: &[u8]) -> bool {
        self.ends.get(queue % self.ends.len().max(1)).is_some_and(|end| end.send(now, bytes))
    }
}
