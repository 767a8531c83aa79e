//! Which addresses may be asked for, believed, or answered from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::Host;
use crate::id::VrfId;
use crate::table::{Interface, Snapshot};

/// All nodes of the link (RFC 4291 section 2.7.1).
pub(super) const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// The solicited-node group of `target` (RFC 4291 section 2.7.1).
pub(super) fn solicited_node(target: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = target.octets();
    let low = u16::from_be_bytes([b, c]);
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), low)
}

/// The station address of an IPv6 group (RFC 2464 section 7).
pub(super) fn group_mac(group: Ipv6Addr) -> [u8; 6] {
    let [.., a, b, c, d] = group.octets();
    [0x33, 0x33, a, b, c, d]
}

/// Whether this can be the station address of one neighbour.
pub(super) fn is_station(mac: [u8; 6]) -> bool {
    mac[0] & 1 == 0 && mac != [0; 6]
}

/// Whether `address` names one host on the subnet `net`: not the subnet itself
/// nor all of it (RFC 1812 section 4.2.2.11; a /31 has neither, RFC 3021).
pub(super) fn is_host(net: IpNet, address: IpAddr) -> bool {
    match (net, address) {
        (IpNet::V4(net), IpAddr::V4(address)) if net.prefix_len() < 31 => {
            net.contains(&address) && address != net.network() && address != net.broadcast()
        }
        _ => net.contains(&address),
    }
}

/// Whether `address` could be one host somewhere: RFC 1812 section 4.3.2.7 for
/// IPv4, RFC 4443 section 2.4(e) for IPv6.
pub(super) fn is_unicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => a.octets()[0] != 0 && a.octets()[0] < 240 && !a.is_multicast() && !a.is_loopback(),
        IpAddr::V6(a) => !a.is_unspecified() && !a.is_multicast() && !a.is_loopback(),
    }
}

/// Whether `address` means something on its own link only.
pub(super) fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(a) => a.is_unicast_link_local(),
    }
}

/// The address to use before there is one (RFC 5227 section 2.1.1, RFC 4862 section 5.4.2).
pub(super) fn unspecified(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

impl Host {
    /// Whether the router may use its own `address` of `interface`.
    pub(super) fn may_use(&self, interface: &Interface, address: IpAddr) -> bool {
        self.links.get(&interface.id).is_none_or(|link| link.may_use(address))
    }

    /// The addresses of `interface` that may be used, of `peer`'s family.
    pub(super) fn usable<'a>(
        &'a self,
        interface: &'a Interface,
        peer: IpAddr,
    ) -> impl Iterator<Item = IpNet> + 'a {
        let nets = interface.addresses.iter().map(|a| a.net);
        nets.filter(move |net| net.addr().is_ipv4() == peer.is_ipv4() && self.may_use(interface, net.addr()))
    }

    /// The address to ask `neighbour` from on its link: the link-local one for
    /// IPv6 (RFC 4861 section 7.2.2 leaves the choice), else the one of its
    /// subnet, else any of the interface, else any of the Vrf.
    pub(super) fn link_source(
        &self,
        interface: &Interface,
        neighbour: IpAddr,
        snapshot: &Snapshot,
    ) -> Option<IpAddr> {
        let local = self.usable(interface, neighbour).find(|net| is_link_local(net.addr()));
        let subnet = || self.usable(interface, neighbour).find(|net| net.contains(&neighbour));
        let any = || self.usable(interface, neighbour).next();
        let net = local.or_else(subnet).or_else(any).map(|net| net.addr());
        net.or_else(|| self.vrf_source(interface.vrf, neighbour, snapshot))
    }

    /// The address the router speaks to `peer` from when it does so by
    /// `interface`: of the same scope where it can, `peer`'s own subnet first.
    pub(super) fn source(&self, interface: &Interface, peer: IpAddr, snapshot: &Snapshot) -> Option<IpAddr> {
        let scoped = |net: &IpNet| is_link_local(net.addr()) == is_link_local(peer);
        let subnet = self.usable(interface, peer).filter(scoped).find(|net| net.contains(&peer));
        let any = || self.usable(interface, peer).find(scoped);
        let net = subnet.or_else(any).map(|net| net.addr());
        if is_link_local(peer) { net } else { net.or_else(|| self.vrf_source(interface.vrf, peer, snapshot)) }
    }

    /// The address the router speaks to `peer` from in `vrf`, about what came in by
    /// `arrival`: one of that interface where it is of the Vrf, else the first of the
    /// Vrf's, else one of that interface all the same.
    pub(super) fn source_in(
        &self,
        vrf: VrfId,
        arrival: &Interface,
        peer: IpAddr,
        snapshot: &Snapshot,
    ) -> Option<IpAddr> {
        if arrival.vrf == vrf {
            return self.source(arrival, peer, snapshot);
        }
        let global = || self.usable(arrival, peer).map(|net| net.addr()).find(|a| !is_link_local(*a));
        self.vrf_source(vrf, peer, snapshot).or_else(global)
    }

    /// An address of the Vrf that is good beyond its link: that of its first interface.
    pub(super) fn vrf_source(&self, vrf: VrfId, peer: IpAddr, snapshot: &Snapshot) -> Option<IpAddr> {
        let members = snapshot.interfaces.iter().map(|(_, i)| i).filter(|i| i.vrf == vrf && i.enabled);
        let mut nets = members.flat_map(|i| self.usable(i, peer));
        nets.find(|net| !is_link_local(net.addr())).map(|net| net.addr())
    }
}
