//! Every kind of port behind one type, so that a worker calls it without `dyn`:
//! one branch per burst.

use std::os::fd::BorrowedFd;

use super::{Link, Loopback, Packet, Port, PortStats, Tap, Xdp};
use crate::packet::{Batch, Pool};
use crate::time::Time;

/// One queue of a port of any kind.
#[derive(Debug)]
pub enum AnyPort {
    /// In process.
    Loopback(Loopback),
    /// A Linux device by AF_PACKET.
    Packet(Packet),
    /// A TAP device of our own.
    Tap(Tap),
    /// A Linux device by AF_XDP.
    Xdp(Xdp),
}

macro_rules! each {
    ($self:ident, $port:ident => $call:expr) => {
        match $self {
            Self::Loopback($port) => $call,
            Self::Packet($port) => $call,
            Self::Tap($port) => $call,
            Self::Xdp($port) => $call,
        }
    };
}

impl Port for AnyPort {
    #[inline]
    fn receive(&mut self, now: Time, pool: &mut Pool, batch: &mut Batch) -> usize {
        each!(self, port => port.receive(now, pool, batch))
    }

    #[inline]
    fn transmit(&mut self, now: Time, batch: &mut Batch, pool: &mut Pool) -> usize {
        each!(self, port => port.transmit(now, batch, pool))
    }

    fn poll(&mut self, now: Time) {
        each!(self, port => port.poll(now));
    }

    fn link(&self) -> Link {
        each!(self, port => port.link())
    }

    fn stats(&self) -> PortStats {
        each!(self, port => port.stats())
    }

    fn wait_fd(&self) -> Option<BorrowedFd<'_>> {
        each!(self, port => port.wait_fd())
    }

    fn mac(&self) -> Option<[u8; 6]> {
        each!(self, port => port.mac())
    }
}
