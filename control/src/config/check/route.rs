//! Static routes: what each says, and whether its next hops can be reached.

use std::net::IpAddr;

use ahash::{AHashMap, AHashSet};
use ipnet::IpNet;

use super::Checks;
use super::address::{not_a_neighbour, subnets_of};
use crate::config::types::{Interface, Route};
use crate::rib::{self, wanted};

/// The router's own addresses, each with its Vrf.
type Own = AHashSet<(String, IpAddr)>;

impl Checks<'_> {
    pub(super) fn routes(&self, whole: bool) {
        let mut known = AHashSet::new();
        let of = |i: &Interface| i.addresses.iter().map(|a| (i.vrf.clone(), a.addr())).collect::<Vec<_>>();
        let own: Own = self.config.interfaces.iter().flat_map(of).collect();
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
        let interface = match &route.interface {
            Some(name) => match self.interface("route", i, name) {
                Some(found) => Some(found),
                None => return,
            },
            None => None,
        };
        if let Some(found) = interface.filter(|f| f.vrf != route.vrf) {
            let message = format!("the interface \"{}\" is in vrf \"{}\"", found.name, found.vrf);
            self.fault("route", i, "interface", message, format!("the route is in vrf \"{}\"", route.vrf));
            return;
        }
        if route.via.len() > rib::MOST_NEXT_HOPS {
            let message = format!("{} next hops are too many", route.via.len());
            self.fault("route", i, "via", message, format!("at most {} are possible", rib::MOST_NEXT_HOPS));
        }
        let mut known = AHashSet::new();
        for (n, via) in route.via.iter().enumerate() {
            let key = if route.via.len() == 1 { "via".to_owned() } else { format!("via[{n}]") };
            let fault = |message: String, help: String| self.fault("route", i, &key, message, help);
            if !known.insert(via) {
                fault(format!("{via} is named twice"), "name each next hop once".into());
            } else if let Some(what) = rib::not_a_next_hop(route.prefix, *via, route.interface.is_some()) {
                fault(
                    format!("{via} {what}"),
                    "a next hop is a neighbour's address of the prefix's family".into(),
                );
            } else if let Some(found) = interface
                && let Some(what) = not_a_neighbour(found, *via, whole)
            {
                fault(format!("{via} is {what}"), subnets_of(found));
            } else if own.contains(&(route.vrf.clone(), *via)) {
                fault(
                    format!("{via} is the router's own address"),
                    "a next hop is a neighbour's address".into(),
                );
            }
        }
    }

    /// Resolves every route as the router would, interfaces that are down counted as up.
    fn reachable(&self) {
        let mut ribs: AHashMap<&str, rib::Rib> = AHashMap::new();
        let all = self.config.interfaces.iter().map(|i| (&i.name, &i.vrf, &i.addresses));
        for (name, vrf, addresses) in all {
            let rib = ribs.entry(vrf).or_default();
            addresses.iter().for_each(|a| rib.connect(name, *a));
        }
        for route in &self.config.routes {
            let rib = ribs.entry(&route.vrf).or_default();
            rib.set(route.prefix, rib::Source::Static, route.distance, wanted(route));
        }
        // A route that is wrong in itself has been told so.
        let wrong: AHashSet<String> = self.findings.borrow().iter().map(|f| f.key.clone()).collect();
        let is_wrong = |i| {
            let place = self.kept.place("route", i);
            wrong.iter().any(|key| key.starts_with(&format!("route[{place}]")))
        };
        for (i, route) in self.config.routes.iter().enumerate().filter(|(_, r)| !r.via.is_empty()) {
            if !wrong.is_empty() && is_wrong(i) {
                continue;
            }
            let Some(rib) = ribs.get(route.vrf.as_str()) else { continue };
            for (n, via) in route.via.iter().enumerate() {
                let hop =
                    rib::NextHop { address: *via, interface: route.interface.as_deref().map(Into::into) };
                if let Err(why) = rib.resolve_next_hop(&hop) {
                    let key = if route.via.len() == 1 { "via".to_owned() } else { format!("via[{n}]") };
                    let message = format!("{via} cannot be reached: {why}");
                    let help = self.near(&route.vrf, route.prefix);
                    self.fault("route", i, &key, message, help);
                }
            }
        }
    }

    fn near(&self, vrf: &str, prefix: IpNet) -> String {
        let same =
            |a: &&IpNet| matches!((a, prefix), (IpNet::V4(_), IpNet::V4(_)) | (IpNet::V6(_), IpNet::V6(_)));
        let of = self.config.interfaces.iter().filter(|i| i.vrf == vrf);
        let subnets: Vec<_> =
            of.flat_map(|i| &i.addresses).filter(same).take(8).map(|a| a.trunc().to_string()).collect();
        match subnets.as_slice() {
            [] => format!("vrf \"{vrf}\" has no connected subnets of this family"),
            _ => format!("connected in vrf \"{vrf}\": {}", subnets.join(", ")),
        }
    }
}
