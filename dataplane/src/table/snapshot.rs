//! All forwarding state of one generation.

use std::net::IpAddr;
use std::sync::Arc;

use ahash::AHashMap;

use super::adjacency::Adjacency;
use super::ilm::Ilm;
use super::interface::{Interface, Tpid, VlanMatch};
use super::limits::Limits;
use super::nhlfe::Nhlfe;
use super::rules::Rules;
use super::slab::Slab;
use super::trees::Trees;
use super::vrf::Vrf;
use crate::id::{AdjacencyId, IfIndex, NhlfeId, PortIndex, VrfId};

/// A port as forwarding sees it.
#[derive(Clone, Debug)]
pub struct PortSpec {
    /// Its id.
    pub id: PortIndex,
    /// Its name in configuration and commands.
    pub name: Arc<str>,
    /// Rate of the line in bit/s, where the scheduler is to hold it; 0 is none.
    pub rate: u64,
    /// For how long that rate makes up for turns that came late, nanoseconds.
    pub burst: u64,
    /// Which interface a frame's tags belong to.
    pub demux: PortDemux,
    /// Its scheduler trees, where it has more than one.
    pub trees: Option<Arc<Trees>>,
}

impl PortSpec {
    /// Its scheduler trees; at least 1.
    pub fn tree_count(&self) -> usize {
        self.trees.as_ref().map_or(1, |trees| trees.count())
    }

    /// Which of them one of its interfaces is in.
    pub fn tree_of(&self, interface: IfIndex) -> usize {
        self.trees.as_ref().map_or(0, |trees| trees.of(interface))
    }
}

/// Tags → Interface, of one port.
#[derive(Clone, Debug, Default)]
pub struct PortDemux {
    untagged: IfIndex,
    tagged: Arc<AHashMap<VlanMatch, IfIndex>>,
}

impl PortDemux {
    /// Built from a port's interfaces; a later one of the same tags wins.
    pub fn new(interfaces: impl IntoIterator<Item = (VlanMatch, IfIndex)>) -> Self {
        let mut demux = Self::default();
        let mut tagged = AHashMap::new();
        for (vlan, id) in interfaces {
            match vlan {
                VlanMatch::Untagged => demux.untagged = id,
                tags => drop(tagged.insert(tags, id)),
            }
        }
        demux.tagged = Arc::new(tagged);
        demux
    }

    /// The interface of frames without a tag; `NONE` where there is none.
    #[inline]
    pub fn untagged(&self) -> IfIndex {
        self.untagged
    }

    /// The interface of frames with exactly this tag.
    #[inline]
    pub fn single(&self, tpid: Tpid, vid: u16) -> IfIndex {
        self.tagged.get(&VlanMatch::Single(tpid, vid)).copied().unwrap_or_default()
    }

    /// The interface of frames with exactly these two tags.
    #[inline]
    pub fn double(&self, tpid: Tpid, outer: u16, inner: u16) -> IfIndex {
        self.tagged.get(&VlanMatch::Double(tpid, outer, inner)).copied().unwrap_or_default()
    }
}

/// All forwarding state of one generation, immutable to workers. Cloning costs
/// a handful of reference counts; a change to a clone copies what it touches.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Counts up by one with every publication.
    pub generation: u64,
    /// By [`PortIndex`].
    pub ports: Slab<Arc<PortSpec>>,
    /// By [`IfIndex`].
    pub interfaces: Slab<Arc<Interface>>,
    /// By [`VrfId`].
    pub vrfs: Slab<Vrf>,
    /// By incoming label; one label space for the whole router (RFC 3031 section 3.14).
    pub ilm: Ilm,
    /// By [`NhlfeId`].
    pub nhlfes: Slab<Nhlfe>,
    /// By [`AdjacencyId`].
    pub adjacencies: Slab<Adjacency>,
    /// Match rules of what comes in and what goes out.
    pub rules: Arc<Rules>,
    /// Bounds on the slow path.
    pub limits: Arc<Limits>,
}

impl Snapshot {
    /// The port, if there is one.
    #[inline]
    pub fn port(&self, id: PortIndex) -> Option<&PortSpec> {
        self.ports.get(id.index()).map(|p| &**p)
    }

    /// Which of its port's scheduler trees an interface is in.
    pub fn tree_of(&self, interface: &Interface) -> usize {
        self.port(interface.port).map_or(0, |port| port.tree_of(interface.id))
    }

    /// The interface, if there is one.
    #[inline]
    pub fn interface(&self, id: IfIndex) -> Option<&Interface> {
        self.interfaces.get(id.index()).map(|i| &**i)
    }

    /// The Vrf, if there is one.
    #[inline]
    pub fn vrf(&self, id: VrfId) -> Option<&Vrf> {
        self.vrfs.get(id.index())
    }

    /// The entry, if there is one.
    #[inline]
    pub fn nhlfe(&self, id: NhlfeId) -> Option<&Nhlfe> {
        self.nhlfes.get(id.index())
    }

    /// The adjacency, if there is one.
    #[inline]
    pub fn adjacency(&self, id: AdjacencyId) -> Option<&Adjacency> {
        self.adjacencies.get(id.index())
    }

    /// The interface called `name`.
    pub fn interface_named(&self, name: &str) -> Option<&Interface> {
        self.interfaces.iter().map(|(_, i)| &**i).find(|i| &*i.name == name)
    }

    /// The Vrf called `name`.
    pub fn vrf_named(&self, name: &str) -> Option<&Vrf> {
        self.vrfs.iter().map(|(_, v)| v).find(|v| &*v.name == name)
    }

    /// The adjacency to `neighbour` on `interface`, made unresolved if there is none yet.
    pub fn adjacency_for(&mut self, interface: IfIndex, neighbour: IpAddr) -> AdjacencyId {
        let known = self.interface(interface).and_then(|i| i.neighbours.get(&neighbour).copied());
        if let Some(id) = known {
            return id;
        }
        let id = self.adjacencies.insert(Adjacency::unresolved(interface, neighbour));
        let id = AdjacencyId(u32::try_from(id).unwrap_or(u32::MAX));
        if let Some(i) = self.interfaces.get_mut(interface.index()) {
            Arc::make_mut(&mut Arc::make_mut(i).neighbours).insert(neighbour, id);
        }
        id
    }

    /// Says that `neighbour` on `interface` is at `mac`, or (`None`) is not known any more.
    /// Its adjacency keeps its id. `false` when there is no such interface.
    pub fn set_neighbour(&mut self, interface: IfIndex, neighbour: IpAddr, mac: Option<[u8; 6]>) -> bool {
        let Some(spec) = self.interface(interface) else { return false };
        let adjacency = match mac {
            Some(mac) => Adjacency::resolved(interface, neighbour, &spec.layer2_header(mac)),
            None => Adjacency::unresolved(interface, neighbour),
        };
        let id = self.adjacency_for(interface, neighbour);
        self.adjacencies.set(id.index(), adjacency);
        true
    }
}
