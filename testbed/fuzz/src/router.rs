//! The small router that fuzzed frames go through: VLANs, both families, labels, every
//! kind of Nhlfe, a short MTU behind it.

use std::net::Ipv4Addr;
use std::sync::Arc;

use dataplane::class::ClassMap;
use dataplane::id::{IfIndex, NhlfeId, PortIndex, VrfId};
use dataplane::table::{
    EcmpGroup, Interface, InterfaceAddress, Nhlfe, PortDemux, PortSpec, Snapshot, Tpid, VlanMatch, Vrf,
};

use super::labels;

/// The station address of every interface.
pub const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

const NEIGHBOUR: [u8; 6] = [2, 0, 0, 0, 0, 9];

/// Port 0: untagged, 100, 200.300. Port 1, MTU 576: where routes lead.
pub fn snapshot() -> Snapshot {
    let mut snapshot = Snapshot::default();
    let vlans = [
        (0, 0, VlanMatch::Untagged, 1500),
        (1, 0, VlanMatch::Single(Tpid::Dot1q, 100), 1500),
        (2, 0, VlanMatch::Double(Tpid::Dot1ad, 200, 300), 1500),
        (3, 1, VlanMatch::Untagged, 576),
    ];
    snapshot.vrfs.set(0, Vrf::new(VrfId(0), "default"));
    for (id, port, vlan, mtu) in vlans {
        snapshot.interfaces.set(id as usize, Arc::new(interface(id, port, vlan, mtu)));
    }
    for port in 0..2u16 {
        let demux = PortDemux::new(vlans.into_iter().filter(|v| v.1 == port).map(|v| (v.2, IfIndex(v.0))));
        let spec = PortSpec {
            id: PortIndex(port),
            name: format!("p{port}").into(),
            rate: 0,
            burst: 0,
            demux,
            trees: None,
        };
        snapshot.ports.set(usize::from(port), Arc::new(spec));
    }
    routes(&mut snapshot);
    snapshot
}

fn interface(id: u32, port: u16, vlan: VlanMatch, mtu: u16) -> Interface {
    let addresses = [format!("10.{id}.0.1/24"), format!("2001:db8:{id}::1/64"), format!("fe80::{id}/64")];
    let net = |a: String| a.parse().ok().map(|net| InterfaceAddress { net });
    Interface {
        id: IfIndex(id),
        name: format!("ge{id}").into(),
        port: PortIndex(port),
        vlan,
        vrf: VrfId(0),
        mac: MAC,
        mtu,
        addresses: addresses.into_iter().filter_map(net).collect(),
        mpls: true,
        mpls_mtu: mtu + 8,
        tc_map: Arc::default(),
        marks: Arc::default(),
        enabled: true,
        class_map: Arc::new(ClassMap::default()),
        qos: Arc::default(),
        neighbours: Arc::default(),
        static_neighbours: Arc::new([]),
    }
}

/// A default route over two paths, and every other kind of entry.
fn routes(snapshot: &mut Snapshot) {
    let out = IfIndex(3);
    let mut members = Vec::new();
    for neighbour in ["10.3.0.8", "10.3.0.9", "2001:db8:3::9"] {
        let Ok(address) = neighbour.parse() else { continue };
        snapshot.set_neighbour(out, address, Some(NEIGHBOUR));
        let adjacency = snapshot.adjacency_for(out, address);
        members.push(add(snapshot, Nhlfe::Forward(adjacency)));
    }
    let group = EcmpGroup::new(&members).map(Arc::new);
    let everything = group.map_or(Nhlfe::Blackhole, Nhlfe::Ecmp);
    let next = add(snapshot, everything.clone());
    let adjacency = snapshot.adjacency_for(out, Ipv4Addr::new(10, 3, 0, 9).into());
    labels::add_all(snapshot, next, adjacency);
    for (net, nhlfe) in [
        ("0.0.0.0/0", everything.clone()),
        ("::/0", everything),
        ("10.3.0.0/24", Nhlfe::Glean(out)),
        ("2001:db8:3::/64", Nhlfe::Glean(out)),
        ("10.0.0.1/32", Nhlfe::Local),
        ("10.0.0.255/32", Nhlfe::Local),
        ("2001:db8::1/128", Nhlfe::Local),
        ("192.0.2.0/24", Nhlfe::Blackhole),
        ("192.0.3.0/24", Nhlfe::Unreachable),
        ("192.0.4.0/24", Nhlfe::Prohibited),
    ] {
        let id = add(snapshot, nhlfe);
        let Some(vrf) = snapshot.vrfs.get_mut(0) else { return };
        if let Ok(net) = net.parse() {
            vrf.fib4.insert(net, id);
        } else if let Ok(net) = net.parse() {
            vrf.fib6.insert(net, id);
        }
    }
}

fn add(snapshot: &mut Snapshot, nhlfe: Nhlfe) -> NhlfeId {
    NhlfeId(snapshot.nhlfes.insert(nhlfe) as u32)
}
