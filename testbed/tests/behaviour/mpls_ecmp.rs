//! Several next hops of a label: flows are told apart by the stack and the IP packet
//! below it (RFC 3031 section 3.11, RFC 4928, RFC 6790).

use std::collections::BTreeMap;

use testbed::lab::{Lab, ms};
use testbed::packet::*;

use super::labels::{IN, OUT, entry, far, lsr, stack, taken};
use super::{FAMILIES, V4, V6};

const HOPS: [&str; 4] = ["10.2.0.101", "10.2.0.102", "10.2.0.103", "10.2.0.104"];

/// A router whose label leads to four neighbours.
fn four() -> (Lab, [[u8; 6]; 4]) {
    let mut lab = lsr(&entry(IN, &format!("swap = {OUT}\nvia = {HOPS:?}")));
    let macs = HOPS.map(|hop| lab.host("ge1", hop));
    lab.forget();
    (lab, macs)
}

/// To which neighbour each packet of `flows` goes, in order.
fn paths(lab: &mut Lab, flows: impl Iterator<Item = Packet>) -> Vec<[u8; 6]> {
    let mut sent = 0;
    for flow in flows {
        lab.send("ge0", flow);
        sent += 1;
    }
    lab.run(ms(10));
    let to = |bytes: &[u8]| Packet::decode(bytes).layer(Kind::Eth).and_then(|eth| eth.mac("dst")).unwrap();
    let paths: Vec<_> = lab.take("ge1").iter().map(|seen| to(&seen.bytes)).collect();
    assert_eq!(paths.len(), sent);
    paths
}

#[track_caller]
fn even(paths: &[[u8; 6]], among: &[[u8; 6]; 4]) {
    let mut counts = BTreeMap::new();
    paths.iter().for_each(|path| *counts.entry(*path).or_insert(0) += 1);
    let part = paths.len() / 4;
    for mac in among {
        let n = counts.get(mac).copied().unwrap_or(0);
        assert!((part * 3 / 4..=part * 5 / 4).contains(&n), "{n} of {} flows by one of four", paths.len());
    }
}

#[test]
fn flows_of_ip_below_are_spread_and_each_keeps_its_path() {
    let (mut lab, macs) = four();
    for depth in [0u32, 1, 3] {
        for f in FAMILIES {
            let flow = |n: u16| {
                let below = (0..depth).fold(Packet::default(), |s, l| s / mpls(20_000 + l));
                mpls(IN) / below / far(&f) / udp(n) / payload(60)
            };
            let first = paths(&mut lab, (0..2000).map(flow));
            even(&first, &macs);
            assert_eq!(paths(&mut lab, (0..2000).map(flow)), first);
        }
    }
    lab.expect_no_drops();
}

#[test]
fn ttl_class_and_marks_are_no_part_of_a_flow() {
    let (mut lab, _) = four();
    let same = (0..64u8).map(|n| {
        let inner = far(&V4).dscp(n).ttl(n + 1).id(n.into()) / udp(9) / payload(60);
        mpls(IN).tc(n % 8).ttl(200 - n) / mpls(20_000).tc(n / 8).ttl(n) / inner
    });
    let paths = paths(&mut lab, same);
    assert!(paths.iter().all(|path| *path == paths[0]));
}

#[test]
fn fragments_of_a_datagram_stay_together() {
    let (mut lab, _) = four();
    for port in 0..40 {
        let whole = far(&V4).protocol(17) / udp(port) / payload(200);
        let first = mpls(IN) / far(&V4).mf().id(port).protocol(17) / whole.part(0..104);
        let last = mpls(IN) / far(&V4).offset(104).id(port).protocol(17) / whole.part(104..208);
        let by = paths(&mut lab, [first, last].into_iter());
        assert_eq!(by[0], by[1]);
    }
}

#[test]
fn what_is_no_ip_is_told_apart_by_its_labels() {
    // A first nibble that is neither 4 nor 6 is a control word (RFC 4928 section 3):
    // what follows must not decide, or a pseudowire's frames would overtake each other.
    let (mut lab, macs) = four();
    let wire = |vc: u32, n: u8| mpls(IN) / mpls(vc).bos() / bytes([&[0, 0, 0, n][..], &[n; 60]].concat());
    let one = paths(&mut lab, (0..64).map(|n| wire(1000, n)));
    assert!(one.iter().all(|path| *path == one[0]), "one pseudowire takes several paths");
    even(&paths(&mut lab, (0..2000).map(|vc| wire(1000 + vc, 0))), &macs);
}

#[test]
fn an_entropy_label_alone_decides_where_there_is_one() {
    let (mut lab, macs) = four();
    let flow = |el: u32, port: u16| {
        mpls(IN) / mpls(7) / mpls(el).ttl(0) / mpls(20_000) / far(&V6) / udp(port) / payload(60)
    };
    // One entropy label, whatever is below (RFC 6790 section 4.3).
    let one = paths(&mut lab, (0..64).map(|port| flow(77_777, port)));
    assert!(one.iter().all(|path| *path == one[0]));
    even(&paths(&mut lab, (0..2000).map(|el| flow(16 + el * 500, 9))), &macs);
}

#[test]
fn special_labels_are_no_entropy() {
    // RFC 6790 section 4.3: reserved labels must not be keys of the hash.
    let (mut lab, _) = four();
    for port in 0..40 {
        let with = |null: Packet| mpls(IN) / null / mpls(20_000).bos() / bytes([port as u8; 60]);
        let by = paths(
            &mut lab,
            [with(Packet::default()), with(mpls(1).into()), with(mpls(0).into())].into_iter(),
        );
        assert!(by.iter().all(|path| *path == by[0]));
    }
}

#[test]
fn deeper_than_the_bound_the_stack_still_decides() {
    let (mut lab, macs) = four();
    let flow = |n: u32| {
        let stack = (0..40).fold(Packet::default(), |s, l| s / mpls(1000 + l * 2000 + n));
        mpls(IN) / stack / V4.ab() / udp(1) / payload(60)
    };
    even(&paths(&mut lab, (0..2000).map(flow)), &macs);
    lab.expect_no_drops();
}

#[test]
fn a_path_taken_away_moves_its_own_flows_only() {
    let (mut lab, macs) = four();
    let flows = || (0..2000u16).map(|n| mpls(IN) / mpls(20_000) / far(&V4) / udp(n) / payload(60));
    let before = paths(&mut lab, flows());
    lab.apply(&super::labels::two_mpls("", "", &entry(IN, &format!("swap = {OUT}\nvia = {:?}", &HOPS[1..]))));
    let after = paths(&mut lab, flows());
    for (before, after) in before.iter().zip(&after) {
        assert!(after == before || *before == macs[0], "a flow moved though its path stayed");
        assert_ne!(*after, macs[0]);
    }
}

#[test]
fn a_route_s_labelled_next_hops_share_by_the_flow_too() {
    let hop = |n: usize| format!("{{ address = \"{}\", push = [{}] }}", HOPS[n], 100 + n);
    let via: Vec<_> = (0..4).map(hop).collect();
    let mut lab = lsr(&format!("[[route]]\nprefix = \"{}\"\nvia = [{}]\n", V4.beyond.0, via.join(", ")));
    let macs = HOPS.map(|hop| lab.host("ge1", hop));
    lab.forget();
    even(&paths(&mut lab, (0..2000).map(|n| far(&V4) / udp(n) / payload(60))), &macs);
}

/// Neighbours give out labels of their own for one LSP (RFC 3031 section 3.1): with which
/// label a packet leaves to which neighbour, for many flows.
#[test]
fn each_neighbour_gets_the_label_that_it_gave_out() {
    let [a, b, c, d] = HOPS;
    let via = format!(
        "via = [{{ address = \"{a}\", swap = 201 }}, {{ address = \"{b}\", swap = 202, push = [60] }}, \
         {{ address = \"{c}\", swap = 3 }}, \"{d}\"]"
    );
    let mut lab = lsr(&entry(IN, &format!("swap = {OUT}\n{via}")));
    let macs = HOPS.map(|hop| lab.host("ge1", hop));
    lab.forget();
    for n in 0..400 {
        lab.send("ge0", mpls(IN).tc(5).ttl(9) / mpls(20_000).ttl(64) / far(&V4) / udp(n) / payload(60));
    }
    let seen = taken(&mut lab, "ge1");
    assert_eq!(seen.len(), 400);
    let stacks: [&[u32]; 4] = [&[201, 20_000], &[60, 202, 20_000], &[20_000], &[OUT, 20_000]];
    let mut counts = [0; 4];
    for packet in &seen {
        let to = packet.layer(Kind::Eth).and_then(|eth| eth.mac("dst")).unwrap();
        let n = macs.iter().position(|mac| *mac == to).unwrap();
        counts[n] += 1;
        assert_eq!(stack(packet), stacks[n]);
        let top = packet.layer(Kind::Mpls).unwrap();
        // The hop is counted; the class stays on every label that replaces or covers the one
        // that came (RFC 3443, RFC 3270 section 2.6).
        assert_eq!(top.number("ttl"), Some(8));
        assert_eq!(top.number("tc"), Some(if n == 2 { 0 } else { 5 }));
    }
    assert!(counts.iter().all(|n| (60..=140).contains(n)), "{counts:?}");
    lab.expect_no_drops();
}
