//! Shared memory: files without a name, mapped by both ends (memfd_create(2)).
//!
//! What the other end says of a place in them is checked against what is mapped, each
//! time, and bytes are only ever copied: they may change while they are read. A file
//! that could become shorter would end the process that touches what is gone (SIGBUS);
//! so only sealed ones are mapped, and none of huge pages, which can be taken out.
#![allow(unsafe_code)]

use std::io;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::ptr::NonNull;

use rustix::fs::SealFlags;

use crate::memory::{fetch, fetch_to_write, sealed_file};
use crate::port::sys::Mapping;

/// The most regions of one peer.
pub(super) const MOST_REGIONS: usize = 16;
/// The most bytes of all regions of one peer together: what a descriptor can reach.
pub(super) const MOST_BYTES: u64 = 1 << 32;
/// Bytes of a cache line.
const LINE: usize = 64;
/// `f_type` of a file of huge pages (statfs(2)).
const HUGETLBFS: u32 = 0x9584_58f6;

/// Why a peer's memory is not mapped.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("region index out of order")]
    Index,
    #[error("too many regions")]
    Many,
    #[error("region size is zero or too large")]
    Size,
    #[error("region is larger than its file")]
    Short,
    #[error("region is not sealed against shrinking")]
    Unsealed,
    #[error("region is of huge pages")]
    HugePages,
    #[error("region cannot be mapped: {0}")]
    Mapping(#[from] io::Error),
}

/// Memory of `len` bytes, all zero, that cannot change its size: what a client shares.
///
/// # Errors
/// The system's, when it has none.
pub fn memory(len: usize) -> io::Result<OwnedFd> {
    sealed_file("memif", len)
}

/// The shared memory of one connection.
#[derive(Debug, Default)]
pub(super) struct Regions {
    maps: Vec<Mapping>,
    bytes: u64,
}

// SAFETY: through a shared reference the mapped bytes are only copied and only accessed
// atomically, never borrowed, so threads may do so at once as the other process does.
unsafe impl Sync for Regions {}

impl Regions {
    /// Makes memory of `len` bytes, all zero, as region 0; gives its file too.
    pub(super) fn own(len: usize) -> io::Result<(Self, OwnedFd)> {
        let file = memory(len)?;
        // Page by page as it is used: making it whole would keep the frames of other ports waiting.
        let map = Mapping::lazily(&file, len)?;
        Ok((Self { maps: vec![map], bytes: len as u64 }, file))
    }

    /// Maps a peer's memory as region `index`, which must be the next.
    pub(super) fn add(&mut self, index: u16, size: u64, file: &OwnedFd) -> Result<(), Refused> {
        if usize::from(index) != self.maps.len() {
            return Err(Refused::Index);
        }
        if self.maps.len() >= MOST_REGIONS {
            return Err(Refused::Many);
        }
        if size == 0 || size > MOST_BYTES - self.bytes {
            return Err(Refused::Size);
        }
        // Other kinds of files cannot be sealed, and say so.
        let seals = rustix::fs::fcntl_get_seals(file).map_err(|_| Refused::Unsealed)?;
        if !seals.contains(SealFlags::SHRINK) {
            return Err(Refused::Unsealed);
        }
        if rustix::fs::fstatfs(file).map_err(io::Error::from)?.f_type as u32 == HUGETLBFS {
            return Err(Refused::HugePages);
        }
        // Sealed first, then measured: it has no fewer bytes ever after.
        let has = rustix::fs::fstat(file).map_err(io::Error::from)?.st_size;
        if u64::try_from(has).unwrap_or(0) < size {
            return Err(Refused::Short);
        }
        self.maps.push(Mapping::lazily(file, size as usize)?);
        self.bytes += size;
        Ok(())
    }

    /// The `len` bytes of `region` from `offset` on; `None` when they are not all inside.
    #[inline]
    pub(super) fn place(&self, region: u16, offset: u32, len: u32) -> Option<Place<'_>> {
        let start = self.maps.get(usize::from(region))?.at(offset as usize, len as usize)?;
        Some(Place { start, len: len as usize, _inside: PhantomData })
    }
}

/// Bytes in shared memory, all inside of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    start: NonNull<u8>,
    len: usize,
    _inside: PhantomData<&'a Regions>,
}

impl Place<'_> {
    /// No bytes.
    pub(super) const NOWHERE: Self = Self { start: NonNull::dangling(), len: 0, _inside: PhantomData };

    /// How many bytes.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Where it starts.
    #[inline]
    pub(super) fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Copies its first bytes to fill `to`, or as many as it has.
    #[inline]
    pub(super) fn read(&self, to: &mut [u8]) {
        let len = to.len().min(self.len);
        // SAFETY: both have `len` bytes; ours cannot lie in what another process gave.
        // The other end may write meanwhile: any bytes are a value, and these are judged later.
        unsafe { copy(self.start.as_ptr(), to.as_mut_ptr(), len) };
    }

    /// Copies `from` to its first bytes, or as many as it has.
    #[inline]
    pub(super) fn write(&self, from: &[u8]) {
        let len = from.len().min(self.len);
        // SAFETY: as for `read`, the other way; nobody borrows shared bytes.
        unsafe { copy(from.as_ptr(), self.start.as_ptr(), len) };
    }

    /// Asks for its first bytes ahead of time.
    #[inline]
    pub(super) fn prefetch(&self) {
        fetch(self.start.as_ptr());
    }

    /// Asks for the first `len` bytes that will be written, but for those of the first line.
    #[inline]
    pub(super) fn prefetch_rest_to_write(&self, len: usize) {
        let rest = (LINE..len.min(self.len)).step_by(LINE);
        rest.for_each(|at| fetch_to_write(self.start.as_ptr().wrapping_add(at)));
    }
}

/// Copies `len` bytes; the shortest frames, of which there are most at a time, without a call.
///
/// # Safety
/// Both have so many bytes, and do not overlap.
#[inline(always)]
unsafe fn copy(from: *const u8, to: *mut u8, len: usize) {
    const HALF: usize = 32;
    if !(HALF..=2 * HALF).contains(&len) {
        // SAFETY: the caller's promise.
        return unsafe { std::ptr::copy_nonoverlapping(from, to, len) };
    }
    let last = len - HALF;
    // SAFETY: the first and the last 32 of at least 32 bytes.
    unsafe {
        std::ptr::copy_nonoverlapping(from, to, HALF);
        std::ptr::copy_nonoverlapping(from.add(last), to.add(last), HALF);
    }
}
