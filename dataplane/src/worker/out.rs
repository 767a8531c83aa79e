//! Where frames go once their verdict is known: to a tree here or at another
//! worker, to the slow path, or back to their pool.

use std::collections::VecDeque;

use super::mesh::{Mesh, Parcel};
use super::queue::{Egress, Queue};
use super::{Status, owner};
use crate::class::{CLASSES, TrafficClass};
use crate::counters::{Counters, Traffic};
use crate::id::{IfIndex, PortIndex, WorkerIndex};
use crate::packet::{Batch, DropReason, Due, Flags, Frame, Pool, PuntReason, Verdict, by_class};
use crate::port::memif::QUARANTINE;
use crate::port::{AnyPort, Port};
use crate::qos::{Departed, Look, Metered, Scheduler, TreeReport};
use crate::stage::enqueue::Together;
use crate::table::Snapshot;
use crate::time::Time;

/// Where frames go once their verdict is known.
#[derive(Debug)]
pub(super) struct Out {
    pub(super) index: WorkerIndex,
    pub(super) workers: usize,
    pub(super) pool: Pool,
    pub(super) counters: Counters,
    pub(super) mesh: Mesh,
    pub(super) queues: Vec<Queue>,
    /// Port → position in `queues` of the one whose tree this worker owns.
    pub(super) trees: Vec<Option<usize>>,
    /// The tree of each interface, by [`IfIndex`]; empty where no port has more than one.
    pub(super) several: Vec<u8>,
    /// Frames on their way to another tree of this port.
    pub(super) moved: VecDeque<(PortIndex, Frame)>,
    /// What such interfaces were counted for, on its way there too.
    pub(super) departed: VecDeque<(PortIndex, Box<Departed>)>,
    /// Stamps of the tables that the trees were made from.
    pub(super) seen: (u64, u64),
    pub(super) dropped: Vec<(Frame, DropReason)>,
    /// Frames that peers of ports given up were lent, by when they are nobody else's any more.
    pub(super) lent: VecDeque<(Time, Vec<Frame>)>,
}

impl Out {
    /// Lets the memory come that queueing a frame will need, if the port's tree is here.
    #[inline]
    pub(super) fn fetch(&self, frame: &Frame, port: PortIndex) {
        let tree = self.trees.get(port.index()).copied().flatten();
        let queue = tree.and_then(|at| self.queues.get(at));
        if let Some(egress) = queue.and_then(|queue| queue.egress.as_ref()) {
            let meta = frame.meta();
            egress.scheduler.fetch(meta.out_interface, meta.class);
        }
    }

    /// Tells the trees that a turn begins at `now`, after one at `since`.
    #[inline]
    pub(super) fn begin_turn(&mut self, since: Time, now: Time) {
        for egress in self.queues.iter_mut().filter_map(|queue| queue.egress.as_mut()) {
            egress.scheduler.begin_turn(since, now);
        }
    }

    /// Takes the whole batch, to leave as it is or to be queued; `false` where its tree is not here, or there
    /// may be several, and then nothing is done.
    #[inline]
    pub(super) fn take(&mut self, batch: &mut Batch, together: &Together, now: Time) -> bool {
        let tree = match together.of {
            Some((to, _)) => self.tree_of(to),
            None if self.several.is_empty() => 0,
            None => return false,
        };
        if owner(together.port, tree, self.workers) != self.index.index() {
            return false;
        }
        let Some(queue) = line(&self.trees, &mut self.queues, together.port) else { return false };
        let received = self.counters.interface(together.from).map(|block| &block.received);
        if let Some(of) = together.of {
            if let Some(received) = received {
                received[of.1.index()].add_all(batch.len() as u64, together.bytes);
            }
            queue.make_room(batch.len(), of, now, &mut self.pool, &self.counters, &mut self.dropped);
            if let Some(egress) = &mut queue.egress {
                egress.take(batch, of, now, &mut self.dropped);
            }
        } else {
            received.into_iter().for_each(|received| count_all(received, batch.frames()));
            if let Some(egress) = &mut queue.egress {
                egress.take_mixed(batch, now, &mut self.dropped);
            }
        }
        true
    }

    /// Sends a frame where its verdict says; `port` is the one it leaves by.
    #[inline]
    pub(super) fn finish(&mut self, frame: Frame, port: PortIndex, now: Time) {
        let meta = frame.meta();
        if !meta.flags.has(Flags::ORIGINATED)
            && !meta.flags.has(Flags::RELEASED)
            && let Some(block) = self.counters.interface(meta.in_interface)
        {
            block.received[meta.class.index()].add(usize::from(meta.length));
        }
        self.settle_verdict(frame, port, now);
    }

    /// As [`Out::finish`], for a frame that was not received itself.
    #[inline]
    pub(super) fn settle_verdict(&mut self, frame: Frame, port: PortIndex, now: Time) {
        match frame.meta().verdict {
            Verdict::Forward => self.enqueue(frame, port, now),
            Verdict::Drop(reason) => self.drop(frame, reason),
            Verdict::Punt(reason) => self.punt(frame, reason),
        }
    }

    /// Queues a frame whose layer 2 is complete.
    pub(super) fn enqueue_on_interface(&mut self, mut frame: Frame, snapshot: &Snapshot, now: Time) {
        frame.meta_mut().verdict = Verdict::Forward;
        match snapshot.interface(frame.meta().out_interface).map(|i| i.port) {
            Some(port) => self.enqueue(frame, port, now),
            None => self.drop(frame, DropReason::InterfaceGone),
        }
    }

    /// Queues a frame on the tree of its interface, here or with the worker that owns it.
    #[inline]
    fn enqueue(&mut self, frame: Frame, port: PortIndex, now: Time) {
        let to = owner(port, self.tree_of(frame.meta().out_interface), self.workers);
        if to != self.index.index() {
            if let Err(parcel) = self.mesh.send(to, Parcel::Enqueue(frame)) {
                self.refuse(parcel, DropReason::HandoffFull);
            }
            return;
        }
        let Some(queue) = line(&self.trees, &mut self.queues, port) else {
            return self.drop(frame, DropReason::PortDown);
        };
        let of = (frame.meta().out_interface, frame.meta().class);
        queue.make_room(1, of, now, &mut self.pool, &self.counters, &mut self.dropped);
        if let Some(egress) = &mut queue.egress
            && let Err((frame, reason)) = egress.enqueue(frame, now, &mut self.dropped)
        {
            self.drop(frame, reason);
        }
    }

    fn punt(&mut self, frame: Frame, reason: PuntReason) {
        self.counters.punted(&frame, reason);
        if let Err(parcel) = self.mesh.send(self.workers, Parcel::Punt(frame)) {
            self.refuse(parcel, DropReason::PuntFull);
        }
    }

    /// Drops what a ring did not take.
    #[cold]
    fn refuse(&mut self, parcel: Parcel, reason: DropReason) {
        if let Some(frame) = parcel.into_frame() {
            self.drop(frame, reason);
        }
    }

    /// Lets every port look at its line, and tells the slow path of one that changed.
    pub(super) fn poll_ports(&mut self, now: Time) {
        while let Some((_, frames)) = self.lent.pop_front_if(|(until, _)| *until <= now) {
            frames.into_iter().for_each(|frame| self.pool.put(frame));
        }
        for queue in &mut self.queues {
            queue.port.poll(now);
            if let Some(up) = queue.link_news() {
                // A ring that is full is told at the next look.
                let told = self.mesh.send(self.workers, Parcel::Link(queue.id, up)).is_ok();
                queue.tell_link(told.then_some(up));
            }
        }
    }

    #[inline]
    pub(super) fn drop(&mut self, frame: Frame, reason: DropReason) {
        self.counters.dropped(&frame, reason);
        self.pool.put(frame);
    }

    /// Counts the frames that trees gave back.
    pub(super) fn settle(&mut self) {
        while let Some((frame, reason)) = self.dropped.pop() {
            self.drop(frame, reason);
        }
    }

    /// Sends buffers of the slow path home, and other workers what is theirs, `all` of it when there is
    /// time; what finds the ring full waits.
    #[inline]
    pub(super) fn send_home(&mut self, all: bool) {
        let (mesh, by) = (&mut self.mesh, self.index);
        self.pool.settle(all, |to, due| {
            let parcel = match due {
                Due::Frame(frame) => Parcel::Home(frame),
                Due::Kept(kept) => Parcel::Kept(by, kept),
            };
            mesh.send(to, parcel).map_err(Parcel::into_frame)
        });
        let foreign = self.pool.foreign();
        // From the last on: what found the ring full stands behind those that are still to go.
        for at in (0..foreign.len()).rev() {
            let frame = foreign.swap_remove(at);
            let home = frame.meta().home.index();
            if let Err(parcel) = self.mesh.send(home, Parcel::Home(frame)) {
                foreign.extend(parcel.into_frame());
            }
        }
    }

    pub(super) fn add_queue(&mut self, id: PortIndex, port: AnyPort, snapshot: &Snapshot, now: Time) {
        self.queues.push(Queue::new(id, port));
        self.seen = (u64::MAX, u64::MAX);
        self.sync_trees(snapshot);
        self.share_buffers(snapshot);
        self.poll_ports(now);
    }

    pub(super) fn remove_port(&mut self, id: PortIndex, now: Time) -> Vec<AnyPort> {
        let all = std::mem::take(&mut self.queues);
        let (gone, kept) = all.into_iter().partition::<Vec<_>, _>(|queue| queue.id == id);
        self.queues = kept;
        self.index_trees();
        let mut lent = Vec::new();
        let ports = gone.into_iter().map(|queue| queue.close(&mut self.dropped, &mut lent)).collect();
        if !lent.is_empty() {
            self.lent.push_back((Time(now.nanos().saturating_add(QUARANTINE)), lent));
        }
        self.settle();
        ports
    }

    pub(super) fn status(&self, meters: Vec<Metered>) -> Status {
        Status {
            worker: self.index,
            // Those that are owed to others are theirs.
            pool: (self.pool.available().min(self.pool.total()), self.pool.total()),
            held: self.held(),
            queues: self.queues.iter().map(|q| (q.id, q.link(), q.stats())).collect(),
            meters,
            rules: Vec::new(),
        }
    }

    /// How a port's tree stands; `None` where it is another worker's, or nobody's.
    pub(super) fn tree(&mut self, port: PortIndex, look: Look, now: Time) -> Option<TreeReport> {
        Some(self.scheduler_mut(port)?.report(look, now))
    }

    /// Frames in its queues, and between its trees and others.
    pub(super) fn held(&self) -> usize {
        self.queues.iter().map(Queue::held).sum::<usize>() + self.moved.len()
    }

    /// Interfaces that have frames in this worker's tree of a port.
    pub(super) fn waiting(&self, port: PortIndex) -> usize {
        self.scheduler(port).map_or(0, Scheduler::waiting)
    }

    /// This worker's tree of a port, be its line up or not.
    pub(super) fn scheduler_mut(&mut self, port: PortIndex) -> Option<&mut Scheduler> {
        let at = self.trees.get(port.index()).copied().flatten()?;
        Some(&mut self.queues.get_mut(at)?.egress.as_mut()?.scheduler)
    }

    fn scheduler(&self, port: PortIndex) -> Option<&Scheduler> {
        let at = self.trees.get(port.index()).copied().flatten()?;
        Some(&self.queues.get(at)?.egress.as_ref()?.scheduler)
    }

    /// How long a frame of each class would wait where `waiting` interfaces wait in all trees of the
    /// port; `None` where the tree is another worker's.
    pub(super) fn waits(
        &self,
        id: IfIndex,
        waiting: usize,
        snapshot: &Snapshot,
        now: Time,
    ) -> Option<[u64; CLASSES]> {
        let interface = snapshot.interface(id)?;
        let (port, tree) = (interface.port, snapshot.tree_of(interface));
        let scheduler =
            self.scheduler(port).filter(|_| owner(port, tree, self.workers) == self.index.index())?;
        let beside = waiting.saturating_sub(scheduler.waiting());
        Some(TrafficClass::ALL.map(|class| scheduler.expected_wait(id, class, beside, now)))
    }
}

/// Counts frames as received, each by its class.
fn count_all(received: &[Traffic; CLASSES], frames: &[Frame]) {
    let sums = by_class(frames, |meta| 1 << 32 | u64::from(meta.length));
    for (traffic, sum) in received.iter().zip(sums).filter(|(_, sum)| *sum > 0) {
        traffic.add_all(sum >> 32, sum & u64::from(u32::MAX));
    }
}

/// This worker's tree of a port, while its line is up.
#[inline]
pub(super) fn egress<'q>(
    trees: &[Option<usize>],
    queues: &'q mut [Queue],
    port: PortIndex,
) -> Option<&'q mut Egress> {
    line(trees, queues, port)?.egress.as_mut()
}

/// The queue of a port that has this worker's tree, while its line is up.
#[inline]
fn line<'q>(trees: &[Option<usize>], queues: &'q mut [Queue], port: PortIndex) -> Option<&'q mut Queue> {
    let tree = trees.get(port.index()).copied().flatten();
    let queue = tree.and_then(|at| queues.get_mut(at)).filter(|queue| queue.link().up)?;
    queue.egress.is_some().then_some(queue)
}
