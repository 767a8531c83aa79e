//! Longest-prefix match written out once: disjoint ranges of destinations, each
//! with where it leads. The longest prefix that covers an address owns it.

use super::address::Address;

/// Ranges that follow each other from the first address to the last.
#[derive(Clone, Debug)]
pub(super) struct Table<A, T> {
    /// The first address of each range.
    starts: Vec<A>,
    /// Where each leads.
    values: Vec<T>,
}

impl<A: Address, T: Copy + PartialEq> Table<A, T> {
    /// Of prefixes as first and last address, in address order and shorter ones
    /// first; what none covers has the value `nothing`.
    pub(super) fn new(prefixes: impl IntoIterator<Item = (A, A, T)>, nothing: T) -> Self {
        let mut table = Self { starts: Vec::new(), values: Vec::new() };
        table.push(A::FIRST, nothing);
        // Prefixes that the one at hand lies in, outermost first.
        let mut open: Vec<(A, T)> = Vec::new();
        for (first, last, value) in prefixes {
            table.close(&mut open, Some(first), nothing);
            table.push(first, value);
            open.push((last, value));
        }
        table.close(&mut open, None, nothing);
        table.starts.shrink_to_fit();
        table.values.shrink_to_fit();
        table
    }

    /// Ends the open prefixes that lie before `until`, or all.
    fn close(&mut self, open: &mut Vec<(A, T)>, until: Option<A>, nothing: T) {
        while let Some((last, _)) = open.pop_if(|(last, _)| until.is_none_or(|until| *last < until)) {
            let around = open.last().map_or(nothing, |(_, value)| *value);
            if let Some(next) = last.next() {
                self.push(next, around);
            }
        }
    }

    fn push(&mut self, start: A, value: T) {
        if self.starts.last() == Some(&start) {
            self.starts.pop();
            self.values.pop();
        }
        if self.values.last() != Some(&value) {
            self.starts.push(start);
            self.values.push(value);
        }
    }

    /// Gives `first..=last` another value, whatever it had.
    pub(super) fn overlay(&mut self, first: A, last: A, value: T) {
        let Some(behind) = self.starts.iter().rposition(|start| *start <= last).map(|at| self.values[at])
        else {
            return;
        };
        let from = self.starts.partition_point(|start| *start < first);
        let to = self.starts.partition_point(|start| *start <= last);
        let next = last.next().filter(|next| self.starts.get(to) != Some(next));
        self.starts.splice(from..to, std::iter::once(first).chain(next));
        self.values.splice(from..to, std::iter::once(value).chain(next.map(|_| behind)));
    }

    /// The ranges that lie in `first..=last`, cut to it.
    pub(super) fn within(&self, first: A, last: A) -> impl Iterator<Item = (A, A, T)> + '_ {
        let from = self.starts.partition_point(|start| *start <= first).saturating_sub(1);
        let ranges = self.starts.iter().zip(&self.values).enumerate().skip(from);
        ranges.take_while(move |(_, (start, _))| **start <= last).map(move |(i, (start, value))| {
            let end = self.starts.get(i + 1).map_or(A::LAST, |next| next.before());
            ((*start).max(first), end.min(last), *value)
        })
    }

    /// How many ranges there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }
}

#[cfg(test)]
mod tests {
    use ipnet::Ipv4Net;
    use proptest::prelude::*;

    use super::*;

    /// Prefixes of an address space of eight bits, at the end of 32.
    fn prefixes() -> impl Strategy<Value = Vec<(u8, u8, u8)>> {
        prop::collection::vec((any::<u8>(), 0u8..=8, 1u8..5), 0..12)
    }

    fn net(bits: u8, len: u8) -> Ipv4Net {
        Ipv4Net::new(u32::from(bits).into(), 24 + len).unwrap().trunc()
    }

    proptest! {
        #[test]
        fn it_is_longest_prefix_match(routes in prefixes(), cut in prop::option::of((any::<u8>(), any::<u8>()))) {
            let map: std::collections::BTreeMap<_, _> =
                routes.iter().map(|(bits, len, to)| (net(*bits, *len), *to)).collect();
            let ranges = map.iter().map(|(p, to)| (p.network().to_bits(), p.broadcast().to_bits(), *to));
            let mut table = Table::new(ranges, 0);
            if let Some((a, b)) = cut {
                table.overlay(u32::from(a.min(b)), u32::from(a.max(b)), 9);
            }
            prop_assert!(table.starts.is_sorted_by(|a, b| a < b));
            for address in 0..=256u32 {
                let best = map.iter().filter(|(p, _)| p.contains(&std::net::Ipv4Addr::from(address)));
                let best = best.max_by_key(|(p, _)| p.prefix_len()).map_or(0, |(_, to)| *to);
                let over = cut.is_some_and(|(a, b)| (u32::from(a.min(b))..=u32::from(a.max(b))).contains(&address));
                let found: Vec<_> = table.within(address, address).collect();
                prop_assert_eq!(found, [(address, address, if over { 9 } else { best })]);
            }
            // Ranges follow each other without a gap.
            let all: Vec<_> = table.within(3, 250).collect();
            prop_assert_eq!((all[0].0, all[all.len() - 1].1), (3, 250));
            prop_assert!(all.windows(2).all(|w| w[0].1 + 1 == w[1].0));
        }
    }

    #[test]
    fn neighbours_that_lead_the_same_way_are_one_range() {
        let table = Table::new([(10u32, 19, 'a'), (20, 29, 'a')], '-');
        assert_eq!(table.len(), 3);
        assert_eq!(
            table.within(0, u32::MAX).collect::<Vec<_>>(),
            [(0, 9, '-'), (10, 29, 'a'), (30, u32::MAX, '-')]
        );
        let whole = Table::new([(0u128, u128::MAX, 1)], 0);
        assert_eq!(whole.within(5, 6).collect::<Vec<_>>(), [(5, 6, 1)]);
    }
}
