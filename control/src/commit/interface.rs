//! Ports, interfaces and their neighbours, from configuration to Snapshot.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use ahash::{AHashMap, AHashSet};
use dataplane::class::ClassMap;
use dataplane::id::{AdjacencyId, IfIndex, PortIndex, VrfId};
use dataplane::qos::InterfaceQos;
use dataplane::table::{
    self, Adjacency, InterfaceAddress, Marks, PortDemux, PortSpec, Snapshot, Trust, VlanMatch,
};
use ipnet::{IpNet, Ipv6Net};

use super::trees::trees;
use super::{PortFacts, State, renamed};
use crate::config::{self, Config, Interface, Rate, Vlan};
use crate::rib::is_link_local;

impl State {
    /// Sets the interfaces, and takes out those that are gone with their adjacencies.
    pub(super) fn interfaces(&mut self, facts: &PortFacts, snapshot: &mut Snapshot) {
        let names = self.config.interfaces.iter().map(|i| i.name.as_str());
        let (ids, gone) = renamed(&self.interfaces, names, |n| IfIndex(n as u32), |id| id.index());
        self.interfaces = ids;
        for (_, id) in gone {
            let gone = snapshot.interfaces.remove(id.index());
            for adjacency in gone.iter().flat_map(|i| i.neighbours.values()) {
                snapshot.adjacencies.remove(adjacency.index());
            }
        }
        let statics = statics(&self.config);
        let ports = self.config.ports.iter();
        let lines: AHashMap<&str, Rate> =
            ports.filter_map(|port| Some((port.name.as_str(), port.rate?))).collect();
        self.meters.begin(&self.config);
        for wanted in &self.config.interfaces {
            let Some(id) = self.interfaces.get(wanted.name.as_str()) else { continue };
            let port = self.ports.get(wanted.port.as_str()).copied().unwrap_or_default();
            let line = lines.get(wanted.port.as_str()).copied();
            let vrf = self.vrfs.get(wanted.vrf.as_str()).copied().unwrap_or_default();
            let mac =
                wanted.mac.map_or_else(|| port_mac(facts, &self.config.router.name, &wanted.port), |m| m.0);
            let mut spec = spec(wanted, *id, port, vrf, mac);
            spec.static_neighbours =
                statics.get(wanted.name.as_str()).map_or_else(|| [].into(), |s| s.as_slice().into());
            let qos = InterfaceQos { ingress: self.meters.of(wanted), ..wanted.qos_spec(line) };
            spec.qos = Arc::new(qos);
            place(spec, snapshot);
        }
    }

    /// Sets the ports, each with what its interfaces' tags are.
    pub(super) fn ports_of_snapshot(&self, snapshot: &mut Snapshot) {
        let gone: Vec<_> = snapshot.ports.iter().map(|(i, _)| i).collect();
        let kept: AHashSet<usize> = self.ports.values().map(|p| p.index()).collect();
        for index in gone.into_iter().filter(|i| !kept.contains(i)) {
            snapshot.ports.remove(index);
        }
        let mut tags: AHashMap<PortIndex, Vec<(VlanMatch, IfIndex)>> = AHashMap::new();
        for (_, interface) in snapshot.interfaces.iter() {
            tags.entry(interface.port).or_default().push((interface.vlan, interface.id));
        }
        for port in &self.config.ports {
            let Some(id) = self.ports.get(port.name.as_str()).copied() else { continue };
            let tags = tags.remove(&id).unwrap_or_default();
            let interfaces: Vec<_> = tags.iter().map(|(_, id)| *id).collect();
            let before = snapshot.port(id).filter(|before| *before.name == *port.name);
            let (trees, demux) = (trees(port.trees, &interfaces, before), PortDemux::new(tags));
            let name = port.name.as_str().into();
            let (rate, burst) = (port.rate.map_or(0, |rate| rate.0), port.burst.0);
            let spec = PortSpec { id, name, rate, burst, demux, trees };
            snapshot.ports.set(id.index(), Arc::new(spec));
        }
    }

    /// Sets static neighbours, and takes out neighbours of subnets that are gone.
    pub(super) fn neighbours(&self, snapshot: &mut Snapshot) {
        let used: AHashSet<AdjacencyId> = self.entries.adjacencies(snapshot);
        for wanted in &self.config.interfaces {
            let Some(id) = self.interfaces.get(wanted.name.as_str()).copied() else { continue };
            let Some(interface) = snapshot.interface(id) else { continue };
            let fixed = interface.static_neighbours.clone();
            let stays = |(address, adjacency): &(&IpAddr, &AdjacencyId)| {
                let on = interface.connected(**address).is_some() || fixed.iter().any(|(a, _)| a == *address);
                on || used.contains(adjacency)
            };
            let known = interface.neighbours.iter();
            let gone: Vec<_> = known.filter(|n| !stays(n)).map(|(a, id)| (*a, *id)).collect();
            for (address, adjacency) in gone {
                forget_neighbour(snapshot, id, address, adjacency);
            }
            for (address, mac) in fixed.iter().filter(|n| !is_at(snapshot, id, n)).collect::<Vec<_>>() {
                snapshot.set_neighbour(id, *address, Some(*mac));
            }
        }
    }
}

/// Whether a neighbour is known to be at that station address.
fn is_at(snapshot: &Snapshot, interface: IfIndex, (address, mac): &(IpAddr, [u8; 6])) -> bool {
    let known = snapshot.interface(interface).and_then(|i| i.neighbours.get(address));
    let header = known.and_then(|id| snapshot.adjacency(*id)).and_then(|a| a.header());
    header.is_some_and(|h| h.starts_with(mac))
}

fn statics(config: &Config) -> AHashMap<&str, Vec<(IpAddr, [u8; 6])>> {
    let mut map: AHashMap<&str, Vec<_>> = AHashMap::new();
    for neighbour in &config.neighbours {
        map.entry(&neighbour.interface).or_default().push((neighbour.address, neighbour.mac.0));
    }
    map
}

fn forget_neighbour(snapshot: &mut Snapshot, interface: IfIndex, address: IpAddr, adjacency: AdjacencyId) {
    snapshot.adjacencies.remove(adjacency.index());
    if let Some(interface) = snapshot.interfaces.get_mut(interface.index()) {
        Arc::make_mut(&mut Arc::make_mut(interface).neighbours).remove(&address);
    }
}

/// Puts `spec` in the Snapshot unless it is there already; neighbours move along.
fn place(mut spec: table::Interface, snapshot: &mut Snapshot) {
    let Some(old) = snapshot.interfaces.get(spec.id.index()).cloned() else {
        snapshot.interfaces.set(spec.id.index(), Arc::new(spec));
        return;
    };
    spec.neighbours = old.neighbours.clone();
    let same_link = (old.port, old.vlan, old.vrf) == (spec.port, spec.vlan, spec.vrf);
    let unfixed: Vec<IpAddr> = old.static_neighbours.iter().map(|n| n.0).collect();
    let relearn = |address: &IpAddr| !same_link || unfixed.contains(address);
    if !same_link || old.mac != spec.mac || !unfixed.is_empty() {
        for (address, id) in spec.neighbours.iter() {
            let mac =
                snapshot.adjacency(*id).and_then(|a| a.header()).and_then(|h| h.first_chunk::<6>().copied());
            let adjacency = match mac.filter(|_| !relearn(address)) {
                Some(mac) => Adjacency::resolved(spec.id, *address, &spec.layer2_header(mac)),
                None => Adjacency::unresolved(spec.id, *address),
            };
            if snapshot.adjacency(*id) != Some(&adjacency) {
                snapshot.adjacencies.set(id.index(), adjacency);
            }
        }
    }
    if !same(&old, &spec) {
        snapshot.interfaces.set(spec.id.index(), Arc::new(spec));
    }
}

/// Whether two generations of an interface forward alike.
fn same(a: &table::Interface, b: &table::Interface) -> bool {
    a.name == b.name
        && (a.port, a.vlan, a.vrf, a.mac, a.mtu) == (b.port, b.vlan, b.vrf, b.mac, b.mtu)
        && (a.mpls, a.mpls_mtu, a.enabled) == (b.mpls, b.mpls_mtu, b.enabled)
        && a.tc_map == b.tc_map
        && a.addresses == b.addresses
        && a.class_map == b.class_map
        && a.marks == b.marks
        && a.qos == b.qos
        && a.static_neighbours == b.static_neighbours
}

fn spec(wanted: &Interface, id: IfIndex, port: PortIndex, vrf: VrfId, mac: [u8; 6]) -> table::Interface {
    table::Interface {
        id,
        name: wanted.name.as_str().into(),
        port,
        vlan: match wanted.vlan {
            Vlan::Untagged => VlanMatch::Untagged,
            Vlan::One(vid) => VlanMatch::Single(wanted.tpid.into(), vid),
            Vlan::Two([outer, inner]) => VlanMatch::Double(wanted.tpid.into(), outer, inner),
        },
        vrf,
        mac,
        mtu: wanted.mtu,
        addresses: addresses(wanted, mac),
        mpls: wanted.mpls,
        mpls_mtu: wanted.mpls_mtu,
        tc_map: Arc::new(wanted.tc_map()),
        enabled: wanted.enabled,
        class_map: Arc::new(class_map(wanted)),
        marks: Arc::new(marks(wanted)),
        qos: Arc::default(),
        neighbours: Arc::default(),
        static_neighbours: [].into(),
    }
}

/// Its addresses; one that speaks IPv6 has a link-local one (RFC 4291 section 2.8).
fn addresses(wanted: &Interface, mac: [u8; 6]) -> Arc<[InterfaceAddress]> {
    let mut nets = wanted.addresses.clone();
    let speaks = nets.iter().any(|n| matches!(n, IpNet::V6(_)));
    if speaks && !nets.iter().any(|n| is_link_local(n.addr())) {
        nets.extend(Ipv6Net::new(link_local(mac), 64).map(IpNet::V6));
    }
    nets.into_iter().map(|net| InterfaceAddress { net }).collect()
}

/// The link-local address of a station (RFC 4291 appendix A).
pub(super) fn link_local(mac: [u8; 6]) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac;
    let word = |high, low| u16::from_be_bytes([high, low]);
    Ipv6Addr::new(0xfe80, 0, 0, 0, word(a ^ 2, b), word(c, 0xff), word(0xfe, d), word(e, f))
}

fn class_map(wanted: &Interface) -> ClassMap {
    if wanted.trust == config::Trust::Nothing {
        return ClassMap::untrusted();
    }
    let mut map = ClassMap::default();
    for (dscp, meaning) in &wanted.dscp {
        // The drop precedence of an AF mark stays what RFC 2597 says.
        let colour = meaning.colour(map.get(*dscp).1);
        map.0[usize::from(*dscp & 63)] = (meaning.class.0, colour);
    }
    map
}

fn marks(wanted: &Interface) -> Marks {
    let trust = match wanted.trust {
        config::Trust::Nothing => Trust::Nothing,
        config::Trust::Dscp => Trust::Dscp,
        config::Trust::Pcp => Trust::Pcp,
    };
    let mut marks = Marks { trust, remark_tc: wanted.remark_tc, ..Marks::default() };
    for (pcp, meaning) in &wanted.pcp {
        let colour = meaning.colour(marks.pcp.get(*pcp).1);
        marks.pcp.0[usize::from(*pcp & 7)] = (meaning.class.0, colour);
    }
    for (class, by_colour) in &wanted.dscp_out {
        marks.dscp_out[class.0.index()] = Some(by_colour.0.map(|dscp| dscp.0));
    }
    for (class, pcp) in &wanted.pcp_out {
        marks.pcp_out[class.0.index()] = pcp & 7;
    }
    marks
}

/// The port's station address, or a locally administered one made of the router's and its name.
fn port_mac(facts: &PortFacts, router: &str, port: &str) -> [u8; 6] {
    if let Some(mac) = facts.macs.get(port) {
        return *mac;
    }
    // FNV-1a: the same names have the same address on every start, other routers' ports another.
    let names = router.bytes().chain([0]).chain(port.bytes());
    let hash = names.fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    let [_, _, _, a, b, c, d, e] = hash.to_be_bytes();
    [0x02, a, b, c, d, e]
}
