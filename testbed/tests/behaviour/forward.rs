//! Forwarding (RFC 1812 section 5.2, RFC 8200 section 3).

use dataplane::packet::DropReason;
use proptest::prelude::*;
use testbed::packet::*;

use super::{FAMILIES, TWO, V4, lab, two_with};

#[test]
fn a_datagram_crosses_with_nothing_changed_but_ttl_and_stations() {
    let mut lab = lab(TWO);
    for f in FAMILIES {
        for length in [0, 1, 17, 18, 19, 100, 1400] {
            let header = || f.ab().dscp(EF).ecn(1);
            lab.send("ge0", header().ttl(64) / udp(5004).from(16384) / payload(length));
            let got = lab.expect("ge1", header().ttl(63) / udp(5004).from(16384) / payload(length));
            let eth = got.layer(Kind::Eth).unwrap();
            let snapshot = lab.snapshot();
            assert_eq!(eth.mac("src"), Some(snapshot.interface_named("ge1").unwrap().mac));
            assert_eq!(got.encode().len(), 14 + f.header + 8 + length, "padding is trimmed");
        }
    }
    lab.expect_nothing_else();
    lab.expect_no_drops();
}

#[test]
fn both_directions_and_all_of_a_burst_in_order() {
    let mut lab = lab(TWO);
    for f in FAMILIES {
        for n in 0..300 {
            lab.send("ge0", f.ab() / udp(n) / payload(9));
            lab.send("ge1", ip(f.b, f.a) / tcp(n).syn());
        }
        for n in 0..300 {
            lab.expect("ge1", f.ab().ttl(63) / udp(n) / payload(9));
            lab.expect("ge0", ip(f.b, f.a).ttl(63) / tcp(n).syn());
        }
    }
    lab.expect_nothing_else();
    lab.expect_no_drops();
}

#[test]
fn the_longest_prefix_wins_and_comes_back_when_it_is_gone() {
    let mut lab = lab(TWO);
    for f in FAMILIES {
        let (wide, host) = f.beyond;
        let narrow = if f.v6 { "2001:db8:9:1::/64" } else { "10.9.1.0/24" };
        lab.route_add("default", wide, &[f.a]);
        lab.route_add("default", narrow, &[f.b]);
        lab.send("ge0", ip(f.a, host) / udp(1));
        lab.expect("ge1", ip(f.a, host).ttl(63) / udp(1));
        lab.route_del("default", narrow);
        lab.send("ge1", ip(f.b, host) / udp(2));
        lab.expect("ge0", ip(f.b, host).ttl(63) / udp(2));
    }
    lab.expect_nothing_else();
}

#[test]
fn a_next_hop_may_itself_be_reached_by_a_route() {
    let mut lab = lab(TWO);
    for f in FAMILIES {
        let (far, host) =
            if f.v6 { ("2001:db8:77::/48", "2001:db8:77::7") } else { ("10.77.0.0/16", "10.77.0.7") };
        lab.route_add("default", f.beyond.0, &[f.b]);
        lab.route_add("default", far, &[f.beyond.1]);
        lab.send("ge0", ip(f.a, host) / udp(1));
        lab.expect("ge1", ip(f.a, host).ttl(63) / udp(1));
    }
}

#[test]
fn no_route_is_said_to_the_sender() {
    let mut lab = lab(TWO);
    for f in FAMILIES {
        let lost = || ip(f.a, f.nowhere).ttl(9) / udp(53) / payload(40);
        lab.send("ge0", lost());
        lab.expect("ge0", ip(f.ra, f.a) / f.icmp((3, 0), (1, 0)).quoting(lost()));
        lab.expect_drop(DropReason::NoRoute);
    }
    lab.expect_nothing_else();
}

#[test]
fn static_routes_of_the_configuration_are_used() {
    let routes = r#"
        [[route]]
        prefix = "10.9.0.0/16"
        via = ["10.2.0.9"]
        [[route]]
        prefix = "::/0"
        via = ["2001:db8:2::9"]
    "#;
    let mut lab = lab(&two_with("", routes));
    for f in FAMILIES {
        lab.send("ge0", ip(f.a, f.beyond.1) / udp(1));
        lab.expect("ge1", ip(f.a, f.beyond.1).ttl(63) / udp(1));
    }
}

#[test]
fn frames_for_other_stations_and_of_other_protocols_are_dropped_by_name() {
    let mut lab = lab(TWO);
    let header = || V4.ab() / udp(1);
    lab.send("ge0", eth().dst("02:00:00:00:00:99") / header());
    lab.expect_drop(DropReason::WrongMac);
    lab.send("ge0", eth().src("01:00:5e:00:00:01") / header());
    lab.expect_drop(DropReason::SourceMacInvalid);
    lab.send("ge0", eth().ether_type(0x88cc) / payload(50));
    lab.expect_drop(DropReason::EtherTypeUnknown);
    lab.send_bytes("ge0", 0, &[0; 13]);
    lab.expect_drop(DropReason::Runt);
    lab.send("ge0", eth() / mpls(17) / header());
    lab.expect_drop(DropReason::MplsDisabled);
    lab.expect_nothing_else();
}

#[test]
fn malformed_headers_are_dropped_by_name() {
    let mut lab = lab(TWO);
    let v4 = || ip("10.1.0.1", "10.2.0.9");
    let v6 = || ip("2001:db8:1::1", "2001:db8:2::9");
    for (header, reason) in [
        (v4().bad_checksum(), DropReason::Ipv4Checksum),
        (v4().version(6), DropReason::Ipv4Malformed),
        (v4().header_words(4), DropReason::Ipv4Malformed),
        (v4().header_words(15), DropReason::Ipv4Malformed),
        (v4().total_length(19), DropReason::Ipv4Malformed),
        (v4().total_length(1000), DropReason::Ipv4Malformed),
        (v6().version(4), DropReason::Ipv6Malformed),
        (v6().total_length(1000), DropReason::Ipv6Malformed),
    ] {
        lab.send("ge0", header / udp(1) / payload(30));
        lab.expect_drop(reason);
    }
    lab.expect_nothing_else();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// RFC 1624: the incremental update gives the checksum that a fresh sum would.
    #[test]
    fn the_header_checksum_stays_right_for_every_header(
        headers in prop::collection::vec((any::<u16>(), 2u8..=255), 100),
        dscp in 0u8..64,
    ) {
        let mut lab = lab(TWO);
        let packet = |id: u16, ttl: u8, port: u16| ip(V4.a, V4.b).id(id).dscp(dscp).ttl(ttl) / udp(port) / payload(8);
        // A flow each: only within a flow is there an order.
        for (port, (id, ttl)) in (1..).zip(&headers) {
            lab.send("ge0", packet(*id, *ttl, port));
        }
        for (port, (id, ttl)) in (1..).zip(&headers) {
            lab.expect("ge1", packet(*id, ttl - 1, port));
        }
    }
}
