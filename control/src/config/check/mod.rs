//! Checks across the file: names, references, addresses, queues, next hops.

mod address;
mod classify;
mod hop;
mod label;
mod memif;
mod meter;
mod mpls;
mod port;
mod promise;
mod qos;
mod reach;
mod route;
pub(crate) mod rules;
mod vpn;

use std::cell::RefCell;
use std::ops::Range;

use ahash::AHashMap;
use ipnet::IpNet;
use prefix_trie::joint::map::JointPrefixMap;

use rules::Broken;

use super::errors::Finding;
use super::read::Kept;
use super::types::{Config, Interface, Port};
use super::walk::{help_names, help_words};
use crate::rib::is_link_local;

/// Findings kept, so that a hostile file cannot make the list large.
const MOST_FINDINGS: usize = 10_000;

/// What the checks share.
struct Checks<'a> {
    config: &'a Config,
    kept: &'a Kept,
    locate: &'a dyn Fn(&str) -> Option<Range<usize>>,
    findings: RefCell<Vec<Finding>>,
    ports: AHashMap<&'a str, usize>,
    interfaces: AHashMap<&'a str, usize>,
    vrfs: AHashMap<&'a str, usize>,
    prefix_lists: AHashMap<&'a str, usize>,
    communities: AHashMap<&'a str, usize>,
    /// Connected subnets by Vrf, each with its interface.
    subnets: AHashMap<&'a str, JointPrefixMap<IpNet, usize>>,
}

/// Everything that is wrong with `config` as a whole. `whole` says that nothing
/// of the file was left out in reading; if not, checks that would miss it are skipped.
pub(super) fn check(
    config: &Config,
    whole: bool,
    kept: &Kept,
    locate: impl Fn(&str) -> Option<Range<usize>>,
) -> Vec<Finding> {
    let checks = checks(config, kept, &locate);
    checks.names();
    checks.martians();
    checks.port_settings();
    checks.memif_ports();
    checks.interface_references(whole);
    checks.addresses();
    checks.queues();
    checks.meters(whole);
    checks.rules(whole);
    checks.mpls_settings();
    checks.promises(whole);
    checks.neighbours(whole);
    let own = checks.own_addresses();
    checks.labels(whole, &own);
    checks.prefix_lists(whole);
    checks.vpns(whole);
    checks.communities(whole);
    checks.extranets(whole);
    checks.routes(whole, &own);
    checks.findings.into_inner()
}

/// Whether the queues of an interface of `port` may be as this one has them.
pub(crate) fn allows_queues(port: &Port, interface: &Interface) -> bool {
    let (ports, interfaces) = (vec![port.clone()], vec![interface.clone()]);
    let (config, kept) = (Config { ports, interfaces, ..Config::default() }, Kept::default());
    let checks = checks(&config, &kept, &|_| None);
    checks.queues();
    checks.findings.into_inner().is_empty()
}

/// What a sound `config` may be warned of.
pub(super) fn warnings(config: &Config, locate: impl Fn(&str) -> Option<Range<usize>>) -> Vec<Finding> {
    let kept = Kept::default();
    let checks = checks(config, &kept, &locate);
    checks.empty();
    checks.overlaps();
    checks.unused_groups();
    checks.unused_meters();
    checks.unheeded();
    checks.few_buffers();
    checks.memif_trust();
    checks.findings.into_inner()
}

fn checks<'a>(
    config: &'a Config,
    kept: &'a Kept,
    locate: &'a dyn Fn(&str) -> Option<Range<usize>>,
) -> Checks<'a> {
    Checks {
        config,
        kept,
        locate,
        findings: RefCell::new(Vec::new()),
        ports: first(config.ports.iter().map(|p| p.name.as_str())),
        interfaces: first(config.interfaces.iter().map(|i| i.name.as_str())),
        vrfs: first(config.vrfs.iter().map(|v| v.name.as_str())),
        prefix_lists: first(config.prefix_lists.iter().map(|l| l.name.as_str())),
        communities: first(config.communities.iter().map(|c| c.name.as_str())),
        subnets: subnets(config),
    }
}

/// Name → first place of it.
fn first<'a>(names: impl Iterator<Item = &'a str>) -> AHashMap<&'a str, usize> {
    let mut map = AHashMap::new();
    for (i, name) in names.enumerate() {
        map.entry(name).or_insert(i);
    }
    map
}

fn subnets(config: &Config) -> AHashMap<&str, JointPrefixMap<IpNet, usize>> {
    let mut subnets: AHashMap<&str, JointPrefixMap<IpNet, usize>> = AHashMap::new();
    for (i, interface) in config.interfaces.iter().enumerate() {
        let of = subnets.entry(&interface.vrf).or_default();
        for net in interface.addresses.iter().filter(|net| !is_link_local(net.addr())) {
            of.insert(net.trunc(), i);
        }
    }
    subnets
}

impl<'a> Checks<'a> {
    /// Notes a fault of a key of the item at `index` of `list`.
    fn fault(&self, list: &str, index: usize, key: &str, message: String, help: impl Into<String>) {
        let mut findings = self.findings.borrow_mut();
        if findings.len() >= MOST_FINDINGS {
            return;
        }
        let path = format!("{list}[{}].{key}", self.kept.place(list, index));
        findings.push(Finding { span: (self.locate)(&path), key: path, message, help: help.into() });
    }

    /// Notes a fault of a key that is in no list.
    fn note(&self, key: &str, message: String, help: String) {
        let span = (self.locate)(key);
        self.findings.borrow_mut().push(Finding { span, key: key.into(), message, help });
    }

    /// Notes the rules that the item at `index` of `list` breaks.
    fn broken(&self, list: &str, index: usize, rules: impl IntoIterator<Item = Broken>) {
        for Broken { key, message, help } in rules {
            self.fault(list, index, &key, message, help);
        }
    }

    /// Prefixes that are an address, by their bits past the length.
    fn martians(&self) {
        let limits = &self.config.limits;
        let lists = [
            ("martian-sources", &limits.martian_sources),
            ("martian-destinations", &limits.martian_destinations),
        ];
        for (list, nets) in lists {
            for (n, net) in nets.iter().enumerate().filter(|(_, net)| net.trunc() != **net) {
                let key = format!("limits.{list}[{n}]");
                let message = format!("{net} has bits set past its length");
                self.note(&key, message, format!("did you mean {}?", net.trunc()));
            }
        }
    }

    /// That it takes everything out of a router.
    fn empty(&self) {
        if self.config.ports.is_empty() {
            self.findings.borrow_mut().push(Finding {
                span: None,
                key: String::new(),
                message: "it has no port: applied, it takes all ports, interfaces and routes out of a running router".into(),
                help: "if that is not meant, add [[port]] and [[interface]]".into(),
            });
        }
    }

    fn is_vrf(&self, name: &str) -> bool {
        name == "default" || self.vrfs.contains_key(name)
    }

    fn missing_vrf(&self, list: &str, index: usize, key: &str, name: &str) {
        let known = self.config.vrfs.iter().map(|v| v.name.as_str()).chain(["default"]);
        self.fault(list, index, key, format!("there is no vrf \"{name}\""), help_words(name, known));
    }

    fn interface(&self, list: &str, index: usize, key: &str, name: &str) -> Option<&'a Interface> {
        let found = self.interfaces.get(name).and_then(|i| self.config.interfaces.get(*i));
        if found.is_none() {
            let known = self.config.interfaces.iter().map(|i| i.name.as_str());
            self.fault(
                list,
                index,
                key,
                format!("there is no interface \"{name}\""),
                help_names("interface", name, known),
            );
        }
        found
    }

    fn names(&self) {
        let config = self.config;
        self.unique("port", config.ports.iter().map(|p| p.name.as_str()), &self.ports, 1_024);
        self.unique("vrf", config.vrfs.iter().map(|v| v.name.as_str()), &self.vrfs, 60_000);
        let lists = config.prefix_lists.iter().map(|l| l.name.as_str());
        self.unique("prefix-list", lists, &self.prefix_lists, 1_000_000);
        let communities = config.communities.iter().map(|c| c.name.as_str());
        self.unique("community", communities, &self.communities, 1_000_000);
        self.unique(
            "interface",
            config.interfaces.iter().map(|i| i.name.as_str()),
            &self.interfaces,
            1_000_000,
        );
    }

    fn unique<'n>(
        &self,
        list: &str,
        names: impl Iterator<Item = &'n str>,
        known: &AHashMap<&str, usize>,
        most: usize,
    ) {
        for (i, name) in names.enumerate() {
            match known.get(name) {
                Some(first) if *first != i => {
                    let message = format!("there is another {list} called \"{name}\"");
                    self.fault(list, i, "name", message, format!("give each {list} its own name"));
                }
                _ if i == most => {
                    let message = format!("there are more than {most}");
                    self.fault(list, i, "name", message, format!("at most {most} are possible"));
                }
                _ => {}
            }
        }
    }
}
