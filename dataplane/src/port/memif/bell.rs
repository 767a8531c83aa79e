//! Being told of news in a ring, and telling (eventfd(2)).
//!
//! The descriptors are the client's, but whoever has one can change how it blocks and
//! fill its counter. So neither end's is read or written here: news is learnt by an
//! edge-triggered epoll, and told by an asynchronous read of nothing whose completion
//! the kernel signals (io_submit(2), IOCB_FLAG_RESFD), which never blocks.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::ptr;
use std::sync::OnceLock;

use rustix::event::{EventfdFlags, Timespec, epoll, eventfd};
use rustix::fs::MemfdFlags;

/// Completions that are kept until they are taken out.
const KEPT: usize = 256;
/// How often it is tried to make room for one: other threads take some of it.
const TRIES: usize = 4;

/// A descriptor by which news is told: what a client gives for each ring.
///
/// # Errors
/// The system's, when it has none.
pub fn event() -> io::Result<OwnedFd> {
    Ok(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)
}

/// Hears of news.
#[derive(Debug)]
pub(super) struct Ear {
    epoll: OwnedFd,
    /// Kept open: a descriptor that is closed is heard no more.
    _event: OwnedFd,
}

impl Ear {
    /// Listens to a peer's descriptor.
    ///
    /// # Errors
    /// It cannot be waited for, or there are no descriptors left.
    pub(super) fn new(event: OwnedFd) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let edge = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&epoll, &event, epoll::EventData::new_u64(0), edge)?;
        Ok(Self { epoll, _event: event })
    }

    /// Forgets what was told so far. Look at the ring afterwards, not before.
    pub(super) fn forget(&self) {
        let mut told =
            [epoll::Event { flags: epoll::EventFlags::empty(), data: epoll::EventData::new_u64(0) }];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let _ = epoll::wait(&self.epoll, &mut told, Some(&at_once));
    }

    /// Polls readable when something was told that was not forgotten.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

/// `struct iocb` (linux/aio_abi.h). The order of key and flags depends on the machine; both are zero.
#[repr(C)]
#[derive(Debug)]
struct Request {
    data: u64,
    key_and_flags: [u32; 2],
    opcode: u16,
    priority: i16,
    file: u32,
    buffer: u64,
    bytes: u64,
    offset: i64,
    reserved: u64,
    flags: u32,
    event: u32,
}

/// `IOCB_CMD_PREAD`, `IOCB_FLAG_RESFD`.
const READ: u16 = 0;
const SIGNAL: u32 = 1;

/// Tells peers of news; one for the process, since giving one up takes the kernel some
/// milliseconds. Any thread may ring it.
#[derive(Debug)]
pub(super) struct Bell {
    context: libc::c_ulong,
    /// An empty file.
    nothing: OwnedFd,
}

impl Bell {
    /// The process's.
    ///
    /// # Errors
    /// There are no descriptors or contexts left (`fs.aio-max-nr`).
    pub(super) fn get() -> io::Result<&'static Self> {
        static BELL: OnceLock<Bell> = OnceLock::new();
        match BELL.get() {
            Some(bell) => Ok(bell),
            None => Self::new().map(|new| BELL.get_or_init(|| new)),
        }
    }

    fn new() -> io::Result<Self> {
        let nothing = rustix::fs::memfd_create("nothing", MemfdFlags::CLOEXEC)?;
        let mut context: libc::c_ulong = 0;
        // SAFETY: the kernel writes one context, which is zero before as it must be.
        let made = unsafe { libc::syscall(libc::SYS_io_setup, KEPT, &raw mut context) };
        if made < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { context, nothing })
    }

    /// Tells by a peer's descriptor. One that cannot be signalled hears nothing.
    pub(super) fn ring(&self, event: &OwnedFd) {
        for _ in 0..TRIES {
            // Only a full context is worth another try.
            match self.signal(event) {
                Err(why) if why.raw_os_error() == Some(libc::EAGAIN) => self.clear(),
                _ => break,
            }
        }
    }

    fn signal(&self, event: &OwnedFd) -> io::Result<()> {
        let request = Request {
            data: 0,
            key_and_flags: [0; 2],
            opcode: READ,
            priority: 0,
            file: self.nothing.as_raw_fd() as u32,
            buffer: 0,
            bytes: 0,
            offset: 0,
            reserved: 0,
            flags: SIGNAL,
            event: event.as_raw_fd() as u32,
        };
        let requests = [&raw const request];
        // SAFETY: one request, which lives through the call and reads no byte of ours: the
        // file is empty, and the kernel is done with it before the call is over.
        let taken = unsafe { libc::syscall(libc::SYS_io_submit, self.context, 1, requests.as_ptr()) };
        if taken == 1 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Takes the completions out.
    fn clear(&self) {
        let mut done = [[0_u64; 4]; KEPT];
        let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: room for as many `struct io_event`, four words each, as are asked for.
        unsafe {
            libc::syscall(
                libc::SYS_io_getevents,
                self.context,
                0,
                KEPT,
                done.as_mut_ptr(),
                ptr::from_ref(&at_once),
            )
        };
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        // SAFETY: the context is ours, and nobody uses it any more.
        unsafe { libc::syscall(libc::SYS_io_destroy, self.context) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, poll};

    fn told(ear: &Ear) -> bool {
        let mut fds = [PollFd::from_borrowed_fd(ear.fd(), PollFlags::IN)];
        poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() == 1
    }

    #[test]
    fn every_ringing_is_heard_once() {
        let event = event().unwrap();
        let (ear, bell) = (Ear::new(event.try_clone().unwrap()).unwrap(), Bell::get().unwrap());
        assert!(!told(&ear));
        // More often than completions are kept.
        for _ in 0..3 * KEPT {
            bell.ring(&event);
            assert!(told(&ear));
            ear.forget();
            assert!(!told(&ear));
        }
    }

    #[test]
    fn a_full_counter_that_blocks_its_writers_does_not_block_us() {
        let event = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
        rustix::io::write(&event, &(u64::MAX - 1).to_ne_bytes()).unwrap();
        let bell = Bell::get().unwrap();
        for _ in 0..3 {
            bell.ring(&event);
        }
        let (not_an_event, _other) = rustix::net::socketpair(
            rustix::net::AddressFamily::UNIX,
            rustix::net::SocketType::STREAM,
            rustix::net::SocketFlags::CLOEXEC,
            None,
        )
        .unwrap();
        bell.ring(&not_an_event);
    }
}
