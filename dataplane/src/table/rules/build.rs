//! Rules → rows and tables. Runs where a generation is made, never where packets are.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use ahash::AHashMap;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::field::{Addresses, DSCPS, HEADERS, LABELLED, Numbers, Place, Tables};
use super::{Conditions, Fragment, Labelled, MOST_RULES, Rule, Wanted};
use crate::id::NhlfeId;

/// One bit a rule.
type Bits = Vec<u64>;

/// Rows made so far; those that are alike are one.
struct Rows {
    /// Words that a row would have with all its zeros.
    words: usize,
    rows: Vec<u64>,
    places: AHashMap<Bits, Place>,
}

impl Rows {
    fn place(&mut self, bits: &Bits) -> Place {
        if let Some(place) = self.places.get(bits) {
            return *place;
        }
        let place = self.rows.len() as Place;
        let worth = bits.iter().enumerate().filter(|(_, word)| **word != 0);
        self.rows.push(worth.fold(0, |worth, (at, _)| worth | 1 << at));
        self.rows.extend(bits.iter().filter(|word| **word != 0));
        self.places.insert(bits.clone(), place);
        place
    }

    /// The rules that look at a field not at all.
    fn any<T>(&self, wanted: &[&Wanted<T>]) -> Bits {
        let mut bits = vec![0; self.words];
        for (rule, _) in wanted.iter().enumerate().filter(|(_, wanted)| wanted.is_none()) {
            set(&mut bits, rule);
        }
        bits
    }
}

fn set(bits: &mut [u64], rule: usize) {
    if let Some(word) = bits.get_mut(rule / 64) {
        *word |= 1 << (rule % 64);
    }
}

fn clear(bits: &mut [u64], rule: usize) {
    if let Some(word) = bits.get_mut(rule / 64) {
        *word &= !(1 << (rule % 64));
    }
}

/// The rows, and where each field's values find theirs.
pub(super) fn build(rules: &[Rule]) -> (Vec<u64>, Tables) {
    let rules = rules.get(..MOST_RULES).unwrap_or(rules);
    let words = rules.len().div_ceil(64);
    let mut rows = Rows { words, rows: Vec::new(), places: AHashMap::new() };
    let rows = &mut rows;
    let tables = Tables {
        interfaces: numbers(rows, rules, 0, |c| points(&c.interfaces, |i| u64::from(i.0))),
        vrfs: numbers(rows, rules, 0, |c| points(&c.vrfs, |v| u64::from(v.0))),
        sources: addresses(rows, rules, |c| &c.sources),
        destinations: addresses(rows, rules, |c| &c.destinations),
        source_ports: numbers(rows, rules, 1 << 16, |c| ranges(&c.source_ports)),
        destination_ports: numbers(rows, rules, 1 << 16, |c| ranges(&c.destination_ports)),
        protocols: numbers(rows, rules, 256, |c| points(&c.protocols, |p| u64::from(*p))),
        lengths: numbers(rows, rules, 1 << 16, |c| ranges(&c.lengths)),
        headers: headers(rows, rules),
    };
    (std::mem::take(&mut rows.rows), tables)
}

fn points<T>(wanted: &Wanted<T>, number: impl Fn(&T) -> u64) -> Wanted<RangeInclusive<u64>> {
    wanted.as_ref().map(|values| values.iter().map(|v| number(v)..=number(v)).collect())
}

fn ranges(wanted: &Wanted<RangeInclusive<u16>>) -> Wanted<RangeInclusive<u64>> {
    let wide = |r: &RangeInclusive<u16>| u64::from(*r.start())..=u64::from(*r.end());
    wanted.as_ref().map(|ranges| ranges.iter().map(wide).collect())
}

/// The table of a field of numbers; it has `size` entries, or as many as the highest
/// number named needs where that is 0, or none where no rule looks at the field.
fn numbers(
    rows: &mut Rows,
    rules: &[Rule],
    size: usize,
    field: impl Fn(&Conditions) -> Wanted<RangeInclusive<u64>>,
) -> Numbers {
    let wanted: Vec<_> = rules.iter().map(|rule| field(&rule.conditions)).collect();
    let mut bits = rows.any(&wanted.iter().collect::<Vec<_>>());
    let other = rows.place(&bits);
    // Where a rule begins to take a number, and where it has ceased to.
    let mut turns: BTreeMap<u64, Vec<(usize, bool)>> = BTreeMap::new();
    for (rule, ranges) in wanted.iter().enumerate() {
        for range in joined(ranges.as_deref().unwrap_or_default()) {
            turns.entry(*range.start()).or_default().push((rule, true));
            turns.entry(range.end() + 1).or_default().push((rule, false));
        }
    }
    let Some(last) = turns.keys().next_back() else { return Numbers { places: Vec::new(), other } };
    let size = if size == 0 { *last as usize } else { size };
    let mut places = Vec::with_capacity(size);
    let mut place = other;
    for (at, turned) in turns {
        places.resize((at as usize).min(size), place);
        for (rule, begins) in turned {
            if begins { set(&mut bits, rule) } else { clear(&mut bits, rule) }
        }
        place = rows.place(&bits);
    }
    places.resize(size, place);
    Numbers { places, other }
}

/// The table of DSCP, fragment and labels: each row is what three rows have in common.
fn headers(rows: &mut Rows, rules: &[Rule]) -> Numbers {
    let dscps = valued(rows, rules, DSCPS, |c| points(&c.dscps, |d| u64::from(*d)));
    let fragments = valued(rows, rules, Fragment::ALL.len(), |c| points(&c.fragments, |f| *f as u64));
    let labelled = valued(rows, rules, LABELLED, |c| Some(labels(&c.tcs)));
    let mut places = Vec::with_capacity(HEADERS + LABELLED);
    for labelled in &labelled.0 {
        for fragment in &fragments.0 {
            let both = common(labelled, fragment);
            places.extend(dscps.0.iter().map(|dscp| rows.place(&common(&both, dscp))));
        }
    }
    let opaque = common(&dscps.1, &fragments.1);
    places.extend(labelled.0.iter().map(|labelled| rows.place(&common(labelled, &opaque))));
    Numbers { places, other: 0 }
}

/// Which labels a rule takes. One that names none takes all IP packets of this router.
fn labels(tcs: &Wanted<u8>) -> Vec<RangeInclusive<u64>> {
    let Some(tcs) = tcs else { return vec![0..=8] };
    let both = |tc: &u8| [Labelled::Edge(*tc), Labelled::Through(*tc)].map(|l| l.index() as u64);
    tcs.iter().flat_map(both).map(|at| at..=at).collect()
}

/// By value of a field of `size` values the rules that take it; and those that take any.
fn valued(
    rows: &Rows,
    rules: &[Rule],
    size: usize,
    field: impl Fn(&Conditions) -> Wanted<RangeInclusive<u64>>,
) -> (Vec<Bits>, Bits) {
    let wanted: Vec<_> = rules.iter().map(|rule| field(&rule.conditions)).collect();
    let any = rows.any(&wanted.iter().collect::<Vec<_>>());
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

/// The table of a field of addresses.
fn addresses(rows: &mut Rows, rules: &[Rule], field: impl Fn(&Conditions) -> &Wanted<IpNet>) -> Addresses {
    let wanted: Vec<&Wanted<IpNet>> = rules.iter().map(|rule| field(&rule.conditions)).collect();
    let any = rows.any(&wanted);
    let mut nets: BTreeMap<IpNet, Vec<usize>> = BTreeMap::new();
    for (rule, wanted) in wanted.iter().enumerate() {
        for net in wanted.iter().flatten() {
            nets.entry(net.trunc()).or_default().push(rule);
        }
    }
    let mut table = Addresses { other: rows.place(&any), ..Addresses::default() };
    // Prefixes come by address and then by length: those around one are before it.
    let mut around: Vec<(IpNet, Bits)> = Vec::new();
    for (net, of) in nets {
        while around.last().is_some_and(|(outer, _)| !outer.contains(&net)) {
            around.pop();
        }
        let mut bits = around.last().map_or_else(|| any.clone(), |(_, bits)| bits.clone());
        of.iter().for_each(|rule| set(&mut bits, *rule));
        insert(&mut table, net, NhlfeId(rows.place(&bits)));
        around.push((net, bits));
    }
    table
}

fn insert(table: &mut Addresses, net: IpNet, place: NhlfeId) {
    match net {
        IpNet::V4(net) => drop::<Option<NhlfeId>>(table.v4.insert(Ipv4Net::trunc(&net), place)),
        IpNet::V6(net) => drop::<Option<NhlfeId>>(table.v6.insert(Ipv6Net::trunc(&net), place)),
    }
}
