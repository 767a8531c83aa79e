//! The way most frames leave: one hop less, labels as they are to be, and the ready-made
//! layer-2 header before them, in a few wide stores. Everything else is left to the rest of
//! this stage, untouched.

use crate::class::CLASSES;
use crate::id::AdjacencyId;
use crate::packet::{Flags, Frame, Layer3, Meta, StackEdit};
use crate::table::{Adjacency, Snapshot};
use crate::wire::checksum;
use crate::wire::ethernet::ether_type;
use crate::wire::mpls::LabelStackEntry;

/// Flags of IP packets that more is to be done to.
const UNUSUAL: u32 =
    Flags::ORIGINATED.0 | Flags::KEEP_TTL.0 | Flags::REMARK.0 | Flags::CONGESTED.0 | Flags::OPTIONS.0;

/// A header with no tag, or one: with its EtherType two bytes more.
const PLAIN: usize = 12;
/// One with no tag, its EtherType with it.
pub(super) const HEADER: usize = PLAIN + 2;
const TAGGED: usize = 16;

/// The way to a neighbour, as frames in a row need it.
pub(super) struct Link<'a> {
    pub(super) adjacency: &'a Adjacency,
    front: u64,
    back: u64,
    /// Bytes of the header with its EtherType; 0 where it is not one of the common ones.
    header: usize,
    priorities: [u8; CLASSES],
}

impl<'a> Link<'a> {
    /// That of an adjacency, if there is one.
    pub(super) fn to(id: AdjacencyId, snapshot: &'a Snapshot) -> Option<Self> {
        let adjacency = snapshot.adjacency(id)?;
        let mut bytes = [0; TAGGED];
        let known = adjacency.header().filter(|header| matches!(header.len(), PLAIN | TAGGED));
        let header = known.map_or(0, |header| header.len() + 2);
        for (to, from) in bytes.iter_mut().zip(known.unwrap_or_default()) {
            *to = *from;
        }
        let both = u128::from_be_bytes(bytes);
        let priorities = match header {
            0..=14 => [0; CLASSES],
            _ => snapshot.interface(adjacency.interface).map_or([0; CLASSES], |i| i.marks.pcp_out),
        };
        Some(Self { adjacency, front: (both >> 64) as u64, back: both as u64, header, priorities })
    }

    /// Rewrites a frame that nothing unusual is to be done to; whether it is one.
    #[inline(always)]
    pub(super) fn rewrite(&self, frame: &mut Frame, edit: &StackEdit) -> bool {
        let meta = frame.meta();
        if meta.flags.has(Flags::STACK_EDIT) {
            return self.labelled(frame, edit).is_some();
        }
        let plain = meta.flags.0 & UNUSUAL == 0;
        match meta.layer3 {
            layer3 @ (Layer3::Ipv4 | Layer3::Ipv6) if plain => self.datagram(frame, layer3).is_some(),
            _ => false,
        }
    }

    /// One of this kind that leaves without labels.
    #[inline(always)]
    pub(super) fn datagram(&self, frame: &mut Frame, layer3: Layer3) -> Option<()> {
        let kind = if layer3 == Layer3::Ipv6 { ether_type::IPV6 } else { ether_type::IPV4 };
        match self.header {
            HEADER => self.pushed::<HEADER, 0>(frame, (kind, layer3), &[]),
            0 => None,
            _ => self.pushed::<0, 0>(frame, (kind, layer3), &[]),
        }
    }

    /// An IP packet that leaves with these entries, innermost first, or with none; where it is
    /// not 0, `H` bytes are the header's.
    #[inline(always)]
    pub(super) fn pushed<const H: usize, const N: usize>(
        &self,
        frame: &mut Frame,
        (kind, layer3): (u16, Layer3),
        words: &[u32; N],
    ) -> Option<()> {
        let header = if H == 0 { self.header } else { H };
        let front = header + N * LabelStackEntry::LEN;
        // No IP packet is shorter: there is room for all that is written.
        if frame.meta().l3_length < 20 {
            return None;
        }
        let (bytes, meta) = frame.reframe(0, front)?;
        let (bytes, _) = bytes.split_at_mut_checked(front + 20)?;
        self.put::<H>(bytes, kind, meta)?;
        for (at, word) in words.iter().rev().enumerate() {
            let entry = bytes.get_mut(header + at * LabelStackEntry::LEN..)?;
            *entry.first_chunk_mut()? = word.to_be_bytes();
        }
        hop(bytes.get_mut(front..)?, layer3, meta.ttl)?;
        meta.l3_offset = front as u16;
        Some(())
    }

    /// One that leaves with the entries of `edit`.
    #[inline(never)]
    pub(super) fn labelled(&self, frame: &mut Frame, edit: &StackEdit) -> Option<()> {
        let header = self.header;
        let (off, on) = (usize::from(edit.off) * LabelStackEntry::LEN, edit.len() * LabelStackEntry::LEN);
        let meta = frame.meta();
        let ip = meta.layer3 != Layer3::Mpls;
        if header == 0 || ip && meta.flags.0 & UNUSUAL != 0 || usize::from(meta.l3_length) < off.max(20) {
            return None;
        }
        let (bytes, meta) = frame.reframe(off, header + on)?;
        self.put::<0>(bytes, ether_type::MPLS, meta)?;
        let (stack, below) = bytes.get_mut(header..)?.split_at_mut_checked(on)?;
        let (entries, _) = stack.as_chunks_mut::<4>();
        for (entry, word) in entries.iter_mut().zip(edit.words().iter().rev()) {
            *entry = word.to_be_bytes();
        }
        if ip {
            hop(below, meta.layer3, meta.ttl)?;
            meta.l3_offset = (header + on) as u16;
        } else {
            meta.l3_offset = header as u16;
            meta.l3_length = meta.l3_length - off as u16 + on as u16;
        }
        Some(())
    }

    /// One of this kind that leaves with `N` labels put on.
    #[inline(always)]
    pub(super) fn labels<const N: usize>(
        &self,
        frame: &mut Frame,
        layer3: Layer3,
        edit: &StackEdit,
    ) -> Option<()> {
        if self.header != HEADER {
            return self.labelled(frame, edit);
        }
        self.pushed::<HEADER, N>(frame, (ether_type::MPLS, layer3), edit.words().try_into().ok()?)
    }

    /// A labelled one that leaves with another top entry.
    #[inline(always)]
    pub(super) fn swapped(&self, frame: &mut Frame, edit: &StackEdit) -> Option<()> {
        let header = self.header;
        let [word] = edit.words() else { return None };
        if header != HEADER || usize::from(frame.meta().l3_length) < LabelStackEntry::LEN {
            return self.labelled(frame, edit);
        }
        let (bytes, meta) = frame.reframe(0, HEADER)?;
        let bytes = bytes.first_chunk_mut::<{ HEADER + 4 }>()?;
        self.put::<HEADER>(bytes, ether_type::MPLS, meta)?;
        *bytes.get_mut(HEADER..)?.first_chunk_mut()? = word.to_be_bytes();
        meta.l3_offset = header as u16;
        Some(())
    }

    /// Writes the header to the front.
    #[inline(always)]
    fn put<const H: usize>(&self, bytes: &mut [u8], kind: u16, meta: &Meta) -> Option<()> {
        let front = bytes.first_chunk_mut::<18>()?;
        *front.first_chunk_mut()? = self.front.to_be_bytes();
        if H == HEADER || self.header == HEADER {
            let back = self.back >> 16 & !0xffff | u64::from(kind);
            // From the fifth byte of the header on: the last of the addresses, and the EtherType.
            *front.get_mut(6..)?.first_chunk_mut()? = (back | self.front << 48).to_be_bytes();
        } else {
            let priority = u64::from(self.priorities[meta.class.index()]) << 13;
            *front.get_mut(8..)?.first_chunk_mut()? = (self.back | priority).to_be_bytes();
            *front.get_mut(TAGGED..)?.first_chunk_mut()? = kind.to_be_bytes();
        }
        Some(())
    }
}

/// Writes the TTL, one less than `ttl`, which is what meta says: the lesser of the packet's own and that of a
/// label that is off (RFC 1812 section 5.3.1, RFC 8200 section 3).
#[inline(always)]
fn hop(l3: &mut [u8], layer3: Layer3, ttl: u8) -> Option<()> {
    let ttl = ttl.saturating_sub(1);
    if layer3 == Layer3::Ipv6 {
        *l3.get_mut(7)? = ttl;
        return Some(());
    }
    let place: &mut [u8; 4] = l3.get_mut(8..)?.first_chunk_mut()?;
    // TTL, protocol and checksum, the first octet lowest. What the TTL loses the checksum gains,
    // with a carry that comes back in (RFC 1624 equation 3).
    let word = u32::from_le_bytes(*place);
    let new = word & 0xff00 | u32::from(ttl);
    let sum = match (word as u8).checked_sub(ttl) {
        Some(less) => {
            let sum = (word >> 16) + u32::from(less);
            sum + u32::from(sum >= 0xffff)
        }
        None => checksum::update((word >> 16) as u16, word as u16, new as u16).into(),
    };
    *place = (sum << 16 | new).to_le_bytes();
    Some(())
}
