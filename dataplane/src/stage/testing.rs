//! A small router for the stages' tests, and packets as bytes.
//!
//! ```text
//!   10.1.0.9 ── ge0 10.1.0.1/24 ┐        ┌ ge1 10.2.0.1/24 ── 10.2.0.9
//!               2001:db8:1::1   ├ router ┤     2001:db8:2::1 ── 2001:db8:2::9
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ahash::AHashMap;
use ipnet::IpNet;

use crate::class::ClassMap;
use crate::id::{IfIndex, NhlfeId, PortIndex, VrfId};
use crate::packet::{Batch, Frame, StackEdits, Verdict};
use crate::table::{
    Interface, InterfaceAddress, Labels, Nhlfe, PortDemux, PortSpec, Push, Snapshot, TunnelModel, VlanMatch,
    Vrf,
};
use crate::wire::ethernet::{EthernetHeader, ether_type};
use crate::wire::ipv4::Ipv4Header;
use crate::wire::ipv6::Ipv6Header;
use crate::wire::l4::UdpHeader;
use crate::wire::mpls::LabelStackEntry;

pub(crate) const GE0: IfIndex = IfIndex(0);
pub(crate) const GE1: IfIndex = IfIndex(1);
pub(crate) const HOST0: [u8; 6] = [2, 0, 0, 0, 0, 0x10];
pub(crate) const HOST1: [u8; 6] = [2, 0, 0, 0, 0, 0x11];
pub(crate) const MAC0: [u8; 6] = [2, 0, 0, 0, 0, 0];
pub(crate) const MAC1: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// An interface called `ge<id>` on port `id` with these addresses.
pub(crate) fn interface(id: u32, vlan: VlanMatch, addresses: &[&str]) -> Interface {
    let net = |a: &&str| InterfaceAddress { net: a.parse().unwrap() };
    Interface {
        id: IfIndex(id),
        name: format!("ge{id}").into(),
        port: PortIndex(id as u16),
        vlan,
        vrf: VrfId(0),
        mac: [2, 0, 0, 0, 0, id as u8],
        mtu: 1500,
        addresses: addresses.iter().map(net).collect(),
        mpls: false,
        mpls_mtu: 1500,
        tc_map: Arc::default(),
        marks: Arc::default(),
        enabled: true,
        class_map: Arc::new(ClassMap::default()),
        qos: Arc::default(),
        neighbours: Arc::new(AHashMap::new()),
        static_neighbours: Arc::from([]),
    }
}

/// Puts an interface into a snapshot, with its port if new, and the routes its addresses make.
pub(crate) fn add(snapshot: &mut Snapshot, interface: Interface) {
    let (id, port, vrf) = (interface.id, interface.port, interface.vrf);
    for address in interface.addresses.iter() {
        let local = snapshot.nhlfes.insert(Nhlfe::Local);
        let glean = snapshot.nhlfes.insert(Nhlfe::Glean(id));
        route_to(snapshot, vrf, address.net, NhlfeId(glean as u32));
        route_to(snapshot, vrf, address.net.addr().into(), NhlfeId(local as u32));
        if let IpNet::V4(net) = address.net {
            route_to(snapshot, vrf, IpAddr::V4(net.broadcast()).into(), NhlfeId(local as u32));
        }
    }
    snapshot.interfaces.set(id.index(), Arc::new(interface));
    let on_port = snapshot.interfaces.iter().map(|(_, i)| i).filter(|i| i.port == port);
    let demux = PortDemux::new(on_port.map(|i| (i.vlan, i.id)));
    let spec = PortSpec { id: port, name: format!("p{port}").into(), rate: 0, burst: 0, demux, trees: None };
    snapshot.ports.set(port.index(), Arc::new(spec));
}

/// Sets where a prefix leads.
pub(crate) fn route_to(snapshot: &mut Snapshot, vrf: VrfId, net: IpNet, nhlfe: NhlfeId) {
    let mut table = snapshot.vrf(vrf).cloned().unwrap_or(Vrf::new(vrf, "default"));
    match net {
        IpNet::V4(net) => drop(table.fib4.insert(net, nhlfe)),
        IpNet::V6(net) => drop(table.fib6.insert(net, nhlfe)),
    }
    snapshot.vrfs.set(vrf.index(), table);
}

/// A route in the first Vrf.
pub(crate) fn route(snapshot: &mut Snapshot, net: &str, nhlfe: Nhlfe) -> NhlfeId {
    let id = NhlfeId(snapshot.nhlfes.insert(nhlfe) as u32);
    route_to(snapshot, VrfId(0), net.parse().unwrap(), id);
    id
}

/// A route by way of a neighbour on `interface`.
pub(crate) fn route_via(snapshot: &mut Snapshot, net: &str, interface: IfIndex, via: &str) -> NhlfeId {
    let adjacency = snapshot.adjacency_for(interface, via.parse().unwrap());
    route(snapshot, net, Nhlfe::Forward(adjacency))
}

/// The router of the picture; neighbours .9 are known, 198.51.100.0/24 is behind 10.2.0.9.
pub(crate) fn router() -> Snapshot {
    let mut snapshot = Snapshot::default();
    let addresses = |n| [format!("10.{n}.0.1/24"), format!("2001:db8:{n}::1/64"), format!("fe80::{n}/64")];
    for n in 1..=2u32 {
        let addresses = addresses(n);
        let addresses: Vec<&str> = addresses.iter().map(|a| a.as_str()).collect();
        add(&mut snapshot, interface(n - 1, VlanMatch::Untagged, &addresses));
    }
    for (interface, address, mac) in [
        (GE0, "10.1.0.9", HOST0),
        (GE0, "2001:db8:1::9", HOST0),
        (GE1, "10.2.0.9", HOST1),
        (GE1, "2001:db8:2::9", HOST1),
    ] {
        assert!(snapshot.set_neighbour(interface, address.parse().unwrap(), Some(mac)));
    }
    route_via(&mut snapshot, "198.51.100.0/24", GE1, "10.2.0.9");
    route_via(&mut snapshot, "2001:db8:100::/48", GE1, "2001:db8:2::9");
    snapshot
}

/// Changes an interface of a snapshot.
pub(crate) fn change(snapshot: &mut Snapshot, id: IfIndex, edit: impl FnOnce(&mut Interface)) {
    edit(Arc::make_mut(snapshot.interfaces.get_mut(id.index()).unwrap()));
}

/// Layers, one after the other.
pub(crate) fn stack(layers: &[&[u8]]) -> Vec<u8> {
    layers.concat()
}

/// An Ethernet header from the host on ge0.
pub(crate) fn eth(ether_type: u16) -> Vec<u8> {
    eth_to(MAC0, HOST0, ether_type)
}

pub(crate) fn eth_to(destination: [u8; 6], source: [u8; 6], ether_type: u16) -> Vec<u8> {
    let mut bytes = vec![0; 14];
    EthernetHeader::new(destination, source, ether_type).emit(&mut bytes).unwrap();
    bytes
}

/// An IPv4 header with `options` (a multiple of 4 bytes) for `payload` bytes, edited by `edit`.
pub(crate) fn ipv4_with(
    (source, destination): (&str, &str),
    protocol: u8,
    payload: usize,
    options: &[u8],
    edit: impl FnOnce(&mut Ipv4Header),
) -> Vec<u8> {
    let (source, destination): (Ipv4Addr, Ipv4Addr) = (source.parse().unwrap(), destination.parse().unwrap());
    let mut header = Ipv4Header::new(source, destination, protocol, (payload + options.len()) as u16);
    header.version_ihl += (options.len() / 4) as u8;
    edit(&mut header);
    let mut bytes = vec![0; 20];
    header.emit(&mut bytes).unwrap();
    bytes.extend(options);
    Ipv4Header::fill_checksum(&mut bytes).unwrap();
    bytes
}

/// An IPv4 header for UDP.
pub(crate) fn ipv4(between: (&str, &str), payload: usize) -> Vec<u8> {
    ipv4_with(between, 17, payload, &[], |_| {})
}

/// An IPv6 header.
pub(crate) fn ipv6((source, destination): (&str, &str), next_header: u8, payload: usize) -> Vec<u8> {
    let (source, destination): (Ipv6Addr, Ipv6Addr) = (source.parse().unwrap(), destination.parse().unwrap());
    let mut bytes = vec![0; 40];
    Ipv6Header::new(source, destination, next_header, payload as u16).emit(&mut bytes).unwrap();
    bytes
}

/// A UDP header (checksum 0) and as many zeros of data.
pub(crate) fn udp(source: u16, destination: u16, data: usize) -> Vec<u8> {
    let mut bytes = vec![0; 8 + data];
    UdpHeader::new(source, destination, data as u16).emit(&mut bytes).unwrap();
    bytes
}

/// A whole frame: 10.1.0.9 → 198.51.100.7, UDP 5004 → 5006 with 18 bytes of data, 60 bytes.
pub(crate) fn call() -> Vec<u8> {
    let between = ("10.1.0.9", "198.51.100.7");
    stack(&[&eth(ether_type::IPV4), &ipv4(between, 26), &udp(5004, 5006, 18)])
}

/// A label stack of `(label, TC, TTL)`, outermost first; the last is the bottom.
pub(crate) fn mpls(entries: &[(u32, u8, u8)]) -> Vec<u8> {
    let words = entries.iter().enumerate().map(|(i, (label, tc, ttl))| {
        LabelStackEntry::new(*label, *tc, i + 1 == entries.len(), *ttl).word().to_be_bytes()
    });
    words.flatten().collect()
}

/// The router with MPLS on its interfaces, all prefixes of [`router`] in its first Vrf.
pub(crate) fn label_router() -> Snapshot {
    let mut snapshot = router();
    for id in [GE0, GE1] {
        change(&mut snapshot, id, |i| i.mpls = true);
    }
    snapshot
}

/// An entry that prefixes, labels and other entries may lead to.
pub(crate) fn entry(snapshot: &mut Snapshot, nhlfe: Nhlfe) -> NhlfeId {
    NhlfeId(snapshot.nhlfes.insert(nhlfe) as u32)
}

/// The entry by way of a neighbour on `interface`.
pub(crate) fn via(snapshot: &mut Snapshot, interface: IfIndex, neighbour: &str) -> NhlfeId {
    let adjacency = snapshot.adjacency_for(interface, neighbour.parse().unwrap());
    entry(snapshot, Nhlfe::Forward(adjacency))
}

/// Sets what an incoming label leads to.
pub(crate) fn label_to(snapshot: &mut Snapshot, label: u32, nhlfe: Nhlfe) -> NhlfeId {
    let id = entry(snapshot, nhlfe);
    snapshot.ilm.set(label, id);
    id
}

/// Labels put on, TTL and marks as `model` says.
pub(crate) fn push(labels: &[u32], next: NhlfeId, model: TunnelModel) -> Nhlfe {
    let labels = Labels::new(labels).unwrap();
    Nhlfe::Push(Push { labels, next, model, entropy: false })
}

/// A batch of one.
pub(crate) fn batch(bytes: &[u8]) -> Batch {
    let mut frame = if bytes.len() > 1900 { Frame::jumbo() } else { Frame::standard() };
    frame.fill(bytes).unwrap();
    let mut batch = Batch::new();
    batch.push(frame).unwrap();
    batch
}

/// The one frame of a batch after `parse` on port 0.
pub(crate) fn parsed(snapshot: &Snapshot, bytes: &[u8]) -> Frame {
    let mut batch = batch(bytes);
    super::parse::run(&mut batch, snapshot, PortIndex(0));
    batch.pop().unwrap()
}

/// All of `lookup`, for frames that are parsed and classified.
pub(crate) fn look_up(batch: &mut Batch, snapshot: &Snapshot) -> StackEdits {
    let mut edits = StackEdits::new();
    super::lookup::labels::run(batch, snapshot);
    super::parse::exposed(batch, snapshot);
    super::classify::exposed(batch, snapshot, &mut super::classify::RuleHits::new());
    super::classify::through(batch, snapshot, &mut super::classify::RuleHits::new());
    super::lookup::run(batch, snapshot, &mut edits);
    super::classify::leaving(batch, snapshot, &mut edits, &mut super::classify::RuleHits::new());
    edits
}

/// After `parse` and `lookup`.
pub(crate) fn looked_up(snapshot: &Snapshot, bytes: &[u8]) -> Frame {
    let mut batch = batch(bytes);
    super::parse::run(&mut batch, snapshot, PortIndex(0));
    super::classify::run(&mut batch, snapshot, &mut super::classify::RuleHits::new());
    look_up(&mut batch, snapshot);
    batch.pop().unwrap()
}

/// After `parse`, `classify`, `lookup` and `rewrite`.
pub(crate) fn rewritten(snapshot: &Snapshot, bytes: &[u8]) -> Frame {
    let mut batch = batch(bytes);
    super::parse::run(&mut batch, snapshot, PortIndex(0));
    super::classify::run(&mut batch, snapshot, &mut super::classify::RuleHits::new());
    let edits = look_up(&mut batch, snapshot);
    super::rewrite::run(&mut batch, snapshot, &edits);
    batch.pop().unwrap()
}

/// The verdict of `parse` on port 0 of [`router`].
pub(crate) fn verdict(bytes: &[u8]) -> Verdict {
    parsed(&router(), bytes).meta().verdict
}
