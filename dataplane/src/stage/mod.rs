//! The stages of the forwarding path, one verb each.
//!
//! A stage is `run(&mut Batch, what it needs)`: it acts on the frames whose
//! verdict is still Forward, marks verdicts, and never removes a frame. Stages
//! do not import one another; `pipeline` calls them in order. Where labels have been
//! taken off, `parse::exposed` and `classify::exposed` do for the IP packet below
//! what the two stages have done for the frame, and `classify::through` asks the rules of
//! what stays labelled.

pub mod classify;
pub mod enqueue;
pub mod fragment;
pub mod lookup;
pub mod parse;
pub mod police;
pub mod rewrite;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
