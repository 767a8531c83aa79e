//! A persistent vector: clones share chunks, and a write copies one chunk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const CHUNK_BITS: u32 = 6;
const CHUNK: usize = 1 << CHUNK_BITS;

/// Values side by side: one load leads from a chunk to any of them.
type Chunk<T> = Arc<[Option<T>; CHUNK]>;

/// Values by small index. Cloning costs one reference count; writing to a clone
/// copies the spine and one chunk of 64 values, once per generation.
#[derive(Clone, Debug)]
pub struct Slab<T> {
    chunks: Arc<Vec<Chunk<T>>>,
    used: usize,
    stamp: u64,
}

/// Stamps given out so far, over all slabs: two that carry the same stamp are
/// clones of one state.
static STAMPS: AtomicU64 = AtomicU64::new(1);

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { chunks: Arc::new(Vec::new()), used: 0, stamp: 0 }
    }
}

impl<T> Slab<T> {
    /// The value at `index`.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&T> {
        self.chunks.get(index >> CHUNK_BITS)?[index & (CHUNK - 1)].as_ref()
    }

    /// Names this state: clones share it, and every write makes a new one.
    #[inline]
    pub fn stamp(&self) -> u64 {
        self.stamp
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.used
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// One more than the largest index ever used.
    pub fn capacity(&self) -> usize {
        self.chunks.len() * CHUNK
    }

    /// Every value with its index, in index order.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.chunks.iter().enumerate().flat_map(|(c, chunk)| {
            chunk.iter().enumerate().filter_map(move |(i, v)| Some((c * CHUNK + i, v.as_ref()?)))
        })
    }
}

impl<T: Clone> Slab<T> {
    /// Puts `value` at `index`; gives back what was there.
    pub fn set(&mut self, index: usize, value: T) -> Option<T> {
        let old = self.slot(index).replace(value);
        self.used += usize::from(old.is_none());
        old
    }

    /// Takes the value at `index` out.
    pub fn remove(&mut self, index: usize) -> Option<T> {
        self.get(index)?;
        let old = self.slot(index).take();
        self.used -= usize::from(old.is_some());
        old
    }

    /// The value at `index`, to be changed.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        self.get(index)?;
        self.slot(index).as_mut()
    }

    /// Puts `value` at the lowest free index, and says which.
    pub fn insert(&mut self, value: T) -> usize {
        let free = if self.used == self.capacity() {
            self.capacity()
        } else {
            let holes = self.chunks.iter().enumerate();
            holes
                .flat_map(|(c, chunk)| chunk.iter().enumerate().map(move |(i, v)| (c, i, v)))
                .find(|(_, _, v)| v.is_none())
                .map_or(self.capacity(), |(c, i, _)| c * CHUNK + i)
        };
        self.set(free, value);
        free
    }

    fn slot(&mut self, index: usize) -> &mut Option<T> {
        self.stamp = STAMPS.fetch_add(1, Relaxed);
        let chunks = Arc::make_mut(&mut self.chunks);
        let at = index >> CHUNK_BITS;
        while chunks.len() <= at {
            chunks.push(Arc::new([const { None }; CHUNK]));
        }
        &mut Arc::make_mut(&mut chunks[at])[index & (CHUNK - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_keeps_what_it_saw() {
        let mut a = Slab::default();
        assert_eq!(a.insert("x"), 0);
        assert_eq!(a.set(200, "y"), None);
        let before = a.clone();
        assert_eq!(before.stamp(), a.stamp());
        assert_eq!(a.set(0, "z"), Some("x"));
        assert_eq!(a.remove(200), Some("y"));
        assert_ne!(before.stamp(), a.stamp());
        assert_eq!((before.get(0), before.get(200), before.len()), (Some(&"x"), Some(&"y"), 2));
        assert_eq!((a.get(0), a.get(200), a.len()), (Some(&"z"), None, 1));
        assert_eq!(a.insert("w"), 1);
        assert_eq!(a.iter().collect::<Vec<_>>(), [(0, &"z"), (1, &"w")]);
    }
}
