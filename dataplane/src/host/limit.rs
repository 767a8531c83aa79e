//! Rate limits of the slow path, in whole numbers (RFC 1812 section 4.3.2.8,
//! RFC 4443 section 2.4(f)).

use crate::time::Time;

const SECOND: u64 = 1_000_000_000;

/// A token bucket kept as the time at which it will be full again. The rate is
/// an argument, so that a changed configuration counts at once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RateLimit {
    full_at: u64,
}

impl RateLimit {
    /// Takes one token of a bucket of `rate` a second and a tenth of a second's
    /// depth, at least 10; `false` when there is none.
    pub(super) fn take(&mut self, now: Time, rate: u32) -> bool {
        self.take_of(now, rate, (rate / 10).max(10))
    }

    /// The same with a depth of `burst` tokens.
    pub(super) fn take_of(&mut self, now: Time, rate: u32, burst: u32) -> bool {
        let Some(token) = SECOND.checked_div(u64::from(rate)) else { return false };
        let full_at = self.full_at.max(now.nanos()).saturating_add(token);
        let takes = full_at - now.nanos() <= token.saturating_mul(u64::from(burst));
        if takes {
            self.full_at = full_at;
        }
        takes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(limit: &mut RateLimit, at_ms: u64, rate: u32, tries: usize) -> usize {
        (0..tries).filter(|_| limit.take(Time(at_ms * 1_000_000), rate)).count()
    }

    #[test]
    fn a_burst_is_a_tenth_of_a_second_and_at_least_ten() {
        assert_eq!(taken(&mut RateLimit::default(), 7, 1000, 500), 100);
        assert_eq!(taken(&mut RateLimit::default(), 7, 20, 500), 10);
        assert_eq!(taken(&mut RateLimit::default(), 7, 0, 500), 0);
    }

    #[test]
    fn over_a_long_time_the_rate_holds() {
        let mut limit = RateLimit::default();
        let sum: usize = (0..10_000).map(|ms| taken(&mut limit, ms, 50, 3)).sum();
        assert!((500..=510).contains(&sum), "{sum}");
    }
}
