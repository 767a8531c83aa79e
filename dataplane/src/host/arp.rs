//! ARP: IPv4 neighbours on Ethernet (RFC 826, RFC 5227).

use std::net::{IpAddr, Ipv4Addr};

use smoltcp::wire::{ArpOperation, ArpPacket, ArpRepr, EthernetAddress};

use super::address::{is_host, is_station};
use super::check::{Checked, PASSED, require};
use super::emit::ARP;
use super::link::Heard;
use super::{Host, Turn};
use crate::packet::{DropReason, Flags, Frame};
use crate::table::Interface;

const BROADCAST: [u8; 6] = [0xff; 6];
const LENGTH: usize = 28;

/// An ARP message for IPv4 on Ethernet.
#[derive(Clone, Copy, Debug)]
struct Message {
    request: bool,
    sender_mac: [u8; 6],
    sender: Ipv4Addr,
    target_mac: [u8; 6],
    target: Ipv4Addr,
}

impl Message {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let repr = ArpRepr::parse(&ArpPacket::new_checked(bytes).ok()?).ok()?;
        let ArpRepr::EthernetIpv4 {
            operation,
            source_hardware_addr,
            source_protocol_addr,
            target_hardware_addr,
            target_protocol_addr,
        } = repr
        else {
            return None;
        };
        Some(Self {
            request: match operation {
                ArpOperation::Request => true,
                ArpOperation::Reply => false,
                ArpOperation::Unknown(_) => return None,
            },
            sender_mac: source_hardware_addr.0,
            sender: source_protocol_addr,
            target_mac: target_hardware_addr.0,
            target: target_protocol_addr,
        })
    }

    fn emit(&self, bytes: &mut [u8]) {
        let operation = if self.request { ArpOperation::Request } else { ArpOperation::Reply };
        let repr = ArpRepr::EthernetIpv4 {
            operation,
            source_hardware_addr: EthernetAddress(self.sender_mac),
            source_protocol_addr: self.sender,
            target_hardware_addr: EthernetAddress(self.target_mac),
            target_protocol_addr: self.target,
        };
        repr.emit(&mut ArpPacket::new_unchecked(bytes));
    }
}

impl Host {
    /// Takes in an ARP message.
    pub(super) fn hear_arp(&mut self, frame: &Frame, turn: &mut Turn<'_>) -> Checked {
        let meta = frame.meta();
        let Some(interface) = turn.snapshot.interface(meta.in_interface) else {
            return Checked::Break(DropReason::InterfaceGone);
        };
        self.admit_message(interface, turn)?;
        let bytes = frame.bytes().get(usize::from(meta.l3_offset)..).unwrap_or_default();
        let Some(message) = Message::parse(bytes) else {
            return Checked::Break(DropReason::ArpInvalid);
        };
        let station = is_station(message.sender_mac) && message.sender_mac != interface.mac;
        require(station, DropReason::ArpInvalid)?;
        if message.sender.is_unspecified() {
            return self.hear_arp_probe(interface, message, turn);
        }
        let sender = IpAddr::from(message.sender);
        if interface.owns(sender) {
            self.conflict(interface, sender, message.sender_mac, turn);
            return PASSED;
        }
        self.check_sender(interface, sender)?;
        self.learn(interface, message, meta.flags.has(Flags::L2_MULTICAST), turn);
        if message.request && self.answers_for(interface, message.target) {
            self.send_arp_reply(interface, message, turn);
        }
        PASSED
    }

    /// Counts one more ARP or neighbour discovery message against its limit.
    pub(super) fn admit_message(&mut self, interface: &Interface, turn: &Turn<'_>) -> Checked {
        let rate = turn.snapshot.limits.neighbour_messages_per_second;
        let link = self.links.entry(interface.id).or_insert_with(|| super::Link::new(interface));
        require(link.messages.take(turn.now, rate), DropReason::PuntRateLimited)
    }

    /// A sender must be a host of a connected subnet, or one that was asked for
    /// (RFC 1812 section 3.3.2).
    fn check_sender(&self, interface: &Interface, sender: IpAddr) -> Checked {
        let connected = interface.addresses.iter().any(|a| is_host(a.net, sender));
        let link = self.links.get(&interface.id);
        let asked = || link.is_some_and(|link| link.neighbours.contains_key(&sender));
        require(connected || asked(), DropReason::ArpInvalid)
    }

    /// An ARP probe: somebody is about to use its target (RFC 5227 section 2.1.1).
    fn hear_arp_probe(&mut self, interface: &Interface, message: Message, turn: &mut Turn<'_>) -> Checked {
        require(message.request, DropReason::ArpInvalid)?;
        if self.answers_for(interface, message.target) {
            self.send_arp_reply(interface, message, turn);
        } else if interface.owns(message.target.into()) {
            self.conflict(interface, message.target.into(), message.sender_mac, turn);
        }
        PASSED
    }

    fn answers_for(&self, interface: &Interface, target: Ipv4Addr) -> bool {
        interface.owns(target.into()) && self.may_use(interface, target.into())
    }

    /// RFC 826's merge: what is known is refreshed by any message of its owner;
    /// only a question to the router makes a new entry.
    fn learn(&mut self, interface: &Interface, message: Message, group: bool, turn: &mut Turn<'_>) {
        let for_us = interface.owns(message.target.into());
        let answer = !message.request && !group && for_us && message.target_mac == interface.mac;
        let heard = Heard {
            mac: Some(message.sender_mac),
            solicited: answer,
            replaces: true,
            creates: message.request && for_us,
        };
        self.hear(interface.id, message.sender.into(), heard, turn);
    }

    fn send_arp(&mut self, interface: &Interface, to: [u8; 6], message: Message, turn: &mut Turn<'_>) {
        self.transmit(interface, to, ARP, LENGTH, turn, |bytes| message.emit(bytes));
    }

    fn send_arp_reply(&mut self, interface: &Interface, request: Message, turn: &mut Turn<'_>) {
        let reply = Message {
            request: false,
            sender_mac: interface.mac,
            sender: request.target,
            target_mac: request.sender_mac,
            target: request.sender,
        };
        self.send_arp(interface, request.sender_mac, reply, turn);
    }

    /// Asks for `target`: the whole link, or `mac` alone to see whether it is
    /// still there (RFC 1122 section 2.3.2.1).
    pub(super) fn send_arp_request(
        &mut self,
        interface: &Interface,
        sender: Ipv4Addr,
        target: Ipv4Addr,
        mac: Option<[u8; 6]>,
        turn: &mut Turn<'_>,
    ) {
        let sender_mac = interface.mac;
        let request = Message { request: true, sender_mac, sender, target_mac: [0; 6], target };
        self.send_arp(interface, mac.unwrap_or(BROADCAST), request, turn);
    }

    /// Tells the link that the router is at `address` (RFC 5227 section 2.3).
    pub(super) fn send_arp_announcement(
        &mut self,
        interface: &Interface,
        address: Ipv4Addr,
        turn: &mut Turn<'_>,
    ) {
        self.send_arp_request(interface, address, address, None, turn);
    }
}
