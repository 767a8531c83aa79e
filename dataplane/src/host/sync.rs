//! Keeping up with configuration and line state: which interfaces and addresses
//! there are, and what is known on them.

use std::collections::btree_map::Entry;
use std::net::IpAddr;

use super::action::{NeighbourInfo, NeighbourState};
use super::address::is_link_local;
use super::dad::OwnAddress;
use super::hold::received;
use super::link::Link;
use super::resolve::resolved_as;
use super::timer::Timer;
use super::{Action, Host, Turn};
use crate::id::IfIndex;
use crate::packet::DropReason;
use crate::table::{Interface, Snapshot};
use crate::time::Time;

impl Host {
    /// Takes up a new generation: new addresses are probed for and announced,
    /// what is gone is forgotten, and what the snapshot lacks of the neighbours
    /// known is told again. Not needed where only routes changed.
    pub fn snapshot_changed(&mut self, now: Time, snapshot: &Snapshot, out: &mut Vec<Action>) {
        (self.now, self.told) = (now, now);
        let turn = &mut Turn { now, snapshot, out };
        let gone: Vec<_> =
            self.links.keys().copied().filter(|id| snapshot.interface(*id).is_none()).collect();
        for id in gone {
            self.forget_neighbours(id, DropReason::InterfaceGone, |_| true, turn);
            self.forget_addresses(id, |_| true);
            self.links.remove(&id);
        }
        for (_, interface) in snapshot.interfaces.iter() {
            self.sync_interface(interface, turn);
        }
    }

    /// Tells the host that the line of `interface` went up or down. Every line
    /// counts as up until this says otherwise.
    pub fn link_changed(
        &mut self,
        interface: IfIndex,
        up: bool,
        now: Time,
        snapshot: &Snapshot,
        out: &mut Vec<Action>,
    ) {
        self.now = now;
        let turn = &mut Turn { now, snapshot, out };
        let Some(spec) = snapshot.interface(interface) else { return };
        let link = self.links.entry(interface).or_insert_with(|| Link::new(spec));
        if link.up == up {
            return;
        }
        link.up = up;
        self.sync_interface(spec, turn);
    }

    /// Every neighbour, configured ones among them, by interface and address.
    pub fn neighbours(&self) -> impl Iterator<Item = NeighbourInfo> + '_ {
        self.links.iter().flat_map(|(id, link)| {
            let statics = link.statics.iter().map(|(address, mac)| NeighbourInfo {
                interface: *id,
                address: *address,
                mac: Some(*mac),
                state: NeighbourState::Static,
                age: std::time::Duration::ZERO,
                is_static: true,
                held: 0,
            });
            statics.chain(link.neighbours.iter().map(|(address, n)| NeighbourInfo {
                interface: *id,
                address: *address,
                mac: n.mac,
                state: n.state,
                age: self.now - n.heard,
                is_static: false,
                held: n.held.len(),
            }))
        })
    }

    fn sync_interface(&mut self, interface: &Interface, turn: &mut Turn<'_>) {
        let id = interface.id;
        let link = self.links.entry(id).or_insert_with(|| Link::new(interface));
        let place = (interface.vrf, interface.port, interface.vlan);
        let moved = std::mem::replace(&mut link.place, place) != place;
        let renamed = std::mem::replace(&mut link.mac, interface.mac) != interface.mac;
        link.statics = interface.static_neighbours.clone();
        if !interface.enabled || !link.up {
            return self.stop(id, turn);
        }
        let starts = std::mem::take(&mut link.stopped);
        if moved {
            self.forget_neighbours(id, DropReason::NeighbourUnresolved, |_| true, turn);
        }
        self.sync_neighbours(interface, turn);
        self.forget_addresses(id, |address| !interface.owns(address));
        if moved || renamed || starts {
            self.restart_addresses(interface, turn);
        }
        for address in interface.addresses.iter() {
            self.start_address(id, address.net.addr(), turn);
        }
    }

    /// Begins detection for an address that is new.
    fn start_address(&mut self, id: IfIndex, address: IpAddr, turn: &mut Turn<'_>) {
        let Some(link) = self.links.get_mut(&id) else { return };
        if let Entry::Vacant(vacant) = link.addresses.entry(address) {
            vacant.insert(OwnAddress::new());
            self.address_due(id, address, turn);
        }
    }

    fn restart_addresses(&mut self, interface: &Interface, turn: &mut Turn<'_>) {
        for address in interface.addresses.iter().map(|a| a.net.addr()) {
            let own = self.links.get_mut(&interface.id).and_then(|link| link.addresses.get_mut(&address));
            let Some(own) = own else { continue };
            own.restart(&turn.snapshot.limits);
            self.address_due(interface.id, address, turn);
        }
    }

    /// Forgets neighbours that configuration now names or whose subnet is gone,
    /// and tells the snapshot again of the others it lacks.
    fn sync_neighbours(&mut self, interface: &Interface, turn: &mut Turn<'_>) {
        let id = interface.id;
        let named = |address: IpAddr| interface.static_neighbours.iter().any(|(a, _)| *a == address);
        let on_link = |address: IpAddr| is_link_local(address) || interface.connected(address).is_some();
        let wanted = |address: IpAddr| on_link(address) || interface.neighbours.contains_key(&address);
        self.hand_over(interface, named, turn);
        self.forget_neighbours(id, DropReason::NeighbourUnresolved, |address| !wanted(address), turn);
        let Some(link) = self.links.get(&id) else { return };
        let installed = link.neighbours.iter().filter(|(_, n)| n.installed);
        let known = installed.filter_map(|(address, n)| Some((*address, n.mac?)));
        let lacking = known.filter(|(address, mac)| !resolved_as(turn.snapshot, interface, *address, *mac));
        for (address, mac) in lacking.collect::<Vec<_>>() {
            self.tell(id, address, Some(mac), turn);
        }
    }

    /// Lets go of neighbours that configuration has taken over: the snapshot
    /// knows them, so nothing is withdrawn and what was held goes on.
    fn hand_over(&mut self, interface: &Interface, named: impl Fn(IpAddr) -> bool, turn: &mut Turn<'_>) {
        let Some(link) = self.links.get_mut(&interface.id) else { return };
        let taken: Vec<_> = link.neighbours.keys().copied().filter(|a| named(*a)).collect();
        for address in taken {
            let Some(entry) = self.links.get_mut(&interface.id).and_then(|l| l.neighbours.remove(&address))
            else {
                continue;
            };
            self.timers.stop(Timer::Neighbour(interface.id, address), entry.due);
            self.held -= entry.held.iter().map(received).sum::<usize>();
            for frame in entry.held {
                self.towards(frame, interface, address, turn);
            }
        }
    }

    /// The interface carries nothing: its neighbours are forgotten, its own
    /// addresses wait.
    fn stop(&mut self, id: IfIndex, turn: &mut Turn<'_>) {
        self.forget_neighbours(id, DropReason::InterfaceDown, |_| true, turn);
        let Some(link) = self.links.get_mut(&id) else { return };
        link.stopped = true;
        for (address, own) in &mut link.addresses {
            self.timers.set(Timer::Address(id, *address), &mut own.due, Time::NEVER);
        }
    }

    fn forget_neighbours(
        &mut self,
        id: IfIndex,
        reason: DropReason,
        which: impl Fn(IpAddr) -> bool,
        turn: &mut Turn<'_>,
    ) {
        let Some(link) = self.links.get(&id) else { return };
        let gone: Vec<_> = link.neighbours.keys().copied().filter(|a| which(*a)).collect();
        for address in gone {
            self.forget(id, address, reason, turn);
        }
    }

    fn forget_addresses(&mut self, id: IfIndex, which: impl Fn(IpAddr) -> bool) {
        let Some(link) = self.links.get_mut(&id) else { return };
        for (address, own) in link.addresses.iter().filter(|(address, _)| which(**address)) {
            self.timers.stop(Timer::Address(id, *address), own.due);
        }
        link.addresses.retain(|address, _| !which(*address));
    }
}
