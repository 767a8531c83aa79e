//! Random tiny networks: the proof's ranges against every address tried by itself,
//! step by step, with nothing remembered but where it has been.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::random::{ROUTERS, router, tables};
use super::*;
use crate::prove::end::End;
use crate::prove::network::{Network, Node, Place};
use crate::prove::tunnel::Tunnels;
use crate::prove::walk::Walk;

/// Deepest stack that is not growing without end.
const DEEP: usize = 64;
/// States of one packet that are tried; networks with more are left alone.
const MOST: usize = 4000;

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
                let adjacency = self.network.snapshot(router).adjacency(*a).unwrap();
                self.sent(Place::new(router, adjacency.interface), adjacency.neighbour, stack);
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

    /// The router at the far end has it, if there is one; and, unless that has the
    /// address, someone who is not known.
    fn sent(&mut self, out: Place, neighbour: std::net::IpAddr, stack: Vec<u32>) {
        let labelled = !stack.is_empty();
        if labelled && !self.network.interface(out).unwrap().mpls {
            return self.dropped(out);
        }
        let far = self.network.peers(out).first().map(|peer| peer.end);
        if !far.is_some_and(|far| self.network.interface(far).unwrap().owns(neighbour)) {
            self.ends.insert(if labelled { End::Unknown(out) } else { End::Edge(out) });
        }
        if let Some(far) = far {
            self.go(State::Arrive(far, stack));
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
