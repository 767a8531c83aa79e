//! IPv4 options (RFC 791 section 3.1, RFC 1812 section 5.2.4, RFC 7126).

use dataplane::packet::DropReason;
use testbed::packet::*;

use super::{TWO, V4, lab};

#[test]
fn router_alert_and_unknown_options_pass_untouched() {
    let mut lab = lab(TWO);
    for options in [&[148u8, 4, 0, 0][..], &[1, 1, 1, 0], &[30, 4, 9, 9], &[158, 6, 1, 2, 3, 4, 0, 0]] {
        lab.send("ge0", V4.ab().options(options) / udp(1) / payload(30));
        lab.expect("ge1", V4.ab().options(options).ttl(63) / udp(1) / payload(30));
    }
    lab.expect_no_drops();
}

#[test]
fn record_route_gets_the_address_the_packet_leaves_by() {
    let mut lab = lab(TWO);
    lab.send("ge0", V4.ab().options(&[7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]) / udp(1));
    lab.expect("ge1", V4.ab().ttl(63).options(&[7, 11, 8, 10, 2, 0, 254, 0, 0, 0, 0, 0]) / udp(1));
    let full = [7, 7, 8, 10, 9, 9, 9, 0];
    lab.send("ge0", V4.ab().options(&full) / udp(1));
    lab.expect("ge1", V4.ab().ttl(63).options(&full) / udp(1));
    lab.expect_no_drops();
}

#[test]
fn timestamps_pass_with_room_and_count_what_did_not_fit() {
    let mut lab = lab(TWO);
    // Flag 0, timestamps only: 4 bytes of header and one slot.
    lab.send("ge0", V4.ab().options(&[68, 8, 5, 0, 0, 0, 0, 0]) / udp(1));
    let got = lab.next_seen("ge1", testbed::lab::secs(1)).map(|seen| Packet::decode(&seen.bytes)).unwrap();
    let options = got.layer(Kind::Ipv4).unwrap().bytes("options").to_vec();
    assert_eq!((options[0], options[1], options[2]), (68, 8, 9), "the pointer moves on");
    // Full: the overflow counter, upper half of the fourth byte, counts up.
    lab.send("ge0", V4.ab().options(&[68, 8, 9, 0x10, 1, 2, 3, 4]) / udp(1));
    lab.expect("ge1", V4.ab().ttl(63).options(&[68, 8, 9, 0x20, 1, 2, 3, 4]) / udp(1));
    lab.expect_no_drops();
}

#[test]
fn source_routes_are_dropped() {
    let mut lab = lab(TWO);
    for kind in [131, 137] {
        lab.send("ge0", V4.ab().options(&[kind, 7, 4, 10, 2, 0, 9, 0]) / udp(1));
        lab.expect_drop(DropReason::SourceRoute);
    }
    lab.expect_nothing_else();
}

#[test]
fn a_malformed_option_is_answered_with_where_it_is_wrong() {
    let mut lab = lab(TWO);
    // An option of length 0, one of length 1, one that runs over the header's end.
    for (options, at) in [([30, 0, 0, 0], 21), ([30, 1, 0, 0], 21), ([1, 30, 9, 0], 22)] {
        let bad = || V4.ab().options(&options) / udp(1);
        lab.send("ge0", bad());
        lab.expect("ge0", ip(V4.ra, V4.a) / icmp(12, 0).pointer(at).quoting(bad()));
        lab.expect_drop(DropReason::Ipv4Options);
    }
    lab.expect_nothing_else();
}
