//! The AF_PACKET port against the kernel, over a virtual link between namespaces.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod ports;

use std::net::UdpSocket;
use std::time::Duration;

use dataplane::packet::PoolSize;
use dataplane::port::{Link, Packet, PacketOptions, Port, packet};
use ports::{Hand, Line, PLAIN, assorted, descriptors, frame, udp, udp_checksum};

fn open(name: &str) -> Packet {
    packet::open(name, 1, PacketOptions::default()).unwrap().remove(0)
}

fn both(line: &Line) -> (Packet, Packet) {
    (line.near.run(|| open("r0")).unwrap(), line.far.run(|| open("h0")).unwrap())
}

#[test]
fn every_byte_passes_both_ways_tagged_or_not() {
    let Some(line) = Line::new() else { return };
    let (mut near, mut far) = both(&line);
    let mut hand = Hand::new(256, PoolSize::Standard);
    hand.exact(&mut far, &mut near, &assorted(1514));
    hand.exact(&mut near, &mut far, &assorted(1514));
    assert_eq!(near.mac(), Some(line.near.link("r0").unwrap().mac));
}

#[test]
fn jumbo_frames_pass_and_too_long_ones_are_counted() {
    let Some(line) = Line::with_queues(1, 9000) else { return };
    let (mut near, mut far) = both(&line);
    let mut jumbo = Hand::new(256, PoolSize::Jumbo);
    jumbo.exact(&mut far, &mut near, &assorted(9014));
    jumbo.exact(&mut near, &mut far, &assorted(9014));

    let before = near.stats();
    jumbo.send(&mut far, &[frame(9014, &PLAIN, 1), frame(100, &PLAIN, 2)]);
    let mut standard = Hand::new(4, PoolSize::Standard);
    assert_eq!(standard.receive(&mut near, 1), [frame(100, &PLAIN, 2)]);
    assert_eq!(near.stats().too_long, before.too_long + 1);
    assert_eq!(near.stats().received, before.received + 2);
}

/// Our own frames, and frames the device refuses.
#[test]
fn what_it_sends_it_does_not_hear_and_a_frame_over_the_mtu_is_counted() {
    let Some(line) = Line::new() else { return };
    let (mut near, mut far) = both(&line);
    let mut hand = Hand::new(256, PoolSize::Jumbo);
    let frames = [frame(60, &PLAIN, 1), frame(1600, &PLAIN, 2), frame(61, &PLAIN, 3)];
    hand.send(&mut near, &frames);
    assert_eq!(hand.receive(&mut far, 2), [frames[0].clone(), frames[2].clone()]);
    assert_eq!((near.stats().sent, near.stats().send_failed), (2, 1));
    assert_eq!(hand.take(&mut near), Vec::<Vec<u8>>::new());
    assert_eq!(hand.pool.available(), 256);
}

#[test]
fn a_burst_of_ten_thousand_is_counted_exactly() {
    let Some(line) = Line::new() else { return };
    let (mut near, mut far) = both(&line);
    let mut sending = Hand::new(256, PoolSize::Standard);
    let mut receiving = Hand::new(40, PoolSize::Standard);
    let (mut sent, mut given) = (0_u64, 0_u64);
    while sent < 10_000 {
        let burst: Vec<_> = (0..64.min(10_000 - sent)).map(|n| frame(200, &PLAIN, n as u8)).collect();
        sending.send(&mut far, &burst);
        sent += burst.len() as u64;
        receiving.until(&mut near, "the frames so far", |hand, port| {
            given += hand.take(port).len() as u64;
            port.stats().received + port.stats().missed + 512 > sent
        });
    }
    receiving.until(&mut near, "every frame", |hand, port| {
        given += hand.take(port).len() as u64;
        port.stats().received + port.stats().missed >= sent
    });
    let stats = near.stats();
    assert_eq!(stats.received + stats.missed, sent);
    assert_eq!(given + stats.pool_empty, stats.received);
    assert_eq!((far.stats().sent, far.stats().send_failed), (sent, 0));
    assert_eq!((sending.pool.available(), receiving.pool.available()), (256, 40));
}

#[test]
fn a_ring_that_overflows_counts_what_it_missed() {
    let Some(line) = Line::new() else { return };
    let small = PacketOptions { ring_bytes: 1 << 20, ..PacketOptions::default() };
    let mut near = line.near.run(|| packet::open("r0", 1, small)).unwrap().unwrap().remove(0);
    let mut far = line.far.run(|| open("h0")).unwrap();
    let mut hand = Hand::new(256, PoolSize::Standard);
    for n in 0..20_u8 {
        let burst: Vec<_> = (0..100).map(|_| frame(1514, &PLAIN, n)).collect();
        hand.send(&mut far, &burst);
        std::thread::sleep(Duration::from_millis(2));
    }
    hand.until(&mut near, "two thousand frames counted", |hand, port| {
        hand.take(port);
        port.stats().received + port.stats().missed >= 2000
    });
    assert_eq!(near.stats().received + near.stats().missed, 2000);
    assert!(near.stats().missed > 0);
}

#[test]
fn the_link_is_followed_down_and_up() {
    let Some(line) = Line::new() else { return };
    let (mut near, mut far) = both(&line);
    let mut hand = Hand::new(64, PoolSize::Standard);
    line.near
        .run(|| {
            hand.until(&mut near, "link up", |_, port| port.link() == Link { up: true, present: true });
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
    let Some(line) = Line::new() else { return };
    let (mut near, far) = both(&line);
    drop(far);
    let mut hand = Hand::new(64, PoolSize::Standard);
    let held = descriptors();
    line.near
        .run(|| {
            for round in 0..3 {
                line.near.delete("r0").unwrap();
                hand.until(&mut near, "device gone", |_, port| port.link() == Link::default());
                assert!(near.wait_fd().is_none());
                line.connect(1, 1500);
                hand.until(&mut near, "device back", |_, port| port.link().up);
                let mut far = line.far.run(|| open("h0")).unwrap();
                hand.exact(&mut far, &mut near, &[frame(60 + round, &PLAIN, 9)]);
                hand.exact(&mut near, &mut far, &[frame(70 + round, &PLAIN, 9)]);
            }
        })
        .unwrap();
    assert_eq!(descriptors(), held);
}

#[test]
fn two_queues_share_the_flows() {
    let Some(line) = Line::new() else { return };
    let mut near = line.near.run(|| packet::open("r0", 2, PacketOptions::default())).unwrap().unwrap();
    let mut far = line.far.run(|| open("h0")).unwrap();
    let mut hand = Hand::new(256, PoolSize::Standard);
    let flow =
        |port| udp([2, 0, 0, 0, 0, 2], [2, 0, 0, 0, 0, 1], [[10, 0, 0, 1], [10, 0, 0, 2]], [port, 9], b"?");
    let frames: Vec<_> = (1000..1200).map(flow).collect();
    hand.send(&mut far, &frames);
    let mut second = near.remove(1);
    let mut first = near.remove(0);
    let mut got: [Vec<Vec<u8>>; 2] = [Vec::new(), Vec::new()];
    hand.until(&mut first, "all flows", |hand, first| {
        got[0].extend(hand.take(first));
        got[1].extend(hand.take(&mut second));
        got[0].len() + got[1].len() >= frames.len()
    });
    assert!(got.iter().all(|queue| queue.len() > 20), "{} and {}", got[0].len(), got[1].len());
    let mut all = got.concat();
    all.sort();
    assert_eq!(all, frames);
}

/// A host that leaves its checksums to the hardware: the kernel hands them over undone.
#[test]
fn a_checksum_the_kernel_left_undone_is_done() {
    let Some(line) = Line::new() else { return };
    line.far.delete("h0").unwrap();
    line.near.veth("r0", &line.far, "h0").unwrap();
    for (side, dev) in [(&line.near, "r0"), (&line.far, "h0")] {
        side.ipv6_off(dev).unwrap();
        side.up(dev).unwrap();
    }
    line.far.address("h0", "10.0.0.2/24".parse().unwrap()).unwrap();
    line.far.neighbour("h0", "10.0.0.1".parse().unwrap(), [2, 0, 0, 0, 0, 1]).unwrap();
    let (mut near, _) = both(&line);
    let host = line.far.run(|| UdpSocket::bind("10.0.0.2:5000")).unwrap().unwrap();
    host.set_read_timeout(Some(ports::PATIENCE)).unwrap();
    host.send_to(b"checksums, please", "10.0.0.1:7").unwrap();

    let mut hand = Hand::new(64, PoolSize::Standard);
    let got = hand.receive(&mut near, 1).remove(0);
    let (ip, datagram) = got[14..].split_at(20);
    assert_eq!(&datagram[8..], b"checksums, please");
    assert_eq!(udp_checksum(ip, datagram), 0);

    let mac = line.far.link("h0").unwrap().mac;
    hand.send(&mut near, &[udp(mac, [2, 0, 0, 0, 0, 1], [[10, 0, 0, 1], [10, 0, 0, 2]], [7, 5000], b"here")]);
    let mut answer = [0; 16];
    assert_eq!(host.recv(&mut answer).unwrap(), 4);
    assert_eq!(&answer[..4], b"here");
}
