//! Asking for memory before it is needed.
//!
//! Beside the packet's way: a batch stage, or the scheduler, that knows which line of
//! memory it reads some frames later says so here, and goes on meanwhile.
#![allow(unsafe_code)] // The instruction takes an address, and no harm comes of any.

/// Lets the first cache line of `what` come; does not wait for it.
#[inline(always)]
pub(crate) fn fetch<T: ?Sized>(what: &T) {
    let address: *const T = what;
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
