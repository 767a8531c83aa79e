//! The neighbour cache, one for ARP and neighbour discovery: the state machine
//! of RFC 4861 section 7.3, held packets, and the bounds of RFC 6583.
//!
//! Forwarding does not report which neighbours it uses. So a neighbour only
//! heard of stays Stale and out of the snapshot until the first packet asks for
//! it; from then on it counts as in use, and Reachable passes into Probe by time.
//! A neighbour that fails its probes is taken out of the snapshot.

use std::net::IpAddr;
use std::time::Duration;

use super::action::{NeighbourState, Warning};
use super::address::{is_host, is_unicast};
use super::hold::received;
use super::link::{Heard, Link, Neighbour};
use super::timer::Timer;
use super::{Action, Host, Turn};
use crate::id::IfIndex;
use crate::packet::{DropReason, Frame};
use crate::table::{Interface, Nhlfe, Snapshot};

/// Between two probes: RETRANS_TIMER (RFC 4861 section 10).
pub(super) const RETRANSMIT: Duration = Duration::from_secs(1);
/// DELAY_FIRST_PROBE_TIME (RFC 4861 section 10).
const DELAY: Duration = Duration::from_secs(5);
/// How long a neighbour that nothing is sent to is remembered.
const STALE: Duration = Duration::from_secs(600);
/// How often to see whether the router has an address to ask from by now.
const WAIT: Duration = Duration::from_millis(100);

impl Host {
    /// A frame whose next hop forwarding has no station address for.
    pub(super) fn miss(&mut self, frame: Frame, turn: &mut Turn<'_>) {
        let Some((id, address)) = next_hop(&frame, turn.snapshot) else {
            return self.end(frame, DropReason::NeighbourUnresolved, turn);
        };
        match turn.snapshot.interface(id) {
            Some(interface) => self.towards(frame, interface, address, turn),
            None => turn.drop(frame, DropReason::InterfaceGone),
        }
    }

    /// Sends `frame` on to the neighbour `address` of `interface`: now, once it
    /// is known, or never.
    pub(super) fn towards(
        &mut self,
        frame: Frame,
        interface: &Interface,
        address: IpAddr,
        turn: &mut Turn<'_>,
    ) {
        let link = self.links.entry(interface.id).or_insert_with(|| Link::new(interface));
        if !interface.enabled || !link.up {
            return self.end(frame, DropReason::InterfaceDown, turn);
        }
        if let Some(mac) = link.static_mac(address) {
            if !resolved_as(turn.snapshot, interface, address, mac) {
                self.tell(interface.id, address, Some(mac), turn);
            }
            return self.pass(frame, interface, address, mac, turn);
        }
        let known = link.neighbours.get(&address).map(|n| (n.state, n.mac));
        match known {
            None => self.ask_for(frame, interface, address, turn),
            Some((NeighbourState::Incomplete, _)) => self.hold(frame, interface, address, turn),
            Some((NeighbourState::Failed, _) | (_, None)) => self.give_up(frame, turn),
            Some((state, Some(mac))) => {
                if state == NeighbourState::Stale {
                    self.enter(interface.id, address, NeighbourState::Delay, turn);
                }
                self.install(interface.id, address, turn);
                self.pass(frame, interface, address, mac, turn);
            }
        }
    }

    /// Starts to resolve a neighbour nothing is known of, and holds the frame.
    fn ask_for(&mut self, frame: Frame, interface: &Interface, address: IpAddr, turn: &mut Turn<'_>) {
        let limits = turn.snapshot.limits.clone();
        let on_link = |net| is_host(net, address) || !ipnet::IpNet::contains(&net, &address);
        let askable = is_unicast(address) && !interface.owns(address);
        if !askable || !interface.addresses.iter().all(|a| on_link(a.net)) {
            return self.end(frame, DropReason::NeighbourUnresolved, turn);
        }
        let link = self.links.entry(interface.id).or_insert_with(|| Link::new(interface));
        if !link.resolutions.take(turn.now, limits.resolutions_per_second) {
            return self.end(frame, DropReason::NeighbourRateLimited, turn);
        }
        if !self.admit(interface.id, address, NeighbourState::Incomplete, None, turn) {
            return self.end(frame, DropReason::NeighbourTableFull, turn);
        }
        self.hold(frame, interface, address, turn);
        self.enter(interface.id, address, NeighbourState::Incomplete, turn);
        self.neighbour_due(interface.id, address, turn);
    }

    /// Makes an entry, if the table has room or can make some.
    fn admit(
        &mut self,
        id: IfIndex,
        address: IpAddr,
        state: NeighbourState,
        mac: Option<[u8; 6]>,
        turn: &mut Turn<'_>,
    ) -> bool {
        let Some(link) = self.links.get_mut(&id) else { return false };
        let room = turn.snapshot.limits.neighbours_per_interface as usize;
        if link.neighbours.len() >= room {
            let Some(oldest) = link.evictable().filter(|_| room > 0) else {
                self.warn(Warning::NeighbourTableFull { interface: id }, turn);
                return false;
            };
            self.forget(id, oldest, DropReason::NeighbourUnresolved, turn);
        }
        let entry = Neighbour::new(turn.now, state, mac);
        self.links.get_mut(&id).map(|link| link.neighbours.insert(address, entry)).is_some()
    }

    /// Takes in what a message says of `address` (RFC 4861 sections 7.2.3 and 7.2.5).
    pub(super) fn hear(&mut self, id: IfIndex, address: IpAddr, heard: Heard, turn: &mut Turn<'_>) {
        let Some(link) = self.links.get_mut(&id) else { return };
        if link.static_mac(address).is_some() {
            return;
        }
        let Some(entry) = link.neighbours.get_mut(&address) else {
            let mac = heard.mac.filter(|_| heard.creates);
            if mac.is_some() && self.admit(id, address, NeighbourState::Stale, mac, turn) {
                self.enter(id, address, NeighbourState::Stale, turn);
            }
            return;
        };
        let Some(state) = entry.after(heard) else { return };
        let used = entry.installed || !entry.held.is_empty();
        entry.heard = turn.now;
        if entry.unknown() || heard.replaces {
            entry.installed &= heard.mac.is_none() || heard.mac == entry.mac;
            entry.mac = heard.mac.or(entry.mac);
        }
        self.settle(id, address, state, used, turn);
    }

    /// Enters `state` after a message; a neighbour in use is not left Stale but
    /// probed soon, and what waited for it is let go.
    fn settle(
        &mut self,
        id: IfIndex,
        address: IpAddr,
        state: NeighbourState,
        used: bool,
        turn: &mut Turn<'_>,
    ) {
        let state = match state {
            NeighbourState::Stale if used => NeighbourState::Delay,
            other => other,
        };
        self.enter(id, address, state, turn);
        if used || state == NeighbourState::Reachable {
            self.install(id, address, turn);
        }
        self.release(id, address, turn);
    }

    /// Tells the snapshot of a neighbour, unless it knows.
    fn install(&mut self, id: IfIndex, address: IpAddr, turn: &mut Turn<'_>) {
        let Some(interface) = turn.snapshot.interface(id) else { return };
        let entry = self.links.get_mut(&id).and_then(|link| link.neighbours.get_mut(&address));
        let Some((entry, mac)) = entry.and_then(|e| e.mac.map(|mac| (e, mac))) else { return };
        if !entry.installed || !resolved_as(turn.snapshot, interface, address, mac) {
            entry.installed = true;
            self.tell(id, address, Some(mac), turn);
        }
    }

    /// Enters a state and sets the time of the next step.
    fn enter(&mut self, id: IfIndex, address: IpAddr, state: NeighbourState, turn: &Turn<'_>) {
        let spread = self.spread();
        let entry = self.links.get_mut(&id).and_then(|link| link.neighbours.get_mut(&address));
        let Some(entry) = entry else { return };
        (entry.state, entry.probes) = (state, 0);
        let limits = &turn.snapshot.limits;
        let after = match state {
            NeighbourState::Reachable => {
                let whole = Duration::from_secs(u64::from(limits.neighbour_reachable_seconds.max(1)));
                whole - whole / 1024 * spread
            }
            NeighbourState::Stale => STALE,
            NeighbourState::Delay => DELAY,
            NeighbourState::Failed => Duration::from_secs(u64::from(limits.negative_seconds)),
            _ => RETRANSMIT,
        };
        self.timers.set(Timer::Neighbour(id, address), &mut entry.due, turn.now + after);
    }

    /// 0 to 255, so that neighbours learned together are not probed together:
    /// up to a quarter off the reachable time (RFC 4861 section 6.3.2 asks for a spread).
    fn spread(&mut self) -> u32 {
        self.seed = self.seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.seed >> 56) as u32
    }

    /// A neighbour's time has come.
    pub(super) fn neighbour_due(&mut self, id: IfIndex, address: IpAddr, turn: &mut Turn<'_>) {
        let entry = self.links.get_mut(&id).and_then(|link| link.neighbours.get_mut(&address));
        let Some(entry) = entry else { return };
        match entry.state {
            NeighbourState::Incomplete => self.ask(id, address, None, turn),
            NeighbourState::Probe => {
                let mac = entry.mac;
                self.ask(id, address, mac, turn);
            }
            NeighbourState::Reachable | NeighbourState::Delay => {
                let mac = entry.mac;
                self.enter(id, address, NeighbourState::Probe, turn);
                self.ask(id, address, mac, turn);
            }
            NeighbourState::Stale | NeighbourState::Failed | NeighbourState::Static => {
                self.forget(id, address, DropReason::NeighbourUnresolved, turn);
            }
        }
    }

    /// Sends one question, to `mac` or to the whole link; after the last, gives up.
    fn ask(&mut self, id: IfIndex, address: IpAddr, mac: Option<[u8; 6]>, turn: &mut Turn<'_>) {
        let Some(interface) = turn.snapshot.interface(id) else { return };
        let Some(link) = self.links.get(&id) else { return };
        let waits = link.addresses.iter().any(|(own, a)| own.is_ipv4() == address.is_ipv4() && a.tentative());
        let source = self.link_source(interface, address, turn.snapshot);
        let entry = self.links.get_mut(&id).and_then(|link| link.neighbours.get_mut(&address));
        let Some(entry) = entry else { return };
        if entry.probes >= turn.snapshot.limits.neighbour_probes.max(1) {
            return self.unanswered(id, address, turn);
        }
        let timer = Timer::Neighbour(id, address);
        if source.is_none() && waits {
            return self.timers.set(timer, &mut entry.due, turn.now + WAIT);
        }
        entry.probes += 1;
        self.timers.set(timer, &mut entry.due, turn.now + RETRANSMIT);
        match (source, address) {
            (Some(IpAddr::V4(source)), IpAddr::V4(address)) => {
                self.send_arp_request(interface, source, address, mac, turn);
            }
            (Some(IpAddr::V6(source)), IpAddr::V6(address)) => {
                self.send_solicitation(interface, source, address, mac, turn);
            }
            _ => {}
        }
    }

    /// The last question went unanswered: a neighbour in use is taken out of the
    /// snapshot; one never known is remembered as failed.
    fn unanswered(&mut self, id: IfIndex, address: IpAddr, turn: &mut Turn<'_>) {
        let entry = self.links.get_mut(&id).and_then(|link| link.neighbours.get_mut(&address));
        let Some(entry) = entry else { return };
        if entry.state == NeighbourState::Probe {
            return self.forget(id, address, DropReason::NeighbourUnresolved, turn);
        }
        let held = std::mem::take(&mut entry.held);
        self.held -= held.iter().map(received).sum::<usize>();
        self.enter(id, address, NeighbourState::Failed, turn);
        for frame in held {
            self.give_up(frame, turn);
        }
    }

    /// Forgets a neighbour; what waits for it is dropped for `reason`.
    pub(super) fn forget(&mut self, id: IfIndex, address: IpAddr, reason: DropReason, turn: &mut Turn<'_>) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let Some(entry) = link.neighbours.remove(&address) else { return };
        self.timers.stop(Timer::Neighbour(id, address), entry.due);
        self.held -= entry.held.iter().map(received).sum::<usize>();
        if entry.installed {
            self.tell(id, address, None, turn);
        }
        for frame in entry.held {
            self.end(frame, reason, turn);
        }
    }

    /// Tells the snapshot where a neighbour is.
    pub(super) fn tell(
        &mut self,
        interface: IfIndex,
        address: IpAddr,
        mac: Option<[u8; 6]>,
        turn: &mut Turn<'_>,
    ) {
        self.told = turn.now;
        turn.out.push(Action::Neighbour { interface, address, mac });
    }

    /// Tells the operator, of each kind at most once a second after a first ten.
    pub(super) fn warn(&mut self, warning: Warning, turn: &mut Turn<'_>) {
        let kind = match warning {
            Warning::DuplicateAddress { .. } => &mut self.warnings[0],
            Warning::NeighbourTableFull { .. } => &mut self.warnings[1],
        };
        if kind.take(turn.now, 1) {
            turn.out.push(Action::Warn(warning));
        }
    }
}

/// Interface and address of the neighbour a missed frame was to go to. What the
/// router sends to a link-local address names its interface itself.
fn next_hop(frame: &Frame, snapshot: &Snapshot) -> Option<(IfIndex, IpAddr)> {
    let meta = frame.meta();
    let adjacency = match snapshot.nhlfe(meta.nhlfe) {
        Some(Nhlfe::Glean(interface)) => return Some((*interface, destination(frame.l3())?)),
        Some(Nhlfe::Forward(adjacency)) => *adjacency,
        _ => meta.adjacency,
    };
    match snapshot.adjacency(adjacency) {
        Some(adjacency) => Some((adjacency.interface, adjacency.neighbour)),
        None if meta.out_interface.is_some() => Some((meta.out_interface, destination(frame.l3())?)),
        None => None,
    }
}

/// The destination in an IP header.
fn destination(l3: &[u8]) -> Option<IpAddr> {
    match l3.first()? >> 4 {
        4 => Some(IpAddr::from(<[u8; 4]>::try_from(l3.get(16..20)?).ok()?)),
        6 => Some(IpAddr::from(<[u8; 16]>::try_from(l3.get(24..40)?).ok()?)),
        _ => None,
    }
}

/// Whether forwarding already sends to `address` by that station, from the interface's own.
pub(super) fn resolved_as(snapshot: &Snapshot, interface: &Interface, address: IpAddr, mac: [u8; 6]) -> bool {
    let adjacency = interface.neighbours.get(&address).and_then(|id| snapshot.adjacency(*id));
    let header = adjacency.and_then(|adjacency| adjacency.header()).unwrap_or_default();
    header.get(..6) == Some(&mac[..]) && header.get(6..12) == Some(&interface.mac[..])
}
