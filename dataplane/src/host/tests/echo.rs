//! Pings for the router.

use super::*;

fn ping4(to: [u8; 6], source: &str, destination: &str) -> Vec<u8> {
    let message = icmp4(8, 0, [0, 7, 0, 1], b"abcd");
    eth(to, mac(9), 0x0800, &ipv4(source, destination, 1, &message))
}

fn ping6(to: [u8; 6], source: &str, destination: &str) -> Vec<u8> {
    let message = [&[128, 0, 0, 0, 0, 7, 0, 1][..], b"abcd"].concat();
    eth(to, mac(9), 0x86dd, &ipv6(source, destination, 58, 64, &message))
}

#[test]
fn the_answer_keeps_identifier_data_and_dscp() {
    let mut bench = Bench::new();
    bench.receive(&ping4(ROUTER, "203.0.113.9", "192.0.2.1"), PuntReason::Local);
    bench.receive(&ping6(ROUTER, "2001:db8:7::9", "2001:db8::1"), PuntReason::Local);
    assert_eq!(
        bench.told(),
        [
            "route 192.0.2.1 > 203.0.113.9 ttl 64: icmp 0/0 70001 dscp 46 + 4",
            "deliver",
            "route 2001:db8::1 > 2001:db8:7::9 ttl 64: icmp 129/0 70001 dscp 46 + 4",
            "deliver"
        ]
    );
}

#[test]
fn an_address_of_another_interface_answers_too() {
    let mut bench = Bench::new();
    bench.receive(&ping4(ROUTER, "192.0.2.9", "198.51.100.1"), PuntReason::Local);
    assert_eq!(
        bench.told(),
        ["route 198.51.100.1 > 192.0.2.9 ttl 64: icmp 0/0 70001 dscp 46 + 4", "deliver"]
    );
}

#[test]
fn a_link_local_ping_is_answered_on_its_link() {
    let mut bench = Bench::new();
    bench.receive(&ping6(ROUTER, "fe80::9", "fe80::1"), PuntReason::Local);
    assert_eq!(
        bench.told(),
        ["to group ff000009: fe80::1 > ff02::1:ff00:9 ttl 255: solicits fe80::9 option 1", "deliver"]
    );
    let message = nd::nd(136, 0x60, "fe80::9", &[2, 1, 2, 0, 0, 0, 0, 9]);
    let answer = eth(ROUTER, mac(9), 0x86dd, &ipv6("fe80::9", "fe80::1", 58, 255, &message));
    bench.receive(&answer, PuntReason::Local);
    assert_eq!(
        bench.told(),
        [
            "fe80::9 is at station 9",
            "to station 9: fe80::1 > fe80::9 ttl 64: icmp 129/0 70001 dscp 46 + 4",
            "deliver"
        ]
    );
}

#[test]
fn groups_are_answered_in_ipv6_only() {
    let mut bench = Bench::new();
    bench.receive(&ping6([0x33, 0x33, 0, 0, 0, 1], "2001:db8::9", "ff02::1"), PuntReason::LinkMulticast);
    assert_eq!(bench.told()[0], "route 2001:db8::1 > 2001:db8::9 ttl 64: icmp 129/0 70001 dscp 46 + 4");
    for to in ["192.0.2.255", "224.0.0.1", "192.0.2.1"] {
        bench.receive(&ping4(ALL, "192.0.2.9", to), PuntReason::LinkMulticast);
        assert_eq!(bench.told(), ["drop local-unknown"]);
    }
}

#[test]
fn a_wrong_checksum_is_not_answered() {
    let mut bench = Bench::new();
    let mut frame = ping4(ROUTER, "192.0.2.9", "192.0.2.1");
    frame[14 + 20 + 9] ^= 1;
    bench.receive(&frame, PuntReason::Local);
    assert_eq!(bench.told(), ["drop local-malformed"]);
}

#[test]
fn answers_are_rate_limited_and_an_empty_pool_is_silent() {
    let mut bench = Bench::with(|limits| {
        (limits.dad_probes, limits.announcements, limits.echo_replies_per_second) = (0, 0, 20);
    });
    for _ in 0..30 {
        bench.receive(&ping4(ROUTER, "192.0.2.9", "192.0.2.1"), PuntReason::Local);
    }
    assert_eq!((bench.host.counters().echo_replies, bench.host.counters().echo_replies_limited), (10, 20));
    let mut bench = Bench::new();
    for _ in 0..70 {
        bench.receive(&ping4(ROUTER, "192.0.2.9", "192.0.2.1"), PuntReason::Local);
    }
    assert_eq!((bench.host.available(), bench.host.counters().pool_empty), (0, 6));
    bench.told();
    assert_eq!(bench.host.available(), 64);
}
