//! A whole router: workers, the slow path, and the handle by which the control
//! side changes what they forward.
//!
//! [`Router::step`] runs every loop once, in order, on the caller's thread and
//! clock: the laboratory's way. [`Router::start`] puts each loop on a thread of
//! its own: the router process's way.

mod handle;
mod slowpath;
mod threads;

use std::io;
use std::sync::Arc;

pub use handle::{Answers, AskError, Handle};
pub use slowpath::{SlowPath, SlowPathAsk};
pub use threads::{Options, PollMode, Priority, Running};

use crate::host::Host;
use crate::id::{PortIndex, WorkerIndex};
use crate::packet::{Arena, Pool, PoolSize};
use crate::port::AnyPort;
use crate::table::{Publisher, Snapshot};
use crate::time::Time;
use crate::worker::{Ask, Mesh, Waker, Worker};

/// Turns in one [`Router::step`] at the most: enough for a frame to cross to
/// another worker, to the slow path and back, and then some.
const TURNS: usize = 64;

/// How large a router is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Workers, 1 to 250.
    pub workers: usize,
    /// Frame buffers of each worker.
    pub buffers: usize,
    /// How large each is.
    pub buffer: PoolSize,
    /// Whether they stand in memory that trusted peers can be given ([`Arena`]).
    pub shared: bool,
    /// Frame buffers more of each worker, for rings of its ports that lend frames to such peers.
    pub for_rings: usize,
}

impl Size {
    /// Buffers of the slow path.
    fn slow_buffers(&self) -> usize {
        self.buffers.min(4096)
    }

    /// Buffers of all loops together.
    pub fn all_buffers(&self) -> usize {
        self.workers.saturating_mul(self.buffers + self.for_rings) + self.slow_buffers()
    }
}

impl Default for Size {
    fn default() -> Self {
        Self { workers: 1, buffers: 8192, buffer: PoolSize::Standard, shared: false, for_rings: 0 }
    }
}

/// Workers and slow path, not yet on threads.
#[derive(Debug)]
pub struct Router {
    handle: Handle,
    workers: Vec<Worker>,
    slow: SlowPath,
}

impl Router {
    /// A router with empty tables and no ports.
    ///
    /// # Errors
    /// The system's, when it gives no event descriptors, or no memory that can be shared.
    pub fn new(size: Size) -> io::Result<Self> {
        let count = size.workers.clamp(1, 250);
        let size = Size { workers: count, ..size };
        let arena = size.shared.then(|| shared_memory(size)).transpose()?;
        let pool = |home, buffers| match &arena {
            Some(arena) => Pool::within(arena, home, buffers),
            None => Pool::new(home, buffers, size.buffer),
        };
        let wakers = (0..=count).map(|_| Waker::new().map(Arc::new)).collect::<io::Result<Vec<_>>>()?;
        let mut meshes = Mesh::among(&wakers);
        let mut publisher = Publisher::new(Snapshot::default());
        let (slow_mesh, slow_reader) = (meshes.pop(), publisher.reader());
        let (mut workers, mut doors) = (Vec::new(), Vec::new());
        for (index, mesh) in meshes.into_iter().enumerate() {
            let mut pool = pool(WorkerIndex(index as u8), size.buffers + size.for_rings);
            pool.set_aside(size.for_rings);
            let (door, asks) = handle::door::<Ask>(wakers[index].clone());
            workers.push(Worker::new(count, publisher.reader(), pool, mesh, asks));
            doors.push(door);
        }
        let (slow_door, slow_asks) = handle::door::<SlowPathAsk>(wakers[count].clone());
        let host_pool = pool(WorkerIndex(count as u8), size.slow_buffers());
        let mut views: Vec<_> = workers.iter().map(|w| w.counters().view()).collect();
        let handle = Handle::new(publisher, doors, slow_door, wakers, arena);
        let mesh = slow_mesh.ok_or_else(|| io::Error::other("no rings for the slow path"))?;
        let slow = SlowPath::new(handle.clone(), slow_reader, Host::new(host_pool), mesh, slow_asks);
        views.push(slow.counters().view());
        handle.set_views(views);
        Ok(Self { handle, workers, slow })
    }

    /// The control side's handle.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Runs every loop until none has anything left to do at `now`; gives when
    /// there will be something again.
    pub fn step(&mut self, now: Time) -> Time {
        let mut next = Time::NEVER;
        for _ in 0..TURNS {
            let mut frames = 0;
            next = Time::NEVER;
            for worker in &mut self.workers {
                let progress = worker.poll(now);
                frames += progress.frames;
                next = next.min(progress.next);
            }
            let progress = self.slow.poll(now);
            frames += progress.frames;
            next = next.min(progress.next);
            let quiet = self.workers.iter().all(Worker::is_quiet) && self.slow.is_quiet();
            if frames == 0 && quiet && next > now {
                break;
            }
        }
        next
    }

    /// Its workers, with their queues and trees.
    pub fn workers(&self) -> &[Worker] {
        &self.workers
    }

    /// Its workers, for loops of the caller's own; the slow path does nothing meanwhile.
    pub fn workers_mut(&mut self) -> &mut [Worker] {
        &mut self.workers
    }

    /// Frames held in it now: queued, staged, or waiting for a neighbour.
    pub fn held(&self) -> usize {
        self.workers.iter().map(Worker::held).sum::<usize>() + self.slow.held()
    }

    /// Gives a port's queues to the workers that are to have them.
    pub fn add_port(&mut self, id: PortIndex, queues: Vec<AnyPort>) {
        self.handle.add_port(id, queues);
    }

    /// Puts each loop on a thread.
    ///
    /// # Errors
    /// The system's, when it gives no threads.
    pub fn start(self, options: Options) -> io::Result<Running> {
        threads::start(self.handle, self.workers, self.slow, options)
    }
}

/// Memory for the frames of all loops.
fn shared_memory(size: Size) -> io::Result<Arc<Arena>> {
    let frames = size.all_buffers();
    let failed = |why: io::Error| {
        let bytes = Arena::bytes_for(frames, size.buffer) >> 20;
        io::Error::new(
            why.kind(),
            format!("{bytes} MiB of memory for {frames} frames that peers share: {why}"),
        )
    };
    Arena::new(frames, size.buffer).map_err(failed)
}

#[cfg(test)]
mod tests;
