//! The packet memory that a port's queues and the kernel share, in equal chunks.
//!
//! Each queue has its own chunks, so that no two workers share one: the first
//! part goes round through fill and receive, the rest through transmit and
//! completion. A chunk has one owner at a time, the kernel or its queue.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::OwnedFd;

use crate::port::sys::{self, Mapping};

/// Bytes the kernel keeps free before a received frame (`XDP_PACKET_HEADROOM`).
const KERNEL_HEADROOM: usize = 256;
/// Bytes of layer-2 header a frame of the MTU may have: stations, EtherType, two tags.
const LAYER2: usize = 22;

/// The memory.
#[derive(Debug)]
pub(super) struct Umem {
    map: Mapping,
    chunk: usize,
    per_queue: u32,
}

// SAFETY: a chunk is read and written only by its owner, and chunks do not overlap.
unsafe impl Sync for Umem {}

impl Umem {
    /// Memory for `queues` queues of `per_queue` chunks each, for frames of `mtu`.
    pub(super) fn new(queues: u32, per_queue: u32, mtu: usize) -> io::Result<Self> {
        let chunk = if mtu + LAYER2 + KERNEL_HEADROOM <= 2048 { 2048 } else { 4096 };
        let map = Mapping::fresh(queues as usize * per_queue as usize * chunk)?;
        Ok(Self { map, chunk, per_queue })
    }

    /// Tells the kernel of it, on the socket that binds first.
    pub(super) fn register(&self, socket: &OwnedFd) -> io::Result<()> {
        let start = self.map.at(0, 0).map_or(0, |start| start.as_ptr() as u64);
        let memory = libc::xdp_umem_reg {
            addr: start,
            len: self.map.len() as u64,
            chunk_size: self.chunk as u32,
            headroom: 0,
            flags: 0,
            tx_metadata_len: 0,
        };
        sys::set_option(socket, libc::SOL_XDP, libc::XDP_UMEM_REG, &memory)
    }

    /// The addresses of the chunks of `queue`.
    pub(super) fn chunks(&self, queue: u32) -> impl Iterator<Item = u64> + use<> {
        let (chunk, first) = (self.chunk as u64, u64::from(queue) * u64::from(self.per_queue));
        (first..first + u64::from(self.per_queue)).map(move |n| n * chunk)
    }

    /// Bytes of a chunk.
    #[inline]
    pub(super) fn chunk(&self) -> usize {
        self.chunk
    }

    /// The chunk that `address` lies in.
    #[inline]
    pub(super) fn chunk_of(&self, address: u64) -> u64 {
        address & !(self.chunk as u64 - 1)
    }

    /// What a descriptor names; nothing when it is not inside.
    ///
    /// # Safety
    /// The chunk must be the caller's while the bytes are looked at.
    #[inline]
    pub(super) unsafe fn bytes(&self, address: u64, len: u32) -> &[u8] {
        match self.map.at(address as usize, len as usize) {
            // SAFETY: inside the mapping; the caller owns the chunk, so nobody writes to it.
            Some(start) => unsafe { std::slice::from_raw_parts(start.as_ptr(), len as usize) },
            None => &[],
        }
    }

    /// Copies `bytes` to the start of a chunk; they must not be longer than one.
    ///
    /// # Safety
    /// The chunk must be the caller's.
    #[inline]
    pub(super) unsafe fn write(&self, address: u64, bytes: &[u8]) {
        if let Some(start) = self.map.at(address as usize, bytes.len().min(self.chunk)) {
            let len = bytes.len().min(self.chunk);
            // SAFETY: inside the mapping; the caller owns the chunk, and it does not overlap `bytes`.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), start.as_ptr(), len) };
        }
    }
}
