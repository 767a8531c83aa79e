//! Edits that find no room midway, and tables that are given up.

use std::collections::BTreeMap;

use proptest::prelude::*;

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
