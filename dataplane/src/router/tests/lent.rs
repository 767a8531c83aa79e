//! A router whose frames are lent to a peer: forwarded both ways, each counted, each back in the end.

use super::*;
use crate::packet::Batch;
use crate::port::memif::{self, QUARANTINE, Role};
use crate::port::{Memif, MemifOptions, Port};

/// Entries of the rings, and what they hold filled both ways.
const RING: usize = 64;
const FOR_RINGS: usize = 2 * RING;
const BUFFERS: usize = 256;

/// The router, its memif peer on ge0 and its line on ge1.
struct Stand {
    router: Router,
    peer: Memif,
    pool: Pool,
    line: LoopbackEnd,
    now: u64,
    _folder: tempfile::TempDir,
}

impl Stand {
    fn new(workers: usize) -> Self {
        let size = Size { workers, buffers: BUFFERS, shared: true, for_rings: FOR_RINGS, ..Size::default() };
        let mut router = Router::new(size).unwrap();
        let edit = |s: &mut Snapshot| {
            tables(s);
            Ok::<_, ()>(())
        };
        router.handle().commit(edit).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let options = |role| MemifOptions {
            socket: folder.path().join("memif.sock"),
            role,
            ring: RING as u16,
            zero_copy: role == Role::Client,
            ..MemifOptions::default()
        };
        let peer = memif::open(1, &options(Role::Server), None).unwrap().remove(0);
        let client = memif::open(1, &options(Role::Client), router.handle().arena()).unwrap().remove(0);
        let (port, line) = Loopback::new(1000);
        router.add_port(PortIndex(0), vec![AnyPort::Memif(Box::new(client))]);
        router.add_port(PortIndex(1), vec![AnyPort::Loopback(port)]);
        let pool = Pool::new(WorkerIndex(0), 256, PoolSize::Standard);
        let mut stand = Self { router, peer, pool, line, now: 1_000_000_000, _folder: folder };
        for _ in 0..200 {
            stand.pass(20_000_000);
            if stand.peer.link().up {
                break;
            }
        }
        assert!(stand.peer.link().up, "{:?}", stand.peer.watch().peer());
        let handle = stand.router.handle().clone();
        let known = [(0, [10, 0, 0, 9], HOST[0]), (1, [10, 0, 1, 9], HOST[1])];
        for (id, address, mac) in known {
            let edit =
                |s: &mut Snapshot| Ok::<_, ()>(s.set_neighbour(IfIndex(id), address.into(), Some(mac)));
            assert!(handle.commit(edit).unwrap());
        }
        stand.pass(40_000_000);
        stand
    }

    /// Lets time pass, and all look.
    fn pass(&mut self, time: u64) {
        self.now += time;
        self.peer.poll(Time(self.now));
        self.router.step(Time(self.now));
    }

    /// The peer sends these and takes what is there.
    fn exchange(&mut self, frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut batch = Batch::new();
        for bytes in frames {
            let mut frame = self.pool.get().unwrap();
            frame.fill(bytes).unwrap();
            batch.push(frame).unwrap();
        }
        assert_eq!(self.peer.transmit(Time(self.now), &mut batch, &mut self.pool), frames.len());
        self.pass(1_000);
        self.peer.receive(Time(self.now), &mut self.pool, &mut batch);
        let came = batch.frames().iter().map(|frame| frame.bytes().to_vec()).collect();
        batch.drain().for_each(|frame| self.pool.put(frame));
        came
    }

    /// Free buffers of each worker.
    fn free(&mut self) -> Vec<usize> {
        let answers = self.router.handle().status();
        self.router.step(Time(self.now));
        answers.try_iter().map(|status| status.pool.0).collect()
    }
}

/// [`packet`] the other way.
fn back() -> Vec<u8> {
    let mut frame = packet();
    frame[..12].copy_from_slice(&[MAC[1], HOST[1]].concat());
    let (from, to) = (frame[26..30].to_vec(), frame[30..34].to_vec());
    frame[26..34].copy_from_slice(&[to, from].concat());
    frame
}

fn forwards_lent_frames(workers: usize) {
    let mut stand = Stand::new(workers);
    // Several times what the rings and the pools hold, both ways at once.
    for n in 0..60_u8 {
        let numbered = |mut packet: Vec<u8>, at: u8| {
            packet[42..44].copy_from_slice(&[n, at]);
            packet
        };
        for at in 0..20 {
            assert!(stand.line.send(Time(stand.now), &numbered(back(), at)));
        }
        let to_peer = stand.exchange(&(0..20).map(|at| numbered(packet(), at)).collect::<Vec<_>>());
        let to_line: Vec<_> = std::iter::from_fn(|| stand.line.receive()).map(|(_, bytes)| bytes).collect();
        for (came, to) in [(to_peer, 0), (to_line, 1)] {
            assert_eq!(came.len(), 20, "{:?}", stand.router.handle().totals());
            for (at, frame) in (0..).zip(came) {
                assert_eq!((&frame[..6], &frame[42..44]), (&HOST[to][..], &[n, at][..]));
                assert_eq!(crate::wire::checksum::checksum(&frame[14..34]), 0);
            }
        }
    }
    let totals = stand.router.handle().totals();
    assert_eq!((totals.unaccounted(), totals.dropped(), stand.router.held()), (0, 0, 0), "{totals:?}");
    // The ring is full of empty ones; what was sent came back.
    stand.pass(40_000_000);
    stand.pass(40_000_000);
    let all = workers * (BUFFERS + FOR_RINGS);
    assert_eq!(stand.free().iter().sum::<usize>(), all - RING);
    // Some are on the way to the peer, and some to the router, when the port is taken away.
    for _ in 0..5 {
        assert!(stand.line.send(Time(stand.now), &back()));
    }
    stand.pass(1_000);
    assert_eq!(stand.free().iter().sum::<usize>(), all - RING - 5);
    let answers = stand.router.handle().remove_port(PortIndex(0));
    stand.router.step(Time(stand.now));
    let ports: Vec<_> = answers.try_iter().flatten().collect();
    assert_eq!(ports.len(), 1);
    assert_eq!((ports[0].stats().sent, ports[0].link().up), (60 * 20 + 5, false));
    drop(ports);
    // The peer may be amid a copy.
    assert_eq!(stand.free().iter().sum::<usize>(), all - RING - 5);
    stand.pass(QUARANTINE);
    stand.pass(20_000_000);
    assert_eq!(stand.free(), vec![BUFFERS + FOR_RINGS; workers]);
    assert_eq!(stand.router.handle().totals().unaccounted(), 0);
    assert!(!stand.peer.link().up);
}

#[test]
fn one_worker_forwards_what_it_lends() {
    forwards_lent_frames(1);
}

#[test]
fn two_workers_forward_what_one_lends() {
    forwards_lent_frames(2);
}

#[test]
fn frames_that_wait_have_no_part_in_what_is_for_rings() {
    let arena = Arena::new(400, PoolSize::Standard).unwrap();
    let mut pool = Pool::within(&arena, WorkerIndex(0), 400);
    assert_eq!((pool.total(), pool.for_queues()), (400, 400));
    pool.set_aside(FOR_RINGS);
    assert_eq!((pool.total(), pool.for_queues()), (400, 400 - FOR_RINGS));
}
