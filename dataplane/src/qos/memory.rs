//! How much a tree holds, and how much of it is each interface's own; of flow queues, each class's.
//!
//! Half of the room is divided evenly among the interfaces and kept for each; the
//! other half is for whoever needs it first. So an overload at one interface takes
//! no room from another that holds less than its part, and a lone interface may
//! fill it all.
//!
//! Within an interface, a class holds no more than [`OF_REST`] times what is still left for
//! that interface (a dynamic threshold; Choudhury and Hahne, IEEE/ACM Transactions on
//! Networking 6(2), 1998): one that is flooded leaves a fifth of it to the others, two leave a ninth.

/// One part of so many of each room is for the urgent.
const URGENT: u64 = 4;

/// So many times what is left one class may hold.
const OF_REST: u64 = 4;

/// A bound on packets or bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bound {
    /// What is kept for each interface, and how much of it is for all its frames, not the urgent alone.
    part: u64,
    plain_part: u64,
    /// What is common, the same of it, and how much of it is in use.
    common: u64,
    plain_common: u64,
    used: u64,
}

impl Bound {
    /// `limit` for so many interfaces, which hold `held`.
    pub(super) fn new(limit: u64, sites: u64, held: impl Iterator<Item = u64>) -> Self {
        // A lone one's own is all.
        let part = if sites > 1 { limit / 2 / sites } else { limit };
        let common = limit - part * sites.max(1);
        let (plain_part, plain_common) = (part - part / URGENT, common - common / URGENT);
        let bound = Self { part, plain_part, common, plain_common, used: 0 };
        Self { used: held.map(|held| bound.over(0, held)).sum(), ..bound }
    }

    /// What the urgent of all interfaces together have room for, however much else there is.
    pub(super) fn kept(&self) -> u64 {
        if self.common == 0 { self.part - self.plain_part } else { self.common - self.plain_common }
    }

    /// What an interface may hold of any frames before it is asked whether there is room.
    pub(super) fn sure(&self) -> u64 {
        self.plain_part
    }

    /// The same, before it is asked too whether a class holds too much of what is left.
    pub(super) fn sure_of_class(&self) -> u64 {
        self.sure_beside(0)
    }

    /// What a class of any frames may hold, whatever other interfaces do, while the other classes of its own hold no
    /// more than `others`.
    pub(super) fn sure_beside(&self, others: u64) -> u64 {
        self.plain_part.saturating_sub(others) / (OF_REST + 1) * OF_REST
    }

    /// What `more` takes of the common room, for an interface that holds `held`.
    #[inline]
    fn over(&self, held: u64, more: u64) -> u64 {
        (held + more).max(self.part) - held.max(self.part)
    }

    /// Whether there is room for `more`.
    #[inline]
    pub(super) fn admits(&self, held: u64, more: u64, urgent: bool) -> bool {
        held + more <= self.plain_part || self.admits_beyond(held, more, urgent)
    }

    /// Whether there is room for one more, none of which is kept for the urgent.
    #[inline]
    pub(super) fn admits_one(&self, held: u64) -> bool {
        held < self.part || self.used < self.common
    }

    #[inline]
    fn admits_beyond(&self, held: u64, more: u64, urgent: bool) -> bool {
        let (own, common) = match urgent {
            true => (self.part, self.common),
            false => (self.plain_part, self.plain_common),
        };
        let over = (held + more).max(own) - held.max(own);
        over == 0 || self.used + over <= common
    }

    /// Whether a class that holds `of` of the `held` of its interface may hold no more, beside what is left.
    #[inline]
    pub(super) fn is_much(&self, of: u64, held: u64) -> bool {
        let left = self.plain_part.saturating_sub(held) + self.plain_common.saturating_sub(self.used);
        of >= left.saturating_mul(OF_REST)
    }

    /// An interface that held `held` holds `more` more.
    #[inline]
    pub(super) fn add(&mut self, held: u64, more: u64) {
        if held + more > self.part {
            self.used += self.over(held, more);
        }
    }

    /// An interface that holds `held` now held `more` more.
    #[inline]
    pub(super) fn sub(&mut self, held: u64, more: u64) {
        if held + more > self.part {
            self.used -= self.over(held, more);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        /// Never more than the limit in all; never refused below the own part.
        #[test]
        fn a_part_is_kept_for_each(
            limit in 1u64..10_000,
            sites in 1usize..6,
            steps in prop::collection::vec((0usize..6, 1u64..600, any::<bool>(), any::<bool>()), 0..200),
        ) {
            let mut held = vec![0u64; sites];
            let mut bound = Bound::new(limit, sites as u64, held.iter().copied());
            for (site, size, urgent, leaves) in steps {
                let of = &mut held[site % sites];
                if leaves {
                    let size = size.min(*of);
                    *of -= size;
                    bound.sub(*of, size);
                } else if bound.admits(*of, size, urgent) {
                    bound.add(*of, size);
                    *of += size;
                } else {
                    let kept = if urgent { 0 } else { bound.part / URGENT };
                    prop_assert!(*of + size > bound.part - kept);
                }
                prop_assert!(held.iter().sum::<u64>() <= limit);
            }
            prop_assert_eq!(bound.used, Bound::new(limit, sites as u64, held.into_iter()).used);
        }

        /// What a class is sure of it has, though all that is common is in use.
        #[test]
        fn a_class_has_what_it_is_sure_of_beside_the_others(
            limit in 1u64..10_000,
            sites in 1u64..6,
            of_part in 0u64..110,
        ) {
            let mut bound = Bound::new(limit, sites, std::iter::empty());
            bound.used = bound.common;
            let others = bound.sure() * of_part / 100;
            for of in 0..bound.sure_beside(others) {
                let held = others + of;
                prop_assert!(!bound.is_much(of, held) && bound.admits(held, 1, false), "{of} beside {others}");
            }
        }
    }
}
