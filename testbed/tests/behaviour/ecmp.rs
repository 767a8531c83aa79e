//! Equal-cost paths: flows spread evenly, stay where they are, and move only when they must.

use std::collections::BTreeMap;

use testbed::lab::{Lab, ms};
use testbed::packet::*;

use super::{FAMILIES, Family, TWO, lab};

fn hops(f: &Family, n: usize) -> Vec<String> {
    (0..n)
        .map(|i| if f.v6 { format!("2001:db8:2::{}", 100 + i) } else { format!("10.2.0.{}", 100 + i) })
        .collect()
}

/// By flow (UDP port), the station that it is sent to.
fn paths(lab: &mut Lab, f: &Family, flows: u16) -> BTreeMap<u16, [u8; 6]> {
    for port in 0..flows {
        lab.send("ge0", ip(f.a, f.beyond.1) / udp(port));
    }
    lab.run(ms(50));
    let path = |packet: Packet| {
        let port = packet.layer(Kind::Udp).unwrap().number("dport").unwrap() as u16;
        (port, packet.layer(Kind::Eth).unwrap().mac("dst").unwrap())
    };
    lab.take("ge1").iter().map(|seen| path(Packet::decode(&seen.bytes))).collect()
}

/// A laboratory with four next hops to what is beyond.
fn four(f: &Family) -> (Lab, Vec<String>, Vec<[u8; 6]>) {
    let mut lab = lab(TWO);
    let hops = hops(f, 4);
    let macs = hops.iter().map(|hop| lab.host("ge1", hop)).collect();
    lab.forget();
    let via: Vec<&str> = hops.iter().map(String::as_str).collect();
    lab.route_add("default", f.beyond.0, &via);
    (lab, hops, macs)
}

#[test]
fn flows_are_spread_evenly_and_each_keeps_its_path() {
    for f in FAMILIES {
        let (mut lab, _, macs) = four(&f);
        let first = paths(&mut lab, &f, 4000);
        assert_eq!(first.len(), 4000);
        for mac in macs {
            let flows = first.values().filter(|path| **path == mac).count();
            assert!((850..=1150).contains(&flows), "{flows} of 4000 flows by one of four paths");
        }
        assert_eq!(paths(&mut lab, &f, 4000), first);
    }
}

#[test]
fn taking_a_path_away_moves_its_own_flows_only() {
    for f in FAMILIES {
        let (mut lab, hops, macs) = four(&f);
        let before = paths(&mut lab, &f, 2000);
        let via: Vec<&str> = hops[1..].iter().map(String::as_str).collect();
        lab.route_add("default", f.beyond.0, &via);
        let after = paths(&mut lab, &f, 2000);
        assert_eq!(after.len(), 2000);
        for (flow, path) in &before {
            assert!(after[flow] == *path || *path == macs[0], "flow {flow} moved though its path stayed");
            assert_ne!(after[flow], macs[0], "flow {flow} goes by the path that is gone");
        }
        let all: Vec<&str> = hops.iter().map(String::as_str).collect();
        lab.route_add("default", f.beyond.0, &all);
        let moved = paths(&mut lab, &f, 2000).into_iter().filter(|(flow, path)| after[flow] != *path).count();
        assert!(moved <= 600, "{moved} of 2000 flows moved for a fourth path");
    }
}

#[test]
fn fragments_of_a_datagram_take_one_path() {
    let f = super::V4;
    let (mut lab, _, _) = four(&f);
    for n in 0..50 {
        let whole = ip(f.a, f.beyond.1) / udp(n) / payload(200);
        lab.send("ge0", ip(f.a, f.beyond.1).id(n).mf().protocol(17) / whole.part(0..104));
        lab.send("ge0", ip(f.a, f.beyond.1).id(n).offset(104).protocol(17) / whole.part(104..208));
    }
    lab.run(ms(10));
    let by: std::collections::BTreeSet<_> =
        lab.take("ge1").iter().map(|seen| seen.bytes[..6].to_vec()).collect();
    assert_eq!(by.len(), 1, "fragments without ports and those with them differ in their path");
}
