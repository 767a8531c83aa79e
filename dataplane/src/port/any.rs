//! Every kind of port behind one type, so that a worker calls it without `dyn`:
//! one branch per burst.

use std::os::fd::BorrowedFd;
use std::sync::Arc;

use super::{
    Fault, FaultOptions, Link, Loopback, Memif, MemifOptions, OpenError, Packet, PacketOptions, Pcap,
    PcapOptions, Port, PortStats, Tap, Xdp, XdpOptions, memif, packet, pcap, tap, xdp,
};
use crate::packet::{Arena, Batch, Frame, Pool};
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
    /// Capture files.
    Pcap(Box<Pcap>),
    /// Memory shared with another process.
    Memif(Box<Memif>),
    /// Any of these with a bad line.
    Fault(Box<Fault<AnyPort>>),
}

/// Which kind of port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PortKind {
    /// In process, with nobody at the far end.
    #[default]
    Loopback,
    /// A Linux device by AF_PACKET.
    Packet,
    /// A Linux device by AF_XDP.
    Xdp,
    /// A TAP device of our own.
    Tap,
    /// Capture files.
    Pcap,
    /// Memory shared with another process.
    Memif,
}

/// How a port is opened. Only the options of its kind count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortConfig {
    /// Which kind.
    pub kind: PortKind,
    /// The network device of a packet, XDP or TAP port.
    pub device: String,
    /// Queues, 1 to 256; loopback and capture ports have one.
    pub queues: usize,
    /// Options of a packet port.
    pub packet: PacketOptions,
    /// Options of an XDP port.
    pub xdp: XdpOptions,
    /// Options of a capture port.
    pub pcap: PcapOptions,
    /// Options of a memif port.
    pub memif: MemifOptions,
    /// A bad line on top; each queue has its own dice.
    pub fault: Option<FaultOptions>,
}

/// Frames a loopback port holds that nobody takes.
const UNHEARD: usize = 1024;

/// Opens a port: one value a queue, in queue order. Devices are those of the
/// calling thread's network namespace, and so must be those of the threads that
/// poll the port, so that it finds a device that comes back. A memif port that does without copies lends frames of
/// `arena`, in which the pools' frames must stand.
///
/// # Errors
/// [`OpenError`], which says what is missing.
pub fn open(config: &PortConfig, arena: Option<&Arc<Arena>>) -> Result<Vec<AnyPort>, OpenError> {
    let (device, queues) = (config.device.as_str(), config.queues);
    let ports = match config.kind {
        PortKind::Loopback => vec![AnyPort::Loopback(Loopback::new(UNHEARD).0)],
        PortKind::Packet => each_queue(packet::open(device, queues, config.packet)?, AnyPort::Packet),
        PortKind::Xdp => each_queue(xdp::open(device, queues, config.xdp)?, AnyPort::Xdp),
        PortKind::Tap => each_queue(tap::open(device, queues)?, AnyPort::Tap),
        PortKind::Pcap => vec![AnyPort::Pcap(Box::new(pcap::open(&config.pcap)?))],
        PortKind::Memif => {
            each_queue(memif::open_kept(queues, &config.memif, arena)?, |port| AnyPort::Memif(Box::new(port)))
        }
    };
    let Some(fault) = config.fault else { return Ok(ports) };
    let worse = |(queue, port)| {
        let seed = fault.seed.wrapping_add(queue);
        AnyPort::Fault(Box::new(Fault::new(port, FaultOptions { seed, ..fault })))
    };
    Ok((0..).zip(ports).map(worse).collect())
}

fn each_queue<P>(queues: Vec<P>, kind: fn(P) -> AnyPort) -> Vec<AnyPort> {
    queues.into_iter().map(kind).collect()
}

impl AnyPort {
    /// What can be asked about the peer of a memif port, from any thread.
    pub fn memif(&self) -> Option<memif::Watch> {
        match self {
            Self::Memif(port) => Some(port.watch()),
            Self::Fault(port) => port.inner().memif(),
            _ => None,
        }
    }
}

macro_rules! each {
    ($self:ident, $port:ident => $call:expr) => {
        match $self {
            Self::Loopback($port) => $call,
            Self::Packet($port) => $call,
            Self::Tap($port) => $call,
            Self::Xdp($port) => $call,
            Self::Pcap($port) => $call,
            Self::Memif($port) => $call,
            Self::Fault($port) => $call,
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

    #[inline]
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

    fn surrender(&mut self) -> Vec<Frame> {
        each!(self, port => port.surrender())
    }
}
