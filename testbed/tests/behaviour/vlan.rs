//! VLAN tags: one, two, none, priority only (IEEE 802.1Q, IEEE 802.1ad).

use dataplane::packet::DropReason;
use testbed::lab::Lab;
use testbed::packet::*;

use super::{V4, V6};

const TAGGED: &str = r#"
    [[port]]
    name = "ge0"
    kind = "loopback"

    [[port]]
    name = "ge1"
    kind = "loopback"

    [[interface]]
    name = "ge0.100"
    port = "ge0"
    vlan = 100
    addresses = ["10.1.0.254/24", "2001:db8:1::fe/64"]

    [[interface]]
    name = "ge0.s200"
    port = "ge0"
    vlan = 200
    tpid = "802.1ad"
    addresses = ["10.3.0.254/24"]

    [[interface]]
    name = "ge1"
    addresses = ["10.4.0.254/24"]

    [[interface]]
    name = "ge1.300.7"
    port = "ge1"
    vlan = [300, 7]
    tpid = "802.1ad"
    addresses = ["10.2.0.254/24", "2001:db8:2::fe/64"]
"#;

fn lab() -> Lab {
    let mut lab = Lab::new(TAGGED);
    for f in super::FAMILIES {
        lab.host("ge0.100", f.a);
        lab.host("ge1.300.7", f.b);
    }
    lab.host("ge0.s200", "10.3.0.1");
    lab.host("ge1", "10.4.0.1");
    lab.forget();
    lab
}

#[test]
fn tags_are_taken_off_and_put_on() {
    let mut lab = lab();
    for f in [V4, V6] {
        lab.send("ge0", eth() / vlan(100).pcp(5) / f.ab() / udp(1));
        lab.expect("ge1", eth() / vlan(300).tpid(0x88a8) / vlan(7) / f.ab().ttl(63) / udp(1));
        lab.send("ge1.300.7", ip(f.b, f.a) / udp(2));
        lab.expect("ge0.100", eth() / vlan(100) / ip(f.b, f.a).ttl(63) / udp(2));
    }
    lab.send("ge0", eth() / vlan(200).tpid(0x88a8) / ip("10.3.0.1", "10.4.0.1") / udp(3));
    lab.expect("ge1", eth() / ip("10.3.0.1", "10.4.0.1").ttl(63) / udp(3));
    lab.expect_nothing_else();
    lab.expect_no_drops();
}

#[test]
fn a_tag_that_no_interface_has_is_dropped() {
    let mut lab = lab();
    for tags in [
        vlan(101).into(),
        vlan(100).tpid(0x88a8).into(),
        vlan(200).into(),
        vlan(100) / vlan(7),
        vlan(300).tpid(0x88a8) / vlan(8),
        vlan(300).tpid(0x88a8) / vlan(7).tpid(0x88a8),
        vlan(4095).into(),
        Packet::default(),
    ] {
        lab.send("ge0", eth().dst("ff:ff:ff:ff:ff:ff") / tags / ip("10.1.0.1", "10.2.0.9") / udp(1));
        lab.expect_drop(DropReason::VlanUnknown);
    }
    lab.expect_nothing_else();
}

#[test]
fn vid_zero_is_no_vlan() {
    let mut lab = lab();
    lab.send("ge1", eth() / vlan(0).pcp(5) / ip("10.4.0.1", "10.3.0.1") / udp(1));
    lab.expect("ge0", eth() / vlan(200).tpid(0x88a8) / ip("10.4.0.1", "10.3.0.1").ttl(63) / udp(1));
    lab.expect_no_drops();
}

#[test]
fn tags_cut_short_and_runts_are_dropped() {
    let mut lab = lab();
    let whole = lab.filled_in("ge0.100", (ip("10.1.0.1", "10.2.0.9") / udp(1)).clone()).encode();
    for length in 0..14 {
        lab.send_bytes("ge0", 0, &whole[..length]);
        lab.expect_drop(DropReason::Runt);
    }
    for length in 14..18 {
        lab.send_bytes("ge0", 0, &whole[..length]);
        lab.expect_drop(DropReason::VlanTruncated);
    }
    for length in 18..38 {
        lab.send_bytes("ge0", 0, &whole[..length]);
        lab.expect_drop(DropReason::Ipv4Malformed);
    }
    lab.expect_nothing_else();
}

#[test]
fn neighbours_are_asked_for_within_their_vlan() {
    let mut lab = Lab::new(TAGGED);
    lab.host("ge0.100", V4.a);
    lab.forget();
    lab.send("ge0.100", ip(V4.a, "10.2.0.77") / udp(1));
    let question = arp().request("10.2.0.77", "10.2.0.254");
    lab.expect("ge1", eth().broadcast() / vlan(300).tpid(0x88a8) / vlan(7) / question);
}
