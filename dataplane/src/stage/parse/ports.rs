//! Ports of the upper layer, as parse reads them for the flow's hash.

use crate::packet::{Flags, Meta};
use crate::wire::l4::{Ports, has_ports};

/// The ports of `upper`, into meta; gives them as one word for the hash, 0 where
/// there are none and for a fragment.
#[inline]
pub(super) fn ports(upper: &[u8], meta: &mut Meta) -> u32 {
    let Some(first) = upper.first_chunk::<4>().filter(|_| has_ports(meta.protocol)) else { return 0 };
    let Ok((ports, _)) = Ports::parse(first) else { return 0 };
    meta.l4_source = ports.source.get();
    meta.l4_destination = ports.destination.get();
    meta.flags.set(Flags::PORTS);
    if meta.flags.has(Flags::FIRST_FRAGMENT) { 0 } else { u32::from_be_bytes(*first) }
}
