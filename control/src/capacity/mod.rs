//! What every site's classes are sure of, worked out before a frame is sent: the
//! longest wait, the most that waits, how many calls fit; and whether what is
//! promised can be kept.
//!
//! Stands beside `prove`: both say what a configuration does before it is in use. The
//! bounds are those of network calculus over the specification that the scheduler tree
//! is given: what comes is bounded by a token bucket, what a class is served by a rate
//! after a latency. `config` refuses a file whose promises do not hold.
//!
//! Against traffic made to be the worst, in the real tree (`tests`): no bound is passed, on slow ports and with short
//! bursts neither. Voice waits no less than half of its bound, and so does a class by weight or guarantee, which gets no more
//! than twice what it is sure of while all classes of all sites wait.
//!
//! The bounds are those of a tree that is asked at every moment. A worker asks in turns, of some microseconds: a
//! frame may take two of them longer at each rate on its way, the port's and its interface's (`dataplane::qos`). A port
//! that is asked at every moment saves nothing, so that its burst, which makes up for turns that came late, is in no bound.

mod call;
mod curve;
mod judge;
mod line;
mod path;
mod report;
pub(crate) mod room;
mod short;
mod site;
mod sure;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ahash::{AHashMap, AHashSet};
use dataplane::class::TrafficClass;

pub use report::{Capacity, Held, Of, Row};

use crate::config::{Class, Codec, Config, IpVersion, PTIME, Port, Promise};
use curve::Arrival;
use judge::Group;
use line::{Beside, Together};
use room::Rooms;
use site::{Load, Site, sites};

/// A promise that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unkept {
    /// Its index in the configuration.
    pub(crate) promise: usize,
    /// The key that says what is short.
    pub(crate) key: &'static str,
    /// What is short, by how much.
    pub(crate) message: String,
    /// What would mend it.
    pub(crate) help: String,
}

/// The promises of a configuration that it cannot keep. Those of interfaces that it does
/// not have are passed over.
pub(crate) fn unkept(config: &Config) -> Vec<Unkept> {
    if config.promises.is_empty() {
        return Vec::new();
    }
    let sites = sites(config);
    let lines = lines(config, &sites);
    let promised = promised(config, &sites);
    let rooms = Rooms::new(config, &sites, &lines, &promised);
    let mut unkept = Vec::new();
    // All promises of a port share its room: the first of each tells it.
    let mut full: AHashSet<&str> = AHashSet::new();
    for ((at, class), of) in promised {
        let beside = beside(&lines, &sites[at]);
        let mut group = group(config, &sites[at], &beside, class, &of);
        group.room = Some(rooms.of(at, &group));
        for (n, promise) in of.into_iter().enumerate() {
            let Some((short, mend)) = group.judge(n) else { continue };
            let of_port = matches!(short, short::Short::Buffers { .. });
            if of_port && !full.insert(&sites[at].interface.port) {
                continue;
            }
            let key = match short {
                short::Short::Bound { .. } => "bound",
                short::Short::NoLine { .. } => "interface",
                _ if config.promises[promise].calls.is_some() => "calls",
                _ => "rate",
            };
            let message = short.message(class, &sites[at].interface.name);
            unkept.push(Unkept { promise, key, message, help: short.help(class, mend) });
        }
    }
    unkept.sort_by_key(|u| u.promise);
    unkept
}

/// Every interface that has a rate, every class.
pub fn capacity(config: &Config) -> Capacity {
    let sites = sites(config);
    let lines = lines(config, &sites);
    let promised = promised(config, &sites);
    let rooms = Rooms::new(config, &sites, &lines, &promised);
    let mut rows = Vec::new();
    for (at, site) in sites.iter().enumerate() {
        let beside = beside(&lines, site);
        for class in TrafficClass::ALL {
            let of = promised.get(&(at, class)).map_or(&[][..], Vec::as_slice);
            if site.rate().is_some() || !of.is_empty() {
                let mut group = group(config, site, &beside, class, of);
                group.room = Some(rooms.of(at, &group));
                rows.push(row(&group));
            }
        }
    }
    Capacity { rows }
}

/// One class of one interface; `None` where the configuration has no such interface, or that no rate.
pub fn of_class(config: &Config, interface: &str, class: TrafficClass) -> Option<Row> {
    let sites = sites(config);
    let at = sites.iter().position(|site| site.interface.name == interface)?;
    sites[at].rate()?;
    let (lines, promised) = (lines(config, &sites), promised(config, &sites));
    let rooms = Rooms::new(config, &sites, &lines, &promised);
    let of = promised.get(&(at, class)).map_or(&[][..], Vec::as_slice);
    let beside = beside(&lines, &sites[at]);
    let mut group = group(config, &sites[at], &beside, class, of);
    group.room = Some(rooms.of(at, &group));
    Some(row(&group))
}

/// The sites of each port together.
fn lines<'c>(config: &'c Config, sites: &[Site<'c>]) -> AHashMap<&'c str, Together> {
    let line = |port: &'c Port| (port.name.as_str(), Together::new(port.trees.into()));
    let mut lines: AHashMap<&str, Together> = config.ports.iter().map(line).collect();
    for site in sites {
        lines.entry(&site.interface.port).or_default().add(site);
    }
    lines
}

fn beside(lines: &AHashMap<&str, Together>, site: &Site<'_>) -> Beside {
    match lines.get(site.interface.port.as_str()) {
        Some(line) => line.beside(site),
        None => Together::default().beside(site),
    }
}

/// Indices of promises by site and class.
type Promised = BTreeMap<(usize, TrafficClass), Vec<usize>>;

fn promised(config: &Config, sites: &[Site<'_>]) -> Promised {
    let names: AHashMap<&str, usize> =
        sites.iter().enumerate().map(|(at, site)| (site.interface.name.as_str(), at)).collect();
    let mut promised = Promised::new();
    for (n, promise) in config.promises.iter().enumerate() {
        if let Some(at) = names.get(promise.interface.as_str()) {
            promised.entry((*at, promise.class.0)).or_default().push(n);
        }
    }
    promised
}

fn group<'s, 'c>(
    config: &'c Config,
    site: &'s Site<'c>,
    beside: &'s Beside,
    class: TrafficClass,
    of: &[usize],
) -> Group<'s, 'c> {
    Group { site, beside, class, promises: of.iter().map(|n| &config.promises[*n]).collect(), room: None }
}

fn row(group: &Group<'_, '_>) -> Row {
    let (of, load) = load(group);
    let path = group.path();
    let policed = group.site.policed(group.class.index()).map_or(u64::MAX, |policed| policed.rate);
    let held = |n: usize| Held {
        promise: group.promises[n].to_string(),
        short: group.judge(n).map(|(short, mend)| {
            (short.message(group.class, &group.site.interface.name), short.help(group.class, mend))
        }),
    };
    Row {
        interface: group.site.interface.name.clone(),
        class: group.class.name().into(),
        rate: path.as_ref().ok().map(|path| path.rate().min(policed)),
        of,
        wait: path.as_ref().ok().and_then(|path| path.delay(load)),
        backlog: path.as_ref().ok().and_then(|path| path.backlog(load)),
        calls: calls(group),
        unbounded: path.err().map(|short| short.message(group.class, &group.site.interface.name)),
        promises: (0..group.promises.len()).map(held).collect(),
    }
}

/// What the class is taken to send.
fn load(group: &Group<'_, '_>) -> (Of, Load) {
    let (site, class) = (group.site, group.class.index());
    if !group.promises.is_empty() {
        return (Of::Promised, group.promised());
    }
    match site.policed(class) {
        Some(policed) => (Of::Policed, site.load(policed)),
        None => {
            let burst = u64::from(site.qos.classes[class].limit_bytes);
            (Of::Queue, site.load(site.accounted(Arrival { burst, rate: 0 })))
        }
    }
}

/// Calls that fit into a class of priority beside what else is promised there.
fn calls(group: &Group<'_, '_>) -> Option<u64> {
    if !group.site.qos.classes[group.class.index()].priority {
        return None;
    }
    if let Some(n) = group.promises.iter().position(|p| p.calls.is_some()) {
        return Some(group.calls(n));
    }
    let any = Promise {
        interface: group.site.interface.name.clone(),
        class: Class(group.class),
        calls: Some(1),
        codec: Codec::G711,
        ip: IpVersion::V4,
        ptime: PTIME,
        srtp: 0,
        rate: None,
        burst: None,
        labels: 0,
        bound: None,
    };
    let promises = group.promises.iter().copied().chain([&any]).collect::<Vec<_>>();
    let n = promises.len() - 1;
    Some(Group { promises, ..*group }.calls(n))
}
