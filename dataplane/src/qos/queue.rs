//! Where the frames of one class of one interface wait, and when they give up.

use super::codel::Codel;
use super::ecn;
use super::flows::Flows;
use super::fq::Fq;
use super::spec::{Aqm, ClassQos};
use super::stats::Tally;
use super::store::{Held, Lane, Store};
use super::wred::{Fate, Wred};
use crate::class::{Colour, TrafficClass};
use crate::packet::{DropReason, Frame};
use crate::time::Time;

/// What all queues of a tree share.
#[derive(Debug, Default)]
pub(super) struct Room {
    pub(super) store: Store,
    pub(super) flows: Flows,
    /// Where the chances of early drops come from: a xorshift generator's state.
    dice: u32,
}

impl Room {
    fn chance(&mut self) -> u32 {
        let mut x = if self.dice == 0 { 0x9e37_79b9 } else { self.dice };
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        self.dice = x;
        x
    }
}

/// What is asked about a frame that comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer {
    pub(super) class: TrafficClass,
    /// Of the queue.
    pub(super) place: usize,
    pub(super) colour: Colour,
    pub(super) len: usize,
}

/// [`ClassQos`] as a queue goes by it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rules {
    limit_bytes: u32,
    /// Longest wait, nanoseconds; `u64::MAX` is no bound.
    limit_time: u64,
    flows: u16,
    ecn: bool,
    aqm: Aqm,
    /// What a full frame takes at the interface's rate, nanoseconds.
    frame_time: u64,
    asks: bool,
}

impl Rules {
    /// `frame_time` is what a full frame takes at the interface's rate, `share_time` at the least that the class
    /// gets of it, nanoseconds.
    pub(super) fn new(spec: &ClassQos, by_class: bool, frame_time: u64, share_time: u64) -> Self {
        let aqm = match spec.aqm {
            _ if !by_class => Aqm::Tail,
            Aqm::Codel(codel) => Aqm::Codel(codel.for_frame_time(share_time)),
            other => other,
        };
        let flows = if by_class { spec.flows } else { 0 };
        Self {
            limit_bytes: spec.limit_bytes,
            limit_time: if spec.limit_time == 0 { u64::MAX } else { spec.limit_time },
            asks: by_class && spec.policer.is_some() || flows > 0 || matches!(aqm, Aqm::Wred(_)),
            flows,
            ecn: spec.ecn,
            aqm,
            frame_time,
        }
    }

    /// Whether each flow has a queue of its own.
    #[inline]
    pub(super) fn keep_flows(&self) -> bool {
        self.flows > 0
    }

    /// The bound on waiting that can be told from what is before a frame, nanoseconds; `None` is none.
    #[inline]
    pub(super) fn wait_bound(&self) -> Option<u64> {
        (self.limit_time != u64::MAX && self.flows == 0).then_some(self.limit_time)
    }

    /// Whether more than room is asked before a frame is queued: a policer, early detection, its flow.
    #[inline]
    pub(super) fn asks(&self) -> bool {
        self.asks
    }

    /// Whether early detection looks at what comes.
    #[inline]
    pub(super) fn detect(&self) -> bool {
        matches!(self.aqm, Aqm::Wred(_))
    }
}

/// The frames, and what the class went through. With one queue for all classes
/// the frames are all in Standard's; the counts are each class's own.
#[derive(Debug)]
pub(super) struct Queue {
    /// All that waits here.
    pub(super) frames: u32,
    pub(super) bytes: u32,
    lane: Lane,
    pub(super) tally: Tally,
    pub(super) rules: Rules,
    fq: Fq,
    codel: Codel,
    wred: Wred,
}

impl Queue {
    /// `owner` tells it from every other queue of the tree.
    pub(super) fn new(owner: u32, rules: Rules) -> Self {
        Self {
            frames: 0,
            bytes: 0,
            lane: Lane::default(),
            tally: Tally::default(),
            rules,
            fq: Fq::new(owner),
            codel: Codel::default(),
            wred: Wred::default(),
        }
    }

    /// Goes by other rules; nothing may wait where they keep flows apart in another way.
    pub(super) fn adopt(&mut self, rules: Rules, room: &mut Room) {
        if rules.flows != self.rules.flows {
            self.fq.close(&mut room.flows);
        }
        self.rules = rules;
    }

    /// Whether early detection lets a frame in; it may be marked then.
    #[inline]
    pub(super) fn detects(&mut self, frame: &mut Frame, offer: &Offer, now: Time, room: &mut Room) -> bool {
        match self.rules.aqm {
            Aqm::Wred(spec) => {
                let curve = Wred::curve(&spec, offer.colour);
                let fate = self.wred.judge(curve, self.bytes, now, self.rules.frame_time, room.chance());
                fate == Fate::Drop || fate == Fate::Signal && !self.marks(frame)
            }
            _ => false,
        }
    }

    fn marks(&mut self, frame: &mut Frame) -> bool {
        let marked = self.rules.ecn && ecn::mark(frame.bytes_mut());
        if marked {
            self.tally.marked(frame.len());
        }
        marked
    }

    /// Whether there is no room for so many bytes more.
    #[inline]
    pub(super) fn is_full(&self, len: usize) -> bool {
        u64::from(self.bytes) + len as u64 > u64::from(self.rules.limit_bytes)
    }

    /// Where flows are kept apart, a frame of the longest, out of whose room the one that comes is queued.
    pub(super) fn evict(&mut self, hash: u32, len: usize, room: &mut Room) -> Option<Held> {
        if self.rules.flows == 0 {
            return None;
        }
        let flow = self.fq.flow_of(hash, self.rules.flows, &mut room.flows);
        let held = self.fq.evict(flow, len, &mut room.flows, &mut room.store)?;
        self.frames -= 1;
        self.bytes -= held.len() as u32;
        self.tally.left(held.len());
        self.tally.drop(DropReason::QueueBytes, held.len());
        Some(held)
    }

    #[inline]
    pub(super) fn push(&mut self, held: Held, hash: u32, room: &mut Room) {
        self.frames += 1;
        self.bytes += held.len() as u32;
        if self.rules.flows == 0 {
            room.store.push(&mut self.lane, held);
        } else {
            let flow = self.fq.flow_of(hash, self.rules.flows, &mut room.flows);
            self.fq.push(flow, held, &mut room.flows, &mut room.store);
        }
    }

    /// The next frame in turn, and why it is not to be sent.
    #[inline]
    pub(super) fn pop(&mut self, now: Time, room: &mut Room) -> Option<(Held, Option<DropReason>)> {
        if self.rules.flows > 0 {
            return self.pop_flow(now, room);
        }
        let mut held = room.store.pop(&mut self.lane)?;
        room.store.fetch(&self.lane);
        self.frames -= 1;
        self.bytes -= held.len() as u32;
        let waited = now.since(held.since);
        if waited > self.rules.limit_time {
            return Some((held, Some(DropReason::QueueTime)));
        }
        if let Aqm::Codel(spec) = &self.rules.aqm
            && self.codel.condemns(spec, waited, self.bytes, now)
            && !self.marks(&mut held.frame)
        {
            return Some((held, Some(DropReason::Codel)));
        }
        if self.frames == 0 && self.rules.detect() {
            self.wred.emptied(now);
        }
        Some((held, None))
    }

    fn pop_flow(&mut self, now: Time, room: &mut Room) -> Option<(Held, Option<DropReason>)> {
        let (mut held, at) = self.fq.pop(&mut room.flows, &mut room.store)?;
        let len = held.len();
        self.frames -= 1;
        self.bytes -= len as u32;
        let waited = now.since(held.since);
        let mut why = (waited > self.rules.limit_time).then_some(DropReason::QueueTime);
        // A flow that has a frame in every turn waits for one of each other flow: that is no standing queue.
        let turn = self.rules.frame_time.saturating_mul(self.fq.flows());
        if let (Some(flow), None) = (room.flows.get(at), why) {
            if let Aqm::Codel(spec) = &self.rules.aqm
                && flow.codel.condemns(&spec.for_frame_time(turn), waited, flow.bytes, now)
                && !self.marks(&mut held.frame)
            {
                why = Some(DropReason::Codel);
            } else {
                flow.charge(len);
            }
        }
        if self.frames == 0 {
            self.fq.clear(&mut room.flows);
            self.wred.emptied(now);
        }
        Some((held, why))
    }

    /// Takes out one frame after the other, in no other order than that of each flow.
    pub(super) fn drain(&mut self, room: &mut Room) -> Option<Held> {
        let flows = self.rules.flows > 0;
        let held = if flows {
            self.fq.pop(&mut room.flows, &mut room.store).map(|(held, _)| held)
        } else {
            room.store.pop(&mut self.lane)
        };
        let Some(held) = held else {
            self.fq.close(&mut room.flows);
            return None;
        };
        self.frames -= 1;
        self.bytes -= held.len() as u32;
        Some(held)
    }

    /// Bytes it takes itself.
    pub(super) fn memory(&self) -> usize {
        size_of::<Self>() + self.tally.memory()
    }
}
