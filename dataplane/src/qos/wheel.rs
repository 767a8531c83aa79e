//! When which shaped interface may send again: one timing wheel for a tree.
//!
//! Eleven wheels of 64 slots, the first turning by nanoseconds, each further one
//! 64 times slower (Varghese and Lauck 1987; one wheel for all shapers is
//! Carousel's idea, SIGCOMM 2017). An entry stands in the wheel of the highest
//! digit by which its time differs from the wheel's, so that finding the earliest
//! is two bit scans and each entry moves down at most once per wheel. Nothing
//! depends on how many interfaces there are, and times are exact; but for the time of
//! the earliest when one before it was taken out of the midst of very many.

use crate::time::Time;

const BITS: u32 = 6;
const SLOTS: usize = 1 << BITS;
/// Eleven are needed; a power of two of them has no index that is outside.
const WHEELS: usize = 64usize.div_ceil(BITS as usize).next_power_of_two();
const NIL: u32 = u32::MAX;
/// Entries of a slot that are looked through for the earliest.
const NEAR: usize = 32;

#[derive(Clone, Copy, Debug)]
struct Slot {
    first: u32,
    last: u32,
    /// No entry is earlier.
    earliest: Time,
}

const EMPTY: Slot = Slot { first: NIL, last: NIL, earliest: Time::NEVER };

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: Time,
    before: u32,
    after: u32,
}

/// Small integers by time, each at most once.
#[derive(Debug)]
pub(super) struct Wheel {
    /// No entry is earlier.
    base: u64,
    /// Bit n: wheel n has an entry.
    turning: u32,
    /// By wheel; bit n: slot n has an entry.
    taken: [u64; WHEELS],
    slots: Box<[[Slot; SLOTS]; WHEELS]>,
    entries: Vec<Entry>,
}

impl Default for Wheel {
    fn default() -> Self {
        let slots = Box::new([[EMPTY; SLOTS]; WHEELS]);
        Self { base: 0, turning: 0, taken: [0; WHEELS], slots, entries: Vec::new() }
    }
}

impl Wheel {
    /// Makes room for members below `n`.
    pub(super) fn grow(&mut self, n: usize) {
        if n > self.entries.len() {
            self.entries.resize(n, Entry { at: Time::NEVER, before: NIL, after: NIL });
        }
    }

    /// Empties it.
    pub(super) fn clear(&mut self) {
        while let Some((wheel, slot)) = self.first() {
            self.empty(wheel, slot);
        }
    }

    /// The time of the earliest entry; never, when there is none. Before that, where one that
    /// was still earlier was removed and more than 32 stood in its slot: not before it was.
    #[inline]
    pub(super) fn earliest(&self) -> Time {
        self.first().map_or(Time::NEVER, |(wheel, slot)| self.slots[wheel][slot].earliest)
    }

    /// Puts `member`, which must not be in, at `at`, which is later than `now`.
    #[inline]
    pub(super) fn insert(&mut self, member: usize, at: Time, now: Time) {
        if self.turning == 0 {
            self.base = now.0;
        }
        self.put(member as u32, at.max(Time(self.base)));
    }

    /// Takes `member` out, which must be in.
    pub(super) fn remove(&mut self, member: usize) {
        let Some(Entry { at, before, after }) = self.entries.get(member).copied() else { return };
        let (wheel, slot) = self.slot(at);
        match self.entries.get_mut(before as usize) {
            Some(entry) => entry.after = after,
            None => self.slots[wheel][slot].first = after,
        }
        match self.entries.get_mut(after as usize) {
            Some(entry) => entry.before = before,
            None => self.slots[wheel][slot].last = before,
        }
        let place = self.slots[wheel][slot];
        if place.first == NIL {
            self.empty(wheel, slot);
        } else if at == place.earliest {
            self.slots[wheel][slot].earliest = self.least(place.first).unwrap_or(at);
        }
    }

    /// The least time of a list that is not long.
    fn least(&self, first: u32) -> Option<Time> {
        let (mut least, mut member) = (Time::NEVER, first);
        for _ in 0..NEAR {
            let Some(entry) = self.entries.get(member as usize) else { return Some(least) };
            (least, member) = (least.min(entry.at), entry.after);
        }
        (member == NIL).then_some(least)
    }

    /// Takes a member out whose time has come by `now`, earliest first.
    #[inline]
    pub(super) fn pop(&mut self, now: Time) -> Option<usize> {
        loop {
            let (wheel, slot) = self.first()?;
            let Slot { first, earliest, .. } = self.slots[wheel][slot];
            if earliest > now {
                return None;
            }
            if wheel == 0 {
                // A slot of the first wheel is one instant.
                return Some(self.shift(slot, first));
            }
            self.empty(wheel, slot);
            self.base = earliest.0;
            self.spread(first);
        }
    }

    fn shift(&mut self, slot: usize, first: u32) -> usize {
        let after = self.entries.get(first as usize).map_or(NIL, |entry| entry.after);
        match self.entries.get_mut(after as usize) {
            Some(entry) => (entry.before, self.slots[0][slot].first) = (NIL, after),
            None => self.empty(0, slot),
        }
        first as usize
    }

    /// Moves a slot's entries down, now that the wheel stands at its earliest.
    fn spread(&mut self, mut member: u32) {
        while let Some(Entry { at, after, .. }) = self.entries.get(member as usize).copied() {
            self.put(member, at);
            member = after;
        }
    }

    #[inline]
    fn put(&mut self, member: u32, at: Time) {
        let (wheel, slot) = self.slot(at);
        let place = &mut self.slots[wheel][slot];
        if let Some(entry) = self.entries.get_mut(member as usize) {
            *entry = Entry { at, before: place.last, after: NIL };
        }
        match self.entries.get_mut(place.last as usize) {
            Some(last) => last.after = member,
            None => place.first = member,
        }
        place.last = member;
        place.earliest = place.earliest.min(at);
        self.taken[wheel] |= 1 << slot;
        self.turning |= 1 << wheel;
    }

    /// Where an entry of this time stands, also when the wheel has turned since it came.
    #[inline]
    fn slot(&self, at: Time) -> (usize, usize) {
        let differs = (at.0 ^ self.base) | 1;
        let wheel = (differs.ilog2() / BITS) as usize;
        (wheel, (at.0 >> (wheel as u32 * BITS)) as usize & (SLOTS - 1))
    }

    /// Every entry of a lower wheel is earlier than any of a higher one, and
    /// every slot in use lies ahead within its wheel.
    #[inline]
    fn first(&self) -> Option<(usize, usize)> {
        if self.turning == 0 {
            return None;
        }
        let wheel = self.turning.trailing_zeros() as usize & (WHEELS - 1);
        Some((wheel, self.taken[wheel].trailing_zeros() as usize & (SLOTS - 1)))
    }

    #[inline]
    fn empty(&mut self, wheel: usize, slot: usize) {
        self.slots[wheel][slot] = EMPTY;
        self.taken[wheel] &= !(1 << slot);
        if self.taken[wheel] == 0 {
            self.turning &= !(1 << wheel);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn gaps() -> impl Strategy<Value = u64> {
        prop_oneof![0u64..4, 0u64..200, 0u64..100_000, 0u64..10_000_000_000, Just(1 << 62)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn a_wheel_is_a_sorted_set(steps in prop::collection::vec((0u8..3, 0usize..12, gaps()), 0..120)) {
            let (mut wheel, mut set, mut now) = (Wheel::default(), BTreeSet::new(), 0u64);
            wheel.grow(12);
            for (step, member, gap) in steps {
                let inside = set.iter().find(|(_, m)| *m == member).copied();
                if step == 0 && inside.is_none() {
                    let at = now.saturating_add(gap);
                    wheel.insert(member, Time(at), Time(now));
                    set.insert((at, member));
                } else if step == 1 && let Some(inside) = inside {
                    wheel.remove(member);
                    set.remove(&inside);
                } else if step == 2 {
                    now = now.saturating_add(gap).min(u64::MAX - 1);
                    let (mut popped, mut last) = (BTreeSet::new(), 0);
                    while let Some(member) = wheel.pop(Time(now)) {
                        let at = wheel.entries[member].at.0;
                        prop_assert!(at >= last);
                        last = at;
                        popped.insert((at, member));
                    }
                    let later = set.split_off(&(now + 1, 0));
                    prop_assert_eq!(popped, std::mem::replace(&mut set, later));
                }
                prop_assert_eq!(wheel.earliest(), set.first().map_or(Time::NEVER, |(at, _)| Time(*at)));
            }
        }
    }

    #[test]
    fn of_very_many_the_earliest_is_not_told_too_late_and_none_is_taken_out_too_early() {
        let (n, first) = (200, 1 << 30);
        let mut wheel = Wheel::default();
        wheel.grow(n);
        (0..n).for_each(|m| wheel.insert(m, Time(first + 1_000 * m as u64), Time(0)));
        for gone in 0..n - 1 {
            wheel.remove(gone);
            let (next, told) = (first + 1_000 * (gone as u64 + 1), wheel.earliest().0);
            assert!(told <= next && (told == next || n - gone > NEAR));
            assert_eq!(wheel.pop(Time(next - 1)), None);
        }
        assert_eq!(wheel.pop(wheel.earliest()), Some(n - 1));
    }

    #[test]
    fn a_cleared_wheel_is_empty() {
        let mut wheel = Wheel::default();
        wheel.grow(3);
        for (member, at) in [5, 5_000, 5_000_000_000].into_iter().enumerate() {
            wheel.insert(member, Time(at), Time(0));
        }
        wheel.clear();
        assert_eq!((wheel.earliest(), wheel.pop(Time::NEVER)), (Time::NEVER, None));
    }
}
