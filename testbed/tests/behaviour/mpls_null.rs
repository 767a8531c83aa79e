//! Explicit null, version 4 and 6, at the bottom of the stack and not (RFC 3032
//! section 2.1, RFC 4182); implicit null never in a packet.

use dataplane::packet::DropReason;
use testbed::packet::*;

use super::labels::{IN, OUT, beyond, both, expect_bytes, far, lsr, via};
use super::{FAMILIES, Family, V4, V6};

/// The family's explicit null.
fn null(f: &Family) -> u32 {
    if f.v6 { 2 } else { 0 }
}

#[test]
fn at_the_bottom_the_packet_is_looked_up() {
    let mut lab = lsr("");
    for f in FAMILIES {
        let inner = |ttl| f.ab().dscp(EF).ttl(ttl) / udp(5004) / rtp();
        lab.send("ge0", mpls(null(&f)).tc(5).ttl(64) / inner(64));
        expect_bytes(&mut lab, "ge1", inner(63));
        let (request, reply) = f.echo(1);
        lab.send("ge0", mpls(null(&f)) / ip(f.a, f.ra) / request / payload(60));
        lab.expect("ge0", ip(f.ra, f.a) / reply / payload(60));
    }
    lab.expect_nothing_else();
    lab.expect_no_drops();
}

#[test]
fn the_family_must_be_the_one_it_says() {
    let mut lab = lsr("");
    for (label, f) in [(0, V6), (2, V4)] {
        lab.send("ge0", mpls(label) / f.ab() / udp(1) / payload(60));
        lab.expect_drop(DropReason::MplsPayload);
    }
    lab.expect_nothing_else();
}

#[test]
fn above_other_labels_it_is_taken_off_and_the_next_one_counts() {
    let mut lab = lsr(&via(IN, &format!("swap = {OUT}"), &V4));
    for f in FAMILIES {
        for top in [0, 2] {
            let inner = || far(&f).ttl(9) / udp(1) / payload(60);
            lab.send("ge0", mpls(top).tc(5).ttl(64) / mpls(IN).tc(5).ttl(64) / inner());
            expect_bytes(&mut lab, "ge1", mpls(OUT).tc(5).ttl(63) / inner());
        }
        let inner = |ttl| f.ab().ttl(ttl) / udp(1) / payload(60);
        lab.send("ge0", mpls(0).ttl(64) / mpls(2).ttl(64) / mpls(null(&f)).ttl(64) / inner(64));
        expect_bytes(&mut lab, "ge1", inner(63));
    }
    lab.expect_nothing_else();
    lab.expect_no_drops();
}

#[test]
fn it_is_put_on_by_push_and_by_swap_with_the_class() {
    // The egress asks for it so that the class arrives (RFC 3270 section 2.6.2.1).
    let more = both(|f| beyond(f, &format!("push = [{}]", null(f)))) + &via(IN, "swap = 0", &V4);
    let mut lab = lsr(&more);
    for f in FAMILIES {
        lab.send("ge0", far(&f).dscp(EF).ttl(64) / udp(1) / payload(60));
        let inner = far(&f).dscp(EF).ttl(63) / udp(1) / payload(60);
        expect_bytes(&mut lab, "ge1", mpls(null(&f)).tc(5).ttl(63) / inner);
    }
    lab.send("ge0", mpls(IN).tc(6).ttl(64) / far(&V4) / udp(1) / payload(60));
    expect_bytes(&mut lab, "ge1", mpls(0).tc(6).ttl(63) / far(&V4) / udp(1) / payload(60));
    lab.expect_no_drops();
}

#[test]
fn the_vrf_is_that_of_the_interface_it_came_by() {
    let more = r#"
        [[vrf]]
        name = "red"
        [[port]]
        name = "ge2"
        kind = "loopback"
        [[interface]]
        name = "ge2"
        vrf = "red"
        mpls = true
        addresses = ["10.2.0.254/24"]
    "#;
    let mut lab = lsr(more);
    lab.host("ge2", "10.2.0.8");
    lab.host("ge2", V4.b);
    lab.forget();
    lab.send("ge2", mpls(0) / ip("10.2.0.8", V4.b) / udp(1) / payload(60));
    lab.expect("ge2", ip("10.2.0.8", V4.b).ttl(63) / udp(1) / payload(60));
    lab.expect_nothing_else();
}

#[test]
fn implicit_null_in_a_packet_is_an_error() {
    let mut lab = lsr("");
    lab.send("ge0", mpls(3) / V4.ab() / udp(1) / payload(60));
    lab.expect_drop(DropReason::MplsReserved);
    lab.send("ge0", mpls(3) / mpls(0) / V4.ab() / udp(1) / payload(60));
    lab.expect_drop(DropReason::MplsReserved);
    lab.expect_nothing_else();
}
