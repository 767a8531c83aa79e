//! A rule with its groups → what the engine is asked for: for each field what all of
//! them allow.

use std::collections::BTreeSet;
use std::hash::Hash;
use std::ops::RangeInclusive;

use ahash::{AHashMap, AHashSet};
use dataplane::id::{IfIndex, VrfId};
use dataplane::table::rules::{self, Fragment, Wanted};
use ipnet::IpNet;

use super::{Conditions, MatchGroup, Rule, Span16};
use crate::config::types::{Config, Interface, Vlan};

/// What the names in rules stand for.
pub(crate) struct Resolver<'a> {
    groups: AHashMap<&'a str, &'a MatchGroup>,
    interfaces: AHashMap<&'a str, Vec<IfIndex>>,
    vrfs: AHashMap<&'a str, VrfId>,
    vlans: AHashMap<u16, Vec<IfIndex>>,
}

impl<'a> Resolver<'a> {
    /// Of this configuration, whose interfaces and Vrfs have these ids.
    pub(crate) fn new(
        config: &'a Config,
        id: impl Fn(usize, &Interface) -> Option<IfIndex>,
        vrf: impl Fn(&str) -> Option<VrfId>,
    ) -> Self {
        let groups = config.match_groups.iter().map(|group| (group.name.as_str(), group)).collect();
        let (interfaces, vlans) = Default::default();
        let named = config.match_groups.iter().map(|group| &group.conditions);
        let named = named.chain(config.rules.iter().map(|rule| &rule.conditions)).flat_map(|c| &c.vrf);
        let vrfs = named.filter_map(|name| Some((name.as_str(), vrf(name)?))).collect();
        let mut resolver = Self { groups, interfaces, vrfs, vlans };
        // Without rules nothing is asked for.
        let of = if config.rules.is_empty() { &[][..] } else { &config.interfaces };
        for (interface, id) in of.iter().enumerate().filter_map(|(at, i)| Some((i, id(at, i)?))) {
            resolver.interfaces.entry(&interface.name).or_default().push(id);
            if let Vlan::One(vid) | Vlan::Two([vid, _]) = interface.vlan {
                resolver.vlans.entry(vid).or_default().push(id);
            }
        }
        resolver
    }

    /// What `rule` and its groups ask for together.
    pub(crate) fn conditions(&self, rule: &Rule) -> rules::Conditions {
        let groups = rule.groups.iter().filter_map(|name| self.groups.get(name.as_str()));
        let parts = groups.map(|group| &group.conditions).chain([&rule.conditions]);
        parts.fold(rules::Conditions::default(), |all, part| self.narrowed(all, part))
    }

    fn narrowed(&self, all: rules::Conditions, part: &Conditions) -> rules::Conditions {
        let interfaces = both(all.interfaces, named(&part.interface, |n| self.interfaces.get(n)), same);
        let vrfs: Wanted<VrfId> = (!part.vrf.is_empty())
            .then(|| part.vrf.iter().filter_map(|name| self.vrfs.get(name.as_str())).copied().collect());
        let vlans: Wanted<IfIndex> = (!part.vlan.is_empty())
            .then(|| part.vlan.iter().filter_map(|vid| self.vlans.get(vid)).flatten().copied().collect());
        let spans = |spans: &[Span16]| wanted(spans, |s| s.first..=s.last);
        rules::Conditions {
            interfaces: both(interfaces, vlans, same),
            vrfs: both(all.vrfs, vrfs, same),
            tcs: both(all.tcs, wanted(&part.tc, |tc| *tc), same),
            sources: both(all.sources, wanted(&part.source, |net| *net), inner),
            destinations: both(all.destinations, wanted(&part.destination, |net| *net), inner),
            source_ports: both(all.source_ports, spans(&part.source_port), common),
            destination_ports: both(all.destination_ports, spans(&part.destination_port), common),
            protocols: both(all.protocols, wanted(&part.protocol, |p| p.0), same),
            dscps: both(all.dscps, wanted(&part.dscp, |d| d.0), same),
            lengths: both(all.lengths, spans(&part.length), common),
            fragments: both(all.fragments, wanted(&part.fragment, |f| Fragment::from(*f)), same),
        }
    }
}

fn wanted<T, U>(values: &[T], of: impl Fn(&T) -> U) -> Wanted<U> {
    (!values.is_empty()).then(|| values.iter().map(of).collect())
}

fn named<'v>(names: &[String], find: impl Fn(&str) -> Option<&'v Vec<IfIndex>>) -> Wanted<IfIndex> {
    let found: BTreeSet<IfIndex> = names.iter().filter_map(|n| find(n)).flatten().copied().collect();
    (!names.is_empty()).then(|| found.into_iter().collect())
}

/// What both allow, where both say something.
fn both<T>(a: Wanted<T>, b: Wanted<T>, common: impl Fn(Vec<T>, Vec<T>) -> Vec<T>) -> Wanted<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(common(a, b)),
        (a, b) => a.or(b),
    }
}

/// Each value of both, once.
fn same<T: Copy + Eq + Hash>(a: Vec<T>, b: Vec<T>) -> Vec<T> {
    let mut left: AHashSet<T> = b.into_iter().collect();
    a.into_iter().filter(|value| left.remove(value)).collect()
}

/// Of two prefixes of which one is in the other that one, once.
fn inner(a: Vec<IpNet>, b: Vec<IpNet>) -> Vec<IpNet> {
    let of = |nets: &[IpNet]| nets.iter().map(IpNet::trunc).collect::<AHashSet<_>>();
    let (in_a, in_b) = (of(&a), of(&b));
    let within = |net: &IpNet, others: &AHashSet<IpNet>| {
        std::iter::successors(Some(net.trunc()), IpNet::supernet).any(|outer| others.contains(&outer))
    };
    let mut seen = AHashSet::new();
    let all = a.into_iter().filter(|net| within(net, &in_b)).collect::<Vec<_>>();
    let more = b.into_iter().filter(|net| within(net, &in_a));
    all.into_iter().chain(more).filter(|net| seen.insert(net.trunc())).collect()
}

/// The numbers that are in ranges of both.
fn common(a: Vec<RangeInclusive<u16>>, b: Vec<RangeInclusive<u16>>) -> Vec<RangeInclusive<u16>> {
    let (a, b) = (joined(a), joined(b));
    let (mut i, mut j, mut common) = (0, 0, Vec::new());
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let (first, last) = (*x.start().max(y.start()), *x.end().min(y.end()));
        if first <= last {
            common.push(first..=last);
        }
        if x.end() < y.end() { i += 1 } else { j += 1 }
    }
    common
}

/// In order, none in another or next to it.
fn joined(mut ranges: Vec<RangeInclusive<u16>>) -> Vec<RangeInclusive<u16>> {
    ranges.sort_unstable_by_key(|range| (*range.start(), *range.end()));
    let mut joined: Vec<RangeInclusive<u16>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(before) if *range.start() <= before.end().saturating_add(1) => {
                *before = *before.start()..=(*before.end()).max(*range.end());
            }
            _ => joined.push(range),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn ranges() -> impl Strategy<Value = Vec<RangeInclusive<u16>>> {
        let near = prop_oneof![0u16..40, 65_500u16..=65_535];
        vec((near, 0u16..9), 0..6)
            .prop_map(|all| all.into_iter().map(|(from, n)| from..=from.saturating_add(n)).collect())
    }

    fn nets() -> impl Strategy<Value = Vec<IpNet>> {
        let net = |(a, length): (u32, u8)| {
            IpNet::new(std::net::Ipv4Addr::from_bits(10 << 24 | a << 20).into(), length)
        };
        vec((0u32..16, 4u8..16), 0..6)
            .prop_map(move |all| all.into_iter().filter_map(|n| net(n).ok()).collect())
    }

    proptest! {
        #[test]
        fn what_two_lists_have_in_common_is_what_both_have(a in ranges(), b in ranges(), x in nets(), y in nets()) {
            let has = |all: &[RangeInclusive<u16>], n: u16| all.iter().any(|range| range.contains(&n));
            let both = common(a.clone(), b.clone());
            for n in (0..60).chain(65_490..=65_535) {
                prop_assert_eq!(has(&both, n), has(&a, n) && has(&b, n), "{}", n);
            }
            let both = inner(x.clone(), y.clone());
            for n in 0..16u32 {
                let address = std::net::IpAddr::from(std::net::Ipv4Addr::from_bits(10 << 24 | n << 20 | 9));
                let has = |all: &[IpNet]| all.iter().any(|net| net.contains(&address));
                prop_assert_eq!(has(&both), has(&x) && has(&y), "{}", address);
            }
        }
    }
}
