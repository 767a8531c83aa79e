//! What leaves, byte for byte.

use crate::id::{IfIndex, PortIndex, VrfId};
use crate::packet::{DropReason, Frame, PuntReason, Verdict};
use crate::stage::testing::*;
use crate::table::{Tpid, VlanMatch};
use crate::wire::ethernet::ether_type;
use crate::wire::ipv4::{self, Ipv4Header};

const HOSTS: (&str, &str) = ("10.1.0.9", "198.51.100.7");

#[test]
fn a_datagram_loses_a_hop_and_gets_the_neighbours_header() {
    let sent = rewritten(&router(), &call());
    assert_eq!(sent.meta().verdict, Verdict::Forward);
    let header = ipv4_with(HOSTS, 17, 26, &[], |h| h.ttl = 63);
    let expected = stack(&[&eth_to(HOST1, MAC1, ether_type::IPV4), &header, &udp(5004, 5006, 18)]);
    assert_eq!(sent.bytes(), expected);
    assert_eq!((sent.meta().l3_offset, sent.upper().unwrap().len(), sent.l3().len()), (14, 26, 46));
}

#[test]
fn the_checksum_is_right_for_every_ttl_and_kept_for_the_rest() {
    for ttl in 2..=255 {
        let edit = |h: &mut Ipv4Header| (h.ttl, h.identification) = (ttl, (u16::from(ttl) * 257).into());
        let header = ipv4_with(HOSTS, 17, 8, &[], edit);
        let sent = rewritten(&router(), &stack(&[&eth(ether_type::IPV4), &header, &udp(1, 2, 0)]));
        assert_eq!(Ipv4Header::check(sent.l3()).unwrap().ttl, ttl - 1);
    }
}

#[test]
fn an_ipv6_packet_loses_a_hop() {
    let between = ("2001:db8:1::9", "2001:db8:100::7");
    let sent = rewritten(&router(), &stack(&[&eth(ether_type::IPV6), &ipv6(between, 17, 8), &udp(1, 2, 0)]));
    let mut header = ipv6(between, 17, 8);
    header[7] = 63;
    assert_eq!(sent.bytes(), stack(&[&eth_to(HOST1, MAC1, ether_type::IPV6), &header, &udp(1, 2, 0)]));
}

#[test]
fn padding_is_trimmed() {
    let short = stack(&[&eth(ether_type::IPV4), &ipv4(HOSTS, 9), &udp(1, 2, 1)]);
    let padded = stack(&[&short, &[0xaa; 17]]);
    assert_eq!(rewritten(&router(), &padded).bytes(), rewritten(&router(), &short).bytes());
    assert_eq!(rewritten(&router(), &padded).len(), short.len());
}

#[test]
fn tags_are_those_of_the_interface_it_leaves_by() {
    for (vlan, tags) in [
        (VlanMatch::Single(Tpid::Dot1q, 100), &[0x81, 0, 0, 100][..]),
        (VlanMatch::Double(Tpid::Dot1ad, 300, 400), &[0x88, 0xa8, 1, 44, 0x81, 0, 1, 144]),
    ] {
        let mut snapshot = router();
        let mut tagged = interface(7, vlan, &["10.7.0.1/24"]);
        tagged.port = PortIndex(1);
        add(&mut snapshot, tagged);
        assert!(snapshot.set_neighbour(IfIndex(7), "10.7.0.9".parse().unwrap(), Some(HOST1)));
        let frame = stack(&[&eth(ether_type::IPV4), &ipv4(("10.1.0.9", "10.7.0.9"), 8), &udp(1, 2, 0)]);
        let sent = rewritten(&snapshot, &frame);
        assert_eq!(sent.bytes()[..12], [HOST1, [2, 0, 0, 0, 0, 7]].concat());
        assert_eq!(sent.bytes()[12..12 + tags.len()], *tags);
        assert_eq!(sent.bytes()[12 + tags.len()..][..2], [8, 0]);
        assert_eq!(sent.meta().l3_offset as usize, 14 + tags.len());
        // And back: the tags come off again.
        let mut back = sent.bytes().to_vec();
        back[..12].copy_from_slice(&[[2, 0, 0, 0, 0, 7], HOST1].concat());
        let reply = ipv4(("10.7.0.9", "10.1.0.9"), 8);
        back.truncate(14 + tags.len());
        back.extend([&reply[..], &udp(2, 1, 0)].concat());
        let mut batch = batch(&back);
        crate::stage::parse::run(&mut batch, &snapshot, PortIndex(1));
        let edits = look_up(&mut batch, &snapshot);
        super::run(&mut batch, &snapshot, &edits);
        assert_eq!(batch.frames()[0].bytes()[..14], eth_to(HOST0, MAC0, ether_type::IPV4));
    }
}

#[test]
fn a_jumbo_datagram_passes_whole() {
    let mut snapshot = router();
    change(&mut snapshot, GE1, |i| i.mtu = 9000);
    let payload = 9000 - 20;
    let edit = |h: &mut Ipv4Header| h.fragment = Ipv4Header::DONT_FRAGMENT.into();
    let header = ipv4_with(HOSTS, 17, payload, &[], edit);
    let sent = rewritten(&snapshot, &stack(&[&eth(ether_type::IPV4), &header, &udp(1, 2, payload - 8)]));
    assert_eq!((sent.meta().verdict, sent.len()), (Verdict::Forward, 9014));
}

#[test]
fn what_the_router_made_keeps_its_hops() {
    let header = ipv4_with(("10.2.0.1", "10.2.0.9"), 1, 8, &[], |h| h.ttl = 1);
    let mut frame = Frame::standard();
    frame.fill(&stack(&[&header, &[0; 8]])).unwrap();
    frame.meta_mut().vrf = VrfId(0);
    crate::stage::parse::datagram(&mut frame);
    let mut batch = crate::packet::Batch::new();
    batch.push(frame).unwrap();
    let edits = look_up(&mut batch, &router());
    super::run(&mut batch, &router(), &edits);
    let expected = stack(&[&eth_to(HOST1, MAC1, ether_type::IPV4), &header, &[0; 8]]);
    assert_eq!(batch.frames()[0].bytes(), expected);
}

#[test]
fn frames_that_are_not_live_are_not_touched() {
    let mut bytes = call();
    bytes[0] = 0x06; // another station
    let left = rewritten(&router(), &bytes);
    assert_eq!((left.meta().verdict, left.bytes()), (Verdict::Drop(DropReason::WrongMac), &bytes[..]));
    let unresolved = stack(&[&eth(ether_type::IPV4), &ipv4(("10.1.0.9", "10.2.0.77"), 8), &udp(1, 2, 0)]);
    let left = rewritten(&router(), &unresolved);
    assert_eq!(left.meta().verdict, Verdict::Punt(PuntReason::NeighbourMiss));
    assert_eq!(left.bytes(), unresolved);
}

/// What becomes of these options; `None` when the datagram is dropped for them.
fn options(options: &[u8]) -> Option<Vec<u8>> {
    let header = ipv4_with(HOSTS, 17, 8, options, |_| {});
    let mut frame = batch(&stack(&[&eth(ether_type::IPV4), &header, &udp(1, 2, 0)]));
    frame.set_received(crate::time::Time(5_000_000));
    crate::stage::parse::run(&mut frame, &router(), PortIndex(0));
    let edits = look_up(&mut frame, &router());
    super::run(&mut frame, &router(), &edits);
    let frame = frame.pop().unwrap();
    match frame.meta().verdict {
        Verdict::Forward => {
            Ipv4Header::check(frame.l3()).unwrap();
            Some(ipv4::options(frame.l3()).to_vec())
        }
        Verdict::Drop(DropReason::Ipv4Options) => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn record_route_gets_the_address_of_the_out_interface() {
    let own = [10, 2, 0, 1];
    let empty = [7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let once = [&[7, 11, 8][..], &own, &[0, 0, 0, 0, 1]].concat();
    let full = [&[7, 11, 12][..], &own, &own, &[1]].concat();
    assert_eq!(options(&empty), Some(once.clone()));
    assert_eq!(options(&once), Some(full.clone()));
    assert_eq!(options(&full), Some(full.clone())); // full: passes as it is
    assert_eq!(options(&[7, 5, 4, 0, 0, 1, 1, 1]), None); // room for half an address
    assert_eq!(options(&[148, 4, 0, 0]), Some(vec![148, 4, 0, 0])); // router alert: as it is
}

#[test]
fn timestamps_say_when_and_who() {
    let time = [0x80, 0, 0, 5]; // 5 ms on the router's own clock
    let own = [10, 2, 0, 1];
    assert_eq!(options(&[68, 8, 5, 0, 0, 0, 0, 0]), Some([&[68, 8, 9, 0][..], &time].concat()));
    assert_eq!(
        options(&[68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
        Some([&[68, 12, 13, 1][..], &own, &time].concat())
    );
    let asked = [&[68, 12, 5, 3][..], &own, &[0; 4]].concat();
    assert_eq!(options(&asked), Some([&[68, 12, 13, 3][..], &own, &time].concat()));
    let other = [68, 12, 5, 3, 10, 9, 9, 9, 0, 0, 0, 0];
    assert_eq!(options(&other), Some(other.to_vec())); // another router is asked
    assert_eq!(options(&[68, 8, 9, 0x20, 1, 2, 3, 4]), Some(vec![68, 8, 9, 0x30, 1, 2, 3, 4])); // overflow
    assert_eq!(options(&[68, 8, 9, 0xf0, 1, 2, 3, 4]), None); // overflow of the overflow
    assert_eq!(options(&[68, 8, 5, 1, 0, 0, 0, 0]), None); // no room for both
}

mod wide {
    //! What wide stores write is what the rest of the stage would.

    use proptest::prelude::*;

    use super::super::{Link, rewrite};
    use super::*;
    use crate::class::TrafficClass;
    use crate::packet::{Flags, Layer3, StackEdit};

    fn packet() -> impl Strategy<Value = (Layer3, Vec<u8>)> {
        let v4 =
            (any::<(u8, u16, u8)>(), 0usize..3, 0usize..20).prop_map(|((ttl, id, dscp), options, data)| {
                let edit = |h: &mut Ipv4Header| {
                    (h.ttl, h.identification, h.traffic_class) = (ttl, id.into(), dscp);
                };
                let header = ipv4_with(HOSTS, 17, data + 8, &vec![1; 4 * options], edit);
                (Layer3::Ipv4, stack(&[&header, &udp(1, 2, data)]))
            });
        let v6 = (any::<u8>(), 0usize..20).prop_map(|(hops, data)| {
            let mut header = ipv6(("2001:db8:1::9", "2001:db8:100::7"), 17, data + 8);
            header[7] = hops;
            (Layer3::Ipv6, stack(&[&header, &udp(1, 2, data)]))
        });
        let labelled = prop::collection::vec(any::<u8>(), 4..60).prop_map(|bytes| (Layer3::Mpls, bytes));
        prop_oneof![3 => v4, 2 => v6, 2 => labelled]
    }

    /// A way of leaving: tags of the interface, entries off and on, where labelled.
    fn way() -> impl Strategy<Value = (usize, Option<(u8, Vec<u32>)>)> {
        let edit = (0u8..2, prop::collection::vec(any::<u32>(), 0..5));
        (0usize..3, prop::option::of(edit))
    }

    fn flags() -> impl Strategy<Value = Flags> {
        let unusual = [
            Flags::ORIGINATED,
            Flags::KEEP_TTL,
            Flags::REMARK,
            Flags::CONGESTED,
            Flags::OPTIONS,
            Flags::PORTS,
            Flags::EXPOSED,
        ];
        prop_oneof![
            2 => Just(Flags(0)),
            1 => (0usize..7, 0usize..7).prop_map(move |(a, b)| Flags(unusual[a].0 | unusual[b].0)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn what_leaves_is_the_same(
            (layer3, packet) in packet(),
            (tags, edit) in way(),
            flags in flags(),
            (ttl, dscp, class, before, padding) in (any::<u8>(), 0u8..64, 0usize..8, 0usize..40, 0usize..8),
            room in prop_oneof![9 => Just(crate::packet::HEADROOM), 1 => 0usize..24],
        ) {
            let vlans = [
                VlanMatch::Untagged,
                VlanMatch::Single(Tpid::Dot1ad, 100),
                VlanMatch::Double(Tpid::Dot1ad, 300, 400),
            ];
            let mut snapshot = router();
            let mut out = interface(7, vlans[tags], &["10.7.0.1/24"]);
            out.port = PortIndex(1);
            std::sync::Arc::make_mut(&mut out.marks).pcp_out = [0, 1, 2, 3, 4, 5, 6, 7];
            add(&mut snapshot, out);
            prop_assert!(snapshot.set_neighbour(IfIndex(7), "10.7.0.9".parse().unwrap(), Some(HOST1)));
            let adjacency = snapshot.adjacency_for(IfIndex(7), "10.7.0.9".parse().unwrap());
            let mut stack_edit = StackEdit::new();
            if let Some((off, words)) = &edit {
                stack_edit.off = if layer3 == Layer3::Mpls { *off } else { 0 };
                words.iter().for_each(|word| assert!(stack_edit.push(*word)));
            }
            let frames = [(); 3].map(|()| {
                let mut frame = Frame::standard();
                let bytes = stack(&[&vec![0xee; before], &packet, &vec![0xaa; padding]]);
                frame.fill(&bytes).unwrap();
                // Less room before it than a frame has that was just received.
                frame.push(crate::packet::HEADROOM).unwrap();
                frame.set_len(room + bytes.len()).unwrap();
                frame.bytes_mut()[room..].copy_from_slice(&bytes);
                frame.pull(room).unwrap();
                let meta = frame.meta_mut();
                (meta.layer3, meta.flags, meta.ttl, meta.dscp) = (layer3, flags, ttl, dscp);
                (meta.l3_offset, meta.l3_length) = (before as u16, packet.len() as u16);
                (meta.out_interface, meta.adjacency) = (IfIndex(7), adjacency);
                meta.class = TrafficClass::ALL[class];
                if edit.is_some() {
                    meta.flags.set(Flags::STACK_EDIT);
                }
                frame
            });
            let [mut one, mut other, mut alike] = frames;
            let link = Link::to(adjacency, &snapshot).unwrap();
            let careful = rewrite(&mut other, link.adjacency, &snapshot, Some(&stack_edit));
            let wide = link.rewrite(&mut one, &stack_edit);
            if !wide {
                // Left as it was.
                prop_assert_eq!(one.bytes(), stack(&[&vec![0xee; before], &packet, &vec![0xaa; padding]]));
            } else {
                prop_assert_eq!(careful, Verdict::Forward);
                prop_assert_eq!(one.bytes(), other.bytes());
                prop_assert_eq!(format!("{:?}", one.meta()), format!("{:?}", other.meta()));
            }
            // Those that stages have said to be alike take ways of their own.
            let unusual = flags.0 & !(Flags::PORTS.0 | Flags::EXPOSED.0) != 0;
            let done = match (&edit, stack_edit.len(), layer3) {
                _ if unusual => None,
                (None, _, Layer3::Ipv4 | Layer3::Ipv6) => Some(link.datagram(&mut alike, layer3)),
                (Some(_), 1, Layer3::Mpls) if stack_edit.off == 1 => Some(link.swapped(&mut alike, &stack_edit)),
                (Some(_), 1, Layer3::Ipv4 | Layer3::Ipv6) => Some(link.labels::<1>(&mut alike, layer3, &stack_edit)),
                (Some(_), 2, Layer3::Ipv4 | Layer3::Ipv6) => Some(link.labels::<2>(&mut alike, layer3, &stack_edit)),
                _ => None,
            };
            if done == Some(Some(())) {
                prop_assert_eq!(careful, Verdict::Forward);
                prop_assert_eq!(alike.bytes(), other.bytes());
                prop_assert_eq!(format!("{:?}", alike.meta()), format!("{:?}", other.meta()));
            } else if done == Some(None) {
                prop_assert_eq!(alike.bytes(), stack(&[&vec![0xee; before], &packet, &vec![0xaa; padding]]));
            }
            let plain = flags.0 & !(Flags::PORTS.0 | Flags::EXPOSED.0) == 0;
            let usual = tags < 2 && plain && room >= 64 && packet.len() >= 20;
            prop_assert!(wide || !usual || edit.is_none() && layer3 == Layer3::Mpls);
        }
    }
}
