//! Rules → the classes of each field's values. Runs where a generation is made, never where
//! packets are.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use ipnet::{IpNet, Ipv4Net};

use super::field::{Addresses, DSCPS, FIELDS, Field, HEADERS, LABELLED, Numbers, Tables};
use super::merge::Group;
use super::rows::{Classes, Row, clear, count, set};
use super::{Conditions, Fragment, Labelled, MOST_RULES, Rule, Wanted};
use crate::id::NhlfeId;

type Bits = Vec<u64>;

/// Every field's table, and the groups of those fields that tell packets apart, in order.
pub(super) struct Built {
    pub(super) tables: Tables,
    pub(super) groups: Vec<Group>,
    /// Whether any rule takes packets of an interface's class; and of a Vrf's.
    pub(super) concerned: [Vec<bool>; 2],
}

struct Builder<'r> {
    rules: &'r [Rule],
    fields: [Classes; FIELDS],
}

pub(super) fn build(rules: &[Rule]) -> Built {
    let rules = rules.get(..MOST_RULES).unwrap_or(rules);
    let mut all = Builder { rules, fields: Default::default() };
    let tables = Tables {
        interfaces: all.numbers(Field::Interface, 0, |c| points(&c.interfaces, |i| u64::from(i.0))),
        vrfs: all.numbers(Field::Vrf, 0, |c| points(&c.vrfs, |v| u64::from(v.0))),
        sources: all.addresses(Field::Source, |c| &c.sources),
        destinations: all.addresses(Field::Destination, |c| &c.destinations),
        source_ports: all.numbers(Field::SourcePort, 1 << 16, |c| ranges(&c.source_ports)),
        destination_ports: all.numbers(Field::DestinationPort, 1 << 16, |c| ranges(&c.destination_ports)),
        protocols: all.numbers(Field::Protocol, 256, |c| points(&c.protocols, |p| u64::from(*p))),
        lengths: all.numbers(Field::Length, 1 << 16, |c| ranges(&c.lengths)),
        headers: all.headers(),
    };
    let concerned = [Field::Interface, Field::Vrf].map(|field| {
        all.fields[field as usize].rows().iter().map(|row| row.iter().any(|word| *word != 0)).collect()
    });
    let fields = all.fields.iter().enumerate();
    let mut groups: Vec<Group> =
        fields.map(|(place, classes)| Group { place, rows: classes.rows().to_vec() }).collect();
    // What tells nothing apart is not looked at; one field is, so that there is a class.
    let tells = |group: &Group| group.rows.len() > 1 || group.rows.iter().any(|row| count(row) < rules.len());
    groups.retain(tells);
    if groups.is_empty() {
        let place = Field::Protocol as usize;
        groups.push(Group { place, rows: all.fields[place].rows().to_vec() });
    }
    Built { tables, groups, concerned }
}

impl Builder<'_> {
    /// What each rule wants of a field.
    fn wanted<T>(&self, field: impl Fn(&Conditions) -> Wanted<T>) -> Vec<Wanted<T>> {
        self.rules.iter().map(|rule| field(&rule.conditions)).collect()
    }

    /// The rules that look at a field not at all.
    fn any<T>(&self, wanted: &[Wanted<T>]) -> Bits {
        let mut bits = vec![0; self.rules.len().div_ceil(64)];
        for (rule, _) in wanted.iter().enumerate().filter(|(_, wanted)| wanted.is_none()) {
            set(&mut bits, rule);
        }
        bits
    }

    fn class(&mut self, field: Field, row: &Row) -> u32 {
        self.fields[field as usize].number(row)
    }

    /// The table of a field of numbers; it has `size` entries, or as many as the highest
    /// number named needs where that is 0, or none where no rule looks at the field.
    fn numbers(
        &mut self,
        field: Field,
        size: usize,
        values: impl Fn(&Conditions) -> Wanted<RangeInclusive<u64>>,
    ) -> Numbers {
        let wanted = self.wanted(values);
        let mut bits = self.any(&wanted);
        let other = self.class(field, &bits);
        // Where a rule begins to take a number, and where it has ceased to.
        let mut turns: BTreeMap<u64, Vec<(usize, bool)>> = BTreeMap::new();
        for (rule, ranges) in wanted.iter().enumerate() {
            for range in joined(ranges.as_deref().unwrap_or_default()) {
                turns.entry(*range.start()).or_default().push((rule, true));
                turns.entry(range.end() + 1).or_default().push((rule, false));
            }
        }
        let Some(last) = turns.keys().next_back() else { return Numbers::new(&[], other) };
        let size = if size == 0 { *last as usize } else { size };
        let mut numbers = Vec::with_capacity(size);
        let mut class = other;
        for (at, turned) in turns {
            numbers.resize((at as usize).min(size), class);
            for (rule, begins) in turned {
                if begins { set(&mut bits, rule) } else { clear(&mut bits, rule) }
            }
            class = self.class(field, &bits);
        }
        numbers.resize(size, class);
        Numbers::new(&numbers, other)
    }

    /// The table of DSCP, fragment and labels: each row is what three rows have in common.
    fn headers(&mut self) -> Numbers {
        let dscps = self.valued(DSCPS, |c| points(&c.dscps, |d| u64::from(*d)));
        let fragments = self.valued(Fragment::ALL.len(), |c| points(&c.fragments, |f| *f as u64));
        let named = self.rules.iter().any(|rule| rule.conditions.tcs.is_some());
        let labelled = self.valued(LABELLED, |c| named.then(|| labels(&c.tcs)));
        let mut numbers = Vec::with_capacity(HEADERS + LABELLED);
        for labelled in &labelled.0 {
            for fragment in &fragments.0 {
                let both = common(labelled, fragment);
                numbers.extend(dscps.0.iter().map(|dscp| self.class(Field::Header, &common(&both, dscp))));
            }
        }
        let opaque = common(&dscps.1, &fragments.1);
        numbers
            .extend(labelled.0.iter().map(|labelled| self.class(Field::Header, &common(labelled, &opaque))));
        Numbers::new(&numbers, 0)
    }

    /// By value of a field of `size` values the rules that take it; and those that take any.
    fn valued(
        &self,
        size: usize,
        values: impl Fn(&Conditions) -> Wanted<RangeInclusive<u64>>,
    ) -> (Vec<Bits>, Bits) {
        let wanted = self.wanted(values);
        let any = self.any(&wanted);
        let mut values = vec![any.clone(); size];
        for (rule, ranges) in wanted.iter().enumerate() {
            for at in ranges.iter().flatten().cloned().flatten() {
                if let Some(bits) = values.get_mut(at as usize) {
                    set(bits, rule);
                }
            }
        }
        (values, any)
    }

    /// The table of a field of addresses.
    fn addresses(&mut self, field: Field, values: impl Fn(&Conditions) -> &Wanted<IpNet>) -> Addresses {
        let wanted = self.wanted(|conditions| values(conditions).clone());
        let any = self.any(&wanted);
        let mut nets: BTreeMap<IpNet, Vec<usize>> = BTreeMap::new();
        for (rule, wanted) in wanted.iter().enumerate() {
            for net in wanted.iter().flatten() {
                nets.entry(net.trunc()).or_default().push(rule);
            }
        }
        let mut table = Addresses { other: self.class(field, &any), ..Addresses::default() };
        let mut v4: Vec<(Ipv4Net, u32)> = Vec::new();
        // Prefixes come by address and then by length: those around one are before it.
        let mut around: Vec<(IpNet, Bits)> = Vec::new();
        for (net, of) in nets {
            while around.last().is_some_and(|(outer, _)| !outer.contains(&net)) {
                around.pop();
            }
            let mut bits = around.last().map_or_else(|| any.clone(), |(_, bits)| bits.clone());
            of.iter().for_each(|rule| set(&mut bits, *rule));
            let class = self.class(field, &bits);
            match net {
                IpNet::V4(net) => v4.push((net, class)),
                IpNet::V6(net) => drop::<Option<NhlfeId>>(table.v6.insert(net, NhlfeId(class))),
            }
            around.push((net, bits));
        }
        table.v4 = super::nets::Nets::new(&v4, self.fields[field as usize].len(), table.other);
        table
    }
}

fn points<T>(wanted: &Wanted<T>, number: impl Fn(&T) -> u64) -> Wanted<RangeInclusive<u64>> {
    wanted.as_ref().map(|values| values.iter().map(|v| number(v)..=number(v)).collect())
}

fn ranges(wanted: &Wanted<RangeInclusive<u16>>) -> Wanted<RangeInclusive<u64>> {
    let wide = |r: &RangeInclusive<u16>| u64::from(*r.start())..=u64::from(*r.end());
    wanted.as_ref().map(|ranges| ranges.iter().map(wide).collect())
}

/// Which labels a rule takes. One that names none takes all IP packets of this router.
fn labels(tcs: &Wanted<u8>) -> Vec<RangeInclusive<u64>> {
    let Some(tcs) = tcs else { return vec![0..=8] };
    let both = |tc: &u8| [Labelled::Edge(*tc), Labelled::Through(*tc)].map(|l| l.index() as u64);
    tcs.iter().flat_map(both).map(|at| at..=at).collect()
}

fn common(a: &Bits, b: &Bits) -> Bits {
    a.iter().zip(b).map(|(a, b)| a & b).collect()
}

/// Ranges that neither overlap nor touch.
fn joined(ranges: &[RangeInclusive<u64>]) -> Vec<RangeInclusive<u64>> {
    let mut sorted: Vec<_> = ranges.iter().filter(|r| !r.is_empty()).cloned().collect();
    sorted.sort_by_key(|range| *range.start());
    let mut joined: Vec<RangeInclusive<u64>> = Vec::with_capacity(sorted.len());
    for range in sorted {
        match joined.last_mut() {
            Some(last) if *range.start() <= last.end() + 1 => {
                *last = *last.start()..=(*last.end()).max(*range.end());
            }
            _ => joined.push(range),
        }
    }
    joined
}
