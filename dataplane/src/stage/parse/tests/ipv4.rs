//! IPv4: header checks, martians, options, fragments.

use crate::id::PortIndex;
use crate::packet::{DropReason, Flags, PuntReason, Rare, Verdict};
use crate::stage::testing::*;
use crate::time::Time;
use crate::wire::ethernet::ether_type;
use crate::wire::ipv4::Ipv4Header;

const HOSTS: (&str, &str) = ("10.1.0.9", "198.51.100.7");

fn drop(reason: DropReason) -> Verdict {
    Verdict::Drop(reason)
}

/// A frame of a UDP datagram with 8 bytes of data, its header edited.
fn edited(edit: impl FnOnce(&mut Ipv4Header)) -> Vec<u8> {
    stack(&[&eth(ether_type::IPV4), &ipv4_with(HOSTS, 17, 16, &[], edit), &udp(5004, 5006, 8)])
}

fn between(source: &str, destination: &str) -> Verdict {
    verdict(&stack(&[&eth(ether_type::IPV4), &ipv4((source, destination), 8), &udp(1, 2, 0)]))
}

fn with_options(options: &[u8]) -> crate::packet::Frame {
    let header = ipv4_with(HOSTS, 17, 8, options, |_| {});
    parsed(&router(), &stack(&[&eth(ether_type::IPV4), &header, &udp(5004, 5006, 0)]))
}

#[test]
fn meta_says_what_stands_in_the_header() {
    let frame = parsed(
        &router(),
        &edited(|h| (h.traffic_class, h.ttl, h.fragment) = (46 << 2 | 1, 9, 0x4000.into())),
    );
    let meta = frame.meta();
    assert_eq!(meta.verdict, Verdict::Forward);
    assert_eq!((meta.dscp, meta.ttl, meta.protocol), (46, 9, 17));
    assert_eq!((meta.l3_offset, meta.l3_length, frame.upper().unwrap().len()), (14, 36, 16));
    assert_eq!((meta.l4_source, meta.l4_destination), (5004, 5006));
    assert_eq!(meta.flags, Flags(Flags::PORTS.0 | Flags::DONT_FRAGMENT.0));
}

#[test]
fn header_checks_of_rfc_1812_section_5_2_2() {
    let malformed = drop(DropReason::Ipv4Malformed);
    assert_eq!(verdict(&eth(ether_type::IPV4)), malformed);
    assert_eq!(verdict(&call()[..33]), malformed);
    assert_eq!(verdict(&edited(|h| h.version_ihl = 0x55)), malformed);
    assert_eq!(verdict(&edited(|h| h.version_ihl = 0x44)), malformed);
    assert_eq!(verdict(&edited(|h| h.total_length = 19.into())), malformed);
    assert_eq!(verdict(&edited(|h| h.total_length = 37.into())), malformed);
    assert_eq!(verdict(&edited(|h| h.total_length = 0.into())), malformed);
    let mut bad = call();
    bad[24] ^= 1;
    assert_eq!(verdict(&bad), drop(DropReason::Ipv4Checksum));
}

#[test]
fn martians_of_rfc_1812_section_5_3_7() {
    for source in
        ["0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"]
    {
        assert_eq!(between(source, "198.51.100.7"), drop(DropReason::MartianSource), "from {source}");
    }
    for destination in ["0.0.0.0", "0.1.2.3", "127.0.0.1", "240.0.0.1", "255.255.255.254"] {
        assert_eq!(
            between("10.1.0.9", destination),
            drop(DropReason::MartianDestination),
            "to {destination}"
        );
    }
    assert_eq!(between("10.1.0.9", "255.255.255.255"), drop(DropReason::Broadcast));
    assert_eq!(between("10.1.0.1", "198.51.100.7"), drop(DropReason::SpoofedSelf));
    assert_eq!(between("10.1.0.255", "198.51.100.7"), drop(DropReason::MartianSource));
}

#[test]
fn multicast_of_the_link_is_for_the_router_and_other_multicast_for_nobody() {
    assert_eq!(between("10.1.0.9", "224.0.0.5"), Verdict::Punt(PuntReason::LinkMulticast));
    assert_eq!(between("10.1.0.9", "224.0.1.1"), drop(DropReason::Multicast));
    assert_eq!(between("10.1.0.9", "239.1.1.1"), drop(DropReason::Multicast));
}

#[test]
fn options_pass_but_source_routes_do_not() {
    let router_alert = with_options(&[148, 4, 0, 0]);
    assert_eq!(router_alert.meta().verdict, Verdict::Forward);
    assert!(
        router_alert.meta().flags.has(Flags::ROUTER_ALERT) && router_alert.meta().flags.has(Flags::OPTIONS)
    );
    assert_eq!(
        (&router_alert.upper().unwrap()[2..4], router_alert.meta().l4_destination),
        (&[0x13, 0x8e][..], 5006)
    );
    assert_eq!(with_options(&[7, 7, 4, 0, 0, 0, 0, 0]).meta().verdict, Verdict::Forward); // record route
    assert_eq!(with_options(&[68, 8, 5, 0, 0, 0, 0, 0]).meta().verdict, Verdict::Forward); // timestamp
    assert_eq!(with_options(&[1, 1, 94, 2]).meta().verdict, Verdict::Forward); // an unknown one
    for source_route in [131, 137] {
        let frame = with_options(&[1, source_route, 7, 4, 10, 2, 0, 9]);
        assert_eq!(frame.meta().verdict, drop(DropReason::SourceRoute));
    }
}

#[test]
fn when_and_where_it_came_is_written_for_a_packet_with_options_whatever_the_buffer_held() {
    let header = ipv4_with(HOSTS, 17, 8, &[68, 8, 5, 0, 0, 0, 0, 0], |_| {});
    let mut batch = batch(&stack(&[&eth(ether_type::IPV4), &header, &udp(5004, 5006, 0)]));
    let stale = Rare { received: Time(1), in_port: PortIndex(9), detail: 7 };
    *batch.frames_mut()[0].rare_mut() = stale;
    batch.set_received(Time(77));
    crate::stage::parse::run(&mut batch, &router(), PortIndex(0));
    let rare = *batch.frames()[0].rare();
    assert_eq!((rare.received, rare.in_port), (Time(77), PortIndex(0)));
    // As it comes out from under labels.
    let frame = &mut batch.frames_mut()[0];
    *frame.rare_mut() = stale;
    frame.meta_mut().flags = Flags::EXPOSED;
    crate::stage::parse::exposed(&mut batch, &router());
    let frame = &batch.frames()[0];
    assert_eq!((frame.meta().verdict, frame.rare().received), (Verdict::Forward, Time(77)));
}

#[test]
fn malformed_options_are_parameter_problems_that_point_at_the_octet() {
    for (options, pointer) in [
        (&[7, 1, 0, 0][..], 21),          // length below 2
        (&[1, 7, 9, 4], 22),              // length beyond the header
        (&[1, 1, 1, 7], 24),              // no length at all
        (&[7, 7, 3, 0, 0, 0, 0, 0], 22),  // record route: pointer below 4
        (&[68, 8, 4, 0, 0, 0, 0, 0], 22), // timestamp: pointer below 5
    ] {
        let frame = with_options(options);
        assert_eq!(frame.meta().verdict, Verdict::Punt(PuntReason::ParameterProblem), "{options:?}");
        assert_eq!(frame.rare().detail, pointer, "{options:?}");
    }
}

/// A fragment of `protocol` at `offset` (units of 8 bytes) with `data` bytes.
fn fragment(protocol: u8, offset: u16, more: bool, data: usize) -> crate::packet::Frame {
    let word = offset | if more { Ipv4Header::MORE_FRAGMENTS } else { 0 };
    let header = ipv4_with(HOSTS, protocol, data, &[], |h| h.fragment = word.into());
    let udp = &udp(5004, 5006, 2000)[..data];
    parsed(&router(), &stack(&[&eth(ether_type::IPV4), &header, udp]))
}

#[test]
fn fragments_of_a_datagram_have_one_hash() {
    let (mut first, mut later) = (fragment(17, 0, true, 64), fragment(17, 8, false, 33));
    assert_eq!((first.meta().verdict, later.meta().verdict), (Verdict::Forward, Verdict::Forward));
    assert!(first.meta().flags.has(Flags::FIRST_FRAGMENT) && first.meta().flags.has(Flags::PORTS));
    assert!(later.meta().flags.has(Flags::LATER_FRAGMENT) && !later.meta().flags.has(Flags::PORTS));
    assert_eq!(first.flow(), later.flow());
    assert_ne!(first.flow(), parsed(&router(), &edited(|_| {})).flow());
}

#[test]
fn fragments_no_honest_sender_makes_are_dropped() {
    let invalid = drop(DropReason::FragmentInvalid);
    assert_eq!(fragment(6, 0, true, 8).meta().verdict, invalid); // RFC 1858 section 3: tiny
    assert_eq!(fragment(6, 1, false, 64).meta().verdict, invalid); // RFC 1858 section 4: overlapping
    assert_eq!(fragment(17, 0, true, 0).meta().verdict, invalid); // no UDP header
    assert_eq!(fragment(17, 4, true, 60).meta().verdict, invalid); // the next cannot join
    assert_eq!(fragment(17, 8191, false, 64).meta().verdict, invalid); // beyond 65,535
    assert_eq!(fragment(17, 4, false, 0).meta().verdict, invalid); // nothing in it
    assert_eq!(fragment(6, 0, true, 16).meta().verdict, Verdict::Forward);
    assert_eq!(fragment(17, 1, false, 64).meta().verdict, Verdict::Forward);
}

#[test]
fn icmp_errors_are_known() {
    let icmp = |kind: u8| {
        let header = ipv4_with(HOSTS, 1, 8, &[], |_| {});
        let frame =
            parsed(&router(), &stack(&[&eth(ether_type::IPV4), &header, &[kind, 0, 0, 0, 0, 0, 0, 0]]));
        frame.meta().flags.has(Flags::ICMP_ERROR)
    };
    let errors: Vec<u8> = (0..=255).filter(|kind| icmp(*kind)).collect();
    assert_eq!(errors, [3, 4, 5, 11, 12]);
}

#[test]
fn configured_martians_are_martians() {
    let mut snapshot = router();
    let limits = std::sync::Arc::make_mut(&mut snapshot.limits);
    limits.martian_sources = vec!["10.1.0.8/29".parse().unwrap()];
    limits.martian_destinations = vec!["198.18.0.0/15".parse().unwrap()];
    assert_eq!(parsed(&snapshot, &call()).meta().verdict, drop(DropReason::MartianSource));
    let other = |source, destination| {
        let frame = stack(&[&eth(ether_type::IPV4), &ipv4((source, destination), 8), &udp(1, 2, 0)]);
        parsed(&snapshot, &frame).meta().verdict
    };
    assert_eq!(other("10.1.0.7", "198.19.0.1"), drop(DropReason::MartianDestination));
    assert_eq!(other("10.1.0.7", "198.51.100.7"), Verdict::Forward);
}
