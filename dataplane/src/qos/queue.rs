//! Where the frames of one class of one interface wait, and when they give up.

use super::care::{Ask, Care};
use super::flows::{Flows, NIL};
use super::held::Held;
use super::run::Sum;
use super::spec::Aqm;
use super::stats::{Depth, QueueStats, Tally};
use super::waits::Waits;
use super::wred::{Fate, Wred};
use crate::class::{Colour, TrafficClass};
use crate::packet::{Batch, Chain, DropReason, Frame};
use crate::time::Time;

/// What all queues of a tree share.
#[derive(Debug, Default)]
pub(super) struct Room {
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

/// The frames, and what the class went through. With one queue for all classes
/// the frames are all in Standard's; the counts are each class's own.
///
/// Two cache lines: where nothing but its frames is asked, the first alone is touched.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Queue {
    /// All that waits here.
    pub(super) frames: u32,
    pub(super) bytes: u32,
    waiting: Chain,
    pub(super) tally: Tally,
    /// Longest wait, nanoseconds; `u64::MAX` is no bound.
    limit_time: u64,
    care: Option<Box<Care>>,
    limit_bytes: u32,
    /// Each flow has a queue of its own.
    flows: bool,
    /// A policer, early detection or a flow's queue is asked before a frame is queued.
    asks: bool,
    /// All classes wait here, and count for themselves.
    mixed: bool,
}

const _: () = assert!(size_of::<Queue>() == 128 && std::mem::offset_of!(Queue, tally) + Tally::OFTEN == 64);

impl Default for Queue {
    fn default() -> Self {
        Self {
            frames: 0,
            bytes: 0,
            waiting: Chain::default(),
            tally: Tally::default(),
            limit_time: u64::MAX,
            care: None,
            limit_bytes: 0,
            flows: false,
            asks: false,
            mixed: false,
        }
    }
}

impl Queue {
    /// Goes by what is asked from now on; nothing may wait where that keeps flows apart in another way. Gives how many
    /// bytes may wait where no more than room is asked of its frames, 0 where more is.
    pub(super) fn adopt(&mut self, ask: &Ask<'_>, room: &mut Room) -> u32 {
        let (spec, rules) = (ask.spec, ask.rules());
        self.limit_bytes = spec.limit_bytes;
        self.limit_time = if spec.limit_time == 0 { u64::MAX } else { spec.limit_time };
        self.flows = rules.flows > 0;
        self.asks = !ask.fifo && spec.policer.is_some() || self.flows || matches!(rules.aqm, Aqm::Wred(_));
        let waits = self.limit_time != u64::MAX || rules.aqm != Aqm::Tail;
        let plain = if self.asks || waits || ask.fifo { 0 } else { spec.limit_bytes };
        self.mixed = ask.fifo;
        let old = self.care.as_ref().map_or(0, |care| care.rules.flows);
        if let Some(care) = &mut self.care
            && old != rules.flows
        {
            care.fq.clear(&mut room.flows);
        }
        if rules.flows == 0 && rules.aqm == Aqm::Tail {
            self.care = None;
            return plain;
        }
        let new = || Box::new(Care::new(rules, ask.owner));
        self.care.get_or_insert_with(new).rules = rules;
        plain
    }

    /// Whether each flow has a queue of its own.
    #[inline]
    pub(super) fn keeps_flows(&self) -> bool {
        self.flows
    }

    /// Flows that have a queue of their own, where it keeps flows apart.
    pub(super) fn own_flows(&self) -> Option<u64> {
        self.care.as_ref().filter(|_| self.flows).map(|care| care.fq.used().into())
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
            DropReason::QueueFrames => care.fq.evict_one(hash, &mut room.flows)?,
            _ => care.fq.evict(hash, len, &mut room.flows)?,
        };
        self.leave(1, held.len() as u32);
        self.tally.drop(reason, held.len());
        Some(held)
    }

    /// Queues a frame; `hash` is of its flow.
    #[inline]
    pub(super) fn push(&mut self, held: Held, hash: u32, room: &mut Room) {
        if !self.flows {
            return self.begin(held.frame, held.since);
        }
        self.frames += 1;
        self.bytes += held.len() as u32;
        if let Some(care) = &mut self.care {
            let flow = care.fq.flow_of(hash, care.rules.flows, &mut room.flows);
            care.fq.push(flow, held, &mut room.flows);
        }
    }

    /// Lets what is known of its first frame come.
    #[inline]
    pub(super) fn fetch(&self) {
        self.waiting.fetch();
    }

    /// What waits here of this class.
    #[inline]
    pub(super) fn own(&self) -> Depth {
        if self.mixed { Depth::default() } else { Depth { packets: self.frames, bytes: self.bytes } }
    }

    /// So much of what waits leaves.
    #[inline]
    fn leave(&mut self, frames: u32, bytes: u32) {
        self.tally.reached(self.own());
        self.frames -= frames;
        self.bytes -= bytes;
    }

    /// The first frame of a plain queue goes to `out`, which has room. Gives its length, and since when it waited.
    #[inline(always)]
    pub(super) fn next(&mut self, out: &mut Batch) -> Option<(usize, Time)> {
        let (frame, since) = self.waiting.pop()?;
        self.waiting.fetch();
        let len = frame.len();
        out.put(frame);
        Some((len, since))
    }

    /// These were taken by [`Queue::next`], and none of them waited longer, nanoseconds.
    #[inline]
    pub(super) fn left(&mut self, sum: &Sum, waited: u64) {
        // All of a plain queue is of its class.
        self.tally.sent(sum, Depth { packets: self.frames, bytes: self.bytes }, waited);
        self.frames -= sum.frames as u32;
        self.bytes -= sum.bytes as u32;
    }

    /// Queues a frame where all of a class wait one behind the other.
    #[inline(always)]
    pub(super) fn begin(&mut self, frame: Frame, since: Time) {
        self.frames += 1;
        self.bytes += frame.len() as u32;
        self.waiting.push(frame, since);
    }

    /// Queues a frame behind others where no more is asked.
    ///
    /// # Errors
    /// The frame, where there are none.
    #[inline(always)]
    pub(super) fn follow(&mut self, frame: Frame, since: Time) -> Result<(), Frame> {
        let len = frame.len() as u32;
        self.waiting.follow(frame, since)?;
        self.frames += 1;
        self.bytes += len;
        Ok(())
    }

    /// The next frame in turn, and why it is not to be sent.
    pub(super) fn pop(&mut self, now: Time, room: &mut Room) -> Option<(Held, Option<DropReason>)> {
        if self.care.is_some() {
            return self.pop_with_care(now, room);
        }
        let held = self.waiting.pop().map(Held::of)?;
        self.waiting.fetch();
        self.leave(1, held.len() as u32);
        let late = now.since(held.since) > self.limit_time;
        Some((held, late.then_some(DropReason::QueueTime)))
    }

    fn pop_with_care(&mut self, now: Time, room: &mut Room) -> Option<(Held, Option<DropReason>)> {
        self.tally.reached(self.own());
        let care = self.care.as_mut()?;
        let (mut held, flow) =
            if self.flows { care.fq.pop(&mut room.flows)? } else { (self.waiting.pop().map(Held::of)?, NIL) };
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
            Some(care) if self.flows => care.fq.pop(&mut room.flows).map(|(held, _)| held),
            _ => self.waiting.pop().map(Held::of),
        };
        let Some(held) = held else {
            if let Some(care) = &mut self.care {
                care.fq.clear(&mut room.flows);
            }
            return None;
        };
        self.leave(1, held.len() as u32);
        Some(held)
    }

    /// For people: what this class went through, of the waits the longest alone.
    pub(super) fn brief(&self) -> QueueStats {
        self.tally.brief(self.own())
    }

    /// The same, with how long its frames waited.
    pub(super) fn stats(&self, waits: (&Waits, usize)) -> QueueStats {
        self.tally.stats(self.own(), waits)
    }

    /// Whether a frame was ever offered.
    pub(super) fn is_used(&self) -> bool {
        self.own().packets > 0 || self.tally.is_used()
    }

    /// Bytes it takes beside itself.
    pub(super) fn memory(&self) -> usize {
        self.tally.memory() + if self.care.is_some() { size_of::<Care>() } else { 0 }
    }
}
