//! Look-ups: down from the root, byte by byte.

use std::hint::select_unpredictable;
use std::sync::atomic::Ordering::Relaxed;

use super::arena::{Words, word};
use super::key::{Address, Key};
use super::pack::look;
use super::place::slot;
use super::sheet::{self, Steps, is_mark};
use super::word::{Shape, Word};
use crate::id::NhlfeId;
use crate::memory::fetch;

/// Addresses that are looked up together.
const TOGETHER: usize = 64;
/// Words of an IPv4 table, those of some 2,000 routes, from which on nothing foretells whether an address comes
/// to a value, a lone prefix or a node: branches on it cost more than the way that all can go.
const MIXED: usize = 3 << 13;

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
    steps: Option<&Steps>,
    root: Word,
    default: NhlfeId,
    addresses: &[A],
    found: &mut [NhlfeId],
) {
    for (addresses, found) in addresses.chunks(TOGETHER).zip(found.chunks_mut(TOGETHER)) {
        let count = addresses.len().min(found.len());
        together(words, steps, root, default, &addresses[..count], &mut found[..count]);
    }
}

#[inline(always)]
fn together<A: Address>(
    words: &Words,
    steps: Option<&Steps>,
    root: Word,
    default: NhlfeId,
    addresses: &[A],
    found: &mut [NhlfeId],
) {
    let mut slots = [0; TOGETHER];
    if A::WIDE {
        if let Some(steps) = steps {
            first(words, steps, root, addresses, found);
            // Nearly all go on to a node.
            level::<A, true>(words, addresses, found, &mut slots, A::byte::<3>);
            level::<A, false>(words, addresses, found, &mut slots, A::byte::<4>);
        } else if front_of(words, root, addresses, found) {
            level::<A, false>(words, addresses, found, &mut slots, A::byte::<3>);
            level::<A, false>(words, addresses, found, &mut slots, A::byte::<4>);
        }
        return last::<A, 5>(words, default, addresses, found);
    }
    let deeper = front_of(words, root, addresses, found);
    if words.len() >= MIXED {
        level::<A, false>(words, addresses, found, &mut slots, A::byte::<2>);
        return last::<A, 3>(words, default, addresses, found);
    }
    if deeper {
        level::<A, true>(words, addresses, found, &mut slots, A::byte::<2>);
    }
    for (address, found) in addresses.iter().zip(found) {
        let at = Word(found.0);
        if at.goes_on() {
            *found = on(words, at, 3, address.key());
        }
        *found = select_unpredictable(found.is_some(), *found, default);
    }
}

/// The first step by a sheet of IPv6, which leads to the nodes that look at the fourth byte.
#[inline(always)]
fn first<A: Address>(words: &Words, steps: &Steps, root: Word, addresses: &[A], found: &mut [NhlfeId]) {
    for (address, found) in addresses.iter().zip(found) {
        let at = sheet::step(steps, address.key());
        let at = if is_mark(at.0) { three(words, root, *address) } else { at };
        fetch_at(words, at.start());
        *found = NhlfeId(at.0);
    }
}

/// What the first three bytes of an address lead to by the nodes.
#[cold]
#[inline(never)]
fn three<A: Address>(words: &Words, root: Word, address: A) -> Word {
    (0..3).fold(root, |at, depth| step(words, at, address.key().byte(depth)))
}

/// The first bytes, by the nodes.
#[inline(always)]
fn front_of<A: Address>(words: &Words, root: Word, addresses: &[A], found: &mut [NhlfeId]) -> bool {
    let table = words.get(root.start()..).and_then(|words| words.first_chunk::<256>());
    match table.filter(|_| root.shape() == Shape::Direct) {
        Some(table) => front(words, addresses, found, |byte| Word(table[usize::from(byte)].load(Relaxed))),
        None => front(words, addresses, found, |byte| step(words, root, byte)),
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

/// One byte further: by a branch for each address if it is `KNOWN` which go on to a node, as nearly all do,
/// or each does as it did before; else without one, which costs more instructions and no wrong guess.
#[inline(always)]
fn level<A: Address, const KNOWN: bool>(
    words: &Words,
    addresses: &[A],
    found: &mut [NhlfeId],
    slots: &mut [u32; TOGETHER],
    byte: impl Fn(A) -> u8,
) {
    for ((address, found), slot) in addresses.iter().zip(&*found).zip(&mut *slots) {
        let (at, byte) = (Word(found.0), byte(*address));
        let there = if KNOWN && !at.is_node() {
            // What leads to itself has no slot.
            u32::MAX as usize
        } else if KNOWN {
            place(words, at, byte)
        } else {
            let node = Word(select_unpredictable(at.is_node(), at.0, Word::packed(0).0));
            select_unpredictable(at.is_node(), place(words, node, byte), 0)
        };
        *slot = there as u32;
        fetch_at(words, there);
    }
    for (found, slot) in found.iter_mut().zip(slots) {
        let at = if KNOWN {
            words.get(*slot as usize).map_or(found.0, |word| word.load(Relaxed))
        } else {
            select_unpredictable(Word(found.0).is_node(), word(words, *slot as usize), found.0)
        };
        if A::WIDE {
            fetch_at(words, Word(at).offset());
        }
        *found = NhlfeId(at);
    }
}

/// What is found. Where a lone prefix is left, whether it covers the address: which have one nothing
/// foretells, so all look.
#[inline(always)]
fn last<A: Address, const DEPTH: u8>(
    words: &Words,
    default: NhlfeId,
    addresses: &[A],
    found: &mut [NhlfeId],
) {
    for (address, found) in addresses.iter().zip(found) {
        let at = Word(found.0);
        let place = select_unpredictable(at.is_leaf(), at.place(), 0);
        let value = look(words, place, address.key());
        let value = NhlfeId(select_unpredictable(at.is_leaf(), value.0, at.0));
        *found = select_unpredictable(value.is_some(), value, default);
        if at.is_node() {
            // Few have as long a way.
            *found = further(words, default, at, DEPTH, *address);
        }
    }
}

/// What an address leads to that has come to a node, which looks at byte `depth`.
#[cold]
#[inline(never)]
fn further<A: Address>(words: &Words, default: NhlfeId, at: Word, depth: u8, address: A) -> NhlfeId {
    let value = on(words, at, depth, address.key());
    if value.is_some() { value } else { default }
}

/// Lets the word at `at` come.
#[inline(always)]
fn fetch_at(words: &Words, at: usize) {
    fetch(words.as_ptr().wrapping_add(at));
}
