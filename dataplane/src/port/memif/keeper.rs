//! The thread that keeps a port's control channel.
//!
//! What a peer sends there may take as long as the peer likes: memory to map and to unmap,
//! descriptors of files whose closing waits for somebody. No frame waits for that; a
//! worker takes up what is ready, and gives back what it no longer needs.

use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread::{Builder, Thread};
use std::time::{Duration, Instant};

use super::peer::Shared;
use super::talk::Control;
use crate::time::Time;

/// Between two looks: while something happens, and else.
const PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(10)];
/// How long, in nanoseconds, something is taken to happen still.
const LASTS: u64 = 100_000_000;
/// How long the end of it is waited for: a peer's descriptor may keep it.
const CLOSING: Duration = Duration::from_millis(200);

/// Ends the thread when dropped.
#[derive(Debug)]
pub(super) struct Keeper {
    stop: Arc<AtomicBool>,
    thread: Thread,
    /// Closed by the thread's end.
    ended: mpsc::Receiver<Infallible>,
}

impl Keeper {
    /// Keeps a channel until it is dropped.
    ///
    /// # Errors
    /// The system's, when it has no thread.
    pub(super) fn start(control: Box<Control>, shared: Arc<Shared>) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (alive, ended) = mpsc::channel();
        let told = stop.clone();
        let keep = move || {
            keep(control, &shared, &told);
            drop(alive);
        };
        let thread = Builder::new().name("memif".into()).spawn(keep)?.thread().clone();
        Ok(Self { stop, thread, ended })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.thread.unpark();
        // The socket's file is free then. One that hangs holds its port's place until it goes on.
        let _ = self.ended.recv_timeout(CLOSING);
    }
}

fn keep(mut control: Box<Control>, shared: &Shared, stop: &AtomicBool) {
    let mut active = clock();
    while !stop.load(Ordering::Acquire) {
        let now = clock();
        if control.poll(now, shared) {
            active = now;
        }
        let [soon, seldom] = PAUSES;
        std::thread::park_timeout(if now.since(active) < LASTS { soon } else { seldom });
    }
    drop(control);
    shared.clear();
}

/// One for the channels of all ports: those at one socket hold its clients to the same time.
fn clock() -> Time {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    let since = EPOCH.get_or_init(Instant::now).elapsed();
    Time(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
