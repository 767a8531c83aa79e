//! One core's forwarding loop.
//!
//! [`Worker::poll`] is one turn: mail from other loops, then every receive
//! queue, then every scheduler tree it owns. It reads no clock and never waits,
//! so that the same turn runs on a thread ([`run`]) and in virtual time.

mod mesh;
mod out;
mod priority;
mod queue;
pub mod run;
mod sleep;
mod staged;
mod trees;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

pub use mesh::{Mesh, Parcel};
use out::Out;
pub use priority::Priority;
pub use queue::Queue;
pub use sleep::Waker;

use crate::class::CLASSES;
use crate::counters::Counters;
use crate::id::{IfIndex, PortIndex, WorkerIndex};
use crate::packet::{BATCH, Batch, DropReason, Flags, Frame, Pool};
use crate::pipeline::Pipeline;
use crate::port::{AnyPort, Link, PortStats};
use crate::qos::{Count, Look, Metered, TreeReport};
use crate::stage::fragment;
use crate::table::{Reader, Snapshot};
use crate::time::Time;

/// Nanoseconds between two looks at each port's line, and at what is owed to other workers.
const PORT_POLL: u64 = 20_000_000;

/// Room for the fragments of a datagram of 9,000 bytes at the least MTU of IPv4.
const MOST_FRAGMENTS: usize = 190;

/// What a worker may be asked, from the control side.
#[derive(Debug)]
pub enum Ask {
    /// Take this queue of this port.
    AddQueue(PortIndex, AnyPort),
    /// Give up the port's queues.
    RemovePort(PortIndex, mpsc::Sender<Vec<AnyPort>>),
    /// Say how long a frame of each class that came now would wait on this interface, nanoseconds.
    /// So many interfaces wait in all trees of its port. `None` where the tree is another worker's.
    Waits(IfIndex, usize, mpsc::Sender<Option<[u64; CLASSES]>>),
    /// Say how many interfaces have frames in this worker's tree of a port.
    Waiting(PortIndex, mpsc::Sender<usize>),
    /// Say how the ports and their queues stand.
    Status(mpsc::Sender<Status>),
    /// Say how this worker's tree of a port stands; `None` where it has none.
    Tree(PortIndex, Look, mpsc::Sender<Option<TreeReport>>),
}

/// How one worker stands.
#[derive(Clone, Debug)]
pub struct Status {
    /// Which one.
    pub worker: WorkerIndex,
    /// Free and all frames of its pool.
    pub pool: (usize, usize),
    /// Frames it holds in queues.
    pub held: usize,
    /// Its ports' queues: line, counts.
    pub queues: Vec<(PortIndex, Link, PortStats)>,
    /// Its meters.
    pub meters: Vec<Metered>,
    /// What it matched by each match rule.
    pub rules: Vec<(Arc<str>, Count)>,
}

/// What a turn did.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Frames moved, of any kind.
    pub frames: usize,
    /// When there will be something to send, if nothing comes before.
    pub next: Time,
}

/// One core's forwarding loop, on cache lines of its own: workers may stand side by side.
#[derive(Debug)]
#[repr(align(128))]
pub struct Worker {
    reader: Reader<Snapshot>,
    asks: mpsc::Receiver<Ask>,
    asked: Arc<AtomicBool>,
    inbox: Vec<Parcel>,
    core: Core,
}

/// Everything a turn changes, apart from the snapshot it reads.
#[derive(Debug)]
struct Core {
    generation: Option<u64>,
    /// Stamp of the ports and number of Vrfs that there are counters for.
    places: (u64, usize),
    pipeline: Pipeline,
    batch: Batch,
    /// Fragments of the frame being dispatched, behind the first.
    fragments: Vec<Frame>,
    next_poll: Time,
    out: Out,
}

/// The worker that owns a scheduler tree of a port, of `workers`: the one that receives from the
/// queue of the same number.
pub const fn owner(port: PortIndex, tree: usize, workers: usize) -> usize {
    receiver(port, tree, workers)
}

/// The worker that receives from queue `queue` of a port, of `workers`.
pub const fn receiver(port: PortIndex, queue: usize, workers: usize) -> usize {
    if workers <= 1 { 0 } else { (port.index() + queue) % workers }
}

impl Worker {
    /// Worker `pool.home()` of `workers`; the slow path is loop `workers` of the mesh.
    pub fn new(
        workers: usize,
        reader: Reader<Snapshot>,
        mut pool: Pool,
        mesh: Mesh,
        (asks, asked): (mpsc::Receiver<Ask>, Arc<AtomicBool>),
    ) -> Self {
        let inbox = Vec::with_capacity(mesh.most());
        pool.trade(workers);
        let out = Out {
            index: pool.home(),
            workers,
            pool,
            counters: Counters::new(),
            mesh,
            queues: Vec::new(),
            trees: Vec::new(),
            several: Vec::new(),
            moved: VecDeque::new(),
            departed: VecDeque::new(),
            seen: (u64::MAX, u64::MAX),
            dropped: Vec::new(),
            lent: VecDeque::new(),
        };
        let core = Core {
            generation: None,
            places: (u64::MAX, 0),
            pipeline: Pipeline::new(),
            batch: Batch::new(),
            fragments: Vec::with_capacity(MOST_FRAGMENTS),
            next_poll: Time::ZERO,
            out,
        };
        Self { reader, asks, asked, inbox, core }
    }

    /// The counters it writes.
    pub fn counters(&self) -> &Counters {
        &self.core.out.counters
    }

    /// Says before the turn at `now` that the one before was at `since`: what came was not seen in between
    /// ([`Scheduler::begin_turn`](crate::qos::Scheduler::begin_turn)). Where it is not said, what comes in a turn
    /// comes at its `now`.
    #[inline]
    pub fn begin_turn(&mut self, since: Time, now: Time) {
        self.core.out.begin_turn(since, now);
    }

    /// One turn at time `now`.
    pub fn poll(&mut self, now: Time) -> Progress {
        // Mail first, then the snapshot: what another loop published before it
        // sent is seen by what it sent.
        self.core.out.mesh.receive(&mut self.inbox);
        let snapshot = self.reader.current();
        if self.core.generation != Some(snapshot.generation) {
            self.core.adopt(snapshot, now);
        }
        // The load is cheap; the swap sees every question asked before it.
        if self.asked.load(Ordering::Relaxed) && self.asked.swap(false, Ordering::AcqRel) {
            while let Ok(ask) = self.asks.try_recv() {
                self.core.answer(ask, snapshot, now);
            }
        }
        let mut frames = self.inbox.len();
        for parcel in self.inbox.drain(..) {
            self.core.open(parcel, snapshot, now);
        }
        if self.core.out.has_moved() {
            self.core.out.send_moved(snapshot, now);
        }
        self.core.run_local(snapshot, now);
        frames += self.core.ingress(snapshot, now);
        frames += self.core.egress(now);
        let totals = self.core.out.counters.totals();
        totals.polls.add(1);
        Progress { frames, next: self.core.next_event(now) }
    }

    /// Whether frames wait for their time, or for their port.
    pub fn holds_frames(&self) -> bool {
        self.core.out.queues.iter().any(|queue| queue.held() > 0)
    }

    /// Whether nothing waits in its rings and no question is open.
    pub fn is_quiet(&self) -> bool {
        self.core.out.mesh.is_quiet() && !self.asked.load(Ordering::Acquire)
    }

    /// Frames it holds: queued, staged, and on their way to it.
    pub fn held(&self) -> usize {
        self.core.out.held() + self.inbox.len()
    }

    /// Its queues.
    pub fn queues(&self) -> &[Queue] {
        &self.core.out.queues
    }

    /// Ends it: counts what it still holds as dropped and gives its ports up.
    pub fn shutdown(&mut self) -> Vec<AnyPort> {
        let out = &mut self.core.out;
        while !out.mesh.is_quiet() {
            out.mesh.receive(&mut self.inbox);
        }
        for parcel in self.inbox.drain(..) {
            if let Parcel::Home(frame) = parcel {
                out.pool.take_back(frame);
            } else if let Some(frame) = parcel.into_frame() {
                out.drop(frame, DropReason::Shutdown);
            }
        }
        let queues = std::mem::take(&mut out.queues);
        let mut lent: Vec<Frame> = out.lent.drain(..).flat_map(|(_, frames)| frames).collect();
        let ports = queues.into_iter().map(|queue| queue.close(&mut out.dropped, &mut lent)).collect();
        // Nothing is received or sent any more: they may be there at once.
        lent.into_iter().for_each(|frame| out.pool.put(frame));
        let held = std::mem::take(&mut out.dropped);
        held.into_iter().for_each(|(frame, _)| out.drop(frame, DropReason::Shutdown));
        let moved = std::mem::take(&mut out.moved);
        moved.into_iter().for_each(|(_, frame)| out.drop(frame, DropReason::Shutdown));
        ports
    }
}

impl Core {
    /// Takes up a generation: blocks, buckets and trees for what is new.
    #[cold]
    fn adopt(&mut self, snapshot: &Snapshot, _now: Time) {
        let first = self.generation.is_none();
        self.generation = Some(snapshot.generation);
        let changed = self.pipeline.sync(snapshot);
        self.out.sync_trees(snapshot);
        let places = (snapshot.ports.stamp(), snapshot.vrfs.len());
        if std::mem::replace(&mut self.places, places) != places || changed || first {
            let out = &mut self.out;
            // Trees that came with this generation have their part too.
            out.share_buffers(snapshot);
            out.counters.sync(
                snapshot.interfaces.iter().map(|(_, i)| (i.id, &i.name)),
                snapshot.vrfs.iter().map(|(_, v)| v.id),
                snapshot.ports.iter().map(|(_, p)| p.id),
            );
        }
        self.out.settle();
    }

    #[cold]
    fn answer(&mut self, ask: Ask, snapshot: &Snapshot, now: Time) {
        let out = &mut self.out;
        // A questioner that went away needs no answer.
        match ask {
            Ask::AddQueue(id, port) => out.add_queue(id, port, snapshot, now),
            Ask::RemovePort(id, reply) => drop(reply.send(out.remove_port(id, now))),
            Ask::Waits(id, waiting, reply) => drop(reply.send(out.waits(id, waiting, snapshot, now))),
            Ask::Waiting(id, reply) => drop(reply.send(out.waiting(id))),
            Ask::Tree(id, look, reply) => drop(reply.send(out.tree(id, look, now))),
            Ask::Status(reply) => {
                let rules = self.pipeline.rules().collect();
                drop(reply.send(Status { rules, ..out.status(self.pipeline.metered().collect()) }));
            }
        }
    }

    /// Does what another loop asks for with a frame.
    fn open(&mut self, parcel: Parcel, snapshot: &Snapshot, now: Time) {
        match parcel {
            Parcel::Enqueue(frame) => self.out.enqueue_on_interface(frame, snapshot, now),
            Parcel::Moved(frame) => self.out.take_over(frame, snapshot, now),
            Parcel::Counts(port, departed) => self.out.departed.push_back((port, departed)),
            Parcel::Home(frame) => self.out.pool.take_back(frame),
            Parcel::Kept(by, kept) => self.out.pool.hear(by, kept),
            Parcel::Originate(frame) | Parcel::Release(frame) => {
                if let Err(frame) = self.batch.push(frame) {
                    self.run_local(snapshot, now);
                    // The batch is empty now, so it takes this one.
                    let _ = self.batch.push(frame);
                }
            }
            Parcel::Punt(frame) => self.out.drop(frame, DropReason::PuntFull),
            Parcel::Link(..) => {}
        }
    }

    /// Runs the frames of the router's own, and those released, that wait in the batch.
    fn run_local(&mut self, snapshot: &Snapshot, now: Time) {
        if !self.batch.is_empty() {
            self.pipeline.local(&mut self.batch, snapshot, now);
            self.dispatch(now);
        }
    }

    /// A batch from every queue.
    fn ingress(&mut self, snapshot: &Snapshot, now: Time) -> usize {
        let mut frames = 0;
        for at in 0..self.out.queues.len() {
            let out = &mut self.out;
            let Some(queue) = out.queues.get_mut(at) else { break };
            let got = queue.receive(now, &mut out.pool, &mut self.batch, &out.counters);
            let port = queue.id;
            if got > 0 {
                frames += got;
                out.counters.totals().batches.add(1);
                self.pipeline.ingress(&mut self.batch, snapshot, port, now);
                self.dispatch(now);
            }
        }
        frames
    }

    /// Acts on the verdicts: the only place where frames leave the batch.
    fn dispatch(&mut self, now: Time) {
        if let Some(together) = self.pipeline.together()
            && self.out.take(&mut self.batch, &together, now)
        {
            return;
        }
        for (at, frame) in self.batch.frames().iter().enumerate() {
            self.out.fetch(frame, self.pipeline.key(at));
        }
        for (at, mut frame) in self.batch.drain().enumerate() {
            let port = self.pipeline.key(at);
            if frame.meta().flags.has(Flags::TOO_LONG) {
                fragment::run(&mut frame, &mut self.out.pool, &mut self.fragments);
            }
            self.out.finish(frame, port, now);
            if !self.fragments.is_empty() {
                self.out.counters.totals().fragments.add(self.fragments.len() as u64);
                self.fragments.drain(..).for_each(|later| self.out.settle_verdict(later, port, now));
            }
        }
    }

    /// Schedules and sends on every tree, sends buffers home, wakes who got mail.
    fn egress(&mut self, now: Time) -> usize {
        let out = &mut self.out;
        let mut frames = 0;
        // As many batches as may have come for one port: what stays queues up behind itself.
        let most = out.queues.len();
        for queue in &mut out.queues {
            for _ in 0..most {
                let taken = queue.transmit(now, &mut out.pool, &out.counters, &mut out.dropped);
                frames += taken;
                if taken < BATCH || queue.held() == 0 {
                    break;
                }
            }
        }
        let now_and_then = now >= self.next_poll;
        if now_and_then {
            self.next_poll = Time(now.nanos() + PORT_POLL);
            out.poll_ports(now);
        }
        out.settle();
        out.send_home(now_and_then);
        out.mesh.flush();
        frames
    }

    fn next_event(&self, now: Time) -> Time {
        if self.out.has_moved() {
            return now;
        }
        let events = self.out.queues.iter().map(|queue| queue.next_event(now));
        events.min().unwrap_or(Time::NEVER).min(self.next_poll)
    }
}
