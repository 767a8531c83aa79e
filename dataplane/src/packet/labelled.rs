//! The hash of a frame's flow. Of a labelled frame: an entropy label's if there is one (RFC
//! 6790 section 4.3), else the IP packet's below, else the labels'.

use super::flow::{hash_v4, hash_v6, hash_words};
use super::{Flags, Frame, Layer3, Meta};
use crate::wire::ipv4::Ipv4Header;
use crate::wire::ipv6::{Ipv6Header, walk};
use crate::wire::l4::has_ports;
use crate::wire::mpls::{LabelStackEntry, label};

/// Entries looked at.
const DEPTH: usize = 16;

impl Frame {
    /// The hash of its flow, found once: when it is first wanted.
    #[inline]
    pub fn flow(&mut self) -> u32 {
        match self.meta().flow_hash {
            0 => self.hash(),
            hash => hash,
        }
    }

    #[inline(never)]
    fn hash(&mut self) -> u32 {
        let (l3, meta) = (self.l3(), self.meta());
        let hash = match meta.layer3 {
            Layer3::Mpls => labelled(l3),
            Layer3::Ipv4 | Layer3::Ipv6 => parsed(l3, meta).unwrap_or(0),
            _ => 0,
        };
        self.meta_mut().flow_hash = hash;
        hash
    }
}

/// Of an IP packet that was parsed: as `datagram` hashes it, options and fragments known.
fn parsed(l3: &[u8], meta: &Meta) -> Option<u32> {
    let fragment = meta.flags.0 & (Flags::FIRST_FRAGMENT.0 | Flags::LATER_FRAGMENT.0) != 0;
    let ports = u32::from(meta.l4_source) << 16 | u32::from(meta.l4_destination);
    let ports = if meta.flags.has(Flags::PORTS) && !fragment { ports } else { 0 };
    Some(match meta.layer3 {
        Layer3::Ipv4 => {
            let (source, rest) = l3.get(12..)?.split_first_chunk()?;
            hash_v4(*source, *rest.first_chunk()?, meta.protocol, ports)
        }
        _ => {
            let (source, rest) = l3.get(8..)?.split_first_chunk()?;
            hash_v6(*source, *rest.first_chunk()?, meta.protocol, ports)
        }
    })
}

/// Of a label stack and what it stands before.
fn labelled(stack: &[u8]) -> u32 {
    let (mut labels, mut used, mut rest) = ([0; DEPTH], 0, stack);
    for _ in 0..DEPTH {
        let Ok((entry, behind)) = LabelStackEntry::parse(rest) else { break };
        if entry.label() == label::ENTROPY_INDICATOR && !entry.bottom() {
            let Ok((entropy, _)) = LabelStackEntry::parse(behind) else { break };
            return hash_words(std::iter::once(entropy.label()));
        }
        // Special labels say nothing of the flow (RFC 6790 section 4.3).
        if entry.label() >= label::FIRST
            && let Some(place) = labels.get_mut(used)
        {
            *place = entry.label();
            used += 1;
        }
        rest = behind;
        if entry.bottom() {
            if let Some(hash) = datagram(rest) {
                return hash;
            }
            break;
        }
    }
    hash_words(labels.into_iter().take(used))
}

/// As parse hashes an IP packet; `None` for what is none.
fn datagram(bytes: &[u8]) -> Option<u32> {
    match bytes.first()? >> 4 {
        4 => {
            let (header, _) = Ipv4Header::parse(bytes).ok()?;
            let whole = header.fragment_offset() == 0 && !header.more_fragments();
            let ports = ports(header.protocol, bytes.get(header.header_length()..), whole);
            Some(hash_v4(header.source, header.destination, header.protocol, ports))
        }
        6 => {
            let (header, payload) = Ipv6Header::parse(bytes).ok()?;
            let chain = walk(header.next_header, payload).ok()?;
            let whole = chain.fragment.is_none_or(|f| f.offset == 0 && !f.more);
            let ports = ports(chain.protocol, payload.get(chain.offset..), whole);
            Some(hash_v6(header.source, header.destination, chain.protocol, ports))
        }
        _ => None,
    }
}

fn ports(protocol: u8, upper: Option<&[u8]>, whole: bool) -> u32 {
    let upper = upper.filter(|_| whole && has_ports(protocol));
    upper.and_then(|upper| upper.first_chunk()).map_or(0, |ports| u32::from_be_bytes(*ports))
}
