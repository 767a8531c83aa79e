//! Longest-prefix match: prefix → Nhlfe (RFC 1812 section 5.2.4.3).

use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use super::prefix::{Long, Trie};
use crate::id::NhlfeId;

macro_rules! fib {
    ($(#[$meta:meta])* $name:ident, $addr:ty, $net:ty, $key:ty, $bits:expr) => {
        $(#[$meta])*
        ///
        /// A clone costs one reference count, sees its own version for ever, and an
        /// edit of it copies the few nodes on the way to the prefix. Only where a table is
        /// edited that another version was made from before, and is there still, all of it is
        /// copied first.
        #[derive(Clone, Debug, Default)]
        pub struct $name {
            trie: Trie<$key>,
        }

        impl $name {
            /// What the longest prefix that covers `address` leads to.
            #[inline]
            pub fn lookup(&self, address: $addr) -> Option<NhlfeId> {
                self.trie.lookup(<$key>::from(address))
            }

            /// Looks addresses up together, 64 at a time; `NhlfeId::NONE` where no prefix
            /// covers one. Of two slices of unequal length, the rest is left alone.
            pub fn lookup_batch(&self, addresses: &[$addr], found: &mut [NhlfeId]) {
                self.trie.lookup_batch(addresses, found);
            }

            /// What [`Self::lookup_batch`] goes by on this processor, chosen at run time; in words, for people.
            pub fn chosen(&self) -> &'static str {
                self.trie.chosen()
            }

            /// The longest prefix that covers `address`, and what it leads to.
            pub fn longest_match(&self, address: $addr) -> Option<($net, NhlfeId)> {
                let found = self.trie.longest_match(<$key>::from(address))?;
                Some((<$net>::new(<$addr>::from_bits($bits(found.key)), found.len).ok()?, found.value))
            }

            /// What exactly `prefix` (host bits ignored) leads to.
            pub fn get(&self, prefix: $net) -> Option<NhlfeId> {
                self.trie.get(prefix.addr().into(), prefix.prefix_len())
            }

            /// Whether so many prefixes more surely find room. 2^24 of IPv4 and 2^21 of IPv6 always do; of
            /// more it depends on what they have in common, as a table takes 8 GiB at most.
            pub fn has_room_for(&self, more: usize) -> bool {
                self.trie.has_room_for(more)
            }

            /// Sets where `prefix` (host bits ignored) leads, an id below 2^31 (others are ignored); gives back what it led to before.
            /// Where there is no room ([`Self::has_room_for`]) nothing changes.
            pub fn insert(&mut self, prefix: $net, nhlfe: NhlfeId) -> Option<NhlfeId> {
                self.trie.insert(prefix.addr().into(), prefix.prefix_len(), nhlfe)
            }

            /// Takes exactly `prefix` (host bits ignored) out; gives back what it led to.
            pub fn remove(&mut self, prefix: $net) -> Option<NhlfeId> {
                self.trie.remove(prefix.addr().into(), prefix.prefix_len())
            }

            /// Prefixes in it.
            pub fn len(&self) -> usize {
                self.trie.len()
            }

            /// Whether it has none.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Bytes of memory it takes, with what it shares with clones, what is free for
            /// the next edits, and without the allocator's own overhead.
            pub fn memory(&self) -> usize {
                size_of::<Self>() + self.trie.memory()
            }

            /// How many of its nodes it shares with `other`, and how many are its own.
            /// Looks at every node of both: for tests and people.
            pub fn shared_with(&self, other: &Self) -> (usize, usize) {
                let mut others = HashSet::new();
                other.trie.nodes(|at| others.extend([at]));
                let (mut shared, mut own) = (0, 0);
                self.trie.nodes(|at| *if others.contains(&at) { &mut shared } else { &mut own } += 1);
                (shared, own)
            }

            /// Every prefix and what it leads to, in address order, shorter ones first.
            pub fn iter(&self) -> impl Iterator<Item = ($net, NhlfeId)> + '_ {
                self.trie.iter().filter_map(|found| {
                    Some((<$net>::new(<$addr>::from_bits($bits(found.key)), found.len).ok()?, found.value))
                })
            }
        }
    };
}

fib! {
    /// IPv4 prefixes of one Vrf.
    Fib4, Ipv4Addr, Ipv4Net, u32, u32::from
}
fib! {
    /// IPv6 prefixes of one Vrf.
    Fib6, Ipv6Addr, Ipv6Net, Long, Long::to_bits
}
