//! Datagrams addressed to the router itself.

use std::net::IpAddr;

use super::check::{Checked, finish};
use super::{Host, Turn};
use crate::packet::{DropReason, Flags, Frame, Layer3};

pub(super) const ICMP: u8 = 1;
pub(super) const ICMPV6: u8 = 58;

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
        let start = usize::from(meta.l4_offset.checked_sub(meta.l3_offset)?);
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
        let header = if source.is_ipv4() { 20 } else { 40 };
        let upper = whole.get(start.max(header)..)?;
        Some(Self { source, destination, protocol: meta.protocol, ttl, dscp, whole, upper })
    }

    /// Whether the upper layer is ICMP or ICMPv6.
    pub(super) fn is_icmp(&self) -> bool {
        self.protocol == if self.source.is_ipv4() { ICMP } else { ICMPV6 }
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
        if flags.has(Flags::LATER_FRAGMENT) || flags.has(Flags::FIRST_FRAGMENT) {
            return Checked::Break(DropReason::LocalUnknown);
        }
        if datagram.is_icmp() {
            return self.hear_icmp(frame, datagram, turn);
        }
        Checked::Break(DropReason::LocalUnknown)
    }

    fn hear_icmp(&mut self, frame: &Frame, datagram: &Datagram<'_>, turn: &mut Turn<'_>) -> Checked {
        match (datagram.source.is_ipv4(), datagram.upper.first()) {
            (_, None) => Checked::Break(DropReason::LocalMalformed),
            (true, Some(8)) | (false, Some(128)) => self.hear_echo_request(frame, datagram, turn),
            (false, Some(133..=137)) => self.hear_nd(frame, datagram, turn),
            _ => Checked::Break(DropReason::LocalUnknown),
        }
    }
}
