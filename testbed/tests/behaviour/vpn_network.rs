//! Whole networks in virtual time: CE–PE–P–PE–CE and larger, hosts with TCP at the
//! ends, communities with the same addresses that never meet.

use std::net::IpAddr;

use testbed::lab::secs;
use testbed::network::plan::{Plan, Site};
use testbed::network::{Backbone, End};
use testbed::packet::*;

/// What the server of community `c` at PE `n` says: nobody else says it.
fn says(n: usize, c: usize) -> Vec<u8> {
    format!("here is the server of community {c} at PE {n}. ").repeat(400).into_bytes()
}

/// Where the host of a site is, in each family.
fn address(plan: &Plan, n: usize) -> [IpAddr; 2] {
    Site::at(n).addresses(u8::from(plan.ces), 1)
}

/// Lets the host of every site call the server of every other site of its community, all
/// at once, and checks what each hears.
fn all_talk(backbone: &mut Backbone, family: usize) {
    let plan = backbone.plan;
    let ends: Vec<((usize, usize), End)> =
        plan.sites().map(|site| (site, backbone.host(site.0, site.1))).collect();
    let mut calls = Vec::new();
    for ((n, c), end) in &ends {
        for ((other, _), server) in ends.iter().filter(|((o, oc), _)| oc == c && o != n) {
            let port = 1000 + *n as u16;
            let heard = backbone.network.station(*server).listen(port, &says(*other, *c));
            let to = address(&plan, *other)[family];
            let said = backbone.network.station(*end).call(to, port, &says(*n, *c)).unwrap();
            calls.push(((*n, *c, *end, said), (*other, *server, heard)));
        }
    }
    let hosts: Vec<End> = ends.iter().map(|(_, end)| *end).collect();
    assert!(backbone.network.run_talks(&hosts, secs(60)), "not all talks are over");
    for ((n, c, end, said), (other, server, heard)) in calls {
        let network = &mut backbone.network;
        assert!(network.station(end).heard(said) == says(other, c), "community {c}: PE {n} heard another");
        assert!(
            network.station(server).heard(heard) == says(n, c),
            "community {c}: PE {other} heard another"
        );
    }
    for (name, _) in plan.configurations() {
        assert_eq!(backbone.lab(&name).drops(), [], "{name}");
    }
}

#[test]
fn customers_routers_talk_through_pe_p_and_pe() {
    for family in [0, 1] {
        let plan = Plan { pes: 2, ps: 1, communities: 2, ces: true };
        all_talk(&mut plan.build(1), family);
    }
}

#[test]
fn five_pes_on_a_ring_of_four_carry_three_communities() {
    for family in [0, 1] {
        let plan = Plan { pes: 5, ps: 4, communities: 3, ces: false };
        all_talk(&mut plan.build(1), family);
    }
}

#[test]
fn every_hop_lowers_the_ttl_once_and_keeps_the_class() {
    let mut backbone = Plan { pes: 2, ps: 3, communities: 1, ces: false }.build(1);
    let [v4, v6] =
        [1, 2].map(|n| Site::at(n).addresses(0, 1)).into_iter().fold([vec![], vec![]], |mut all, [a, b]| {
            all[0].push(a.to_string());
            all[1].push(b.to_string());
            all
        });
    for ends in [v4, v6] {
        backbone.lab("pe1").host("c1", &ends[0]);
        backbone.lab("pe2").host("c1", &ends[1]);
        backbone.lab("pe1").forget();
        backbone.lab("pe2").forget();
        let packet = |ttl| ip(&ends[0], &ends[1]).dscp(EF).ttl(ttl) / udp(5004) / rtp();
        backbone.lab("pe1").send("c1", packet(64));
        backbone.network.run(secs(1));
        // PE, two P (the ring's shorter way), PE: uniform.
        let seen = backbone.lab("pe2").next_seen("c1", testbed::lab::ms(0)).expect("it arrives");
        assert_eq!(diff(&packet(60), &seen.bytes), None);
    }
}

#[test]
fn a_host_reaches_nobody_outside_its_community() {
    let mut backbone = Plan { pes: 2, ps: 1, communities: 2, ces: false }.build(1);
    // Community 1 has a server at PE 2; community 2's host is at PE 1, its server is not there.
    let server = backbone.host(2, 1);
    let caller = backbone.host(1, 2);
    for (family, port) in [(0, 80), (1, 81)] {
        backbone.network.station(server).listen(port, b"secret");
        let to = address(&backbone.plan, 2)[family];
        let said = backbone.network.station(caller).call(to, port, b"who is there?").unwrap();
        backbone.network.run(secs(20));
        assert!(!backbone.network.station(caller).is_over(said));
        assert_eq!(backbone.network.station(caller).heard(said), b"");
    }
}

#[test]
fn a_seed_replays_a_run_of_a_whole_network() {
    let run = |seed| {
        let mut backbone = Plan { pes: 3, ps: 2, communities: 2, ces: false }.build(seed);
        all_talk(&mut backbone, 0);
        (backbone.network.trace(), backbone.network.now())
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3).0, run(4).0);
}

#[test]
fn the_text_of_a_large_network_is_accepted_and_its_lines_fit() {
    let plan = Plan { pes: 40, ps: 9, communities: 12, ces: false };
    let routers = plan.configurations();
    for (name, text) in &routers {
        if let Err(errors) = control::config::parse(text, name) {
            panic!("{errors}");
        }
    }
    let ports = |router: &str| {
        let (_, text) = routers.iter().find(|(name, _)| name == router).unwrap();
        control::config::parse(text, router).unwrap().interfaces
    };
    for ((a, a_port), (b, b_port)) in plan.lines() {
        let end = |router: &str, port: &str| ports(router).into_iter().find(|i| i.name == *port).unwrap();
        let (a, b) = (end(&a, &a_port), end(&b, &b_port));
        assert!(a.addresses[0].contains(&b.addresses[0].addr()) && a.addresses != b.addresses);
        assert_eq!(a.link, b.link);
        assert_ne!(a_port, b_port);
    }
}
