//! TAP: a device the kernel's own stack stands behind (tuntap).
//!
//! The device lives as long as the process holds it; each frame is one system
//! call, so this is a port for the host's own traffic and for trying out, not
//! for speed.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use super::attached::{Attached, Driver};
use super::device::Device;
use super::{OpenError, PortStats, sys};
use crate::packet::{Batch, Frame, Pool};

/// A TAP port: one queue.
pub type Tap = Attached<TapQueue>;

/// What one queue needs to open itself again.
#[derive(Debug)]
pub struct TapOptions {
    several: bool,
}

/// One queue of the device.
#[derive(Debug)]
pub struct TapQueue {
    fd: OwnedFd,
}

/// Makes the device `name` with `queues` queues (1 to 256).
///
/// # Errors
/// [`OpenError`] when the process lacks CAP_NET_ADMIN, there is no
/// `/dev/net/tun`, or a device of another kind has that name.
pub fn open(name: &str, queues: usize) -> Result<Vec<Tap>, OpenError> {
    let queues = queues.clamp(1, 256);
    (0..queues).map(|_| Attached::open(name, TapOptions { several: queues > 1 })).collect()
}

impl Driver for TapQueue {
    type Options = TapOptions;
    const MAKES_DEVICE: bool = true;

    fn open(device: &Device, options: &TapOptions) -> Result<Self, OpenError> {
        let fd = sys::open_device(c"/dev/net/tun")
            .map_err(|source| device.failed("opening /dev/net/tun", source))?;
        let queues = if options.several { libc::IFF_MULTI_QUEUE } else { 0 };
        device
            .make_tap(&fd, (libc::IFF_TAP | libc::IFF_NO_PI | queues) as libc::c_short)
            .map_err(|source| device.failed("making the TAP device", source))?;
        Ok(Self { fd })
    }

    fn receive(&mut self, pool: &mut Pool, batch: &mut Batch, stats: &mut PortStats) -> usize {
        let before = batch.len();
        for _ in 0..batch.room() {
            let Some(mut frame) = pool.get() else {
                if self.read(&mut []).is_err() {
                    break;
                }
                stats.received += 1;
                stats.pool_empty += 1;
                continue;
            };
            let Ok(whole) = self.read_frame(&mut frame) else {
                pool.put(frame);
                break;
            };
            stats.received += 1;
            if !whole {
                stats.too_long += 1;
                pool.put(frame);
            } else if let Err(frame) = batch.push(frame) {
                pool.put(frame);
            }
        }
        batch.len() - before
    }

    fn transmit(&mut self, batch: &mut Batch, pool: &mut Pool, stats: &mut PortStats) -> usize {
        let mut taken = 0;
        for frame in batch.frames() {
            match self.write(frame.bytes()) {
                Ok(()) => stats.sent += 1,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => stats.send_failed += 1,
            }
            taken += 1;
        }
        for frame in batch.drain_front(taken) {
            pool.put(frame);
        }
        taken
    }

    fn wait_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl TapQueue {
    /// Reads one frame into `bytes`; gives its length, which is one more than
    /// there is room when it is longer.
    fn read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut spill = [0_u8; 1];
        let parts = [
            libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() },
            libc::iovec { iov_base: spill.as_mut_ptr().cast(), iov_len: spill.len() },
        ];
        // SAFETY: both parts are writable for their lengths and live through the call.
        let read = unsafe { libc::readv(self.fd.as_raw_fd(), parts.as_ptr(), 2) };
        if read < 0 { Err(io::Error::last_os_error()) } else { Ok(read as usize) }
    }

    /// Reads one frame; `false` when it is longer than the buffer.
    fn read_frame(&self, frame: &mut Frame) -> io::Result<bool> {
        let room = frame.capacity();
        let _ = frame.set_len(room);
        let read = self.read(frame.bytes_mut())?;
        Ok(frame.set_len(read).is_ok())
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        // SAFETY: the kernel reads `bytes`, which lives through the call.
        let written = unsafe { libc::write(self.fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };
        if written < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}
