//! ICMP errors about other people's packets (RFC 792, RFC 1812 sections 4.3.2
//! and 5.2.7, RFC 4443 sections 2.4 and 3).
//!
//! An error comes from an address of the interface the packet came in by, so
//! that a trace shows the way taken; about a packet for the router itself it
//! comes from the address the packet was for (RFC 4443 section 2.2(a)). It is
//! marked CS6, the precedence 6 of RFC 1812 section 4.3.2.5.
//!
//! An error about a packet that came labelled carries its stack (RFC 4950). It is
//! routed in the Vrf that the packet belongs to; where this router cannot know
//! that Vrf, it follows the packet along its LSP (RFC 3032 section 2.3.2).

mod problem;
mod subject;

use std::net::IpAddr;

use super::address::is_unicast;
use super::check::{Checked, require};
use super::echo::TTL;
use super::emit::{CS6, Header};
use super::stack::Stack;
use super::walk::reaches;
use super::{Action, Host, Turn};
use crate::id::VrfId;
use crate::packet::{DropReason, Flags, Frame, Layer3, PuntReason};
use crate::table::{Interface, Snapshot};
use crate::wire::icmp::{Family, IcmpHeader, extension, fill_checksum};
pub(super) use problem::Problem;
pub(super) use subject::Subject;

/// Bytes behind the ICMP header: the whole datagram stays within 576 bytes (RFC 1812
/// section 4.3.2.3) or the IPv6 minimum MTU (RFC 4443 section 2.4(c)).
const ROOM_V4: usize = 576 - 28;
const ROOM_V6: usize = 1280 - 48;
/// TTL of an error on its way round along an LSP (RFC 3032 section 2.3.2).
const TTL_ALONG: u8 = 255;

/// How an error gets to the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Routed in this Vrf.
    Routed(VrfId),
    /// Under the stack that the packet came with.
    Along,
}

impl Way {
    /// The way back to the sender of what `frame`, which came in by `arrival`, carries.
    fn back(frame: &Frame, subject: &Subject<'_>, arrival: &Interface, snapshot: &Snapshot) -> Self {
        let (meta, stack) = (frame.meta(), subject.stack);
        if stack.len() == 0 || (meta.layer3 != Layer3::Mpls && meta.vrf != arrival.vrf) {
            return Self::Routed(meta.vrf);
        }
        match stack.ends_in(arrival, snapshot) {
            Some(vrf) => Self::Routed(vrf),
            None if stack.len() == 1 && reaches(arrival.vrf, subject.datagram.source, snapshot) => {
                Self::Routed(arrival.vrf)
            }
            None => Self::Along,
        }
    }

    /// The Vrf that the router speaks in.
    fn vrf(self, arrival: &Interface) -> VrfId {
        match self {
            Self::Routed(vrf) => vrf,
            Self::Along => arrival.vrf,
        }
    }
}

/// What follows the ICMP header: as much of the datagram as fits, and its stack.
#[derive(Clone, Copy, Debug)]
struct Body<'a> {
    datagram: &'a [u8],
    /// Bytes that the datagram takes, padding among them.
    quote: usize,
    /// The entries of the structure, if there is one.
    stack: Option<&'a [u8]>,
}

impl<'a> Body<'a> {
    fn of(subject: &Subject<'a>, family: Family, kind: u8) -> Self {
        let room = if family == Family::V4 { ROOM_V4 } else { ROOM_V6 };
        let (datagram, entries) = (subject.datagram.whole, subject.stack.len());
        if entries == 0 || !extension::is_extensible(family, kind) {
            return Self { datagram, quote: datagram.len().min(room), stack: None };
        }
        let room = room - extension::stack_length(entries);
        let quote = extension::quote_length(family, datagram.len(), room);
        Self { datagram, quote, stack: Some(subject.stack.bytes) }
    }

    fn len(&self) -> usize {
        self.quote + self.stack.map_or(0, |stack| extension::stack_length(stack.len() / 4))
    }

    /// Fills `bytes`, which are [`Body::len`] zeros.
    fn write(&self, bytes: &mut [u8]) {
        let (quote, structure) = bytes.split_at_mut(self.quote);
        quote.iter_mut().zip(self.datagram).for_each(|(to, from)| *to = *from);
        // There is room for the structure: it was counted.
        let _ = self.stack.map(|stack| extension::write_stack(structure, stack));
    }
}

impl Host {
    /// A frame about which its sender is to hear; the frame itself ends here.
    pub(super) fn refuse(&mut self, frame: Frame, reason: PuntReason, turn: &mut Turn<'_>) {
        if let Some(problem) = Problem::of(reason, frame.rare().detail) {
            self.complain(&frame, problem, turn);
        }
        turn.drop(frame, reason.drop_reason().unwrap_or(DropReason::LocalUnknown));
    }

    /// Tells the sender of `frame` of a problem, if it may be told; the
    /// router's own pings hear of it directly.
    pub(super) fn complain(&mut self, frame: &Frame, problem: Problem, turn: &mut Turn<'_>) {
        let Some(subject) = Subject::of(frame) else { return };
        if frame.meta().flags.has(Flags::ORIGINATED) {
            let (datagram, vrf) = (&subject.datagram, frame.meta().vrf);
            self.lsp_failed(datagram, vrf, turn);
            return self.ping_failed(datagram, vrf, problem, turn);
        }
        let Some(arrival) = turn.snapshot.interface(frame.meta().in_interface) else { return };
        let way = Way::back(frame, &subject, arrival, turn.snapshot);
        let near = Some(arrival).filter(|i| way == Way::Routed(i.vrf));
        if subject.may_be_told(near, problem) && self.admit_error(turn) {
            self.send_error(&subject, (way, arrival), problem, turn);
        }
    }

    fn admit_error(&mut self, turn: &Turn<'_>) -> bool {
        let takes = self.errors.take(turn.now, turn.snapshot.limits.icmp_errors_per_second);
        self.counters.icmp_errors_limited += u64::from(!takes);
        takes
    }

    fn send_error(
        &mut self,
        subject: &Subject<'_>,
        (way, arrival): (Way, &Interface),
        problem: Problem,
        turn: &mut Turn<'_>,
    ) {
        let datagram = &subject.datagram;
        let (family, message) = match datagram.source {
            IpAddr::V4(_) => (Family::V4, problem.v4()),
            IpAddr::V6(_) => (Family::V6, Some(problem.v6(datagram.whole))),
        };
        let asked = matches!(problem, Problem::Port | Problem::Protocol(_));
        let source = match datagram.destination {
            own if asked && is_unicast(own) => Some(own),
            _ => self.source_in(way.vrf(arrival), arrival, datagram.source, turn.snapshot),
        };
        let (Some((kind, code, rest)), Some(source)) = (message, source) else { return };
        let (destination, protocol) = (datagram.source, if source.is_ipv4() { 1 } else { 58 });
        let ttl = if way == Way::Along { TTL_ALONG } else { TTL };
        let header = Header { source, destination, protocol, ttl, dscp: CS6, dont_fragment: false };
        let body = Body::of(subject, family, kind);
        let mut icmp = IcmpHeader { kind, code, checksum: 0.into(), rest: rest.to_be_bytes() };
        if body.stack.is_some() {
            extension::set_length(family, &mut icmp, body.quote);
        }
        let error = self.datagram(way.vrf(arrival), &header, 8 + body.len(), |bytes| {
            body.write(&mut bytes[8..]);
            // The bytes are of this length and the addresses of one family.
            let _ = icmp.emit(bytes);
            let _ = fill_checksum(bytes, source, destination);
        });
        let Some(mut error) = error else { return };
        error.meta_mut().flags.set(Flags::ICMP_ERROR);
        self.counters.icmp_errors += 1;
        match way {
            Way::Routed(_) => self.send(error, destination, arrival.id, turn),
            Way::Along => self.send_along(error, subject.stack, arrival, turn),
        }
    }

    /// Sends an error under the stack its subject came with: the labels copied, the
    /// TTLs that of the error, the traffic class that of its own mark.
    fn send_along(&mut self, mut error: Frame, stack: Stack<'_>, arrival: &Interface, turn: &mut Turn<'_>) {
        let tc = arrival.tc_map.tc(error.meta().class);
        if self.push_stack(&mut error, stack.entries().map(|e| (e.label(), tc, TTL_ALONG))).is_none() {
            return self.recycle(error);
        }
        error.rare_mut().received = turn.now;
        turn.out.push(Action::Route(error));
    }

    /// A datagram for the router that it has no use for: refused with `problem`.
    pub(super) fn not_here(&mut self, frame: &Frame, problem: Problem, turn: &mut Turn<'_>) -> Checked {
        self.complain(frame, problem, turn);
        require(false, DropReason::LocalUnknown)
    }
}
