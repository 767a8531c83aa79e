//! One interface's place in the tree: its shaper, its classes, its queues.

use std::sync::Arc;

use super::bucket::TokenBucket;
use super::burst::Burst;
use super::care::Ask;
use super::fair::Fair;
use super::held::Held;
use super::pace::Paces;
use super::policer::Policer;
use super::queue::{Offer, Queue, Room};
use super::shaper::Shaper;
use super::spec::{Cells, Discipline, InterfaceQos, RateSpec, ShaperSpec};
use super::stats::Tally;
use super::turn::Turn;
use super::wait::{FULL, time};
use super::waits::Waits;
use crate::class::{CLASSES, TrafficClass};
use crate::id::IfIndex;
use crate::packet::{DropReason, Frame};
use crate::time::Time;

/// Where all classes wait when there is one queue.
const FIFO: usize = TrafficClass::Standard.index();

/// The most that an interface can be behind with what it is guaranteed, or before it, nanoseconds at that rate.
pub(super) const ASSURED_MOST: u64 = 100_000_000;

/// Dropped frames, on their way to whoever counts and recycles them.
pub(super) type Dropped = Vec<(Frame, DropReason)>;

/// What a frame touches comes first, in few cache lines.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Site {
    pub(super) shaper: Option<Shaper>,
    /// A bit for each queue: has a frame; goes first; has a weight.
    pub(super) backlog: u8,
    pub(super) priority: u8,
    pub(super) weighted: u8,
    /// A bit for each class: its frames may use the room kept for what goes first and Control.
    urgent: u8,
    /// All classes wait in one queue.
    pub(super) fifo: bool,
    /// It stands in the timing wheel; in that of priority; in that of what it is sure of.
    pub(super) waiting: bool,
    pub(super) urging: bool,
    pub(super) assuring: bool,
    /// The ring it stands in, but for that of priority.
    pub(super) stands: Option<Turn>,
    pub(super) frames: usize,
    /// While it holds no more, there is room for any frame of it.
    pub(super) sure_frames: usize,
    pub(super) bytes: u64,
    pub(super) sure_bytes: u64,
    /// By class: the most bytes where no more than that is asked, nor how long frames wait, and they are all of it; 0
    /// where it is.
    pub(super) plain: [u32; CLASSES],
    /// Bytes that all its queues may hold: for all frames, and for the urgent.
    pub(super) most_plain: u64,
    pub(super) most: u64,
    /// Bytes it may still send in `round`.
    pub(super) credit: i64,
    /// The round of the shared ring whose quantum it was given last.
    pub(super) round: u64,
    /// Its weight among the port's.
    own_weight: i64,
    /// How lengths are counted.
    pub(super) overhead: i16,
    pub(super) cells: Cells,
    pub(super) paces: Paces,
    pub(super) fair: Fair,
    /// The most that left within a millisecond, as accounted.
    pub(super) burst: Burst,
    /// What it is sure of.
    pub(super) assured: Option<TokenBucket>,
    pub(super) policers: Option<Box<[Option<Policer>; CLASSES]>>,
    /// How long what was sent had waited.
    pub(super) waits: Waits,
    pub(super) queues: [Queue; CLASSES],
    pub(super) id: IfIndex,
    /// Where it stands in the tree.
    at: u32,
    pub(super) spec: Arc<InterfaceQos>,
    /// The generation that last named it.
    pub(super) generation: u64,
    /// What priority leaves is divided by these.
    weights: [u32; CLASSES],
}

// What is asked before a frame is queued behind others stands in one line ([`Scheduler::fetch`](super::Scheduler::fetch)).
const _: () = {
    let (frames, plain) = (std::mem::offset_of!(Site, frames), std::mem::offset_of!(Site, plain));
    assert!(frames.is_multiple_of(64) && plain + size_of::<[u32; CLASSES]>() == frames + 64);
};

fn bits(of: impl Fn(usize) -> bool) -> u8 {
    (0..CLASSES).fold(0, |bits, class| bits | u8::from(of(class)) << class)
}

fn shaper(spec: ShaperSpec) -> Shaper {
    Shaper::new(TokenBucket::of_time(spec.rate, spec.burst), spec.accounted(FULL))
}

/// What waits for its turn among others of the port goes on earning; [`Site::begins`] sees to the burst.
fn assured(spec: RateSpec) -> TokenBucket {
    TokenBucket::of_time(spec.rate, spec.burst.max(ASSURED_MOST))
}

impl Site {
    /// Interface `id` at place `at` of the tree.
    pub(super) fn new(id: IfIndex, at: usize, spec: Arc<InterfaceQos>) -> Self {
        let mut site = Self {
            shaper: spec.shaper.map(shaper),
            backlog: 0,
            priority: 0,
            weighted: 0,
            urgent: 0,
            fifo: false,
            waiting: false,
            urging: false,
            assuring: false,
            stands: None,
            frames: 0,
            bytes: 0,
            sure_frames: 0,
            sure_bytes: 0,
            plain: [0; CLASSES],
            most_plain: u64::MAX,
            most: u64::MAX,
            credit: 0,
            round: 0,
            own_weight: 1,
            overhead: 0,
            cells: Cells::None,
            paces: Paces::default(),
            burst: Burst::default(),
            fair: Fair::new([1; CLASSES]),
            assured: spec.assured.map(assured),
            policers: None,
            waits: Waits::default(),
            queues: Default::default(),
            id,
            at: at as u32,
            spec,
            generation: 0,
            weights: [0; CLASSES],
        };
        site.arrange(Time::ZERO, &mut Room::default());
        site
    }

    /// Takes up another specification: tokens that fit stay, and every frame
    /// keeps its place among those of its class, or flow, and its time of arrival. As when a queue has
    /// a frame, nothing is saved of the time in which none that waits might leave.
    pub(super) fn adopt(&mut self, spec: Arc<InterfaceQos>, now: Time, room: &mut Room) {
        let waits = self.frames > 0;
        let (idle, light) = (waits && self.ready() == 0, waits && !self.has_weighted());
        let old = std::mem::replace(&mut self.spec, spec);
        let spec = self.spec.shaper.map(shaper);
        self.shaper = match (self.shaper.take(), spec) {
            (Some(tokens), Some(spec)) => Some(tokens.retuned(spec, now)),
            (_, spec) => spec,
        };
        self.assured = match (self.assured.take(), self.spec.assured.map(assured)) {
            (Some(tokens), Some(spec)) => Some(tokens.retuned(spec, now)),
            (_, spec) => spec,
        };
        let keeps = |s: &InterfaceQos| (s.discipline, s.classes.map(|c| c.flows));
        let held = if keeps(&old) == keeps(&self.spec) { Vec::new() } else { self.drain(room) };
        self.arrange(now, room);
        for held in held {
            self.put_back(held, room);
        }
        if let Some(shaper) = self.shaper.as_mut().filter(|_| idle) {
            shaper.idled(now, 0);
        }
        if light && self.has_weighted() {
            self.keep_a_burst(now);
        }
    }

    /// Works out what follows from the specification.
    fn arrange(&mut self, now: Time, room: &mut Room) {
        let by_class = self.spec.discipline == Discipline::Classes;
        self.fifo = !by_class;
        self.own_weight = i64::from(self.spec.weight.max(1));
        (self.overhead, self.cells) = self.spec.shaper.map_or((0, Cells::None), |s| (s.overhead, s.cells));
        let limit = if self.spec.limit_bytes == 0 { u64::MAX } else { self.spec.limit_bytes };
        // An eighth is for what goes first and Control.
        (self.most_plain, self.most) = (limit - limit / 8, limit);
        self.priority = bits(|c| by_class && self.spec.classes[c].priority);
        self.urgent = self.priority | 1 << TrafficClass::Control.index();
        self.weights = self.spec.shares();
        self.weighted = bits(|c| self.weight(c) > 0);
        self.fair = Fair::new(std::array::from_fn(|c| self.weight(c)));
        self.paces.adopt(&self.spec, now);
        let policed = by_class && self.spec.classes.iter().any(|c| c.policer.is_some());
        let mut before = self.policers.take();
        let mut old = |c: usize| before.as_mut().and_then(|p| p[c].take());
        let adopt = |c: usize| Policer::adopt(old(c), self.spec.classes[c].policer, now);
        self.policers = policed.then(|| Box::new(std::array::from_fn(adopt)));
        let frame_time = self.spec.shaper.map_or(0, |s| time(self.longest(), s.rate));
        let spec = Arc::clone(&self.spec);
        for (place, class) in spec.classes.iter().enumerate() {
            let owner = self.at * CLASSES as u32 + place as u32;
            let share_time = spec.share_time(place);
            let ask = Ask { spec: class, fifo: self.fifo, frame_time, share_time, owner };
            self.plain[place] = self.queues[place].adopt(&ask, room);
        }
        (0..CLASSES).for_each(|class| self.wake(class));
    }

    /// From when on it may send out of what it is sure of; never, where that is nothing.
    #[inline]
    pub(super) fn assured_from(&self) -> Time {
        self.assured.as_ref().map_or(Time::NEVER, TokenBucket::out_of_debt)
    }

    /// When its shaper lets a frame out, of a class with priority or not; not later than its last one when it does now.
    #[inline]
    pub(super) fn due(&self, urgent: bool) -> Time {
        self.shaper.as_ref().map_or(Time::ZERO, |shaper| shaper.due(urgent))
    }

    /// A frame of so many bytes was sent.
    #[inline]
    pub(super) fn spend(&mut self, turn: Turn, bytes: u32, now: Time) {
        if let Some(shaper) = &mut self.shaper {
            shaper.spend(now, bytes, turn == Turn::Urgent);
        }
        if turn == Turn::Shared {
            self.credit -= i64::from(bytes);
        }
    }

    /// In a turn, so many bytes were sent. What is borrowed is not taken off what it is
    /// guaranteed, and what goes first is so up to a bound: calls beyond the guarantee do
    /// not keep data from it for long after they ended.
    #[inline]
    pub(super) fn charge(&mut self, turn: Turn, bytes: u32, now: Time) {
        self.burst.sent(now, bytes);
        if let (Turn::Urgent | Turn::Assured, Some(assured)) = (turn, &mut self.assured) {
            assured.spend_within(now, bytes, ASSURED_MOST);
        }
    }

    /// Whether one that shares may send another frame in the same turn.
    #[inline]
    pub(super) fn goes_on(&self, now: Time) -> bool {
        self.credit > 0 && self.fair.waits() && self.lets(now, false)
    }

    /// Whether its shaper lets a frame out.
    #[inline]
    pub(super) fn lets(&self, now: Time, urgent: bool) -> bool {
        self.shaper.as_ref().is_none_or(|shaper| shaper.lets(now, urgent))
    }

    /// A queue has a frame, or may send again. Where nothing else may, the line was idle, and what its
    /// rate brought meanwhile is not sent on top, but for the last `unseen` nanoseconds: a line as fast would
    /// only queue it, before the next call. Where nothing else with a weight may, the site has of what it was
    /// guaranteed meanwhile a burst.
    #[inline]
    pub(super) fn begins(&mut self, place: usize, now: Time, unseen: u64) {
        if self.ready() == 0
            && let Some(shaper) = &mut self.shaper
        {
            shaper.idled(now, unseen);
        }
        if self.has_weighted() || self.is_leftover(place) {
            return;
        }
        self.keep_a_burst(now);
    }

    /// Of what it was guaranteed meanwhile.
    #[inline]
    fn keep_a_burst(&mut self, now: Time) {
        if let (Some(tokens), Some(spec)) = (&mut self.assured, self.spec.assured) {
            tokens.keep(now, spec.burst);
        }
    }

    /// A quantum for `round`; what was left of an earlier one is lost, a debt is not.
    #[inline]
    pub(super) fn grant(&mut self, round: u64, quantum: i64) {
        self.round = round;
        self.credit = self.credit.min(0) + quantum * self.own_weight;
    }

    #[inline]
    pub(super) fn has_priority(&self) -> bool {
        self.ready() & self.priority != 0
    }

    /// Something waits of a class without priority.
    #[inline]
    pub(super) fn has_plain(&self) -> bool {
        self.ready() & !self.priority != 0
    }

    /// Something waits of a class without priority, but with a weight.
    #[inline]
    pub(super) fn has_weighted(&self) -> bool {
        self.ready() & self.weighted != 0
    }

    /// Something waits of a class with neither.
    #[inline]
    pub(super) fn has_leftover(&self) -> bool {
        self.ready() & !self.priority & !self.weighted != 0
    }

    /// Whether a class goes before those without priority.
    #[inline]
    pub(super) fn is_first(&self, class: TrafficClass) -> bool {
        self.priority & (1 << self.place(class)) != 0
    }

    /// Whether frames of this class may use the room kept for what goes first and Control.
    #[inline]
    pub(super) fn is_urgent(&self, class: TrafficClass) -> bool {
        self.urgent & (1 << class.index()) != 0
    }

    /// A class's share of what priority leaves.
    pub(super) fn weight(&self, class: usize) -> u32 {
        self.weights[class]
    }

    #[inline]
    pub(super) fn is_leftover(&self, queue: usize) -> bool {
        self.weighted & (1 << queue) == 0
    }

    /// Which queue frames of this class wait in.
    #[inline]
    pub(super) fn place(&self, class: TrafficClass) -> usize {
        if self.fifo { FIFO } else { class.index() }
    }

    /// What is asked about a frame.
    #[inline]
    pub(super) fn offer(&self, frame: &Frame) -> Offer {
        let meta = frame.meta();
        Offer { class: meta.class, place: self.place(meta.class), colour: meta.colour, len: frame.len() }
    }

    /// Whether it has room for so many bytes of a class while it is empty.
    pub(super) fn holds(&self, class: TrafficClass, bytes: u64, urgent: bool) -> bool {
        let most = if urgent { self.most } else { self.most_plain };
        bytes <= most && !self.queues[self.place(class)].is_full(bytes as usize)
    }

    #[inline]
    pub(super) fn tally(&mut self, class: TrafficClass) -> &mut Tally {
        &mut self.queues[class.index()].tally
    }

    /// Bytes it takes while nothing waits, its specification included.
    pub(super) fn memory(&self) -> usize {
        let policers = self.policers.as_ref().map_or(0, |p| size_of_val(&**p));
        let queues: usize = self.queues.iter().map(Queue::memory).sum();
        size_of::<Self>()
            + policers
            + size_of::<InterfaceQos>()
            + queues
            + self.paces.memory()
            + self.waits.memory()
    }

    /// Takes every frame out, in order of arrival.
    pub(super) fn drain(&mut self, room: &mut Room) -> Vec<Held> {
        let mut all = Vec::with_capacity(self.frames);
        for place in 0..CLASSES {
            let queue = &mut self.queues[place];
            all.extend(std::iter::from_fn(|| queue.drain(room)));
        }
        if self.fifo {
            all.iter().for_each(|held| self.tally(held.frame.meta().class).left_elsewhere(held.len()));
        }
        (self.frames, self.bytes, self.backlog) = (0, 0, 0);
        all.sort_by_key(|h| h.since);
        all
    }
}
