//! A large IPv4 table, which has a sheet, against its own nodes, and beside a reader.

use std::net::Ipv4Addr;
use std::sync::OnceLock;

use ipnet::Ipv4Net;
use proptest::prelude::*;

use super::beside::{self, Op, op};
use super::trie::Trie;
use crate::id::NhlfeId;
use crate::table::Fib4;

/// Bytes of a sheet.
const SHEET: usize = 64 << 20;

/// Routes everywhere, as many as make a sheet worth while.
fn large() -> Fib4 {
    static LARGE: OnceLock<Fib4> = OnceLock::new();
    let make = || {
        let mut fib = Fib4::default();
        for i in 0..150_000u32 {
            let len = [24, 24, 24, 22, 20, 16, 32, 27][i as usize & 7];
            fib.insert(net(i.wrapping_mul(0x9e37_79b1), len), NhlfeId(i));
        }
        fib
    };
    LARGE.get_or_init(make).clone()
}

fn net(bits: u32, len: u8) -> Ipv4Net {
    Ipv4Net::new(Ipv4Addr::from_bits(bits), len).unwrap()
}

/// Look-ups find what the nodes say, which other tests hold against a scan.
fn agrees(fib: &Fib4, addresses: &[Ipv4Addr]) {
    let mut batch = vec![NhlfeId(77); addresses.len()];
    fib.lookup_batch(addresses, &mut batch);
    // Of few together every address is looked up by itself.
    let mut few = vec![NhlfeId(77); addresses.len()];
    addresses
        .chunks(7)
        .zip(few.chunks_mut(7))
        .for_each(|(addresses, found)| fib.lookup_batch(addresses, found));
    assert_eq!(batch, few);
    for (address, batched) in addresses.iter().zip(batch) {
        let expected = fib.longest_match(*address).map(|(_, value)| value);
        assert_eq!(fib.lookup(*address), expected, "{address}");
        assert_eq!(batched, expected.unwrap_or(NhlfeId::NONE), "{address}");
    }
}

/// Addresses at and about the ends of a prefix and somewhere in it.
fn about(net: Ipv4Net, step: u32) -> [Ipv4Addr; 5] {
    let (first, last) = (net.network().to_bits(), net.broadcast().to_bits());
    let inside = first + (last - first) / 7 * (step % 7);
    [first.wrapping_sub(1), first, inside, last, last.wrapping_add(1)].map(Ipv4Addr::from_bits)
}

/// Prefixes that nest, in a few places.
fn nets() -> impl Strategy<Value = Ipv4Net> {
    let byte = || prop_oneof![Just(0u8), Just(0xff), 0u8..3, any::<u8>()];
    let bits = (9u8..12, byte(), byte(), byte()).prop_map(|(a, b, c, d)| u32::from_be_bytes([a, b, c, d]));
    (bits, prop_oneof![1 => 0u8..=7, 9 => 8u8..=32]).prop_map(|(bits, len)| net(bits, len))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn every_generation_finds_what_its_nodes_say(
        steps in prop::collection::vec((op(), nets()), 1..120),
        others in prop::collection::vec(any::<u32>(), 64),
    ) {
        let mut fib = large();
        let mut forks = vec![fib.clone()];
        let others: Vec<_> = others.into_iter().map(Ipv4Addr::from_bits).collect();
        let mut addresses = others.clone();
        for ((op, net), step) in steps.into_iter().zip(0..) {
            addresses.extend(about(net, step));
            match op {
                Op::Insert(value) => {
                    fib.insert(net, NhlfeId(value));
                }
                Op::Remove => {
                    let covering = fib.longest_match(net.addr()).map_or(net, |(net, _)| net);
                    fib.remove(covering);
                }
                Op::Fork => forks.push(fib.clone()),
                Op::GiveUp(value) => {
                    let mut next = fib.clone();
                    next.insert(net, NhlfeId(value));
                    let covering = next.longest_match(others[step as usize % 64]).map_or(net, |(net, _)| net);
                    next.remove(covering);
                }
                Op::End(fork) if forks.len() > 1 => drop(forks.swap_remove(fork.index(forks.len()))),
                Op::Return(fork) => {
                    let at = fork.index(forks.len());
                    std::mem::swap(&mut fib, &mut forks[at]);
                }
                Op::End(_) => {}
            }
            agrees(&fib, &addresses[addresses.len().saturating_sub(40)..]);
        }
        agrees(&fib, &addresses);
        forks.iter().for_each(|fork| agrees(fork, &addresses));
        drop(forks);
        // What was marked is written now, but for what the next edit does.
        fib.insert(net(0x0a00_0000, 9), NhlfeId(10));
        agrees(&fib, &addresses);
    }
}

/// More changes than wait for a clone that stays long: once it is gone the sheet says again what it said.
#[test]
fn a_sheet_outlives_more_changes_than_it_waits_for() {
    let mut trie = Trie::<u32>::default();
    let slot = |i: u32| (i * 100) << 8;
    for i in 0..160_000 {
        trie.insert(slot(i), 24, NhlfeId(i));
    }
    assert_eq!(trie.undecided(), 0);
    let long = trie.clone();
    for i in 0..1_000 {
        trie.insert(slot(i), 24, NhlfeId(i + 1));
    }
    assert_eq!(trie.undecided(), 1_000);
    drop(long);
    assert!(trie.undecided() > 500);
    let next = trie.clone();
    trie.insert(slot(2_000), 24, NhlfeId(7));
    assert_eq!(trie.undecided(), 1);
    let leads = |trie: &Trie<u32>, i: u32| trie.lookup(slot(i));
    assert!(
        (0..1_000).all(|i| leads(&trie, i) == Some(NhlfeId(i + 1)) && leads(&next, i) == leads(&trie, i))
    );
    assert_eq!((leads(&next, 2_000), leads(&trie, 2_000)), (Some(NhlfeId(2_000)), Some(NhlfeId(7))));
}

/// Routes that make a sheet worth while, and none longer than /24.
fn without_pages() -> Trie<u32> {
    let mut trie = Trie::default();
    for i in 0..160_000u32 {
        trie.insert((i * 100) << 8, 24, NhlfeId(i));
    }
    assert_eq!((trie.undecided(), trie.pages()), (0, 0));
    trie
}

#[test]
fn a_page_that_nobody_needs_is_used_again() {
    let mut trie = without_pages();
    let mut before = trie.clone();
    for i in 0..1_000u32 {
        let (slot, value) = ((i * 100) << 8, NhlfeId(i + 1));
        let mut next = trie.clone();
        next.insert(slot | 0x80, 25, value);
        next.insert(slot | 0x40, 26, NhlfeId(i + 2));
        let leads = |trie: &Trie<u32>| [0, 0x41, 0x81].map(|host| trie.lookup(slot | host));
        assert_eq!(leads(&next), [Some(NhlfeId(i)), Some(NhlfeId(i + 2)), Some(value)]);
        assert_eq!(leads(&trie), [Some(NhlfeId(i)); 3]);
        if i % 3 == 0 {
            // One that is given up.
            drop(next);
            next = trie.clone();
            next.insert(slot | 0xff, 32, value);
            assert_eq!(leads(&next), [Some(NhlfeId(i)); 3]);
            next.remove(slot | 0xff, 32);
        } else {
            next.remove(slot | 0x40, 26);
            next.remove(slot | 0x80, 25);
        }
        assert_eq!(leads(&next), [Some(NhlfeId(i)); 3]);
        before = std::mem::replace(&mut trie, next);
    }
    drop(before);
    assert!((1..10).contains(&trie.pages()), "{} pages", trie.pages());
    assert_eq!(trie.undecided(), 0);
}

#[test]
fn where_there_are_no_pages_left_the_nodes_decide() {
    let mut trie = without_pages();
    let key = |i: u32| i << 8 | 0x80;
    for i in 0..70_000u32 {
        trie.insert(key(i), 25, NhlfeId(i));
    }
    assert_eq!((trie.pages(), trie.undecided()), (1 << 16, 70_000 - (1 << 16)));
    assert!((0..70_000).all(|i| trie.lookup(key(i) | 1) == Some(NhlfeId(i))));
    // What others have no more may be had.
    for i in 0..10_000u32 {
        trie.remove(key(i), 25);
    }
    for i in 70_000..75_000u32 {
        trie.insert(key(i), 25, NhlfeId(i));
    }
    assert_eq!((trie.pages(), trie.undecided()), (1 << 16, 70_000 - (1 << 16)));
    let value = |i: u32| i.is_multiple_of(100).then_some(NhlfeId(i / 100));
    assert!((0..10_000).all(|i| trie.lookup(key(i) | 1) == value(i)));
    assert!((10_000..75_000).all(|i| trie.lookup(key(i) | 1) == Some(NhlfeId(i))));
    assert!((10_000..75_000).all(|i| trie.lookup(key(i) ^ 0x80) == value(i)));
}

/// Vectors look at the first page of sixteen words by itself, and at the others together.
#[test]
fn any_of_a_burst_may_lead_to_pages() {
    let mut fib = large();
    // Of those that `large` has, longer ones or short ones.
    let route = |i: u32, len| net((i * 8 + u32::from(len > 24) * 6).wrapping_mul(0x9e37_79b1), len);
    let bursts = |fib: &Fib4| {
        for count in 0..=32 {
            for turn in 0..32 {
                let len = |place: u32| if (place + turn) % 32 < count { 32 } else { 24 };
                let burst: Vec<_> =
                    (0..32u32).map(|place| route(place + turn, len(place)).network()).collect();
                agrees(fib, &burst);
            }
        }
    };
    bursts(&fib);
    // The same where nodes decide some, in either generation.
    let before = fib.clone();
    for i in (0..64).step_by(3) {
        fib.insert(route(i, 32), NhlfeId(7));
        fib.remove(route(i + 1, 24));
    }
    bursts(&before);
    bursts(&fib);
}

#[test]
fn a_large_table_has_a_sheet_and_a_small_one_none() {
    let mut fib = large();
    assert!(fib.memory() > SHEET);
    assert_eq!(fib.insert(net(0x0a01_0200, 24), NhlfeId(5)), None);
    assert!(fib.memory() > SHEET && fib.memory() < 2 * SHEET);
    let nets: Vec<_> = fib.iter().map(|(net, _)| net).collect();
    for net in nets {
        fib.remove(net);
    }
    assert!(fib.memory() < 1024, "{} bytes", fib.memory());
}

#[test]
fn a_reader_sees_one_generation_a_burst() {
    let nets = [net(0x0a09_0000, 16), net(0x0a09_0100, 24), net(0x0a09_0180, 25), net(0x0ac8_0000, 13)];
    let addresses: Vec<_> = (0..32u32).flat_map(|step| nets.map(|net| about(net, step)[2])).collect();
    let mut first = large();
    let longer = |found: &Ipv4Net| nets.iter().any(|net| net.contains(found) && net != found);
    let others: Vec<_> = first.iter().map(|(net, _)| net).filter(longer).collect();
    for net in others {
        first.remove(net);
    }
    for net in nets {
        first.insert(net, NhlfeId(0));
    }
    let lead = |fib: &mut Fib4, to| {
        for net in nets {
            fib.insert(net, to);
        }
    };
    let look_up = |fib: &Fib4, found: &mut [NhlfeId]| fib.lookup_batch(&addresses, found);
    beside::a_reader_sees_one_generation_a_burst(first, addresses.len(), look_up, lead);
}
