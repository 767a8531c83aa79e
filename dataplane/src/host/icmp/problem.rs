//! What can be wrong with a packet, in the words of both protocols.

use crate::packet::PuntReason;

/// What is wrong with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::host) enum Problem {
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
    pub(in crate::host) fn of(reason: PuntReason, detail: u16) -> Option<Self> {
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
    pub(super) fn v4(self) -> Option<(u8, u8, u32)> {
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
    pub(super) fn v6(self, packet: &[u8]) -> (u8, u8, u32) {
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
    pub(super) fn concerns_groups(self, packet: &[u8]) -> bool {
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
