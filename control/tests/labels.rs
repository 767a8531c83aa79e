//! Labels in a running router: routes that push, LSPs that many routes share, incoming
//! labels of every kind, and the labels that the router gives out itself.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{state_with, way};
use control::config::parse;
use control::{PortFacts, State};
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
        std::net::IpAddr::V4(a) => vrf.fib4.lookup(a),
        std::net::IpAddr::V6(a) => vrf.fib6.lookup(a),
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
