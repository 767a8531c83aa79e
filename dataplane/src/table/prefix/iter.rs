//! Every prefix of a trie in order.

use super::arena::Words;
use super::key::Key;
use super::node::{Leaf, Node};
use super::set::PrefixSet;
use super::word::Word;

/// What a node has to offer.
#[derive(Clone, Copy, Debug)]
enum Item<K> {
    Prefix(Leaf<K>),
    /// A node, with the bytes before it and its depth.
    Node(K, u8, Word),
}

/// Every prefix, by address and then by length.
#[derive(Debug)]
pub(in crate::table) struct Iter<'a, K> {
    words: &'a Words,
    /// What is still to come of the nodes on the way, last first.
    ways: Vec<Vec<Item<K>>>,
}

impl<'a, K: Key> Iter<'a, K> {
    pub(super) fn new(words: &'a Words, root: Word) -> Self {
        let ways = if root.is_node() { vec![vec![Item::Node(K::ZERO, 0, root)]] } else { Vec::new() };
        Self { words, ways }
    }

    /// What a node offers, last first.
    fn open(&self, key: K, depth: u8, at: Word) -> Vec<Item<K>> {
        let node: Node<K> = Node::read(self.words, at, depth);
        let below = |(byte, at): &(u8, Word)| {
            let key = key.with((*byte).into(), 8 * (depth + 1));
            // After the prefix of the same bits, which ends here.
            ((key.order(), 8 * (depth + 1), 1), Item::Node(key, depth + 1, *at))
        };
        let leaf = |leaf: &Leaf<K>| ((leaf.key.order(), leaf.len, 0), Item::Prefix(*leaf));
        let own = |(index, value)| {
            let (bits, low) = PrefixSet::prefix(index);
            let len = 8 * depth + bits;
            leaf(&Leaf { key: key.with(low, len), len, value })
        };
        let mut items: Vec<_> = node.prefixes.iter().map(own).collect();
        items.extend(node.leaves.iter().map(leaf));
        items.extend(node.nodes.iter().map(below));
        items.sort_unstable_by_key(|(order, _)| std::cmp::Reverse(*order));
        items.into_iter().map(|(_, item)| item).collect()
    }
}

impl<K: Key> Iterator for Iter<'_, K> {
    type Item = Leaf<K>;

    fn next(&mut self) -> Option<Leaf<K>> {
        loop {
            match self.ways.last_mut()?.pop() {
                Some(Item::Prefix(leaf)) => return Some(leaf),
                Some(Item::Node(key, depth, at)) => {
                    let items = self.open(key, depth, at);
                    self.ways.push(items);
                }
                None => drop(self.ways.pop()),
            }
        }
    }
}
