//! Random packets through running routers, slow path and clock and all: each that comes
//! out, comes out where the proof says that it can, and each that does not, can end inside.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use control::prove::{Outcome, Router, Ways, ways};
use testbed::lab::ms;
use testbed::network::Network;
use testbed::packet::{Kind, Packet};

use super::agree::{Chances, Random, networks};
use super::compiled;
use super::network::LINES;
use super::seeded::{Files, neighbours, running};

/// Packets sent before the network is set up anew.
const ROUND: usize = 2_000;
/// Packets sent at once: no more than a router holds for a neighbour that it asks for.
const BURST: usize = 4;
/// The first packet's source port.
const FIRST: u16 = 10_000;

/// Where packets of a round came out, by packet.
type Came = BTreeMap<usize, Vec<Outcome>>;

/// Ports that lead out of the network: router, its name, port.
fn edges(routers: &[Router]) -> Vec<(usize, String)> {
    let joined =
        |router: &str, port: &str| LINES.iter().any(|(a, b)| *a == (router, port) || *b == (router, port));
    let of = |(at, router): (usize, &Router)| {
        let ports = router.snapshot.ports.iter().map(|(_, port)| port.name.to_string());
        let name = router.name.clone();
        ports.filter(move |port| !joined(&name, port)).map(move |port| (at, port)).collect::<Vec<_>>()
    };
    routers.iter().enumerate().flat_map(of).collect()
}

/// Hosts that a packet may be given to.
fn hosts(
    network: &mut Network,
    routers: &[Router],
    edges: &[(usize, String)],
    (packet, can): &(Random, Vec<Outcome>),
    known: &mut BTreeSet<(usize, String, IpAddr)>,
) {
    for outcome in can {
        let Outcome::Delivered(router, interface) = outcome else { continue };
        let Outcome::Delivered(_, port) = by_port(routers, outcome) else { continue };
        if !edges.contains(&(*router, port)) {
            continue;
        }
        let at = network.named(&routers[*router].name);
        for host in neighbours(network.lab(at), interface, packet.to) {
            if known.insert((*router, interface.clone(), host)) {
                network.lab(at).host(interface, &host.to_string());
            }
        }
    }
}

/// Which packet this is, and how it came out; `None` for what routers say themselves.
fn which(bytes: &[u8], router: usize, port: &str) -> Option<(usize, Outcome)> {
    let packet = Packet::decode(bytes);
    let header = packet.layer(Kind::Ipv4).or_else(|| packet.layer(Kind::Ipv6))?;
    let source = header.address("src")?.to_string();
    let sent = source.starts_with("198.51.100.") || source.starts_with("2001:db8:ffff:");
    let sport = packet.layer(Kind::Udp)?.number("sport")?;
    let id = usize::try_from(sport).ok()?.checked_sub(FIRST.into())?;
    let labelled = packet.layer(Kind::Mpls).is_some();
    let end = if labelled { Outcome::Labelled } else { Outcome::Delivered };
    sent.then(|| (id, end(router, port.to_owned())))
}

/// The outcome with the port in place of the interface.
fn by_port(routers: &[Router], outcome: &Outcome) -> Outcome {
    let port = |router: usize, interface: &str| {
        let snapshot = &routers[router].snapshot;
        let port = snapshot.interface_named(interface).and_then(|i| snapshot.port(i.port));
        port.map_or_else(String::new, |port| port.name.to_string())
    };
    match outcome {
        Outcome::Delivered(router, interface) => Outcome::Delivered(*router, port(*router, interface)),
        Outcome::Labelled(router, interface) => Outcome::Labelled(*router, port(*router, interface)),
        other => other.clone(),
    }
}

/// Sends a round of packets; where they came out.
fn send(
    files: &Files,
    (routers, edges): (&[Router], &[(usize, String)]),
    chances: &mut Chances,
    packets: &[(Random, Vec<Outcome>)],
) -> Came {
    let mut network = running(files);
    let mut known = BTreeSet::new();
    for packet in packets {
        hosts(&mut network, routers, edges, packet, &mut known);
    }
    for router in routers {
        let at = network.named(&router.name);
        network.lab(at).forget();
    }
    let mut came = Came::new();
    for (n, part) in packets.chunks(BURST).enumerate() {
        for (k, (packet, _)) in part.iter().enumerate() {
            let at = network.named(&routers[packet.router].name);
            let snapshot = network.lab(at).snapshot();
            let sport = FIRST + (n * BURST + k) as u16;
            let frame = chances.frame(packet, snapshot.interface_named(&packet.interface).unwrap(), sport);
            network.lab(at).send_bytes(&packet.interface, 0, &frame);
        }
        network.run(ms(if n + 1 < packets.len().div_ceil(BURST) { 1 } else { 5_000 }));
        for (router, port) in edges {
            let at = network.named(&routers[*router].name);
            for seen in network.lab(at).take(port) {
                let Some((id, end)) = which(&seen.bytes, *router, port) else { continue };
                came.entry(id).or_default().push(end);
            }
        }
    }
    came
}

/// Sends `count` random packets through a network; how many came out.
fn agree(files: &Files, count: usize, seed: u64) -> usize {
    let (_, routers) = compiled(files.iter().map(|(name, text)| (*name, text.as_str())));
    let mut chances = Chances::new(&routers, seed);
    let (edges, mut out) = (edges(&routers), 0);
    ways(&routers, |ways: &mut Ways<'_>| {
        for _ in 0..count.div_ceil(ROUND) {
            let mut one = || {
                let packet = chances.next();
                let can = ways.ends(packet.router, &packet.interface, &packet.labels, packet.to);
                (packet, can.into_iter().collect::<Vec<_>>())
            };
            let packets: Vec<_> = (0..ROUND).map(|_| one()).collect();
            let came = send(files, (&routers, &edges), &mut chances, &packets);
            out += came.len();
            for (id, (packet, can)) in packets.iter().enumerate() {
                check(&routers, &edges, packet, can, came.get(&id).map_or(&[], Vec::as_slice));
            }
        }
    })
    .unwrap();
    out
}

/// Whether it is given to the address of a subnet itself, which no host has.
fn is_nobody(routers: &[Router], outcome: &Outcome, to: IpAddr) -> bool {
    let Outcome::Delivered(router, interface) = outcome else { return false };
    let interface = routers[*router].snapshot.interface_named(interface).unwrap();
    interface.connected(to).is_some_and(|subnet| subnet.net.network() == to)
}

#[track_caller]
fn check(routers: &[Router], edges: &[(usize, String)], packet: &Random, can: &[Outcome], came: &[Outcome]) {
    let nobody = can.iter().any(|outcome| is_nobody(routers, outcome, packet.to));
    let can: Vec<Outcome> = can.iter().map(|outcome| by_port(routers, outcome)).collect();
    // On a line between two routers there is nobody else here who would take it.
    let leaves = |outcome: &Outcome| match outcome {
        Outcome::Delivered(router, port) | Outcome::Labelled(router, port) => {
            edges.contains(&(*router, port.clone()))
        }
        _ => false,
    };
    match came {
        [] => {
            assert!(nobody || !can.iter().all(leaves), "{packet:?} came out nowhere; the proof says {can:?}")
        }
        [one] => assert!(can.contains(one), "{packet:?} came out at {one:?}; the proof says {can:?}"),
        more => panic!("{packet:?} came out more than once: {more:?}"),
    }
}

/// All networks of the proof's test, with so many packets in all.
fn sent(count: usize) {
    let networks = networks();
    for (n, files) in networks.iter().enumerate() {
        let part = count / networks.len();
        let out = agree(files, part, n as u64 + 101);
        assert!(out > part / 20, "{out} of {part} came out");
    }
}

#[test]
fn a_million_random_packets_through_running_routers_come_out_where_the_proof_says() {
    sent(1_000_000);
}
