//! Routes between local Vrfs, by route target and prefix list, against an obvious reading
//! of the configuration: which Vrf reaches which prefix, and by whose route.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;

use common::{state_with, way};
use control::commit::{RouteSpec, RouteVia};
use control::config::{Config, PrefixList, parse};
use control::{PortFacts, RouteChange};
use dataplane::table::Snapshot;
use ipnet::IpNet;
use proptest::prelude::*;

const VRFS: [&str; 4] = ["a", "b", "c", "d"];
const PREFIXES: [&str; 6] =
    ["10.1.0.0/16", "10.1.1.0/24", "10.2.0.0/16", "10.9.0.1/32", "10.10.0.0/24", "0.0.0.0/0"];
const LISTS: &str = r#"
[[prefix-list]]
name = "tens"
entries = ["deny 10.1.1.0/24", "10.0.0.0/8 le 24"]
[[prefix-list]]
name = "hosts"
entries = ["0.0.0.0/0 ge 32"]
"#;

/// What one Vrf of the property test is like.
#[derive(Clone, Debug)]
struct Plan {
    /// Targets and prefix lists, 0 to 3 and 0 to 2: import, export.
    rules: [Vec<(u8, u8)>; 2],
    /// Static routes: prefix, and whether it discards.
    routes: BTreeMap<usize, bool>,
    mode: u8,
}

fn plan() -> impl Strategy<Value = Option<Plan>> {
    let rules = || prop::collection::btree_set((0u8..3, 0u8..3), 0..3).prop_map(|r| r.into_iter().collect());
    let routes = prop::collection::btree_map(0..PREFIXES.len(), any::<bool>(), 0..3);
    let of = (rules(), rules(), routes, 0u8..3);
    prop::option::weighted(0.9, of.prop_map(|(i, e, routes, mode)| Plan { rules: [i, e], routes, mode }))
}

/// Up to four Vrfs on one port, each with an interface of the same address.
fn text(plans: &[Option<Plan>]) -> String {
    let mut text = format!("[[port]]\nname = \"p\"\nkind = \"loopback\"\n{LISTS}");
    for (n, plan) in plans.iter().enumerate() {
        let Some(plan) = plan else { continue };
        let rule = |(target, list): &(u8, u8)| match list {
            0 => format!("\"65000:{target}\""),
            1 => format!("{{ target = \"65000:{target}\", prefixes = \"tens\" }}"),
            _ => format!("{{ target = \"65000:{target}\", prefixes = \"hosts\" }}"),
        };
        let [import, export] =
            plan.rules.each_ref().map(|rules| rules.iter().map(rule).collect::<Vec<_>>().join(", "));
        let (vrf, mode) = (VRFS[n], ["per-vrf", "per-ce", "per-prefix"][usize::from(plan.mode)]);
        text += &format!(
            "[[vrf]]\nname = \"{vrf}\"\nrd = \"65000:{n}\"\nimport = [{import}]\nexport = [{export}]\nlabel = \"{mode}\"\n\
             [[interface]]\nname = \"if{vrf}\"\nport = \"p\"\nvlan = {}\nvrf = \"{vrf}\"\naddresses = [\"10.9.{n}.1/24\"]\n",
            n + 1
        );
        for (prefix, discards) in &plan.routes {
            let how =
                if *discards { "discard = \"blackhole\"".into() } else { format!("via = \"10.9.{n}.7\"") };
            text += &format!("[[route]]\nvrf = \"{vrf}\"\nprefix = \"{}\"\n{how}\n", PREFIXES[*prefix]);
        }
    }
    text
}

/// A run-time route: Vrf, prefix, distance; no distance takes it out.
type Change = (usize, usize, Option<u8>);

fn change((vrf, prefix, distance): Change) -> RouteChange {
    let (vrf_name, prefix) = (VRFS[vrf].to_owned(), PREFIXES[prefix].parse().unwrap());
    match distance {
        None => RouteChange::Remove { vrf: Some(vrf_name), prefix },
        Some(_) => {
            let hop: std::net::IpAddr = format!("10.9.{vrf}.8").parse().unwrap();
            let via = vec![RouteVia::from(hop)];
            RouteChange::Add(RouteSpec { vrf: Some(vrf_name), prefix, via, distance, ..RouteSpec::default() })
        }
    }
}

/// Every route, read from end to end for every question.
#[derive(Default)]
struct Oracle {
    runtime: BTreeMap<(usize, IpNet), u8>,
}

impl Oracle {
    /// A Vrf's own routes: prefix → distance, rank of the source, words.
    fn own(&self, config: &Config, n: usize) -> BTreeMap<IpNet, (u8, u8, String)> {
        let mut best: BTreeMap<IpNet, (u8, u8, String)> = BTreeMap::new();
        let mut add = |prefix: IpNet, distance: u8, rank: u8, words: String| {
            let new = (distance, rank, words);
            if best.get(&prefix).is_none_or(|old| (new.0, new.1) < (old.0, old.1)) {
                best.insert(prefix, new);
            }
        };
        for interface in config.interfaces.iter().filter(|i| i.vrf == VRFS[n]) {
            for net in &interface.addresses {
                add(net.trunc(), 0, 1, format!("on {}", interface.name));
                add(net.addr().into(), 0, 0, "local".into());
                add(net.broadcast().into(), 0, 0, "local".into());
            }
        }
        for route in config.routes.iter().filter(|r| r.vrf == VRFS[n]) {
            let via = route.via.first().map(|via| format!("{} on if{}", via.address, VRFS[n]));
            add(route.prefix, 1, 2, via.unwrap_or_else(|| "blackhole".into()));
        }
        for ((_, prefix), distance) in self.runtime.iter().filter(|((vrf, _), _)| *vrf == n) {
            add(*prefix, *distance, 3, format!("10.9.{n}.8 on if{}", VRFS[n]));
        }
        best
    }

    /// Vrf → prefix → where it leads.
    fn reach(&self, config: &Config) -> BTreeMap<String, BTreeMap<String, String>> {
        let listed = |rule: &control::config::TargetRule, prefix: IpNet| {
            let list = rule.prefixes.as_ref().map(|name| config.prefix_list(name).unwrap());
            list.is_none_or(|list: &PrefixList| list.permits(prefix))
        };
        let vrfs: Vec<_> = (0..VRFS.len()).filter_map(|n| Some((n, config.vrf(VRFS[n])?))).collect();
        let own: BTreeMap<usize, _> = vrfs.iter().map(|(n, _)| (*n, self.own(config, *n))).collect();
        let mut reach = BTreeMap::new();
        for (to, importer) in &vrfs {
            let mut table = own[to].clone();
            let mut taken: BTreeMap<IpNet, String> = BTreeMap::new();
            for (from, exporter) in vrfs.iter().filter(|(from, _)| from != to) {
                for (prefix, (_, _, words)) in &own[from] {
                    // Of the local routes only the interfaces' own addresses are for others.
                    let mut nets = config.interfaces.iter().flat_map(|i| &i.addresses);
                    if words == "local" && !nets.any(|net| net.addr() == prefix.addr()) {
                        continue;
                    }
                    let out = exporter.export.iter().filter(|e| listed(e, *prefix));
                    let takes = out
                        .into_iter()
                        .any(|e| importer.import.iter().any(|i| i.target == e.target && listed(i, *prefix)));
                    if takes {
                        taken.entry(*prefix).or_insert_with(|| words.clone());
                    }
                }
            }
            for (prefix, words) in taken {
                if table.get(&prefix).is_none_or(|own| own.0 > 200) {
                    table.insert(prefix, (200, 4, words));
                }
            }
            let words = table.into_iter().map(|(p, (_, _, words))| (p.to_string(), words)).collect();
            reach.insert(importer.name.clone(), words);
        }
        reach
    }
}

fn told(snapshot: &Snapshot) -> BTreeMap<String, BTreeMap<String, String>> {
    let vrfs = snapshot.vrfs.iter().map(|(_, v)| v).filter(|v| &*v.name != "default");
    let table = |v: &dataplane::table::Vrf| {
        v.fib4.iter().map(|(p, id)| (p.to_string(), way(snapshot, id))).collect::<BTreeMap<_, _>>()
    };
    vrfs.map(|v| (v.name.to_string(), table(v))).collect()
}

#[derive(Clone, Debug)]
enum Step {
    Apply(usize),
    Batch(Vec<Change>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let distance = prop::sample::select(vec![None, Some(1), Some(5), Some(250)]);
    let change = (0..VRFS.len(), 0..PREFIXES.len(), distance);
    let step = prop_oneof![
        1 => (0..3usize).prop_map(Step::Apply),
        3 => prop::collection::vec(change, 1..5).prop_map(Step::Batch),
    ];
    prop::collection::vec(step, 1..10)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// After any history, every Vrf reaches what the targets and lists say, and labels lead
    /// where the routes do.
    #[test]
    fn reach_agrees_with_the_obvious(
        plans in prop::array::uniform3(prop::array::uniform4(plan())), steps in steps(),
    ) {
        let files = plans.each_ref().map(|plans| text(plans));
        let (mut state, mut snapshot) = state_with(&files[0]);
        let mut current = 0;
        let (mut oracle, mut config) = (Oracle::default(), parse(&files[0], "t").unwrap());
        for step in steps {
            match step {
                Step::Apply(n) => {
                    current = n;
                    config = parse(&files[n], "t").unwrap();
                    state.apply(config.clone(), &PortFacts::default(), &mut snapshot).unwrap();
                    oracle.runtime.retain(|(vrf, _), _| config.vrf(VRFS[*vrf]).is_some());
                }
                Step::Batch(batch) => {
                    let there = |(vrf, ..): &&Change| config.vrf(VRFS[*vrf]).is_some();
                    let batch: Vec<Change> = batch.iter().filter(there).copied().collect();
                    let changes: Vec<_> = batch.iter().copied().map(change).collect();
                    state.routes(&changes, &mut snapshot).unwrap();
                    for (vrf, prefix, distance) in batch {
                        let key = (vrf, PREFIXES[prefix].parse().unwrap());
                        match distance {
                            Some(distance) => drop(oracle.runtime.insert(key, distance)),
                            None => drop(oracle.runtime.remove(&key)),
                        }
                    }
                }
            }
            prop_assert_eq!(told(&snapshot), oracle.reach(&config));
            prop_assert!(snapshot.ilm.iter().all(|(_, id)| snapshot.nhlfe(id).is_some()));
        }
        // All out again: nothing is left behind.
        let all: Vec<_> = (0..VRFS.len()).filter(|n| config.vrf(VRFS[*n]).is_some()).flat_map(|vrf| {
            (0..PREFIXES.len()).map(move |prefix| change((vrf, prefix, None)))
        }).collect();
        state.routes(&all, &mut snapshot).unwrap();
        let (_, fresh) = state_with(&files[current]);
        prop_assert_eq!(told(&snapshot), told(&fresh));
        prop_assert_eq!(snapshot.nhlfes.len(), fresh.nhlfes.len());
        prop_assert_eq!(snapshot.ilm.len(), fresh.ilm.len());
    }
}
