//! The packets that a rule's conditions hold for, as sets: field by field, and what is
//! left of them when others are taken away.

use std::cell::Cell;
use std::ops::RangeInclusive;

use dataplane::id::VrfId;
use dataplane::table::rules::{Conditions, Fragment, Wanted};
use dataplane::wire::l4::has_ports;
use ipnet::IpNet;

/// Numbers, as ranges that neither overlap nor touch, in order.
type Set = Vec<(u128, u128)>;

const FIELDS: usize = 11;
/// Stands for packets without ports.
const NO_PORT: u128 = 1 << 16;

/// Ranges that may still be looked at.
pub(super) struct Work(Cell<usize>);

impl Work {
    pub(super) fn new(most: usize) -> Self {
        Self(Cell::new(most))
    }

    fn spend(&self, ranges: usize) {
        self.0.set(self.0.get().saturating_sub(ranges));
    }

    pub(super) fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}

/// Where packets of one direction may come, or go.
pub(super) struct World {
    /// The Vrf of each interface, and whether it has labels.
    pub(super) interfaces: Vec<(VrfId, bool)>,
    /// Whether it is what leaves.
    pub(super) leaves: bool,
    /// Whether interfaces that are yet to come count: rules without a place hold for those too.
    pub(super) open: bool,
}

impl World {
    /// Those of the interfaces that `c` asks for by which its packets can come or go,
    /// labelled or not. A label that comes in may lead to any Vrf.
    fn places(&self, c: &Conditions, labelled: bool) -> Set {
        let vrf = |vrf: &VrfId| c.vrfs.as_ref().is_none_or(|vrfs| vrfs.contains(vrf));
        let fits =
            |(own, mpls): &(VrfId, bool)| (*mpls || !labelled) && (labelled && !self.leaves || vrf(own));
        let all = self.interfaces.iter().zip(0..).filter(|(i, _)| fits(i)).map(|(_, at)| (at, at)).collect();
        match &c.interfaces {
            None => joined(all),
            wanted => meet(&joined(all), &points(wanted, 0, |i| i.0.into())),
        }
    }

    /// Whether there is an interface that packets of `c` come or go by.
    pub(super) fn has_place(&self, c: &Conditions) -> bool {
        let asks = c.interfaces.is_some() || c.vrfs.is_some();
        let nowhere = c.vrfs.as_ref().is_some_and(Vec::is_empty);
        !asks || !nowhere && [false, true].iter().any(|labelled| !self.places(c, *labelled).is_empty())
    }

    /// Whether labelled packets of `c` come or go by any interface.
    pub(super) fn has_labels(&self, c: &Conditions) -> bool {
        !self.places(c, true).is_empty()
    }
}

/// Kinds of packets that have no packet in common.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    /// Whether they have labels, or had some.
    labelled: bool,
    /// IPv6, or IPv4; `None` of what is neither.
    v6: Option<bool>,
}

impl Kind {
    pub(super) const ALL: [Self; 5] = [
        Self { labelled: false, v6: Some(false) },
        Self { labelled: false, v6: Some(true) },
        Self { labelled: true, v6: Some(false) },
        Self { labelled: true, v6: Some(true) },
        Self { labelled: true, v6: None },
    ];

    /// Which labels `c` asks for: eight traffic classes of labels that come off or on here, and
    /// eight of those that stay.
    fn labels(self, c: &Conditions) -> Set {
        match &c.tcs {
            None if self.labelled => vec![(0, 7)],
            None => vec![(16, 16)],
            Some(_) if !self.labelled => Vec::new(),
            Some(tcs) => {
                let both = |tc: &u8| [u128::from(*tc), u128::from(*tc) + 8];
                joined(tcs.iter().flat_map(both).map(|at| (at, at)).collect())
            }
        }
    }
}

/// Whether conditions say nothing of an IP header.
fn opaque(c: &Conditions) -> bool {
    let own = Conditions {
        interfaces: c.interfaces.clone(),
        vrfs: c.vrfs.clone(),
        tcs: c.tcs.clone(),
        ..Conditions::default()
    };
    *c == own
}

/// All packets of one kind whose every field is in its set. None of the sets is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Region([Set; FIELDS]);

impl Region {
    /// The packets of this kind that `conditions` hold for; `None` where there are none.
    pub(super) fn new(conditions: &Conditions, world: &World, kind: Kind) -> Option<Self> {
        let c = conditions;
        if kind.v6.is_none() && !opaque(c) {
            return None;
        }
        let ports = c.source_ports.is_some() || c.destination_ports.is_some();
        let with_ports = |set: Set| if ports { meet(&set, &holding(0..=255, has_ports)) } else { set };
        let not_later = |f: u8| f != Fragment::Later as u8;
        let parts = points(&c.fragments, 2, |f| *f as u128);
        let any = c.interfaces.is_none() && (c.vrfs.is_none() || kind.labelled && !world.leaves);
        let places = world.places(c, kind.labelled);
        let v6 = kind.v6.unwrap_or(true);
        let sets = [
            // Without a condition the rules of a file hold for interfaces that are yet to come.
            match any && world.open && !(kind.labelled && places.is_empty()) {
                true => vec![(0, u32::MAX.into())],
                false => places,
            },
            if world.leaves || !kind.labelled {
                vec![(0, 0)]
            } else {
                points(&c.vrfs, u16::MAX.into(), |v| v.0.into())
            },
            kind.labels(c),
            addresses(&c.sources, v6),
            addresses(&c.destinations, v6),
            numbers(&c.source_ports, ports),
            numbers(&c.destination_ports, ports),
            with_ports(points(&c.protocols, 255, |p| (*p).into())),
            points(&c.dscps, 63, |d| (*d).into()),
            meet(&lengths(&c.lengths), &vec![(shortest(kind.v6, ports).into(), u16::MAX.into())]),
            if ports { meet(&parts, &holding(0..=2, not_later)) } else { parts },
        ];
        Self::of(sets)
    }

    fn of(sets: [Set; FIELDS]) -> Option<Self> {
        sets.iter().all(|set| !set.is_empty()).then_some(Self(sets))
    }

    /// Ranges in all of its sets.
    pub(super) fn size(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// Whether a packet is in both.
    pub(super) fn overlaps(&self, other: &Self, work: &Work) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| {
            let (touches, looked_at) = touches(a, b);
            work.spend(looked_at);
            touches
        })
    }

    /// Whether all of its packets are in `other`.
    pub(super) fn is_within(&self, other: &Self, work: &Work) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| {
            work.spend(a.len() + b.len());
            without(a, b).is_empty()
        })
    }

    /// What is left of it without `other`: a region for each field in which it is more.
    pub(super) fn without(&self, other: &Self, work: &Work) -> Vec<Self> {
        // Each of the pieces has a set of each field.
        work.spend((self.size() + other.size()) * FIELDS);
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

/// Bytes that a packet of an IP version has at least, with the two ports where those are asked for; `None` is neither.
pub(super) fn shortest(v6: Option<bool>, ports: bool) -> u16 {
    let header = v6.map_or(0, |v6| if v6 { 40 } else { 20 });
    header + if ports { 4 } else { 0 }
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

/// Whether they have a number in common, and how many ranges were looked at to know.
fn touches(a: &Set, b: &Set) -> (bool, usize) {
    let apart = |a: &Set, b: &Set| a.last().zip(b.first()).is_some_and(|(a, b)| a.1 < b.0);
    if apart(a, b) || apart(b, a) {
        return (false, 1);
    }
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        if x.0 <= y.1 && y.0 <= x.1 {
            return (true, i + j + 1);
        }
        if x.1 < y.1 { i += 1 } else { j += 1 }
    }
    (false, i + j + 1)
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
            prop_assert_eq!(touches(&a, &b).0, !meet.is_empty());
        }
    }

    #[test]
    fn the_whole_of_ipv6_has_a_last_address() {
        let all = Conditions::default();
        let half = Conditions { sources: Some(vec!["::/1".parse().unwrap()]), ..Conditions::default() };
        let world = World { interfaces: vec![(VrfId(0), false)], leaves: false, open: true };
        let region = |c: &Conditions| Region::new(c, &world, Kind::ALL[1]).unwrap();
        let (all, half) = (region(&all), region(&half));
        let work = Work::new(1_000);
        let left = all.without(&half, &work);
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].0[3], [(1 << 127, u128::MAX)]);
        assert!(half.is_within(&all, &work) && !all.is_within(&half, &work));
        assert!(all.without(&all, &work).is_empty() && !work.is_spent());
    }
}
