//! Look-ups: down from the root, byte by byte.

use std::hint::select_unpredictable;
use std::sync::atomic::Ordering::Relaxed;

use super::arena::{Words, word};
use super::key::{Address, Key};
use super::pack::look;
use super::place::slot;
use super::word::{Shape, Word};
use crate::id::NhlfeId;
use crate::memory::fetch;

/// Addresses that are looked up together.
const TOGETHER: usize = 64;

/// Where the word is that `byte` leads to in a node.
#[inline(always)]
fn place(words: &Words, at: Word, byte: u8) -> usize {
    match at.shape() {
        Shape::Packed => slot(words, at.start(), byte),
        _ => at.start() + usize::from(byte),
    }
}

/// One byte further, if it is a node: what the address leads to then.
#[inline(always)]
fn step(words: &Words, at: Word, byte: u8) -> Word {
    if at.is_node() { Word(word(words, place(words, at, byte))) } else { at }
}

/// What the address leads to.
#[inline]
pub(super) fn one<K: Key>(words: &Words, root: Word, address: K) -> NhlfeId {
    on(words, root, 0, address)
}

/// What an address leads to that has come to `at`, which looks at byte `depth`.
#[inline(always)]
pub(super) fn on<K: Key>(words: &Words, mut at: Word, mut depth: u8, address: K) -> NhlfeId {
    while at.is_node() {
        at = step(words, at, address.byte(depth));
        depth += 1;
    }
    NhlfeId(if at.is_leaf() { look(words, at.place(), address).0 } else { at.0 })
}

/// Looks addresses up; `default` where nothing but the prefix of no bits covers one. They
/// go down level by level together, and what each will need next is fetched meanwhile, so
/// that their waits for memory overlap.
#[inline(always)]
pub(super) fn all<A: Address>(
    words: &Words,
    root: Word,
    default: NhlfeId,
    addresses: &[A],
    found: &mut [NhlfeId],
) {
    for (addresses, found) in addresses.chunks(TOGETHER).zip(found.chunks_mut(TOGETHER)) {
        let count = addresses.len().min(found.len());
        together(words, root, default, &addresses[..count], &mut found[..count]);
    }
}

#[inline(always)]
fn together<A: Address>(words: &Words, root: Word, default: NhlfeId, addresses: &[A], found: &mut [NhlfeId]) {
    let table = words.get(root.start()..).and_then(|words| words.first_chunk::<256>());
    let deeper = match table.filter(|_| root.shape() == Shape::Direct) {
        Some(table) => front(words, addresses, found, |byte| Word(table[usize::from(byte)].load(Relaxed))),
        None => front(words, addresses, found, |byte| step(words, root, byte)),
    };
    if deeper {
        let mut slots = [0; TOGETHER];
        if A::WIDE {
            level(words, addresses, found, &mut slots, A::byte::<3>);
            level(words, addresses, found, &mut slots, A::byte::<4>);
        } else {
            level(words, addresses, found, &mut slots, A::byte::<2>);
        }
    }
    if A::WIDE {
        leaves(words, addresses, found);
    }
    for (address, found) in addresses.iter().zip(found) {
        let at = Word(found.0);
        if at.goes_on() {
            // Few have as long a way.
            *found = on(words, at, if A::WIDE { 5 } else { 3 }, address.key());
        }
        *found = select_unpredictable(found.is_some(), *found, default);
    }
}

/// The first bytes, of which the nodes are few, and near. Gives whether any address goes on to a node: among few
/// routes none does.
#[inline(always)]
fn front<A: Address>(
    words: &Words,
    addresses: &[A],
    found: &mut [NhlfeId],
    first: impl Fn(u8) -> Word,
) -> bool {
    let mut deeper = false;
    for (address, found) in addresses.iter().zip(found) {
        let mut at = step(words, first(address.byte::<0>()), address.byte::<1>());
        if A::WIDE {
            at = step(words, at, address.byte::<2>());
        }
        fetch_at(words, at.start());
        deeper |= at.is_node();
        *found = NhlfeId(at.0);
    }
    deeper
}

/// One byte further.
#[inline(always)]
fn level<A: Address>(
    words: &Words,
    addresses: &[A],
    found: &mut [NhlfeId],
    slots: &mut [u32; TOGETHER],
    byte: impl Fn(A) -> u8,
) {
    for ((address, found), slot) in addresses.iter().zip(&*found).zip(&mut *slots) {
        let at = Word(found.0);
        // What leads to itself has no slot.
        *slot = if at.is_node() { place(words, at, byte(*address)) as u32 } else { u32::MAX };
        fetch_at(words, *slot as usize);
    }
    for (found, slot) in found.iter_mut().zip(slots) {
        let at = words.get(*slot as usize).map_or(found.0, |word| word.load(Relaxed));
        if A::WIDE {
            fetch_at(words, Word(at).offset());
        }
        *found = NhlfeId(at);
    }
}

/// Where a lone prefix is left, whether it covers the address: which have one nothing
/// foretells, so all look.
#[inline(always)]
fn leaves<A: Address>(words: &Words, addresses: &[A], found: &mut [NhlfeId]) {
    for (address, found) in addresses.iter().zip(found) {
        let at = Word(found.0);
        let place = if at.is_leaf() { at.place() } else { 0 };
        let value = look(words, place, address.key());
        *found = NhlfeId(select_unpredictable(at.is_leaf(), value.0, at.0));
    }
}

/// Lets the word at `at` come.
#[inline(always)]
fn fetch_at(words: &Words, at: usize) {
    fetch(words.as_ptr().wrapping_add(at));
}
