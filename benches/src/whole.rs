//! A router of one worker between two in-process lines, and the lines without it.
#![expect(clippy::panic, reason = "without its router there is nothing to measure")]

use dataplane::id::{PortIndex, WorkerIndex};
use dataplane::packet::{BATCH, Batch, Pool, PoolSize};
use dataplane::port::{AnyPort, Loopback, LoopbackEnd, Port};
use dataplane::router::{Handle, Router, Size};
use dataplane::table::Snapshot;
use dataplane::time::Time;

use crate::ways::Way;

/// Frames that a line holds.
const LINE: usize = 4 * BATCH;

/// A router of one worker between two in-process lines.
#[derive(Debug)]
pub struct Whole {
    router: Router,
    near: LoopbackEnd,
    far: LoopbackEnd,
    now: u64,
}

impl Whole {
    /// With the tables of `way`, which leads from port 0 to port 1.
    pub fn new(way: &Way) -> Self {
        Self::sized(way, PoolSize::Standard)
    }

    /// The same with buffers of this size.
    pub fn sized(way: &Way, buffer: PoolSize) -> Self {
        Self::lined(way, buffer, LINE)
    }

    /// The same with lines that hold so many frames.
    pub fn lined(way: &Way, buffer: PoolSize, line: usize) -> Self {
        let mut router = Router::new(Size { buffer, ..Size::default() }).unwrap_or_else(|e| panic!("{e}"));
        let publish = |next: &mut Snapshot| {
            let generation = next.generation;
            *next = way.snapshot().clone();
            next.generation = generation;
            Ok::<_, std::convert::Infallible>(())
        };
        let Ok(()) = router.handle().commit(publish);
        let [near, far] = [0, 1].map(|port| {
            let (queue, end) = Loopback::new(line);
            router.add_port(PortIndex(port), vec![AnyPort::Loopback(queue)]);
            end
        });
        // A second in, what the router says when it starts is said.
        let mut whole = Self { router, near, far, now: 1_000_000_000 };
        whole.step();
        whole.far.discard();
        whole
    }

    /// Puts a batch of `frames` on the line to port 0; gives how many it had room for.
    #[inline]
    pub fn send<'f>(&mut self, frames: &mut impl Iterator<Item = &'f Vec<u8>>) -> usize {
        frames.take(BATCH).filter(|bytes| self.near.send(Time(self.now), bytes)).count()
    }

    /// One turn of the worker, 10 µs after the last.
    #[inline(always)]
    pub fn step(&mut self) {
        self.go_on();
        self.router.step(Time(self.now));
    }

    /// One turn of the worker alone, a batch at the most, 10 µs after the last; gives how many frames wait on
    /// the line to port 0 then.
    #[inline]
    pub fn turn(&mut self) -> usize {
        self.go_on();
        for worker in self.router.workers_mut() {
            worker.poll(Time(self.now));
        }
        self.near.pending()
    }

    /// A turn of the worker's thread begins 10 µs after the last.
    fn go_on(&mut self) {
        let since = Time(self.now);
        self.now += 10_000;
        let now = Time(self.now);
        self.router.workers_mut().iter_mut().for_each(|worker| worker.begin_turn(since, now));
    }

    /// Takes what came out of port 1; gives how many frames.
    #[inline]
    pub fn take(&mut self) -> usize {
        self.far.discard()
    }

    /// A batch sent, a turn, and what came out.
    #[inline]
    pub fn batch<'f>(&mut self, frames: &mut impl Iterator<Item = &'f Vec<u8>>) -> usize {
        self.send(frames);
        self.step();
        self.take()
    }

    /// The handle by which its tables are changed, from any thread.
    pub fn handle(&self) -> Handle {
        self.router.handle().clone()
    }

    /// What became of all frames, for people.
    pub fn outcome(&self) -> String {
        format!("{:?}", self.router.handle().totals())
    }
}

/// The same two lines, what comes by the one sent on by the other as it is.
#[derive(Debug)]
pub struct Lines {
    ports: [Loopback; 2],
    ends: [LoopbackEnd; 2],
    pool: Pool,
    batch: Batch,
    now: u64,
}

impl Lines {
    /// Without frames, for frames of this size.
    pub fn sized(buffer: PoolSize) -> Self {
        let [(near, near_end), (far, far_end)] = [(); 2].map(|()| Loopback::new(LINE));
        let pool = Pool::new(WorkerIndex(0), LINE, buffer);
        Self { ports: [near, far], ends: [near_end, far_end], pool, batch: Batch::new(), now: 0 }
    }
}

impl Default for Lines {
    fn default() -> Self {
        Self::sized(PoolSize::Standard)
    }
}

impl Lines {
    /// Without frames.
    pub fn new() -> Self {
        Self::default()
    }

    /// A batch sent, passed on, and what came out.
    #[inline]
    pub fn batch<'f>(&mut self, frames: &mut impl Iterator<Item = &'f Vec<u8>>) -> usize {
        self.now += 10_000;
        let now = Time(self.now);
        for bytes in frames.take(BATCH) {
            self.ends[0].send(now, bytes);
        }
        self.ports[0].receive(now, &mut self.pool, &mut self.batch);
        self.ports[1].transmit(now, &mut self.batch, &mut self.pool);
        self.ends[1].discard()
    }
}
