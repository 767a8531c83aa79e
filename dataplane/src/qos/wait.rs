//! How long a frame would wait: what `explain` tells.
//!
//! Slow, for people. Nothing here is on a frame's way.

use super::scheduler::Scheduler;
use super::site::Site;
use super::spec::{ClassQos, Discipline};
use crate::class::{CLASSES, TrafficClass};
use crate::id::IfIndex;
use crate::time::Time;

/// Shortest frame without FCS, bytes: how many can fill a queue.
const SHORTEST: u64 = 60;
/// A full frame without FCS, where no longer one was seen.
const FULL: u64 = 1514;

/// Nanoseconds that `bytes` take at `rate` bit/s; `u64::MAX` when they never get through.
pub(super) fn time(bytes: u64, rate: u64) -> u64 {
    let ns = (u128::from(bytes) * 8_000_000_000).checked_div(u128::from(rate));
    ns.map_or(u64::MAX, |ns| u64::try_from(ns).unwrap_or(u64::MAX))
}

/// What may be in front of a frame: so many bytes at once, and from then on so
/// much of the rate.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ahead {
    bytes: u64,
    pub(super) rate: u64,
}

impl Scheduler {
    /// The longest that a frame of `class` can wait on `interface` if it is let
    /// in, nanoseconds, whatever else comes: its own class has sent all that its
    /// policer lets through at once (or has filled its queue, where none does),
    /// so have the classes that go before it, every class with a weight waits,
    /// and a full frame has just begun. `u64::MAX` when nothing bounds it: weight
    /// 0, or a class that goes before it has no policer. 0 when the interface is
    /// unknown, or neither it nor its port has a rate, so that only the port makes
    /// it wait. Where the port's rate is less than its interfaces' together, it is
    /// taken to be divided evenly.
    pub fn worst_wait(&self, interface: IfIndex, class: TrafficClass, now: Time) -> u64 {
        let Some(site) = self.site(interface) else { return 0 };
        let rate = self.share(site, self.is_oversubscribed().then_some(self.sites_in_use()));
        if rate == 0 {
            return 0;
        }
        let others = self.sites_in_use() as u64 - 1;
        let turns = if self.port_rate == 0 { 0 } else { time(others * site.longest(), self.port_rate) };
        let wait = site.worst(class, rate).saturating_add(turns).max(site.expected(class, rate, now));
        site.within_limit(class, wait)
    }

    /// How long a frame of `class` that came to `interface` now would wait,
    /// nanoseconds, if nothing else came: what is queued goes first as priority
    /// and weights have it. 0 when only the port makes it wait. Where the port has
    /// a rate, the interfaces that wait now divide it evenly.
    pub fn expected_wait(&self, interface: IfIndex, class: TrafficClass, now: Time) -> u64 {
        let Some(site) = self.site(interface) else { return 0 };
        let others = self.sites.iter().flatten().filter(|s| s.frames > 0 && s.id != interface).count();
        let rate = self.share(site, Some(others + 1));
        let port = self.port.as_ref().map_or(0, |p| p.out_of_debt().since(now));
        if rate == 0 { 0 } else { site.within_limit(class, site.expected(class, rate, now).max(port)) }
    }

    fn site(&self, interface: IfIndex) -> Option<&Site> {
        self.sites[self.find(interface)?].as_ref()
    }

    fn sites_in_use(&self) -> usize {
        self.sites.iter().flatten().count()
    }

    fn is_oversubscribed(&self) -> bool {
        let shaped = |s: &Site| s.spec.shaper.map_or(u64::MAX, |s| s.rate);
        self.sites.iter().flatten().map(shaped).fold(0, u64::saturating_add) > self.port_rate
    }

    /// What the interface gets, bit/s, when the port is divided among `sites`; 0 is no rate at all.
    fn share(&self, site: &Site, sites: Option<usize>) -> u64 {
        let own = site.spec.shaper.map_or(u64::MAX, |s| s.rate);
        let port = match (self.port_rate, sites) {
            (0, _) | (_, None) => u64::MAX,
            (rate, Some(sites)) => (rate / sites.max(1) as u64).max(1),
        };
        if own.min(port) == u64::MAX { 0 } else { own.min(port) }
    }
}

impl Site {
    /// A frame that waits longer than its class may is dropped.
    fn within_limit(&self, class: TrafficClass, wait: u64) -> u64 {
        match self.spec.classes[self.place(class)].limit_time {
            0 => wait,
            limit => wait.min(limit),
        }
    }

    pub(super) fn longest(&self) -> u64 {
        u64::from(self.accounted(FULL as usize))
    }

    /// Accounted bytes of a full queue.
    fn full(&self, spec: &ClassQos) -> u64 {
        let bytes = u64::from(spec.limit_bytes);
        let shortest = bytes.div_ceil(SHORTEST) * u64::from(self.accounted(SHORTEST as usize));
        let whole = self.accounted_all(0, spec.limit_bytes);
        // The last of the shortest may be cut short.
        let cut = (bytes.div_ceil(SHORTEST) * SHORTEST - bytes).min(SHORTEST);
        (shortest - cut.min(shortest)).max(whole)
    }

    fn worst(&self, class: TrafficClass, rate: u64) -> u64 {
        let spec = &self.spec.classes[self.place(class)];
        if self.spec.discipline == Discipline::Fifo {
            return time(self.full(spec) + self.longest(), rate);
        }
        let before = |c: usize| {
            self.spec.classes[c].priority && (!spec.priority || c < class.index()) && c != class.index()
        };
        let Some(ahead) = self.policed((0..CLASSES).filter(|c| before(*c))) else { return u64::MAX };
        let left = rate.saturating_sub(ahead.rate);
        let begun = time(ahead.bytes + self.longest(), left);
        let own = spec.shaper.map_or(left, |own| left.min(own.rate));
        if spec.priority {
            return begun.saturating_add(time(self.own(spec, own), own));
        }
        let (mine, all, classes) = self.weights(class);
        if mine == 0 {
            return u64::MAX;
        }
        // Start-time fair queueing: no more than one longest frame of its own at its share,
        // and one of every other class, before its share is steady.
        let share = (u128::from(left) * u128::from(mine) / u128::from(all)) as u64;
        let share = share.min(own);
        let own = time(self.own(spec, share) + self.longest(), share);
        begun.saturating_add(own).saturating_add(time(self.longest() * (classes - 1), left))
    }

    /// What a class's own frames may be ahead: its policer's burst, where that
    /// and its rate get through, or a full queue.
    fn own(&self, spec: &ClassQos, rate: u64) -> u64 {
        let full = self.full(spec);
        spec.policer.filter(|p| p.rate <= rate).map_or(full, |p| p.burst.min(full))
    }

    /// What their policers let through; `None` when one has none.
    pub(super) fn policed(&self, mut classes: impl Iterator<Item = usize>) -> Option<Ahead> {
        classes.try_fold(Ahead::default(), |sum, c| {
            let policer = self.spec.classes[c].policer?;
            let (bytes, rate) = (sum.bytes + policer.burst, sum.rate.saturating_add(policer.rate));
            Some(Ahead { bytes, rate })
        })
    }

    /// The class's weight, that of all weighted classes, and how many these are.
    fn weights(&self, class: TrafficClass) -> (u64, u64, u64) {
        let weight = |c: usize| u64::from(self.weight(c));
        let weighted = (0..CLASSES).filter(|c| weight(*c) > 0);
        (weight(class.index()), weighted.clone().map(weight).sum(), weighted.count() as u64)
    }

    fn waiting(&self, class: usize) -> u64 {
        self.accounted_all(self.queues[class].frames, self.queues[class].bytes)
    }

    fn expected(&self, class: TrafficClass, rate: u64, now: Time) -> u64 {
        let debt = self.eligible().since(now);
        let spare = self.shaper.clone().map_or(0, |mut s| s.bytes(now));
        debt.saturating_add(time(self.backlog_before(class).saturating_sub(spare), rate))
    }

    /// Bytes that wait now and leave before a frame of `class` that comes now.
    fn backlog_before(&self, class: TrafficClass) -> u64 {
        let (place, me) = (self.place(class), class.index());
        if self.spec.discipline == Discipline::Fifo {
            return self.waiting(place);
        }
        let (priority, mine) = (self.spec.classes[me].priority, u128::from(self.weight(me)));
        let before = |c: usize| {
            let (theirs, waiting) = (u128::from(self.weight(c)), self.waiting(c));
            match self.spec.classes[c].priority {
                _ if c == me => waiting,
                true if !priority || c < me => waiting,
                false if !priority && (mine == 0 || theirs > 0) => {
                    let meanwhile = (u128::from(self.waiting(me)) * theirs).checked_div(mine);
                    meanwhile.map_or(waiting, |m| waiting.min(m as u64))
                }
                _ => 0,
            }
        };
        (0..CLASSES).map(before).sum()
    }
}
