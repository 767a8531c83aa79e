//! The TAP port against the kernel's own stack behind it.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod ports;

use std::net::UdpSocket;

use dataplane::packet::PoolSize;
use dataplane::port::{Link, Packet, PacketOptions, Port, Tap, packet, tap};
use ports::{Hand, PLAIN, assorted, descriptors, frame, turn, udp, udp_checksum};
use testbed::netns::{self, Namespace};

/// A namespace with the TAP device `t0`, silent, for `mtu`.
fn host(mtu: u32) -> Option<(Namespace, Tap)> {
    if let Err(why) = netns::available() {
        eprintln!("SKIPPED: {why}");
        return None;
    }
    let host = Namespace::new("host").unwrap();
    host.sysctl("net.ipv6.conf.default.disable_ipv6", "1").unwrap();
    let port = host.run(|| tap::open("t0", 1)).unwrap().unwrap().remove(0);
    host.mtu("t0", mtu).unwrap();
    Some((host, port))
}

/// The far side of the device: the kernel, seen through a packet socket.
fn behind(host: &Namespace) -> Packet {
    host.run(|| packet::open("t0", 1, PacketOptions::default())).unwrap().unwrap().remove(0)
}

#[test]
fn every_byte_passes_both_ways_tagged_or_not() {
    let _turn = turn();
    let Some((host, mut port)) = host(9000) else { return };
    let mut far = behind(&host);
    let mut hand = Hand::new(256, PoolSize::Jumbo);
    hand.until(&mut port, "link up", |_, port| port.link().up);
    hand.exact(&mut far, &mut port, &assorted(9014));
    hand.exact(&mut port, &mut far, &assorted(9014));
}

#[test]
fn too_long_and_bufferless_frames_are_counted() {
    let _turn = turn();
    let Some((host, mut port)) = host(9000) else { return };
    let mut far = behind(&host);
    let mut jumbo = Hand::new(64, PoolSize::Jumbo);
    jumbo.send(&mut far, &[frame(9000, &PLAIN, 1), frame(90, &PLAIN, 2), frame(91, &PLAIN, 3)]);
    let mut standard = Hand::new(1, PoolSize::Standard);
    let mut batch = dataplane::packet::Batch::new();
    standard.until(&mut port, "three frames taken", |hand, port| {
        port.receive(hand.now(), &mut hand.pool, &mut batch);
        port.stats().received == 3
    });
    assert_eq!((port.stats().too_long, port.stats().pool_empty), (1, 1));
    assert_eq!(batch.frames()[0].bytes(), frame(90, &PLAIN, 2));
}

#[test]
fn the_host_behind_it_talks_udp() {
    let _turn = turn();
    let Some((host, mut port)) = host(1500) else { return };
    host.address("t0", "10.0.0.2/24".parse().unwrap()).unwrap();
    host.neighbour("t0", "10.0.0.1".parse().unwrap(), [2, 0, 0, 0, 0, 1]).unwrap();
    let socket = host.run(|| UdpSocket::bind("10.0.0.2:5000")).unwrap().unwrap();
    socket.set_read_timeout(Some(ports::PATIENCE)).unwrap();
    socket.send_to(b"out", "10.0.0.1:7").unwrap();
    let mut hand = Hand::new(64, PoolSize::Standard);
    let got = hand.receive(&mut port, 1).remove(0);
    assert_eq!(udp_checksum(&got[14..34], &got[34..]), 0);
    assert_eq!(&got[42..], b"out");

    let mac = host.link("t0").unwrap().mac;
    assert_ne!(port.mac(), Some(mac), "the kernel behind the device is another station");
    hand.send(&mut port, &[udp(mac, [2, 0, 0, 0, 0, 1], [[10, 0, 0, 1], [10, 0, 0, 2]], [7, 5000], b"back")]);
    let mut answer = [0; 16];
    assert_eq!(socket.recv(&mut answer).unwrap(), 4);
}

#[test]
fn it_goes_with_its_port_and_comes_back_when_taken_away() {
    let _turn = turn();
    let Some((host, mut port)) = host(1500) else { return };
    let held = descriptors();
    let mut hand = Hand::new(64, PoolSize::Standard);
    host.run(|| {
        let before = host.link("t0").unwrap().index;
        host.delete("t0").unwrap();
        hand.until(&mut port, "a new device", |_, port| {
            port.link() == Link { up: true, present: true }
                && host.link("t0").is_ok_and(|l| l.index != before)
        });
        let mut far = behind(&host);
        hand.exact(&mut port, &mut far, &[frame(60, &PLAIN, 1)]);
    })
    .unwrap();
    assert_eq!(descriptors(), held);
    drop(port);
    assert!(host.link("t0").is_err());
}

#[test]
fn two_queues_receive_between_them_what_is_sent() {
    let _turn = turn();
    if host(1500).is_none() {
        return;
    }
    let host = Namespace::new("host").unwrap();
    host.sysctl("net.ipv6.conf.default.disable_ipv6", "1").unwrap();
    let mut queues = host.run(|| tap::open("t0", 2)).unwrap().unwrap();
    let mut far = behind(&host);
    let mut hand = Hand::new(256, PoolSize::Standard);
    let frames: Vec<_> = (0..100).map(|n| frame(100 + n, &PLAIN, 0)).collect();
    hand.send(&mut far, &frames);
    let (mut first, mut second) = (queues.remove(0), queues.remove(0));
    let mut got = Vec::new();
    hand.until(&mut first, "every frame", |hand, first| {
        got.extend(hand.take(first));
        got.extend(hand.take(&mut second));
        got.len() >= frames.len()
    });
    got.sort_by_key(Vec::len);
    assert_eq!(got, frames);
}
