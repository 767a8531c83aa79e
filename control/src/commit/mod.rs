//! Wanted state → [`Snapshot`], as transactions.
//!
//! A [`State`] is what the control side knows between two generations: the
//! configuration in force, the routes of every source, and which id each name
//! has. Both its edits work on a clone of the running Snapshot; whatever can be
//! refused is refused before the first change, so an error leaves everything as it was.

mod allocate;
mod batch;
mod entries;
mod forward;
mod import;
mod interface;
mod label;
mod labels;
mod meter;
mod routes;
mod rule;
mod space;
mod trees;
mod vpn;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ahash::{AHashMap, AHashSet};
use dataplane::id::{IfIndex, PortIndex, VrfId};
use dataplane::table::{self, Snapshot, TunnelModel};
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Config, ConfigErrors, Discard};
use crate::rib::{Rib, Ribs, Source, Wanted, of_address, wanted};

pub use batch::{BatchError, BatchErrors, RouteVia};
pub use labels::{LabelChange, LabelReport, LabelSpec};
pub use routes::{RouteChange, RouteReport, RouteSpec};

pub use allocate::Key;
pub use label::{Asked, Label, LabelWay};

use entries::Entries;
use label::Labels;
use vpn::Vpns;

/// The Vrf that is always there.
pub const DEFAULT_VRF: &str = "default";

/// What is known of the open ports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortFacts {
    /// Station address of each port that has one, by the port's name. A port
    /// without one is given a locally administered address made of the router's and its name.
    pub macs: BTreeMap<String, [u8; 6]>,
}

/// What an [`State::apply`] did beside what the configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApplyReport {
    /// Run-time routes that went with their Vrf.
    pub lost: Vec<LostRoutes>,
    /// Run-time labels that went with their Vrf, or that the configuration has taken.
    #[serde(default)]
    pub lost_labels: Vec<u32>,
    /// Run-time routes and labels without a next hop that can be reached.
    pub unresolved: usize,
}

/// Run-time routes of a Vrf that is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LostRoutes {
    /// The Vrf.
    pub vrf: String,
    /// How many.
    pub routes: usize,
}

/// What control knows between two generations.
#[derive(Clone, Debug, Default)]
pub struct State {
    config: Config,
    ports: Ids<PortIndex>,
    interfaces: Ids<IfIndex>,
    vrfs: Ids<VrfId>,
    ribs: Ribs,
    entries: Entries,
    labels: Labels,
    /// What Vrfs import and export.
    vpns: Vpns,
    /// Whether what is imported is to be looked at as a whole.
    reimport: bool,
    meters: meter::Meters,
    /// Ports whose line is down.
    down: BTreeSet<String>,
}

/// `config` as a Snapshot of its own: a pure function.
///
/// # Errors
///
/// What is wrong with `config`.
pub fn compile(config: &Config, ports: &PortFacts) -> Result<Snapshot, ConfigErrors> {
    let mut snapshot = Snapshot::default();
    State::new().apply(config.clone(), ports, &mut snapshot)?;
    Ok(snapshot)
}

/// Name → id.
type Ids<Id> = AHashMap<Arc<str>, Id>;
/// A route that follows from a configuration.
type Derived = (Arc<str>, IpNet, Source, u8, Wanted);

impl State {
    /// Nothing configured.
    pub fn new() -> Self {
        Self::default()
    }

    /// The configuration in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The id of the port called `name`.
    pub fn port(&self, name: &str) -> Option<PortIndex> {
        self.ports.get(name).copied()
    }

    /// The id of the interface called `name`.
    pub fn interface(&self, name: &str) -> Option<IfIndex> {
        self.interfaces.get(name).copied()
    }

    /// The id of the Vrf called `name`.
    pub fn vrf(&self, name: &str) -> Option<VrfId> {
        self.vrfs.get(name).copied()
    }

    /// The ports whose lines are down.
    pub fn down(&self) -> &BTreeSet<String> {
        &self.down
    }

    /// The name of a Vrf; empty where there is none.
    pub fn vrf_name(&self, vrf: VrfId) -> &str {
        self.vrfs.iter().find(|(_, id)| **id == vrf).map_or("", |(name, _)| name)
    }

    /// The routes of all Vrfs.
    pub fn ribs(&self) -> &Ribs {
        &self.ribs
    }

    /// The routes of a Vrf.
    pub fn rib(&self, vrf: VrfId) -> Option<&Rib> {
        self.ribs.get(vrf)
    }

    /// Makes `config` the configuration in force, in `snapshot` and here. Ids
    /// stay with their names; run-time routes and learned neighbours stay where
    /// their Vrf and interface do.
    ///
    /// # Errors
    ///
    /// What is wrong with `config`; nothing is changed then.
    pub fn apply(
        &mut self,
        config: Config,
        facts: &PortFacts,
        snapshot: &mut Snapshot,
    ) -> Result<ApplyReport, ConfigErrors> {
        config.check()?;
        self.check_labels(&config)?;
        self.check_space(&config, snapshot)?;
        let before = derived(&self.config, &self.down);
        self.config = config;
        self.down.retain(|name| self.config.ports.iter().any(|p| p.name == *name));
        let mut report = ApplyReport::default();
        self.name_vrfs(snapshot, &mut report);
        self.name_ports();
        self.interfaces(facts, snapshot);
        self.ports_of_snapshot(snapshot);
        self.rules(snapshot);
        self.derive(before);
        self.vpns = Vpns::new(&self.config);
        self.vpns.name(&self.vrfs);
        report.lost_labels = self.lose_labels(snapshot);
        self.static_labels(snapshot);
        self.allocate_all(snapshot);
        self.forward_all(snapshot);
        self.neighbours(snapshot);
        let limits = table::Limits::from(&self.config.limits);
        if *snapshot.limits != limits {
            snapshot.limits = Arc::new(limits);
        }
        report.unresolved = self.unresolved();
        Ok(report)
    }

    /// Says which ports' lines are down: what is reached by them is withdrawn, so that
    /// other routes take over, until they are up again. Whether anything changed.
    pub fn links(&mut self, down: BTreeSet<String>, snapshot: &mut Snapshot) -> bool {
        if self.down == down {
            return false;
        }
        let before = derived(&self.config, &self.down);
        self.down = down;
        self.derive(before);
        self.forward_all(snapshot);
        true
    }

    fn name_vrfs(&mut self, snapshot: &mut Snapshot, report: &mut ApplyReport) {
        let names = std::iter::once(DEFAULT_VRF).chain(self.config.vrfs.iter().map(|v| v.name.as_str()));
        let (ids, gone) = renamed(&self.vrfs, names, |n| VrfId(n as u16), |id| id.index());
        for (name, id) in gone {
            snapshot.vrfs.remove(id.index());
            let Some(rib) = self.ribs.remove(id) else { continue };
            let runtime = |c: &crate::rib::Candidate| c.source == Source::Runtime;
            let routes = rib.iter().filter(|(_, c)| c.iter().any(runtime)).count();
            if routes > 0 {
                report.lost.push(LostRoutes { vrf: name.to_string(), routes });
            }
            let own = rib.targets().filter(|(_, t)| t.nhlfe.is_some() && !t.is_imported());
            own.for_each(|(_, t)| self.entries.release(t.nhlfe, snapshot));
        }
        let models: AHashMap<&str, TunnelModel> =
            self.config.vrfs.iter().map(|vrf| (vrf.name.as_str(), vrf.model())).collect();
        for (name, id) in &ids {
            self.ribs.add(name, *id).model = models.get(&**name).copied().unwrap_or_default();
            if snapshot.vrf(*id).is_none() {
                snapshot.vrfs.set(id.index(), table::Vrf::new(*id, name));
            }
        }
        self.vrfs = ids;
    }

    fn name_ports(&mut self) {
        let names = self.config.ports.iter().map(|p| p.name.as_str());
        (self.ports, _) = renamed(&self.ports, names, |n| PortIndex(n as u16), |id| id.index());
    }

    /// Brings the routes that follow from the configuration up to date.
    fn derive(&mut self, before: Vec<Derived>) {
        let before: AHashSet<Derived> = before.into_iter().collect();
        let after: AHashSet<Derived> = derived(&self.config, &self.down).into_iter().collect();
        for (vrf, prefix, source, distance, _) in before.difference(&after) {
            if let Some(rib) = self.vrfs.get(vrf).and_then(|id| self.ribs.get_mut(*id)) {
                rib.remove(*prefix, *source, Some(*distance));
            }
        }
        // A Vrf that is new under an old name has none of the old routes.
        for (vrf, prefix, source, distance, wanted) in after {
            let Some(rib) = self.vrfs.get(&vrf).and_then(|id| self.ribs.get_mut(*id)) else { continue };
            let same = rib.asked(prefix, source, distance).is_some_and(|w| *w == wanted);
            if !same {
                rib.set(prefix, source, distance, wanted);
            }
        }
        let unlabelled = self.config.interfaces.iter().filter(|i| !i.mpls);
        self.ribs.unlabelled = unlabelled.map(|i| i.name.as_str().into()).collect();
        self.ribs.iter_mut().for_each(|(_, rib)| rib.disconnect_all());
        for interface in self.config.interfaces.iter().filter(|i| is_up(i, &self.down)) {
            let id = self.vrfs.get(interface.vrf.as_str());
            let Some(rib) = id.and_then(|id| self.ribs.get_mut(*id)) else { continue };
            interface.addresses.iter().for_each(|a| rib.connected_to(&interface.name, *a));
        }
    }

    fn unresolved(&self) -> usize {
        let lost = |rib: &Rib| {
            let runtime = |(_, c): &(IpNet, &[crate::rib::Candidate])| {
                c.iter().any(|c| {
                    c.source == Source::Runtime && rib.target(c.target).is_some_and(|t| t.outcome.is_err())
                })
            };
            rib.iter().filter(runtime).count()
        };
        let unused = |(_, of): &(u32, &Label)| of.asked == Asked::Runtime && !of.nhlfe.is_some();
        self.ribs.iter().map(|(_, rib)| lost(rib)).sum::<usize>() + self.labels().filter(unused).count()
    }
}

/// New names → ids: known names keep theirs, others get the lowest free. Also the names that are gone.
fn renamed<'n, Id: Copy>(
    old: &Ids<Id>,
    names: impl Iterator<Item = &'n str>,
    make: impl Fn(usize) -> Id,
    index: impl Fn(Id) -> usize,
) -> (Ids<Id>, Vec<(Arc<str>, Id)>) {
    let mut new: AHashMap<Arc<str>, Option<Id>> = AHashMap::new();
    let mut order: Vec<Arc<str>> = Vec::new();
    for name in names {
        let known = old.get_key_value(name);
        let name = known.map_or_else(|| name.into(), |(n, _)| n.clone());
        if new.insert(name.clone(), known.map(|(_, id)| *id)).is_none() {
            order.push(name);
        }
    }
    // An id that is given up rests until the next apply: frames under way may still carry it.
    let taken: AHashSet<usize> = new.values().flatten().chain(old.values()).map(|id| index(*id)).collect();
    let mut free = (0..).filter(|n| !taken.contains(n));
    let mut ids = AHashMap::with_capacity(new.len());
    for name in order {
        let known = new.get(&name).copied().flatten();
        let id = known.or_else(|| free.next().map(&make));
        ids.extend(id.map(|id| (name, id)));
    }
    let gone = old.iter().filter(|(n, _)| !ids.contains_key(*n)).map(|(n, id)| (n.clone(), *id)).collect();
    (ids, gone)
}

/// Whether configuration and line let `interface` carry packets.
fn is_up(interface: &crate::config::Interface, down: &BTreeSet<String>) -> bool {
    interface.enabled && !down.contains(&interface.port)
}

/// Every route that follows from `config`: addresses of interfaces that are up,
/// static routes, and what a Vrf does otherwise.
fn derived(config: &Config, down: &BTreeSet<String>) -> Vec<Derived> {
    let mut routes = Vec::new();
    for interface in config.interfaces.iter().filter(|i| is_up(i, down)) {
        let (name, vrf): (Arc<str>, Arc<str>) =
            (interface.name.as_str().into(), interface.vrf.as_str().into());
        for (prefix, wanted) in interface.addresses.iter().flat_map(|a| of_address(&name, *a)) {
            let source = if wanted == Wanted::Local { Source::Local } else { Source::Connected };
            routes.push((vrf.clone(), prefix, source, source.distance(), wanted));
        }
    }
    for route in &config.routes {
        let prefix = route.prefix.trunc();
        routes.push((route.vrf.as_str().into(), prefix, Source::Static, route.distance, wanted(route)));
    }
    for vrf in &config.vrfs {
        let Some(discard) = vrf.otherwise else { continue };
        routes.extend(otherwise(&vrf.name, discard));
    }
    routes
}

fn otherwise(vrf: &str, discard: Discard) -> [Derived; 2] {
    let (vrf, source): (Arc<str>, _) = (vrf.into(), Source::Otherwise);
    let route = |prefix| (vrf.clone(), prefix, source, source.distance(), Wanted::Discard(discard));
    [route(IpNet::V4(Default::default())), route(IpNet::V6(Default::default()))]
}
