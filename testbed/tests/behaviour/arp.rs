//! ARP (RFC 826, RFC 1812 section 3.3.2, RFC 5227).

use dataplane::packet::DropReason;
use testbed::lab::{Lab, secs};
use testbed::packet::*;

use super::{TWO, V4, lab, lab_v4, two_v4};

#[test]
fn a_question_for_an_own_address_is_answered() {
    let mut lab = lab(TWO);
    let question = arp().request(V4.ra, V4.a).sender_mac("02:00:5e:00:00:01");
    lab.send("ge0", eth().broadcast().src("02:00:5e:00:00:01") / question);
    // The neighbour takes the answer, so a stranger asks as well.
    let question = arp().request(V4.ra, "10.1.0.66").sender_mac("02:00:00:00:00:66");
    lab.send("ge0", eth().broadcast().src("02:00:00:00:00:66") / question);
    let answer = arp().reply(V4.ra, "10.1.0.66").target_mac("02:00:00:00:00:66");
    let got = lab.expect("ge0", eth().dst("02:00:00:00:00:66") / answer);
    let mac = lab.snapshot().interface_named("ge0").unwrap().mac;
    assert_eq!(got.layer(Kind::Arp).unwrap().mac("sha"), Some(mac));
    assert_eq!(got.layer(Kind::Eth).unwrap().mac("src"), Some(mac));
    lab.expect_nothing_else();
}

#[test]
fn a_question_for_anybody_else_is_not() {
    let mut lab = lab(TWO);
    for target in ["10.1.0.77", V4.rb, V4.b, V4.nowhere] {
        let question = arp().request(target, "10.1.0.66").sender_mac("02:00:00:00:00:66");
        lab.send("ge0", eth().broadcast().src("02:00:00:00:00:66") / question);
    }
    lab.expect_nothing_else();
}

#[test]
fn malformed_messages_are_dropped_by_name() {
    let mut lab = lab(TWO);
    let sane = || arp().request(V4.ra, "10.1.0.66").sender_mac("02:00:00:00:00:66");
    let frame = || eth().broadcast().src("02:00:00:00:00:66");
    for message in [
        sane().hardware(6),
        sane().op(9),
        sane().sender_mac("ff:ff:ff:ff:ff:ff"),
        arp().request(V4.ra, "127.0.0.1").sender_mac("02:00:00:00:00:66"),
    ] {
        lab.send("ge0", frame() / message);
        lab.run(testbed::lab::ms(2));
        assert_eq!(lab.drops(), [(DropReason::ArpInvalid, 1)]);
        lab.forget();
    }
    lab.send("ge0", frame().ether_type(0x0806) / payload(27));
    lab.run(testbed::lab::ms(2));
    assert!(lab.take("ge0").is_empty());
}

/// [`two_v4`] with a neighbour on ge0 alone.
fn half_known(more: &str) -> Lab {
    let mut lab = Lab::new(&format!("{}{more}", two_v4(1500)));
    lab.host("ge0", V4.a);
    lab.forget();
    lab
}

#[test]
fn packets_wait_for_an_unknown_neighbour_and_leave_in_order() {
    let mut lab = half_known("");
    for n in 0..10 {
        lab.send("ge0", V4.ab() / udp(n));
    }
    lab.expect("ge1", eth().broadcast() / arp().request(V4.b, V4.rb).target_mac("00:00:00:00:00:00"));
    let answer = arp().reply(V4.b, V4.rb).sender_mac("02:00:00:00:00:09");
    lab.send("ge1", eth().src("02:00:00:00:00:09") / answer);
    for n in 0..10 {
        lab.expect("ge1", eth().dst("02:00:00:00:00:09") / V4.ab().ttl(63) / udp(n));
    }
    lab.expect_nothing_else();
    lab.expect_no_drops();
}

#[test]
fn more_than_may_wait_are_dropped_by_name() {
    let mut lab = half_known("[limits]\nheld-packets-per-neighbour = 4");
    for n in 0..10 {
        lab.send("ge0", V4.ab() / udp(n));
    }
    lab.expect("ge1", arp().request(V4.b, V4.rb));
    lab.expect_drops(&[(DropReason::HoldQueueFull, 6)]);
}

#[test]
fn a_neighbour_that_does_not_answer_is_asked_three_times_and_then_unreachable() {
    let mut lab = half_known("");
    let lost = || V4.ab() / udp(1) / payload(20);
    lab.send("ge0", lost());
    for _ in 0..3 {
        lab.expect("ge1", arp().request(V4.b, V4.rb));
    }
    lab.expect("ge0", ip(V4.ra, V4.a) / icmp(3, 1).quoting(lost()));
    lab.expect_drop(DropReason::NeighbourUnresolved);
    lab.expect_nothing_else();
}

#[test]
fn resolutions_are_rate_limited() {
    let mut lab = half_known("[limits]\nresolutions-per-second = 20");
    lab.run(secs(2));
    for n in 1..=200 {
        lab.send("ge0", ip(V4.a, &format!("10.2.0.{n}")) / udp(1));
    }
    lab.run(testbed::lab::ms(10));
    let asked = lab.take("ge1").len();
    assert!((1..=25).contains(&asked), "{asked} asked for");
    assert!(lab.drops().iter().any(|(why, n)| *why == DropReason::NeighbourRateLimited && *n >= 100));
}

#[test]
fn a_neighbour_in_use_is_probed_and_one_that_is_gone_is_forgotten() {
    let mut lab = lab_v4(&two_v4(1500));
    lab.offer("ge0", V4.ab() / udp(1), secs(1));
    lab.run(secs(120));
    assert_eq!(lab.take("ge1").len(), 120, "probing loses nothing");
    lab.remove_host(V4.b);
    lab.run(secs(120));
    let last =
        lab.take("ge1").into_iter().rev().find(|seen| seen.bytes[12..14] == [8, 0]).expect("some left");
    assert!(lab.now().since(last.at) > 40_000_000_000, "traffic to a dead neighbour ends");
}

#[test]
fn a_static_neighbour_is_never_asked_for() {
    let neighbour = r#"
        [[neighbour]]
        interface = "ge1"
        address = "10.2.0.9"
        mac = "02:00:00:00:00:09"
    "#;
    let mut lab = half_known(neighbour);
    lab.offer("ge0", V4.ab() / udp(1), secs(5));
    lab.run(secs(100));
    for seen in lab.take("ge1") {
        let expected = eth().dst("02:00:00:00:00:09") / V4.ab().ttl(63) / udp(1);
        assert_eq!(diff(&expected, &seen.bytes), None);
    }
}

#[test]
fn a_changed_station_is_followed() {
    let mut lab = half_known("");
    for mac in ["02:00:00:00:00:09", "02:00:00:00:00:0a"] {
        let hello = arp().request(V4.rb, V4.b).sender_mac(mac);
        lab.send("ge1", eth().broadcast().src(mac) / hello);
        lab.expect("ge1", arp().reply(V4.rb, V4.b));
        lab.send("ge0", V4.ab() / udp(1));
        lab.expect("ge1", eth().dst(mac) / V4.ab().ttl(63) / udp(1));
    }
}
