//! The primitives under the crate's lock-free code: `std`'s, or under
//! `--cfg loom` the model checker's, which tries every interleaving.
//!
//! [`publish`](crate::table::Publisher), [`handoff`](crate::handoff) and
//! [`SharedMeter`](crate::qos::SharedMeter) import from here; their proofs run by
//! `RUSTFLAGS="--cfg loom" cargo test -p dataplane --lib --target-dir target/loom loom_`.

#[cfg(loom)]
pub(crate) use loom::{
    cell::UnsafeCell,
    sync::{Arc, Mutex, atomic},
};

#[cfg(not(loom))]
pub(crate) use std::sync::{Arc, Mutex, atomic};

/// `std`'s cell with the shape of loom's: a pointer lives only inside a closure.
#[cfg(not(loom))]
#[derive(Debug)]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    #[inline(always)]
    pub(crate) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    #[inline(always)]
    pub(crate) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}
