//! Datagrams in, fragments out; and put together again.

use proptest::prelude::*;

use crate::id::WorkerIndex;
use crate::packet::{DropReason, Flags, Frame, Pool, PoolSize, Verdict};
use crate::stage::testing::*;
use crate::wire::ethernet::ether_type;
use crate::wire::ipv4::{Ipv4Header, Options, kind, options};

/// A datagram with these options, fragment word and payload, through the router
/// with this MTU, and split; gives the first frame and the later ones.
fn split(mtu: u16, options: &[u8], word: u16, payload: &[u8], buffers: usize) -> (Frame, Vec<Frame>, Pool) {
    let mut snapshot = router();
    change(&mut snapshot, GE1, |i| i.mtu = mtu);
    let edit = |h: &mut Ipv4Header| (h.identification, h.fragment) = (0xbeef.into(), word.into());
    let header = ipv4_with(("10.1.0.9", "198.51.100.7"), 17, payload.len(), options, edit);
    let mut first = rewritten(&snapshot, &stack(&[&eth(ether_type::IPV4), &header, payload]));
    let mut pool = Pool::new(WorkerIndex(5), buffers, PoolSize::Standard);
    let mut later = Vec::new();
    super::run(&mut first, &mut pool, &mut later);
    (first, later, pool)
}

fn header(frame: &Frame) -> Ipv4Header {
    *Ipv4Header::check(frame.l3()).unwrap()
}

#[test]
fn the_example_of_rfc_791_section_3_1() {
    // Data of 452 bytes, MTU 280: fragments of 256 (offset 0, more) and 196 (offset 32).
    let payload: Vec<u8> = (0..452u32).map(|i| i as u8).collect();
    let (first, later, _) = split(280, &[], 0, &payload, 4);
    let placed = |f: &Frame| {
        let h = header(f);
        (h.total_length.get(), h.fragment_offset(), h.more_fragments(), h.identification.get(), h.ttl)
    };
    assert_eq!(later.len(), 1);
    assert_eq!(placed(&first), (276, 0, true, 0xbeef, 63));
    assert_eq!(placed(&later[0]), (216, 256, false, 0xbeef, 63));
    for frame in [&first, &later[0]] {
        assert_eq!(frame.bytes()[..14], eth_to(HOST1, MAC1, ether_type::IPV4));
        assert_eq!(frame.len(), 14 + frame.l3().len());
        assert_eq!((frame.meta().verdict, frame.meta().out_interface), (Verdict::Forward, GE1));
        assert!(!frame.meta().flags.has(Flags::TOO_LONG));
    }
    assert!(first.meta().flags.has(Flags::FIRST_FRAGMENT));
    assert!(later[0].meta().flags.has(Flags::LATER_FRAGMENT));
    assert_eq!(later[0].meta().home, WorkerIndex(5));
}

#[test]
fn only_copied_options_are_in_later_fragments() {
    // Record route (not copied), router alert (copied), padded to 12.
    let (first, later, _) = split(100, &[7, 7, 4, 0, 0, 0, 0, 148, 4, 0, 0, 0], 0, &udp(1, 2, 200), 8);
    let kinds = |f: &Frame| Options::new(options(f.l3())).map(|o| o.unwrap().kind).collect::<Vec<_>>();
    assert_eq!(kinds(&first), [kind::RECORD_ROUTE, kind::ROUTER_ALERT]);
    assert_eq!(header(&first).header_length(), 32);
    assert!(later.len() > 1);
    for fragment in &later {
        assert_eq!(kinds(fragment), [kind::ROUTER_ALERT]);
        assert_eq!(header(fragment).header_length(), 24);
    }
}

#[test]
fn an_empty_pool_gives_all_or_nothing() {
    let (first, later, pool) = split(276, &[], 0, &udp(1, 2, 1000), 2);
    assert_eq!(first.meta().verdict, Verdict::Drop(DropReason::PoolEmpty));
    assert_eq!((later.len(), pool.available()), (0, 2));
    let (first, later, pool) = split(276, &[], 0, &udp(1, 2, 1000), 4);
    assert_eq!(first.meta().verdict, Verdict::Forward);
    assert_eq!((later.len(), pool.available()), (3, 1));
}

#[test]
fn what_fits_is_left_alone() {
    let (first, later, pool) = split(276, &[], 0, &udp(1, 2, 248), 4);
    assert_eq!((header(&first).total_length.get(), header(&first).fragment.get()), (276, 0));
    assert_eq!((later.len(), pool.available()), (0, 4));
}

proptest! {
    #[test]
    fn fragments_put_together_are_the_datagram(
        mtu in 68u16..600,
        with_options: bool,
        // A datagram that is itself a fragment keeps its place: offset in units of 8, more or not.
        word in prop_oneof![Just(0u16), (1u16..1000), (0u16..1000).prop_map(|o| o | 0x2000)],
        payload in prop::collection::vec(any::<u8>(), 1..180).prop_map(|p| p.repeat(8)),
    ) {
        let options: &[u8] = if with_options { &[148, 4, 0, 0, 1, 1, 1, 1] } else { &[] };
        let (first, later, _) = split(mtu, options, word, &payload, 200);
        prop_assert_eq!(first.meta().verdict, Verdict::Forward);
        let (start, more) = (usize::from(word & 0x1fff) * 8, word & 0x2000 != 0);
        let mut whole: Vec<u8> = Vec::new();
        for (i, frame) in std::iter::once(&first).chain(&later).enumerate() {
            let h = header(frame);
            prop_assert!(usize::from(h.total_length.get()) <= usize::from(mtu));
            prop_assert_eq!(h.fragment_offset(), start + whole.len());
            prop_assert_eq!(h.more_fragments(), more || i < later.len());
            whole.extend(&frame.l3()[h.header_length()..]);
        }
        prop_assert_eq!(whole, payload);
    }
}
