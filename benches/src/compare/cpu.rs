//! The core that everything runs on: pinning, its speed, and who else wants it.

use std::hint::black_box;

use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// A stop-watch of the processor's time that this thread had: what others took of it
/// does not count.
pub(super) struct Watch(i64);

impl Watch {
    /// Starts.
    pub(super) fn start() -> Self {
        Self(now())
    }

    /// Nanoseconds since.
    pub(super) fn ns(&self) -> f64 {
        (now() - self.0) as f64
    }
}

fn now() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// The last core of the machine.
pub(super) fn last() -> usize {
    std::thread::available_parallelism().map_or(0, |n| n.get() - 1)
}

/// The core after the one this thread is on, of all the machine has: this process may be pinned.
pub(super) fn other() -> usize {
    let present = std::fs::read_to_string("/sys/devices/system/cpu/present").unwrap_or_default();
    let last = present.trim().rsplit(['-', ',']).next().and_then(|word| word.parse().ok());
    (rustix::thread::sched_getcpu() + 1) % last.map_or(1, |last: usize| last + 1)
}

/// Pins this thread to `core`.
pub(super) fn pin(core: usize) -> rustix::io::Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set)
}

/// Whether the machine has `core`, which nothing else says where it has too few.
///
/// # Errors
/// That it has not.
pub(super) fn present(core: usize) -> Result<(), String> {
    let there = std::path::Path::new(&format!("/sys/devices/system/cpu/cpu{core}")).exists();
    if there { Ok(()) } else { Err("it takes two cores".into()) }
}

/// Load of the last minute; −1 where nobody knows.
pub(super) fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(-1.0)
}

/// Additions a nanosecond, each of which waits for the one before: a core's clock, in GHz.
/// Fibonacci's numbers, as no compiler knows a shorter way to the last one.
pub(super) fn adds_per_ns() -> f64 {
    const ADDS: u64 = 4_000_000;
    let (mut a, mut b) = (black_box(0u64), black_box(1u64));
    let watch = Watch::start();
    for _ in 0..ADDS / 2 {
        a = a.wrapping_add(b);
        b = b.wrapping_add(a);
    }
    let took = watch.ns();
    black_box((a, b));
    ADDS as f64 / took
}
