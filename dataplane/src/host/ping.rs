//! Ping: asking others, and what comes of it (RFC 1812 section 4.3.3.7).

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use super::action::{PingKind, PingReply, PingRequest};
use super::address::{is_link_local, unspecified};
use super::check::{Checked, PASSED, require};
use super::echo::{fill_checksum, is_sound};
use super::emit::Header;
use super::icmp::Problem;
use super::local::Datagram;
use super::walk::{leads_out, route};
use super::{Action, Host, Turn};
use crate::id::{IfIndex, VrfId};
use crate::packet::{DropReason, Frame};
use crate::table::{Interface, Snapshot};
use crate::time::Time;

/// Pings without an answer that are remembered; the oldest makes room.
const OUTSTANDING: usize = 1024;

/// A ping that has no answer yet.
#[derive(Clone, Copy, Debug)]
struct Asked {
    vrf: VrfId,
    destination: IpAddr,
    ident: u16,
    sequence: u16,
    sent: Time,
}

/// Pings without an answer, oldest first.
#[derive(Debug, Default)]
pub(super) struct Pings {
    asked: VecDeque<Asked>,
}

impl Pings {
    fn add(&mut self, asked: Asked) {
        if self.asked.len() >= OUTSTANDING {
            self.asked.pop_front();
        }
        self.asked.push_back(asked);
    }

    /// Takes out the ping that an echo message with these bytes belongs to.
    fn take(&mut self, vrf: VrfId, echo: &[u8], to: Option<IpAddr>) -> Option<Asked> {
        let [_, _, _, _, a, b, c, d, ..] = *echo else { return None };
        let key = (vrf, u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let is_it = |p: &Asked| {
            (p.vrf, p.ident, p.sequence) == key && to.is_none_or(|destination| destination == p.destination)
        };
        let at = self.asked.iter().position(is_it)?;
        self.asked.remove(at)
    }
}

impl Host {
    /// Sends one echo request. What becomes of it is told by [`Action::Pong`];
    /// without an answer, nothing is.
    pub fn ping(&mut self, request: PingRequest, now: Time, snapshot: &Snapshot, out: &mut Vec<Action>) {
        self.now = now;
        let turn = &mut Turn { now, snapshot, out };
        let PingRequest { vrf, destination, ident, sequence, .. } = request;
        let asked = Asked { vrf, destination, ident, sequence, sent: now };
        let egress = self.egress(&request, snapshot);
        let datagram =
            self.ping_source(&request, egress, snapshot).and_then(|s| self.echo_request(&request, s));
        match datagram {
            Some(frame) if egress.is_some() || !is_link_local(destination) => {
                self.pings.add(asked);
                self.send(frame, destination, egress.unwrap_or_default(), turn);
            }
            unsent => {
                unsent.into_iter().for_each(|frame| self.recycle(frame));
                pong(asked, unspecified(destination), 0, PingKind::NotSent, turn);
            }
        }
    }

    fn echo_request(&mut self, request: &PingRequest, source: IpAddr) -> Option<Frame> {
        let (protocol, kind) = if source.is_ipv4() { (1, 8) } else { (58, 128) };
        let header = Header {
            source,
            destination: request.destination,
            protocol,
            ttl: request.ttl.max(1),
            dscp: request.dscp & 63,
            dont_fragment: request.dont_fragment,
        };
        self.datagram(request.vrf, &header, 8 + usize::from(request.size), |bytes| {
            bytes[0] = kind;
            bytes[4..6].copy_from_slice(&request.ident.to_be_bytes());
            bytes[6..8].copy_from_slice(&request.sequence.to_be_bytes());
            bytes[8..].iter_mut().zip((0..=u8::MAX).cycle()).for_each(|(byte, n)| *byte = n);
            fill_checksum(&header, bytes);
        })
    }

    /// The interface a ping leaves by, as far as can be told before its lookup.
    fn egress(&self, request: &PingRequest, snapshot: &Snapshot) -> Option<IfIndex> {
        match request.destination {
            to if is_link_local(to) => self.egress_on_link(request, snapshot),
            to => leads_out(route(request.vrf, to, snapshot)?, snapshot),
        }
    }

    /// The link that a link-local destination is on: the one whose address asks,
    /// else the one where it is known, else the only one.
    fn egress_on_link(&self, request: &PingRequest, snapshot: &Snapshot) -> Option<IfIndex> {
        let members = || snapshot.interfaces.iter().map(|(_, i)| &**i).filter(|i| i.vrf == request.vrf);
        let to = request.destination;
        if let Some(source) = request.source {
            return members().find(|i| i.owns(source)).map(|i| i.id);
        }
        let knows = |i: &&Interface| self.links.get(&i.id).is_some_and(|link| link.knows(to));
        let mut capable = members().filter(|i| i.addresses.iter().any(|a| is_link_local(a.net.addr())));
        let only = capable.next().filter(|_| capable.next().is_none());
        members().find(knows).or(only).map(|i| i.id)
    }

    fn ping_source(
        &self,
        request: &PingRequest,
        egress: Option<IfIndex>,
        snapshot: &Snapshot,
    ) -> Option<IpAddr> {
        let to = request.destination;
        let mut members = snapshot.interfaces.iter().map(|(_, i)| i).filter(|i| i.vrf == request.vrf);
        if let Some(source) = request.source {
            let fits = source.is_ipv4() == to.is_ipv4();
            return members.any(|i| i.owns(source)).then_some(source).filter(|_| fits);
        }
        match egress.and_then(|id| snapshot.interface(id)) {
            Some(interface) if interface.vrf == request.vrf => self.source(interface, to, snapshot),
            None if members.any(|i| i.owns(to)) => Some(to),
            _ => self.vrf_source(request.vrf, to, snapshot),
        }
    }

    /// An echo reply.
    pub(super) fn hear_echo_reply(
        &mut self,
        frame: &Frame,
        datagram: &Datagram<'_>,
        turn: &mut Turn<'_>,
    ) -> Checked {
        require(is_sound(datagram), DropReason::LocalMalformed)?;
        let Some(asked) = self.pings.take(frame.meta().vrf, datagram.upper, None) else {
            return Checked::Break(DropReason::LocalUnknown);
        };
        let size = (datagram.upper.len() - 8) as u16;
        pong(asked, datagram.source, datagram.ttl, PingKind::Reply { size }, turn);
        PASSED
    }

    /// An ICMP error, of use only when it is about a ping.
    pub(super) fn hear_error(
        &mut self,
        frame: &Frame,
        datagram: &Datagram<'_>,
        turn: &mut Turn<'_>,
    ) -> Checked {
        require(is_sound(datagram), DropReason::LocalMalformed)?;
        let [kind, code, _, _, r0, r1, r2, r3, quote @ ..] = datagram.upper else {
            return Checked::Break(DropReason::LocalMalformed);
        };
        let rest = u32::from_be_bytes([*r0, *r1, *r2, *r3]);
        let asked =
            quoted_echo(quote).and_then(|(to, echo)| self.pings.take(frame.meta().vrf, echo, Some(to)));
        let (Some(asked), Some(kind)) = (asked, error_kind(datagram.source, *kind, *code, rest)) else {
            return Checked::Break(DropReason::LocalUnknown);
        };
        pong(asked, datagram.source, datagram.ttl, kind, turn);
        PASSED
    }

    /// A datagram of the router's own that went nowhere; told when it is a ping.
    pub(super) fn ping_failed(
        &mut self,
        datagram: &Datagram<'_>,
        vrf: VrfId,
        problem: Problem,
        turn: &mut Turn<'_>,
    ) {
        let Some((to, echo)) = quoted_echo(datagram.whole) else { return };
        let Some(asked) = self.pings.take(vrf, echo, Some(to)) else { return };
        let kind = match problem {
            Problem::TooBig(mtu) => PingKind::TooBig { mtu: mtu.into() },
            Problem::TtlExpired => PingKind::TimeExceeded,
            Problem::Parameter(_) => PingKind::ParameterProblem,
            Problem::NoRoute => PingKind::Unreachable { code: 0 },
            Problem::Prohibited => PingKind::Unreachable { code: if to.is_ipv4() { 13 } else { 1 } },
            _ => PingKind::Unreachable { code: if to.is_ipv4() { 1 } else { 3 } },
        };
        pong(asked, datagram.source, 0, kind, turn);
    }
}

fn pong(asked: Asked, from: IpAddr, ttl: u8, kind: PingKind, turn: &mut Turn<'_>) {
    let rtt: Duration = turn.now - asked.sent;
    let Asked { vrf, ident, sequence, .. } = asked;
    turn.out.push(Action::Pong(PingReply { vrf, ident, sequence, from, rtt, ttl, kind }));
}

/// What an ICMP error says about a ping.
fn error_kind(from: IpAddr, kind: u8, code: u8, rest: u32) -> Option<PingKind> {
    Some(match (from.is_ipv4(), kind) {
        (true, 3) if code == 4 => PingKind::TooBig { mtu: rest & 0xffff },
        (false, 2) => PingKind::TooBig { mtu: rest },
        (true, 3) | (false, 1) => PingKind::Unreachable { code },
        (true, 11) | (false, 3) => PingKind::TimeExceeded,
        (true, 12) | (false, 4) => PingKind::ParameterProblem,
        _ => return None,
    })
}

/// The destination and the ICMP message of an echo request that a datagram, or
/// an error's quotation of one, starts with.
fn quoted_echo(quote: &[u8]) -> Option<(IpAddr, &[u8])> {
    let (to, protocol, start, request) = match quote.first()? >> 4 {
        4 => {
            let to: [u8; 4] = quote.get(16..20)?.try_into().ok()?;
            (IpAddr::from(to), quote[9] == 1, usize::from(quote[0] & 15) * 4, 8)
        }
        6 => {
            let to: [u8; 16] = quote.get(24..40)?.try_into().ok()?;
            (IpAddr::from(to), quote[6] == 58, 40, 128)
        }
        _ => return None,
    };
    let echo = quote.get(start..)?;
    (protocol && echo.first() == Some(&request)).then_some((to, echo))
}
