//! The core that everything runs on: pinning, its speed, and who else wants it.

use std::hint::black_box;

use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// A stop-watch of the processor's time that this thread had: what others took of it
/// does not count.
#[derive(Debug)]
pub struct Watch(i64);

impl Watch {
    /// Starts.
    pub fn start() -> Self {
        Self(now())
    }

    /// Nanoseconds since.
    pub fn ns(&self) -> f64 {
        (now() - self.0) as f64
    }
}

fn now() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// The last core of the machine.
pub fn last() -> usize {
    std::thread::available_parallelism().map_or(0, |n| n.get() - 1)
}

/// The core after the one this thread is on, of all the machine has: this process may be pinned.
pub fn other() -> usize {
    let present = std::fs::read_to_string("/sys/devices/system/cpu/present").unwrap_or_default();
    let last = present.trim().rsplit(['-', ',']).next().and_then(|word| word.parse().ok());
    (rustix::thread::sched_getcpu() + 1) % last.map_or(1, |last: usize| last + 1)
}

/// Pins this thread to `core`.
///
/// # Errors
/// The system's, where there is no such core or this process may not run there.
pub fn pin(core: usize) -> rustix::io::Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set)
}

/// A core beside `core`.
///
/// # Errors
/// That the machine has no two.
pub fn beside(core: usize) -> Result<usize, String> {
    let other = if core == 0 { 1 } else { core - 1 };
    let there = |core| std::path::Path::new(&format!("/sys/devices/system/cpu/cpu{core}")).exists();
    if there(core) && there(other) { Ok(other) } else { Err("it takes two cores".into()) }
}

/// Load of the last minute; −1 where nobody knows.
pub fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(-1.0)
}

/// Additions a nanosecond, each of which waits for the one before: a core's clock, in GHz.
/// Fibonacci's numbers, as no compiler knows a shorter way to the last one.
pub fn adds_per_ns() -> f64 {
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

/// What the processor calls itself; or that nothing says so.
pub fn model() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or("an unknown processor".into(), |(_, name)| name.trim().to_owned())
}

/// The day, as 2026-11-22.
pub fn today() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let (year, month, day) = date(since.map_or(0, |since| since.as_secs() / 86_400));
    format!("{year}-{month:02}-{day:02}")
}

/// Year, month and day of a day counted from 1 January 1970, in the Gregorian calendar.
fn date(days: u64) -> (u64, u64, u64) {
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let (mut year, mut left) = (1970, days);
    while left >= 365 + u64::from(leap(year)) {
        left -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    (year, month, left + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_dates() {
        let known = [(0, (1970, 1, 1)), (58, (1970, 2, 28)), (59, (1970, 3, 1)), (789, (1972, 2, 29))];
        for (days, is) in known.into_iter().chain([(11_016, (2000, 2, 29)), (20_779, (2026, 11, 22))]) {
            assert_eq!(date(days), is, "{days}");
        }
    }

    #[test]
    fn a_watch_counts_and_adds_take_time() {
        let watch = Watch::start();
        assert!(adds_per_ns() > 0.0 && watch.ns() > 0.0);
    }
}
