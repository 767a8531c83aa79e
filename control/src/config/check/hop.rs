//! Next hops of routes and labels, as far as they can be judged without a Rib.

use std::net::IpAddr;

use ahash::AHashSet;
use ipnet::IpNet;

use super::Checks;
use super::address::{not_a_neighbour, subnets_of};
use super::rules::via_key;
use crate::config::route::{Hop, Via};
use crate::config::types::Interface;
use crate::rib;

/// The router's own addresses, each with its Vrf.
pub(super) type Own = AHashSet<(String, IpAddr)>;

/// Whose next hops are looked at.
pub(super) struct Hops<'a> {
    /// The list it is in.
    pub(super) list: &'a str,
    /// Its place in the list.
    pub(super) i: usize,
    /// Whether nothing of the file was left out.
    pub(super) whole: bool,
    pub(super) own: &'a Own,
    /// Its next hops as they are written.
    pub(super) vias: &'a [Via],
}

impl Hops<'_> {
    fn key(&self, n: usize) -> String {
        via_key(self.vias, n)
    }

    /// The key of the interface that a next hop names, or that holds for all.
    fn interface_key(&self, n: usize) -> String {
        let own = self.vias.get(n).is_some_and(|via| via.interface.is_some());
        if own { format!("{}.interface", self.key(n)) } else { "interface".into() }
    }
}

impl Checks<'_> {
    pub(super) fn own_addresses(&self) -> Own {
        let of = |i: &Interface| i.addresses.iter().map(|a| (i.vrf.clone(), a.addr())).collect::<Vec<_>>();
        self.config.interfaces.iter().flat_map(of).collect()
    }

    /// The next hops that are named once, each with its place.
    pub(super) fn hops<'h>(
        &self,
        of: &Hops<'_>,
        hops: impl Iterator<Item = Hop<'h>>,
    ) -> Vec<(usize, Hop<'h>)> {
        if of.vias.len() > rib::MOST_NEXT_HOPS {
            let message = format!("{} next hops are too many", of.vias.len());
            self.fault(
                of.list,
                of.i,
                "via",
                message,
                format!("at most {} are possible", rib::MOST_NEXT_HOPS),
            );
        }
        let mut known = AHashSet::new();
        let fresh = |(n, hop): &(usize, Hop<'_>)| {
            let fresh =
                known.insert((hop.address, hop.interface.map(str::to_owned), hop.push.clone(), hop.swap));
            if !fresh {
                let message = format!("{} is named twice", hop.address);
                self.fault(of.list, of.i, &of.key(*n), message, "name each next hop once");
            }
            fresh
        };
        hops.enumerate().filter(fresh).collect()
    }

    /// One next hop of something for `prefix`.
    pub(super) fn hop(&self, of: &Hops<'_>, n: usize, hop: &Hop<'_>, prefix: IpNet) {
        let Some(interface) = self.hop_interface(of, n, hop) else { return };
        let address = hop.address;
        let fault = |message: String, help: String| self.fault(of.list, of.i, &of.key(n), message, help);
        if let Some(what) = rib::not_a_next_hop(prefix, address, hop.interface.is_some()) {
            let help = "a next hop is a neighbour's address of the prefix's family";
            fault(format!("{address} {what}"), help.into());
        } else if let Some(found) = interface
            && let Some(what) = not_a_neighbour(found, address, of.whole)
        {
            fault(format!("{address} is {what}"), subnets_of(found));
        } else if of.own.contains(&(hop.vrf.to_owned(), address)) {
            let help = "a next hop is a neighbour's address";
            fault(format!("{address} is the router's own address"), help.into());
        }
    }

    /// The interface that a next hop names, if it names one; `None` where it cannot be that.
    fn hop_interface(&self, of: &Hops<'_>, n: usize, hop: &Hop<'_>) -> Option<Option<&Interface>> {
        let Some(name) = hop.interface else { return Some(None) };
        let found = self.interface(of.list, of.i, &of.interface_key(n), name)?;
        if found.vrf == hop.vrf {
            return Some(Some(found));
        }
        let message = format!("the interface \"{}\" is in vrf \"{}\"", found.name, found.vrf);
        let help = match hop.push.is_empty() && of.list == "route" {
            true => format!("the next hop is resolved in vrf \"{}\"", hop.vrf),
            false => format!(
                "the next hop is resolved in vrf \"{}\"; via-vrf = \"{}\" has it resolved there",
                hop.vrf, found.vrf
            ),
        };
        self.fault(of.list, of.i, &of.interface_key(n), message, help);
        None
    }

    /// Where labelled frames go to `hop`, the interface must let them out. One that is
    /// reached by other routes cannot be judged here.
    pub(super) fn speaks_mpls(&self, of: &Hops<'_>, n: usize, hop: &Hop<'_>, labelled: bool) {
        let named = hop.interface.and_then(|name| self.interfaces.get(name).copied());
        let out = named.or_else(|| self.connected(hop.vrf, hop.address));
        let Some(out) = out.and_then(|at| self.config.interfaces.get(at)) else { return };
        if labelled && !out.mpls && out.vrf == hop.vrf {
            let message = format!("{} is on \"{}\", which sends no labelled frames", hop.address, out.name);
            let help = format!("say mpls = true of the interface \"{}\"", out.name);
            self.fault(of.list, of.i, &of.key(n), message, help);
        }
    }

    /// The interface of `vrf` that has the longest subnet with `address` in it.
    fn connected(&self, vrf: &str, address: IpAddr) -> Option<usize> {
        let (subnet, at) = self.subnets.get(vrf)?.get_lpm(&address.into())?;
        (subnet.prefix_len() > 0).then_some(*at)
    }
}
