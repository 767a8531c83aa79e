//! Curves of network calculus: the most that comes, the least that is served.
//!
//! Source: J.-Y. Le Boudec and P. Thiran, "Network Calculus", Springer 2001: arrival
//! and service curves (sections 1.2, 1.3), the bounds on delay and backlog between
//! them (theorems 1.4.1, 1.4.2), servers in a row (theorem 1.4.6), and what strict
//! priority leaves (corollary 6.2.1).

/// Nanoseconds of a second times the bits of a byte.
const SECOND: u128 = 8_000_000_000;

/// Nanoseconds that `bytes` take at `rate` bit/s, rounded up; `u64::MAX` at no rate.
pub(super) fn time(bytes: u64, rate: u64) -> u64 {
    if rate == 0 {
        return u64::MAX;
    }
    u64::try_from((u128::from(bytes) * SECOND).div_ceil(u128::from(rate))).unwrap_or(u64::MAX)
}

/// Bytes that pass in `time` nanoseconds at `rate` bit/s, rounded up.
pub(super) fn bytes(time: u64, rate: u64) -> u64 {
    u64::try_from((u128::from(time) * u128::from(rate)).div_ceil(SECOND)).unwrap_or(u64::MAX)
}

/// The most that comes in any time t: `burst` + `rate` × t (a token bucket).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Arrival {
    /// Bytes at once.
    pub(super) burst: u64,
    /// Bits per second.
    pub(super) rate: u64,
}

impl Arrival {
    /// Both together.
    pub(super) fn and(self, other: Self) -> Self {
        let burst = self.burst.saturating_add(other.burst);
        Self { burst, rate: self.rate.saturating_add(other.rate) }
    }

    /// Counted otherwise: `to` bytes for every `from`, rounded up.
    pub(super) fn scaled(self, to: u64, from: u64) -> Self {
        let one = |n: u64| {
            let scaled = (u128::from(n) * u128::from(to)).div_ceil(u128::from(from.max(1)));
            u64::try_from(scaled).unwrap_or(u64::MAX)
        };
        Self { burst: one(self.burst), rate: one(self.rate) }
    }
}

/// The least that is served in any time t of a busy period: `rate` × (t − `latency`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Service {
    /// Bits per second.
    pub(super) rate: u64,
    /// Nanoseconds.
    pub(super) latency: u64,
}

impl Service {
    /// A line that serves at once.
    pub(super) const fn of(rate: u64) -> Self {
        Self { rate, latency: 0 }
    }

    /// What is left when `ahead` goes first, and a frame of `begun` bytes that was begun is
    /// ended; `None` when nothing is left.
    pub(super) fn without(self, ahead: Arrival, begun: u64) -> Option<Self> {
        let rate = self.rate.checked_sub(ahead.rate).filter(|rate| *rate > 0)?;
        let before = bytes(self.latency, self.rate).saturating_add(ahead.burst).saturating_add(begun);
        Some(Self { rate, latency: time(before, rate) })
    }

    /// A part of it, `mine` of `all`, after so many `bytes` at the whole rate.
    pub(super) fn share(self, (mine, all): (u64, u64), bytes: u64) -> Option<Self> {
        let rate = u128::from(self.rate) * u128::from(mine) / u128::from(all.max(1));
        let rate = u64::try_from(rate).ok().filter(|rate| *rate > 0)?;
        Some(Self { rate, latency: self.latency.saturating_add(time(bytes, self.rate)) })
    }

    /// The longest from coming to being sent, nanoseconds; `None` when it grows without end.
    pub(super) fn delay(self, of: Arrival) -> Option<u64> {
        (of.rate <= self.rate).then(|| self.latency.saturating_add(time(of.burst, self.rate)))
    }

    /// The most that waits, bytes; `None` when it grows without end.
    pub(super) fn backlog(self, of: Arrival) -> Option<u64> {
        (of.rate <= self.rate).then(|| of.burst.saturating_add(bytes(self.latency, of.rate)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A frame that has begun, a burst at once: the acceptance lines, each frame 1538 or
    /// 238 bytes on the wire.
    #[test]
    fn calls_at_once_behind_a_full_frame() {
        for (rate, calls, bound) in
            [(10_000_000, 30, 6_942_400), (100_000_000, 100, 2_027_040), (1_000_000_000, 1000, 1_916_304)]
        {
            let line = Service::of(rate).without(Arrival::default(), 1538).unwrap();
            let calls = Arrival { burst: calls * 238, rate: calls * 95_200 };
            assert_eq!(line.delay(calls), Some(bound));
        }
    }

    #[test]
    fn what_does_not_fit_has_no_bound() {
        let line = Service::of(1_000_000);
        assert_eq!(line.delay(Arrival { burst: 1, rate: 1_000_001 }), None);
        assert_eq!(line.backlog(Arrival { burst: 1, rate: 1_000_001 }), None);
        assert_eq!(line.without(Arrival { burst: 0, rate: 1_000_000 }, 0), None);
        assert_eq!(line.share((0, 5), 0), None);
    }

    /// A fluid server: `ahead` first, then what is asked about; both as greedy as they may be.
    fn simulated(rate: u64, ahead: Arrival, of: Arrival, begun: u64) -> (f64, f64) {
        let step = 1e-5;
        let per_step = rate as f64 / 8.0 * step;
        let (mut first, mut mine) = (ahead.burst as f64 + begun as f64, of.burst as f64);
        let (mut come, mut sent, mut backlog, mut delay) = (mine, 0.0, mine, 0.0f64);
        for n in 0..200_000 {
            let mut left = per_step;
            let served = left.min(first);
            first -= served;
            left -= served;
            let served = left.min(mine);
            mine -= served;
            sent += served;
            // What was sent by now came by then.
            let came_at = ((sent - of.burst as f64) / (of.rate as f64 / 8.0)).max(0.0);
            if sent > 0.0 {
                delay = delay.max((n + 1) as f64 * step - came_at);
            }
            if mine < 1e-9 && first < 1e-9 {
                break;
            }
            first += ahead.rate as f64 / 8.0 * step;
            mine += of.rate as f64 / 8.0 * step;
            come += of.rate as f64 / 8.0 * step;
            backlog = f64::max(backlog, mine);
        }
        assert!(come >= sent - 1.0);
        (delay, backlog)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// The bound holds for the greediest traffic, and that comes near to it.
        #[test]
        fn priority_leaves_what_the_bound_says(
            rate in 1_000_000..20_000_000u64,
            ahead in (0..5_000u64, 0..40u64),
            of in (200..5_000u64, 1..40u64),
            begun in 0..1_538u64,
        ) {
            let arrival = |(burst, percent): (u64, u64)| Arrival { burst, rate: rate * percent / 100 };
            let (ahead, of) = (arrival(ahead), arrival(of));
            let left = Service::of(rate).without(ahead, begun).unwrap();
            let (delay, backlog) = simulated(rate, ahead, of, begun);
            let bound = left.delay(of).unwrap() as f64 / 1e9;
            prop_assert!(delay <= bound + 2e-5, "{} > {}", delay, bound);
            prop_assert!(bound <= 2.0 * delay + 2e-5, "{} is not near {}", bound, delay);
            prop_assert!(backlog <= left.backlog(of).unwrap() as f64 + 50.0);
        }
    }
}
