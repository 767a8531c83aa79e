//! Two of our own ends, and ends that lie, in virtual time: nothing here waits.

mod ends;
mod lent;
mod lent_lies;
mod lies;
mod notice;
mod words;

use std::path::PathBuf;
use std::sync::Arc;

use super::{Memif, MemifOptions, QUARANTINE, Role, open};
use crate::id::WorkerIndex;
use crate::packet::{Arena, Batch, Pool, PoolSize};
use crate::port::Port;
use crate::time::Time;

/// Virtual time between two looks.
const STEP: u64 = 5_000_000;

/// A clock, a pool and a place for sockets: what a worker lends its ports.
struct Hand {
    now: Time,
    pool: Pool,
    /// Where its frames stand, if not on the heap.
    arena: Option<Arc<Arena>>,
    folder: tempfile::TempDir,
}

impl Hand {
    fn new(frames: usize, size: PoolSize) -> Self {
        let pool = Pool::new(WorkerIndex(0), frames, size);
        Self { now: Time(1), pool, arena: None, folder: tempfile::tempdir().unwrap() }
    }

    /// One whose frames stand in an arena.
    fn lending(frames: usize, size: PoolSize) -> Self {
        let arena = Arena::new(frames, size).unwrap();
        let pool = Pool::within(&arena, WorkerIndex(0), frames);
        Self { pool, arena: Some(arena), ..Self::new(0, size) }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("memif.sock")
    }

    fn options(&self, role: Role) -> MemifOptions {
        MemifOptions {
            name: format!("{role:?}"),
            socket: self.socket(),
            role,
            ring: 64,
            ..MemifOptions::default()
        }
    }

    /// The options of a client that lends its frames.
    fn lends(&self) -> MemifOptions {
        MemifOptions { zero_copy: true, ..self.options(Role::Client) }
    }

    /// Until the quarantine of frames that were lent is over, and `port` has given them back.
    fn wait_out(&mut self, port: &mut Memif) {
        self.now = Time(self.now.0 + QUARANTINE);
        let mut batch = Batch::new();
        assert_eq!(port.receive(self.now, &mut self.pool, &mut batch), 0);
    }

    /// Lets time pass and every queue look.
    fn step(&mut self, ports: &mut [&mut [Memif]]) {
        self.now = Time(self.now.0 + STEP);
        ports.iter_mut().flat_map(|queues| queues.iter_mut()).for_each(|queue| queue.poll(self.now));
    }

    /// Until every queue's link is `up`, three virtual seconds at most.
    fn until(&mut self, up: bool, ports: &mut [&mut [Memif]]) {
        for _ in 0..600 {
            self.step(ports);
            if ports.iter().flat_map(|queues| queues.iter()).all(|queue| queue.link().up == up) {
                return;
            }
        }
        let told: Vec<_> = ports.iter().map(|queues| queues[0].watch().peer()).collect();
        panic!("not all links became {up}: {told:?}");
    }

    fn open(&self, queues: usize, options: &MemifOptions) -> Vec<Memif> {
        open(queues, options, self.arena.as_ref()).unwrap()
    }

    /// Both ends, connected.
    fn pair(
        &mut self,
        queues: usize,
        server: &MemifOptions,
        client: &MemifOptions,
    ) -> (Vec<Memif>, Vec<Memif>) {
        let (mut server, mut client) = (self.open(queues, server), self.open(queues, client));
        self.until(true, &mut [&mut server, &mut client]);
        (server, client)
    }

    /// Offers these frames; gives how many the port took, those it refused for good among them.
    fn send(&mut self, port: &mut Memif, frames: &[Vec<u8>]) -> usize {
        let mut taken = 0;
        for some in frames.chunks(crate::packet::BATCH) {
            let mut batch = Batch::new();
            for bytes in some {
                let mut frame = self.pool.get().unwrap();
                frame.fill(bytes).unwrap();
                batch.push(frame).unwrap();
            }
            taken += port.transmit(self.now, &mut batch, &mut self.pool);
            let left = batch.len();
            batch.drain().for_each(|frame| self.pool.put(frame));
            if left > 0 {
                break;
            }
        }
        taken
    }

    /// Everything that is there.
    fn take(&mut self, port: &mut Memif) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            let before = port.stats().received;
            all.extend(self.take_some(port, crate::packet::BATCH));
            if port.stats().received == before {
                return all;
            }
        }
    }

    /// One call of `receive`, with room for `room` frames.
    fn take_some(&mut self, port: &mut Memif, room: usize) -> Vec<Vec<u8>> {
        let mut batch = Batch::new();
        let kept: Vec<_> = (room..crate::packet::BATCH).map(|_| crate::packet::Frame::standard()).collect();
        kept.into_iter().for_each(|frame| batch.push(frame).unwrap());
        let full = batch.len();
        let got = port.receive(self.now, &mut self.pool, &mut batch);
        assert_eq!(got, batch.len() - full);
        let copies = batch.frames()[full..].iter().map(|f| f.bytes().to_vec()).collect();
        for frame in batch.drain().skip(full) {
            self.pool.put(frame);
        }
        copies
    }
}

/// A frame of `len` bytes that is like no other of another seed.
fn frame(len: usize, seed: u64) -> Vec<u8> {
    (0..len as u64).map(|n| (n.wrapping_mul(31) ^ seed.wrapping_mul(0x9e37) ^ (seed >> 8)) as u8).collect()
}
