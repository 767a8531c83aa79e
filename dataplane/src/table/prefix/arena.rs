//! The memory that a table and its clones share, in lines of 64 bytes.
//!
//! Nothing that a clone can see is ever written: an edit writes to lines that are free, and
//! what it no longer needs is free again when no generation that may see it is left. So a
//! copy of a block is a copy of words, with no count of references to its neighbours, and
//! no worker ever frees anything. When there is no room the table moves to an arena of its
//! own. Words are atomic as one thread reads while another writes beside: the publication
//! orders them, and here nothing needs to.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam::utils::CachePadded;

use super::key::Key;
use super::marked::Marked;
use super::sheet::Sheet;
use crate::memory::{large_pages_may_come, prefer_large_pages};

/// Words of a line.
pub(super) const LINE: usize = 16;

/// Words of a table that may become much larger: 4 MiB.
const LARGE: usize = 1 << 20;

/// Lines of a block: none has more. The most words has a node with a word for each byte, those about
/// it, and 256 lone IPv6 prefixes; and it may have room to grow.
const LARGEST: u32 = 192;

/// Where a table's words are.
pub(super) type Words = [AtomicU32];

/// There is no room.
#[derive(Clone, Copy, Debug)]
pub(super) struct Full;

/// Lines, and which of them are in use.
#[derive(Debug)]
pub(super) struct Arena {
    /// It may have room for more, which nobody has touched.
    memory: Vec<AtomicU32>,
    /// Words before the first whole line.
    skip: usize,
    /// Of a large table.
    pub(super) sheet: Option<Sheet>,
    /// Apart from what readers look at, as are the references that are counted: an edit writes both.
    book: CachePadded<Mutex<Book>>,
}

/// A block that generations may see from the one that wrote it to the one before it was retired.
#[derive(Debug)]
struct Retired {
    seen: Range<u32>,
    line: u32,
    lines: u32,
}

/// Who uses what.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// The newest generation that there ever was.
    head: u32,
    /// The generations there are, and what is retired and waits for the end of each. A block
    /// waits for the newest that may see it: of a generation that stays long, only what
    /// it sees itself is kept.
    alive: BTreeMap<u32, Vec<Retired>>,
    /// The first line that was never used.
    top: u32,
    /// Free blocks, by their lines.
    free: Vec<Vec<u32>>,
    /// Where the generations differ.
    pub(super) marked: Marked,
    /// Blocks to be had before there is no room.
    #[cfg(test)]
    pub(super) short: Option<u32>,
}

/// One generation of an arena: all clones of one state hold the same.
#[derive(Debug)]
pub(super) struct Generation {
    pub(super) arena: Arc<Arena>,
    pub(super) number: u32,
}

impl Drop for Generation {
    fn drop(&mut self) {
        let mut book = self.arena.book();
        book.end(self.number);
        book.settle(self.arena.sheet.as_ref());
    }
}

impl Generation {
    /// The first of a new arena with room for so many lines.
    /// A sheet that nobody needs any more may be had for it.
    pub(super) fn first<K: Key>(lines: usize, sheet: Option<Sheet>) -> Self {
        let (memory, skip) = room(lines, Vec::new().into_iter());
        let book = Book { head: 1, alive: BTreeMap::from([(1, Vec::new())]), ..Book::default() };
        let worth = Sheet::is_worth::<K>(lines);
        let sheet = if worth { sheet.or_else(Sheet::new::<K>) } else { None };
        Self { arena: Arc::new(Arena { memory, skip, sheet, book: Mutex::new(book).into() }), number: 1 }
    }

    /// Makes room for so many lines where it is, if that is more, and this is the newest and
    /// the only generation; not so when it takes a sheet and has none.
    pub(super) fn grow<K: Key>(&mut self, lines: usize) -> bool {
        if !self.is_newest() {
            return false;
        }
        let arena = Arc::get_mut(&mut self.arena);
        let fit = |arena: &&mut Arena| {
            arena.lines() < lines && arena.sheet.is_some() == Sheet::is_worth::<K>(lines)
        };
        let Some(arena) = arena.filter(fit) else { return false };
        let count = words_of(lines);
        if count <= arena.memory.capacity() {
            arena.memory.resize_with(count, AtomicU32::default);
            return true;
        }
        let mut words = std::mem::take(&mut arena.memory).into_iter();
        words.by_ref().take(arena.skip).for_each(drop);
        (arena.memory, arena.skip) = room(lines, words);
        true
    }

    /// Its sheet, if nobody else looks.
    pub(super) fn take_sheet(&mut self) -> Option<Sheet> {
        Arc::get_mut(&mut self.arena)?.sheet.take()
    }

    /// Whether none was ever made from this one.
    pub(super) fn is_newest(&self) -> bool {
        self.arena.book().head == self.number
    }

    /// The next one, if this is the newest there is: those made from it before were given up.
    pub(super) fn next(&self) -> Option<Self> {
        let mut book = self.arena.book();
        if book.newest() != self.number || book.head == u32::MAX {
            return None;
        }
        if book.head != self.number {
            book.take_back(self.number);
        }
        book.head += 1;
        let number = book.head;
        book.alive.insert(number, Vec::new());
        Some(Self { arena: self.arena.clone(), number })
    }
}

impl Arena {
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline(always)]
    pub(super) fn words(&self) -> &Words {
        self.memory.get(self.skip..).unwrap_or_default()
    }

    /// Whole lines.
    pub(super) fn lines(&self) -> usize {
        self.memory.len() / LINE - 1
    }

    /// Bytes of memory it takes.
    pub(super) fn memory(&self) -> usize {
        let book = self.book();
        let free = book.free.iter().map(|free| size_of_val(free) + free.capacity() * size_of::<u32>());
        let waiting = book.alive.values().map(|retired| retired.capacity() * size_of::<Retired>());
        let notes = waiting.sum::<usize>() + free.sum::<usize>() + book.marked.pages.memory();
        let sheet = self.sheet.as_ref().map_or(0, Sheet::memory);
        size_of::<Self>() + size_of_val(&*self.memory) + notes + sheet
    }
}

/// Words for so many lines, wherever the first begins.
fn words_of(lines: usize) -> usize {
    (lines + 1) * LINE
}

/// Room for so many lines, of which the first are these `words`; and the words before
/// the first whole line.
fn room(lines: usize, words: std::vec::IntoIter<AtomicU32>) -> (Vec<AtomicU32>, usize) {
    let count = words_of(lines);
    let mut room = reserve(count);
    // What a processor fetches at once begins here.
    let skip = room.as_ptr().addr().wrapping_neg() / size_of::<u32>() % LINE;
    room.resize_with(skip, AtomicU32::default);
    room.extend(words);
    room.resize_with(count, AtomicU32::default);
    (room, skip)
}

/// Memory for so many words, of a large table twice as many: it costs nothing until it is touched, and the
/// table goes on where it is.
fn reserve(count: usize) -> Vec<AtomicU32> {
    let mut memory = Vec::with_capacity(if count < LARGE { count } else { 2 * count });
    // Before anything is there, so that nothing has to move.
    let (now, later) = memory.spare_capacity_mut().split_at_mut(count);
    prefer_large_pages(std::iter::once(&*now));
    large_pages_may_come(later);
    memory
}

/// The word at `at`.
#[inline(always)]
pub(super) fn word(words: &Words, at: usize) -> u32 {
    // Nothing stands outside: what could not be read would lead nowhere.
    words.get(at).map_or(u32::MAX, |word| word.load(Relaxed))
}

/// Writes the word at `at`.
#[inline(always)]
pub(super) fn set_word(words: &Words, at: usize, value: u32) {
    if let Some(word) = words.get(at) {
        word.store(value, Relaxed);
    }
}

impl Book {
    /// A block of so many lines: its first.
    pub(super) fn take(&mut self, lines: usize, room: usize) -> Result<u32, Full> {
        #[cfg(test)]
        self.run_short()?;
        if let Some(line) = self.free.get_mut(lines).and_then(Vec::pop) {
            return Ok(line);
        }
        let end = self.top as usize + lines;
        if end <= room {
            let line = self.top;
            self.top = end as u32;
            return Ok(line);
        }
        self.split(lines).or_else(|Full| {
            self.merge();
            self.split(lines)
        })
    }

    #[cfg(test)]
    fn run_short(&mut self) -> Result<(), Full> {
        let Some(left) = self.short.take() else { return Ok(()) };
        self.short = Some(left.checked_sub(1).ok_or(Full)?);
        Ok(())
    }

    /// A free block, or a part of a larger one.
    fn split(&mut self, lines: usize) -> Result<u32, Full> {
        let larger = self.free.iter().skip(lines).position(|free| !free.is_empty()).ok_or(Full)? + lines;
        let line = self.free.get_mut(larger).and_then(Vec::pop).ok_or(Full)?;
        self.give(line + lines as u32, larger - lines);
        Ok(line)
    }

    /// Makes one of free blocks that are neighbours, as far as one may be used.
    fn merge(&mut self) {
        let lists = std::mem::take(&mut self.free).into_iter().enumerate();
        let block = |lines| move |line: u32| line..line + lines as u32;
        let mut blocks: Vec<_> = lists.flat_map(|(lines, list)| list.into_iter().map(block(lines))).collect();
        blocks.sort_unstable_by_key(|block| block.start);
        let mut last = 0..0;
        for block in blocks {
            if last.end == block.start && block.end - last.start <= LARGEST {
                last.end = block.end;
            } else {
                self.give(last.start, last.len());
                last = block;
            }
        }
        self.give(last.start, last.len());
    }

    /// Gives a block back.
    pub(super) fn give(&mut self, line: u32, lines: usize) {
        if lines == 0 {
            return;
        }
        if self.free.len() <= lines {
            self.free.resize_with(lines + 1, Vec::new);
        }
        if let Some(free) = self.free.get_mut(lines) {
            free.push(line);
        }
    }

    /// Gives a block back when none of the generations `seen` is left.
    pub(super) fn retire(&mut self, seen: Range<u32>, line: u32, lines: usize) {
        self.wait(Retired { seen, line, lines: lines as u32 });
    }

    fn wait(&mut self, retired: Retired) {
        match self.alive.range_mut(retired.seen.clone()).next_back() {
            Some((_, waiting)) => waiting.push(retired),
            None => self.give(retired.line, retired.lines as usize),
        }
    }

    /// The newest generation there is.
    fn newest(&self) -> u32 {
        self.alive.last_key_value().map_or(0, |(newest, _)| *newest)
    }

    /// Undoes what generations later than `number` did, of which none is left: what they retired is
    /// seen by those that come. Lines that they took are free when the table moves.
    fn take_back(&mut self, number: u32) {
        for waiting in self.alive.values_mut() {
            waiting.retain(|retired| retired.seen.end <= number);
        }
        self.marked.take_back(number);
    }

    /// Lines that were ever used.
    pub(super) fn used(&self) -> usize {
        self.top as usize
    }

    /// Whether there is one generation only.
    pub(super) fn is_alone(&self) -> bool {
        self.alive.len() == 1
    }

    /// Writes what no generation any more differs in.
    fn settle(&mut self, sheet: Option<&Sheet>) {
        if let (Some(sheet), Some((oldest, _))) = (sheet, self.alive.first_key_value()) {
            self.marked.settle(*oldest, sheet);
        }
    }

    /// Whether the sheet is to be made anew now.
    pub(super) fn takes_renewal(&mut self) -> bool {
        let oldest = self.alive.first_key_value().map_or(0, |(oldest, _)| *oldest);
        self.marked.takes_renewal(oldest)
    }

    /// The end of a generation.
    fn end(&mut self, generation: u32) {
        let waited = self.alive.remove(&generation).unwrap_or_default();
        waited.into_iter().for_each(|retired| self.wait(retired));
    }
}
