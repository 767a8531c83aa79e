//! Match rules beside DPDK's `rte_acl`: source, destination, both ports and protocol, packets
//! asked for 32 at a time, from their 13 bytes to the rule.
//!
//! Rules are like those of an access list: networks and hosts of so many sites, single ports
//! and ranges, few that take any address. Every packet is one that a rule was drawn for;
//! or (`-mixed`) half of them are drawn without a look at the rules, and most of those have none.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use dataplane::id::{IfIndex, VrfId};
use dataplane::table::rules::{
    ASKED, Asked, Conditions, Fields, Fragment, Labelled, Rule, RuleSet, Treatment,
};
use ipnet::{IpNet, Ipv4Net};

use super::cpu::Watch;
use super::{How, Line, Took};

/// Packets, and how often each is asked for in a repetition.
const PACKETS: usize = 1 << 16;
const PASSES: u32 = 8;

pub(super) fn lines() -> Vec<Line> {
    let line = |name, ours| Line { name, unit: "ns/packet", peer: "rte_acl", how: How::Alike(ours) };
    vec![
        line("acl-10", || measured(10, false)),
        line("acl-10-mixed", || measured(10, true)),
        line("acl-51", || measured(51, false)),
        line("acl-51-mixed", || measured(51, true)),
        line("acl-100", || measured(100, false)),
        line("acl-100-mixed", || measured(100, true)),
        line("acl-1000", || measured(1_000, false)),
        line("acl-1000-mixed", || measured(1_000, true)),
        line("acl-4096", || measured(4_096, false)),
        line("acl-4096-mixed", || measured(4_096, true)),
    ]
}

fn measured(rules: u32, mixed: bool) -> Box<dyn FnMut() -> Took> {
    let drawn = Drawn::rules(rules);
    let packets = Drawn::packets(&drawn, mixed);
    let (rules, start) = (drawn.iter().map(Drawn::rule).collect(), Instant::now());
    let set = black_box(RuleSet::new(rules));
    let built = start.elapsed().as_secs_f64() * 1e3;
    let kib = set.memory().div_ceil(1024);
    let mut asked = Asked::<ASKED>::default();
    Box::new(move || {
        let (mut hits, mut sum) = (0u64, 0);
        let watch = Watch::start();
        for _ in 0..PASSES {
            for burst in packets.chunks(ASKED) {
                for packet in burst {
                    asked.add(&set, &packet.fields());
                }
                asked.answer(&set, |_, found| {
                    hits += u64::from(found.is_some());
                    sum += found.map_or(0, |rule| rule as u64 + 1);
                });
            }
        }
        let ns = watch.ns() / f64::from(PASSES) / PACKETS as f64;
        Took { ns, more: format!("hits={hits} sum={sum}; built in {built:.1} ms, {kib} KiB") }
    })
}

/// The peer's draws: xorshift64* from the same seed.
struct Draw(u64);

impl Draw {
    fn new() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }

    fn below(&mut self, most: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        ((drawn * u64::from(most)) >> 32) as u32
    }

    fn host(&mut self, sites: u32) -> u32 {
        let site = self.below(sites);
        10 << 24 | site << 8 | (self.below(254) + 1)
    }

    /// A host, or the network of one.
    fn prefix(&mut self, sites: u32, any: u32, hosts: u32) -> (u32, u8) {
        let (how, address) = (self.below(100), self.host(sites));
        let length = match how {
            how if how < any => 0,
            how if how < any + 10 => 20,
            how if how < any + 10 + hosts => 32,
            _ => 24,
        };
        (address & mask(length), length)
    }
}

fn mask(length: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0)
}

/// One rule as it is drawn; protocol 0 is any.
struct Drawn {
    source: (u32, u8),
    destination: (u32, u8),
    source_ports: (u16, u16),
    destination_ports: (u16, u16),
    protocol: u8,
}

impl Drawn {
    fn rules(n: u32) -> Vec<Self> {
        let mut draw = Draw::new();
        (0..n).map(|_| Self::one(&mut draw, n / 4 + 4)).collect()
    }

    fn one(draw: &mut Draw, sites: u32) -> Self {
        let source = draw.prefix(sites, 15, 25);
        let destination = draw.prefix(sites, if source.1 == 0 { 0 } else { 5 }, 40);
        let first = if draw.below(10) == 0 { 1024 } else { 0 };
        let (how, port, wide) = (draw.below(100), draw.below(1023) as u16 + 1, draw.below(1000) as u16);
        let destination_ports = match how {
            0..60 => (port, port),
            60..75 => (1024 + port * 32, 1024 + port * 32 + wide),
            75..85 => (1024, u16::MAX),
            _ => (0, u16::MAX),
        };
        let protocol = match draw.below(10) {
            0..6 => 6,
            6..9 => 17,
            _ => 0,
        };
        Self { source, destination, source_ports: (first, u16::MAX), destination_ports, protocol }
    }

    fn rule(&self) -> Rule {
        let net = |(address, length): (u32, u8)| {
            let net = Ipv4Net::new(Ipv4Addr::from_bits(address), length).ok().filter(|_| length > 0);
            net.map(|net| vec![IpNet::V4(net)])
        };
        let ports = |(from, to)| (from > 0 || to < u16::MAX).then(|| vec![from..=to]);
        let conditions = Conditions {
            sources: net(self.source),
            destinations: net(self.destination),
            source_ports: ports(self.source_ports),
            destination_ports: ports(self.destination_ports),
            protocols: (self.protocol > 0).then(|| vec![self.protocol]),
            ..Conditions::default()
        };
        Rule { name: "drawn".into(), conditions, treatment: Treatment::default() }
    }

    fn packets(rules: &[Self], mixed: bool) -> Vec<Packet> {
        let (mut draw, n) = (Draw::new(), rules.len() as u32);
        std::iter::repeat_with(|| Packet::one(&mut draw, n / 4 + 4, rules, mixed)).take(PACKETS).collect()
    }
}

/// The 13 bytes that are looked at.
struct Packet {
    protocol: u8,
    source: u32,
    destination: u32,
    ports: (u16, u16),
}

impl Packet {
    fn one(draw: &mut Draw, sites: u32, rules: &[Drawn], mixed: bool) -> Self {
        let rule = &rules[draw.below(rules.len() as u32) as usize];
        let (source, destination) = (draw.host(sites), draw.host(sites));
        let (from, to) = (1024 + draw.below(64_512), draw.below(65_535) + 1);
        let (first, last) = rule.destination_ports;
        let within = draw.below(u32::from(last) - u32::from(first) + 1);
        let protocol = if draw.below(2) == 0 { 17 } else { 6 };
        if draw.below(2) == 0 && mixed {
            return Self { protocol, source, destination, ports: (from as u16, to as u16) };
        }
        let inside = |(net, length): (u32, u8), host: u32| net | (host & !mask(length));
        Self {
            protocol: if rule.protocol > 0 { rule.protocol } else { protocol },
            source: inside(rule.source, source),
            destination: inside(rule.destination, destination),
            ports: (from as u16, first + within as u16),
        }
    }

    #[inline(always)]
    fn fields(&self) -> Fields {
        Fields {
            interface: IfIndex(0),
            vrf: VrfId(0),
            labelled: Labelled::No,
            source: IpAddr::V4(Ipv4Addr::from_bits(self.source)),
            destination: IpAddr::V4(Ipv4Addr::from_bits(self.destination)),
            ports: Some(self.ports),
            protocol: self.protocol,
            dscp: 0,
            length: 64,
            fragment: Fragment::Whole,
        }
    }
}
