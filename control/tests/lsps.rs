//! LSPs through LSPs, across Vrfs, changed one at a time: what comes of it is what comes of
//! all at once, no entry leads back to itself, and no way is longer than forwarding walks.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::net::IpAddr;

use common::{state_with, way};
use control::RouteChange;
use control::commit::{RouteSpec, RouteVia};
use dataplane::id::NhlfeId;
use dataplane::table::{Nhlfe, Snapshot};
use proptest::prelude::*;

const TEXT: &str = r#"
[[port]]
name = "p"
kind = "loopback"
[[vrf]]
name = "red"
[[vrf]]
name = "blue"
[[interface]]
name = "core"
port = "p"
mpls = true
addresses = ["10.0.0.1/24"]
[[interface]]
name = "red"
port = "p"
vlan = 1
vrf = "red"
mpls = true
addresses = ["10.0.0.1/24"]
"#;
const VRFS: [&str; 3] = ["default", "red", "blue"];
const PREFIXES: [&str; 6] =
    ["10.255.0.1/32", "10.255.0.2/32", "10.255.0.3/32", "10.255.0.4/32", "10.255.0.0/24", "10.0.0.9/32"];
const HOPS: [&str; 6] = ["10.255.0.1", "10.255.0.2", "10.255.0.3", "10.255.0.4", "10.0.0.2", "10.0.0.9"];
/// Entries that forwarding walks at most from a prefix on.
const MOST: usize = 9;

/// Next hop, labelled or not, and the Vrf it is reached in, if that is said.
type Hop = (usize, bool, Option<usize>);
/// Vrf, prefix and next hops; none take the route out.
type Change = (usize, usize, Vec<Hop>);

fn change((vrf, prefix, hops): &Change) -> RouteChange {
    let (vrf, prefix) = (Some(VRFS[*vrf].to_owned()), PREFIXES[*prefix].parse().unwrap());
    let Some((_, _, via_vrf)) = hops.first() else { return RouteChange::Remove { vrf, prefix } };
    let via = |(hop, labelled, _): &Hop| {
        let push = labelled.then(|| vec![100 + *hop as u32]);
        RouteVia { push, ..RouteVia::from(HOPS[*hop].parse::<IpAddr>().unwrap()) }
    };
    let via_vrf = via_vrf.map(|vrf| VRFS[vrf].to_owned());
    let via = hops.iter().map(via).collect();
    RouteChange::Add(RouteSpec { vrf, prefix, via, via_vrf, ..RouteSpec::default() })
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let hop = (0..HOPS.len(), prop::bool::weighted(0.7), prop::option::weighted(0.3, 0..VRFS.len()));
    let hops = prop_oneof![1 => Just(Vec::new()), 4 => prop::collection::vec(hop, 1..3)];
    prop::collection::vec((0..VRFS.len(), 0..PREFIXES.len(), hops), 1..24)
}

/// The longest way from an entry, in entries; a panic where it comes back to itself.
fn longest(snapshot: &Snapshot, id: NhlfeId, before: &mut Vec<NhlfeId>) -> usize {
    assert!(!before.contains(&id), "entry {id} leads to itself");
    before.push(id);
    let further = match snapshot.nhlfe(id) {
        Some(Nhlfe::Push(push)) => longest(snapshot, push.next, before),
        Some(Nhlfe::Ecmp(group)) => {
            group.members().iter().map(|member| longest(snapshot, *member, before)).max().unwrap()
        }
        Some(_) => 0,
        None => panic!("entry {id} is gone, and something leads to it"),
    };
    before.pop();
    1 + further
}

fn told(snapshot: &Snapshot) -> BTreeMap<String, String> {
    let mut told = BTreeMap::new();
    for (_, vrf) in snapshot.vrfs.iter() {
        for (prefix, id) in vrf.fib4.iter() {
            let steps = longest(snapshot, id, &mut Vec::new());
            assert!(steps <= MOST, "{prefix} in {}: {steps} entries", vrf.name);
            told.insert(format!("{} {prefix}", vrf.name), way(snapshot, id));
        }
    }
    told
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn one_at_a_time_is_as_all_at_once(changes in changes()) {
        let (mut state, mut snapshot) = state_with(TEXT);
        let clean = (snapshot.nhlfes.len(), told(&snapshot));
        let mut last: BTreeMap<(usize, usize), Change> = BTreeMap::new();
        for one in changes {
            // A next hop that is named twice says nothing new.
            state.routes(&[change(&one)], &mut snapshot).unwrap();
            last.insert((one.0, one.1), one);
            let (mut fresh, mut all) = state_with(TEXT);
            fresh.routes(&last.values().map(change).collect::<Vec<_>>(), &mut all).unwrap();
            prop_assert_eq!(told(&snapshot), told(&all));
            prop_assert_eq!(snapshot.nhlfes.len(), all.nhlfes.len());
        }
        let gone: Vec<_> = last.into_values().map(|(vrf, prefix, _)| change(&(vrf, prefix, Vec::new()))).collect();
        state.routes(&gone, &mut snapshot).unwrap();
        prop_assert_eq!((snapshot.nhlfes.len(), told(&snapshot)), clean);
    }
}
