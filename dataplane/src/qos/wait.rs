//! How long a frame would wait: what `explain` tells.
//!
//! Slow, for people. Nothing here is on a frame's way.

use super::scheduler::Scheduler;
use super::site::Site;
use super::spec::Discipline;
use crate::class::{CLASSES, TrafficClass};
use crate::id::IfIndex;
use crate::time::Time;

/// A full frame without FCS, where no longer one was seen.
pub(super) const FULL: usize = 1514;

/// Nanoseconds that `bytes` take at `rate` bit/s; `u64::MAX` when they never get through.
pub(super) fn time(bytes: u64, rate: u64) -> u64 {
    let ns = (u128::from(bytes) * 8_000_000_000).checked_div(u128::from(rate));
    ns.map_or(u64::MAX, |ns| u64::try_from(ns).unwrap_or(u64::MAX))
}

impl Scheduler {
    /// How long a frame of `class` that came to `interface` now would wait,
    /// nanoseconds, if nothing else came: what is queued goes first as priority
    /// and weights have it. 0 when only the port makes it wait. Where the port has
    /// a rate, the interfaces that wait now divide it evenly, with `beside` of its other trees.
    pub fn expected_wait(&self, interface: IfIndex, class: TrafficClass, beside: usize, now: Time) -> u64 {
        let Some(site) = self.site(interface) else { return 0 };
        let others = self.sites.iter().flatten().filter(|s| s.frames > 0 && s.id != interface).count();
        let rate = self.share(site, others + beside + 1);
        let urgent = site.goes_first(class);
        let port = self.line.due(urgent).since(now);
        if rate == 0 { 0 } else { site.within_limit(class, site.expected(class, rate, now).max(port)) }
    }

    /// Interfaces that have frames here.
    pub fn waiting(&self) -> usize {
        self.sites.iter().flatten().filter(|site| site.frames > 0).count()
    }

    fn site(&self, interface: IfIndex) -> Option<&Site> {
        self.sites[self.find(interface)?].as_ref()
    }

    /// What the interface gets, bit/s, when the port is divided among `sites`; 0 is no rate at all.
    fn share(&self, site: &Site, sites: usize) -> u64 {
        let own = site.spec.shaper.map_or(u64::MAX, |s| s.rate);
        let port = if self.port_rate == 0 { u64::MAX } else { (self.port_rate / sites as u64).max(1) };
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
        u64::from(self.accounted(FULL))
    }

    fn waiting(&self, class: usize) -> u64 {
        self.accounted_all(self.queues[class].frames, self.queues[class].bytes)
    }

    fn expected(&self, class: TrafficClass, rate: u64, now: Time) -> u64 {
        let (debt, urgent) = (self.due(false).since(now), self.goes_first(class));
        let spare = self.shaper.clone().map_or(0, |mut s| s.spare(now, false));
        let wait = debt.saturating_add(time(self.backlog_before(class).saturating_sub(spare), rate));
        // What priority may owe is not waited for.
        let owed = self.shaper.as_ref().map_or(self.longest(), |s| s.slack(true).into());
        wait.saturating_sub(if urgent { time(owed, rate) } else { 0 })
    }

    fn goes_first(&self, class: TrafficClass) -> bool {
        self.spec.discipline == Discipline::Classes && self.spec.classes[class.index()].priority
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
