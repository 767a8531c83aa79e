//! One field's values, each to its class.

use ahash::AHashMap;

use super::nets::Nets;
use super::{Fields, Fragment, Labelled};
use crate::table::Fib6;

/// What rules look at, each with a table of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Interface,
    Vrf,
    Source,
    Destination,
    SourcePort,
    DestinationPort,
    Protocol,
    Length,
    Header,
}

/// How many of them there are.
pub(super) const FIELDS: usize = 9;
/// No number is this: it is beyond every table.
pub(super) const NONE: usize = usize::MAX;
/// Numbers of a block.
const BLOCK: usize = 256;

/// Numbers from 0, by blocks, of which those that are alike are one; what is beyond the table
/// is of the class `other`.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    /// Where each block begins.
    blocks: Vec<u32>,
    classes: Vec<u32>,
    other: u32,
}

impl Numbers {
    /// Of the classes of the numbers from 0.
    pub(super) fn new(numbers: &[u32], other: u32) -> Self {
        let mut table = Self { other, ..Self::default() };
        let mut seen = AHashMap::new();
        for block in numbers.chunks(BLOCK) {
            let place = *seen.entry(block).or_insert_with(|| {
                let place = table.classes.len();
                table.classes.extend_from_slice(block);
                table.classes.resize(place + BLOCK, other);
                place as u32
            });
            table.blocks.push(place);
        }
        table
    }

    #[inline(always)]
    pub(super) fn get(&self, number: usize) -> u32 {
        self.look().get(number)
    }

    /// The table, for several numbers.
    #[inline(always)]
    pub(super) fn look(&self) -> Look<'_> {
        Look { blocks: &self.blocks, classes: &self.classes, other: self.other }
    }

    fn memory(&self) -> usize {
        (self.blocks.len() + self.classes.len()) * size_of::<u32>()
    }
}

/// Numbers and their classes, where they lie.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    blocks: &'a [u32],
    classes: &'a [u32],
    other: u32,
}

impl Look<'_> {
    #[inline(always)]
    pub(super) fn get(self, number: usize) -> u32 {
        let Some(block) = self.blocks.get(number / BLOCK) else { return self.other };
        self.classes.get(*block as usize + number % BLOCK).copied().unwrap_or(self.other)
    }
}

/// Addresses, by the longest prefix of those that rules name. What no prefix covers is of
/// the class `other`.
#[derive(Clone, Debug, Default)]
pub(super) struct Addresses {
    pub(super) v4: Nets,
    /// Its values are classes.
    pub(super) v6: Fib6,
    pub(super) other: u32,
}

/// Values of DSCP.
pub(super) const DSCPS: usize = 64;
/// Values of [`Labelled`].
pub(super) const LABELLED: usize = 17;
/// DSCP, fragment and labels together.
pub(super) const HEADERS: usize = LABELLED * Fragment::ALL.len() * DSCPS;

/// The place of these three in their table.
#[inline]
fn header(labelled: Labelled, fragment: Fragment, dscp: u8) -> usize {
    (labelled.index() * Fragment::ALL.len() + fragment as usize) * DSCPS + usize::from(dscp & 63)
}

/// Every field's table.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    /// By [`IfIndex`](crate::id::IfIndex).
    pub(super) interfaces: Numbers,
    /// By [`VrfId`](crate::id::VrfId).
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
    #[inline(always)]
    pub(super) fn header(&self, fields: &Fields) -> u32 {
        self.headers.get(header(fields.labelled, fields.fragment, fields.dscp))
    }

    /// Where packets with such labels and fragment begin in the table of headers, the first DSCP's.
    #[inline(always)]
    pub(super) fn header_row(&self, labelled: Labelled, fragment: Fragment) -> usize {
        header(labelled, fragment, 0)
    }

    /// Of what is no IP packet.
    #[inline]
    pub(super) fn opaque(&self, labelled: Labelled) -> u32 {
        self.headers.get(HEADERS + labelled.index())
    }

    /// Those of addresses, by which of both and field.
    #[inline(always)]
    pub(super) fn addresses(&self) -> [(usize, Field, &Addresses); 2] {
        [(0, Field::Source, &self.sources), (1, Field::Destination, &self.destinations)]
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
        numbers.map(Numbers::memory).iter().sum()
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        let addresses = [&self.sources, &self.destinations].map(|a| a.v4.memory() + a.v6.memory());
        self.numbers() + addresses.iter().sum::<usize>()
    }
}
