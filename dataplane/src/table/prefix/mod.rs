//! Prefix tries that share what they have in common: under
//! [`Fib4`](super::Fib4) and [`Fib6`](super::Fib6).
//!
//! A node looks at one byte of the address. For look-ups it has what each of the 256 values
//! leads to, a value or what is below, packed as runs of neighbours that lead to the same;
//! for edits the prefixes that end in that byte. Below are longer prefixes: a node, or a lone
//! prefix where there is only one. What covers a node from above is already in its runs, so
//! that the last word of the way is the answer.
//!
//! A large IPv4 table has a sheet besides ([`sheet`]): what the first 24 bits lead to, at once, and
//! where longer prefixes are, the last 8. One of IPv6 has one too, which leads past the first three bytes.
//!
//! Nodes stand in an arena ([`arena`]) that a table and its clones share. An edit copies the
//! nodes on its way that a clone may see, and changes the others in place.

mod arena;
mod edit;
mod iter;
mod key;
mod marked;
mod node;
mod note;
mod pack;
mod pages;
mod place;
mod quick;
mod set;
mod sheet;
mod trie;
mod vector;
mod walk;
mod wide;
mod word;

pub(super) use key::Long;
pub(super) use trie::Trie;

#[cfg(test)]
mod beside;
#[cfg(test)]
mod room_tests;
#[cfg(test)]
mod sheet_tests;
#[cfg(test)]
mod step_tests;
#[cfg(test)]
mod tests;
