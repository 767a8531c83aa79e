//! VPN routes reach the egress PE through one shared entry: a change of the LSP is one
//! change, however many prefixes go by it.

use dataplane::id::NhlfeId;
use dataplane::packet::DropReason;
use dataplane::table::Snapshot;
use testbed::lab::Lab;
use testbed::packet::*;

use super::labels::expect_bytes;
use super::vpn::{EGRESS, core, customer, lab, pe_text, route, vrf};
use super::{FAMILIES, V4};

/// A PE with `n` IPv4 prefixes of red behind the other one, and this LSP.
fn many(n: usize, lsp: &str) -> String {
    let mut text =
        core() + &route("default", &format!("{EGRESS}/32"), lsp) + &vrf("red", "") + &customer("red");
    for i in 0..n {
        let prefix = format!("10.{}.{}.0/24", 20 + i / 256, i % 256);
        text += &route("red", &prefix, &format!("via = \"{EGRESS}\"\npush = [{}]", 30_000 + i % 50));
    }
    text
}

const FIRST: &str = "via = \"10.2.0.9\"\npush = [16002]";
const SECOND: &str = "via = \"10.2.0.10\"\npush = [16102, 16202]";

#[track_caller]
fn leaves_by(lab: &mut Lab, n: usize, labels: &[u32]) {
    let dst = format!("10.{}.{}.9", 20 + n / 256, n % 256);
    let inner = |ttl| ip(V4.a, &dst).ttl(ttl) / udp(1) / payload(60);
    lab.send("red", inner(64));
    let stack = labels.iter().fold(Packet::default(), |s, l| s / mpls(*l).ttl(63));
    expect_bytes(lab, "core", stack / mpls(30_000 + (n % 50) as u32).ttl(63) / inner(63));
}

/// How many entries, and how many prefixes' entries, differ between two generations.
fn changes(before: &Snapshot, after: &Snapshot) -> (usize, usize) {
    let entries = |s: &Snapshot| s.nhlfes.iter().map(|(id, n)| (id, n.clone())).collect::<Vec<_>>();
    let (old, new) = (entries(before), entries(after));
    let entries = new.iter().filter(|entry| !old.contains(entry)).count();
    let prefix = |s: &Snapshot, n: usize| -> Option<NhlfeId> {
        let net = format!("10.{}.{}.0/24", 20 + n / 256, n % 256).parse().unwrap();
        s.vrf_named("red").unwrap().fib4.get(net)
    };
    let prefixes = (0..10_000).filter(|n| prefix(before, *n) != prefix(after, *n)).count();
    (entries, prefixes)
}

#[test]
fn a_changed_lsp_costs_the_same_for_ten_prefixes_as_for_ten_thousand() {
    let mut costs = Vec::new();
    for n in [10, 10_000] {
        let mut lab = lab(&many(n, FIRST), &["red"]);
        lab.host("core", "10.2.0.10");
        lab.forget();
        for i in [0, n / 2, n - 1] {
            leaves_by(&mut lab, i, &[16_002]);
        }
        let before = lab.snapshot();
        lab.apply(&many(n, SECOND));
        for i in [0, n / 2, n - 1] {
            leaves_by(&mut lab, i, &[16_102, 16_202]);
        }
        let (entries, prefixes) = changes(&before, &lab.snapshot());
        assert_eq!(prefixes, 0, "prefixes lead to another entry than before");
        costs.push(entries);
        lab.expect_no_drops();
    }
    assert_eq!(costs[0], costs[1], "entries written");
    assert!(costs[0] <= 3, "{costs:?} entries written");
}

#[test]
fn an_lsp_that_comes_and_goes_takes_all_its_prefixes_along() {
    let mut lab = lab(&pe_text("", ""), &["red", "blue"]);
    let probe = |lab: &mut Lab, from: &str| {
        for f in FAMILIES {
            lab.send(from, ip(f.a, f.beyond.1) / udp(1) / payload(60));
        }
        lab.run(testbed::lab::ms(1));
        lab.take("core").len()
    };
    assert_eq!((probe(&mut lab, "red"), probe(&mut lab, "blue")), (2, 2));
    lab.apply(&pe_text("", "").replacen("mpls = true", "mpls = true\nenabled = false", 1));
    lab.forget();
    assert_eq!((probe(&mut lab, "red"), probe(&mut lab, "blue")), (0, 0));
    lab.expect_drops(&[(DropReason::NoRoute, 4)]);
    lab.apply(&pe_text("", ""));
    lab.run(testbed::lab::secs(15));
    lab.forget();
    assert_eq!((probe(&mut lab, "red"), probe(&mut lab, "blue")), (2, 2));
}

#[test]
fn an_egress_that_nothing_leads_to_is_refused() {
    let mut lab = lab(&pe_text("", ""), &["red", "blue"]);
    let refusal = lab.try_apply(&pe_text("", "").replace(&super::vpn::lsp(), "")).unwrap_err();
    assert!(refusal.contains("172.31.0.2 cannot be reached"), "{refusal}");
}

#[test]
fn several_lsps_to_one_egress_share_the_flows() {
    let via =
        "via = [{ address = \"10.2.0.9\", push = [16002] }, { address = \"10.2.0.10\", push = [16102] }]";
    let mut lab = lab(&many(10, via), &["red"]);
    lab.host("core", "10.2.0.10");
    lab.forget();
    let mut by = [0; 2];
    for flow in 0..400u16 {
        lab.send("red", ip(V4.a, "10.20.3.9") / udp(flow) / payload(60));
        let got = lab.expect("core", rest());
        let labels = super::labels::stack(&got);
        assert_eq!((labels.len(), labels[1]), (2, 30_003));
        by[usize::from(labels[0] == 16_102)] += 1;
    }
    assert!(by.iter().all(|n| (140..=260).contains(n)), "{by:?} of 400 flows");
}

#[test]
fn an_egress_without_an_lsp_is_not_reached_by_plain_ip() {
    // A labelled packet may go to the egress itself only where it is the next hop.
    let mut lab = lab(&many(10, "via = \"10.2.0.9\""), &["red"]);
    lab.send("red", ip(V4.a, "10.20.3.9").ttl(64) / udp(1) / payload(60));
    // Its neighbour is the penultimate hop of nothing: the VPN label stands alone.
    expect_bytes(
        &mut lab,
        "core",
        mpls(30_003).ttl(63) / ip(V4.a, "10.20.3.9").ttl(63) / udp(1) / payload(60),
    );
}

#[test]
fn a_route_added_at_run_time_moves_the_lsp_of_all() {
    let mut lab = lab(&many(100, FIRST), &["red"]);
    lab.host("core", "10.2.0.10");
    lab.forget();
    leaves_by(&mut lab, 7, &[16_002]);
    lab.route_add("default", &format!("{EGRESS}/32"), &["10.2.0.10"]);
    // The file's route and the run-time one are to one prefix: whichever is used, all go by it.
    let mut seen = Vec::new();
    for n in [0, 7, 99] {
        let dst = format!("10.20.{n}.9");
        lab.send("red", ip(V4.a, &dst) / udp(1) / payload(60));
        seen.push(super::labels::stack(&lab.expect("core", rest())).len());
    }
    assert!(seen.iter().all(|n| *n == seen[0]), "{seen:?}");
    lab.expect_no_drops();
}
