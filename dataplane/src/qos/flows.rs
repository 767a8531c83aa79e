//! The flow queues of a tree: a bounded pool that its classes take from.
//!
//! A class that keeps flows apart has one queue for each flow with something
//! waiting: each value of the flow hash, all 32 bits of it, so that two of a
//! thousand flows hardly ever meet. They are found through one hash table for the
//! tree. Flows that find none left share some of their class, by hash ([`SHARED`]).
//!
//! Half of the pool is divided evenly among the classes that keep flows apart, and kept for each: flows
//! of one site take none from another that has no more than its part.

use super::codel::Codel;
use super::memory::Bound;
use crate::packet::Chain;

/// No flow.
pub(super) const NIL: u32 = u32::MAX;
/// Queues that flows of a class without one of their own share, by the last bits of their hash.
pub(super) const SHARED: u32 = 32;

/// Whose a shared queue is, and one that waits until a shared one is empty: their class's number, and a bit.
const OF_SHARED: u32 = 1 << 31;
const OF_NEXT: u32 = 1 << 30;

/// One flow's queue.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) waiting: Chain,
    /// That wait in it, layer 2 without FCS.
    pub(super) bytes: u32,
    pub(super) frames: u32,
    /// Bytes it may still send in its turn (RFC 8290 section 4.2).
    pub(super) credit: i32,
    /// The next one in its round, or behind a shared one; the next vacant one.
    pub(super) after: u32,
    /// The last one of those that begin when this one, which is shared, is empty; the first is after it.
    pub(super) behind: u32,
    /// The next one in the same place of the table.
    chain: u32,
    /// The class of the interface whose it is, and whether flows share it; none, where it is vacant.
    owner: u32,
    /// Of the flow; its last bits alone, where flows share it.
    hash: u32,
    pub(super) codel: Codel,
}

/// The pool and its table.
#[derive(Debug)]
pub(super) struct Flows {
    all: Vec<Flow>,
    vacant: u32,
    /// Chains by owner and hash; as many as a power of two.
    table: Vec<u32>,
    /// On those in use, shared ones not counted, and each class's part of them.
    bound: Bound,
}

impl Default for Flows {
    fn default() -> Self {
        Self { all: Vec::new(), vacant: NIL, table: Vec::new(), bound: Bound::default() }
    }
}

impl Flows {
    /// Lets there be `limit` flow queues and, beside them, shared ones for each of `owners` classes, which have so
    /// many `held` of them. Those stay as they are.
    pub(super) fn reserve(&mut self, limit: usize, owners: usize, held: impl Iterator<Item = u64>) {
        self.bound = Bound::new(limit as u64, owners as u64, held);
        let shared = owners * 2 * SHARED as usize;
        self.all.reserve((limit + shared).saturating_sub(self.all.len()));
        let places = limit.clamp(1, 1 << 20).next_power_of_two();
        if places > self.table.len() {
            let old = std::mem::replace(&mut self.table, vec![NIL; places]);
            for mut at in old {
                while let Some(flow) = self.all.get(at as usize) {
                    let (owner, hash, next) = (flow.owner, flow.hash, flow.chain);
                    self.link(at, self.place(owner, hash));
                    at = next;
                }
            }
        }
    }

    #[inline]
    pub(super) fn get(&mut self, at: u32) -> Option<&mut Flow> {
        self.all.get_mut(at as usize)
    }

    #[inline]
    pub(super) fn bytes(&self, at: u32) -> u32 {
        self.all.get(at as usize).map_or(0, |flow| flow.bytes)
    }

    #[inline]
    pub(super) fn frames(&self, at: u32) -> u32 {
        self.all.get(at as usize).map_or(0, |flow| flow.frames)
    }

    /// The queue of this hash, if it is in use.
    #[inline]
    pub(super) fn find(&self, owner: u32, hash: u32) -> Option<u32> {
        let mut at = *self.table.get(self.place(owner, hash))?;
        loop {
            let flow = self.all.get(at as usize)?;
            if (flow.owner, flow.hash) == (owner, hash) {
                return Some(at);
            }
            at = flow.chain;
        }
    }

    /// A queue for this hash, which has none, of a class that has `held`; `None` when there is none left for it.
    pub(super) fn take(&mut self, owner: u32, hash: u32, held: u16) -> Option<u32> {
        if !self.bound.admits_one(held.into()) {
            return None;
        }
        self.bound.add(held.into(), 1);
        let at = self.make(owner, hash);
        self.link(at, self.place(owner, hash));
        Some(at)
    }

    /// The shared queue of a hash, if it is in use, and the one behind it.
    pub(super) fn find_shared(&self, owner: u32, hash: u32) -> (Option<u32>, Option<u32>) {
        let hash = hash % SHARED;
        (self.find(owner | OF_SHARED, hash), self.find(owner | OF_NEXT, hash))
    }

    /// A shared queue for a hash, which has none; or one behind the one that it has, where that takes no more.
    pub(super) fn share(&mut self, owner: u32, hash: u32, next: bool) -> u32 {
        let (owner, hash) = (owner | if next { OF_NEXT } else { OF_SHARED }, hash % SHARED);
        let at = self.make(owner, hash);
        self.link(at, self.place(owner, hash));
        at
    }

    /// Whether something waits behind a shared queue, which then takes no more.
    pub(super) fn is_closed(&self, shared: u32) -> bool {
        self.all.get(shared as usize).is_some_and(|flow| flow.behind != NIL)
    }

    /// A queue is not to begin before a shared one is empty.
    pub(super) fn wait_behind(&mut self, shared: u32, at: u32) {
        let Some(shared) = self.get(shared) else { return };
        let last = std::mem::replace(&mut shared.behind, at);
        let first = self.get(last).map_or(at, |last| std::mem::replace(&mut last.after, at));
        if let Some(flow) = self.get(at) {
            flow.after = first;
        }
    }

    /// The one behind the shared queue of this hash, which is given back, is now that.
    fn take_after(&mut self, owner: u32, hash: u32) {
        let Some(at) = self.find(owner | OF_NEXT, hash) else { return };
        let (old, new) = (self.place(owner | OF_NEXT, hash), self.place(owner | OF_SHARED, hash));
        let Some(next) = self.get(at).map(|flow| flow.chain) else { return };
        self.unlink(at, old, next);
        if let Some(flow) = self.get(at) {
            flow.owner = owner | OF_SHARED;
        }
        self.link(at, new);
    }

    fn make(&mut self, owner: u32, hash: u32) -> u32 {
        let new = Flow {
            waiting: Chain::default(),
            bytes: 0,
            frames: 0,
            credit: 0,
            after: NIL,
            behind: NIL,
            chain: NIL,
            owner,
            hash,
            codel: Codel::default(),
        };
        let at = self.vacant;
        match self.all.get_mut(at as usize) {
            Some(vacant) => {
                self.vacant = vacant.after;
                *vacant = new;
                at
            }
            None => {
                self.all.push(new);
                self.all.len() as u32 - 1
            }
        }
    }

    /// Gives a queue back, of a class that has `held`; it must be empty and in no round. Gives whether flows shared it.
    pub(super) fn give_back(&mut self, at: u32, held: u16) -> bool {
        let Some(flow) = self.all.get_mut(at as usize) else { return false };
        let (owner, hash, next) = (flow.owner, flow.hash, flow.chain);
        flow.after = self.vacant;
        self.vacant = at;
        self.unlink(at, self.place(owner, hash), next);
        if owner & OF_SHARED == 0 {
            self.bound.sub(u64::from(held.saturating_sub(1)), 1);
            return false;
        }
        self.take_after(owner & !OF_SHARED, hash);
        true
    }

    /// How many are in use, shared ones not counted.
    #[cfg(test)]
    pub(super) fn used(&self) -> usize {
        let chain = |at: u32| {
            std::iter::successors(self.all.get(at as usize), |flow| self.all.get(flow.chain as usize))
        };
        let own = |flow: &&Flow| flow.owner & (OF_SHARED | OF_NEXT) == 0;
        self.table.iter().map(|at| chain(*at).filter(own).count()).sum()
    }

    #[inline]
    fn place(&self, owner: u32, hash: u32) -> usize {
        let key = (u64::from(owner) << 32 | u64::from(hash)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (key >> 32) as usize & self.table.len().wrapping_sub(1)
    }

    fn link(&mut self, at: u32, place: usize) {
        if let (Some(first), Some(flow)) = (self.table.get_mut(place), self.all.get_mut(at as usize)) {
            flow.chain = std::mem::replace(first, at);
        }
    }

    fn unlink(&mut self, at: u32, place: usize, next: u32) {
        let Some(first) = self.table.get_mut(place) else { return };
        if *first == at {
            *first = next;
            return;
        }
        let mut before = *first;
        while let Some(flow) = self.all.get_mut(before as usize) {
            if flow.chain == at {
                flow.chain = next;
                return;
            }
            before = flow.chain;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn a_pool_is_a_map_with_a_bound(steps in prop::collection::vec((0u32..4, 0u32..6, 0usize..12), 0..60)) {
            let (mut flows, mut map, mut shared) = (Flows::default(), BTreeMap::new(), BTreeMap::new());
            let parts = |map: &BTreeMap<(u32, u32), u32>, owner| map.keys().filter(|key| key.0 == owner).count() as u64;
            let (mut limit, mut part) = (17, 2);
            flows.reserve(17, 4, std::iter::empty());
            for (owner, hash, what) in steps {
                let found = flows.find(owner, hash);
                prop_assert_eq!(found, map.get(&(owner, hash)).copied());
                let (first, next) = flows.find_shared(owner, hash + SHARED);
                prop_assert_eq!(first, shared.get(&(owner, hash, false)).copied());
                prop_assert_eq!(next, shared.get(&(owner, hash, true)).copied());
                let held = parts(&map, owner) as u16;
                match (what, found, first) {
                    (0..4, _, Some(at)) => {
                        prop_assert!(flows.give_back(at, held));
                        // The one behind it is now that.
                        shared.remove(&(owner, hash, false));
                        shared.remove(&(owner, hash, true)).map(|at| shared.insert((owner, hash, false), at));
                    }
                    (0..8, _, _) if next.is_none() => {
                        let at = flows.share(owner, hash, first.is_some());
                        shared.insert((owner, hash, first.is_some()), at);
                    }
                    (_, Some(at), _) => {
                        prop_assert!(!flows.give_back(at, held));
                        map.remove(&(owner, hash));
                    }
                    (_, None, _) => {
                        let at = flows.take(owner, hash, held);
                        // A class has its part, or there is something left of what is no class's.
                        let over = (0..4).map(|owner| parts(&map, owner).saturating_sub(part)).sum::<u64>();
                        prop_assert_eq!(at.is_some(), u64::from(held) < part || over < limit - 4 * part);
                        at.map(|at| map.insert((owner, hash), at));
                    }
                }
                if what == 11 {
                    (limit, part) = (24, 3);
                    flows.reserve(24, 4, (0..4).map(|owner| parts(&map, owner)));
                }
                let mut all: Vec<_> = map.values().chain(shared.values()).collect();
                all.sort_unstable();
                all.dedup();
                prop_assert_eq!((flows.used(), all.len()), (map.len(), map.len() + shared.len()));
            }
        }
    }
}
