//! The few system calls the ports share: sockets and their options.
//!
//! Each wrapper takes and gives owned descriptors and plain values, so that the
//! drivers above it hold no raw pointer but those of their rings.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

pub(super) use crate::memory::Mapping;

/// `Err` with the system's reason when a call gave a negative value.
pub(super) fn check(returned: libc::c_int) -> io::Result<libc::c_int> {
    if returned < 0 { Err(io::Error::last_os_error()) } else { Ok(returned) }
}

/// Gives memory that is free back to the system, as far as the allocator can. Takes
/// some milliseconds when there is much: for control threads, after something large
/// has been read. Nothing where the C library is not GNU's.
pub fn trim_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: no pointer is passed, and it may be called from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Has this thread go before all that have no real-time priority, first come first served among those of `level`,
/// 1 to 99 (`SCHED_FIFO`, sched(7)). Threads and processes that it starts have the ordinary one.
///
/// # Errors
/// The system's: `EPERM` without CAP_SYS_NICE where `RLIMIT_RTPRIO` is below `level`, or where the control group has
/// no time for it.
pub fn go_first(level: u8) -> io::Result<()> {
    let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    let level = libc::c_int::from(level);
    // Not by the C library's function of that name, which with musl does nothing.
    // SAFETY: the kernel reads one `int`, which lives through the call; 0 is the calling thread.
    let done = unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, policy, &raw const level) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A socket of the calling thread's network namespace, closed on exec, never blocking.
pub(super) fn socket(family: libc::c_int, kind: libc::c_int) -> io::Result<OwnedFd> {
    let kind = kind | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: no pointer is passed; a descriptor that is not negative is new and ours.
    unsafe {
        let fd = check(libc::socket(family, kind, 0))?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// Opens a device file for reading and writing, never blocking.
pub(super) fn open_device(path: &std::ffi::CStr) -> io::Result<OwnedFd> {
    let flags = libc::O_RDWR | libc::O_CLOEXEC | libc::O_NONBLOCK;
    // SAFETY: the path ends with a zero byte; a descriptor that is not negative is new and ours.
    unsafe {
        let fd = check(libc::open(path.as_ptr(), flags))?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// Sets a socket option from a plain C value.
pub(super) fn set_option<T>(
    fd: &OwnedFd,
    level: libc::c_int,
    name: libc::c_int,
    value: &T,
) -> io::Result<()> {
    let len = size_of::<T>() as libc::socklen_t;
    // SAFETY: the kernel reads `len` bytes of `value`, which lives through the call.
    let returned = unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, ptr::from_ref(value).cast(), len) };
    check(returned).map(drop)
}

/// A C structure that any bytes, zeros among them, are a value of.
///
/// # Safety
/// Implemented only for structures of integers.
pub(super) unsafe trait Plain: Copy {
    /// All bytes zero.
    fn zeroed() -> Self {
        // SAFETY: the implementer promises that zeros are a value.
        unsafe { std::mem::zeroed() }
    }
}

// SAFETY: integers only, each of these.
unsafe impl Plain for libc::tpacket_stats {}
// SAFETY: as above.
unsafe impl Plain for libc::xdp_mmap_offsets {}
// SAFETY: as above.
unsafe impl Plain for libc::xdp_statistics {}
// SAFETY: as above.
unsafe impl Plain for libc::sockaddr_ll {}
// SAFETY: as above.
unsafe impl Plain for libc::packet_mreq {}
// SAFETY: as above.
unsafe impl Plain for libc::c_int {}

/// Reads a socket option into a plain C value; what the kernel does not write stays zero.
pub(super) fn get_option<T: Plain>(fd: &OwnedFd, level: libc::c_int, name: libc::c_int) -> io::Result<T> {
    let mut value = T::zeroed();
    let mut len = size_of::<T>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `len` bytes to `value`, and any bytes are a value of `T`.
    let returned =
        unsafe { libc::getsockopt(fd.as_raw_fd(), level, name, ptr::from_mut(&mut value).cast(), &mut len) };
    check(returned).map(|_| value)
}

/// Binds a socket to a C address.
pub(super) fn bind<T>(fd: &OwnedFd, address: &T) -> io::Result<()> {
    let len = size_of::<T>() as libc::socklen_t;
    // SAFETY: the kernel reads `len` bytes of `address`, which lives through the call.
    check(unsafe { libc::bind(fd.as_raw_fd(), ptr::from_ref(address).cast(), len) }).map(drop)
}

/// A socket that receives nothing and keeps the device of that index promiscuous while it is open.
pub(super) fn promiscuous(index: u32) -> io::Result<OwnedFd> {
    let fd = socket(libc::AF_PACKET, libc::SOCK_RAW)?;
    let membership = libc::packet_mreq {
        mr_ifindex: index as libc::c_int,
        mr_type: libc::PACKET_MR_PROMISC as u16,
        ..libc::packet_mreq::zeroed()
    };
    set_option(&fd, libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &membership)?;
    Ok(fd)
}
