//! Edits that find no room midway, and tables that are given up.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::Long;
use super::key::Key;
use super::trie::Trie;
use crate::id::NhlfeId;

/// One edit, and after how many blocks there is no room for it.
type Step<K> = (Option<u32>, K, u8, u32);

type Oracle = BTreeMap<(u128, u8), u32>;

/// Few addresses that have much in common: their nodes have many runs, and cover one another.
fn step<K: Key>() -> impl Strategy<Value = Step<K>> {
    let byte = || prop_oneof![4 => Just(0u8), 1 => any::<u8>()];
    let bits = (byte(), byte(), any::<u8>(), byte()).prop_map(u32_of);
    let key = bits.prop_map(|bits| K::of_words(|i| if i == 0 { bits } else { bits >> 7 }));
    let value = prop_oneof![2 => (0u32..5).prop_map(Some), 1 => Just(None)];
    (
        value,
        key,
        prop_oneof![1 => 1..=K::BITS, 2 => 9..=16u8, 6 => 25..=32u8],
        prop_oneof![3 => 0u32..8, 1 => Just(u32::MAX)],
    )
}

fn u32_of((a, b, c, d): (u8, u8, u8, u8)) -> u32 {
    u32::from_be_bytes([a, b, c, d])
}

/// Makes the steps; what is there then is what an edit with room enough leaves.
fn short_of_room<K: Key>(steps: Vec<Step<K>>) -> Result<(), TestCaseError> {
    let (mut trie, mut oracle) = (Trie::<K>::default(), Oracle::new());
    let mut before = (trie.clone(), oracle.clone());
    for (n, (value, key, len, short)) in steps.into_iter().enumerate() {
        trie.run_short(short);
        let at = (key.trunc(len).order(), len);
        let (old, known) = match value {
            Some(value) => (trie.insert(key, len, NhlfeId(value)), oracle.insert(at, value)),
            None => (trie.remove(key, len), oracle.remove(&at)),
        };
        prop_assert_eq!(old.map(|old| old.0), known);
        if n % 16 == 0 {
            agrees(&before.0, &before.1)?;
            before = (trie.clone(), oracle.clone());
        }
    }
    agrees(&trie, &oracle)
}

fn agrees<K: Key>(trie: &Trie<K>, oracle: &Oracle) -> Result<(), TestCaseError> {
    let all: Vec<_> = trie.iter().map(|leaf| ((leaf.key.order(), leaf.len), leaf.value.0)).collect();
    prop_assert!(all.iter().eq(&oracle.iter().map(|(at, value)| (*at, *value)).collect::<Vec<_>>()));
    for leaf in trie.iter() {
        // Its first address and its last.
        for address in
            [leaf.key, K::of_words(|i| leaf.key.word(i) | !K::of_words(|_| u32::MAX).trunc(leaf.len).word(i))]
        {
            let longest = trie.longest_match(address).map(|leaf| leaf.value);
            prop_assert_eq!(trie.lookup(address), longest);
        }
    }
    Ok(())
}

/// Sets what finds room in few lines, and takes out what did not change anything meanwhile.
fn bounded<K: Key>(steps: Vec<Step<K>>, most: usize) -> Result<usize, TestCaseError> {
    let (mut trie, mut oracle, mut refused) = (Trie::<K>::default(), Oracle::new(), 0);
    trie.bound(most);
    let mut before = (trie.clone(), oracle.clone());
    for (n, (_, key, len, value)) in steps.iter().enumerate() {
        let at = (key.trunc(*len).order(), *len);
        let old = trie.insert(*key, *len, NhlfeId(*value));
        prop_assert_eq!(old.map(|old| old.0), oracle.get(&at).copied());
        if trie.get(*key, *len) == Some(NhlfeId(*value)) {
            oracle.insert(at, *value);
        } else {
            refused += 1;
            prop_assert_eq!(trie.get(*key, *len), old);
            agrees(&trie, &oracle)?;
        }
        if n % 16 == 0 {
            agrees(&before.0, &before.1)?;
            before = (trie.clone(), oracle.clone());
        }
    }
    agrees(&trie, &oracle)?;
    // What goes makes room for others.
    let mut gone = 0;
    for (_, key, len, _) in &steps {
        if let Some(value) = trie.remove(*key, *len) {
            prop_assert_eq!(oracle.remove(&(key.trunc(*len).order(), *len)), Some(value.0));
            gone += 1;
        }
    }
    agrees(&trie, &oracle)?;
    prop_assert!(gone > 0);
    Ok(refused)
}

#[test]
fn what_finds_no_room_changes_nothing() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut refused = [0; 2];
    for most in (24..144).step_by(8) {
        let four = prop::collection::vec(step::<u32>(), 400).new_tree(&mut runner).unwrap().current();
        refused[0] += bounded(four, most).unwrap();
        let six = prop::collection::vec(step::<Long>(), 400).new_tree(&mut runner).unwrap().current();
        refused[1] += bounded(six, most).unwrap();
    }
    assert!(refused.iter().all(|refused| *refused > 100), "{refused:?}");
}

#[test]
fn what_surely_finds_room_is_told() {
    let mut trie = Trie::<u32>::default();
    assert!(trie.has_room_for(1 << 24) && !trie.has_room_for((1 << 24) + 1));
    assert!(
        Trie::<Long>::default().has_room_for(1 << 21) && !Trie::<Long>::default().has_room_for(1 << 21 | 1)
    );
    for i in 0..1_000 {
        trie.insert(i << 12, 20, NhlfeId(1));
    }
    assert!(trie.has_room_for((1 << 24) - 1_000) && !trie.has_room_for((1 << 24) - 999));
    assert!(!trie.has_room_for(usize::MAX));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn an_edit_without_room_is_made_elsewhere(steps in prop::collection::vec(step::<u32>(), 1..1_000)) {
        short_of_room(steps)?;
    }

    #[test]
    fn an_edit_without_room_is_made_elsewhere_in_ipv6(steps in prop::collection::vec(step::<Long>(), 1..1_000)) {
        short_of_room(steps)?;
    }
}
