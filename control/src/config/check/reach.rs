//! Whether the next hops of routes and labels can be reached.

use std::net::IpAddr;

use ahash::{AHashMap, AHashSet};
use ipnet::IpNet;

use super::Checks;
use crate::config::route::Hop;
use crate::rib::{self, wanted};

impl Checks<'_> {
    /// Resolves every next hop as the router would, interfaces that are down counted as up.
    pub(super) fn reachable(&self) {
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
        let is_wrong = |list: &str, i| {
            let item = format!("{list}[{}]", self.kept.place(list, i));
            wrong.iter().any(|key| key.starts_with(&item))
        };
        for (i, route) in self.config.routes.iter().enumerate() {
            if wrong.is_empty() || !is_wrong("route", i) {
                self.reached(&ribs, "route", i, route.hops());
            }
        }
        for (i, label) in self.config.static_labels.iter().enumerate() {
            if wrong.is_empty() || !is_wrong("label", i) {
                self.reached(&ribs, "label", i, label.hops());
            }
        }
    }

    fn reached<'h>(
        &self,
        ribs: &AHashMap<&str, rib::Rib>,
        list: &str,
        i: usize,
        hops: impl Iterator<Item = Hop<'h>>,
    ) {
        let none = rib::Rib::default();
        let hops: Vec<_> = hops.collect();
        for (n, hop) in hops.iter().enumerate() {
            let rib = ribs.get(hop.vrf).unwrap_or(&none);
            let next = rib::NextHop { address: hop.address, interface: hop.interface.map(Into::into) };
            if let Err(why) = rib.resolve_next_hop(&next) {
                let key = if hops.len() == 1 { "via".to_owned() } else { format!("via[{n}]") };
                let message = format!("{} cannot be reached: {why}", hop.address);
                self.fault(list, i, &key, message, self.near(hop.vrf, hop.address));
            }
        }
    }

    fn near(&self, vrf: &str, address: IpAddr) -> String {
        let same = |a: &&IpNet| a.addr().is_ipv4() == address.is_ipv4();
        let of = self.config.interfaces.iter().filter(|i| i.vrf == vrf);
        let subnets: Vec<_> =
            of.flat_map(|i| &i.addresses).filter(same).take(8).map(|a| a.trunc().to_string()).collect();
        match subnets.as_slice() {
            [] => format!("vrf \"{vrf}\" has no connected subnets of this family"),
            _ => format!("connected in vrf \"{vrf}\": {}", subnets.join(", ")),
        }
    }
}
