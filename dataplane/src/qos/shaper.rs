//! A shaper: a token bucket that delays, of an interface or of a port.
//!
//! Stands between the queues and the line. It lets a frame out while it is not in
//! debt, and the frame may put it into debt. A frame of a priority class does not wait
//! for the time of the frame before it: it leaves while the debt is no more than one
//! longest frame. What it adds to the debt is paid before the next frame without
//! priority leaves. In any window of length t that is no more than rate·t + burst + two
//! frames; a line of the same rate behind sends at the same times as if it had waited here.
//!
//! What comes in while nothing waits is not saved: such a line would only queue it. But a worker looks at
//! its ports in turns, and what it finds in one came at some moment since the last. So of that time, up
//! to [`UNSEEN`](super::UNSEEN) and to the burst, a shaper that was idle lets through what its rate brought, as does one whose
//! frames were let go a turn too late. A line behind then holds a frame and what came in a turn, no more.

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

    /// Until `now` nothing could be sent, but for the last `unseen` nanoseconds, of which that is not known:
    /// what came in before them is not saved.
    #[inline]
    pub(super) fn idled(&mut self, now: Time, unseen: u64) {
        self.bucket.keep(now, unseen);
    }

    /// Whether it lets a frame out at `now` behind others of so many bytes together.
    #[inline]
    pub(super) fn lets_behind(&mut self, now: Time, bytes: u64, urgent: bool) -> bool {
        self.bucket.covers(now, bytes, self.slack(urgent))
    }

    /// How many bytes may leave at `now`, of a class with priority or not, until it lets none out.
    #[inline]
    pub(super) fn lets_through(&mut self, now: Time, urgent: bool) -> u64 {
        self.bucket.lets_through(now, self.slack(urgent))
    }

    /// A frame was sent, of a class with priority or not.
    #[inline]
    pub(super) fn spend(&mut self, now: Time, bytes: u32, urgent: bool) {
        if !urgent && bytes > self.longest {
            self.longest = bytes;
        }
        self.bucket.spend(now, bytes);
    }

    /// As [`Shaper::spend`], of frames of so many `bytes` together, the longest of `longest`.
    #[inline]
    pub(super) fn spend_all(&mut self, now: Time, (bytes, longest): (u32, u32), urgent: bool) {
        if !urgent && longest > self.longest {
            self.longest = longest;
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
