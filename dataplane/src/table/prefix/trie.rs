//! A whole trie.

use std::sync::Arc;

use super::children::Child;
use super::iter::Iter;
use super::key::Key;
use super::node::{Leaf, Node};
use crate::id::NhlfeId;

/// Addresses that are looked up together.
const TOGETHER: usize = 64;

/// The longest match so far: a prefix in a node, or a lone one.
#[derive(Clone, Copy, Debug)]
enum Match<'a, K> {
    None,
    In(&'a Node<K>, u16),
    Lone(&'a Leaf<K>),
}

impl<K: Key> Match<'_, K> {
    #[inline(always)]
    fn value(self) -> Option<NhlfeId> {
        match self {
            Self::None => None,
            Self::In(node, index) => node.prefixes.get(index),
            Self::Lone(leaf) => Some(leaf.value),
        }
    }
}

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

/// Goes one node down; gives back the next node, if there is one on the way to `address`.
#[inline(always)]
fn step<'a, K: Key>(node: &'a Node<K>, address: K, best: &mut Match<'a, K>) -> Option<&'a Node<K>> {
    let byte = address.byte(node.depth);
    let index = node.prefixes.longest(byte);
    if index != 0 {
        *best = Match::In(node, index);
    }
    match node.children.get(byte)? {
        Child::Node(next) => (address.common(next.key) >= 8 * next.depth).then_some(next),
        Child::Leaf(leaf) => {
            if address.common(leaf.key) >= leaf.len {
                *best = Match::Lone(leaf);
            }
            None
        }
    }
}

impl<K: Key> Trie<K> {
    #[inline(always)]
    fn find(&self, address: K) -> Match<'_, K> {
        let mut best = Match::None;
        let mut next = self.root.as_deref();
        while let Some(node) = next {
            next = step(node, address, &mut best);
        }
        best
    }

    /// The value of the longest prefix that covers `address`.
    #[inline]
    pub(in crate::table) fn lookup(&self, address: K) -> Option<NhlfeId> {
        self.find(address).value()
    }

    /// The longest prefix that covers `address`.
    pub(in crate::table) fn longest_match(&self, address: K) -> Option<Leaf<K>> {
        match self.find(address) {
            Match::None => None,
            Match::In(node, index) => Some(node.leaf(index, node.prefixes.get(index)?)),
            Match::Lone(leaf) => Some(*leaf),
        }
    }

    /// Looks addresses up; `NONE` where no prefix covers one. They go down level
    /// by level together, so that their waits for memory overlap.
    pub(in crate::table) fn lookup_batch<A: Copy + Into<K>>(&self, addresses: &[A], found: &mut [NhlfeId]) {
        let batches = addresses.chunks(TOGETHER).zip(found.chunks_mut(TOGETHER));
        batches.for_each(|(addresses, found)| self.lookup_together(addresses, found));
    }

    fn lookup_together<A: Copy + Into<K>>(&self, addresses: &[A], found: &mut [NhlfeId]) {
        let mut best = [Match::None; TOGETHER];
        let mut next = [self.root.as_deref(); TOGETHER];
        let mut going = self.root.is_some();
        while going {
            going = false;
            for ((address, next), best) in addresses.iter().zip(&mut next).zip(&mut best) {
                if let Some(node) = *next {
                    *next = step(node, (*address).into(), best);
                    going |= next.is_some();
                }
            }
        }
        for (found, best) in found.iter_mut().zip(best) {
            *found = best.value().unwrap_or(NhlfeId::NONE);
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
            let beside = node.prefixes.memory() + node.children.memory();
            each(Arc::as_ptr(node).addr(), 16 + size_of::<Node<K>>() + beside);
            node.children.blocks().for_each(|(at, bytes)| each(at, bytes));
            nodes.extend(node.children.iter().filter_map(|(_, child)| match child {
                Child::Node(node) => Some(node),
                Child::Leaf(_) => None,
            }));
        }
    }
}
