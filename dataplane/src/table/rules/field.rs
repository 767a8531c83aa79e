//! One field's values, each to the place of its row.

use std::net::IpAddr;

use super::{Fields, Fragment, Labelled};
use crate::id::{IfIndex, NhlfeId, VrfId};
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

/// Values of DSCP.
pub(super) const DSCPS: usize = 64;
/// Values of [`Labelled`].
pub(super) const LABELLED: usize = 17;
/// DSCP, fragment and labels together; those without labels first, so that the others cost
/// them no memory in the nearest cache.
pub(super) const HEADERS: usize = LABELLED * Fragment::ALL.len() * DSCPS;

/// The place of these three in their table.
#[inline]
fn header(labelled: Labelled, fragment: Fragment, dscp: u8) -> usize {
    (labelled.index() * Fragment::ALL.len() + fragment as usize) * DSCPS + usize::from(dscp & 63)
}

/// Every field's table.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    /// By [`IfIndex`].
    pub(super) interfaces: Numbers,
    /// By [`VrfId`].
    pub(super) vrfs: Numbers,
    pub(super) sources: Addresses,
    pub(super) destinations: Addresses,
    /// `other` is that of packets without ports.
    pub(super) source_ports: Numbers,
    pub(super) destination_ports: Numbers,
    pub(super) protocols: Numbers,
    pub(super) lengths: Numbers,
    /// [`HEADERS`] of IP packets, and behind those, by [`Labelled`], of what is none.
    pub(super) headers: Numbers,
}

impl Tables {
    #[inline]
    pub(super) fn interface(&self, interface: IfIndex) -> usize {
        self.interfaces.get(interface.index())
    }

    #[inline]
    pub(super) fn vrf(&self, vrf: VrfId) -> usize {
        self.vrfs.get(vrf.index())
    }

    #[inline]
    pub(super) fn header(&self, fields: &Fields) -> usize {
        self.headers.get(header(fields.labelled, fields.fragment, fields.dscp))
    }

    /// Of what is no IP packet.
    #[inline]
    pub(super) fn opaque(&self, labelled: Labelled) -> usize {
        self.headers.get(HEADERS + labelled.index())
    }

    /// Bytes of memory of the tables of numbers.
    pub(super) fn numbers(&self) -> usize {
        let numbers = [
            &self.interfaces,
            &self.vrfs,
            &self.source_ports,
            &self.destination_ports,
            &self.protocols,
            &self.lengths,
            &self.headers,
        ];
        numbers.map(|n| n.places.len() * size_of::<Place>()).iter().sum()
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        let addresses = [&self.sources, &self.destinations].map(|a| a.v4.memory() + a.v6.memory());
        self.numbers() + addresses.iter().sum::<usize>()
    }
}
