//! What is below a node, by byte.

use std::sync::Arc;

use super::node::{Leaf, Node};
use super::set::grow;

/// Up to so many are kept packed; more are kept in blocks.
const FEW: usize = 16;

/// Slots of a block: what a change copies of a node with many children.
const BLOCK: usize = 16;

/// What is below a node at one byte.
#[derive(Clone, Debug)]
pub(super) enum Child<K> {
    /// One prefix, and no other.
    Leaf(Leaf<K>),
    /// A node whose depth is larger.
    Node(Arc<Node<K>>),
}

type Block<K> = [Option<Child<K>>; BLOCK];
type Blocks<K> = [Option<Arc<Block<K>>>; 256 / BLOCK];

#[derive(Clone, Debug)]
enum Store<K> {
    /// In byte order.
    Few(Vec<Child<K>>),
    /// By the byte's upper, then lower half.
    Many(Box<Blocks<K>>),
}

/// Byte to child.
#[derive(Clone, Debug)]
pub(super) struct Children<K> {
    /// Which bytes have one.
    bits: [u64; 4],
    store: Store<K>,
}

impl<K> Default for Children<K> {
    fn default() -> Self {
        Self { bits: [0; 4], store: Store::Few(Vec::new()) }
    }
}

impl<K> Children<K> {
    #[inline(always)]
    fn has(&self, byte: u8) -> bool {
        self.bits[usize::from(byte >> 6)] >> (byte & 63) & 1 != 0
    }

    /// How many come before `byte`.
    #[inline]
    fn rank(&self, byte: u8) -> usize {
        let word = usize::from(byte >> 6);
        let before: u32 = self.bits.iter().take(word).map(|bits| bits.count_ones()).sum();
        let here = self.bits[word] & ((1 << (byte & 63)) - 1);
        (before + here.count_ones()) as usize
    }

    /// The child at `byte`.
    #[inline(always)]
    pub(super) fn get(&self, byte: u8) -> Option<&Child<K>> {
        if !self.has(byte) {
            return None;
        }
        match &self.store {
            Store::Few(few) => few.get(self.rank(byte)),
            Store::Many(many) => {
                let block = many[usize::from(byte >> 4)].as_deref()?;
                block[usize::from(byte & 15)].as_ref()
            }
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.bits.iter().map(|bits| bits.count_ones() as usize).sum()
    }

    /// Every child with its byte, in byte order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u8, &Child<K>)> {
        (0..=u8::MAX).filter_map(|byte| Some((byte, self.get(byte)?)))
    }

    /// Where the blocks are, and how many bytes each takes.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (usize, usize)> {
        let many = match &self.store {
            Store::Few(_) => None,
            Store::Many(many) => Some(many),
        };
        let blocks = many.into_iter().flat_map(|many| many.iter().flatten());
        blocks.map(|block| (Arc::as_ptr(block).addr(), 16 + size_of::<Block<K>>()))
    }

    /// Bytes of memory beside itself and its blocks.
    pub(super) fn memory(&self) -> usize {
        match &self.store {
            Store::Few(few) => few.capacity() * size_of::<Child<K>>(),
            Store::Many(many) => size_of_val(&**many),
        }
    }
}

impl<K: Clone> Children<K> {
    /// The child at `byte`, to be changed.
    pub(super) fn get_mut(&mut self, byte: u8) -> Option<&mut Child<K>> {
        if !self.has(byte) {
            return None;
        }
        let rank = self.rank(byte);
        match &mut self.store {
            Store::Few(few) => few.get_mut(rank),
            Store::Many(many) => {
                let block = many[usize::from(byte >> 4)].as_mut()?;
                Arc::make_mut(block)[usize::from(byte & 15)].as_mut()
            }
        }
    }

    /// Puts a child where there is none.
    pub(super) fn insert(&mut self, byte: u8, child: Child<K>) {
        let rank = self.rank(byte);
        match &mut self.store {
            Store::Few(few) if few.len() < FEW => {
                grow(few);
                few.insert(rank.min(few.len()), child);
            }
            Store::Few(_) => {
                self.spread();
                return self.insert(byte, child);
            }
            Store::Many(many) => put(many, byte, Some(child)),
        }
        self.bits[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    /// Takes the child at `byte` out.
    pub(super) fn remove(&mut self, byte: u8) {
        if !self.has(byte) {
            return;
        }
        let rank = self.rank(byte);
        self.bits[usize::from(byte >> 6)] &= !(1 << (byte & 63));
        match &mut self.store {
            Store::Few(few) => drop(few.remove(rank)),
            Store::Many(many) => put(many, byte, None),
        }
        if self.len() <= FEW / 2 {
            self.pack();
        }
    }

    /// The one child there is, when there is but one.
    pub(super) fn only(&self) -> Option<Child<K>> {
        let mut all = self.iter();
        let (_, first) = all.next()?;
        all.next().is_none().then(|| first.clone())
    }

    /// From packed to blocks.
    fn spread(&mut self) {
        let mut many = Box::new([const { None }; 256 / BLOCK]);
        for (byte, child) in self.iter() {
            put(&mut many, byte, Some(child.clone()));
        }
        self.store = Store::Many(many);
    }

    /// From blocks to packed.
    fn pack(&mut self) {
        if matches!(self.store, Store::Many(_)) {
            self.store = Store::Few(self.iter().map(|(_, child)| child.clone()).collect());
        }
    }
}

fn put<K: Clone>(many: &mut Blocks<K>, byte: u8, child: Option<Child<K>>) {
    let block = &mut many[usize::from(byte >> 4)];
    let slots = Arc::make_mut(block.get_or_insert_with(|| Arc::new([const { None }; BLOCK])));
    slots[usize::from(byte & 15)] = child;
    if slots.iter().all(Option::is_none) {
        *block = None;
    }
}
