//! Random tiny networks: the proof's ranges against every address tried by itself,
//! step by step, with nothing remembered but where it has been.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::prove::end::End;
use crate::prove::network::{Network, Node, Place};
use crate::prove::tunnel::Tunnels;
use crate::prove::walk::Walk;

/// Routers in a ring, each with two Vrfs beside "default"; addresses are 10.0.0.0/24.
const ROUTERS: u8 = 3;
/// Deepest stack that is not growing without end.
const DEEP: usize = 64;
/// States of one packet that are tried; networks with more are left alone.
const MOST: usize = 4000;

/// What an entry does; numbers are entries, taken modulo how many there are.
#[derive(Clone, Debug)]
enum Entry {
    Edge,
    Left,
    Right,
    Local,
    Discard,
    Push(Vec<u32>, usize),
    Swap(u32, usize),
    Pop(usize, bool),
    Lookup(u8, bool),
    Ecmp(usize, usize),
}

type Route = (u8, u8, u8, usize);
type Table = (Vec<Entry>, Vec<Route>, Vec<(u32, usize)>);

fn entry() -> impl Strategy<Value = Entry> {
    let label = || prop_oneof![16u32..20, Just(0)];
    prop_oneof![
        2 => Just(Entry::Edge), 3 => Just(Entry::Left), 3 => Just(Entry::Right),
        1 => Just(Entry::Local), 1 => Just(Entry::Discard),
        3 => (prop::collection::vec(label(), 1..3), any::<usize>()).prop_map(|(l, n)| Entry::Push(l, n)),
        2 => (label(), any::<usize>()).prop_map(|(l, n)| Entry::Swap(l, n)),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(n, e)| Entry::Pop(n, e)),
        3 => (0u8..3, any::<bool>()).prop_map(|(v, b)| Entry::Lookup(v, b)),
        1 => (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Entry::Ecmp(a, b)),
    ]
}

fn tables() -> impl Strategy<Value = Vec<Table>> {
    let routes = prop::collection::vec((0u8..3, any::<u8>(), 0u8..=8, any::<usize>()), 1..8);
    let labels = prop::collection::vec((16u32..20, any::<usize>()), 0..5);
    prop::collection::vec((prop::collection::vec(entry(), 3..9), routes, labels), usize::from(ROUTERS))
}

/// Router `n`: interface 0 to the left, 1 to the right, 2 to 4 the edges of its Vrfs.
fn router(n: u8, (entries, routes, labels): &Table) -> Router {
    let mut maker = Maker::new(&format!("r{n}"));
    maker.vrf("a");
    maker.vrf("b");
    let (left, right) = ((n + ROUTERS - 1) % ROUTERS, n);
    for (name, link) in [("left", left), ("right", right)] {
        maker.interface(name, VrfId(0), &[], true);
        maker.link(name, &format!("link{link}"));
    }
    for vrf in 0..3 {
        maker.interface(&format!("edge{vrf}"), VrfId(vrf), &[], false);
    }
    // A route or label leads to any entry; an entry to one before it, so that chains end.
    let at = |n: &usize| NhlfeId((n % entries.len()) as u32);
    for (i, entry) in entries.iter().enumerate() {
        let before = |n: &usize| NhlfeId(n.checked_rem(i).unwrap_or(0) as u32);
        let id = match entry {
            _ if i == 0 => maker.to(IfIndex(1), "192.0.2.3"),
            Entry::Edge => maker.to(IfIndex(2 + i as u32 % 3), "192.0.2.1"),
            Entry::Left => maker.to(IfIndex(0), "192.0.2.2"),
            Entry::Right => maker.to(IfIndex(1), "192.0.2.3"),
            Entry::Local => maker.entry(Nhlfe::Local),
            Entry::Discard => maker.entry(Nhlfe::Blackhole),
            Entry::Push(labels, next) => maker.push(labels, before(next)),
            Entry::Swap(label, next) => maker.swap(*label, before(next)),
            Entry::Pop(next, egress) => maker.pop(before(next), *egress),
            Entry::Lookup(vrf, bottom) => maker.lookup(VrfId((*vrf).into()), *bottom),
            Entry::Ecmp(a, b) => maker.ecmp(&[before(a), before(b)]),
        };
        assert_eq!(id.index(), i);
    }
    for (vrf, bits, length, to) in routes {
        let prefix = ipnet::Ipv4Net::new([10, 0, 0, *bits].into(), 24 + length).unwrap().trunc();
        maker.route(VrfId((*vrf).into()), &prefix.to_string(), at(to));
    }
    labels.iter().for_each(|(label, to)| maker.label(*label, at(to)));
    maker.done()
}

/// Where a packet is: arriving somewhere, or with labels or an address looked at in a Vrf.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Arrive(Place, Vec<u32>),
    Look(Place, u16, Vec<u32>, bool),
}

/// All ends of one destination, each found by trying; a loop is router 99.
struct Oracle<'n> {
    network: &'n Network<'n>,
    to: std::net::Ipv4Addr,
    ends: BTreeSet<End>,
    done: BTreeSet<State>,
    way: Vec<State>,
}

impl Oracle<'_> {
    fn go(&mut self, state: State) {
        let stack = match &state {
            State::Arrive(_, stack) | State::Look(_, _, stack, _) => stack,
        };
        if self.way.contains(&state) || stack.len() > DEEP {
            self.ends.insert(End::Loop(99));
            return;
        }
        if self.done.len() > MOST || !self.done.insert(state.clone()) {
            return;
        }
        self.way.push(state.clone());
        match state {
            State::Arrive(at, stack) => self.arrive(at, stack),
            State::Look(at, vrf, stack, _) if stack.is_empty() => self.destination(at, vrf),
            State::Look(at, _, _, true) => self.dropped(at),
            State::Look(at, _, stack, false) => self.label(at, stack),
        }
        self.way.pop();
    }

    /// Why a packet is dropped is not compared: the walk may see a reason further on.
    fn dropped(&mut self, at: Place) {
        self.ends.insert(End::Drop(at.router, dataplane::packet::DropReason::NoRoute));
    }

    fn arrive(&mut self, at: Place, stack: Vec<u32>) {
        let vrf = self.network.interface(at).unwrap().vrf.0;
        self.go(State::Look(at, vrf, stack, false));
    }

    fn destination(&mut self, at: Place, vrf: u16) {
        let found = self.network.snapshot(at.router).vrf(VrfId(vrf)).unwrap().fib4.lookup(self.to);
        match found {
            Some(nhlfe) => self.entry(at, vrf, nhlfe, Vec::new(), false, 0),
            None => self.dropped(at),
        }
    }

    fn label(&mut self, at: Place, stack: Vec<u32>) {
        let own = self.network.interface(at).unwrap().vrf.0;
        let rest = stack[1..].to_vec();
        if stack[0] == 0 {
            return self.go(State::Look(at, own, rest, false));
        }
        let first = self.network.snapshot(at.router).ilm.get(stack[0]);
        self.labelled(at, stack, first, 0);
    }

    /// What one entry of a label does; groups may have members that pop.
    fn labelled(&mut self, at: Place, stack: Vec<u32>, id: NhlfeId, steps: usize) {
        let own = self.network.interface(at).unwrap().vrf.0;
        let rest = stack[1..].to_vec();
        match self.network.snapshot(at.router).nhlfe(id) {
            Some(Nhlfe::Ecmp(group)) if steps < 16 => {
                for member in group.members() {
                    self.labelled(at, stack.clone(), *member, steps + 1);
                }
            }
            None => self.dropped(at),
            Some(Nhlfe::PopLookup(pop)) => self.go(State::Look(at, pop.vrf.0, rest, pop.bottom)),
            Some(Nhlfe::Pop(pop)) if pop.egress.is_some() && !rest.is_empty() => self.dropped(at),
            Some(Nhlfe::Pop(pop)) => {
                let vrf = pop.egress.map_or(own, |vrf| vrf.0);
                self.entry(at, vrf, pop.next, rest, false, 0);
            }
            Some(_) => self.entry(at, own, id, stack, true, 0),
        }
    }

    fn entry(&mut self, at: Place, vrf: u16, id: NhlfeId, mut stack: Vec<u32>, top: bool, steps: usize) {
        let router = at.router;
        match self.network.snapshot(router).nhlfe(id) {
            _ if steps >= 16 => self.dropped(at),
            Some(Nhlfe::Forward(a)) => {
                let out = Place::new(router, self.network.snapshot(router).adjacency(*a).unwrap().interface);
                self.sent(out, stack);
            }
            Some(Nhlfe::Local) if stack.is_empty() => {
                let node = self.network.node(router, VrfId(vrf)).unwrap();
                self.ends.insert(End::Local(node));
            }
            Some(Nhlfe::Ecmp(group)) => {
                for member in group.members() {
                    self.entry(at, vrf, *member, stack.clone(), top, steps + 1);
                }
            }
            Some(Nhlfe::Push(push)) => {
                stack.splice(0..0, push.labels.iter());
                // What was put on may be swapped.
                self.entry(at, vrf, push.next, stack, true, steps + 1);
            }
            Some(Nhlfe::Swap(swap)) if top => {
                stack[0] = swap.label;
                self.entry(at, vrf, swap.next, stack, top, steps + 1);
            }
            _ => self.dropped(at),
        }
    }

    fn sent(&mut self, out: Place, stack: Vec<u32>) {
        let labelled = !stack.is_empty();
        match self.network.takers(out, None) {
            _ if labelled && !self.network.interface(out).unwrap().mpls => self.dropped(out),
            None => drop(self.ends.insert(if labelled { End::Unknown(out) } else { End::Edge(out) })),
            Some(peers) => self.go(State::Arrive(peers[0].end, stack)),
        }
    }
}

/// Drops count as one, and loops too.
fn plain(end: End) -> End {
    match end {
        End::Drop(..) => End::Drop(0, dataplane::packet::DropReason::NoRoute),
        End::Loop(_) => End::Loop(99),
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn every_address_ends_where_trying_says(tables in tables()) {
        let routers: Vec<Router> = (0..ROUTERS).map(|n| router(n, &tables[usize::from(n)])).collect();
        let network = Network::new(&routers).unwrap();
        let (walk, mut tunnels) = (Walk::<u32>::new(&network), Tunnels::new(&network));
        for node in network.nodes() {
            let (first, last) = (u32::from_be_bytes([10, 0, 0, 0]), u32::from_be_bytes([10, 0, 0, 255]));
            let mut found = vec![BTreeSet::new(); 256];
            walk.ends(&mut tunnels, node, (first, last), &mut |(from, to, end)| {
                for address in from..=to {
                    found[(address & 255) as usize].insert(plain(end));
                }
            });
            for (bits, found) in found.iter().enumerate() {
                let expected = tried(&network, node, bits as u8);
                prop_assume!(expected.is_some());
                prop_assert_eq!(Some(found), expected.as_ref(), "{:?} of {:?}", bits, network.names(node));
            }
        }
    }
}

/// `None` for more ways than can be tried.
fn tried(network: &Network<'_>, node: Node, bits: u8) -> Option<BTreeSet<End>> {
    let to = [10, 0, 0, bits].into();
    let mut oracle = Oracle { network, to, ends: BTreeSet::new(), done: BTreeSet::new(), way: Vec::new() };
    let start = Place::new(network.router_of(node), IfIndex(2 + u32::from(network.vrf_of(node).0)));
    oracle.go(State::Arrive(start, Vec::new()));
    (oracle.done.len() <= MOST).then(|| oracle.ends.into_iter().map(plain).collect())
}
