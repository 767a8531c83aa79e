//! What the processor and the kernel are told about memory: what is needed soon, what is best mapped in few
//! large pages, and what is shared with the kernel or another process.
//!
//! Beside the packet's way. None of it changes what any memory holds.
#![allow(unsafe_code)] // One instruction and three system calls that take addresses, and harm none.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::ptr::{self, NonNull};

use rustix::fs::{MemfdFlags, SealFlags};

/// Lets the first cache line of what stands at `address` come; does not wait for it. Any address will do.
#[inline(always)]
pub(crate) fn fetch<T: ?Sized>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing and faults at no address; SSE is in every x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) };
    }
    #[cfg(target_arch = "aarch64")]
    {
        let address: *const u8 = address.cast();
        // SAFETY: as above; it touches neither memory, nor stack, nor flags.
        unsafe {
            std::arch::asm!("prfm pldl1keep, [{0}]", in(reg) address, options(nostack, preserves_flags, readonly));
        }
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = address;
}

/// Lets the cache line of what stands at `address` come to be written, so that no other core
/// keeps it; does not wait for it. Any address will do.
#[inline(always)]
pub(crate) fn fetch_to_write<T: ?Sized>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        let address: *const u8 = address.cast();
        // SAFETY: a prefetch changes nothing and faults at no address; processors without this one,
        // which every x86-64 decodes, do nothing. As an intrinsic it would be that for reading.
        unsafe {
            std::arch::asm!("prefetchw [{0}]", in(reg) address, options(nostack, preserves_flags, readonly));
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        let address: *const u8 = address.cast();
        // SAFETY: as above; it touches neither memory, nor stack, nor flags.
        unsafe {
            std::arch::asm!("prfm pstl1keep, [{0}]", in(reg) address, options(nostack, preserves_flags, readonly));
        }
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = address;
}

/// Bytes of a large page; where they have others, the kernel looks to that itself.
const LARGE: usize = 2 << 20;
/// The least memory for which large pages are asked.
const WORTH: usize = 8 << 20;
/// Pieces no further apart are one range: what lies between is the allocator's own.
const GAP: usize = 4096;

/// Asks the kernel to map these pieces of memory in large pages, as far as they lie together:
/// each frame would else cost a look into the page tables. Takes some milliseconds for 100 MB;
/// where the kernel cannot (it has no such pages, or none free), everything stays as it is.
pub(crate) fn prefer_large_pages<'a, T: 'a>(pieces: impl Iterator<Item = &'a [T]>) {
    prefer_large_spans(pieces.map(|piece| (piece.as_ptr().addr(), size_of_val(piece))).collect());
}

/// The same, of pieces of any kind, by address and bytes.
pub(crate) fn prefer_large_spans(mut spans: Vec<(usize, usize)>) {
    spans.sort_unstable();
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for (from, len) in spans {
        match ranges.last_mut() {
            Some((_, to)) if from <= *to + GAP => *to = (from + len).max(*to),
            _ => ranges.push((from, from + len)),
        }
    }
    for (from, to) in ranges.into_iter().filter(|(from, to)| to - from >= WORTH) {
        ask(from, to, &[HUGEPAGE, COLLAPSE]);
    }
}

/// Lets the kernel map this memory in large pages as it comes to be used, and no sooner.
pub(crate) fn large_pages_may_come<T>(piece: &[T]) {
    let from = piece.as_ptr().addr();
    ask(from, from + size_of_val(piece), &[HUGEPAGE]);
}

/// Map it so from now on.
const HUGEPAGE: i32 = 14;
/// Linux 6.1: do it now. In few C libraries' headers yet.
const COLLAPSE: i32 = 25;

/// Advises of the whole large pages between two addresses.
#[cfg(target_os = "linux")]
fn ask(from: usize, to: usize, advices: &[libc::c_int]) {
    let (from, to) = (from.next_multiple_of(LARGE), to / LARGE * LARGE);
    for advice in advices {
        // SAFETY: both only change how pages are mapped, not what they hold, whosoever they are;
        // of addresses that are not mapped the kernel says so, and nothing follows.
        unsafe { libc::madvise(ptr::without_provenance_mut(from), to.saturating_sub(from), *advice) };
    }
}

#[cfg(not(target_os = "linux"))]
fn ask(_: usize, _: usize, _: &[i32]) {}

/// Linux 5.14: have all of it, to be written, now. In few C libraries' headers yet.
const POPULATE: i32 = 23;

/// A file of `len` bytes, all zero, without a place in any folder, that cannot change its size; `name` is what
/// `/proc` shows.
pub(crate) fn sealed_file(name: &str, len: usize) -> io::Result<OwnedFd> {
    let file = rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    rustix::fs::ftruncate(&file, len as u64)?;
    rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
    Ok(file)
}

/// Memory shared with the kernel or another process; unmapped when dropped.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<u8>,
    len: usize,
    /// Bytes before it that are kept for nothing, and all that are kept.
    kept: (usize, usize),
}

// SAFETY: the mapping is owned by this value alone, and memory does not care which thread reads it.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps `len` bytes of a descriptor from `offset` on, faulted in at once.
    pub(crate) fn of(fd: &OwnedFd, len: usize, offset: libc::off_t) -> io::Result<Self> {
        Self::map(fd.as_raw_fd(), libc::MAP_SHARED | libc::MAP_POPULATE, len, offset)
    }

    /// Maps `len` bytes of a descriptor, each page when it is first touched.
    pub(crate) fn lazily(fd: &OwnedFd, len: usize) -> io::Result<Self> {
        Self::map(fd.as_raw_fd(), libc::MAP_SHARED, len, 0)
    }

    /// Maps `len` bytes of fresh memory, page aligned and zero.
    pub(crate) fn fresh(len: usize) -> io::Result<Self> {
        Self::map(-1, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_POPULATE, len, 0)
    }

    /// Maps `len` bytes of a descriptor, in large pages where the kernel has some for files, faulted in at once: what
    /// there is no memory for is said here, and by no signal later.
    pub(crate) fn filled(fd: &OwnedFd, len: usize) -> io::Result<Self> {
        let map = Self::on_a_large_page(fd, len)?;
        let from = map.start.as_ptr();
        ask(from.addr(), from.addr() + len, &[HUGEPAGE]);
        // SAFETY: the whole of a mapping of ours, which keeps what it holds.
        match unsafe { libc::madvise(from.cast(), len, POPULATE) } {
            0 => Ok(map),
            _ => match io::Error::last_os_error() {
                // An older kernel, which gives pages as they are touched.
                why if why.raw_os_error() == Some(libc::EINVAL) => Ok(map),
                why => Err(why),
            },
        }
    }

    /// Maps a descriptor from where a large page begins: those of a file only fit there.
    fn on_a_large_page(fd: &OwnedFd, len: usize) -> io::Result<Self> {
        let kept = len.checked_add(LARGE).ok_or(io::ErrorKind::OutOfMemory)?;
        let room = Self::map(-1, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE, kept, 0)?;
        let before = room.start.addr().get().next_multiple_of(LARGE) - room.start.addr().get();
        let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_FIXED);
        // SAFETY: `len` bytes from there on are inside of what was mapped just now, which nobody else knows of.
        let start = unsafe {
            let start = room.start.add(before);
            let placed = libc::mmap(start.as_ptr().cast(), len, access, flags, fd.as_raw_fd(), 0);
            if placed == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(start) }
        }?;
        // It goes with what is mapped in its place.
        std::mem::forget(room);
        Ok(Self { start, len, kept: (before, kept) })
    }

    fn map(fd: RawFd, flags: libc::c_int, len: usize, offset: libc::off_t) -> io::Result<Self> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: no fixed address is asked for, so no other mapping is touched.
        let start = unsafe { libc::mmap(ptr::null_mut(), len, access, flags, fd, offset) };
        match NonNull::new(start.cast::<u8>()) {
            Some(start) if start.as_ptr().cast::<libc::c_void>() != libc::MAP_FAILED => {
                Ok(Self { start, len, kept: (0, len) })
            }
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Its bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Its first byte.
    #[inline]
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// A pointer to `size` bytes from `offset` on; `None` when they are not all inside.
    #[inline]
    pub(crate) fn at(&self, offset: usize, size: usize) -> Option<NonNull<u8>> {
        if offset.checked_add(size)? > self.len {
            return None;
        }
        // SAFETY: `offset` is inside the mapping, as just checked.
        Some(unsafe { self.start.add(offset) })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        let (before, all) = self.kept;
        // SAFETY: exactly what was mapped, and nothing borrows from it any more.
        unsafe { libc::munmap(self.start.sub(before).as_ptr().cast(), all) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_memory_holds_stays() {
        let pieces: Vec<Vec<u8>> = (0..24u8).map(|n| vec![n; 1 << 20]).collect();
        prefer_large_pages(pieces.iter().map(Vec::as_slice));
        prefer_large_pages::<u8>(std::iter::empty());
        pieces.iter().for_each(|piece| large_pages_may_come(piece));
        for (n, piece) in pieces.iter().enumerate() {
            fetch(piece.as_ptr());
            fetch_to_write(piece.as_ptr());
            assert!(piece.iter().all(|byte| usize::from(*byte) == n));
        }
    }
}
