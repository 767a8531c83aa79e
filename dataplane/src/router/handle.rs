//! What the control side holds: publishes generations, asks questions, reads counts.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, TryLockError, mpsc};
use std::time::Duration;

use crate::counters::{self, Activity, CountersView, InterfaceCounts, TotalCounts};
use crate::host::{LspReply, LspRequest, NeighbourInfo, PingReply, PingRequest};
use crate::id::{IfIndex, PortIndex, VrfId};
use crate::packet::{Arena, DropReason};
use crate::port::AnyPort;
use crate::qos::{Look, TreeReport};
use crate::router::slowpath::SlowPathAsk;
use crate::table::{Publisher, Snapshot};
use crate::worker::{self, Ask, Status, Waker};

/// Where questions to one loop go in.
#[derive(Debug)]
pub(super) struct Door<T> {
    sender: mpsc::Sender<T>,
    asked: Arc<AtomicBool>,
    waker: Arc<Waker>,
}

/// A door, and the loop's side of it.
pub(super) fn door<T>(waker: Arc<Waker>) -> (Door<T>, (mpsc::Receiver<T>, Arc<AtomicBool>)) {
    let ((sender, receiver), asked) = (mpsc::channel(), Arc::<AtomicBool>::default());
    (Door { sender, asked: asked.clone(), waker }, (receiver, asked))
}

impl<T> Door<T> {
    fn ask(&self, question: T) -> bool {
        let sent = self.sender.send(question).is_ok();
        self.asked.store(true, Ordering::Release);
        self.waker.wake_if_asleep();
        sent
    }
}

/// Why a question went without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskError {
    /// The loop has ended.
    Stopped,
    /// The loop did not answer in time.
    TimedOut,
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stopped => "the forwarding loop has stopped",
            Self::TimedOut => "the forwarding loop did not answer in time",
        })
    }
}

impl std::error::Error for AskError {}

#[derive(Debug)]
struct Shared {
    publisher: Mutex<Publisher<Snapshot>>,
    workers: Vec<Door<Ask>>,
    slow: Door<SlowPathAsk>,
    wakers: Vec<Arc<Waker>>,
    views: OnceLock<Vec<CountersView>>,
    arena: Option<Arc<Arena>>,
}

/// The control side's handle on a router. Clones are the same router's.
#[derive(Clone, Debug)]
pub struct Handle {
    shared: Arc<Shared>,
}

/// Answers that may come later: one per loop asked.
pub type Answers<T> = mpsc::Receiver<T>;

impl Handle {
    pub(super) fn new(
        publisher: Publisher<Snapshot>,
        workers: Vec<Door<Ask>>,
        slow: Door<SlowPathAsk>,
        wakers: Vec<Arc<Waker>>,
        arena: Option<Arc<Arena>>,
    ) -> Self {
        let publisher = Mutex::new(publisher);
        let shared = Shared { publisher, workers, slow, wakers, views: OnceLock::new(), arena };
        Self { shared: Arc::new(shared) }
    }

    pub(super) fn set_views(&self, views: Vec<CountersView>) {
        // Set once, by the router's constructor.
        let _ = self.shared.views.set(views);
    }

    fn publisher(&self) -> MutexGuard<'_, Publisher<Snapshot>> {
        self.shared.publisher.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The generation that is forwarded by.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.publisher().latest()
    }

    /// Changes what is forwarded by: `edit` works on a copy, which is published
    /// whole when it succeeds and forgotten when it fails. Changes are made one
    /// at a time; workers never wait for one.
    ///
    /// # Errors
    /// Whatever `edit` fails with; nothing has changed then.
    pub fn commit<T, E>(&self, edit: impl FnOnce(&mut Snapshot) -> Result<T, E>) -> Result<T, E> {
        publish(&mut self.publisher(), edit)
    }

    /// As [`Handle::commit`], but `None` at once while another change is being made.
    pub(super) fn try_commit<T, E>(
        &self,
        edit: impl FnOnce(&mut Snapshot) -> Result<T, E>,
    ) -> Option<Result<T, E>> {
        let mut publisher = match self.shared.publisher.try_lock() {
            Ok(publisher) => publisher,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(publish(&mut publisher, edit))
    }

    /// Old generations that some worker may still read.
    pub fn lag(&self) -> usize {
        let mut publisher = self.publisher();
        publisher.reap();
        publisher.lag()
    }

    /// Where its frames stand, if trusted peers can be given them ([`Size::shared`](super::Size::shared)).
    pub fn arena(&self) -> Option<&Arc<Arena>> {
        self.shared.arena.as_ref()
    }

    /// Workers of the router.
    pub fn workers(&self) -> usize {
        self.shared.workers.len()
    }

    /// The waker of loop `index`; the slow path's comes after the workers'.
    pub(super) fn waker(&self, index: usize) -> Arc<Waker> {
        self.shared.wakers[index].clone()
    }

    /// Wakes every loop that sleeps, so that it takes up what was published.
    pub fn wake_all(&self) {
        self.shared.wakers.iter().for_each(|waker| waker.wake_if_asleep());
    }

    /// Gives a port's queues to the workers that are to have them; the owner of the port's tree n
    /// gets queue n.
    pub fn add_port(&self, id: PortIndex, queues: Vec<AnyPort>) {
        for (n, queue) in queues.into_iter().enumerate() {
            let to = worker::receiver(id, n, self.workers());
            if let Some(door) = self.shared.workers.get(to) {
                door.ask(Ask::AddQueue(id, queue));
            }
        }
    }

    /// Takes a port away from all workers; its queues arrive as each lets go.
    pub fn remove_port(&self, id: PortIndex) -> Answers<Vec<AnyPort>> {
        self.ask_all(|reply| Ask::RemovePort(id, reply))
    }

    /// Asks every worker how it stands.
    pub fn status(&self) -> Answers<Status> {
        self.ask_all(Ask::Status)
    }

    /// Asks how a scheduler tree of a port stands, the first being 0; `None` where there is none.
    pub fn tree(&self, port: PortIndex, tree: usize, look: Look) -> Answers<Option<TreeReport>> {
        let (reply, answers) = mpsc::channel();
        if let Some(door) = self.shared.workers.get(worker::owner(port, tree, self.workers())) {
            door.ask(Ask::Tree(port, look, reply));
        }
        answers
    }

    /// Asks how long a frame of each class would wait on an interface, where `waiting` interfaces
    /// have frames in all trees of its port (0 will do where there is one); the workers that do not
    /// own its tree answer `None`.
    pub fn waits(&self, id: IfIndex, waiting: usize) -> Answers<Option<[u64; crate::class::CLASSES]>> {
        self.ask_all(|reply| Ask::Waits(id, waiting, reply))
    }

    /// Asks how many interfaces of a port have frames waiting, worker by worker.
    pub fn waiting(&self, port: PortIndex) -> Answers<usize> {
        self.ask_all(|reply| Ask::Waiting(port, reply))
    }

    /// Asks for every neighbour the router knows.
    pub fn neighbours(&self) -> Answers<Vec<NeighbourInfo>> {
        let (reply, answers) = mpsc::channel();
        self.shared.slow.ask(SlowPathAsk::Neighbours(reply));
        answers
    }

    /// Sends an echo request; its answer, or the error message about it, arrives later.
    pub fn ping(&self, request: PingRequest) -> Answers<PingReply> {
        let (reply, answers) = mpsc::channel();
        self.shared.slow.ask(SlowPathAsk::Ping(request, reply));
        answers
    }

    /// Sends an MPLS echo request; its reply arrives later.
    pub fn lsp_ping(&self, request: LspRequest) -> Answers<LspReply> {
        let (reply, answers) = mpsc::channel();
        self.shared.slow.ask(SlowPathAsk::LspPing(request, reply));
        answers
    }

    fn ask_all<T>(&self, question: impl Fn(mpsc::Sender<T>) -> Ask) -> Answers<T> {
        let (reply, answers) = mpsc::channel();
        for door in &self.shared.workers {
            door.ask(question(reply.clone()));
        }
        answers
    }

    /// Collects the answers of `loops` loops, each within `timeout` of the one before.
    ///
    /// # Errors
    /// [`AskError`] when one is missing.
    pub fn collect<T>(&self, answers: &Answers<T>, timeout: Duration) -> Result<Vec<T>, AskError> {
        let answer = || {
            answers.recv_timeout(timeout).map_err(|error| match error {
                mpsc::RecvTimeoutError::Timeout => AskError::TimedOut,
                mpsc::RecvTimeoutError::Disconnected => AskError::Stopped,
            })
        };
        (0..self.workers()).map(|_| answer()).collect()
    }

    fn views(&self) -> &[CountersView] {
        self.shared.views.get().map(Vec::as_slice).unwrap_or_default()
    }

    /// Counts over everything.
    pub fn totals(&self) -> TotalCounts {
        counters::totals(self.views())
    }

    /// One interface's counts.
    pub fn interface_counts(&self, id: IfIndex) -> InterfaceCounts {
        counters::interface(self.views(), id)
    }

    /// One Vrf's drops.
    pub fn vrf_drops(&self, id: VrfId) -> Vec<(DropReason, u64)> {
        counters::vrf_drops(self.views(), id)
    }

    /// A port's drops of frames that belonged to no interface.
    pub fn port_drops(&self, id: PortIndex) -> Vec<(DropReason, u64)> {
        counters::port_drops(self.views(), id)
    }

    /// What each worker did with its time.
    pub fn activity(&self) -> Vec<Activity> {
        self.views().iter().take(self.workers()).map(counters::activity).collect()
    }
}

/// Publishes a copy of the latest generation with `edit` made to it, if that succeeds.
fn publish<T, E>(
    publisher: &mut Publisher<Snapshot>,
    edit: impl FnOnce(&mut Snapshot) -> Result<T, E>,
) -> Result<T, E> {
    let mut next = Snapshot::clone(&publisher.latest());
    let done = edit(&mut next)?;
    next.generation += 1;
    publisher.publish(next);
    Ok(done)
}
