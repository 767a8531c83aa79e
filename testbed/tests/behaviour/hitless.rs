//! Changes while packets flow: not one is lost.

use std::collections::BTreeMap;

use control::RouteChange;
use proptest::prelude::*;
use testbed::lab::{Lab, added, ms, secs, us};
use testbed::packet::*;

use super::{FAMILIES, Family, TWO, V4, V6, lab, two_with};

/// Frames sent and frames that came out of ge1.
struct Count {
    sent: u16,
    came: u16,
}

impl Count {
    /// Sends `n` numbered datagrams, 100 µs apart, and takes what has come; each must be the next.
    fn traffic(&mut self, lab: &mut Lab, f: &Family, n: u16) {
        for _ in 0..n {
            lab.send("ge0", f.ab() / udp(self.sent));
            self.sent += 1;
            lab.run(us(100));
        }
        self.take(lab);
    }

    fn take(&mut self, lab: &mut Lab) {
        for seen in lab.take("ge1") {
            let packet = Packet::decode(&seen.bytes);
            if let Some(layer) = packet.layer(Kind::Udp) {
                assert_eq!(layer.number("dport"), Some(self.came.into()), "out of order or lost");
                self.came += 1;
            }
        }
    }

    #[track_caller]
    fn none_lost(mut self, lab: &mut Lab) {
        lab.run(ms(100));
        self.take(lab);
        assert_eq!(self.came, self.sent);
        lab.expect_no_drops();
    }
}

const VARIANTS: [&str; 5] = [
    "",
    "qos = { rate = \"1 Gbit/s\" }",
    "qos = { rate = \"100 Mbit/s\", video = { weight = 90 } }",
    "mtu = 1400",
    "dscp = { ef = \"video\" }",
];

const MORE: [&str; 3] = [
    "",
    "[[vrf]]\nname = \"red\"\n[[interface]]\nname = \"ge0.5\"\nport = \"ge0\"\nvlan = 5\nvrf = \"red\"\naddresses = [\"10.2.0.1/24\"]",
    "[[port]]\nname = \"ge2\"\nkind = \"loopback\"\n[[interface]]\nname = \"ge2\"\naddresses = [\"10.5.0.1/24\"]\n[[route]]\nprefix = \"10.6.0.0/16\"\nvia = [\"10.5.0.9\"]",
];

#[test]
fn a_new_configuration_loses_nothing() {
    for f in FAMILIES {
        let mut lab = lab(TWO);
        let mut count = Count { sent: 0, came: 0 };
        for round in 0..30 {
            lab.apply(&two_with(VARIANTS[round % VARIANTS.len()], MORE[round % MORE.len()]));
            count.traffic(&mut lab, &f, 10);
        }
        count.none_lost(&mut lab);
    }
}

#[test]
fn a_configuration_that_is_refused_changes_nothing() {
    let mut lab = lab(TWO);
    let before = lab.snapshot();
    let refusal = lab.try_apply(&two_with("mtu = 20", "[[route]]\nprefix = \"10.0.0.0/33\"")).unwrap_err();
    assert!(refusal.contains("mtu") && refusal.contains("prefix"), "{refusal}");
    assert_eq!(lab.snapshot().generation, before.generation);
    let mut count = Count { sent: 0, came: 0 };
    count.traffic(&mut lab, &V4, 10);
    count.none_lost(&mut lab);
}

#[test]
fn a_backlog_survives_a_change_of_its_weights() {
    let qos = |weight: u32| format!("qos = {{ rate = \"10 Mbit/s\", video = {{ weight = {weight} }} }}");
    let mut lab = lab(&two_with(&qos(20), ""));
    for n in 0..50 {
        lab.send("ge0", V4.ab().dscp(AF41) / udp(n) / payload(1000));
    }
    lab.run(ms(5));
    lab.apply(&two_with(&qos(50), ""));
    for n in 0..50 {
        lab.expect("ge1", V4.ab().dscp(AF41).ttl(63) / udp(n) / payload(1000));
    }
    lab.expect_no_drops();
}

#[test]
fn a_route_that_moves_to_another_next_hop_loses_nothing() {
    for f in FAMILIES {
        let mut lab = lab(TWO);
        let second = if f.v6 { "2001:db8:2::a" } else { "10.2.0.10" };
        lab.host("ge1", second);
        lab.forget();
        lab.route_add("default", f.beyond.0, &[f.b]);
        let mut sent = 0u64;
        for round in 0..200 {
            for n in 0..3 {
                lab.send("ge0", ip(f.a, f.beyond.1) / udp(n));
                sent += 1;
            }
            lab.route_add("default", f.beyond.0, &[[f.b, second][round % 2]]);
            lab.run(us(50));
        }
        lab.run(ms(10));
        assert_eq!(lab.take("ge1").len() as u64, sent);
        lab.expect_no_drops();
    }
}

#[test]
fn a_hundred_thousand_other_routes_come_and_go() {
    let mut lab = lab(TWO);
    let mut count = Count { sent: 0, came: 0 };
    let prefix = |n: u32| format!("{}.{}.{}.0/24", 20 + n / 65536, n / 256 % 256, n % 256);
    for chunk in 0..20u32 {
        let changes: Vec<_> =
            (chunk * 5000..(chunk + 1) * 5000).map(|n| added("default", &prefix(n), &[V4.b])).collect();
        assert_eq!(lab.routes(&changes).added, 5000);
        count.traffic(&mut lab, &V4, 5);
    }
    lab.send("ge0", ip(V4.a, "20.0.77.1") / tcp(9));
    lab.expect("ge1", ip(V4.a, "20.0.77.1").ttl(63) / tcp(9));
    for n in 0..1000 {
        lab.route_del("default", &prefix(n));
    }
    count.traffic(&mut lab, &V4, 5);
    count.none_lost(&mut lab);
}

/// 1,000,000 IPv4 and 200,000 IPv6 routes come in parts, then 200,000 of them change,
/// while both families' packets flow.
#[test]
fn a_million_routes_load_and_change_under_traffic() {
    const PART: u32 = 50_000;
    let v4 = |n: u32| format!("{}.{}.{}.0/24", 20 + n / 65536, n / 256 % 256, n % 256);
    let v6 = |n: u32| format!("2600:{:x}:{:x}::/48", n / 65536, n % 65536);
    let removed = |prefix: String| RouteChange::Remove { vrf: None, prefix: prefix.parse().unwrap() };
    let (mut lab, mut count) = (lab(TWO), Count { sent: 0, came: 0 });
    for part in 0..20 {
        let range = part * PART..(part + 1) * PART;
        let mut changes: Vec<_> = range.map(|n| added("default", &v4(n), &[V4.b])).collect();
        changes.extend((part * 10_000..(part + 1) * 10_000).map(|n| added("default", &v6(n), &[V6.b])));
        assert_eq!(lab.routes(&changes).added, 60_000);
        count.traffic(&mut lab, if part % 2 == 0 { &V4 } else { &V6 }, 3);
    }
    for part in 0..10 {
        // Every fiftieth from another start each time: far apart in the tables.
        let picked = || (part..1_000_000).step_by(50);
        let report = lab.routes(&picked().map(|n| removed(v4(n))).collect::<Vec<_>>());
        assert_eq!(report.removed, 20_000);
        count.traffic(&mut lab, &V6, 2);
    }
    let summary = |lab: &Lab| {
        let snapshot = lab.snapshot();
        let vrf = snapshot.vrf_named("default").unwrap();
        (vrf.fib4.len(), vrf.fib6.len())
    };
    let (left4, left6) = summary(&lab);
    assert!((800_000..801_000).contains(&left4) && (200_000..201_000).contains(&left6), "{left4}, {left6}");
    lab.send("ge0", ip(V4.a, "20.0.49.1") / tcp(9));
    lab.expect("ge1", ip(V4.a, "20.0.49.1").ttl(63) / tcp(9));
    count.none_lost(&mut lab);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Against the obvious: a map of prefixes, the longest that contains the address wins.
    #[test]
    fn random_route_changes_forward_as_a_map_would(changes in prop::collection::vec((any::<bool>(), 8u8..=28, any::<u16>(), any::<bool>()), 1..60)) {
        let mut lab = lab(TWO);
        lab.host("ge0", "10.1.0.2");
        lab.forget();
        let mut wanted: BTreeMap<ipnet::Ipv4Net, bool> = BTreeMap::new();
        for (add, length, bits, by_b) in changes {
            let address = std::net::Ipv4Addr::from(0x1e00_0000 | u32::from(bits) << 8);
            let prefix = ipnet::Ipv4Net::new(address, length).unwrap().trunc();
            if add {
                wanted.insert(prefix, by_b);
                lab.route_add("default", &prefix.to_string(), &[if by_b { V4.b } else { "10.1.0.2" }]);
            } else if wanted.remove(&prefix).is_some() {
                lab.route_del("default", &prefix.to_string());
            }
            let best = wanted.iter().filter(|(p, _)| p.contains(&address)).max_by_key(|(p, _)| p.prefix_len());
            lab.send("ge0", ip(V4.a, &address.to_string()) / udp(1));
            lab.run(us(10));
            let (back, on) = (lab.take("ge0"), lab.take("ge1"));
            let forwarded = back.iter().filter(|seen| Packet::decode(&seen.bytes).layer(Kind::Udp).is_some_and(|l| !l.quoted)).count();
            prop_assert_eq!((forwarded, on.len()), match best {
                Some((_, true)) => (0, 1),
                Some((_, false)) => (1, 0),
                None => (0, 0),
            });
            lab.forget();
        }
    }
}

#[test]
fn neighbours_that_come_and_age_disturb_nobody() {
    let mut lab = lab(TWO);
    for n in 1..60 {
        lab.host("ge1", &format!("10.2.0.{}", 100 + n));
        lab.host("ge1", &format!("2001:db8:2::{:x}", 0x100 + n));
    }
    lab.forget();
    for f in [V4, V6] {
        let mut count = Count { sent: 0, came: 0 };
        for _ in 0..60 {
            count.traffic(&mut lab, &f, 3);
            lab.run(secs(1));
        }
        count.none_lost(&mut lab);
    }
}
