//! Echo: answering the pings of others (RFC 792, RFC 1812 section 4.3.3.6,
//! RFC 4443 section 4).
//!
//! A reply keeps the request's DSCP, so that a class can be tested by ping, and
//! comes from the address that was asked. Options are not copied.

use std::net::IpAddr;

use smoltcp::wire::{Icmpv4Packet, Icmpv6Packet};

use super::address::{is_link_local, is_unicast};
use super::check::{Checked, PASSED, require};
use super::emit::Header;
use super::local::Datagram;
use super::{Action, Host, Turn};
use crate::id::IfIndex;
use crate::packet::{DropReason, Flags, Frame};

const ECHO_REPLY: u8 = 0;
const ECHO_REPLY_V6: u8 = 129;
/// TTL of what the router says (RFC 1700's recommended default).
pub(super) const TTL: u8 = 64;

/// Whether an ICMP message is whole: long enough, its checksum right.
pub(super) fn is_sound(datagram: &Datagram<'_>) -> bool {
    let upper = datagram.upper;
    match (datagram.source, datagram.destination) {
        _ if upper.len() < 8 => false,
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            Icmpv6Packet::new_unchecked(upper).verify_checksum(&source, &destination)
        }
        _ => Icmpv4Packet::new_unchecked(upper).verify_checksum(),
    }
}

/// Fills in the checksum of an ICMP message of at least 8 bytes.
pub(super) fn fill_checksum(header: &Header, bytes: &mut [u8]) {
    match (header.source, header.destination) {
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            Icmpv6Packet::new_unchecked(bytes).fill_checksum(&source, &destination);
        }
        _ => Icmpv4Packet::new_unchecked(bytes).fill_checksum(),
    }
}

impl Host {
    /// A ping for the router.
    pub(super) fn hear_echo_request(
        &mut self,
        frame: &Frame,
        datagram: &Datagram<'_>,
        turn: &mut Turn<'_>,
    ) -> Checked {
        require(is_sound(datagram), DropReason::LocalMalformed)?;
        let meta = frame.meta();
        let asked = self.asked_address(frame, datagram, turn);
        let Some(source) = asked.filter(|_| is_unicast(datagram.source)) else {
            return Checked::Break(DropReason::LocalUnknown);
        };
        if !self.echoes.take(turn.now, turn.snapshot.limits.echo_replies_per_second) {
            self.counters.echo_replies_limited += 1;
            return PASSED;
        }
        let header = Header {
            source,
            destination: datagram.source,
            protocol: datagram.protocol,
            ttl: TTL,
            dscp: datagram.dscp,
            dont_fragment: false,
        };
        let reply = self.datagram(meta.vrf, &header, datagram.upper.len(), |bytes| {
            bytes.copy_from_slice(datagram.upper);
            (bytes[0], bytes[1]) = (if source.is_ipv4() { ECHO_REPLY } else { ECHO_REPLY_V6 }, 0);
            fill_checksum(&header, bytes);
        });
        if let Some(reply) = reply {
            self.counters.echo_replies += 1;
            self.send(reply, datagram.source, meta.in_interface, turn);
        }
        PASSED
    }

    /// The address to answer from: the one asked; for an IPv6 group, one of the
    /// interface. IPv4 broadcasts and groups, and frames sent to the whole link
    /// with one host's address, are not answered (RFC 1122 sections 3.2.2.6 and 3.3.6).
    fn asked_address(&self, frame: &Frame, datagram: &Datagram<'_>, turn: &Turn<'_>) -> Option<IpAddr> {
        let meta = frame.meta();
        match datagram.destination {
            IpAddr::V6(group) if group.is_multicast() => {
                let interface = turn.snapshot.interface(meta.in_interface)?;
                self.source(interface, datagram.source, turn.snapshot)
            }
            own if is_unicast(own) && !meta.flags.has(Flags::L2_MULTICAST) => Some(own),
            _ => None,
        }
    }

    /// Sends a datagram the router made: by lookup, or, to a link-local address,
    /// by `interface` itself, which must be of its Vrf.
    pub(super) fn send(&mut self, mut frame: Frame, to: IpAddr, interface: IfIndex, turn: &mut Turn<'_>) {
        frame.rare_mut().received = turn.now;
        match turn.snapshot.interface(interface) {
            _ if !is_link_local(to) => turn.out.push(Action::Route(frame)),
            Some(interface) if interface.vrf == frame.meta().vrf => self.towards(frame, interface, to, turn),
            // What came by a tunnel has no link of its sender's here.
            _ => self.recycle(frame),
        }
    }
}
