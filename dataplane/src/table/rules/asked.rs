//! Packets that rules are asked for together: each step is taken for all of them before the
//! next, so that what one has to wait for in memory the others wait for at the same time.

use std::net::IpAddr;

use super::field::{Field, NONE};
use super::plan::PLACES;
use super::set::{Found, RuleSet};
use super::{Fields, Labelled};
use crate::id::{IfIndex, VrfId};

/// Packets that are asked for together, unless somebody wants another number.
pub const ASKED: usize = 32;

/// In place of a rule's: none matches.
pub const NO_RULE: u16 = u16::MAX;

/// Up to `N` packets, 64 at most. It is kept from one time to the next, so that nothing has to be cleared.
#[derive(Clone, Debug)]
pub struct Asked<const N: usize = ASKED> {
    len: usize,
    /// The classes of each packet, by [`Field`], and of what fields are together.
    classes: [[u32; N]; PLACES],
    /// Source and destination, where they are IPv4 addresses; else their classes.
    addresses: [[u32; N]; 2],
    /// Which of both are no IPv4 addresses, one bit a packet.
    others: [u64; 2],
}

/// What rules have to do with packets of an interface, a Vrf and such labels: the same for all of them.
#[derive(Clone, Copy, Debug)]
pub struct Concern {
    pub(super) interface: u32,
    pub(super) vrf: u32,
}

impl RuleSet {
    /// What its rules have to do with packets of this interface and Vrf, with such labels; `None`
    /// where nothing.
    #[inline(always)]
    pub fn concern(&self, interface: IfIndex, vrf: VrfId, labelled: Labelled) -> Option<Concern> {
        let (interfaces, vrfs) = (&self.tables.interfaces, &self.tables.vrfs);
        let (interface, vrf) = (interfaces.get(interface.index()), vrfs.get(vrf.index()));
        self.concerns(interface, vrf, labelled).then_some(Concern { interface, vrf })
    }
}

impl<const N: usize> Default for Asked<N> {
    fn default() -> Self {
        Self { len: 0, classes: [[0; N]; PLACES], addresses: [[0; N]; 2], others: [0; 2] }
    }
}
impl<const N: usize> Asked<N> {
    /// Packets there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a packet; all until the answer are asked of the same rules. `false` where that is
    /// not worth it, as no rule is for its interface, Vrf and labels, and where there are `N`.
    #[inline(always)]
    pub fn add(&mut self, rules: &RuleSet, fields: &Fields) -> bool {
        rules
            .concern(fields.interface, fields.vrf, fields.labelled)
            .is_some_and(|concern| self.add_of(rules, concern, fields))
    }

    /// As [`Asked::add`], of what rules have to do with the packet's interface, Vrf and labels.
    #[inline(always)]
    pub fn add_of(&mut self, rules: &RuleSet, concern: Concern, fields: &Fields) -> bool {
        let (tables, Concern { interface, vrf }) = (&rules.tables, concern);
        let mut packet = Packet { rules, at: self.len, asked: self };
        if packet.at >= N {
            return false;
        }
        packet.put(Field::Interface, || interface);
        packet.put(Field::Vrf, || vrf);
        let (source_port, destination_port) =
            fields.ports.map_or((NONE, NONE), |(source, to)| (source.into(), to.into()));
        packet.put(Field::SourcePort, || tables.source_ports.get(source_port));
        packet.put(Field::DestinationPort, || tables.destination_ports.get(destination_port));
        packet.put(Field::Protocol, || tables.protocols.get(fields.protocol.into()));
        packet.put(Field::Length, || tables.lengths.get(fields.length.into()));
        packet.put(Field::Header, || tables.header(fields));
        packet.address(0, Field::Source, fields.source);
        packet.address(1, Field::Destination, fields.destination);
        self.len += 1;
        true
    }

    /// As [`Asked::add`], of what has labels and below them no IP packet: rules that name
    /// nothing of an IP header.
    pub fn add_opaque(
        &mut self,
        rules: &RuleSet,
        interface: IfIndex,
        vrf: VrfId,
        labelled: Labelled,
    ) -> bool {
        let Some(Concern { interface, vrf }) = rules.concern(interface, vrf, labelled) else { return false };
        let tables = &rules.tables;
        let mut packet = Packet { rules, at: self.len, asked: self };
        if packet.at >= N {
            return false;
        }
        packet.put(Field::Interface, || interface);
        packet.put(Field::Vrf, || vrf);
        packet.put(Field::SourcePort, || tables.source_ports.get(NONE));
        packet.put(Field::DestinationPort, || tables.destination_ports.get(NONE));
        packet.put(Field::Protocol, || tables.protocols.get(NONE));
        packet.put(Field::Length, || tables.lengths.get(NONE));
        packet.put(Field::Header, || tables.opaque(labelled));
        packet.classed(0, tables.sources.other);
        packet.classed(1, tables.destinations.other);
        self.len += 1;
        true
    }

    /// Makes so many packets, `N` at the most, all there are: they are written column by column.
    #[inline]
    pub(super) fn begin(&mut self, packets: usize) {
        (self.len, self.others) = (packets.min(N), [0; 2]);
    }

    /// The class of each packet in a field.
    #[inline]
    pub(super) fn column_mut(&mut self, field: Field) -> &mut [u32; N] {
        &mut self.classes[field as usize]
    }

    /// The source and the destination of each packet.
    #[inline]
    pub(super) fn addresses_mut(&mut self) -> &mut [[u32; N]; 2] {
        &mut self.addresses
    }

    /// Looks for the first rule of each packet whose conditions all hold, and hands its
    /// place on with the packet's number, from 0, in the order that they were added in. All
    /// are forgotten then.
    #[inline]
    pub fn answer(&mut self, rules: &RuleSet, mut each: impl FnMut(usize, Option<usize>)) {
        let (mut found, len) = ([NO_RULE; N], self.len);
        self.answer_into(rules, &mut found);
        for (at, rule) in found.into_iter().enumerate().take(len) {
            each(at, (rule != NO_RULE).then_some(rule.into()));
        }
    }

    /// As [`Asked::answer`], into the places of the packets; what no rule takes has [`NO_RULE`].
    #[inline]
    pub fn answer_into(&mut self, rules: &RuleSet, found: &mut [u16]) {
        let len = self.take_together(rules).min(found.len());
        let found = found.get_mut(..len).unwrap_or_default();
        // There is no place beyond the last: this says so without a branch.
        rules.plan.last.find_all(|place| &self.classes[place.min(PLACES - 1)][..len], found);
    }

    /// Finds what classes are together, of all packets; gives how many these are, which are forgotten then.
    #[inline]
    fn take_together(&mut self, rules: &RuleSet) -> usize {
        let len = std::mem::take(&mut self.len).min(N);
        for (at, field, table) in rules.tables.addresses() {
            let (addresses, classes) = (&self.addresses[at][..len], &mut self.classes[field as usize][..len]);
            if rules.looks(field) {
                table.v4.find(addresses, classes);
            }
            let mut others = std::mem::take(&mut self.others[at]);
            while others != 0 {
                let other = others.trailing_zeros() as usize;
                if let (Some(class), Some(address)) = (classes.get_mut(other), addresses.get(other)) {
                    *class = *address;
                }
                others &= others - 1;
            }
        }
        for merge in &rules.plan.merges {
            // What a table says is for a place behind those that it is asked for.
            let (before, behind) = self.classes.split_at_mut(merge.into);
            let [first, second] = merge.of.map(|place| before.get(place));
            if let (Some(first), Some(second), Some(into)) = (first, second, behind.first_mut()) {
                merge.merge(&first[..len], &second[..len], &mut into[..len]);
            }
        }
        len
    }
}

/// One that is added.
struct Packet<'a, const N: usize> {
    rules: &'a RuleSet,
    at: usize,
    asked: &'a mut Asked<N>,
}

impl<const N: usize> Packet<'_, N> {
    /// Its class of a field, where rules look at it.
    #[inline(always)]
    fn put(&mut self, field: Field, class: impl FnOnce() -> u32) {
        if self.rules.looks(field) {
            self.asked.classes[field as usize][self.at] = class();
        }
    }

    /// Its source (0) or destination (1).
    #[inline(always)]
    fn address(&mut self, which: usize, field: Field, address: IpAddr) {
        match address {
            IpAddr::V4(address) => self.asked.addresses[which][self.at] = address.to_bits(),
            IpAddr::V6(_) if !self.rules.looks(field) => {}
            IpAddr::V6(address) => {
                let [table, other] = [&self.rules.tables.sources, &self.rules.tables.destinations];
                let table = if which == 0 { table } else { other };
                self.classed(which, table.v6.lookup(address).map_or(table.other, |found| found.0));
            }
        }
    }

    /// The class of its source (0) or destination (1), which is no IPv4 address.
    #[inline]
    fn classed(&mut self, which: usize, class: u32) {
        self.asked.addresses[which][self.at] = class;
        self.asked.others[which] |= 1 << (self.at % 64);
    }
}

/// What is found for the only packet.
pub(super) fn only(rules: &RuleSet, add: impl FnOnce(&mut Asked<1>) -> bool) -> Found {
    let (mut asked, mut only) = (Asked::default(), None);
    if add(&mut asked) {
        asked.answer(rules, |_, found| only = found);
    }
    only.and_then(|rule| Some((rule, rules.treatment(rule)?)))
}
