//! The router's own addresses: duplicate detection before the first use,
//! announcement, and defence afterwards (RFC 5227 section 2, RFC 4862 section 5.4).
//!
//! A probe goes out at once rather than after a random wait: a router's
//! interfaces do not all start together as a building's hosts do. An address
//! once in use is kept, defended and reported when somebody else claims it
//! (RFC 5227 section 2.4(b) with rate-limited defence); one found taken before
//! its first use is not used, and probed for again every minute.

use std::net::IpAddr;
use std::time::Duration;

use super::action::Warning;
use super::address::unspecified;
use super::resolve::RETRANSMIT;
use super::timer::Timer;
use super::{Host, Turn};
use crate::id::IfIndex;
use crate::table::{Interface, Limits};
use crate::time::Time;

/// ANNOUNCE_INTERVAL (RFC 5227 section 1.1); RFC 4861 section 7.2.6 asks for at least 1 s.
const ANNOUNCE: Duration = Duration::from_secs(2);
/// DEFEND_INTERVAL (RFC 5227 section 1.1).
const DEFEND: u64 = 10_000_000_000;
/// Between two attempts to use an address that somebody else has.
const RETRY: Duration = Duration::from_secs(60);

/// How far detection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// This many probes are sent, and nobody objected yet.
    Tentative(u32),
    /// In use; this many announcements are still due.
    Used(u32),
    /// Somebody else has it.
    Duplicate,
}

/// One address of the router.
#[derive(Debug)]
pub(super) struct OwnAddress {
    phase: Phase,
    pub(super) due: Time,
    /// When it was last defended.
    defended: Option<Time>,
}

impl OwnAddress {
    pub(super) fn new() -> Self {
        Self { phase: Phase::Tentative(0), due: Time::NEVER, defended: None }
    }

    pub(super) fn usable(&self) -> bool {
        matches!(self.phase, Phase::Used(_))
    }

    pub(super) fn tentative(&self) -> bool {
        matches!(self.phase, Phase::Tentative(_))
    }

    /// Starts over where the line came up: an address in use is announced
    /// again, any other probed for.
    pub(super) fn restart(&mut self, limits: &Limits) {
        self.phase = match self.phase {
            Phase::Used(_) => Phase::Used(limits.announcements),
            Phase::Tentative(_) | Phase::Duplicate => Phase::Tentative(0),
        };
    }

    /// The phase after its time has come.
    fn next(&self, limits: &Limits) -> Phase {
        match self.phase {
            Phase::Tentative(sent) if sent >= limits.dad_probes => Phase::Used(limits.announcements),
            Phase::Duplicate => Phase::Tentative(0),
            other => other,
        }
    }
}

impl Host {
    /// The time of one of the router's own addresses has come.
    pub(super) fn address_due(&mut self, id: IfIndex, address: IpAddr, turn: &mut Turn<'_>) {
        let Some(interface) = turn.snapshot.interface(id) else { return };
        let limits = turn.snapshot.limits.clone();
        let Some(own) = self.links.get_mut(&id).and_then(|link| link.addresses.get_mut(&address)) else {
            return;
        };
        own.phase = own.next(&limits);
        let (phase, wait) = match own.phase {
            Phase::Tentative(sent) => (Phase::Tentative(sent + 1), RETRANSMIT),
            Phase::Used(left) if left > 0 => (Phase::Used(left - 1), ANNOUNCE),
            rest => {
                self.timers.set(Timer::Address(id, address), &mut own.due, Time::NEVER);
                own.phase = rest;
                return;
            }
        };
        own.phase = phase;
        self.timers.set(Timer::Address(id, address), &mut own.due, turn.now + wait);
        match phase {
            Phase::Tentative(_) => self.probe(interface, address, turn),
            _ => self.announce(interface, address, turn),
        }
    }

    fn probe(&mut self, interface: &Interface, address: IpAddr, turn: &mut Turn<'_>) {
        match (unspecified(address), address) {
            (IpAddr::V4(source), IpAddr::V4(target)) => {
                self.send_arp_request(interface, source, target, None, turn);
            }
            (IpAddr::V6(source), IpAddr::V6(target)) => {
                self.send_solicitation(interface, source, target, None, turn);
            }
            _ => {}
        }
    }

    fn announce(&mut self, interface: &Interface, address: IpAddr, turn: &mut Turn<'_>) {
        match address {
            IpAddr::V4(address) => self.send_arp_announcement(interface, address, turn),
            IpAddr::V6(address) => self.send_nd_announcement(interface, address, turn),
        }
    }

    /// Another station claims the router's `address`.
    pub(super) fn conflict(
        &mut self,
        interface: &Interface,
        address: IpAddr,
        mac: [u8; 6],
        turn: &mut Turn<'_>,
    ) {
        let id = interface.id;
        let Some(own) = self.links.get_mut(&id).and_then(|link| link.addresses.get_mut(&address)) else {
            return;
        };
        match own.phase {
            Phase::Duplicate => return,
            Phase::Tentative(_) => {
                own.phase = Phase::Duplicate;
                self.timers.set(Timer::Address(id, address), &mut own.due, turn.now + RETRY);
            }
            Phase::Used(_) => {
                if own.defended.is_some_and(|last| turn.now.since(last) < DEFEND) {
                    return;
                }
                own.defended = Some(turn.now);
                self.announce(interface, address, turn);
            }
        }
        let kept = self.may_use(interface, address);
        self.warn(Warning::DuplicateAddress { interface: id, address, mac, kept }, turn);
    }
}
