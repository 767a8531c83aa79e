//! The TPACKET_V3 receive ring: blocks of packets, handed over whole.
//!
//! The kernel fills a block, then sets its status to USER; we walk it and set
//! the status back to KERNEL. A block that is not full is handed over after
//! [`RETIRE`]: latency matters more than full blocks.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::packet::{Frame, NoRoom};
use crate::port::sys::{self, Mapping};

/// Milliseconds after which a block that holds a packet is handed over.
const RETIRE: u32 = 1;
/// Bytes of a block; the longest packet with its header must fit.
const BLOCK: usize = 128 << 10;
/// `struct virtio_net_hdr`, which the kernel puts before each packet.
const VNET_HEADER: usize = 10;
const VNET_NEEDS_CHECKSUM: u8 = 1;

/// The ring, mapped.
#[derive(Debug)]
pub(super) struct Ring {
    map: Mapping,
    blocks: usize,
    /// The block being walked, or to be handed over next.
    block: usize,
    /// Packets not yet taken from it; 0 while it is the kernel's.
    left: u32,
    /// Where in the ring the next of them starts.
    at: usize,
}

/// One packet in the ring.
#[derive(Debug)]
pub(super) struct Packet<'a> {
    bytes: &'a [u8],
    /// The whole packet is here, and it is one packet (not a merged train of them).
    whole: bool,
    /// The tag the kernel took out behind the station addresses.
    tag: Option<[u8; 4]>,
    /// A checksum left to do: from where to sum, and where to put it.
    checksum: Option<(usize, usize)>,
}

impl Ring {
    /// A ring of `bytes` on a packet socket that is not bound yet.
    pub(super) fn new(fd: &OwnedFd, bytes: usize) -> io::Result<Self> {
        let blocks = bytes.clamp(1 << 20, 1 << 30) / BLOCK;
        let frame = 2048;
        let request = libc::tpacket_req3 {
            tp_block_size: BLOCK as u32,
            tp_block_nr: blocks as u32,
            tp_frame_size: frame,
            tp_frame_nr: (blocks * BLOCK) as u32 / frame,
            tp_retire_blk_tov: RETIRE,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        sys::set_option(fd, libc::SOL_PACKET, libc::PACKET_RX_RING, &request)?;
        let map = Mapping::of(fd, blocks * BLOCK, 0)?;
        Ok(Self { map, blocks, block: 0, left: 0, at: 0 })
    }

    fn block_header(&self) -> Option<&libc::tpacket_hdr_v1> {
        let offset = self.block * BLOCK + std::mem::offset_of!(libc::tpacket_block_desc, hdr);
        let header = self.map.at(offset, size_of::<libc::tpacket_hdr_v1>())?;
        // SAFETY: inside the mapping and aligned, since blocks are; the kernel writes the
        // status field alone while the block is ours, and that one is read atomically.
        Some(unsafe { header.cast().as_ref() })
    }

    fn status(&self) -> Option<&AtomicU32> {
        let offset = self.block * BLOCK
            + std::mem::offset_of!(libc::tpacket_block_desc, hdr)
            + std::mem::offset_of!(libc::tpacket_hdr_v1, block_status);
        let status = self.map.at(offset, size_of::<u32>())?;
        // SAFETY: inside the mapping and aligned; both sides use it atomically only.
        Some(unsafe { AtomicU32::from_ptr(status.as_ptr().cast()) })
    }

    /// Gives the block being walked back and turns to the next.
    fn release(&mut self) {
        if let Some(status) = self.status() {
            // Release: our reads of the block end before the kernel writes to it.
            status.store(libc::TP_STATUS_KERNEL, Ordering::Release);
        }
        self.left = 0;
        self.block = (self.block + 1) % self.blocks;
    }

    /// Takes the next block, when it has been handed over.
    #[inline]
    fn acquire(&mut self) -> bool {
        // Acquire: the kernel's writes to the block are seen once its status is.
        let ours = self.status().is_some_and(|s| s.load(Ordering::Acquire) & libc::TP_STATUS_USER != 0);
        let Some(header) = self.block_header().filter(|_| ours) else { return false };
        let (left, first) = (header.num_pkts, header.offset_to_first_pkt);
        self.left = left;
        self.at = self.block * BLOCK + first as usize;
        if left == 0 {
            self.release();
        }
        left > 0
    }

    fn header(&self) -> Option<libc::tpacket3_hdr> {
        let header = self.map.at(self.at, size_of::<libc::tpacket3_hdr>())?;
        // SAFETY: inside the mapping; the block is ours, so the kernel does not write to it.
        Some(unsafe { header.cast::<libc::tpacket3_hdr>().read_unaligned() })
    }

    /// The next packet, where it lies.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<Packet<'_>> {
        if self.left == 0 && !self.acquire() {
            return None;
        }
        let header = self.header()?;
        let start = (self.at + usize::from(header.tp_mac)).checked_sub(VNET_HEADER)?;
        let len = VNET_HEADER + header.tp_snaplen as usize;
        let bytes = self.map.at(start, len)?;
        // SAFETY: inside the mapping; the block is ours until `release`, which borrows mutably.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.as_ptr(), len) };
        let (vnet, bytes) = bytes.split_at_checked(VNET_HEADER)?;
        Some(Packet::new(&header, vnet, bytes))
    }

    /// Steps over the packet that [`Ring::peek`] showed.
    #[inline]
    pub(super) fn advance(&mut self) {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            self.release();
        } else if let Some(header) = self.header() {
            self.at += header.tp_next_offset as usize;
        }
    }
}

impl<'a> Packet<'a> {
    fn new(header: &libc::tpacket3_hdr, vnet: &[u8], bytes: &'a [u8]) -> Self {
        let field = |at: usize| vnet.get(at..at + 2).and_then(|b| b.try_into().ok()).map(u16::from_ne_bytes);
        let byte = |at: usize| vnet.get(at).copied().unwrap_or(0);
        let has = |bit| header.tp_status & bit != 0;
        let tpid = if has(libc::TP_STATUS_VLAN_TPID_VALID) { header.hv1.tp_vlan_tpid } else { 0x8100 };
        let tag = || (u32::from(tpid) << 16 | header.hv1.tp_vlan_tci & 0xffff).to_be_bytes();
        let checksum = || Some((usize::from(field(6)?), usize::from(field(8)?)));
        Self {
            bytes,
            whole: header.tp_snaplen == header.tp_len && byte(1) == 0,
            tag: has(libc::TP_STATUS_VLAN_VALID).then(tag),
            checksum: if byte(0) & VNET_NEEDS_CHECKSUM != 0 { checksum() } else { None },
        }
    }

    /// Copies it as it was on the line: checksum done, tag in its place.
    #[inline]
    pub(super) fn copy_to(&self, frame: &mut Frame) -> Result<(), NoRoom> {
        if !self.whole {
            return Err(NoRoom);
        }
        match self.tag {
            None => frame.fill(self.bytes)?,
            Some(tag) => {
                let (stations, rest) = self.bytes.split_at_checked(12).ok_or(NoRoom)?;
                frame.fill(stations)?;
                frame.extend(&tag)?;
                frame.extend(rest)?;
            }
        }
        if let Some((start, offset)) = self.checksum {
            let shift = if self.tag.is_some() { 4 } else { 0 };
            complete_checksum(frame.bytes_mut(), start + shift, offset);
        }
        Ok(())
    }
}

/// Sums from `start` on (RFC 1071), over the pseudo-header sum the sender left
/// in the field, and writes the complement there.
fn complete_checksum(bytes: &mut [u8], start: usize, offset: usize) {
    let Some(covered) = bytes.get_mut(start..) else { return };
    let mut sum: u64 = 0;
    for pair in covered.chunks(2) {
        let high = pair.first().copied().unwrap_or(0);
        let low = pair.get(1).copied().unwrap_or(0);
        sum += u64::from(u16::from_be_bytes([high, low]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    // All ones where zero would mean "no checksum" (RFC 768); both are the same number.
    let checksum = match !(sum as u16) {
        0 => 0xffff,
        checksum => checksum,
    };
    if let Some(field) = covered.get_mut(offset..offset + 2) {
        field.copy_from_slice(&checksum.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::complete_checksum;

    /// UDP 10.0.0.1:1 → 10.0.0.2:2, "hi": the field starts as the pseudo-header's sum.
    #[test]
    fn a_checksum_left_undone_is_completed() {
        let pseudo: u16 = 0x0a00 + 0x0001 + 0x0a00 + 0x0002 + 17 + 10;
        let mut bytes = vec![0xee; 3];
        bytes.extend([0, 1, 0, 2, 0, 10]);
        bytes.extend(pseudo.to_be_bytes());
        bytes.extend(*b"hi");
        complete_checksum(&mut bytes, 3, 6);
        let mut sum = u32::from(pseudo);
        for pair in bytes[3..].chunks(2) {
            sum += u32::from(u16::from_be_bytes([pair[0], pair[1]]));
        }
        assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
        assert_eq!(bytes[..3], [0xee; 3]);
    }
}
