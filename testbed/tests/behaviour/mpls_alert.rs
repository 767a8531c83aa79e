//! Router alert (RFC 3032 section 2.1): the router looks, the label beneath decides, and
//! the alert goes back on top of what leaves labelled.

use dataplane::packet::DropReason;
use testbed::packet::*;

use super::labels::{IN, OUT, beyond, both, entry, expect_bytes, far, lsr, taken, two_mpls, via};
use super::{FAMILIES, V4};

fn swap() -> String {
    via(IN, &format!("swap = {OUT}"), &V4)
}

#[test]
fn the_alert_goes_back_on_top_of_what_the_label_beneath_leads_to() {
    let mut lab = lsr(&swap());
    for f in FAMILIES {
        let inner = || mpls(99).tc(1).ttl(3) / far(&f).ttl(7) / udp(1) / payload(60);
        lab.send("ge0", mpls(1).tc(5).ttl(60) / mpls(IN).tc(2).ttl(64) / inner());
        // One hop less for both, by the lesser TTL for the label beneath; each its own class.
        expect_bytes(&mut lab, "ge1", mpls(1).tc(5).ttl(59) / mpls(OUT).tc(2).ttl(59) / inner());
        lab.send("ge0", mpls(1).ttl(255) / mpls(IN).ttl(2) / inner());
        expect_bytes(&mut lab, "ge1", mpls(1).ttl(254) / mpls(OUT).ttl(1) / inner());
    }
    lab.expect_nothing_else();
    lab.expect_no_drops();
}

#[test]
fn each_alert_of_the_stack_goes_back_however_the_labels_between_end() {
    let mut lab = lsr(&(swap() + &via(IN + 1, "pop = true", &V4) + &entry(IN + 2, "pop = true")));
    let inner = || far(&V4).ttl(7) / udp(1) / payload(60);
    let alert = |tc, ttl| mpls(1).tc(tc).ttl(ttl);
    lab.send("ge0", alert(5, 60) / alert(3, 50) / mpls(IN).ttl(64) / inner());
    expect_bytes(&mut lab, "ge1", alert(5, 59) / alert(3, 49) / mpls(OUT).ttl(49) / inner());
    // The penultimate hop, and the end of a tunnel in a tunnel, above the alert or below it.
    lab.send("ge0", alert(5, 60) / mpls(IN + 1).ttl(64) / mpls(99).ttl(9) / inner());
    expect_bytes(&mut lab, "ge1", alert(5, 59) / mpls(99).ttl(9) / inner());
    for stack in [alert(5, 60) / mpls(IN + 2).ttl(64), mpls(IN + 2).ttl(64) / alert(5, 60)] {
        lab.send("ge0", stack / mpls(IN).ttl(64) / inner());
        expect_bytes(&mut lab, "ge1", alert(5, 59) / mpls(OUT).ttl(59) / inner());
    }
    lab.expect_no_drops();
}

#[test]
fn where_the_stack_ends_the_alert_ends_with_it() {
    let more =
        via(IN, "pop = true", &V4) + &entry(IN + 1, "pop = true") + &both(|f| beyond(f, "push = [500]"));
    let mut lab = lsr(&more);
    let inner = |ttl| far(&V4).ttl(ttl) / udp(1) / payload(60);
    lab.send("ge0", mpls(1).ttl(60) / mpls(IN).ttl(64) / inner(9));
    expect_bytes(&mut lab, "ge1", inner(9));
    lab.send("ge0", mpls(1).ttl(60) / mpls(IN + 1).ttl(64) / inner(9));
    expect_bytes(&mut lab, "ge1", mpls(500).ttl(8) / inner(8));
    lab.expect_no_drops();
}

#[test]
fn with_no_hop_left_its_sender_is_told() {
    let mut lab = lsr(&(swap() + &entry(IN + 2, "pop = true\nttl = \"pipe\"")));
    let inner = || V4.ab().ttl(64) / udp(1) / payload(60);
    for (alert, beneath) in [(1, 64), (64, 1), (0, 64)] {
        lab.send("ge0", mpls(1).ttl(alert) / mpls(IN).ttl(beneath) / inner());
        let left = [taken(&mut lab, "ge0"), taken(&mut lab, "ge1")].concat();
        let [error] = &left[..] else { panic!("{alert}, {beneath}: {left:?}") };
        assert_eq!(error.layer(Kind::Icmp).and_then(|icmp| icmp.number("type")), Some(11), "{error}");
        lab.expect_drop(DropReason::TtlExpired);
    }
    // A pipe beneath hides the hops left of the packet, not those of the alert.
    lab.send("ge0", mpls(1).ttl(1) / mpls(IN + 2).ttl(64) / mpls(IN).ttl(64) / inner());
    lab.expect_drop(DropReason::TtlExpired);
}

#[test]
fn at_the_bottom_it_is_an_error() {
    let mut lab = lsr(&swap());
    for f in FAMILIES {
        lab.send("ge0", mpls(1).ttl(64) / f.ab() / udp(1) / payload(60));
        lab.expect_drop(DropReason::MplsMalformed);
    }
    lab.expect_nothing_else();
}

#[test]
fn what_is_beneath_is_dropped_as_it_would_be_without() {
    let mut lab = lsr(&swap());
    for (label, reason) in [(77, DropReason::MplsNoLabel), (9, DropReason::MplsReserved)] {
        lab.send("ge0", mpls(1) / mpls(label) / V4.ab() / udp(1) / payload(60));
        lab.expect_drop(reason);
    }
    lab.expect_nothing_else();
}

#[test]
fn the_alert_counts_for_the_mtu() {
    let mut lab = lsr(&swap());
    // | 1 | OUT | IP 20, UDP 8, 1464 | is 1,500 bytes.
    for (data, fits) in [(1464, true), (1465, false)] {
        let inner = || V4.ab().df() / udp(1) / payload(data);
        lab.send("ge0", mpls(1).ttl(64) / mpls(IN).ttl(64) / inner());
        if fits {
            expect_bytes(&mut lab, "ge1", mpls(1).ttl(63) / mpls(OUT).ttl(63) / inner());
        } else {
            lab.expect_drop(DropReason::FragmentationNeeded);
        }
    }
}

#[test]
fn a_flood_is_limited_and_counted() {
    let limits = "[limits]\necho-replies-per-second = 20\ndad-probes = 0\nannouncements = 0\n";
    let mut lab = super::lab(&(two_mpls("", "", &swap()) + limits));
    for _ in 0..50 {
        lab.send("ge0", mpls(1).ttl(64) / mpls(IN).ttl(64) / V4.ab() / udp(1) / payload(60));
    }
    let left = taken(&mut lab, "ge1");
    // A burst of ten, and what the rate gives while they come.
    assert!((10..=12).contains(&left.len()), "{}", left.len());
    lab.expect_drops(&[(DropReason::MplsAlert, 50 - left.len() as u64)]);
    // Others are none the worse for it.
    lab.send("ge0", mpls(IN).ttl(64) / V4.ab() / udp(1) / payload(60));
    assert_eq!(taken(&mut lab, "ge1").len(), 1);
}
