//! The hash of a labelled frame's flow: an entropy label's if there is one (RFC 6790
//! section 4.3), else the IP packet's below, else the labels'.

use super::flow::{hash_v4, hash_v6, hash_words};
use super::{Frame, Layer3};
use crate::wire::ipv4::Ipv4Header;
use crate::wire::ipv6::{Ipv6Header, walk};
use crate::wire::l4::has_ports;
use crate::wire::mpls::{LabelStackEntry, label};

/// Entries looked at.
const DEPTH: usize = 16;

impl Frame {
    /// The hash of its flow, found once; parse has it for IP.
    #[inline]
    pub fn flow(&mut self) -> u32 {
        let meta = self.meta();
        if meta.layer3 == Layer3::Mpls && meta.flow_hash == 0 {
            let hash = labelled(self.l3());
            self.meta_mut().flow_hash = hash;
            return hash;
        }
        meta.flow_hash
    }
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
        if entry.label() >= label::FIRST {
            labels[used] = entry.label();
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
