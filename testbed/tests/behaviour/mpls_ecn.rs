//! Congestion on labelled frames (RFC 5129): said by a queue in the top label, kept along the
//! LSP, handed to what is below where the label comes off, or dropped where that cannot say it.

use dataplane::packet::DropReason;
use testbed::lab::{Lab, ms};
use testbed::packet::*;

use super::labels::{IN, OUT, beyond, both, entry, expect_bytes, far, taken, two_mpls, via};
use super::{FAMILIES, V4};

/// Standard is 0 and, with congestion, 7; imaging 1 and 3.
const MAPS: &str = "tc-out = { national = 2, control = 6 }\ntc-ce = { standard = 7, imaging = 3 }";

fn lab(more: &str) -> Lab {
    super::lab(&two_mpls(MAPS, MAPS, more))
}

#[test]
fn a_swap_and_labels_on_top_keep_it() {
    let mut lab = lab(&via(IN, &format!("swap = {OUT}\npush = [600]"), &V4));
    for tc in [0, 7, 1, 3] {
        for ecn in 0..4 {
            let below = || far(&V4).ecn(ecn) / udp(1) / payload(60);
            lab.send("ge0", mpls(IN).tc(tc) / below());
            expect_bytes(&mut lab, "ge1", mpls(600).tc(tc).ttl(63) / mpls(OUT).tc(tc).ttl(63) / below());
        }
    }
}

#[test]
fn labels_on_a_packet_say_what_it_says() {
    let mut lab = lab(&both(|f| beyond(f, "push = [500, 501]")));
    for f in FAMILIES {
        for (dscp, plain, congested) in [(0, 0, 7), (AF11, 1, 3), (EF, 5, 5)] {
            for ecn in 0..4 {
                let tc = if ecn == 3 { congested } else { plain };
                let inner = |ttl| far(&f).dscp(dscp).ecn(ecn).ttl(ttl) / udp(1) / payload(60);
                lab.send("ge0", inner(64));
                expect_bytes(
                    &mut lab,
                    "ge1",
                    mpls(500).tc(tc).ttl(63) / mpls(501).tc(tc).ttl(63) / inner(63),
                );
            }
        }
    }
}

#[test]
fn where_the_last_label_comes_off_the_packet_says_it_or_is_dropped() {
    for model in ["uniform", "pipe", "short-pipe"] {
        let mut lab = lab(&entry(IN, &format!("vrf = \"default\"\ndiffserv = \"{model}\"")));
        for f in FAMILIES {
            for (tc, congested) in [(0, false), (7, true)] {
                for ecn in 0..4 {
                    lab.send("ge0", mpls(IN).tc(tc) / f.ab().ecn(ecn) / udp(1) / payload(60));
                    match (congested, ecn) {
                        (true, 0) => lab.expect_drop(DropReason::EcnUnknown),
                        (true, _) => {
                            expect_bytes(&mut lab, "ge1", f.ab().ecn(3).ttl(63) / udp(1) / payload(60));
                        }
                        _ => {
                            expect_bytes(&mut lab, "ge1", f.ab().ecn(ecn).ttl(63) / udp(1) / payload(60));
                        }
                    }
                }
            }
        }
        lab.expect_nothing_else();
    }
}

#[test]
fn where_a_label_is_left_that_says_it() {
    for (model, inner) in [("uniform", [(7, 7), (0, 0)]), ("pipe", [(7, 3), (0, 1)])] {
        let mut lab = lab(&via(IN, &format!("pop = true\ndiffserv = \"{model}\""), &V4));
        for (outer, leaves) in inner {
            let below = |tc, ttl| mpls(20_000).tc(tc).ttl(ttl) / far(&V4).ecn(1) / udp(1) / payload(60);
            lab.send("ge0", mpls(IN).tc(outer).ttl(64) / below(1, 64));
            expect_bytes(&mut lab, "ge1", below(leaves, 63));
        }
        // Video's labels cannot say it.
        if model == "pipe" {
            lab.send("ge0", mpls(IN).tc(7) / mpls(20_000).tc(4) / far(&V4).ecn(1) / udp(1) / payload(60));
            lab.expect_drop(DropReason::EcnUnknown);
        }
    }
}

/// What leaves of 400 labelled frames, four at a time faster than the line: their traffic classes.
fn queued(more: &str, ecn: u8) -> (Vec<u64>, usize) {
    let queue = "qos = { rate = \"10 Mbit/s\", standard = { aqm = \"codel\", flows = 0, ecn = true, limit = \"1 MB\" } }";
    let swap = via(IN, &format!("swap = {OUT}"), &V4);
    let mut lab = super::lab(&two_mpls("", &format!("{more}\n{queue}"), &swap));
    for n in 0..400 {
        lab.send("ge0", mpls(IN) / mpls(18).tc(5) / far(&V4).ecn(ecn) / udp(n) / payload(1_000));
    }
    lab.run(ms(600));
    let left = taken(&mut lab, "ge1");
    let below =
        left.iter().filter(|p| p.layer(Kind::Ipv4).and_then(|ip| ip.number("ecn")) == Some(ecn.into()));
    assert_eq!(below.count(), left.len(), "what is below stays");
    let top = |p: &Packet| p.layer(Kind::Mpls).and_then(|entry| entry.number("tc"));
    let dropped =
        lab.drops().iter().filter(|(reason, _)| *reason == DropReason::Codel).map(|d| d.1).sum::<u64>();
    (left.iter().filter_map(top).collect(), dropped as usize)
}

#[test]
fn a_queue_that_stands_marks_the_top_label_where_it_may() {
    let ce = "tc-ce = { standard = 7 }";
    let marked = |tcs: &[u64]| tcs.iter().filter(|tc| **tc == 7).count();
    // Its ends know ECN: marked, and all arrive.
    let (tcs, dropped) = queued(ce, 2);
    assert_eq!((tcs.len(), dropped), (400, 0));
    assert!(marked(&tcs) > 2 && marked(&tcs) < 100, "{}", marked(&tcs));
    // They do not, or labels have no value for it: dropped.
    for (more, ecn) in [(ce, 0), ("", 2)] {
        let (tcs, dropped) = queued(more, ecn);
        assert_eq!((marked(&tcs), tcs.len() + dropped), (0, 400));
        assert!(dropped > 2);
    }
    // The whole domain knows it, and the egress sees to the rest.
    let (tcs, dropped) = queued(&format!("{ce}\necn-domain = true"), 0);
    assert!(marked(&tcs) > 2 && dropped == 0);
}
