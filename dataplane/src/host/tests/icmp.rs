//! ICMP errors: what is told, and to whom nothing is told.

use super::*;
use crate::packet::DropReason;

fn udp(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    bytes[..8].copy_from_slice(&[0x30, 0, 0x30, 1, (len >> 8) as u8, len as u8, 0, 0]);
    bytes
}

fn packet4(from: &str, to: &str, payload: &[u8]) -> Vec<u8> {
    eth(ROUTER, mac(9), 0x0800, &ipv4(from, to, 17, payload))
}

fn packet6(from: &str, to: &str, payload: &[u8]) -> Vec<u8> {
    eth(ROUTER, mac(9), 0x86dd, &ipv6(from, to, 17, 64, payload))
}

fn refused(bytes: &[u8], reason: PuntReason, detail: u16) -> Vec<String> {
    let mut bench = Bench::new();
    let mut frame = punted(bytes, reason);
    frame.rare_mut().detail = detail;
    bench.host.receive(frame, Time(5), &bench.snapshot, &mut bench.out);
    bench.told()
}

#[test]
fn each_problem_has_its_type_code_and_rest() {
    let four = packet4("203.0.113.9", "198.51.100.9", &udp(20));
    let six = packet6("2001:db8:7::9", "2001:db8:8::9", &udp(20));
    for (reason, detail, v4, v6, drop) in [
        (PuntReason::TtlExpired, 0, "11/0 0", "3/0 0", DropReason::TtlExpired),
        (PuntReason::NoRoute, 0, "3/0 0", "1/0 0", DropReason::NoRoute),
        (PuntReason::Unreachable, 0, "3/1 0", "1/3 0", DropReason::Unreachable),
        (PuntReason::Prohibited, 0, "3/13 0", "1/1 0", DropReason::Prohibited),
        (PuntReason::FragmentationNeeded, 1492, "3/4 5d4", "2/0 5d4", DropReason::FragmentationNeeded),
        (PuntReason::PacketTooBig, 1400, "3/4 578", "2/0 578", DropReason::PacketTooBig),
        (PuntReason::PacketTooBig, 600, "3/4 258", "2/0 500", DropReason::PacketTooBig),
        (PuntReason::ParameterProblem, 20, "12/0 14000000", "4/0 14", DropReason::Ipv4Options),
    ] {
        let told = format!("route 192.0.2.1 > 203.0.113.9 ttl 64: icmp {v4} dscp 48 + 40");
        assert_eq!(refused(&four, reason, detail), [told, format!("drop {drop}")]);
        let told = format!("route 2001:db8::1 > 2001:db8:7::9 ttl 64: icmp {v6} dscp 48 + 60");
        assert_eq!(refused(&six, reason, detail), [told, format!("drop {drop}")]);
    }
}

#[test]
fn as_much_is_quoted_as_fits() {
    let four = packet4("203.0.113.9", "198.51.100.9", &udp(1400));
    assert!(refused(&four, PuntReason::TtlExpired, 0)[0].ends_with("+ 548"));
    let six = packet6("2001:db8:7::9", "2001:db8:8::9", &udp(1400));
    assert!(refused(&six, PuntReason::TtlExpired, 0)[0].ends_with("+ 1232"));
}

#[test]
fn the_quotation_is_the_packet_as_it_came() {
    let bytes = packet4("203.0.113.9", "198.51.100.9", &udp(20));
    let mut bench = Bench::new();
    bench.receive(&bytes, PuntReason::TtlExpired);
    let Action::Route(error) = &bench.out[0] else { panic!("{:?}", bench.out) };
    assert_eq!(error.bytes()[28..], bytes[14..]);
    assert!(error.meta().flags.has(Flags::ICMP_ERROR));
    assert_eq!(error.meta().class, crate::class::TrafficClass::Control);
}

#[test]
fn nobody_is_told_about_errors_groups_or_impossible_senders() {
    let plain = udp(20);
    let v4 = |from: &str, to: &str| packet4(from, to, &plain);
    let mut fragment = v4("203.0.113.9", "198.51.100.9");
    fragment[14 + 7] = 5;
    let mut to_all = v4("203.0.113.9", "198.51.100.9");
    to_all[..6].copy_from_slice(&ALL);
    let error4 = ipv4("203.0.113.9", "198.51.100.9", 1, &icmp4(11, 0, [0; 4], &plain));
    let error6 =
        ipv6("2001:db8:7::9", "2001:db8:8::9", 58, 64, &[&[1, 0, 0, 0, 0, 0, 0, 0], &plain[..]].concat());
    for (case, frame) in [
        ("an ICMP error", eth(ROUTER, mac(9), 0x0800, &error4)),
        ("an ICMPv6 error", eth(ROUTER, mac(9), 0x86dd, &error6)),
        ("a later fragment", fragment),
        ("a frame for the whole link", to_all),
        ("a group", v4("203.0.113.9", "224.1.1.1")),
        ("an IPv6 group", packet6("2001:db8:7::9", "ff05::1", &plain)),
        ("a broadcast", v4("203.0.113.9", "192.0.2.255")),
        ("from nobody", v4("0.0.0.0", "198.51.100.9")),
        ("from nobody, IPv6", packet6("::", "2001:db8:8::9", &plain)),
        ("from a group", v4("224.0.0.9", "198.51.100.9")),
        ("from a broadcast", v4("192.0.2.255", "198.51.100.9")),
        ("from everybody", v4("255.255.255.255", "198.51.100.9")),
        ("from loopback", v4("127.0.0.1", "198.51.100.9")),
        ("from the router", v4("192.0.2.1", "198.51.100.9")),
    ] {
        assert_eq!(refused(&frame, PuntReason::TtlExpired, 0), ["drop ttl-expired"], "{case}");
    }
}

#[test]
fn a_group_hears_of_its_mtu_in_ipv6() {
    let frame = packet6("2001:db8:7::9", "ff05::1", &udp(20));
    let told = refused(&frame, PuntReason::PacketTooBig, 1280);
    assert_eq!(told[0], "route 2001:db8::1 > 2001:db8:7::9 ttl 64: icmp 2/0 500 dscp 48 + 60");
}

#[test]
fn errors_are_rate_limited() {
    let mut bench = Bench::with(|limits| {
        (limits.dad_probes, limits.announcements, limits.icmp_errors_per_second) = (0, 0, 20);
    });
    let bytes = packet4("203.0.113.9", "198.51.100.9", &udp(20));
    for _ in 0..30 {
        bench.receive(&bytes, PuntReason::TtlExpired);
    }
    assert_eq!((bench.host.counters().icmp_errors, bench.host.counters().icmp_errors_limited), (10, 20));
    assert_eq!(bench.told().iter().filter(|line| *line == "drop ttl-expired").count(), 30);
}

#[test]
fn a_sender_hears_that_its_neighbour_does_not_answer() {
    let mut bench = Bench::new();
    bench.receive(&packet4("203.0.113.9", "192.0.2.50", &udp(20)), PuntReason::NeighbourMiss);
    bench.run(secs(3));
    let told = bench.told();
    assert_eq!(
        told[3..],
        ["route 192.0.2.1 > 203.0.113.9 ttl 64: icmp 3/1 0 dscp 48 + 40", "drop neighbour-unresolved"]
    );
    bench.receive(&packet6("2001:db8:7::9", "2001:db8::50", &udp(20)), PuntReason::NeighbourMiss);
    bench.run(secs(6));
    let told = bench.told();
    assert_eq!(
        told[3..],
        ["route 2001:db8::1 > 2001:db8:7::9 ttl 64: icmp 1/3 0 dscp 48 + 60", "drop neighbour-unresolved"]
    );
}

#[test]
fn the_router_has_no_udp_ports_and_few_protocols() {
    let mut bench = Bench::new();
    bench.receive(&packet4("203.0.113.9", "198.51.100.1", &udp(20)), PuntReason::Local);
    bench.receive(
        &eth(ROUTER, mac(9), 0x0800, &ipv4("203.0.113.9", "192.0.2.1", 89, &[0; 20])),
        PuntReason::Local,
    );
    bench.receive(
        &eth(ROUTER, mac(9), 0x0800, &ipv4("203.0.113.9", "192.0.2.1", 6, &[0; 20])),
        PuntReason::Local,
    );
    bench.receive(
        &eth(ROUTER, mac(9), 0x86dd, &ipv6("2001:db8:7::9", "2001:db8::1", 89, 64, &[0; 20])),
        PuntReason::Local,
    );
    assert_eq!(
        bench.told(),
        [
            "route 198.51.100.1 > 203.0.113.9 ttl 64: icmp 3/3 0 dscp 48 + 40",
            "drop local-unknown",
            "route 192.0.2.1 > 203.0.113.9 ttl 64: icmp 3/2 0 dscp 48 + 40",
            "drop local-unknown",
            "drop local-unknown",
            "route 2001:db8::1 > 2001:db8:7::9 ttl 64: icmp 4/1 6 dscp 48 + 60",
            "drop local-unknown"
        ]
    );
}

#[test]
fn an_unknown_protocol_behind_extension_headers_is_pointed_at() {
    // | IPv6, next 0 | hop-by-hop, next 60 | destination options, next 89 | … |
    let payload = [[60, 0, 1, 4, 0, 0, 0, 0], [89, 0, 1, 4, 0, 0, 0, 0], [0; 8]].concat();
    let bytes = eth(ROUTER, mac(9), 0x86dd, &ipv6("2001:db8:7::9", "2001:db8::1", 0, 64, &payload));
    let mut frame = punted(&bytes, PuntReason::Local);
    frame.meta_mut().protocol = 89;
    let mut bench = Bench::new();
    bench.host.receive(frame, Time(5), &bench.snapshot, &mut bench.out);
    assert!(bench.told()[0].contains("icmp 4/1 30 "));
}

#[test]
fn a_malformed_udp_header_is_not_answered() {
    let mut bench = Bench::new();
    bench.receive(&packet4("203.0.113.9", "192.0.2.1", &[0; 7]), PuntReason::Local);
    let mut wrong_sum = udp(20);
    wrong_sum[6] = 1;
    bench.receive(&packet4("203.0.113.9", "192.0.2.1", &wrong_sum), PuntReason::Local);
    assert_eq!(bench.told(), ["drop local-malformed"; 2]);
}
