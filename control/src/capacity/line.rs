//! A line and its sites: what the others can send before a site is served.
//!
//! Sums over all sites of a line are made once; what a site meets is the sums without
//! its own part.

use dataplane::class::{CLASSES, TrafficClass};
use dataplane::qos::QUANTUM;

use super::curve::{Arrival, Service, bytes, time};
use super::path::{Line, Turns};
use super::short::Short;
use super::site::Site;

/// The most that a site is behind with what it is guaranteed, nanoseconds at that rate.
const BEHIND: u64 = 100_000_000;

/// What one site sends at most, as the line counts it.
#[derive(Clone, Debug)]
struct Sends {
    /// With priority.
    urgent: Result<Arrival, Short>,
    /// With priority, and of what it is guaranteed.
    first: Option<Arrival>,
    /// By its shaper.
    shaped: Option<Arrival>,
    /// In a turn, bytes.
    quantum: u64,
    /// In a frame, bytes.
    longest: u64,
}

/// What several sites send, and of how many nothing is known.
#[derive(Clone, Debug, Default)]
struct Sum {
    known: Arrival,
    unknown: usize,
}

impl Sum {
    fn add(&mut self, one: Option<Arrival>) {
        match one {
            Some(one) => self.known = self.known.and(one),
            None => self.unknown += 1,
        }
    }

    /// Of the others than `one`.
    fn without(&self, one: Option<Arrival>) -> Option<Arrival> {
        let (own, unknown) = (one.unwrap_or_default(), usize::from(one.is_none()));
        let burst = self.known.burst.saturating_sub(own.burst);
        (self.unknown == unknown).then(|| Arrival { burst, rate: self.known.rate.saturating_sub(own.rate) })
    }
}

/// All sites of a line together.
#[derive(Clone, Debug, Default)]
pub(super) struct Together {
    /// The port's scheduler trees.
    trees: u64,
    sites: u64,
    urgent: Sum,
    first: Sum,
    shaped: Sum,
    quanta: u64,
    /// The two longest frames.
    longest: [u64; 2],
    /// The first two of which it is not known what they send with priority.
    unbounded: Vec<(String, Short)>,
}

impl Together {
    /// A line without sites, of a port with so many scheduler trees.
    pub(super) fn new(trees: u64) -> Self {
        Self { trees, ..Self::default() }
    }

    pub(super) fn add(&mut self, site: &Site<'_>) {
        let sends = site.sends();
        self.sites += 1;
        self.urgent.add(sends.urgent.clone().ok());
        self.first.add(sends.first);
        self.shaped.add(sends.shaped);
        self.quanta = self.quanta.saturating_add(sends.quantum);
        let [first, second] = self.longest;
        self.longest = [first.max(sends.longest), second.max(first.min(sends.longest))];
        if let (Err(short), true) = (sends.urgent, self.unbounded.len() < 2) {
            self.unbounded.push((site.interface.name.clone(), short));
        }
    }

    /// What `site`, which is one of these, meets on the line.
    pub(super) fn beside(&self, site: &Site<'_>) -> Beside {
        let own = site.sends();
        let unbounded = || {
            let other = self.unbounded.iter().find(|(name, _)| *name != site.interface.name);
            other.map_or(Short::NoRate, |(_, short)| short.clone())
        };
        let begun = if own.longest == self.longest[0] { self.longest[1] } else { self.longest[0] };
        // Trees that find the line free at the same moment each begin a frame.
        let at_once = self.trees.min(self.sites).saturating_sub(1);
        Beside {
            trees: at_once + 1,
            others: self.sites.saturating_sub(1),
            urgent: self.urgent.without(own.urgent.ok()).ok_or_else(unbounded),
            first: self.first.without(own.first),
            shaped: self.shaped.without(own.shaped),
            quanta: self.quanta.saturating_sub(own.quantum),
            begun: begun.saturating_add(self.longest[0].saturating_mul(at_once)),
        }
    }
}

/// What a site meets on its line.
#[derive(Clone, Debug)]
pub(super) struct Beside {
    /// Scheduler trees that the line's sites are in.
    trees: u64,
    others: u64,
    urgent: Result<Arrival, Short>,
    first: Option<Arrival>,
    shaped: Option<Arrival>,
    quanta: u64,
    /// The longest frame of another site, and one of each further tree, bytes.
    begun: u64,
}

impl Beside {
    pub(super) fn is_alone(&self) -> bool {
        self.others == 0
    }
}

impl Site<'_> {
    pub(super) fn on_line(&self, rate: u64, class: TrafficClass, beside: &Beside) -> Result<Line, Short> {
        let full = self.qos.shaper.map_or(u64::MAX, |s| s.burst);
        let (urgent, begun) = (beside.urgent.clone()?, beside.begun);
        // Of its own site, what goes before the class goes on coming while it waits for others.
        let own = self.ahead(self.before(class)).map(|own| self.load(own).line)?;
        let own = Arrival { burst: 0, rate: own.rate };
        let fits = |before: &Arrival| before.rate < rate;
        let before = Some(urgent.and(own)).filter(fits);
        let before = before.ok_or(Short::Line { needed: urgent.and(own).rate, there: rate })?;
        if self.class(class.index()).priority {
            return Ok(Line { rate, before: Some(before), begun, turns: [None; 2], full });
        }
        // What the shapers of all the others let out, whatever the order.
        let before = beside.shaped.map(|shaped| shaped.and(own)).filter(fits);
        let after = beside.first.and_then(|first| Service::of(rate).without(first, 0));
        let turns =
            after.map(|after| [self.guaranteed(after, beside, class), self.by_turns(after, beside, class)]);
        let turns = turns.unwrap_or_default();
        Ok(Line { rate, before, begun, turns, full })
    }

    /// What it is guaranteed, beside those of others that have had theirs.
    fn guaranteed(&self, after: Service, beside: &Beside, class: TrafficClass) -> Option<Turns> {
        let rate = self.qos.assured?.rate.min(self.of_line(after.rate));
        self.turns(rate, (after.latency, time(beside.begun, after.rate)), class)
    }

    /// Deficit round robin (Stiliadis and Varma, INFOCOM 1996, table 1): its weight's part of what
    /// is not guaranteed, after three quanta of each but for two of its own. One that comes back
    /// in a round that it has not had its quantum of goes first. Sites of several trees have their
    /// quanta of a round in any order: first in one and last in the next, which is a quantum of
    /// each of the others more.
    fn by_turns(&self, after: Service, beside: &Beside, class: TrafficClass) -> Option<Turns> {
        let own = self.sends().quantum;
        let all = beside.quanta.saturating_add(own);
        let rounds = if beside.trees > 1 { 4 } else { 3 };
        let before = all.saturating_mul(rounds).saturating_sub((rounds - 1) * own);
        let part = after.share((own, all), before, 0)?;
        self.turns(self.of_line(part.rate), (part.latency, time(beside.begun, after.rate)), class)
    }

    fn turns(&self, rate: u64, (once, again): (u64, u64), class: TrafficClass) -> Option<Turns> {
        let rate = rate.min(self.rate()?);
        let ahead = Arrival { burst: 0, rate: self.ahead(self.before(class)).ok()?.rate };
        // While it waits for others, what goes before it comes.
        let stretched = |latency| Some(Service { rate, latency }.without(ahead, 0)?.latency);
        let site = self.service(class, rate).ok()?;
        Some(Turns { site, rate, once: stretched(once)?, again: stretched(again)? })
    }

    fn sends(&self) -> Sends {
        let longest = self.wire(self.interface.longest().into());
        // A turn is of so many bytes as the site counts them, and may end a frame later.
        let turn = QUANTUM.unsigned_abs().max(self.longest()) * u64::from(self.qos.weight.max(1));
        let quantum = self.load(Arrival { burst: turn, rate: 0 }).line.burst.max(longest);
        let urgent = self.urgent();
        let first = urgent.as_ref().ok().map(|urgent| match self.sure() {
            // What goes with priority is counted to what is guaranteed.
            Some(sure) => {
                let burst = urgent.burst.saturating_add(sure.burst);
                Arrival { burst, rate: urgent.rate.max(sure.rate) }
            }
            None => *urgent,
        });
        Sends { urgent, first, shaped: self.shaped(), quantum, longest }
    }

    /// The most that it sends out of what it is guaranteed, as the line counts it.
    fn sure(&self) -> Option<Arrival> {
        let sure = self.qos.assured?;
        let burst = bytes(BEHIND.max(sure.burst), sure.rate).saturating_add(self.longest());
        Some(self.load(Arrival { burst, rate: sure.rate }).line)
    }

    /// The most that its shaper lets out, as the line counts it: two frames beyond its burst.
    fn shaped(&self) -> Option<Arrival> {
        let shaper = self.qos.shaper?;
        let burst = bytes(shaper.burst, shaper.rate).saturating_add(self.owed() + self.longest());
        Some(self.load(Arrival { burst, rate: shaper.rate }).line)
    }

    /// The most that it sends with priority, as the line counts it.
    fn urgent(&self) -> Result<Arrival, Short> {
        let policed = self.ahead((0..CLASSES).filter(|c| self.class(*c).priority));
        match (policed, self.shaped()) {
            (Ok(policed), Some(shaped)) => {
                let policed = self.load(policed).line;
                Ok(if shaped.rate < policed.rate { shaped } else { policed })
            }
            (Ok(policed), None) => Ok(self.load(policed).line),
            (Err(_), Some(shaped)) => Ok(shaped),
            (Err(short), None) => Err(short),
        }
    }
}
