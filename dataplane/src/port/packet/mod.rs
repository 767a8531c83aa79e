//! AF_PACKET: any Linux device, through the kernel's own driver (packet(7)).
//!
//! Two sockets a queue. One receives, by a TPACKET_V2 ring mapped into the
//! process, and never sees what the router itself sends. One only sends, by
//! `sendmmsg`, past the kernel's queueing discipline: the router has its own.
//! What the kernel kept beside a packet is put back before anybody sees it: the
//! VLAN tag it stripped and the checksum it left to the hardware.

mod ring;
mod send;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use self::ring::Ring;
use super::attached::{Attached, Driver};
use super::device::Device;
use super::{OpenError, PortStats, sys};
use crate::packet::{Batch, Pool};

/// That of a device that does not tell its own, bytes.
const ETHERNET_MTU: usize = 1500;

/// An AF_PACKET port: one queue.
pub type Packet = Attached<PacketQueue>;

/// How an AF_PACKET port is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketOptions {
    /// Bytes of the receive ring of each queue, 1 MiB to 1 GiB; 8 MiB unless told: 4,096 packets where the MTU
    /// is up to 1,930 bytes, less where it is more.
    pub ring_bytes: usize,
    /// Send past the kernel's queueing discipline; on unless told.
    pub bypass_qdisc: bool,
    /// Switch GRO and LRO of the device off, so that packets are forwarded as they came; on unless told.
    pub merging_off: bool,
}

impl Default for PacketOptions {
    fn default() -> Self {
        Self { ring_bytes: 8 << 20, bypass_qdisc: true, merging_off: true }
    }
}

/// The sockets that share one device's packets by flow (packet(7), PACKET_FANOUT).
#[derive(Clone, Debug, Default)]
struct Group {
    /// The kernel's id of the group with one added; 0 until the first queue has opened.
    id: Arc<AtomicU32>,
}

/// What one queue needs to open itself again.
#[derive(Debug)]
pub struct QueueOptions {
    options: PacketOptions,
    group: Option<Group>,
}

/// One queue while its device is there.
#[derive(Debug)]
pub struct PacketQueue {
    ring: Ring,
    receiver: OwnedFd,
    /// Also keeps the device promiscuous.
    sender: OwnedFd,
}

/// Opens `queues` queues (1 to 256) on the device `name`. With several, the
/// kernel spreads received packets over them by flow.
///
/// # Errors
/// [`OpenError`] when there is no such device, or the process lacks CAP_NET_RAW or CAP_NET_ADMIN.
pub fn open(name: &str, queues: usize, options: PacketOptions) -> Result<Vec<Packet>, OpenError> {
    let group = (queues > 1).then(Group::default);
    let open_one = |_| Attached::open(name, QueueOptions { options, group: group.clone() });
    (0..queues.clamp(1, 256)).map(open_one).collect()
}

impl Driver for PacketQueue {
    type Options = QueueOptions;

    fn open(device: &Device, options: &QueueOptions) -> Result<Self, OpenError> {
        let index = device.index().ok_or_else(|| OpenError::NoDevice(device.name().to_owned()))?;
        if options.options.merging_off {
            device.merging_off();
        }
        let failed = |source: io::Error| match source.raw_os_error() {
            Some(libc::EPERM) => {
                OpenError::NotPermitted { device: device.name().to_owned(), capability: "CAP_NET_RAW" }
            }
            _ => device.failed("opening a packet socket", source),
        };
        let mtu = device.mtu().unwrap_or(ETHERNET_MTU);
        let (receiver, ring) = receiver(index, mtu, options).map_err(failed)?;
        let sender = sender(index, options.options.bypass_qdisc).map_err(failed)?;
        Ok(Self { ring, receiver, sender })
    }

    #[inline]
    fn receive(&mut self, pool: &mut Pool, batch: &mut Batch, stats: &mut PortStats) -> usize {
        let before = batch.len();
        for _ in 0..batch.room() {
            let Some(packet) = self.ring.peek() else { break };
            stats.received += 1;
            match pool.get() {
                None => stats.pool_empty += 1,
                Some(mut frame) => {
                    if packet.copy_to(&mut frame).is_ok() {
                        if let Err(frame) = batch.push(frame) {
                            pool.put(frame);
                        }
                    } else {
                        stats.too_long += 1;
                        pool.put(frame);
                    }
                }
            }
            self.ring.advance();
        }
        batch.len() - before
    }

    #[inline]
    fn transmit(&mut self, batch: &mut Batch, pool: &mut Pool, stats: &mut PortStats) -> usize {
        send::all(&self.sender, batch, pool, stats)
    }

    fn look(&mut self, device: &Device, stats: &mut PortStats) -> bool {
        let lost =
            sys::get_option::<libc::tpacket_stats>(&self.receiver, libc::SOL_PACKET, libc::PACKET_STATISTICS);
        // A device that went down leaves an error that wakes every wait until it is read.
        let _ = sys::get_option::<libc::c_int>(&self.receiver, libc::SOL_SOCKET, libc::SO_ERROR);
        // Reading them sets them to zero.
        stats.missed += lost.map_or(0, |lost| u64::from(lost.tp_drops));
        device.mtu().is_none_or(|mtu| self.ring.fits(mtu))
    }

    fn wait_fd(&self) -> BorrowedFd<'_> {
        self.receiver.as_fd()
    }
}

fn address(index: u32, protocol: u16) -> libc::sockaddr_ll {
    use sys::Plain;
    libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: protocol.to_be(),
        sll_ifindex: index as libc::c_int,
        ..libc::sockaddr_ll::zeroed()
    }
}

fn set(fd: &OwnedFd, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
    sys::set_option(fd, libc::SOL_PACKET, option, &value)
}

fn receiver(index: u32, mtu: usize, options: &QueueOptions) -> io::Result<(OwnedFd, Ring)> {
    let fd = sys::socket(libc::AF_PACKET, libc::SOCK_RAW)?;
    set(&fd, libc::PACKET_VERSION, libc::tpacket_versions::TPACKET_V2 as libc::c_int)?;
    set(&fd, libc::PACKET_VNET_HDR, 1)?;
    set(&fd, libc::PACKET_IGNORE_OUTGOING, 1)?;
    let ring = Ring::new(&fd, options.options.ring_bytes, mtu)?;
    sys::bind(&fd, &address(index, libc::ETH_P_ALL as u16))?;
    if let Some(group) = &options.group {
        group.join(&fd)?;
    }
    Ok((fd, ring))
}

/// A socket bound to no protocol receives nothing.
fn sender(index: u32, bypass_qdisc: bool) -> io::Result<OwnedFd> {
    let fd = sys::promiscuous(index)?;
    set(&fd, libc::PACKET_QDISC_BYPASS, bypass_qdisc.into())?;
    sys::bind(&fd, &address(index, 0))?;
    Ok(fd)
}

impl Group {
    fn join(&self, fd: &OwnedFd) -> io::Result<()> {
        let kind = libc::PACKET_FANOUT_HASH | libc::PACKET_FANOUT_FLAG_IGNORE_OUTGOING;
        let (id, kind) = match self.id.load(Ordering::Relaxed) {
            0 => (0, kind | libc::PACKET_FANOUT_FLAG_UNIQUEID),
            known => (known - 1, kind),
        };
        set(fd, libc::PACKET_FANOUT, (id | kind << 16) as libc::c_int)?;
        let joined: libc::c_int = sys::get_option(fd, libc::SOL_PACKET, libc::PACKET_FANOUT)?;
        self.id.store((joined as u32 & 0xffff) + 1, Ordering::Relaxed);
        Ok(())
    }
}
