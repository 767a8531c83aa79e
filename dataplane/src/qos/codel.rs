//! Controlled delay: drops from the head of a queue that stands (RFC 8289).
//!
//! A queue is judged by how long its frames waited. Where even the least wait of
//! an interval is over the target the queue does not work off bursts but stands,
//! and frames are dropped, further apart by the inverse square root of how many.

use crate::time::Time;

/// A queue of no more than one full frame is never judged (section 4.4: MAXPACKET).
const FULL: u32 = 1514;
/// Intervals after which an earlier spell of dropping is forgotten (section 5.5).
const MEMORY: u64 = 16;

/// What a class asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodelSpec {
    /// The wait that may stand, nanoseconds. Default 5 ms (RFC 8289 section 4.2); it is raised to the time
    /// that one full frame takes at the class's share of the rate.
    pub target: u64,
    /// A round trip of the slower flows, nanoseconds. Default 100 ms (section 4.2).
    pub interval: u64,
}

impl Default for CodelSpec {
    fn default() -> Self {
        Self { target: 5_000_000, interval: 100_000_000 }
    }
}

impl CodelSpec {
    /// With the target no less than `frame`, a full frame's time, and an interval of two targets at least.
    #[inline]
    pub(super) fn for_frame_time(self, frame: u64) -> Self {
        let target = self.target.max(frame);
        Self { target, interval: self.interval.max(target.saturating_mul(2)) }
    }

    /// When to drop next, after `count` drops in a row (section 5.4).
    fn next(&self, from: Time, count: u32) -> Time {
        // The root in 2^-16, so that small counts are told apart.
        let root = (u64::from(count.max(1)) << 32).isqrt();
        let gap = u128::from(self.interval) << 16;
        Time(from.0.saturating_add((gap / u128::from(root)) as u64))
    }
}

/// One queue's state.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Codel {
    /// When an interval over the target will be full; 0 while the wait is below it.
    full: Time,
    next: Time,
    count: u32,
    /// `count` when the last spell of dropping began.
    last: u32,
    dropping: bool,
}

impl Codel {
    /// Whether the frame that came to the head is to go: it waited `waited` ns, and `left` bytes are behind it.
    #[inline]
    pub(super) fn condemns(&mut self, spec: &CodelSpec, waited: u64, left: u32, now: Time) -> bool {
        if waited < spec.target || left <= FULL {
            (self.full, self.dropping) = (Time::ZERO, false);
            return false;
        }
        self.stands(spec, now)
    }

    #[cold]
    fn stands(&mut self, spec: &CodelSpec, now: Time) -> bool {
        if self.full == Time::ZERO {
            self.full = Time(now.0.saturating_add(spec.interval));
            return false;
        }
        if self.dropping {
            let due = now >= self.next;
            if due {
                self.count = self.count.saturating_add(1);
                self.next = spec.next(self.next, self.count);
            }
            return due;
        }
        if now < self.full {
            return false;
        }
        self.begin(spec, now);
        true
    }

    /// A spell soon after another goes on where that one was (section 5.5).
    fn begin(&mut self, spec: &CodelSpec, now: Time) {
        let before = self.count.saturating_sub(self.last);
        let soon = now.since(self.next) < MEMORY.saturating_mul(spec.interval);
        self.count = if before > 1 && soon { before } else { 1 };
        (self.dropping, self.last) = (true, self.count);
        self.next = spec.next(now, self.count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// When frames are dropped from a queue that stands at `waited` for `time`, one frame every ms.
    fn dropped(codel: &mut Codel, waited: u64, from: u64, time: u64) -> Vec<u64> {
        let spec = CodelSpec::default();
        let at = (from..from + time).filter(|ms| codel.condemns(&spec, waited, 30_000, Time(ms * MS)));
        at.collect()
    }

    #[test]
    fn drops_come_closer_by_the_inverse_root() {
        // After an interval, then 100 ms, 70.7, 57.7, 50, 44.7 …
        let drops = dropped(&mut Codel::default(), 6 * MS, 1, 600);
        assert_eq!(drops, [101, 201, 272, 330, 380, 425, 465, 503, 539, 572]);
    }

    #[test]
    fn below_the_target_or_with_one_frame_left_nothing_goes() {
        assert!(dropped(&mut Codel::default(), 5 * MS - 1, 1, 10_000).is_empty());
        let (mut codel, spec) = (Codel::default(), CodelSpec::default());
        assert!((1..10_000).all(|ms| !codel.condemns(&spec, 900 * MS, FULL, Time(ms * MS))));
    }

    #[test]
    fn one_short_wait_ends_it_and_a_new_spell_soon_goes_on() {
        let mut codel = Codel::default();
        assert_eq!(dropped(&mut codel, 6 * MS, 1, 400).len(), 5);
        assert!(dropped(&mut codel, MS, 401, 1).is_empty());
        // Five had gone: the new spell starts at the pace of the fourth.
        assert_eq!(dropped(&mut codel, 6 * MS, 402, 160), [502, 552]);
        // Sixteen intervals later it starts anew.
        assert!(dropped(&mut codel, MS, 600, 1).is_empty());
        assert_eq!(dropped(&mut codel, 6 * MS, 3000, 210), [3100, 3200]);
    }

    #[test]
    fn the_target_is_a_full_frame_s_time_at_least() {
        let slow = CodelSpec::default().for_frame_time(60 * MS);
        assert_eq!((slow.target, slow.interval), (60 * MS, 120 * MS));
        assert_eq!(CodelSpec::default().for_frame_time(MS), CodelSpec::default());
    }
}
