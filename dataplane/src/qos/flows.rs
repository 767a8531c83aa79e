//! The flow queues of a tree: a bounded pool that its classes take from.
//!
//! A class that keeps flows apart has one queue for each flow with something
//! waiting: each value of the flow hash, all 32 bits of it, so that two of a
//! thousand flows hardly ever meet. They are found through one hash table for the
//! tree. When the pool is exhausted, new flows of a class share a queue.

use super::codel::Codel;
use crate::packet::Chain;

/// No flow.
pub(super) const NIL: u32 = u32::MAX;

/// One flow's queue.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) waiting: Chain,
    /// That wait in it, layer 2 without FCS.
    pub(super) bytes: u32,
    pub(super) frames: u32,
    /// Bytes it may still send in its turn (RFC 8290 section 4.2).
    pub(super) credit: i32,
    /// The next one in its round; the next vacant one.
    pub(super) after: u32,
    /// The next one in the same place of the table.
    chain: u32,
    /// The class of the interface whose it is; none, where flows share it.
    owner: u32,
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
    /// Of flows in the table.
    used: usize,
    limit: usize,
}

impl Default for Flows {
    fn default() -> Self {
        Self { all: Vec::new(), vacant: NIL, table: Vec::new(), used: 0, limit: 0 }
    }
}

impl Flows {
    /// Lets there be `limit` flow queues and, beside them, a shared one for each of `owners`.
    /// Chains that hold flows stay as they are.
    pub(super) fn reserve(&mut self, limit: usize, owners: usize) {
        self.limit = limit;
        self.all.reserve((limit + owners).saturating_sub(self.all.len()));
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

    /// A queue for this hash, which has none; `None` when the pool is exhausted.
    pub(super) fn take(&mut self, owner: u32, hash: u32) -> Option<u32> {
        if self.used >= self.limit {
            return None;
        }
        self.used += 1;
        let at = self.make(owner, hash);
        self.link(at, self.place(owner, hash));
        Some(at)
    }

    /// A queue for the flows of a class that have none of their own.
    pub(super) fn take_shared(&mut self) -> u32 {
        self.make(NIL, 0)
    }

    fn make(&mut self, owner: u32, hash: u32) -> u32 {
        let new = Flow {
            waiting: Chain::default(),
            bytes: 0,
            frames: 0,
            credit: 0,
            after: NIL,
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

    /// Gives a queue back, which must be empty and in no round.
    pub(super) fn give_back(&mut self, at: u32) {
        let Some(flow) = self.all.get_mut(at as usize) else { return };
        let (owner, hash, next) = (flow.owner, flow.hash, flow.chain);
        flow.after = self.vacant;
        self.vacant = at;
        if owner != NIL {
            self.used -= 1;
            self.unlink(at, self.place(owner, hash), next);
        }
    }

    /// How many are in use, shared ones not counted.
    #[cfg(test)]
    pub(super) fn used(&self) -> usize {
        self.used
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
            let (mut flows, mut map) = (Flows::default(), BTreeMap::new());
            flows.reserve(8, 2);
            let shared = flows.take_shared();
            for (owner, hash, grow) in steps {
                let found = flows.find(owner, hash);
                prop_assert_eq!(found, map.get(&(owner, hash)).copied());
                match found {
                    Some(at) => {
                        flows.give_back(at);
                        map.remove(&(owner, hash));
                    }
                    None => {
                        let at = flows.take(owner, hash);
                        prop_assert_eq!(at.is_some(), map.len() < flows.limit);
                        prop_assert!(at != Some(shared));
                        at.map(|at| map.insert((owner, hash), at));
                    }
                }
                if grow == 0 {
                    flows.reserve(20, 2);
                }
                prop_assert_eq!(flows.used(), map.len());
            }
        }
    }
}
