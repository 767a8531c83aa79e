//! Routes with labels and incoming labels, given at run time.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::net::IpAddr;

use common::labels::{PE, apply, label, route};
use common::state_with;
use control::commit::{LabelSpec, RouteSpec, RouteVia};
use control::config::{TtlWord, parse};
use control::show::{self, RouteFilter};
use control::{LabelChange, PortFacts, RouteChange};
use dataplane::id::NhlfeId;
use dataplane::table::{DiffServModel, Nhlfe, Snapshot, TtlModel, TunnelModel};

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

/// What the entry that a route or label leads to takes over.
fn model(snapshot: &Snapshot, id: NhlfeId) -> TunnelModel {
    match snapshot.nhlfe(id).unwrap() {
        Nhlfe::Push(push) => push.model,
        Nhlfe::Pop(pop) => pop.model,
        Nhlfe::PopLookup(pop) => pop.model,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_not_said_follows_the_vrf_as_it_changes() {
    let (mut state, mut snapshot) = state_with(PE);
    let push = |prefix: &str, ttl| {
        RouteChange::Add(RouteSpec {
            vrf: Some("red".into()),
            prefix: prefix.parse().unwrap(),
            via: vec![RouteVia::from("10.255.0.2".parse::<IpAddr>().unwrap())],
            push: vec![30_100],
            ttl,
            ..RouteSpec::default()
        })
    };
    let pushes = [push("10.20.0.0/16", None), push("10.21.0.0/16", Some(TtlWord::Pipe))];
    state.routes(&pushes, &mut snapshot).unwrap();
    let end = |label, ttl| LabelSpec { label, vrf: Some("red".into()), ttl, ..LabelSpec::default() };
    let pop = LabelSpec {
        label: 52,
        pop: true,
        via: vec![RouteVia::from("10.0.1.2".parse::<IpAddr>().unwrap())],
        ..LabelSpec::default()
    };
    let labels = [end(50, None), end(51, Some(TtlWord::Pipe)), pop].map(LabelChange::Add);
    state.change_labels(&labels, &mut snapshot).unwrap();
    let all = |snapshot: &Snapshot| {
        let route = |to: [u8; 4]| snapshot.vrf_named("red").unwrap().fib4.lookup(to.into()).unwrap();
        let ids = [route([10, 20, 0, 1]), route([10, 21, 0, 1]), snapshot.ilm.get(50), snapshot.ilm.get(51)];
        ids.map(|id| model(snapshot, id))
    };
    let is = |ttl, diffserv| TunnelModel { ttl, diffserv };
    let pipe = is(TtlModel::Pipe, DiffServModel::Pipe);
    assert_eq!(all(&snapshot), [pipe; 4]);
    assert_eq!(model(&snapshot, snapshot.ilm.get(52)), TunnelModel::default());

    let short = PE.replace("ttl = \"pipe\"", "ttl = \"uniform\"\ndiffserv = \"short-pipe\"");
    apply(&mut state, &mut snapshot, &short);
    let (follows, said) = (DiffServModel::ShortPipe, TtlModel::Pipe);
    assert_eq!(
        all(&snapshot),
        [
            is(TtlModel::Uniform, follows),
            is(said, follows),
            is(TtlModel::Uniform, follows),
            is(said, follows)
        ]
    );
    // The Vrf in which the next hops are.
    let default = "[[vrf]]\nname = \"default\"\nttl = \"pipe\"\n";
    apply(&mut state, &mut snapshot, &format!("{PE}{default}"));
    assert_eq!(model(&snapshot, snapshot.ilm.get(52)), pipe);
    assert_eq!(all(&snapshot), [pipe; 4]);
}

#[test]
fn a_customer_edges_label_stays_when_the_model_of_its_vrf_changes() {
    let per_ce = PE.replace("ttl = \"pipe\"", "label = \"per-ce\"\nttl = \"pipe\"");
    let (mut state, mut snapshot) = state_with(&per_ce);
    let given = |state: &control::State| state.labels().map(|(label, _)| label).collect::<Vec<_>>();
    let before = given(&state);
    apply(&mut state, &mut snapshot, &per_ce.replace("ttl = \"pipe\"", "ttl = \"uniform\""));
    assert_eq!(given(&state), before);
}

#[test]
fn next_hops_that_may_be_sent_no_labels_any_more_are_told() {
    let (mut state, mut snapshot) = state_with(PE);
    let via = |swap| vec![RouteVia { swap, ..RouteVia::from("10.0.1.2".parse::<IpAddr>().unwrap()) }];
    let prefix = "10.20.0.0/16".parse().unwrap();
    let push = RouteSpec {
        vrf: Some("red".into()),
        prefix,
        via: via(None),
        push: vec![500],
        ..RouteSpec::default()
    };
    state.routes(&[RouteChange::Add(push)], &mut snapshot).unwrap();
    let each = LabelSpec { label: 62, via: via(Some(63)), ..LabelSpec::default() };
    let pop = LabelSpec { label: 64, pop: true, via: via(None), ..LabelSpec::default() };
    let labels = [add(60, 61, "10.0.1.2"), LabelChange::Add(each), LabelChange::Add(pop)];
    state.change_labels(&labels, &mut snapshot).unwrap();
    let all = |snapshot: &Snapshot| {
        let labels = [60, 62, 64].map(|n| label(snapshot, n));
        (route(snapshot, "red", "10.20.0.1"), labels)
    };
    let before = all(&snapshot);
    assert_eq!(before.0, "push 500 10.0.1.2 on core1");

    let off = PE.replace("vlan = 1\nmpls = true", "vlan = 1");
    let report = state.apply(parse(&off, "t").unwrap(), &PortFacts::default(), &mut snapshot).unwrap();
    assert_eq!(report.unresolved, 3);
    let unused = ["no label".into(), "no label".into(), "pop 10.0.1.2 on core1".to_string()];
    assert_eq!(all(&snapshot), ("no route".into(), unused));
    let told = "the interface \"core1\" sends no labelled frames";
    let filter = RouteFilter { within: Some(prefix), ..RouteFilter::default() };
    let rows = show::routes(&snapshot, &state, &filter).rows;
    assert!(rows[0].why.contains(told), "{}", rows[0].why);
    for row in show::labels(&snapshot, &state).iter().filter(|row| [60, 62].contains(&row.label)) {
        assert!(row.leads.contains(told) && !row.used, "{row:?}");
    }
    apply(&mut state, &mut snapshot, PE);
    assert_eq!(all(&snapshot), before);
}
