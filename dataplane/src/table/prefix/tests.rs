//! Both tables against a linear scan and against another trie.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};
use prefix_trie::PrefixMap;
use proptest::prelude::*;

use crate::id::NhlfeId;
use crate::table::{Fib4, Fib6};

/// One step of a test: what to do, with which of a few prefixes.
#[derive(Clone, Copy, Debug)]
enum Op {
    Insert(NhlfeId),
    Remove,
    Fork,
    /// One of the forks ends, or is the one that goes on.
    End(prop::sample::Index),
    Return(prop::sample::Index),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        5 => (0u32..9).prop_map(|value| Op::Insert(NhlfeId(value))),
        3 => Just(Op::Remove),
        1 => Just(Op::Fork),
        1 => any::<prop::sample::Index>().prop_map(Op::End),
        1 => any::<prop::sample::Index>().prop_map(Op::Return),
    ]
}

/// The tests of one of the two: `$cluster` makes addresses that have much in common.
macro_rules! against_oracles {
    ($test:ident, $fib:ty, $addr:ty, $net:ty, $int:ty, $bits:literal, $cluster:expr) => {
        mod $test {
            use super::*;

            type Oracle = BTreeMap<$net, NhlfeId>;

            fn scan(oracle: &Oracle, address: $addr) -> Option<($net, NhlfeId)> {
                let covers = oracle.iter().filter(|(net, _)| net.contains(&address));
                covers.max_by_key(|(net, _)| net.prefix_len()).map(|(net, value)| (*net, *value))
            }

            fn net() -> impl Strategy<Value = $net> {
                let address = ($cluster).prop_map(|bits: $int| <$addr>::from_bits(bits));
                (address, 0..=$bits as u8).prop_map(|(address, len)| <$net>::new(address, len).unwrap())
            }

            /// Addresses at and about the ends of each prefix, and a few others.
            fn addresses(oracle: &Oracle, others: &[$int]) -> Vec<$addr> {
                let ends = oracle.keys().flat_map(|net| [net.network(), net.broadcast()]);
                let about = |end: $addr| {
                    let bits = end.to_bits();
                    [bits.wrapping_sub(1), bits, bits.wrapping_add(1)]
                };
                let all = ends.flat_map(about).chain(others.iter().copied());
                all.map(<$addr>::from_bits).collect()
            }

            fn agree(fib: &$fib, oracle: &Oracle, others: &[$int]) {
                assert_eq!((fib.len(), fib.is_empty()), (oracle.len(), oracle.is_empty()));
                assert!(fib.iter().eq(oracle.iter().map(|(net, value)| (*net, *value))), "order");
                let second: PrefixMap<$net, NhlfeId> =
                    oracle.iter().map(|(net, value)| (*net, *value)).collect();
                let addresses = addresses(oracle, others);
                let mut batch = vec![NhlfeId(77); addresses.len()];
                fib.lookup_batch(&addresses, &mut batch);
                for (address, batched) in addresses.into_iter().zip(batch) {
                    let expected = scan(oracle, address);
                    let value = expected.map(|(_, value)| value);
                    assert_eq!(fib.longest_match(address), expected, "{address}");
                    assert_eq!(fib.lookup(address), value, "{address}");
                    assert_eq!(batched, value.unwrap_or(NhlfeId::NONE), "{address}");
                    let host = <$net>::new(address, $bits).unwrap();
                    assert_eq!(second.get_lpm(&host).map(|(_, value)| *value), value, "{address}");
                }
            }

            proptest! {
                #![proptest_config(ProptestConfig::with_cases(1_000))]

                #[test]
                fn any_mix_of_changes(
                    steps in prop::collection::vec((op(), net()), 1..60),
                    others in prop::collection::vec(any::<$int>(), 8),
                ) {
                    let (mut fib, mut oracle) = (<$fib>::default(), Oracle::new());
                    let mut forks = Vec::new();
                    for (op, net) in steps {
                        match op {
                            Op::Insert(value) => {
                                prop_assert_eq!(fib.insert(net, value), oracle.insert(net.trunc(), value));
                            }
                            Op::Remove => {
                                let there = oracle.range(net.trunc()..).next().map(|(net, _)| *net);
                                let net = there.unwrap_or(net);
                                prop_assert_eq!(fib.get(net), oracle.get(&net.trunc()).copied());
                                prop_assert_eq!(fib.remove(net), oracle.remove(&net.trunc()));
                            }
                            Op::Fork => forks.push((fib.clone(), oracle.clone())),
                            Op::End(_) | Op::Return(_) if forks.is_empty() => {}
                            Op::End(fork) => drop(forks.swap_remove(fork.index(forks.len()))),
                            Op::Return(fork) => {
                                let at = fork.index(forks.len());
                                std::mem::swap(&mut fib, &mut forks[at].0);
                                std::mem::swap(&mut oracle, &mut forks[at].1);
                            }
                        }
                    }
                    agree(&fib, &oracle, &others);
                    for (fib, oracle) in forks {
                        agree(&fib, &oracle, &others);
                    }
                }

                #[test]
                fn removing_all_leaves_nothing(nets in prop::collection::vec(net(), 1..200)) {
                    let mut fib = <$fib>::default();
                    let small = fib.memory();
                    for net in &nets {
                        fib.insert(*net, NhlfeId(1));
                    }
                    for net in &nets {
                        fib.remove(*net);
                    }
                    prop_assert_eq!((fib.len(), fib.memory()), (0, small));
                    prop_assert!(small <= 1024);
                }
            }

            proptest! {
                #![proptest_config(ProptestConfig::with_cases(30))]

                /// Nodes with many children, filled and emptied again.
                #[test]
                fn wide_nodes(
                    nets in prop::collection::vec((any::<$int>(), 1..=$bits as u8), 100..300),
                    short in prop::collection::vec(net(), 10),
                    kept in 0usize..100,
                ) {
                    let wide = nets.into_iter().map(|(bits, len)| <$net>::new(<$addr>::from_bits(bits), len).unwrap());
                    let nets: Vec<_> = wide.chain(short).collect();
                    let (mut fib, mut oracle) = (<$fib>::default(), Oracle::new());
                    for (net, i) in nets.iter().zip(0..) {
                        prop_assert_eq!(fib.insert(*net, NhlfeId(i)), oracle.insert(net.trunc(), NhlfeId(i)));
                    }
                    agree(&fib, &oracle, &[]);
                    let full = (fib.clone(), oracle.clone());
                    for net in nets.iter().skip(kept) {
                        prop_assert_eq!(fib.remove(*net), oracle.remove(&net.trunc()));
                    }
                    agree(&fib, &oracle, &[]);
                    agree(&full.0, &full.1, &[]);
                }
            }

            proptest! {
                #![proptest_config(ProptestConfig::with_cases(4))]

                /// Thousands of routes, of which nothing foretells how far an address goes.
                #[test]
                fn thousands(
                    nets in prop::collection::vec((any::<$int>(), 1..=$bits as u8), 5_000),
                    nested in prop::collection::vec(net(), 500),
                ) {
                    let wide = nets.into_iter().map(|(bits, len)| <$net>::new(<$addr>::from_bits(bits), len).unwrap());
                    let (mut fib, mut second) = (<$fib>::default(), PrefixMap::new());
                    for (net, i) in wide.chain(nested).zip(0..) {
                        prop_assert_eq!(fib.insert(net, NhlfeId(i)), second.insert(net.trunc(), NhlfeId(i)));
                    }
                    prop_assert!(fib.memory() > 128 << 10);
                    let oracle: Oracle = second.iter().map(|(net, value)| (net, *value)).collect();
                    let addresses = addresses(&oracle, &[]);
                    let mut found = vec![NhlfeId(77); addresses.len()];
                    fib.lookup_batch(&addresses, &mut found);
                    for (address, found) in addresses.into_iter().zip(found) {
                        let expected = second.get_lpm(&<$net>::new(address, $bits).unwrap());
                        let value = expected.map(|(_, value)| *value);
                        prop_assert_eq!(found, value.unwrap_or(NhlfeId::NONE), "{}", address);
                        prop_assert_eq!(fib.lookup(address), value, "{}", address);
                    }
                }
            }
        }
    };
}

/// Addresses that differ in a few places only, so that prefixes nest and share bytes.
fn bytes(at: &'static [u32]) -> impl Strategy<Value = u128> {
    let byte = prop_oneof![Just(0u8), Just(0xff), Just(0x80), 0u8..4, any::<u8>()];
    prop::collection::vec(byte, at.len()).prop_map(move |bytes| {
        bytes.iter().zip(at).map(|(byte, at)| u128::from(*byte) << at).fold(0, |all, byte| all | byte)
    })
}

against_oracles!(v4, Fib4, Ipv4Addr, Ipv4Net, u32, 32, bytes(&[24, 16, 8, 0]).prop_map(|bits| bits as u32));
against_oracles!(v6, Fib6, Ipv6Addr, Ipv6Net, u128, 128, bytes(&[120, 112, 96, 80, 64, 8, 0]));

/// 100,000 prefixes of 10.0.0.0/8 and the default route, as a provider has them.
fn large() -> Fib4 {
    let mut fib = Fib4::default();
    fib.insert("0.0.0.0/0".parse().unwrap(), NhlfeId(0));
    for i in 0..100_000u32 {
        let address = Ipv4Addr::from_bits(0x0a00_0000 | i.wrapping_mul(0x9e37_79b1) >> 8);
        let len = [24, 24, 24, 22, 20, 16, 32][i as usize % 7];
        fib.insert(Ipv4Net::new(address, len).unwrap(), NhlfeId(i));
    }
    fib
}

#[test]
fn a_change_copies_a_few_nodes() {
    let mut latest = large();
    for change in ["10.1.2.0/24", "10.77.0.0/16", "10.200.3.4/32", "0.0.0.0/0", "192.0.2.0/24"] {
        let change: Ipv4Net = change.parse().unwrap();
        let mut after = latest.clone();
        after.insert(change, NhlfeId(4_000_000));
        let (shared, own) = after.shared_with(&latest);
        assert!(own <= 8 && shared > 200, "{change}: {own} of its own, {shared} shared");
        after.remove(change);
        let (_, own) = after.shared_with(&latest);
        assert!(own <= 8, "{change} out: {own} of its own");
        latest = after;
    }
}

/// As a commit that fails does.
#[test]
fn what_is_made_from_a_table_and_given_up_costs_it_nothing() {
    let mut latest = large();
    let first = (latest.clone(), latest.iter().collect::<Vec<_>>());
    let (size, mut moves) = (latest.memory(), 0);
    for i in 0..100u32 {
        let mut failed = latest.clone();
        let net = |j: u32| Ipv4Net::new(Ipv4Addr::from_bits(0x0a00_0000 | (i * 77 + j) << 8), 24).unwrap();
        for j in 0..10 {
            failed.insert(net(j), NhlfeId(4_000_000 + i));
        }
        let mut next = failed.clone();
        next.remove(net(3));
        drop((failed, next));
        let before = latest.clone();
        latest.insert(net(i % 10), NhlfeId(5_000_000 + i));
        let (shared, own) = latest.shared_with(&before);
        moves += u32::from(own > 8 || shared <= 200);
    }
    // Lines that the failed ones took are free when it moves.
    assert!(moves <= 1, "it moved {moves} times");
    assert!(latest.memory() <= 2 * size, "{} bytes, before {size}", latest.memory());
    assert!(first.0.iter().eq(first.1));
}

#[test]
fn changing_nothing_copies_nothing() {
    let before = large();
    let mut after = before.clone();
    let known: Ipv4Net = "0.0.0.0/0".parse().unwrap();
    assert_eq!(after.insert(known, NhlfeId(0)), Some(NhlfeId(0)));
    assert_eq!(after.remove("192.0.2.0/31".parse().unwrap()), None);
    assert_eq!(after.shared_with(&before).1, 0);
}

#[test]
fn a_small_table_is_small() {
    let mut fib = Fib4::default();
    assert!(fib.memory() <= 1024);
    for i in 0..1_000u32 {
        let address = Ipv4Addr::from_bits(0x0b00_0000 + i.wrapping_mul(0x9e37_79b1) % 0xd000_0000);
        fib.insert(Ipv4Net::new(address, [24, 24, 22, 19, 16][i as usize % 5]).unwrap(), NhlfeId(i));
    }
    assert!(fib.memory() <= 64 << 10, "{} bytes", fib.memory());
}

#[test]
fn four_thousand_tables_of_ten_routes_are_small() {
    let mut fib = Fib4::default();
    for i in 0..10u32 {
        fib.insert(
            Ipv4Net::new(Ipv4Addr::new(10, i as u8, 0, 0), 16 + 8 * (i as u8 & 1)).unwrap(),
            NhlfeId(i),
        );
    }
    assert!(fib.memory() <= 2 << 10, "{} bytes", fib.memory());
}

/// Two generations live while a third is made, as a publisher and a worker have it: what is
/// left behind is used again, and the table stays as large as it is.
#[test]
fn what_nobody_sees_is_used_again() {
    let first = large();
    let (mut latest, mut before, size) = (first.clone(), first.clone(), first.memory());
    for i in 0..5_000u32 {
        let mut next = latest.clone();
        let net = Ipv4Addr::from_bits(0x0a00_0000 | i.wrapping_mul(0x85eb_ca6b) >> 8);
        let net = Ipv4Net::new(net, [24, 22, 32][i as usize % 3]).unwrap();
        next.insert(net, NhlfeId(i));
        next.remove(net);
        before = std::mem::replace(&mut latest, next);
    }
    assert!(latest.memory() <= 2 * size, "{} bytes, before {size}", latest.memory());
    assert!(before.iter().all(|(net, _)| first.get(net).is_some()));
    assert!(first.iter().eq(large().iter()), "one that stays sees what it saw");
}
