//! Rule sets against the list that they stand for, read from its beginning.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Whether every condition holds, in words.
fn holds(c: &Conditions, f: &Fields) -> bool {
    fn one_of<T>(wanted: &Wanted<T>, is: impl Fn(&T) -> bool) -> bool {
        wanted.as_ref().is_none_or(|values| values.iter().any(is))
    }
    let labels = match (f.labelled, &c.tcs) {
        (Labelled::No, tcs) => tcs.is_none(),
        (Labelled::Edge(tc), tcs) => tcs.as_ref().is_none_or(|tcs| tcs.contains(&tc)),
        (Labelled::Through(tc), tcs) => tcs.as_ref().is_some_and(|tcs| tcs.contains(&tc)),
    };
    labels
        && one_of(&c.interfaces, |i| *i == f.interface)
        && one_of(&c.vrfs, |vrf| *vrf == f.vrf)
        && one_of(&c.sources, |net| net.contains(&f.source))
        && one_of(&c.destinations, |net| net.contains(&f.destination))
        && one_of(&c.source_ports, |range| f.ports.is_some_and(|(source, _)| range.contains(&source)))
        && one_of(&c.destination_ports, |range| f.ports.is_some_and(|(_, to)| range.contains(&to)))
        && one_of(&c.protocols, |protocol| *protocol == f.protocol)
        && one_of(&c.dscps, |dscp| *dscp == f.dscp)
        && one_of(&c.lengths, |range| range.contains(&f.length))
        && one_of(&c.fragments, |fragment| *fragment == f.fragment)
}

fn by_list(rules: &[Rule], fields: &Fields) -> Option<usize> {
    rules.iter().position(|rule| holds(&rule.conditions, fields))
}

fn rule(conditions: Conditions) -> Rule {
    Rule { name: "r".into(), conditions, treatment: Treatment::default() }
}

/// Few bits are free, so that prefixes meet and nest.
fn v4() -> impl Strategy<Value = Ipv4Addr> {
    (0u32..4, 0u32..4, 0u32..8).prop_map(|(a, b, c)| Ipv4Addr::from_bits(10 << 24 | a << 22 | b << 8 | c))
}

fn v6() -> impl Strategy<Value = Ipv6Addr> {
    (0u128..4, 0u128..4).prop_map(|(a, b)| Ipv6Addr::from_bits(0x2001_0db8 << 96 | a << 64 | b))
}

fn net() -> impl Strategy<Value = IpNet> {
    prop_oneof![
        3 => (v4(), 0u8..=32).prop_map(|(a, l)| IpNet::V4(Ipv4Net::new(a, l).unwrap())),
        1 => (v6(), 0u8..=128).prop_map(|(a, l)| IpNet::V6(Ipv6Net::new(a, l).unwrap())),
    ]
}

fn number() -> impl Strategy<Value = u16> {
    prop_oneof![4 => 0u16..12, 1 => select(vec![5060, 65_534, 65_535]), 1 => any::<u16>()]
}

fn range() -> impl Strategy<Value = RangeInclusive<u16>> {
    (number(), number()).prop_map(|(a, b)| a.min(b)..=a.max(b))
}

fn some<T: std::fmt::Debug>(one: impl Strategy<Value = T>, chance: f64) -> impl Strategy<Value = Wanted<T>> {
    proptest::option::weighted(chance, vec(one, 1..4))
}

fn conditions() -> impl Strategy<Value = Conditions> {
    let nets = (some(net(), 0.5), some(net(), 0.5));
    let places =
        (some((0u32..3).prop_map(IfIndex), 0.3), some((0u16..3).prop_map(VrfId), 0.2), some(0u8..8, 0.3));
    let upper = (some(range(), 0.3), some(range(), 0.3), some(select(vec![1u8, 6, 17, 58]), 0.4));
    let header = (some(0u8..64, 0.3), some(range(), 0.2), some(select(Fragment::ALL.to_vec()), 0.2));
    (places, nets, upper, header).prop_map(|(places, nets, upper, header)| Conditions {
        interfaces: places.0,
        vrfs: places.1,
        tcs: places.2,
        sources: nets.0,
        destinations: nets.1,
        source_ports: upper.0,
        destination_ports: upper.1,
        protocols: upper.2,
        dscps: header.0,
        lengths: header.1,
        fragments: header.2,
    })
}

impl Plain for Fields {
    fn addresses(&self) -> (u32, u32) {
        let bits = |address| if let IpAddr::V4(address) = address { address.to_bits() } else { 0 };
        (bits(self.source), bits(self.destination))
    }

    fn ports(&self) -> Option<(u16, u16)> {
        self.ports
    }

    fn protocol(&self) -> u8 {
        self.protocol
    }

    fn dscp(&self) -> u8 {
        self.dscp
    }

    fn l3_length(&self) -> u16 {
        self.length
    }
}

fn labelled() -> impl Strategy<Value = Labelled> {
    let tc = || 0u8..8;
    prop_oneof![2 => Just(Labelled::No), 1 => tc().prop_map(Labelled::Edge), 1 => tc().prop_map(Labelled::Through)]
}

fn fields() -> impl Strategy<Value = Fields> {
    let four = (v4(), v4()).prop_map(|(a, b)| (IpAddr::V4(a), IpAddr::V4(b)));
    let six = (v6(), v6()).prop_map(|(a, b)| (IpAddr::V6(a), IpAddr::V6(b)));
    let header = (select(vec![1u8, 6, 17, 58, 255]), 0u8..64, number(), select(Fragment::ALL.to_vec()));
    let place = (0u32..4, 0u16..4, labelled());
    (place, prop_oneof![3 => four, 1 => six], of((number(), number())), header).prop_map(
        |((interface, vrf, labelled), (source, destination), ports, (protocol, dscp, length, fragment))| {
            Fields {
                interface: IfIndex(interface),
                vrf: VrfId(vrf),
                labelled,
                source,
                destination,
                ports,
                protocol,
                dscp,
                length,
                fragment,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_first_rule_that_holds_is_found(
        rules in vec(conditions().prop_map(rule), 0..150),
        packets in vec(fields(), 1..70),
        bytes in select(vec![0, 80, 4_000, 100_000]),
    ) {
        let most = most_memory(rules.iter().map(|rule| &rule.conditions));
        let set = RuleSet::within(rules, bytes);
        prop_assert!(set.bounded() <= most + bytes, "{} bytes, told were {}", set.bounded(), most);
        let mut together = Asked::<ASKED>::default();
        for asked in packets.chunks(ASKED) {
            let added: Vec<&Fields> = asked.iter().filter(|fields| together.add(&set, fields)).collect();
            prop_assert_eq!(together.len(), added.len());
            let mut found = Vec::new();
            together.answer(&set, |at, rule| found.push((at, rule)));
            let one_by_one = added.iter().map(|fields| by_list(set.rules(), fields)).enumerate();
            prop_assert_eq!(found, one_by_one.collect::<Vec<_>>());
        }
        let (place, mut plain) = (&packets[0], packets.clone());
        plain.retain_mut(|fields| {
            (fields.interface, fields.vrf) = (place.interface, place.vrf);
            (fields.labelled, fields.fragment) = (Labelled::No, Fragment::Whole);
            fields.source.is_ipv4()
        });
        if let Some(concern) = set.concern(place.interface, place.vrf, Labelled::No) {
            for plain in plain.chunks(ASKED) {
                together.add_plain(&set, concern, plain);
                prop_assert_eq!(together.len(), plain.len());
                let mut found = vec![7; plain.len()];
                together.answer_into(&set, &mut found);
                let rule = |fields| by_list(set.rules(), fields).map_or(NO_RULE, |rule| rule as u16);
                prop_assert_eq!(found, plain.iter().map(rule).collect::<Vec<_>>());
            }
        } else {
            prop_assert!(plain.iter().all(|fields| by_list(set.rules(), fields).is_none()));
        }
        for fields in &packets {
            prop_assert_eq!(set.find(fields).map(|(at, _)| at), by_list(set.rules(), fields), "{:?}", fields);
            let found = set.find_opaque(fields.interface, fields.vrf, fields.labelled).map(|(at, _)| at);
            let opaque = |c: &Conditions| {
                let places = (c.interfaces.clone(), c.vrfs.clone(), c.tcs.clone());
                let own = Conditions { interfaces: places.0, vrfs: places.1, tcs: places.2, ..Conditions::default() };
                *c == own && holds(c, fields)
            };
            prop_assert_eq!(found, set.rules().iter().position(|rule| opaque(&rule.conditions)), "{:?}", fields);
        }
    }
}

/// A packet between two hosts of 10.0.0.0/8.
fn call(source: [u8; 4], destination: [u8; 4], port: u16) -> Fields {
    Fields {
        interface: IfIndex(0),
        vrf: VrfId(0),
        labelled: Labelled::No,
        source: IpAddr::from(source),
        destination: IpAddr::from(destination),
        ports: Some((port, port)),
        protocol: 17,
        dscp: 0,
        length: 200,
        fragment: Fragment::Whole,
    }
}

fn nets(prefix: u32, length: u8) -> Wanted<IpNet> {
    Some(vec![IpNet::V4(Ipv4Net::new(Ipv4Addr::from_bits(prefix), length).unwrap())])
}

#[test]
fn four_thousand_rules_find_their_own_and_memory_is_bounded() {
    let base = 10 << 24;
    let one = |i: u32| {
        rule(Conditions {
            sources: nets(base | i << 8, 24),
            destinations: nets(base | (i % 64) << 16, 16),
            destination_ports: Some(vec![i as u16..=i as u16 + 9]),
            ..Conditions::default()
        })
    };
    let set = RuleSet::new((0..MOST_RULES as u32).map(one).collect());
    for i in 0..MOST_RULES as u16 {
        let [high, low] = i.to_be_bytes();
        let packet = call([10, high, low, 9], [10, (i % 64) as u8, 1, 1], i + 9);
        assert_eq!(set.find(&packet).map(|(at, _)| at), Some(usize::from(i)));
        let beyond = call([10, high, low, 9], [10, (i % 64) as u8, 1, 1], i + 10);
        assert_eq!(set.find(&beyond).map(|(at, _)| at), None);
    }
    // Two rows a rule and field at most; those of networks have few words, those of
    // ports lie close and have the most.
    assert!(set.memory() < 16 * MOST_RULES * 64, "{}", set.memory());
}

#[test]
fn rules_beyond_the_most_never_match_and_no_rules_match_nothing() {
    let never = Conditions { protocols: Some(vec![1]), ..Conditions::default() };
    let mut rules = vec![rule(never); MOST_RULES];
    rules.push(rule(Conditions::default()));
    let packet = call([10, 0, 0, 1], [10, 0, 0, 2], 1);
    assert!(RuleSet::new(rules).find(&packet).is_none());
    assert!(RuleSet::default().find(&packet).is_none());
    assert!(RuleSet::new(Vec::new()).find(&packet).is_none());
}

#[test]
fn a_condition_without_a_value_matches_nothing() {
    let none = Conditions { dscps: Some(Vec::new()), ..Conditions::default() };
    assert!(RuleSet::new(vec![rule(none)]).find(&call([10, 0, 0, 1], [10, 0, 0, 2], 1)).is_none());
}

/// Rules that name both addresses, one, or none, are said apart where all at once take too much.
#[test]
fn rules_are_told_apart_by_the_addresses_that_they_name() {
    let one = |i: u32| {
        let mixed = i.wrapping_mul(0x9e37_79b9);
        let from = nets(10 << 24 | ((mixed >> 7) % 100) << 8, 24);
        let to = nets(10 << 24 | ((mixed >> 13) % 150) << 8, 24);
        let port = (mixed >> 19) as u16 % 300;
        rule(Conditions {
            sources: from.filter(|_| !(mixed >> 3).is_multiple_of(3)),
            destinations: to.filter(|_| !(mixed >> 5).is_multiple_of(5)),
            destination_ports: Some(vec![port..=port + i as u16 % 4]),
            ..Conditions::default()
        })
    };
    let rules: Vec<Rule> = (0..300).map(one).collect();
    let whole = RuleSet::new(rules.clone());
    let parts =
        RuleSet::planned(rules.clone(), |groups, rules| plan::Plan::apart(groups, rules, 1 << 20).unwrap());
    let rows = RuleSet::within(rules, 0);
    let said = |set: &RuleSet| match &set.plan.last {
        last::Last::Rules(said) => said.len(),
        last::Last::Rows(_) => 0,
    };
    assert_eq!([&whole, &parts, &rows].map(said), [1, 4, 0]);
    for i in 0..2_000u32 {
        let packet = call([10, 0, (i % 101) as u8, 1], [10, 0, (i % 151) as u8, 2], (i % 303) as u16);
        for set in [&whole, &parts, &rows] {
            let expected = by_list(set.rules(), &packet);
            assert_eq!(set.find(&packet).map(|(at, _)| at), expected, "{packet:?}");
        }
    }
}
