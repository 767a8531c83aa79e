//! Where frames enter and leave. The only unsafe code is below this folder.

mod any;
mod attached;
mod device;
pub mod fault;
mod loopback;
pub mod memif;
pub mod packet;
pub mod pcap;
mod sys;
pub mod tap;
pub mod xdp;

use std::io;
use std::os::fd::BorrowedFd;

pub use any::{AnyPort, PortConfig, PortKind, open};
pub use attached::Attached;
pub use device::offloads_off;
pub use fault::{Fault, FaultOptions};
pub use loopback::{Loopback, LoopbackEnd};
pub use memif::{Memif, MemifOptions};
pub use packet::{Packet, PacketOptions};
pub use pcap::{Pcap, PcapOptions};
pub use sys::{go_first, trim_heap};
pub use tap::Tap;
pub use xdp::{Xdp, XdpOptions};

use crate::packet::{Batch, Frame, Pool};
use crate::time::Time;

/// What a port knows of its line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Whether frames can pass.
    pub up: bool,
    /// Whether the device is there at all.
    pub present: bool,
}

/// What a port counted itself, since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortStats {
    /// Frames taken from the line: those given on and those dropped here.
    pub received: u64,
    /// Frames given to the line.
    pub sent: u64,
    /// Received frames dropped because the pool was empty.
    pub pool_empty: u64,
    /// Received frames dropped because they are longer than the pool's buffers.
    pub too_long: u64,
    /// Received frames dropped because their descriptor points outside the memory shared.
    pub bad_descriptor: u64,
    /// Frames the kernel or the device lost before they could be received.
    pub missed: u64,
    /// Frames accepted for sending and then refused by the kernel or the device.
    pub send_failed: u64,
}

impl PortStats {
    /// Puts a copy of a received frame into `batch`, or counts why not; whether
    /// it did. For drivers whose line hands out bytes.
    #[inline]
    pub fn take(&mut self, bytes: &[u8], pool: &mut Pool, batch: &mut Batch) -> bool {
        let Some(mut frame) = pool.get() else {
            self.pool_empty += 1;
            return false;
        };
        if frame.extend(bytes).is_err() {
            self.too_long += 1;
            pool.put(frame);
            return false;
        }
        match batch.push(frame) {
            Ok(()) => true,
            Err(frame) => {
                self.too_long += 1;
                pool.put(frame);
                false
            }
        }
    }
}

/// One queue of a port, owned by one worker.
///
/// Neither call blocks or allocates per frame. Frames are whole Ethernet
/// frames without FCS.
pub trait Port: Send {
    /// Receives up to `batch.room()` frames into `batch`, buffers from `pool`,
    /// and stamps each with `now`; gives how many. A frame for which there is
    /// no buffer, or which is too long for one, is taken and counted in
    /// [`PortStats`].
    fn receive(&mut self, now: Time, pool: &mut Pool, batch: &mut Batch) -> usize;

    /// Sends frames from the front of `batch` in order, as many as the line
    /// takes now, and puts their buffers back to `pool`; gives how many. The
    /// others stay in `batch`, in order.
    fn transmit(&mut self, now: Time, batch: &mut Batch, pool: &mut Pool) -> usize;

    /// Does what is due whether or not there is traffic: flushes a late
    /// doorbell, notices link changes, takes up a device that came back.
    /// Called at least every 100 ms, and after each transmit burst.
    fn poll(&mut self, now: Time);

    /// The state of its line, as of the last [`Port::poll`].
    fn link(&self) -> Link;

    /// What it counted.
    fn stats(&self) -> PortStats;

    /// A descriptor that polls readable when there is something to receive;
    /// `None` for ports that can only be polled.
    fn wait_fd(&self) -> Option<BorrowedFd<'_>>;

    /// The line's station address, where it has one.
    fn mac(&self) -> Option<[u8; 6]>;

    /// Ends its connection and gives the frames that its peer was lent, of [`Pool`]s it was called with. The peer may
    /// write to them for a little longer: they go back to a pool after [`memif::QUARANTINE`].
    fn surrender(&mut self) -> Vec<Frame> {
        Vec::new()
    }
}

/// Why a port could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such device.
    #[error("there is no network device \"{0}\"")]
    NoDevice(String),
    /// The process may not.
    #[error("opening {device} needs {capability}; start the router as root or give it that capability")]
    NotPermitted {
        /// What was opened.
        device: String,
        /// The missing capability, by its Linux name.
        capability: &'static str,
    },
    /// The device or kernel cannot do what was asked for.
    #[error("{device} cannot do this: {what}")]
    Unsupported {
        /// What was opened.
        device: String,
        /// What it cannot do, and what to ask for instead.
        what: String,
    },
    /// Any other failure of the system.
    #[error("{device}: {action}: {source}")]
    System {
        /// What was opened.
        device: String,
        /// What was being done.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
}
