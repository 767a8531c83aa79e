//! What the processor and the kernel are told about memory: what is needed soon, and what
//! is best mapped in few large pages.
//!
//! Beside the packet's way. Neither changes what any memory holds.
#![allow(unsafe_code)] // One instruction and one system call that take addresses, and harm none.

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
        unsafe { libc::madvise(std::ptr::without_provenance_mut(from), to.saturating_sub(from), *advice) };
    }
}

#[cfg(not(target_os = "linux"))]
fn ask(_: usize, _: usize, _: &[i32]) {}

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
