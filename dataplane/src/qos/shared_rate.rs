//! One rate that several scheduler trees send at: those of a port that has more than one.
//!
//! ```text
//! SharedRate  ── free: when the line has sent all that was claimed; one atomic
//!   ├─ Seat of tree 0: what it would send next
//!   └─ Seat of tree 1
//! ```
//!
//! A tree sends a frame when the line is free, one of priority up to a longest frame's time
//! before, as from a shaper, and moves that moment on by the frame's time.
//! Every frame is claimed by one addition, and what is left of a nanosecond is owed by its
//! tree: in any window of length t no more leaves than rate·t + burst + one frame of
//! priority + one of each tree, whatever trees do at the same moment, and over time exactly
//! the rate does.
//!
//! Before each frame of data a tree looks at what the others say that they would send. What
//! is more urgent goes first: so a priority frame waits for one frame of each other tree at
//! the most, that which was claimed at the same moment. Of those that share by weight, no
//! tree begins a round of its interfaces before all have had the one before. A tree that
//! does not come for what is its own keeps nobody longer than 100 µs; one that has
//! nothing leaves all to the others.

use crossbeam::utils::CachePadded;

use super::scheduler::PORT_FULL;
use super::spec::RateSpec;
use crate::sync::Arc;
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::Relaxed;
use crate::time::Time;

/// The most trees of one port.
pub const MOST_TREES: usize = 64;
/// How long the line stands free, nanoseconds, before a tree no longer waits for its betters.
const PATIENCE: u64 = 100_000;
/// One byte at 1 bit/s, nanoseconds.
const BYTE: u64 = 8_000_000_000;
const LEVEL: u32 = 61;

/// What a tree would send if the line were free: what goes first is least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Want(u64);

impl Want {
    /// A frame of a priority class.
    pub(super) const URGENT: Self = Self(0);
    /// Out of what an interface is guaranteed.
    pub(super) const ASSURED: Self = Self(1 << LEVEL);
    /// Of a class without a weight.
    pub(super) const LEFTOVER: Self = Self(3 << LEVEL);
    /// It holds frames, none of which may leave by its interface's own rate.
    pub(super) const HELD: Self = Self(u64::MAX - 1);
    /// It holds none.
    pub(super) const NOTHING: Self = Self(u64::MAX);

    /// By weight, in this round.
    pub(super) const fn shared(round: u64) -> Self {
        Self(2 << LEVEL | round)
    }

    /// Which of [`Claims::last`] it goes by: where trees that want the same go in turn.
    const fn turns(self) -> Option<usize> {
        match self {
            Self::ASSURED => Some(0),
            Self::LEFTOVER => Some(1),
            _ => None,
        }
    }
}

/// What the trees of a port share.
#[derive(Debug)]
pub struct SharedRate {
    line: CachePadded<Claims>,
    /// By tree.
    wants: Box<[CachePadded<AtomicU64>]>,
}

#[derive(Debug)]
struct Claims {
    /// Nanoseconds.
    free: AtomicU64,
    /// The tree that claimed it last for a frame of what it is guaranteed; and of leftovers.
    last: [AtomicU64; 2],
    /// The latest round of interfaces that a tree has begun.
    round: AtomicU64,
}

impl Default for SharedRate {
    /// A line that has been free for long.
    fn default() -> Self {
        let zero = || AtomicU64::new(0);
        let line = Claims { free: zero(), last: [zero(), zero()], round: zero() };
        let nothing = |_| CachePadded::new(AtomicU64::new(Want::NOTHING.0));
        Self { line: CachePadded::new(line), wants: (0..MOST_TREES).map(nothing).collect() }
    }
}

impl SharedRate {
    /// Does not let the line be free before `at`.
    fn not_before(&self, at: Time) {
        if self.line.free.load(Relaxed) < at.0 {
            // The result is what it was before.
            let _ = self.line.free.fetch_update(Relaxed, Relaxed, |free| (free < at.0).then_some(at.0));
        }
    }
}

/// Which tree of a port one is.
#[derive(Clone, Debug)]
pub struct Place {
    /// What it shares.
    pub shared: Arc<SharedRate>,
    /// Its number.
    pub tree: usize,
    /// Trees of the port, up to [`MOST_TREES`].
    pub trees: usize,
}

/// One tree's hand on a [`SharedRate`].
#[derive(Debug)]
pub(super) struct Seat {
    place: Place,
    rate: u64,
    /// Nanoseconds that the line may have stood free and still makes good.
    burst: u64,
    /// What its frames took beyond whole nanoseconds, as parts of one: less than `rate`.
    owed: u64,
    /// The longest frame without priority that was sent, a full one at least, bytes; and its time,
    /// which a frame of priority does not wait for.
    longest: u32,
    slack: u64,
    said: Want,
    /// Whether interfaces of it shared when it was last told.
    shares: bool,
}

impl Seat {
    /// At a rate of 1 bit/s at least; the line is not free before `from`. A tree that was in another
    /// `round` than the others takes them with it.
    pub(super) fn new(place: &Place, RateSpec { rate, burst }: RateSpec, from: Time, round: u64) -> Self {
        place.shared.not_before(from);
        let place = Place { trees: place.trees.min(MOST_TREES), ..place.clone() };
        let (longest, said) = (PORT_FULL, Want::NOTHING);
        let slack = time(longest, rate);
        let seat = Self { place, rate, burst, owed: 0, longest, slack, said, shares: false };
        seat.begin_round(round);
        seat
    }

    /// Whether it is that tree of that port.
    pub(super) fn is_at(&self, place: &Place) -> bool {
        Arc::ptr_eq(&self.place.shared, &place.shared) && self.place.tree == place.tree
    }

    /// Takes up another rate, at least 1 bit/s, burst, and number of trees.
    pub(super) fn adopt(&mut self, place: &Place, RateSpec { rate, burst }: RateSpec) {
        (self.place.trees, self.rate, self.burst) = (place.trees.min(MOST_TREES), rate, burst);
        self.owed = self.owed.min(rate - 1);
        self.slack = time(self.longest, rate);
    }

    fn line(&self) -> &Claims {
        &self.place.shared.line
    }

    /// The other trees, and what they want.
    #[inline]
    fn others(&self) -> impl Iterator<Item = (usize, Want)> + '_ {
        let wants = self.place.shared.wants.iter().take(self.place.trees).enumerate();
        let others = wants.filter(|(tree, _)| *tree != self.place.tree);
        others.map(|(tree, want)| (tree, Want(want.load(Relaxed))))
    }

    /// When the line lets a frame out, of a class with priority or not.
    #[inline(never)]
    pub(super) fn due(&self, urgent: bool) -> Time {
        let free = self.line().free.load(Relaxed);
        Time(if urgent { free.saturating_sub(self.slack) } else { free })
    }

    /// Bytes for which the line is not free yet.
    pub(super) fn owed(&self, now: Time) -> u32 {
        let parts = u128::from(self.due(false).since(now)) * u128::from(self.rate);
        u32::try_from(parts.div_ceil(BYTE.into())).unwrap_or(u32::MAX)
    }

    /// Until `now` its tree had nothing that may leave. Where no other had either, the line was idle,
    /// and what its rate brought meanwhile is not saved. Whoever looks at the same moment does the same.
    #[inline(never)]
    pub(super) fn idled(&self, now: Time) {
        if self.others().all(|(_, want)| want >= Want::HELD) {
            self.place.shared.not_before(now);
        }
    }

    /// Says what its tree would send.
    #[inline]
    pub(super) fn say(&mut self, want: Want) {
        if want != self.said {
            self.said = want;
            if let Some(mine) = self.place.shared.wants.get(self.place.tree) {
                mine.store(want.0, Relaxed);
            }
        }
    }

    /// The round its tree is in that was in `own` last; `shares` says that interfaces of it do now.
    /// One that had none begins with what others have begun, and none is further behind than a round.
    #[inline]
    pub(super) fn round(&mut self, own: u64, shares: bool) -> u64 {
        if !shares {
            self.shares = false;
            return own;
        }
        let begun = self.line().round.load(Relaxed);
        let least = if std::mem::replace(&mut self.shares, true) { begun.saturating_sub(1) } else { begun };
        own.max(least)
    }

    /// Whether what it said that it would send may leave at `now`.
    #[inline(never)]
    pub(super) fn lets(&self, now: Time) -> bool {
        let urgent = self.said == Want::URGENT;
        let due = self.due(urgent);
        due <= now && (urgent || now.since(due) >= PATIENCE || self.is_first())
    }

    /// Whether no other tree has what goes first. Those that have the same go in turn, but for
    /// those that share: these are in the same round.
    fn is_first(&self) -> bool {
        let (trees, turns) = (self.place.trees, self.said.turns());
        let last = turns.map_or(0, |of| self.line().last[of].load(Relaxed) as usize);
        let after_last = |tree: usize| (tree + trees).wrapping_sub(last + 1) % trees.max(1);
        let mine = after_last(self.place.tree);
        let before = |(tree, want): (usize, Want)| {
            want < self.said || (want == self.said && turns.is_some() && after_last(tree) < mine)
        };
        !self.others().any(before)
    }

    /// A frame of so many bytes leaves, of a class with priority or not.
    #[inline(never)]
    pub(super) fn spend(&mut self, now: Time, bytes: u32, urgent: bool) {
        if !urgent && bytes > self.longest {
            (self.longest, self.slack) = (bytes, time(bytes, self.rate));
        }
        let parts = u64::from(bytes) * BYTE + self.owed;
        self.owed = parts % self.rate;
        let (took, oldest) = (parts / self.rate, now.0.saturating_sub(self.burst));
        let line = self.line();
        let after = |free: u64| Some(free.max(oldest).saturating_add(took));
        // It always gives a value.
        let _ = line.free.fetch_update(Relaxed, Relaxed, after);
        if let Some(of) = self.said.turns() {
            line.last[of].store(self.place.tree as u64, Relaxed);
        }
    }

    /// Its tree sends in this round.
    #[inline]
    pub(super) fn begin_round(&self, round: u64) {
        if self.line().round.load(Relaxed) < round {
            let later = |begun: u64| (begun < round).then_some(round);
            // Where another has begun it, or a later one, it stays.
            let _ = self.line().round.fetch_update(Relaxed, Relaxed, later);
        }
    }
}

/// Whole nanoseconds of so many bytes.
fn time(bytes: u32, rate: u64) -> u64 {
    u64::from(bytes) * BYTE / rate
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.say(Want::NOTHING);
    }
}

#[cfg(all(test, loom))]
#[path = "shared_rate_loom.rs"]
mod loom_tests;

#[cfg(all(test, not(loom)))]
#[path = "shared_rate_tests.rs"]
mod tests;
