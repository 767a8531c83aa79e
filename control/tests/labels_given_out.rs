//! Labels that the router gives out itself, from the dynamic range.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::labels::{PE, apply, label, route};
use common::state_with;
use control::commit::{Asked, Key, RouteSpec};
use control::config::parse;
use control::{PortFacts, RouteChange, State};

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
fn a_full_range_has_labels_for_what_takes_the_place_of_what_goes() {
    let small = per_prefix("100-103");
    let (mut state, mut snapshot) = state_with(&small);
    let nine = of_prefix(&state, "10.9.0.0/16").unwrap();
    apply(&mut state, &mut snapshot, &small.replace("10.9.0.0/16", "10.8.0.0/16"));
    assert_eq!(of_prefix(&state, "10.8.0.0/16"), Some(nine));
    assert_eq!(label(&snapshot, nine), "pop egress red push 30012 push 17 10.0.0.2 on core0");
    apply(&mut state, &mut snapshot, &per_prefix("100-104").replace("10.9.0.0/16", "10.8.0.0/16"));
    // At run time, in whatever order.
    let route = |prefix: &str| common::add_in("red", prefix, &["10.0.0.9"]);
    let gone =
        |prefix: &str| RouteChange::Remove { vrf: Some("red".into()), prefix: prefix.parse().unwrap() };
    state.routes(&[route("30.0.0.0/24")], &mut snapshot).unwrap();
    let last = of_prefix(&state, "30.0.0.0/24").unwrap();
    for (old, new) in [("30.0.0.0/24", "29.0.0.0/24"), ("29.0.0.0/24", "31.0.0.0/24")] {
        state.routes(&[route(new), gone(old)], &mut snapshot).unwrap();
        assert_eq!((of_prefix(&state, old), of_prefix(&state, new)), (None, Some(last)));
        assert_eq!(label(&snapshot, last), "pop egress red 10.0.0.9 on ce");
    }
    let stamp = snapshot.nhlfes.stamp();
    let two = [route("32.0.0.0/24"), gone("31.0.0.0/24"), route("33.0.0.0/24")];
    let errors = state.routes(&two, &mut snapshot).unwrap_err().to_string();
    assert!(errors.starts_with("route 3: the dynamic label range 100-104 is exhausted"), "{errors}");
    assert_eq!(snapshot.nhlfes.stamp(), stamp);
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
