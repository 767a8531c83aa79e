//! Labels in a running router: routes that push, LSPs that many routes share, incoming
//! labels of every kind, and the labels that the router gives out itself.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::net::IpAddr;

use common::{state_with, way};
use control::commit::{Asked, Key, LabelSpec, RouteSpec, RouteVia};
use control::config::parse;
use control::{LabelChange, PortFacts, RouteChange, State};
use dataplane::table::Snapshot;

const PE: &str = r#"
[[port]]
name = "core"
kind = "loopback"
[[port]]
name = "ce"
kind = "loopback"
[[vrf]]
name = "red"
rd = "65000:1"
export = ["65000:1"]
ttl = "pipe"
[[interface]]
name = "core0"
port = "core"
mpls = true
addresses = ["10.0.0.1/24", "2001:db8::1/64"]
[[interface]]
name = "core1"
port = "core"
vlan = 1
mpls = true
addresses = ["10.0.1.1/24"]
[[interface]]
name = "ce"
vrf = "red"
addresses = ["10.0.0.1/24"]
[[route]]
prefix = "10.255.0.2/32"
via = "10.0.0.2"
push = [17]
[[route]]
vrf = "red"
prefix = "10.9.0.0/16"
via = "10.255.0.2"
push = [30012]
"#;

fn route(snapshot: &Snapshot, vrf: &str, to: &str) -> String {
    let vrf = snapshot.vrf_named(vrf).unwrap();
    let id = match to.parse().unwrap() {
        IpAddr::V4(a) => vrf.fib4.lookup(a),
        IpAddr::V6(a) => vrf.fib6.lookup(a),
    };
    id.map_or_else(|| "no route".into(), |id| way(snapshot, id))
}

fn label(snapshot: &Snapshot, label: u32) -> String {
    match snapshot.ilm.get(label) {
        id if id.is_some() => way(snapshot, id),
        _ => "no label".into(),
    }
}

fn apply(state: &mut State, snapshot: &mut Snapshot, text: &str) {
    state.apply(parse(text, "t").unwrap(), &PortFacts::default(), snapshot).unwrap();
}

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

fn add(label: u32, swap: u32, via: &str) -> LabelChange {
    let via = vec![RouteVia::from(via.parse::<IpAddr>().unwrap())];
    LabelChange::Add(LabelSpec { label, swap: Some(swap), via, ..LabelSpec::default() })
}

#[test]
fn labels_come_and_go_at_run_time_whole_or_not_at_all() {
    let (mut state, mut snapshot) = state_with(PE);
    let was = (snapshot.nhlfes.len(), snapshot.ilm.len());
    let report = state.change_labels(&[add(40, 41, "10.255.0.2"), add(42, 43, "10.7.7.7")], &mut snapshot);
    let report = report.unwrap();
    assert_eq!((report.added, report.unresolved), (2, 1));
    assert_eq!(label(&snapshot, 40), "swap 41 push 17 10.0.0.2 on core0");
    assert_eq!(label(&snapshot, 42), "no label");
    let stamp = snapshot.nhlfes.stamp();
    for (bad, told) in [
        (add(15, 41, "10.0.0.2"), "15 is not a label of 16 to 1048575"),
        (add(100_000, 41, "10.0.0.2"), "of the range 100000-1048575"),
        (add(44, 7, "10.0.0.2"), "7 is no label to put on"),
        (
            LabelChange::Add(LabelSpec { label: 44, ..LabelSpec::default() }),
            "nothing becomes of the label 44",
        ),
        (
            LabelChange::Add(LabelSpec { label: 44, vrf: Some("blue".into()), ..LabelSpec::default() }),
            "no vrf \"blue\"",
        ),
    ] {
        let errors = state.change_labels(&[add(40, 50, "10.0.0.2"), bad], &mut snapshot).unwrap_err();
        assert!(errors.to_string().starts_with("label 2: "), "{errors}");
        assert!(errors.to_string().contains(told), "{errors}");
    }
    assert_eq!(snapshot.nhlfes.stamp(), stamp, "what is refused leaves no trace");
    // The way to the next hop of 42 comes; 40 leads elsewhere.
    let lsp = common::add("10.7.7.7/32", &["10.0.1.2"], None);
    state.routes(&[lsp], &mut snapshot).unwrap();
    assert_eq!(label(&snapshot, 42), "swap 43 10.0.1.2 on core1");
    assert_eq!(state.change_labels(&[add(40, 44, "10.0.1.2")], &mut snapshot).unwrap().replaced, 1);
    assert_eq!(label(&snapshot, 40), "swap 44 10.0.1.2 on core1");
    let gone = [40, 42, 43].map(|label| LabelChange::Remove { label });
    let report = state.change_labels(&gone, &mut snapshot).unwrap();
    assert_eq!((report.removed, report.missing), (2, 1));
    state.routes(&[common::remove("10.7.7.7/32")], &mut snapshot).unwrap();
    assert_eq!((snapshot.nhlfes.len(), snapshot.ilm.len()), was);
}

#[test]
fn labels_are_given_out_by_what_is_asked_and_stay() {
    let per = |mode: &str| PE.replace("ttl = \"pipe\"", &format!("label = \"{mode}\""));
    let ce = "[[route]]\nvrf = \"red\"\nprefix = \"10.7.0.0/16\"\nvia = \"10.0.0.9\"\n";
    let (mut state, mut snapshot) = state_with(&format!("{}{ce}", per("per-ce")));
    let given = |state: &State| state.labels().map(|(label, _)| label).collect::<Vec<_>>();
    // The Vrf's own for what is connected, one for each set of next hops.
    assert_eq!(given(&state), [100_000, 100_001, 100_002]);
    assert_eq!(label(&snapshot, 100_002), "pop egress red 10.0.0.9 on ce");
    let more = |n: u32| common::add_in("red", &format!("30.0.{n}.0/24"), &["10.0.0.9"]);
    state.routes(&[more(0), more(1)], &mut snapshot).unwrap();
    assert_eq!(given(&state).len(), 3, "the same customer edge, the same label");
    // A label that is given up rests, and is then the last to be given out.
    apply(&mut state, &mut snapshot, &format!("{}{ce}", per("per-vrf")));
    assert_eq!(given(&state), [100_000]);
    apply(&mut state, &mut snapshot, &format!("{}{ce}", per("per-prefix")));
    assert!(given(&state).iter().all(|label| *label > 100_002), "{:?}", given(&state));
    let seven = of_prefix(&state, "10.7.0.0/16").unwrap();
    assert_eq!(label(&snapshot, seven), "pop egress red 10.0.0.9 on ce");
    assert_eq!(label(&snapshot, of_prefix(&state, "10.0.0.0/24").unwrap()), "lookup red");
    // A line that goes down moves none.
    let before = given(&state);
    state.links(["ce".to_owned()].into(), &mut snapshot);
    assert_eq!((label(&snapshot, seven), given(&state)), ("no label".into(), before.clone()));
    state.links(Default::default(), &mut snapshot);
    assert_eq!((label(&snapshot, seven), given(&state)), ("pop egress red 10.0.0.9 on ce".into(), before));
}

#[test]
fn an_exhausted_range_is_named_and_changes_nothing() {
    let small = per_prefix("100-103");
    // 10.9.0.0/16, and the connected subnet with its two addresses: all four.
    let (mut state, mut snapshot) = state_with(&small);
    assert_eq!(snapshot.ilm.len(), 4);
    let stamp = snapshot.nhlfes.stamp();
    let errors =
        state.routes(&[common::add_in("red", "30.0.0.0/24", &["10.0.0.9"])], &mut snapshot).unwrap_err();
    assert!(errors.to_string().contains("the dynamic label range 100-103 is exhausted"), "{errors}");
    let refused =
        state.apply(parse(&small.replace("103", "102"), "t").unwrap(), &PortFacts::default(), &mut snapshot);
    let refused = refused.unwrap_err();
    assert_eq!(refused.errors[0].key, "labels.dynamic");
    assert!(refused.to_string().contains("range 100-102 is exhausted"), "{refused}");
    assert_eq!(snapshot.nhlfes.stamp(), stamp);
}

/// With labels of this range for the prefixes of "red".
fn per_prefix(range: &str) -> String {
    let red = PE.replace("ttl = \"pipe\"", "label = \"per-prefix\"");
    format!("{red}[labels]\ndynamic = \"{range}\"\n")
}

fn of_prefix(state: &State, text: &str) -> Option<u32> {
    let named = |of: &control::commit::Label| matches!(&of.asked, Asked::Vrf(Key::Prefix(_, p)) if p.to_string() == text);
    state.labels().find(|(_, of)| named(of)).map(|(label, _)| label)
}

#[test]
fn a_label_of_the_file_takes_over_a_number_that_was_given_out() {
    let swap = "[[label]]\nlabel = 100\nswap = 50\nvia = \"10.0.0.2\"\n";
    let ranges = [("100-199", ""), ("200-299", swap), ("100-199", ""), ("200-299", swap)];
    let (mut state, mut snapshot) = state_with(PE);
    for (range, more) in ranges {
        let text = format!("{PE}[labels]\ndynamic = \"{range}\"\n{more}");
        apply(&mut state, &mut snapshot, &text);
        let (_, fresh) = state_with(&text);
        assert_eq!(label(&snapshot, 100), label(&fresh, 100), "{range}");
        assert_eq!(snapshot.ilm.len(), fresh.ilm.len());
        assert_eq!(snapshot.nhlfes.len(), fresh.nhlfes.len());
    }
    assert_eq!(label(&snapshot, 100), "swap 50 10.0.0.2 on core0");
}

#[test]
fn a_label_of_a_subnet_outlives_run_time_routes_while_the_line_is_down() {
    let (mut state, mut snapshot) = state_with(&per_prefix("100-199"));
    let subnet = of_prefix(&state, "10.0.0.0/24");
    assert!(subnet.is_some());
    state.links(["ce".to_owned()].into(), &mut snapshot);
    state.routes(&[common::add_in("red", "10.0.0.0/24", &["10.255.0.2"])], &mut snapshot).unwrap();
    let gone = RouteChange::Remove { vrf: Some("red".into()), prefix: "10.0.0.0/24".parse().unwrap() };
    state.routes(&[gone], &mut snapshot).unwrap();
    state.links(Default::default(), &mut snapshot);
    assert_eq!(of_prefix(&state, "10.0.0.0/24"), subnet);
    assert_eq!(label(&snapshot, subnet.unwrap()), "lookup red");
}

#[test]
fn a_label_of_a_prefix_follows_its_route_to_a_discard_and_back() {
    let (mut state, mut snapshot) = state_with(&per_prefix("100-199"));
    let two = common::add_in("red", "10.2.0.0/16", &["10.0.0.9"]);
    state.routes(&[two], &mut snapshot).unwrap();
    let two = of_prefix(&state, "10.2.0.0/16").unwrap();
    assert_eq!(label(&snapshot, two), "pop egress red 10.0.0.9 on ce");
    let nine = "10.0.0.9/32".parse().unwrap();
    let drop = RouteSpec {
        vrf: Some("red".into()),
        prefix: nine,
        discard: Some(control::config::Discard::Unreachable),
        ..RouteSpec::default()
    };
    for _ in 0..2 {
        state.routes(&[RouteChange::Add(drop.clone())], &mut snapshot).unwrap();
        assert_eq!(label(&snapshot, two), "lookup red");
        state
            .routes(&[RouteChange::Remove { vrf: Some("red".into()), prefix: nine }], &mut snapshot)
            .unwrap();
        assert_eq!(label(&snapshot, two), "pop egress red 10.0.0.9 on ce");
    }
}

#[test]
fn an_exhausted_range_says_what_rests_for_one_change() {
    let small = per_prefix("100-103");
    let (mut state, mut snapshot) = state_with(&small);
    let other = small.replace("10.9.0.0/16", "10.8.0.0/16");
    let refused = state.apply(parse(&other, "t").unwrap(), &PortFacts::default(), &mut snapshot).unwrap_err();
    assert!(
        refused.to_string().contains("1 given up by this change can be given out again by the next"),
        "{refused}"
    );
}

#[test]
fn broadcast_and_anycast_addresses_stay_in_their_vrf() {
    let blue = "[[vrf]]\nname = \"blue\"\nrd = \"65000:2\"\nimport = [\"65000:1\"]\n";
    let text = format!(
        "{}{blue}",
        PE.replace(
            "vrf = \"red\"\naddresses = [\"10.0.0.1/24\"]",
            "vrf = \"red\"\naddresses = [\"10.0.0.1/24\", \"2001:db8:7::1/64\"]"
        )
    );
    let (_, snapshot) = state_with(&text);
    assert_eq!(route(&snapshot, "red", "10.0.0.255"), "local");
    assert_eq!(route(&snapshot, "red", "2001:db8:7::"), "local");
    assert_eq!(route(&snapshot, "blue", "10.0.0.1"), "local");
    assert_eq!(route(&snapshot, "blue", "2001:db8:7::1"), "local");
    assert_eq!(route(&snapshot, "blue", "10.0.0.255"), "on ce");
    assert_eq!(route(&snapshot, "blue", "2001:db8:7::"), "on ce");
}
