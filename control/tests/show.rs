//! What the commands show of the tables, as rows; and the schema of the file.

#![allow(clippy::unwrap_used)]

use control::commit::{RouteSpec, RouteVia};
use control::config::{Config, parse};
use control::show::{self, RouteFilter};
use control::{PortFacts, RouteChange, State};
use dataplane::table::Snapshot;

const TEXT: &str = r#"
[[port]]
name = "ge0"
kind = "af-packet"
device = "eth0"
[[port]]
name = "ge1"
kind = "loopback"
rate = "1 Gbit/s"
[[vrf]]
name = "red"
otherwise = "unreachable"
[[interface]]
name = "ge0"
addresses = ["10.0.0.1/24"]
[[interface]]
name = "red1"
port = "ge1"
vlan = [20, 30]
tpid = "802.1ad"
vrf = "red"
mac = "02:00:00:00:00:aa"
addresses = ["2001:db8::1/64"]
[interface.qos]
rate = "10 Mbit/s"
discipline = "fifo"
[[route]]
prefix = "10.9.0.0/16"
via = ["10.0.0.2", "10.0.0.3"]
[[neighbour]]
interface = "ge0"
address = "10.0.0.3"
mac = "02:00:00:00:00:03"
"#;

fn router() -> (State, Snapshot) {
    let (mut state, mut snapshot) = (State::new(), Snapshot::default());
    let facts = PortFacts { macs: [("ge0".to_owned(), [2, 0, 0, 0, 0, 1])].into() };
    state.apply(parse(TEXT, "t").unwrap(), &facts, &mut snapshot).unwrap();
    let route = |prefix: &str, via: &str| {
        let via = vec![RouteVia::from(via.parse::<std::net::IpAddr>().unwrap())];
        let prefix = prefix.parse().unwrap();
        RouteChange::Add(RouteSpec { prefix, via, ..RouteSpec::default() })
    };
    let changes = [route("10.9.0.0/16", "10.0.0.4"), route("10.8.0.0/16", "10.7.0.1")];
    assert_eq!(state.routes(&changes, &mut snapshot).unwrap().unresolved, 1);
    (state, snapshot)
}

fn lines(filter: &RouteFilter) -> Vec<String> {
    let (state, snapshot) = router();
    let rows = show::routes(&snapshot, &state, filter).rows;
    let line = |r: &show::RouteRow| {
        let used = if r.used { ">" } else { " " };
        format!("{used} {} {} {} {}/{}: {}", r.vrf, r.prefix, r.asks.join(" "), r.source, r.distance, r.why)
    };
    rows.iter().map(line).collect()
}

#[test]
fn routes_say_which_is_used_and_why() {
    let default = RouteFilter { vrf: Some("default".into()), ..RouteFilter::default() };
    insta::assert_snapshot!("routes", lines(&default).join("\n"));
    let within = RouteFilter { within: Some("10.8.0.0/15".parse().unwrap()), ..RouteFilter::default() };
    assert_eq!(lines(&within).len(), 3);
    let covering = RouteFilter { covering: Some("10.8.1.1".parse().unwrap()), ..default.clone() };
    assert_eq!(lines(&covering), Vec::<String>::new(), "no route to it can be used");
    let covering = RouteFilter { covering: Some("10.9.1.1".parse().unwrap()), ..default };
    assert_eq!(lines(&covering).len(), 2);
    let (state, snapshot) = router();
    let few = show::routes(&snapshot, &state, &RouteFilter { most: 2, ..RouteFilter::default() });
    assert_eq!((few.rows.len(), few.more), (2, 9));
}

#[test]
fn hops_say_whether_their_neighbour_is_known() {
    let (state, snapshot) = router();
    let filter = RouteFilter { covering: Some("10.9.1.1".parse().unwrap()), ..RouteFilter::default() };
    let hops = &show::routes(&snapshot, &state, &filter).rows[0].hops;
    let known: Vec<_> = hops.iter().map(|h| (h.address.to_string(), h.resolved)).collect();
    assert_eq!(known, [("10.0.0.2".to_owned(), false), ("10.0.0.3".to_owned(), true)]);
}

#[test]
fn the_summary_counts_each_table() {
    let (state, snapshot) = router();
    let summary = show::summary(&snapshot, &state);
    let default = &summary.vrfs[0];
    assert_eq!((default.name.as_str(), default.ipv4, default.prefixes), ("default", 4, 5));
    assert!(default.ipv4_bytes > 0 && default.rib_bytes > 0);
    assert_eq!((summary.vrfs[1].ipv4, summary.vrfs[1].ipv6), (1, 4));
}

#[test]
fn the_schema_names_every_key() {
    let schema = serde_json::to_value(Config::schema()).unwrap();
    for key in ["router", "port", "interface", "vrf", "route", "neighbour", "limits"] {
        assert!(schema["properties"][key].is_object(), "{key}");
    }
    let limits = schema["$defs"]["Limits"]["properties"].as_object().unwrap();
    assert!(limits.contains_key("held-packets-per-neighbour"));
    assert!(limits.values().all(|v| v["description"].as_str().is_some_and(|d| d.contains("Default"))));
}
