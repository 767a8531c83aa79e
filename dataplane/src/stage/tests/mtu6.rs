//! IPv6 packets that are too long with their labels and have a fragment header already
//! (RFC 3032 section 3.5).

use proptest::prelude::*;

use super::mtu::{cut, narrow, split, told};
use super::*;
use crate::wire::ipv6::{Ipv6Header, next_header, walk};

/// Padding of a hop-by-hop header, in whose next header the fragment header is.
const BEFORE: [u8; 8] = [44, 0, 1, 4, 0, 0, 0, 0];

/// | IPv6 | extensions | fragment header: UDP, `word`, id 9 | data |
fn fragment(before: &[u8], word: u16, data: &[u8]) -> Vec<u8> {
    let next = if before.is_empty() { next_header::FRAGMENT } else { next_header::HOP_BY_HOP };
    let own = [17, 0, (word >> 8) as u8, word as u8, 0, 0, 0, 9];
    stack(&[&ipv6(V6, next, before.len() + 8 + data.len()), before, &own, data])
}

/// One of `length` bytes in all that is a whole packet (RFC 6946).
fn atomic(length: usize) -> Vec<u8> {
    fragment(&[], 0, &vec![0x55; length - 48])
}

#[test]
fn one_of_1280_bytes_or_fewer_is_cut_and_its_sender_hears_of_others() {
    let snapshot = narrow();
    let too_big = (punted(PuntReason::PacketTooBig), false, 992);
    let ingress = |below: &[u8]| told(&snapshot, &stack(&[&eth(ether_type::IPV6), below]));
    let transit = |below: &[u8]| told(&snapshot, &labelled(&[(30, 0, 64), (50, 0, 64)], below));
    for (length, expected) in [
        (992, (Verdict::Forward, false, 0)),
        (993, (Verdict::Forward, true, 992)),
        (1280, (Verdict::Forward, true, 992)),
        (1281, too_big),
    ] {
        assert_eq!(ingress(&atomic(length)), expected, "{length}");
        assert_eq!(transit(&atomic(length)), expected, "{length}");
    }
    let plain = stack(&[&ipv6(V6, 17, 1240), &udp(1, 2, 1232)]);
    assert_eq!((ingress(&plain), transit(&plain)), (too_big, too_big));
    // A fragment header cut short is none.
    let cut = stack(&[&ipv6(V6, next_header::FRAGMENT, 7), &[0; 7]]);
    assert_eq!(
        told(&snapshot, &stack(&[&eth(ether_type::IPV6), &cut])).0,
        dropped(DropReason::Ipv6Extension)
    );
}

#[test]
fn without_labels_no_router_cuts_it() {
    let mut snapshot = narrow();
    let next = to_ge1(&mut snapshot);
    route_to(&mut snapshot, crate::id::VrfId(0), "2001:db8:100::/48".parse().unwrap(), next);
    let frame = stack(&[&eth(ether_type::IPV6), &atomic(1000)]);
    assert_eq!(told(&snapshot, &frame), (punted(PuntReason::PacketTooBig), false, 900));
    let popped = labelled(&[(40, 0, 64)], &atomic(1000));
    assert_eq!(told(&snapshot, &popped), (punted(PuntReason::PacketTooBig), false, 900));
}

#[test]
fn what_would_end_beyond_the_longest_payload_is_not_cut() {
    let snapshot = narrow();
    // 1,232 bytes of data: the last offset is 64,296.
    let invalid = (dropped(DropReason::FragmentInvalid), 0);
    for (offset, expected) in [(64_296, (Verdict::Forward, 1)), (64_304, invalid), (65_528, invalid)] {
        assert_eq!(cut(&snapshot, &fragment(&[], offset, &[0x55; 1232])), expected, "{offset}");
    }
}

#[test]
fn no_room_for_eight_bytes_is_the_end_of_it() {
    let mut snapshot = narrow();
    change(&mut snapshot, GE1, |i| i.mpls_mtu = 8 + 48 + 7);
    let frame = rewritten(&snapshot, &stack(&[&eth(ether_type::IPV6), &atomic(200)]));
    let (mut frame, mut later) = (frame, Vec::new());
    let mut pool = crate::packet::Pool::new(crate::id::WorkerIndex(0), 4, crate::packet::PoolSize::Standard);
    crate::stage::fragment::run(&mut frame, &mut pool, &mut later);
    assert_eq!((frame.meta().verdict, later.len()), (dropped(DropReason::PacketTooBig), 0));
}

proptest! {
    #[test]
    fn the_pieces_have_one_stack_and_are_the_packet(
        mpls_mtu in 150u16..700,
        extensions: bool,
        word in prop_oneof![Just(0u16), (0u16..1000).prop_map(|o| o << 3), (0u16..1000).prop_map(|o| o << 3 | 1)],
        data in prop::collection::vec(any::<u8>(), 100..140).prop_map(|d| d.repeat(8)),
        transit: bool,
    ) {
        let mut snapshot = narrow();
        change(&mut snapshot, GE1, |i| i.mpls_mtu = mpls_mtu);
        let before: &[u8] = if extensions { &BEFORE } else { &[] };
        let packet = fragment(before, word, &data);
        let (bytes, labels, ttl) = match transit {
            true => (labelled(&[(30, 5, 64), (50, 2, 9)], &packet), mpls(&[(31, 5, 63), (50, 2, 9)]), 64),
            false => (stack(&[&eth(ether_type::IPV6), &packet]), mpls(&[(17, 0, 63), (18, 0, 63)]), 63),
        };
        let mut whole: Vec<u8> = Vec::new();
        let frames = split(&snapshot, &bytes);
        prop_assert!(frames.len() > 1);
        for (i, frame) in frames.iter().enumerate() {
            prop_assert!(frame.len() <= 14 + usize::from(mpls_mtu));
            prop_assert_eq!(&frame[..14], &eth_to(HOST1, MAC1, ether_type::MPLS)[..]);
            prop_assert_eq!(&frame[14..22], &labels[..]);
            let header = Ipv6Header::check(&frame[22..]).unwrap();
            prop_assert_eq!(usize::from(header.payload_length.get()), frame.len() - 62);
            prop_assert_eq!(header.hop_limit, ttl);
            let place = walk(header.next_header, &frame[62..]).unwrap().fragment.unwrap();
            prop_assert_eq!(place.offset, usize::from(word & !7) + whole.len());
            prop_assert_eq!(place.more, i + 1 < frames.len() || word & 1 != 0);
            prop_assert_eq!(place.identification, 9);
            prop_assert_eq!(&frame[62..62 + before.len()], before);
            whole.extend(&frame[62 + before.len() + 8..]);
        }
        prop_assert_eq!(whole, data);
    }
}
