//! One fault at a time in a network of two PEs, each with the communities red and
//! blue, at the same addresses.
//!
//! ```text
//!   red  10.1.0.0/24 ─┐              ┌─ red  10.2.0.0/24
//!                     pe1 ─ 172.16 ─ pe2
//!   blue 10.1.0.0/24 ─┘              └─ blue 10.2.0.0/24
//! ```

use std::collections::BTreeSet;

use super::*;
use crate::prove::report::Report;

struct Pe {
    maker: Maker,
    red: VrfId,
    blue: VrfId,
    core: IfIndex,
    far: NhlfeId,
}

/// PE `n`: its VPN labels are 100 for red and 200 for blue.
fn pe(n: u8) -> Pe {
    pe_by(n, &format!("172.16.0.{}", 3 - n))
}

/// The same, with this next hop to the other.
fn pe_by(n: u8, next_hop: &str) -> Pe {
    let mut maker = Maker::new(&format!("pe{n}"));
    let (red, blue) = (maker.vrf("red"), maker.vrf("blue"));
    let core = maker.interface("core", VrfId(0), &[&format!("172.16.0.{n}/30")], true);
    maker.link("core", "pe1-pe2");
    let other = 3 - n;
    let far = maker.to(core, next_hop);
    for (vrf, name, label) in [(red, "red", 100), (blue, "blue", 200)] {
        maker.interface(name, vrf, &[&format!("10.{n}.0.1/24"), &format!("2001:db8:{n}::1/64")], false);
        let push = maker.push(&[label], far);
        maker.route(vrf, &format!("10.{other}.0.0/16"), push);
        maker.route(vrf, &format!("2001:db8:{other}::/48"), push);
        let lookup = maker.lookup(vrf, true);
        maker.label(label, lookup);
    }
    Pe { maker, red, blue, core, far }
}

fn proved(pes: impl IntoIterator<Item = Pe>, intent: &Intent) -> Report {
    let routers: Vec<Router> = pes.into_iter().map(|pe| pe.maker.done()).collect();
    isolation(&routers, intent, Scope::Network).unwrap()
}

fn colours() -> Intent {
    intent(&["red", "blue"], &[])
}

#[test]
fn what_is_meant_holds() {
    let report = proved([pe(1), pe(2)], &colours());
    assert!(report.holds(), "{:#?}", (report.leaks, report.missing, report.unproved));
    assert_eq!((report.routers, report.vrfs, report.communities), (2, 6, 2));
    // red and blue of each PE to the same on both: 4 × 2.
    assert_eq!(report.pairs, 8);
}

/// The link-local address that a router makes of its port is not known without the port:
/// on a line with one far end it is that one's.
#[test]
fn a_link_local_next_hop_is_the_only_far_end() {
    let pes = || [1, 2].map(|n| pe_by(n, "fe80::1234:56ff:fe78:9abc"));
    let report = proved(pes(), &colours());
    assert!(report.holds(), "{:#?}", (report.leaks, report.missing, report.unproved));
    assert_eq!(report.pairs, 8);
    // With a third end, or where it is another address, it may be someone else's.
    let mut third = pe_by(3, "fe80::1");
    third.maker.link("core", "pe1-pe2");
    assert!(!proved(pes().into_iter().chain([third]), &colours()).holds());
    let strange = [1, 2].map(|n| pe_by(n, "172.16.0.3"));
    assert!(!proved(strange, &colours()).holds());
}

/// The only leaks, one per family, must be from `from` to `to`; gives IPv4's.
fn leaks(report: &Report, from: &str, to: &str) -> Leak {
    let sites: Vec<_> = report.leaks.iter().map(|l| (l.from.to_string(), l.to.to_string())).collect();
    assert!(!sites.is_empty() && sites.iter().all(|(f, t)| f == from && t == to), "{sites:?}");
    assert!(!report.holds());
    report.leaks[0].clone()
}

#[test]
fn a_label_of_the_wrong_vrf_leaks_with_its_packet_and_path() {
    let mut one = pe(1);
    let wrong = one.maker.push(&[200], one.far);
    one.maker.route(one.red, "10.2.0.0/16", wrong);
    let report = proved([one, pe(2)], &colours());
    let leak = leaks(&report, "pe1 vrf red", "pe2 vrf blue");
    let example = leak.example.unwrap();
    assert_eq!(example.at.interface.as_deref(), Some("red"));
    assert_eq!(example.packet.source.to_string(), "10.1.0.2");
    assert!("10.2.0.0/24".parse::<IpNet>().unwrap().contains(&example.packet.destination));
    assert!(example.packet.labels.is_empty());
    assert_eq!(leak.rule, Rule::Closed { from: vec!["red".into()], to: vec!["blue".into()] });
    // Red's own prefixes there are missing, for the same reason.
    let missing = &report.missing[0];
    assert_eq!(
        (missing.from.to_string(), missing.to.to_string()),
        ("pe1 vrf red".into(), "pe2 vrf red".into())
    );
    // All of 10.2.0.0/24 but the router's own address.
    assert_eq!((missing.destinations.as_str(), missing.ranges), ("10.2.0.0/32", 2));
}

#[test]
fn an_extranet_allows_its_prefixes_and_no_more() {
    let both_ways = |n: u8, leaked: &str| {
        let mut pe = pe(n);
        let push = pe.maker.push(&[200], pe.far);
        pe.maker.route(pe.red, leaked, push);
        pe
    };
    // Red's own 10.2.0.0/24 is more specific than nothing here: take one of blue alone.
    let with_server = |n| {
        let mut pe = pe(n);
        pe.maker.interface("server", pe.blue, &["192.168.9.1/24"], false);
        pe
    };
    let may = intent(&["red", "blue"], &[("red", "blue", "192.168.9.128/25")]);
    let right = both_ways(1, "192.168.9.128/25");
    let blue = |mut pe: Pe| {
        let push = pe.maker.push(&[200], pe.far);
        pe.maker.route(pe.blue, "192.168.9.0/24", push);
        pe
    };
    let report = proved([blue(right), with_server(2)], &may);
    // Red at PE 2 has no way there.
    assert_eq!(report.leaks, []);
    let missing: Vec<_> =
        report.missing.iter().map(|m| (m.from.to_string(), m.destinations.clone())).collect();
    assert_eq!(missing, [("pe2 vrf red".to_string(), "192.168.9.128 to 192.168.9.254".to_string())]);
    assert_eq!(report.missing[0].extranet, Some(("red".into(), "blue".into())));

    let wide = blue(both_ways(1, "192.168.9.0/24"));
    let report = proved([wide, with_server(2)], &may);
    let leak = leaks(&report, "pe1 vrf red", "pe2 vrf blue");
    assert!(matches!(leak.rule, Rule::Extranet { .. }), "{:?}", leak.rule);
    // The router's own address there, and hosts up to what is allowed.
    assert_eq!((leak.destinations.as_str(), leak.ranges), ("192.168.9.0/32", 3));
}

#[test]
fn a_customer_edge_that_accepts_labels_lets_them_into_every_vrf() {
    let mut one = pe(1);
    let red = one.red;
    one.maker.interface("open", red, &["10.9.0.1/24"], true);
    let report = proved([one, pe(2)], &colours());
    // Its own, and the other's: through the first one's route there.
    let to: BTreeSet<_> = report.leaks.iter().map(|l| (l.from.to_string(), l.to.to_string())).collect();
    let from = "pe1 vrf red interface open".to_string();
    assert_eq!(to, ["pe1 vrf blue", "pe2 vrf blue"].map(|to| (from.clone(), to.into())).into());
    let labels = |l: &Leak| l.example.as_ref().unwrap().packet.labels.clone();
    assert!(report.leaks.iter().all(|l| labels(l) == [200]));
}

#[test]
fn customers_do_not_reach_the_networks_own_vrf() {
    let mut one = pe(1);
    let plain = one.far;
    one.maker.route(one.red, "172.16.0.0/30", plain);
    let report = proved([one, pe(2)], &colours());
    // Both routers' addresses on the line between them.
    let to: BTreeSet<_> = report.leaks.iter().map(|l| (l.to.to_string(), l.rule.clone())).collect();
    assert_eq!(to, ["pe1 vrf default", "pe2 vrf default"].map(|to| (to.into(), Rule::Infrastructure)).into());
}

#[test]
fn labels_that_leave_the_known_network_are_a_fault_unless_the_link_is_named() {
    for named in [false, true] {
        let mut one = pe(1);
        let out = one.maker.interface("out", VrfId(0), &["172.16.8.1/30"], true);
        if named {
            one.maker.link("out", "elsewhere");
        }
        let next = one.maker.to(out, "172.16.8.2");
        let push = one.maker.push(&[77], next);
        one.maker.route(one.red, "203.0.113.0/24", push);
        let report = proved([one, pe(2)], &colours());
        let unproved: Vec<_> = report.unproved.iter().filter(|u| u.from.vrf == "red").collect();
        assert_eq!(unproved.len(), 1, "{unproved:#?}");
        assert_eq!(unproved[0].fault, !named);
        // Without a name, anything may come in by it: the labels 100 and 200 too.
        assert_eq!(report.leaks.is_empty(), named, "{:#?}", report.leaks);
        assert_eq!(report.holds(), named);
    }
}

/// PE 1 with a next hop on the line to PE 2 that neither has.
fn with_stranger(labels: &[u32]) -> Pe {
    let mut one = pe(1);
    one.maker.has(one.core, "172.16.0.1/24");
    let stranger = one.maker.to(one.core, "172.16.0.77");
    let next = if labels.is_empty() { stranger } else { one.maker.push(labels, stranger) };
    one.maker.route(one.red, "203.0.113.0/24", next);
    one
}

#[test]
fn labels_for_an_address_that_no_known_router_has_leave_the_known_network() {
    let report = proved([with_stranger(&[100]), pe(2)], &colours());
    let unproved: Vec<_> = report.unproved.iter().filter(|u| u.from.vrf == "red").collect();
    assert_eq!(unproved.len(), 1, "{unproved:#?}");
    assert!(unproved[0].fault && !report.holds());
    assert_eq!(unproved[0].by.to_string(), "pe1 vrf default interface core");
    let example = unproved[0].example.as_ref().unwrap();
    assert!(example.confirmed, "{example:#?}");
}

#[test]
fn packets_for_an_address_that_no_known_router_has_may_be_a_hosts_on_the_line() {
    let report = proved([with_stranger(&[]), pe(2)], &colours());
    let to: BTreeSet<_> = report.leaks.iter().map(|l| l.to.to_string()).collect();
    assert!(to.contains("pe1 vrf default"), "{to:?}");
    let leak = report.leaks.iter().find(|l| l.to.router == "pe1").unwrap();
    assert!(leak.example.as_ref().is_some_and(|e| e.confirmed), "{leak:#?}");
}

#[test]
fn a_directed_broadcast_ends_here_also_from_a_vrf_that_takes_the_subnet_over() {
    let mut one = pe(1);
    let glean = one.maker.entry(Nhlfe::Glean(IfIndex(1)));
    one.maker.route(one.blue, "10.1.0.0/24", glean);
    let everyone = one.maker.snapshot.vrfs.get(one.blue.index()).unwrap().fib4.clone();
    assert!(everyone.lookup([10, 1, 0, 255].into()).is_some());
    one.maker.snapshot.vrfs.get_mut(one.blue.index()).unwrap().fib4.remove("10.1.0.255/32".parse().unwrap());
    let routers = [one.maker.done(), pe(2).maker.done()];
    let to = |last: u8, labels: &[u32]| {
        let by = if labels.is_empty() { "blue" } else { "core" };
        ways(&routers, |ways| ways.ends(0, by, labels, [10, 1, 0, last].into())).unwrap()
    };
    let dropped = Outcome::Dropped(0, dataplane::packet::DropReason::Broadcast);
    assert_eq!(to(255, &[]), [dropped.clone()].into());
    assert_eq!(to(255, &[100]), [dropped].into());
    assert_eq!(to(9, &[]), [Outcome::Delivered(0, "red".into())].into());
}

#[test]
fn a_loop_is_told_and_what_it_keeps_away_is_missing() {
    let (mut one, mut two) = (pe(1), pe(2));
    for (pe, label) in [(&mut one, 300), (&mut two, 300)] {
        let swap = pe.maker.swap(label, pe.far);
        pe.maker.label(label, swap);
    }
    let push = one.maker.push(&[300], one.far);
    one.maker.route(one.red, "10.2.0.0/16", push);
    let report = proved([one, two], &colours());
    assert_eq!(report.leaks, []);
    assert_eq!(report.loops.len(), 1);
    assert_eq!(report.missing.len(), 1);
}

#[test]
fn a_link_is_found_by_its_addresses_and_must_be_named_where_two_could_be_meant() {
    let unnamed = |n| {
        let mut pe = pe(n);
        pe.maker.links.clear();
        pe
    };
    let report = proved([unnamed(1), unnamed(2)], &colours());
    assert!(report.holds(), "{:#?}", (report.leaks, report.missing, report.unproved));

    let mut third = unnamed(2);
    third.maker.name = "pe3".into();
    let routers = [unnamed(1), unnamed(2), third].map(|pe| pe.maker.done());
    let errors = isolation(&routers, &colours(), Scope::Network).unwrap_err();
    assert!(
        errors[0]
            .to_string()
            .contains("the next hop 172.16.0.2 of pe1 core is an address of pe2 core and of pe3 core")
    );
}

#[test]
fn tags_decide_which_interface_takes_a_frame() {
    let mut two = pe(2);
    // The far end of the core link listens to another tag.
    let core = two.core;
    let mut interface = (**two.maker.snapshot.interfaces.get(core.index()).unwrap()).clone();
    interface.vlan = VlanMatch::Single(Default::default(), 7);
    let port = interface.port;
    two.maker.snapshot.interfaces.set(core.index(), Arc::new(interface));
    let demux = PortDemux::new([(VlanMatch::Single(Default::default(), 7), core)]);
    two.maker.snapshot.ports.set(
        port.index(),
        Arc::new(PortSpec { id: port, name: "core".into(), rate: 0, burst: 0, demux, trees: None }),
    );
    let report = proved([pe(1), two], &colours());
    assert_eq!(report.leaks, []);
    let ends: Vec<_> = report.missing.iter().filter_map(|m| Some(m.example.as_ref()?.end.clone())).collect();
    assert!(!ends.is_empty() && ends.iter().all(|end| end.contains("vlan-unknown")), "{ends:?}");
}

#[test]
fn one_router_alone_is_held_to_what_its_own_tables_decide() {
    let good = [pe(1).maker.done()];
    let report = isolation(&good, &colours(), Scope::Router).unwrap();
    assert!(report.holds(), "{:#?}", (report.leaks, report.missing, report.unproved));
    // A static route from one Vrf to the other's edge.
    let mut bad = pe(1);
    let edge = bad.maker.entry(Nhlfe::Glean(IfIndex(2)));
    bad.maker.route(bad.red, "10.7.0.0/24", edge);
    let report = isolation(&[bad.maker.done()], &colours(), Scope::Router).unwrap();
    leaks(&report, "pe1 vrf red", "pe1 vrf blue");
}
