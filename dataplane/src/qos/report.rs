//! What a tree says of itself, to those who ask: counts, depths, waits, bursts.
//!
//! A tree of hundreds of interfaces is told piece by piece, so that no question
//! keeps its worker from the frames for more than some microseconds.

use super::scheduler::{Scheduler, TreeLimits};
use super::site::Site;
use super::stats::QueueStats;
use crate::class::CLASSES;
use crate::id::IfIndex;
use crate::time::Time;

/// Interfaces of one answer.
const PIECE: usize = 32;

/// What is asked of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Some interfaces from this place on, without the histograms of their waits.
    Brief(usize),
    /// The same; what is told since the last look is told from now on anew. For one
    /// asker alone.
    Sample(usize),
    /// One interface, with the histograms.
    Whole(IfIndex),
}

/// How a tree stands at one moment.
#[derive(Clone, Debug)]
pub struct TreeReport {
    /// The moment.
    pub at: Time,
    /// The port's own rate, bit/s, counted with [`LINE_OVERHEAD`](super::LINE_OVERHEAD); 0 is none.
    pub rate: u64,
    /// Its burst as time at that rate, nanoseconds.
    pub burst: u64,
    /// Frames that wait.
    pub frames: usize,
    /// Their bytes, layer 2 without FCS.
    pub bytes: u64,
    /// What it may hold.
    pub limits: TreeLimits,
    /// Those asked for.
    pub sites: Vec<SiteReport>,
    /// From where on to ask for the rest; `None` when there is none.
    pub next: Option<usize>,
}

/// How one interface's queues stand.
#[derive(Clone, Debug)]
pub struct SiteReport {
    /// The interface.
    pub id: IfIndex,
    /// The most bytes, as its shaper counts them, that left in 1 ms since the last
    /// [`Look::Sample`]. The windows are disjoint, and each begins with a frame: the most
    /// of any 1 ms is no less than this, and no more than twice as much.
    pub burst: u64,
    /// By [`TrafficClass::index`](crate::class::TrafficClass::index).
    pub queues: [QueueStats; CLASSES],
}

impl SiteReport {
    fn of(site: &Site, whole: bool) -> Self {
        let queue = |class: usize| {
            let queue = &site.queues[class];
            if whole { queue.stats((&site.waits, class)) } else { queue.brief() }
        };
        Self { id: site.id, burst: site.burst.most(), queues: std::array::from_fn(queue) }
    }
}

impl Scheduler {
    /// Says how it stands at `at`.
    #[cold]
    pub fn report(&mut self, look: Look, at: Time) -> TreeReport {
        let (sites, next) = match look {
            Look::Whole(id) => (self.whole(id).into_iter().collect(), None),
            Look::Brief(from) | Look::Sample(from) => {
                let to = from.saturating_add(PIECE).min(self.sites.len());
                let piece = self.sites.get(from..to).unwrap_or_default().iter().flatten();
                (
                    piece.map(|site| SiteReport::of(site, false)).collect(),
                    (to < self.sites.len()).then_some(to),
                )
            }
        };
        if let Look::Sample(from) = look {
            self.begin_anew(from);
        }
        let (rate, burst) = (self.port_rate, self.port_burst);
        let (frames, bytes, limits) = (self.frames, self.bytes, self.limits);
        TreeReport { at, rate, burst, frames, bytes, limits, sites, next }
    }

    fn whole(&self, id: IfIndex) -> Option<SiteReport> {
        Some(SiteReport::of(self.sites[self.find(id)?].as_ref()?, true))
    }

    fn begin_anew(&mut self, from: usize) {
        for site in self.sites.iter_mut().skip(from).take(PIECE).flatten() {
            site.burst.begin_anew();
            site.queues.iter_mut().for_each(|queue| queue.tally.begin_anew());
        }
    }
}
