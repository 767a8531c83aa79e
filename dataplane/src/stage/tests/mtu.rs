//! MTU with labels, to the byte (RFC 3032 section 3).

use super::*;
use crate::id::WorkerIndex;
use crate::packet::{Flags, Pool, PoolSize};
use crate::stage::fragment;
use crate::table::{Pop, Swap};
use crate::wire::ipv4::Ipv4Header;
use crate::wire::mpls::LabelStackEntry;

/// Labels 30 → 31 by ge1 of MPLS MTU 1000 and MTU 900; 198.51.100.0/24 and
/// 2001:db8:100::/48 by two labels over it.
pub(super) fn narrow() -> Snapshot {
    let mut snapshot = label_router();
    change(&mut snapshot, GE1, |i| (i.mtu, i.mpls_mtu) = (900, 1000));
    let next = to_ge1(&mut snapshot);
    label_to(&mut snapshot, 30, Nhlfe::Swap(Swap { label: 31, next }));
    label_to(&mut snapshot, 40, Nhlfe::Pop(Pop { next, model: UNIFORM, egress: None }));
    route(&mut snapshot, "198.51.100.0/24", push(&[17, 18], next, UNIFORM));
    route(&mut snapshot, "2001:db8:100::/48", push(&[17, 18], next, UNIFORM));
    snapshot
}

/// An IPv4 datagram of `length` bytes in all.
fn v4(length: usize, fragment: u16) -> Vec<u8> {
    let edit = |h: &mut Ipv4Header| h.fragment = fragment.into();
    let header = ipv4_with(V4, 17, length - 20, &[], edit);
    stack(&[&header, &udp(1, 2, length - 28)])
}

fn v6(length: usize) -> Vec<u8> {
    stack(&[&ipv6(V6, 17, length - 40), &udp(1, 2, length - 48)])
}

/// Verdict, whether it is to be fragmented, and what fits.
pub(super) fn told(snapshot: &Snapshot, bytes: &[u8]) -> (Verdict, bool, u16) {
    let frame = looked_up(snapshot, bytes);
    (frame.meta().verdict, frame.meta().flags.has(Flags::TOO_LONG), frame.rare().detail)
}

const DF: u16 = Ipv4Header::DONT_FRAGMENT;
const FITS: (Verdict, bool, u16) = (Verdict::Forward, false, 0);

#[test]
fn labels_that_are_pushed_count() {
    let snapshot = narrow();
    let (ip4, ip6) = (eth(ether_type::IPV4), eth(ether_type::IPV6));
    assert_eq!(told(&snapshot, &stack(&[&ip4, &v4(992, DF)])), FITS);
    let needed = punted(PuntReason::FragmentationNeeded);
    assert_eq!(told(&snapshot, &stack(&[&ip4, &v4(993, DF)])), (needed, false, 992));
    assert_eq!(told(&snapshot, &stack(&[&ip4, &v4(993, 0)])), (Verdict::Forward, true, 992));
    assert_eq!(told(&snapshot, &stack(&[&ip6, &v6(992)])), FITS);
    assert_eq!(told(&snapshot, &stack(&[&ip6, &v6(993)])), (punted(PuntReason::PacketTooBig), false, 992));
}

#[test]
fn labels_that_were_there_count() {
    let snapshot = narrow();
    let two = |below: &[u8]| told(&snapshot, &labelled(&[(30, 0, 64), (50, 0, 64)], below));
    assert_eq!(two(&v4(992, DF)), FITS);
    assert_eq!(two(&v4(993, DF)), (punted(PuntReason::FragmentationNeeded), false, 992));
    assert_eq!(two(&v4(993, 0)), (Verdict::Forward, true, 992));
    assert_eq!(two(&v6(992)), FITS);
    assert_eq!(two(&v6(993)), (punted(PuntReason::PacketTooBig), false, 992));
    assert_eq!(two(&[0x11; 992]), FITS);
    assert_eq!(two(&[0x11; 993]), (dropped(DropReason::FragmentationNeeded), false, 0));
    // The penultimate hop leaves one, or none: then it is the MTU of IP that counts.
    let one = |below: &[u8]| told(&snapshot, &labelled(&[(40, 0, 64), (50, 0, 64)], below));
    assert_eq!((one(&v4(996, DF)), one(&v4(997, DF)).2), (FITS, 996));
    let none = |below: &[u8]| told(&snapshot, &labelled(&[(40, 0, 64)], below));
    assert_eq!((none(&v4(900, DF)), none(&v4(901, DF)).2), (FITS, 900));
}

#[test]
fn what_is_behind_the_datagram_is_padding() {
    let snapshot = narrow();
    let padded = stack(&[&labelled(&[(30, 0, 64)], &v4(990, DF)), &[0xee; 40]]);
    let frame = rewritten(&snapshot, &padded);
    assert_eq!(sent(&frame), out(ether_type::MPLS, &[&mpls(&[(31, 0, 63)]), &v4(990, DF)]));
}

/// The frames that one becomes.
pub(super) fn split(snapshot: &Snapshot, bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut frame = rewritten(snapshot, bytes);
    assert!(frame.meta().flags.has(Flags::TOO_LONG));
    let mut pool = Pool::new(WorkerIndex(0), 32, PoolSize::Standard);
    let mut later = Vec::new();
    fragment::run(&mut frame, &mut pool, &mut later);
    let whole = |f: &Frame| f.meta().verdict == Verdict::Forward && f.bytes().ends_with(f.l3());
    assert!(whole(&frame) && later.iter().all(whole));
    std::iter::once(&frame).chain(&later).map(|f| f.bytes().to_vec()).collect()
}

#[test]
fn every_fragment_has_the_same_stack() {
    let snapshot = narrow();
    let payload: Vec<u8> = (0..1480u32).map(|i| i as u8).collect();
    let datagram = |ttl| stack(&[&ipv4_with(V4, 17, 1480, &[], |h| h.ttl = ttl), &payload]);
    for (bytes, labels, ttl) in [
        (labelled(&[(30, 5, 64), (50, 2, 9)], &datagram(33)), mpls(&[(31, 5, 63), (50, 2, 9)]), 33),
        (stack(&[&eth(ether_type::IPV4), &datagram(33)]), mpls(&[(17, 0, 32), (18, 0, 32)]), 32),
    ] {
        let mut whole = Vec::new();
        let frames = split(&snapshot, &bytes);
        for (i, frame) in frames.iter().enumerate() {
            assert!(frame.len() <= 14 + 1000);
            assert_eq!(frame[..14], eth_to(HOST1, MAC1, ether_type::MPLS));
            assert_eq!(frame[14..22], labels);
            let header = Ipv4Header::check(&frame[22..]).unwrap();
            assert_eq!((header.fragment_offset(), header.ttl), (whole.len(), ttl));
            assert_eq!(header.more_fragments(), i + 1 < frames.len());
            whole.extend(&frame[42..]);
        }
        assert_eq!((frames.len(), whole), (2, payload.clone()));
    }
}

/// What becomes of one that is cut below its labels.
pub(super) fn cut(snapshot: &Snapshot, below: &[u8]) -> (Verdict, usize) {
    let mut frame = rewritten(snapshot, &labelled(&[(30, 5, 64)], below));
    let (mut pool, mut later) = (Pool::new(WorkerIndex(0), 4, PoolSize::Standard), Vec::new());
    fragment::run(&mut frame, &mut pool, &mut later);
    (frame.meta().verdict, later.len())
}

#[test]
fn what_would_end_beyond_the_longest_datagram_is_not_cut() {
    let snapshot = narrow();
    // 20 bytes of header and 1,380 of data: the last offset is 64,128.
    let invalid = (dropped(DropReason::FragmentInvalid), 0);
    for (offset, expected) in [(8016, (Verdict::Forward, 1)), (8017, invalid), (8191, invalid)] {
        assert_eq!(cut(&snapshot, &v4(1400, offset)), expected, "{offset}");
    }
}

#[test]
fn the_deepest_stack_leaves_room_for_nothing() {
    let mut snapshot = narrow();
    change(&mut snapshot, GE1, |i| i.mpls_mtu = 68);
    let deep: Vec<_> = std::iter::once((30, 0, 64)).chain([(50, 0, 64); 19]).collect();
    assert_eq!(told(&snapshot, &labelled(&deep, &v4(100, DF))).2, 0);
    let mut frame = rewritten(&snapshot, &labelled(&deep, &v4(100, 0)));
    let mut pool = Pool::new(WorkerIndex(0), 32, PoolSize::Standard);
    fragment::run(&mut frame, &mut pool, &mut Vec::new());
    assert_eq!(frame.meta().verdict, dropped(DropReason::FragmentationNeeded));
    assert_eq!(LabelStackEntry::LEN * deep.len(), 80);
}
