//! A packet → what match rules look at.

use std::net::IpAddr;

use crate::id::{IfIndex, VrfId};
use crate::packet::{Flags, Layer3, Meta};
use crate::table::rules::{Fields, Fragment, Labelled};
use crate::wire::ipv4::Ipv4Header;
use crate::wire::ipv6::{Ipv6Header, walk};
use crate::wire::l4::{Ports, has_ports};
use crate::wire::mpls::LabelStackEntry;

/// Entries of a label stack looked at for its bottom.
const DEPTH: usize = 16;

/// Where a packet comes from, or goes to, and its labels.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) interface: IfIndex,
    pub(super) vrf: VrfId,
    pub(super) labelled: Labelled,
}

/// Of a parsed IP packet; `l3` starts with its header. `None` for what is no IP packet.
#[inline]
pub(super) fn fields(l3: &[u8], meta: &Meta, place: Place) -> Option<Fields> {
    let (source, destination) = addresses(l3, meta.layer3)?;
    let fragment = match meta.flags {
        flags if flags.has(Flags::LATER_FRAGMENT) => Fragment::Later,
        flags if flags.has(Flags::FIRST_FRAGMENT) => Fragment::First,
        _ => Fragment::Whole,
    };
    Some(Fields {
        interface: place.interface,
        vrf: place.vrf,
        labelled: place.labelled,
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

/// Traffic class of the top label as received, 0 to 7: labels that are off stand before
/// `l3_offset`, unchanged.
#[inline]
pub(super) fn received_tc(bytes: &[u8], meta: &Meta) -> u8 {
    let off = usize::from(meta.popped) * LabelStackEntry::LEN;
    let stack = usize::from(meta.l3_offset).checked_sub(off).and_then(|top| bytes.get(top..));
    stack.and_then(|stack| LabelStackEntry::parse(stack).ok()).map_or(meta.tc, |(top, _)| top.tc())
}

/// Of the IP packet below the label stack that `stack` starts with; `None` where there is
/// none, by the first four bits behind the bottom (as RFC 4928 section 3 has it for flows).
pub(super) fn below(stack: &[u8], place: Place) -> Option<Fields> {
    let mut rest = stack;
    for _ in 0..DEPTH {
        let (entry, behind) = LabelStackEntry::parse(rest).ok()?;
        rest = behind;
        if entry.bottom() {
            return match rest.first()? >> 4 {
                4 => below_v4(rest, place),
                6 => below_v6(rest, place),
                _ => None,
            };
        }
    }
    None
}

fn below_v4(bytes: &[u8], place: Place) -> Option<Fields> {
    let (header, _) = Ipv4Header::parse(bytes).ok()?;
    // What stands behind the packet is not its own.
    let bytes = bytes.get(..usize::from(header.total_length.get()))?;
    let behind =
        bytes.get(header.header_length()..).filter(|_| header.header_length() >= size_of::<Ipv4Header>())?;
    let fragment = part(header.fragment_offset(), header.more_fragments());
    let upper = Some(behind).filter(|_| fragment != Fragment::Later);
    Some(Fields {
        interface: place.interface,
        vrf: place.vrf,
        labelled: place.labelled,
        source: header.source().into(),
        destination: header.destination().into(),
        ports: upper.and_then(|upper| ports(header.protocol, upper)),
        protocol: header.protocol,
        dscp: header.dscp(),
        length: header.total_length.get(),
        fragment,
    })
}

fn below_v6(bytes: &[u8], place: Place) -> Option<Fields> {
    let (header, payload) = Ipv6Header::parse(bytes).ok()?;
    let payload = payload.get(..usize::from(header.payload_length.get()))?;
    let chain = walk(header.next_header, payload).ok()?;
    let fragment = chain.fragment.map_or(Fragment::Whole, |f| part(f.offset, f.more));
    let upper = payload.get(chain.offset..).filter(|_| fragment != Fragment::Later);
    Some(Fields {
        interface: place.interface,
        vrf: place.vrf,
        labelled: place.labelled,
        source: header.source().into(),
        destination: header.destination().into(),
        ports: upper.and_then(|upper| ports(chain.protocol, upper)),
        protocol: chain.protocol,
        dscp: header.dscp(),
        length: header.payload_length.get().saturating_add(Ipv6Header::LEN as u16),
        fragment,
    })
}

const fn part(offset: usize, more: bool) -> Fragment {
    match (offset, more) {
        (0, false) => Fragment::Whole,
        (0, true) => Fragment::First,
        _ => Fragment::Later,
    }
}

fn ports(protocol: u8, upper: &[u8]) -> Option<(u16, u16)> {
    let ports = Ports::parse(upper).ok().filter(|_| has_ports(protocol));
    ports.map(|(ports, _)| (ports.source.get(), ports.destination.get()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::packet::Verdict;
    use crate::stage::testing::*;
    use crate::wire::ethernet::ether_type;

    const PLACE: Place = Place { interface: IfIndex(3), vrf: VrfId(2), labelled: Labelled::Through(5) };

    /// An IPv4 packet: protocol, mark, words of options, flags and offset in units of 8 bytes.
    fn v4(protocol: u8, class: u8, options: usize, fragment: u16, data: &[u8]) -> Vec<u8> {
        let options = vec![1; options * 4];
        let edit = |h: &mut Ipv4Header| {
            h.traffic_class = class;
            h.fragment = fragment.into();
        };
        let header = ipv4_with(("10.1.0.9", "198.51.100.7"), protocol, data.len(), &options, edit);
        stack(&[&header, data])
    }

    /// An IPv6 packet, behind a fragment header where `fragment` is given.
    fn v6(protocol: u8, class: u8, fragment: Option<u16>, data: &[u8]) -> Vec<u8> {
        let extension = fragment.map_or_else(Vec::new, |f| {
            let [high, low] = f.to_be_bytes();
            vec![protocol, 0, high, low, 0, 0, 0, 7]
        });
        let first = if fragment.is_some() { 44 } else { protocol };
        let mut header = ipv6(("2001:db8:1::9", "2001:db8:9::7"), first, extension.len() + data.len());
        (header[0], header[1]) = (0x60 | class >> 4, class << 4);
        stack(&[&header, &extension, data])
    }

    fn packet() -> impl Strategy<Value = (bool, Vec<u8>)> {
        let protocol = || prop::sample::select(vec![1u8, 6, 17, 50, 58, 132]);
        let data = || prop::collection::vec(any::<u8>(), 0..32);
        let flags = prop::sample::select(vec![0u16, 0x4000, 0x2000, 0x2004, 4]);
        let more = prop::option::of(prop::sample::select(vec![0u16, 1, 8, 9, 64]));
        prop_oneof![
            (protocol(), any::<u8>(), 0usize..4, flags, data()).prop_map(
                |(p, class, options, fragment, data)| (false, v4(p, class, options, fragment, &data))
            ),
            (protocol(), any::<u8>(), more, data())
                .prop_map(|(p, class, fragment, data)| (true, v6(p, class, fragment, &data))),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn below_labels_rules_see_what_they_see_without(
            (six, packet) in packet(),
            trailer in prop::collection::vec(any::<u8>(), 0..40),
            depth in 1usize..6,
        ) {
            let kind = if six { ether_type::IPV6 } else { ether_type::IPV4 };
            let router = label_router();
            let frame = parsed(&router, &stack(&[&eth(kind), &packet, &trailer]));
            let plain = fields(frame.l3(), frame.meta(), PLACE);
            let entries: Vec<_> = (0..depth as u32).map(|n| (100 + n, 1, 64)).collect();
            let labelled = below(&stack(&[&mpls(&entries), &packet, &trailer]), PLACE);
            if frame.meta().verdict == Verdict::Forward {
                prop_assert_eq!(format!("{plain:?}"), format!("{labelled:?}"));
            }
        }

        /// A header that says it is shorter than a header can be, or longer than the packet, has nothing to match.
        #[test]
        fn a_header_that_lies_about_its_length_matches_no_field(words in 0u8..16, data in 0usize..40) {
            let mut packet = v4(17, 0, 0, 0, &vec![0x13; data]);
            packet[0] = 0x40 | words;
            let fits = words >= 5 && usize::from(words) * 4 <= packet.len();
            prop_assert_eq!(below(&stack(&[&mpls(&[(100, 1, 64)]), &packet, &[0x13; 60]]), PLACE).is_some(), fits);
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            let _ = below(&bytes, PLACE);
        }
    }
}
