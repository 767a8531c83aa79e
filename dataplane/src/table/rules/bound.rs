//! What rules may take of memory once they are compiled, told before they are.

use ahash::AHashSet;

use super::Conditions;
use super::field::{HEADERS, LABELLED};

/// Bytes that the rows and tables of one direction's rules may take, by [`most_memory`].
pub const MOST_MEMORY: usize = 64 << 20;

/// Numbers of 0 to 65,535 at which ranges begin, or have ended.
struct Turns(Vec<bool>);

impl Turns {
    fn of<'r>(ranges: impl Iterator<Item = &'r std::ops::RangeInclusive<u16>>) -> Self {
        let mut turns = vec![false; (1 << 16) + 1];
        for range in ranges.filter(|range| !range.is_empty()) {
            turns[usize::from(*range.start())] = true;
            turns[usize::from(*range.end()) + 1] = true;
        }
        Self(turns)
    }

    fn count(&self) -> usize {
        self.0.iter().filter(|turns| **turns).count()
    }
}

/// Different values, and the bytes of a table that has the highest of them.
fn points(values: impl Iterator<Item = usize>) -> (usize, usize) {
    let (mut seen, mut most) = (AHashSet::new(), 0);
    for value in values {
        seen.insert(value);
        most = most.max(value + 1);
    }
    (seen.len() * 2, most * size_of::<u32>())
}

/// Bytes that rules with these conditions take at most: a row for each value at which a
/// field's rules change, as if no two were alike, and the tables of numbers. What is not
/// counted are the texts of the rules, the tables of prefixes, which grow with these alone (64 KiB, and
/// 512 bytes a prefix), and what fields are taken together in: 128 KiB, and 2 KiB a rule.
pub fn most_memory<'c>(rules: impl ExactSizeIterator<Item = &'c Conditions> + Clone) -> usize {
    let words = rules.len().div_ceil(64) + 1;
    type Spans = super::Wanted<std::ops::RangeInclusive<u16>>;
    type Nets = super::Wanted<ipnet::IpNet>;
    let ports_from: fn(&'c Conditions) -> &'c Spans = |c| &c.source_ports;
    let ports_to: fn(&'c Conditions) -> &'c Spans = |c| &c.destination_ports;
    let lengths: fn(&'c Conditions) -> &'c Spans = |c| &c.lengths;
    let sources: fn(&'c Conditions) -> &'c Nets = |c| &c.sources;
    let destinations: fn(&'c Conditions) -> &'c Nets = |c| &c.destinations;
    let spans = [ports_from, ports_to, lengths];
    let spans = spans.map(|field| Turns::of(rules.clone().filter_map(field_of(field)).flatten()).count());
    let (interfaces, by_interface) =
        points(rules.clone().flat_map(|c| c.interfaces.iter().flatten().map(|i| i.index())));
    let (vrfs, by_vrf) = points(rules.clone().flat_map(|c| c.vrfs.iter().flatten().map(|v| v.index())));
    let nets = [sources, destinations].map(|field| {
        let nets = rules.clone().filter_map(field_of(field)).flatten();
        nets.map(ipnet::IpNet::trunc).collect::<AHashSet<_>>().len()
    });
    let protocols = rules.clone().flat_map(|c| c.protocols.iter().flatten().map(|p| usize::from(*p)));
    let fields = spans.into_iter().chain(nets).chain([interfaces, vrfs, points(protocols).0]);
    // One row for what no rule names, in each field.
    let rows = fields.map(|turns| turns + 1).sum::<usize>() + HEADERS + LABELLED;
    let numbers = (3 << 16) + 256 + HEADERS + LABELLED;
    rows * words * size_of::<u64>() + numbers * size_of::<u32>() + by_interface + by_vrf
}

/// The values of a field that a rule names.
fn field_of<'c, T: 'c>(
    field: impl Fn(&'c Conditions) -> &'c super::Wanted<T>,
) -> impl Fn(&'c Conditions) -> Option<&'c Vec<T>> {
    move |conditions| field(conditions).as_ref()
}
