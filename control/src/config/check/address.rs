//! Interface addresses and static neighbours.

use std::net::IpAddr;

use ahash::{AHashMap, AHashSet};
use ipnet::{IpNet, Ipv4Net};
use prefix_trie::joint::map::JointPrefixMap;

use super::Checks;
use crate::config::types::Interface;
use crate::rib::is_link_local;

/// What an address cannot be, if it is to be a station's.
pub(super) fn not_a_station(address: IpAddr) -> Option<&'static str> {
    match address {
        a if a.is_unspecified() => Some("the unspecified address"),
        a if a.is_loopback() => Some("a loopback address"),
        a if a.is_multicast() => Some("a multicast address"),
        IpAddr::V4(a) if a.octets()[0] == 0 || a.octets()[0] >= 240 => Some("a reserved address (RFC 6890)"),
        IpAddr::V6(a) if a.to_ipv4_mapped().is_some() => Some("an IPv4-mapped address"),
        _ => None,
    }
}

/// "the network address" or "the broadcast address", when it is one of `net`.
pub(super) fn not_a_host(net: Ipv4Net, address: IpAddr) -> Option<&'static str> {
    match address {
        _ if net.prefix_len() > 30 => None,
        a if a == net.network() => Some("the network address"),
        a if a == net.broadcast() => Some("the broadcast address"),
        _ => None,
    }
}

impl Checks<'_> {
    pub(super) fn addresses(&self) {
        let mut subnets: AHashMap<&str, JointPrefixMap<IpNet, usize>> = AHashMap::new();
        for (i, interface) in self.config.interfaces.iter().enumerate() {
            let mut own = AHashSet::new();
            for (n, net) in interface.addresses.iter().enumerate() {
                let key = format!("addresses[{n}]");
                self.address(i, &key, *net);
                if !own.insert(net.addr()) {
                    self.fault(
                        "interface",
                        i,
                        &key,
                        format!("{} is named twice", net.addr()),
                        "name it once",
                    );
                } else if !is_link_local(net.addr()) {
                    self.overlap(subnets.entry(&interface.vrf).or_default(), i, &key, *net);
                }
            }
            if interface.mtu < 1280 && interface.addresses.iter().any(|a| matches!(a, IpNet::V6(_))) {
                let message =
                    format!("{} bytes are too few for an interface with an IPv6 address", interface.mtu);
                self.fault("interface", i, "mtu", message, "IPv6 needs 1280 or more (RFC 8200 section 5)");
            }
        }
    }

    fn address(&self, i: usize, key: &str, net: IpNet) {
        let whole = match net {
            _ if net.prefix_len() == 0 => Some("a prefix length of 0 makes everything connected"),
            IpNet::V4(v4) => not_a_host(v4, net.addr()),
            IpNet::V6(_) => None,
        };
        if let Some(what) = not_a_station(net.addr()).or(whole) {
            let help = "an interface has a host's address with its subnet's length, such as \"10.0.0.1/24\"";
            self.fault(
                "interface",
                i,
                key,
                format!("{net} is {what}").replace("is a prefix", "has a prefix"),
                help,
            );
        }
    }

    /// Two interfaces of a Vrf cannot share a subnet; one may have several addresses in one.
    fn overlap(&self, subnets: &mut JointPrefixMap<IpNet, usize>, i: usize, key: &str, net: IpNet) {
        let subnet = net.trunc();
        let around = subnets.get_lpm(&subnet).map(|(other, owner)| (other, *owner));
        let within = || subnets.children(&subnet).next().map(|(other, owner)| (other, *owner));
        match around.or_else(within) {
            Some((other, owner)) if owner != i || other != subnet => {
                let of = self.config.interfaces.get(owner).map_or("", |o| o.name.as_str());
                let message = format!("{subnet} overlaps {other} of the interface \"{of}\" in the same vrf");
                self.fault(
                    "interface",
                    i,
                    key,
                    message,
                    "give it another subnet, or put one interface in another vrf",
                );
            }
            _ => drop(subnets.insert(subnet, i)),
        }
    }

    pub(super) fn neighbours(&self, whole: bool) {
        let mut known = AHashSet::new();
        for (i, neighbour) in self.config.neighbours.iter().enumerate() {
            let Some(interface) = self.interface("neighbour", i, "interface", &neighbour.interface) else {
                continue;
            };
            if let Some(what) = not_a_neighbour(interface, neighbour.address, whole) {
                let message = format!("{} is {what}", neighbour.address);
                let help = subnets_of(interface);
                self.fault("neighbour", i, "address", message, help);
            }
            if !known.insert((&neighbour.interface, neighbour.address)) {
                let message = format!("{} on \"{}\" is named twice", neighbour.address, interface.name);
                self.fault("neighbour", i, "address", message, "name it once");
            }
        }
    }
}

/// What the subnets of `interface` are, for a fault's help.
pub(super) fn subnets_of(interface: &Interface) -> String {
    let subnets: Vec<_> = interface.addresses.iter().take(8).map(|a| a.trunc().to_string()).collect();
    match subnets.as_slice() {
        [] => format!("the interface \"{}\" has no addresses", interface.name),
        _ => format!("the subnets of \"{}\" are {}", interface.name, subnets.join(", ")),
    }
}

/// Why `address` can be no neighbour on `interface`.
pub(super) fn not_a_neighbour(interface: &Interface, address: IpAddr, whole: bool) -> Option<&'static str> {
    if let Some(what) = not_a_station(address) {
        return Some(what);
    }
    if interface.addresses.iter().any(|a| a.addr() == address) {
        return Some("the router's own address");
    }
    let on = interface.addresses.iter().find(|a| a.contains(&address));
    match on {
        Some(IpNet::V4(net)) => not_a_host(*net, address),
        Some(_) => None,
        None if is_link_local(address) && interface.addresses.iter().any(|a| matches!(a, IpNet::V6(_))) => {
            None
        }
        None => whole.then_some("on no subnet of the interface"),
    }
}
