//! What the port tests share: a line between two namespaces, frames to send
//! over it, and bounded waiting.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use dataplane::id::WorkerIndex;
use dataplane::packet::{Arena, Batch, Pool, PoolSize};
use dataplane::port::Port;
use dataplane::time::Time;
use testbed::netns::{self, Namespace};

/// The longest any test waits for one thing.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// The router's side and the host's side of one line: `r0` in `near`, `h0` in `far`.
pub struct Line {
    pub near: Namespace,
    pub far: Namespace,
    _turn: MutexGuard<'static, ()>,
}

/// One test of a file at a time: they count descriptors and fill the kernel's queues.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Line {
    /// `None`, said loudly, where namespaces cannot be made.
    pub fn new() -> Option<Self> {
        Self::with_queues(1, 1500)
    }

    pub fn with_queues(queues: u32, mtu: u32) -> Option<Self> {
        let turn = turn();
        if let Err(why) = netns::available() {
            eprintln!("SKIPPED: {why}");
            return None;
        }
        let line =
            Self { near: Namespace::new("near").unwrap(), far: Namespace::new("far").unwrap(), _turn: turn };
        line.connect(queues, mtu);
        Some(line)
    }

    /// Makes the link: silent, plain, up.
    pub fn connect(&self, queues: u32, mtu: u32) {
        self.near.veth_queues("r0", &self.far, "h0", queues).unwrap();
        for (side, dev) in [(&self.near, "r0"), (&self.far, "h0")] {
            side.ipv6_off(dev).unwrap();
            side.mtu(dev, mtu).unwrap();
            side.offloads_off(dev).unwrap();
            side.up(dev).unwrap();
        }
    }
}

/// A clock and a pool: what a worker lends its ports.
pub struct Hand {
    start: Instant,
    pub pool: Pool,
}

impl Hand {
    pub fn new(frames: usize, size: PoolSize) -> Self {
        Self { start: Instant::now(), pool: Pool::new(WorkerIndex(0), frames, size) }
    }

    /// One whose frames a port may lend: all that `arena` has.
    pub fn lending(arena: &Arc<Arena>) -> Self {
        Self { start: Instant::now(), pool: Pool::within(arena, WorkerIndex(0), usize::MAX) }
    }

    pub fn now(&self) -> Time {
        Time(self.start.elapsed().as_nanos() as u64)
    }

    /// Polls `port` until `done` says so; panics when it never does.
    pub fn until<P: Port>(
        &mut self,
        port: &mut P,
        what: &str,
        mut done: impl FnMut(&mut Self, &mut P) -> bool,
    ) {
        let patience = Instant::now() + PATIENCE;
        loop {
            port.poll(self.now());
            if done(self, port) {
                return;
            }
            assert!(Instant::now() < patience, "never saw: {what}; stats {:?}", port.stats());
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Sends every frame, in order.
    pub fn send<P: Port>(&mut self, port: &mut P, frames: &[Vec<u8>]) {
        let mut batch = Batch::new();
        let mut next = 0;
        self.until(port, "the line takes every frame", |hand, port| {
            while next < frames.len() && batch.room() > 0 {
                let Some(mut frame) = hand.pool.get() else { break };
                frame.fill(&frames[next]).unwrap();
                batch.push(frame).unwrap();
                next += 1;
            }
            port.transmit(hand.now(), &mut batch, &mut hand.pool);
            batch.is_empty() && next == frames.len()
        });
        port.poll(self.now());
    }

    /// One call of `receive`, as copies.
    pub fn take<P: Port>(&mut self, port: &mut P) -> Vec<Vec<u8>> {
        let mut batch = Batch::new();
        let now = self.now();
        let given = port.receive(now, &mut self.pool, &mut batch);
        assert_eq!(given, batch.len());
        let copies = batch.frames().iter().map(|f| f.bytes().to_vec()).collect();
        for frame in batch.drain() {
            self.pool.put(frame);
        }
        copies
    }

    /// Receives until there are `want` frames.
    pub fn receive<P: Port>(&mut self, port: &mut P, want: usize) -> Vec<Vec<u8>> {
        let mut got = Vec::new();
        self.until(port, &format!("{want} frames"), |hand, port| {
            got.extend(hand.take(port));
            got.len() >= want
        });
        got
    }

    /// Sends from one port to the other and asserts that every byte came over, in order.
    pub fn exact<A: Port, B: Port>(&mut self, from: &mut A, to: &mut B, frames: &[Vec<u8>]) {
        for some in frames.chunks(64) {
            self.send(from, some);
            let got = self.receive(to, some.len());
            assert_eq!(got.len(), some.len());
            for (got, sent) in got.iter().zip(some) {
                assert_eq!(got, sent, "a frame of {} bytes came as {}", sent.len(), got.len());
            }
        }
    }
}

/// A frame of `len` bytes from one made-up station to another, its payload a
/// pattern of `seed`, with whatever headers stand between the stations and it.
pub fn frame(len: usize, headers: &[u8], seed: u8) -> Vec<u8> {
    let mut bytes = vec![0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1];
    bytes.extend_from_slice(headers);
    let pattern = (0..).map(|i: usize| (i as u8).wrapping_mul(31) ^ seed);
    bytes.extend(pattern.take(len.saturating_sub(bytes.len())));
    bytes
}

/// An experimental EtherType (IEEE 802).
pub const PLAIN: [u8; 2] = [0x88, 0xb5];

/// Frames of every length that matters up to `longest`, untagged and tagged every way.
pub fn assorted(longest: usize) -> Vec<Vec<u8>> {
    let tags: [&[u8]; 5] = [
        &[],
        &[0x81, 0x00, 0x60, 0x64],
        &[0x81, 0x00, 0xa0, 0x00],
        &[0x88, 0xa8, 0x00, 0x0a, 0x81, 0x00, 0x10, 0x14],
        &[0x81, 0x00, 0x1f, 0xfe, 0x81, 0x00, 0x00, 0x01],
    ];
    let mut frames = Vec::new();
    for (n, tag) in tags.iter().enumerate() {
        let headers = [tag, &PLAIN[..]].concat();
        for len in [60, 61, 64, 128, 577, 1400, longest - 1, longest] {
            frames.push(frame(len, &headers, n as u8 ^ len as u8));
        }
    }
    frames
}

/// An IPv4 UDP frame, checksums done, between made-up stations or those given.
pub fn udp(to: [u8; 6], from: [u8; 6], addresses: [[u8; 4]; 2], ports: [u16; 2], payload: &[u8]) -> Vec<u8> {
    let udp_len = (8 + payload.len()) as u16;
    let mut ip = vec![0x45, 0];
    ip.extend((20 + udp_len).to_be_bytes());
    ip.extend([0, 0, 0x40, 0, 64, 17, 0, 0]);
    ip.extend(addresses.concat());
    let sum = checksum(&ip, 0);
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    let mut udp: Vec<u8> = ports.iter().flat_map(|p| p.to_be_bytes()).collect();
    udp.extend(udp_len.to_be_bytes());
    udp.extend([0, 0]);
    udp.extend(payload);
    let sum = udp_checksum(&ip, &udp);
    udp[6..8].copy_from_slice(&sum.to_be_bytes());
    [&to[..], &from[..], &[8, 0], &ip, &udp].concat()
}

/// RFC 768 over the pseudo-header of `ip`; 0 when the checksum in `udp` is right.
pub fn udp_checksum(ip: &[u8], udp: &[u8]) -> u16 {
    let pseudo = ip[12..20].chunks(2).map(|b| u32::from(u16::from_be_bytes([b[0], b[1]]))).sum::<u32>();
    checksum(udp, pseudo + 17 + udp.len() as u32)
}

fn checksum(bytes: &[u8], start: u32) -> u16 {
    let mut sum = start;
    for pair in bytes.chunks(2) {
        sum += u32::from(u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// Descriptors this process holds.
pub fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}
