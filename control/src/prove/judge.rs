//! Ends against intent: of all that one Vrf's packets come to, what is a leak, what
//! is missing, and what cannot be told.

use std::collections::BTreeMap;
use std::rc::Rc;

use ahash::AHashMap;

use super::address::Address;
use super::end::End;
use super::intent::{Allowed, Rule, Rules};
use super::network::{Network, Node, Place};
use super::wants::{Purpose, Want};

/// Examples kept of one finding, so that one of them can be shown.
const EXAMPLES: usize = 8;

/// Findings of one kind between the same two ends: some ranges, and how many in all.
#[derive(Clone, Debug)]
pub(super) struct Ranges<A> {
    pub(super) some: Vec<(A, A, End)>,
    pub(super) count: usize,
}

/// Where packets of a finding start.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Start {
    /// At any edge of a Vrf.
    Vrf(Node),
    /// At one interface, with these labels, outermost first.
    Labelled(Place, Vec<u32>),
}

/// What must be reached, and is not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lost {
    pub(super) from: Node,
    pub(super) to: Node,
    /// The extranet that says so, as its two communities.
    pub(super) extranet: Option<(String, String)>,
    /// Where it goes instead, whatever the address.
    pub(super) end: End,
}

/// All findings of one family.
#[derive(Debug)]
pub(super) struct Findings<A> {
    pub(super) leaks: BTreeMap<(Start, Node), (Rule, Ranges<A>)>,
    pub(super) missing: BTreeMap<Lost, Ranges<A>>,
    /// Packets that leave the known network with labels.
    pub(super) unknown: BTreeMap<(Start, Place), Ranges<A>>,
    /// Packets that go round and round.
    pub(super) loops: BTreeMap<(Start, usize), Ranges<A>>,
}

impl<A> Default for Findings<A> {
    fn default() -> Self {
        Self {
            leaks: BTreeMap::new(),
            missing: BTreeMap::new(),
            unknown: BTreeMap::new(),
            loops: BTreeMap::new(),
        }
    }
}

impl<A> Default for Ranges<A> {
    fn default() -> Self {
        Self { some: Vec::new(), count: 0 }
    }
}

impl<A: Address> Ranges<A> {
    fn add(&mut self, first: A, last: A, end: End) {
        self.count += 1;
        let found = (first, last, end);
        if self.some.len() < EXAMPLES {
            self.some.push(found);
        } else if let End::Edge(_) = end
            && let Some(other) = self.some.iter_mut().skip(1).find(|r| !matches!(r.2, End::Edge(_)))
        {
            *other = found;
        }
    }
}

/// What a Vrf may send to another, as ranges.
#[derive(Debug)]
enum May<A> {
    All,
    Only(Vec<(A, A)>, Rule),
}

/// Judges ends, one after the other.
#[derive(Debug)]
pub(super) struct Judge<'a, 'n, 'i, A> {
    network: &'a Network<'n>,
    rules: &'a Rules<'i>,
    may: AHashMap<(Node, Node), Rc<May<A>>>,
    pub(super) findings: Findings<A>,
}

impl<'a, 'n, 'i, A: Address> Judge<'a, 'n, 'i, A> {
    pub(super) fn new(network: &'a Network<'n>, rules: &'a Rules<'i>) -> Self {
        Self { network, rules, may: AHashMap::new(), findings: Findings::default() }
    }

    /// The Vrf that has a packet in the end; `None` where nobody has it.
    pub(super) fn receiver(&self, end: End) -> Option<Node> {
        match end {
            End::Edge(place) => self.network.node_of(place),
            End::Local(node) => Some(node),
            End::Drop(..) | End::Unknown(_) | End::Loop(_) => None,
        }
    }

    /// Whether packets of `from` may end there: leaks, and what is not known.
    pub(super) fn closed(&mut self, from: Node, start: impl Fn() -> Start, (first, last, end): (A, A, End)) {
        match end {
            End::Drop(..) => {}
            End::Unknown(place) => {
                self.findings.unknown.entry((start(), place)).or_default().add(first, last, end);
            }
            End::Loop(router) => {
                self.findings.loops.entry((start(), router)).or_default().add(first, last, end);
            }
            End::Edge(_) | End::Local(_) => {
                let Some(to) = self.receiver(end).filter(|to| *to != from) else { return };
                let may = self.may(from, to);
                let May::Only(ranges, rule) = &*may else { return };
                for (first, last) in outside(ranges, first, last) {
                    let found = self.findings.leaks.entry((start(), to));
                    found.or_insert_with(|| (rule.clone(), Ranges::default())).1.add(first, last, end);
                }
            }
        }
    }

    /// Whether packets of `from` may and must end there, and those of every Vrf that has
    /// the same part in the same communities as `from`.
    pub(super) fn is_right(
        &mut self,
        from: Node,
        wants: &[Want<'i, A>],
        (first, last, end): (A, A, End),
    ) -> bool {
        let receiver = self.receiver(end);
        let may = match receiver {
            Some(to) => to != from && matches!(*self.may(from, to), May::All),
            None => matches!(end, End::Drop(..)),
        };
        let reached = |owners: &[Node]| receiver.is_some_and(|r| owners.contains(&r));
        may && wants.iter().all(|want| want.within(first, last).all(|(.., owners)| reached(owners)))
    }

    fn may(&mut self, from: Node, to: Node) -> Rc<May<A>> {
        if let Some(may) = self.may.get(&(from, to)) {
            return may.clone();
        }
        let may = Rc::new(match self.rules.allowed(self.network, from, to) {
            Allowed::All => May::All,
            Allowed::Nothing(rule) => May::Only(Vec::new(), rule),
            Allowed::Only(prefixes, rule) => {
                let mut ranges: Vec<_> = prefixes.iter().filter_map(|p| A::range(*p)).collect();
                ranges.sort_unstable();
                May::Only(ranges, rule)
            }
        });
        self.may.insert((from, to), may.clone());
        may
    }

    /// Whether packets of `from` end where they must.
    pub(super) fn reached(&mut self, from: Node, wants: &[Want<'i, A>], (first, last, end): (A, A, End)) {
        let receiver = self.receiver(end);
        for want in wants {
            for (first, last, owners) in want.within(first, last) {
                let Some(to) = owners.first() else { continue };
                if receiver.is_some_and(|r| r == from || owners.contains(&r)) || *owners == [from] {
                    continue;
                }
                let extranet = match &want.purpose {
                    Purpose::Community => None,
                    Purpose::Extranet(e) => Some((e.from.clone(), e.to.clone())),
                };
                let to = owners.iter().find(|o| **o != from).unwrap_or(to);
                let lost = Lost { from, to: *to, extranet, end };
                self.findings.missing.entry(lost).or_default().add(first, last, end);
            }
        }
    }
}

/// What of `first..=last` lies in none of these ranges, which are in order.
fn outside<A: Address>(ranges: &[(A, A)], first: A, last: A) -> Vec<(A, A)> {
    let (mut outside, mut from) = (Vec::new(), Some(first));
    for (start, end) in ranges.iter().filter(|(start, end)| *start <= last && *end >= first) {
        let Some(at) = from else { break };
        if at < *start {
            outside.push((at, start.before()));
        }
        from = end.next().map(|next| next.max(at));
    }
    outside.extend(from.filter(|from| *from <= last).map(|from| (from, last)));
    outside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_outside_of_ranges() {
        let ranges = [(10u32, 19), (15, 17), (30, 39), (90, u32::MAX)];
        assert_eq!(outside(&ranges, 0, 50), [(0, 9), (20, 29), (40, 50)]);
        assert_eq!(outside(&ranges, 12, 18), []);
        assert_eq!(outside(&ranges, 19, 20), [(20, 20)]);
        assert_eq!(outside(&ranges, 80, u32::MAX), [(80, 89)]);
        assert_eq!(outside(&[], 3u128, 4), [(3, 4)]);
    }
}
