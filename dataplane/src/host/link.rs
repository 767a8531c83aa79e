//! What the host knows of each interface: its neighbours and its own addresses.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use super::action::NeighbourState;
use super::dad::OwnAddress;
use super::limit::RateLimit;
use crate::id::{PortIndex, VrfId};
use crate::packet::Frame;
use crate::table::{Interface, VlanMatch};
use crate::time::Time;

/// What a message says about its sender or target (RFC 4861 section 7.2.5).
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    /// Its station address; `None` when the message leaves it out.
    pub(super) mac: Option<[u8; 6]>,
    /// Whether it answers a question of the router's: proof of both directions.
    pub(super) solicited: bool,
    /// Whether it replaces a known station address.
    pub(super) replaces: bool,
    /// Whether a neighbour not known yet is worth remembering.
    pub(super) creates: bool,
}

/// One neighbour that the router asked for or heard of.
#[derive(Debug)]
pub(super) struct Neighbour {
    /// Its station address; what it was last known to be while it is asked for.
    pub(super) mac: Option<[u8; 6]>,
    pub(super) state: NeighbourState,
    /// When it last gave a sign of life, or was first asked for.
    pub(super) heard: Time,
    /// When its next step is due.
    pub(super) due: Time,
    /// Probes sent without an answer.
    pub(super) probes: u32,
    /// Whether the snapshot was told of it.
    pub(super) installed: bool,
    /// Frames that wait for it, oldest first.
    pub(super) held: VecDeque<Frame>,
}

impl Neighbour {
    /// One just heard of, or about to be asked for.
    pub(super) fn new(now: Time, state: NeighbourState, mac: Option<[u8; 6]>) -> Self {
        let (due, held) = (Time::NEVER, VecDeque::new());
        Self { mac, state, heard: now, due, probes: 0, installed: false, held }
    }

    /// Whether its station address has to be found out.
    pub(super) fn unknown(&self) -> bool {
        matches!(self.state, NeighbourState::Incomplete | NeighbourState::Failed)
    }

    /// The state a message puts it in (RFC 4861 section 7.2.5); `None` when it changes nothing.
    pub(super) fn after(&self, heard: Heard) -> Option<NeighbourState> {
        let other = heard.mac.is_some() && heard.mac != self.mac;
        let confirmed = if heard.solicited { NeighbourState::Reachable } else { NeighbourState::Stale };
        if self.unknown() {
            return heard.mac.map(|_| confirmed);
        }
        if other && !heard.replaces {
            let doubted = self.state == NeighbourState::Reachable;
            return doubted.then_some(NeighbourState::Stale);
        }
        (heard.solicited || other).then_some(confirmed)
    }

    /// Whether the table may forget it to make room: nothing is forwarded to it
    /// and nothing waits for it.
    fn evictable(&self) -> bool {
        matches!(self.state, NeighbourState::Failed | NeighbourState::Stale)
    }
}

/// One interface as the host sees it. Ordered maps, so that a run repeats exactly.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) up: bool,
    /// Whether it carried nothing for a while: its addresses are to start over.
    pub(super) stopped: bool,
    pub(super) mac: [u8; 6],
    /// Where it is: another place has other neighbours.
    pub(super) place: (VrfId, PortIndex, VlanMatch),
    pub(super) statics: Arc<[(IpAddr, [u8; 6])]>,
    /// Bounds ARP and neighbour discovery messages accepted.
    pub(super) messages: RateLimit,
    /// Bounds resolutions started.
    pub(super) resolutions: RateLimit,
    pub(super) neighbours: BTreeMap<IpAddr, Neighbour>,
    pub(super) addresses: BTreeMap<IpAddr, OwnAddress>,
}

impl Link {
    /// An interface just met, its line up.
    pub(super) fn new(interface: &Interface) -> Self {
        Self {
            up: true,
            stopped: false,
            mac: interface.mac,
            place: (interface.vrf, interface.port, interface.vlan),
            statics: interface.static_neighbours.clone(),
            messages: RateLimit::default(),
            resolutions: RateLimit::default(),
            neighbours: BTreeMap::new(),
            addresses: BTreeMap::new(),
        }
    }

    /// The configured station address of `address`.
    pub(super) fn static_mac(&self, address: IpAddr) -> Option<[u8; 6]> {
        self.statics.iter().find(|(a, _)| *a == address).map(|(_, mac)| *mac)
    }

    /// Whether anything is known of the neighbour `address`.
    pub(super) fn knows(&self, address: IpAddr) -> bool {
        self.neighbours.contains_key(&address) || self.static_mac(address).is_some()
    }

    /// Whether the router's own `address` may be used: no duplicate of it is
    /// known, and detection is over (RFC 5227 section 2.1.1, RFC 4862 section 5.4).
    pub(super) fn may_use(&self, address: IpAddr) -> bool {
        self.addresses.get(&address).is_none_or(OwnAddress::usable)
    }

    /// The neighbour to forget when the table is full: a failed one, else the
    /// one unheard of for longest of those not in use.
    pub(super) fn evictable(&self) -> Option<IpAddr> {
        let candidates = self.neighbours.iter().filter(|(_, n)| n.evictable());
        let oldest = candidates.min_by_key(|(_, n)| (n.state != NeighbourState::Failed, n.heard));
        oldest.map(|(address, _)| *address)
    }
}
