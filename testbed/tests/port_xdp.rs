//! The AF_XDP port against the kernel, over a virtual link between namespaces.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod ports;

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use dataplane::packet::PoolSize;
use dataplane::port::xdp::{self, Attach, CopyMode};
use dataplane::port::{Link, OpenError, Packet, PacketOptions, Port, Xdp, XdpOptions, packet};
use ports::{Hand, Line, PLAIN, assorted, descriptors, frame, udp};

fn options(attach: Attach) -> XdpOptions {
    XdpOptions { attach, ring: 512, ..XdpOptions::default() }
}

fn open(name: &str, attach: Attach) -> Xdp {
    xdp::open(name, 1, options(attach)).unwrap().remove(0)
}

/// Our port near, a packet socket far.
fn both(line: &Line, attach: Attach) -> (Xdp, Packet) {
    (line.near.run(|| open("r0", attach)).unwrap(), far(line))
}

fn far(line: &Line) -> Packet {
    line.far.run(|| packet::open("h0", 1, PacketOptions::default())).unwrap().unwrap().remove(0)
}

fn every_byte(attach: Attach, mtu: u32) {
    let Some(line) = Line::with_queues(1, mtu) else { return };
    let (mut near, mut far) = both(&line, attach);
    let mut hand = Hand::new(256, PoolSize::Jumbo);
    let frames = assorted(mtu as usize + 14);
    for _ in 0..4 {
        hand.exact(&mut far, &mut near, &frames);
        hand.exact(&mut near, &mut far, &frames);
    }
    assert_eq!(near.mac(), Some(line.near.link("r0").unwrap().mac));
    assert_eq!((near.stats().missed, near.stats().send_failed), (0, 0));
}

#[test]
fn every_byte_passes_both_ways_natively() {
    every_byte(Attach::Native, 1500);
}

#[test]
fn every_byte_passes_both_ways_generically() {
    every_byte(Attach::Generic, 1500);
}

#[test]
fn frames_of_a_whole_page_pass() {
    every_byte(Attach::Native, 3400);
}

#[test]
fn jumbo_frames_take_several_descriptors() {
    every_byte(Attach::Native, 9000);
}

#[test]
fn jumbo_frames_take_several_descriptors_generically_too() {
    every_byte(Attach::Generic, 9000);
}

#[test]
fn too_long_and_bufferless_frames_are_counted() {
    let Some(line) = Line::with_queues(1, 9000) else { return };
    let (mut near, mut far) = both(&line, Attach::Auto);
    let mut jumbo = Hand::new(64, PoolSize::Jumbo);
    jumbo.send(&mut far, &[frame(9000, &PLAIN, 1), frame(90, &PLAIN, 2), frame(91, &PLAIN, 3)]);
    let mut standard = Hand::new(1, PoolSize::Standard);
    let mut batch = dataplane::packet::Batch::new();
    standard.until(&mut near, "three frames taken", |hand, port| {
        port.receive(hand.now(), &mut hand.pool, &mut batch);
        port.stats().received == 3
    });
    assert_eq!((near.stats().too_long, near.stats().pool_empty), (1, 1));
    assert_eq!(batch.frames()[0].bytes(), frame(90, &PLAIN, 2));
}

#[test]
fn a_burst_of_ten_thousand_is_counted_exactly() {
    let Some(line) = Line::new() else { return };
    let (mut near, mut far) = both(&line, Attach::Auto);
    let mut sending = Hand::new(256, PoolSize::Standard);
    let mut receiving = Hand::new(40, PoolSize::Standard);
    let (mut offered, mut given) = (0_u64, 0_u64);
    while offered < 10_000 {
        let burst: Vec<_> = (0..64.min(10_000 - offered)).map(|n| frame(200, &PLAIN, n as u8)).collect();
        sending.send(&mut far, &burst);
        offered += burst.len() as u64;
        let sent = far.stats().sent;
        receiving.until(&mut near, "the frames so far", |hand, port| {
            given += hand.take(port).len() as u64;
            port.stats().received + port.stats().missed + 200 > sent
        });
    }
    let sent = far.stats().sent;
    receiving.until(&mut near, "every frame", |hand, port| {
        given += hand.take(port).len() as u64;
        port.stats().received + port.stats().missed >= sent
    });
    assert_eq!(sent + far.stats().send_failed, offered);
    assert_eq!(near.stats().received + near.stats().missed, sent);
    assert_eq!(given + near.stats().pool_empty, near.stats().received);
}

#[test]
fn a_ring_that_overflows_counts_what_it_missed() {
    let Some(line) = Line::new() else { return };
    let (mut near, mut far) = both(&line, Attach::Generic);
    let mut hand = Hand::new(256, PoolSize::Standard);
    for n in 0..40 {
        hand.send(&mut far, &vec![frame(100, &PLAIN, n); 50]);
    }
    hand.until(&mut near, "two thousand frames counted", |hand, port| {
        hand.take(port);
        port.stats().received + port.stats().missed >= 2000
    });
    assert_eq!((near.stats().received, near.stats().missed), (512, 1488));
}

#[test]
fn ten_thousand_sent_arrive() {
    let Some(line) = Line::new() else { return };
    let (mut near, mut far) = both(&line, Attach::Auto);
    let mut hand = Hand::new(256, PoolSize::Standard);
    let mut got = 0;
    for n in 0..100 {
        hand.send(&mut near, &vec![frame(1514, &PLAIN, n); 100]);
        hand.until(&mut far, "a hundred frames", |hand, port| {
            got += hand.take(port).len();
            got + port.stats().missed as usize >= 100 * (usize::from(n) + 1)
        });
    }
    assert_eq!((near.stats().sent, near.stats().send_failed), (10_000, 0));
    assert_eq!(got as u64 + far.stats().missed, 10_000);
    assert_eq!(hand.pool.available(), 256);
}

#[test]
fn two_queues_share_one_memory() {
    let Some(line) = Line::with_queues(2, 1500) else { return };
    let one = line.near.run(|| xdp::open("r0", 1, options(Attach::Native))).unwrap();
    assert!(matches!(one, Err(OpenError::Unsupported { .. })), "{one:?}");
    let mut queues = line.near.run(|| xdp::open("r0", 2, options(Attach::Native))).unwrap().unwrap();
    // Through the queueing discipline, which chooses the queue by flow.
    let spread = PacketOptions { bypass_qdisc: false, ..PacketOptions::default() };
    let mut far = line.far.run(|| packet::open("h0", 1, spread)).unwrap().unwrap().remove(0);
    let mut hand = Hand::new(256, PoolSize::Standard);
    let stations = ([2, 0, 0, 0, 0, 2], [2, 0, 0, 0, 0, 1]);
    let flow = |port| udp(stations.0, stations.1, [[10, 0, 0, 1], [10, 0, 0, 2]], [port, 9], b"?");
    let frames: Vec<_> = (1000..1200).map(flow).collect();
    let (mut first, mut second) = (queues.remove(0), queues.remove(0));
    let mut got: [Vec<Vec<u8>>; 2] = [Vec::new(), Vec::new()];
    for some in frames.chunks(50) {
        hand.send(&mut far, some);
    }
    hand.until(&mut first, "all flows", |hand, first| {
        got[0].extend(hand.take(first));
        got[1].extend(hand.take(&mut second));
        got[0].len() + got[1].len() >= frames.len()
    });
    assert!(got.iter().all(|queue| queue.len() > 20), "{} and {}", got[0].len(), got[1].len());
    let mut all = got.concat();
    all.sort();
    assert_eq!(all, frames);
    for (n, queue) in [&mut first, &mut second].into_iter().enumerate() {
        hand.exact(queue, &mut far, &[frame(300 + n, &PLAIN, 1)]);
    }
    drop(first);
    hand.exact(&mut second, &mut far, &[frame(310, &PLAIN, 1)]);
    assert!(line.near.link("r0").unwrap().xdp);
    drop(second);
    assert!(!line.near.link("r0").unwrap().xdp);
}

#[test]
fn the_link_is_followed_down_and_up() {
    let Some(line) = Line::new() else { return };
    let (mut near, mut far) = both(&line, Attach::Auto);
    let mut hand = Hand::new(64, PoolSize::Standard);
    line.near
        .run(|| {
            line.far.down("h0").unwrap();
            hand.until(&mut near, "link down", |_, port| port.link() == Link { up: false, present: true });
            line.far.up("h0").unwrap();
            hand.until(&mut near, "link up again", |_, port| port.link().up);
            hand.exact(&mut far, &mut near, &[frame(60, &PLAIN, 9)]);
        })
        .unwrap();
}

#[test]
fn a_device_that_comes_back_is_taken_up_again() {
    for queues in [1, 2] {
        let Some(line) = Line::with_queues(queues, 1500) else { return };
        let opened = line.near.run(|| xdp::open("r0", queues as usize, options(Attach::Native)));
        let mut opened = opened.unwrap().unwrap();
        let mut hand = Hand::new(64, PoolSize::Standard);
        let held = descriptors();
        let round = || {
            line.near.delete("r0").unwrap();
            for port in &mut opened {
                hand.until(port, "device gone", |_, port| port.link() == Link::default());
                assert!(port.wait_fd().is_none());
            }
            line.connect(queues, 1500);
            for port in &mut opened {
                hand.until(port, "device back", |_, port| port.link().up);
            }
            let mut far = far(&line);
            for port in &mut opened {
                hand.exact(port, &mut far, &[frame(70, &PLAIN, 9)]);
            }
        };
        line.near.run(round).unwrap();
        assert_eq!(descriptors(), held);
    }
}

#[test]
fn what_the_device_cannot_do_is_said() {
    let Some(line) = Line::new() else { return };
    let zero = XdpOptions { copy: CopyMode::ZeroCopy, ..options(Attach::Native) };
    let refused = line.near.run(|| xdp::open("r0", 1, zero)).unwrap();
    assert!(matches!(refused, Err(OpenError::Unsupported { .. })), "{refused:?}");
    let absent = line.near.run(|| xdp::open("r9", 1, zero)).unwrap();
    assert!(matches!(absent, Err(OpenError::NoDevice(name)) if name == "r9"));
    assert!(!line.near.link("r0").unwrap().xdp);
}

#[test]
fn closing_takes_the_program_away_and_opening_again_works() {
    let Some(line) = Line::new() else { return };
    for round in 0..5 {
        let mut near = line.near.run(|| open("r0", Attach::Native)).unwrap();
        assert!(line.near.link("r0").unwrap().xdp);
        let mut hand = Hand::new(64, PoolSize::Standard);
        hand.exact(&mut near, &mut far(&line), &[frame(60 + round, &PLAIN, 1)]);
        drop(near);
        assert!(!line.near.link("r0").unwrap().xdp);
    }
}

const HOLD: &str = "HOLD_XDP_PORT";

/// Not a test by itself: what the next one starts and kills.
#[test]
fn holder() {
    if std::env::var_os(HOLD).is_some() {
        let _port = open("r0", Attach::Native);
        println!("holding");
        let _ = std::io::stdin().read(&mut [0]);
    }
}

#[test]
fn a_killed_process_leaves_no_program_behind() {
    let Some(line) = Line::new() else { return };
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "holder", "--nocapture"]).env(HOLD, "1");
    let mut child = line.near.spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped())).unwrap();
    let said = BufReader::new(child.stdout.take().unwrap());
    assert!(said.lines().any(|line| line.unwrap().contains("holding")));
    assert!(line.near.link("r0").unwrap().xdp);
    child.kill().unwrap();
    child.wait().unwrap();
    // The kernel closes a dead process's descriptors in its own time.
    let gone = (0..500).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        !line.near.link("r0").unwrap().xdp
    });
    assert!(gone);
    let mut near = line.near.run(|| open("r0", Attach::Native)).unwrap();
    Hand::new(64, PoolSize::Standard).exact(&mut near, &mut far(&line), &[frame(60, &PLAIN, 1)]);
    drop(near);
    assert!(!line.near.link("r0").unwrap().xdp);
}
