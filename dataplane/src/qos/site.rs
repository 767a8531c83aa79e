//! One interface's place in the tree: its shaper, its classes, its queues.

use std::sync::Arc;

use super::bucket::TokenBucket;
use super::fair::Fair;
use super::policer::Policer;
use super::queue::{Held, Queue};
use super::spec::{Discipline, InterfaceQos, ShaperSpec};
use super::stats::QueueStats;
use crate::class::{CLASSES, TrafficClass};
use crate::id::IfIndex;
use crate::packet::{DropReason, Frame};
use crate::time::Time;

/// Where all classes wait when there is one queue.
const FIFO: usize = TrafficClass::Standard.index();

/// Dropped frames, on their way to whoever counts and recycles them.
pub(super) type Dropped = Vec<(Frame, DropReason)>;

#[derive(Debug)]
pub(super) struct Site {
    pub(super) id: IfIndex,
    pub(super) spec: Arc<InterfaceQos>,
    pub(super) shaper: Option<TokenBucket>,
    /// Bytes it may still send in `round`.
    pub(super) credit: i64,
    /// The round of the shared ring whose quantum it was given last.
    pub(super) round: u64,
    /// It stands in the timing wheel.
    pub(super) waiting: bool,
    /// The generation that last named it.
    pub(super) generation: u64,
    pub(super) frames: usize,
    pub(super) bytes: u64,
    /// A bit for each queue: has a frame; goes first; has a weight.
    backlog: u8,
    priority: u8,
    weighted: u8,
    fair: Fair,
    policers: Option<Box<[Option<Policer>; CLASSES]>>,
    pub(super) queues: [Option<Box<Queue>>; CLASSES],
}

fn bits(of: impl Fn(usize) -> bool) -> u8 {
    (0..CLASSES).fold(0, |bits, class| bits | u8::from(of(class)) << class)
}

fn bucket(spec: ShaperSpec) -> TokenBucket {
    TokenBucket::of_time(spec.rate, spec.burst)
}

impl Site {
    pub(super) fn new(id: IfIndex, spec: Arc<InterfaceQos>) -> Self {
        let mut site = Self {
            id,
            shaper: spec.shaper.map(bucket),
            credit: 0,
            round: 0,
            waiting: false,
            generation: 0,
            frames: 0,
            bytes: 0,
            backlog: 0,
            priority: 0,
            weighted: 0,
            fair: Fair::new([1; CLASSES]),
            policers: None,
            queues: Default::default(),
            spec,
        };
        site.arrange(Time::ZERO);
        site
    }

    /// Takes up another specification: tokens that fit stay, and every frame
    /// keeps its place among those of its class and its time of arrival.
    pub(super) fn adopt(&mut self, spec: Arc<InterfaceQos>, now: Time) {
        let old = std::mem::replace(&mut self.spec, spec);
        let spec = self.spec.shaper.map(bucket);
        self.shaper = match (self.shaper.take(), spec) {
            (Some(tokens), Some(spec)) => Some(tokens.retuned(spec, now)),
            (_, spec) => spec,
        };
        if old.discipline != self.spec.discipline {
            let mut held = self.drain();
            held.sort_by_key(|h| h.since);
            for h in held {
                self.put(h);
            }
        }
        self.arrange(now);
    }

    /// Works out what follows from the specification.
    fn arrange(&mut self, now: Time) {
        let by_class = self.spec.discipline == Discipline::Classes;
        self.priority = bits(|c| by_class && self.spec.classes[c].priority);
        self.weighted = bits(|c| self.weight(c) > 0);
        self.fair = Fair::new(std::array::from_fn(|c| self.weight(c)));
        let policed = by_class && self.spec.classes.iter().any(|c| c.policer.is_some());
        let mut before = self.policers.take();
        let mut old = |c: usize| before.as_mut().and_then(|p| p[c].take());
        let adopt = |c: usize| Policer::adopt(old(c), self.spec.classes[c].policer, now);
        self.policers = policed.then(|| Box::new(std::array::from_fn(adopt)));
        for class in 0..CLASSES {
            if self.backlog & (1 << class) != 0 {
                let first = self.first_len(class);
                self.fair.wake(class, self.is_leftover(class), first);
            }
        }
    }

    /// A frame's length as the shaper counts it.
    #[inline]
    pub(super) fn accounted(&self, len: usize) -> u32 {
        (len as i64 + i64::from(self.overhead())).max(1) as u32
    }

    #[inline]
    pub(super) fn overhead(&self) -> i16 {
        self.spec.shaper.map_or(0, |s| s.overhead)
    }

    /// When its shaper lets a frame out; not later than its last one when it does now.
    #[inline]
    pub(super) fn eligible(&self) -> Time {
        self.shaper.as_ref().map_or(Time::ZERO, TokenBucket::out_of_debt)
    }

    /// A quantum for `round`; what was left of an earlier one is lost, a debt is not.
    #[inline]
    pub(super) fn grant(&mut self, round: u64, quantum: i64) {
        self.round = round;
        self.credit = self.credit.min(0) + quantum;
    }

    #[inline]
    pub(super) fn has_priority(&self) -> bool {
        self.backlog & self.priority != 0
    }

    #[inline]
    pub(super) fn has_shared(&self) -> bool {
        self.backlog & !self.priority != 0
    }

    /// Whether frames of this class go before all without priority.
    #[inline]
    pub(super) fn is_priority(&self, class: TrafficClass) -> bool {
        self.priority & (1 << self.place(class)) != 0
    }

    /// A class's share of what priority leaves. Control is never without one
    /// (RFC 4594 section 3.2).
    pub(super) fn weight(&self, class: usize) -> u32 {
        match self.spec.classes[class].weight {
            _ if self.priority & (1 << class) != 0 => 0,
            weight if class == TrafficClass::Control.index() => weight.max(1),
            weight => weight,
        }
    }

    #[inline]
    fn is_leftover(&self, queue: usize) -> bool {
        self.weighted & (1 << queue) == 0
    }

    /// Which queue frames of this class wait in.
    #[inline]
    pub(super) fn place(&self, class: TrafficClass) -> usize {
        match self.spec.discipline {
            Discipline::Classes => class.index(),
            Discipline::Fifo => FIFO,
        }
    }

    pub(super) fn stats(&mut self, class: TrafficClass) -> &mut QueueStats {
        &mut self.queues[class.index()].get_or_insert_default().stats
    }

    /// Whether the policer and the limits of its class let a frame in. `rate`
    /// is the most the class can get, bit/s; 0 is not known.
    #[inline]
    pub(super) fn refuses(
        &mut self,
        class: TrafficClass,
        len: usize,
        now: Time,
        rate: u64,
    ) -> Option<DropReason> {
        let accounted = self.accounted(len);
        if let Some(policer) = self.policers.as_mut().and_then(|p| p[class.index()].as_mut())
            && !policer.conforms(now, accounted)
        {
            return Some(DropReason::Policed);
        }
        let place = self.place(class);
        let limits = &self.spec.classes[place];
        let queue = self.queues[place].get_or_insert_default();
        if queue.bytes + len as u64 > u64::from(limits.limit_bytes) {
            return Some(DropReason::QueueBytes);
        }
        if limits.limit_time == 0 || rate == 0 {
            return None;
        }
        let spare = self.shaper.as_mut().map_or(0, |s| s.bytes(now));
        let ahead = queue.accounted(self.spec.shaper.map_or(0, |s| s.overhead)).saturating_sub(spare);
        let late = u128::from(ahead) * 8_000_000_000 > u128::from(limits.limit_time) * u128::from(rate);
        late.then_some(DropReason::QueueTime)
    }

    /// Queues a frame that nothing refused.
    #[inline]
    pub(super) fn push(&mut self, frame: Frame, class: TrafficClass, now: Time) {
        self.stats(class).queued(frame.len());
        self.put(Held { frame, since: now, class });
    }

    #[inline]
    fn put(&mut self, held: Held) {
        let (place, len) = (self.place(held.class), held.len());
        self.frames += 1;
        self.bytes += len as u64;
        self.queues[place].get_or_insert_default().push(held);
        if self.backlog & (1 << place) == 0 {
            self.backlog |= 1 << place;
            self.fair.wake(place, self.is_leftover(place), self.accounted(len));
        }
    }

    /// The next frame to send, and its accounted length: of a class with
    /// priority, or by weight of those without. `None` when each frame of the
    /// class whose turn it was had waited too long: those are in `dropped`.
    #[inline]
    pub(super) fn take(&mut self, priority: bool, now: Time, dropped: &mut Dropped) -> Option<(Frame, u32)> {
        let place = self.turn(priority);
        let first = self.first_len(place);
        let held = self.pop_in_time(place, now, dropped)?;
        let accounted = self.accounted(held.len());
        if accounted != first {
            self.fair.swap(place, first, accounted);
        }
        self.fair.served(place, self.is_leftover(place));
        if self.backlog & (1 << place) != 0 {
            let next = self.first_len(place);
            self.fair.next(place, next);
        }
        self.stats(held.class).left(held.len(), now.since(held.since));
        Some((held.frame, accounted))
    }

    /// The queue whose turn it is.
    #[inline]
    fn turn(&self, priority: bool) -> usize {
        if priority {
            return (self.backlog & self.priority).trailing_zeros() as usize & 7;
        }
        let shared = self.backlog & !self.priority;
        let weighted = shared & self.weighted;
        self.fair.choose(if weighted != 0 { weighted } else { shared })
    }

    #[inline]
    fn first_len(&self, place: usize) -> u32 {
        let first = self.queues[place].as_ref().and_then(|q| q.held.front());
        first.map_or(0, |h| self.accounted(h.len()))
    }

    #[inline]
    fn pop_in_time(&mut self, place: usize, now: Time, dropped: &mut Dropped) -> Option<Held> {
        let limit = match self.spec.classes[place].limit_time {
            0 => u64::MAX,
            limit => limit,
        };
        loop {
            let held = self.pop(place)?;
            if now.since(held.since) <= limit {
                return Some(held);
            }
            self.expire(held, dropped);
        }
    }

    #[cold]
    fn expire(&mut self, held: Held, dropped: &mut Dropped) {
        let stats = self.stats(held.class);
        stats.depth.sub(held.len());
        stats.drop(DropReason::QueueTime, held.len());
        dropped.push((held.frame, DropReason::QueueTime));
    }

    #[inline]
    fn pop(&mut self, place: usize) -> Option<Held> {
        let queue = self.queues[place].as_mut()?;
        let held = queue.pop()?;
        if queue.held.is_empty() {
            self.backlog &= !(1 << place);
        }
        self.frames -= 1;
        self.bytes -= held.len() as u64;
        Some(held)
    }

    /// Takes every frame out, class by class in order.
    pub(super) fn drain(&mut self) -> Vec<Held> {
        let mut all = Vec::with_capacity(self.frames);
        for place in 0..CLASSES {
            all.extend(std::iter::from_fn(|| self.pop(place)));
        }
        all
    }
}
