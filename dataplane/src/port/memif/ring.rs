//! A ring in shared memory: head, tail and descriptors (`memif_ring_t`, `memif_desc_t`).
//!
//! Indices run freely and are masked. One end moves the head, the other the tail, each
//! with release, and loads the other's with acquire. Neither is believed: an end keeps
//! its own in its own memory, and checks what the other wrote.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering, fence};

use super::region::Regions;
use crate::memory::fetch;

/// What every ring starts with.
pub(super) const COOKIE: u32 = 0x03e3_1f20;
/// Bytes before the descriptors.
const HEADER: usize = 128;
/// Bytes of a descriptor.
const DESCRIPTOR: usize = size_of::<[AtomicU64; 2]>();
/// Where the fields of the header are.
const FLAGS_AT: usize = 4;
const HEAD_AT: usize = 6;
const TAIL_AT: usize = 64;
/// The largest ring: its binary logarithm.
pub(super) const MOST_LOG2: u8 = 14;

/// The flag of a ring whose reader wants no interrupts.
const NO_INTERRUPTS: u16 = 1;
/// The flag of a descriptor whose frame goes on in the next one.
pub(super) const NEXT: u16 = 1;

/// Where a frame, or a part of one, is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Descriptor {
    /// [`NEXT`] or 0.
    pub(super) flags: u16,
    pub(super) region: u16,
    pub(super) length: u32,
    pub(super) offset: u32,
}

/// What only a broken or lying peer writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    #[error("a ring's index is out of range")]
    Index,
    #[error("a frame in a ring has no end")]
    Endless,
    #[error("a buffer to send into lies outside the memory that was shared")]
    Buffer,
}

/// A ring, wherever its region is mapped.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    start: NonNull<u8>,
    size: u16,
    regions: Arc<Regions>,
}

// SAFETY: the pointer is into the regions, which the ring keeps mapped and which may be shared.
unsafe impl Send for Ring {}
// SAFETY: as above; all access is atomic.
unsafe impl Sync for Ring {}

impl Ring {
    /// Bytes of a ring of `size` entries.
    pub(super) const fn bytes(size: usize) -> usize {
        HEADER + DESCRIPTOR * size
    }

    /// The ring at `offset` in `region`; `None` when it is not all inside, not aligned,
    /// or not of 2 to 2^14 entries.
    pub(super) fn at(regions: &Arc<Regions>, region: u16, offset: u32, log2: u8) -> Option<Self> {
        if !(1..=MOST_LOG2).contains(&log2) || !offset.is_multiple_of(8) {
            return None;
        }
        let size = 1_u16 << log2;
        let start = regions.place(region, offset, Self::bytes(size.into()) as u32)?.start();
        Some(Self { start, size, regions: regions.clone() })
    }

    /// Its entries.
    #[inline]
    pub(super) fn size(&self) -> u16 {
        self.size
    }

    /// The memory that descriptors speak of.
    #[inline]
    pub(super) fn regions(&self) -> &Regions {
        &self.regions
    }

    #[inline]
    fn short(&self, at: usize) -> &AtomicU16 {
        // SAFETY: `at` is an even offset within the header, which is mapped and aligned to
        // eight bytes; both ends use it atomically.
        unsafe { self.start.add(at).cast().as_ref() }
    }

    /// Moved by the end that gives buffers or frames: the client.
    #[inline]
    pub(super) fn head(&self) -> &AtomicU16 {
        self.short(HEAD_AT)
    }

    /// Moved by the end that takes them: the server.
    #[inline]
    pub(super) fn tail(&self) -> &AtomicU16 {
        self.short(TAIL_AT)
    }

    fn cookie(&self) -> &AtomicU32 {
        // SAFETY: the first four bytes, as for `short`.
        unsafe { self.start.cast().as_ref() }
    }

    /// Makes it an empty ring.
    pub(super) fn format(&self) {
        self.short(FLAGS_AT).store(0, Ordering::Relaxed);
        self.reset();
        self.cookie().store(COOKIE, Ordering::Release);
    }

    /// Starts both indices at zero.
    pub(super) fn reset(&self) {
        self.head().store(0, Ordering::Relaxed);
        self.tail().store(0, Ordering::Relaxed);
    }

    /// Whether it starts as rings do.
    pub(super) fn is_ring(&self) -> bool {
        self.cookie().load(Ordering::Acquire) == COOKIE
    }

    /// Says whether its reader wants to be told of news.
    pub(super) fn set_interrupts(&self, wanted: bool) {
        self.short(FLAGS_AT).store(if wanted { 0 } else { NO_INTERRUPTS }, Ordering::Relaxed);
    }

    /// Whether its reader wanted to be told of news some time ago.
    #[inline]
    pub(super) fn interrupts_seen(&self) -> bool {
        self.short(FLAGS_AT).load(Ordering::Relaxed) & NO_INTERRUPTS == 0
    }

    /// Whether its reader wants to be told of the news that was published before.
    ///
    /// A reader that begins to want it says so and then looks at the index once more; who
    /// publishes moves the index and then looks at the flag. Each looks after its own store only
    /// with a full fence between (a release store does not keep a later load behind it, on x86
    /// neither), and so at least one of them sees the other's.
    #[inline]
    pub(super) fn interrupts(&self) -> bool {
        fence(Ordering::SeqCst);
        self.interrupts_seen()
    }

    /// Its entries, for a row of them.
    #[inline]
    pub(super) fn entries(&self) -> Entries<'_> {
        // SAFETY: behind the header, which is mapped with them.
        let first = unsafe { self.start.add(HEADER) }.cast();
        Entries { first, mask: self.size - 1, _of: PhantomData }
    }

    /// Asks for `count` entries from `first` on ahead of time: four are in a cache line.
    #[inline]
    pub(super) fn prefetch(&self, first: u16, count: u16) {
        (0..count + 3).step_by(4).for_each(|ahead| fetch(self.entries().words(first.wrapping_add(ahead))));
    }

    /// A copy of an entry, which the other end cannot change under our feet.
    #[inline]
    pub(super) fn read(&self, index: u16) -> Descriptor {
        self.entries().read(index)
    }

    /// Writes an entry that is this end's now.
    #[inline]
    pub(super) fn write(&self, index: u16, descriptor: Descriptor) {
        self.entries().write(index, descriptor);
    }
}

/// The entries of a ring.
#[derive(Clone, Copy)]
pub(super) struct Entries<'a> {
    first: NonNull<[AtomicU64; 2]>,
    mask: u16,
    _of: PhantomData<&'a Ring>,
}

impl<'a> Entries<'a> {
    /// The two words of one.
    #[inline]
    fn words(self, index: u16) -> &'a [AtomicU64; 2] {
        // SAFETY: masked, it is one of the entries mapped behind the header, which is
        // aligned to eight bytes; both ends may write it at any time, so it is read atomically.
        unsafe { self.first.add(usize::from(index & self.mask)).as_ref() }
    }

    /// A copy of an entry, which the other end cannot change under our feet.
    #[inline]
    pub(super) fn read(self, index: u16) -> Descriptor {
        let [front, back] = self.words(index);
        let [f0, f1, r0, r1, l0, l1, l2, l3] = front.load(Ordering::Relaxed).to_ne_bytes();
        let [o0, o1, o2, o3, ..] = back.load(Ordering::Relaxed).to_ne_bytes();
        Descriptor {
            flags: u16::from_ne_bytes([f0, f1]),
            region: u16::from_ne_bytes([r0, r1]),
            length: u32::from_ne_bytes([l0, l1, l2, l3]),
            offset: u32::from_ne_bytes([o0, o1, o2, o3]),
        }
    }

    /// Writes an entry that is this end's now.
    #[inline]
    pub(super) fn write(self, index: u16, descriptor: Descriptor) {
        let Descriptor { flags, region, length, offset } = descriptor;
        let ([f0, f1], [r0, r1]) = (flags.to_ne_bytes(), region.to_ne_bytes());
        let [l0, l1, l2, l3] = length.to_ne_bytes();
        let [o0, o1, o2, o3] = offset.to_ne_bytes();
        let [front, back] = self.words(index);
        front.store(u64::from_ne_bytes([f0, f1, r0, r1, l0, l1, l2, l3]), Ordering::Relaxed);
        back.store(u64::from_ne_bytes([o0, o1, o2, o3, 0, 0, 0, 0]), Ordering::Relaxed);
    }
}
