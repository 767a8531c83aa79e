//! Special-purpose labels (RFC 3032 section 2.1, RFC 7274).

use dataplane::packet::DropReason;
use testbed::packet::*;

use super::labels::{IN, OUT, beyond, entry, far, lsr, two_mpls, via};
use super::{FAMILIES, V4};

/// Labels that have no meaning here, wherever they stand on top: reserved, OAM alert
/// (14), extension (15), implicit null (3).
const NONE: [u32; 12] = [3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15];

#[test]
fn one_without_a_meaning_goes_nowhere() {
    let mut lab = lsr(&via(IN, &format!("swap = {OUT}"), &V4));
    for label in NONE {
        for f in FAMILIES {
            lab.send("ge0", mpls(label) / f.ab() / udp(1) / payload(60));
            lab.expect_drop(DropReason::MplsReserved);
        }
        lab.send("ge0", mpls(label) / mpls(IN) / V4.ab() / udp(1) / payload(60));
        lab.expect_drop(DropReason::MplsReserved);
    }
    lab.expect_nothing_else();
}

#[test]
fn nor_does_one_that_a_pop_brings_to_the_front() {
    let mut lab = lsr(&entry(IN, "pop = true"));
    for label in NONE {
        lab.send("ge0", mpls(IN) / mpls(label) / V4.ab() / udp(1) / payload(60));
        lab.expect_drop(DropReason::MplsReserved);
    }
    lab.expect_nothing_else();
}

#[test]
fn below_a_label_that_is_swapped_they_are_none_of_this_router_s_business() {
    let mut lab = lsr(&via(IN, &format!("swap = {OUT}"), &V4));
    for label in 0..16 {
        lab.send("ge0", mpls(IN).ttl(64) / mpls(label).ttl(1) / far(&V4) / udp(1) / payload(60));
        let below = mpls(label).ttl(1) / far(&V4) / udp(1) / payload(60);
        super::labels::expect_bytes(&mut lab, "ge1", mpls(OUT).ttl(63) / below);
    }
    lab.expect_no_drops();
}

#[test]
fn they_cannot_be_configured_as_labels_of_one_s_own() {
    let mut lab = lsr("");
    for label in 0..16 {
        let refusal = lab.try_apply(&two_mpls("", "", &via(label, "swap = 17", &V4))).unwrap_err();
        assert!(refusal.contains("label"), "{label}: {refusal}");
    }
    for label in [1, 4, 6, 7, 8, 13, 14, 15] {
        for text in [via(IN, &format!("swap = {label}"), &V4), beyond(&V4, &format!("push = [{label}]"))] {
            assert!(lab.try_apply(&two_mpls("", "", &text)).is_err(), "{text}");
        }
    }
}
