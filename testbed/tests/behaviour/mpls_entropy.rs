//! Entropy labels: pushed at the ingress, looked through at the egress (RFC 6790).

use std::collections::BTreeSet;

use dataplane::packet::DropReason;
use testbed::lab::Lab;
use testbed::packet::*;

use super::labels::{beyond, both, entry, expect_bytes, far, lsr, stack, via};
use super::{FAMILIES, Family, V4};

/// Labels `push` and an entropy label on the way to what is beyond.
fn ingress(push: &str) -> Lab {
    lsr(&both(|f| beyond(f, &format!("push = {push}\nentropy = true"))))
}

/// The stack of flow `port` and its entropy label.
#[track_caller]
fn flow(lab: &mut Lab, f: &Family, port: u16) -> (Packet, u32) {
    lab.send("ge0", far(f).dscp(EF).ttl(64) / udp(port) / payload(60));
    let got = lab.expect("ge1", rest());
    let label = stack(&got)[2];
    (got, label)
}

#[test]
fn it_stands_below_the_outermost_label_behind_its_indicator() {
    let mut lab = ingress("[16001, 20000]");
    for f in FAMILIES {
        let (got, el) = flow(&mut lab, &f, 9);
        // RFC 6790 section 4.2: TTL of the entropy label 0, its class no matter; the
        // indicator's as the label's above.
        let labels = mpls(16_001).tc(5).ttl(63).not_bos()
            / mpls(7).tc(5).ttl(63).not_bos()
            / mpls(el).tc(0).ttl(0).not_bos()
            / mpls(20_000).tc(5).ttl(63).bos();
        let expected = labels / far(&f).dscp(EF).ttl(63) / udp(9) / payload(60);
        assert_eq!(diff_packets(&expected, &got), None);
    }
    let mut lab = ingress("[16001]");
    for f in FAMILIES {
        let (got, el) = flow(&mut lab, &f, 9);
        let labels = mpls(16_001).tc(5).ttl(63).not_bos()
            / mpls(7).tc(5).ttl(63).not_bos()
            / mpls(el).tc(0).ttl(0).bos();
        let expected = labels / far(&f).dscp(EF).ttl(63) / udp(9) / payload(60);
        assert_eq!(diff_packets(&expected, &got), None);
    }
    lab.expect_no_drops();
}

#[test]
fn a_flow_keeps_it_and_flows_differ() {
    let mut lab = ingress("[16001, 20000]");
    for f in FAMILIES {
        let mut labels = BTreeSet::new();
        for port in 0..500 {
            let (_, el) = flow(&mut lab, &f, port);
            assert!(el > 15, "an entropy label is no special label");
            assert_eq!(flow(&mut lab, &f, port).1, el);
            labels.insert(el);
        }
        assert!(labels.len() > 490, "{} different labels of 500 flows", labels.len());
    }
}

#[test]
fn the_egress_looks_through_it() {
    // Under the transport label that the penultimate hop took off, above the VPN label or the packet.
    let mut lab = lsr(&(entry(20_000, "vrf = \"default\"")
        + &entry(16_001, "pop = true")
        + &via(500, "swap = 501", &V4)));
    for f in FAMILIES {
        let inner = |ttl| f.ab().ttl(ttl) / udp(1) / payload(60);
        let entropy = || mpls(7).ttl(64) / mpls(77_777).ttl(0);
        lab.send("ge0", entropy() / inner(64));
        expect_bytes(&mut lab, "ge1", inner(63));
        lab.send("ge0", entropy() / mpls(20_000).ttl(64) / inner(64));
        expect_bytes(&mut lab, "ge1", inner(63));
        lab.send("ge0", mpls(16_001).ttl(64) / entropy() / mpls(20_000).ttl(64) / inner(64));
        expect_bytes(&mut lab, "ge1", inner(63));
        lab.send("ge0", entropy() / mpls(500).tc(3).ttl(64) / inner(64));
        expect_bytes(&mut lab, "ge1", mpls(501).tc(3).ttl(63) / inner(64));
    }
    lab.expect_nothing_else();
    lab.expect_no_drops();
}

#[test]
fn a_label_after_it_that_nobody_knows_goes_nowhere() {
    let mut lab = lsr("");
    lab.send("ge0", mpls(7) / mpls(77_777) / mpls(12_345) / V4.ab() / udp(1) / payload(60));
    lab.expect_drop(DropReason::MplsNoLabel);
    lab.expect_nothing_else();
}

#[test]
fn its_eight_bytes_count_for_the_mtu() {
    let text =
        super::labels::two_mpls("", "mpls-mtu = 1516", &beyond(&V4, "push = [16001, 20000]\nentropy = true"));
    let mut lab = super::lab(&text);
    let of = |length: usize, ttl| far(&V4).df().ttl(ttl) / udp(1) / payload(length - 28);
    lab.send("ge0", of(1500, 64));
    let got = lab.expect("ge1", rest());
    assert_eq!(stack(&got).len(), 4);
    lab.send("ge0", of(1501, 64));
    lab.expect("ge0", ip(V4.ra, V4.a) / icmp(3, 4).mtu(1500).quoting(of(1501, 64)));
}
