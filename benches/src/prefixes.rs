//! Prefix sets like those of the Internet's routing tables, from a seed.
//!
//! Lengths follow the shares seen in public tables: IPv4 mostly /24, then /22,
//! /23 and shorter to /8; IPv6 mostly /48, then /32, /44, /40. Most of them lie
//! in allocations, as they do there, and the rest anywhere.

use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// Numbers from a seed (SplitMix64): the same for ever on every machine.
#[derive(Clone, Debug)]
pub struct Seeded(pub u64);

impl Seeded {
    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let a = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let b = (a ^ (a >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        b ^ (b >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.number()) * u128::from(end)) >> 64) as u64
    }

    fn wide(&mut self) -> u128 {
        u128::from(self.number()) << 64 | u128::from(self.number())
    }

    /// A length by its share; shares are in thousandths.
    fn length(&mut self, shares: &[(u8, u64)]) -> u8 {
        let mut left = self.below(shares.iter().map(|(_, share)| share).sum());
        let found = shares.iter().find(|(_, share)| {
            let here = left < *share;
            left = left.saturating_sub(*share);
            here
        });
        found.map_or(0, |(len, _)| *len)
    }
}

const V4: &[(u8, u64)] = &[
    (24, 595),
    (23, 100),
    (22, 113),
    (21, 53),
    (20, 45),
    (19, 26),
    (18, 15),
    (17, 10),
    (16, 15),
    (15, 3),
    (14, 2),
    (13, 1),
    (12, 1),
    (11, 1),
    (10, 1),
    (9, 1),
    (8, 1),
    (25, 3),
    (26, 3),
    (28, 3),
    (30, 3),
    (32, 5),
];

const V6: &[(u8, u64)] = &[
    (48, 460),
    (32, 185),
    (44, 100),
    (40, 90),
    (36, 50),
    (29, 40),
    (33, 15),
    (34, 10),
    (42, 10),
    (46, 15),
    (47, 10),
    (28, 3),
    (24, 1),
    (20, 1),
    (56, 3),
    (64, 5),
    (128, 2),
];

/// The IPv6 space that registries allocate from.
const REGISTRIES: [u128; 6] = [0x2001, 0x2400, 0x2600, 0x2804, 0x2a00, 0x2c0f];

/// `n` different IPv4 prefixes of unicast space.
pub fn v4(n: usize, seed: u64) -> Vec<Ipv4Net> {
    let mut seeded = Seeded(seed);
    let unicast = |seeded: &mut Seeded| (1 << 24) + seeded.below(223 << 24) as u32;
    let allocations: Vec<u32> = (0..6_000).map(|_| unicast(&mut seeded) & 0xfffe_0000).collect();
    let mut known = HashSet::with_capacity(n);
    let mut all = Vec::with_capacity(n);
    while all.len() < n {
        let mut address = unicast(&mut seeded);
        if seeded.below(10) < 6 {
            // In one of the allocations, which are /15s.
            let at = seeded.below(allocations.len() as u64) as usize;
            address = allocations[at] | address & 0x0001_ffff;
        }
        let net = Ipv4Net::new(Ipv4Addr::from_bits(address), seeded.length(V4)).map(|net| net.trunc());
        all.extend(net.ok().filter(|net| known.insert(*net)));
    }
    all
}

/// `n` different IPv6 prefixes of global unicast space.
pub fn v6(n: usize, seed: u64) -> Vec<Ipv6Net> {
    let mut seeded = Seeded(seed);
    let allocations: Vec<u128> = (0..40_000)
        .map(|_| {
            let registry = REGISTRIES[seeded.below(6) as usize] << 112;
            registry | (seeded.wide() >> 16 & !(u128::MAX >> 32)) & (u128::MAX >> 12)
        })
        .collect();
    let mut known = HashSet::with_capacity(n);
    let mut all = Vec::with_capacity(n);
    while all.len() < n {
        // In one of the allocations, which are /32s.
        let allocation = allocations[seeded.below(allocations.len() as u64) as usize];
        let address = Ipv6Addr::from_bits(allocation | seeded.wide() >> 32);
        let net = Ipv6Net::new(address, seeded.length(V6)).map(|net| net.trunc());
        all.extend(net.ok().filter(|net| known.insert(*net)));
    }
    all
}

/// `n` addresses, each in one of `prefixes`.
pub fn hits4(prefixes: &[Ipv4Net], n: usize, seed: u64) -> Vec<Ipv4Addr> {
    let mut seeded = Seeded(seed);
    let hit = |_| {
        let net = prefixes[seeded.below(prefixes.len() as u64) as usize];
        Ipv4Addr::from_bits(net.addr().to_bits() | seeded.number() as u32 & net.hostmask().to_bits())
    };
    (0..n).map(hit).collect()
}

/// `n` addresses, each in one of `prefixes`.
pub fn hits6(prefixes: &[Ipv6Net], n: usize, seed: u64) -> Vec<Ipv6Addr> {
    let mut seeded = Seeded(seed);
    let hit = |_| {
        let net = prefixes[seeded.below(prefixes.len() as u64) as usize];
        Ipv6Addr::from_bits(net.addr().to_bits() | seeded.wide() & net.hostmask().to_bits())
    };
    (0..n).map(hit).collect()
}
