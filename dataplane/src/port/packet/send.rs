//! Sending a burst with one `sendmmsg` (sendmmsg(2)).
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr;

use crate::packet::{BATCH, Batch, Pool};
use crate::port::PortStats;

/// What became of a frame the kernel did not take.
enum Refused {
    /// The line takes no more now: it stays.
    Full,
    /// This frame is lost: the device dropped it or never will take it.
    Lost,
}

/// Sends from the front of `batch`; gives how many frames left it.
pub(super) fn all(fd: &OwnedFd, batch: &mut Batch, pool: &mut Pool, stats: &mut PortStats) -> usize {
    let mut taken = 0;
    while !batch.is_empty() {
        let gone = match burst(fd, batch) {
            Ok(sent) => {
                stats.sent += sent as u64;
                sent
            }
            Err(Refused::Lost) => {
                stats.send_failed += 1;
                1
            }
            Err(Refused::Full) => break,
        };
        for frame in batch.drain_front(gone) {
            pool.put(frame);
        }
        taken += gone;
    }
    taken
}

/// One call: how many of the first frames the kernel took, or why not even one.
fn burst(fd: &OwnedFd, batch: &mut Batch) -> Result<usize, Refused> {
    // SAFETY: zeros are a value of both structures.
    let mut parts: [libc::iovec; BATCH] = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    let mut messages: [libc::mmsghdr; BATCH] = unsafe { std::mem::zeroed() };
    let mut count: libc::c_uint = 0;
    for ((frame, part), message) in batch.frames_mut().iter_mut().zip(&mut parts).zip(&mut messages) {
        let bytes = frame.bytes_mut();
        part.iov_base = bytes.as_mut_ptr().cast();
        part.iov_len = bytes.len();
        message.msg_hdr.msg_iov = ptr::from_mut(part);
        message.msg_hdr.msg_iovlen = 1;
        count += 1;
    }
    // SAFETY: `count` messages are filled in, each with one part over a frame that
    // lives through the call; the kernel only reads them.
    let sent = unsafe { libc::sendmmsg(fd.as_raw_fd(), messages.as_mut_ptr(), count, libc::MSG_DONTWAIT) };
    if sent > 0 {
        return Ok(sent as usize);
    }
    match std::io::Error::last_os_error().raw_os_error() {
        // Longer than the MTU, or no whole header: it can never be sent. All else, a full
        // device queue (ENOBUFS) among it, leaves the frame to be tried again.
        Some(libc::EMSGSIZE | libc::EINVAL) => Err(Refused::Lost),
        _ => Err(Refused::Full),
    }
}
