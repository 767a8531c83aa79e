//! A label for each customer edge: what comes in under it goes to that neighbour
//! without a look-up (RFC 4364 section 4.3.2).

use dataplane::packet::DropReason;
use dataplane::table::Nhlfe;
use testbed::lab::Lab;
use testbed::packet::*;

use super::labels::expect_bytes;
use super::vpn::{LSP, THERE, allocated, core, customer, lsp, port, remote, route, vrf};
use super::{FAMILIES, V4, V6};

/// Two CE routers on one interface, with two sites each behind them.
const SITES: [(&str, &str, &str); 2] =
    [("10.1.0.21", "10.21.0.0/16", "10.22.0.0/16"), ("10.1.0.31", "10.31.0.0/16", "10.32.0.0/16")];

fn text(more: &str) -> String {
    let export = "rd = \"65000:1\"\nexport = [\"65000:1\"]\nlabel = \"per-ce\"";
    let mut text = core() + &lsp() + &vrf("red", export) + &customer("red");
    for (ce, one, two) in SITES {
        text += &route("red", one, &format!("via = \"{ce}\""));
        text += &route("red", two, &format!("via = \"{ce}\""));
    }
    text += &route("red", "2001:db8:21::/48", "via = \"2001:db8:1::21\"");
    text + more
}

fn pe() -> Lab {
    let mut lab = Lab::new(&text(""));
    lab.host("core", V4.b);
    for ce in ["10.1.0.21", "10.1.0.31", "2001:db8:1::21"] {
        lab.host("red", ce);
    }
    lab.forget();
    lab
}

/// The labels that end at one neighbour each.
fn ends(lab: &Lab) -> Vec<u32> {
    let pops = allocated(lab).into_iter().filter(|(_, nhlfe)| matches!(nhlfe, Nhlfe::Pop(_)));
    pops.map(|(label, _)| label).collect()
}

/// The label whose packets go to the neighbour with this station address.
fn label_to(lab: &mut Lab, mac: [u8; 6], probe: impl Fn(u8) -> Packet) -> Vec<u32> {
    let mut found = Vec::new();
    for label in ends(lab) {
        lab.send("core", mpls(label).ttl(64) / probe(64));
        let got = lab.expect("red", probe(63));
        if got.layer(Kind::Eth).unwrap().mac("dst") == Some(mac) {
            found.push(label);
        }
    }
    found
}

#[test]
fn each_ce_has_one_label_whatever_is_behind_it() {
    let mut lab = pe();
    assert_eq!(ends(&lab).len(), 3, "{:?}", allocated(&lab));
    for ce in ["10.1.0.21", "10.1.0.31", "2001:db8:1::21"] {
        let mac = lab.host("red", ce);
        // No route of the Vrf leads to this address: the label alone says where it goes.
        let probe = |ttl| ip(V4.beyond.1, "203.0.113.9").ttl(ttl) / udp(1) / payload(60);
        assert_eq!(label_to(&mut lab, mac, probe).len(), 1, "{ce}");
        let probe = |ttl| ip(V6.beyond.1, V6.nowhere).ttl(ttl) / udp(1) / payload(60);
        assert_eq!(label_to(&mut lab, mac, probe).len(), 1, "{ce}");
    }
    lab.expect_no_drops();
}

#[test]
fn connected_addresses_keep_the_label_of_the_vrf() {
    let mut lab = pe();
    let of_vrf: Vec<u32> = allocated(&lab)
        .into_iter()
        .filter(|(_, nhlfe)| matches!(nhlfe, Nhlfe::PopLookup(_)))
        .map(|(label, _)| label)
        .collect();
    assert_eq!(of_vrf.len(), 1);
    lab.host("red", V4.a);
    lab.forget();
    let inner = |ttl| ip(V4.beyond.1, V4.a).ttl(ttl) / udp(1) / payload(60);
    lab.send("core", mpls(of_vrf[0]).ttl(64) / inner(64));
    expect_bytes(&mut lab, "red", inner(63));
}

#[test]
fn it_must_be_the_bottom_of_the_stack_and_no_hop_is_saved() {
    let mut lab = pe();
    for label in ends(&lab) {
        lab.send("core", mpls(label) / mpls(500) / ip(V4.beyond.1, "203.0.113.9") / udp(1) / payload(60));
        lab.expect_drop(DropReason::MplsNotBottom);
        lab.send("core", mpls(label).bos() / bytes([0x11; 60]));
        lab.expect_drop(DropReason::MplsPayload);
        // It is the egress: the packet loses its hop here, and must have one.
        lab.send("core", mpls(label).ttl(64) / ip(V4.beyond.1, "203.0.113.9").ttl(1) / udp(1) / payload(60));
        lab.run(testbed::lab::ms(1));
        assert!(lab.drops().iter().any(|(reason, _)| *reason == DropReason::TtlExpired), "{:?}", lab.drops());
        lab.forget();
    }
}

#[test]
fn labels_stay_what_they_are_when_other_things_change() {
    let mut lab = pe();
    let before = ends(&lab);
    let more = port("green", "vrf = \"green\"\naddresses = [\"10.1.0.254/24\"]")
        + &vrf("green", "export = [\"65000:2\"]\nlabel = \"per-ce\"")
        + &route("green", "10.50.0.0/16", "via = \"10.1.0.9\"")
        + &route("red", "10.23.0.0/16", "via = \"10.1.0.21\"");
    lab.apply(&text(&more));
    let after = ends(&lab);
    assert!(before.iter().all(|label| after.contains(label)), "{before:?} became {after:?}");
    assert_eq!(after.len(), 4);
    lab.apply(&text(""));
    assert_eq!(ends(&lab), before);
}

#[test]
fn a_host_on_the_way_out_is_resolved_like_any_other() {
    let mut lab = Lab::new(&text(""));
    lab.host("core", V4.b);
    lab.forget();
    for f in FAMILIES.into_iter().take(1) {
        let label = ends(&lab)[0];
        let inner = |ttl| ip(f.beyond.1, "203.0.113.9").ttl(ttl) / udp(1) / payload(60);
        lab.send("core", mpls(label).ttl(64) / inner(64));
        let asked = lab.expect("red", rest());
        assert!(asked.layer(Kind::Arp).is_some() || asked.layer(Kind::Solicitation).is_some());
        for ce in ["10.1.0.21", "10.1.0.31", "2001:db8:1::21"] {
            lab.host("red", ce);
        }
        let mut left = lab.expect("red", rest());
        while left.layer(Kind::Udp).is_none() {
            left = lab.expect("red", rest());
        }
        assert_eq!(diff_packets(&inner(63), &left), None);
    }
}

#[test]
fn a_next_hop_behind_a_discard_is_refused_in_the_vrf_of_the_label() {
    let dead = route("red", "10.77.0.0/16", "via = \"10.9.9.9\"")
        + &route("red", "10.9.9.0/24", "discard = \"unreachable\"")
        + &remote(0, &V4)
        + &route("default", "0.0.0.0/0", &format!("via = \"{}\"", V4.b));
    let export = "rd = \"65000:1\"\nexport = [\"65000:1\"]\nlabel = \"per-ce\"";
    let mut lab = Lab::new(&(core() + &lsp() + &vrf("red", export) + &customer("red") + &dead));
    lab.host("core", V4.b);
    lab.forget();
    let pops = allocated(&lab).into_iter();
    let label = pops.filter_map(|(label, nhlfe)| match nhlfe {
        Nhlfe::Pop(pop) if lab.snapshot().nhlfe(pop.next) == Some(&Nhlfe::Unreachable) => Some(label),
        _ => None,
    });
    let label = label.last().unwrap();
    let lost = || ip(V4.beyond.1, "10.77.0.1") / udp(1) / payload(60);
    lab.send("core", mpls(label).ttl(64) / lost());
    let error = V4.icmp((3, 1), (1, 3)).quoting(lost()).stack(mpls(label).ttl(64).bos());
    lab.expect("core", mpls(LSP) / mpls(THERE[0]).bos() / ip(V4.ra, V4.beyond.1) / error);
    let snapshot = lab.snapshot();
    let red = snapshot.vrf_named("red").unwrap().id;
    assert_eq!(lab.router().handle().vrf_drops(red), [(DropReason::Unreachable, 1)]);
    lab.expect_drop(DropReason::Unreachable);
}
