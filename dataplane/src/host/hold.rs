//! Frames that wait for their neighbour, and what becomes of them.

use std::net::IpAddr;

use super::emit::{IPV4, IPV6};
use super::icmp::Problem;
use super::resolve::resolved_as;
use super::{Action, Host, Turn};
use crate::id::IfIndex;
use crate::packet::{DropReason, Flags, Frame, Verdict};
use crate::table::Interface;

/// Nanoseconds after which every worker has the generation that knows a neighbour.
const SETTLED: u64 = 1_000_000_000;

/// 1 for a frame that the host was given, 0 for one that it made and holds
/// before anybody saw it.
pub(super) fn received(frame: &Frame) -> usize {
    usize::from(frame.meta().verdict != Verdict::Forward)
}

impl Host {
    /// Keeps a frame until its neighbour is known. A full queue loses its
    /// oldest frame (RFC 4861 section 7.2.2); when all queues together are full
    /// and this one is empty, the new frame is lost.
    pub(super) fn hold(&mut self, frame: Frame, interface: &Interface, address: IpAddr, turn: &mut Turn<'_>) {
        let limits = &turn.snapshot.limits;
        let entry = self.links.get_mut(&interface.id).and_then(|link| link.neighbours.get_mut(&address));
        let Some(entry) = entry else { return self.end(frame, DropReason::NeighbourUnresolved, turn) };
        let full = entry.held.len() >= limits.held_packets_per_neighbour as usize
            || self.held >= limits.held_packets as usize;
        self.held += received(&frame);
        entry.held.push_back(frame);
        if let Some(lost) = full.then(|| entry.held.pop_front()).flatten() {
            self.held -= received(&lost);
            self.end(lost, DropReason::HoldQueueFull, turn);
        }
    }

    /// Gives on a frame whose neighbour is known. The router's own datagrams to
    /// link-local addresses go straight out: no lookup leads there.
    pub(super) fn pass(
        &mut self,
        mut frame: Frame,
        interface: &Interface,
        address: IpAddr,
        mac: [u8; 6],
        turn: &mut Turn<'_>,
    ) {
        if received(&frame) == 0 {
            let ether_type = if address.is_ipv4() { IPV4 } else { IPV6 };
            return self.transmit_frame(frame, interface, mac, ether_type, turn);
        }
        let again = frame.meta().flags.has(Flags::RELEASED);
        let known = resolved_as(turn.snapshot, interface, address, mac);
        // A worker may look it up once more by the generation before; not for ever.
        if again && known && turn.now.since(self.told) > SETTLED {
            return self.end(frame, DropReason::NeighbourUnresolved, turn);
        }
        frame.meta_mut().flags.set(Flags::RELEASED);
        turn.out.push(Action::Release(frame));
    }

    /// Lets go what waited for a neighbour, in order.
    pub(super) fn release(&mut self, id: IfIndex, address: IpAddr, turn: &mut Turn<'_>) {
        let Some(interface) = turn.snapshot.interface(id) else { return };
        let entry = self.links.get_mut(&id).and_then(|link| link.neighbours.get_mut(&address));
        let Some((held, mac)) = entry.and_then(|e| Some((std::mem::take(&mut e.held), e.mac?))) else {
            return;
        };
        self.held -= held.iter().map(received).sum::<usize>();
        for frame in held {
            self.pass(frame, interface, address, mac, turn);
        }
    }

    /// A frame whose neighbour cannot be reached (RFC 1812 section 5.2.7.1, RFC 4443 section 3.1).
    pub(super) fn give_up(&mut self, frame: Frame, turn: &mut Turn<'_>) {
        self.complain(&frame, Problem::Host, turn);
        self.end(frame, DropReason::NeighbourUnresolved, turn);
    }

    /// Ends a frame whose neighbour is not to be had. One that never left the
    /// host just goes back to its pool.
    pub(super) fn end(&mut self, frame: Frame, reason: DropReason, turn: &mut Turn<'_>) {
        if received(&frame) == 1 {
            return turn.drop(frame, reason);
        }
        self.counters.unsent += 1;
        self.pool.put(frame);
    }
}
