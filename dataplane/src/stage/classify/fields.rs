//! A parsed IP packet → what match rules look at.

use std::net::IpAddr;

use crate::id::IfIndex;
use crate::packet::{Flags, Layer3, Meta};
use crate::table::rules::{Fields, Fragment};

/// Of an IP packet that came, or leaves, by `interface`; `l3` starts with its header.
/// `None` for what is no IP packet.
#[inline]
pub(super) fn fields(l3: &[u8], meta: &Meta, interface: IfIndex) -> Option<Fields> {
    let (source, destination) = addresses(l3, meta.layer3)?;
    let fragment = match meta.flags {
        flags if flags.has(Flags::LATER_FRAGMENT) => Fragment::Later,
        flags if flags.has(Flags::FIRST_FRAGMENT) => Fragment::First,
        _ => Fragment::Whole,
    };
    Some(Fields {
        interface,
        source,
        destination,
        ports: meta.flags.has(Flags::PORTS).then_some((meta.l4_source, meta.l4_destination)),
        protocol: meta.protocol,
        dscp: meta.dscp,
        length: meta.l3_length,
        fragment,
    })
}

#[inline]
fn addresses(l3: &[u8], layer3: Layer3) -> Option<(IpAddr, IpAddr)> {
    match layer3 {
        Layer3::Ipv4 => {
            let (source, rest) = l3.get(12..)?.split_first_chunk::<4>()?;
            Some((IpAddr::from(*source), IpAddr::from(*rest.first_chunk::<4>()?)))
        }
        Layer3::Ipv6 => {
            let (source, rest) = l3.get(8..)?.split_first_chunk::<16>()?;
            Some((IpAddr::from(*source), IpAddr::from(*rest.first_chunk::<16>()?)))
        }
        _ => None,
    }
}
