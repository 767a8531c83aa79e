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
pub(super) struct Depth {
    pub(super) packets: u32,
    pub(super) bytes: u32,
}

impl Depth {
    /// The more of each.
    #[inline]
    fn max(self, other: Self) -> Self {
        Self { packets: self.packets.max(other.packets), bytes: self.bytes.max(other.bytes) }
    }

    #[inline]
    fn plus(self, other: Self) -> Self {
        Self { packets: self.packets + other.packets, bytes: self.bytes + other.bytes }
    }
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

/// [`QueueStats`] as they are kept: first what frames touch.
#[derive(Debug, Default)]
#[repr(C)]
pub(super) struct Tally {
    sent: Count,
    accounted: u64,
    /// The longest wait since it began anew, and before, nanoseconds.
    recent: u64,
    /// The most that waited at once, as of when frames last left.
    worst: Depth,
    before: u64,
    /// What waits in the one queue that all classes have.
    elsewhere: Depth,
    losses: Option<Box<Losses>>,
}

impl Tally {
    /// Bytes of what frames touch.
    pub(super) const OFTEN: usize = std::mem::offset_of!(Self, before);

    /// A frame waits in a queue that is not this class's alone.
    pub(super) fn queued_elsewhere(&mut self, bytes: usize) {
        self.elsewhere.packets += 1;
        self.elsewhere.bytes += bytes as u32;
        self.reached(self.elsewhere);
    }

    /// It no longer does.
    pub(super) fn left_elsewhere(&mut self, bytes: usize) {
        self.elsewhere.packets -= 1;
        self.elsewhere.bytes -= bytes as u32;
    }

    /// So much waits, or did.
    #[inline]
    pub(super) fn reached(&mut self, depth: Depth) {
        if depth.packets > self.worst.packets {
            self.worst.packets = depth.packets;
        }
        if depth.bytes > self.worst.bytes {
            self.worst.bytes = depth.bytes;
        }
    }

    /// These left to be sent, of which none had waited longer, nanoseconds, out of a queue that held so much.
    #[inline(always)]
    pub(super) fn sent(&mut self, sum: &Sum, held: Depth, waited: u64) {
        // Counted one by one, with branches between: as one wide sum they take three times as many instructions.
        self.sent.packets += sum.frames as u64;
        self.reached(held);
        self.sent.bytes += sum.bytes;
        if waited > self.recent {
            self.recent = waited;
        }
        self.accounted += u64::from(sum.cost);
    }

    /// So many frames were queued while none waited, and sent at once.
    pub(super) fn passed(&mut self, packets: u32, bytes: u32, accounted: u32) {
        self.reached(Depth { packets, bytes });
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
        self.reached(before.worst);
        (self.recent, self.before) = (self.recent.max(before.recent), self.before.max(before.before));
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
        (self.recent, self.before) = (0, self.longest().max());
    }

    fn longest(&self) -> Longest {
        Longest { recent: self.recent, before: self.before }
    }

    /// Whether a frame ever left, or was refused.
    pub(super) fn is_used(&self) -> bool {
        self.worst.packets > 0 || self.losses.is_some()
    }

    /// For people, with how long frames of this class waited; so much of it waits in its own queue.
    pub(super) fn stats(&self, own: Depth, (waits, class): (&Waits, usize)) -> QueueStats {
        QueueStats { delay: waits.of(class, self.longest()), ..self.brief(own) }
    }

    /// The same, of the waits the longest alone.
    pub(super) fn brief(&self, own: Depth) -> QueueStats {
        let (depth, mut offered) = (Count::from(own.plus(self.elsewhere)), self.sent);
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
            worst: self.worst.max(own).into(),
            delay: Histogram::longest_alone(self.longest()),
            dropped,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_is_known_since_the_last_look_and_of_all() {
        let mut tally = Tally::default();
        let told = |tally: &Tally| {
            let histogram = tally.brief(Depth::default()).delay;
            (histogram.recent(), histogram.max(), histogram.count())
        };
        tally.sent(&Sum::of(64, 88), Depth::default(), 70_000);
        assert_eq!(told(&tally), (70_000, 70_000, 0));
        tally.begin_anew();
        assert_eq!(told(&tally), (0, 70_000, 0));
        tally.sent(&Sum::of(64, 88), Depth::default(), 9);
        assert_eq!(told(&tally), (9, 70_000, 0));
        let mut other = Tally::default();
        other.sent(&Sum::of(64, 88), Depth::default(), 12);
        other.count_on(&tally);
        assert_eq!(told(&other), (12, 70_000, 0));
    }
}
