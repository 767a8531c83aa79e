//! What one class of one interface went through.

use super::histogram::Histogram;
use crate::packet::DropReason;

/// Packets and bytes; bytes are layer 2 without FCS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Count {
    #[inline]
    pub(super) fn add(&mut self, bytes: usize) {
        self.packets += 1;
        self.bytes += bytes as u64;
    }

    #[inline]
    pub(super) fn sub(&mut self, bytes: usize) {
        self.packets -= 1;
        self.bytes -= bytes as u64;
    }
}

/// Why a scheduler drops a frame of an interface it knows.
const REASONS: [DropReason; 4] =
    [DropReason::Policed, DropReason::QueueBytes, DropReason::QueueTime, DropReason::TreeMemory];

/// Counts of one class of one interface since the interface came:
/// `offered` = `sent` + all of `drops()` + `depth`, exactly, at every moment.
#[derive(Clone, Debug, Default)]
pub struct QueueStats {
    /// Given to `enqueue`, whatever became of it.
    pub offered: Count,
    /// Given out by `dequeue` to be sent.
    pub sent: Count,
    /// Waiting now.
    pub depth: Count,
    /// The most that waited at once: packets and bytes, each on its own.
    pub worst: Count,
    /// How long what was sent had waited.
    pub delay: Histogram,
    dropped: [Count; REASONS.len()],
}

impl QueueStats {
    /// Dropped for `reason`.
    pub fn dropped(&self, reason: DropReason) -> Count {
        self.drops().find(|(r, _)| *r == reason).map_or(Count::default(), |(_, count)| count)
    }

    /// Dropped, by every reason there can be.
    pub fn drops(&self) -> impl Iterator<Item = (DropReason, Count)> + '_ {
        REASONS.into_iter().zip(self.dropped)
    }

    #[inline]
    pub(super) fn queued(&mut self, bytes: usize) {
        self.depth.add(bytes);
        self.worst.packets = self.worst.packets.max(self.depth.packets);
        self.worst.bytes = self.worst.bytes.max(self.depth.bytes);
    }

    #[inline]
    pub(super) fn left(&mut self, bytes: usize, waited: u64) {
        self.depth.sub(bytes);
        self.sent.add(bytes);
        self.delay.record(waited);
    }

    #[cold]
    pub(super) fn drop(&mut self, reason: DropReason, bytes: usize) {
        if let Some(at) = REASONS.iter().position(|r| *r == reason) {
            self.dropped[at].add(bytes);
        }
    }
}
