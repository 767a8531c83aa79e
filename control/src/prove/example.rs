//! For a finding, one packet that shows it: source, destination and ports are tried
//! until the real stages bring it where the finding says.

use std::net::IpAddr;

use dataplane::table::Interface;

use super::address::Address;
use super::drive::{Drive, drive};
use super::end::End;
use super::judge::{Ranges, Start};
use super::network::{Network, Node, Place};
use super::report::{Example, Packet, Site};

/// Source ports tried, where several ways share the flows.
const MOST_PORTS: u16 = 4096;
/// The first of them.
const FIRST_PORT: u16 = 49_152;
/// The discard port (RFC 863).
const TO_PORT: u16 = 9;

/// The packet of one of `ranges` that ends where that says; else one that was tried.
pub(super) fn example<A: Address>(
    network: &Network<'_>,
    start: &Start,
    ranges: &Ranges<A>,
) -> Option<Example> {
    let (places, labels) = starts(network, start);
    let mut nearest = None;
    // Hosts are better examples than routers, and a subnet's middle than its ends.
    let mut ranges = ranges.some.clone();
    ranges.sort_by_key(|(first, last, end)| (!matches!(end, End::Edge(_)), first == last));
    for (first, last, end) in ranges {
        for at in places.iter().take(4) {
            for destination in destinations(network, end, first, last) {
                let attempt = Attempt { network, at: *at, labels, destination: destination.ip() };
                match attempt.run(end) {
                    Some((packet, drive)) if drive.end == end => {
                        return Some(attempt.told(packet, drive, true));
                    }
                    Some((packet, drive)) if nearest.is_none() => {
                        nearest = Some(attempt.told(packet, drive, false))
                    }
                    _ => {}
                }
            }
        }
    }
    nearest
}

/// The interfaces that packets may start at, and their labels.
fn starts<'s>(network: &Network<'_>, start: &'s Start) -> (Vec<Place>, &'s [u32]) {
    match start {
        Start::Vrf(node) => {
            let of = network.edges().filter(|(place, _)| network.node_of(*place) == Some(*node));
            (of.map(|(place, _)| place).collect(), &[])
        }
        Start::Labelled(place, labels) => (vec![*place], labels),
    }
}

/// Some destinations of a range: hosts rather than a subnet's first address, and a
/// router's own addresses last.
fn destinations<A: Address>(network: &Network<'_>, end: End, first: A, last: A) -> Vec<A> {
    let mut found: Vec<A> = std::iter::successors(Some(first), |at| at.next()).take(4).skip(1).collect();
    found.extend([first, last]);
    found.retain(|at| *at <= last);
    let owner = if let End::Edge(at) = end { network.interface(at) } else { None };
    found.sort_by_key(|at| owner.is_some_and(|i| i.owns(at.ip())));
    found
}

/// One destination from one interface.
struct Attempt<'a, 'n> {
    network: &'a Network<'n>,
    at: Place,
    labels: &'a [u32],
    destination: IpAddr,
}

impl Attempt<'_, '_> {
    /// Tries ports until a packet ends at `end`; gives the last one tried.
    fn run(&self, end: End) -> Option<(Packet, Drive)> {
        let interface = self.network.interface(self.at)?;
        let mut packet = Packet {
            labels: self.labels.to_vec(),
            source: source(interface, self.destination),
            destination: self.destination,
            protocol: "udp".into(),
            source_port: FIRST_PORT,
            destination_port: TO_PORT,
        };
        for n in 0..MOST_PORTS {
            packet.source_port = FIRST_PORT + n;
            let bytes = packet.frame(interface).ok()?;
            let drive = self.drive(&bytes, end);
            // Without a choice of ways, another port changes nothing.
            if drive.end == end
                || n + 1 == MOST_PORTS
                || !drive.hops.iter().any(|hop| hop.does.contains("one of "))
            {
                return Some((packet, drive));
            }
        }
        None
    }

    /// The drive that ends at `end`, whoever has the addresses that no known router has;
    /// else the one where the first far end has them.
    fn drive(&self, bytes: &[u8], end: End) -> Drive {
        let by = |taker| drive(self.network, self.at, bytes.to_vec(), self.destination, taker);
        let first = by(0);
        if first.end == end {
            return first;
        }
        [usize::MAX, 1, 2].into_iter().map(by).find(|drive| drive.end == end).unwrap_or(first)
    }

    fn told(&self, packet: Packet, drive: Drive, confirmed: bool) -> Example {
        let end = ended(self.network, drive.end);
        let receiver = match drive.end {
            End::Edge(at) => Some(place(self.network, at)),
            End::Local(node) => Some(site(self.network, node)),
            End::Drop(..) | End::Unknown(_) | End::Loop(_) => None,
        };
        Example { at: place(self.network, self.at), packet, path: drive.hops, end, receiver, confirmed }
    }
}

/// A source address of the interface's subnet, neither its own nor the destination.
fn source(interface: &Interface, destination: IpAddr) -> IpAddr {
    let same = |net: &ipnet::IpNet| {
        net.addr().is_ipv4() == destination.is_ipv4() && !crate::rib::is_link_local(net.addr())
    };
    let nets = interface.addresses.iter().map(|a| a.net).filter(same);
    let hosts = nets.flat_map(|net| net.hosts().filter(move |host| *host != net.network()).take(4));
    let mut fit = hosts.filter(|host| *host != destination && !interface.owns(*host));
    fit.next().unwrap_or(match destination {
        // Documentation addresses (RFC 5737, RFC 3849).
        IpAddr::V4(_) => IpAddr::V4([198, 51, 100, 254].into()),
        IpAddr::V6(_) => IpAddr::V6([0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 0xfe].into()),
    })
}

/// A Vrf, for people.
pub(super) fn site(network: &Network<'_>, node: Node) -> Site {
    let (router, vrf) = network.names(node);
    Site { router: router.into(), vrf: vrf.into(), interface: None }
}

/// An interface and its Vrf, for people.
pub(super) fn place(network: &Network<'_>, place: Place) -> Site {
    let vrf = network.node_of(place).map_or("", |node| network.names(node).1);
    let router = &network.routers[place.router].name;
    Site { router: router.clone(), vrf: vrf.into(), interface: Some(network.interface_name(place).into()) }
}

/// An end, in words.
pub(super) fn ended(network: &Network<'_>, end: End) -> String {
    let name = |router: usize| network.routers[router].name.as_str();
    match end {
        End::Edge(at) => format!("delivered by {}", place(network, at)),
        End::Local(node) => format!("delivered to {} itself", site(network, node)),
        End::Drop(router, reason) => {
            format!("dropped by {}: {reason}, {}", name(router), reason.explanation())
        }
        End::Unknown(at) => format!("leaves the known network with labels by {}", place(network, at)),
        End::Loop(router) => format!("comes back to {} again and again", name(router)),
    }
}
