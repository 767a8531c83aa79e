//! The example files: each parses, is sound and compiles to what its text says.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;

use control::{Config, PortFacts, State, compile, config};
use dataplane::class::TrafficClass;
use dataplane::qos::{Cells, MeterAction, MeterKind, MeterSpec};
use dataplane::table::{Nhlfe, Snapshot, Tpid, VlanMatch, Vrf};

fn example(name: &str) -> Config {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    config::parse(&text, name).unwrap_or_else(|e| panic!("{e}"))
}

fn compiled(name: &str) -> Snapshot {
    compile(&example(name), &PortFacts::default()).unwrap_or_else(|e| panic!("{e}"))
}

/// What a destination leads to, down to interface and neighbour.
fn way(snapshot: &Snapshot, vrf: &Vrf, to: &str) -> String {
    let id = match to.parse().unwrap() {
        std::net::IpAddr::V4(a) => vrf.fib4.lookup(a),
        std::net::IpAddr::V6(a) => vrf.fib6.lookup(a),
    };
    let Some(id) = id else { return "none".into() };
    words(snapshot, snapshot.nhlfe(id).unwrap())
}

fn words(snapshot: &Snapshot, nhlfe: &Nhlfe) -> String {
    let on = |next| words(snapshot, snapshot.nhlfe(next).unwrap());
    match nhlfe {
        Nhlfe::Forward(id) => {
            let adjacency = snapshot.adjacency(*id).unwrap();
            let interface = snapshot.interface(adjacency.interface).unwrap();
            format!("{} on {}", adjacency.neighbour, interface.name)
        }
        Nhlfe::Glean(id) => format!("on {}", snapshot.interface(*id).unwrap().name),
        Nhlfe::Ecmp(group) => {
            let members = group.members().iter().map(|m| words(snapshot, snapshot.nhlfe(*m).unwrap()));
            members.collect::<Vec<_>>().join(" or ")
        }
        Nhlfe::Push(push) => {
            let labels: Vec<_> = push.labels.iter().map(|label| label.to_string()).collect();
            format!("push {} then {}", labels.join(","), on(push.next))
        }
        Nhlfe::Swap(swap) => format!("swap {} then {}", swap.label, on(swap.next)),
        Nhlfe::Pop(pop) => format!("pop then {}", on(pop.next)),
        Nhlfe::PopLookup(pop) => format!("look up in {}", snapshot.vrf(pop.vrf).unwrap().name),
        other => format!("{other:?}"),
    }
}

/// What a label leads to.
fn labelled(snapshot: &Snapshot, label: u32) -> String {
    let id = snapshot.ilm.get(label);
    if id.is_some() { words(snapshot, snapshot.nhlfe(id).unwrap()) } else { "none".into() }
}

#[test]
fn minimal_forwards_both_families() {
    let snapshot = compiled("minimal.toml");
    let vrf = snapshot.vrf_named("default").unwrap();
    assert_eq!(way(&snapshot, vrf, "203.0.113.9"), "198.51.100.1 on ge1");
    assert_eq!(way(&snapshot, vrf, "2001:db8:9::9"), "2001:db8:0:2::1 on ge1");
    assert_eq!(way(&snapshot, vrf, "192.0.2.77"), "on ge0");
    assert_eq!(way(&snapshot, vrf, "192.0.2.1"), "Local");
    assert_eq!(way(&snapshot, vrf, "192.0.2.255"), "Local");
    assert_eq!(way(&snapshot, vrf, "2001:db8:0:1::"), "Local");
    let ge0 = snapshot.interface_named("ge0").unwrap();
    assert!(
        ge0.addresses.iter().any(|a| a.net.to_string().starts_with("fe80::") && a.net.prefix_len() == 64)
    );
}

#[test]
fn site_shapes_its_uplink_and_polices_its_telephones() {
    let snapshot = compiled("site.toml");
    let qos = &snapshot.interface_named("wan").unwrap().qos;
    let shaper = qos.shaper.unwrap();
    assert_eq!((shaper.rate, shaper.burst, shaper.overhead), (10_000_000, 2_000_000, 24));
    let voice = qos.classes[TrafficClass::Voice.index()];
    assert!(voice.priority);
    assert_eq!(
        (voice.limit_bytes, voice.policer.unwrap().rate, voice.policer.unwrap().burst),
        (32_000, 3_300_000, 8_250)
    );
    let standard = qos.classes[TrafficClass::Standard.index()];
    assert_eq!((standard.limit_bytes, standard.limit_time, standard.weight), (96_000, 150_000_000, 15));
    let phones = snapshot.interface_named("phones").unwrap();
    assert_eq!(phones.vlan, VlanMatch::Single(Tpid::Dot1q, 20));
    let ingress = phones.qos.ingress[TrafficClass::Voice.index()].as_ref().unwrap();
    assert_eq!(*ingress.spec(), MeterSpec::policer(1_200_000, 3_000));
    let imaging = &snapshot.interface_named("imaging").unwrap().qos;
    let meter = imaging.ingress[TrafficClass::Imaging.index()].as_ref().unwrap().spec();
    assert_eq!((meter.kind, meter.cir, meter.eir), (MeterKind::TrTcm, 4_000_000, 8_000_000));
    assert_eq!(meter.actions, [MeterAction::Recolour, MeterAction::Mark(12), MeterAction::Mark(14)]);
    assert_eq!(snapshot.interface_named("desks").unwrap().class_map.get(46).0, TrafficClass::Standard);
    assert_eq!(snapshot.interface_named("imaging").unwrap().class_map.get(8).0, TrafficClass::Imaging);
}

#[test]
fn hub_guarantees_its_sites_a_part_of_the_port() {
    let snapshot = compiled("hub.toml");
    let [hospital, surgery] =
        ["hospital", "surgery"].map(|name| &snapshot.interface_named(name).unwrap().qos);
    assert_eq!((hospital.assured.unwrap().rate, hospital.weight), (60_000_000, 3));
    assert_eq!(hospital.classes[TrafficClass::Clinical.index()].guaranteed, 20_000_000);
    let shaper = surgery.shaper.unwrap();
    // PPPoE over AAL5: what stands before the datagram and behind it, 40, less Ethernet's 14.
    assert_eq!((shaper.rate, shaper.overhead, shaper.cells), (8_000_000, 26, Cells::Atm));
    assert_eq!((surgery.weight, surgery.limit_bytes), (1, 512_000));
    let imaging = surgery.classes[TrafficClass::Imaging.index()];
    assert_eq!(imaging.shaper.unwrap().rate, 4_000_000);
    assert_eq!(imaging.limit_bytes, 100_000, "200 ms of its own rate");
}

#[test]
fn trees_have_the_sites_of_a_port_between_them() {
    let snapshot = compiled("trees.toml");
    let port = |name: &str| snapshot.port(snapshot.interface_named(name).unwrap().port).unwrap();
    assert_eq!((port("core").tree_count(), port("surgery").tree_count()), (1, 4));
    let tree = |name: &str| snapshot.tree_of(snapshot.interface_named(name).unwrap());
    assert_eq!(["hospital", "data-centre", "clinic", "surgery"].map(tree), [0, 1, 2, 3]);
    assert_eq!((port("surgery").rate, port("surgery").burst), (25_000_000_000, 1_000_000));
}

#[test]
fn communities_overlap_and_stay_apart() {
    let snapshot = compiled("two-communities.toml");
    let (trust, care) = (snapshot.vrf_named("trust").unwrap(), snapshot.vrf_named("care").unwrap());
    assert_eq!(way(&snapshot, trust, "10.0.1.7"), "on trust-site");
    assert_eq!(way(&snapshot, care, "10.0.1.7"), "on care-site");
    assert_eq!(way(&snapshot, trust, "10.0.2.7"), "172.16.0.1 on trust-core");
    assert_eq!(way(&snapshot, care, "10.0.2.7"), "172.16.0.1 on care-core or 172.16.1.1 on care-core");
    assert_eq!(way(&snapshot, care, "192.168.50.1"), "172.16.0.1 on care-core or 172.16.1.1 on care-core");
    assert_eq!(way(&snapshot, trust, "192.168.50.1"), "none");
    assert_eq!(way(&snapshot, care, "8.8.8.8"), "Prohibited");
    assert_eq!(snapshot.vrf_named("default").unwrap().fib4.len(), 0);
}

#[test]
fn a_provider_edge_keeps_communities_apart_but_for_what_they_share() {
    let snapshot = compiled("pe.toml");
    let (trust, care) = (snapshot.vrf_named("trust").unwrap(), snapshot.vrf_named("care").unwrap());
    let lsp = "push 16002 then 10.255.1.2 on core";
    assert_eq!(way(&snapshot, trust, "10.0.1.7"), "on trust-site");
    assert_eq!(way(&snapshot, care, "10.0.1.7"), "on care-site");
    assert_eq!(way(&snapshot, trust, "10.0.2.7"), format!("push 20001 then {lsp}"));
    assert_eq!(way(&snapshot, care, "10.0.2.7"), format!("push 20002 then {lsp}"));
    assert_eq!(way(&snapshot, trust, "2001:db8:1:2::7"), format!("push 20001 then {lsp}"));
    assert_eq!(way(&snapshot, care, "10.9.0.7"), "on trust-records");
    assert_eq!(way(&snapshot, care, "10.9.0.1"), "Local");
    assert_eq!(way(&snapshot, trust, "10.8.0.7"), "on care-desks");
    assert_eq!(way(&snapshot, trust, "192.0.2.2"), "Prohibited");
    assert_eq!(way(&snapshot, care, "2001:db8:1:2::7"), "none");
    assert_eq!(
        (labelled(&snapshot, 20_001), labelled(&snapshot, 20_002)),
        ("look up in trust".into(), "look up in care".into())
    );
    let open: Vec<_> = snapshot
        .interfaces
        .iter()
        .map(|(_, i)| i)
        .filter(|i| i.mpls)
        .map(|i| (&*i.name, i.mpls_mtu))
        .collect();
    assert_eq!(open, [("core", 1508)]);
}

#[test]
fn a_provider_router_swaps_and_pops_and_knows_no_community() {
    let snapshot = compiled("p.toml");
    assert_eq!(labelled(&snapshot, 16_002), "swap 17002 then 10.255.2.2 on to-p2");
    assert_eq!(labelled(&snapshot, 16_001), "pop then 10.255.1.1 on to-pe1");
    assert_eq!(snapshot.ilm.len(), 2);
    let vrf = snapshot.vrf_named("default").unwrap();
    assert_eq!(way(&snapshot, vrf, "192.0.2.2"), "push 17002 then 10.255.2.2 on to-p2");
    assert_eq!(way(&snapshot, vrf, "192.0.2.1"), "10.255.1.1 on to-pe1");
    assert_eq!(way(&snapshot, vrf, "10.0.1.7"), "none");
}

#[test]
fn the_links_of_the_provider_examples_fit() {
    let (pe, p) = (example("pe.toml"), example("p.toml"));
    let end = |c: &Config| c.interfaces.iter().find(|i| i.link.as_deref() == Some("pe1-p1")).unwrap().clone();
    let (near, far) = (end(&pe), end(&p));
    assert_eq!(near.addresses[0].trunc(), far.addresses[0].trunc());
    assert_ne!(near.addresses[0].addr(), far.addresses[0].addr());
    assert_eq!(near.mpls_mtu, far.mpls_mtu);
    // What pe1 pushes towards pe2, p1 expects; what p1 leaves for pe1, pe1 expects.
    let pushed = &pe.routes[0].push;
    assert!(p.static_labels.iter().any(|label| pushed == &[label.label]));
}

#[test]
fn applying_the_same_file_again_changes_no_route() {
    let (mut state, mut snapshot) = (State::new(), Snapshot::default());
    let config = example("two-communities.toml");
    state.apply(config.clone(), &PortFacts::default(), &mut snapshot).unwrap();
    let before = (snapshot.nhlfes.stamp(), snapshot.interfaces.stamp(), snapshot.adjacencies.stamp());
    state.apply(config, &PortFacts::default(), &mut snapshot).unwrap();
    assert_eq!((snapshot.nhlfes.stamp(), snapshot.interfaces.stamp(), snapshot.adjacencies.stamp()), before);
}
