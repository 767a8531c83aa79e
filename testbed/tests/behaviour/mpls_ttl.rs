//! TTL in labelled packets: the uniform and the pipe model (RFC 3443).

use dataplane::packet::DropReason;
use testbed::packet::*;

use super::labels::{IN, OUT, beyond, both, entry, expect_bytes, far, lsr, taken, via};
use super::{FAMILIES, V4};

#[test]
fn a_swap_lowers_it_down_to_the_last_hop() {
    let mut lab = lsr(&via(IN, &format!("swap = {OUT}"), &V4));
    for ttl in [255, 64, 3, 2] {
        let inner = || far(&V4).ttl(1) / udp(1) / payload(60);
        lab.send("ge0", mpls(IN).ttl(ttl) / inner());
        expect_bytes(&mut lab, "ge1", mpls(OUT).ttl(ttl - 1) / inner());
    }
    lab.expect_no_drops();
}

#[test]
fn with_no_hop_left_nothing_is_forwarded() {
    let more = via(IN, &format!("swap = {OUT}"), &V4)
        + &via(IN + 1, "pop = true", &V4)
        + &entry(IN + 2, "pop = true");
    let mut lab = lsr(&more);
    for f in FAMILIES {
        for label in [IN, IN + 1, IN + 2, 0, 2] {
            let ttl = 0;
            let fits = label > 2 || (label == 2) == f.v6;
            if !fits {
                continue;
            }
            lab.send("ge0", mpls(label).ttl(ttl) / f.ab().ttl(64) / udp(1) / payload(60));
            let mut left = taken(&mut lab, "ge1");
            left.extend(taken(&mut lab, "ge0"));
            let forwarded = |packet: &Packet| packet.layer(Kind::Udp).is_some_and(|udp| !udp.quoted);
            assert!(!left.iter().any(forwarded), "label {label}: {left:?}");
            lab.expect_drop(DropReason::TtlExpired);
        }
        lab.send("ge0", mpls(IN).ttl(1) / f.ab().ttl(64) / udp(1) / payload(60));
        let left = taken(&mut lab, "ge1");
        assert!(!left.iter().any(|packet| packet.layer(Kind::Udp).is_some_and(|udp| !udp.quoted)));
        lab.expect_drop(DropReason::TtlExpired);
        lab.forget();
    }
}

#[test]
fn a_label_unknown_or_forbidden_is_no_case_for_the_ttl() {
    let mut lab = lsr("");
    lab.send("ge0", mpls(500).ttl(1) / V4.ab() / udp(1) / payload(60));
    lab.expect_drop(DropReason::MplsNoLabel);
    lab.send("ge0", mpls(9).ttl(1) / V4.ab() / udp(1) / payload(60));
    lab.expect_drop(DropReason::MplsReserved);
    lab.expect_nothing_else();
}

#[test]
fn push_takes_it_over_or_hides_it() {
    for (model, expected) in [("uniform", [254, 63, 1]), ("pipe", [255, 255, 255])] {
        let mut lab = lsr(&both(|f| beyond(f, &format!("push = [500, 501]\nttl = \"{model}\""))));
        for f in FAMILIES {
            for (ttl, label) in [255, 64, 2].into_iter().zip(expected) {
                let inner = |ttl| far(&f).ttl(ttl) / udp(1) / payload(60);
                lab.send("ge0", inner(ttl));
                let stack = mpls(500).ttl(label) / mpls(501).ttl(label);
                expect_bytes(&mut lab, "ge1", stack / inner(ttl - 1));
            }
        }
        lab.expect_no_drops();
    }
}

/// Label's TTL, packet's TTL, and the packet's when it leaves.
type Case = (u8, u8, u8);

#[test]
fn at_the_end_the_packet_takes_over_the_lesser_or_keeps_its_own() {
    // The label never makes a packet live longer (RFC 3443 section 3.1: the check of outgoing TTL).
    let uniform: [Case; 5] = [(64, 64, 63), (40, 60, 39), (60, 40, 39), (2, 64, 1), (255, 2, 1)];
    let pipe: [Case; 5] = [(64, 64, 63), (40, 60, 59), (255, 40, 39), (2, 64, 63), (255, 2, 1)];
    for (model, cases) in [("uniform", uniform), ("pipe", pipe)] {
        let mut lab = lsr(&entry(IN, &format!("vrf = \"default\"\nttl = \"{model}\"")));
        for f in FAMILIES {
            for (label, ttl, left) in cases {
                let inner = |ttl| f.ab().ttl(ttl) / udp(1) / payload(60);
                lab.send("ge0", mpls(IN).ttl(label) / inner(ttl));
                expect_bytes(&mut lab, "ge1", inner(left));
            }
        }
        lab.expect_no_drops();
    }
}

#[test]
fn at_the_end_of_a_pipe_the_packet_s_own_hops_run_out() {
    let mut lab = lsr(&entry(IN, "vrf = \"default\"\nttl = \"pipe\""));
    for f in FAMILIES {
        let inner = || f.ab().ttl(1) / udp(33434) / payload(60);
        lab.send("ge0", mpls(IN).ttl(200) / inner());
        let left = [taken(&mut lab, "ge1"), taken(&mut lab, "ge0")].concat();
        assert!(!left.iter().any(|packet| packet.layer(Kind::Udp).is_some_and(|udp| !udp.quoted)));
        lab.expect_drop(DropReason::TtlExpired);
        lab.forget();
    }
}

#[test]
fn the_penultimate_hop_counts_itself_in_the_uniform_model_only() {
    // A lesser TTL of the contents is left as it is (RFC 8029 section 4.3 relies on it).
    let uniform: [Case; 3] = [(64, 64, 63), (40, 60, 39), (60, 40, 40)];
    let pipe: [Case; 3] = [(64, 64, 64), (40, 60, 60), (255, 1, 1)];
    for (model, cases) in [("uniform", uniform), ("pipe", pipe)] {
        let mut lab = lsr(&via(IN, &format!("pop = true\nttl = \"{model}\""), &V4));
        for (label, ttl, left) in cases {
            for f in FAMILIES {
                let inner = |ttl| far(&f).ttl(ttl) / udp(1) / payload(60);
                lab.send("ge0", mpls(IN).ttl(label) / inner(ttl));
                expect_bytes(&mut lab, "ge1", inner(left));
            }
            // A label below is treated as the packet is.
            let inner = |ttl| mpls(20_000).ttl(ttl) / far(&V4).ttl(9) / udp(1) / payload(60);
            lab.send("ge0", mpls(IN).ttl(label) / inner(ttl));
            expect_bytes(&mut lab, "ge1", inner(left));
        }
        lab.expect_no_drops();
    }
}

#[test]
fn through_a_uniform_tunnel_every_hop_counts_once() {
    // Push, swap, penultimate pop, look-up: four routers in one, by four labels.
    let more = both(|f| beyond(f, "push = [500, 501]"))
        + &via(500, "swap = 502", &V4)
        + &via(502, "pop = true", &V4)
        + &entry(501, "vrf = \"default\"");
    let mut lab = lsr(&more);
    for f in FAMILIES {
        let inner = |ttl| ip(f.a, f.b).ttl(ttl) / udp(1) / payload(60);
        let pushed = |ttl| far(&f).ttl(ttl) / udp(1) / payload(60);
        lab.send("ge0", pushed(64));
        expect_bytes(&mut lab, "ge1", mpls(500).ttl(63) / mpls(501).ttl(63) / pushed(63));
        lab.send("ge0", mpls(500).ttl(63) / mpls(501).ttl(63) / inner(63));
        expect_bytes(&mut lab, "ge1", mpls(502).ttl(62) / mpls(501).ttl(63) / inner(63));
        lab.send("ge0", mpls(502).ttl(62) / mpls(501).ttl(63) / inner(63));
        expect_bytes(&mut lab, "ge1", mpls(501).ttl(61) / inner(63));
        lab.send("ge0", mpls(501).ttl(61) / inner(63));
        expect_bytes(&mut lab, "ge1", inner(60));
    }
}
