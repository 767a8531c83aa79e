//! Vrfs and labels that come, go and change while others forward: nothing of the others
//! is lost (RFC 4364 section 4.3).

use dataplane::packet::DropReason;
use testbed::lab::{Lab, ms, us};
use testbed::packet::*;

use super::labels::{IN, OUT, far, two_mpls, via};
use super::vpn::{HERE, THERE, lab, label, pe_text, port, route, vrf};
use super::{FAMILIES, V4, V6};

/// Numbered packets of red, to the core and from it, and what has come of them.
#[derive(Default)]
struct Count {
    sent: u16,
    out: Vec<u64>,
    back: Vec<u64>,
}

impl Count {
    fn traffic(&mut self, lab: &mut Lab, n: u16) {
        for _ in 0..n {
            let f = if self.sent.is_multiple_of(2) { V4 } else { V6 };
            lab.send("red", far(&f) / udp(self.sent) / payload(60));
            lab.send("core", mpls(HERE[0]) / ip(f.beyond.1, f.a) / udp(self.sent) / payload(60));
            self.sent += 1;
            lab.run(us(100));
        }
        self.out.extend(numbers(lab, "core"));
        self.back.extend(numbers(lab, "red"));
    }

    #[track_caller]
    fn none_lost(mut self, lab: &mut Lab) {
        lab.run(ms(100));
        self.out.extend(numbers(lab, "core"));
        self.back.extend(numbers(lab, "red"));
        let all: Vec<u64> = (0..self.sent.into()).collect();
        assert_eq!(self.out, all);
        assert_eq!(self.back, all);
        lab.expect_no_drops();
    }
}

/// The numbers of the packets that left a port.
fn numbers(lab: &mut Lab, port: &str) -> Vec<u64> {
    let number = |seen: &testbed::lab::Seen| Packet::decode(&seen.bytes).layer(Kind::Udp)?.number("dport");
    lab.take(port).iter().filter_map(number).collect()
}

/// One more community, alike to the last address, on a port of its own.
fn third(name: &str, n: u32) -> String {
    vrf(name, "export = [\"65000:77\"]")
        + &port(name, &format!("vrf = \"{name}\"\naddresses = [\"10.1.0.254/24\", \"2001:db8:1::fe/64\"]"))
        + &label(40_000 + n, name)
        + &route(name, V4.beyond.0, &format!("via = \"172.31.0.2\"\npush = [{}]", 50_000 + n))
}

#[test]
fn vrfs_come_and_go_and_no_packet_of_another_is_lost() {
    let mut lab = lab(&pe_text("", ""), &["red", "blue"]);
    let mut count = Count::default();
    for round in 0..12u32 {
        let more: String =
            (0..round % 4).map(|n| third(&format!("x{}", n + round % 3), n + round % 3)).collect();
        lab.apply(&pe_text("", &more));
        count.traffic(&mut lab, 6);
    }
    count.none_lost(&mut lab);
}

#[test]
fn what_a_vrf_leaves_behind_is_nothing() {
    let mut lab = lab(&pe_text("", ""), &["red", "blue"]);
    let counts = |lab: &Lab| {
        let s = lab.snapshot();
        (s.vrfs.iter().count(), s.ilm.len(), s.interfaces.iter().count(), s.nhlfes.iter().count())
    };
    let before = counts(&lab);
    for round in 0..20 {
        lab.apply(&pe_text("", &third(&format!("x{round}"), round)));
        assert!(counts(&lab).0 > before.0);
        lab.apply(&pe_text("", ""));
        lab.run(ms(100));
    }
    assert_eq!(counts(&lab), before);
}

#[test]
fn the_label_of_a_vrf_that_is_gone_leads_nowhere() {
    let mut lab = lab(&pe_text("", &third("x", 0)), &["red", "blue"]);
    lab.host("x", V4.a);
    lab.forget();
    lab.send("core", mpls(40_000) / ip(V4.beyond.1, V4.a) / udp(1) / payload(60));
    lab.expect("x", ip(V4.beyond.1, V4.a).ttl(63) / udp(1) / payload(60));
    lab.apply(&pe_text("", ""));
    lab.send("core", mpls(40_000) / ip(V4.beyond.1, V4.a) / udp(1) / payload(60));
    lab.expect_drop(DropReason::MplsNoLabel);
    lab.expect_nothing_else();
}

#[test]
fn labels_of_a_community_change_under_its_traffic() {
    // The new label is known before the old one is gone: make before break.
    let mut lab = lab(&pe_text("", ""), &["red", "blue"]);
    let mut count = Count::default();
    for round in 0..10u32 {
        let text = pe_text("", &label(41_000 + round, "red"));
        let text = text.replace(&format!("push = [{}]", THERE[0]), &format!("push = [{}]", 60_000 + round));
        let text = text.replace("ttl = \"uniform\"", "ttl = \"pipe\"");
        lab.apply(&text);
        count.traffic(&mut lab, 6);
    }
    count.none_lost(&mut lab);
}

#[test]
fn a_label_that_moves_between_next_hops_loses_nothing() {
    let text = |to: &str, out: u32| {
        two_mpls("", "", &format!("[[label]]\nlabel = {IN}\nswap = {out}\nvia = {to}\n"))
    };
    let ways = ["\"10.2.0.9\"", "\"2001:db8:2::9\"", "[\"10.2.0.9\", \"2001:db8:2::9\"]"];
    let mut lab = super::lab(&two_mpls("", "", &via(IN, &format!("swap = {OUT}"), &V4)));
    let mut sent = 0;
    for round in 0..60 {
        for n in 0..5 {
            lab.send("ge0", mpls(IN) / far(&FAMILIES[n % 2]) / udp(round) / payload(60));
            sent += 1;
        }
        lab.apply(&text(ways[usize::from(round) % 3], 1000 + u32::from(round)));
        lab.run(us(100));
    }
    lab.run(ms(10));
    assert_eq!(lab.take("ge1").len(), sent);
    lab.expect_no_drops();
}
