//! Where the frames of one class of one interface wait, and when they give up.

use super::codel::Codel;
use super::ecn::{self, LabelMarks};
use super::flows::{Flow, Flows};
use super::fq::Fq;
use super::run::Sum;
use super::spec::{Aqm, ClassQos};
use super::stats::{Count, Tally};
use super::store::{Held, Lane, NIL, Place, Store};
use super::wred::{Fate, Wred};
use crate::class::{Colour, TrafficClass};
use crate::packet::{Batch, DropReason, Frame};
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

/// [`ClassQos`] as a queue goes by it that does more than hold frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rules {
    flows: u16,
    ecn: bool,
    labels: LabelMarks,
    aqm: Aqm,
    /// What a full frame takes at the interface's rate, nanoseconds.
    frame_time: u64,
}

/// What a queue has beside its frames that keeps flows apart, or tells senders that it is long.
#[derive(Debug)]
struct Care {
    rules: Rules,
    fq: Fq,
    codel: Codel,
    wred: Wred,
}

/// What a class of an interface asks of its queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask<'a> {
    pub(super) spec: &'a ClassQos,
    /// All classes wait in one queue.
    pub(super) fifo: bool,
    /// What a full frame takes at the interface's rate, and at the least that the class gets of it, nanoseconds.
    pub(super) frame_time: u64,
    pub(super) share_time: u64,
    /// It tells the queue from every other of the tree.
    pub(super) owner: u32,
}

impl Ask<'_> {
    fn rules(&self) -> Rules {
        let aqm = match self.spec.aqm {
            _ if self.fifo => Aqm::Tail,
            Aqm::Codel(codel) => Aqm::Codel(codel.for_frame_time(self.share_time)),
            other => other,
        };
        let flows = if self.fifo { 0 } else { self.spec.flows };
        let spec = self.spec;
        Rules { flows, ecn: spec.ecn, labels: spec.labels, aqm, frame_time: self.frame_time }
    }
}

/// The frames, and what the class went through. With one queue for all classes
/// the frames are all in Standard's; the counts are each class's own.
///
/// Two cache lines: a frame that comes touches the first alone.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Queue {
    /// All that waits here.
    pub(super) frames: u32,
    pub(super) bytes: u32,
    limit_bytes: u32,
    /// Each flow has a queue of its own.
    flows: bool,
    /// A policer, early detection or a flow's queue is asked before a frame is queued.
    asks: bool,
    /// Nothing of that, nor how long frames wait; and they are all of its class.
    plain: bool,
    lane: Lane,
    /// Longest wait, nanoseconds; `u64::MAX` is no bound.
    limit_time: u64,
    care: Option<Box<Care>>,
    pub(super) tally: Tally,
}

const _: () = assert!(size_of::<Queue>() == 128);

impl Default for Queue {
    fn default() -> Self {
        Self {
            frames: 0,
            bytes: 0,
            limit_bytes: 0,
            flows: false,
            asks: false,
            plain: false,
            lane: Lane::default(),
            limit_time: u64::MAX,
            care: None,
            tally: Tally::default(),
        }
    }
}

impl Queue {
    /// Goes by what is asked from now on; nothing may wait where that keeps flows apart in another way.
    pub(super) fn adopt(&mut self, ask: &Ask<'_>, room: &mut Room) {
        let (spec, rules) = (ask.spec, ask.rules());
        self.limit_bytes = spec.limit_bytes;
        self.limit_time = if spec.limit_time == 0 { u64::MAX } else { spec.limit_time };
        self.flows = rules.flows > 0;
        self.asks = !ask.fifo && spec.policer.is_some() || self.flows || matches!(rules.aqm, Aqm::Wred(_));
        let waits = self.limit_time != u64::MAX || rules.aqm != Aqm::Tail;
        self.plain = !(self.asks || waits || ask.fifo);
        let old = self.care.as_ref().map_or(0, |care| care.rules.flows);
        if let Some(care) = &mut self.care
            && old != rules.flows
        {
            care.fq.close(&mut room.flows);
        }
        if rules.flows == 0 && rules.aqm == Aqm::Tail {
            self.care = None;
            return;
        }
        let new = || {
            let (fq, codel, wred) = (Fq::new(ask.owner), Codel::default(), Wred::default());
            Box::new(Care { rules, fq, codel, wred })
        };
        self.care.get_or_insert_with(new).rules = rules;
    }

    /// Whether each flow has a queue of its own.
    #[inline]
    pub(super) fn keeps_flows(&self) -> bool {
        self.flows
    }

    /// Whether more than room is asked before a frame is queued: a policer, early detection, its flow.
    #[inline]
    pub(super) fn asks(&self) -> bool {
        self.asks
    }

    /// Whether a frame that does not wait leaves no trace in it but its counts.
    pub(super) fn lets_pass(&self) -> bool {
        let detects = |care: &Care| matches!(care.rules.aqm, Aqm::Wred(_));
        // Flows are forgotten when nothing of the class waits.
        self.care.as_ref().is_none_or(|care| self.flows && !detects(care))
    }

    /// The bound on waiting that can be told from what is before a frame, nanoseconds; `None` is none.
    #[inline]
    pub(super) fn wait_bound(&self) -> Option<u64> {
        (self.limit_time != u64::MAX && !self.flows).then_some(self.limit_time)
    }

    /// Whether early detection lets no frame in; one that it lets in may be marked then.
    pub(super) fn detects(&mut self, frame: &mut Frame, offer: &Offer, now: Time, room: &mut Room) -> bool {
        let Some(care) = &mut self.care else { return false };
        let Aqm::Wred(spec) = &care.rules.aqm else { return false };
        let curve = Wred::curve(spec, offer.colour);
        let fate = care.wred.judge(curve, self.bytes, now, care.rules.frame_time, room.chance());
        fate == Fate::Drop || fate == Fate::Signal && !care.rules.marks(frame, &mut self.tally)
    }

    /// Whether it takes a frame of so many bytes without another look.
    #[inline]
    pub(super) fn takes(&self, len: usize) -> bool {
        self.plain && !self.is_full(len)
    }

    /// Whether there is no room for so many bytes more.
    #[inline]
    pub(super) fn is_full(&self, len: usize) -> bool {
        u64::from(self.bytes) + len as u64 > u64::from(self.limit_bytes)
    }

    /// Where flows are kept apart, a frame of the longest, out of whose room the one that comes is queued.
    pub(super) fn evict(
        &mut self,
        (hash, len): (u32, usize),
        reason: DropReason,
        room: &mut Room,
    ) -> Option<Held> {
        let care = self.care.as_mut().filter(|care| care.rules.flows > 0)?;
        let held = match reason {
            DropReason::QueueFrames => care.fq.evict_one(hash, &mut room.flows, &mut room.store)?,
            _ => care.fq.evict(hash, len, &mut room.flows, &mut room.store)?,
        };
        self.frames -= 1;
        self.bytes -= held.len() as u32;
        self.tally.left(held.len());
        self.tally.drop(reason, held.len());
        Some(held)
    }

    /// Queues a frame; `hash` is of its flow.
    #[inline]
    pub(super) fn push(&mut self, held: Held, hash: u32, room: &mut Room) {
        self.frames += 1;
        self.bytes += held.len() as u32;
        if !self.flows {
            room.store.push(&mut self.lane, held);
        } else if let Some(care) = &mut self.care {
            let flow = care.fq.flow_of(hash, care.rules.flows, &mut room.flows);
            care.fq.push(flow, held, &mut room.flows, &mut room.store);
        }
    }

    /// Whether its frames need no more than to be taken.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        self.plain
    }

    /// Lets the place of its first frame come.
    #[inline]
    pub(super) fn fetch(&self, room: &Room) {
        room.store.fetch(&self.lane);
    }

    /// The first frame of a plain queue goes to `out`, which has room. Gives its length, and since when it waited.
    #[inline(always)]
    pub(super) fn lead(&mut self, room: &mut Room, out: &mut Batch) -> Option<(usize, Time)> {
        let (len, since) = self.next(room, out)?;
        self.frames -= 1;
        self.bytes -= len as u32;
        Some((len, since))
    }

    /// As [`Queue::lead`], of several, one after the other, that [`Queue::left`] is told of then.
    #[inline(always)]
    pub(super) fn next(&mut self, room: &mut Room, out: &mut Batch) -> Option<(usize, Time)> {
        let held = room.store.pop(&mut self.lane)?;
        let len = held.len();
        held.frame.fetch();
        // There is room.
        let _ = out.push(held.frame);
        room.store.fetch(&self.lane);
        Some((len, held.since))
    }

    /// These were taken by [`Queue::next`], and what they waited is counted.
    #[inline]
    pub(super) fn left(&mut self, sum: &Sum) {
        self.frames -= sum.frames as u32;
        self.bytes -= sum.bytes as u32;
        self.tally.sent_all(sum);
    }

    /// The place of a frame of `len` bytes, which is counted, in a plain queue that has others; `None` where no
    /// room was made for it.
    #[inline]
    pub(super) fn follow<'r>(&mut self, len: usize, room: &'r mut Room) -> Option<&'r mut Place> {
        let place = room.store.follow(&mut self.lane)?;
        self.frames += 1;
        self.bytes += len as u32;
        self.tally.queued(len);
        Some(place)
    }

    /// Queues frames of a plain queue behind those it has, where room was made for them, while places are
    /// vacant. Gives what it took.
    #[inline]
    pub(super) fn follow_all(
        &mut self,
        frames: &mut impl Iterator<Item = Frame>,
        since: Time,
        room: &mut Room,
    ) -> Count {
        let count = room.store.follow_all(&mut self.lane, frames, since);
        let (packets, bytes) = (count.packets as u32, count.bytes as u32);
        self.frames += packets;
        self.bytes += bytes;
        self.tally.queued_all(packets, bytes);
        count
    }

    /// The next frame in turn, and why it is not to be sent.
    pub(super) fn pop(&mut self, now: Time, room: &mut Room) -> Option<(Held, Option<DropReason>)> {
        if self.care.is_some() {
            return self.pop_with_care(now, room);
        }
        let held = room.store.pop(&mut self.lane)?;
        room.store.fetch(&self.lane);
        self.frames -= 1;
        self.bytes -= held.len() as u32;
        let late = now.since(held.since) > self.limit_time;
        Some((held, late.then_some(DropReason::QueueTime)))
    }

    fn pop_with_care(&mut self, now: Time, room: &mut Room) -> Option<(Held, Option<DropReason>)> {
        let care = self.care.as_mut()?;
        let (mut held, flow) = if self.flows {
            care.fq.pop(&mut room.flows, &mut room.store)?
        } else {
            (room.store.pop(&mut self.lane)?, NIL)
        };
        let (len, waited) = (held.len(), now.since(held.since));
        self.frames -= 1;
        self.bytes -= len as u32;
        let late = waited > self.limit_time;
        let mut why = late.then_some(DropReason::QueueTime);
        if !late && care.condemns(room.flows.get(flow), waited, self.bytes, now) {
            let marked = care.rules.marks(&mut held.frame, &mut self.tally);
            why = (!marked).then_some(DropReason::Codel);
        }
        if let (None, Some(flow)) = (why, room.flows.get(flow)) {
            flow.charge(len);
        }
        if self.frames == 0 {
            care.fq.clear(&mut room.flows);
            care.wred.emptied(now);
        }
        Some((held, why))
    }

    /// Takes out one frame after the other, in no other order than that of each flow.
    pub(super) fn drain(&mut self, room: &mut Room) -> Option<Held> {
        let held = match &mut self.care {
            Some(care) if self.flows => care.fq.pop(&mut room.flows, &mut room.store).map(|(held, _)| held),
            _ => room.store.pop(&mut self.lane),
        };
        let Some(held) = held else {
            if let Some(care) = &mut self.care {
                care.fq.close(&mut room.flows);
            }
            return None;
        };
        self.frames -= 1;
        self.bytes -= held.len() as u32;
        Some(held)
    }

    /// Bytes it takes beside itself.
    pub(super) fn memory(&self) -> usize {
        self.tally.memory() + if self.care.is_some() { size_of::<Care>() } else { 0 }
    }
}

impl Rules {
    /// Marks a packet in place of dropping it, where that may be.
    fn marks(&self, frame: &mut Frame, tally: &mut Tally) -> bool {
        let marked = self.ecn && ecn::mark(frame.bytes_mut(), &self.labels);
        if marked {
            tally.marked(frame.len());
        }
        marked
    }
}

impl Care {
    /// Whether controlled delay would rather not send a frame that `waited` nanoseconds: one of a `flow`, or of a
    /// queue where so many `bytes` still wait.
    #[inline]
    fn condemns(&mut self, flow: Option<&mut Flow>, waited: u64, bytes: u32, now: Time) -> bool {
        let Aqm::Codel(spec) = &self.rules.aqm else { return false };
        let Some(flow) = flow else { return self.codel.condemns(spec, waited, bytes, now) };
        // A flow that has a frame in every turn waits for one of each other flow: that is no standing queue.
        let turn = self.rules.frame_time.saturating_mul(self.fq.flows());
        flow.codel.condemns(&spec.for_frame_time(turn), waited, flow.bytes, now)
    }
}
