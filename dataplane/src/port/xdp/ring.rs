//! The four rings of an AF_XDP socket (kernel documentation, "AF_XDP").
//!
//! Each has one producer and one consumer, the kernel on the one side and one
//! queue's worker on the other. Indices run freely and are masked; whoever
//! moves one on stores it with release, whoever reads the other's loads it
//! with acquire, and so the entries between them are the reader's alone.
#![allow(unsafe_code)]

use std::io;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::port::sys::{self, Mapping};

/// Which ring: its size's socket option and where it is mapped.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Fill,
    Completion,
    Receive,
    Transmit,
}

impl Kind {
    fn option(self) -> libc::c_int {
        match self {
            Self::Fill => libc::XDP_UMEM_FILL_RING,
            Self::Completion => libc::XDP_UMEM_COMPLETION_RING,
            Self::Receive => libc::XDP_RX_RING,
            Self::Transmit => libc::XDP_TX_RING,
        }
    }

    fn page_offset(self) -> libc::off_t {
        match self {
            Self::Fill => libc::XDP_UMEM_PGOFF_FILL_RING as libc::off_t,
            Self::Completion => libc::XDP_UMEM_PGOFF_COMPLETION_RING as libc::off_t,
            Self::Receive => libc::XDP_PGOFF_RX_RING,
            Self::Transmit => libc::XDP_PGOFF_TX_RING,
        }
    }

    fn offsets(self, all: &libc::xdp_mmap_offsets) -> libc::xdp_ring_offset {
        match self {
            Self::Fill => all.fr,
            Self::Completion => all.cr,
            Self::Receive => all.rx,
            Self::Transmit => all.tx,
        }
    }
}

/// What stands in a ring: an address in the packet memory, or a descriptor.
pub(super) trait Entry: Copy {}
impl Entry for u64 {}
impl Entry for libc::xdp_desc {}

/// A mapped ring and where its parts are.
#[derive(Debug)]
struct Ring<T> {
    _map: Mapping,
    producer: NonNull<AtomicU32>,
    consumer: NonNull<AtomicU32>,
    flags: NonNull<AtomicU32>,
    entries: NonNull<T>,
    size: u32,
    _of: PhantomData<T>,
}

// SAFETY: the pointers are into the mapping, which the ring owns.
unsafe impl<T: Send> Send for Ring<T> {}

impl<T: Entry> Ring<T> {
    /// Makes the ring of `size` entries, a power of two, and maps it.
    fn new(socket: &OwnedFd, kind: Kind, size: u32) -> io::Result<Self> {
        sys::set_option(socket, libc::SOL_XDP, kind.option(), &size)?;
        let all = sys::get_option(socket, libc::SOL_XDP, libc::XDP_MMAP_OFFSETS)?;
        let offsets = kind.offsets(&all);
        let bytes = size as usize * size_of::<T>();
        let map = Mapping::of(socket, offsets.desc as usize + bytes, kind.page_offset())?;
        let part = |offset: u64, size| {
            map.at(offset as usize, size).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
        };
        Ok(Self {
            producer: part(offsets.producer, 4)?.cast(),
            consumer: part(offsets.consumer, 4)?.cast(),
            flags: part(offsets.flags, 4)?.cast(),
            entries: part(offsets.desc, bytes)?.cast(),
            _map: map,
            size,
            _of: PhantomData,
        })
    }

    #[inline]
    fn producer(&self) -> &AtomicU32 {
        // SAFETY: into the mapping, aligned by the kernel, used atomically by both sides.
        unsafe { self.producer.as_ref() }
    }

    #[inline]
    fn consumer(&self) -> &AtomicU32 {
        // SAFETY: as for `producer`.
        unsafe { self.consumer.as_ref() }
    }

    #[inline]
    fn entry(&self, index: u32) -> NonNull<T> {
        // SAFETY: masked, it is one of the `size` entries mapped.
        unsafe { self.entries.add((index & (self.size - 1)) as usize) }
    }

    #[inline]
    fn needs_wakeup(&self) -> bool {
        // SAFETY: as for `producer`.
        unsafe { self.flags.as_ref() }.load(Ordering::Relaxed) & libc::XDP_RING_NEED_WAKEUP != 0
    }
}

/// A ring this side fills: fill, transmit.
#[derive(Debug)]
pub(super) struct Producer<T> {
    ring: Ring<T>,
    next: u32,
    published: u32,
}

impl<T: Entry> Producer<T> {
    pub(super) fn new(socket: &OwnedFd, kind: Kind, size: u32) -> io::Result<Self> {
        Ok(Self { ring: Ring::new(socket, kind, size)?, next: 0, published: 0 })
    }

    /// Entries the kernel has not taken yet, those not published among them.
    #[inline]
    pub(super) fn pending(&self) -> u32 {
        // Acquire: the kernel has read what it moved over before we write there again.
        self.next.wrapping_sub(self.ring.consumer().load(Ordering::Acquire))
    }

    /// Entries that can be pushed now.
    #[inline]
    pub(super) fn room(&self) -> u32 {
        self.ring.size - self.pending().min(self.ring.size)
    }

    /// Puts an entry in, which the kernel sees after [`Producer::publish`].
    /// The caller has seen [`Producer::room`] for it.
    #[inline]
    pub(super) fn push(&mut self, entry: T) {
        // SAFETY: inside the mapping; with room, the entry is not the kernel's.
        unsafe { self.ring.entry(self.next).write(entry) };
        self.next = self.next.wrapping_add(1);
    }

    /// Shows the kernel what was pushed; gives how many that was.
    #[inline]
    pub(super) fn publish(&mut self) -> u32 {
        let new = self.next.wrapping_sub(self.published);
        if new > 0 {
            self.ring.producer().store(self.next, Ordering::Release);
            self.published = self.next;
        }
        new
    }

    /// Whether the kernel waits for a call before it looks at the ring.
    #[inline]
    pub(super) fn needs_wakeup(&self) -> bool {
        self.ring.needs_wakeup()
    }
}

/// A ring this side empties: receive, completion.
#[derive(Debug)]
pub(super) struct Consumer<T> {
    ring: Ring<T>,
    next: u32,
    seen: u32,
}

impl<T: Entry> Consumer<T> {
    pub(super) fn new(socket: &OwnedFd, kind: Kind, size: u32) -> io::Result<Self> {
        Ok(Self { ring: Ring::new(socket, kind, size)?, next: 0, seen: 0 })
    }

    /// The entry `ahead` places behind the next one, when it is there.
    #[inline]
    pub(super) fn peek(&mut self, ahead: u32) -> Option<T> {
        if self.seen.wrapping_sub(self.next) <= ahead {
            // Acquire: the entries up to the kernel's index are written.
            self.seen = self.ring.producer().load(Ordering::Acquire);
            if self.seen.wrapping_sub(self.next) <= ahead {
                return None;
            }
        }
        // SAFETY: inside the mapping; between the indices, the entry is ours, and integers only.
        Some(unsafe { self.ring.entry(self.next.wrapping_add(ahead)).read() })
    }

    /// Steps over `count` entries; the kernel sees it after [`Consumer::publish`].
    #[inline]
    pub(super) fn advance(&mut self, count: u32) {
        self.next = self.next.wrapping_add(count);
    }

    /// Gives the kernel the room of what was stepped over.
    #[inline]
    pub(super) fn publish(&self) {
        self.ring.consumer().store(self.next, Ordering::Release);
    }
}
