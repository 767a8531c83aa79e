//! One byte of a trie: the prefixes that end in it, and what is below.

use std::sync::Arc;

use super::children::{Child, Children};
use super::key::Key;
use super::runs::Runs;
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

/// What decides on one byte of the address. What a lookup reads is in front.
#[derive(Clone, Debug)]
#[repr(C)]
pub(super) struct Node<K> {
    /// Where each byte's longest of `prefixes` leads, unless `children` keeps it.
    runs: Runs,
    /// Which byte it looks at, counted from 0: larger than its parent's.
    pub(super) depth: u8,
    /// The bytes before; its other bits are 0.
    pub(super) key: K,
    /// Longer prefixes.
    pub(super) children: Children<K>,
    /// Prefixes that end in this byte: of 1 to 8 bits of it, and of 0 at depth 0.
    pub(super) prefixes: PrefixSet,
}

impl<K: Key> Node<K> {
    /// An empty node on the way to `key`.
    pub(super) fn new(key: K, depth: u8) -> Self {
        Self {
            key: key.trunc(8 * depth),
            depth,
            runs: Runs::default(),
            children: Children::default(),
            prefixes: PrefixSet::default(),
        }
    }

    /// Where the longest prefix that ends in `byte` leads (`NONE`: there is none), and what is below.
    #[inline(always)]
    pub(super) fn look(&self, byte: u8) -> (NhlfeId, Option<&Child<K>>) {
        let (value, child) = self.children.look(byte);
        (value.unwrap_or_else(|| self.runs.get(byte)), child)
    }

    /// Bytes of memory beside itself and its children's blocks.
    pub(super) fn memory(&self) -> usize {
        self.runs.memory() + self.children.memory() + self.prefixes.memory()
    }

    /// Brings what lookups read in line with `prefixes`, where bytes `first` to `last` have changed.
    fn refresh(&mut self, first: u8, last: u8) {
        let slots = self.prefixes.slots();
        if self.children.keeps_values() {
            self.runs.clear();
            self.children.keep_values(first, last, &slots);
        } else {
            self.runs.pack(&slots);
        }
    }

    fn set(&mut self, key: K, len: u8, value: NhlfeId) -> Option<NhlfeId> {
        let index = self.index(key, len);
        let old = self.prefixes.set(index, value);
        let (first, last) = PrefixSet::range(index);
        self.refresh(first, last);
        old
    }

    /// Changes the children; when they begin or cease to keep values, all are refreshed.
    fn change_children(&mut self, change: impl FnOnce(&mut Children<K>)) {
        let kept = self.children.keeps_values();
        change(&mut self.children);
        if self.children.keeps_values() != kept {
            self.refresh(0, u8::MAX);
        }
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
            return node.set(leaf.key, leaf.len, leaf.value);
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
            let index = node.index(key, len);
            let value = node.prefixes.remove(index);
            let (first, last) = PrefixSet::range(index);
            node.refresh(first, last);
            return value;
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
            None => node.change_children(|children| children.remove(byte)),
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
                self.set(leaf.key, leaf.len, leaf.value);
            }
            child => {
                let byte = child.key().byte(self.depth);
                self.change_children(|children| children.insert(byte, child));
            }
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
