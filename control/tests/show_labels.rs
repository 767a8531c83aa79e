//! What the commands show of labels, LSPs and Vrfs.

#![allow(clippy::unwrap_used)]

mod common;

use common::state_with;
use control::show::{HopRow, LspFilter, RouteFilter, labels, lsps, routes, vpns};

const TEXT: &str = r#"
[[port]]
name = "core"
kind = "loopback"
[[vrf]]
name = "red"
rd = "65000:1"
export = ["65000:1"]
import = [{ target = "65000:9", prefixes = "some" }]
[[vrf]]
name = "shared"
rd = "65000:9"
export = ["65000:9"]
label = "per-ce"
[[prefix-list]]
name = "some"
entries = ["10.8.0.0/16"]
[[interface]]
name = "core"
mpls = true
addresses = ["10.0.0.1/24"]
[[interface]]
name = "shared"
port = "core"
vlan = 2
vrf = "shared"
addresses = ["10.9.0.1/24"]
[[route]]
prefix = "10.255.0.2/32"
via = "10.0.0.2"
push = [17]
[[route]]
vrf = "red"
prefix = "10.2.0.0/16"
via = "10.255.0.2"
push = [30012]
[[route]]
vrf = "shared"
prefix = "10.8.0.0/16"
via = "10.9.0.7"
[[label]]
label = 40
swap = 41
via = "10.255.0.2"
[[label]]
label = 41
vrf = "red"
"#;

fn stack(hops: &[HopRow]) -> Vec<&[u32]> {
    hops.iter().map(|hop| &*hop.labels).collect()
}

#[test]
fn labels_say_who_asked_and_where_they_lead() {
    let (state, snapshot) = state_with(TEXT);
    let rows = labels(&snapshot, &state);
    let told: Vec<_> = rows.iter().map(|r| (r.label, r.asked.as_str(), r.leads.as_str(), r.used)).collect();
    assert_eq!(
        told,
        [
            (40, "static", "swap 41, via 10.255.0.2", true),
            (41, "static", "end of the LSP, look-up in vrf red", true),
            (100_000, "vrf red per-vrf", "end of the LSP, look-up in vrf red", true),
            (100_001, "vrf shared per-vrf", "end of the LSP, look-up in vrf shared", true),
            (100_002, "vrf shared per-ce via 10.9.0.7", "end of the LSP, via 10.9.0.7", true),
        ]
    );
    assert_eq!(stack(&rows[0].hops), [&[17, 41][..]]);
    assert_eq!((rows[4].hops[0].interface.as_str(), stack(&rows[4].hops)), ("shared", vec![&[][..]]));
}

#[test]
fn lsps_say_their_stack_and_how_many_use_them() {
    let (mut state, mut snapshot) = state_with(TEXT);
    let all = |filter: LspFilter, state: &control::State, snapshot: &dataplane::table::Snapshot| {
        let rows = lsps(snapshot, state, &filter);
        rows.into_iter().map(|r| (r.next_hop.to_string(), r.users, r.hops, r.unused)).collect::<Vec<_>>()
    };
    let rows = all(LspFilter::default(), &state, &snapshot);
    assert_eq!((rows.len(), rows[0].0.as_str(), rows[1].0.as_str()), (2, "10.0.0.2", "10.255.0.2"));
    // The route of vrf red.
    assert_eq!((rows[1].1, stack(&rows[1].2)), (1, vec![&[17][..]]));
    let of = |label| LspFilter { label: Some(label), ..LspFilter::default() };
    assert_eq!(all(of(17), &state, &snapshot).len(), 1);
    assert_eq!(all(of(99), &state, &snapshot).len(), 0);
    let within = LspFilter { within: Some("10.255.0.0/16".parse().unwrap()), ..LspFilter::default() };
    assert_eq!(all(within.clone(), &state, &snapshot).len(), 1);
    state.links(["core".to_owned()].into(), &mut snapshot);
    assert_eq!(all(within, &state, &snapshot)[0].3.as_deref(), Some("no route covers it"));
}

#[test]
fn vrfs_say_what_they_take_and_give() {
    let (state, snapshot) = state_with(TEXT);
    let rows = vpns(&snapshot, &state);
    let red = rows.iter().find(|r| r.name == "red").unwrap();
    assert_eq!((red.rd.as_deref(), &*red.import), (Some("65000:1"), &["65000:9 (some)".to_owned()][..]));
    assert_eq!((red.label_mode.as_deref(), red.label, red.labels), (Some("per-vrf"), Some(100_000), 1));
    assert_eq!((red.ipv4, red.imported), (2, 1));
    let rows =
        routes(&snapshot, &state, &RouteFilter { vrf: Some("red".into()), ..RouteFilter::default() }).rows;
    assert_eq!(rows[0].asks, ["via 10.255.0.2 push 30012 in vrf default"]);
    assert_eq!((stack(&rows[0].hops), rows[0].label), (vec![&[17, 30_012][..]], Some(100_000)));
    assert_eq!((&*rows[1].asks, rows[1].label), (&["imported from vrf shared".to_owned()][..], None));
    assert_eq!(rows[1].hops[0].interface, "shared");
}
