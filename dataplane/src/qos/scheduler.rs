//! The tree Port → Interface (site) → TrafficClass → Queue of one port.
//!
//! Stands between `enqueue` and tx; one worker owns it. Three levels decide who
//! sends next, each at a cost that does not depend on how many interfaces there
//! are:
//!
//! - the port's own shaper, where it has a rate;
//! - among interfaces whose shaper lets them: those with a priority frame in
//!   turn, frame by frame; then those that have not had what they are guaranteed;
//!   then the others by deficit round robin with quanta by weight, which is max-min
//!   fairness: small sites get their whole rate, large ones share the rest; last those
//!   with leftovers alone. Those whose shaper does not let them stand in a timing wheel
//!   until their time;
//! - within an interface: priority classes in class order (RFC 3246), weighted
//!   classes by fair queueing, weight 0 when nothing else waits (RFC 8622).
//!
//! A shaper lets a frame out when it is not in debt, and one of priority in a debt of up
//! to one frame (`Shaper`): in any window of length t, no more than rate·t + burst + two
//! frames. The burst makes up for turns that came late. What passes while nothing waits
//! that may leave is not saved, neither by an interface's shaper nor by the port's, but for
//! what came in since the worker's last turn ([`Scheduler::begin_turn`]): a line of the same rate behind
//! never has more than that and one frame, but for those of priority.

use super::departed::Departed;
use super::line::Line;
use super::memory::Bound;
use super::queue::Room;
use super::ring::Ring;
use super::serve::Terms;
use super::shared_rate::Place;
use super::site::{Dropped, Site};
use super::spec::RateSpec;
use super::stats::QueueStats;
use super::wait::FULL;
use super::wheel::Wheel;
use crate::class::TrafficClass;
use crate::id::IfIndex;
use crate::packet::{Batch, DropReason, Frame};
use crate::time::Time;

/// Bytes of FCS, preamble and gap, which a port's own rate counts with each frame, of [`SHORTEST`](super::SHORTEST) bytes at
/// least.
pub const LINE_OVERHEAD: u32 = 24;
/// Burst of a port's own rate where none is said, nanoseconds.
pub const PORT_BURST: u64 = 1_000_000;
/// The most of the time between two turns of a worker that rates make up for, nanoseconds.
pub const UNSEEN: u64 = 50_000;
/// A full frame as a port's own rate counts it, bytes.
pub(super) const PORT_FULL: u32 = FULL as u32 + LINE_OVERHEAD;
/// The most flow queues of a tree: 24 MiB of them.
const MOST_FLOWS: usize = 1 << 18;
const NONE: u32 = u32::MAX;
/// Bytes that no frame has.
const MORE_THAN_A_FRAME: u64 = 1 << 14;

/// How much one tree may hold. Half of each bound is divided evenly among the
/// interfaces and kept for them; of the other half, or of all where there is one
/// interface, a quarter is kept for frames of priority classes and of Control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeLimits {
    /// Bytes, layer 2 without FCS. Default 256 MiB.
    pub bytes: u64,
    /// Frames. Default 262,144; should be less than the pools that feed it have.
    pub frames: usize,
    /// Queues for flows of classes that keep them apart, half of them divided evenly among those classes; flows
    /// beyond share some of their class. Default 16,384.
    pub flows: usize,
}

impl TreeLimits {
    /// Those of each of so many `trees`, so that all of them, full of frames of one worker that has
    /// so many `buffers`, leave a quarter of those to receive into. A frame stands in a buffer however short it is:
    /// bytes are more than so many frames have. There is a flow queue for each frame, 16,384 at the least and
    /// 262,144 at the most.
    pub fn sharing(buffers: usize, trees: usize) -> Self {
        let (frames, least) = ((buffers * 3 / 4 / trees.max(1)).max(64), Self::default());
        let bytes = least.bytes.max(frames as u64 * MORE_THAN_A_FRAME);
        Self { bytes, frames, flows: frames.clamp(least.flows, MOST_FLOWS) }
    }

    /// Frames of priority classes and of Control that a tree of so many interfaces has room
    /// for, whatever else comes.
    pub fn kept(&self, interfaces: u64) -> u64 {
        self.frame_bound(interfaces).kept()
    }

    /// Frames of one class of one of so many interfaces that a tree has room for, whatever the other interfaces
    /// hold, while the other classes of its own hold no more than `others`.
    pub fn sure(&self, interfaces: u64, others: u64) -> u64 {
        self.frame_bound(interfaces).sure_beside(others)
    }

    /// Frames of any class that one of so many interfaces has room for, whatever the others hold.
    pub fn own(&self, interfaces: u64) -> u64 {
        self.frame_bound(interfaces).sure()
    }

    fn frame_bound(&self, interfaces: u64) -> Bound {
        Bound::new(self.frames as u64, interfaces, std::iter::empty())
    }
}

impl Default for TreeLimits {
    fn default() -> Self {
        Self { bytes: 256 << 20, frames: 1 << 18, flows: 1 << 14 }
    }
}

/// A turn of a tree's worker, and since when it was not seen what came.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unseen {
    turn: Time,
    since: Time,
}

impl Unseen {
    /// For how long before `now` it was not seen what came, nanoseconds.
    #[inline]
    pub(super) fn at(self, now: Time) -> u64 {
        if self.turn == now { now.since(self.since) } else { 0 }
    }
}

/// One port's scheduler tree.
#[derive(Debug, Default)]
pub struct Scheduler {
    /// The latest time it was told.
    pub(super) clock: Time,
    pub(super) unseen: Unseen,
    pub(super) line: Line,
    /// Which of its port's trees it is, where there are several.
    pub(super) place: Option<Place>,
    pub(super) port_rate: u64,
    /// Nanoseconds at that rate.
    pub(super) port_burst: u64,
    pub(super) limits: TreeLimits,
    pub(super) frames: usize,
    pub(super) bytes: u64,
    /// What of it is each interface's own.
    pub(super) frame_bound: Bound,
    pub(super) byte_bound: Bound,
    /// What all its queues share.
    pub(super) room: Room,
    /// By [`IfIndex`]: where in `sites`.
    pub(super) index: Vec<u32>,
    pub(super) sites: Vec<Option<Site>>,
    pub(super) vacant: Vec<usize>,
    /// A bit for each class of which a queue asks more than room.
    pub(super) careful: u8,
    /// Sites that may send: with a frame of a priority class; with another, out of what
    /// they are sure of; beyond that.
    pub(super) urgent: Ring,
    pub(super) assured: Ring,
    pub(super) shared: Ring,
    /// With frames of classes without a weight alone.
    pub(super) leftover: Ring,
    /// Of the shared ring: the latest whose quantum is being used.
    pub(super) round: u64,
    /// Sites with frames that may not send yet: without priority; of priority classes.
    pub(super) wheel: Wheel,
    pub(super) urging: Wheel,
    /// Shared sites, by when they may send out of what they are sure of.
    pub(super) assuring: Wheel,
    /// Classes with frames, by when their own rate lets them: eight places for each site.
    pub(super) pacing: Wheel,
    pub(super) generation: u64,
    /// What interfaces that left with it were counted for, where the tree is one of several.
    pub(super) departed: Vec<Departed>,
}

impl Scheduler {
    /// An empty tree. `port_rate` is the line's rate in bit/s, counted with
    /// [`LINE_OVERHEAD`], with a burst of [`PORT_BURST`]; 0 leaves the pace to the port.
    pub fn new(port_rate: u64) -> Self {
        let mut tree = Self { port_burst: PORT_BURST, ..Self::default() };
        tree.set_port_rate(port_rate);
        tree
    }

    /// Bounds what it may hold; frames held already stay. Room for flow queues is made now.
    pub fn set_limits(&mut self, limits: TreeLimits) {
        self.limits = limits;
        self.make_room();
    }

    /// Says which of several trees of its port it is; `None` is the only one. Counts from the next
    /// [`Scheduler::sync`] on.
    pub fn set_place(&mut self, place: Option<Place>) {
        self.place = place;
    }

    /// Says for how long, in nanoseconds, the port's rate makes up for turns that came late. Counts from the
    /// next [`Scheduler::sync`] on.
    pub fn set_port_burst(&mut self, burst: u64) {
        self.port_burst = burst;
    }

    pub(super) fn set_port_rate(&mut self, rate: u64) {
        let old = std::mem::take(&mut self.line);
        let port = RateSpec { rate, burst: self.port_burst };
        self.line = old.retuned(port, self.place.as_ref(), self.round, self.clock);
        self.port_rate = rate;
    }

    /// Queues a frame for its `out_interface` and class.
    ///
    /// Policers, early detection and limits are looked at here: `Policed` by
    /// accounted length; `QueueBytes` and `TreeMemory` by layer-2 length; `QueueFrames`
    /// where a class holds its part of what is left for its interface; `Wred` by
    /// the average queue; `QueueTime` when what is ahead in its own queue alone, at
    /// the whole rate of the interface, takes longer than the frame may wait. (A
    /// frame that in fact waited too long, or stood, is dropped by [`Scheduler::dequeue`].)
    ///
    /// # Errors
    /// A frame, with the reason: this one; or, where its class keeps flows apart
    /// and is full, the first of the longest flow, and this one is queued.
    #[inline]
    pub fn enqueue(&mut self, frame: Frame, now: Time) -> Result<(), (Frame, DropReason)> {
        self.clock = self.clock.max(now);
        match self.follow_some(frame, &mut std::iter::empty()) {
            Ok(_) => Ok(()),
            Err(frame) => self.enqueue_with_care(frame),
        }
    }

    /// Queues a frame whatever its queue, where it may be the first.
    #[inline(never)]
    pub(super) fn enqueue_with_care(&mut self, frame: Frame) -> Result<(), (Frame, DropReason)> {
        let (unseen, len) = (self.unseen.at(self.clock), frame.len() as u64);
        let at = self.find(frame.meta().out_interface);
        let Some((at, site)) = at.and_then(|at| Some((at, self.sites.get_mut(at)?.as_mut()?))) else {
            return Err((frame, DropReason::InterfaceGone));
        };
        let urgent = site.is_first(frame.meta().class);
        let held = (site.frames, site.bytes);
        let within = site.has_room(frame.len());
        let terms = Terms {
            now: self.clock,
            port_rate: self.port_rate,
            unseen,
            frames: &self.frame_bound,
            bytes: &self.byte_bound,
        };
        let wakes = match site.enqueue(frame, &terms, &mut self.room) {
            Ok(wakes) => wakes,
            Err((frame, reason)) => return Err(self.refuse(at, frame, reason)),
        };
        (self.frames, self.bytes) = (self.frames + 1, self.bytes + len);
        if !within {
            self.hold(held, (1, len));
        }
        // Where its queue had frames before, the interface already stands where it should.
        if wakes {
            self.awake(at, urgent);
        }
        Ok(())
    }

    /// An interface has a frame in a queue that had none.
    fn awake(&mut self, at: usize, urgent: bool) {
        self.port_idled();
        self.line_up_first(at, urgent);
        self.tell_others();
    }

    /// A frame is not let in, which is counted; or another of its class makes way for it.
    #[cold]
    fn refuse(&mut self, at: usize, mut frame: Frame, reason: DropReason) -> (Frame, DropReason) {
        let Some(Some(site)) = self.sites.get_mut(at) else { return (frame, reason) };
        let (class, len) = (frame.meta().class, frame.len());
        let Some(held) = site.evict(&mut frame, reason, &mut self.room) else {
            site.tally(class).drop(reason, len);
            return (frame, reason);
        };
        let (before, gone) = ((site.frames, site.bytes), (1, held.len() as u64));
        let wakes = site.take_place(frame, self.clock, &mut self.room);
        self.let_go(before, gone);
        (self.frames, self.bytes) = (self.frames + 1, self.bytes + len as u64);
        self.hold(before, (1, len as u64));
        if wakes {
            self.awake(at, false);
        }
        (held.frame, reason)
    }

    /// An interface that held so many frames and bytes holds these more, maybe of the common room.
    pub(super) fn hold(&mut self, held: (usize, u64), more: (usize, u64)) {
        self.frame_bound.add(held.0 as u64, more.0 as u64);
        self.byte_bound.add(held.1, more.1);
    }

    /// An interface that holds so many frames and bytes held these more.
    #[inline]
    pub(super) fn let_go(&mut self, held: (usize, u64), more: (usize, u64)) {
        (self.frames, self.bytes) = (self.frames - more.0, self.bytes - more.1);
        self.frame_bound.sub(held.0 as u64, more.0 as u64);
        self.byte_bound.sub(held.1, more.1);
    }

    /// Takes out up to `max` frames that may leave now, in order, into `out` as
    /// far as it has room; gives how many. Frames that have waited longer than
    /// their class may go to `dropped` (`QueueTime`).
    pub fn dequeue(&mut self, now: Time, max: usize, out: &mut Batch, dropped: &mut Dropped) -> usize {
        self.clock = self.clock.max(now);
        self.wake();
        let most = max.min(out.room());
        let mut given = 0;
        while given < most {
            if self.urgent.front().is_some() {
                given += self.serve_urgent(most - given, out, dropped);
                // What is left of them waits for the port.
                if given == most || self.urgent.front().is_some() {
                    break;
                }
            }
            let Some((at, turn)) = self.turn() else { break };
            if !self.port_lets(turn) {
                break;
            }
            given += self.serve(at, turn, most - given, out, dropped);
        }
        self.tell_others();
        given
    }

    /// When `dequeue` can next give a frame: `now` when it can already, never
    /// when it holds none. Not one nanosecond early or late, unless frames
    /// expire or come before; early, where a class with a rate of its own waits for
    /// its interface's too, or where priority made one of very many interfaces wait longer.
    pub fn next_event(&self, now: Time) -> Time {
        if self.frames == 0 {
            return Time::NEVER;
        }
        let port = |urgent| self.line.due(urgent);
        let urgent = if self.urgent.front().is_some() { Time::ZERO } else { self.urging.earliest() };
        let plain = if self.has_plain() { Time::ZERO } else { self.wheel.earliest() };
        let first = urgent.min(self.pacing.earliest()).max(port(true));
        now.max(first.min(plain.max(port(false))))
    }

    /// Frames it holds.
    pub fn held_frames(&self) -> usize {
        self.frames
    }

    /// Bytes it holds, layer 2 without FCS.
    pub fn held_bytes(&self) -> u64 {
        self.bytes
    }

    /// Counts of one class of one interface; `None` when the tree has no such interface.
    pub fn stats(&self, interface: IfIndex, class: TrafficClass) -> Option<QueueStats> {
        let site = self.sites[self.find(interface)?].as_ref()?;
        Some(site.queues[class.index()].stats((&site.waits, class.index())))
    }

    /// Counts of every class of every interface that was ever offered a frame.
    pub fn stats_iter(&self) -> impl Iterator<Item = (IfIndex, TrafficClass, QueueStats)> {
        self.sites.iter().flatten().flat_map(|site| {
            let queues = TrafficClass::ALL.into_iter().zip(&site.queues);
            let used = queues.filter(|(_, queue)| queue.is_used());
            used.map(|(class, queue)| (site.id, class, queue.stats((&site.waits, class.index()))))
        })
    }

    #[inline]
    pub(super) fn find(&self, interface: IfIndex) -> Option<usize> {
        self.index.get(interface.index()).filter(|at| **at != NONE).map(|at| *at as usize)
    }

    /// Whether an interface may send without priority.
    #[inline]
    fn has_plain(&self) -> bool {
        [&self.assured, &self.shared, &self.leftover].iter().any(|ring| ring.front().is_some())
    }

    /// A turn of its worker begins at `now`, after one at `since`: what comes in this turn came at some moment
    /// in between. Rates of interfaces that had nothing to send let through what these would have let through
    /// since then, of the last [`UNSEEN`] at the most; of a turn that is not told of, nothing.
    pub fn begin_turn(&mut self, since: Time, now: Time) {
        self.unseen = Unseen { turn: now, since: since.max(Time(now.0.saturating_sub(UNSEEN))) };
    }

    /// Sees to it, before any interface is lined up, that the port saves nothing of the time in which none
    /// could send, but for what was not seen of it.
    #[inline(never)]
    pub(super) fn port_idled(&mut self) {
        if self.line.is_held() && self.urgent.front().is_none() && !self.has_plain() {
            let due = self.wheel.earliest().min(self.urging.earliest()).min(self.pacing.earliest());
            let until = due.min(Time(self.clock.0.saturating_sub(self.unseen.at(self.clock))));
            self.line.idled(until, self.clock);
        }
    }
}
