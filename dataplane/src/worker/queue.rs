//! One queue of a port as its worker holds it: receiving with exact counts, and,
//! where this worker owns the port's scheduler tree, scheduling and sending.

use super::staged::{Dropped, Staged, Straight};
use crate::class::TrafficClass;
use crate::counters::Counters;
use crate::id::{IfIndex, PortIndex};
use crate::packet::{Batch, DropReason, Frame, Pool};
use crate::port::{AnyPort, Link, Port, PortStats};
use crate::qos::Scheduler;
use crate::table::{Interface, Slab, Snapshot};
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
    /// A queue of port `id`; `owner` says that this worker schedules the port.
    pub fn new(id: PortIndex, port: AnyPort, owner: bool) -> Self {
        let egress = owner.then(|| Egress {
            scheduler: Scheduler::new(0),
            straight: Straight::default(),
            staged: Staged::default(),
            seen: (u64::MAX, u64::MAX),
        });
        Self { id, port, egress, stats: PortStats::default(), told: None }
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

    /// Adopts the port's rate and its interfaces' QoS where they changed.
    pub fn sync(&mut self, snapshot: &Snapshot, dropped: &mut Dropped) {
        let Some(egress) = &mut self.egress else { return };
        let seen = (snapshot.interfaces.stamp(), snapshot.ports.stamp());
        if std::mem::replace(&mut egress.seen, seen) == seen {
            return;
        }
        let rate = snapshot.port(self.id).map_or(0, |p| p.rate);
        let id = self.id;
        let interfaces = on_port(&snapshot.interfaces, id).map(|i| (i.id, &i.qos));
        egress.scheduler.sync(rate, interfaces, dropped);
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
    /// of a port tells: the one with the tree.
    pub fn link_news(&self) -> Option<bool> {
        let up = self.port.link().up;
        (self.egress.is_some() && self.told != Some(up)).then_some(up)
    }

    /// Remembers what the slow path was told.
    pub fn tell_link(&mut self, told: Option<bool>) {
        self.told = told.or(self.told);
    }

    /// What its port counted.
    pub fn stats(&self) -> PortStats {
        self.port.stats()
    }

    /// Takes it apart: the driver, with everything still held in `dropped`.
    pub fn close(mut self, dropped: &mut Dropped) -> AnyPort {
        if let Some(mut egress) = self.egress.take() {
            egress.straight.queue_up(&mut egress.scheduler, Time::ZERO, dropped);
            egress.scheduler.sync(0, std::iter::empty(), dropped);
            dropped.extend(egress.staged.drain().map(|frame| (frame, DropReason::PortDown)));
        }
        self.port
    }
}

impl Egress {
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

    /// Takes a whole batch of frames of one class of one interface, if all of them may leave without
    /// being queued; `false` if not, and then none is taken.
    #[inline]
    pub(super) fn take(&mut self, batch: &mut Batch, of: (IfIndex, TrafficClass)) -> bool {
        let idle = self.staged.frames.is_empty();
        self.straight.take_all(batch, of, &self.scheduler, idle)
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
fn on_port(
    interfaces: &Slab<std::sync::Arc<Interface>>,
    port: PortIndex,
) -> impl Iterator<Item = &std::sync::Arc<Interface>> {
    interfaces.iter().map(|(_, i)| i).filter(move |i| i.port == port)
}
