//! What must be reached: the prefixes at the edges of each community, as one ideal
//! table that every member should agree with, and the prefixes of extranets.

use std::collections::{BTreeMap, BTreeSet};

use ahash::AHashMap;
use ipnet::IpNet;

use super::address::Address;
use super::intent::{Part, Rules};
use super::network::{Network, Node};
use super::table::Table;
use super::tunnel::Tunnels;
use super::walk::{Kind, Walk};
use crate::config::Extranet;

/// Why something must be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose<'i> {
    /// Both ends are members of one community.
    Community,
    /// This extranet says so.
    Extranet(&'i Extranet),
}

/// Ranges that must be reached, each with those at whose edges it is.
#[derive(Debug)]
pub(super) struct Want<'i, A> {
    pub(super) purpose: Purpose<'i>,
    /// In order and disjoint; the number is one of `owners`.
    pub(super) ranges: Vec<(A, A, usize)>,
    pub(super) owners: Vec<Vec<Node>>,
}

/// What Vrfs must reach; alike for those that have the same part in the same communities,
/// and nothing of their own inside of what others have.
#[derive(Debug)]
pub(super) struct Wants<'i, A> {
    prefixes: Vec<Vec<(IpNet, Kind)>>,
    known: AHashMap<(Vec<Part>, Vec<IpNet>), usize>,
    wants: Vec<Vec<Want<'i, A>>>,
}

impl<'i, A: Address + std::hash::Hash> Wants<'i, A> {
    pub(super) fn new<'n>(walk: &Walk<'n, A>, network: &Network<'n>, tunnels: &mut Tunnels<'n>) -> Self {
        let prefixes = network.nodes().map(|node| walk.own_prefixes(tunnels, node)).collect();
        Self { prefixes, known: AHashMap::new(), wants: Vec::new() }
    }

    /// What `from` must reach; and a number that Vrfs have in common that must reach the same.
    pub(super) fn of(
        &mut self,
        rules: &Rules<'i>,
        network: &Network<'_>,
        from: Node,
    ) -> (usize, &[Want<'i, A>]) {
        let key = (rules.key(from), self.own(rules, network, from));
        let at = match self.known.get(&key) {
            Some(at) => *at,
            None => {
                let made = self.make(rules, network, from, &key.1);
                self.wants.push(made);
                self.known.insert(key, self.wants.len() - 1);
                self.wants.len() - 1
            }
        };
        (at, &self.wants[at])
    }

    /// What a spoke has itself inside of a prefix that it must reach: it goes first.
    fn own(&self, rules: &Rules<'i>, network: &Network<'_>, from: Node) -> Vec<IpNet> {
        if rules.must_reach(from, from) {
            return Vec::new();
        }
        let others: BTreeSet<IpNet> = network
            .nodes()
            .filter(|to| rules.must_reach(from, *to))
            .flat_map(|to| self.prefixes[to.index()].iter().map(|(prefix, _)| *prefix))
            .collect();
        let within = |prefix: &IpNet| {
            let mut wider = std::iter::successors(prefix.supernet(), IpNet::supernet);
            wider.any(|wider| others.contains(&wider))
        };
        let own = self.prefixes[from.index()].iter().map(|(prefix, _)| *prefix);
        let mut own: Vec<IpNet> = own.filter(within).collect();
        own.sort_unstable();
        own
    }

    fn make(&self, rules: &Rules<'i>, network: &Network<'_>, from: Node, own: &[IpNet]) -> Vec<Want<'i, A>> {
        let members: Vec<Node> = network.nodes().filter(|to| rules.must_reach(from, *to)).collect();
        let all = [(A::FIRST, A::LAST)];
        let mut wants = vec![self.want(Purpose::Community, &members, &all, own)];
        for extranet in rules.extranets(from) {
            let to: Vec<Node> =
                network.nodes().filter(|to| rules.named(*to).any(|name| name == extranet.to)).collect();
            let ranges: Vec<_> = extranet.prefixes.iter().filter_map(|p| A::range(*p)).collect();
            wants.push(self.want(Purpose::Extranet(extranet), &to, &ranges, &[]));
        }
        wants
    }

    /// What is at the edges of `members` inside of `within`; `own` is not wanted.
    fn want(&self, purpose: Purpose<'i>, members: &[Node], within: &[(A, A)], own: &[IpNet]) -> Want<'i, A> {
        let mut ideal: BTreeMap<IpNet, BTreeSet<Node>> = BTreeMap::new();
        for member in members {
            for (prefix, kind) in &self.prefixes[member.index()] {
                let owners = ideal.entry(*prefix).or_default();
                owners.extend((*kind == Kind::Edge).then_some(*member));
            }
        }
        for prefix in own {
            ideal.entry(*prefix).or_default();
        }
        let mut owners: Vec<Vec<Node>> = vec![Vec::new()];
        let mut numbered = Vec::new();
        for (prefix, of) in ideal {
            let Some((first, last)) = A::range(prefix) else { continue };
            let of: Vec<Node> = of.into_iter().collect();
            let number = owners.iter().rposition(|o| *o == of).unwrap_or(owners.len());
            if number == owners.len() {
                owners.push(of);
            }
            numbered.push((first, last, number));
        }
        let table = Table::new(numbered, 0);
        let mut ranges: Vec<_> =
            within.iter().flat_map(|(first, last)| table.within(*first, *last)).collect();
        ranges.retain(|(.., number)| *number != 0);
        ranges.sort_unstable();
        ranges.dedup();
        Want { purpose, ranges, owners }
    }
}

impl<A: Address> Want<'_, A> {
    /// The ranges that meet `first..=last`, cut to it.
    pub(super) fn within(&self, first: A, last: A) -> impl Iterator<Item = (A, A, &[Node])> {
        let from = self.ranges.partition_point(|(_, end, _)| *end < first);
        let meet = self.ranges.iter().skip(from).take_while(move |(start, ..)| *start <= last);
        meet.map(move |(start, end, number)| {
            let owners = self.owners.get(*number).map_or(&[][..], Vec::as_slice);
            ((*start).max(first), (*end).min(last), owners)
        })
    }
}
