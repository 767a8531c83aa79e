//! Packets that have much in common, asked for by columns: what rules look at of them is read of all
//! of them, field by field, and what they do not look at is not read.

use super::Concern;
use super::asked::Asked;
use super::field::{Field, NONE, Numbers};
use super::set::RuleSet;
use super::{Fragment, Labelled};

/// A whole IPv4 packet without labels, as rules look at it.
pub trait Plain {
    /// Source and destination.
    fn addresses(&self) -> (u32, u32);
    /// Source and destination port, where the protocol has them.
    fn ports(&self) -> Option<(u16, u16)>;
    /// Protocol number.
    fn protocol(&self) -> u8;
    /// DSCP, 0 to 63.
    fn dscp(&self) -> u8;
    /// Bytes, its header with them.
    fn l3_length(&self) -> u16;
}

impl<const N: usize> Asked<N> {
    /// Adds packets that all are of the interface and Vrf which `concern` is of, the first `N` of them; what was
    /// added before and not answered is forgotten.
    #[inline]
    pub fn add_plain(&mut self, rules: &RuleSet, concern: Concern, packets: &[impl Plain]) {
        let tables = &rules.tables;
        let whole = tables.header_row(Labelled::No, Fragment::Whole);
        self.begin(packets.len());
        self.fill(rules, Field::Interface, packets, |_| concern.interface);
        self.fill(rules, Field::Vrf, packets, |_| concern.vrf);
        let port = |port: Option<u16>| port.map_or(NONE, usize::from);
        self.number(rules, (Field::SourcePort, &tables.source_ports), packets, |packet| {
            port(packet.ports().map(|(source, _)| source))
        });
        self.number(rules, (Field::DestinationPort, &tables.destination_ports), packets, |packet| {
            port(packet.ports().map(|(_, destination)| destination))
        });
        self.number(rules, (Field::Protocol, &tables.protocols), packets, |packet| packet.protocol().into());
        self.number(rules, (Field::Length, &tables.lengths), packets, |packet| packet.l3_length().into());
        self.number(rules, (Field::Header, &tables.headers), packets, |packet| {
            whole + usize::from(packet.dscp() & 63)
        });
        let looks = [Field::Source, Field::Destination].map(|field| rules.looks(field));
        let [sources, destinations] = self.addresses_mut();
        if looks[0] {
            sources.iter_mut().zip(packets).for_each(|(to, packet)| *to = packet.addresses().0);
        }
        if looks[1] {
            destinations.iter_mut().zip(packets).for_each(|(to, packet)| *to = packet.addresses().1);
        }
    }

    /// The class of each packet in a field of numbers, where rules look at it.
    #[inline(always)]
    fn number<P>(
        &mut self,
        rules: &RuleSet,
        (field, table): (Field, &Numbers),
        packets: &[P],
        number: impl Fn(&P) -> usize,
    ) {
        let table = table.look();
        self.fill(rules, field, packets, |packet| table.get(number(packet)));
    }

    #[inline(always)]
    fn fill<P>(&mut self, rules: &RuleSet, field: Field, packets: &[P], class: impl Fn(&P) -> u32) {
        if rules.looks(field) {
            self.column_mut(field).iter_mut().zip(packets).for_each(|(to, packet)| *to = class(packet));
        }
    }
}
