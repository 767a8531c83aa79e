//! A whole trie.

use std::hint::select_unpredictable;
use std::sync::Arc;

use super::children::Child;
use super::iter::Iter;
use super::key::Key;
use super::node::{Leaf, Node};
use crate::id::NhlfeId;

/// Addresses that are looked up together.
const TOGETHER: usize = 64;

/// Prefix to value.
#[derive(Clone, Debug)]
pub(in crate::table) struct Trie<K> {
    root: Option<Arc<Node<K>>>,
    len: usize,
}

impl<K> Default for Trie<K> {
    fn default() -> Self {
        Self { root: None, len: 0 }
    }
}

/// Goes one node down. `best` is what the longest match so far leads to; gives
/// back what it leads to now, and the next node, if there is one on the way to `address`.
#[inline(always)]
fn step<K: Key>(node: &Node<K>, address: K, best: NhlfeId) -> (NhlfeId, Option<&Node<K>>) {
    let (value, child) = node.look(address.byte(node.depth));
    // Not a branch: it would wait for the value, and be guessed wrong half the time.
    let best = select_unpredictable(value.is_some(), value, best);
    match child {
        None => (best, None),
        Some(Child::Node(next)) => (best, (address.common(next.key) >= 8 * next.depth).then_some(next)),
        Some(Child::Leaf(leaf)) => {
            (select_unpredictable(address.common(leaf.key) >= leaf.len, leaf.value, best), None)
        }
    }
}

impl<K: Key> Trie<K> {
    /// The value of the longest prefix that covers `address`.
    #[inline]
    pub(in crate::table) fn lookup(&self, address: K) -> Option<NhlfeId> {
        let mut best = NhlfeId::NONE;
        let mut next = self.root.as_deref();
        while let Some(node) = next {
            (best, next) = step(node, address, best);
        }
        best.is_some().then_some(best)
    }

    /// The longest prefix that covers `address`.
    pub(in crate::table) fn longest_match(&self, address: K) -> Option<Leaf<K>> {
        let mut best = None;
        let mut next = self.root.as_deref();
        while let Some(node) = next {
            let byte = address.byte(node.depth);
            let here = node.prefixes.longest(byte);
            best = here.map(|(index, value)| node.leaf(index, value)).or(best);
            next = match node.children.get(byte) {
                Some(Child::Node(next)) if address.common(next.key) >= 8 * next.depth => Some(next),
                Some(Child::Leaf(leaf)) if address.common(leaf.key) >= leaf.len => return Some(*leaf),
                _ => None,
            };
        }
        best
    }

    /// Looks addresses up; `NONE` where no prefix covers one. They go down level
    /// by level together, so that their waits for memory overlap.
    pub(in crate::table) fn lookup_batch<A: Copy + Into<K>>(&self, addresses: &[A], found: &mut [NhlfeId]) {
        let batches = addresses.chunks(TOGETHER).zip(found.chunks_mut(TOGETHER));
        batches.for_each(|(addresses, found)| self.lookup_together(addresses, found));
    }

    fn lookup_together<A: Copy + Into<K>>(&self, addresses: &[A], found: &mut [NhlfeId]) {
        let mut next = [self.root.as_deref(); TOGETHER];
        found.iter_mut().zip(addresses).for_each(|(found, _)| *found = NhlfeId::NONE);
        let mut going = self.root.is_some();
        while going {
            going = false;
            for ((address, next), found) in addresses.iter().zip(&mut next).zip(&mut *found) {
                if let Some(node) = *next {
                    (*found, *next) = step(node, (*address).into(), *found);
                    going |= next.is_some();
                }
            }
        }
    }

    /// The value of exactly this prefix.
    pub(in crate::table) fn get(&self, key: K, len: u8) -> Option<NhlfeId> {
        self.root.as_deref()?.get(key.trunc(len), len)
    }

    /// Sets the value of a prefix; gives back the one before. Setting what is there copies nothing.
    pub(in crate::table) fn insert(&mut self, key: K, len: u8, value: NhlfeId) -> Option<NhlfeId> {
        let key = key.trunc(len);
        let old = self.get(key, len);
        if old != Some(value) {
            let root = self.root.get_or_insert_with(|| Arc::new(Node::new(K::ZERO, 0)));
            root.insert(Leaf { key, len, value });
            self.len += usize::from(old.is_none());
        }
        old
    }

    /// Takes a prefix out; gives back its value. Taking out what is not there copies nothing.
    pub(in crate::table) fn remove(&mut self, key: K, len: u8) -> Option<NhlfeId> {
        let key = key.trunc(len);
        self.get(key, len)?;
        let old = self.root.as_mut()?.remove(key, len);
        self.len -= 1;
        if self.len == 0 {
            self.root = None;
        }
        old
    }

    /// Prefixes in it.
    pub(in crate::table) fn len(&self) -> usize {
        self.len
    }

    /// Every prefix, by address and then by length.
    pub(in crate::table) fn iter(&self) -> Iter<'_, K> {
        Iter::new(self.root.as_deref())
    }

    /// Calls `each` with the address and size in bytes of every piece of memory it takes.
    pub(in crate::table) fn pieces(&self, mut each: impl FnMut(usize, usize)) {
        let mut nodes: Vec<&Arc<Node<K>>> = self.root.iter().collect();
        while let Some(node) = nodes.pop() {
            each(Arc::as_ptr(node).addr(), 16 + size_of::<Node<K>>() + node.memory());
            node.children.blocks().for_each(|(at, bytes)| each(at, bytes));
            nodes.extend(node.children.iter().filter_map(|child| match child {
                Child::Node(node) => Some(node),
                Child::Leaf(_) => None,
            }));
        }
    }
}
