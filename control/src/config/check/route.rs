//! Static routes: what each says.

use ahash::AHashSet;

use super::Checks;
use super::hop::{Hops, Own};
use crate::config::route::Route;
use crate::rib;

impl Checks<'_> {
    pub(super) fn routes(&self, whole: bool) {
        let mut known = AHashSet::new();
        let own = self.own_addresses();
        for (i, route) in self.config.routes.iter().enumerate() {
            self.route(i, route, whole, &own);
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
            self.missing_vrf("route", i, &route.vrf);
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
        if route.discard.is_some() && route.interface.is_some() {
            self.fault(
                "route",
                i,
                "interface",
                "a route that discards has no interface".into(),
                "leave it out",
            );
        }
        self.next_hops(i, route, whole, own);
    }

    fn next_hops(&self, i: usize, route: &Route, whole: bool, own: &Own) {
        let hops = Hops { list: "route", i, whole, own, vias: route.via.len() };
        for (n, hop) in self.hops(&hops, route.hops()) {
            // Labels carry packets of one family over next hops of the other.
            let family = if hop.push.is_empty() { route.prefix } else { hop.address.into() };
            self.hop(&hops, n, &hop, family);
        }
    }
}
