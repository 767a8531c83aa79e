//! Every prefix of a trie in order.

use super::children::Child;
use super::key::Key;
use super::node::{Leaf, Node};

/// A way through one node: indices in the order of their prefixes, by address and
/// then by length, which is a heap's depth first.
#[derive(Debug)]
struct Way<'a, K> {
    node: &'a Node<K>,
    /// The next index to look at; 0 when through.
    index: u16,
    /// Whether the prefix of that index has been given and its child is next.
    below: bool,
}

/// Every prefix, by address and then by length.
#[derive(Debug)]
pub(in crate::table) struct Iter<'a, K> {
    ways: Vec<Way<'a, K>>,
}

/// What a way comes upon.
enum Found<'a, K> {
    Prefix(Leaf<K>),
    Node(&'a Node<K>),
    End,
}

impl<'a, K: Key> Way<'a, K> {
    fn new(node: &'a Node<K>) -> Self {
        Self { node, index: 1, below: false }
    }

    fn advance(&mut self) {
        self.below = false;
        if self.index < 256 {
            self.index *= 2;
        } else {
            // Up until it is a left one, then to its right one.
            self.index >>= self.index.trailing_ones();
            self.index += u16::from(self.index != 0);
        }
    }

    fn next(&mut self) -> Found<'a, K> {
        while self.index != 0 {
            let index = self.index;
            if !self.below {
                self.below = true;
                if let Some(value) = self.node.prefixes.get(index) {
                    return Found::Prefix(self.node.leaf(index, value));
                }
            }
            self.advance();
            if index >= 256 {
                match self.node.children.get((index - 256) as u8) {
                    Some(Child::Leaf(leaf)) => return Found::Prefix(*leaf),
                    Some(Child::Node(node)) => return Found::Node(node),
                    None => {}
                }
            }
        }
        Found::End
    }
}

impl<'a, K: Key> Iter<'a, K> {
    pub(super) fn new(root: Option<&'a Node<K>>) -> Self {
        Self { ways: root.into_iter().map(Way::new).collect() }
    }
}

impl<K: Key> Iterator for Iter<'_, K> {
    type Item = Leaf<K>;

    fn next(&mut self) -> Option<Leaf<K>> {
        loop {
            match self.ways.last_mut()?.next() {
                Found::Prefix(leaf) => return Some(leaf),
                Found::Node(node) => self.ways.push(Way::new(node)),
                Found::End => drop(self.ways.pop()),
            }
        }
    }
}
