//! The router process with the kernel's own hosts on both sides, over each
//! Linux driver, in IPv4 and IPv6: echo, TCP, UDP, errors, traces, path MTU.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod common;

use std::io::ErrorKind;
use std::net::SocketAddr;

use common::probe::{self, Ear, Family, udp};
use common::site::{Driver, Site};
use common::{PATIENCE, transfer};
use nix::errno::Errno;
use nix::sys::socket::{getsockopt, setsockopt, sockopt};

/// Bytes each way of a TCP transfer.
const STUDY: usize = 2 << 20;

/// Everything that a host asks of a router.
fn judge(driver: Driver) {
    if !common::root() {
        return;
    }
    let site = Site::new(driver);
    let _router = site.start();
    for family in Family::BOTH {
        the_router_answers_and_so_does_the_far_host(&site, family);
        tcp_carries_a_study_each_way_and_finds_the_narrow_link(&site, family);
        udp_arrives_once_and_in_order(&site, family);
        a_closed_port_is_refused(&site, family);
        a_trace_names_the_router_and_the_host(&site, family);
        a_datagram_too_long_for_the_way_is_told_its_mtu(&site, family);
    }
    datagrams_that_may_be_cut_are_and_arrive_whole(&site);
}

#[test]
fn between_packet_sockets() {
    judge(Driver::Packet);
}

#[test]
fn between_xdp_sockets() {
    judge(Driver::Xdp);
}

#[test]
fn from_a_tap_device_to_an_xdp_socket() {
    judge(Driver::Tap);
}

fn the_router_answers_and_so_does_the_far_host(site: &Site, family: Family) {
    for size in [0, 56, 1200] {
        for (n, end) in [(1, 1), (2, 1), (2, 2)] {
            echo(site, family, n, end, size);
        }
    }
    if family == Family::V4 {
        // The request comes to the router in fragments, and so does the answer to the host.
        echo(site, family, 1, 1, 1600);
    }
}

/// Host `end` of subnet `n` answers.
fn echo(site: &Site, family: Family, n: u8, end: u8, size: usize) {
    let to = family.address(n, end);
    probe::echo(&site.near, to, size, PATIENCE).unwrap_or_else(|e| panic!("{size} bytes to {to}: {e}"));
}

/// The far host offers segments of 1,500 bytes; the near one sends such, and
/// hears from the router that the way is narrower (RFC 1191, RFC 8201).
fn tcp_carries_a_study_each_way_and_finds_the_narrow_link(site: &Site, family: Family) {
    let ear = Ear::new(&site.near, family);
    let ends = transfer::connect(&site.near, &site.far, family.far(2));
    let to = ends.0.peer_addr().unwrap();
    transfer::exchange(ends, STUDY);
    assert_eq!(ear.error_about(to), too_big(site, family));
}

/// What the router says of a packet that the far line does not take.
fn too_big(site: &Site, family: Family) -> probe::Message {
    let (kind, code) = if family == Family::V4 { (3, 4) } else { (2, 0) };
    (family.address(1, 1), kind, code, site.narrow().into())
}

fn udp_arrives_once_and_in_order(site: &Site, family: Family) {
    let (near, far) = (udp(&site.near, family.near()), udp(&site.far, family.far(2)));
    transfer::count(&near, &far, 600);
    transfer::count(&far, &near, 600);
}

/// At the router and at the host behind it (RFC 1122 section 4.1.3.1).
fn a_closed_port_is_refused(site: &Site, family: Family) {
    for to in [family.address(1, 1), family.address(2, 1), family.far(2)] {
        let socket = udp(&site.near, family.near());
        socket.connect((to, 9)).unwrap();
        socket.send(b"anybody?").unwrap();
        assert_eq!(socket.recv(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionRefused, "{to}");
    }
}

/// As traceroute(8) does: one hop, then two.
fn a_trace_names_the_router_and_the_host(site: &Site, family: Family) {
    let [expired, closed] = if family == Family::V4 { [(11, 0), (3, 3)] } else { [(3, 0), (1, 4)] };
    for (ttl, who, (kind, code)) in [(1, family.address(1, 1), expired), (2, family.far(2), closed)] {
        let ear = Ear::new(&site.near, family);
        let socket = udp(&site.near, family.near());
        match family {
            Family::V4 => setsockopt(&socket, sockopt::Ipv4Ttl, &ttl).unwrap(),
            Family::V6 => setsockopt(&socket, sockopt::Ipv6Ttl, &ttl).unwrap(),
        }
        let to = SocketAddr::new(family.far(2), 33_434);
        socket.send_to(b"how far?", to).unwrap();
        assert_eq!(ear.error_about(to), (who, kind, code, 0), "{ttl} hops");
    }
}

fn a_datagram_too_long_for_the_way_is_told_its_mtu(site: &Site, family: Family) {
    let ear = Ear::new(&site.near, family);
    // An address of the far host to which nothing has been sent so far.
    let (near, far) = (udp(&site.near, family.near()), udp(&site.far, family.far(3)));
    let to = far.local_addr().unwrap();
    let datagram = transfer::data(1500 - family.header() - 8, 3);
    near.connect(to).unwrap();
    near.send(&datagram).unwrap();
    assert_eq!(ear.error_about(to), too_big(site, family));
    assert_eq!(near.recv(&mut [0; 8]).unwrap_err().raw_os_error(), Some(Errno::EMSGSIZE as i32));
    if family == Family::V4 {
        assert_eq!(getsockopt(&near, sockopt::IpMtu).unwrap(), i32::from(site.narrow()));
    }
    // Now the host knows, and cuts the datagram itself.
    near.send(&datagram).unwrap();
    let mut heard = vec![0; 2048];
    let len = far.recv(&mut heard).unwrap();
    assert!(heard[..len] == datagram);
}

/// Without don't-fragment (RFC 791 section 3.2): 1,500 bytes become two fragments.
fn datagrams_that_may_be_cut_are_and_arrive_whole(site: &Site) {
    site.near.sysctl("net.ipv4.ip_no_pmtu_disc", "1").unwrap();
    let far = udp(&site.far, Family::V4.far(4));
    let near = udp(&site.near, Family::V4.near());
    let datagram = transfer::data(1472, 4);
    let counters = || ["ReasmReqds", "ReasmOKs"].map(|name| probe::counter(&site.far, name));
    let before = counters();
    near.send_to(&datagram, far.local_addr().unwrap()).unwrap();
    let mut heard = vec![0; 2048];
    let len = far.recv(&mut heard).unwrap();
    assert!(heard[..len] == datagram);
    assert_eq!(counters(), [before[0] + 2, before[1] + 1]);
}
