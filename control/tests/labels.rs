//! Labels in a running router: routes that push, LSPs that many routes share and
//! incoming labels of every kind.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::net::IpAddr;

use common::labels::{PE, apply, label, route};
use common::state_with;
use control::RouteChange;
use control::commit::{RouteSpec, RouteVia};
use control::config::parse;
use dataplane::table::Snapshot;

#[test]
fn vpn_routes_go_through_the_lsp_to_their_egress() {
    let (mut state, mut snapshot) = state_with(PE);
    assert_eq!(route(&snapshot, "default", "10.255.0.2"), "push 17 10.0.0.2 on core0");
    assert_eq!(route(&snapshot, "red", "10.9.0.1"), "push 30012 push 17 10.0.0.2 on core0");
    assert_eq!(label(&snapshot, 100_000), "lookup red");
    // The LSP gets a second way, then another label, then none at all.
    let two = PE.replace(
        "via = \"10.0.0.2\"\npush = [17]",
        "via = [{ address = \"10.0.0.2\", push = [17] }, { address = \"10.0.1.2\", push = [18, 19] }]",
    );
    apply(&mut state, &mut snapshot, &two);
    assert_eq!(
        route(&snapshot, "red", "10.9.0.1"),
        "push 30012 [push 17 10.0.0.2 on core0; push 18,19 10.0.1.2 on core1]"
    );
    apply(&mut state, &mut snapshot, &PE.replace("[17]", "[3]"));
    assert_eq!(route(&snapshot, "red", "10.9.0.1"), "push 30012 10.0.0.2 on core0");
    apply(&mut state, &mut snapshot, PE);
    let (_, fresh) = state_with(PE);
    assert_eq!(snapshot.nhlfes.len(), fresh.nhlfes.len(), "nothing is left behind");
}

#[test]
fn labels_of_the_file_swap_pop_and_end() {
    let text = format!(
        "{PE}
[[label]]
label = 16
swap = 20
via = \"10.0.1.2\"
[[label]]
label = 17
swap = 21
via = \"10.255.0.2\"
push = [22]
[[label]]
label = 18
pop = true
via = \"10.0.1.2\"
[[label]]
label = 19
vrf = \"red\"
[[label]]
label = 20
swap = 0
via = [\"10.0.0.2\", \"10.0.1.2\"]
"
    );
    let (mut state, mut snapshot) = state_with(&text);
    assert_eq!(label(&snapshot, 16), "swap 20 10.0.1.2 on core1");
    assert_eq!(label(&snapshot, 17), "swap 21 push 22 push 17 10.0.0.2 on core0");
    assert_eq!(label(&snapshot, 18), "pop 10.0.1.2 on core1");
    assert_eq!(label(&snapshot, 19), "lookup red");
    assert_eq!(label(&snapshot, 20), "swap 0 [10.0.0.2 on core0; 10.0.1.2 on core1]");
    // A line that goes down takes its labels with it, and gives them back.
    let before = snapshot.nhlfes.len();
    assert!(state.links(["core".to_owned()].into(), &mut snapshot));
    assert_eq!([16, 17, 18, 20].map(|l| label(&snapshot, l)), ["no label"; 4]);
    assert_eq!(label(&snapshot, 19), "lookup red");
    assert!(state.links(Default::default(), &mut snapshot));
    assert_eq!(label(&snapshot, 17), "swap 21 push 22 push 17 10.0.0.2 on core0");
    assert_eq!(snapshot.nhlfes.len(), before);
    apply(&mut state, &mut snapshot, PE);
    assert_eq!(snapshot.ilm.len(), 1);
    let (_, fresh) = state_with(PE);
    assert_eq!(snapshot.nhlfes.len(), fresh.nhlfes.len());
}

#[test]
fn lsps_carry_lsps_and_circles_of_them_are_not_used() {
    let lsp = |to: &str, via: &str, label: u32| {
        format!("[[route]]\nprefix = \"{to}/32\"\nvia = \"{via}\"\npush = [{label}]\n")
    };
    let deep = lsp("10.255.0.3", "10.255.0.2", 40) + &lsp("10.255.0.4", "10.255.0.3", 50);
    let vpn = "[[route]]\nvrf = \"red\"\nprefix = \"10.8.0.0/16\"\nvia = \"10.255.0.3\"\npush = [60]\n";
    let (_, snapshot) = state_with(&format!("{PE}{deep}{vpn}"));
    assert_eq!(route(&snapshot, "default", "10.255.0.4"), "push 50 push 40 push 17 10.0.0.2 on core0");
    assert_eq!(route(&snapshot, "red", "10.8.0.1"), "push 60 push 40 push 17 10.0.0.2 on core0");
    // The way to .2 leads through .3, which leads through .2.
    let circle = PE.replace("via = \"10.0.0.2\"", "via = \"10.255.0.3\"");
    let refused = parse(&format!("{circle}{deep}{vpn}"), "t").unwrap_err().to_string();
    assert!(refused.contains("10.255.0.3 cannot be reached"), "{refused}");
}

/// Entries that differ between two generations.
fn writes(a: &Snapshot, b: &Snapshot) -> usize {
    let most = a.nhlfes.capacity().max(b.nhlfes.capacity());
    (0..most).filter(|i| a.nhlfes.get(*i) != b.nhlfes.get(*i)).count()
}

/// The transport path to an egress router changes: what that costs with `n` VPN routes.
fn change_under(n: u32) -> (usize, usize) {
    let (mut state, mut snapshot) = state_with(PE);
    let vpn = |i: u32| {
        let via = vec![RouteVia::from("10.255.0.2".parse::<IpAddr>().unwrap())];
        let prefix = format!("20.{}.{}.0/24", i >> 8, i & 255).parse().unwrap();
        // A label of its own each, as a neighbour with labels per prefix gives them.
        let push = vec![200_000 + i];
        RouteChange::Add(RouteSpec { vrf: Some("red".into()), prefix, via, push, ..RouteSpec::default() })
    };
    state.routes(&(0..n).map(vpn).collect::<Vec<_>>(), &mut snapshot).unwrap();
    let before = snapshot.clone();
    let turned = RouteChange::Add(RouteSpec {
        prefix: "10.255.0.2/32".parse().unwrap(),
        via: vec![RouteVia::from("10.0.1.2".parse::<IpAddr>().unwrap())],
        push: vec![99],
        distance: Some(1),
        ..RouteSpec::default()
    });
    // A static route goes before a run-time one of its distance, so that goes first.
    let text = PE.replace("via = \"10.0.0.2\"", "via = \"10.0.0.2\"\ndistance = 9");
    apply(&mut state, &mut snapshot, &text);
    let middle = snapshot.clone();
    assert_eq!(writes(&before, &middle), 0);
    state.routes(&[turned], &mut snapshot).unwrap();
    assert_eq!(route(&snapshot, "red", "20.0.0.1"), "push 200000 push 99 10.0.1.2 on core1");
    let fib = |s: &Snapshot| s.vrf_named("red").unwrap().fib4.clone();
    (writes(&middle, &snapshot), fib(&snapshot).shared_with(&fib(&middle)).1)
}

#[test]
fn a_change_of_the_transport_path_costs_the_same_for_any_number_of_vpn_routes() {
    let few = change_under(10);
    assert_eq!(few.1, 0, "no Fib of the VPN is touched");
    assert_eq!(few, change_under(10_000));
}

#[test]
fn vpn_routes_go_with_their_lsp_and_come_back() {
    let (mut state, mut snapshot) = state_with(PE);
    let was = snapshot.nhlfes.len();
    state.links(["core".to_owned()].into(), &mut snapshot);
    assert_eq!(route(&snapshot, "red", "10.9.0.1"), "no route");
    state.links(Default::default(), &mut snapshot);
    assert_eq!(route(&snapshot, "red", "10.9.0.1"), "push 30012 push 17 10.0.0.2 on core0");
    assert_eq!(snapshot.nhlfes.len(), was);
}
