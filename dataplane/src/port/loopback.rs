//! An in-process port: two bounded queues, for tests, benches and the laboratory.

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard};

use crossbeam::utils::CachePadded;

use super::{Link, Port, PortStats};
use crate::packet::{Batch, Pool};
use crate::time::Time;

/// A frame on the line, with the time it was put there.
type Line = VecDeque<(Time, Vec<u8>)>;

#[derive(Debug)]
struct Wires {
    to_router: Line,
    from_router: Line,
    /// Buffers of frames that have left the line, for those to come.
    spare: Vec<Vec<u8>>,
    limit: usize,
    up: bool,
}

impl Wires {
    /// A copy of `bytes` in a buffer that was used before, where there is one.
    fn copy(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(bytes);
        buffer
    }
}

fn lock(wires: &Mutex<Wires>) -> MutexGuard<'_, Wires> {
    wires.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The router's end.
#[derive(Debug)]
pub struct Loopback {
    wires: Arc<CachePadded<Mutex<Wires>>>,
    link: Link,
    stats: PortStats,
}

/// The far end: what a test holds.
#[derive(Clone, Debug)]
pub struct LoopbackEnd {
    wires: Arc<CachePadded<Mutex<Wires>>>,
}

impl Loopback {
    /// A port whose line holds up to `limit` frames each way.
    pub fn new(limit: usize) -> (Self, LoopbackEnd) {
        let (to_router, from_router) = (VecDeque::new(), VecDeque::new());
        let wires = Wires { to_router, from_router, spare: Vec::new(), limit, up: true };
        let wires = Arc::new(CachePadded::new(Mutex::new(wires)));
        let link = Link { up: true, present: true };
        (Self { wires: wires.clone(), link, stats: PortStats::default() }, LoopbackEnd { wires })
    }
}

impl LoopbackEnd {
    /// Puts a frame on the line to the router; `false` when the line is full or down.
    pub fn send(&self, now: Time, bytes: &[u8]) -> bool {
        let mut wires = lock(&self.wires);
        let takes = wires.up && wires.to_router.len() < wires.limit;
        if takes {
            let bytes = wires.copy(bytes);
            wires.to_router.push_back((now, bytes));
        }
        takes
    }

    /// Takes the next frame the router sent, with the time it was sent.
    pub fn receive(&self) -> Option<(Time, Vec<u8>)> {
        lock(&self.wires).from_router.pop_front()
    }

    /// Throws away what the router sent; gives how many frames.
    pub fn discard(&self) -> usize {
        let mut wires = lock(&self.wires);
        let Wires { from_router, spare, .. } = &mut *wires;
        let frames = from_router.len();
        spare.extend(from_router.drain(..).map(|(_, bytes)| bytes));
        frames
    }

    /// Frames sent to the router that it has not taken yet.
    pub fn pending(&self) -> usize {
        lock(&self.wires).to_router.len()
    }

    /// Takes the line down or up.
    pub fn set_up(&self, up: bool) {
        lock(&self.wires).up = up;
    }

    /// Has the line hold up to `limit` frames each way from now on.
    pub fn set_limit(&self, limit: usize) {
        lock(&self.wires).limit = limit;
    }
}

impl Port for Loopback {
    fn receive(&mut self, _now: Time, pool: &mut Pool, batch: &mut Batch) -> usize {
        let mut wires = lock(&self.wires);
        let mut given = 0;
        while batch.room() > 0 {
            let Some((_, bytes)) = wires.to_router.pop_front() else { break };
            self.stats.received += 1;
            given += usize::from(self.stats.take(&bytes, pool, batch));
            wires.spare.push(bytes);
        }
        given
    }

    fn transmit(&mut self, now: Time, batch: &mut Batch, pool: &mut Pool) -> usize {
        let mut wires = lock(&self.wires);
        let room = if wires.up { wires.limit.saturating_sub(wires.from_router.len()) } else { 0 };
        let mut sent = 0;
        for frame in batch.drain_front(room) {
            let bytes = wires.copy(frame.bytes());
            wires.from_router.push_back((now, bytes));
            pool.put(frame);
            sent += 1;
        }
        self.stats.sent += sent as u64;
        sent
    }

    fn poll(&mut self, _now: Time) {
        self.link.up = lock(&self.wires).up;
    }

    fn link(&self) -> Link {
        self.link
    }

    fn stats(&self) -> PortStats {
        self.stats
    }

    fn wait_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn mac(&self) -> Option<[u8; 6]> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::WorkerIndex;
    use crate::packet::PoolSize;

    #[test]
    fn a_frame_without_a_buffer_is_taken_and_counted() {
        let (mut port, end) = Loopback::new(8);
        let mut pool = Pool::new(WorkerIndex(0), 1, PoolSize::Standard);
        let mut batch = Batch::new();
        for n in 0..3 {
            assert!(end.send(Time(n), &[n as u8; 60]));
        }
        assert_eq!(port.receive(Time(9), &mut pool, &mut batch), 1);
        assert_eq!((port.stats().received, port.stats().pool_empty), (3, 2));
        assert_eq!(port.transmit(Time(10), &mut batch, &mut pool), 1);
        assert_eq!(end.receive(), Some((Time(10), vec![0; 60])));
        assert_eq!(pool.available(), 1);
    }
}
