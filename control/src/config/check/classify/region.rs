//! The packets that a rule's conditions hold for, as sets: field by field, and what is
//! left of them when others are taken away.

use std::ops::RangeInclusive;

use dataplane::table::rules::{Conditions, Fragment, Wanted};
use dataplane::wire::l4::has_ports;
use ipnet::IpNet;

/// Numbers, as ranges that neither overlap nor touch, in order.
type Set = Vec<(u128, u128)>;

const FIELDS: usize = 9;
/// Stands for packets without ports.
const NO_PORT: u128 = 1 << 16;

/// All packets of one IP version whose every field is in its set. None of the sets is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Region([Set; FIELDS]);

impl Region {
    /// The packets of IPv4, or of IPv6, that `conditions` hold for; `None` where there are none.
    pub(super) fn new(conditions: &Conditions, v6: bool) -> Option<Self> {
        let c = conditions;
        let ports = c.source_ports.is_some() || c.destination_ports.is_some();
        let with_ports = |set: Set| if ports { meet(&set, &holding(0..=255, has_ports)) } else { set };
        let not_later = |f: u8| f != Fragment::Later as u8;
        let parts = points(&c.fragments, 2, |f| *f as u128);
        let sets = [
            points(&c.interfaces, u32::MAX.into(), |i| i.0.into()),
            addresses(&c.sources, v6),
            addresses(&c.destinations, v6),
            numbers(&c.source_ports, ports),
            numbers(&c.destination_ports, ports),
            with_ports(points(&c.protocols, 255, |p| (*p).into())),
            points(&c.dscps, 63, |d| (*d).into()),
            lengths(&c.lengths),
            if ports { meet(&parts, &holding(0..=2, not_later)) } else { parts },
        ];
        Self::of(sets)
    }

    fn of(sets: [Set; FIELDS]) -> Option<Self> {
        sets.iter().all(|set| !set.is_empty()).then_some(Self(sets))
    }

    /// Whether a packet is in both.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| touches(a, b))
    }

    /// Whether all of its packets are in `other`.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| without(a, b).is_empty())
    }

    /// What is left of it without `other`: a region for each field in which it is more.
    pub(super) fn without(&self, other: &Self) -> Vec<Self> {
        let mut left = Vec::new();
        let mut common = self.0.clone();
        for (at, (own, others)) in self.0.iter().zip(&other.0).enumerate() {
            let mut more = common.clone();
            more[at] = without(own, others);
            left.extend(Self::of(more));
            common[at] = meet(own, others);
        }
        // Nothing in common in one field: the pieces before it are whole no more.
        if common.iter().any(Vec::is_empty) { vec![self.clone()] } else { left }
    }
}

/// Of 0 to `most`, those wanted.
fn points<T>(wanted: &Wanted<T>, most: u128, number: impl Fn(&T) -> u128) -> Set {
    match wanted {
        None => vec![(0, most)],
        Some(values) => joined(values.iter().map(|v| (number(v), number(v))).collect()),
    }
}

fn ranges(values: &[RangeInclusive<u16>]) -> Set {
    joined(values.iter().map(|r| ((*r.start()).into(), (*r.end()).into())).collect())
}

/// Ports; those of packets that have none are beyond where `ports` says that some are wanted.
fn numbers(wanted: &Wanted<RangeInclusive<u16>>, ports: bool) -> Set {
    match wanted {
        Some(values) => ranges(values),
        None => vec![(0, if ports { NO_PORT - 1 } else { NO_PORT })],
    }
}

fn lengths(wanted: &Wanted<RangeInclusive<u16>>) -> Set {
    wanted.as_ref().map_or_else(|| vec![(0, u16::MAX.into())], |values| ranges(values))
}

fn addresses(wanted: &Wanted<IpNet>, v6: bool) -> Set {
    let most = if v6 { u128::MAX } else { u32::MAX.into() };
    let Some(nets) = wanted else { return vec![(0, most)] };
    let range = |net: &IpNet| match net {
        IpNet::V4(net) if !v6 => Some((net.network().to_bits().into(), net.broadcast().to_bits().into())),
        IpNet::V6(net) if v6 => Some((net.network().to_bits(), net.broadcast().to_bits())),
        _ => None,
    };
    joined(nets.iter().filter_map(range).collect())
}

fn holding(of: RangeInclusive<u8>, holds: impl Fn(u8) -> bool) -> Set {
    joined(of.filter(|n| holds(*n)).map(|n| (n.into(), n.into())).collect())
}

fn joined(mut ranges: Set) -> Set {
    ranges.sort_unstable();
    let mut set: Set = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match set.last_mut() {
            Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
            _ => set.push((first, last)),
        }
    }
    set
}

fn touches(a: &Set, b: &Set) -> bool {
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        if x.0 <= y.1 && y.0 <= x.1 {
            return true;
        }
        if x.1 < y.1 { i += 1 } else { j += 1 }
    }
    false
}

fn meet(a: &Set, b: &Set) -> Set {
    let (mut i, mut j, mut set) = (0, 0, Vec::new());
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let (first, last) = (x.0.max(y.0), x.1.min(y.1));
        if first <= last {
            set.push((first, last));
        }
        if x.1 < y.1 { i += 1 } else { j += 1 }
    }
    set
}

/// Of `a`, what is not in `b`.
fn without(a: &Set, b: &Set) -> Set {
    let (mut set, mut j) = (Vec::new(), 0);
    for (first, last) in a {
        let mut from = Some(*first);
        while b.get(j).is_some_and(|hole| hole.1 < *first) {
            j += 1;
        }
        let mut at = j;
        while let (Some(start), Some(hole)) = (from, b.get(at).filter(|hole| hole.0 <= *last)) {
            if start < hole.0 {
                set.push((start, hole.0 - 1));
            }
            from = hole.1.checked_add(1).filter(|next| next <= last);
            at += 1;
        }
        set.extend(from.map(|start| (start, *last)));
    }
    set
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn set() -> impl Strategy<Value = Set> {
        vec((0u128..24, 0u128..5), 0..6)
            .prop_map(|ranges| joined(ranges.into_iter().map(|(a, n)| (a, a + n)).collect()))
    }

    fn has(set: &Set, n: u128) -> bool {
        set.iter().any(|(first, last)| (*first..=*last).contains(&n))
    }

    proptest! {
        #[test]
        fn sets_are_what_their_numbers_are(a in set(), b in set()) {
            let (meet, without) = (meet(&a, &b), without(&a, &b));
            for n in 0..40 {
                prop_assert_eq!(has(&meet, n), has(&a, n) && has(&b, n));
                prop_assert_eq!(has(&without, n), has(&a, n) && !has(&b, n));
            }
            prop_assert_eq!(touches(&a, &b), !meet.is_empty());
        }
    }

    #[test]
    fn the_whole_of_ipv6_has_a_last_address() {
        let all = Conditions::default();
        let half = Conditions { sources: Some(vec!["::/1".parse().unwrap()]), ..Conditions::default() };
        let (all, half) = (Region::new(&all, true).unwrap(), Region::new(&half, true).unwrap());
        let left = all.without(&half);
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].0[1], [(1 << 127, u128::MAX)]);
        assert!(half.is_within(&all) && !all.is_within(&half));
        assert!(all.without(&all).is_empty());
    }
}
