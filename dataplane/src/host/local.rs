//! Datagrams addressed to the router itself.
//!
//! The router listens to nothing but ICMP and replies to its own MPLS echo
//! requests (RFC 8029): other UDP is told that the port is
//! unreachable, other protocols that they are not spoken (RFC 1122 section
//! 3.2.2.1, RFC 4443 sections 3.1 and 3.4); TCP is dropped, so that a scan
//! learns nothing by resets.

use std::net::IpAddr;

use smoltcp::wire::UdpPacket;

use super::check::{Checked, PASSED, finish, require};
use super::icmp::Problem;
use super::reassemble::Fragment;
use super::{Host, Turn};
use crate::packet::{DropReason, Flags, Frame, Layer3};
use crate::wire::ipv4::Ipv4Header;
use crate::wire::ipv6::{self, Ipv6Header};

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
const NO_NEXT_HEADER: u8 = 59;

/// An IP datagram as the host reads it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Datagram<'a> {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    /// Upper-layer protocol.
    pub(super) protocol: u8,
    /// TTL or hop limit.
    pub(super) ttl: u8,
    pub(super) dscp: u8,
    /// From the IP header on.
    pub(super) whole: &'a [u8],
    /// Behind options and extension headers.
    pub(super) upper: &'a [u8],
}

impl<'a> Datagram<'a> {
    /// Reads a frame that `parse` has been over; `None` for what is not IP.
    pub(super) fn read(frame: &'a Frame) -> Option<Self> {
        let (meta, whole) = (frame.meta(), frame.l3());
        let (source, destination, ttl, dscp) = match (meta.layer3, whole.first()? >> 4) {
            (Layer3::Ipv4, 4) => {
                let (source, destination) = (v4(whole, 12)?, v4(whole, 16)?);
                (source, destination, whole[8], whole[1] >> 2)
            }
            (Layer3::Ipv6, 6) => {
                let (source, destination) = (v6(whole, 8)?, v6(whole, 24)?);
                (source, destination, whole[7], (whole[0] << 2 | whole[1] >> 6) & 63)
            }
            _ => return None,
        };
        let upper = frame.upper()?;
        Some(Self { source, destination, protocol: meta.protocol, ttl, dscp, whole, upper })
    }

    /// Reads the datagram that `bytes`, which no stage has looked at, start with, and
    /// which fragment of how many it is; `None` where it is not sound.
    pub(super) fn inside(bytes: &'a [u8]) -> Option<(Self, Flags)> {
        match bytes.first()? >> 4 {
            4 => Self::inside_v4(bytes),
            6 => Self::inside_v6(bytes),
            _ => None,
        }
    }

    fn inside_v4(bytes: &'a [u8]) -> Option<(Self, Flags)> {
        let header = Ipv4Header::check(bytes).ok()?;
        let whole = bytes.get(..usize::from(header.total_length.get()))?;
        let upper = whole.get(header.header_length()..)?;
        let flags = fragment(header.fragment_offset(), header.more_fragments());
        let (source, destination) = (header.source().into(), header.destination().into());
        let (protocol, ttl, dscp) = (header.protocol, header.ttl, header.dscp());
        Some((Self { source, destination, protocol, ttl, dscp, whole, upper }, flags))
    }

    fn inside_v6(bytes: &'a [u8]) -> Option<(Self, Flags)> {
        let header = Ipv6Header::check(bytes).ok()?;
        let whole = bytes.get(..Ipv6Header::LEN + usize::from(header.payload_length.get()))?;
        let payload = whole.get(Ipv6Header::LEN..)?;
        let chain = ipv6::walk(header.next_header, payload).ok()?;
        let upper = payload.get(chain.offset..)?;
        let flags = chain.fragment.map_or_else(Flags::default, |f| fragment(f.offset, f.more));
        let (source, destination) = (header.source().into(), header.destination().into());
        let (protocol, ttl, dscp) = (chain.protocol, header.hop_limit, header.dscp());
        Some((Self { source, destination, protocol, ttl, dscp, whole, upper }, flags))
    }

    /// Whether the upper layer is ICMP or ICMPv6.
    pub(super) fn is_icmp(&self) -> bool {
        self.protocol == if self.source.is_ipv4() { ICMP } else { ICMPV6 }
    }
}

fn fragment(offset: usize, more: bool) -> Flags {
    match (offset, more) {
        (0, false) => Flags::default(),
        (0, true) => Flags::FIRST_FRAGMENT,
        _ => Flags::LATER_FRAGMENT,
    }
}

fn v4(bytes: &[u8], at: usize) -> Option<IpAddr> {
    Some(<[u8; 4]>::try_from(bytes.get(at..at + 4)?).ok()?.into())
}

fn v6(bytes: &[u8], at: usize) -> Option<IpAddr> {
    Some(<[u8; 16]>::try_from(bytes.get(at..at + 16)?).ok()?.into())
}

impl Host {
    /// A datagram for the router, or for a group of the link.
    pub(super) fn local(&mut self, frame: Frame, turn: &mut Turn<'_>) {
        let checked = match Datagram::read(&frame) {
            Some(datagram) => self.hear_datagram(&frame, &datagram, turn),
            None => Checked::Break(DropReason::LocalMalformed),
        };
        finish(frame, checked, turn);
    }

    fn hear_datagram(&mut self, frame: &Frame, datagram: &Datagram<'_>, turn: &mut Turn<'_>) -> Checked {
        let flags = frame.meta().flags;
        // A group of the link has no members at the other end of a tunnel.
        let in_tunnel = frame.meta().popped > 0;
        require(!(in_tunnel && datagram.destination.is_multicast()), DropReason::Multicast)?;
        if flags.has(Flags::LATER_FRAGMENT) || flags.has(Flags::FIRST_FRAGMENT) {
            return self.hear_fragment(frame, datagram, turn);
        }
        self.hear_whole(frame, datagram, turn)
    }

    /// One fragment of a datagram for the router; the last to come is heard as the whole.
    fn hear_fragment(&mut self, frame: &Frame, datagram: &Datagram<'_>, turn: &mut Turn<'_>) -> Checked {
        require(datagram.source.is_ipv4(), DropReason::LocalUnknown)?;
        match self.fragments.take(frame.meta().vrf, datagram, turn.now) {
            Fragment::Waits => PASSED,
            Fragment::Refused => Checked::Break(DropReason::FragmentInvalid),
            Fragment::Whole { bytes, header } => {
                let upper = bytes.get(header..).unwrap_or_default();
                let whole = Datagram { whole: &bytes, upper, ..*datagram };
                self.hear_whole(frame, &whole, turn)
            }
        }
    }

    fn hear_whole(&mut self, frame: &Frame, datagram: &Datagram<'_>, turn: &mut Turn<'_>) -> Checked {
        match datagram.protocol {
            _ if datagram.is_icmp() => self.hear_icmp(frame, datagram, turn),
            UDP => {
                require(is_sound_udp(datagram), DropReason::LocalMalformed)?;
                if let Some(heard) = self.hear_lsp_reply(frame, datagram, turn) {
                    return heard;
                }
                self.not_here(frame, Problem::Port, turn)
            }
            TCP | NO_NEXT_HEADER => Checked::Break(DropReason::LocalUnknown),
            _ => self.not_here(frame, Problem::Protocol(protocol_at(datagram)), turn),
        }
    }

    fn hear_icmp(&mut self, frame: &Frame, datagram: &Datagram<'_>, turn: &mut Turn<'_>) -> Checked {
        let tunnelled = frame.meta().popped > 0;
        match (datagram.source.is_ipv4(), datagram.upper.first()) {
            (_, None) => Checked::Break(DropReason::LocalMalformed),
            (true, Some(8)) | (false, Some(128)) => self.hear_echo_request(frame, datagram, turn),
            (true, Some(0)) | (false, Some(129)) => self.hear_echo_reply(frame, datagram, turn),
            (true, Some(3 | 11 | 12)) | (false, Some(1..=4)) => self.hear_error(frame, datagram, turn),
            // A neighbour is on the link, not at the other end of a tunnel.
            (false, Some(133..=137)) if tunnelled => Checked::Break(DropReason::NdInvalid),
            (false, Some(133..=137)) => self.hear_nd(frame, datagram, turn),
            (true, Some(5)) => {
                self.counters.redirects += 1;
                PASSED
            }
            _ => Checked::Break(DropReason::LocalUnknown),
        }
    }
}

/// Whether a UDP header is whole and its checksum, where there is one, right (RFC 768).
pub(super) fn is_sound_udp(datagram: &Datagram<'_>) -> bool {
    UdpPacket::new_checked(datagram.upper)
        .is_ok_and(|udp| udp.verify_checksum(&datagram.source.into(), &datagram.destination.into()))
}

/// Where an IPv6 packet names its upper-layer protocol: the last Next Header
/// field before the upper layer (RFC 4443 section 3.4).
fn protocol_at(datagram: &Datagram<'_>) -> u16 {
    let whole = datagram.whole;
    let end = whole.len() - datagram.upper.len();
    let (mut at, mut next) = (6, 40);
    while next < end {
        let (Some(kind), Some(length)) = (whole.get(at), whole.get(next + 1)) else { break };
        at = next;
        next += match kind {
            44 => 8,
            51 => (usize::from(*length) + 2) * 4,
            _ => (usize::from(*length) + 1) * 8,
        };
    }
    at as u16
}
