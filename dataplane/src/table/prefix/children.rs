//! What is below a node, by byte.

use std::sync::Arc;

use super::node::{Leaf, Node};
use super::set::{Slots, grow};
use crate::id::NhlfeId;

/// Up to so many are kept packed, and packed again at half as many.
const FEW: usize = 32;

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

/// One byte of a node with many children.
#[derive(Clone, Debug)]
struct Slot<K> {
    child: Option<Child<K>>,
    /// Where the longest of the node's own prefixes that covers the byte leads.
    value: NhlfeId,
}

impl<K> Slot<K> {
    const EMPTY: Self = Self { child: None, value: NhlfeId::NONE };

    fn is_empty(&self) -> bool {
        self.child.is_none() && !self.value.is_some()
    }
}

type Block<K> = [Slot<K>; BLOCK];
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
#[repr(C)]
pub(super) struct Children<K> {
    store: Store<K>,
    /// Which bytes have one.
    bits: [u64; 4],
    /// How many there are before each word; for packed ones.
    ranks: [u8; 4],
}

/// A node's own value at a byte, where its children keep it, and the child there.
pub(super) type Look<'a, K> = (Option<NhlfeId>, Option<&'a Child<K>>);

impl<K> Default for Children<K> {
    fn default() -> Self {
        Self { store: Store::Few(Vec::new()), bits: [0; 4], ranks: [0; 4] }
    }
}

impl<K> Children<K> {
    #[inline(always)]
    fn has(&self, byte: u8) -> bool {
        self.bits[usize::from(byte >> 6)] >> (byte & 63) & 1 != 0
    }

    /// How many packed ones come before `byte`.
    #[inline(always)]
    fn rank(&self, byte: u8) -> usize {
        let word = usize::from(byte >> 6);
        let before = self.bits[word] & ((1 << (byte & 63)) - 1);
        usize::from(self.ranks[word]) + before.count_ones() as usize
    }

    /// What is at `byte`.
    #[inline(always)]
    pub(super) fn look(&self, byte: u8) -> Look<'_, K> {
        match &self.store {
            Store::Few(few) if few.is_empty() || !self.has(byte) => (None, None),
            Store::Few(few) => (None, few.get(self.rank(byte))),
            Store::Many(many) => match &many[usize::from(byte >> 4)] {
                Some(block) => {
                    let slot = &block[usize::from(byte & 15)];
                    (Some(slot.value), slot.child.as_ref())
                }
                None => (Some(NhlfeId::NONE), None),
            },
        }
    }

    /// The child at `byte`.
    pub(super) fn get(&self, byte: u8) -> Option<&Child<K>> {
        self.look(byte).1
    }

    /// Whether it keeps the node's own values.
    pub(super) fn keeps_values(&self) -> bool {
        matches!(self.store, Store::Many(_))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.bits.iter().map(|bits| bits.count_ones() as usize).sum()
    }

    fn bytes(bits: [u64; 4]) -> impl Iterator<Item = u8> {
        (0..=u8::MAX).filter(move |byte| bits[usize::from(byte >> 6)] >> (byte & 63) & 1 != 0)
    }

    /// Every child, in byte order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Child<K>> {
        Self::bytes(self.bits).filter_map(|byte| self.get(byte))
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

    fn mark(&mut self, byte: u8, has: bool) {
        let word = usize::from(byte >> 6);
        self.bits[word] = self.bits[word] & !(1 << (byte & 63)) | u64::from(has) << (byte & 63);
        let mut before = 0u32;
        for (bits, rank) in self.bits.iter().zip(&mut self.ranks) {
            *rank = before as u8;
            before += bits.count_ones();
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
                Arc::make_mut(block)[usize::from(byte & 15)].child.as_mut()
            }
        }
    }

    /// Puts a child where there is none.
    pub(super) fn insert(&mut self, byte: u8, child: Child<K>) {
        let rank = self.rank(byte);
        if let Store::Few(few) = &mut self.store
            && few.len() == FEW
        {
            let few = std::mem::take(few);
            self.spread(few);
        }
        match &mut self.store {
            Store::Few(few) => {
                grow(few);
                few.insert(rank.min(few.len()), child);
            }
            Store::Many(many) => edit(many, byte, |slot| slot.child = Some(child)),
        }
        self.mark(byte, true);
    }

    /// Takes the child at `byte` out.
    pub(super) fn remove(&mut self, byte: u8) {
        if !self.has(byte) {
            return;
        }
        let rank = self.rank(byte);
        match &mut self.store {
            Store::Few(few) => drop(few.remove(rank)),
            Store::Many(many) => edit(many, byte, |slot| slot.child = None),
        }
        self.mark(byte, false);
        if self.keeps_values() && self.len() <= FEW / 2 {
            self.store = Store::Few(self.iter().cloned().collect());
        }
    }

    /// The one child there is, when there is but one.
    pub(super) fn only(&self) -> Option<Child<K>> {
        let mut all = self.iter();
        let first = all.next()?;
        all.next().is_none().then(|| first.clone())
    }

    /// Takes the node's own values of bytes `first` to `last`, when it keeps them.
    pub(super) fn keep_values(&mut self, first: u8, last: u8, values: &Slots) {
        let Store::Many(many) = &mut self.store else { return };
        for byte in first..=last {
            let value = values[usize::from(byte)];
            let block = many[usize::from(byte >> 4)].as_deref();
            if block.map_or(NhlfeId::NONE, |block| block[usize::from(byte & 15)].value) != value {
                edit(many, byte, |slot| slot.value = value);
            }
        }
    }

    /// From packed to blocks.
    fn spread(&mut self, few: Vec<Child<K>>) {
        let mut many = Box::new([const { None }; 256 / BLOCK]);
        for (byte, child) in Self::bytes(self.bits).zip(few) {
            edit(&mut many, byte, |slot| slot.child = Some(child));
        }
        self.store = Store::Many(many);
    }
}

fn edit<K: Clone>(many: &mut Blocks<K>, byte: u8, change: impl FnOnce(&mut Slot<K>)) {
    let block = &mut many[usize::from(byte >> 4)];
    let slots = Arc::make_mut(block.get_or_insert_with(|| Arc::new([const { Slot::EMPTY }; BLOCK])));
    change(&mut slots[usize::from(byte & 15)]);
    if slots.iter().all(Slot::is_empty) {
        *block = None;
    }
}
