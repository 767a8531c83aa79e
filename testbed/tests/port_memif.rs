//! The memif port against DPDK's own driver: `dpdk-testpmd`, where it is installed
//! (Debian's package dpdk-dev), gives every frame back, makes some, or takes them.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod ports;

use std::path::Path;
use std::sync::MutexGuard;
use std::time::{Duration, Instant};

use dataplane::packet::PoolSize;
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
        let mut ours = memif::open(queues, options).unwrap();
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
fn there_and_back(port: &mut Memif, frames: &[Vec<u8>]) {
    let mut hand = Hand::new(256, PoolSize::Standard);
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
    there_and_back(&mut ours[0], &sent);
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
