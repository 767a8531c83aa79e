//! Waiting times, counted in buckets of even relative width.

/// Nanoseconds of the finest bucket, as a power of two: about a microsecond.
const UNIT: u32 = 10;
/// Buckets to an octave, as a power of two: values are right to one part in 16.
pub(super) const FINE: u32 = 4;
/// Octaves, the first of which is counted in units: up to 2^36 ns, over a minute.
pub(super) const OCTAVES: usize = 23;
const BUCKETS: usize = OCTAVES << FINE;

/// A log-linear histogram of nanoseconds. Longer than 68 s counts as that; the largest is kept exactly.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    /// None, or all of them.
    buckets: Vec<u64>,
    longest: Longest,
}

/// The longest wait since it began anew, and before, nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Longest {
    pub(super) recent: u64,
    pub(super) before: u64,
}

impl Longest {
    pub(super) fn max(self) -> u64 {
        self.recent.max(self.before)
    }
}

impl Histogram {
    /// Of these buckets, in order.
    pub(super) fn new(buckets: impl Iterator<Item = u64>, longest: Longest) -> Self {
        Self { buckets: buckets.collect(), longest }
    }

    /// One without counts, that knows the longest waits.
    pub(super) fn longest_alone(longest: Longest) -> Self {
        Self { buckets: Vec::new(), longest }
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The longest wait, nanoseconds, exact; 0 when none was counted.
    pub fn max(&self) -> u64 {
        self.longest.max()
    }

    /// The longest of those counted since it began anew, nanoseconds.
    pub fn recent(&self) -> u64 {
        self.longest.recent
    }

    /// The wait, nanoseconds, that `part` (0 to 1) of all did not exceed: never
    /// too small, and at most 1/16 or 1,024 ns too large.
    pub fn quantile(&self, part: f64) -> u64 {
        let rank = ((self.count() as f64 * part).ceil() as u64).max(1);
        let mut below = 0;
        let found = self.buckets.iter().position(|b| {
            below += b;
            below >= rank
        });
        found.map_or(self.max(), |bucket| Self::upper_edge(bucket).min(self.max()))
    }

    /// The bucket of a wait of `ns`, below [`BUCKETS`].
    #[inline]
    pub(super) fn bucket(ns: u64) -> usize {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges() {
        let none = Histogram::default();
        assert_eq!((none.quantile(0.5), none.count(), none.max()), (0, 0, 0));
        assert_eq!((Histogram::bucket(0), Histogram::bucket(u64::MAX)), (0, BUCKETS - 1));
        for bucket in 0..BUCKETS - 1 {
            let edge = Histogram::upper_edge(bucket);
            assert_eq!((Histogram::bucket(edge), Histogram::bucket(edge + 1)), (bucket, bucket + 1));
        }
    }
}
