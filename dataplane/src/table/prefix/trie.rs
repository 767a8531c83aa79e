//! A whole trie.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use super::arena::{Full, Generation, LINE, Words, set_word, word};
use super::edit::{Edit, Rest};
use super::iter::Iter;
use super::key::{Address, Key};
use super::node::{Leaf, Node, home};
use super::pack::copy_lines;
use super::place::{Block, Place};
use super::set::PrefixSet;
use super::sheet::{self, ALL, Sheet};
use super::walk;
use super::wide::{self, all_wide};
use super::word::{Shape, Word};
use crate::id::NhlfeId;

/// Lines of a new arena beyond those in use: of few a sixteenth of them, of many a quarter, of
/// those between a half; and so many.
const ROOM: usize = 4;
/// Lines that are no longer few: 64 KiB.
const FEW: usize = 1 << 10;
/// Lines that are many: 16 MiB.
const MANY: usize = 1 << 18;

/// Lines that there may be: what leads to a lone prefix counts places of four words by 29 bits.
const MOST: usize = (Word::PLACES << 2) / LINE;
/// Prefixes that always find room. In IPv4 each has a node, the worst there is, and with its share of those above and
/// of what comes and goes takes less than 128 words; in IPv6 two that differ in their last byte have 15 nodes.
const fn always(bits: u8) -> usize {
    if bits == 32 { 1 << 24 } else { 1 << 21 }
}
/// Lines that one more takes at most: a node of three for each byte, and what their parent grows.
const fn worst(bits: u8) -> usize {
    3 * (bits as usize / 8) + 8
}

/// Prefix to value.
#[derive(Clone, Debug)]
pub(in crate::table) struct Trie<K> {
    at: Option<Arc<Generation>>,
    root: Word,
    /// Lines that its nodes take.
    lines: usize,
    /// Lines that there may be.
    most: usize,
    /// Prefixes in the nodes.
    len: usize,
    /// The value of the prefix of no bits: it may change as often as it likes.
    default: NhlfeId,
    key: PhantomData<K>,
}

impl<K> Default for Trie<K> {
    fn default() -> Self {
        let (lines, most) = (0, MOST);
        Self { at: None, root: Word::NONE, lines, most, len: 0, default: NhlfeId::NONE, key: PhantomData }
    }
}

impl<K: Key> Trie<K> {
    #[inline(always)]
    fn words(&self) -> &Words {
        self.at.as_ref().map_or(&[], |at| at.arena.words())
    }

    #[inline(always)]
    fn sheet(&self) -> Option<&Sheet> {
        self.at.as_ref().and_then(|at| at.arena.sheet.as_ref())
    }

    /// Words of the sheet that are a matter of the nodes.
    #[cfg(test)]
    pub(super) fn undecided(&self) -> usize {
        self.sheet().map_or(0, Sheet::undecided)
    }

    /// Pages that its sheet ever had.
    #[cfg(test)]
    pub(super) fn pages(&self) -> usize {
        self.sheet().map_or(0, Sheet::pages)
    }

    /// Lets there be no room where it is after so many blocks more.
    #[cfg(test)]
    pub(super) fn run_short(&self, blocks: u32) {
        self.at.iter().for_each(|at| at.arena.book().short = Some(blocks));
    }

    /// Lets there be so many lines at most.
    #[cfg(test)]
    pub(super) fn bound(&mut self, most: usize) {
        self.most = most;
    }

    /// Whether so many prefixes more surely find room.
    pub(in crate::table) fn has_room_for(&self, more: usize) -> bool {
        let lines = self.lines.saturating_add(more.saturating_mul(worst(K::BITS)));
        // What leads elsewhere from above may make nodes twice as large, and an arena has a quarter more.
        self.len.saturating_add(more) <= always(K::BITS) || lines <= self.most / 5 * 2
    }

    /// The value of the longest prefix that covers `address`.
    #[inline]
    pub(in crate::table) fn lookup(&self, address: K) -> Option<NhlfeId> {
        let found = match self.sheet() {
            Some(sheet) => sheet.one(self.words(), self.root, address),
            None => walk::one(self.words(), self.root, address),
        };
        let found = if found.is_some() { found } else { self.default };
        found.is_some().then_some(found)
    }

    /// Looks addresses up; `NONE` where no prefix covers one.
    #[inline]
    pub(in crate::table) fn lookup_batch<A: Address<Key = K>>(&self, addresses: &[A], found: &mut [NhlfeId]) {
        match self.sheet() {
            Some(sheet) if !A::WIDE => sheet.vector().all(self, addresses, found),
            sheet => {
                let steps = sheet.and_then(Sheet::steps);
                all_wide(self.words(), steps, self.root, self.default, addresses, found);
            }
        }
    }

    /// What this processor does look-ups by, in words.
    pub(in crate::table) fn chosen(&self) -> &'static str {
        self.sheet().filter(|_| K::BITS == 32).map_or_else(wide::name, |sheet| sheet.vector().name())
    }

    /// All words of the sheet, by index.
    #[inline(always)]
    pub(super) fn sheet_words(&self) -> Option<&[AtomicU32; ALL]> {
        self.sheet()?.all()
    }

    /// The value of the prefix of no bits.
    #[inline(always)]
    pub(super) fn shortest(&self) -> NhlfeId {
        self.default
    }

    /// What vectors leave: what has no answer in the sheet, if there is `any`, and what is from index `from` on.
    #[inline(never)]
    pub(super) fn rest<A: Address<Key = K>>(
        &self,
        addresses: &[A],
        found: &mut [NhlfeId],
        from: usize,
        any: bool,
    ) {
        if any {
            sheet::by_nodes(self.words(), self.root, self.default, addresses, found);
        }
        self.on(addresses, found, from);
    }

    /// Looks addresses up in a sheet from that of index `from` on, each by itself.
    #[inline(never)]
    pub(super) fn on<A: Address<Key = K>>(&self, addresses: &[A], found: &mut [NhlfeId], from: usize) {
        if let (Some(sheet), Some(addresses), Some(found)) =
            (self.sheet(), addresses.get(from..), found.get_mut(from..))
        {
            sheet.by_loads(self.words(), self.root, self.default, addresses, found);
        }
    }

    /// The longest prefix that covers `address`.
    pub(in crate::table) fn longest_match(&self, address: K) -> Option<Leaf<K>> {
        let default = Leaf { key: K::ZERO, len: 0, value: self.default };
        let mut best = self.default.is_some().then_some(default);
        let (words, mut at, mut depth) = (self.words(), self.root, 0);
        while at.is_node() {
            let node: Node<K> = Node::read(words, at, depth);
            let byte = address.byte(depth);
            let own = node.prefixes.longest(byte).map(|(index, value)| {
                let (bits, low) = PrefixSet::prefix(index);
                let len = 8 * depth + bits;
                Leaf { key: address.trunc(8 * depth).with(low, len), len, value }
            });
            let lone = node.leaves.iter().find(|leaf| address.common(leaf.key) >= leaf.len);
            best = lone.copied().or(own).or(best);
            at = Word(word(words, Place::of(at).slot(words, byte)));
            depth += 1;
        }
        best
    }

    /// The value of exactly this prefix.
    pub(in crate::table) fn get(&self, key: K, len: u8) -> Option<NhlfeId> {
        let (key, words) = (key.trunc(len), self.words());
        if len == 0 {
            return self.default.is_some().then_some(self.default);
        }
        let (mut at, mut depth) = (self.root, 0);
        while at.is_node() {
            let place = Place::of(at);
            if home(len) == depth {
                // An edit comes next, and looks at all of it.
                place.fetch(words);
                return place.find(words, PrefixSet::index(key.byte(depth), len - 8 * depth));
            }
            at = Word(word(words, place.slot(words, key.byte(depth))));
            depth += 1;
        }
        let lone = (at.shape() == Shape::Leaf).then(|| super::pack::leaf::<K>(words, at.place()))?;
        (lone.key == key && lone.len == len).then_some(lone.value)
    }

    /// Sets the value of a prefix; gives back the one before. Setting what is there copies
    /// nothing; values from 2^31 on are none; and where there is no room nothing changes.
    pub(in crate::table) fn insert(&mut self, key: K, len: u8, value: NhlfeId) -> Option<NhlfeId> {
        let key = key.trunc(len);
        self.sheet().inspect(|sheet| sheet.fetch(key));
        let old = self.get(key, len);
        if old == Some(value) || value.0 >= Word::VALUES {
            return old;
        }
        if len == 0 {
            self.default = value;
            return old;
        }
        let leaf = Leaf { key, len, value };
        let edited = self.edit(key, len, |edit, root| {
            let root = if root.is_node() { root } else { edit.put(&Node::<K>::new(0, NhlfeId::NONE))? };
            edit.insert(root, 0, leaf)
        });
        self.len += usize::from(edited.is_ok() && old.is_none());
        old
    }

    /// Takes a prefix out; gives back its value. Taking out what is not there copies nothing, and where
    /// there is no room for a copy it stays.
    pub(in crate::table) fn remove(&mut self, key: K, len: u8) -> Option<NhlfeId> {
        let key = key.trunc(len);
        self.sheet().inspect(|sheet| sheet.fetch(key));
        let old = self.get(key, len)?;
        if len == 0 {
            self.default = NhlfeId::NONE;
        } else if self.len == 1 {
            *self = Self { default: self.default, ..Self::default() };
        } else {
            let edited = self.edit(key, len, |edit, root| match edit.remove(root, 0, key, len)? {
                Rest::Node(root) => Ok(root),
                Rest::Nothing | Rest::Leaf(_) => Ok(Word::NONE),
            });
            edited.ok()?;
            self.len -= 1;
        }
        Some(old)
    }

    /// Makes an edit in a generation of its own, with as much room as it takes and may have.
    fn edit(
        &mut self,
        key: K,
        len: u8,
        what: impl Fn(&mut Edit<'_>, Word) -> Result<Word, Full>,
    ) -> Result<(), Full> {
        let (mut room, mut last) = (ROOM, false);
        // Where there may be no room in the end, what is begun can be given up: no node is written in place.
        let careful = self.lines > self.most / 4;
        loop {
            let before = if careful { self.at.clone() } else { None };
            if let Some(at) = self.own() {
                let mut book = at.arena.book();
                let mut edit = Edit::new(&at.arena, &mut book, at.number);
                edit.renew::<K>(self.root);
                let root = what(&mut edit, self.root);
                if let Ok(root) = root {
                    edit.note(root, key, len);
                }
                let (taken, left) = edit.end(root.is_ok());
                drop(book);
                if let Ok(root) = root {
                    (self.root, self.lines) = (root, self.lines + taken - left);
                    return Ok(());
                }
                self.lines += if careful { 0 } else { taken };
            }
            self.at = before.or(self.at.take());
            if last {
                return Err(Full);
            }
            last = self.relocate(room)?;
            room *= 2;
        }
    }

    /// A generation that no clone has, if there is one to be had where the table is: not so
    /// when another has been made from this one before.
    fn own(&mut self) -> Option<Arc<Generation>> {
        let at = self.at.as_mut()?;
        if Arc::get_mut(at).is_none() || !at.is_newest() {
            *at = Arc::new(at.next()?);
        }
        Some(at.clone())
    }

    /// Moves to an arena of its own, with `room` for more; whether there cannot be more.
    fn relocate(&mut self, mut room: usize) -> Result<bool, Full> {
        let mut sheet = None;
        loop {
            let part = match self.lines {
                ..FEW => 16,
                FEW..MANY => 2,
                _ => 4,
            };
            if self.lines >= self.most {
                return Err(Full);
            }
            let lines = (self.lines + self.lines / part + room).min(self.most);
            if self.at.as_mut().and_then(Arc::get_mut).is_some_and(|at| at.grow::<K>(lines)) {
                return Ok(lines == self.most);
            }
            sheet = self.at.as_mut().and_then(Arc::get_mut).and_then(Generation::take_sheet).or(sheet);
            let mut to = Generation::first::<K>(lines, sheet.take());
            if let Ok(root) = self.copy(&to, self.root, 0) {
                self.lines = to.arena.book().used();
                Edit::new(&to.arena, &mut to.arena.book(), to.number).note(root, K::ZERO, 0);
                (self.root, self.at) = (root, Some(Arc::new(to)));
                return Ok(lines == self.most);
            }
            if lines == self.most {
                return Err(Full);
            }
            sheet = to.take_sheet();
            room *= 2;
        }
    }

    /// Copies a node that looks at byte `depth`, and all below it.
    fn copy(&self, to: &Generation, node: Word, depth: u8) -> Result<Word, Full> {
        if !node.is_node() {
            return Ok(node);
        }
        let (from, words) = (self.words(), to.arena.words());
        let place = Place::of(node);
        let take = |lines| to.arena.book().take(lines, to.arena.lines());
        let copy = place.copy(from, words, take(place.block(from).lines)?, to.number);
        if let Some(apart) = place.apart(from) {
            let line = take(apart.lines)?;
            copy_lines(from, apart.line as usize * LINE, words, line as usize * LINE, apart.lines);
            copy.set_apart(words, Block { line, generation: to.number, ..apart });
        }
        for at in copy.slots(words) {
            let below = Word(word(words, at));
            if below.is_node() {
                set_word(words, at, self.copy(to, below, depth + 1)?.0);
            }
        }
        let led_past = to.arena.sheet.as_ref().is_some_and(|sheet| sheet.leads_past(depth + 1));
        if !led_past || copy.leaves(words) == 0 {
            return Ok(copy.node());
        }
        let mut book = to.arena.book();
        let mut edit = Edit::new(&to.arena, &mut book, to.number);
        let given = edit.give_nodes_below::<K>(copy.node(), depth);
        edit.end(given.is_ok());
        given
    }

    /// Prefixes in it.
    pub(in crate::table) fn len(&self) -> usize {
        self.len + usize::from(self.default.is_some())
    }

    /// Every prefix, by address and then by length.
    pub(in crate::table) fn iter(&self) -> impl Iterator<Item = Leaf<K>> + '_ {
        let default = Leaf { key: K::ZERO, len: 0, value: self.default };
        let default = self.default.is_some().then_some(default);
        default.into_iter().chain(Iter::new(self.words(), self.root))
    }

    /// Bytes of memory beside itself, free ones and those of clones included.
    pub(in crate::table) fn memory(&self) -> usize {
        self.at.as_ref().map_or(0, |at| 16 + size_of::<Generation>() + at.arena.memory())
    }

    /// Calls `each` with the address of every node.
    pub(in crate::table) fn nodes(&self, mut each: impl FnMut(usize)) {
        let words = self.words();
        let mut nodes = vec![self.root];
        nodes.retain(|root| root.is_node());
        while let Some(node) = nodes.pop() {
            let place = Place::of(node);
            each(words.as_ptr().addr() + place.start * size_of::<u32>());
            place.each_below(words, |_, below| nodes.extend([below].iter().filter(|below| below.is_node())));
        }
    }
}
