//! A logical interface on a port.

use std::net::IpAddr;
use std::sync::Arc;

use ahash::AHashMap;
use ipnet::IpNet;

use crate::class::{CLASSES, ClassMap, PcpMap, TcMap};
use crate::id::{AdjacencyId, IfIndex, PortIndex, VrfId};
use crate::qos::InterfaceQos;

/// The EtherType that starts a VLAN tag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tpid {
    /// 0x8100, IEEE 802.1Q.
    #[default]
    Dot1q,
    /// 0x88a8, IEEE 802.1ad.
    Dot1ad,
}

impl Tpid {
    /// The EtherType.
    pub const fn ether_type(self) -> u16 {
        match self {
            Self::Dot1q => 0x8100,
            Self::Dot1ad => 0x88a8,
        }
    }
}

/// Which of a port's frames are this interface's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum VlanMatch {
    /// Those with no tag, or tagged VID 0 (priority only).
    #[default]
    Untagged,
    /// Those with exactly this tag; the VID is 1 to 4094.
    Single(Tpid, u16),
    /// Those with exactly these two tags, outer first (the inner is 0x8100).
    Double(Tpid, u16, u16),
}

/// One address of an interface, with the connected subnet it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InterfaceAddress {
    /// The router's address with the subnet's prefix length.
    pub net: IpNet,
}

/// Which marks of what comes in count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// None: IP packets leave with the mark of the class that they are given.
    Nothing,
    /// The DSCP.
    #[default]
    Dscp,
    /// The priority of the VLAN tag; the DSCP where there is no tag.
    Pcp,
}

/// Marks on an interface, beside the maps of those that come in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Which marks count of what comes in.
    pub trust: Trust,
    /// 802.1p priority to class, for what comes in tagged.
    pub pcp: PcpMap,
    /// By class and colour: the DSCP, 0 to 63, of IP packets that leave; `None` leaves it.
    pub dscp_out: [Option<[u8; 3]>; CLASSES],
    /// By class: the priority, 0 to 7, in the tags of frames that leave.
    pub pcp_out: [u8; CLASSES],
    /// Whether what came labelled and leaves so is given the traffic class of its class; if
    /// not, a swap keeps it.
    pub remark_tc: bool,
}

/// A logical interface. Belongs to one Vrf.
#[derive(Clone, Debug)]
pub struct Interface {
    /// Its id.
    pub id: IfIndex,
    /// Its name in configuration and commands.
    pub name: Arc<str>,
    /// The port it is on.
    pub port: PortIndex,
    /// Which of the port's frames are its own.
    pub vlan: VlanMatch,
    /// The Vrf it belongs to.
    pub vrf: VrfId,
    /// Its station address.
    pub mac: [u8; 6],
    /// Longest IP datagram it sends, bytes: 68 to 9,000 (IPv6 needs 1,280).
    pub mtu: u16,
    /// Its addresses, configuration order; IPv6 link-local ones among them.
    pub addresses: Arc<[InterfaceAddress]>,
    /// Whether labelled frames are accepted, and may leave.
    pub mpls: bool,
    /// Longest labelled packet it sends, label stack included, bytes: `mtu` unless
    /// configuration says otherwise.
    pub mpls_mtu: u16,
    /// Traffic class to class for what comes in labelled, class to traffic class for
    /// labels put on what leaves.
    pub tc_map: Arc<TcMap>,
    /// Whether configuration has it up; a frame in or out while down is dropped.
    pub enabled: bool,
    /// DSCP to class, for frames that come in by it.
    pub class_map: Arc<ClassMap>,
    /// Which marks count, and which it writes.
    pub marks: Arc<Marks>,
    /// How frames that leave by it are shaped and queued.
    pub qos: Arc<InterfaceQos>,
    /// Neighbours of its connected subnets that are known: address to adjacency.
    pub neighbours: Arc<AHashMap<IpAddr, AdjacencyId>>,
    /// Neighbours that configuration names with their station address: never
    /// asked for, never aged. They are in `neighbours` too, resolved.
    pub static_neighbours: Arc<[(IpAddr, [u8; 6])]>,
}

impl Interface {
    /// Whether `address` is one of its own.
    pub fn owns(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|a| a.net.addr() == address)
    }

    /// The subnet, and the router's address in it, that `address` is on.
    pub fn connected(&self, address: IpAddr) -> Option<InterfaceAddress> {
        self.addresses.iter().copied().find(|a| a.net.contains(&address))
    }

    /// The layer-2 header to `destination` without its EtherType: 12, 16 or 20 bytes.
    pub fn layer2_header(&self, destination: [u8; 6]) -> Vec<u8> {
        let mut header = Vec::with_capacity(20);
        header.extend(destination);
        header.extend(self.mac);
        let mut tag = |tpid: u16, vid: u16| {
            header.extend(tpid.to_be_bytes());
            header.extend((vid & 0x0fff).to_be_bytes());
        };
        match self.vlan {
            VlanMatch::Untagged => {}
            VlanMatch::Single(tpid, vid) => tag(tpid.ether_type(), vid),
            VlanMatch::Double(tpid, outer, inner) => {
                tag(tpid.ether_type(), outer);
                tag(Tpid::Dot1q.ether_type(), inner);
            }
        }
        header
    }
}
