//! Neighbour discovery: IPv6 neighbours on Ethernet (RFC 4861). The router
//! sends no router advertisements and heeds neither them nor redirects.

use std::net::{IpAddr, Ipv6Addr};
use std::ops::ControlFlow;

use smoltcp::wire::{Icmpv6Message, Icmpv6Packet, NdiscNeighborFlags, NdiscRepr, RawHardwareAddress};

use super::address::{ALL_NODES, group_mac, is_link_local, is_station, solicited_node};
use super::check::{Checked, PASSED, require, station};
use super::emit::{CS6, Header, IPV6};
use super::link::Heard;
use super::local::Datagram;
use super::{Host, Turn};
use crate::packet::{DropReason, Frame};
use crate::table::Interface;

const ICMPV6: u8 = 58;
const IPV6_HEADER: usize = 40;
const INVALID: Checked = Checked::Break(DropReason::NdInvalid);

impl Host {
    /// Takes in a neighbour discovery message: `datagram` is ICMPv6, its type 133 to 137.
    pub(super) fn hear_nd(&mut self, frame: &Frame, datagram: &Datagram<'_>, turn: &mut Turn<'_>) -> Checked {
        let (IpAddr::V6(source), IpAddr::V6(destination)) = (datagram.source, datagram.destination) else {
            return INVALID;
        };
        let Some(interface) = turn.snapshot.interface(frame.meta().in_interface) else {
            return Checked::Break(DropReason::InterfaceGone);
        };
        self.admit_message(interface, turn)?;
        let Ok(packet) = Icmpv6Packet::new_checked(datagram.upper) else { return INVALID };
        let valid = datagram.ttl == 255 && packet.msg_code() == 0;
        require(valid && packet.verify_checksum(&source, &destination), DropReason::NdInvalid)?;
        match packet.msg_type() {
            Icmpv6Message::RouterSolicit => self.counters.router_solicitations += 1,
            Icmpv6Message::RouterAdvert => self.counters.router_advertisements += 1,
            Icmpv6Message::Redirect => self.counters.redirects += 1,
            _ => {
                let from = station(frame);
                return match NdiscRepr::parse(&packet) {
                    Ok(NdiscRepr::NeighborSolicit { target_addr, lladdr }) => {
                        let asked = Solicitation { source, destination, target: target_addr, from };
                        self.hear_solicitation(interface, asked, lladdr, turn)
                    }
                    Ok(NdiscRepr::NeighborAdvert { flags, target_addr, lladdr }) => {
                        let group = destination.is_multicast();
                        self.hear_advertisement(interface, group, flags, target_addr, lladdr, turn)
                    }
                    _ => INVALID,
                };
            }
        }
        PASSED
    }

    /// A neighbour solicitation (RFC 4861 sections 7.1.1 and 7.2.3).
    fn hear_solicitation(
        &mut self,
        interface: &Interface,
        asked: Solicitation,
        lladdr: Option<RawHardwareAddress>,
        turn: &mut Turn<'_>,
    ) -> Checked {
        let Solicitation { source, destination, target, from } = asked;
        let probe = source.is_unspecified();
        let own = lladdr.is_some() || from == Some(interface.mac);
        let valid_probe = destination == solicited_node(target) && !own;
        require(!target.is_multicast() && (!probe || valid_probe), DropReason::NdInvalid)?;
        let mac = link_layer(lladdr)?;
        require(!source.is_multicast() && mac != Some(interface.mac), DropReason::NdInvalid)?;
        if !interface.owns(target.into()) {
            return PASSED;
        }
        if interface.owns(source.into()) {
            self.conflict(interface, source.into(), mac.or(from).unwrap_or_default(), turn);
            return PASSED;
        }
        if !self.may_use(interface, target.into()) {
            if probe {
                self.conflict(interface, target.into(), from.unwrap_or_default(), turn);
            }
            return PASSED;
        }
        let on_link = is_link_local(source.into()) || interface.connected(source.into()).is_some();
        if on_link {
            let heard = Heard { mac, solicited: false, replaces: true, creates: true };
            self.hear(interface.id, source.into(), heard, turn);
        }
        self.answer_solicitation(interface, source, target, mac.or(from), turn);
        PASSED
    }

    /// Answers to the station that asked; a duplicate address probe, which has
    /// no source, is answered to all nodes (RFC 4861 section 7.2.4).
    fn answer_solicitation(
        &mut self,
        interface: &Interface,
        source: Ipv6Addr,
        target: Ipv6Addr,
        station: Option<[u8; 6]>,
        turn: &mut Turn<'_>,
    ) {
        let flags = NdiscNeighborFlags::ROUTER | NdiscNeighborFlags::OVERRIDE;
        if source.is_unspecified() {
            return self.advertise(interface, target, (ALL_NODES, group_mac(ALL_NODES)), flags, turn);
        }
        if let Some(station) = station.filter(|mac| is_station(*mac)) {
            let flags = flags | NdiscNeighborFlags::SOLICITED;
            self.advertise(interface, target, (source, station), flags, turn);
        }
    }

    /// A neighbour advertisement (RFC 4861 sections 7.1.2 and 7.2.5).
    fn hear_advertisement(
        &mut self,
        interface: &Interface,
        group: bool,
        flags: NdiscNeighborFlags,
        target: Ipv6Addr,
        lladdr: Option<RawHardwareAddress>,
        turn: &mut Turn<'_>,
    ) -> Checked {
        let solicited = flags.contains(NdiscNeighborFlags::SOLICITED);
        let valid = !target.is_multicast() && (!group || !solicited);
        require(valid, DropReason::NdInvalid)?;
        let mac = link_layer(lladdr)?;
        require(mac != Some(interface.mac), DropReason::NdInvalid)?;
        if interface.owns(target.into()) {
            self.conflict(interface, target.into(), mac.unwrap_or_default(), turn);
            return PASSED;
        }
        let replaces = flags.contains(NdiscNeighborFlags::OVERRIDE);
        let heard = Heard { mac, solicited, replaces, creates: false };
        self.hear(interface.id, target.into(), heard, turn);
        PASSED
    }

    /// Asks for `target`: its solicited-node group, or `mac` alone to see whether
    /// it is still there (RFC 4861 section 7.2.2); from `::` it is a duplicate
    /// address probe, which names no station (RFC 4862 section 5.4.2).
    pub(super) fn send_solicitation(
        &mut self,
        interface: &Interface,
        source: Ipv6Addr,
        target: Ipv6Addr,
        mac: Option<[u8; 6]>,
        turn: &mut Turn<'_>,
    ) {
        let lladdr = (!source.is_unspecified()).then(|| RawHardwareAddress::from_bytes(&interface.mac));
        let group = solicited_node(target);
        let (destination, mac) = mac.map_or((group, group_mac(group)), |mac| (target, mac));
        let message = NdiscRepr::NeighborSolicit { target_addr: target, lladdr };
        self.send_nd(interface, source, (destination, mac), message, turn);
    }

    /// Tells the link that the router is at `address` (RFC 4861 section 7.2.6).
    pub(super) fn send_nd_announcement(
        &mut self,
        interface: &Interface,
        address: Ipv6Addr,
        turn: &mut Turn<'_>,
    ) {
        let flags = NdiscNeighborFlags::ROUTER | NdiscNeighborFlags::OVERRIDE;
        self.advertise(interface, address, (ALL_NODES, group_mac(ALL_NODES)), flags, turn);
    }

    fn advertise(
        &mut self,
        interface: &Interface,
        target: Ipv6Addr,
        to: (Ipv6Addr, [u8; 6]),
        flags: NdiscNeighborFlags,
        turn: &mut Turn<'_>,
    ) {
        let lladdr = Some(RawHardwareAddress::from_bytes(&interface.mac));
        let message = NdiscRepr::NeighborAdvert { flags, target_addr: target, lladdr };
        self.send_nd(interface, target, to, message, turn);
    }

    fn send_nd(
        &mut self,
        interface: &Interface,
        source: Ipv6Addr,
        (destination, mac): (Ipv6Addr, [u8; 6]),
        message: NdiscRepr<'_>,
        turn: &mut Turn<'_>,
    ) {
        let header = Header {
            source: source.into(),
            destination: destination.into(),
            protocol: ICMPV6,
            ttl: 255,
            dscp: CS6,
            dont_fragment: false,
        };
        let len = IPV6_HEADER + message.buffer_len();
        self.transmit(interface, mac, IPV6, len, turn, |bytes| {
            header.write(bytes, 0);
            let mut packet = Icmpv6Packet::new_unchecked(&mut bytes[IPV6_HEADER..]);
            message.emit(&mut packet);
            packet.fill_checksum(&source, &destination);
        });
    }
}

/// Who asks for what.
#[derive(Clone, Copy, Debug)]
struct Solicitation {
    source: Ipv6Addr,
    destination: Ipv6Addr,
    target: Ipv6Addr,
    /// The Ethernet source: where to answer when the message names no station.
    from: Option<[u8; 6]>,
}

/// The station in a link-layer address option: six bytes, and one station's.
fn link_layer(option: Option<RawHardwareAddress>) -> ControlFlow<DropReason, Option<[u8; 6]>> {
    let Some(address) = option else { return ControlFlow::Continue(None) };
    match <[u8; 6]>::try_from(address.as_bytes()) {
        Ok(mac) if is_station(mac) => ControlFlow::Continue(Some(mac)),
        _ => ControlFlow::Break(DropReason::NdInvalid),
    }
}
