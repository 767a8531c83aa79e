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

/// What both allow: whatever two of their values have in common, once.
fn both<T: Clone + Eq + Hash>(a: Wanted<T>, b: Wanted<T>, common: impl Fn(&T, &T) -> Option<T>) -> Wanted<T> {
    let (Some(a), Some(b)) = (&a, &b) else { return a.or(b) };
    let mut seen = AHashSet::new();
    let pairs = a.iter().flat_map(|a| b.iter().map(move |b| (a, b)));
    Some(pairs.filter_map(|(a, b)| common(a, b)).filter(|value| seen.insert(value.clone())).collect())
}

fn same<T: PartialEq + Copy>(a: &T, b: &T) -> Option<T> {
    (a == b).then_some(*a)
}

fn inner(a: &IpNet, b: &IpNet) -> Option<IpNet> {
    match () {
        () if a.contains(b) => Some(*b),
        () if b.contains(a) => Some(*a),
        () => None,
    }
}

fn common(a: &RangeInclusive<u16>, b: &RangeInclusive<u16>) -> Option<RangeInclusive<u16>> {
    let (first, last) = (*a.start().max(b.start()), *a.end().min(b.end()));
    (first <= last).then_some(first..=last)
}
