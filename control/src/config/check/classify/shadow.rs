//! Which rules can never match for the rules before them, and which overlap with another
//! outcome.

use dataplane::table::rules::{Conditions, Treatment};

use super::region::{Kind, Region, World};

/// Pieces that a rule may fall into before whether it is covered is left open.
const MOST_PIECES: usize = 512;
/// Pieces looked at for all rules together.
const MOST_WORK: usize = 1 << 21;
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

/// A rule's packets by kind.
struct Packets([Option<Region>; Kind::ALL.len()]);

impl Packets {
    fn overlap(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|pair| matches!(pair, (Some(a), Some(b)) if a.overlaps(b)))
    }

    fn is_within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|pair| match pair {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(a), Some(b)) => a.is_within(b),
        })
    }

    fn pieces(&self) -> Vec<(usize, Region)> {
        let regions = self.0.iter().enumerate();
        regions.filter_map(|(version, region)| Some((version, region.clone()?))).collect()
    }
}

/// What is to be told of each of the rules of one direction, in their order; one that
/// matches nothing by itself is not looked at.
pub(super) fn told(rules: &[(Conditions, Treatment)], world: &World) -> Vec<Option<Told>> {
    let packets: Vec<Packets> =
        rules.iter().map(|(c, _)| Packets(Kind::ALL.map(|kind| Region::new(c, world, kind)))).collect();
    let mut work = MOST_WORK;
    let mut told = Vec::with_capacity(rules.len());
    for (at, own) in packets.iter().enumerate() {
        let before = packets[..at].iter().enumerate();
        let met: Vec<(usize, &Packets)> = before.filter(|(_, p)| p.overlap(own)).collect();
        told.push(never(own, &met, &mut work).map(Told::Never).or_else(|| {
            let others = |(i, p): &&(usize, &Packets)| rules[*i].1 != rules[at].1 && !p.is_within(own);
            let others: Vec<usize> = met.iter().filter(others).map(|(i, _)| *i).collect();
            let named = others.iter().take(NAMED).copied().collect();
            (!others.is_empty()).then_some(Told::Overlaps(named, others.len()))
        }));
    }
    told
}

/// The rules that take all packets of `own`; `None` where some are left, or too much
/// would have to be looked at to know.
fn never(own: &Packets, met: &[(usize, &Packets)], work: &mut usize) -> Option<Vec<usize>> {
    if let Some((one, _)) = met.iter().find(|(_, p)| own.is_within(p)) {
        return Some(vec![*one]);
    }
    let mut left = own.pieces();
    let (mut by, any) = (Vec::new(), !left.is_empty());
    for (at, packets) in met {
        *work = work.checked_sub(left.len())?;
        let mut rest = Vec::with_capacity(left.len());
        let mut took = false;
        for (version, piece) in left {
            match packets.0[version].as_ref().filter(|region| region.overlaps(&piece)) {
                Some(region) => {
                    took = true;
                    rest.extend(piece.without(region).into_iter().map(|piece| (version, piece)));
                }
                None => rest.push((version, piece)),
            }
        }
        by.extend(took.then_some(*at));
        if rest.len() > MOST_PIECES {
            return None;
        }
        left = rest;
    }
    (any && left.is_empty()).then_some(by)
}

#[cfg(test)]
mod tests {
    use dataplane::class::TrafficClass;
    use ipnet::IpNet;

    use super::*;

    fn told(rules: &[(Conditions, Treatment)]) -> Vec<Option<Told>> {
        super::told(rules, &World { interfaces: vec![(Default::default(), false)], leaves: false })
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
        let found = told(&rules);
        assert!(found.iter().all(|told| !matches!(told, Some(Told::Never(_)))));
        assert!(matches!(&found[1_999], Some(Told::Overlaps(_, 1_000))));
    }
}
