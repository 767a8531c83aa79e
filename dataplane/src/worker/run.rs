//! A loop on a thread: the clock, and what to do when there is no work.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::priority::{self, Priority, Share};
use super::sleep::Room;
use super::{Waker, Worker};
use crate::port::Port;
use crate::router::SlowPath;
use crate::time::Time;

/// Longest sleep: lines are looked at, and a stop is noticed, at least this often.
const LONGEST_SLEEP: Duration = Duration::from_millis(20);
/// In adaptive mode, nanoseconds without work after which a worker sleeps.
const SPIN: u64 = 50_000;
/// An event nearer than this, nanoseconds, is waited for awake: a sleep takes longer.
const TOO_NEAR: u64 = 30_000;
/// The same in adaptive mode while frames are held for their time: 500 bytes at 4 Mbit/s. A call that comes
/// meanwhile is not to wait until the worker has woken.
const NEAR: u64 = 1_000_000;

/// What a worker does when there is no work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PollMode {
    /// Never sleeps: lowest delay, a whole core.
    Busy,
    /// Spins for 50 µs, and, where its thread is an ordinary one, while frames are held that may leave within a
    /// millisecond; then sleeps until there is work.
    #[default]
    Adaptive,
    /// Sleeps at once.
    Interrupt,
}

impl PollMode {
    /// Whether a worker without work for `idle` nanoseconds, whose next event is `until` nanoseconds ahead, stays
    /// awake; `holds` says whether frames wait for their time.
    fn waits_awake(self, idle: u64, until: u64, holds: impl FnOnce() -> bool) -> bool {
        let stays = match self {
            Self::Busy => true,
            Self::Adaptive => idle < SPIN || until < NEAR && holds(),
            Self::Interrupt => false,
        };
        stays || until < TOO_NEAR
    }
}

/// The router's clock: monotonic, from its start.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time.
    #[inline]
    pub fn now(self) -> Time {
        Time(u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

/// Where a worker's thread sits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seat {
    /// The core that it is pinned to.
    pub core: Option<usize>,
    /// How it stands beside other threads.
    pub priority: Priority,
    /// Workers of the router.
    pub workers: usize,
}

/// Runs a worker until `stop`; gives it back.
pub fn worker(
    mut worker: Worker,
    clock: Clock,
    mode: PollMode,
    seat: Seat,
    waker: &Waker,
    stop: &AtomicBool,
) -> Worker {
    // First: a pinned thread sees one core only.
    let mut share = take_priority(seat, &worker, clock);
    settle_in(seat.core);
    let (mut last_work, mut room) = (clock.now(), Room::default());
    // When the last turn was, where it has not slept since: asleep it is woken by what comes.
    let mut last_turn = Time::NEVER;
    while !stop.load(Ordering::Relaxed) {
        let now = clock.now();
        if let Some(share) = &mut share
            && share.is_due(now)
        {
            worker.counters().totals().stops.add(1);
            Share::stop();
            share.slept(now, clock.now());
            continue;
        }
        worker.begin_turn(last_turn.min(now), now);
        let progress = worker.poll(now);
        last_turn = now;
        if progress.frames > 0 {
            last_work = now;
            continue;
        }
        let until = progress.next.since(now);
        // Awake it has a core for itself; one that goes first has it from the others, and wakes in time.
        let holds = || share.is_none() && worker.holds_frames();
        if mode.waits_awake(now.since(last_work), until, holds) {
            std::hint::spin_loop();
            continue;
        }
        let timeout = LONGEST_SLEEP.min(Duration::from_nanos(until - TOO_NEAR / 2));
        worker.counters().totals().sleeps.add(1);
        // A line that is down has nothing to give, and its descriptor may say so without end.
        let live = || worker.queues().iter().filter(|q| q.link().up);
        // A port that cannot be waited for is polled every millisecond.
        let blind = live().any(|q| q.port.wait_fd().is_none());
        let timeout = if blind { timeout.min(Duration::from_millis(1)) } else { timeout };
        let fds = live().filter_map(|q| q.port.wait_fd());
        waker.sleep(&mut room, fds, timeout, || worker.is_quiet() && !stop.load(Ordering::Acquire));
        last_turn = Time::NEVER;
        if let Some(share) = &mut share {
            share.slept(now, clock.now());
        }
    }
    worker
}

/// Runs the slow path until `stop`; gives it back.
pub fn slow_path(mut slow: SlowPath, clock: Clock, waker: &Waker, stop: &AtomicBool) -> SlowPath {
    settle_in(None);
    let mut room = Room::default();
    while !stop.load(Ordering::Relaxed) {
        let now = clock.now();
        let progress = slow.poll(now);
        if progress.frames == 0 {
            let until = Duration::from_nanos(progress.next.since(now));
            let ready = || slow.is_quiet() && !stop.load(Ordering::Acquire);
            waker.sleep(&mut room, std::iter::empty(), LONGEST_SLEEP.min(until), ready);
        }
    }
    slow
}

/// Gives this worker's thread its priority; where that is real-time, the share of the core that it may take.
fn take_priority(seat: Seat, worker: &Worker, clock: Clock) -> Option<Share> {
    if seat.priority == Priority::Ordinary {
        return None;
    }
    match priority::real_time(seat.workers, clock.now()) {
        Ok(share) => {
            worker.counters().totals().real_time.add(1);
            Some(share)
        }
        Err(why) => {
            tracing::warn!("a worker cannot be real-time and is an ordinary thread: {why}");
            None
        }
    }
}

/// Pins this thread, and asks for timers that are exact rather than grouped.
fn settle_in(core: Option<usize>) {
    // Without exact timers a shaped frame leaves up to 50 µs late: worse, not wrong.
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
    if let Some(core) = core {
        let mut cores = rustix::thread::CpuSet::new();
        cores.set(core);
        if let Err(error) = rustix::thread::sched_setaffinity(None, &cores) {
            tracing::warn!("cannot pin a worker to core {core}: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_holds_frames_for_their_time_stays_awake() {
        let awake = |mode: PollMode, idle, until, holds| mode.waits_awake(idle, until, || holds);
        assert!(awake(PollMode::Busy, u64::MAX, u64::MAX, false));
        assert!(awake(PollMode::Adaptive, SPIN - 1, u64::MAX, false));
        assert!(awake(PollMode::Adaptive, SPIN, NEAR - 1, true));
        assert!(
            !awake(PollMode::Adaptive, SPIN, NEAR - 1, false) && !awake(PollMode::Adaptive, SPIN, NEAR, true)
        );
        assert!(
            !awake(PollMode::Interrupt, 0, TOO_NEAR, true)
                && awake(PollMode::Interrupt, 0, TOO_NEAR - 1, false)
        );
    }
}
