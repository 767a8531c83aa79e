//! IPv6 extension headers: carried, walked, bounded (RFC 8200 section 4, RFC 5095, RFC 7045).

use dataplane::packet::DropReason;
use testbed::packet::*;

use super::{TWO, V6, lab};

#[test]
fn headers_that_are_for_others_pass_untouched() {
    let mut lab = lab(TWO);
    for with in [
        |ip: Ip| ip.hop_by_hop(&[5, 2, 0, 0]),
        |ip: Ip| ip.hop_by_hop(&[]).destination_options(&[0x1e, 2, 7, 7]),
        |ip: Ip| ip.destination_options(&[1, 4, 0, 0, 0, 0, 1, 6, 0, 0, 0, 0, 0, 0]),
        |ip: Ip| ip.routing(4, 0, &["2001:db8::5"]),
        |ip: Ip| ip.routing(2, 1, &["2001:db8::5"]),
        |ip: Ip| ip.fragment(9, 0, false),
        |ip: Ip| {
            ip.hop_by_hop(&[]).routing(4, 0, &["2001:db8::5"]).fragment(9, 0, false).destination_options(&[])
        },
    ] {
        lab.send("ge0", with(V6.ab()) / udp(1) / payload(40));
        lab.expect("ge1", with(V6.ab().ttl(63)) / udp(1) / payload(40));
    }
    lab.expect_no_drops();
}

#[test]
fn fragments_pass_and_are_never_made() {
    let mut lab = lab(TWO);
    let whole = V6.ab() / udp(1) / payload(1500);
    for (from, to, more) in [(0, 1208, true), (1208, 1508, false)] {
        let part = |ip: Ip| ip.fragment(77, from as u16, more).next_header(17) / whole.part(from..to);
        lab.send("ge0", part(V6.ab()));
        lab.expect("ge1", part(V6.ab().ttl(63)));
    }
    lab.expect_no_drops();
}

#[test]
fn routing_header_type_0_is_dropped() {
    let mut lab = lab(TWO);
    lab.send("ge0", V6.ab().routing(0, 1, &["2001:db8:1::1"]) / udp(1));
    lab.expect_drop(DropReason::RoutingHeader);
    lab.expect_nothing_else();
}

#[test]
fn broken_chains_are_dropped() {
    let mut lab = lab(TWO);
    // A header that says it is longer than the packet, and one cut short.
    let mut long = Packet::from(V6.ab().hop_by_hop(&[])) / udp(1);
    long.layer_mut(Kind::HopByHop).unwrap().set("length", Value::Number(40));
    lab.send("ge0", long);
    lab.expect_drop(DropReason::Ipv6Extension);
    lab.send("ge0", V6.ab().protocol(60) / payload(3));
    lab.expect_drop(DropReason::Ipv6Extension);
    // A chain without an end in sight.
    let mut endless = V6.ab();
    for _ in 0..40 {
        endless = endless.destination_options(&[]);
    }
    lab.send("ge0", endless / udp(1));
    lab.expect_drop(DropReason::Ipv6Extension);
    lab.expect_nothing_else();
}

#[test]
fn fragments_that_no_honest_sender_makes_are_dropped() {
    let mut lab = lab(TWO);
    let whole = V6.ab() / tcp(80).syn() / payload(400);
    let fragment = |offset: usize, more, to| {
        V6.ab().fragment(5, offset as u16, more).next_header(6) / whole.part(offset..to)
    };
    for packet in [fragment(0, true, 8), fragment(80, true, 85)] {
        lab.send("ge0", packet);
        lab.expect_drop(DropReason::FragmentInvalid);
    }
    lab.send("ge0", V6.ab().fragment(5, 65528, false).next_header(6) / whole.part(0..100));
    lab.expect_drop(DropReason::FragmentInvalid);
    lab.expect_nothing_else();
}

#[test]
fn an_echo_request_behind_extension_headers_is_answered() {
    let mut lab = lab(TWO);
    lab.send("ge0", ip(V6.a, V6.ra).destination_options(&[]) / icmp6_echo_request(1, 2) / payload(8));
    lab.expect("ge0", ip(V6.ra, V6.a) / icmp6_echo_reply(1, 2) / payload(8));
}
