//! How a worker's thread stands beside the machine's other threads.
//!
//! A real-time worker goes before all ordinary threads of its core (`SCHED_FIFO`), so that a call's packet does
//! not wait for a time slice of somebody else's. Who always goes first has to stop by himself: [`Share`] says when,
//! so that control, the operator's shell and the kernel's own threads have their part of the core, and the kernel
//! never has to take it (a worker that it throttles stands still for 50 ms of a second: sched(7)).

use std::fs;
use std::num::NonZeroU64;
use std::time::Duration;

use crate::port;
use crate::time::Time;

/// The level of real-time workers: above every ordinary thread, below a real-time kernel's interrupt threads (50).
const LEVEL: u8 = 10;
/// What a worker takes of its core at the most, parts of a thousand.
const MOST: u64 = 900;
/// By so much it stays below what the kernel lets real-time threads have.
const BELOW: u64 = 50;
/// A worker stops for so long at a time, nanoseconds.
const STOP: u64 = 100_000;

/// How a worker's thread stands beside others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Priority {
    /// An ordinary thread: it waits while others have their time slices.
    #[default]
    Ordinary,
    /// Before all ordinary threads.
    RealTime,
}

/// The part of its core that a real-time worker takes, and what it has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    /// Nanoseconds awake for each `STOP`.
    run: u64,
    /// Awake since then, had it not slept before.
    since: Time,
}

impl Share {
    /// Where real-time threads may take `allowed` of a thousand parts of a core; from `now`. `None` where that
    /// leaves a worker nothing.
    fn of(allowed: u64, now: Time) -> Option<Self> {
        let part = MOST.min(allowed.checked_sub(BELOW).filter(|part| *part > 0)?);
        Some(Self { run: STOP * part / (1000 - part), since: now })
    }

    /// Whether it is to stop, for [`Share::stop`], before it goes on.
    #[inline]
    pub(super) fn is_due(&self, now: Time) -> bool {
        now.since(self.since) >= self.run
    }

    /// Stops; gives the others their part. Nothing wakes it before.
    pub(super) fn stop() {
        std::thread::sleep(Duration::from_nanos(STOP));
    }

    /// It slept from `from` to `to`, for whatever reason: what it took before is paid for so far. Nothing is
    /// saved up.
    #[inline]
    pub(super) fn slept(&mut self, from: Time, to: Time) {
        let paid = to.since(from).saturating_mul(self.run) / STOP;
        let left = from.since(self.since).saturating_sub(paid);
        self.since = Time(to.nanos().saturating_sub(left));
    }
}

/// Makes this thread, one of so many workers, real-time; gives the part of its core that it may take.
///
/// # Errors
/// Why not, and what to do: the thread is an ordinary one.
pub(super) fn real_time(workers: usize, now: Time) -> Result<Share, String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if workers > cores {
        return Err(format!("{workers} workers share {cores} cores: let \"workers\" be {cores} at the most"));
    }
    let allowed = allowed();
    let share = Share::of(allowed, now).ok_or_else(|| {
        format!(
            "real-time threads may take {allowed} of a thousand parts of a core: let /proc/sys/kernel/{RUNTIME} be \
             950000"
        )
    })?;
    port::go_first(LEVEL).map_err(|error| {
        format!(
            "{error}: give the router CAP_SYS_NICE or a limit of real-time priority of {LEVEL} (of systemd: \
             LimitRTPRIO={LEVEL}), and its control group real-time time, where that has a limit"
        )
    })?;
    Ok(share)
}

const RUNTIME: &str = "sched_rt_runtime_us";
const PERIOD: &str = "sched_rt_period_us";

/// What real-time threads may take of a core, parts of a thousand; all of it where the kernel does not say.
fn allowed() -> u64 {
    let read = |name| fs::read_to_string(format!("/proc/sys/kernel/{name}")).ok()?.trim().parse::<i64>().ok();
    part(read(RUNTIME), read(PERIOD))
}

/// That, of the two settings; a runtime of -1 is no limit.
fn part(runtime: Option<i64>, period: Option<i64>) -> u64 {
    let runtime = runtime.and_then(|us| u64::try_from(us).ok());
    let period = period.and_then(|us| NonZeroU64::new(u64::try_from(us).ok()?));
    match (runtime, period) {
        (Some(runtime), Some(period)) => (runtime.saturating_mul(1000) / period).min(1000),
        _ => 1000,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_the_kernel_allows_is_read_from_its_settings() {
        assert_eq!(part(Some(950_000), Some(1_000_000)), 950);
        assert_eq!(part(Some(-1), Some(1_000_000)), 1000);
        assert_eq!(part(Some(0), Some(1_000_000)), 0);
        assert_eq!(part(Some(9_000), Some(0)), 1000);
        assert_eq!(part(None, None), 1000);
        assert_eq!(part(Some(2_000_000), Some(1_000_000)), 1000);
    }

    #[test]
    fn a_share_is_below_what_is_allowed_or_there_is_none() {
        let run = |allowed| Share::of(allowed, Time::ZERO).map(|share| share.run);
        assert_eq!(run(1000), Some(900_000));
        assert_eq!(run(950), Some(900_000));
        assert_eq!(run(550), Some(100_000));
        assert_eq!([run(BELOW), run(0)], [None, None]);
    }

    proptest! {
        /// A worker that always has work, and one that also sleeps of itself, are awake no longer than their part
        /// of any window, and one stretch of it.
        #[test]
        fn no_window_is_overrun(
            allowed in 60u64..=1000,
            naps in prop::collection::vec((0u64..2_000_000, 0u64..300_000), 1..200),
        ) {
            let mut now = Time(7);
            let mut share = Share::of(allowed, now).unwrap();
            let mut awake = Vec::new();
            for (work, nap) in naps {
                // Turns of 5 µs, of which the last ends beyond the stretch.
                let (began, until) = (now, now.0 + work);
                while now.0 < until && !share.is_due(now) {
                    now = Time(now.0 + 5_000);
                }
                awake.push((began.0, now.0));
                let sleeps = if share.is_due(now) { STOP } else { nap };
                share.slept(now, Time(now.0 + sleeps));
                now = Time(now.0 + sleeps);
            }
            for (first, (start, _)) in awake.iter().enumerate() {
                let mut sum = 0;
                for (from, to) in &awake[first..] {
                    sum += to - from;
                    let part = (to - start) as f64 * share.run as f64 / (share.run + STOP) as f64;
                    prop_assert!(sum as f64 <= part + (share.run + 10_000) as f64, "{sum} of {}", to - start);
                }
            }
        }

        #[test]
        fn who_sleeps_enough_by_himself_never_has_to_stop(naps in prop::collection::vec(1u64..800_000, 1..100)) {
            let (mut now, mut share) = (Time(1), Share::of(950, Time(1)).unwrap());
            for work in naps {
                now = Time(now.0 + work);
                prop_assert!(!share.is_due(now));
                let to = Time(now.0 + work.div_ceil(9));
                share.slept(now, to);
                now = to;
            }
        }
    }
}
