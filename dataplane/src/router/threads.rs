//! Each loop on a thread of its own, pinned where asked.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use super::handle::Handle;
use super::slowpath::SlowPath;
use crate::worker::Worker;
use crate::worker::run::{self, Clock, Seat};

pub use crate::worker::Priority;
pub use crate::worker::run::PollMode;

/// How the loops run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What workers do when there is no work.
    pub mode: PollMode,
    /// How their threads stand beside others; the slow path's is an ordinary one.
    pub priority: Priority,
    /// Cores for the workers, in order; workers beyond the list are not pinned.
    pub cores: Vec<usize>,
}

/// A router whose loops run.
#[derive(Debug)]
pub struct Running {
    handle: Handle,
    stop: Arc<AtomicBool>,
    workers: Vec<JoinHandle<Worker>>,
    slow: Option<JoinHandle<SlowPath>>,
}

pub(super) fn start(
    handle: Handle,
    workers: Vec<Worker>,
    slow: SlowPath,
    options: Options,
) -> io::Result<Running> {
    let (stop, clock) = (Arc::<AtomicBool>::default(), Clock::start());
    let mut running = Running { handle: handle.clone(), stop: stop.clone(), workers: Vec::new(), slow: None };
    for (index, worker) in workers.into_iter().enumerate() {
        let (stop, waker, workers) = (stop.clone(), handle.waker(index), handle.workers());
        let seat = Seat { core: options.cores.get(index).copied(), priority: options.priority, workers };
        let body = move || run::worker(worker, clock, options.mode, seat, &waker, &stop);
        let thread = std::thread::Builder::new().name(format!("worker-{index}"));
        running.workers.push(thread.spawn(body)?);
    }
    let waker = handle.waker(handle.workers());
    let body = move || run::slow_path(slow, clock, &waker, &stop);
    running.slow = Some(std::thread::Builder::new().name("slow-path".into()).spawn(body)?);
    Ok(running)
}

impl Running {
    /// The control side's handle.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Whether every loop still runs.
    pub fn is_alive(&self) -> bool {
        let slow = self.slow.as_ref().is_some_and(|thread| !thread.is_finished());
        slow && self.workers.iter().all(|thread| !thread.is_finished())
    }

    /// Stops the loops, closes the ports, and counts what was held as dropped.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Release);
        // A loop may be about to sleep for its longest time; it looks at least that often.
        self.handle.wake_all();
        let mut slow = self.slow.take().and_then(|thread| thread.join().ok());
        for thread in self.workers.drain(..) {
            match thread.join() {
                Ok(mut worker) => drop(worker.shutdown()),
                Err(_) => tracing::error!("a worker ended by a panic"),
            }
        }
        if let Some(slow) = &mut slow {
            slow.shutdown();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
