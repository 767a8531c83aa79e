//! Match groups and rules: names that are none, rules that contradict themselves, rules
//! that can never match, and, as warnings, rules that overlap with another outcome.

mod odd;
mod region;
mod shadow;

use ahash::{AHashMap, AHashSet};
use dataplane::id::{IfIndex, VrfId};
use dataplane::table::rules::{self, Fragment, MOST_RULES};
use dataplane::wire::l4::has_ports;

use super::{Checks, first};
use crate::config::rule::{Conditions, Protocol, Resolver, Rule};
use crate::config::types::{Config, Interface};
use crate::config::walk::help_names;
use crate::config::words::Direction;
use region::World;
use shadow::Told;

/// Values that all rules name together, their groups' counted for each.
const MOST_NAMED: usize = 1 << 23;
/// Prefixes of all rules together, their groups' counted for each.
const MOST_PREFIXES: usize = 65_536;

/// The places of Vrfs, the default one first.
struct Vrfs<'a>(AHashMap<&'a str, VrfId>);

impl<'a> Vrfs<'a> {
    fn new(config: &'a Config) -> Self {
        let names = std::iter::once("default").chain(config.vrfs.iter().map(|vrf| vrf.name.as_str()));
        Self(names.zip(0..).map(|(name, at)| (name, VrfId(at))).collect())
    }

    fn get(&self, name: &str) -> Option<VrfId> {
        self.0.get(name).copied()
    }
}

/// Where packets of a direction may come or go; `open` counts interfaces that are yet to come.
fn world(config: &Config, direction: Direction, open: bool) -> World {
    let vrfs = Vrfs::new(config);
    let interface = |i: &Interface| (vrfs.get(&i.vrf).unwrap_or_default(), i.mpls);
    World {
        interfaces: config.interfaces.iter().map(interface).collect(),
        leaves: direction == Direction::Out,
        open: open || config.interfaces.is_empty(),
    }
}

/// The rules of one direction: the place in the file of each, and what it comes to.
struct Resolved {
    places: Vec<usize>,
    rules: Vec<(rules::Conditions, rules::Treatment)>,
}

fn resolved(config: &Config, direction: Direction) -> Resolved {
    // Interfaces and Vrfs have no ids yet: their places do as well.
    let vrfs = Vrfs::new(config);
    let resolver = Resolver::new(config, |at, _| u32::try_from(at).ok().map(IfIndex), |name| vrfs.get(name));
    let of = config.rules.iter().enumerate().filter(|(_, rule)| rule.direction == direction);
    let (places, rules) = of.map(|(at, r)| (at, (resolver.conditions(r), r.treatment()))).unzip();
    Resolved { places, rules }
}

impl Checks<'_> {
    pub(super) fn rules(&self, whole: bool) {
        let config = self.config;
        let groups = || config.match_groups.iter().map(|group| group.name.as_str());
        self.unique("match", groups(), &first(groups()), MOST_RULES);
        let names = || config.rules.iter().map(|rule| rule.name.as_str());
        self.unique("rule", names(), &first(names()), MOST_RULES);
        if !whole || config.rules.len() > MOST_RULES {
            return;
        }
        for (at, group) in config.match_groups.iter().enumerate() {
            self.places("match", at, &group.conditions);
            self.prefixes("match", at, &group.conditions);
        }
        for (at, rule) in config.rules.iter().enumerate() {
            self.places("rule", at, &rule.conditions);
            self.prefixes("rule", at, &rule.conditions);
            for name in rule.groups.iter().filter(|name| !groups().any(|known| known == *name)) {
                let message = format!("there is no match \"{name}\"");
                self.fault("rule", at, "match", message, help_names("match", name, groups()));
            }
            if rule.treatment() == rules::Treatment::default() {
                let help = "give \"class\", \"colour\", \"mark\" or \"mark-tc\"";
                self.fault("rule", at, "name", "it does nothing with its packets".into(), help);
            }
            if rule.mark_tc.is_some() && rule.direction == Direction::In {
                let message = "labels are marked as they leave".into();
                self.fault("rule", at, "mark-tc", message, "say direction = \"out\", or give \"class\"");
            }
        }
        let named = values(config);
        if named > MOST_NAMED {
            let message = format!("rules and their groups name {named} values, more than {MOST_NAMED}");
            self.fault("rule", 0, "name", message, "name fewer and wider ranges, or fewer groups");
        }
        if self.findings.borrow().is_empty() {
            [Direction::In, Direction::Out].into_iter().for_each(|direction| self.never(direction));
        }
    }

    /// Groups that no rule names.
    pub(super) fn unused_groups(&self) {
        let named: AHashSet<&str> =
            self.config.rules.iter().flat_map(|rule| &rule.groups).map(String::as_str).collect();
        for (at, group) in self.config.match_groups.iter().enumerate() {
            if !named.contains(group.name.as_str()) {
                let message = format!("no rule names the match \"{}\"", group.name);
                let help = format!("write match = \"{}\" in a rule, or take it out", group.name);
                self.fault("match", at, "name", message, help);
            }
        }
    }

    /// Prefixes that are an address, by their bits past the length.
    fn prefixes(&self, list: &str, at: usize, conditions: &Conditions) {
        for (key, nets) in [("source", &conditions.source), ("destination", &conditions.destination)] {
            for (n, net) in nets.iter().enumerate().filter(|(_, net)| net.trunc() != **net) {
                let message = format!("{net} has bits set past its length");
                let help = format!("did you mean {}, or the one address {}?", net.trunc(), net.addr());
                self.fault(list, at, &format!("{key}[{n}]"), message, help);
            }
        }
    }

    /// Interfaces and Vrfs that are named.
    fn places(&self, list: &str, at: usize, conditions: &Conditions) {
        for name in &conditions.interface {
            self.interface(list, at, "interface", name);
        }
        for name in conditions.vrf.iter().filter(|name| !self.is_vrf(name)) {
            self.missing_vrf(list, at, "vrf", name);
        }
    }

    fn never(&self, direction: Direction) {
        let Resolved { places, rules } = resolved(self.config, direction);
        let prefixes = |c: &rules::Conditions| {
            [&c.sources, &c.destinations].iter().map(|nets| nets.as_ref().map_or(0, Vec::len)).sum::<usize>()
        };
        let (mut sum, mut sound) = (0, true);
        let world = world(self.config, direction, true);
        for ((conditions, _), at) in rules.iter().zip(&places) {
            sum += prefixes(conditions);
            if sum > MOST_PREFIXES {
                let message = format!("with it rules have more than {MOST_PREFIXES} prefixes");
                self.fault("rule", *at, "name", message, "name larger ones");
                return;
            }
            let found = contradiction(&self.config.rules[*at], conditions, &world);
            if let Some((key, message, help)) = found {
                self.fault("rule", *at, key, message, help);
                sound = false;
            }
        }
        if !sound || !self.fits(&rules, &places, direction) {
            return;
        }
        for (told, at) in shadow::told(&rules, &world).told.into_iter().zip(&places) {
            let Some(Told::Never(by)) = told else { continue };
            let names = quoted(self.config, &places, &by);
            let message = format!("it can never match: all of its packets are matched by {names} before");
            self.fault("rule", *at, "name", message, "move it before, or take it out");
        }
    }

    /// Rules whose packets another rule may take with another outcome.
    pub(super) fn overlaps(&self) {
        for direction in [Direction::In, Direction::Out] {
            let Resolved { places, rules } = resolved(self.config, direction);
            for ((conditions, _), at) in rules.iter().zip(&places) {
                if let Some((key, message, help)) = odd::odd(&self.config.rules[*at], conditions) {
                    self.fault("rule", *at, key, message, help);
                }
            }
            let found = shadow::told(&rules, &world(self.config, direction, false));
            self.left_open(&found.open, &places);
            for (told, at) in found.told.into_iter().zip(&places) {
                let (with, all) = match told {
                    Some(Told::Overlaps(with, all)) => (with, all),
                    Some(Told::Never(by)) => {
                        let names = quoted(self.config, &places, &by);
                        let message = format!(
                            "with the interfaces and vrfs that there are it never matches: all of its packets are matched by {names} before"
                        );
                        let help = "move it before, or take it out, unless it is for interfaces that are yet to come";
                        self.fault("rule", *at, "name", message, help);
                        continue;
                    }
                    None => continue,
                };
                let names = quoted(self.config, &places, &with);
                let more =
                    if all > with.len() { format!(" and {} more", all - with.len()) } else { String::new() };
                let message =
                    format!("some of its packets are matched by {names}{more} before, to another end");
                let help = "if that is not meant, narrow one of them, or change their order";
                self.fault("rule", *at, "name", message, help);
            }
        }
    }
}

impl Checks<'_> {
    /// Rules of which it was not found out whether they can match: once for all.
    fn left_open(&self, open: &[usize], places: &[usize]) {
        let Some(at) = open.first().and_then(|first| places.get(*first)) else { return };
        let more = match open.len() - 1 {
            0 => String::new(),
            n => format!(" and that of {n} more"),
        };
        let message = format!(
            "whether it can match at all is left open{more}: too many ranges would have to be held against \
             those of the rules before"
        );
        self.fault("rule", *at, "name", message, "name fewer and wider ranges, or make fewer rules overlap");
    }

    /// What rules come to in memory; `false` where it is too much.
    fn fits(
        &self,
        rules: &[(rules::Conditions, rules::Treatment)],
        places: &[usize],
        direction: Direction,
    ) -> bool {
        let most = rules::most_memory(rules.iter().map(|(conditions, _)| conditions));
        let Some(last) = places.last().filter(|_| most > rules::MOST_MEMORY) else { return true };
        let mib = |bytes: usize| bytes.div_ceil(1 << 20);
        let what = if direction == Direction::In { "comes in" } else { "goes out" };
        let message = format!(
            "with it the {} rules for what {what} may take {} MiB of memory, more than {}",
            rules.len(),
            mib(most),
            mib(rules::MOST_MEMORY)
        );
        self.fault("rule", *last, "name", message, "name fewer and wider ranges, prefixes or interfaces");
        false
    }
}

/// The values that rules name, those of their groups counted for each rule.
fn values(config: &Config) -> usize {
    let of = |c: &Conditions| {
        let places = c.interface.len() + c.vrf.len() + c.vlan.len() + c.source.len() + c.destination.len();
        let upper = c.source_port.len() + c.destination_port.len() + c.protocol.len();
        places + upper + c.dscp.len() + c.tc.len() + c.length.len() + c.fragment.len()
    };
    let groups: AHashMap<&str, usize> =
        config.match_groups.iter().map(|group| (group.name.as_str(), of(&group.conditions))).collect();
    let named = |rule: &Rule| rule.groups.iter().filter_map(|name| groups.get(name.as_str())).sum::<usize>();
    config.rules.iter().map(|rule| of(&rule.conditions) + named(rule)).sum()
}

fn quoted(config: &Config, places: &[usize], rules: &[usize]) -> String {
    let name = |rule: &usize| format!("\"{}\"", config.rules[places[*rule]].name);
    let names: Vec<String> = rules.iter().take(8).map(name).collect();
    match names.as_slice() {
        [one] => format!("the rule {one}"),
        _ if rules.len() > names.len() => format!("the rules {} and others together", names.join(", ")),
        _ => format!("the rules {}", names.join(", ")),
    }
}

/// Why no packet at all can be a rule's: the key, what is wrong, and how to mend it.
fn contradiction(
    rule: &Rule,
    c: &rules::Conditions,
    world: &World,
) -> Option<(&'static str, String, &'static str)> {
    let none = [
        ("interface", !world.has_place(c)),
        ("tc", c.tcs.as_ref().is_some_and(Vec::is_empty)),
        ("source", c.sources.as_ref().is_some_and(Vec::is_empty)),
        ("destination", c.destinations.as_ref().is_some_and(Vec::is_empty)),
        ("source-port", c.source_ports.as_ref().is_some_and(Vec::is_empty)),
        ("destination-port", c.destination_ports.as_ref().is_some_and(Vec::is_empty)),
        ("protocol", c.protocols.as_ref().is_some_and(Vec::is_empty)),
        ("dscp", c.dscps.as_ref().is_some_and(Vec::is_empty)),
        ("length", c.lengths.as_ref().is_some_and(Vec::is_empty)),
        ("fragment", c.fragments.as_ref().is_some_and(Vec::is_empty)),
    ];
    if let Some((key, _)) = none.into_iter().find(|(_, none)| *none) {
        return Some(match key {
            "interface" => (
                "name",
                "no interface is of all the names, vrfs and VLAN ids that it asks for".into(),
                "name interfaces that there are, or leave one of \"interface\", \"vrf\" and \"vlan\" out",
            ),
            _ => (
                "match",
                format!("no packet has a \"{key}\" that all of its groups and its own conditions allow"),
                "leave one of them out, or make a rule for each",
            ),
        });
    }
    if (c.tcs.is_some() || rule.mark_tc.is_some()) && !world.has_labels(c) {
        let message = "no interface that it asks for has labels: mpls = true is none's";
        return Some(match rule.mark_tc {
            Some(_) => {
                ("mark-tc", message.into(), "name interfaces with mpls = true, or leave \"mark-tc\" out")
            }
            None => ("name", message.into(), "name interfaces with mpls = true, or leave \"tc\" out"),
        });
    }
    ports(rule, c).or_else(|| families(c)).or_else(|| odd::too_short(rule, c))
}

/// Ports of packets that have none.
fn ports(rule: &Rule, c: &rules::Conditions) -> Option<(&'static str, String, &'static str)> {
    c.source_ports.as_ref().or(c.destination_ports.as_ref())?;
    let key = match () {
        () if !rule.conditions.destination_port.is_empty() => "destination-port",
        () if !rule.conditions.source_port.is_empty() => "source-port",
        () => "match",
    };
    if let Some(protocols) = c.protocols.as_ref().filter(|p| !p.iter().any(|p| has_ports(*p))) {
        let named: Vec<String> = protocols.iter().take(4).map(|p| Protocol(*p).to_string()).collect();
        let message = format!("packets of protocol {} have no ports", named.join(", "));
        return Some((key, message, "ports are of tcp, udp, dccp, sctp and udp-lite; leave one of both out"));
    }
    let later = c.fragments.as_ref().is_some_and(|parts| parts.iter().all(|p| *p == Fragment::Later));
    later.then(|| (key, "fragments behind the first have no ports".into(), "leave one of both out"))
}

/// Source and destination of different IP versions.
fn families(c: &rules::Conditions) -> Option<(&'static str, String, &'static str)> {
    let (sources, destinations) = (c.sources.as_ref()?, c.destinations.as_ref()?);
    let v4 = |nets: &[ipnet::IpNet]| nets.iter().any(|net| net.addr().is_ipv4());
    let v6 = |nets: &[ipnet::IpNet]| nets.iter().any(|net| net.addr().is_ipv6());
    let meet = (v4(sources) && v4(destinations)) || (v6(sources) && v6(destinations));
    (!meet).then(|| {
        let message = "no packet has a source and a destination of different IP versions";
        ("source", message.into(), "name prefixes of the same version in both")
    })
}
