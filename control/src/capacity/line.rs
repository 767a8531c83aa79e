//! A line and its sites: what the others can send before a site is served.
//!
//! Sums over all sites of a line are made once; what a site meets is the sums without
//! its own part.

use dataplane::class::{CLASSES, TrafficClass};
use dataplane::qos::QUANTUM;

use super::curve::{Arrival, Service, bytes, time};
use super::path::{Late, Line, Own, Turns};
use super::short::Short;
use super::site::{Load, Site};
use super::sure::Sure;

/// The most that a site is behind with what it is guaranteed, nanoseconds at that rate.
const BEHIND: u64 = 100_000_000;

/// What one site sends at most, as the line counts it.
#[derive(Clone, Debug)]
struct Sends {
    /// With priority.
    urgent: Result<Arrival, Short>,
    /// With priority, and of what it is guaranteed.
    first: Option<Arrival>,
    /// By its shaper: at any time; after it has waited for that alone.
    shaped: Option<Arrival>,
    held: Option<Arrival>,
    /// In a turn, bytes.
    quantum: u64,
    /// In a frame, bytes.
    longest: u64,
    late: Late,
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
    held: Sum,
    quanta: u64,
    /// The two longest frames.
    longest: [u64; 2],
    /// The first two of which it is not known what they send with priority.
    unbounded: Vec<(String, Short)>,
    late: Late,
    /// All their longest frames.
    frames: u64,
}

impl Default for Late {
    fn default() -> Self {
        Self { calm: u64::MAX, burst: u64::MAX }
    }
}

impl Late {
    fn and(self, other: Self) -> Self {
        Self { calm: self.calm.min(other.calm), burst: self.burst.min(other.burst) }
    }
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
        self.held.add(sends.held);
        self.quanta = self.quanta.saturating_add(sends.quantum);
        self.late = self.late.and(sends.late);
        self.frames = self.frames.saturating_add(sends.longest);
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
            held: self.held.without(own.held),
            quanta: self.quanta.saturating_sub(own.quantum),
            begun: begun.saturating_add(self.longest[0].saturating_mul(at_once)),
            late: self.late,
            round: (self.trees <= 1).then(|| self.frames.saturating_sub(own.longest)),
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
    held: Option<Arrival>,
    quanta: u64,
    /// The longest frame of another site, and one of each further tree, bytes.
    begun: u64,
    late: Late,
    /// A frame of each other site, bytes, where all are in one tree.
    round: Option<u64>,
}

impl Beside {
    pub(super) fn is_alone(&self) -> bool {
        self.others == 0
    }
}

impl Site<'_> {
    pub(super) fn on_line(&self, rate: u64, class: TrafficClass, beside: &Beside) -> Result<Line, Short> {
        let urgent = beside.urgent.clone()?;
        let ahead = self.ahead(self.before(class)).map(|ahead| self.load(ahead))?;
        let fits = |before: &Arrival| before.rate.saturating_add(ahead.line.rate) < rate;
        if !fits(&urgent) {
            let needed = urgent.rate.saturating_add(ahead.line.rate);
            return Err(Short::Line { needed, there: rate });
        }
        let first = self.class(class.index()).priority;
        let held = beside.held.filter(fits);
        let waits =
            held.map_or(u64::MAX, |held| time(held.burst.saturating_add(beside.begun), rate - held.rate));
        let own = self.own(rate, ahead, first, waits);
        if first {
            let (begun, late, round) = (beside.begun, Some(beside.late), beside.round);
            return Ok(Line { rate, before: Some(urgent), held, begun, late, round, own, turns: [None; 3] });
        }
        // What the shapers of all the others let out, whatever the order.
        let before = beside.shaped.filter(fits);
        let turns = self.all_turns(rate, &own, beside, class).unwrap_or_default();
        Ok(Line { rate, before, held, begun: beside.begun, late: None, round: None, own, turns })
    }

    /// How the line sees it, for a class that goes `first` or has its turn behind what is `ahead`, where it `waits` for
    /// the line no longer than so.
    fn own(&self, line: u64, ahead: Load, first: bool, waits: u64) -> Own {
        let line = self.of_line(line);
        let rate = self.rate().unwrap_or(line);
        let (owed, begun) = match first {
            true => (self.owed(), time(self.longest(), rate.saturating_sub(ahead.site.rate))),
            false => (0, 0),
        };
        let (saved, full) = match self.qos.shaper {
            // A line that is no faster than the site sends no burst of it.
            Some(shaper) => {
                let full = if rate < line { shaper.burst.min(waits) } else { 0 };
                (bytes(shaper.burst, shaper.rate).saturating_add(owed), full)
            }
            None => (u64::MAX, 0),
        };
        Own { ahead, rate, line, saved, full, begun, first }
    }

    /// What turns give it: out of what it is guaranteed, of what none is, and both together.
    fn all_turns(
        &self,
        line: u64,
        own: &Own,
        beside: &Beside,
        class: TrafficClass,
    ) -> Option<[Option<Turns>; 3]> {
        let first = beside.first?;
        let assured = self.qos.assured.map_or(0, |assured| assured.rate);
        let sure = self.sure_of(assured, line, own, (first, beside));
        let turns = |site: Service| {
            let site = self.part(class, site).ok()?;
            Some(Turns { site, rate: site.rate, once: 0, again: 0 })
        };
        let shared = || {
            // Its own priority costs it tokens, slower than the line sends: its burst is counted there.
            let urgent = Arrival { burst: 0, rate: own.ahead.line.rate };
            let after = Service::of(line).without(first.and(urgent), 0);
            let (rate, once, again) = self.by_turns(after, own, beside)?;
            self.shared(class, rate, once, again)
        };
        let shared = if sure.is_held() { sure.by_weight().and_then(turns) } else { shared() };
        let of_sure = |served: fn(&Sure) -> Option<Service>| {
            (assured > 0).then(|| served(&sure)).flatten().and_then(turns)
        };
        Some([of_sure(Sure::guaranteed), shared, of_sure(Sure::both)])
    }

    /// It, with what it is guaranteed, beside others on a line.
    fn sure_of(&self, rate: u64, line: u64, own: &Own, (first, beside): (Arrival, &Beside)) -> Sure {
        let (longest, owed, begun) = (self.longest(), self.owed(), beside.begun);
        let (mine, all, rounds) = self.rounds(beside);
        Sure { rate, line, own: *own, first, begun, longest, owed, part: (mine, all), rounds }
    }

    /// Its quantum, that of all, and what all send before its first turn, bytes on the line.
    fn rounds(&self, beside: &Beside) -> (u64, u64, u64) {
        let quantum = self.sends().quantum;
        let all = beside.quanta.saturating_add(quantum);
        let rounds = if beside.trees > 1 { 4 } else { 3 };
        (quantum, all, all.saturating_mul(rounds).saturating_sub((rounds - 1) * quantum))
    }

    /// Deficit round robin (Stiliadis and Varma, INFOCOM 1996, table 1): its weight's part of what
    /// is not guaranteed, after three quanta of each but for two of its own. One that comes back
    /// in a round that it has not had its quantum of goes first. Sites of several trees have their
    /// quanta of a round in any order: first in one and last in the next, which is a quantum of
    /// each of the others more. Priority of the site itself is not counted to its quantum: it goes before all
    /// turns, as that of the others does. Gives bit/s, the wait for the first turn, and that for a frame that has begun.
    fn by_turns(&self, after: Option<Service>, own: &Own, beside: &Beside) -> Option<(u64, u64, u64)> {
        let after = after?;
        let (quantum, all, before) = self.rounds(beside);
        let part = after.share((quantum, all), before)?;
        let rate = self.of_line(part.rate).min(own.rate);
        Some((rate, part.latency, time(beside.begun, after.rate)))
    }

    /// A class's part of turns that give its interface so much beside its priority, which its shaper counts.
    fn shared(&self, class: TrafficClass, rate: u64, once: u64, again: u64) -> Option<Turns> {
        let ahead = self.ahead(self.before(class)).ok()?;
        let left = Service::of(self.rate()?).without(ahead, self.begun(class))?;
        let rate = rate.min(left.rate);
        let site = self.part(class, Service { rate, latency: left.latency }).ok()?;
        Some(Turns { site, rate, once, again })
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
        let (shaped, held) = self.shaped().unzip();
        Sends { urgent, first, shaped, held, quantum, longest, late: self.late() }
    }

    fn late(&self) -> Late {
        let policed = self.ahead((0..CLASSES).filter(|c| self.class(*c).priority));
        let (Some(shaper), Ok(policed)) = (self.qos.shaper, policed) else { return Late::default() };
        let saved = bytes(shaper.burst, shaper.rate).saturating_add(self.owed());
        Late { calm: time(saved, policed.rate), burst: time(policed.burst, policed.rate) }
    }

    /// The most that it sends out of what it is guaranteed, as the line counts it.
    fn sure(&self) -> Option<Arrival> {
        let sure = self.qos.assured?;
        let burst = bytes(BEHIND.max(sure.burst), sure.rate).saturating_add(self.longest());
        Some(self.load(Arrival { burst, rate: sure.rate }).line)
    }

    /// The most that its shaper lets out, as the line counts it: two frames beyond its burst, and where it waited
    /// for nothing else, these alone.
    fn shaped(&self) -> Option<(Arrival, Arrival)> {
        let shaper = self.qos.shaper?;
        let frames = self.owed() + self.longest();
        let of =
            |burst: u64| self.load(Arrival { burst: burst.saturating_add(frames), rate: shaper.rate }).line;
        Some((of(bytes(shaper.burst, shaper.rate)), of(0)))
    }

    /// The most that it sends with priority, as the line counts it.
    fn urgent(&self) -> Result<Arrival, Short> {
        let policed = self.ahead((0..CLASSES).filter(|c| self.class(*c).priority));
        match (policed, self.shaped()) {
            (Ok(policed), Some((shaped, _))) => {
                let policed = self.load(policed).line;
                Ok(if shaped.rate < policed.rate { shaped } else { policed })
            }
            (Ok(policed), None) => Ok(self.load(policed).line),
            (Err(_), Some((shaped, _))) => Ok(shaped),
            (Err(short), None) => Err(short),
        }
    }
}
