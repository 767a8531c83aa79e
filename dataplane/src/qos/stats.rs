//! What one class of one interface went through.

use super::histogram::{Histogram, Longest};
use super::run::Sum;
use super::waits::Waits;
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
        self.add_all(1, bytes as u64);
    }

    #[inline]
    pub(super) fn add_all(&mut self, packets: u64, bytes: u64) {
        self.packets += packets;
        self.bytes += bytes;
    }
}

/// Why a scheduler drops a frame of an interface it knows.
const REASONS: [DropReason; 8] = [
    DropReason::Policed,
    DropReason::QueueBytes,
    DropReason::QueueFrames,
    DropReason::QueueTime,
    DropReason::SiteBytes,
    DropReason::TreeMemory,
    DropReason::Codel,
    DropReason::Wred,
];

/// Counts of one class of one interface since the interface came:
/// `offered` = `sent` + all of `drops()` + `depth`, exactly, at every moment.
#[derive(Clone, Debug, Default)]
pub struct QueueStats {
    /// Given to `enqueue`, whatever became of it.
    pub offered: Count,
    /// Given out by `dequeue` to be sent.
    pub sent: Count,
    /// Bytes of these as the interface's shaper counts them: with overhead, and in whole cells.
    pub accounted: u64,
    /// Of these (or of what waits), marked "congestion experienced" in place of a drop (RFC 3168).
    pub marked: Count,
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
}

/// Packets and bytes that wait, or waited.
#[derive(Clone, Copy, Debug, Default)]
struct Depth {
    packets: u32,
    bytes: u32,
}

impl From<Depth> for Count {
    fn from(depth: Depth) -> Self {
        Self { packets: depth.packets.into(), bytes: depth.bytes.into() }
    }
}

/// What is rarely counted.
#[derive(Debug, Default)]
struct Losses {
    marked: Count,
    dropped: [Count; REASONS.len()],
}

/// [`QueueStats`] as they are kept: first what a frame touches that comes, then what one that leaves.
#[derive(Debug, Default)]
#[repr(C)]
pub(super) struct Tally {
    depth: Depth,
    worst: Depth,
    sent: Count,
    accounted: u64,
    longest: Longest,
    losses: Option<Box<Losses>>,
}

impl Tally {
    #[inline]
    pub(super) fn queued(&mut self, bytes: usize) {
        self.queued_all(1, bytes as u32);
    }

    /// As [`Tally::queued`], of several one after the other.
    #[inline]
    pub(super) fn queued_all(&mut self, packets: u32, bytes: u32) {
        self.depth.packets += packets;
        self.depth.bytes += bytes;
        self.worst.packets = self.worst.packets.max(self.depth.packets);
        self.worst.bytes = self.worst.bytes.max(self.depth.bytes);
    }

    /// No longer waits.
    #[inline]
    pub(super) fn left(&mut self, bytes: usize) {
        self.depth.packets -= 1;
        self.depth.bytes -= bytes as u32;
    }

    #[inline]
    pub(super) fn sent(&mut self, bytes: usize, accounted: u32, waited: u64) {
        self.left(bytes);
        self.sent.add(bytes);
        self.accounted += u64::from(accounted);
        self.longest.note(waited);
    }

    /// These left, of which each was given to [`Tally::waited`].
    #[inline]
    pub(super) fn sent_all(&mut self, sum: &Sum) {
        self.depth.packets -= sum.frames as u32;
        self.depth.bytes -= sum.bytes as u32;
        self.sent.packets += sum.frames as u64;
        self.sent.bytes += sum.bytes;
        self.accounted += u64::from(sum.cost);
    }

    /// Frames that are sent waited so long, nanoseconds.
    #[inline]
    pub(super) fn waited(&mut self, ns: u64) {
        self.longest.note(ns);
    }

    /// So many frames were queued while none waited, and sent at once.
    pub(super) fn passed(&mut self, packets: u32, bytes: u32, accounted: u32) {
        self.worst.packets = self.worst.packets.max(packets);
        self.worst.bytes = self.worst.bytes.max(bytes);
        self.sent.add_all(packets.into(), bytes.into());
        self.accounted += u64::from(accounted);
    }

    #[cold]
    pub(super) fn marked(&mut self, bytes: usize) {
        self.losses.get_or_insert_default().marked.add(bytes);
    }

    #[cold]
    pub(super) fn drop(&mut self, reason: DropReason, bytes: usize) {
        if let Some(at) = REASONS.iter().position(|r| *r == reason) {
            self.losses.get_or_insert_default().dropped[at].add(bytes);
        }
    }

    /// Counts on from what another counted of the same class, of which nothing waits there any more.
    pub(super) fn count_on(&mut self, before: &Self) {
        self.sent.add_all(before.sent.packets, before.sent.bytes);
        self.accounted += before.accounted;
        self.worst.packets = self.worst.packets.max(before.worst.packets);
        self.worst.bytes = self.worst.bytes.max(before.worst.bytes);
        self.longest.merge(before.longest);
        if let Some(before) = &before.losses {
            let mine = self.losses.get_or_insert_default();
            mine.marked.add_all(before.marked.packets, before.marked.bytes);
            for (mine, before) in mine.dropped.iter_mut().zip(before.dropped) {
                mine.add_all(before.packets, before.bytes);
            }
        }
    }

    /// Bytes beside itself.
    pub(super) fn memory(&self) -> usize {
        if self.losses.is_some() { size_of::<Losses>() } else { 0 }
    }

    /// What is told since the last look is told from now on anew.
    pub(super) fn begin_anew(&mut self) {
        self.longest.begin_anew();
    }

    /// Whether a frame was ever offered.
    pub(super) fn is_used(&self) -> bool {
        self.worst.packets > 0 || self.losses.is_some()
    }

    /// For people, with how long frames of this class waited.
    pub(super) fn stats(&self, waits: &Waits, class: usize) -> QueueStats {
        QueueStats { delay: waits.of(class, self.longest), ..self.brief() }
    }

    /// The same, of the waits the longest alone.
    pub(super) fn brief(&self) -> QueueStats {
        let (depth, mut offered) = (Count::from(self.depth), self.sent);
        let (marked, dropped) = self.losses.as_ref().map_or_else(Default::default, |l| (l.marked, l.dropped));
        for count in dropped.iter().chain([&depth]) {
            offered.packets += count.packets;
            offered.bytes += count.bytes;
        }
        QueueStats {
            offered,
            sent: self.sent,
            accounted: self.accounted,
            marked,
            depth,
            worst: self.worst.into(),
            delay: Histogram::longest_alone(self.longest),
            dropped,
        }
    }
}
