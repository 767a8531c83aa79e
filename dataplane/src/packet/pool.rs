//! Where a worker's frames come from and go back to.

use super::frame::Frame;
use crate::id::WorkerIndex;
use crate::memory::prefer_large_pages;

/// How large a pool's buffers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PoolSize {
    /// [`STANDARD_CAPACITY`](super::STANDARD_CAPACITY) bytes each.
    #[default]
    Standard,
    /// [`JUMBO_CAPACITY`](super::JUMBO_CAPACITY) bytes each.
    Jumbo,
}

/// One worker's free frames. All are allocated when the pool is made; an empty
/// pool gives none and its owner drops by name.
#[derive(Debug)]
pub struct Pool {
    free: Vec<Frame>,
    /// Frames that belong to other workers' pools, on their way home.
    foreign: Vec<Frame>,
    home: WorkerIndex,
    size: PoolSize,
    total: usize,
}

impl Pool {
    /// A pool of `count` frames that belong to worker `home`, in large pages where the kernel has some.
    pub fn new(home: WorkerIndex, count: usize, size: PoolSize) -> Self {
        let make = || {
            let mut frame = match size {
                PoolSize::Standard => Frame::standard(),
                PoolSize::Jumbo => Frame::jumbo(),
            };
            frame.meta_mut().home = home;
            frame
        };
        let free: Vec<_> = std::iter::repeat_with(make).take(count).collect();
        prefer_large_pages(free.iter().map(Frame::memory));
        Self { free, foreign: Vec::with_capacity(count), home, size, total: count }
    }

    /// A free frame, empty; `None` when all are in use.
    #[inline]
    pub fn get(&mut self) -> Option<Frame> {
        let mut frame = self.free.pop()?;
        frame.reset();
        Some(frame)
    }

    /// Takes a frame back, or keeps it aside for [`Pool::foreign`] when it
    /// belongs to another worker's pool.
    #[inline]
    pub fn put(&mut self, frame: Frame) {
        if frame.meta().home == self.home {
            self.free.push(frame);
        } else {
            self.foreign.push(frame);
        }
    }

    /// Frames to be sent home to other pools; the worker drains this.
    #[inline]
    pub fn foreign(&mut self) -> &mut Vec<Frame> {
        &mut self.foreign
    }

    /// Free frames now.
    #[inline]
    pub fn available(&self) -> usize {
        self.free.len()
    }

    /// Frames made for this pool.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Whose pool it is.
    pub fn home(&self) -> WorkerIndex {
        self.home
    }

    /// How large its buffers are.
    pub fn size(&self) -> PoolSize {
        self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_pool_gives_none_and_takes_back_its_own() {
        let mut pool = Pool::new(WorkerIndex(3), 2, PoolSize::Standard);
        let (a, b) = (pool.get().unwrap(), pool.get().unwrap());
        assert!(pool.get().is_none());
        pool.put(a);
        pool.put(b);
        pool.put(Pool::new(WorkerIndex(4), 1, PoolSize::Standard).get().unwrap());
        assert_eq!((pool.available(), pool.foreign().len()), (2, 1));
        assert_eq!(pool.get().unwrap().meta().home, WorkerIndex(3));
    }
}
