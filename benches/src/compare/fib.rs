//! Look-ups beside DPDK's `rte_fib` and `rte_fib6`: the same routes, the same addresses
//! and bursts of the same size, which the peer reads from files beside its program.
//!
//! A million IPv4 prefixes: random hits, 4,096 destinations again and again, and addresses
//! anywhere. 200,000 IPv6 prefixes: random hits. The sums of what was found must agree.

use std::hint::black_box;
use std::net::{Ipv4Addr, Ipv6Addr};

use benches::prefixes::{self, Seeded};
use dataplane::id::NhlfeId;
use dataplane::table::{Fib4, Fib6};
use ipnet::{Ipv4Net, Ipv6Net};

use super::cpu::Watch;
use super::{How, Line, Took, peer};

/// Addresses that one repetition looks up.
const KEYS: usize = 1 << 20;
/// Addresses in a burst.
const BURST: usize = 32;
/// Sums side by side: the fewest instructions for each address, as the peer's compiler may use wider vectors.
const LANES: usize = 4;
/// Destinations of a busy hour.
const HOT: usize = 4_096;

pub(super) fn lines() -> Vec<Line> {
    let line = |name, peer, ours| Line { name, unit: "ns/look-up", peer, how: How::Alike(ours) };
    vec![
        line("fib4-1m-hit", "rte_fib", || v4("fib4-1m-hit", hits)),
        line("fib4-1m-hot", "rte_fib", || v4("fib4-1m-hot", hot)),
        line("fib4-1m-random", "rte_fib", || v4("fib4-1m-random", anywhere)),
        line("fib6-200k", "rte_fib6", || v6("fib6-200k")),
    ]
}

/// The million of every IPv4 line; route `i` leads to `i % 1000`.
pub(super) fn million() -> Vec<Ipv4Net> {
    prefixes::v4(1_000_000, 1)
}

/// Where route `i` leads; the peer, to whom 0 is none, is told one more.
pub(super) fn next_hop(i: usize) -> u32 {
    (i % 1_000) as u32
}

/// Writes the routes for the peer.
pub(super) fn tell4(routes: &[Ipv4Net]) {
    let all = routes.iter().enumerate();
    let words = all.flat_map(|(i, net)| [net.addr().to_bits(), net.prefix_len().into(), next_hop(i) + 1]);
    peer::tell("fib4.routes", words.flat_map(u32::to_ne_bytes));
}

/// Writes addresses for the peer.
pub(super) fn tell_keys4(name: &str, keys: &[Ipv4Addr]) {
    peer::tell(&format!("{name}.keys"), keys.iter().flat_map(|a| a.to_bits().to_ne_bytes()));
}

/// Every route.
pub(super) fn load4(routes: &[Ipv4Net]) -> Fib4 {
    let mut fib = Fib4::default();
    for (i, net) in routes.iter().enumerate() {
        fib.insert(*net, NhlfeId(next_hop(i)));
    }
    fib
}

/// Addresses, each in one of the routes.
pub(super) fn hits(routes: &[Ipv4Net]) -> Vec<Ipv4Addr> {
    prefixes::hits4(routes, KEYS, 2)
}

fn hot(routes: &[Ipv4Net]) -> Vec<Ipv4Addr> {
    let (few, mut seeded) = (prefixes::hits4(routes, HOT, 2), Seeded(3));
    (0..KEYS).map(|_| few[seeded.below(HOT as u64) as usize]).collect()
}

fn anywhere(_: &[Ipv4Net]) -> Vec<Ipv4Addr> {
    let mut seeded = Seeded(2);
    (0..KEYS).map(|_| Ipv4Addr::from_bits((1 << 24) + seeded.below(223 << 24) as u32)).collect()
}

fn v4(name: &str, keys: fn(&[Ipv4Net]) -> Vec<Ipv4Addr>) -> Box<dyn FnMut() -> Took> {
    let routes = million();
    let (fib, keys) = (load4(&routes), keys(&routes));
    tell4(&routes);
    tell_keys4(name, &keys);
    Box::new(move || repeat(&keys, fib.chosen(), |keys, found| fib.lookup_batch(keys, found)))
}

fn v6(name: &str) -> Box<dyn FnMut() -> Took> {
    let routes = prefixes::v6(200_000, 1);
    let mut fib = Fib6::default();
    for (i, net) in routes.iter().enumerate() {
        fib.insert(*net, NhlfeId(next_hop(i)));
    }
    let keys: Vec<Ipv6Addr> = prefixes::hits6(&routes, KEYS, 2);
    peer::tell("fib6.routes", routes.iter().enumerate().flat_map(|(i, net)| told6(i, net)));
    peer::tell(&format!("{name}.keys"), keys.iter().flat_map(Ipv6Addr::octets));
    Box::new(move || repeat(&keys, fib.chosen(), |keys, found| fib.lookup_batch(keys, found)))
}

fn told6(i: usize, net: &Ipv6Net) -> impl Iterator<Item = u8> {
    let more = [u32::from(net.prefix_len()), next_hop(i) + 1];
    net.addr().octets().into_iter().chain(more.into_iter().flat_map(u32::to_ne_bytes))
}

/// One repetition: every key, in bursts.
fn repeat<A>(keys: &[A], chosen: &str, look_up: impl Fn(&[A], &mut [NhlfeId])) -> Took {
    let (mut found, mut sums) = ([NhlfeId::NONE; BURST], [0u32; LANES]);
    let watch = Watch::start();
    for burst in keys.chunks_exact(BURST) {
        look_up(black_box(burst), &mut found);
        for found in found.as_chunks::<LANES>().0 {
            sums.iter_mut().zip(found).for_each(|(sum, nhlfe)| *sum = sum.wrapping_add(nhlfe.0));
        }
    }
    let ns = watch.ns() / keys.len() as f64;
    // None adds nothing, and others one more than their id: the peer's next hops.
    let sum: u64 = sums.iter().map(|sum| u64::from(sum.wrapping_add((keys.len() / LANES) as u32))).sum();
    Took { ns, more: format!("sum={sum}; {chosen}") }
}
