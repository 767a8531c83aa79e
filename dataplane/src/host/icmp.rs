//! ICMP errors about other people's packets (RFC 792, RFC 1812 sections 4.3.2
//! and 5.2.7, RFC 4443 sections 2.4 and 3).
//!
//! An error comes from an address of the interface the packet came in by, so
//! that a trace shows the way taken; about a packet for the router itself it
//! comes from the address the packet was for (RFC 4443 section 2.2(a)). It is
//! marked CS6, the precedence 6 of RFC 1812 section 4.3.2.5.

use std::net::IpAddr;

use super::address::is_unicast;
use super::check::{Checked, require};
use super::echo::{TTL, fill_checksum};
use super::emit::{CS6, Header};
use super::local::Datagram;
use super::{Host, Turn};
use crate::packet::{DropReason, Flags, Frame, PuntReason};
use crate::table::Interface;

/// Bytes of the original that an error carries: the whole datagram stays within
/// 576 bytes (RFC 1812 section 4.3.2.3) or the IPv6 minimum MTU (RFC 4443 section 2.4(c)).
const QUOTE_V4: usize = 576 - 28;
const QUOTE_V6: usize = 1280 - 48;

/// What is wrong with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    NoRoute,
    /// The last hop cannot be reached.
    Host,
    Prohibited,
    /// The router does not speak the upper-layer protocol that this byte names.
    Protocol(u16),
    Port,
    /// Longer than the next link's MTU.
    TooBig(u16),
    TtlExpired,
    /// The header byte in error.
    Parameter(u16),
    BeyondScope,
}

impl Problem {
    /// The problem a punted frame is about; `None` where the slow path is for something else.
    pub(super) fn of(reason: PuntReason, detail: u16) -> Option<Self> {
        Some(match reason {
            PuntReason::TtlExpired => Self::TtlExpired,
            PuntReason::FragmentationNeeded | PuntReason::PacketTooBig => Self::TooBig(detail),
            PuntReason::NoRoute => Self::NoRoute,
            PuntReason::Unreachable => Self::Host,
            PuntReason::Prohibited => Self::Prohibited,
            PuntReason::ParameterProblem => Self::Parameter(detail),
            PuntReason::BeyondScope => Self::BeyondScope,
            _ => return None,
        })
    }

    /// ICMP type, code, and the four bytes behind the checksum.
    fn v4(self) -> Option<(u8, u8, u32)> {
        Some(match self {
            Self::NoRoute => (3, 0, 0),
            Self::Host => (3, 1, 0),
            Self::Protocol(_) => (3, 2, 0),
            Self::Port => (3, 3, 0),
            Self::TooBig(mtu) => (3, 4, mtu.into()),
            Self::Prohibited => (3, 13, 0),
            Self::TtlExpired => (11, 0, 0),
            Self::Parameter(at) => (12, 0, u32::from(at) << 24),
            Self::BeyondScope => return None,
        })
    }

    /// The same for ICMPv6.
    fn v6(self, packet: &[u8]) -> (u8, u8, u32) {
        match self {
            Self::NoRoute => (1, 0, 0),
            Self::Prohibited => (1, 1, 0),
            Self::BeyondScope => (1, 2, 0),
            Self::Host => (1, 3, 0),
            Self::Port => (1, 4, 0),
            Self::TooBig(mtu) => (2, 0, mtu.max(1280).into()),
            Self::TtlExpired => (3, 0, 0),
            Self::Parameter(at) if unknown_option(packet, at).is_some() => (4, 2, at.into()),
            Self::Parameter(at) => (4, 0, at.into()),
            Self::Protocol(at) => (4, 1, at.into()),
        }
    }

    /// Whether it is told even of a packet to many (RFC 4443 section 2.4(e.3)).
    fn concerns_groups(self, packet: &[u8]) -> bool {
        match self {
            Self::TooBig(_) => packet.first().is_some_and(|b| b >> 4 == 6),
            Self::Parameter(at) => unknown_option(packet, at) == Some(0b10),
            _ => false,
        }
    }
}

/// The action bits of the option at `at`, when it is one that a node must know
/// or complain about (RFC 8200 section 4.2): 2 always, 3 unless sent to a group.
fn unknown_option(packet: &[u8], at: u16) -> Option<u8> {
    let bits = packet.get(usize::from(at))? >> 6;
    (packet[0] >> 4 == 6 && at >= 40 && bits >= 0b10).then_some(bits)
}

/// Whether it is an ICMP message about which no error may be sent: an error or
/// a redirect, or one too short to tell (RFC 1812 section 4.3.2.7, RFC 4443 section 2.4(e)).
fn is_error(datagram: &Datagram<'_>) -> bool {
    let kind = datagram.upper.first();
    datagram.is_icmp()
        && match datagram.source {
            IpAddr::V4(_) => kind.is_none_or(|kind| matches!(kind, 3..=5 | 11 | 12)),
            IpAddr::V6(_) => kind.is_none_or(|kind| *kind < 128 || *kind == 137),
        }
}

/// Whether `address` is one of a subnet's own two broadcast addresses.
fn is_broadcast(interface: &Interface, address: IpAddr) -> bool {
    let all = IpAddr::from([255; 4]);
    let on = |net: &ipnet::IpNet| address.is_ipv4() && net.contains(&address);
    let mut nets = interface.addresses.iter().map(|a| a.net);
    address == all || nets.any(|net| on(&net) && !super::address::is_host(net, address))
}

impl Host {
    /// A frame about which its sender is to hear; the frame itself ends here.
    pub(super) fn refuse(&mut self, frame: Frame, reason: PuntReason, turn: &mut Turn<'_>) {
        if let Some(problem) = Problem::of(reason, frame.meta().detail) {
            self.complain(&frame, problem, turn);
        }
        turn.drop(frame, reason.drop_reason().unwrap_or(DropReason::LocalUnknown));
    }

    /// Tells the sender of `frame` of a problem, if it may be told; the
    /// router's own pings hear of it directly.
    pub(super) fn complain(&mut self, frame: &Frame, problem: Problem, turn: &mut Turn<'_>) {
        let Some(datagram) = Datagram::read(frame) else { return };
        if frame.meta().flags.has(Flags::ORIGINATED) {
            return self.ping_failed(&datagram, problem, turn);
        }
        let Some(interface) = turn.snapshot.interface(frame.meta().in_interface) else { return };
        let may = Self::may_complain(frame, &datagram, interface, problem);
        if may && self.admit_error(turn) {
            self.send_error(&datagram, interface, problem, turn);
        }
    }

    fn admit_error(&mut self, turn: &Turn<'_>) -> bool {
        let takes = self.errors.take(turn.now, turn.snapshot.limits.icmp_errors_per_second);
        self.counters.icmp_errors_limited += u64::from(!takes);
        takes
    }

    /// RFC 1812 section 4.3.2.7 and RFC 4443 section 2.4(e): never about errors,
    /// later fragments, packets to many, or packets whose sender is not one host.
    fn may_complain(frame: &Frame, datagram: &Datagram<'_>, interface: &Interface, problem: Problem) -> bool {
        let flags = frame.meta().flags;
        let to = datagram.destination;
        let group = to.is_multicast() || is_broadcast(interface, to) || flags.has(Flags::L2_MULTICAST);
        let from = datagram.source;
        let one_host = is_unicast(from) && !is_broadcast(interface, from) && !interface.owns(from);
        let error = flags.has(Flags::ICMP_ERROR) || is_error(datagram);
        let tellable = !group || problem.concerns_groups(datagram.whole);
        one_host && tellable && !error && !flags.has(Flags::LATER_FRAGMENT)
    }

    fn send_error(
        &mut self,
        datagram: &Datagram<'_>,
        interface: &Interface,
        problem: Problem,
        turn: &mut Turn<'_>,
    ) {
        let (message, quote) = match datagram.source {
            IpAddr::V4(_) => (problem.v4(), QUOTE_V4),
            IpAddr::V6(_) => (Some(problem.v6(datagram.whole)), QUOTE_V6),
        };
        let asked = matches!(problem, Problem::Port | Problem::Protocol(_));
        let source = match datagram.destination {
            own if asked && is_unicast(own) => Some(own),
            _ => self.source(interface, datagram.source, turn.snapshot),
        };
        let (Some((kind, code, rest)), Some(source)) = (message, source) else { return };
        let destination = datagram.source;
        let protocol = if source.is_ipv4() { 1 } else { 58 };
        let header = Header { source, destination, protocol, ttl: TTL, dscp: CS6, dont_fragment: false };
        let quoted = &datagram.whole[..datagram.whole.len().min(quote)];
        let error = self.datagram(interface.vrf, &header, 8 + quoted.len(), |bytes| {
            (bytes[0], bytes[1]) = (kind, code);
            bytes[4..8].copy_from_slice(&rest.to_be_bytes());
            bytes[8..].copy_from_slice(quoted);
            fill_checksum(&header, bytes);
        });
        if let Some(mut error) = error {
            error.meta_mut().flags.set(Flags::ICMP_ERROR);
            self.counters.icmp_errors += 1;
            self.send(error, destination, interface.id, turn);
        }
    }

    /// A datagram for the router that it has no use for: refused with `problem`.
    pub(super) fn not_here(&mut self, frame: &Frame, problem: Problem, turn: &mut Turn<'_>) -> Checked {
        self.complain(frame, problem, turn);
        require(false, DropReason::LocalUnknown)
    }
}
