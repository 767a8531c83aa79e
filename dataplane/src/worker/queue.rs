//! One queue of a port as its worker holds it: receiving with exact counts, and,
//! where this worker owns a scheduler tree of the port, scheduling and sending.

use std::sync::Arc;

use super::staged::{Dropped, Staged, Straight};
use crate::class::TrafficClass;
use crate::counters::Counters;
use crate::id::{IfIndex, PortIndex};
use crate::packet::{Batch, DropReason, Frame, Pool};
use crate::port::{AnyPort, Link, Port, PortStats};
use crate::qos::{Departed, Place, Scheduler};
use crate::table::{Interface, Slab, Snapshot, Trees};
use crate::time::Time;

/// Nanoseconds after which a line that took no more frames is tried again.
const RETRY: u64 = 100_000;

/// A port's egress: the scheduler tree and what it has given that the line has
/// not taken yet.
#[derive(Debug)]
pub struct Egress {
    /// The tree.
    pub scheduler: Scheduler,
    straight: Straight,
    staged: Staged,
    /// Which of the port's trees.
    tree: usize,
    /// Stamps of the tables the tree was built from.
    seen: (u64, u64),
}

/// A port's queue.
#[derive(Debug)]
pub struct Queue {
    /// The port.
    pub id: PortIndex,
    /// Its driver.
    pub port: AnyPort,
    /// The scheduler tree, where this worker owns it.
    pub egress: Option<Egress>,
    stats: PortStats,
    /// The state of the line that the slow path was told last.
    told: Option<bool>,
}

impl Queue {
    /// A queue of port `id`, without a tree.
    pub fn new(id: PortIndex, port: AnyPort) -> Self {
        Self { id, port, egress: None, stats: PortStats::default(), told: None }
    }

    /// Receives a batch and counts what the port took and what it lost.
    #[inline]
    pub fn receive(&mut self, now: Time, pool: &mut Pool, batch: &mut Batch, counters: &Counters) -> usize {
        let got = self.port.receive(now, pool, batch);
        let stats = self.port.stats();
        if stats.received != self.stats.received || stats.send_failed != self.stats.send_failed {
            self.account(stats, counters);
        }
        got
    }

    fn account(&mut self, stats: PortStats, counters: &Counters) {
        let before = std::mem::replace(&mut self.stats, stats);
        counters.totals().received.add(stats.received - before.received);
        let lost = [
            (DropReason::PoolEmpty, stats.pool_empty - before.pool_empty),
            (DropReason::FrameTooLong, stats.too_long - before.too_long),
            (DropReason::BadDescriptor, stats.bad_descriptor - before.bad_descriptor),
            (DropReason::PortFull, stats.send_failed - before.send_failed),
        ];
        for (reason, n) in lost.into_iter().filter(|(_, n)| *n > 0) {
            counters.lost_at_port(self.id, reason, n);
        }
    }

    /// Has this tree of the port, or none; adopts the port's rate and the QoS of the tree's interfaces
    /// where they changed. What a tree given up held goes to `dropped` (`InterfaceGone`), in order. Gives what
    /// interfaces that left a tree of several were counted for.
    pub fn sync(&mut self, tree: Option<usize>, snapshot: &Snapshot, dropped: &mut Dropped) -> Vec<Departed> {
        let Some(tree) = tree else {
            let given_up =
                self.egress.take().map(|egress| egress.give_up(DropReason::InterfaceGone, dropped));
            return given_up.unwrap_or_default();
        };
        let egress = self.egress.get_or_insert_with(|| Egress::new(tree));
        let seen = (snapshot.interfaces.stamp(), snapshot.ports.stamp());
        if std::mem::replace(&mut egress.seen, seen) != seen {
            egress.sync(self.id, snapshot, dropped);
        }
        egress.scheduler.take_departed()
    }

    /// Gives the line what may leave now; gives how many frames it took.
    #[inline]
    pub fn transmit(
        &mut self,
        now: Time,
        pool: &mut Pool,
        counters: &Counters,
        dropped: &mut Dropped,
    ) -> usize {
        let Some(egress) = &mut self.egress else { return 0 };
        egress.stage(now, dropped);
        if egress.staged.frames.is_empty() {
            return 0;
        }
        if !self.port.link().up {
            dropped.extend(egress.staged.drain().map(|frame| (frame, DropReason::PortDown)));
            return 0;
        }
        let taken = self.port.transmit(now, &mut egress.staged.frames, pool);
        // Rings the doorbell for what is not a full burst: it may be a lone call's packet.
        self.port.poll(now);
        egress.staged.count(taken, counters);
        let failed = self.port.stats().send_failed - self.stats.send_failed;
        counters.totals().sent.add((taken as u64).saturating_sub(failed));
        if failed > 0 {
            self.account(self.port.stats(), counters);
        }
        taken
    }

    /// Lets leave what may, unqueued, where so many `more` of the same interface and class do not fit beside
    /// it: all of them would have to be queued, and the next after them.
    #[inline]
    pub(super) fn make_room(
        &mut self,
        more: usize,
        of: (IfIndex, TrafficClass),
        now: Time,
        pool: &mut Pool,
        counters: &Counters,
        dropped: &mut Dropped,
    ) {
        if self.egress.as_ref().is_some_and(|egress| egress.straight.is_full(more, of)) {
            self.transmit(now, pool, counters, dropped);
        }
    }

    /// When there will be something to send; when the line refused some, after a while.
    pub fn next_event(&self, now: Time) -> Time {
        match &self.egress {
            Some(egress) if !egress.staged.frames.is_empty() => Time(now.nanos().saturating_add(RETRY)),
            Some(egress) => egress.scheduler.next_event(now),
            None => Time::NEVER,
        }
    }

    /// Frames it holds.
    pub fn held(&self) -> usize {
        self.egress.as_ref().map_or(0, Egress::held)
    }

    /// The state of its line.
    pub fn link(&self) -> Link {
        self.port.link()
    }

    /// Whether the line is up, where the slow path was not told so yet. One queue
    /// of a port tells: the one with the first tree.
    pub fn link_news(&self) -> Option<bool> {
        let up = self.port.link().up;
        let tells = self.egress.as_ref().is_some_and(|egress| egress.tree == 0);
        (tells && self.told != Some(up)).then_some(up)
    }

    /// Remembers what the slow path was told.
    pub fn tell_link(&mut self, told: Option<bool>) {
        self.told = told.or(self.told);
    }

    /// What its port counted.
    pub fn stats(&self) -> PortStats {
        self.port.stats()
    }

    /// Takes it apart: the driver, with everything still held in `dropped`, and what its peer was lent in `lent`.
    pub fn close(mut self, dropped: &mut Dropped, lent: &mut Vec<Frame>) -> AnyPort {
        lent.append(&mut self.port.surrender());
        if let Some(egress) = self.egress.take() {
            egress.give_up(DropReason::PortDown, dropped);
        }
        self.port
    }
}

impl Egress {
    fn new(tree: usize) -> Self {
        Self {
            scheduler: Scheduler::new(0),
            straight: Straight::default(),
            staged: Staged::default(),
            tree,
            seen: (u64::MAX, u64::MAX),
        }
    }

    fn sync(&mut self, id: PortIndex, snapshot: &Snapshot, dropped: &mut Dropped) {
        let (port, tree) = (snapshot.port(id), self.tree);
        let several = port.and_then(|port| port.trees.as_ref());
        if let Some(port) = port {
            self.scheduler.set_port_burst(port.burst);
        }
        let place = |trees: &Arc<Trees>| Place { shared: trees.rate().clone(), tree, trees: trees.count() };
        self.scheduler.set_place(several.map(place));
        let mine = |i: &&Arc<Interface>| several.is_none_or(|trees| trees.of(i.id) == tree);
        let interfaces = on_port(&snapshot.interfaces, id).filter(mine).map(|i| (i.id, &i.qos));
        self.scheduler.sync(port.map_or(0, |port| port.rate), interfaces, dropped);
    }

    /// Puts what the line has not taken (for `reason`), and what waits, into `dropped`, in order. Gives what
    /// the interfaces of a tree of several were counted for.
    fn give_up(mut self, reason: DropReason, dropped: &mut Dropped) -> Vec<Departed> {
        dropped.extend(self.staged.drain().map(|frame| (frame, reason)));
        self.straight.queue_up(&mut self.scheduler, Time::ZERO, dropped);
        self.scheduler.sync(0, std::iter::empty(), dropped);
        self.scheduler.take_departed()
    }

    /// Takes a frame that is to leave by the port.
    ///
    /// # Errors
    /// A frame that is refused, and why; others may be in `dropped`.
    #[inline]
    pub fn enqueue(
        &mut self,
        frame: Frame,
        now: Time,
        dropped: &mut Dropped,
    ) -> Result<(), (Frame, DropReason)> {
        let idle = self.staged.frames.is_empty();
        self.straight.take(frame, &mut self.scheduler, idle, now, dropped)
    }

    /// Takes a whole batch of frames of one class of one interface, to be queued where they may not leave
    /// as they are; those that are refused are in `dropped`.
    #[inline]
    pub(super) fn take(
        &mut self,
        batch: &mut Batch,
        of: (IfIndex, TrafficClass),
        now: Time,
        dropped: &mut Dropped,
    ) {
        let idle = self.staged.frames.is_empty();
        self.straight.take_all(batch, of, &mut self.scheduler, idle, now, dropped);
    }

    /// Takes a whole batch of frames that are not all of one class of one interface, to be queued; those that
    /// are refused are in `dropped`.
    #[inline]
    pub(super) fn take_mixed(&mut self, batch: &mut Batch, now: Time, dropped: &mut Dropped) {
        self.straight.take_mixed(batch, &mut self.scheduler, now, dropped);
    }

    /// Takes what may leave, when the line took all before.
    fn stage(&mut self, now: Time, dropped: &mut Dropped) {
        let Self { scheduler, straight, staged, .. } = self;
        if !staged.frames.is_empty() {
            return;
        }
        if !straight.give(staged, scheduler, now, dropped) {
            scheduler.dequeue(now, staged.frames.room(), &mut staged.frames, dropped);
            staged.note();
        }
    }

    fn held(&self) -> usize {
        self.scheduler.held_frames() + self.straight.len() + self.staged.frames.len()
    }
}

/// The interfaces of one port.
fn on_port(interfaces: &Slab<Arc<Interface>>, port: PortIndex) -> impl Iterator<Item = &Arc<Interface>> {
    interfaces.iter().map(|(_, i)| i).filter(move |i| i.port == port)
}
