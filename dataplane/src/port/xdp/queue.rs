//! One AF_XDP queue at work: frames copied between the packet memory and buffers.
#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::ptr;
use std::sync::Arc;

use super::QueueOptions;
use super::hub::{Hub, failed};
use super::ring::{Consumer, Kind, Producer};
use crate::packet::{Batch, Frame, NoRoom, Pool};
use crate::port::attached::Driver;
use crate::port::device::Device;
use crate::port::{OpenError, PortStats, sys};

/// Frames after which the kernel is called to send; what is left is sent by `poll`.
const KICK: u32 = 32;
/// The most descriptors one frame may take (the kernel's `MAX_SKB_FRAGS`).
const SEGMENTS: usize = 17;
/// Shorter than an Ethernet header: the kernel refuses it.
const SHORTEST: usize = 14;

/// One queue while its device is there.
#[derive(Debug)]
pub struct XdpQueue {
    fill: Producer<u64>,
    receive: Consumer<libc::xdp_desc>,
    transmit: Producer<libc::xdp_desc>,
    completion: Consumer<u64>,
    /// Chunks nobody uses, for sending.
    free: Vec<u64>,
    /// Descriptors the kernel has not been called for.
    unkicked: u32,
    /// The kernel's counts so far.
    lost: u64,
    refused: u64,
    socket: Arc<OwnedFd>,
    hub: Arc<Hub>,
}

impl Driver for XdpQueue {
    type Options = QueueOptions;

    fn open(device: &Device, options: &QueueOptions) -> Result<Self, OpenError> {
        let hub = options.shared.hub(device, &options.options, options.queues)?;
        let size = options.options.ring;
        let rings = |socket: &OwnedFd| {
            let fill = Producer::new(socket, Kind::Fill, size)?;
            let completion = Consumer::new(socket, Kind::Completion, size)?;
            let receive = Consumer::new(socket, Kind::Receive, size)?;
            Ok((fill, completion, receive, Producer::new(socket, Kind::Transmit, size)?))
        };
        let (socket, (mut fill, completion, receive, transmit)) = hub
            .bind(options.queue, rings)
            .map_err(|source| failed(device, "binding the socket to its queue", source))?;
        let mut chunks = hub.umem.chunks(options.queue);
        chunks.by_ref().take(size as usize).for_each(|chunk| fill.push(chunk));
        fill.publish();
        let free = chunks.collect();
        Ok(Self { fill, receive, transmit, completion, free, unkicked: 0, lost: 0, refused: 0, socket, hub })
    }

    #[inline]
    fn receive(&mut self, pool: &mut Pool, batch: &mut Batch, stats: &mut PortStats) -> usize {
        let before = batch.len();
        for _ in 0..batch.room() {
            let Some(count) = self.whole_frame() else { break };
            stats.received += 1;
            match pool.get() {
                None => stats.pool_empty += 1,
                Some(mut frame) => match self.copy_in(count, &mut frame) {
                    Ok(()) => {
                        if let Err(frame) = batch.push(frame) {
                            pool.put(frame);
                        }
                    }
                    Err(NoRoom) => {
                        stats.too_long += 1;
                        pool.put(frame);
                    }
                },
            }
            self.give_back(count);
        }
        self.receive.publish();
        self.fill.publish();
        if self.fill.needs_wakeup() {
            self.wake_receiver();
        }
        batch.len() - before
    }

    #[inline]
    fn transmit(&mut self, batch: &mut Batch, pool: &mut Pool, stats: &mut PortStats) -> usize {
        self.reclaim();
        let mut taken = 0;
        for frame in batch.frames() {
            let bytes = frame.bytes();
            let count = bytes.len().div_ceil(self.hub.umem.chunk());
            let most = if self.hub.several { SEGMENTS } else { 1 };
            if bytes.len() < SHORTEST || count > most {
                stats.send_failed += 1;
            } else if self.free.len() >= count && self.transmit.room() as usize >= count {
                self.copy_out(bytes);
                stats.sent += 1;
            } else {
                break;
            }
            taken += 1;
        }
        for frame in batch.drain_front(taken) {
            pool.put(frame);
        }
        self.unkicked += self.transmit.publish();
        if self.unkicked >= KICK || taken == 0 {
            self.kick();
        }
        taken
    }

    fn flush(&mut self) {
        if self.transmit.pending() > 0 {
            self.kick();
        }
        self.reclaim();
    }

    fn look(&mut self, device: &Device, stats: &mut PortStats) -> bool {
        let counted: Result<libc::xdp_statistics, _> =
            sys::get_option(&self.socket, libc::SOL_XDP, libc::XDP_STATISTICS);
        if let Ok(counted) = counted {
            let lost = counted.rx_dropped + counted.rx_ring_full;
            stats.missed += lost.saturating_sub(self.lost);
            stats.send_failed += counted.tx_invalid_descs.saturating_sub(self.refused);
            (self.lost, self.refused) = (lost, counted.tx_invalid_descs);
        }
        // Memory and program are made for one MTU.
        device.mtu().is_none_or(|mtu| mtu == self.hub.mtu)
    }

    fn wait_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl XdpQueue {
    /// How many descriptors the next received frame takes; `None` when there is
    /// none, or not all of it yet.
    #[inline]
    fn whole_frame(&mut self) -> Option<u32> {
        let mut count = 0;
        while self.receive.peek(count)?.options & libc::XDP_PKT_CONTD != 0 {
            count += 1;
        }
        Some(count + 1)
    }

    #[inline]
    fn copy_in(&mut self, count: u32, frame: &mut Frame) -> Result<(), NoRoom> {
        for ahead in 0..count {
            let part = self.receive.peek(ahead).ok_or(NoRoom)?;
            // SAFETY: a received chunk is ours until it goes back to the fill ring.
            frame.extend(unsafe { self.hub.umem.bytes(part.addr, part.len) })?;
        }
        Ok(())
    }

    /// Steps over a received frame; its chunks go back to be filled again. The
    /// fill ring is as large as there are chunks for it, so there is room.
    #[inline]
    fn give_back(&mut self, count: u32) {
        for ahead in 0..count {
            if let Some(part) = self.receive.peek(ahead) {
                self.fill.push(self.hub.umem.chunk_of(part.addr));
            }
        }
        self.receive.advance(count);
    }

    /// Copies a frame to free chunks, of which there are enough, and queues them.
    #[inline]
    fn copy_out(&mut self, bytes: &[u8]) {
        let mut parts = bytes.chunks(self.hub.umem.chunk()).peekable();
        while let Some(part) = parts.next() {
            let Some(addr) = self.free.pop() else { break };
            // SAFETY: a free chunk is ours until it is published in the transmit ring.
            unsafe { self.hub.umem.write(addr, part) };
            let options = if parts.peek().is_some() { libc::XDP_PKT_CONTD } else { 0 };
            self.transmit.push(libc::xdp_desc { addr, len: part.len() as u32, options });
        }
    }

    /// Takes back the chunks of what was sent.
    #[inline]
    fn reclaim(&mut self) {
        while let Some(address) = self.completion.peek(0) {
            self.free.push(self.hub.umem.chunk_of(address));
            self.completion.advance(1);
        }
        self.completion.publish();
    }

    /// Calls the kernel to send, as often as it takes: it sends 32 a call when it copies.
    fn kick(&mut self) {
        self.unkicked = 0;
        let mut left = self.transmit.pending();
        while left > 0 && self.transmit.needs_wakeup() {
            let fd = self.socket.as_raw_fd();
            // SAFETY: no data and no address are passed.
            unsafe { libc::sendto(fd, ptr::null(), 0, libc::MSG_DONTWAIT, ptr::null(), 0) };
            let now = self.transmit.pending();
            if now >= left {
                break;
            }
            left = now;
        }
    }

    /// Calls the kernel to look at the fill ring again.
    fn wake_receiver(&self) {
        let fd = self.socket.as_raw_fd();
        // SAFETY: no buffer and no address are passed.
        unsafe {
            libc::recvfrom(fd, ptr::null_mut(), 0, libc::MSG_DONTWAIT, ptr::null_mut(), ptr::null_mut())
        };
    }
}
