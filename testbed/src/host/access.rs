//! A host's link to its router: a rate, a delay, order kept.

use std::collections::VecDeque;
use std::time::Duration;

use dataplane::time::Time;

/// What an access link is, one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Bit/s.
    pub rate: u64,
    /// Propagation delay.
    pub delay: Duration,
}

/// One way of it.
#[derive(Debug)]
pub(super) struct Pipe {
    access: Access,
    /// When the last frame's last bit was sent.
    free: Time,
    flying: VecDeque<(Time, Vec<u8>)>,
}

/// Bytes of preamble, FCS and gap that a frame takes on an Ethernet line.
const LINE: u64 = 24;

impl Pipe {
    pub(super) fn new(access: Access) -> Self {
        Self { access, free: Time::ZERO, flying: VecDeque::new() }
    }

    /// Puts a frame on the line at `now`, behind those before it.
    pub(super) fn put(&mut self, now: Time, bytes: Vec<u8>) {
        let bits = (bytes.len() as u64 + LINE) * 8;
        let takes = Duration::from_nanos(bits * 1_000_000_000 / self.access.rate.max(1));
        self.free = self.free.max(now) + takes;
        self.flying.push_back((self.free + self.access.delay, bytes));
    }

    /// The next frame that has arrived by `now`, and when.
    pub(super) fn take(&mut self, now: Time) -> Option<(Time, Vec<u8>)> {
        self.flying.pop_front_if(|(at, _)| *at <= now)
    }

    pub(super) fn next_due(&self) -> Time {
        self.flying.front().map_or(Time::NEVER, |(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_follow_one_another_at_the_line_s_rate() {
        let access = Access { rate: 8_000_000, delay: Duration::from_millis(1) };
        let mut pipe = Pipe::new(access);
        pipe.put(Time::ZERO, vec![1; 76]);
        pipe.put(Time::ZERO, vec![2; 176]);
        // A byte a microsecond: 100 µs and then 200 µs on the line, 1 ms on the way.
        assert_eq!(pipe.next_due(), Time(1_100_000));
        assert_eq!(pipe.take(Time(1_099_999)), None);
        assert_eq!(pipe.take(Time(1_100_000)), Some((Time(1_100_000), vec![1; 76])));
        assert_eq!(pipe.next_due(), Time(1_300_000));
    }
}
