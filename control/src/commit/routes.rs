//! Routes given at run time: batches that are taken whole or not at all.

use std::fmt;
use std::net::IpAddr;

use dataplane::id::VrfId;
use dataplane::table::Snapshot;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DEFAULT_VRF, State};
use crate::config::Discard;
use crate::rib::{self, NextHop, Source, Wanted};

/// Errors kept of one batch; the others are only counted.
const MOST_ERRORS: usize = 100;

/// One change to the routes of a running router.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RouteChange {
    /// Sets the run-time route to a prefix.
    Add(RouteSpec),
    /// Takes the run-time route to a prefix out.
    Remove {
        /// Its Vrf; `None` is "default".
        #[serde(default)]
        vrf: Option<String>,
        /// Its prefix.
        #[schemars(with = "String")]
        prefix: IpNet,
    },
}

/// A run-time route; either `via` or `discard`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RouteSpec {
    /// Its Vrf; `None` is "default".
    #[serde(default)]
    pub vrf: Option<String>,
    /// Destinations it is for.
    #[schemars(with = "String")]
    pub prefix: IpNet,
    /// Next hops, 1 to 64.
    #[serde(default)]
    pub via: Vec<RouteVia>,
    /// What to do instead of forwarding.
    #[serde(default)]
    pub discard: Option<Discard>,
    /// Administrative distance, 1 to 255; `None` is 5.
    #[serde(default)]
    pub distance: Option<u8>,
}

/// One next hop of a run-time route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteVia {
    /// The neighbour's address.
    #[schemars(with = "String")]
    pub address: IpAddr,
    /// The interface it is on; `None` is where the address is reached.
    #[serde(default)]
    pub interface: Option<String>,
}

/// What a batch did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RouteReport {
    /// Routes that are new.
    pub added: usize,
    /// Routes that took another's place.
    pub replaced: usize,
    /// Routes taken out.
    pub removed: usize,
    /// Removals of routes that were not there.
    pub missing: usize,
    /// Prefixes added or replaced whose route cannot be used, because its next hop cannot be
    /// reached: kept, and used once it can be.
    pub unresolved: usize,
}

/// Why one change of a batch is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RouteError {
    /// Which change, from 0.
    pub index: usize,
    /// What is wrong with it.
    pub message: String,
}

/// Why a batch is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RouteErrors {
    /// At most 100.
    pub errors: Vec<RouteError>,
    /// How many more there are.
    pub more: usize,
}

impl fmt::Display for RouteErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.errors {
            writeln!(f, "route {}: {}", error.index + 1, error.message)?;
        }
        if self.more > 0 {
            writeln!(f, "and {} more", self.more)?;
        }
        f.write_str("no route was changed")
    }
}

impl std::error::Error for RouteErrors {}

/// A change that has been checked.
enum Checked {
    Add(VrfId, IpNet, u8, Wanted),
    Remove(VrfId, IpNet),
}

impl Checked {
    /// What it is about.
    fn place(&self) -> (VrfId, IpNet) {
        let (Self::Add(vrf, prefix, ..) | Self::Remove(vrf, prefix)) = self;
        (*vrf, *prefix)
    }
}

impl State {
    /// Makes `changes`, in order, in `snapshot` and here.
    ///
    /// # Errors
    ///
    /// What is wrong with any of them; nothing is changed then.
    pub fn routes(
        &mut self,
        changes: &[RouteChange],
        snapshot: &mut Snapshot,
    ) -> Result<RouteReport, RouteErrors> {
        let mut errors = RouteErrors::default();
        let mut checked = Vec::with_capacity(changes.len());
        for (index, change) in changes.iter().enumerate() {
            match self.check(change, snapshot) {
                Ok(change) => checked.push(change),
                Err(message) if errors.errors.len() < MOST_ERRORS => {
                    errors.errors.push(RouteError { index, message })
                }
                Err(_) => errors.more += 1,
            }
        }
        if !errors.errors.is_empty() {
            return Err(errors);
        }
        Ok(self.change(checked, snapshot))
    }

    fn change(&mut self, mut changes: Vec<Checked>, snapshot: &mut Snapshot) -> RouteReport {
        let mut report = RouteReport::default();
        // Neighbouring prefixes share their places in every table: in order, each place is
        // touched once. Changes of one prefix keep theirs.
        changes.sort_by_key(Checked::place);
        let mut added = Vec::new();
        let mut places: Vec<_> = changes.iter().map(Checked::place).collect();
        places.dedup();
        for change in changes {
            let (vrf, _) = change.place();
            let Some(rib) = self.ribs.get_mut(vrf) else { continue };
            match change {
                Checked::Add(_, prefix, distance, wanted) => {
                    let replaced = rib.set_only(prefix, Source::Runtime, distance, wanted);
                    *(if replaced { &mut report.replaced } else { &mut report.added }) += 1;
                    added.push((vrf, prefix));
                }
                Checked::Remove(_, prefix) => {
                    let removed = rib.remove(prefix, Source::Runtime, None);
                    *(if removed { &mut report.removed } else { &mut report.missing }) += 1;
                }
            }
        }
        self.labels_rested();
        places.into_iter().for_each(|(vrf, prefix)| self.allocate(vrf, prefix, snapshot));
        self.forward(snapshot);
        let unresolved = |(vrf, prefix): &&(VrfId, IpNet)| {
            let Some(rib) = self.ribs.get(*vrf) else { return false };
            let route = rib.candidates(*prefix).iter().find(|c| c.source == Source::Runtime);
            route.and_then(|c| rib.target(c.target)).is_some_and(|t| t.outcome.is_err())
        };
        report.unresolved = added.iter().filter(unresolved).count();
        report
    }

    fn check(&self, change: &RouteChange, snapshot: &Snapshot) -> Result<Checked, String> {
        match change {
            RouteChange::Remove { vrf, prefix } => Ok(Checked::Remove(self.vrf_of(vrf)?, *prefix)),
            RouteChange::Add(spec) => {
                let vrf = self.vrf_of(&spec.vrf)?;
                if let Some(what) = rib::not_a_destination(spec.prefix) {
                    return Err(format!("{} {what}", spec.prefix));
                }
                let distance = spec.distance.unwrap_or(Source::Runtime.distance());
                if distance == 0 {
                    return Err("the distance 0 is the router's own; allowed: 1 to 255".into());
                }
                Ok(Checked::Add(vrf, spec.prefix, distance, self.wanted(spec, vrf, snapshot)?))
            }
        }
    }

    fn vrf_of(&self, name: &Option<String>) -> Result<VrfId, String> {
        let name = name.as_deref().unwrap_or(DEFAULT_VRF);
        self.vrf(name).ok_or_else(|| format!("there is no vrf \"{name}\""))
    }

    fn wanted(&self, spec: &RouteSpec, vrf: VrfId, snapshot: &Snapshot) -> Result<Wanted, String> {
        match (spec.via.as_slice(), spec.discard) {
            ([], Some(discard)) => Ok(Wanted::Discard(discard)),
            ([], None) => {
                Err(format!("the route to {} leads nowhere: give next hops or discard", spec.prefix))
            }
            (_, Some(_)) => Err("a route that discards has no next hops".into()),
            (hops, None) if hops.len() > rib::MOST_NEXT_HOPS => Err(format!(
                "{} next hops are too many, at most {} are possible",
                hops.len(),
                rib::MOST_NEXT_HOPS
            )),
            (hops, None) => {
                let hops: Result<Vec<_>, _> =
                    hops.iter().map(|h| self.next_hop(spec.prefix, h, vrf, snapshot)).collect();
                Ok(Wanted::Via(hops?))
            }
        }
    }

    fn next_hop(
        &self,
        prefix: IpNet,
        via: &RouteVia,
        vrf: VrfId,
        snapshot: &Snapshot,
    ) -> Result<NextHop, String> {
        let address = via.address;
        if let Some(what) = rib::not_a_next_hop(prefix, address, via.interface.is_some()) {
            return Err(format!("the next hop {address} {what}"));
        }
        let Some(name) = &via.interface else { return Ok(NextHop::plain(address, None)) };
        let known = self.interfaces.get_key_value(name.as_str());
        let (name, id) = known.ok_or_else(|| format!("there is no interface \"{name}\""))?;
        let of = snapshot.interface(*id).and_then(|i| snapshot.vrf(i.vrf));
        match of.filter(|v| v.id != vrf) {
            Some(other) => Err(format!("the interface \"{name}\" is in vrf \"{}\"", other.name)),
            None => Ok(NextHop::plain(address, Some(name.clone()))),
        }
    }
}
