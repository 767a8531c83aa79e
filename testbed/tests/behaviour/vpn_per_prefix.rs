//! A label for each prefix (RFC 4364 section 4.3.2): its packets go where the prefix's
//! route leads.

use dataplane::packet::DropReason;
use dataplane::table::Nhlfe;
use testbed::lab::Lab;
use testbed::packet::*;

use super::labels::expect_bytes;
use super::vpn::{LSP, THERE, allocated, core, customer, lsp, remote, route, vrf};
use super::{V4, V6};

const PREFIXES: [(&str, &str); 4] = [
    ("10.21.0.0/16", "10.1.0.21"),
    ("10.22.0.0/16", "10.1.0.21"),
    ("10.31.0.0/16", "10.1.0.31"),
    ("2001:db8:21::/48", "2001:db8:1::21"),
];

fn text(prefixes: &[(&str, &str)]) -> String {
    let export = "rd = \"65000:1\"\nexport = [\"65000:1\"]\nlabel = \"per-prefix\"";
    let routes = prefixes.iter().map(|(prefix, ce)| route("red", prefix, &format!("via = \"{ce}\"")));
    core() + &vrf("red", export) + &customer("red") + &routes.collect::<String>()
}

fn pe() -> Lab {
    let mut lab = Lab::new(&text(&PREFIXES));
    lab.host("core", V4.b);
    for ce in ["10.1.0.21", "10.1.0.31", "2001:db8:1::21"] {
        lab.host("red", ce);
    }
    lab.forget();
    lab
}

fn ends(lab: &Lab) -> Vec<u32> {
    let pops = allocated(lab).into_iter().filter(|(_, nhlfe)| matches!(nhlfe, Nhlfe::Pop(_)));
    pops.map(|(label, _)| label).collect()
}

#[test]
fn every_prefix_has_its_own_label_to_its_own_next_hop() {
    let mut lab = pe();
    let labels = ends(&lab);
    assert_eq!(labels.len(), PREFIXES.len(), "{:?}", allocated(&lab));
    let macs = ["10.1.0.21", "10.1.0.31", "2001:db8:1::21"].map(|ce| lab.host("red", ce));
    lab.forget();
    let mut to = Vec::new();
    for label in labels {
        for (src, dst) in [(V4.beyond.1, "203.0.113.9"), (V6.beyond.1, V6.nowhere)] {
            let inner = |ttl| ip(src, dst).ttl(ttl) / udp(1) / payload(60);
            lab.send("core", mpls(label).ttl(64) / inner(64));
            to.push(expect_bytes(&mut lab, "red", inner(63)).layer(Kind::Eth).unwrap().mac("dst"));
        }
    }
    let count = |mac: [u8; 6]| to.iter().filter(|to| **to == Some(mac)).count();
    assert_eq!(macs.map(count), [4, 2, 2]);
    lab.expect_no_drops();
}

#[test]
fn a_prefix_that_moves_takes_its_label_along() {
    let mut lab = pe();
    let before = ends(&lab);
    let mut moved = PREFIXES;
    moved[0].1 = "10.1.0.31";
    lab.apply(&text(&moved));
    assert_eq!(ends(&lab), before);
    let mac = lab.host("red", "10.1.0.31");
    lab.forget();
    let mut to = 0;
    for label in before {
        lab.send("core", mpls(label).ttl(64) / ip(V4.beyond.1, "203.0.113.9").ttl(64) / udp(1) / payload(60));
        to += usize::from(lab.expect("red", rest()).layer(Kind::Eth).unwrap().mac("dst") == Some(mac));
    }
    assert_eq!(to, 2);
}

#[test]
fn the_label_of_a_prefix_that_is_gone_is_not_another_s_at_once() {
    let mut lab = pe();
    let before = ends(&lab);
    lab.apply(&text(&PREFIXES[1..]));
    let after = ends(&lab);
    let gone: Vec<u32> = before.iter().copied().filter(|label| !after.contains(label)).collect();
    assert_eq!(gone.len(), 1);
    lab.send("core", mpls(gone[0]) / ip(V4.beyond.1, "10.21.0.1") / udp(1) / payload(60));
    lab.expect_drop(DropReason::MplsNoLabel);
    // Another prefix comes: packets under way with the old label must not reach it.
    let mut other = PREFIXES.to_vec();
    other[0] = ("10.99.0.0/16", "10.1.0.31");
    lab.apply(&text(&other));
    let new: Vec<u32> = ends(&lab).into_iter().filter(|label| !after.contains(label)).collect();
    assert_eq!(new.len(), 1);
    assert_ne!(new, gone);
}

#[test]
fn a_prefix_behind_another_pe_runs_out_of_time_in_its_vrf() {
    let export = "rd = \"65000:1\"\nexport = [\"65000:1\"]\nlabel = \"per-prefix\"";
    let default = route("default", "0.0.0.0/0", &format!("via = \"{}\"", V4.b));
    let text = core() + &lsp() + &vrf("red", export) + &customer("red") + &remote(0, &V4) + &default;
    let mut lab = Lab::new(&text);
    lab.host("core", V4.b);
    lab.forget();
    let [label] = ends(&lab)[..] else { panic!("{:?}", allocated(&lab)) };
    let late = || ip(V4.beyond.1, V4.beyond.1).ttl(1) / udp(1) / payload(60);
    lab.send("core", mpls(label).ttl(64) / late());
    let error = V4.icmp((11, 0), (3, 0)).quoting(late()).stack(mpls(label).ttl(64).bos());
    lab.expect("core", mpls(LSP) / mpls(THERE[0]).bos() / ip(V4.ra, V4.beyond.1) / error);
    let snapshot = lab.snapshot();
    let red = snapshot.vrf_named("red").unwrap().id;
    assert_eq!(lab.router().handle().vrf_drops(red), [(DropReason::TtlExpired, 1)]);
    lab.expect_drop(DropReason::TtlExpired);
}
