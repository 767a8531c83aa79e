//! The most that left within a millisecond.
//!
//! Time is cut into windows of 1 ms, each of which begins with the first frame that
//! leaves after the one before has ended: a burst out of silence is measured whole.
//! The most of these windows is never more than the most of any 1 ms at all, and never
//! less than half of it. What a frame costs is a comparison and a sum.

use crate::time::Time;

/// Length of a window, nanoseconds.
const WINDOW: u64 = 1_000_000;

/// Bytes of the window that runs, and of the one that had most.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Burst {
    ends: Time,
    bytes: u64,
    most: u64,
}

impl Burst {
    /// A frame of so many bytes left.
    #[inline]
    pub(super) fn sent(&mut self, now: Time, bytes: u32) {
        if now >= self.ends {
            (self.ends, self.bytes) = (Time(now.0.saturating_add(WINDOW)), 0);
        }
        self.bytes += u64::from(bytes);
        self.most = self.most.max(self.bytes);
    }

    /// The most bytes of a window that a frame left in since [`Burst::begin_anew`].
    pub(super) fn most(&self) -> u64 {
        self.most
    }

    /// Forgets the most; the window that runs goes on.
    pub(super) fn begin_anew(&mut self) {
        self.most = 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The most bytes within any 1 ms, by trying each that begins with a frame.
    fn of_any(sent: &[(u64, u32)]) -> u64 {
        let within = |from: u64| sent.iter().filter(move |(at, _)| (from..from + WINDOW).contains(at));
        sent.iter().map(|(from, _)| within(*from).map(|(_, n)| u64::from(*n)).sum()).max().unwrap_or(0)
    }

    /// The most bytes of the windows of the definition, by listing these.
    fn by_definition(sent: &[(u64, u32)]) -> u64 {
        let mut windows: Vec<(u64, u64)> = Vec::new();
        for (at, bytes) in sent {
            match windows.last_mut() {
                Some((from, sum)) if *at < *from + WINDOW => *sum += u64::from(*bytes),
                _ => windows.push((*at, u64::from(*bytes))),
            }
        }
        windows.into_iter().map(|(_, sum)| sum).max().unwrap_or(0)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn it_is_what_the_definition_says_and_near_the_most_of_any_millisecond(
            frames in prop::collection::vec((prop_oneof![0u64..5_000, 0u64..3_000_000], 1u32..9_100), 0..60),
        ) {
            let (mut burst, mut now, mut sent) = (Burst::default(), 0, Vec::new());
            for (gap, bytes) in frames {
                now += gap;
                burst.sent(Time(now), bytes);
                sent.push((now, bytes));
            }
            let (most, any) = (burst.most(), of_any(&sent));
            prop_assert_eq!(most, by_definition(&sent));
            prop_assert!(most <= any && any <= 2 * most, "{most} of {any}");
        }
    }

    #[test]
    fn begun_anew_it_still_knows_what_the_running_window_has() {
        let mut burst = Burst::default();
        burst.sent(Time(5), 700);
        burst.begin_anew();
        assert_eq!(burst.most(), 0);
        burst.sent(Time(WINDOW + 4), 100);
        assert_eq!(burst.most(), 800);
        burst.begin_anew();
        burst.sent(Time(WINDOW + 5), 100);
        assert_eq!(burst.most(), 100);
    }
}
