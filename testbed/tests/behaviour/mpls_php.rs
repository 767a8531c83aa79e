//! The penultimate hop takes the outer label off (RFC 3031 section 3.16).

use dataplane::packet::DropReason;
use testbed::packet::*;

use super::labels::{IN, expect_bytes, far, lsr, two_mpls, via};
use super::{FAMILIES, V4};

#[test]
fn the_last_label_goes_and_the_ip_packet_goes_on_without_a_route() {
    for by in FAMILIES {
        let mut lab = lsr(&via(IN, "pop = true", &by));
        for f in FAMILIES {
            // No route leads there: the label has said which way.
            let inner = |ttl| ip(f.a, f.nowhere).dscp(EF).ttl(ttl) / udp(5004) / rtp();
            lab.send("ge0", mpls(IN).tc(5).ttl(64) / inner(64));
            expect_bytes(&mut lab, "ge1", inner(63));
        }
        lab.expect_nothing_else();
        lab.expect_no_drops();
    }
}

#[test]
fn the_vpn_label_below_comes_to_the_front() {
    let mut lab = lsr(&via(IN, "pop = true", &V4));
    for f in FAMILIES {
        let inner = || far(&f).dscp(AF41).ttl(9) / udp(1) / payload(60);
        lab.send("ge0", mpls(IN).tc(4).ttl(64) / mpls(20_000).tc(2).ttl(64) / inner());
        // The pipe model for marks, the default: the label below keeps its own (RFC 3270 section 2.6.2).
        expect_bytes(&mut lab, "ge1", mpls(20_000).tc(2).ttl(63) / inner());
        lab.send("ge0", mpls(IN).ttl(64) / mpls(500).ttl(64) / mpls(20_000).tc(1).ttl(8) / inner());
        expect_bytes(&mut lab, "ge1", mpls(500).ttl(63) / mpls(20_000).tc(1).ttl(8) / inner());
    }
    lab.expect_no_drops();
}

#[test]
fn what_is_below_is_not_read_when_a_label_is_left() {
    let mut lab = lsr(&via(IN, "pop = true", &V4));
    for byte in [0u8, 0x11, 0x45, 0xff] {
        lab.send("ge0", mpls(IN).ttl(64) / mpls(20_000).ttl(64).bos() / bytes([byte; 60]));
        expect_bytes(&mut lab, "ge1", mpls(20_000).ttl(63).bos() / bytes([byte; 60]));
    }
    // Without a label, what goes on must be IP: its EtherType has to be known.
    lab.send("ge0", mpls(IN).bos() / bytes([0x11; 60]));
    lab.expect_drop(DropReason::MplsPayload);
    lab.expect_nothing_else();
}

#[test]
fn an_interface_without_mpls_takes_the_packet_only_without_labels() {
    let text = two_mpls("", "", &via(IN, "pop = true", &V4)).replacen("mpls = true", "mpls = @", 1);
    let text = text.replace("mpls = true", "mpls = false").replace("mpls = @", "mpls = true");
    let mut lab = super::lab(&text);
    lab.send("ge0", mpls(IN) / far(&V4) / udp(1) / payload(60));
    expect_bytes(&mut lab, "ge1", far(&V4).ttl(63) / udp(1) / payload(60));
    lab.send("ge0", mpls(IN) / mpls(20_000) / far(&V4) / udp(1) / payload(60));
    lab.expect_drop(DropReason::MplsDisabled);
    lab.expect_nothing_else();
}

#[test]
fn a_swap_to_implicit_null_is_a_pop() {
    let mut lab = lsr(&via(IN, "swap = 3", &V4));
    lab.send("ge0", mpls(IN).ttl(64) / mpls(20_000).tc(5).ttl(64) / far(&V4) / udp(1) / payload(60));
    expect_bytes(&mut lab, "ge1", mpls(20_000).tc(5).ttl(63) / far(&V4) / udp(1) / payload(60));
}
