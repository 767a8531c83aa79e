//! Static routes: what each says.

use ahash::AHashSet;

use super::Checks;
use super::hop::{Hops, Own};
use super::rules;
use crate::config::route::Route;
use crate::rib;

impl Checks<'_> {
    pub(super) fn routes(&self, whole: bool, own: &Own) {
        let mut known = AHashSet::new();
        for (i, route) in self.config.routes.iter().enumerate() {
            self.route(i, route, whole, own);
            if !known.insert((&route.vrf, route.prefix, route.distance)) {
                let message =
                    format!("there is another route to {} with distance {}", route.prefix, route.distance);
                let help = "write one route with several next hops, or give them different distances";
                self.fault("route", i, "prefix", message, help);
            }
        }
        if whole && self.connected_is_sound() {
            self.reachable();
        }
    }

    /// Whether the connected subnets are as the file means them, so that what
    /// cannot be reached by them is a fault of its own.
    fn connected_is_sound(&self) -> bool {
        let spoils = |key: &str| {
            let shaky = ["addresses", "vrf", "name"].iter().any(|k| key.contains(k));
            key.starts_with("vrf") || key.starts_with("interface") && shaky
        };
        !self.findings.borrow().iter().any(|f| spoils(&f.key))
    }

    fn route(&self, i: usize, route: &Route, whole: bool, own: &Own) {
        if !self.is_vrf(&route.vrf) {
            self.missing_vrf("route", i, "vrf", &route.vrf);
        }
        if let Some(what) = rib::not_a_destination(route.prefix) {
            let help = format!("did you mean {}?", route.prefix.trunc());
            let help = if route.prefix.trunc() == route.prefix { "give another prefix".into() } else { help };
            self.fault("route", i, "prefix", format!("{} {what}", route.prefix), help);
        }
        match (route.via.as_slice(), route.discard) {
            ([], None) if whole => {
                let message = format!("the route to {} leads nowhere", route.prefix);
                self.fault("route", i, "prefix", message, "give \"via\" (next hops) or \"discard\"");
            }
            ([_, ..], Some(_)) => {
                let message = "a route that discards has no next hops".into();
                self.fault("route", i, "discard", message, "give \"via\" or \"discard\", not both");
            }
            _ => {}
        }
        self.route_settings(i, route);
        self.next_hops(i, route, whole, own);
    }

    /// Keys that say nothing of a route like this one.
    fn route_settings(&self, i: usize, route: &Route) {
        if let Some(vrf) = route.via_vrf.as_deref().filter(|name| !self.is_vrf(name)) {
            self.missing_vrf("route", i, "via-vrf", vrf);
        }
        self.broken("route", i, rules::of_route(route));
    }

    fn next_hops(&self, i: usize, route: &Route, whole: bool, own: &Own) {
        let hops = Hops { list: "route", i, whole, own, vias: &route.via };
        for (n, hop) in self.hops(&hops, route.hops()) {
            // Labels carry packets of one family over next hops of the other.
            let family = if hop.push.is_empty() { route.prefix } else { hop.address.into() };
            self.hop(&hops, n, &hop, family);
            self.speaks_mpls(&hops, n, &hop, !hop.push.is_empty());
            self.broken("route", i, rules::of_hop(route, n, &hop));
        }
    }
}
