//! The whole proof, from routers and intent to a report.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;
use std::time::Instant;

use ahash::AHashMap;
use ipnet::IpNet;

use super::address::Address;
use super::inject;
use super::intent::{Intent, Rules};
use super::judge::{Judge, Start};
use super::links::LinkError;
use super::network::{Network, Node, Place, Router};
use super::report::Report;
use super::tell::{Teller, empty_extranets};
use super::tunnel::Tunnels;
use super::walk::Walk;
use super::wants::{Want, Wants};

/// How much of a network is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of it: what comes from elsewhere is not trusted.
    Network,
    /// One router of it: what its tables alone decide.
    Router,
}

/// Follows every packet from every edge, and compares with what is meant.
///
/// # Errors
/// The lines between the routers are not known.
pub fn isolation(routers: &[Router], intent: &Intent, scope: Scope) -> Result<Report, Vec<LinkError>> {
    let started = Instant::now();
    let network = Network::new(routers)?;
    let rules = Rules::new(intent, &network);
    let mut proof = Proof {
        network: &network,
        rules: &rules,
        scope,
        tunnels: Tunnels::new(&network),
        report: Report::default(),
        pairs: BTreeSet::new(),
        empty: BTreeSet::new(),
    };
    proof.figures(intent);
    if scope == Scope::Network {
        proof.report.unknown_members = rules.unknown_members(&network);
    }
    proof.family::<u32>();
    proof.family::<u128>();
    let mut report = proof.report;
    report.pairs = proof.pairs.len();
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

/// A Vrf whose packets are followed.
struct Root<'w, 'i, A> {
    node: Node,
    /// What it must reach, as a number, and whether it must.
    class: (usize, bool),
    wanted: &'w [Want<'i, A>],
    receivers: BTreeSet<Node>,
}

/// By class of the sender, Vrf and range: what ends as it should, and the receivers.
type Right<A> = AHashMap<((usize, bool), Node, A, A), Box<[Node]>>;

struct Proof<'a, 'n> {
    network: &'n Network<'n>,
    rules: &'a Rules<'a>,
    scope: Scope,
    tunnels: Tunnels<'n>,
    report: Report,
    /// Sender and receiver that packets were followed between.
    pairs: BTreeSet<(Node, Node)>,
    /// Extranets and their prefixes that were found with nobody behind.
    empty: BTreeSet<(String, String, IpNet)>,
}

impl<'a, 'n> Proof<'a, 'n> {
    fn figures(&mut self, intent: &Intent) {
        let vrfs = || self.network.nodes().filter_map(|node| self.network.vrf(node));
        self.report.routers = self.network.routers.len();
        self.report.vrfs = vrfs().count();
        self.report.prefixes = vrfs().map(|v| v.fib4.len() + v.fib6.len()).sum();
        self.report.communities = intent.communities();
    }

    fn family<A: Address + Hash>(&mut self) {
        let walk = Walk::<A>::new(self.network);
        let mut judge = Judge::new(self.network, self.rules);
        self.unlabelled(&walk, &mut judge);
        self.labelled(&walk, &mut judge);
        let teller = Teller { network: self.network, rules: self.rules, scope: self.scope };
        teller.tell(&judge.findings, &mut self.report);
    }

    /// Whether what comes in by an edge with labels is what a router of the network sent.
    fn is_trusted(&self, place: Place) -> bool {
        let own =
            || self.network.node_of(place).is_some_and(|n| self.rules.is_infrastructure(self.network, n));
        self.network.is_boundary(place) || (self.scope == Scope::Router && own())
    }

    /// IP packets from the edges of every Vrf.
    fn unlabelled<A: Address + Hash>(&mut self, walk: &Walk<'n, A>, judge: &mut Judge<'_, 'n, 'a, A>) {
        // Those that have addresses of the family at their edges are to reach the others'.
        let mut roots: BTreeMap<Node, bool> = BTreeMap::new();
        for (place, interface) in self.network.edges() {
            let Some(node) = self.network.node_of(place) else { continue };
            let mut addresses = interface.addresses.iter().map(|a| a.net.addr());
            *roots.entry(node).or_default() |=
                addresses.any(|a| A::of(a).is_some() && !crate::rib::is_link_local(a));
        }
        let mut wants = Wants::new(walk, self.network, &mut self.tunnels);
        let mut right = Right::default();
        for (root, speaks) in roots {
            let (class, wanted) = wants.of(self.rules, self.network, root);
            let wanted = if speaks { wanted } else { &[] };
            if self.scope == Scope::Network {
                let lost = empty_extranets(self.network, root, wanted, &mut self.empty);
                self.report.missing.extend(lost);
            }
            let mut from = Root { node: root, class: (class, speaks), wanted, receivers: BTreeSet::new() };
            self.follow(walk, judge, &mut from, &mut right);
            self.pairs.extend(from.receivers.into_iter().map(|to| (root, to)));
        }
    }

    /// IP packets from the edges of one Vrf. What another Vrf alone does with a range is
    /// the same for all that send it there: once found right, it is not looked at again.
    fn follow<A: Address + Hash>(
        &mut self,
        walk: &Walk<'n, A>,
        judge: &mut Judge<'_, 'n, 'a, A>,
        root: &mut Root<'_, 'a, A>,
        right: &mut Right<A>,
    ) {
        let ranges: Vec<_> = walk.ranges(&mut self.tunnels, root.node).collect();
        let mut pieces = Vec::new();
        for (first, last, next) in ranges {
            let key = next.map(|next| (root.class, next, first, last));
            if let Some(known) = key.and_then(|key| right.get(&key)) {
                root.receivers.extend(known.iter().copied());
                continue;
            }
            pieces.clear();
            let alone = next.is_some_and(|next| {
                walk.ends_alone(&mut self.tunnels, next, (first, last), &mut |piece| pieces.push(piece))
            });
            if let Some(key) = key.filter(|_| alone)
                && pieces.iter().all(|piece| judge.is_right(root.node, root.wanted, *piece))
            {
                let receivers: BTreeSet<Node> = pieces.iter().filter_map(|p| judge.receiver(p.2)).collect();
                root.receivers.extend(receivers.iter().copied());
                right.insert(key, receivers.into_iter().collect());
                continue;
            }
            walk.ends(&mut self.tunnels, root.node, (first, last), &mut |piece| {
                root.receivers.extend(judge.receiver(piece.2));
                judge.closed(root.node, || Start::Vrf(root.node), piece);
                judge.reached(root.node, root.wanted, piece);
            });
        }
    }

    /// Packets with labels, where an edge accepts them.
    fn labelled<A: Address + Hash>(&mut self, walk: &Walk<'n, A>, judge: &mut Judge<'_, 'n, 'a, A>) {
        let accepting: Vec<(Place, Node)> = self
            .network
            .edges()
            .filter(|(place, interface)| interface.mpls && !self.is_trusted(*place))
            .filter_map(|(place, _)| Some((place, self.network.node_of(place)?)))
            .collect();
        for (at, from) in accepting {
            inject::ends(walk, self.network, &mut self.tunnels, at, &mut |labels, piece| {
                judge.closed(from, || Start::Labelled(at, labels.to_vec()), piece);
            });
        }
    }
}
