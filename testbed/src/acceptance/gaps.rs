//! Whether the machine ran this process: a thread that asks to be woken every millisecond,
//! and how much later than that it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between two turns.
const EVERY: Duration = Duration::from_millis(1);
/// A turn that is later than this is a gap.
const LATE: Duration = Duration::from_millis(4);

/// Watches until it is dropped.
#[derive(Debug)]
pub struct Gaps {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
    began: Instant,
}

#[derive(Debug, Default)]
struct State {
    stop: AtomicBool,
    /// Nanoseconds.
    longest: AtomicU64,
    sum: AtomicU64,
}

impl Gaps {
    /// Begins.
    pub fn watch() -> Self {
        let state = Arc::<State>::default();
        let watched = state.clone();
        let thread = Some(std::thread::spawn(move || watched.run()));
        Self { state, thread, began: Instant::now() }
    }

    /// The longest gap so far.
    pub fn longest(&self) -> Duration {
        Duration::from_nanos(self.state.longest.load(Ordering::Relaxed))
    }

    /// The part of the time that gaps took so far, 0 to 1.
    pub fn part(&self) -> f64 {
        let sum = Duration::from_nanos(self.state.sum.load(Ordering::Relaxed));
        sum.as_secs_f64() / self.began.elapsed().as_secs_f64().max(1e-9)
    }
}

impl State {
    fn run(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            let asked = Instant::now();
            std::thread::sleep(EVERY);
            let late = asked.elapsed().saturating_sub(EVERY);
            if late > LATE {
                let late = u64::try_from(late.as_nanos()).unwrap_or(u64::MAX);
                self.longest.fetch_max(late, Ordering::Relaxed);
                self.sum.fetch_add(late, Ordering::Relaxed);
            }
        }
    }
}

impl Drop for Gaps {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::Relaxed);
        // It cannot panic.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
