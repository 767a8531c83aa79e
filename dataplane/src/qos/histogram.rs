//! Waiting times, counted in buckets of even relative width.

/// Nanoseconds of the finest bucket, as a power of two: about a microsecond.
const UNIT: u32 = 10;
/// Buckets to an octave, as a power of two: values are right to one part in 16.
const FINE: u32 = 4;
/// Octaves above the first, which is counted in units: 2^36 ns, over a minute.
const OCTAVES: u32 = 22;
const BUCKETS: usize = ((OCTAVES + 1) << FINE) as usize;

/// A log-linear histogram of nanoseconds, 1.5 KB, that allocates nothing when
/// it counts, but for the first. Longer than 68 s counts as that; the largest is kept exactly.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    /// Made when the first wait is counted.
    buckets: Option<Box<[u32; BUCKETS]>>,
    /// The longest wait since it began anew, and before.
    recent: u64,
    before: u64,
}

impl Histogram {
    /// Counts one wait of `ns`.
    #[inline]
    pub fn record(&mut self, ns: u64) {
        self.recent = self.recent.max(ns);
        let buckets = self.buckets.get_or_insert_with(|| Box::new([0; BUCKETS]));
        let bucket = &mut buckets[Self::bucket(ns)];
        *bucket += 1;
        if *bucket == u32::MAX {
            self.age();
        }
    }

    /// Counts `n` waits of `ns` each.
    #[inline]
    pub(super) fn record_all(&mut self, ns: u64, n: u32) {
        let buckets = self.buckets.get_or_insert_with(|| Box::new([0; BUCKETS]));
        let bucket = &mut buckets[Self::bucket(ns)];
        match bucket.checked_add(n) {
            Some(sum) if sum < u32::MAX => {
                *bucket = sum;
                self.recent = self.recent.max(ns);
            }
            _ => (0..n).for_each(|_| self.record(ns)),
        }
    }

    /// How many were counted, older ones by half once there were over four thousand million.
    pub fn count(&self) -> u64 {
        self.buckets().map(u64::from).sum()
    }

    /// The longest wait, nanoseconds, exact; 0 when none was counted.
    pub fn max(&self) -> u64 {
        self.recent.max(self.before)
    }

    /// The longest of those counted since it began anew, nanoseconds.
    pub fn recent(&self) -> u64 {
        self.recent
    }

    /// What is counted from now on is recent.
    pub(super) fn begin_anew(&mut self) {
        (self.before, self.recent) = (self.max(), 0);
    }

    /// One without counts, that knows the longest waits.
    pub(super) fn longest_alone(&self) -> Self {
        Self { buckets: None, ..*self }
    }

    /// Bytes beside itself.
    pub(super) fn memory(&self) -> usize {
        self.buckets.as_ref().map_or(0, |buckets| size_of_val(&**buckets))
    }

    fn buckets(&self) -> impl Iterator<Item = u32> {
        self.buckets.iter().flat_map(|buckets| buckets.iter().copied())
    }

    /// The wait, nanoseconds, that `part` (0 to 1) of all did not exceed: never
    /// too small, and at most 1/16 or 1,024 ns too large.
    pub fn quantile(&self, part: f64) -> u64 {
        let rank = ((self.count() as f64 * part).ceil() as u64).max(1);
        let mut below = 0;
        let found = self.buckets().position(|b| {
            below += u64::from(b);
            below >= rank
        });
        found.map_or(self.max(), |bucket| Self::upper_edge(bucket).min(self.max()))
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        (self.recent, self.before) = (self.recent.max(other.recent), self.before.max(other.before));
        let Some(others) = &other.buckets else { return };
        let buckets = self.buckets.get_or_insert_with(|| Box::new([0; BUCKETS]));
        for (mine, theirs) in buckets.iter_mut().zip(others.iter()) {
            *mine = mine.saturating_add(*theirs).min(u32::MAX - 1);
        }
    }

    #[inline]
    fn bucket(ns: u64) -> usize {
        let units = ns >> UNIT;
        let octave = (units | 1 << FINE).ilog2() - FINE;
        ((u64::from(octave) << FINE) + (units >> octave)).min(BUCKETS as u64 - 1) as usize
    }

    fn upper_edge(bucket: usize) -> u64 {
        let (octave, within) = (bucket as u64 >> FINE, bucket as u64 & ((1 << FINE) - 1));
        match octave {
            0 => ((within + 1) << UNIT) - 1,
            o => (((1 << FINE) + within + 1) << (o - 1 + u64::from(UNIT))) - 1,
        }
    }

    #[cold]
    fn age(&mut self) {
        for bucket in self.buckets.iter_mut().flat_map(|buckets| buckets.iter_mut()) {
            *bucket /= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn quantiles_are_those_of_the_sorted_list(
            mut waits in prop::collection::vec(prop_oneof![0u64..20_000, 0u64..50_000_000, 0u64..60_000_000_000], 1..200),
            part in 0.0f64..=1.0,
        ) {
            let mut histogram = Histogram::default();
            waits.iter().for_each(|w| histogram.record(*w));
            waits.sort_unstable();
            let rank = ((waits.len() as f64 * part).ceil() as usize).max(1);
            let (exact, got) = (waits[rank - 1], histogram.quantile(part));
            prop_assert!(got >= exact && got <= exact + (exact / 16).max(1024), "{got} for {exact}");
            prop_assert_eq!((histogram.max(), histogram.count()), (*waits.last().unwrap(), waits.len() as u64));
        }
    }

    #[test]
    fn the_edges() {
        let mut histogram = Histogram::default();
        assert_eq!((histogram.quantile(0.5), histogram.count()), (0, 0));
        histogram.record(u64::MAX);
        assert_eq!(histogram.quantile(0.99), Histogram::upper_edge(BUCKETS - 1));
        histogram.buckets.as_mut().unwrap()[0] = u32::MAX - 1;
        histogram.record(0);
        assert_eq!(histogram.buckets().next(), Some(u32::MAX / 2));
        let mut both = Histogram::default();
        both.record(5);
        both.merge(&histogram);
        assert_eq!(both.max(), u64::MAX);
    }

    #[test]
    fn the_longest_is_known_since_the_last_look_and_of_all() {
        let mut histogram = Histogram::default();
        histogram.record(70_000);
        assert_eq!((histogram.recent(), histogram.max()), (70_000, 70_000));
        histogram.begin_anew();
        assert_eq!((histogram.recent(), histogram.max()), (0, 70_000));
        histogram.record(9);
        let alone = histogram.longest_alone();
        assert_eq!((alone.recent(), alone.max(), alone.count()), (9, 70_000, 0));
        assert_eq!((histogram.count(), histogram.quantile(1.0)), (2, 70_000));
    }
}
