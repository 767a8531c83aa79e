//! How long the frames of one interface waited, counted by class.
//!
//! The counts of all classes stand side by side, bucket by bucket: what leaves in one turn waited about as
//! long, whatever its class, and so is counted in a few cache lines.

use super::histogram::{FINE, Histogram, Longest, OCTAVES};
use crate::class::CLASSES;
use crate::memory::fetch;

/// Buckets of an octave.
const FINES: usize = 1 << FINE;

/// The buckets of an octave, of each class. More than 16 bits have a place elsewhere: what one turn counts is then in
/// one cache line or two.
#[derive(Debug, Default)]
#[repr(C, align(64))]
struct Octave([[u16; CLASSES]; FINES]);

/// Buckets of a class that were full, in order, and how often.
#[derive(Debug, Default)]
struct Filled(Vec<((u16, u8), u64)>);

impl Filled {
    fn add(&mut self, bucket: usize, class: usize, times: u64) {
        let key = (bucket as u16, class as u8);
        match self.0.binary_search_by_key(&key, |filled| filled.0) {
            Ok(at) => self.0[at].1 += times,
            Err(at) => self.0.insert(at, (key, times)),
        }
    }

    fn times(&self, bucket: usize, class: usize) -> u64 {
        let found = self.0.binary_search_by_key(&(bucket as u16, class as u8), |filled| filled.0);
        found.map_or(0, |at| self.0[at].1)
    }
}

/// What a full bucket stands for: as many were counted when it began anew.
const FULL: u64 = 1 << u16::BITS;

/// No octave.
const NONE: u8 = u8::MAX;

/// Allocates nothing when it counts, but for the first wait of an octave, and when a bucket is full for the first time.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Waits {
    /// By octave: which of `octaves` it is.
    at: [u8; OCTAVES],
    /// The bucket of the last wait of a turn.
    latest: u16,
    octaves: Vec<Octave>,
    filled: Option<Box<Filled>>,
}

const _: () = assert!(size_of::<Waits>() == 64);

impl Default for Waits {
    fn default() -> Self {
        Self { at: [NONE; OCTAVES], latest: 0, octaves: Vec::new(), filled: None }
    }
}

impl Waits {
    /// Counts `n` waits of `ns` nanoseconds each.
    #[inline]
    pub(super) fn record(&mut self, class: usize, ns: u64, n: u32) {
        self.count(class, Histogram::bucket(ns), n.into());
    }

    /// Counts a wait of a turn in which several leave: the interface's next turn will count some like it.
    #[inline(always)]
    pub(super) fn record_in_turn(&mut self, class: usize, ns: u64) {
        let bucket = Histogram::bucket(ns);
        self.latest = bucket as u16;
        self.count(class, bucket, 1);
    }

    /// Lets the memory come where the waits of a turn are likely to be counted.
    #[inline]
    pub(super) fn fetch(&self) {
        let bucket = usize::from(self.latest);
        let at = self.at.get(bucket >> FINE).map_or(NONE, |at| *at);
        if let Some(octave) = self.octaves.get(usize::from(at)) {
            // Four buckets are in a line; as many in the next or the one before.
            fetch(&octave.0[bucket % FINES]);
            fetch(&octave.0[(bucket % FINES) ^ 4]);
        }
    }

    #[inline(always)]
    fn count(&mut self, class: usize, bucket: usize, n: u64) {
        let (class, octave, fine) = (class % CLASSES, bucket >> FINE, bucket % FINES);
        let at = self.at.get(octave).map_or(NONE, |at| *at);
        if let Some(octave) = self.octaves.get_mut(usize::from(at)) {
            let count = &mut octave.0[fine][class];
            let (sum, full) = count.overflowing_add(n as u16);
            *count = sum;
            if !full && n < FULL {
                return;
            }
            return self.carry(class, bucket, n / FULL + u64::from(full));
        }
        self.begin(class, bucket, n);
    }

    /// Counts in an octave where nothing was counted yet.
    #[cold]
    #[inline(never)]
    fn begin(&mut self, class: usize, bucket: usize, n: u64) {
        let (octave, fine) = (bucket >> FINE, bucket % FINES);
        self.at[octave] = self.octaves.len() as u8;
        let mut first = Octave::default();
        first.0[fine][class] = n as u16;
        self.octaves.push(first);
        if n >= FULL {
            self.carry(class, bucket, n / FULL);
        }
    }

    /// A bucket was full so often.
    #[cold]
    #[inline(never)]
    fn carry(&mut self, class: usize, bucket: usize, times: u64) {
        self.filled.get_or_insert_default().add(bucket, class, times);
    }

    /// What was counted in a bucket.
    fn counted(&self, class: usize, bucket: usize) -> u64 {
        let (at, fine) = (usize::from(self.at[bucket >> FINE]), bucket % FINES);
        let count = self.octaves.get(at).map_or(0, |octave| octave.0[fine][class].into());
        count + self.filled.as_ref().map_or(0, |filled| filled.times(bucket, class) * FULL)
    }

    /// Those of a class, of which the longest are known.
    pub(super) fn of(&self, class: usize, longest: Longest) -> Histogram {
        Histogram::new((0..OCTAVES << FINE).map(|bucket| self.counted(class, bucket)), longest)
    }

    /// Adds another's counts.
    pub(super) fn merge(&mut self, other: &Self) {
        for (bucket, class) in (0..OCTAVES << FINE).flat_map(|b| (0..CLASSES).map(move |c| (b, c))) {
            let theirs = other.counted(class, bucket);
            if theirs > 0 {
                self.count(class, bucket, theirs);
            }
        }
    }

    /// Bytes beside itself.
    pub(super) fn memory(&self) -> usize {
        let filled = |filled: &Filled| size_of::<Filled>() + filled.0.capacity() * 16;
        self.octaves.capacity() * size_of::<Octave>() + self.filled.as_deref().map_or(0, filled)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Counts all of them as of this class, and gives the whole's and that class's.
    fn counted(waits: &[u64], class: usize) -> (Waits, Histogram) {
        let (mut counts, mut longest) = (Waits::default(), Longest::default());
        for wait in waits {
            counts.record(class, *wait, 1);
            longest.recent = longest.recent.max(*wait);
        }
        let histogram = counts.of(class, longest);
        (counts, histogram)
    }

    /// How many at once: few, or so many that a bucket is full soon.
    fn a_number() -> impl Strategy<Value = u32> {
        prop_oneof![1..9u32, 60_000..200_000u32]
    }

    fn a_wait() -> impl Strategy<Value = u64> {
        prop_oneof![0u64..20_000, 0u64..50_000_000, 0u64..60_000_000_000]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn quantiles_are_those_of_the_sorted_list(
            mut waits in prop::collection::vec(a_wait(), 1..200),
            (class, part) in (0..CLASSES, 0.0f64..=1.0),
        ) {
            let (counts, histogram) = counted(&waits, class);
            waits.sort_unstable();
            let rank = ((waits.len() as f64 * part).ceil() as usize).max(1);
            let (exact, got) = (waits[rank - 1], histogram.quantile(part));
            prop_assert!(got >= exact && got <= exact + (exact / 16).max(1024), "{got} for {exact}");
            prop_assert_eq!((histogram.max(), histogram.count()), (*waits.last().unwrap(), waits.len() as u64));
            for other in (0..CLASSES).filter(|other| *other != class) {
                prop_assert_eq!(counts.of(other, Longest::default()).count(), 0);
            }
        }

        #[test]
        fn merged_and_counted_at_once_they_are_as_counted_one_by_one(
            waits in prop::collection::vec((0..CLASSES, a_wait(), a_number()), 0..100),
            at in 0..100usize,
        ) {
            let (mut one_by_one, mut first, mut second) = <(Waits, Waits, Waits)>::default();
            for (i, (class, wait, n)) in waits.into_iter().enumerate() {
                // In parts, most of them one by one.
                (0..n % 9).for_each(|_| one_by_one.record(class, wait, 1));
                one_by_one.record(class, wait, n / 9);
                one_by_one.record(class, wait, n - n % 9 - n / 9);
                if i < at { &mut first } else { &mut second }.record(class, wait, n);
            }
            first.merge(&second);
            for class in 0..CLASSES {
                let [all, both] = [&one_by_one, &first].map(|waits| waits.of(class, Longest::default()));
                for part in 0..=20 {
                    let part = f64::from(part) / 20.0;
                    prop_assert_eq!((all.count(), all.quantile(part)), (both.count(), both.quantile(part)));
                }
            }
        }
    }

    #[test]
    fn a_bucket_that_is_full_counts_on_alone() {
        let mut counts = Waits::default();
        for n in [65_535, 1, 65_536 * 3 + 5, u32::MAX] {
            counts.record(3, 0, n);
        }
        counts.record(3, 1 << 30, 70_000);
        counts.record(4, 0, 6);
        let count = |counts: &Waits, class| counts.of(class, Longest::default()).count();
        let third = 4 * 65_536 + 5 + u64::from(u32::MAX) + 70_000;
        assert_eq!((count(&counts, 3), count(&counts, 4), count(&counts, 2)), (third, 6, 0));
        let mut other = counted(&[0; 7], 3).0;
        other.merge(&counts);
        assert_eq!((count(&other, 3), count(&other, 4)), (third + 7, 6));
        let filled = &counts.filled.as_ref().unwrap().0;
        assert_eq!(size_of_val(&**filled), 2 * 16);
        assert_eq!(counts.memory(), counts.octaves.capacity() * 256 + filled.capacity() * 16 + 24);
        assert_eq!(Waits::default().memory(), 0);
    }
}
