//! One field's values, each to the place of its row.

use std::net::IpAddr;

use super::Fragment;
use crate::id::{IfIndex, NhlfeId};
use crate::table::{Fib4, Fib6};

/// The place of a row: its first word's index.
pub(super) type Place = u32;

/// Numbers from 0; what is beyond the table has the row `other`.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    pub(super) places: Vec<Place>,
    pub(super) other: Place,
}

impl Numbers {
    #[inline]
    pub(super) fn get(&self, number: usize) -> usize {
        self.places.get(number).copied().unwrap_or(self.other) as usize
    }
}

/// Addresses, by the longest prefix of those that rules name. What no prefix covers has
/// the row `other`.
#[derive(Clone, Debug, Default)]
pub(super) struct Addresses {
    /// The values of both are places.
    pub(super) v4: Fib4,
    pub(super) v6: Fib6,
    pub(super) other: Place,
}

impl Addresses {
    #[inline]
    pub(super) fn get(&self, address: IpAddr) -> usize {
        let found = match address {
            IpAddr::V4(address) => self.v4.lookup(address),
            IpAddr::V6(address) => self.v6.lookup(address),
        };
        found.map_or(self.other as usize, NhlfeId::index)
    }
}

/// Every field's table.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    /// By [`IfIndex`].
    pub(super) interfaces: Numbers,
    pub(super) sources: Addresses,
    pub(super) destinations: Addresses,
    /// `other` is that of packets without ports.
    pub(super) source_ports: Numbers,
    pub(super) destination_ports: Numbers,
    pub(super) protocols: Numbers,
    pub(super) dscps: Numbers,
    pub(super) lengths: Numbers,
    pub(super) fragments: Numbers,
}

impl Tables {
    #[inline]
    pub(super) fn interface(&self, interface: IfIndex) -> usize {
        self.interfaces.get(interface.index())
    }

    #[inline]
    pub(super) fn fragment(&self, fragment: Fragment) -> usize {
        self.fragments.get(fragment as usize)
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        let numbers = [
            &self.interfaces,
            &self.source_ports,
            &self.destination_ports,
            &self.protocols,
            &self.dscps,
            &self.lengths,
            &self.fragments,
        ];
        let numbers: usize = numbers.map(|n| n.places.len() * size_of::<Place>()).iter().sum();
        let addresses = [&self.sources, &self.destinations].map(|a| a.v4.memory() + a.v6.memory());
        numbers + addresses.iter().sum::<usize>()
    }
}
