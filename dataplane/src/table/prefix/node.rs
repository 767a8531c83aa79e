//! One byte of a trie: the prefixes that end in it, and what is below.

use std::sync::Arc;

use super::children::{Child, Children};
use super::key::Key;
use super::set::PrefixSet;
use crate::id::NhlfeId;

/// A prefix with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::table) struct Leaf<K> {
    pub(in crate::table) key: K,
    pub(in crate::table) len: u8,
    pub(in crate::table) value: NhlfeId,
}

/// The depth of the byte that a prefix of this length ends in.
fn home(len: u8) -> u8 {
    len.saturating_sub(1) / 8
}

/// What decides on one byte of the address.
#[derive(Clone, Debug)]
pub(super) struct Node<K> {
    /// The bytes before; its other bits are 0.
    pub(super) key: K,
    /// Which byte it looks at, counted from 0: larger than its parent's.
    pub(super) depth: u8,
    /// Prefixes that end in this byte: of 1 to 8 bits of it, and of 0 at depth 0.
    pub(super) prefixes: PrefixSet,
    /// Longer ones.
    pub(super) children: Children<K>,
}

impl<K: Key> Node<K> {
    /// An empty node on the way to `key`.
    pub(super) fn new(key: K, depth: u8) -> Self {
        let key = key.trunc(8 * depth);
        Self { key, depth, prefixes: PrefixSet::default(), children: Children::default() }
    }

    /// The prefix of an index of `prefixes`.
    pub(super) fn leaf(&self, index: u16, value: NhlfeId) -> Leaf<K> {
        let (bits, low) = PrefixSet::prefix(index);
        let len = 8 * self.depth + bits;
        Leaf { key: self.key.with(low, len), len, value }
    }

    fn index(&self, key: K, len: u8) -> u16 {
        PrefixSet::index(key.byte(self.depth), len.saturating_sub(8 * self.depth))
    }

    /// The value of exactly this prefix, which lies below the node's key.
    pub(super) fn get(&self, key: K, len: u8) -> Option<NhlfeId> {
        let mut node = self;
        while home(len) > node.depth {
            match node.children.get(key.byte(node.depth))? {
                Child::Leaf(leaf) => return (leaf.key == key && leaf.len == len).then_some(leaf.value),
                Child::Node(next) if next.is_above(key, len) => node = next,
                Child::Node(_) => return None,
            }
        }
        node.prefixes.get(node.index(key, len))
    }

    /// Whether this prefix belongs in this node or below.
    fn is_above(&self, key: K, len: u8) -> bool {
        home(len) >= self.depth && key.common(self.key) >= 8 * self.depth
    }

    /// Sets the value of a prefix that belongs in this node or below; gives back the one before.
    pub(super) fn insert(self: &mut Arc<Self>, leaf: Leaf<K>) -> Option<NhlfeId> {
        let node = Arc::make_mut(self);
        if home(leaf.len) <= node.depth {
            return node.prefixes.set(node.index(leaf.key, leaf.len), leaf.value);
        }
        match node.children.get_mut(leaf.key.byte(node.depth)) {
            Some(child) => child.insert(leaf),
            None => {
                node.adopt(Child::Leaf(leaf));
                None
            }
        }
    }

    /// Takes a prefix that belongs in this node or below out; gives back its value.
    pub(super) fn remove(self: &mut Arc<Self>, key: K, len: u8) -> Option<NhlfeId> {
        let node = Arc::make_mut(self);
        if home(len) <= node.depth {
            return node.prefixes.remove(node.index(key, len));
        }
        let byte = key.byte(node.depth);
        let child = node.children.get_mut(byte)?;
        let (value, left) = match child {
            Child::Leaf(leaf) => (Some(leaf.value), None),
            Child::Node(below) => {
                let value = below.remove(key, len);
                (value, below.reduced())
            }
        };
        match left {
            Some(left) => *child = left,
            None => node.children.remove(byte),
        }
        value
    }

    /// What should stand in its place now: nothing, a lone prefix, its only child, or itself.
    fn reduced(self: &Arc<Self>) -> Option<Child<K>> {
        match (self.prefixes.len(), self.children.len()) {
            (0, 0) => None,
            (0, 1) => self.children.only(),
            (1, 0) => self.prefixes.only().map(|(index, value)| Child::Leaf(self.leaf(index, value))),
            _ => Some(Child::Node(self.clone())),
        }
    }

    /// Takes in what belongs in this node or below, where there is nothing in its place.
    fn adopt(&mut self, child: Child<K>) {
        match child {
            Child::Leaf(leaf) if home(leaf.len) <= self.depth => {
                self.prefixes.set(self.index(leaf.key, leaf.len), leaf.value);
            }
            child => self.children.insert(child.key().byte(self.depth), child),
        }
    }
}

impl<K: Key> Child<K> {
    fn key(&self) -> K {
        match self {
            Self::Leaf(leaf) => leaf.key,
            Self::Node(node) => node.key,
        }
    }

    /// The depth of the node it is or would be in.
    fn depth(&self) -> u8 {
        match self {
            Self::Leaf(leaf) => home(leaf.len),
            Self::Node(node) => node.depth,
        }
    }

    /// Sets the value of a prefix that belongs in its place; gives back the one before.
    fn insert(&mut self, leaf: Leaf<K>) -> Option<NhlfeId> {
        match self {
            Self::Leaf(old) if old.key == leaf.key && old.len == leaf.len => {
                return Some(std::mem::replace(&mut old.value, leaf.value));
            }
            Self::Node(node) if node.is_above(leaf.key, leaf.len) => return node.insert(leaf),
            _ => {}
        }
        // The first byte that one of the two ends in, or in which they differ.
        let differ = leaf.key.common(self.key()) / 8;
        let mut node = Node::new(leaf.key, differ.min(self.depth()).min(home(leaf.len)));
        node.adopt(self.clone());
        node.adopt(Self::Leaf(leaf));
        *self = Self::Node(Arc::new(node));
        None
    }
}
