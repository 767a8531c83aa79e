//! Going to sleep until there is work, without missing any.
//!
//! The sleeper says that it sleeps and then looks once more; the waker puts the
//! work down and then looks whether the other sleeps. With a full fence between
//! the two steps on both sides, one of them sees the other.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

/// Wakes one loop.
#[derive(Debug)]
pub struct Waker {
    event: OwnedFd,
    asleep: AtomicBool,
}

impl Waker {
    /// A waker for a loop that is awake.
    ///
    /// # Errors
    /// The system's, when it gives no event descriptor.
    pub fn new() -> io::Result<Self> {
        let event = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        Ok(Self { event, asleep: AtomicBool::new(false) })
    }

    /// Wakes the loop if it sleeps. Call after the work has been put down.
    #[inline]
    pub fn wake_if_asleep(&self) {
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        if self.asleep.swap(false, Ordering::SeqCst) {
            // The counter cannot overflow here, and a loop that is awake needs no call.
            let _ = rustix::io::write(&self.event, &1u64.to_ne_bytes());
        }
    }

    /// Sleeps until `timeout` has passed, one of `ports` is readable, or
    /// another loop wakes this one; not at all when `quiet` says that there is work.
    pub fn sleep(&self, ports: &[BorrowedFd<'_>], timeout: Duration, quiet: impl FnOnce() -> bool) {
        self.asleep.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if quiet() {
            self.wait(ports, timeout);
        }
        self.asleep.store(false, Ordering::SeqCst);
        let _ = rustix::io::read(&self.event, &mut [0u8; 8]);
    }

    fn wait(&self, ports: &[BorrowedFd<'_>], timeout: Duration) {
        let mut fds = Vec::with_capacity(ports.len() + 1);
        fds.push(PollFd::new(&self.event, PollFlags::IN));
        fds.extend(ports.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)));
        let timeout = Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(timeout.subsec_nanos()),
        };
        // An interrupted wait is a short one.
        let _ = poll(&mut fds, Some(&timeout));
    }
}
