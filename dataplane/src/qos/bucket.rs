//! A token bucket that counts exactly (RFC 2697 section 3, one bucket).
//!
//! The unit is 10⁻⁹ bit: a rate in bit/s times a time in ns is then a whole
//! number, nothing is ever rounded, and no drift can build up. [`Policers`] ask
//! it whether a frame conforms; a shaper lets it run into debt and asks when the
//! debt is paid.
//!
//! [`Policers`]: super::Policers

use crate::time::Time;

/// One byte, in the bucket's unit.
const BYTE: i64 = 8_000_000_000;
/// The deepest bucket, bytes.
const DEEPEST: u64 = 1 << 30;

/// Tokens that come in at a rate, up to a depth. One worker owns it.
///
/// In any window of length t no more than rate·t + burst bytes conform; over
/// time exactly the rate does. A jump of the clock ahead fills the bucket and no
/// more; a clock that goes back earns nothing until it has caught up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenBucket {
    rate: u64,
    depth: i64,
    /// Negative: in debt.
    level: i64,
    refilled: Time,
}

impl TokenBucket {
    /// A full bucket. `rate_bps` is bit/s, 8,000 to 400 Gbit/s (0 lets one burst
    /// through and no more); `burst_bytes` is up to 1 GiB, more is taken as that.
    pub const fn new(rate_bps: u64, burst_bytes: u64) -> Self {
        let burst = if burst_bytes < DEEPEST { burst_bytes } else { DEEPEST };
        Self::full(rate_bps, burst as i64 * BYTE)
    }

    /// A full bucket as deep as what `rate_bps` brings in `burst_ns` nanoseconds.
    pub(super) const fn of_time(rate_bps: u64, burst_ns: u64) -> Self {
        let deepest = DEEPEST * BYTE as u64;
        let depth = rate_bps.saturating_mul(burst_ns);
        Self::full(rate_bps, if depth < deepest { depth } else { deepest } as i64)
    }

    const fn full(rate: u64, depth: i64) -> Self {
        Self { rate, depth, level: depth, refilled: Time::ZERO }
    }

    /// Takes `bytes` out if there are as many.
    #[inline]
    pub fn conforms(&mut self, now: Time, bytes: u32) -> bool {
        self.refill(now);
        let cost = i64::from(bytes).saturating_mul(BYTE);
        let conforms = cost <= self.level;
        if conforms {
            self.level -= cost;
        }
        conforms
    }

    /// Bit/s.
    pub(super) const fn rate(&self) -> u64 {
        self.rate
    }

    /// Whole bytes in it, and of so many that may be owed.
    pub(super) fn bytes(&mut self, now: Time, owed: u32) -> u64 {
        self.refill(now);
        (self.level / BYTE).saturating_add(owed.into()).max(0) as u64
    }

    /// The tokens it has now under another rate and depth; those that overflow are lost.
    pub(super) fn retuned(mut self, to: Self, now: Time) -> Self {
        self.refill(now);
        Self { level: self.level.min(to.depth), refilled: self.refilled, ..to }
    }

    /// Takes `bytes` out, those of a frame, into debt if need be.
    #[inline]
    pub(super) fn spend(&mut self, now: Time, bytes: u32) {
        self.refill(now);
        self.level = self.level.wrapping_sub(i64::from(bytes).wrapping_mul(BYTE));
    }

    /// As [`TokenBucket::spend`], but not further into debt than what `most` nanoseconds bring.
    #[inline]
    pub(super) fn spend_within(&mut self, now: Time, bytes: u32, most: u64) {
        self.refill(now);
        let floor = (self.rate.saturating_mul(most).min(i64::MAX as u64) as i64).saturating_neg();
        let after = self.level.saturating_sub(i64::from(bytes).saturating_mul(BYTE));
        self.level = after.max(floor.min(self.level));
    }

    /// As deep as `bytes` at least.
    pub(super) const fn at_least(self, bytes: u64) -> Self {
        let depth = bytes as i64 * BYTE;
        if depth > self.depth { Self::full(self.rate, depth) } else { self }
    }

    /// Makes it as deep as `bytes` at least; its tokens stay as they are.
    #[inline]
    pub(super) const fn deepen(&mut self, bytes: u64) {
        let depth = bytes as i64 * BYTE;
        if depth > self.depth {
            self.depth = depth;
        }
    }

    /// Keeps no more tokens than what `burst` nanoseconds bring.
    pub(super) fn keep(&mut self, now: Time, burst: u64) {
        self.refill(now);
        self.level = self.level.min(self.rate.saturating_mul(burst).min(i64::MAX as u64) as i64);
    }

    /// Whether so many `bytes` leave it in no more debt than of `owed` bytes.
    #[inline]
    pub(super) fn covers(&mut self, now: Time, bytes: u64, owed: u32) -> bool {
        self.refill(now);
        let there = self.level.saturating_add(i64::from(owed).saturating_mul(BYTE));
        there >= i64::try_from(bytes).unwrap_or(i64::MAX).saturating_mul(BYTE)
    }

    /// How many bytes may leave at `now` until it is in more debt than of `owed` bytes.
    #[inline]
    pub(super) fn lets_through(&mut self, now: Time, owed: u32) -> u64 {
        self.refill(now);
        self.level.saturating_add(i64::from(owed).saturating_mul(BYTE)).div_euclid(BYTE).max(0) as u64
    }

    /// When the debt is paid, to the nanosecond; not later than the last refill when there is none.
    #[inline]
    pub(super) fn out_of_debt(&self) -> Time {
        self.owes_no_more(0)
    }

    /// When the debt is `bytes` or less, to the nanosecond; not later than the last refill when it is so.
    #[inline]
    pub(super) fn owes_no_more(&self, bytes: u32) -> Time {
        match (self.level.saturating_add(i64::from(bytes).saturating_mul(BYTE)), self.rate) {
            (0.., _) => self.refilled,
            (_, 0) => Time::NEVER,
            (debt, rate) => Time(self.refilled.0.saturating_add(debt.unsigned_abs().div_ceil(rate))),
        }
    }

    /// Whether the debt is more, at `now`, which is not before the last time that anything was taken out.
    #[inline]
    pub(super) fn owes_more(&self, now: Time, bytes: u32) -> bool {
        self.level < 0 && self.owes_no_more(bytes) > now
    }

    #[inline]
    fn refill(&mut self, now: Time) {
        if now <= self.refilled {
            return;
        }
        let earned = now.since(self.refilled).saturating_mul(self.rate);
        self.refilled = self.refilled.max(now);
        let room = self.depth.saturating_sub(self.level);
        self.level = if earned >= room as u64 { self.depth } else { self.level + earned as i64 };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, in wide numbers, from the list of all that passed: each
    /// window that ends now may hold no more than rate·t + burst.
    fn fits(passed: &[(u64, u32)], rate: u64, burst: u64, now: u64, bytes: u32) -> bool {
        let mut sum = u128::from(bytes);
        let within = |from: u64, sum: u128| {
            sum * 8_000_000_000
                <= u128::from(now - from) * u128::from(rate) + u128::from(burst) * 8_000_000_000
        };
        within(now, sum)
            && passed.iter().rev().all(|(at, bytes)| {
                sum += u128::from(*bytes);
                within(*at, sum)
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn exactly_what_every_window_allows_conforms(
            rate in prop_oneof![8_000u64..100_000, 1_000_000u64..10_000_000_000, Just(400_000_000_000)],
            burst in 0u64..20_000,
            frames in prop::collection::vec((0u64..3_000_000, 0u32..9_100), 1..60),
        ) {
            let mut bucket = TokenBucket::new(rate, burst);
            let (mut now, mut passed) = (0, Vec::new());
            for (gap, bytes) in frames {
                now += gap;
                let expected = fits(&passed, rate, burst, now, bytes);
                prop_assert_eq!(bucket.conforms(Time(now), bytes), expected);
                if expected {
                    passed.push((now, bytes));
                }
            }
        }

        #[test]
        fn debt_is_paid_to_the_nanosecond(rate in 8_000u64..400_000_000_000, bytes in 1u32..9_100) {
            let mut bucket = TokenBucket::of_time(rate, 0);
            bucket.spend(Time(5), bytes);
            let paid = bucket.out_of_debt().0 - 5;
            let cost = u128::from(bytes) * 8_000_000_000;
            prop_assert!(u128::from(paid) * u128::from(rate) >= cost);
            prop_assert!(u128::from(paid - 1) * u128::from(rate) < cost);
        }
    }

    #[test]
    fn the_long_run_is_exact() {
        // Asked at odd steps, for what a rate that divides nothing evenly brings.
        const STEP: u64 = 7_919_003;
        for rate in [8_000, 95_200, 9_999_991, 1_234_567_891, 99_999_999_999] {
            let income = rate * STEP / 8_000_000_000 + 1;
            let (ask, burst, end) = ((income / 7).max(1) as u32, 2 * income, 100_000 * STEP);
            let mut bucket = TokenBucket::new(rate, burst);
            let mut passed = 0u128;
            for now in (0..=end).step_by(STEP as usize) {
                while bucket.conforms(Time(now), ask) {
                    passed += u128::from(ask);
                }
            }
            let ideal = u128::from(rate) * u128::from(end) / 8_000_000_000 + u128::from(burst);
            assert!(passed <= ideal && passed + u128::from(ask) >= ideal, "{rate}: {passed} of {ideal}");
        }
    }

    #[test]
    fn a_clock_that_jumps_earns_one_burst_and_one_that_goes_back_nothing() {
        let mut bucket = TokenBucket::new(1_000_000, 1500);
        assert!(bucket.conforms(Time(u64::MAX - 1), 1500));
        assert!(!bucket.conforms(Time(u64::MAX - 1), 1));
        assert!(!bucket.conforms(Time(3), 1));
        assert!(!bucket.conforms(Time(3_000_000_000), 1));
        assert!(bucket.conforms(Time::NEVER, 0));
        assert!(!TokenBucket::new(1, u64::MAX).conforms(Time(0), u32::MAX));
    }

    #[test]
    fn another_rate_keeps_the_tokens() {
        let mut bucket = TokenBucket::new(8_000_000, 1000);
        assert!(bucket.conforms(Time(0), 900));
        let mut bucket = bucket.retuned(TokenBucket::new(16_000_000, 50), Time(0));
        assert!(!bucket.conforms(Time(0), 51));
        assert!(bucket.conforms(Time(0), 50));
        assert!(bucket.conforms(Time(1_000), 2));
        assert!(!bucket.conforms(Time(1_000), 1));
    }
}
