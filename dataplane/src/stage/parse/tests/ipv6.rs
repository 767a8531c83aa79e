//! IPv6: header checks, scopes, extension headers, fragments.

use crate::packet::{DropReason, Flags, Frame, PuntReason, Verdict};
use crate::stage::testing::*;
use crate::wire::ethernet::ether_type;

const HOSTS: (&str, &str) = ("2001:db8:1::9", "2001:db8:100::7");

fn drop(reason: DropReason) -> Verdict {
    Verdict::Drop(reason)
}

/// A packet whose payload starts with `next`.
fn packet(next: u8, payload: &[u8]) -> Frame {
    parsed(&router(), &stack(&[&eth(ether_type::IPV6), &ipv6(HOSTS, next, payload.len()), payload]))
}

fn between(source: &str, destination: &str) -> Frame {
    let header = ipv6((source, destination), 17, 8);
    parsed(&router(), &stack(&[&eth(ether_type::IPV6), &header, &udp(1, 2, 0)]))
}

#[test]
fn meta_says_what_stands_in_the_header() {
    let mut bytes = stack(&[&eth(ether_type::IPV6), &ipv6(HOSTS, 17, 16), &udp(5004, 5006, 8), &[0; 5]]);
    bytes[14..16].copy_from_slice(&[0x6b, 0x90]); // DSCP 46, ECN 1
    let frame = parsed(&router(), &bytes);
    let meta = frame.meta();
    assert_eq!(meta.verdict, Verdict::Forward);
    assert_eq!((meta.dscp, meta.ttl, meta.protocol), (46, 64, 17));
    assert_eq!((meta.l3_offset, meta.l3_length, frame.upper().unwrap().len()), (14, 56, 16));
    assert_eq!((meta.l4_source, meta.l4_destination, meta.flags), (5004, 5006, Flags::PORTS));
}

#[test]
fn version_and_payload_length_are_checked() {
    let malformed = drop(DropReason::Ipv6Malformed);
    let good = stack(&[&eth(ether_type::IPV6), &ipv6(HOSTS, 17, 8), &udp(1, 2, 0)]);
    assert_eq!(verdict(&good[..53]), malformed);
    assert_eq!(verdict(&good[..61]), malformed);
    let mut version = good.clone();
    version[14] = 0x40;
    assert_eq!(verdict(&version), malformed);
    assert_eq!(packet(0, &[]).meta().verdict, malformed); // a jumbogram says length 0
}

#[test]
fn addresses_that_cannot_be() {
    let verdict = |source, destination| between(source, destination).meta().verdict;
    for source in ["::", "::1", "ff02::1", "::ffff:10.1.0.9"] {
        assert_eq!(verdict(source, HOSTS.1), drop(DropReason::MartianSource), "from {source}");
    }
    for destination in ["::", "::1", "::ffff:10.2.0.9"] {
        assert_eq!(verdict(HOSTS.0, destination), drop(DropReason::MartianDestination), "to {destination}");
    }
    assert_eq!(verdict("2001:db8:1::1", HOSTS.1), drop(DropReason::SpoofedSelf));
}

#[test]
fn scopes() {
    let flags = |source, destination| between(source, destination).meta().flags;
    assert!(flags("fe80::9", HOSTS.1).has(Flags::LINK_LOCAL_SOURCE));
    assert!(flags(HOSTS.0, "fe80::1").has(Flags::LINK_LOCAL_DESTINATION));
    let verdict = |source, destination| between(source, destination).meta().verdict;
    assert_eq!(verdict("::", "ff02::1:ff00:1"), Verdict::Punt(PuntReason::LinkMulticast)); // RFC 4862
    assert_eq!(verdict("fe80::9", "ff02::2"), Verdict::Punt(PuntReason::LinkMulticast));
    assert_eq!(verdict("::", "ff05::2"), drop(DropReason::MartianSource));
    assert_eq!(verdict(HOSTS.0, "ff05::2"), drop(DropReason::Multicast));
    assert_eq!(verdict(HOSTS.0, "ff01::1"), drop(DropReason::Multicast));
    // A neighbour advertisement that claims the router's own address: the slow path warns of it.
    assert_eq!(verdict("2001:db8:1::1", "ff02::1"), Verdict::Punt(PuntReason::LinkMulticast));
}

#[test]
fn extension_headers_are_walked() {
    let hop_by_hop = [60, 0, 5, 2, 0, 0, 1, 0]; // router alert, PadN
    let destination = [17, 0, 1, 4, 0, 0, 0, 0];
    let mut frame = packet(0, &stack(&[&hop_by_hop, &destination, &udp(5004, 5006, 0)]));
    let meta = frame.meta();
    assert_eq!(
        (meta.verdict, meta.protocol, &frame.upper().unwrap()[..2]),
        (Verdict::Forward, 17, &[0x13, 0x8c][..])
    );
    assert!(meta.flags.has(Flags::OPTIONS) && meta.flags.has(Flags::ROUTER_ALERT));
    assert_eq!((meta.l4_source, meta.l4_destination), (5004, 5006));
    // The same flow without extension headers has the same hash.
    assert_eq!(frame.flow(), packet(17, &udp(5004, 5006, 0)).flow());
}

#[test]
fn bad_chains_are_dropped() {
    let reason = |next, payload: &[u8]| packet(next, payload).meta().verdict;
    assert_eq!(reason(60, &[17, 1, 1, 4, 0, 0, 0, 0]), drop(DropReason::Ipv6Extension)); // cut short
    assert_eq!(
        reason(60, &[0, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0]),
        drop(DropReason::Ipv6Extension)
    );
    let long = [60, 0, 1, 4, 0, 0, 0, 0].repeat(9);
    assert_eq!(reason(60, &long), drop(DropReason::Ipv6Extension));
    let rh0 = [&[17, 2, 0, 1, 0, 0, 0, 0][..], &[0; 16], &udp(1, 2, 0)].concat();
    assert_eq!(reason(43, &rh0), drop(DropReason::RoutingHeader));
    let segment_routing = [&[17, 2, 4, 1, 0, 0, 0, 0][..], &[0; 16], &udp(1, 2, 0)].concat();
    assert_eq!(reason(43, &segment_routing), Verdict::Forward);
    assert_eq!(reason(59, &[]), Verdict::Forward); // no next header
}

/// A fragment of `protocol` at `offset` bytes.
fn fragment(protocol: u8, offset: u16, more: bool, data: usize) -> Frame {
    let word = (offset | u16::from(more)).to_be_bytes();
    let header = [protocol, 0, word[0], word[1], 0, 0, 0, 9];
    packet(44, &stack(&[&header, &udp(5004, 5006, 2000)[..data]]))
}

#[test]
fn fragments() {
    let (mut first, mut later) = (fragment(17, 0, true, 64), fragment(17, 64, false, 33));
    assert_eq!((first.meta().verdict, later.meta().verdict), (Verdict::Forward, Verdict::Forward));
    assert!(first.meta().flags.has(Flags::FIRST_FRAGMENT) && first.meta().flags.has(Flags::PORTS));
    assert!(later.meta().flags.has(Flags::LATER_FRAGMENT) && !later.meta().flags.has(Flags::PORTS));
    assert_eq!(first.flow(), later.flow());

    let mut atomic = fragment(17, 0, false, 33); // RFC 6946: whole
    assert!(!atomic.meta().flags.has(Flags::FIRST_FRAGMENT) && atomic.meta().flags.has(Flags::PORTS));
    assert_eq!(atomic.flow(), packet(17, &udp(5004, 5006, 0)).flow());

    let invalid = drop(DropReason::FragmentInvalid);
    assert_eq!(fragment(17, 0, true, 60).meta().verdict, invalid); // RFC 8200 section 4.5: not a multiple of 8
    assert_eq!(fragment(17, 65_528, false, 64).meta().verdict, invalid); // beyond 65,535
    assert_eq!(fragment(6, 0, true, 8).meta().verdict, invalid); // no whole TCP header
}

#[test]
fn icmp_errors_are_the_types_below_128() {
    let error = |kind| packet(58, &[kind, 0, 0, 0, 0, 0, 0, 0]).meta().flags.has(Flags::ICMP_ERROR);
    assert!((0..128).all(error) && !(128..=255).any(error));
}
