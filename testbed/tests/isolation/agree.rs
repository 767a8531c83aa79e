//! A million random packets: each ends where the proof says that it can.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use control::prove::{Outcome, Packet, Router, Ways, ways};
use dataplane::packet::DropReason;
use dataplane::table::Interface;
use ipnet::IpNet;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::compiled;
use super::network::{LINES, files};
use super::seeded::with;
use super::seeds::SEEDS;
use super::stages::{Flight, Stages};

/// What random packets are made of.
pub(crate) struct Chances {
    rng: StdRng,
    /// Edges: router and interface.
    edges: Vec<(usize, String)>,
    prefixes: Vec<IpNet>,
    labels: Vec<u32>,
}

/// One random packet.
#[derive(Debug)]
pub(crate) struct Random {
    pub(crate) router: usize,
    pub(crate) interface: String,
    pub(crate) labels: Vec<u32>,
    pub(crate) to: IpAddr,
}

impl Chances {
    pub(crate) fn new(routers: &[Router], seed: u64) -> Self {
        let (mut edges, mut prefixes, mut labels) = (Vec::new(), Vec::new(), vec![0, 1, 2, 3, 7]);
        for (at, router) in routers.iter().enumerate() {
            let joined = |port: &str| {
                LINES.iter().any(|(a, b)| *a == (&*router.name, port) || *b == (&*router.name, port))
            };
            for (_, interface) in router.snapshot.interfaces.iter() {
                let port = router.snapshot.port(interface.port).unwrap();
                edges.extend((!joined(&port.name)).then(|| (at, interface.name.to_string())));
            }
            for (_, vrf) in router.snapshot.vrfs.iter() {
                prefixes.extend(vrf.fib4.iter().map(|(p, _)| IpNet::V4(p)));
                prefixes.extend(vrf.fib6.iter().map(|(p, _)| IpNet::V6(p)));
            }
            labels.extend(router.snapshot.ilm.iter().map(|(label, _)| label));
        }
        Self { rng: StdRng::seed_from_u64(seed), edges, prefixes, labels }
    }

    pub(crate) fn next(&mut self) -> Random {
        let (router, interface) = self.edges[self.rng.random_range(0..self.edges.len())].clone();
        let depth = if self.rng.random_range(0..6) == 0 { self.rng.random_range(1..4) } else { 0 };
        let labels = (0..depth).map(|_| self.label()).collect();
        Random { router, interface, labels, to: self.destination() }
    }

    fn label(&mut self) -> u32 {
        match self.rng.random_range(0..8) {
            0 => self.rng.random_range(0..1 << 20),
            _ => self.labels[self.rng.random_range(0..self.labels.len())],
        }
    }

    /// In a prefix, next to one, or anywhere.
    fn destination(&mut self) -> IpAddr {
        let prefix = self.prefixes[self.rng.random_range(0..self.prefixes.len())];
        let anywhere = self.rng.random_range(0..32) == 0;
        let near = self.rng.random_range(0..8);
        match prefix {
            IpNet::V4(p) => {
                let host = self.rng.random::<u32>() & u32::from(p.hostmask());
                let inside = p.network().to_bits() | host;
                Ipv4Addr::from_bits(match (anywhere, near) {
                    (true, _) => self.rng.random(),
                    (_, 0) => p.broadcast().to_bits().wrapping_add(1),
                    (_, 1) => p.network().to_bits().wrapping_sub(1),
                    _ => inside,
                })
                .into()
            }
            IpNet::V6(p) => {
                let host = self.rng.random::<u128>() & p.hostmask().to_bits();
                Ipv6Addr::from_bits(match (anywhere, near) {
                    (true, _) => self.rng.random(),
                    (_, 0) => p.broadcast().to_bits().wrapping_add(1),
                    (_, 1) => p.network().to_bits().wrapping_sub(1),
                    _ => p.network().to_bits() | host,
                })
                .into()
            }
        }
    }

    /// The packet's frame; ports at random, so that equal ways are all taken.
    pub(crate) fn frame(&mut self, random: &Random, interface: &Interface, source_port: u16) -> Vec<u8> {
        let source = match random.to {
            IpAddr::V4(_) => Ipv4Addr::from_bits(0xc633_6401 + self.rng.random_range(0..250)).into(),
            IpAddr::V6(_) => {
                Ipv6Addr::from_bits(0x2001_0db8_ffff << 80 | self.rng.random_range(1..0xffff)).into()
            }
        };
        let packet = Packet {
            labels: random.labels.clone(),
            source,
            destination: random.to,
            protocol: "udp".into(),
            source_port,
            destination_port: self.rng.random_range(1..3000),
        };
        packet.frame(interface).unwrap()
    }
}

/// The network without a mistake, and with mistakes that make for more ways: what they
/// do wrong does not matter here.
pub(crate) fn networks() -> Vec<Vec<(&'static str, String)>> {
    let wanted = [
        "red's edge accepts labels",
        "a spare port of the P accepts labels",
        "one of two equal ways pushes the wrong label",
        "a label for one customer edge names red's",
    ];
    let seeded = wanted.map(|what| with(SEEDS.iter().find(|seed| seed.what == what).unwrap()));
    std::iter::once(files()).chain(seeded).collect()
}

/// Sends `count` random packets through a network; how many were delivered.
fn agree(files: &[(&str, String)], count: usize, seed: u64) -> usize {
    let (_, routers) = compiled(files.iter().map(|(name, text)| (*name, text.as_str())));
    let (mut chances, mut stages) = (Chances::new(&routers, seed), Stages::new(&routers, &LINES));
    let mut delivered = 0;
    ways(&routers, |ways| {
        for _ in 0..count / 1000 {
            let packets: Vec<Random> = (0..1000).map(|_| chances.next()).collect();
            for (id, packet) in packets.iter().enumerate() {
                let snapshot = &routers[packet.router].snapshot;
                let interface = snapshot.interface_named(&packet.interface).unwrap();
                let sport = chances.rng.random();
                let bytes = chances.frame(packet, interface, sport);
                stages
                    .put((packet.router, interface.port), Flight { id, to: packet.to, bytes, heard: false });
            }
            let mut ended = 0;
            stages.run(|id, outcome| {
                ended += 1;
                delivered += usize::from(matches!(outcome, Outcome::Delivered(..)));
                check(ways, &packets[id], &outcome);
            });
            assert_eq!(ended, packets.len());
        }
    })
    .unwrap();
    delivered
}

#[track_caller]
fn check(ways: &mut Ways<'_>, packet: &Random, outcome: &Outcome) {
    let can = ways.ends(packet.router, &packet.interface, &packet.labels, packet.to);
    // Of several faults of a stack with an entropy label, either may be told.
    let same = |other: &Outcome| match (outcome, other) {
        (Outcome::Dropped(a, _), Outcome::Dropped(b, _)) => a == b && packet.labels.contains(&7),
        // The groups of a link are the router's, and go no further.
        (Outcome::Local(a), Outcome::Dropped(b, DropReason::Multicast)) => a == b,
        _ => false,
    };
    assert!(
        can.contains(outcome) || can.iter().any(same),
        "{packet:?} ended as {outcome:?}; the proof says {can:?}"
    );
}

#[test]
fn a_million_random_packets_end_where_the_proof_says() {
    sent(1_000_000);
}

fn sent(count: usize) {
    let networks = networks();
    for (n, files) in networks.iter().enumerate() {
        let part = count / networks.len();
        let delivered = agree(files, part, n as u64 + 1);
        assert!(delivered > part / 20, "{delivered} of {part} were delivered");
    }
}
