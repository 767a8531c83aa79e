//! Pings of the router's own.

use super::*;
use crate::host::{PingKind, PingReply, PingRequest};
use std::time::Duration;

pub(super) fn request(destination: &str) -> PingRequest {
    PingRequest {
        vrf: VrfId(0),
        destination: ip(destination),
        source: None,
        size: 56,
        ttl: 30,
        dscp: 46,
        dont_fragment: true,
        ident: 7,
        sequence: 1,
    }
}

fn ping(bench: &mut Bench, request: PingRequest) -> Vec<u8> {
    bench.host.ping(request, bench.now, &bench.snapshot, &mut bench.out);
    match bench.out.first() {
        Some(Action::Route(frame)) => frame.bytes().to_vec(),
        _ => Vec::new(),
    }
}

fn pong(bench: &mut Bench) -> PingReply {
    let pong = bench.out.iter().find_map(|action| match action {
        Action::Pong(reply) => Some(*reply),
        _ => None,
    });
    pong.unwrap_or_else(|| panic!("{:?}", bench.out))
}

#[test]
fn the_answer_gives_the_time_it_took() {
    let mut bench = Bench::new();
    let vrf = bench.snapshot.vrfs.get_mut(0).unwrap();
    vrf.fib4.insert("198.51.100.0/30".parse().unwrap(), NhlfeId(1));
    let sent = ping(&mut bench, request("198.51.100.2"));
    assert_eq!(bench.told(), ["route 198.51.100.1 > 198.51.100.2 ttl 30: icmp 8/0 70001 dscp 46 + 56"]);
    bench.now = Time(250_000);
    let answer = ipv4("198.51.100.2", "198.51.100.1", 1, &icmp4(0, 0, [0, 7, 0, 1], &sent[28..]));
    bench.receive(&eth(ROUTER, mac(9), 0x0800, &answer), PuntReason::Local);
    let reply = pong(&mut bench);
    assert_eq!((reply.from, reply.rtt, reply.ttl), (ip("198.51.100.2"), Duration::from_micros(250), 61));
    assert_eq!((reply.ident, reply.sequence, reply.kind), (7, 1, PingKind::Reply { size: 56 }));
    bench.out.clear();
    bench.receive(&eth(ROUTER, mac(9), 0x0800, &answer), PuntReason::Local);
    assert_eq!(bench.told(), ["drop local-unknown"]);
}

#[test]
fn errors_about_a_ping_are_answers_too() {
    for (kind, code, rest, told) in [
        (3, 1, 0, PingKind::Unreachable { code: 1 }),
        (3, 4, 1400, PingKind::TooBig { mtu: 1400 }),
        (11, 0, 0, PingKind::TimeExceeded),
        (12, 0, 0, PingKind::ParameterProblem),
    ] {
        let mut bench = Bench::new();
        let sent = ping(&mut bench, request("203.0.113.9"));
        let rest = u32::to_be_bytes(rest);
        let error = ipv4("198.51.100.2", "192.0.2.1", 1, &icmp4(kind, code, rest, &sent));
        bench.receive(&eth(ROUTER, mac(9), 0x0800, &error), PuntReason::Local);
        assert_eq!(pong(&mut bench).kind, told);
        assert_eq!(pong(&mut bench).from, ip("198.51.100.2"));
    }
    let mut bench = Bench::new();
    let sent = ping(&mut bench, request("2001:db8:7::9"));
    let error =
        ipv6("2001:db8:1::2", "2001:db8::1", 58, 64, &[&[2, 0, 0, 0, 0, 0, 5, 0], &sent[..]].concat());
    bench.receive(&eth(ROUTER, mac(9), 0x86dd, &error), PuntReason::Local);
    assert_eq!(pong(&mut bench).kind, PingKind::TooBig { mtu: 1280 });
}

#[test]
fn a_ping_with_no_route_or_no_neighbour_fails_at_home() {
    let mut bench = Bench::new();
    ping(&mut bench, request("203.0.113.9"));
    let Action::Route(mut frame) = bench.out.remove(0) else { panic!() };
    frame.meta_mut().verdict = Verdict::Punt(PuntReason::NoRoute);
    bench.host.receive(frame, Time(9), &bench.snapshot, &mut bench.out);
    assert_eq!(pong(&mut bench).kind, PingKind::Unreachable { code: 0 });
    assert!(matches!(bench.out.last(), Some(Action::Drop(..))));

    let mut bench = Bench::new();
    ping(&mut bench, request("192.0.2.50"));
    let Action::Route(mut frame) = bench.out.remove(0) else { panic!() };
    frame.meta_mut().verdict = Verdict::Punt(PuntReason::NeighbourMiss);
    frame.meta_mut().nhlfe = NhlfeId(0);
    bench.host.receive(frame, Time(9), &bench.snapshot, &mut bench.out);
    bench.told();
    bench.run(secs(4));
    assert_eq!(pong(&mut bench).kind, PingKind::Unreachable { code: 1 });
}

#[test]
fn what_cannot_be_sent_is_said_at_once() {
    let foreign = PingRequest { source: Some(ip("203.0.113.1")), ..request("203.0.113.9") };
    let mixed = PingRequest { source: Some(ip("2001:db8::1")), ..request("203.0.113.9") };
    let long = PingRequest { size: 9000, ..request("203.0.113.9") };
    for request in [foreign, mixed, long] {
        let mut bench = Bench::new();
        ping(&mut bench, request);
        assert_eq!(pong(&mut bench).kind, PingKind::NotSent);
        assert_eq!((bench.out.len(), bench.host.available()), (1, 64));
    }
}

#[test]
fn a_link_local_ping_goes_out_by_the_link() {
    let mut bench = Bench::new();
    ping(&mut bench, request("fe80::9"));
    assert_eq!(
        bench.told(),
        ["to group ff000009: fe80::1 > ff02::1:ff00:9 ttl 255: solicits fe80::9 option 1"]
    );
    assert_eq!((bench.host.held(), bench.host.available()), (0, 63));
    bench.run(secs(10));
    assert_eq!((bench.host.counters().unsent, bench.host.available()), (1, 62));
    assert_eq!(pong(&mut bench).kind, PingKind::Unreachable { code: 3 });
}

#[test]
fn the_same_ping_in_two_vrfs_is_two_pings() {
    let mut bench = labelled::pe();
    bench.snapshot.vrfs.get_mut(0).unwrap().fib4.insert("10.0.0.0/8".parse().unwrap(), NhlfeId(2));
    let red = PingRequest { vrf: labelled::RED, ..request("10.1.0.9") };
    ping(&mut bench, red);
    ping(&mut bench, request("10.1.0.9"));
    let [Action::Route(of_red), Action::Route(of_default)] = &mut bench.out[..] else { panic!() };
    let (of_red, mut failed) = (of_red.bytes().to_vec(), std::mem::replace(of_default, Frame::standard()));
    // One fails at home: it is the second, although the first has the same address and numbers.
    failed.meta_mut().verdict = Verdict::Punt(PuntReason::NoRoute);
    bench.host.receive(failed, Time(9), &bench.snapshot, &mut bench.out);
    assert_eq!((pong(&mut bench).vrf, pong(&mut bench).kind), (VrfId(0), PingKind::Unreachable { code: 0 }));
    bench.out.clear();
    // The answer to the other arrives in the other Vrf, by a tunnel.
    let answer = ipv4("10.1.0.9", "198.51.100.1", 1, &icmp4(0, 0, [0, 7, 0, 1], &of_red[28..]));
    let bytes = labelled::labelled(&[(30_012, 0, 9)], &answer);
    let arrived = |vrf| labelled::exposed(&bytes, 1, vrf, PuntReason::Local);
    bench.host.receive(arrived(VrfId(0)), Time(20), &bench.snapshot, &mut bench.out);
    assert_eq!(bench.told(), ["drop local-unknown"]);
    bench.host.receive(arrived(red.vrf), Time(20), &bench.snapshot, &mut bench.out);
    assert_eq!((pong(&mut bench).vrf, pong(&mut bench).kind), (red.vrf, PingKind::Reply { size: 56 }));
}
