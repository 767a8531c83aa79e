//! The clock of TCP's timestamps (RFC 7323): virtual time in microseconds.
//!
//! smoltcp asks a plain function for it, so it is kept for each thread; a host sets it
//! before its stack works.

use std::cell::Cell;

use dataplane::time::Time;

thread_local! {
    static NOW: Cell<u32> = const { Cell::new(0) };
}

/// Sets the clock.
pub(super) fn set(now: Time) {
    NOW.set((now.nanos() / 1_000) as u32);
}

/// What the clock shows; it begins again after 71 minutes.
pub(super) fn tsval() -> u32 {
    NOW.get()
}
