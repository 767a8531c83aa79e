//! Small networks made by hand: Snapshots without a configuration.

mod closed;
mod oracle;
mod random;
mod tunnels;

use std::collections::BTreeMap;
use std::sync::Arc;

use dataplane::class::ClassMap;
use dataplane::id::{IfIndex, NhlfeId, PortIndex, VrfId};
use dataplane::table::{
    EcmpGroup, Interface, InterfaceAddress, Labels, Nhlfe, Pop, PopLookup, PortDemux, PortSpec, Push,
    Snapshot, Swap, TunnelModel, VlanMatch, Vrf,
};
use ipnet::IpNet;

use super::*;
use crate::config::{Community, Config, Extranet, Member};

/// Puts one router's tables together.
pub(super) struct Maker {
    name: String,
    snapshot: Snapshot,
    links: BTreeMap<String, String>,
}

impl Maker {
    pub(super) fn new(name: &str) -> Self {
        let mut maker = Self { name: name.into(), snapshot: Snapshot::default(), links: BTreeMap::new() };
        maker.vrf("default");
        maker
    }

    pub(super) fn vrf(&mut self, name: &str) -> VrfId {
        let id = VrfId(self.snapshot.vrfs.len() as u16);
        self.snapshot.vrfs.set(id.index(), Vrf::new(id, name));
        id
    }

    /// An interface on a port of its own, with the routes that its addresses make.
    pub(super) fn interface(&mut self, name: &str, vrf: VrfId, addresses: &[&str], mpls: bool) -> IfIndex {
        let id = IfIndex(self.snapshot.interfaces.len() as u32);
        let port = PortIndex(id.0 as u16);
        let nets: Vec<IpNet> = addresses.iter().map(|a| a.parse().unwrap()).collect();
        let interface = Interface {
            id,
            name: name.into(),
            port,
            vlan: VlanMatch::Untagged,
            vrf,
            mac: [2, 0, 0, 0, self.name.len() as u8, id.0 as u8],
            mtu: 1500,
            addresses: nets.iter().map(|net| InterfaceAddress { net: *net }).collect(),
            mpls,
            mpls_mtu: 1500,
            tc_map: Arc::default(),
            marks: Arc::default(),
            enabled: true,
            class_map: Arc::new(ClassMap::default()),
            qos: Arc::default(),
            neighbours: Arc::default(),
            static_neighbours: [].into(),
        };
        let demux = PortDemux::new([(VlanMatch::Untagged, id)]);
        self.snapshot.interfaces.set(id.index(), Arc::new(interface));
        self.snapshot.ports.set(
            port.index(),
            Arc::new(PortSpec { id: port, name: name.into(), rate: 0, burst: 0, demux, trees: None }),
        );
        for net in nets {
            let (glean, local) = (self.entry(Nhlfe::Glean(id)), self.entry(Nhlfe::Local));
            self.route(vrf, &net.trunc().to_string(), glean);
            self.route(vrf, &net.addr().to_string(), local);
            if matches!(net, IpNet::V4(net) if net.prefix_len() < 31) {
                self.route(vrf, &net.broadcast().to_string(), local);
            }
        }
        id
    }

    /// Gives an interface an address without the routes to it.
    pub(super) fn has(&mut self, interface: IfIndex, address: &str) {
        let mut changed = (**self.snapshot.interfaces.get(interface.index()).unwrap()).clone();
        changed.addresses = [InterfaceAddress { net: address.parse().unwrap() }].into_iter().collect();
        self.snapshot.interfaces.set(interface.index(), Arc::new(changed));
    }

    pub(super) fn link(&mut self, interface: &str, link: &str) {
        self.links.insert(interface.into(), link.into());
    }

    pub(super) fn entry(&mut self, nhlfe: Nhlfe) -> NhlfeId {
        NhlfeId(self.snapshot.nhlfes.insert(nhlfe) as u32)
    }

    pub(super) fn to(&mut self, interface: IfIndex, neighbour: &str) -> NhlfeId {
        let adjacency = self.snapshot.adjacency_for(interface, neighbour.parse().unwrap());
        self.entry(Nhlfe::Forward(adjacency))
    }

    pub(super) fn push(&mut self, labels: &[u32], next: NhlfeId) -> NhlfeId {
        let labels = Labels::new(labels).unwrap();
        self.entry(Nhlfe::Push(Push { labels, next, model: TunnelModel::default(), entropy: false }))
    }

    pub(super) fn swap(&mut self, label: u32, next: NhlfeId) -> NhlfeId {
        self.entry(Nhlfe::Swap(Swap { label, next }))
    }

    pub(super) fn pop(&mut self, next: NhlfeId, egress: bool) -> NhlfeId {
        self.entry(Nhlfe::Pop(Pop {
            next,
            model: TunnelModel::default(),
            egress: egress.then_some(VrfId(0)),
        }))
    }

    pub(super) fn lookup(&mut self, vrf: VrfId, bottom: bool) -> NhlfeId {
        self.entry(Nhlfe::PopLookup(PopLookup { vrf, model: TunnelModel::default(), bottom }))
    }

    pub(super) fn ecmp(&mut self, members: &[NhlfeId]) -> NhlfeId {
        self.entry(Nhlfe::Ecmp(Arc::new(EcmpGroup::new(members).unwrap())))
    }

    pub(super) fn route(&mut self, vrf: VrfId, prefix: &str, nhlfe: NhlfeId) {
        let prefix =
            prefix.parse().unwrap_or_else(|_| IpNet::from(prefix.parse::<std::net::IpAddr>().unwrap()));
        let tables = self.snapshot.vrfs.get_mut(vrf.index()).unwrap();
        match prefix {
            IpNet::V4(prefix) => drop(tables.fib4.insert(prefix, nhlfe)),
            IpNet::V6(prefix) => drop(tables.fib6.insert(prefix, nhlfe)),
        }
    }

    pub(super) fn label(&mut self, label: u32, nhlfe: NhlfeId) {
        self.snapshot.ilm.set(label, nhlfe);
    }

    pub(super) fn done(self) -> Router {
        Router { name: self.name, snapshot: Arc::new(self.snapshot), links: self.links }
    }
}

/// Communities of the Vrfs of their own names, and extranets between them.
pub(super) fn intent(names: &[&str], extranets: &[(&str, &str, &str)]) -> Intent {
    let community = |name: &&str| Community {
        name: (*name).into(),
        members: vec![Member { router: None, vrf: (*name).into() }],
        hubs: Vec::new(),
        send_only: Vec::new(),
        receive_only: Vec::new(),
    };
    let extranet = |(from, to, prefix): &(&str, &str, &str)| Extranet {
        from: (*from).into(),
        to: (*to).into(),
        prefixes: vec![prefix.parse().unwrap()],
    };
    let mut config = Config::default();
    config.communities = names.iter().map(community).collect();
    config.extranets = extranets.iter().map(extranet).collect();
    Intent::of([&config])
}
