//! Frames, what is known about them, and where they live.
//!
//! A [`Frame`] is one packet's bytes with room before them; its [`Meta`] is what
//! the stages have found out, one cache line; a [`Batch`] is what a stage is
//! given, and [`StackEdits`] what lies beside it for labelled frames; a `Chain` is
//! where frames wait; a [`Pool`] is where a worker's frames come from and go back to.

mod account;
mod alike;
mod batch;
mod buffer;
mod chain;
pub mod flow;
mod frame;
mod labelled;
mod meta;
mod pool;
mod stack;
mod sums;
mod verdict;

pub use alike::{Alike, Way};
pub(crate) use batch::Beside;
pub use batch::{BATCH, Batch};
pub use buffer::Arena;
pub(crate) use chain::Chain;
pub use frame::{Frame, HEADROOM, JUMBO_CAPACITY, NoRoom, STANDARD_CAPACITY};
pub use meta::{Flags, Layer3, Meta, Rare};
pub use pool::{Due, Pool, PoolSize};
pub use stack::{StackEdit, StackEdits};
pub(crate) use sums::by_class;
pub use verdict::{DropReason, PuntReason, Verdict};
