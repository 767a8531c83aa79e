//! Checks across the file: names, references, addresses, queues, next hops.

mod address;
mod hop;
mod port;
mod qos;
mod reach;
mod route;

use std::cell::RefCell;
use std::ops::Range;

use ahash::AHashMap;

use super::errors::Finding;
use super::read::Kept;
use super::types::{Config, Interface};
use super::walk::help_words;

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
}

/// Everything that is wrong with `config` as a whole. `whole` says that nothing
/// of the file was left out in reading; if not, checks that would miss it are skipped.
pub(super) fn check(
    config: &Config,
    whole: bool,
    kept: &Kept,
    locate: impl Fn(&str) -> Option<Range<usize>>,
) -> Vec<Finding> {
    let checks = Checks {
        config,
        kept,
        locate: &locate,
        findings: RefCell::new(Vec::new()),
        ports: first(config.ports.iter().map(|p| p.name.as_str())),
        interfaces: first(config.interfaces.iter().map(|i| i.name.as_str())),
        vrfs: first(config.vrfs.iter().map(|v| v.name.as_str())),
    };
    checks.names();
    checks.port_settings();
    checks.interface_references(whole);
    checks.addresses();
    checks.queues();
    checks.neighbours(whole);
    checks.routes(whole);
    checks.findings.into_inner()
}

/// Name → first place of it.
fn first<'a>(names: impl Iterator<Item = &'a str>) -> AHashMap<&'a str, usize> {
    let mut map = AHashMap::new();
    for (i, name) in names.enumerate() {
        map.entry(name).or_insert(i);
    }
    map
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

    fn is_vrf(&self, name: &str) -> bool {
        name == "default" || self.vrfs.contains_key(name)
    }

    fn missing_vrf(&self, list: &str, index: usize, name: &str) {
        let known = self.config.vrfs.iter().map(|v| v.name.as_str()).chain(["default"]);
        self.fault(list, index, "vrf", format!("there is no vrf \"{name}\""), help_words(name, known));
    }

    fn interface(&self, list: &str, index: usize, name: &str) -> Option<&'a Interface> {
        let found = self.interfaces.get(name).and_then(|i| self.config.interfaces.get(*i));
        if found.is_none() {
            let known = self.config.interfaces.iter().map(|i| i.name.as_str());
            self.fault(
                list,
                index,
                "interface",
                format!("there is no interface \"{name}\""),
                help_words(name, known),
            );
        }
        found
    }

    fn names(&self) {
        let config = self.config;
        self.unique("port", config.ports.iter().map(|p| p.name.as_str()), &self.ports, 1_024);
        self.unique("vrf", config.vrfs.iter().map(|v| v.name.as_str()), &self.vrfs, 60_000);
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
