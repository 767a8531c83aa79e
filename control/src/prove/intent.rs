//! What is meant to reach what: communities and extranets of all files together.

use std::collections::BTreeMap;

use ahash::AHashSet;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::network::{Network, Node};
use crate::commit::DEFAULT_VRF;
use crate::config::{Community, Config, Extranet, Member};

/// Communities and extranets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intent {
    /// By name.
    communities: BTreeMap<String, Community>,
    extranets: Vec<Extranet>,
}

impl Intent {
    /// What all these files say together. Members of one community, and prefixes of one
    /// extranet, add up.
    pub fn of<'c>(configs: impl IntoIterator<Item = &'c Config>) -> Self {
        let mut intent = Self::default();
        for config in configs {
            config.communities.iter().for_each(|community| intent.add(community));
            for extranet in &config.extranets {
                if !intent.extranets.contains(extranet) {
                    intent.extranets.push(extranet.clone());
                }
            }
        }
        intent
    }

    fn add(&mut self, community: &Community) {
        let Some(known) = self.communities.get_mut(&community.name) else {
            self.communities.insert(community.name.clone(), community.clone());
            return;
        };
        let more = |have: &mut Vec<Member>, new: &[Member]| {
            let new: Vec<_> = new.iter().filter(|m| !have.contains(m)).cloned().collect();
            have.extend(new);
        };
        more(&mut known.members, &community.members);
        more(&mut known.hubs, &community.hubs);
        more(&mut known.send_only, &community.send_only);
        more(&mut known.receive_only, &community.receive_only);
    }

    /// Whether nothing is declared, so that nothing can be proved.
    pub fn is_empty(&self) -> bool {
        self.communities.is_empty()
    }

    /// How many communities there are.
    pub fn communities(&self) -> usize {
        self.communities.len()
    }
}

/// A Vrf's part in a community.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Part {
    /// Index of the community; those of Vrfs that no community names come behind the others.
    community: usize,
    /// Whether it may send to every member, and every member to it.
    hub: bool,
    /// Whether it may send to others.
    sends: bool,
    /// Whether others may send to it.
    receives: bool,
}

impl Part {
    /// Whether one that has this part may send to one that has that other.
    fn may_send(self, to: Self) -> bool {
        self.community == to.community && (self.hub || to.hub) && self.sends && to.receives
    }

    /// Whether it must also reach it. What only sends and what only receives may be two
    /// lines of one site.
    fn must_reach(self, to: Self) -> bool {
        self.may_send(to) && (self.receives || to.sends)
    }
}

/// Why a packet of one Vrf may not be given to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// They have no community in common, and no extranet leads from one to the other.
    Closed {
        /// Communities of the sender.
        from: Vec<String>,
        /// Communities of the receiver.
        to: Vec<String>,
    },
    /// An extranet leads there, for other destinations only.
    Extranet {
        /// The community that may send.
        from: String,
        /// The community that it may send to.
        to: String,
        /// Destinations that it may send to.
        #[schemars(with = "Vec<String>")]
        prefixes: Vec<IpNet>,
    },
    /// Both are spokes of this community, which reach only its hubs.
    Spokes(String),
    /// In this community the one only receives, or the other only sends.
    OneWay(String),
    /// The default Vrf, which is in no community, is the network's own.
    Infrastructure,
}

/// Communities applied to the Vrfs of a network.
#[derive(Debug)]
pub(super) struct Rules<'i> {
    intent: &'i Intent,
    /// Names of communities, of those that no file names too.
    names: Vec<String>,
    /// By node.
    parts: Vec<Vec<Part>>,
}

/// What one Vrf may send to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    All,
    /// These destinations; else the rule is broken.
    Only(Vec<IpNet>, Rule),
    Nothing(Rule),
}

impl<'i> Rules<'i> {
    pub(super) fn new(intent: &'i Intent, network: &Network<'_>) -> Self {
        let names = intent.communities.keys().cloned().collect();
        let mut rules = Self { intent, names, parts: Vec::new() };
        for node in network.nodes() {
            let (router, vrf) = network.names(node);
            let parts = rules.parts_of(router, vrf);
            rules.parts.push(parts);
        }
        rules
    }

    fn parts_of(&mut self, router: &str, vrf: &str) -> Vec<Part> {
        let of = self.intent.communities.values().enumerate().filter(|(_, c)| c.has(router, vrf));
        let parts: Vec<Part> = of
            .map(|(community, c)| Part {
                community,
                hub: c.is_hub(router, vrf),
                sends: c.sends(router, vrf),
                receives: c.receives(router, vrf),
            })
            .collect();
        if !parts.is_empty() {
            return parts;
        }
        let name = format!("vrf {vrf}");
        let known = self.names.iter().position(|n| *n == name);
        let community = known.unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        });
        vec![Part { community, hub: true, sends: true, receives: true }]
    }

    /// Members, as COMMUNITY: MEMBER, that no router has.
    pub(super) fn unknown_members(&self, network: &Network<'_>) -> Vec<String> {
        let known: AHashSet<(&str, &str)> = network.nodes().map(|node| network.names(node)).collect();
        let vrfs: AHashSet<&str> = known.iter().map(|(_, vrf)| *vrf).collect();
        let is_known = |m: &Member| match &m.router {
            Some(router) => known.contains(&(router.as_str(), m.vrf.as_str())),
            None => vrfs.contains(m.vrf.as_str()),
        };
        let of = |c: &Community| {
            let lost: Vec<_> = c.members.iter().filter(|m| !is_known(m)).collect();
            lost.iter().map(|m| format!("{}: {m}", c.name)).collect::<Vec<_>>()
        };
        self.intent.communities.values().flat_map(of).collect()
    }

    fn parts(&self, node: Node) -> &[Part] {
        &self.parts[node.index()]
    }

    /// Whether a file names a community of this Vrf.
    pub(super) fn is_member(&self, node: Node) -> bool {
        self.parts(node).iter().any(|part| part.community < self.intent.communities.len())
    }

    /// Whether it is the network's own: the default Vrf, in no community.
    pub(super) fn is_infrastructure(&self, network: &Network<'_>, node: Node) -> bool {
        network.names(node).1 == DEFAULT_VRF && !self.is_member(node)
    }

    /// Whether they have a community in which one may send to the other directly.
    pub(super) fn meet(&self, from: Node, to: Node) -> bool {
        let both = |a: &Part| self.parts(to).iter().any(|b| a.may_send(*b));
        from == to || self.parts(from).iter().any(both)
    }

    /// What `from` may send to `to`.
    pub(super) fn allowed(&self, network: &Network<'_>, from: Node, to: Node) -> Allowed {
        if self.meet(from, to) {
            return Allowed::All;
        }
        let between =
            |e: &&Extranet| self.named(from).any(|n| n == e.from) && self.named(to).any(|n| n == e.to);
        let extranets: Vec<_> = self.intent.extranets.iter().filter(between).collect();
        if let Some(first) = extranets.first() {
            let prefixes: Vec<IpNet> = extranets.iter().flat_map(|e| e.prefixes.iter().copied()).collect();
            let (from, to) = (first.from.clone(), first.to.clone());
            return Allowed::Only(prefixes.clone(), Rule::Extranet { from, to, prefixes });
        }
        Allowed::Nothing(self.broken(network, from, to))
    }

    fn broken(&self, network: &Network<'_>, from: Node, to: Node) -> Rule {
        let both = |part: &Part| {
            let same = self.parts(to).iter().find(|other| other.community == part.community);
            same.map(|other| (*part, *other))
        };
        if let Some((part, other)) = self.parts(from).iter().find_map(both) {
            let name = self.names[part.community].clone();
            return if part.sends && other.receives { Rule::Spokes(name) } else { Rule::OneWay(name) };
        }
        if [from, to].into_iter().any(|node| self.is_infrastructure(network, node)) {
            return Rule::Infrastructure;
        }
        let names = |node| self.named(node).map(str::to_owned).collect();
        Rule::Closed { from: names(from), to: names(to) }
    }

    /// The names of a Vrf's communities.
    pub(super) fn named(&self, node: Node) -> impl Iterator<Item = &str> {
        self.parts(node).iter().map(|part| self.names[part.community].as_str())
    }

    /// What decides alike for several Vrfs: those with the same key may send to the same others.
    pub(super) fn key(&self, node: Node) -> Vec<Part> {
        self.parts(node).to_vec()
    }

    /// Whether `from` must reach `to`: they meet in a community that a file names.
    pub(super) fn must_reach(&self, from: Node, to: Node) -> bool {
        let declared = self.intent.communities.len();
        let both = |a: &Part| a.community < declared && self.parts(to).iter().any(|b| a.must_reach(*b));
        self.parts(from).iter().any(both)
    }

    /// The extranets that lead out of a Vrf's communities.
    pub(super) fn extranets(&self, from: Node) -> impl Iterator<Item = &'i Extranet> {
        let names: Vec<&str> = self.named(from).collect();
        self.intent.extranets.iter().filter(move |e| names.contains(&e.from.as_str()))
    }
}
