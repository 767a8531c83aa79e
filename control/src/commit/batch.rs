//! Batches of changes made at run time: taken whole or not at all, with every fault
//! told by the number of its change.

use std::fmt;
use std::net::IpAddr;

use dataplane::id::VrfId;
use dataplane::table::{Labels, Nhlfe, Snapshot};
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DEFAULT_VRF, State};
use crate::config::{Hop, LEAST_LABEL, MOST_LABEL, Via};
use crate::rib;

/// Errors kept of one batch; the others are only counted.
const MOST_ERRORS: usize = 100;

/// One next hop of a run-time route or label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteVia {
    /// The neighbour's address.
    #[schemars(with = "String")]
    pub address: IpAddr,
    /// The interface it is on; `None` is where the address is reached.
    #[serde(default)]
    pub interface: Option<String>,
    /// Labels put on, outermost first; `None` is what the route says.
    #[serde(default)]
    pub push: Option<Vec<u32>>,
    /// Of a label: what replaces it on the way there; `None` is what the label says.
    #[serde(default)]
    pub swap: Option<u32>,
}

impl From<IpAddr> for RouteVia {
    fn from(address: IpAddr) -> Self {
        Self { address, interface: None, push: None, swap: None }
    }
}

impl RouteVia {
    /// As the file would say it.
    pub(super) fn to_via(&self) -> Via {
        let Self { address, interface, push, swap } = self;
        Via { address: *address, interface: interface.clone(), push: push.clone(), swap: *swap }
    }
}

/// Why one change of a batch is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BatchError {
    /// Which change, from 0.
    pub index: usize,
    /// What is wrong with it.
    pub message: String,
}

/// Why a batch is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BatchErrors {
    /// What it changes: "route" or "label".
    pub what: String,
    /// At most 100.
    pub errors: Vec<BatchError>,
    /// How many more there are.
    pub more: usize,
}

impl fmt::Display for BatchErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.errors {
            writeln!(f, "{} {}: {}", self.what, error.index + 1, error.message)?;
        }
        if self.more > 0 {
            writeln!(f, "and {} more", self.more)?;
        }
        write!(f, "no {} was changed", self.what)
    }
}

impl std::error::Error for BatchErrors {}

/// Checks every change of a batch.
///
/// # Errors
///
/// What is wrong with any of them.
pub(super) fn check_all<C, T>(
    what: &str,
    changes: &[C],
    mut check: impl FnMut(&C) -> Result<T, String>,
) -> Result<Vec<T>, BatchErrors> {
    let mut errors = BatchErrors { what: what.into(), ..BatchErrors::default() };
    let mut checked = Vec::with_capacity(changes.len());
    for (index, change) in changes.iter().enumerate() {
        match check(change) {
            Ok(change) => checked.push(change),
            Err(message) if errors.errors.len() < MOST_ERRORS => {
                errors.errors.push(BatchError { index, message });
            }
            Err(_) => errors.more += 1,
        }
    }
    if errors.errors.is_empty() { Ok(checked) } else { Err(errors) }
}

/// These next hops, unless there are too many.
pub(super) fn at_most<T>(n: usize, hops: impl Iterator<Item = Result<T, String>>) -> Result<Vec<T>, String> {
    if n > rib::MOST_NEXT_HOPS {
        return Err(format!("{n} next hops are too many, at most {} are possible", rib::MOST_NEXT_HOPS));
    }
    hops.collect()
}

/// Whether these labels can be put on.
pub(super) fn check_push(labels: &[u32]) -> Result<(), String> {
    if labels.len() > Labels::MOST {
        return Err(format!("{} labels are too many, at most {} are possible", labels.len(), Labels::MOST));
    }
    labels.iter().try_for_each(|label| match label {
        0 | 2 | 3 | LEAST_LABEL..=MOST_LABEL => Ok(()),
        _ => Err(format!(
            "{label} is no label to put on: allowed are {LEAST_LABEL} to {MOST_LABEL}, 0, 2 and 3"
        )),
    })
}

impl State {
    /// The Vrf of this name, or "default".
    pub(super) fn vrf_of(&self, name: &Option<String>) -> Result<VrfId, String> {
        let name = name.as_deref().unwrap_or(DEFAULT_VRF);
        self.vrf(name).ok_or_else(|| format!("there is no vrf \"{name}\""))
    }

    /// Whether something for `family` may go by this next hop.
    pub(super) fn next_hop(&self, hop: &Hop<'_>, family: IpNet, snapshot: &Snapshot) -> Result<(), String> {
        let address = hop.address;
        let vrf = self.vrf_of(&Some(hop.vrf.to_owned()))?;
        if let Some(what) = rib::not_a_next_hop(family, address, hop.interface.is_some()) {
            return Err(format!("the next hop {address} {what}"));
        }
        check_push(&hop.push)?;
        check_push(hop.swap.as_slice())?;
        let Some(name) = hop.interface else { return Ok(()) };
        let id = self.interface(name).ok_or_else(|| format!("there is no interface \"{name}\""))?;
        let of = snapshot.interface(id).and_then(|i| snapshot.vrf(i.vrf));
        match of.filter(|v| v.id != vrf) {
            Some(other) => Err(format!("the interface \"{name}\" is in vrf \"{}\"", other.name)),
            None => Ok(()),
        }
    }

    /// Whether `hop`, if it is named with its interface or connected, may be sent labelled
    /// frames, where there are such. One that other routes lead to cannot be judged here.
    pub(super) fn speaks_mpls(
        &self,
        hop: &Hop<'_>,
        labelled: bool,
        snapshot: &Snapshot,
    ) -> Result<(), String> {
        let named = || hop.interface.and_then(|name| self.interface(name));
        let connected = || {
            let vrf = snapshot.vrf(self.vrf(hop.vrf)?)?;
            let nhlfe = match hop.address {
                IpAddr::V4(address) => vrf.fib4.lookup(address),
                IpAddr::V6(address) => vrf.fib6.lookup(address),
            }?;
            match snapshot.nhlfe(nhlfe)? {
                Nhlfe::Glean(id) => snapshot.interface(*id).filter(|i| i.vrf == vrf.id).map(|i| i.id),
                _ => None,
            }
        };
        let out = if labelled { named().or_else(connected) } else { None };
        match out.and_then(|id| snapshot.interface(id)).filter(|out| !out.mpls) {
            Some(out) => {
                Err(format!("{} is on \"{}\", which sends no labelled frames", hop.address, out.name))
            }
            None => Ok(()),
        }
    }
}
