//! How long the frames of one interface waited, counted by class.
//!
//! The counts of all classes stand side by side, bucket by bucket: what leaves in one turn waited about as
//! long, whatever its class, and so is counted in a few cache lines.

use super::histogram::{FINE, Histogram, Longest, OCTAVES};
use crate::class::CLASSES;

/// Sixteen buckets of each class.
#[derive(Clone, Debug, Default)]
#[repr(C, align(64))]
struct Octave([[u32; CLASSES]; 1 << FINE]);

/// No octave.
const NONE: u8 = u8::MAX;

/// Allocates nothing when it counts, but for the first wait of an octave.
#[derive(Debug)]
pub(super) struct Waits {
    /// By octave: which of `octaves` it is.
    at: [u8; OCTAVES],
    octaves: Vec<Octave>,
}

impl Default for Waits {
    fn default() -> Self {
        Self { at: [NONE; OCTAVES], octaves: Vec::new() }
    }
}

impl Waits {
    /// Counts `n` waits of `ns` nanoseconds each.
    #[inline]
    pub(super) fn record(&mut self, class: usize, ns: u64, n: u32) {
        let (class, bucket) = (class % CLASSES, Histogram::bucket(ns));
        let (octave, fine) = (bucket >> FINE, bucket & ((1 << FINE) - 1));
        match self.octaves.get_mut(usize::from(self.at[octave])) {
            Some(octave) => {
                let count = &mut octave.0[fine][class];
                match count.checked_add(n) {
                    Some(sum) => *count = sum,
                    None => self.count_by_half(class, bucket, n),
                }
            }
            None => {
                self.open(octave);
                self.record(class, ns, n);
            }
        }
    }

    /// So many more are too many for a bucket: older ones of its class count by half.
    #[cold]
    fn count_by_half(&mut self, class: usize, bucket: usize, n: u32) {
        self.octaves.iter_mut().flat_map(|octave| &mut octave.0).for_each(|bucket| bucket[class] /= 2);
        if let Some(octave) = self.octaves.get_mut(usize::from(self.at[bucket >> FINE])) {
            let count = &mut octave.0[bucket & ((1 << FINE) - 1)][class];
            *count = count.saturating_add(n);
        }
    }

    /// An octave in which nothing was counted yet.
    #[cold]
    fn open(&mut self, octave: usize) -> u8 {
        self.octaves.push(Octave::default());
        self.at[octave] = (self.octaves.len() - 1) as u8;
        self.at[octave]
    }

    /// Those of a class, of which the longest are known.
    pub(super) fn of(&self, class: usize, longest: Longest) -> Histogram {
        let octave = |at: u8| self.octaves.get(usize::from(at));
        let count = |at: u8, fine: usize| octave(at).map_or(0, |octave| octave.0[fine][class]);
        let buckets = self.at.iter().flat_map(|at| (0..1 << FINE).map(move |fine| count(*at, fine)));
        Histogram::new(buckets, longest)
    }

    /// Adds another's counts.
    pub(super) fn merge(&mut self, other: &Self) {
        for (octave, at) in other.at.iter().enumerate() {
            let Some(theirs) = other.octaves.get(usize::from(*at)) else { continue };
            let at = if self.at[octave] == NONE { self.open(octave) } else { self.at[octave] };
            let mine = self.octaves[usize::from(at)].0.iter_mut().flatten();
            mine.zip(theirs.0.iter().flatten())
                .for_each(|(mine, theirs)| *mine = mine.saturating_add(*theirs));
        }
    }

    /// Bytes beside itself.
    pub(super) fn memory(&self) -> usize {
        self.octaves.capacity() * size_of::<Octave>()
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
            waits in prop::collection::vec((0..CLASSES, a_wait(), 1..9u32), 0..100),
            at in 0..100usize,
        ) {
            let (mut one_by_one, mut first, mut second) = <(Waits, Waits, Waits)>::default();
            for (i, (class, wait, n)) in waits.into_iter().enumerate() {
                (0..n).for_each(|_| one_by_one.record(class, wait, 1));
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
    fn what_is_too_much_for_a_bucket_counts_by_half_with_all_of_its_class() {
        let mut counts = Waits::default();
        counts.record(3, 0, u32::MAX - 1);
        counts.record(3, 1 << 30, 8);
        counts.record(4, 0, 6);
        counts.record(3, 0, 2);
        let count = |counts: &Waits, class| counts.of(class, Longest::default()).count();
        assert_eq!((count(&counts, 3), count(&counts, 4)), (u64::from(u32::MAX / 2) + 2 + 4, 6));
        let other = counted(&[0; 7], 3).0;
        counts.merge(&other);
        assert_eq!(count(&counts, 3), u64::from(u32::MAX / 2) + 2 + 4 + 7);
        assert_eq!(counts.memory(), counts.octaves.capacity() * 512);
    }
}
