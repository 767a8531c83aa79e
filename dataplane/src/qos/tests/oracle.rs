//! The slow and obvious scheduler that judges the fast one: lists, wide
//! numbers, and every rule looked up for every frame that leaves.

use super::level::{
    BYTE, By, Level, assured, level, on_the_line, overhead, paces, policers, queue_on_the_line,
};
use super::*;
use crate::class::CLASSES;
use crate::qos::{Discipline, LINE_OVERHEAD};

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
    /// What each class may send, and what may come of it.
    paces: [Option<Level>; CLASSES],
    policers: [Option<Level>; CLASSES],
    /// Classes that were in debt when the tree was asked last.
    held: [bool; CLASSES],
    waiting: Vec<Waiting>,
}

impl Place {
    fn new(spec: &Arc<InterfaceQos>) -> Self {
        let (shaper, assured) = (level(spec), assured(spec));
        let (paces, policers, held) = (paces(spec), policers(spec), [false; CLASSES]);
        Self { spec: spec.clone(), shaper, assured, paces, policers, held, waiting: Vec::new() }
    }

    /// Another specification: tokens that fit stay.
    fn retune(&mut self, spec: &Arc<InterfaceQos>, now: u64) {
        let (waits, weighted) = (!self.waiting.is_empty(), self.has_weighted(By::Sure, now));
        let idle = waits && self.open(By::Sure, now).count() == 0;
        self.shaper = Level::retune(self.shaper, level(spec), now);
        // Tokens stay, but for those of the time in which nothing might leave.
        for by in [By::Sure, By::Most] {
            self.shaper.iter_mut().filter(|_| idle).for_each(|s| s.idle(by, now, 0));
        }
        self.assured = Level::retune(self.assured, assured(spec), now);
        let (paces, policers) = (paces(spec), policers(spec));
        for class in 0..CLASSES {
            self.paces[class] = Level::retune(self.paces[class], paces[class], now);
            self.policers[class] = Level::retune(self.policers[class], policers[class], now);
        }
        self.spec = spec.clone();
        self.held = TrafficClass::ALL.map(|class| self.paid(class, now) > now);
        if waits && !weighted && self.has_weighted(By::Sure, now) {
            let burst = self.spec.assured.map_or(0, |spec| spec.burst);
            for by in [By::Sure, By::Most] {
                self.assured.iter_mut().for_each(|a| a.idle(by, now, burst));
            }
        }
    }

    fn may_send(&self, by: By, now: u64, priority: bool) -> bool {
        self.shaper.is_none_or(|s| s.clear(by, now, priority) == now)
    }

    /// When a class is out of its debt.
    fn paid(&self, class: TrafficClass, now: u64) -> u64 {
        self.paces[class.index()].map_or(now, |pace| pace.clear(By::Sure, now, false))
    }

    /// Those that wait, but of classes in debt: now, or when the tree was asked last.
    fn open(&self, by: By, now: u64) -> impl Iterator<Item = &Waiting> {
        let open = move |w: &&Waiting| match by {
            By::Sure => !self.held[w.class.index()],
            By::Most => self.paid(w.class, now) == now,
        };
        self.waiting.iter().filter(open)
    }

    /// The first nanosecond from `now` on at which something that waits may leave, with priority or without.
    fn ready(&self, by: By, now: u64, priority: bool) -> Option<u64> {
        let mine = self.waiting.iter().filter(|w| self.rules(w.class).priority == priority);
        let paid = mine.map(|w| self.paid(w.class, now)).min()?;
        Some(self.shaper.map_or(paid, |s| s.clear(by, now, priority).max(paid)))
    }

    /// The same, or earlier, where a class waits for a rate of its own and for its interface's.
    fn ready_early(&self, now: u64) -> Option<u64> {
        let one = |w: &Waiting| match self.paid(w.class, now) {
            paid if paid > now => paid,
            paid => self.shaper.map_or(paid, |s| s.clear(By::Most, now, self.rules(w.class).priority)),
        };
        self.waiting.iter().map(one).min()
    }

    /// Whether it may send out of what it is sure of.
    fn is_sure(&self, by: By, now: u64) -> bool {
        self.assured.is_some_and(|a| a.clear(by, now, false) == now)
    }

    /// Whether something without priority may leave by its class's rate that has a weight.
    fn has_weighted(&self, by: By, now: u64) -> bool {
        self.open(by, now).any(|w| self.is_weighted(w.class))
    }

    fn is_weighted(&self, class: TrafficClass) -> bool {
        let rules = self.rules(class);
        !rules.priority && rules.weight > 0
    }

    /// Frames of this class are about to wait, or out of debt: what was saved while nothing else might leave goes.
    fn begins(&mut self, by: By, class: TrafficClass, now: u64, unseen: u64) {
        if self.open(by, now).count() == 0 {
            self.shaper.iter_mut().for_each(|s| s.idle(by, now, unseen));
        }
        if self.is_weighted(class) && !self.has_weighted(by, now) {
            let burst = self.spec.assured.map_or(0, |spec| spec.burst);
            self.assured.iter_mut().for_each(|a| a.idle(by, now, burst));
        }
    }

    /// Somebody looks: classes whose debt is paid go on.
    fn look(&mut self, now: u64) {
        for class in TrafficClass::ALL {
            if self.paid(class, now) > now {
                continue;
            }
            if self.held[class.index()] && self.waiting.iter().any(|w| w.class == class) {
                self.begins(By::Sure, class, now, 0);
            }
            self.held[class.index()] = false;
        }
    }

    /// Time passed since `before`: until the first class was out of its debt nothing could be saved, but for what was
    /// `unseen`.
    fn pass(&mut self, before: u64, (now, unseen): (u64, u64)) {
        let first = self.waiting.iter().map(|w| self.paid(w.class, before)).min();
        if let (Some(first), Some(shaper)) = (first.filter(|first| *first > before), &mut self.shaper) {
            shaper.idle(By::Most, now, now - first.min(now - unseen));
        }
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

    /// Bytes that all its queues hold.
    fn held(&self) -> u64 {
        self.waiting.iter().map(|w| w.len as u64).sum()
    }

    /// The most of them with which one of this class is let in: an eighth is for Control and what goes first.
    fn most(&self, class: TrafficClass) -> u64 {
        let first = !self.fifo() && self.spec.classes[class.index()].priority;
        match self.spec.limit_bytes {
            0 => u64::MAX,
            limit if first || class == TrafficClass::Control => limit,
            limit => limit - limit / 8,
        }
    }

    /// Those that wait in one queue with `class`.
    fn queue(&self, class: TrafficClass) -> impl Iterator<Item = &Waiting> {
        self.waiting.iter().filter(move |w| self.fifo() || w.class == class)
    }

    /// Those with priority that may leave now by their class's rate.
    fn urgent(&self, now: u64) -> impl Iterator<Item = &Waiting> {
        self.open(By::Most, now).filter(|w| self.rules(w.class).priority)
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
        (rate, burst): (u64, u64),
        specs: &[Option<Arc<InterfaceQos>>],
        dropped: &[Gone],
    ) {
        self.pass(now, unseen);
        self.places.iter_mut().flatten().for_each(|place| place.look(now));
        let port = (rate > 0).then(|| Level::full(rate, burst, 1514 + i128::from(LINE_OVERHEAD)));
        self.port = Level::retune(self.port, port, now);
        self.places.resize_with(specs.len().max(self.places.len()), || None);
        let mut gone = 0;
        for (place, spec) in self.places.iter_mut().zip(specs) {
            match (place.as_mut(), spec) {
                (Some(place), Some(spec)) if place.spec != *spec => {
                    place.retune(spec, now);
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
        let (at, places) = (self.at, || self.places.iter().flatten());
        let ready =
            |p: &Place| [true, false].into_iter().filter_map(|first| p.ready(By::Sure, at, first)).min();
        let sure = places().filter_map(ready).min().unwrap_or(u64::MAX);
        let most = places().filter_map(|p| p.ready_early(at)).min().unwrap_or(u64::MAX);
        for (by, ready) in [(By::Sure, sure), (By::Most, most)] {
            if let Some(port) = self.port.as_mut().filter(|_| ready > at) {
                port.idle(by, now, now - ready.min(now - unseen));
            }
        }
        self.places.iter_mut().flatten().for_each(|place| place.pass(at, (now, unseen)));
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
        let accounted = on_the_line(&place.spec, (len.max(60) as i128 + overhead(&place.spec)).max(1));
        if place.policers[class.index()].as_mut().is_some_and(|policer| !policer.conforms(now, accounted)) {
            return assert_eq!(why, Some(DropReason::Policed));
        }
        let (count, bytes) = place.queue(class).fold((0, 0), |(n, sum), w| (n + 1, sum + w.len));
        if bytes + len > rules.limit_bytes as usize {
            return assert_eq!(why, Some(DropReason::QueueBytes));
        }
        if place.held() + len as u64 > place.most(class) {
            return assert_eq!(why, Some(DropReason::SiteBytes));
        }
        let owed = |longest: i128| if rules.priority { longest * BYTE } else { 0 };
        let spare = |level: fn(&Level) -> i128| {
            let mut shaper = place.shaper;
            shaper.as_mut().map_or(owed(1514), |s| (level(s.at(now)) + owed(s.longest)).max(0))
        };
        let ahead = ((bytes as i128).max(60 * count) + count * overhead(&place.spec)).max(0);
        let ahead = queue_on_the_line(&place.spec, ahead) * BYTE;
        let rate = place.shaper.or(port).map_or(0, |s| s.rate);
        let late = ahead - i128::from(rate) * i128::from(rules.limit_time);
        let bounded = rate > 0 && rules.limit_time > 0;
        if why == Some(DropReason::QueueTime) {
            return assert!(bounded && late - spare(|s| s.sure) > -BYTE);
        }
        assert_eq!(why, None);
        assert!(!bounded || late - spare(|s| s.most) < BYTE);
        if place.queue(class).count() == 0 {
            for by in [By::Sure, By::Most] {
                place.begins(by, if place.fifo() { TrafficClass::Standard } else { class }, now, unseen);
            }
            place.held[class.index()] = place.paid(class, now) > now;
        }
        place.waiting.push(Waiting { class, len, serial, since: now });
    }

    /// These left or were dropped, in this order, in one `dequeue` of at most `max`.
    pub(super) fn left(&mut self, (now, unseen): (u64, u64), gone: &[Gone], max: usize) {
        self.pass(now, unseen);
        self.places.iter_mut().flatten().for_each(|place| place.look(now));
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
        assert!(sent.len() == max || self.next_event(now) > now, "what may leave has left");
    }

    fn sent(&mut self, now: u64, frame: &Gone) {
        let place = self.places[frame.interface.index()].as_ref().unwrap();
        let rules = place.rules(frame.class);
        let port_lets = self.port.is_none_or(|p| p.clear(By::Most, now, rules.priority) == now);
        assert!(port_lets, "the port's rate");
        assert!(place.may_send(By::Most, now, rules.priority), "the interface's rate");
        assert_eq!(place.paid(frame.class, now), now, "the class's rate");
        assert!(rules.limit_time == 0 || frame.waited <= rules.limit_time);
        let first = place.waiting.iter().position(|w| w.class == frame.class).unwrap();
        assert_eq!(place.waiting[first].serial, frame.serial, "in order within a class");
        if place.fifo() {
            assert_eq!(place.waiting[first].since, place.waiting.iter().map(|w| w.since).min().unwrap());
        }
        if rules.priority {
            assert!(place.urgent(now).all(|w| w.class >= frame.class));
        } else {
            let mut may_send = self.places.iter().flatten().filter(|p| p.may_send(By::Sure, now, true));
            assert!(may_send.all(|p| p.urgent(now).count() == 0), "a priority frame waits");
            let may_send = || self.places.iter().flatten().filter(|p| p.may_send(By::Sure, now, false));
            let others = || may_send().filter(|p| p.has_weighted(By::Most, now));
            assert!(rules.weight > 0 || others().count() == 0, "a leftover goes before what has a weight");
            let sure = place.is_sure(By::Most, now) || rules.weight == 0;
            assert!(sure || !others().any(|p| p.is_sure(By::Sure, now)), "one that is sure of a turn waits");
        }
        let is_sure = [By::Sure, By::Most].map(|by| place.is_sure(by, now));
        let place = self.places[frame.interface.index()].as_mut().unwrap();
        place.waiting.remove(first);
        let accounted = on_the_line(&place.spec, (frame.len.max(60) as i128 + overhead(&place.spec)).max(1));
        if let Some(shaper) = &mut place.shaper {
            shaper.spend(now, accounted, rules.priority);
        }
        if let Some(pace) = &mut place.paces[frame.class.index()] {
            pace.deepen(2 * accounted);
            pace.spend(now, accounted, false);
            place.held[frame.class.index()] = place.paid(frame.class, now) > now;
        }
        if let Some(assured) = place.assured.as_mut() {
            let least = -i128::from(assured.rate) * 100_000_000;
            let assured = assured.at(now);
            let after = |level: i128| (level - accounted * BYTE).max(least.min(level));
            let counts = |surely: bool| rules.priority || rules.weight > 0 && surely;
            // Where it is in doubt whether it was sent out of that, the two part.
            if counts(is_sure[1]) {
                assured.sure = after(assured.sure);
            }
            if counts(is_sure[0]) {
                assured.most = after(assured.most);
            }
        }
        if let Some(port) = &mut self.port {
            port.spend(now, frame.len.max(60) as i128 + i128::from(LINE_OVERHEAD), rules.priority);
        }
    }

    /// The latest at which the next frame can leave.
    pub(super) fn next_event(&self, now: u64) -> u64 {
        let first = |priority| {
            let site = self.places.iter().flatten().filter_map(|p| p.ready(By::Sure, now, priority)).min()?;
            Some(site.max(self.port.map_or(now, |p| p.clear(By::Sure, now, priority))))
        };
        [true, false].into_iter().filter_map(first).min().unwrap_or(u64::MAX)
    }

    /// Whether there is no doubt about the next event: nothing waited for a rate of its class when the tree was asked last.
    pub(super) fn is_exact(&self, now: u64) -> bool {
        let places = || self.places.iter().flatten();
        let mut levels =
            places().flat_map(|place| [place.shaper, place.assured]).chain([self.port]).flatten();
        levels.all(|level| level.sure == level.most)
            && places().all(|place| place.open(By::Sure, now).count() == place.waiting.len())
    }

    /// Frames and bytes that wait.
    pub(super) fn held(&self) -> (usize, u64) {
        let all = self.places.iter().flatten().flat_map(|p| &p.waiting);
        all.fold((0, 0), |(n, bytes), w| (n + 1, bytes + w.len as u64))
    }
}
