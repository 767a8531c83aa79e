//! IPv6 neighbours, by neighbour discovery.

use super::*;

const NEIGHBOUR: &str = "2001:db8::9";

/// ```text
///  0    1    2        4        8                24
///  | type code checksum flags   target address   options |
/// ```
pub(super) fn nd(kind: u8, flags: u8, target: &str, option: &[u8]) -> Vec<u8> {
    let IpAddr::V6(target) = ip(target) else { panic!("{target}") };
    [&[kind, 0, 0, 0, flags, 0, 0, 0][..], &target.octets(), option].concat()
}

fn lladdr(kind: u8, n: u8) -> Vec<u8> {
    [&[kind, 1][..], &mac(n)].concat()
}

fn solicitation(hops: u8, option: &[u8]) -> Vec<u8> {
    let message = nd(135, 0, "2001:db8::1", option);
    let group = [0x33, 0x33, 0xff, 0, 0, 1];
    eth(group, mac(9), 0x86dd, &ipv6(NEIGHBOUR, "ff02::1:ff00:1", 58, hops, &message))
}

/// Router, solicited, override.
fn advertisement(flags: u8, n: u8) -> Vec<u8> {
    let message = nd(136, flags, NEIGHBOUR, &lladdr(2, n));
    eth(ROUTER, mac(n), 0x86dd, &ipv6(NEIGHBOUR, "fe80::1", 58, 255, &message))
}

fn packet() -> Vec<u8> {
    eth(ROUTER, mac(2), 0x86dd, &ipv6("2001:db8::2", NEIGHBOUR, 17, 64, &[0; 20]))
}

#[test]
fn a_solicitation_is_answered_to_the_station_it_names() {
    let mut bench = Bench::new();
    bench.receive(&solicitation(255, &lladdr(1, 9)), PuntReason::LinkMulticast);
    assert_eq!(
        bench.told(),
        ["to station 9: 2001:db8::1 > 2001:db8::9 ttl 255: advertises 2001:db8::1 RSO option 2", "deliver"]
    );
    assert_eq!(bench.host.neighbours().next().unwrap().state.name(), "stale");
    // The first packet for it puts it to use at once.
    bench.receive(&packet(), PuntReason::NeighbourMiss);
    assert_eq!(bench.told(), ["2001:db8::9 is at station 9", "release"]);
}

#[test]
fn a_packet_waits_for_the_advertisement() {
    let mut bench = Bench::new();
    bench.receive(&packet(), PuntReason::NeighbourMiss);
    assert_eq!(
        bench.told(),
        ["to group ff000009: fe80::1 > ff02::1:ff00:9 ttl 255: solicits 2001:db8::9 option 1"]
    );
    bench.receive(&advertisement(0x60, 9), PuntReason::Local);
    assert_eq!(bench.told(), ["2001:db8::9 is at station 9", "release", "deliver"]);
    assert_eq!(bench.host.neighbours().next().unwrap().state.name(), "reachable");
}

#[test]
fn an_advertisement_without_override_casts_doubt_and_with_it_replaces() {
    let mut bench = Bench::new();
    bench.receive(&packet(), PuntReason::NeighbourMiss);
    bench.receive(&advertisement(0x60, 9), PuntReason::Local);
    bench.told();
    bench.receive(&advertisement(0x00, 0x19), PuntReason::Local);
    assert_eq!(bench.told(), ["deliver"]);
    let doubted = bench.host.neighbours().next().unwrap();
    assert_eq!((doubted.mac, doubted.state.name()), (Some(mac(9)), "delay"));
    bench.receive(&advertisement(0x20, 0x19), PuntReason::Local);
    assert_eq!(bench.told(), ["2001:db8::9 is at station 19", "deliver"]);
    bench.run(secs(5));
    assert_eq!(bench.told(), ["to station 19: fe80::1 > 2001:db8::9 ttl 255: solicits 2001:db8::9 option 1"]);
}

#[test]
fn what_fails_its_checks_is_dropped() {
    let mut wrong_sum = solicitation(255, &lladdr(1, 9));
    wrong_sum[54 + 2] ^= 1;
    let unspecified = |to: &str, option: &[u8]| {
        eth(ALL, mac(9), 0x86dd, &ipv6("::", to, 58, 255, &nd(135, 0, "2001:db8::1", option)))
    };
    for (case, frame) in [
        ("routed on the way", solicitation(254, &lladdr(1, 9))),
        ("a wrong checksum", wrong_sum),
        ("an option of length 0", solicitation(255, &[1, 0, 0, 0, 0, 0, 0, 0])),
        ("an option cut short", solicitation(255, &[1, 2, 0, 0, 0, 0, 0, 0])),
        ("a group station", solicitation(255, &[1, 1, 1, 0, 0, 0, 0, 9])),
        ("a probe to one host", unspecified("2001:db8::1", &[])),
        ("a probe that names a station", unspecified("ff02::1:ff00:1", &lladdr(1, 9))),
    ] {
        let mut bench = Bench::new();
        bench.receive(&frame, PuntReason::Local);
        assert_eq!(bench.told(), ["drop nd-invalid"], "{case}");
    }
}

#[test]
fn a_probe_for_the_routers_address_is_answered_to_all_nodes() {
    let mut bench = Bench::new();
    let message = nd(135, 0, "2001:db8::1", &[]);
    let frame =
        eth([0x33, 0x33, 0xff, 0, 0, 1], mac(9), 0x86dd, &ipv6("::", "ff02::1:ff00:1", 58, 255, &message));
    bench.receive(&frame, PuntReason::LinkMulticast);
    assert_eq!(
        bench.told(),
        ["to group 00000001: 2001:db8::1 > ff02::1 ttl 255: advertises 2001:db8::1 RO option 2", "deliver"]
    );
}

#[test]
fn router_advertisements_solicitations_and_redirects_change_nothing() {
    let mut bench = Bench::new();
    for (kind, len) in [(133, 8), (134, 16), (137, 40)] {
        let mut message = vec![0; len];
        message[0] = kind;
        let datagram = ipv6("fe80::9", "ff02::1", 58, 255, &message);
        bench.receive(&eth([0x33, 0x33, 0, 0, 0, 1], mac(9), 0x86dd, &datagram), PuntReason::LinkMulticast);
    }
    assert_eq!(bench.told(), ["deliver"; 3]);
    let counters = bench.host.counters();
    assert_eq!(
        (counters.router_solicitations, counters.router_advertisements, counters.redirects),
        (1, 1, 1)
    );
    assert_eq!(bench.host.neighbours().count(), 0);
}
