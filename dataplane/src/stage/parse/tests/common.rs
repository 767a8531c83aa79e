//! Frames of common shapes are read as the careful way reads them, and so is what looks
//! like them.

use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::super::ethernet::Arrival;
use crate::id::{IfIndex, PortIndex, VrfId};
use crate::packet::{Batch, Frame, Verdict};
use crate::stage::testing::*;
use crate::table::{Snapshot, Tpid, VlanMatch};
use crate::time::Time;
use crate::wire::ethernet::ether_type;
use crate::wire::ipv4::Ipv4Header;

/// A port with an interface for frames without a tag, one for VLAN 7, one of an S-VLAN, one
/// that is down; `martians` in lists.
fn tables(mpls: bool, martians: bool) -> Snapshot {
    let mut snapshot = if mpls { label_router() } else { router() };
    let vlans = [
        VlanMatch::Single(Tpid::Dot1q, 7),
        VlanMatch::Single(Tpid::Dot1ad, 8),
        VlanMatch::Single(Tpid::Dot1q, 9),
        VlanMatch::Double(Tpid::Dot1ad, 8, 7),
    ];
    for (id, vlan) in (2..).zip(vlans) {
        let mut interface = interface(id, vlan, &["10.1.0.7/24", "10.1.0.8/31", "2001:db8:1::7/64"]);
        (interface.port, interface.mac, interface.vrf) = (PortIndex(0), MAC0, VrfId(id as u16));
        (interface.enabled, interface.mpls) = (id != 4, id == 2);
        add(&mut snapshot, interface);
    }
    if martians {
        let limits = std::sync::Arc::make_mut(&mut snapshot.limits);
        limits.martian_sources = vec!["10.1.0.6/32".parse().unwrap(), "2001:db8:1::6/128".parse().unwrap()];
        limits.martian_destinations = vec!["198.51.100.6/32".parse().unwrap()];
    }
    snapshot
}

fn tags() -> impl Strategy<Value = Vec<u8>> {
    let tag = |tpid: u16, control: u16| [tpid.to_be_bytes(), control.to_be_bytes()].concat();
    prop_oneof![
        3 => Just(vec![]),
        2 => Just(tag(0x8100, 0xb007)),
        1 => Just(tag(0x88a8, 8)),
        1 => Just(tag(0x8100, 9)),
        1 => Just(tag(0x8100, 0x4000)),
        1 => Just([tag(0x8100, 0xa000), tag(0x8100, 7)].concat()),
        1 => Just([tag(0x88a8, 8), tag(0x8100, 7)].concat()),
        1 => Just(tag(0x8100, 11)),
    ]
}

fn v4() -> impl Strategy<Value = Vec<u8>> {
    let last = || prop_oneof![Just(9u8), any::<u8>(), 0u8..10];
    let first = |usual: u8| prop_oneof![6 => Just(usual), 1 => any::<u8>()];
    let protocol = prop::sample::select(vec![1u8, 6, 17, 17, 50, 132]);
    let fragment = prop_oneof![4 => Just(0u16), 4 => Just(0x4000), 1 => any::<u16>()];
    (first(10), last(), first(198), last(), protocol, fragment, any::<(u8, u8)>(), 0usize..24).prop_map(
        |(from, f, to, t, protocol, fragment, (class, ttl), data)| {
            let (source, destination) = (format!("{from}.1.0.{f}"), format!("{to}.51.100.{t}"));
            let edit = |h: &mut Ipv4Header| {
                (h.traffic_class, h.ttl, h.fragment) = (class, ttl, fragment.into());
            };
            let header = ipv4_with((&source, &destination), protocol, 8 + data, &[], edit);
            stack(&[&header, &udp(5004, 5006, data)])
        },
    )
}

fn v6() -> impl Strategy<Value = Vec<u8>> {
    let source =
        prop::sample::select(vec!["2001:db8:1::9", "2001:db8:1::7", "2001:db8:1::6", "fe80::9", "::"]);
    let destination = prop::sample::select(vec!["2001:db8:100::7", "fe80::2", "ff02::5", "::1"]);
    let next = prop::sample::select(vec![17u8, 17, 6, 58, 59, 0, 44]);
    (source, destination, next, any::<(u8, u8)>(), 0usize..24).prop_map(|(from, to, next, (a, b), data)| {
        let mut header = ipv6((from, to), next, 8 + data);
        (header[0], header[1], header[7]) = (0x60 | a >> 4, a << 4 | b & 15, b);
        stack(&[&header, &udp(5004, 5006, data)])
    })
}

fn frame() -> impl Strategy<Value = Vec<u8>> {
    let labels = (any::<u32>(), any::<u32>()).prop_map(|(a, b)| [a.to_be_bytes(), b.to_be_bytes()].concat());
    let layer3 = prop_oneof![
        3 => v4().prop_map(|packet| (ether_type::IPV4, packet)),
        2 => v6().prop_map(|packet| (ether_type::IPV6, packet)),
        1 => labels.prop_map(|stack| (ether_type::MPLS, stack)),
        1 => prop::collection::vec(any::<u8>(), 0..8).prop_map(|bytes| (ether_type::ARP, bytes)),
    ];
    let wrong = prop_oneof![3 => Just(None), 1 => (0usize..64, any::<u8>()).prop_map(Some)];
    (tags(), layer3, 0usize..8, wrong, prop_oneof![8 => Just(None), 1 => (0usize..70).prop_map(Some)])
        .prop_map(|(tags, (kind, packet), padding, wrong, cut)| {
            let eth = eth(kind);
            let mut bytes = stack(&[&eth[..12], &tags, &eth[12..], &packet, &vec![0; padding]]);
            if let Some((at, value)) = wrong
                && let Some(byte) = bytes.get_mut(at)
            {
                *byte = value;
            }
            bytes.truncate(cut.unwrap_or(usize::MAX));
            bytes
        })
}

fn batch_of(frames: &[Vec<u8>]) -> Batch {
    let mut batch = Batch::new();
    for bytes in frames {
        let mut frame = Frame::standard();
        frame.fill(bytes).unwrap();
        batch.push(frame).unwrap();
    }
    batch
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn whatever_comes_is_read_as_with_care(
        frames in prop::collection::vec(frame(), 1..12),
        mpls: bool,
        martians: bool,
    ) {
        let snapshot = tables(mpls, martians);
        let (mut quick, mut careful) = (batch_of(&frames), batch_of(&frames));
        super::super::run(&mut quick, &snapshot, PortIndex(0));
        let mut arrival = Arrival::new(&snapshot, PortIndex(0), Time(0));
        for frame in careful.frames_mut() {
            let verdict = arrival.parse(frame);
            frame.meta_mut().verdict = verdict;
        }
        for frame in quick.frames_mut().iter_mut().chain(careful.frames_mut()) {
            frame.flow();
        }
        for ((one, other), bytes) in quick.frames().iter().zip(careful.frames()).zip(&frames) {
            prop_assert_eq!(format!("{:?}", one.meta()), format!("{:?}", other.meta()), "{:02x?}", bytes);
            prop_assert_eq!(one.bytes(), &bytes[..]);
        }
        prop_assert_eq!(quick.labelled(), arrival.labelled());
    }

    #[test]
    fn what_labels_leave_is_read_as_with_care(packet in prop_oneof![v4(), v6()], at in 0usize..60, wrong: u8) {
        let mut bytes = packet;
        bytes.insert(0, 0);
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= wrong & 1 << (wrong & 7);
        }
        let layer3 = if bytes[1] >> 4 == 4 { crate::packet::Layer3::Ipv4 } else { crate::packet::Layer3::Ipv6 };
        let mut metas = [true, false].map(|quick| {
            let mut frame = Frame::standard();
            frame.fill(&bytes).unwrap();
            let meta = frame.meta_mut();
            (meta.layer3, meta.l3_offset, meta.l3_length, meta.ttl) = (layer3, 1, bytes.len() as u16 - 1, 63);
            meta.flags.set(crate::packet::Flags::EXPOSED);
            let mut to = Ipv4Addr::UNSPECIFIED;
            if !(quick && super::super::common::exposed(&mut frame, &mut to)) {
                let verdict = super::super::exposed::parse(&mut frame, None);
                frame.meta_mut().verdict = verdict;
            }
            frame.flow();
            format!("{:?}", frame.meta())
        });
        let careful = metas[1].split_off(0);
        prop_assert_eq!(&metas[0], &careful);
    }
}

/// Frames of each common shape are not left to the careful way: that is what it is there for.
#[test]
fn common_shapes_are_common() {
    let snapshot = tables(true, false);
    let packet = |kind, l3: &[u8]| stack(&[&eth(kind), l3]);
    let (v4, v6) =
        (ipv4(("10.1.0.9", "198.51.100.7"), 26), ipv6(("2001:db8:1::9", "2001:db8:100::7"), 17, 26));
    let udp = udp(5004, 5006, 18);
    let frames = [
        packet(ether_type::IPV4, &stack(&[&v4, &udp])),
        packet(ether_type::IPV6, &stack(&[&v6, &udp])),
        packet(ether_type::MPLS, &stack(&[&mpls(&[(100, 5, 64)]), &v4, &udp])),
    ];
    for bytes in frames {
        let (mut arrival, mut to, mut top) =
            (Arrival::new(&snapshot, PortIndex(0), Time(0)), Ipv4Addr::UNSPECIFIED, 0);
        let mut batch = batch_of(std::slice::from_ref(&bytes));
        assert!(arrival.is_common(&mut batch.frames_mut()[0], &mut to, &mut top), "{bytes:02x?}");
        // The first frame with a tag is read with care, the next ones are not.
        let tagged = stack(&[&bytes[..12], &[0x81, 0, 0xb0, 7], &bytes[12..]]);
        let mut batch = batch_of(&[tagged.clone(), tagged.clone()]);
        let [first, second] = batch.frames_mut() else { panic!("two frames") };
        assert!(!arrival.is_common(first, &mut to, &mut top));
        assert_eq!(arrival.parse(first), Verdict::Forward);
        assert!(arrival.is_common(second, &mut to, &mut top), "{tagged:02x?}");
        assert_eq!(second.meta().in_interface, IfIndex(2));
    }
}
