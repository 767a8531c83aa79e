//! Time as an argument.
//!
//! [`Time`] is a point on whatever clock the caller runs: the real monotonic one
//! in `worker`, a manual one in the laboratory. Differences are
//! [`Duration`]s or plain nanoseconds.

use std::ops::{Add, Sub};
use std::time::Duration;

/// Nanoseconds since the router's start; good for 584 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

impl Time {
    /// The start of the clock.
    pub const ZERO: Self = Self(0);
    /// Later than everything: "never", where a next event is asked for.
    pub const NEVER: Self = Self(u64::MAX);

    /// A point `ns` nanoseconds after the start.
    pub const fn from_nanos(ns: u64) -> Self {
        Self(ns)
    }

    /// Nanoseconds since the start.
    #[inline]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Nanoseconds from `earlier` to `self`; 0 when `earlier` is not earlier.
    #[inline]
    pub const fn since(self, earlier: Time) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Time {
    type Output = Time;
    #[inline]
    fn add(self, d: Duration) -> Time {
        Time(self.0.saturating_add(u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Time> for Time {
    type Output = Duration;
    #[inline]
    fn sub(self, other: Time) -> Duration {
        Duration::from_nanos(self.since(other))
    }
}
