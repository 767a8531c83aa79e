//! The loop that is not a worker: what the router itself hears and says.
//!
//! Punted frames come in by the rings, [`Host`] decides, and what it wants done
//! goes out by the rings or, for neighbours, into a new generation.

mod waiting;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use super::handle::Handle;
use crate::counters::Counters;
use crate::host::{Action, Host, LspReply, LspRequest, NeighbourInfo, PingReply, PingRequest};
use crate::id::PortIndex;
use crate::packet::{DropReason, Frame};
use crate::table::{Reader, Snapshot};
use crate::time::Time;
use crate::worker::{Mesh, Parcel, Progress, owner};
use waiting::Questions;

/// Nanoseconds after which a neighbour that could not be published is tried again.
const RETRY: u64 = 1_000_000;

/// What the slow path may be asked, from the control side.
#[derive(Debug)]
pub enum SlowPathAsk {
    /// Every neighbour known.
    Neighbours(mpsc::Sender<Vec<NeighbourInfo>>),
    /// Send an echo request; the answer goes to the sender.
    Ping(PingRequest, mpsc::Sender<PingReply>),
    /// Send an MPLS echo request; the answer goes to the sender.
    LspPing(LspRequest, mpsc::Sender<LspReply>),
}

/// The slow path's loop.
#[derive(Debug)]
pub struct SlowPath {
    handle: Handle,
    reader: Reader<Snapshot>,
    asks: mpsc::Receiver<SlowPathAsk>,
    asked: Arc<AtomicBool>,
    generation: u64,
    /// Stamps of the interfaces and ports, and number of Vrfs, that it was told of.
    seen: (u64, u64, usize),
    /// Ports whose line is down.
    down: BTreeSet<PortIndex>,
    inbox: Vec<Parcel>,
    actions: Vec<Action>,
    questions: Questions,
    out: Out,
}

/// What carrying out actions needs.
#[derive(Debug)]
struct Out {
    host: Host,
    mesh: Mesh,
    workers: usize,
    counters: Counters,
    /// Workers' buffers on their way home.
    homeward: Vec<Frame>,
}

impl SlowPath {
    pub(super) fn new(
        handle: Handle,
        reader: Reader<Snapshot>,
        host: Host,
        mesh: Mesh,
        (asks, asked): (mpsc::Receiver<SlowPathAsk>, Arc<AtomicBool>),
    ) -> Self {
        let workers = handle.workers();
        Self {
            handle,
            reader,
            asks,
            asked,
            generation: u64::MAX,
            seen: (u64::MAX, u64::MAX, 0),
            down: BTreeSet::new(),
            inbox: Vec::new(),
            actions: Vec::new(),
            questions: Questions::default(),
            out: Out { host, mesh, workers, counters: Counters::new(), homeward: Vec::new() },
        }
    }

    /// The counters it writes.
    pub fn counters(&self) -> &Counters {
        &self.out.counters
    }

    /// Frames held for unresolved neighbours.
    pub fn held(&self) -> usize {
        self.out.host.held()
    }

    /// Whether nothing waits in its rings and no question is open.
    pub fn is_quiet(&self) -> bool {
        self.out.mesh.is_quiet() && !self.asked.load(Ordering::Acquire)
    }

    /// One turn at time `now`.
    pub fn poll(&mut self, now: Time) -> Progress {
        self.out.mesh.receive(&mut self.inbox);
        let mut frames = self.inbox.len();
        let snapshot = self.reader.current();
        let (out, actions) = (&mut self.out, &mut self.actions);
        if self.generation != snapshot.generation {
            self.generation = snapshot.generation;
            let seen = (snapshot.interfaces.stamp(), snapshot.ports.stamp(), snapshot.vrfs.len());
            if std::mem::replace(&mut self.seen, seen) != seen {
                out.adopt(snapshot);
                out.host.snapshot_changed(now, snapshot, actions);
                // An interface that is new on a line that is down starts down.
                for (_, i) in snapshot.interfaces.iter().filter(|(_, i)| self.down.contains(&i.port)) {
                    out.host.link_changed(i.id, false, now, snapshot, actions);
                }
            }
        }
        if self.asked.swap(false, Ordering::AcqRel) {
            while let Ok(ask) = self.asks.try_recv() {
                answer(ask, now, snapshot, out, actions, &mut self.questions);
            }
        }
        for parcel in self.inbox.drain(..) {
            match parcel {
                Parcel::Punt(frame) => out.host.receive(frame, now, snapshot, actions),
                Parcel::Link(port, up) => {
                    if up {
                        self.down.remove(&port)
                    } else {
                        self.down.insert(port)
                    };
                    let on_port = snapshot.interfaces.iter().filter(|(_, i)| i.port == port);
                    on_port.for_each(|(_, i)| out.host.link_changed(i.id, up, now, snapshot, actions));
                }
                other => other.into_frame().into_iter().for_each(|frame| out.recycle(frame)),
            }
        }
        if now >= out.host.next_due() {
            out.host.tick(now, snapshot, actions);
        }
        frames += actions.len();
        // Neighbours first: what is released below must find them. While the control side is
        // busy with a change of its own, both wait and everything else goes on.
        let published = publish_neighbours(&self.handle, actions);
        let waits = |a: &Action| matches!(a, Action::Neighbour { .. } | Action::Release(_));
        for action in std::mem::take(actions) {
            if !published && waits(&action) {
                actions.push(action);
            } else {
                out.carry_out(action, snapshot, &mut self.questions);
            }
        }
        let retry = if published { Time::NEVER } else { Time(now.nanos().saturating_add(RETRY)) };
        out.send_home();
        out.mesh.flush();
        self.questions.expire(now);
        Progress { frames, next: self.out.host.next_due().min(retry) }
    }

    /// Ends it: counts what it still has as dropped.
    pub fn shutdown(&mut self) {
        while !self.out.mesh.is_quiet() {
            self.out.mesh.receive(&mut self.inbox);
        }
        for parcel in self.inbox.drain(..) {
            if let Parcel::Punt(frame) = parcel {
                self.out.drop(frame, DropReason::Shutdown);
            }
        }
    }
}

fn answer(
    ask: SlowPathAsk,
    now: Time,
    snapshot: &Snapshot,
    out: &mut Out,
    actions: &mut Vec<Action>,
    questions: &mut Questions,
) {
    match ask {
        // A questioner that went away needs no answer.
        SlowPathAsk::Neighbours(reply) => drop(reply.send(out.host.neighbours().collect())),
        SlowPathAsk::Ping(request, reply) => {
            let PingRequest { vrf, ident, sequence, .. } = request;
            questions.pings.add((vrf, ident, sequence), now, reply);
            out.host.ping(request, now, snapshot, actions);
        }
        SlowPathAsk::LspPing(request, reply) => {
            questions.lsp_pings.add((request.handle, request.sequence), now, reply);
            out.host.lsp_ping(&request, now, snapshot, actions);
        }
    }
}

/// Puts all neighbours that `actions` names into one new generation; `false` when the
/// control side is just making one.
fn publish_neighbours(handle: &Handle, actions: &[Action]) -> bool {
    if !actions.iter().any(|action| matches!(action, Action::Neighbour { .. })) {
        return true;
    }
    let edit = |next: &mut Snapshot| {
        for action in actions {
            if let Action::Neighbour { interface, address, mac } = action {
                next.set_neighbour(*interface, *address, *mac);
            }
        }
        Ok::<_, std::convert::Infallible>(())
    };
    handle.try_commit(edit).is_some()
}

impl Out {
    fn adopt(&mut self, snapshot: &Snapshot) {
        self.counters.sync(
            snapshot.interfaces.iter().map(|(_, i)| (i.id, &i.name)),
            snapshot.vrfs.iter().map(|(_, v)| v.id),
            snapshot.ports.iter().map(|(_, p)| p.id),
        );
    }

    fn carry_out(&mut self, action: Action, snapshot: &Snapshot, questions: &mut Questions) {
        match action {
            Action::Transmit(frame) => {
                self.counters.totals().originated.add(1);
                let interface = snapshot.interface(frame.meta().out_interface);
                let to = interface.map_or(0, |i| owner(i.port, snapshot.tree_of(i), self.workers));
                self.send(to, Parcel::Enqueue(frame));
            }
            Action::Route(frame) => {
                self.counters.totals().originated.add(1);
                self.send(0, Parcel::Originate(frame));
            }
            Action::Release(frame) => {
                // Back to the worker that had it, so that a flow keeps its order.
                let home = frame.meta().home.index();
                self.send(if home < self.workers { home } else { 0 }, Parcel::Release(frame));
            }
            Action::Neighbour { .. } => {}
            Action::Drop(frame, reason) => self.drop(frame, reason),
            Action::Deliver(frame) => {
                self.counters.totals().delivered.add(1);
                self.recycle(frame);
            }
            Action::Warn(warning) => tracing::warn!("{warning}"),
            Action::Pong(reply) => questions.pong(reply),
            Action::LspPong(reply) => questions.lsp_pong(*reply),
        }
    }

    fn send(&mut self, to: usize, parcel: Parcel) {
        if let Err(parcel) = self.mesh.send(to, parcel) {
            parcel.into_frame().into_iter().for_each(|frame| self.drop(frame, DropReason::HandoffFull));
        }
    }

    fn drop(&mut self, frame: Frame, reason: DropReason) {
        self.counters.dropped(&frame, reason);
        self.recycle(frame);
    }

    /// Takes a finished frame: its own back to the pool, a worker's on its way home.
    fn recycle(&mut self, frame: Frame) {
        if frame.meta().home.index() == self.workers {
            self.host.recycle(frame);
        } else {
            self.homeward.push(frame);
        }
    }

    /// Sends the workers' buffers home; those that find the ring full wait.
    fn send_home(&mut self) {
        for frame in std::mem::take(&mut self.homeward) {
            let home = frame.meta().home.index();
            if let Err(parcel) = self.mesh.send(home, Parcel::Home(frame)) {
                self.homeward.extend(parcel.into_frame());
            }
        }
    }
}
