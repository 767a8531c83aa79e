//! The TPACKET_V2 receive ring: slots of one packet each, handed over one by one.
//!
//! The kernel fills a slot, sets its status to USER and wakes who waits; we copy the packet
//! and set the status back to KERNEL. (The blocks of TPACKET_V3 would be handed over when they
//! are full or a millisecond has passed: a call's packet would wait for that.)
#![allow(unsafe_code)]

use std::io;
use std::mem::offset_of;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::packet::{Frame, NoRoom};
use crate::port::sys::{self, Mapping};

/// Bytes of what the kernel allocates at once; the largest slot.
const BLOCK: usize = 128 << 10;
/// Bytes of the smallest slot.
const SLOT: usize = 2048;
/// Beside an IP packet's bytes: what the kernel says of it, aligned, station addresses and type, two tags.
const BESIDE: usize = 96 + 14 + 8;
/// `struct virtio_net_hdr`, which the kernel puts before each packet.
const VNET_HEADER: usize = 10;
const VNET_NEEDS_CHECKSUM: u8 = 1;

/// The ring, mapped.
#[derive(Debug)]
pub(super) struct Ring {
    map: Mapping,
    slots: usize,
    /// Bytes of each.
    slot: usize,
    /// The one to be handed over next.
    next: usize,
}

/// Bytes of a slot for the packets of a link with this MTU.
fn slot_for(mtu: usize) -> usize {
    (mtu.saturating_add(BESIDE)).clamp(SLOT, BLOCK).next_power_of_two()
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
    /// A ring of `bytes` for packets of this MTU, on a packet socket that is not bound yet.
    pub(super) fn new(fd: &OwnedFd, bytes: usize, mtu: usize) -> io::Result<Self> {
        let (blocks, slot) = (bytes.clamp(1 << 20, 1 << 30) / BLOCK, slot_for(mtu));
        let slots = blocks * BLOCK / slot;
        let request = libc::tpacket_req {
            tp_block_size: BLOCK as u32,
            tp_block_nr: blocks as u32,
            tp_frame_size: slot as u32,
            tp_frame_nr: slots as u32,
        };
        sys::set_option(fd, libc::SOL_PACKET, libc::PACKET_RX_RING, &request)?;
        let map = Mapping::of(fd, blocks * BLOCK, 0)?;
        Ok(Self { map, slots, slot, next: 0 })
    }

    /// Whether its slots are long enough for packets of this MTU.
    pub(super) fn fits(&self, mtu: usize) -> bool {
        slot_for(mtu) <= self.slot
    }

    fn status(&self) -> Option<&AtomicU32> {
        let offset = self.next * self.slot + offset_of!(libc::tpacket2_hdr, tp_status);
        let status = self.map.at(offset, size_of::<u32>())?;
        // SAFETY: inside the mapping and aligned, as slots are; both sides use it atomically only.
        Some(unsafe { AtomicU32::from_ptr(status.as_ptr().cast()) })
    }

    fn header(&self) -> Option<libc::tpacket2_hdr> {
        let header = self.map.at(self.next * self.slot, size_of::<libc::tpacket2_hdr>())?;
        // SAFETY: inside the mapping; the slot is ours, so the kernel does not write to it.
        Some(unsafe { header.cast::<libc::tpacket2_hdr>().read_unaligned() })
    }

    /// The next packet, where it lies.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<Packet<'_>> {
        // Acquire: the kernel's writes to the slot are seen once its status is.
        if self.status()?.load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return None;
        }
        let header = self.header()?;
        let start = (self.next * self.slot + usize::from(header.tp_mac)).checked_sub(VNET_HEADER)?;
        let len = VNET_HEADER + header.tp_snaplen as usize;
        let bytes = self.map.at(start, len)?;
        // SAFETY: inside the mapping; the slot is ours until `advance`, which borrows mutably.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.as_ptr(), len) };
        let (vnet, bytes) = bytes.split_at_checked(VNET_HEADER)?;
        Some(Packet::new(&header, vnet, bytes))
    }

    /// Gives back the slot of the packet that [`Ring::peek`] showed, and turns to the next.
    #[inline]
    pub(super) fn advance(&mut self) {
        if let Some(status) = self.status() {
            // Release: our reads of the slot end before the kernel writes to it.
            status.store(libc::TP_STATUS_KERNEL, Ordering::Release);
        }
        self.next = if self.next + 1 == self.slots { 0 } else { self.next + 1 };
    }
}

impl<'a> Packet<'a> {
    fn new(header: &libc::tpacket2_hdr, vnet: &[u8], bytes: &'a [u8]) -> Self {
        let field = |at: usize| vnet.get(at..at + 2).and_then(|b| b.try_into().ok()).map(u16::from_ne_bytes);
        let byte = |at: usize| vnet.get(at).copied().unwrap_or(0);
        let has = |bit| header.tp_status & bit != 0;
        let tpid = if has(libc::TP_STATUS_VLAN_TPID_VALID) { header.tp_vlan_tpid } else { 0x8100 };
        let tag = || (u32::from(tpid) << 16 | u32::from(header.tp_vlan_tci)).to_be_bytes();
        let checksum = || Some((usize::from(field(6)?), usize::from(field(8)?)));
        Self {
            bytes,
            whole: header.tp_snaplen == header.tp_len && byte(1) == 0,
            tag: has(libc::TP_STATUS_VLAN_VALID).then(tag),
            checksum: if byte(0) & VNET_NEEDS_CHECKSUM != 0 { checksum() } else { None },
        }
    }

    /// Copies it into an empty frame as it was on the line: checksum done, tag in its place.
    #[inline]
    pub(super) fn copy_to(&self, frame: &mut Frame) -> Result<(), NoRoom> {
        if !self.whole {
            return Err(NoRoom);
        }
        match self.tag {
            None => frame.extend(self.bytes)?,
            Some(tag) => {
                let (stations, rest) = self.bytes.split_at_checked(12).ok_or(NoRoom)?;
                frame.extend(stations)?;
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
    use super::{SLOT, complete_checksum, slot_for};

    #[test]
    fn a_slot_holds_a_full_packet_and_its_tags() {
        assert_eq!([68, 1500, SLOT - 118, SLOT - 117].map(slot_for), [SLOT, SLOT, SLOT, 2 * SLOT]);
        assert_eq!([9000, 65_535, usize::MAX].map(slot_for), [16 << 10, 128 << 10, 128 << 10]);
    }

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
