//! Labelled packets from outside: an edge that accepts labels accepts every label,
//! whatever is below it.

use std::collections::VecDeque;

use ahash::AHashSet;

use super::address::Address;
use super::end::{Below, End, Onward};
use super::network::{Network, Place};
use super::tunnel::Tunnels;
use super::walk::Walk;

/// Deepest stack that is looked for: what more labels could do, fewer can.
const DEEPEST: usize = 6;

/// Calls `each` with the labels, outermost first, and the end of every destination, of
/// packets that arrive at `start` with labels.
pub(super) fn ends<'n, A: Address + std::hash::Hash>(
    walk: &Walk<'n, A>,
    network: &'n Network<'n>,
    tunnels: &mut Tunnels<'n>,
    start: Place,
    each: &mut impl FnMut(&[u32], (A, A, End)),
) {
    let mut injection = Injection { seen: AHashSet::new(), ended: AHashSet::new() };
    let mut open = VecDeque::from([(start, Vec::new())]);
    while let Some((at, labels)) = open.pop_front() {
        if labels.len() >= DEEPEST || !injection.seen.insert(at) {
            continue;
        }
        // Explicit null looks up in the Vrf of the interface.
        let known = network.snapshot(at.router).ilm.iter().map(|(label, _)| label);
        let special = [u32::from(A::V6) * 2];
        for label in special.into_iter().chain(known) {
            let mut stack = labels.clone();
            stack.push(label);
            for below in tunnels.tunnel(at, label).iter() {
                injection.exposed(walk, tunnels, *below, &stack, each);
                if let Ok(at) = tunnels.labelled(*below) {
                    open.push_back((at, stack.clone()));
                }
            }
        }
    }
}

/// What has been followed from one start.
struct Injection {
    /// Where any label can be on top.
    seen: AHashSet<Place>,
    /// What IP packets have come to.
    ended: AHashSet<Onward>,
}

impl Injection {
    /// An IP packet is below.
    fn exposed<'n, A: Address + std::hash::Hash>(
        &mut self,
        walk: &Walk<'n, A>,
        tunnels: &mut Tunnels<'n>,
        below: Below,
        labels: &[u32],
        each: &mut impl FnMut(&[u32], (A, A, End)),
    ) {
        // A label below, that leaves the known network.
        if let Err(Below::End(end @ End::Unknown(_))) = tunnels.labelled(below) {
            each(labels, (A::FIRST, A::LAST, end));
        }
        for onward in tunnels.contents([&below], A::V6) {
            if self.ended.insert(onward) {
                walk.onward_ends(tunnels, onward, (A::FIRST, A::LAST), &mut |piece| each(labels, piece));
            }
        }
    }
}
