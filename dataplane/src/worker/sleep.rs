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
    pub fn sleep<'p>(
        &self,
        room: &mut Room,
        ports: impl Iterator<Item = BorrowedFd<'p>>,
        timeout: Duration,
        quiet: impl FnOnce() -> bool,
    ) {
        self.asleep.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if quiet() {
            self.wait(room, ports, timeout);
        }
        self.asleep.store(false, Ordering::SeqCst);
        let _ = rustix::io::read(&self.event, &mut [0u8; 8]);
    }

    fn wait<'p>(&self, room: &mut Room, ports: impl Iterator<Item = BorrowedFd<'p>>, timeout: Duration) {
        let mut fds = room.take();
        fds.push(PollFd::new(&self.event, PollFlags::IN));
        fds.extend(ports.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        let timeout = Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(timeout.subsec_nanos()),
        };
        // An interrupted wait is a short one.
        let _ = poll(&mut fds, Some(&timeout));
        room.give_back(fds);
    }
}

/// Room for what a loop waits for, kept from one sleep to the next: a loop allocates nothing.
#[derive(Debug, Default)]
pub struct Room(Vec<PollFd<'static>>);

impl Room {
    fn take<'a>(&mut self) -> Vec<PollFd<'a>> {
        emptied(std::mem::take(&mut self.0))
    }

    fn give_back(&mut self, fds: Vec<PollFd<'_>>) {
        self.0 = emptied(fds);
    }
}

/// The same memory with nothing in it, for descriptors that are borrowed for another time: what is
/// collected from a vector into elements as large stays where it is.
fn emptied<'a>(fds: Vec<PollFd<'_>>) -> Vec<PollFd<'a>> {
    fds.into_iter().map_while(|_| None).collect()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn a_loop_that_sleeps_again_allocates_nothing_and_wakes_for_any_of_its_ports() {
        let (waker, mut room) = (Waker::new().unwrap(), Room::default());
        let ports = [(); 40].map(|()| eventfd(0, EventfdFlags::NONBLOCK).unwrap());
        let mut sleep = |timeout| waker.sleep(&mut room, ports.iter().map(AsFd::as_fd), timeout, || true);
        sleep(Duration::ZERO);
        rustix::io::write(&ports[39], &1u64.to_ne_bytes()).unwrap();
        // Would not end in the test's time, if the last port did not wake it.
        sleep(Duration::from_secs(3_600));
        let memory = (room.0.as_ptr(), room.0.capacity());
        assert!(memory.1 > 40, "{memory:?}");
        for used in [41, 3, 41] {
            let mut fds = room.take();
            fds.extend(ports.iter().take(used).map(|port| PollFd::new(port, PollFlags::IN)));
            room.give_back(fds);
            assert_eq!((room.0.as_ptr(), room.0.capacity(), room.0.len()), (memory.0, memory.1, 0));
        }
    }

    #[test]
    fn who_is_woken_while_it_falls_asleep_does_not_sleep() {
        let (waker, mut room) = (Waker::new().unwrap(), Room::default());
        let woken = || {
            waker.wake_if_asleep();
            true
        };
        waker.sleep(&mut room, std::iter::empty(), Duration::from_secs(3_600), woken);
        // Nor is it woken for the same once more.
        assert_eq!(rustix::io::read(&waker.event, &mut [0; 8]), Err(rustix::io::Errno::AGAIN));
    }
}
