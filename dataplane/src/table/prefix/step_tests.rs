//! A large IPv6 table, of which a sheet is the first step, against another trie, and beside a reader.

use std::net::Ipv6Addr;
use std::sync::OnceLock;

use ipnet::Ipv6Net;
use prefix_trie::PrefixMap;
use proptest::prelude::*;

use super::Long;
use super::beside::{self, Op, op};
use super::trie::Trie;
use crate::id::NhlfeId;
use crate::table::Fib6;

/// Bytes of a sheet.
const SHEET: usize = 8 << 20;
/// Routes that make one worth while.
const MANY: u128 = 40_000;

type Oracle = PrefixMap<Ipv6Net, NhlfeId>;

/// A table, and what it should say.
type Both = (Trie<Long>, Oracle);

fn net(bits: u128, len: u8) -> Ipv6Net {
    Ipv6Net::new(Ipv6Addr::from_bits(bits), len).unwrap().trunc()
}

/// Bits of the first 24 after the first three, and of the fourth byte.
fn global(front: u128, byte: u128) -> u128 {
    (1 << 125) | (front & 0x1f_ffff) << 104 | (byte & 0xff) << 96
}

fn insert((trie, oracle): &mut Both, net: Ipv6Net, value: NhlfeId) {
    let old = trie.insert(net.addr().into(), net.prefix_len(), value);
    assert_eq!(old, oracle.insert(net, value));
}

fn remove((trie, oracle): &mut Both, net: Ipv6Net) {
    let old = trie.remove(net.addr().into(), net.prefix_len());
    assert_eq!(old, oracle.remove(&net));
}

/// Routes everywhere: many alone behind their first 24 bits, others not.
fn make() -> Both {
    let mut both = Both::default();
    for i in 0..MANY {
        let front = i * 0x9e_3779 % 0x1f_ffff / 40 * 40;
        let len = [48, 32, 44, 40, 29, 64, 128, 20][i as usize & 7];
        insert(&mut both, net(global(front, i) | i << 40, len), NhlfeId(i as u32));
    }
    both
}

/// The same, made once.
fn large() -> Both {
    static LARGE: OnceLock<Both> = OnceLock::new();
    LARGE.get_or_init(make).clone()
}

/// Look-ups find what the other trie says.
fn agrees((trie, oracle): &Both, addresses: &[Ipv6Addr]) {
    let mut batch = vec![NhlfeId(77); addresses.len()];
    trie.lookup_batch(addresses, &mut batch);
    for (address, batched) in addresses.iter().zip(batch) {
        let expected = oracle.get_lpm(&net(address.to_bits(), 128)).map(|(_, value)| *value);
        assert_eq!(trie.lookup((*address).into()), expected, "{address}");
        assert_eq!(batched, expected.unwrap_or(NhlfeId::NONE), "{address}");
    }
}

/// Addresses at and about the ends of a prefix and somewhere in it.
fn about(net: Ipv6Net, step: u128) -> [Ipv6Addr; 5] {
    let (first, last) = (net.network().to_bits(), net.broadcast().to_bits());
    let inside = first + (last - first) / 7 * (step % 7);
    [first.wrapping_sub(1), first, inside, last, last.wrapping_add(1)].map(Ipv6Addr::from_bits)
}

/// Prefixes that nest, in a few places, most of them global ones.
fn nets() -> impl Strategy<Value = Ipv6Net> {
    let byte = || prop_oneof![2 => Just(0u8), 1 => Just(0xff), 3 => 0u8..3, 1 => any::<u8>()];
    let front = prop_oneof![9 => 0x20u8..0x23, 1 => Just(0x3f), 1 => Just(0x40), 1 => Just(0x1f)];
    let bits = (front, byte(), byte(), byte(), byte(), byte())
        .prop_map(|(a, b, c, d, e, f)| u128::from_be_bytes([a, b, c, d, e, f, 0, 0, 0, 0, 0, 0, 0, 0, 0, f]));
    (bits, prop_oneof![1 => 0u8..=15, 3 => 16u8..=24, 9 => 25u8..=48, 2 => 49u8..=128])
        .prop_map(|(bits, len)| net(bits, len))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn every_generation_finds_what_another_trie_says(
        steps in prop::collection::vec((op(), nets(), prop::option::weighted(0.02, 0u32..8)), 1..120),
        others in prop::collection::vec(any::<u128>(), 64),
    ) {
        let mut both = large();
        let mut forks = vec![both.clone()];
        let others: Vec<_> = others.into_iter().map(|bits| Ipv6Addr::from_bits(bits >> 3 | 1 << 125)).collect();
        let mut addresses = others.clone();
        for ((op, net, short), step) in steps.into_iter().zip(0u128..) {
            addresses.extend(about(net, step));
            // The next edit finds no room after so many blocks.
            short.into_iter().for_each(|blocks| both.0.run_short(blocks));
            let covering = |both: &Both| both.1.get_lpm(&net).map_or(net, |(net, _)| net);
            match op {
                Op::Insert(value) => insert(&mut both, net, NhlfeId(value)),
                Op::Remove => {
                    let out = covering(&both);
                    addresses.extend(about(out, step));
                    remove(&mut both, out);
                }
                Op::Fork => forks.push(both.clone()),
                Op::GiveUp(value) => {
                    let mut next = both.clone();
                    insert(&mut next, net, NhlfeId(value));
                    let out = covering(&next);
                    remove(&mut next, out);
                }
                Op::End(fork) if forks.len() > 1 => drop(forks.swap_remove(fork.index(forks.len()))),
                Op::Return(fork) => {
                    let at = fork.index(forks.len());
                    std::mem::swap(&mut both, &mut forks[at]);
                }
                Op::End(_) => {}
            }
            agrees(&both, &addresses[addresses.len().saturating_sub(40)..]);
        }
        agrees(&both, &addresses);
        forks.iter().for_each(|fork| agrees(fork, &addresses));
        drop(forks);
        // What was marked is written now, but for what the next edit does.
        insert(&mut both, net(global(0, 0), 30), NhlfeId(10));
        agrees(&both, &addresses);
    }
}

/// What a global prefix is behind, alone or not, the sheet leads to.
#[test]
fn a_sheet_has_an_answer_for_everything() {
    let mut trie = make().0;
    assert!(trie.memory() > SHEET);
    assert_eq!(trie.undecided(), 0);
    for i in 0..1_000 {
        trie.insert(net(global(i * 40 + 1, 7), 48).addr().into(), 48, NhlfeId(9));
    }
    assert_eq!(trie.undecided(), 0);
    let before = trie.clone();
    let key = Long::from_bits(global(40, 7) | 1 << 90);
    trie.insert(key, 48, NhlfeId(8));
    assert_eq!(trie.undecided(), 1);
    trie.insert(key, 47, NhlfeId(7));
    assert_eq!((trie.undecided(), trie.lookup(key), before.lookup(key)), (1, Some(NhlfeId(8)), None));
    drop(before);
    assert_eq!((trie.undecided(), trie.lookup(key)), (0, Some(NhlfeId(8))));
}

#[test]
fn a_small_table_has_none() {
    let mut both = Both::default();
    for i in 0..10_000 {
        insert(&mut both, net(global(i * 200, i), 32), NhlfeId(1));
    }
    assert!(both.0.memory() < SHEET / 2, "{} bytes", both.0.memory());
    let mut all = make();
    let nets: Vec<_> = all.1.iter().map(|(net, _)| net).collect();
    for net in nets {
        remove(&mut all, net);
    }
    assert!(all.0.memory() < 1024, "{} bytes", all.0.memory());
}

/// More changes than wait for a clone that stays long: once it is gone the sheet says again what it said.
#[test]
fn a_sheet_outlives_more_changes_than_it_waits_for() {
    let mut trie = make().0;
    let key = |i: u128| Long::from_bits(global(i / 40 * 40 + 3, 5));
    let long = trie.clone();
    for i in 0..40_000 {
        trie.insert(key(i), 32, NhlfeId(5));
    }
    assert_eq!(trie.undecided(), 1_000);
    drop(long);
    assert!(trie.undecided() > 500);
    let next = trie.clone();
    trie.insert(key(0), 33, NhlfeId(7));
    assert_eq!(trie.undecided(), 1);
    assert_eq!((trie.lookup(key(0)), next.lookup(key(0))), (Some(NhlfeId(7)), Some(NhlfeId(5))));
    assert!((40..40_000).all(|i| trie.lookup(key(i)) == Some(NhlfeId(5))));
}

#[test]
fn a_reader_sees_one_generation_a_burst() {
    let nets = [(12, 16), (16, 24), (21, 29), (33, 40), (35, 48), (38, 64)];
    let nets = nets.map(|(front, len)| net(global(front, 9) | 0x1234_5678 << 60, len));
    let addresses: Vec<_> = (0..8).flat_map(|step| nets.map(|net| about(net, step)[2])).collect();
    let mut first = Fib6::default();
    for (net, value) in large().1.iter().filter(|(net, _)| !nets[0].contains(net)) {
        first.insert(net, *value);
    }
    for net in nets {
        first.insert(net, NhlfeId(0));
    }
    assert!(first.memory() > SHEET);
    let lead = |fib: &mut Fib6, to| {
        for net in nets {
            fib.insert(net, to);
        }
    };
    let look_up = |fib: &Fib6, found: &mut [NhlfeId]| fib.lookup_batch(&addresses, found);
    beside::a_reader_sees_one_generation_a_burst(first, addresses.len(), look_up, lead);
}
