//! What queues counted some seconds ago, so that rates can be told.
//!
//! A control thread asks every tree every [`PERIOD`]; the worker answers with its own
//! time, and keeps what is the most or the longest since the last sample. A rate is the
//! difference between what is counted now and in the youngest sample that is as old as
//! the window is long: exact, whenever it is asked for.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ahash::AHashMap;
use dataplane::class::CLASSES;
use dataplane::id::IfIndex;
use dataplane::qos::{LINE_OVERHEAD, SiteReport};
use dataplane::time::Time;

/// Time between two samples.
pub const PERIOD: Duration = Duration::from_millis(500);
/// What rates are told over: a window is as long, or longer by less than a period where no
/// sample came late.
pub const WINDOWS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];
/// Samples that a site keeps at most.
const MOST: usize = 32;

/// What one site had counted at a moment.
#[derive(Clone, Debug)]
struct Sample {
    at: Time,
    counts: Counts,
    /// Of the time since the sample before.
    burst: u64,
    longest: [u64; CLASSES],
}

/// What only ever grows.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// Bytes sent as the shaper counts, by class.
    accounted: [u64; CLASSES],
    /// Bytes sent as a line carries them.
    line: u64,
    /// Frames dropped.
    dropped: u64,
}

impl Counts {
    fn of(report: &SiteReport) -> Self {
        let queues = || report.queues.iter();
        let line = queues().map(|q| q.sent.bytes + q.sent.packets * u64::from(LINE_OVERHEAD)).sum();
        let drops = queues().flat_map(|q| q.drops()).map(|(_, count)| count.packets);
        Self { accounted: std::array::from_fn(|c| report.queues[c].accounted), line, dropped: drops.sum() }
    }

    /// Whether these can be what `later` were before; not where the queues began anew meanwhile.
    fn precede(&self, later: &Self) -> bool {
        let grown = |(before, after): (&u64, &u64)| before <= after;
        self.accounted.iter().zip(&later.accounted).all(grown)
            && self.line <= later.line
            && self.dropped <= later.dropped
    }
}

/// What a site did between a sample and now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Nanoseconds; 0 where there is no sample.
    pub time: u64,
    /// Bytes sent as the shaper counts, by class.
    pub accounted: [u64; CLASSES],
    /// Bytes sent with [`LINE_OVERHEAD`] for each frame; what a line fills short ones up with is not among them.
    pub line: u64,
    /// Frames dropped.
    pub dropped: u64,
    /// The most bytes that left in 1 ms, as [`SiteReport::burst`] is defined.
    pub burst: u64,
    /// The longest that what left had waited, nanoseconds, by class.
    pub longest: [u64; CLASSES],
}

impl Change {
    /// Seconds that it is over.
    pub fn seconds(&self) -> f64 {
        self.time as f64 / 1e9
    }

    /// So many bytes in this time, as bit/s to the nearest; 0 where there was no time.
    pub fn rate(&self, bytes: u64) -> u64 {
        let (bits, time) = (u128::from(bytes) * 8_000_000_000, u128::from(self.time));
        (bits + time / 2).checked_div(time).map_or(0, |rate| u64::try_from(rate).unwrap_or(u64::MAX))
    }
}

/// The samples of one site, oldest first.
#[derive(Clone, Debug)]
struct Site {
    /// An interface of another name that takes over the id begins anew.
    name: Arc<str>,
    samples: VecDeque<Sample>,
}

/// The samples of all sites.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    sites: AHashMap<IfIndex, Site>,
}

impl Samples {
    /// Keeps what an interface's queues told of themselves when they were asked for a sample at `at`.
    pub fn add(&mut self, name: &Arc<str>, at: Time, report: &SiteReport) {
        let new = || Site { name: name.clone(), samples: VecDeque::new() };
        let site = self.sites.entry(report.id).or_insert_with(new);
        if site.name != *name {
            *site = new();
        }
        let counts = Counts::of(report);
        if site.samples.back().is_some_and(|last| !last.counts.precede(&counts)) {
            site.samples.clear();
        }
        let longest = std::array::from_fn(|c| report.queues[c].delay.recent());
        site.samples.push_back(Sample { at, counts, burst: report.burst, longest });
        let longest = WINDOWS.iter().map(|window| window.as_nanos() as u64).max().unwrap_or(0);
        // The second is old enough for every window that may be asked for.
        let spare = |s: &VecDeque<Sample>| s.get(1).is_some_and(|second| at.since(second.at) >= longest);
        while site.samples.len() > MOST || spare(&site.samples) {
            site.samples.pop_front();
        }
    }

    /// Forgets every interface but these.
    pub fn keep(&mut self, is_there: impl Fn(IfIndex, &str) -> bool) {
        self.sites.retain(|id, site| is_there(*id, &site.name));
    }

    /// What a site did over a window that ends when it reported, at `at`; shorter, where it
    /// has not been there for so long.
    pub fn change(&self, name: &str, at: Time, report: &SiteReport, window: Duration) -> Change {
        let counts = Counts::of(report);
        let known = self.sites.get(&report.id).filter(|site| *site.name == *name);
        let before: Vec<_> = known.iter().flat_map(|s| &s.samples).filter(|s| s.at <= at).collect();
        let old = |sample: &&Sample| u128::from(at.since(sample.at)) >= window.as_nanos();
        let from = before.iter().rposition(old).unwrap_or(0);
        let Some(first) = before.get(from).filter(|first| first.counts.precede(&counts)) else {
            return Change::default();
        };
        let mut change = Change {
            time: at.since(first.at),
            accounted: std::array::from_fn(|c| counts.accounted[c] - first.counts.accounted[c]),
            line: counts.line - first.counts.line,
            dropped: counts.dropped - first.counts.dropped,
            burst: report.burst,
            longest: std::array::from_fn(|c| report.queues[c].delay.recent()),
        };
        for sample in &before[from + 1..] {
            change.burst = change.burst.max(sample.burst);
            change.longest = std::array::from_fn(|c| change.longest[c].max(sample.longest[c]));
        }
        change
    }
}
