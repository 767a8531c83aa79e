//! Neighbour discovery (RFC 4861).

use dataplane::packet::DropReason;
use testbed::lab::{Lab, secs};
use testbed::packet::*;

use super::{TWO, V6, lab};

fn stranger() -> Eth {
    eth().src("02:00:00:00:00:66")
}

fn solicited_node(last: &str) -> String {
    format!("ff02::1:ff00:{last}")
}

#[test]
fn a_solicitation_for_an_own_address_is_answered_by_unicast_and_multicast() {
    let mut lab = lab(TWO);
    for (mac, to) in [("33:33:ff:00:00:fe", solicited_node("fe")), ("", V6.ra.into())] {
        let layer2 = if mac.is_empty() { stranger() } else { stranger().dst(mac) };
        let question = neighbour_solicitation(V6.ra).link_address("02:00:00:00:00:66");
        lab.send("ge0", layer2 / ip("2001:db8:1::66", &to).ttl(255) / question);
        let answer = neighbour_advertisement(V6.ra).flags(true, true, true);
        let got =
            lab.expect("ge0", eth().dst("02:00:00:00:00:66") / ip(V6.ra, "2001:db8:1::66").ttl(255) / answer);
        let mac = lab.snapshot().interface_named("ge0").unwrap().mac;
        assert_eq!(got.layer(Kind::Advertisement).unwrap().mac("mac"), Some(mac));
    }
    lab.expect_nothing_else();
}

#[test]
fn messages_that_fail_their_checks_are_dropped() {
    let mut lab = lab(TWO);
    let question = || neighbour_solicitation(V6.ra).link_address("02:00:00:00:00:66");
    let to_router = || ip("2001:db8:1::66", V6.ra).ttl(255);
    for (packet, why) in [
        (to_router().ttl(254) / question(), "hop limit below 255: it crossed a router"),
        (to_router() / question().code(1), "code not 0"),
        (to_router() / question().bad_checksum(), "wrong checksum"),
        (
            to_router() / neighbour_solicitation("ff02::1").link_address("02:00:00:00:00:66"),
            "multicast target",
        ),
        (to_router() / question().options(&[5, 0, 0, 0, 0, 0, 0, 0]), "an option of length 0"),
        (
            ip("::", V6.ra).ttl(255) / neighbour_solicitation(V6.ra),
            "from nobody, not to a solicited-node group",
        ),
    ] {
        lab.send("ge0", stranger() / packet);
        lab.run(testbed::lab::ms(2));
        assert!(lab.take("ge0").is_empty(), "{why} is answered");
        assert_eq!(lab.drops().len(), 1, "{why}: {:?}", lab.drops());
        lab.forget();
    }
}

#[test]
fn packets_wait_for_an_unknown_neighbour_and_leave_in_order() {
    let mut lab = Lab::new(TWO);
    lab.host("ge0", V6.a);
    lab.forget();
    for n in 0..10 {
        lab.send("ge0", V6.ab() / udp(n));
    }
    let got = lab.expect(
        "ge1",
        eth().dst("33:33:ff:00:00:09") / ip_any(&solicited_node("9")) / neighbour_solicitation(V6.b),
    );
    let mac = lab.snapshot().interface_named("ge1").unwrap().mac;
    assert_eq!(got.layer(Kind::Solicitation).unwrap().mac("mac"), Some(mac));
    assert_eq!(got.layer(Kind::Ipv6).unwrap().number("ttl"), Some(255));
    let answer = neighbour_advertisement(V6.b).flags(false, true, true).link_address("02:00:00:00:00:09");
    lab.send("ge1", eth().src("02:00:00:00:00:09") / ip(V6.b, V6.rb).ttl(255) / answer);
    for n in 0..10 {
        lab.expect("ge1", eth().dst("02:00:00:00:00:09") / V6.ab().ttl(63) / udp(n));
    }
    lab.expect_nothing_else();
    lab.expect_no_drops();
}

/// An IPv6 header to `dst` from whoever.
fn ip_any(dst: &str) -> Packet {
    let mut packet: Packet = ip("::", dst).into();
    packet.layer_mut(Kind::Ipv6).unwrap().unset("src");
    packet
}

#[test]
fn a_neighbour_that_does_not_answer_is_asked_three_times_and_then_unreachable() {
    let mut lab = Lab::new(TWO);
    lab.host("ge0", V6.a);
    lab.forget();
    let lost = || V6.ab() / udp(1) / payload(20);
    lab.send("ge0", lost());
    for _ in 0..3 {
        lab.expect("ge1", ip_any(&solicited_node("9")) / neighbour_solicitation(V6.b));
    }
    lab.expect("ge0", ip(V6.ra, V6.a) / icmp6(1, 3).quoting(lost()));
    lab.expect_drop(DropReason::NeighbourUnresolved);
    lab.expect_nothing_else();
}

#[test]
fn a_neighbour_in_use_is_probed_without_loss() {
    let mut lab = lab(TWO);
    lab.offer("ge0", V6.ab() / udp(1), secs(1));
    lab.run(secs(120));
    assert_eq!(lab.take("ge1").len(), 120);
    lab.expect_no_drops();
}

#[test]
fn router_solicitations_and_advertisements_are_not_for_this_router() {
    let mut lab = lab(TWO);
    lab.send("ge0", stranger().dst("33:33:00:00:00:02") / ip("fe80::66", "ff02::2").ttl(255) / icmp6(133, 0));
    lab.send(
        "ge0",
        stranger().dst("33:33:00:00:00:01") / ip("fe80::66", "ff02::1").ttl(255) / icmp6(134, 0) / payload(8),
    );
    lab.expect_nothing_else();
}
