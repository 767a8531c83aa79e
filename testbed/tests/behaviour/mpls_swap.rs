//! Swap: the top label becomes another, and nothing below it is touched (RFC 3031
//! section 3.10, RFC 3032 section 2.4).

use dataplane::packet::DropReason;
use testbed::packet::*;

use super::labels::{IN, OUT, entry, expect_bytes, far, lsr, via};
use super::{FAMILIES, V4, V6};

#[test]
fn the_label_is_replaced_one_hop_less_and_the_class_kept() {
    // The neighbour's family is not that of the packet below.
    for by in FAMILIES {
        let mut lab = lsr(&via(IN, &format!("swap = {OUT}"), &by));
        for f in FAMILIES {
            let inner = || far(&f).dscp(EF).ecn(1).ttl(9) / udp(5004) / rtp();
            lab.send("ge0", mpls(IN).tc(5).ttl(64) / inner());
            expect_bytes(&mut lab, "ge1", mpls(OUT).tc(5).bos().ttl(63) / inner());
        }
        lab.expect_nothing_else();
        lab.expect_no_drops();
    }
}

#[test]
fn what_is_below_passes_untouched_however_deep() {
    let mut lab = lsr(&via(IN, &format!("swap = {OUT}"), &V4));
    for depth in [1, 2, 7, 16, 63, 200] {
        let below = || {
            (0..depth)
                .fold(Packet::default(), |stack, n| stack / mpls(1000 + n).tc((n % 8) as u8).ttl(n as u8))
                / V6.ab().ttl(1)
                / udp(1)
                / payload(60)
        };
        lab.send("ge0", mpls(IN).tc(3).ttl(200) / below());
        expect_bytes(&mut lab, "ge1", mpls(OUT).tc(3).ttl(199) / below());
    }
    lab.expect_no_drops();
}

#[test]
fn what_is_no_ip_packet_passes_too() {
    let mut lab = lsr(&via(IN, &format!("swap = {OUT}"), &V4));
    for first in [0u8, 0x10, 0x40, 0x45, 0x60, 0xff] {
        let mut below = vec![first; 60];
        below[7] = 0xaa;
        lab.send("ge0", mpls(IN).tc(1).ttl(2).bos() / bytes(&below));
        expect_bytes(&mut lab, "ge1", mpls(OUT).tc(1).ttl(1).bos() / bytes(&below));
    }
    lab.expect_no_drops();
}

#[test]
fn the_least_and_the_greatest_label_can_be_used_both_ways() {
    let more = [via(16, "swap = 1048575", &V4), via(1_048_575, "swap = 16", &V4)].concat();
    let more = format!("{more}[labels]\ndynamic = \"100000-200000\"\n");
    let mut lab = lsr(&more);
    for (label, swapped) in [(16, 1_048_575), (1_048_575, 16)] {
        lab.send("ge0", mpls(label) / V4.ab() / udp(1) / payload(60));
        expect_bytes(&mut lab, "ge1", mpls(swapped).ttl(63) / V4.ab() / udp(1) / payload(60));
    }
}

#[test]
fn a_label_nobody_knows_goes_nowhere() {
    let mut lab = lsr(&via(IN, &format!("swap = {OUT}"), &V4));
    for label in [16, IN - 1, IN + 1, OUT, 1_048_575] {
        lab.send("ge0", mpls(label) / V4.ab() / udp(1) / payload(60));
        lab.expect_drop(DropReason::MplsNoLabel);
    }
    lab.expect_nothing_else();
}

#[test]
fn labels_pushed_on_the_swapped_one_take_its_class_and_its_hops() {
    // A tunnel for the LSP: fast reroute, or an LSP hierarchy (RFC 3031 section 3.27).
    let mut lab = lsr(&via(IN, &format!("swap = {OUT}\npush = [500, 501]"), &V4));
    let below = || mpls(99).tc(1).ttl(7) / V4.ab() / udp(1) / payload(60);
    lab.send("ge0", mpls(IN).tc(4).ttl(64) / below());
    let pushed = mpls(500).tc(4).ttl(63) / mpls(501).tc(4).ttl(63);
    expect_bytes(&mut lab, "ge1", pushed / mpls(OUT).tc(4).ttl(63) / below());
    lab.expect_no_drops();
}

#[test]
fn a_frame_can_go_back_where_it_came_from_and_over_vlans() {
    let more = entry(IN, &format!("swap = {OUT}\nvia = \"10.1.0.1\""))
        + &format!(
            r#"
            [[interface]]
            name = "ge1.7"
            port = "ge1"
            vlan = 7
            mpls = true
            addresses = ["10.7.0.254/24"]
            {}
        "#,
            entry(700, "swap = 701\nvia = \"10.7.0.1\"")
        );
    let mut lab = lsr(&more);
    lab.host("ge1.7", "10.7.0.1");
    lab.forget();
    lab.send("ge0", mpls(IN) / V4.ab() / udp(1) / payload(60));
    expect_bytes(&mut lab, "ge0", mpls(OUT).ttl(63) / V4.ab() / udp(1) / payload(60));
    lab.send("ge0", mpls(700).tc(2) / V4.ab() / udp(1) / payload(60));
    lab.expect("ge1.7", mpls(701).tc(2).bos().ttl(63) / V4.ab() / udp(1) / payload(60));
    // And in by the VLAN: the tag goes, the label is looked up.
    lab.send("ge1.7", mpls(IN).tc(6) / V4.ab() / udp(2) / payload(60));
    lab.expect("ge0", mpls(OUT).tc(6).bos().ttl(63) / V4.ab() / udp(2) / payload(60));
    lab.expect_no_drops();
}

#[test]
fn a_next_hop_unknown_so_far_is_asked_for_and_the_frame_waits() {
    let mut lab = lsr(&entry(IN, &format!("swap = {OUT}\nvia = \"10.2.0.77\"")));
    lab.send("ge0", mpls(IN).tc(5) / V4.ab() / udp(1) / payload(60));
    lab.expect("ge1", arp().request("10.2.0.77", "10.2.0.254"));
    let answer = eth().src("02:00:00:00:00:77")
        / arp().reply("10.2.0.77", "10.2.0.254").sender_mac("02:00:00:00:00:77");
    lab.send("ge1", answer);
    let got = expect_bytes(&mut lab, "ge1", mpls(OUT).tc(5).ttl(63) / V4.ab() / udp(1) / payload(60));
    assert_eq!(got.layer(Kind::Eth).unwrap().mac("dst"), Some(mac("02:00:00:00:00:77")));
    lab.expect_no_drops();
}
