//! One byte of a trie: the prefixes that end in it, and what is below.

use super::key::Key;
use super::set::PrefixSet;
use super::word::Word;
use crate::id::NhlfeId;

/// A prefix with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::table) struct Leaf<K> {
    pub(in crate::table) key: K,
    pub(in crate::table) len: u8,
    pub(in crate::table) value: NhlfeId,
}

/// The depth of the byte that a prefix of this length, which is not 0, ends in.
pub(super) fn home(len: u8) -> u8 {
    len.saturating_sub(1) / 8
}

/// A node taken out of the arena.
#[derive(Clone, Debug)]
pub(super) struct Node<K> {
    /// Which byte it looks at, counted from 0.
    pub(super) depth: u8,
    /// What the longest prefix that ends above leads to.
    pub(super) cover: NhlfeId,
    /// Prefixes that end in this byte: of 1 to 8 bits of it.
    pub(super) prefixes: PrefixSet,
    /// Nodes below, in byte order.
    pub(super) nodes: Vec<(u8, Word)>,
    /// Lone prefixes below, in byte order.
    pub(super) leaves: Vec<Leaf<K>>,
}

impl<K: Key> Node<K> {
    /// An empty one.
    pub(super) fn new(depth: u8, cover: NhlfeId) -> Self {
        let prefixes = PrefixSet::default();
        Self { depth, cover, prefixes, nodes: Vec::new(), leaves: Vec::new() }
    }

    /// The index of a prefix that ends in this byte.
    pub(super) fn index(&self, key: K, len: u8) -> u16 {
        PrefixSet::index(key.byte(self.depth), len.saturating_sub(8 * self.depth))
    }

    /// Where each byte leads by the longest prefix that ends here or above.
    pub(super) fn slots(&self) -> [NhlfeId; 256] {
        self.prefixes.slots(self.cover)
    }

    /// Where `byte` leads by the longest prefix that ends here or above.
    pub(super) fn value(&self, byte: u8) -> NhlfeId {
        self.prefixes.longest(byte).map_or(self.cover, |(_, value)| value)
    }

    /// Lets `byte`, where nothing is below, lead to a node.
    pub(super) fn lead(&mut self, byte: u8, below: Word) {
        let at = self.nodes.partition_point(|(other, _)| *other < byte);
        self.nodes.insert(at, (byte, below));
    }

    /// Takes in a prefix that belongs here, or below where nothing is yet.
    pub(super) fn adopt(&mut self, leaf: Leaf<K>) {
        if home(leaf.len) <= self.depth {
            self.prefixes.set(self.index(leaf.key, leaf.len), leaf.value);
        } else {
            let byte = leaf.key.byte(self.depth);
            let at = self.leaves.partition_point(|other| other.key.byte(self.depth) < byte);
            self.leaves.insert(at, leaf);
        }
    }
}
