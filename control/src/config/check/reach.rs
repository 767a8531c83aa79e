//! Whether the next hops of routes and labels can be reached.

use std::net::IpAddr;

use ahash::AHashSet;
use dataplane::id::VrfId;
use ipnet::IpNet;

use super::Checks;
use crate::config::route::Hop;
use crate::rib::{self, wanted};

impl Checks<'_> {
    /// Resolves every next hop as the router would, interfaces that are down counted as up.
    pub(super) fn reachable(&self) {
        let mut ribs = rib::Ribs::default();
        let vrfs = self.config.vrfs.iter().map(|v| v.name.as_str()).chain(["default"]);
        for (n, name) in vrfs.enumerate() {
            ribs.add(name, VrfId(n as u16));
        }
        let all = self.config.interfaces.iter().map(|i| (&i.name, &i.vrf, &i.addresses));
        for (name, vrf, addresses) in all {
            if let Some(rib) = ribs.named(vrf).and_then(|id| ribs.get_mut(id)) {
                addresses.iter().for_each(|a| rib.connect(name, *a));
            }
        }
        for route in &self.config.routes {
            if let Some(rib) = ribs.named(&route.vrf).and_then(|id| ribs.get_mut(id)) {
                let wanted = wanted(route);
                rib.set(route.prefix, rib::Source::Static, route.distance, wanted);
            }
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

    fn reached<'h>(&self, ribs: &rib::Ribs, list: &str, i: usize, hops: impl Iterator<Item = Hop<'h>>) {
        let hops: Vec<_> = hops.collect();
        for (n, hop) in hops.iter().enumerate() {
            let Some(vrf) = ribs.named(hop.vrf) else { continue };
            let next = rib::NextHop::plain(hop.address, hop.interface.map(Into::into));
            let key = if hops.len() == 1 { "via".to_owned() } else { format!("via[{n}]") };
            match ribs.resolve_next_hop(vrf, &next) {
                Err(why) => {
                    let message = format!("{} cannot be reached: {why}", hop.address);
                    self.fault(list, i, &key, message, self.near(hop.vrf, hop.address));
                }
                Ok(resolved) if !hop.push.is_empty() => self.lets_labels_out(list, i, &key, hop, &resolved),
                Ok(_) => {}
            }
        }
    }

    /// The interfaces that labelled frames leave by must have MPLS on.
    fn lets_labels_out(&self, list: &str, i: usize, key: &str, hop: &Hop<'_>, resolved: &rib::Resolved) {
        let out = resolved.leaves().iter().filter_map(|leaf| match &leaf.way {
            rib::Way::Neighbour { interface, .. } => self.interfaces.get(&**interface),
            rib::Way::Through(_) => None,
        });
        let off = out.filter_map(|at| self.config.interfaces.get(*at)).find(|interface| !interface.mpls);
        if let Some(off) = off {
            let message =
                format!("{} is reached by \"{}\", which sends no labelled frames", hop.address, off.name);
            let help = format!("say mpls = true of the interface \"{}\"", off.name);
            self.fault(list, i, key, message, help);
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
