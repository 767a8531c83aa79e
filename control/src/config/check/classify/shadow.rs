//! Which rules can never match for the rules before them, and which overlap with another
//! outcome.

use dataplane::table::rules::{Conditions, Treatment};

use super::region::{Kind, Region, Work, World};

/// Pieces that a rule may fall into before whether it is covered is left open.
const MOST_PIECES: usize = 512;
/// Ranges looked at for all rules together.
const MOST_WORK: usize = 1 << 28;
/// Ranges that rules are kept as: 32 bytes each.
const MOST_RANGES: usize = 1 << 21;
/// Rules named of those that a rule overlaps with.
const NAMED: usize = 3;

/// What is told of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// All of its packets are those of these earlier rules.
    Never(Vec<usize>),
    /// Some of its packets are those of these earlier rules, which do otherwise with them;
    /// and of how many in all.
    Overlaps(Vec<usize>, usize),
}

/// What is told of rules, in their order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Findings {
    /// Of each.
    pub(super) told: Vec<Option<Told>>,
    /// Those of which too much would have had to be looked at to know whether they can match.
    pub(super) open: Vec<usize>,
}

/// A rule's packets by kind.
struct Packets([Option<Region>; Kind::ALL.len()]);

impl Packets {
    fn size(&self) -> usize {
        self.0.iter().flatten().map(Region::size).sum()
    }

    fn overlap(&self, other: &Self, work: &Work) -> bool {
        self.0.iter().zip(&other.0).any(|pair| matches!(pair, (Some(a), Some(b)) if a.overlaps(b, work)))
    }

    fn is_within(&self, other: &Self, work: &Work) -> bool {
        self.0.iter().zip(&other.0).all(|pair| match pair {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(a), Some(b)) => a.is_within(b, work),
        })
    }

    fn pieces(&self) -> Vec<(usize, Region)> {
        let regions = self.0.iter().enumerate();
        regions.filter_map(|(kind, region)| Some((kind, region.clone()?))).collect()
    }
}

/// The packets of the first rules, as many as may be kept.
fn packets(rules: &[(Conditions, Treatment)], world: &World) -> Vec<Packets> {
    let mut size = 0;
    let all = rules.iter().map(|(c, _)| Packets(Kind::ALL.map(|kind| Region::new(c, world, kind))));
    all.take_while(|packets| {
        size += packets.size();
        size <= MOST_RANGES
    })
    .collect()
}

/// What is to be told of each of the rules of one direction, in their order; one that
/// matches nothing by itself is not looked at.
pub(super) fn told(rules: &[(Conditions, Treatment)], world: &World) -> Findings {
    let packets = packets(rules, world);
    // Whether rules are covered may be too much to know while which of them overlap is not.
    let (work, pieces) = (Work::new(MOST_WORK), Work::new(MOST_WORK));
    let mut found = Findings::default();
    for (at, own) in packets.iter().enumerate() {
        let before = packets[..at].iter().enumerate().take_while(|_| !work.is_spent());
        let met: Vec<(usize, &Packets)> = before.filter(|(_, p)| p.overlap(own, &work)).collect();
        let cover = cover(own, &met, &pieces);
        if work.is_spent() {
            break;
        }
        if cover == Cover::Open {
            found.open.push(at);
        }
        let others = |(i, p): &&(usize, &Packets)| rules[*i].1 != rules[at].1 && !p.is_within(own, &work);
        found.told.push(match cover {
            Cover::By(rules) => Some(Told::Never(rules)),
            _ => {
                let others: Vec<usize> = met.iter().filter(others).map(|(i, _)| *i).collect();
                let named = others.iter().take(NAMED).copied().collect();
                (!others.is_empty()).then_some(Told::Overlaps(named, others.len()))
            }
        });
    }
    found.open.extend(found.told.len()..rules.len());
    found.told.resize(rules.len(), None);
    found
}

/// What becomes of a rule's packets by the rules before it.
#[derive(PartialEq, Eq)]
enum Cover {
    /// These take all of them.
    By(Vec<usize>),
    /// Some are left to it.
    Not,
    /// Too much would have to be looked at to know.
    Open,
}

fn cover(own: &Packets, met: &[(usize, &Packets)], work: &Work) -> Cover {
    let mut looked_at = met.iter().take_while(|_| !work.is_spent());
    if let Some((one, _)) = looked_at.find(|(_, p)| own.is_within(p, work)) {
        return Cover::By(vec![*one]);
    }
    if work.is_spent() {
        return Cover::Open;
    }
    let mut left = own.pieces();
    let (mut by, any) = (Vec::new(), !left.is_empty());
    for (at, packets) in met {
        let mut rest = Vec::with_capacity(left.len());
        let mut took = false;
        for (kind, piece) in left {
            if work.is_spent() {
                return Cover::Open;
            }
            match packets.0[kind].as_ref().filter(|region| region.overlaps(&piece, work)) {
                Some(region) => {
                    took = true;
                    rest.extend(piece.without(region, work).into_iter().map(|piece| (kind, piece)));
                }
                None => rest.push((kind, piece)),
            }
        }
        by.extend(took.then_some(*at));
        if rest.len() > MOST_PIECES {
            return Cover::Open;
        }
        left = rest;
    }
    if any && left.is_empty() { Cover::By(by) } else { Cover::Not }
}

#[cfg(test)]
mod tests {
    use dataplane::class::TrafficClass;
    use ipnet::IpNet;

    use super::*;

    fn found(rules: &[(Conditions, Treatment)]) -> Findings {
        super::told(rules, &world(1, true))
    }

    /// So many interfaces without labels, of the default Vrf.
    fn world(interfaces: usize, open: bool) -> World {
        World { interfaces: vec![(Default::default(), false); interfaces], leaves: false, open }
    }

    fn told(rules: &[(Conditions, Treatment)]) -> Vec<Option<Told>> {
        let found = found(rules);
        assert!(found.open.is_empty(), "left open: {:?}", found.open);
        found.told
    }

    fn to(nets: &[&str], ports: Option<(u16, u16)>, class: TrafficClass) -> (Conditions, Treatment) {
        let nets: Vec<IpNet> = nets.iter().map(|n| n.parse().unwrap()).collect();
        let conditions = Conditions {
            destinations: (!nets.is_empty()).then_some(nets),
            destination_ports: ports.map(|(first, last)| vec![first..=last]),
            ..Conditions::default()
        };
        (conditions, Treatment { class: Some(class), ..Treatment::default() })
    }

    #[test]
    fn one_rule_or_several_together_leave_nothing() {
        use TrafficClass::{Clinical, Video, Voice};
        let halves = ["10.0.0.0/9", "10.128.0.0/9"].map(|half| to(&[half], None, Voice));
        let [low, high] = halves;
        let whole = to(&["10.0.0.0/8"], None, Video);
        let part = to(&["10.1.0.0/16"], Some((80, 90)), Clinical);
        let found = told(&[low.clone(), part.clone(), high.clone(), whole.clone()]);
        assert_eq!(found, [None, Some(Told::Never(vec![0])), None, Some(Told::Never(vec![0, 2]))]);
        // From the narrow to the wide is how rules are written.
        assert_eq!(told(&[part, low, whole]), [None, None, None]);
        // Ports are not all that a datagram may be: later fragments have none.
        let all_ports = to(&["10.0.0.0/8"], Some((0, 65_535)), Voice);
        assert_eq!(told(&[all_ports, to(&["10.0.0.0/8"], None, Video)]), [None, None]);
        // What one version takes leaves the other.
        assert_eq!(told(&[to(&["0.0.0.0/0"], None, Voice), to(&[], None, Video)]), [None, None]);
        let both = to(&["0.0.0.0/0", "::/0"], None, Voice);
        assert_eq!(told(&[both, to(&[], None, Video)])[1], Some(Told::Never(vec![0])));
    }

    #[test]
    fn interfaces_that_are_all_there_are_cover_a_rule_for_all_only_in_a_closed_world() {
        use TrafficClass::{Video, Voice};
        use dataplane::id::IfIndex;
        let by = |at: u32| {
            let conditions = Conditions { interfaces: Some(vec![IfIndex(at)]), ..Conditions::default() };
            (conditions, Treatment { class: Some(Voice), ..Treatment::default() })
        };
        let rules = [by(0), by(1), to(&[], None, Video)];
        let last = |interfaces, open| super::told(&rules, &world(interfaces, open)).told[2].clone();
        assert_eq!(last(2, false), Some(Told::Never(vec![0, 1])));
        assert_eq!(last(3, false), None, "a third is left to it");
        assert_eq!(last(2, true), None, "one may come");
        // The default Vrf is that of all.
        let vrf = Conditions { vrfs: Some(vec![Default::default()]), ..Conditions::default() };
        let rules = [(vrf, rules[0].1), to(&[], None, Video)];
        assert_eq!(super::told(&rules, &world(2, false)).told[1], Some(Told::Never(vec![0])));
    }

    #[test]
    fn a_rule_is_covered_by_one_for_all_lengths_that_its_packets_may_have() {
        use TrafficClass::{Video, Voice};
        let long = |from: u16, nets: &[&str]| {
            let (conditions, treatment) = to(nets, None, Voice);
            (Conditions { lengths: Some(vec![from..=u16::MAX]), ..conditions }, treatment)
        };
        let next = |net: &str| to(&[net], None, Video);
        let of = |from, net| told(&[long(from, &[]), next(net)])[1].clone();
        assert_eq!(of(20, "10.0.0.0/8"), Some(Told::Never(vec![0])));
        assert_eq!(of(40, "2001:db8::/32"), Some(Told::Never(vec![0])));
        let some = Some(Told::Overlaps(vec![0], 1));
        assert_eq!([of(21, "10.0.0.0/8"), of(41, "2001:db8::/32")], [some.clone(), some]);
    }

    #[test]
    fn what_overlaps_in_part_is_told_where_the_outcome_differs() {
        use TrafficClass::{Video, Voice};
        let net = to(&["10.0.0.0/8"], None, Voice);
        let ports = to(&[], Some((80, 80)), Video);
        assert_eq!(told(&[net.clone(), ports.clone()])[1], Some(Told::Overlaps(vec![0], 1)));
        let alike = (ports.0, Treatment { class: Some(Voice), ..Treatment::default() });
        assert_eq!(told(&[net, alike]), [None, None]);
    }

    #[test]
    fn thousands_of_rules_that_all_overlap_are_told_in_bounded_time() {
        use TrafficClass::{Video, Voice};
        let one = |i: u32| match i % 2 {
            0 => to(&[&format!("10.{}.{}.0/24", i >> 8 & 255, i & 255)], None, Voice),
            _ => to(&[], Some((i as u16, i as u16)), Video),
        };
        let rules: Vec<_> = (0..2_000).map(one).collect();
        let found = found(&rules).told;
        assert!(found.iter().all(|told| !matches!(told, Some(Told::Never(_)))));
        assert!(matches!(&found[1_999], Some(Told::Overlaps(_, 1_000))));
    }

    /// A rule for every other port from `from` on.
    fn comb(from: u16, class: TrafficClass) -> (Conditions, Treatment) {
        let teeth: Vec<_> = (0..1_024).map(|n| from + 2 * n..=from + 2 * n).collect();
        let ports = Some(teeth.clone());
        let conditions = Conditions {
            source_ports: ports.clone(),
            destination_ports: ports.clone(),
            lengths: ports,
            ..Conditions::default()
        };
        (conditions, Treatment { class: Some(class), ..Treatment::default() })
    }

    #[test]
    fn what_is_too_much_to_be_looked_at_is_left_open_and_said() {
        use TrafficClass::{Video, Voice};
        let one = |i: u16| comb(i % 4_096, if i.is_multiple_of(3) { Voice } else { Video });
        let many: Vec<_> = (0..4_096).map(one).collect();
        let found = found(&many);
        assert_eq!(found.told.len(), many.len());
        assert!(!found.open.is_empty() && found.open.contains(&4_095), "{:?}", found.open.len());
        // The same rule again is found all the same, as long as there is room.
        let twice = [one(1), one(1)];
        assert_eq!(told(&twice)[1], Some(Told::Never(vec![0])));
    }
}
