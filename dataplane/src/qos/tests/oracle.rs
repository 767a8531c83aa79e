//! The slow and obvious scheduler that judges the fast one: lists, wide
//! numbers, and every rule looked up for every frame that leaves.

use super::*;
use crate::qos::{Cells, Discipline, LINE_OVERHEAD};

const BYTE: i128 = 8_000_000_000;

/// A shaper by its definition.
#[derive(Clone, Copy, Debug)]
struct Level {
    rate: u64,
    depth: i128,
    level: i128,
    at: u64,
    /// The longest frame without priority: a full one, or one that was sent.
    longest: i128,
}

impl Level {
    fn full(rate: u64, burst: u64, longest: i128) -> Self {
        let depth = i128::from(rate) * i128::from(burst);
        Self { rate, depth, level: depth, at: 0, longest }
    }

    fn at(&mut self, now: u64) -> &mut Self {
        self.level = self.depth.min(self.level + i128::from(now - self.at) * i128::from(self.rate));
        self.at = now;
        self
    }

    /// What passes while nothing waits is not saved, but for the last `unseen` nanoseconds.
    fn idle(&mut self, now: u64, unseen: u64) {
        let now = self.at(now);
        now.level = now.level.min(i128::from(now.rate) * i128::from(unseen));
    }

    fn spend(&mut self, now: u64, bytes: i128, priority: bool) {
        self.at(now).level -= bytes * BYTE;
        self.longest = if priority { self.longest } else { self.longest.max(bytes) };
    }

    fn retune(old: Option<Self>, new: Option<Self>, now: u64) -> Option<Self> {
        let new = new?;
        Some(old.map_or(new, |mut old| Self { level: old.at(now).level.min(new.depth), at: now, ..new }))
    }

    /// The first nanosecond from `now` on at which it is not in debt; with priority, of more than a frame.
    fn clear(mut self, now: u64, priority: bool) -> u64 {
        let owed = if priority { self.longest * BYTE } else { 0 };
        let debt = -(self.at(now).level + owed).min(0);
        now + (debt as u128).div_ceil(u128::from(self.rate)) as u64
    }
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    class: TrafficClass,
    len: usize,
    serial: u32,
    since: u64,
}

#[derive(Debug)]
struct Place {
    spec: Arc<InterfaceQos>,
    shaper: Option<Level>,
    assured: Option<Level>,
    waiting: Vec<Waiting>,
}

impl Place {
    fn new(spec: &Arc<InterfaceQos>) -> Self {
        let (shaper, assured) = (level(spec), assured(spec));
        Self { spec: spec.clone(), shaper, assured, waiting: Vec::new() }
    }

    fn may_send(&self, now: u64, priority: bool) -> bool {
        self.shaper.is_none_or(|s| s.clear(now, priority) == now)
    }

    /// The first nanosecond from `now` on at which something that waits may leave, with priority or without.
    fn ready(&self, now: u64, priority: bool) -> Option<u64> {
        let waits = self.waiting.iter().any(|w| self.rules(w.class).priority == priority);
        waits.then(|| self.shaper.map_or(now, |s| s.clear(now, priority)))
    }

    /// Whether it may send out of what it is sure of.
    fn is_sure(&self, now: u64) -> bool {
        self.assured.is_some_and(|a| a.clear(now, false) == now)
    }

    /// Whether something without priority waits that has a weight.
    fn has_weighted(&self) -> bool {
        self.waiting.iter().map(|w| self.rules(w.class)).any(|r| !r.priority && r.weight > 0)
    }

    fn fifo(&self) -> bool {
        self.spec.discipline == Discipline::Fifo
    }

    fn rules(&self, class: TrafficClass) -> ClassQos {
        let class = if self.fifo() { TrafficClass::Standard } else { class };
        let mut rules = self.spec.classes[class.index()];
        if self.fifo() {
            (rules.priority, rules.weight) = (false, 1);
        }
        if class == TrafficClass::Control {
            rules.weight = rules.weight.max(1);
        }
        rules
    }

    /// Those that wait in one queue with `class`.
    fn queue(&self, class: TrafficClass) -> impl Iterator<Item = &Waiting> {
        self.waiting.iter().filter(move |w| self.fifo() || w.class == class)
    }

    fn urgent(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.iter().filter(|w| self.rules(w.class).priority)
    }
}

fn level(spec: &InterfaceQos) -> Option<Level> {
    spec.shaper.map(|s| Level::full(s.rate, s.burst, on_the_line(spec, 1514 + overhead(spec))))
}

fn assured(spec: &InterfaceQos) -> Option<Level> {
    spec.assured.map(|a| Level::full(a.rate, a.burst.max(100 * MS), 0))
}

fn overhead(spec: &InterfaceQos) -> i128 {
    spec.shaper.map_or(0, |s| i128::from(s.overhead))
}

/// Bytes on the line for so many of a frame, cell by cell.
fn on_the_line(spec: &InterfaceQos, bytes: i128) -> i128 {
    let (mut left, mut line) = (bytes, 0);
    match spec.shaper.map(|s| s.cells).unwrap_or_default() {
        Cells::None => line = bytes,
        Cells::Atm => {
            while left > 0 {
                (left, line) = (left - 48, line + 53);
            }
        }
        Cells::Ptm => {
            while left > 0 {
                (left, line) = (left - 64, line + left.min(64) + 1);
            }
        }
    }
    line
}

/// The same of a whole queue, about: cells that are not full are left out.
fn queue_on_the_line(spec: &InterfaceQos, bytes: i128) -> i128 {
    match spec.shaper.map(|s| s.cells).unwrap_or_default() {
        Cells::None => bytes,
        Cells::Atm => bytes * 53 / 48,
        Cells::Ptm => bytes * 65 / 64,
    }
}

/// What the tree should hold, and may do.
#[derive(Debug, Default)]
pub(super) struct Oracle {
    places: Vec<Option<Place>>,
    port: Option<Level>,
    /// Until when it was looked at.
    at: u64,
}

impl Oracle {
    pub(super) fn sync(
        &mut self,
        (now, unseen): (u64, u64),
        port_rate: u64,
        specs: &[Option<Arc<InterfaceQos>>],
        dropped: &[Gone],
    ) {
        self.pass(now, unseen);
        let port = (port_rate > 0).then(|| Level::full(port_rate, MS, 1514 + i128::from(LINE_OVERHEAD)));
        self.port = Level::retune(self.port, port, now);
        self.places.resize_with(specs.len().max(self.places.len()), || None);
        let mut gone = 0;
        for (place, spec) in self.places.iter_mut().zip(specs) {
            match (place.as_mut(), spec) {
                (Some(place), Some(spec)) if place.spec != *spec => {
                    place.shaper = Level::retune(place.shaper, level(spec), now);
                    place.assured = Level::retune(place.assured, assured(spec), now);
                    place.spec = spec.clone();
                }
                (None, Some(spec)) => *place = Some(Place::new(spec)),
                (Some(old), None) => {
                    for w in &old.waiting {
                        assert!(dropped.iter().any(|d| d.serial == w.serial));
                        gone += 1;
                    }
                    *place = None;
                }
                (Some(_), Some(_)) | (None, None) => {}
            }
        }
        assert_eq!(dropped.len(), gone);
        assert!(dropped.iter().all(|d| d.why == Some(DropReason::InterfaceGone)));
    }

    /// Time passes. While nothing may leave, the port saves nothing, but for what was `unseen`.
    fn pass(&mut self, now: u64, unseen: u64) {
        let places = self.places.iter().flatten();
        let ready =
            places.flat_map(|p| [true, false].into_iter().filter_map(|first| p.ready(self.at, first)));
        let ready = ready.min().unwrap_or(u64::MAX);
        if let Some(port) = self.port.as_mut().filter(|_| ready > self.at) {
            port.idle(now, now - ready.min(now - unseen));
        }
        self.at = now;
    }

    /// A frame was offered, and refused for `why` or not.
    pub(super) fn offered(
        &mut self,
        (now, unseen): (u64, u64),
        (site, class, len, serial): (u32, TrafficClass, usize, u32),
        why: Option<DropReason>,
    ) {
        self.pass(now, unseen);
        let port = self.port;
        let Some(place) = self.places[site as usize].as_mut() else {
            return assert_eq!(why, Some(DropReason::InterfaceGone));
        };
        let rules = place.rules(class);
        let (count, bytes) = place.queue(class).fold((0, 0), |(n, sum), w| (n + 1, sum + w.len));
        if bytes + len > rules.limit_bytes as usize {
            return assert_eq!(why, Some(DropReason::QueueBytes));
        }
        let owed = |longest: i128| if rules.priority { longest * BYTE } else { 0 };
        let spare = place.shaper.as_mut().map_or(owed(1514), |s| (s.at(now).level + owed(s.longest)).max(0));
        let ahead = (bytes as i128 + count * overhead(&place.spec)).max(0);
        let ahead = queue_on_the_line(&place.spec, ahead) * BYTE - spare;
        let rate = place.shaper.or(port).map_or(0, |s| s.rate);
        let late = ahead - i128::from(rate) * i128::from(rules.limit_time);
        let may_be_late = rate > 0 && rules.limit_time > 0 && late > -BYTE;
        if why == Some(DropReason::QueueTime) {
            return assert!(may_be_late);
        }
        assert_eq!(why, None);
        assert!(!may_be_late || late < BYTE);
        if let (Some(spec), Some(tokens)) = (place.spec.assured, place.assured) {
            let begins = !rules.priority && rules.weight > 0 && !place.has_weighted();
            let most = i128::from(spec.rate) * i128::from(spec.burst);
            let kept = Level { level: tokens.clone().at(now).level.min(most), at: now, ..tokens };
            place.assured = Some(if begins { kept } else { tokens });
        }
        place
            .shaper
            .as_mut()
            .filter(|_| place.waiting.is_empty())
            .into_iter()
            .for_each(|s| s.idle(now, unseen));
        place.waiting.push(Waiting { class, len, serial, since: now });
    }

    /// These left or were dropped, in this order, in one `dequeue` of at most `max`.
    pub(super) fn left(&mut self, (now, unseen): (u64, u64), gone: &[Gone], max: usize) {
        self.pass(now, unseen);
        let (dropped, sent): (Vec<&Gone>, Vec<&Gone>) = gone.iter().partition(|g| g.why.is_some());
        for drop in dropped {
            let place = self.places[drop.interface.index()].as_mut().unwrap();
            let limit = place.rules(drop.class).limit_time;
            assert!(limit > 0 && drop.waited > limit && drop.why == Some(DropReason::QueueTime));
            let at = place.waiting.iter().position(|w| w.serial == drop.serial).unwrap();
            place.waiting.remove(at);
        }
        for frame in &sent {
            self.sent(now, frame);
        }
        assert!(sent.len() == max || self.next_event(now) > now);
    }

    fn port_lets(&self, now: u64, priority: bool) -> bool {
        self.port.is_none_or(|p| p.clear(now, priority) == now)
    }

    fn sent(&mut self, now: u64, frame: &Gone) {
        let place = self.places[frame.interface.index()].as_ref().unwrap();
        let rules = place.rules(frame.class);
        assert!(self.port_lets(now, rules.priority), "the port's rate");
        assert!(place.may_send(now, rules.priority), "the interface's rate");
        assert!(rules.limit_time == 0 || frame.waited <= rules.limit_time);
        let first = place.waiting.iter().position(|w| w.class == frame.class).unwrap();
        assert_eq!(place.waiting[first].serial, frame.serial, "in order within a class");
        if place.fifo() {
            assert_eq!(place.waiting[first].since, place.waiting.iter().map(|w| w.since).min().unwrap());
        }
        if rules.priority {
            assert!(place.urgent().all(|w| w.class >= frame.class));
        } else {
            let mut may_send = self.places.iter().flatten().filter(|p| p.may_send(now, true));
            assert!(may_send.all(|p| p.urgent().count() == 0), "a priority frame waits");
            let may_send = || self.places.iter().flatten().filter(|p| p.may_send(now, false));
            let others = || may_send().filter(|p| p.has_weighted());
            assert!(rules.weight > 0 || others().count() == 0, "a leftover goes before what has a weight");
            let sure = place.is_sure(now) || rules.weight == 0;
            assert!(sure || !others().any(|p| p.is_sure(now)), "one that is sure of a turn waits");
        }
        let is_sure = place.is_sure(now);
        let place = self.places[frame.interface.index()].as_mut().unwrap();
        place.waiting.remove(first);
        let accounted = on_the_line(&place.spec, (frame.len as i128 + overhead(&place.spec)).max(1));
        if let Some(shaper) = &mut place.shaper {
            shaper.spend(now, accounted, rules.priority);
        }
        if let Some(assured) =
            place.assured.as_mut().filter(|_| rules.priority || rules.weight > 0 && is_sure)
        {
            let most = -i128::from(assured.rate) * 100_000_000;
            let level = assured.at(now).level;
            assured.level = (level - accounted * BYTE).max(most.min(level));
        }
        if let Some(port) = &mut self.port {
            port.spend(now, frame.len as i128 + i128::from(LINE_OVERHEAD), rules.priority);
        }
    }

    /// When the next frame can leave.
    pub(super) fn next_event(&self, now: u64) -> u64 {
        let first = |priority| {
            let site = self.places.iter().flatten().filter_map(|p| p.ready(now, priority)).min()?;
            Some(site.max(self.port.map_or(now, |p| p.clear(now, priority))))
        };
        [true, false].into_iter().filter_map(first).min().unwrap_or(u64::MAX)
    }

    /// Frames and bytes that wait.
    pub(super) fn held(&self) -> (usize, u64) {
        let all = self.places.iter().flatten().flat_map(|p| &p.waiting);
        all.fold((0, 0), |(n, bytes), w| (n + 1, bytes + w.len as u64))
    }
}
