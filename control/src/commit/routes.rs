//! Routes given at run time: batches that are taken whole or not at all.

use std::sync::Arc;

use dataplane::id::VrfId;
use dataplane::table::Snapshot;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::State;
use super::allocate::{Key, NewLabels};
use super::batch::{BatchErrors, RouteVia, at_most, check_all, check_push};
use super::space::{Coming, room};
use crate::config::{self, DiffServWord, Discard, LabelMode, TtlWord, rules};
use crate::rib::{self, AskedModel, Source, Wanted};

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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// Labels put on, outermost first, for next hops that name none: at most 8, each 16 to
    /// 1,048,575, 0 or 2 (explicit null), or 3 (implicit null: nothing is put on).
    #[serde(default)]
    pub push: Vec<u32>,
    /// The Vrf in which next hops are resolved; `None` is the route's own, or "default" for
    /// next hops with labels.
    #[serde(default)]
    pub via_vrf: Option<String>,
    /// Whether an entropy label goes below the outermost label (RFC 6790).
    #[serde(default)]
    pub entropy: bool,
    /// What the labels take over of the TTL; `None` is what the Vrf says.
    #[serde(default)]
    pub ttl: Option<TtlWord>,
    /// What the labels take over of the marks; `None` is what the Vrf says.
    #[serde(default)]
    pub diffserv: Option<DiffServWord>,
    /// What to do instead of forwarding.
    #[serde(default)]
    pub discard: Option<Discard>,
    /// Administrative distance, 1 to 255; `None` is 5.
    #[serde(default)]
    pub distance: Option<u8>,
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
    ) -> Result<RouteReport, BatchErrors> {
        let checked = check_all("route", changes, |change| self.check(change, snapshot))?;
        // Of several changes of one prefix, the last stays.
        let asks = checked.iter().map(|change| (change.place(), self.key(change))).collect();
        let (given_up, mut new) = (self.given_up(&asks), NewLabels::default());
        let label = |change: &Checked| match self.key(change) {
            Some(key) => self.needs_label(key, &mut new, given_up),
            None => Ok(()),
        };
        check_all("route", &checked, label)?;
        let (mut coming, has_room) = (Coming::default(), room(snapshot));
        check_all("route", &checked, |change| match change {
            Checked::Add(vrf, prefix, ..) => self.finds_room(*vrf, *prefix, &mut coming, &has_room),
            Checked::Remove(..) => Ok(()),
        })?;
        drop(has_room);
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
        self.allocate(places, snapshot);
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
            RouteChange::Remove { vrf, prefix } => match rib::not_a_destination(*prefix) {
                Some(what) => Err(format!("{prefix} {what}")),
                None => Ok(Checked::Remove(self.vrf_of(vrf)?, *prefix)),
            },
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

    /// What a new route needs a label of its own for.
    fn key(&self, change: &Checked) -> Option<Key> {
        let Checked::Add(vrf, prefix, distance, wanted) = change else { return None };
        let (name, vpn) = self.vpns.of(*vrf).filter(|(_, vpn)| vpn.label != LabelMode::PerVrf)?;
        vpn.key(name, *prefix, Source::Runtime, *distance, &Arc::new(wanted.clone()))
    }

    fn wanted(&self, spec: &RouteSpec, vrf: VrfId, snapshot: &Snapshot) -> Result<Wanted, String> {
        let route = route(spec, self.vrf_name(vrf));
        if let Some(broken) = rules::of_route(&route).first() {
            return Err(broken.to_string());
        }
        match (spec.via.as_slice(), spec.discard) {
            ([], Some(discard)) => return Ok(Wanted::Discard(discard)),
            ([], None) => {
                return Err(format!("the route to {} leads nowhere: give next hops or discard", spec.prefix));
            }
            (_, Some(_)) => return Err("a route that discards has no next hops".into()),
            (_, None) => {}
        }
        check_push(&spec.push)?;
        let model = AskedModel::said(spec.ttl, spec.diffserv);
        let hops = route.hops().enumerate().map(|(n, hop)| {
            let family = if hop.push.is_empty() { spec.prefix } else { hop.address.into() };
            self.next_hop(&hop, family, snapshot)?;
            if let Some(broken) = rules::of_hop(&route, n, &hop) {
                return Err(broken.to_string());
            }
            self.speaks_mpls(&hop, !hop.push.is_empty(), snapshot)?;
            Ok(rib::next_hop(hop, &route.vrf, model, spec.entropy))
        });
        Ok(Wanted::Via(at_most(spec.via.len(), hops)?))
    }
}

/// The route as the file would say it.
fn route(spec: &RouteSpec, vrf: &str) -> config::Route {
    config::Route {
        vrf: vrf.into(),
        prefix: spec.prefix,
        via: spec.via.iter().map(RouteVia::to_via).collect(),
        interface: None,
        push: spec.push.clone(),
        via_vrf: spec.via_vrf.clone(),
        entropy: spec.entropy,
        ttl: spec.ttl,
        diffserv: spec.diffserv,
        discard: spec.discard,
        distance: Source::Runtime.distance(),
    }
}
