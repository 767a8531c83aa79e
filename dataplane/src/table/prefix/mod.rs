//! Prefix tries that share what they have in common: under
//! [`Fib4`](super::Fib4) and [`Fib6`](super::Fib6).
//!
//! A node looks at one byte of the address. It keeps the prefixes that end in
//! that byte, also unfolded to where each of the 256 values leads, and below it
//! the longer ones: a child node, or a lone prefix where there is only one. Bytes
//! that decide nothing have no node. A clone shares every node; an edit copies
//! the nodes on its way that are shared, and changes the others in place.

mod children;
mod iter;
mod key;
mod node;
mod runs;
mod set;
mod trie;

pub(super) use key::Long;
pub(super) use trie::Trie;

#[cfg(test)]
mod tests;
