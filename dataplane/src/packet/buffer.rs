//! Where the bytes of frames stand: on the heap, or in an [`Arena`], memory that trusted processes share.
//!
//! Beneath [`Frame`](super::Frame). Bytes of an arena are borrowed as those of the heap are, which says that nobody
//! else writes them meanwhile. A process that has the arena's file could: it is only given to one that promises to
//! touch no frame but those that it was given and has not given back, and what it was given nobody borrows
//! (`port::memif`). It is the promise that a network card gives for the memory it is pointed to.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::io;
use std::os::fd::OwnedFd;
use std::ptr::NonNull;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::frame::{HEADROOM, JUMBO_CAPACITY, STANDARD_CAPACITY, Span};
use super::meta::{Meta, Rare};
use super::pool::PoolSize;
use crate::memory::{Mapping, sealed_file};

/// Bytes of a cache line: the first of a received frame begins one.
const LINE: usize = 64;

impl PoolSize {
    /// Bytes of such a buffer, headroom included.
    pub fn bytes(self) -> usize {
        match self {
            Self::Standard => STANDARD_CAPACITY,
            Self::Jumbo => JUMBO_CAPACITY,
        }
    }
}

/// The bytes of one frame.
#[derive(Debug)]
pub(super) struct Buffer {
    start: NonNull<u8>,
    len: usize,
    /// Where they are, if not on the heap.
    arena: Option<Arc<Arena>>,
}

impl Buffer {
    /// One of zeroes. Allocates.
    pub(super) fn new(size: PoolSize) -> Self {
        let len = size.bytes();
        // SAFETY: of more than no bytes.
        let start = unsafe { alloc_zeroed(layout(len)) };
        let Some(start) = NonNull::new(start) else { handle_alloc_error(layout(len)) };
        Self { start, len, arena: None }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: it is this one's, and gone with it.
        unsafe { free(self.start, self.len, self.arena.as_ref()) };
    }
}

fn layout(len: usize) -> Layout {
    Layout::from_size_align(len, LINE).unwrap_or(Layout::new::<()>())
}

/// Frees a buffer of the heap; one of an arena is that arena's.
///
/// # Safety
/// It was made as these say by [`Buffer::new`] or [`Arena::take`], and nobody uses it any more.
unsafe fn free(start: NonNull<u8>, len: usize, arena: Option<&Arc<Arena>>) {
    if arena.is_none() {
        // SAFETY: allocated with this layout.
        unsafe { dealloc(start.as_ptr(), layout(len)) };
    }
}

/// What is known of a frame, and where its bytes stand: one cache line of what each stage asks, and one of what few do.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Head {
    start: NonNull<u8>,
    len: u32,
    /// Where the packet begins and ends, while it waits in a chain.
    pub(super) kept: Span,
    pub(super) meta: Meta,
    pub(super) rare: Rare,
    arena: Option<Arc<Arena>>,
}

const _: () = assert!(std::mem::offset_of!(Head, rare) == LINE && size_of::<Head>() == 2 * LINE);

// SAFETY: the bytes are this one's alone, wherever they stand.
unsafe impl Send for Head {}
// SAFETY: through a shared reference they are only read.
unsafe impl Sync for Head {}

impl Head {
    /// Of a frame of which nothing is known, with its bytes there.
    pub(super) fn over(mut buffer: Buffer) -> Self {
        let (start, len, arena) = (buffer.start, buffer.len, buffer.arena.take());
        // They are the head's from now on.
        std::mem::forget(buffer);
        Self {
            start,
            len: len as u32,
            kept: Span::EMPTY,
            meta: Meta::default(),
            rare: Rare::default(),
            arena,
        }
    }

    /// All its bytes.
    #[inline(always)]
    pub(super) fn buffer(&self) -> &[u8] {
        // SAFETY: so many bytes from there on are this one's until it is dropped; they are borrowed as it is.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len as usize) }
    }

    /// All its bytes, to be written, and what is known.
    #[inline(always)]
    pub(super) fn all_mut(&mut self) -> (&mut [u8], &mut Meta, &mut Rare) {
        // SAFETY: as of `buffer`; and what is known stands elsewhere.
        let bytes = unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.len as usize) };
        (bytes, &mut self.meta, &mut self.rare)
    }
}

impl Drop for Head {
    fn drop(&mut self) {
        // SAFETY: the buffer is this one's, and gone with it.
        unsafe { free(self.start, self.len as usize, self.arena.as_ref()) };
    }
}

/// Memory for the bytes of frames, all of one size, that other processes can be given.
#[derive(Debug)]
pub struct Arena {
    memory: Mapping,
    file: OwnedFd,
    size: PoolSize,
    frames: usize,
    taken: AtomicUsize,
}

// SAFETY: what is mapped is only handed out, each piece once; it is not read or written through an arena.
unsafe impl Sync for Arena {}

impl Arena {
    /// Bytes from one buffer to the next. Behind each there is as much as before a received frame, which no frame has:
    /// DPDK's driver may write buffers of 2,048 bytes full without a look at what there is. An odd number of cache
    /// lines, so that the frames' first ones do not all fall in the same few places of a cache.
    fn stride(size: PoolSize) -> usize {
        let lines = (size.bytes() + HEADROOM) / LINE;
        LINE * (lines | 1)
    }

    /// Bytes of an arena for so many `frames`.
    pub fn bytes_for(frames: usize, size: PoolSize) -> u64 {
        (frames as u64).saturating_mul(Self::stride(size) as u64)
    }

    /// Memory for so many `frames`, of zeroes, in large pages where the kernel has some for files.
    ///
    /// # Errors
    /// The system's, when it has not so much.
    pub fn new(frames: usize, size: PoolSize) -> io::Result<Arc<Self>> {
        let len = usize::try_from(Self::bytes_for(frames.max(1), size)).map_err(io::Error::other)?;
        let file = sealed_file("frames", len)?;
        let memory = Mapping::filled(&file, len)?;
        Ok(Arc::new(Self { memory, file, size, frames, taken: AtomicUsize::new(0) }))
    }

    /// How large its buffers are.
    pub fn size(&self) -> PoolSize {
        self.size
    }

    /// Its bytes.
    pub fn bytes(&self) -> usize {
        self.memory.len()
    }

    /// The file that it is: who is given it can read and write every frame there, at any time.
    pub(crate) fn file(&self) -> &OwnedFd {
        &self.file
    }

    /// The next buffer; `None` once all were taken.
    pub(super) fn take(self: &Arc<Self>) -> Option<Buffer> {
        let next = self
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < self.frames).then_some(n + 1));
        let len = self.size.bytes();
        // Inside, and nobody else's: each number is given once.
        let start = self.memory.at(next.ok()? * Self::stride(self.size), len)?;
        Some(Buffer { start, len, arena: Some(self.clone()) })
    }

    /// The address so many bytes from its first; one that is outside is good for nothing but to be asked for.
    #[inline]
    pub(crate) fn at(&self, offset: u32) -> *const u8 {
        self.memory.start().as_ptr().wrapping_add(offset as usize)
    }

    /// Where these bytes begin in it; `None` when that is elsewhere.
    #[inline]
    pub(crate) fn offset(&self, bytes: &[u8]) -> Option<usize> {
        let start = self.memory.start().addr().get();
        let offset = bytes.as_ptr().addr().wrapping_sub(start);
        (offset < self.memory.len()).then_some(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::WorkerIndex;
    use crate::packet::Pool;

    #[test]
    fn buffers_of_an_arena_are_apart_and_no_more_than_were_asked_for() {
        for size in [PoolSize::Standard, PoolSize::Jumbo] {
            let arena = Arena::new(9, size).unwrap();
            assert_eq!(arena.bytes() as u64, Arena::bytes_for(9, size));
            let mut pool = Pool::within(&arena, WorkerIndex(0), 5);
            let mut other = Pool::within(&arena, WorkerIndex(1), 9);
            assert_eq!((pool.total(), other.total(), pool.size()), (5, 4, size));
            let mut all: Vec<_> = std::iter::from_fn(|| pool.get().or_else(|| other.get())).collect();
            assert_eq!(all.len(), 9);
            let mut places: Vec<_> = all.iter().map(|f| arena.offset(f.bytes()).unwrap()).collect();
            places.sort_unstable();
            assert!(places.iter().all(|at| at % LINE == 0));
            // DPDK's driver may write so much.
            assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= (2048 + HEADROOM).max(size.bytes())));
            for (n, frame) in (1u8..).zip(&mut all) {
                frame.set_len(frame.capacity()).unwrap();
                frame.bytes_mut().fill(n);
            }
            for (n, frame) in (1u8..).zip(&all) {
                assert!(frame.bytes().iter().all(|byte| *byte == n));
                assert!(arena.offset(frame.bytes()).is_some());
            }
            let stranger = crate::packet::Frame::standard();
            assert_eq!(arena.offset(stranger.bytes()), None);
        }
    }

    #[test]
    fn an_arena_lasts_as_long_as_its_frames() {
        let arena = Arena::new(1, PoolSize::Standard).unwrap();
        let mut frame = Pool::within(&arena, WorkerIndex(0), 1).get().unwrap();
        let weak = Arc::downgrade(&arena);
        drop(arena);
        frame.fill(&[7; 100]).unwrap();
        assert_eq!(frame.bytes(), [7; 100]);
        assert!(weak.upgrade().is_some());
        drop(frame);
        assert!(weak.upgrade().is_none());
    }

    #[test]
    fn what_another_process_reads_in_the_file_are_the_frames() {
        use std::os::unix::fs::FileExt;
        let arena = Arena::new(3, PoolSize::Standard).unwrap();
        let file = std::fs::File::from(arena.file().try_clone().unwrap());
        let mut pool = Pool::within(&arena, WorkerIndex(0), 3);
        let mut frame = pool.get().unwrap();
        frame.fill(b"a packet").unwrap();
        let at = arena.offset(frame.bytes()).unwrap() as u64;
        let mut read = [0; 8];
        file.read_exact_at(&mut read, at).unwrap();
        assert_eq!(&read, b"a packet");
        file.write_all_at(b"A", at).unwrap();
        assert_eq!(frame.bytes(), b"A packet");
        // It cannot get shorter under us.
        assert!(file.set_len(10).is_err());
    }
}
