//! One meter that several workers ask: several interfaces or classes under one
//! rate, or one interface whose frames several workers receive.
//!
//! ```text
//! SharedMeter  ── time up to which tokens were brought, committed, excess: one atomic each
//!   ├─ Share of worker 0: what it drew for the batch at hand
//!   └─ Share of worker 1
//! ```
//!
//! Every nanosecond is claimed once, by the worker that moves the time on, and
//! its tokens brought once; a token is in a bucket or in one worker's hands, and
//! goes back at the end of the batch. So the rate is exact whatever workers do at
//! the same moment, and one worker alone colours as a [`Meter`](super::Meter) does.

use crossbeam::utils::CachePadded;

use super::meter::{DEEPEST, MeterKind, MeterProfile, MeterSpec, coloured, cost};
use crate::class::Colour;
use crate::sync::Arc;
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::Relaxed;
use crate::time::Time;

/// The most that a worker draws beyond what the frame at hand needs: 64 KiB.
const CHUNK: u64 = cost(1 << 16);
/// It draws no more than this part of what is there, as a power of two: who comes at the
/// same moment finds 7/8.
const PART: u32 = 3;

/// The buckets that workers draw from.
#[derive(Debug)]
pub struct SharedMeter {
    spec: MeterSpec,
    profile: MeterProfile,
    levels: CachePadded<Levels>,
}

#[derive(Debug)]
struct Levels {
    refilled: AtomicU64,
    committed: AtomicU64,
    excess: AtomicU64,
}

impl SharedMeter {
    /// Full buckets (RFC 2697 section 3).
    pub fn new(spec: MeterSpec) -> Self {
        let profile = MeterProfile::new(&spec);
        Self::with(spec, 0, profile.depth_c, profile.depth_e)
    }

    fn with(spec: MeterSpec, refilled: u64, committed: u64, excess: u64) -> Self {
        let new = AtomicU64::new;
        let levels = Levels { refilled: new(refilled), committed: new(committed), excess: new(excess) };
        Self { spec, profile: MeterProfile::new(&spec), levels: CachePadded::new(levels) }
    }

    /// What is asked of it.
    pub fn spec(&self) -> &MeterSpec {
        &self.spec
    }

    /// The tokens it has now under another specification; those that overflow are lost.
    pub fn retuned(&self, to: MeterSpec) -> Self {
        let (Levels { refilled, committed, excess }, profile) = (&*self.levels, MeterProfile::new(&to));
        let committed = committed.load(Relaxed).min(profile.depth_c);
        let excess = excess.load(Relaxed).min(profile.depth_e);
        Self::with(to, refilled.load(Relaxed), committed, excess)
    }

    /// Brings the tokens of the time up to `now`, unless another has.
    #[inline]
    fn refill(&self, now: Time) {
        let before = self.levels.refilled.load(Relaxed);
        if now.0 > before && self.levels.refilled.compare_exchange(before, now.0, Relaxed, Relaxed).is_ok() {
            let (committed, excess) = self.profile.earned(now.0 - before);
            self.pour(committed, excess);
        }
    }

    /// Puts tokens in as far as there is room.
    fn pour(&self, committed: u64, excess: u64) {
        let overflow = fill(&self.levels.committed, committed, self.profile.depth_c);
        let excess = excess.saturating_add(self.profile.spilt(overflow));
        fill(&self.levels.excess, excess, self.profile.depth_e);
    }
}

/// Adds `tokens` up to `depth`; gives what does not fit.
fn fill(level: &AtomicU64, tokens: u64, depth: u64) -> u64 {
    if tokens == 0 {
        return 0;
    }
    let add = |level: u64| Some(level + tokens.min(depth - level));
    let before = level.fetch_update(Relaxed, Relaxed, add).unwrap_or(depth);
    tokens.saturating_sub(depth - before)
}

/// Takes `need`, and a chunk more while there is plenty; 0 where there is not as much.
fn draw(level: &AtomicU64, need: u64) -> u64 {
    let take = |level: u64| need.max(CHUNK.min(level >> PART));
    let took = level.fetch_update(Relaxed, Relaxed, |l| (l >= need).then(|| l - take(l)));
    took.map_or(0, take)
}

/// One worker's hand on a [`SharedMeter`].
#[derive(Debug)]
pub struct Share {
    meter: Arc<SharedMeter>,
    committed: u64,
    excess: u64,
}

impl Share {
    /// A hand with nothing in it.
    pub fn new(meter: Arc<SharedMeter>) -> Self {
        Self { meter, committed: 0, excess: 0 }
    }

    /// The meter.
    pub fn meter(&self) -> &Arc<SharedMeter> {
        &self.meter
    }

    /// As [`Meter::colour`](super::Meter::colour).
    #[inline]
    pub fn colour(&mut self, now: Time, colour: Colour, bytes: u32) -> Colour {
        let (meter, cost) = (&*self.meter, cost(bytes));
        meter.refill(now);
        let ((may_c, may_e), trtcm) = (meter.profile.may_ask(colour), meter.profile.kind == MeterKind::TrTcm);
        let fits_c = may_c && fits(&mut self.committed, &meter.levels.committed, cost);
        let ask_e = may_e && (trtcm || !fits_c);
        let fits_e = ask_e && fits(&mut self.excess, &meter.levels.excess, cost);
        let green = fits_c && (fits_e || !trtcm);
        self.committed -= if green { cost } else { 0 };
        self.excess -= if fits_e { cost } else { 0 };
        coloured(green, fits_e)
    }

    /// As [`Meter::takes_all`](super::Meter::takes_all).
    #[inline]
    pub fn takes_all(&mut self, now: Time, bytes: u64) -> bool {
        if bytes > DEEPEST {
            return false;
        }
        let (meter, cost) = (&*self.meter, cost(bytes as u32));
        meter.refill(now);
        let both = meter.profile.kind == MeterKind::TrTcm;
        let fits = fits(&mut self.committed, &meter.levels.committed, cost)
            && (!both || fits(&mut self.excess, &meter.levels.excess, cost));
        if fits {
            self.committed -= cost;
            self.excess -= if both { cost } else { 0 };
        }
        fits
    }

    /// Gives back what was not spent. To be called when a batch is done.
    #[inline]
    pub fn settle(&mut self) {
        let (committed, excess) = (std::mem::take(&mut self.committed), std::mem::take(&mut self.excess));
        if committed | excess != 0 {
            self.meter.pour(committed, excess);
        }
    }
}

/// Whether `cost` is in the hand, or can be drawn into it.
#[inline]
fn fits(hand: &mut u64, level: &AtomicU64, cost: u64) -> bool {
    if *hand < cost {
        *hand += draw(level, cost - *hand);
    }
    *hand >= cost
}

#[cfg(all(test, loom))]
#[path = "meter_loom.rs"]
mod loom_tests;
