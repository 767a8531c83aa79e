//! Simulated neighbours: they answer ARP and neighbour solicitations for their
//! addresses, and nothing else.

use std::net::IpAddr;

use dataplane::table::VlanMatch;

use super::Lab;
use crate::packet::{
    Kind, Packet, Value, arp, eth, icmp_echo_request, icmp6_echo_request, ip, neighbour_advertisement,
    neighbour_solicitation, vlan,
};

#[derive(Debug)]
struct Host {
    port: String,
    vlan: VlanMatch,
    address: IpAddr,
    mac: [u8; 6],
}

/// All simulated neighbours.
#[derive(Debug, Default)]
pub(super) struct Hosts(Vec<Host>);

/// What became of a frame the router sent.
pub(super) enum Heard {
    /// It is for no neighbour: the test sees it.
    Nothing,
    /// A neighbour took it.
    Consumed,
    /// A neighbour answers with this.
    Answer(Vec<u8>),
}

impl Lab {
    /// Puts a neighbour with this address on an interface; gives its station address.
    /// It has asked for the router's address and pinged it, so that the router knows it.
    ///
    /// # Panics
    /// When there is no such interface or it has no address on that subnet.
    #[track_caller]
    pub fn host(&mut self, interface: &str, address: &str) -> [u8; 6] {
        let address = crate::packet::address(address);
        let snapshot = self.snapshot();
        let Some(found) = Self::interface_of(&snapshot, interface) else {
            panic!("there is no interface \"{interface}\"")
        };
        let Some(router) = found.connected(address).map(|subnet| subnet.net.addr()) else {
            panic!("{address} is on no subnet of \"{interface}\"")
        };
        let port = self.port_of(interface);
        let n = self.hosts.0.len() as u16 + 1;
        let mac = [2, 0, 0x5e, 0, (n >> 8) as u8, n as u8];
        let host = Host { port: port.clone(), vlan: found.vlan, address, mac };
        let greetings = greetings(&host, router, found.mac);
        self.hosts.0.push(host);
        for greeting in greetings {
            self.put(&port, &greeting.encode());
            self.turn();
        }
        mac
    }

    /// Takes a neighbour away: it does not answer any more.
    pub fn remove_host(&mut self, address: &str) {
        let address = crate::packet::address(address);
        self.hosts.0.retain(|host| host.address != address);
    }
}

/// Identifier of the pings by which neighbours make themselves known.
const GREETING: u16 = 0x5e5e;

/// The question and the ping by which a router gets to know a neighbour.
fn greetings(host: &Host, router: IpAddr, router_mac: [u8; 6]) -> [Packet; 2] {
    let (own, router) = (host.address.to_string(), router.to_string());
    let [mut question, mut ping] = match host.address {
        IpAddr::V4(_) => {
            let mut question = arp().request(&router, &own).into();
            set(&mut question, Kind::Arp, "sha", host.mac);
            [question, ip(&own, &router) / icmp_echo_request(GREETING, 0)]
        }
        IpAddr::V6(_) => {
            let question = neighbour_solicitation(&router).link_address_bytes(host.mac);
            let ping = ip(&own, &router) / icmp6_echo_request(GREETING, 0);
            [ip(&own, &router).ttl(255) / question, ping]
        }
    };
    for packet in [&mut question, &mut ping] {
        *packet = eth() / tags(host.vlan) / std::mem::take(packet);
        set(packet, Kind::Eth, "src", host.mac);
        set(packet, Kind::Eth, "dst", router_mac);
    }
    [question, ping]
}

/// Whether it is the answer to a greeting.
fn is_greeting(packet: &Packet) -> bool {
    let echo = packet.layer(Kind::Icmp).or_else(|| packet.layer(Kind::Icmp6));
    echo.is_some_and(|echo| echo.number("id") == Some(GREETING.into()))
}

fn set(packet: &mut Packet, kind: Kind, field: &'static str, mac: [u8; 6]) {
    if let Some(layer) = packet.layer_mut(kind) {
        layer.set(field, Value::Mac(mac));
    }
}

/// The VLAN tags of an interface.
pub(super) fn tags(of: VlanMatch) -> Packet {
    match of {
        VlanMatch::Untagged => Packet::default(),
        VlanMatch::Single(tpid, vid) => vlan(vid).tpid(tpid.ether_type()).into(),
        VlanMatch::Double(tpid, outer, inner) => vlan(outer).tpid(tpid.ether_type()) / vlan(inner),
    }
}

impl Hosts {
    /// The station address of the neighbour with this address on a port.
    pub(super) fn mac(&self, port: &str, address: IpAddr) -> Option<[u8; 6]> {
        self.0.iter().find(|host| host.port == port && host.address == address).map(|host| host.mac)
    }

    /// Lets the neighbours on `port` hear a frame.
    pub(super) fn hear(&self, port: &str, bytes: &[u8]) -> Heard {
        if self.0.is_empty() {
            return Heard::Nothing;
        }
        // Only ARP and neighbour discovery are worth reading.
        let short = bytes.len() <= 122;
        if !short {
            return Heard::Nothing;
        }
        let packet = Packet::decode(bytes);
        if is_greeting(&packet) {
            return Heard::Consumed;
        }
        let on_port = |address: IpAddr| self.0.iter().find(|h| h.port == port && h.address == address);
        if let Some(message) = packet.layer(Kind::Arp) {
            let Some(host) = message.address("tpa").and_then(on_port) else { return Heard::Nothing };
            return match message.number("op") {
                Some(1) => Heard::Answer(arp_answer(host, &packet).encode()),
                _ => Heard::Consumed,
            };
        }
        if let Some(message) = packet.layer(Kind::Solicitation) {
            let host = message.address("target").and_then(on_port);
            return host.map_or(Heard::Nothing, |host| Heard::Answer(nd_answer(host, &packet).encode()));
        }
        let to = packet.layer(Kind::Ipv6).and_then(|ip| ip.address("dst"));
        match (packet.layer(Kind::Advertisement), to.and_then(on_port)) {
            (Some(_), Some(_)) => Heard::Consumed,
            _ => Heard::Nothing,
        }
    }
}

/// The frame back to the sender of `question`, up to its network layer.
fn back(host: &Host, question: &Packet) -> Packet {
    let mut packet = eth() / tags(host.vlan);
    let asker = question.layer(Kind::Eth).and_then(|eth| eth.mac("src")).unwrap_or_default();
    set(&mut packet, Kind::Eth, "src", host.mac);
    set(&mut packet, Kind::Eth, "dst", asker);
    packet
}

fn arp_answer(host: &Host, question: &Packet) -> Packet {
    let asked = |name| question.layer(Kind::Arp).and_then(|arp| arp.address(name));
    let asker = asked("spa").unwrap_or(host.address).to_string();
    let mut packet = back(host, question) / arp().reply(&host.address.to_string(), &asker);
    let asker_mac = question.layer(Kind::Arp).and_then(|arp| arp.mac("sha")).unwrap_or_default();
    set(&mut packet, Kind::Arp, "sha", host.mac);
    set(&mut packet, Kind::Arp, "tha", asker_mac);
    packet
}

fn nd_answer(host: &Host, question: &Packet) -> Packet {
    let asker = question.layer(Kind::Ipv6).and_then(|ip| ip.address("src"));
    let asker = asker.filter(|a| !a.is_unspecified()).map_or("ff02::1".into(), |a| a.to_string());
    let own = host.address.to_string();
    let solicited = asker != "ff02::1";
    let answer = neighbour_advertisement(&own).flags(false, solicited, true).link_address_bytes(host.mac);
    back(host, question) / ip(&own, &asker).ttl(255) / answer
}
