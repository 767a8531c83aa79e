//! Prefixes into a trie and out of it.
//!
//! What is on the way from the root to the prefix is written anew, unless this generation
//! wrote it itself: then one word of it is changed in place. What is left behind is given
//! back when the edit is through, so that one that finds no room has changed nothing.

use super::arena::{Arena, Book, Full, Words, set_word, word};
use super::key::Key;
use super::node::{Leaf, Node, home};
use super::pack::Packed;
use super::place::{Block, Place};
use super::set::PrefixSet;
use super::sheet::Sheet;
use super::word::{Shape, Word};
use crate::id::NhlfeId;

/// Lines of an arena in which nodes may have room to grow.
const SPACIOUS: usize = 1 << 12;

/// An edit of one generation.
pub(super) struct Edit<'a> {
    pub(super) words: &'a Words,
    /// Lines there are.
    room: usize,
    pub(super) book: &'a mut Book,
    pub(super) sheet: Option<&'a Sheet>,
    pub(super) generation: u32,
    /// No generation differs in what is noted in the sheet.
    pub(super) renews: bool,
    left: Vec<Block>,
    taken: usize,
}

/// What should stand in a node's place when a prefix is out.
pub(super) enum Rest<K> {
    Nothing,
    Leaf(Leaf<K>),
    Node(Word),
}

impl<'a> Edit<'a> {
    pub(super) fn new(arena: &'a Arena, book: &'a mut Book, generation: u32) -> Self {
        let (words, room) = (arena.words(), arena.lines());
        let (sheet, left) = (arena.sheet.as_ref(), Vec::new());
        Self { words, room, book, sheet, generation, renews: false, left, taken: 0 }
    }

    /// Gives back what is left behind, if the edit came to its end: the lines taken and those
    /// left. One that found no room may have taken lines that nothing leads to: they are
    /// free when the table moves.
    pub(super) fn end(self, through: bool) -> (usize, usize) {
        let mut left = 0;
        for block in self.left.into_iter().filter(|_| through) {
            self.book.retire(block.generation..self.generation, block.line, block.lines);
            left += block.lines;
        }
        (self.taken, left)
    }

    fn take(&mut self, lines: usize) -> Result<u32, Full> {
        let line = self.book.take(lines, self.room)?;
        self.taken += lines;
        Ok(line)
    }

    /// Leaves a node behind, and its prefixes too.
    fn leave(&mut self, at: Word) {
        let place = Place::of(at);
        self.left.extend([place.block(self.words)]);
        self.left.extend(place.apart(self.words));
    }

    /// Writes a node.
    pub(super) fn put<K: Key>(&mut self, node: &Node<K>) -> Result<Word, Full> {
        let packed = Packed::new(node);
        let lines = packed.lines();
        let line = self.take(lines)?;
        self.write(&packed, node, line, lines)
    }

    fn write<K: Key>(
        &mut self,
        packed: &Packed<'_, K>,
        node: &Node<K>,
        line: u32,
        lines: usize,
    ) -> Result<Word, Full> {
        let apart = packed.lines_apart();
        let apart = Block {
            line: if apart > 0 { self.take(apart)? } else { 0 },
            lines: apart,
            generation: self.generation,
        };
        let place = packed.write(self.words, line, lines, self.generation);
        if place.shape == Shape::Direct {
            place.set_apart(self.words, apart);
        }
        Packed::<K>::write_list(self.words, &place, &node.prefixes);
        Ok(place.node())
    }

    /// Writes a node anew: where it stands, if no clone can see it there and it takes as much.
    /// What leads there stays as it is, so that an edit that is made again for want of room finds
    /// a whole node there.
    fn replace<K: Key>(&mut self, at: Word, node: &Node<K>) -> Result<Word, Full> {
        let (packed, block) = (Packed::new(node), Place::of(at).block(self.words));
        let lines = packed.lines();
        let fits = lines..=lines + 1 + lines / 8;
        let stays = at.shape() == Shape::Packed && packed.is_packed();
        if block.generation == self.generation && fits.contains(&block.lines) && stays {
            return self.write(&packed, node, block.line, block.lines);
        }
        // What one generation changes twice it may change again.
        let again = block.generation == self.generation && self.room >= SPACIOUS && packed.lines_apart() == 0;
        let lines = lines + if again { 1 + lines / 8 } else { 0 };
        let line = self.take(lines)?;
        self.leave(at);
        self.write(&packed, node, line, lines)
    }

    /// A node that is this generation's own, to be changed in place: itself or a copy.
    pub(super) fn own(&mut self, at: Word) -> Result<Place, Full> {
        let place = Place::of(at);
        let block = place.block(self.words);
        if block.generation == self.generation {
            return Ok(place);
        }
        let line = self.take(block.lines)?;
        self.left.push(block);
        Ok(place.copy(self.words, self.words, line, self.generation))
    }

    /// Lets the word at `slot` of a node lead to `below`.
    fn lead(&mut self, at: Word, slot: usize, below: Word) -> Result<Word, Full> {
        if word(self.words, slot) == below.0 {
            return Ok(at);
        }
        let own = self.own(at)?;
        set_word(self.words, slot - at.start() + own.start, below.0);
        Ok(own.node())
    }

    /// Sets the value of a prefix that belongs in the node at `at` or below.
    pub(super) fn insert<K: Key>(&mut self, at: Word, depth: u8, leaf: Leaf<K>) -> Result<Word, Full> {
        if home(leaf.len) <= depth {
            if let Some(at) = self.quick(at, depth, leaf.key, leaf.len, Some(leaf.value))? {
                return Ok(at);
            }
            let node = self.change(at, depth, leaf.key, leaf.len, Some(leaf.value))?;
            return self.replace(at, &node);
        }
        let slot = Place::of(at).slot(self.words, leaf.key.byte(depth));
        let below = Word(word(self.words, slot));
        if at.shape() == Shape::Direct && !below.goes_on() {
            let below = self.alone(depth + 1, NhlfeId(below.0), leaf)?;
            return self.lead(at, slot, below);
        }
        if !below.is_node() {
            return self.adopt(at, depth, leaf);
        }
        let below = self.insert(below, depth + 1, leaf)?;
        self.lead(at, slot, below)
    }

    /// Takes in a prefix where no node is below, but perhaps a lone prefix.
    fn adopt<K: Key>(&mut self, at: Word, depth: u8, leaf: Leaf<K>) -> Result<Word, Full> {
        let mut node: Node<K> = Node::read(self.words, at, depth);
        let byte = leaf.key.byte(depth);
        let (Ok(there) | Err(there)) = node.leaves.binary_search_by_key(&byte, |leaf| leaf.key.byte(depth));
        match node.leaves.get_mut(there).filter(|other| other.key.byte(depth) == byte) {
            None => node.leaves.insert(there, leaf),
            Some(other) if other.key == leaf.key && other.len == leaf.len => other.value = leaf.value,
            Some(_) => {
                let other = node.leaves.remove(there);
                let below = self.part(depth + 1, node.value(byte), [other, leaf])?;
                node.lead(byte, below);
            }
        }
        self.give_nodes(&mut node)?;
        self.replace(at, &node)
    }

    /// [`Sheet::leads_past`], if there is a sheet.
    fn leads_past(&self, depth: u8) -> bool {
        self.sheet.is_some_and(|sheet| sheet.leads_past(depth))
    }

    /// Gives nodes to those lone prefixes that a sheet could not lead to, as they move with the node above.
    fn give_nodes<K: Key>(&mut self, node: &mut Node<K>) -> Result<(), Full> {
        if !self.leads_past(node.depth + 1) {
            return Ok(());
        }
        for leaf in node.leaves.extract_if(.., |leaf| leaf.len > 24).collect::<Vec<_>>() {
            let byte = leaf.key.byte(node.depth);
            let below = self.alone(node.depth + 1, node.value(byte), leaf)?;
            node.lead(byte, below);
        }
        Ok(())
    }

    /// The same in a node that is there.
    pub(super) fn give_nodes_below<K: Key>(&mut self, at: Word, depth: u8) -> Result<Word, Full> {
        let mut node: Node<K> = Node::read(self.words, at, depth);
        self.give_nodes(&mut node)?;
        self.replace(at, &node)
    }

    /// A node for one prefix.
    fn alone<K: Key>(&mut self, depth: u8, cover: NhlfeId, leaf: Leaf<K>) -> Result<Word, Full> {
        let mut node = Node::new(depth, cover);
        node.adopt(leaf);
        self.give_nodes(&mut node)?;
        self.put(&node)
    }

    /// A node for two prefixes.
    fn part<K: Key>(&mut self, depth: u8, cover: NhlfeId, leaves: [Leaf<K>; 2]) -> Result<Word, Full> {
        let mut node = Node::new(depth, cover);
        let [first, second] = leaves.map(|leaf| (leaf.key.byte(depth), home(leaf.len) > depth));
        if first == second && first.1 {
            let below = self.part(depth + 1, cover, leaves)?;
            node.lead(first.0, below);
        } else {
            leaves.into_iter().for_each(|leaf| node.adopt(leaf));
        }
        self.give_nodes(&mut node)?;
        self.put(&node)
    }

    /// A node with one of its own prefixes set or taken out, and what is below told so.
    fn change<K: Key>(
        &mut self,
        at: Word,
        depth: u8,
        key: K,
        len: u8,
        value: Option<NhlfeId>,
    ) -> Result<Node<K>, Full> {
        let mut node: Node<K> = Node::read(self.words, at, depth);
        let index = node.index(key, len);
        let before = (!node.nodes.is_empty()).then(|| node.slots());
        match value {
            Some(value) => node.prefixes.set(index, value),
            None => node.prefixes.remove(index),
        };
        if let Some(before) = before {
            self.cover_again(&mut node, &before, PrefixSet::range(index))?;
        }
        Ok(node)
    }

    /// Tells the nodes below, of bytes `range`, what now leads from above them.
    fn cover_again<K: Key>(
        &mut self,
        node: &mut Node<K>,
        before: &[NhlfeId; 256],
        (first, last): (u8, u8),
    ) -> Result<(), Full> {
        let (after, depth) = (node.slots(), node.depth);
        for (byte, below) in node.nodes.iter_mut().filter(|(byte, _)| (first..=last).contains(byte)) {
            let cover = after[usize::from(*byte)];
            if before[usize::from(*byte)] != cover {
                *below = self.cover::<K>(*below, depth + 1, cover)?;
            }
        }
        Ok(())
    }

    pub(super) fn cover<K: Key>(&mut self, at: Word, depth: u8, cover: NhlfeId) -> Result<Word, Full> {
        if let Some(at) = self.quick_cover::<K>(at, depth, cover)? {
            return Ok(at);
        }
        let mut node: Node<K> = Node::read(self.words, at, depth);
        let before = (!node.nodes.is_empty()).then(|| node.slots());
        node.cover = cover;
        if let Some(before) = before {
            self.cover_again(&mut node, &before, (0, u8::MAX))?;
        }
        self.replace(at, &node)
    }

    /// Takes out a prefix that is in the node at `at` or below.
    pub(super) fn remove<K: Key>(&mut self, at: Word, depth: u8, key: K, len: u8) -> Result<Rest<K>, Full> {
        if home(len) <= depth {
            if let Some(at) = self.quick(at, depth, key, len, None)? {
                return Ok(Rest::Node(at));
            }
            let node = self.change(at, depth, key, len, None)?;
            return self.rest(at, node, key);
        }
        let byte = key.byte(depth);
        let slot = Place::of(at).slot(self.words, byte);
        let below = Word(word(self.words, slot));
        let left = match below.shape() {
            Shape::Packed | Shape::Direct => self.remove(below, depth + 1, key, len)?,
            _ => Rest::Nothing,
        };
        if let Rest::Node(below) = left {
            return Ok(Rest::Node(self.lead(at, slot, below)?));
        }
        let mut node: Node<K> = Node::read(self.words, at, depth);
        node.nodes.retain(|(at, _)| *at != byte);
        node.leaves.retain(|leaf| leaf.key.byte(depth) != byte);
        if let Rest::Leaf(leaf) = left {
            node.adopt(leaf);
        }
        self.rest(at, node, key)
    }

    /// What should stand in the place of a node that is on the way to `key`. The root stays.
    fn rest<K: Key>(&mut self, at: Word, node: Node<K>, key: K) -> Result<Rest<K>, Full> {
        let lone = node.leaves.first().copied().or_else(|| {
            let (index, value) = node.prefixes.iter().next()?;
            let (bits, low) = PrefixSet::prefix(index);
            let len = 8 * node.depth + bits;
            Some(Leaf { key: key.trunc(8 * node.depth).with(low, len), len, value })
        });
        let led_to = lone.is_some_and(|lone| lone.len > 24) && self.leads_past(node.depth);
        if node.depth == 0 || led_to || !node.nodes.is_empty() || node.prefixes.len() + node.leaves.len() > 1
        {
            return Ok(Rest::Node(self.replace(at, &node)?));
        }
        self.leave(at);
        Ok(lone.map_or(Rest::Nothing, Rest::Leaf))
    }
}
