//! Longest-prefix match: prefix → Nhlfe (RFC 1812 section 5.2.4.3).

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::{Ipv4Net, Ipv6Net};

use crate::id::NhlfeId;

macro_rules! fib {
    ($(#[$meta:meta])* $name:ident, $addr:ty, $net:ty, $bits:literal) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default)]
        pub struct $name { routes: Arc<BTreeMap<$net, NhlfeId>> }

        impl $name {
            /// What the longest prefix that covers `address` leads to.
            #[inline]
            pub fn lookup(&self, address: $addr) -> Option<NhlfeId> {
                self.longest_match(address).map(|(_, nhlfe)| nhlfe)
            }

            /// Looks up to 64 addresses up together; `NhlfeId::NONE` where none covers one.
            pub fn lookup_batch(&self, addresses: &[$addr], found: &mut [NhlfeId]) {
                for (address, found) in addresses.iter().zip(found) {
                    *found = self.lookup(*address).unwrap_or(NhlfeId::NONE);
                }
            }

            /// The longest prefix that covers `address`, and what it leads to. Slow: for people.
            pub fn longest_match(&self, address: $addr) -> Option<($net, NhlfeId)> {
                (0..=$bits).rev().find_map(|len| {
                    let net = <$net>::new(address, len).ok()?.trunc();
                    Some((net, *self.routes.get(&net)?))
                })
            }

            /// What exactly `prefix` leads to.
            pub fn get(&self, prefix: $net) -> Option<NhlfeId> {
                self.routes.get(&prefix.trunc()).copied()
            }

            /// Sets where `prefix` (host bits ignored) leads; gives back what it led to before.
            pub fn insert(&mut self, prefix: $net, nhlfe: NhlfeId) -> Option<NhlfeId> {
                Arc::make_mut(&mut self.routes).insert(prefix.trunc(), nhlfe)
            }

            /// Takes exactly `prefix` out; gives back what it led to.
            pub fn remove(&mut self, prefix: $net) -> Option<NhlfeId> {
                Arc::make_mut(&mut self.routes).remove(&prefix.trunc())
            }

            /// Prefixes in it.
            pub fn len(&self) -> usize { self.routes.len() }

            /// Whether it has none.
            pub fn is_empty(&self) -> bool { self.routes.is_empty() }

            /// Bytes of memory it takes.
            pub fn memory(&self) -> usize { self.routes.len() * 64 }

            /// Every prefix and what it leads to, in address order.
            pub fn iter(&self) -> impl Iterator<Item = ($net, NhlfeId)> + '_ {
                self.routes.iter().map(|(net, nhlfe)| (*net, *nhlfe))
            }
        }
    };
}

fib! {
    /// IPv4 prefixes of one Vrf.
    Fib4, Ipv4Addr, Ipv4Net, 32
}
fib! {
    /// IPv6 prefixes of one Vrf.
    Fib6, Ipv6Addr, Ipv6Net, 128
}
