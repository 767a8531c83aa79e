//! Routes in a running router: the best of several sources, next hops that hang
//! on other routes, batches and configurations that come and go.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{Oracle, add, describe, remove, state_with};
use control::config::parse;
use control::{PortFacts, RouteChange, State};
use dataplane::table::{Nhlfe, Snapshot};
use proptest::prelude::*;

const BASE: &str = r#"
[[port]]
name = "ge0"
kind = "loopback"
[[port]]
name = "ge1"
kind = "loopback"
[[vrf]]
name = "red"
[[interface]]
name = "ge0"
addresses = ["10.0.0.1/24"]
"#;

/// What a configuration of the property test says beside [`BASE`].
const VARIANTS: [&str; 4] = [
    "[[interface]]\nname = \"ge1\"\naddresses = [\"10.0.1.1/24\"]\n",
    "[[interface]]\nname = \"ge1\"\naddresses = [\"10.0.1.1/24\", \"172.16.0.2/24\"]\n
     [[route]]\nprefix = \"10.2.0.0/16\"\nvia = \"172.16.0.1\"\n",
    "[[interface]]\nname = \"ge1\"\nenabled = false\naddresses = [\"10.0.1.1/24\"]\n
     [[route]]\nprefix = \"10.1.0.0/16\"\nvia = \"10.0.1.2\"\n
     [[route]]\nprefix = \"10.1.0.0/16\"\ndiscard = \"blackhole\"\ndistance = 9\n",
    "[[route]]\nprefix = \"10.3.0.0/16\"\nvia = [\"10.0.0.2\", \"10.0.0.3\"]\n
     [[route]]\nprefix = \"192.0.2.0/24\"\nvia = \"10.3.0.1\"\n",
];

const PREFIXES: [&str; 9] = [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.2.0.0/16",
    "10.3.0.0/16",
    "10.1.1.0/24",
    "10.1.1.1/32",
    "192.0.2.0/24",
    "10.0.1.0/24",
];
const NEXT_HOPS: [&str; 8] =
    ["10.0.0.2", "10.0.0.3", "10.0.1.2", "10.1.1.1", "10.2.0.1", "10.3.0.1", "192.0.2.1", "172.16.0.1"];

#[derive(Clone, Debug)]
enum Step {
    Apply(usize),
    Batch(Vec<RouteChange>),
}

fn change() -> impl Strategy<Value = RouteChange> {
    let hops = prop::collection::vec(prop::sample::select(&NEXT_HOPS[..]), 1..4);
    let distance = prop::sample::select(vec![None, Some(1), Some(9), Some(255)]);
    let added = (prop::sample::select(&PREFIXES[..]), hops, distance, 0u8..8);
    prop_oneof![
        3 => added.prop_map(|(prefix, hops, distance, discard)| {
            let hops = if discard == 0 { Vec::new() } else { hops };
            add(prefix, &hops, distance)
        }),
        1 => prop::sample::select(&PREFIXES[..]).prop_map(remove),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        1 => (0..VARIANTS.len()).prop_map(Step::Apply),
        4 => prop::collection::vec(change(), 1..6).prop_map(Step::Batch),
    ];
    prop::collection::vec(step, 1..14)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// After any history, forwarding is what an obvious reading of the routes says.
    #[test]
    fn forwarding_agrees_with_the_obvious(steps in steps()) {
        let (mut state, mut snapshot) = state_with(BASE);
        let mut oracle = Oracle::new(BASE);
        for step in steps {
            match step {
                Step::Apply(n) => {
                    let text = format!("{BASE}{}", VARIANTS[n]);
                    state.apply(parse(&text, "t").unwrap(), &PortFacts::default(), &mut snapshot).unwrap();
                    oracle.configure(&text);
                }
                Step::Batch(changes) => {
                    state.routes(&changes, &mut snapshot).unwrap();
                    changes.iter().for_each(|c| oracle.change(c));
                }
            }
            prop_assert_eq!(describe(&snapshot, "default"), oracle.fib());
        }
        // Every route out again: nothing is left behind.
        let all: Vec<_> = PREFIXES.iter().map(|p| remove(p)).collect();
        state.routes(&all, &mut snapshot).unwrap();
        state.apply(parse(BASE, "t").unwrap(), &PortFacts::default(), &mut snapshot).unwrap();
        let (_, fresh) = state_with(BASE);
        prop_assert_eq!(describe(&snapshot, "default"), describe(&fresh, "default"));
        prop_assert_eq!(snapshot.nhlfes.len(), fresh.nhlfes.len());
        prop_assert!(snapshot.adjacencies.iter().all(|(_, a)| snapshot.interface(a.interface).is_some()));
    }

    /// A batch or a file with one fault changes nothing at all.
    #[test]
    fn what_is_refused_leaves_no_trace(before in prop::collection::vec(change(), 0..8),
                                       batch in prop::collection::vec(change(), 0..8), at in 0usize..8) {
        let (mut state, mut snapshot) = state_with(BASE);
        state.routes(&before, &mut snapshot).unwrap();
        let was = (describe(&snapshot, "default"), snapshot.nhlfes.stamp(), snapshot.vrfs.stamp());
        let mut bad = batch.clone();
        bad.insert(at.min(batch.len()), add("10.0.0.0/8", &["2001:db8::1"], None));
        let errors = state.routes(&bad, &mut snapshot).unwrap_err();
        prop_assert_eq!((errors.errors.len(), errors.errors[0].index), (1, at.min(batch.len())));
        let mut broken = parse(&format!("{BASE}{}", VARIANTS[1]), "t").unwrap();
        broken.interfaces[0].port = "ge9".into();
        prop_assert!(state.apply(broken, &PortFacts::default(), &mut snapshot).is_err());
        prop_assert_eq!((describe(&snapshot, "default"), snapshot.nhlfes.stamp(), snapshot.vrfs.stamp()), was);
        // Nor in what the state knows: the same batch without the fault does what it does elsewhere.
        let (mut other, mut other_snapshot) = state_with(BASE);
        other.routes(&before, &mut other_snapshot).unwrap();
        let reports = (state.routes(&batch, &mut snapshot), other.routes(&batch, &mut other_snapshot));
        prop_assert_eq!(reports.0.unwrap(), reports.1.unwrap());
        prop_assert_eq!(describe(&snapshot, "default"), describe(&other_snapshot, "default"));
    }
}

fn group(snapshot: &Snapshot, to: &str) -> Vec<String> {
    let vrf = snapshot.vrf_named("default").unwrap();
    let id = vrf.fib4.lookup(to.parse().unwrap()).unwrap();
    let Some(Nhlfe::Ecmp(group)) = snapshot.nhlfe(id) else { panic!("{to} is no group") };
    let hop = |n: u32| match snapshot.nhlfe(group.select(n << 24)) {
        Some(Nhlfe::Forward(a)) => snapshot.adjacency(*a).unwrap().neighbour.to_string(),
        other => panic!("{other:?}"),
    };
    (0..256).map(hop).collect()
}

#[test]
fn flows_stay_when_a_route_loses_a_next_hop() {
    let (mut state, mut snapshot) = state_with(BASE);
    let hops = ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"];
    state.routes(&[add("10.9.0.0/16", &hops, None)], &mut snapshot).unwrap();
    let before = group(&snapshot, "10.9.0.1");
    state.routes(&[add("10.9.0.0/16", &hops[1..], None)], &mut snapshot).unwrap();
    let after = group(&snapshot, "10.9.0.1");
    for (a, b) in before.iter().zip(&after) {
        assert!(a == b || a == "10.0.0.2", "a flow of {a} moved to {b}");
    }
    assert!(!after.contains(&"10.0.0.2".to_owned()));
}

#[test]
fn names_keep_their_ids_and_learned_neighbours_stay() {
    let (mut state, mut snapshot) = state_with(&format!("{BASE}{}", VARIANTS[0]));
    let (ge0, ge1) = (state.interface("ge0").unwrap(), state.interface("ge1").unwrap());
    snapshot.set_neighbour(ge1, "10.0.1.9".parse().unwrap(), Some([2, 0, 0, 0, 0, 9]));
    // ge0 goes, another interface comes before ge1.
    let text = format!(
        "{}{}",
        BASE.replace("name = \"ge0\"\naddresses", "name = \"aa\"\nport = \"ge0\"\naddresses"),
        VARIANTS[0]
    );
    state.apply(parse(&text, "t").unwrap(), &PortFacts::default(), &mut snapshot).unwrap();
    assert_eq!((state.interface("ge0"), state.interface("ge1")), (None, Some(ge1)));
    assert_ne!(state.interface("aa"), Some(ge0), "an id rests for one apply: frames may still carry it");
    let aa = state.interface("aa");
    let ge1 = snapshot.interface(ge1).unwrap();
    let adjacency = ge1.neighbours[&"10.0.1.9".parse().unwrap()];
    assert_eq!(snapshot.adjacency(adjacency).unwrap().header().unwrap()[..6], [2, 0, 0, 0, 0, 9]);
    let more = format!("{text}[[interface]]\nname = \"bb\"\nport = \"ge0\"\nvlan = 77\n");
    state.apply(parse(&more, "t").unwrap(), &PortFacts::default(), &mut snapshot).unwrap();
    assert_eq!((state.interface("aa"), state.interface("bb")), (aa, Some(ge0)), "then it is used again");
    // Another VLAN is another segment: what was learned there does not hold here.
    let moved = text.replace("name = \"ge1\"\naddresses", "name = \"ge1\"\nvlan = 5\naddresses");
    state.apply(parse(&moved, "t").unwrap(), &PortFacts::default(), &mut snapshot).unwrap();
    assert_eq!(snapshot.adjacency(adjacency).unwrap().header(), None);
}

#[test]
fn static_neighbours_are_resolved_from_the_start() {
    let text = format!(
        "{BASE}[[neighbour]]\ninterface = \"ge0\"\naddress = \"10.0.0.7\"\nmac = \"02:00:00:00:00:07\"\n"
    );
    let (mut state, mut snapshot) = state_with(&text);
    let seven = |s: &Snapshot| {
        let id = s.interface_named("ge0").unwrap().neighbours.get(&"10.0.0.7".parse().unwrap()).copied();
        id.and_then(|id| s.adjacency(id)?.header().map(<[u8]>::to_vec))
    };
    assert_eq!(seven(&snapshot).unwrap()[..6], [2, 0, 0, 0, 0, 7]);
    state.apply(parse(BASE, "t").unwrap(), &PortFacts::default(), &mut snapshot).unwrap();
    assert_eq!(seven(&snapshot), None, "what was said is not known once it is not said any more");
}

#[test]
fn runtime_routes_go_with_their_vrf_and_this_is_said() {
    let (mut state, mut snapshot) = state_with(BASE);
    let red = |prefix: &str| {
        RouteChange::Add(control::commit::RouteSpec {
            vrf: Some("red".into()),
            prefix: prefix.parse().unwrap(),
            discard: Some(control::config::Discard::Unreachable),
            ..Default::default()
        })
    };
    state
        .routes(&[red("10.0.0.0/8"), red("11.0.0.0/8"), add("9.0.0.0/8", &["10.0.0.2"], None)], &mut snapshot)
        .unwrap();
    let without = BASE.replace("[[vrf]]\nname = \"red\"\n", "");
    let report = state.apply(parse(&without, "t").unwrap(), &PortFacts::default(), &mut snapshot).unwrap();
    assert_eq!((report.lost[0].vrf.as_str(), report.lost[0].routes), ("red", 2));
    assert!(snapshot.vrf_named("red").is_none());
    assert_eq!(describe(&snapshot, "default")["9.0.0.0/8"], "10.0.0.2 on ge0");
}

#[test]
fn many_routes_share_few_entries_and_move_together() {
    let (mut state, mut snapshot) = state_with(&format!("{BASE}{}", VARIANTS[0]));
    let base = snapshot.nhlfes.len();
    let hop = |n: u32| format!("10.0.{}.{}", n % 2, 2 + n % 40);
    let net = |n: u32| format!("{}.{}.{}.0/24", 20 + (n >> 16), (n >> 8) & 255, n & 255);
    let batch: Vec<_> = (0..100_000).map(|n| add(&net(n), &[&hop(n)], None)).collect();
    let report = state.routes(&batch, &mut snapshot).unwrap();
    assert_eq!((report.added, report.unresolved), (100_000, 0));
    let default = |s: &Snapshot| s.vrf_named("default").unwrap().fib4.len();
    assert_eq!((default(&snapshot), snapshot.nhlfes.len()), (100_006, base + 40));
    // ge1 goes down: its half of the routes cannot be used, and can again when it is back.
    let apply = |state: &mut State, snapshot: &mut Snapshot, text: &str| {
        state.apply(parse(text, "t").unwrap(), &PortFacts::default(), snapshot).unwrap()
    };
    assert_eq!(apply(&mut state, &mut snapshot, BASE).unresolved, 50_000);
    assert_eq!(default(&snapshot), 50_003);
    assert_eq!(apply(&mut state, &mut snapshot, &format!("{BASE}{}", VARIANTS[0])).unresolved, 0);
    assert_eq!(default(&snapshot), 100_006);
    let gone: Vec<_> = (0..100_000).map(|n| remove(&net(n))).collect();
    assert_eq!(state.routes(&gone, &mut snapshot).unwrap().removed, 100_000);
    assert_eq!((default(&snapshot), snapshot.nhlfes.len()), (6, base));
}

#[test]
fn ipv6_next_hops_are_link_local_or_reached_by_others() {
    let text = format!(
        "{}\n[[route]]\nprefix = \"::/0\"\nvia = \"fe80::2\"\ninterface = \"ge0\"\n
        [[route]]\nprefix = \"2001:db8:9::/48\"\nvia = \"2001:db8::9\"\n
        [[route]]\nprefix = \"2001:db8:a::/48\"\nvia = \"2001:db8:9::1\"\n",
        BASE.replace("10.0.0.1/24\"", "10.0.0.1/24\", \"2001:db8::1/64\"")
    );
    let (state, snapshot) = state_with(&text);
    let vrf = snapshot.vrf_named("default").unwrap();
    let to = |address: &str| {
        let id = vrf.fib6.lookup(address.parse().unwrap()).unwrap();
        let Some(Nhlfe::Forward(id)) = snapshot.nhlfe(id) else { return format!("{:?}", snapshot.nhlfe(id)) };
        snapshot.adjacency(*id).unwrap().neighbour.to_string()
    };
    assert_eq!(to("2001:db8:ffff::1"), "fe80::2");
    assert_eq!(to("2001:db8:9::1"), "2001:db8::9");
    assert_eq!(to("2001:db8:a::1"), "2001:db8::9");
    assert_eq!(to("2001:db8::1"), "Some(Local)");
    assert_eq!(to("2001:db8::7"), format!("Some(Glean(IfIndex({})))", state.interface("ge0").unwrap().0));
    // Link-local addresses are of their interface: the Vrf knows none.
    assert!(vrf.fib6.iter().all(|(p, _)| !p.addr().is_unicast_link_local()));
}

/// A default route by each of two uplinks: the better one's line goes down and comes up.
#[test]
fn what_is_reached_by_a_line_that_is_down_is_withdrawn_until_it_is_up() {
    let text = r#"
        [[port]]
        name = "a"
        kind = "loopback"
        [[port]]
        name = "b"
        kind = "loopback"
        [[interface]]
        name = "a"
        addresses = ["10.0.1.1/24"]
        [[interface]]
        name = "b"
        addresses = ["10.0.2.1/24"]
        [[route]]
        prefix = "0.0.0.0/0"
        via = "10.0.1.2"
        [[route]]
        prefix = "0.0.0.0/0"
        via = "10.0.2.2"
        distance = 10
    "#;
    let (mut state, mut snapshot) = (State::new(), Snapshot::default());
    state.apply(parse(text, "t").unwrap(), &PortFacts::default(), &mut snapshot).unwrap();
    let leads_to = |snapshot: &Snapshot, to: [u8; 4]| {
        let nhlfe = snapshot.vrf_named("default").unwrap().fib4.lookup(to.into())?;
        match snapshot.nhlfe(nhlfe)? {
            Nhlfe::Forward(adjacency) => Some(snapshot.adjacency(*adjacency)?.neighbour),
            _ => None,
        }
    };
    let before = snapshot.clone();
    assert_eq!(leads_to(&snapshot, [8, 8, 8, 8]), Some([10, 0, 1, 2].into()));
    assert!(state.links(["a".to_string()].into(), &mut snapshot));
    assert_eq!(leads_to(&snapshot, [8, 8, 8, 8]), Some([10, 0, 2, 2].into()));
    assert_eq!(leads_to(&snapshot, [10, 0, 1, 9]), Some([10, 0, 2, 2].into()), "the subnet is gone too");
    assert!(!state.links(["a".to_string()].into(), &mut snapshot), "no news");
    assert!(state.links(Default::default(), &mut snapshot));
    assert_eq!(leads_to(&snapshot, [8, 8, 8, 8]), leads_to(&before, [8, 8, 8, 8]));
    assert_eq!(
        snapshot.vrf_named("default").unwrap().fib4.len(),
        before.vrf_named("default").unwrap().fib4.len()
    );
}
