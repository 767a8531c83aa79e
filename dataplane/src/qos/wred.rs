//! Weighted random early detection: the longer a queue is on average, the more
//! of what comes is dropped, and the yellow and red before the green (RFC 2309
//! section 3, RFC 2597 section 3, Floyd and Jacobson 1993).

use crate::class::Colour;
use crate::time::Time;

/// Each frame that comes moves the average by 2^-9 of the difference.
const WEIGHT: u32 = 9;
/// Frames that halve the average when the queue is empty: ln 2 · 2^9.
const HALF_LIFE: u64 = 355;

/// What becomes of one colour: nothing below `from`, everything from `to` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WredCurve {
    /// Bytes of average queue at which drops begin.
    pub from: u32,
    /// Bytes of average queue at which all is dropped.
    pub to: u32,
    /// Of a hundred that come just below `to`, so many are dropped; 1 to 100.
    pub percent: u8,
}

/// Curves by [`Colour`].
pub type WredSpec = [WredCurve; 3];

/// The curves of a queue of `limit` bytes where nothing else is asked for: green from half to
/// all of it with 10 %, yellow from a third to two thirds, red from a sixth to a third.
pub fn default_curves(limit: u32) -> WredSpec {
    [(3, 6), (2, 4), (1, 2)].map(|(from, to)| WredCurve {
        from: (u64::from(limit) * from / 6) as u32,
        to: (u64::from(limit) * to / 6) as u32,
        percent: 10,
    })
}

/// What is to be done with a frame that comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Queue,
    /// To be dropped; a mark will do where it can carry one.
    Signal,
    Drop,
}

/// One queue's average.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wred {
    /// Bytes, in 2^-9.
    average: u64,
    /// When the queue became empty.
    idle: Option<Time>,
}

impl Wred {
    /// A frame comes to a queue of `bytes`. `frame` is a full frame's time, nanoseconds; `chance` any number.
    pub(super) fn judge(
        &mut self,
        curve: &WredCurve,
        bytes: u32,
        now: Time,
        frame: u64,
        chance: u32,
    ) -> Fate {
        if let Some(since) = self.idle.take() {
            let halvings = now.since(since) / frame.max(1) / HALF_LIFE;
            self.average = self.average.checked_shr(halvings.min(64) as u32).unwrap_or(0);
        }
        self.average = self.average - (self.average >> WEIGHT) + u64::from(bytes);
        let average = (self.average >> WEIGHT) as u32;
        if average < curve.from {
            Fate::Queue
        } else if average >= curve.to {
            Fate::Drop
        } else {
            // chance / 2^32 < percent / 100 · (average − from) / (to − from)
            let rise = (u128::from(average - curve.from) * u128::from(curve.percent)) << 32;
            let drops = u128::from(chance) * 100 * u128::from(curve.to - curve.from) < rise;
            if drops { Fate::Signal } else { Fate::Queue }
        }
    }

    /// The queue is empty.
    pub(super) fn emptied(&mut self, now: Time) {
        self.idle = Some(now);
    }
}

impl Wred {
    /// The curve of this colour.
    pub(super) fn curve(spec: &WredSpec, colour: Colour) -> &WredCurve {
        let [green, yellow, red] = spec;
        match colour {
            Colour::Green => green,
            Colour::Yellow => yellow,
            Colour::Red => red,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURVE: WredCurve = WredCurve { from: 10_000, to: 20_000, percent: 20 };

    /// Of frames that come to a queue that stands at `bytes`, the part that is dropped.
    fn part(bytes: u32) -> f64 {
        let mut wred = Wred::default();
        let mut judge = |n: u32| wred.judge(&CURVE, bytes, Time(0), 1, n.wrapping_mul(0x9e37_79b9));
        // The average comes to the queue's length first.
        (0..20_000).for_each(|n| _ = judge(n));
        (0..10_000).filter(|n| judge(*n) != Fate::Queue).count() as f64 / 10_000.0
    }

    #[test]
    fn the_chance_rises_along_the_curve() {
        for (bytes, expected) in [(9_000, 0.0), (10_000, 0.0), (15_000, 0.10), (19_999, 0.20), (20_001, 1.0)]
        {
            assert!((part(bytes) - expected).abs() < 0.01, "{bytes}: {}", part(bytes));
        }
    }

    #[test]
    fn a_burst_passes_and_an_idle_time_is_forgotten() {
        let mut wred = Wred::default();
        assert!((0..100).all(|n| wred.judge(&CURVE, n * 1_000, Time(0), 1, 0) == Fate::Queue));
        (0..10_000).for_each(|_| _ = wred.judge(&CURVE, 40_000, Time(0), 1, u32::MAX));
        assert_eq!(wred.judge(&CURVE, 40_000, Time(0), 1, u32::MAX), Fate::Drop);
        wred.emptied(Time(0));
        assert_eq!(wred.judge(&CURVE, 0, Time(2 * 1_200_000 * HALF_LIFE), 1_200_000, u32::MAX), Fate::Queue);
    }

    #[test]
    fn red_goes_before_yellow_before_green() {
        let curves = default_curves(60_000);
        assert_eq!(*Wred::curve(&curves, Colour::Red), WredCurve { from: 10_000, to: 20_000, percent: 10 });
        assert_eq!(*Wred::curve(&curves, Colour::Green), WredCurve { from: 30_000, to: 60_000, percent: 10 });
    }
}
