//! A shaper: a token bucket that delays, of an interface or of a port.
//!
//! Stands between the queues and the line. It lets a frame out while it is not in
//! debt, and the frame may put it into debt. A frame of a priority class does not wait
//! for the time of the frame before it: it leaves while the debt is no more than one
//! longest frame. What it adds to the debt is paid before the next frame without
//! priority leaves. In any window of length t that is no more than rate·t + burst + two
//! frames; a line of the same rate behind sends at the same times as if it had waited here.

use super::bucket::TokenBucket;
use crate::time::Time;

/// Tokens that may be owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shaper {
    bucket: TokenBucket,
    /// The longest frame without priority that was sent, a full one at least; bytes as accounted.
    longest: u32,
}

impl Shaper {
    /// Not in debt. `full` is a full frame as accounted, bytes.
    pub(super) const fn new(bucket: TokenBucket, full: u32) -> Self {
        Self { bucket, longest: full }
    }

    /// Another one with the tokens that this one has now; those that overflow are lost.
    pub(super) fn retuned(self, to: Self, now: Time) -> Self {
        Self { bucket: self.bucket.retuned(to.bucket, now), ..to }
    }

    /// Bit/s.
    pub(super) const fn rate(&self) -> u64 {
        self.bucket.rate()
    }

    /// Whole bytes that may leave now; the frame that has the last of them may be longer.
    pub(super) fn spare(&mut self, now: Time, urgent: bool) -> u64 {
        self.bucket.bytes(now, self.slack(urgent))
    }

    /// Until `now` nothing could be sent: what came in meanwhile is not saved.
    #[inline]
    pub(super) fn idled(&mut self, now: Time) {
        self.bucket.keep(now, 0);
    }

    /// A frame was sent, of a class with priority or not.
    #[inline]
    pub(super) fn spend(&mut self, now: Time, bytes: u32, urgent: bool) {
        if !urgent && bytes > self.longest {
            self.longest = bytes;
        }
        self.bucket.spend(now, bytes);
    }

    /// When it lets a frame out, to the nanosecond; not later than the last one sent when it does now.
    #[inline]
    pub(super) fn due(&self, urgent: bool) -> Time {
        self.bucket.owes_no_more(self.slack(urgent))
    }

    /// Whether it does, at `now`, which is not before the last one sent.
    #[inline]
    pub(super) fn lets(&self, now: Time, urgent: bool) -> bool {
        !self.bucket.owes_more(now, self.slack(urgent))
    }

    /// The debt in which a frame still leaves, bytes.
    #[inline]
    pub(super) const fn slack(&self, urgent: bool) -> u32 {
        if urgent { self.longest } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 8 Mbit/s: a byte takes a microsecond. No burst.
    fn shaper() -> Shaper {
        Shaper::new(TokenBucket::of_time(8_000_000, 0), 1_000)
    }

    #[test]
    fn priority_does_not_wait_for_the_frame_before_it() {
        let mut shaper = shaper();
        shaper.spend(Time(0), 1_000, false);
        assert!(shaper.lets(Time(0), true) && !shaper.lets(Time(999_999), false));
        shaper.spend(Time(0), 200, true);
        assert_eq!((shaper.due(true), shaper.due(false)), (Time(200_000), Time(1_200_000)));
        assert!(!shaper.lets(Time(199_999), true) && shaper.lets(Time(200_000), true));
    }

    #[test]
    fn a_longer_frame_is_not_waited_for_either_and_a_long_one_of_priority_is() {
        let mut shaper = shaper();
        shaper.spend(Time(0), 3_000, false);
        assert!(shaper.lets(Time(0), true));
        shaper.spend(Time(0), 5_000, true);
        assert_eq!((shaper.due(true), shaper.due(false)), (Time(5_000_000), Time(8_000_000)));
    }
}
