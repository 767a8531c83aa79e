//! Routes and labels given at run time are held to the rules of the file.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::net::IpAddr;

use common::{describe, remove, state_with};
use control::commit::{LabelSpec, RouteSpec, RouteVia};
use control::config::{DiffServWord, Discard, TtlWord, parse};
use control::{LabelChange, RouteChange};

/// Labelled frames leave by "core" only.
const PE: &str = r#"
[[port]]
name = "core"
kind = "loopback"
[[port]]
name = "lan"
kind = "loopback"
[[port]]
name = "ce"
kind = "loopback"
[[vrf]]
name = "red"
[[vrf]]
name = "blue"
[[interface]]
name = "core"
mpls = true
addresses = ["10.0.0.1/24"]
[[interface]]
name = "lan"
addresses = ["10.0.1.1/24"]
[[interface]]
name = "ce"
vrf = "red"
addresses = ["10.0.0.1/24"]
"#;

fn via(address: &str) -> Vec<RouteVia> {
    vec![RouteVia::from(address.parse::<IpAddr>().unwrap())]
}

/// Why a route is refused; empty where it is taken.
fn route(spec: RouteSpec) -> String {
    let (mut state, mut snapshot) = state_with(PE);
    let done = state.routes(&[RouteChange::Add(spec)], &mut snapshot);
    done.err().map_or_else(String::new, |errors| errors.errors[0].message.clone())
}

/// Why a label is refused; empty where it is taken.
fn label(spec: LabelSpec) -> String {
    let (mut state, mut snapshot) = state_with(PE);
    let done = state.change_labels(&[LabelChange::Add(spec)], &mut snapshot);
    done.err().map_or_else(String::new, |errors| errors.errors[0].message.clone())
}

fn to(vrf: &str, address: &str, push: &[u32]) -> RouteSpec {
    let prefix = "10.7.0.0/16".parse().unwrap();
    RouteSpec { vrf: Some(vrf.into()), prefix, via: via(address), push: push.into(), ..RouteSpec::default() }
}

#[track_caller]
fn assert_starts(told: String, with: &str) {
    assert!(told.starts_with(with), "{told:?} does not start with {with:?}");
}

#[test]
fn implicit_null_alone_takes_no_packet_out_of_its_vrf() {
    let told = "implicit null puts no label on, and packets of vrf \"red\" would go unlabelled into vrf";
    assert_starts(route(to("red", "10.0.0.2", &[3])), &format!("push: {told} \"default\""));
    let blue = RouteSpec { via_vrf: Some("blue".into()), ..to("red", "10.0.0.2", &[3, 3]) };
    assert_starts(route(blue), &format!("push: {told} \"blue\""));
    let own = vec![RouteVia { push: Some(vec![3]), ..via("10.0.0.2")[0].clone() }];
    assert_starts(
        route(RouteSpec { via: own, ..to("red", "10.0.0.2", &[17]) }),
        &format!("via.push: {told}"),
    );
    assert_eq!(route(to("default", "10.0.0.2", &[3])), "");
    assert_eq!(route(RouteSpec { via_vrf: Some("red".into()), ..to("red", "10.0.0.2", &[3]) }), "");
    assert_eq!(route(to("red", "10.0.0.2", &[3, 17])), "");
}

#[test]
fn the_file_says_the_same_of_implicit_null() {
    let file = |text: &str| {
        let red = "[[route]]\nvrf = \"red\"\nprefix = \"10.7.0.0/16\"\nvia = \"10.0.0.2\"\n";
        let errors = parse(&format!("{PE}{red}{text}\n"), "t").err();
        errors.map_or_else(String::new, |errors| errors.errors[0].message.clone())
    };
    let told = "implicit null puts no label on, and packets of vrf \"red\" would go unlabelled into vrf";
    assert_eq!(file("push = [3]"), format!("{told} \"default\""));
    assert_eq!(file("push = [3, 3]\nvia-vrf = \"default\""), format!("{told} \"default\""));
    assert_eq!(file("push = [3]\nvia-vrf = \"red\""), "");
    assert_eq!(file("push = [3, 17]"), "");
}

#[test]
fn what_would_say_nothing_of_a_route_is_refused() {
    let plain = || to("red", "10.0.0.2", &[]);
    for spec in [
        RouteSpec { entropy: true, ..plain() },
        RouteSpec { ttl: Some(TtlWord::Pipe), ..plain() },
        RouteSpec { diffserv: Some(DiffServWord::Pipe), ..plain() },
    ] {
        let told = route(spec);
        assert!(told.contains(": no labels are put on ("), "{told}");
    }
    let discard =
        RouteSpec { via: Vec::new(), discard: Some(Discard::Blackhole), ..to("red", "10.0.0.2", &[]) };
    let elsewhere = RouteSpec { via_vrf: Some("nosuch".into()), ..discard.clone() };
    assert_starts(route(elsewhere), "via-vrf: a route that discards has no \"via-vrf\"");
    let pushed = RouteSpec { push: vec![17], ..discard };
    assert_starts(route(pushed), "push: a route that discards has no \"push\"");
    assert_starts(route(to("red", "10.0.0.2", &[17, 2])), "push: 2 is the explicit null of the other family");
    let nosuch = RouteSpec { via_vrf: Some("nosuch".into()), ..plain() };
    assert_eq!(route(nosuch), "there is no vrf \"nosuch\"");
}

#[test]
fn what_would_say_nothing_of_a_label_is_refused() {
    let red = || Some("red".to_owned());
    let pop = LabelSpec { label: 17, pop: true, ..LabelSpec::default() };
    assert_eq!(label(pop.clone()), "");
    assert_starts(label(LabelSpec { via_vrf: red(), ..pop.clone() }), "via-vrf: there is no next hop");
    let lookup = LabelSpec { label: 17, vrf: red(), ..LabelSpec::default() };
    assert_eq!(label(lookup.clone()), "");
    assert_starts(
        label(LabelSpec { via_vrf: Some("blue".into()), ..lookup.clone() }),
        "via-vrf: there is no next hop",
    );
    assert_starts(
        label(LabelSpec { via: via("10.0.0.2"), ..lookup.clone() }),
        "via: what is looked up in a vrf goes where its routes say",
    );
    let swap = LabelSpec { label: 17, swap: Some(20), via: via("10.0.0.2"), ..LabelSpec::default() };
    assert_eq!(label(swap.clone()), "");
    assert_starts(
        label(LabelSpec { ttl: Some(TtlWord::Pipe), ..swap.clone() }),
        "ttl: a swap hands TTL and traffic class on as they are",
    );
    assert_starts(
        label(LabelSpec { diffserv: Some(DiffServWord::Pipe), ..swap.clone() }),
        "diffserv: a swap hands TTL and traffic class on as they are",
    );
    assert_starts(
        label(LabelSpec { via: Vec::new(), ..swap }),
        "swap: a label that is swapped needs a next hop",
    );
    assert_starts(
        label(LabelSpec { push: vec![18], via: via("10.0.0.2"), ..pop }),
        "push: only what is swapped is pushed on",
    );
}

#[test]
fn labelled_frames_leave_only_where_mpls_is_on() {
    let told = "10.0.1.2 is on \"lan\", which sends no labelled frames";
    assert_eq!(route(to("default", "10.0.1.2", &[17])), told);
    let named = vec![RouteVia { interface: Some("lan".into()), ..via("10.0.1.2")[0].clone() }];
    assert_eq!(route(RouteSpec { via: named, ..to("default", "10.0.1.2", &[17]) }), told);
    let swap = |to| LabelSpec { label: 17, swap: Some(to), via: via("10.0.1.2"), ..LabelSpec::default() };
    assert_eq!(label(swap(18)), told);
    assert_eq!(label(swap(3)), "", "what leaves has no label of ours");
    assert_eq!(route(to("default", "10.0.1.2", &[3])), "");
    assert_eq!(route(to("default", "10.0.0.2", &[17])), "");
    assert_eq!(route(to("red", "10.0.0.2", &[17])), "");
}

#[test]
fn a_removal_names_the_prefix_as_an_addition_does() {
    let (mut state, mut snapshot) = state_with(PE);
    let was = common::add("10.8.0.0/24", &["10.0.0.2"], None);
    state.routes(&[was], &mut snapshot).unwrap();
    let changes = [remove("10.8.0.5/24"), common::add("10.8.0.0/24", &["10.0.0.3"], None)];
    let errors = state.routes(&changes, &mut snapshot).unwrap_err();
    assert_eq!(errors.errors[0].message, "10.8.0.5/24 has bits set past its length");
    let changes = [remove("10.8.0.0/24"), common::add("10.8.0.0/24", &["10.0.0.3"], None)];
    state.routes(&changes, &mut snapshot).unwrap();
    assert_eq!(describe(&snapshot, "default")["10.8.0.0/24"], "10.0.0.3 on core");
}
