//! The memif port against DPDK's own driver: `dpdk-testpmd`, where it is installed
//! (Debian's package dpdk-dev), gives every frame back, makes some, or takes them.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod ports;

use std::path::Path;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use dataplane::packet::{Arena, Batch, PoolSize};
use dataplane::port::memif::{self, Notice, Role};
use dataplane::port::{Memif, MemifOptions, Port};
use ports::{Hand, PLAIN, frame, turn};
use testbed::testpmd::Testpmd;

/// The longest that another process may take for anything.
const LONG: Duration = Duration::from_secs(60);

/// A test's place for sockets, and its turn.
struct Place {
    folder: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Place {
    fn new() -> Self {
        Self { _turn: turn(), folder: tempfile::tempdir().unwrap() }
    }

    fn options(&self, role: Role) -> MemifOptions {
        let socket = self.folder.path().join("memif.sock");
        MemifOptions { name: "viaduct0".into(), socket, role, ..MemifOptions::default() }
    }

    /// The device's settings for the other end.
    fn device(&self, role: &str, more: &str) -> String {
        format!("role={role},socket={}{more}", self.folder.path().join("memif.sock").display())
    }

    /// A port of ours, and a testpmd that is its peer.
    fn connect(
        &self,
        queues: usize,
        options: &MemifOptions,
        device: &str,
        arguments: &[&str],
    ) -> Option<(Vec<Memif>, Testpmd)> {
        self.connect_with(queues, options, device, arguments, None)
    }

    /// As [`Place::connect`], of a port that lends frames of `arena`.
    fn connect_with(
        &self,
        queues: usize,
        options: &MemifOptions,
        device: &str,
        arguments: &[&str],
        arena: Option<&Arc<Arena>>,
    ) -> Option<(Vec<Memif>, Testpmd)> {
        let mut ours = memif::open(queues, options, arena).unwrap();
        let mut testpmd = Testpmd::start(&[device.to_owned()], arguments)?;
        let hand = Hand::new(1, PoolSize::Standard);
        let end = Instant::now() + LONG;
        loop {
            ours.iter_mut().for_each(|queue| queue.poll(hand.now()));
            if ours.iter().all(|queue| queue.link().up) {
                return Some((ours, testpmd));
            }
            assert!(testpmd.runs(), "testpmd ended");
            assert!(Instant::now() < end, "never connected: {:?}", ours[0].watch().peer());
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Frames of many lengths, each like no other.
fn frames(count: usize, longest: usize) -> Vec<Vec<u8>> {
    let lengths = [60, 64, 65, 127, 128, 255, 256, 257, 511, 900, 1024, 1514];
    let length = |n: usize| lengths[n % lengths.len()].min(longest);
    (0..count)
        .map(|n| [frame(length(n) - 2, &PLAIN, n as u8), (n as u16).to_be_bytes().to_vec()].concat())
        .collect()
}

/// Sends all and asserts that all come back as they were.
fn there_and_back(hand: &mut Hand, port: &mut Memif, frames: &[Vec<u8>]) {
    for some in frames.chunks(48) {
        hand.send(port, some);
        let mut back = Vec::new();
        let end = Instant::now() + LONG;
        while back.len() < some.len() {
            port.poll(hand.now());
            back.extend(hand.take(port));
            assert!(
                Instant::now() < end,
                "{} of {} came back: {:?}",
                back.len(),
                some.len(),
                port.watch().peer()
            );
        }
        assert!(back == some, "frames came back otherwise");
    }
}

fn echo(role: Role, notice: Notice, (buffer, bsize): (u32, u32), count: usize) {
    let place = Place::new();
    let theirs = if role == Role::Server { "client" } else { "server" };
    let options = MemifOptions { notice, buffer, ..place.options(role) };
    let device = place.device(theirs, &format!(",bsize={bsize}"));
    let Some((mut ours, _testpmd)) = place.connect(1, &options, &device, &["--forward-mode=io"]) else {
        return;
    };
    let sent = frames(count, 1514);
    there_and_back(&mut Hand::new(256, PoolSize::Standard), &mut ours[0], &sent);
    let stats = ours[0].stats();
    assert_eq!((stats.sent, stats.received, stats.bad_descriptor), (count as u64, count as u64, 0));
    let peer = ours[0].watch().peer();
    assert!(peer.name.starts_with("DPDK ") && peer.interface == "net_memif0", "{peer:?}");
}

#[test]
fn a_dpdk_client_gives_every_frame_back() {
    echo(Role::Server, Notice::Poll, (2048, 2048), 5000);
}

#[test]
fn a_dpdk_client_tells_of_frames() {
    echo(Role::Server, Notice::Interrupt, (2048, 2048), 5000);
}

#[test]
fn a_dpdk_server_gives_every_frame_back() {
    echo(Role::Client, Notice::Poll, (2048, 2048), 5000);
}

#[test]
fn a_dpdk_server_takes_and_gives_frames_over_several_buffers() {
    echo(Role::Client, Notice::Interrupt, (256, 256), 5000);
}

/// No more than once round its ring: DPDK 22.11 leaves the mark of a frame that goes on in a
/// descriptor that it fills again with a whole one.
#[test]
fn a_dpdk_client_takes_and_gives_frames_over_several_buffers() {
    echo(Role::Server, Notice::Poll, (2048, 256), 240);
}

/// A client that lends its frames, a testpmd that gives them back, and the pool that all come back to.
fn lent(notice: Notice) {
    const RING: usize = 1024;
    let place = Place::new();
    let arena = Arena::new(4096, PoolSize::Standard).unwrap();
    let mut hand = Hand::lending(&arena);
    let options = MemifOptions { notice, zero_copy: true, ..place.options(Role::Client) };
    let (device, arguments) = (place.device("server", ""), ["--forward-mode=io"]);
    let Some((mut ours, mut testpmd)) = place.connect_with(1, &options, &device, &arguments, Some(&arena))
    else {
        return;
    };
    assert!(ours[0].watch().peer().zero_copy);
    // Frames to fill are lent as it receives, before it sends, as a worker does: without any testpmd drops what it has.
    assert!(hand.take(&mut ours[0]).is_empty());
    // Few at a time, each like no other; idle between them, so that all that was sent comes back.
    let sent = frames(5000, 1514);
    there_and_back(&mut hand, &mut ours[0], &sent);
    hand.until(&mut ours[0], "all that was sent is here again", |hand, port| {
        assert!(hand.take(port).is_empty());
        hand.pool.available() == 4096 - RING
    });
    // As many as a ring holds, in order: testpmd drops what it has taken and finds no room for in the ring back.
    let sent = frames(50_000, 1514);
    let (mut out, mut back, mut batch) = (0, 0, Batch::new());
    let end = Instant::now() + LONG;
    while back < sent.len() {
        while out < sent.len() && out - back < RING && batch.room() > 0 {
            let Some(mut frame) = hand.pool.get() else { break };
            frame.fill(&sent[out]).unwrap();
            batch.push(frame).unwrap();
            out += 1;
        }
        ours[0].poll(hand.now());
        ours[0].transmit(hand.now(), &mut batch, &mut hand.pool);
        for got in hand.take(&mut ours[0]) {
            assert!(got == sent[back], "frame {back} came otherwise");
            back += 1;
        }
        assert!(Instant::now() < end, "{back} came back: {:?}", ours[0].watch().peer());
    }
    let stats = ours[0].stats();
    let lost = stats.bad_descriptor + stats.too_long + stats.pool_empty + stats.send_failed + stats.missed;
    assert_eq!((stats.sent, stats.received, lost), (55_000, 55_000, 0));
    // It dies with what it was lent.
    testpmd.kill();
    hand.until(&mut ours[0], "all that was lent is here again", |hand, port| {
        hand.take(port);
        hand.pool.available() == 4096
    });
}

#[test]
fn a_dpdk_server_gives_back_what_it_was_lent() {
    lent(Notice::Poll);
}

#[test]
fn a_dpdk_server_tells_of_what_it_was_lent() {
    lent(Notice::Interrupt);
}

#[test]
fn a_dpdk_server_floods_what_it_was_lent() {
    for notice in [Notice::Poll, Notice::Interrupt] {
        let place = Place::new();
        let arena = Arena::new(2048, PoolSize::Standard).unwrap();
        let mut hand = Hand::lending(&arena);
        let options = MemifOptions { notice, zero_copy: true, ..place.options(Role::Client) };
        let arguments = ["--forward-mode=txonly", "--txpkts=1400"];
        let device = place.device("server", "");
        let Some((mut ours, _testpmd)) = place.connect_with(1, &options, &device, &arguments, Some(&arena))
        else {
            return;
        };
        let mut came = 0;
        hand.until(&mut ours[0], "100,000 frames", |hand, port| {
            for f in hand.take(port) {
                assert!(f.len() == 1400 && f[12..15] == [8, 0, 0x45] && f[16..18] == 1386u16.to_be_bytes());
                came += 1;
            }
            came >= 100_000
        });
        let stats = ours[0].stats();
        assert_eq!(stats.bad_descriptor + stats.too_long + stats.pool_empty, 0);
    }
}

/// The frames that a testpmd sends, until `want` have come on each queue.
fn receive_from(ours: &mut [Memif], want: usize) -> Vec<Vec<u8>> {
    let mut hand = Hand::new(256, PoolSize::Standard);
    let end = Instant::now() + LONG;
    let (mut all, mut counts) = (Vec::new(), vec![0; ours.len()]);
    while counts.iter().any(|count| *count < want) {
        for (queue, count) in ours.iter_mut().zip(&mut counts) {
            queue.poll(hand.now());
            let got = hand.take(queue);
            *count += got.len();
            all.extend(got);
        }
        assert!(Instant::now() < end, "{counts:?} came: {:?}", ours[0].watch().peer());
    }
    all
}

#[test]
fn frames_of_a_dpdk_client_come_over_several_queues() {
    let place = Place::new();
    let device = place.device("client", ",rsize=8");
    let arguments = ["--forward-mode=txonly", "--txpkts=1400", "--rxq=2", "--txq=2"];
    let Some((mut ours, _testpmd)) = place.connect(2, &place.options(Role::Server), &device, &arguments)
    else {
        return;
    };
    let all = receive_from(&mut ours, 5000);
    // IPv4 of the length asked for.
    for f in &all {
        let right = f.len() == 1400 && f[12..15] == [8, 0, 0x45] && f[16..18] == 1386u16.to_be_bytes();
        assert!(right, "{} bytes: {:x?}", f.len(), &f[..f.len().min(40)]);
    }
    assert_eq!(ours[0].watch().peer().rings.iter().map(|r| r.size).collect::<Vec<_>>(), [256, 256]);
    let stats = ours.iter().map(Port::stats);
    assert!(stats.into_iter().all(|s| s.bad_descriptor + s.too_long + s.pool_empty == 0));
}

#[test]
fn a_dpdk_client_that_dies_is_noticed_and_the_next_one_served() {
    let place = Place::new();
    let device = place.device("client", "");
    let mut ours = None;
    for _ in 0..2 {
        let options = place.options(Role::Server);
        drop(ours.take());
        let Some((mut queues, mut testpmd)) = place.connect(1, &options, &device, &["--forward-mode=txonly"])
        else {
            return;
        };
        receive_from(&mut queues, 100);
        testpmd.kill();
        let mut hand = Hand::new(64, PoolSize::Standard);
        let end = Instant::now() + LONG;
        while queues[0].link().up {
            queues[0].poll(hand.now());
            hand.take(&mut queues[0]);
            assert!(Instant::now() < end, "its death was not noticed");
        }
        assert!(Path::new(&options.socket).exists());
        drop(testpmd);
        let Some(again) = Testpmd::start(std::slice::from_ref(&device), &["--forward-mode=txonly"]) else {
            return;
        };
        receive_from(&mut queues, 100);
        drop(again);
        ours = Some(queues);
    }
}
