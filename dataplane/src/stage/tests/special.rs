//! Special-purpose labels (RFC 3032 section 2.1, RFC 4182, RFC 6790, RFC 7274), and
//! MPLS echo (RFC 8029).

use super::*;
use crate::id::VrfId;
use crate::packet::{Flags, Layer3};
use crate::table::{Pop, Swap};

#[test]
fn explicit_null_says_which_family_is_below() {
    let mut snapshot = label_router();
    change(&mut snapshot, GE0, |i| i.vrf = VrfId(3));
    let next = to_ge1(&mut snapshot);
    route_to(&mut snapshot, VrfId(3), "198.51.100.0/24".parse().unwrap(), next);
    route_to(&mut snapshot, VrfId(3), "2001:db8:100::/48".parse().unwrap(), next);
    let frame = rewritten(&snapshot, &labelled(&[(0, 5, 60)], &ip4(64)));
    assert_eq!((sent(&frame), frame.meta().vrf), (&out(ether_type::IPV4, &[&ip4(59)])[..], VrfId(3)));
    let frame = rewritten(&snapshot, &labelled(&[(2, 5, 60)], &ip6(64)));
    assert_eq!((sent(&frame), frame.meta().vrf), (&out(ether_type::IPV6, &[&ip6(59)])[..], VrfId(3)));
    assert_eq!(verdict_of(&snapshot, &[(0, 5, 60)], &ip6(64)), dropped(DropReason::MplsPayload));
    assert_eq!(verdict_of(&snapshot, &[(2, 5, 60)], &ip4(64)), dropped(DropReason::MplsPayload));
    assert_eq!(verdict_of(&snapshot, &[(0, 5, 60)], &[]), dropped(DropReason::MplsPayload));
}

#[test]
fn explicit_null_need_not_be_the_bottom() {
    // RFC 4182: it is popped, and the next label decides.
    let mut snapshot = label_router();
    let next = to_ge1(&mut snapshot);
    label_to(&mut snapshot, 30, Nhlfe::Swap(Swap { label: 31, next }));
    for null in [0, 2] {
        let frame = rewritten(&snapshot, &labelled(&[(null, 5, 60), (30, 2, 64)], &ip6(9)));
        assert_eq!(sent(&frame), out(ether_type::MPLS, &[&mpls(&[(31, 2, 59)]), &ip6(9)]));
        let frame = rewritten(&snapshot, &labelled(&[(null, 5, 255), (null, 1, 60), (30, 2, 64)], &ip6(9)));
        assert_eq!(sent(&frame), out(ether_type::MPLS, &[&mpls(&[(31, 2, 59)]), &ip6(9)]));
        // The class that the outer label says is kept to the end.
        assert_eq!(frame.meta().class, crate::class::TrafficClass::Voice);
    }
}

#[test]
fn a_swap_to_explicit_null_is_a_swap() {
    let mut snapshot = label_router();
    let next = to_ge1(&mut snapshot);
    label_to(&mut snapshot, 30, Nhlfe::Swap(Swap { label: 0, next }));
    let frame = rewritten(&snapshot, &labelled(&[(30, 6, 64)], &ip4(9)));
    assert_eq!(sent(&frame), out(ether_type::MPLS, &[&mpls(&[(0, 6, 63)]), &ip4(9)]));
}

#[test]
fn router_alert_goes_to_the_slow_path_whole() {
    let snapshot = label_router();
    let bytes = labelled(&[(1, 5, 60), (30, 2, 64)], &ip4(9));
    let frame = rewritten(&snapshot, &bytes);
    assert_eq!((frame.meta().verdict, frame.bytes()), (punted(PuntReason::LspPing), &bytes[..]));
    assert_eq!((frame.meta().layer3, frame.meta().l3_offset), (Layer3::Mpls, 14));
    assert!(!frame.meta().flags.has(Flags::ROUTER_ALERT));
    // RFC 3032 section 2.1: anywhere but at the bottom.
    assert_eq!(verdict_of(&snapshot, &[(1, 5, 60)], &ip4(9)), dropped(DropReason::MplsMalformed));
}

#[test]
fn labels_without_a_meaning_here_are_dropped_even_if_the_tables_have_them() {
    let mut snapshot = label_router();
    let next = to_ge1(&mut snapshot);
    for label in [3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15] {
        label_to(&mut snapshot, label, Nhlfe::Swap(Swap { label: 31, next }));
        let verdict = verdict_of(&snapshot, &[(label, 5, 60), (30, 2, 64)], &ip4(9));
        assert_eq!(verdict, dropped(DropReason::MplsReserved), "label {label}");
    }
}

#[test]
fn an_echo_request_is_never_forwarded_as_ip() {
    let mut snapshot = label_router();
    pop(&mut snapshot, 20, UNIFORM);
    let echo = |to: &str, port: u16| {
        let between = ("10.1.0.77", to);
        stack(&[&ipv4_with(between, 17, 26, &[], |h| h.ttl = 1), &udp(3503, port, 18)])
    };
    let verdict = |below: &[u8]| verdict_of(&snapshot, &[(20, 5, 1)], below);
    assert_eq!(verdict(&echo("127.0.0.1", 3503)), punted(PuntReason::LspPing));
    assert_eq!(verdict(&echo("127.255.0.1", 3503)), punted(PuntReason::LspPing));
    assert_eq!(verdict(&echo("127.0.0.1", 3504)), dropped(DropReason::MartianDestination));
    assert_eq!(verdict(&echo("0.0.0.1", 3503)), dropped(DropReason::MartianDestination));
    let v6 = stack(&[&ipv6(("2001:db8:1::77", "::ffff:127.0.0.1"), 17, 26), &udp(3503, 3503, 18)]);
    assert_eq!(verdict(&v6), punted(PuntReason::LspPing));
    let frame = rewritten(&snapshot, &labelled(&[(20, 5, 1)], &v6));
    assert_eq!((frame.meta().layer3, frame.meta().popped), (Layer3::Ipv6, 1));
    // The penultimate hop lets it go on with the one hop it has.
    let next = to_ge1(&mut snapshot);
    for model in [UNIFORM, PIPE] {
        label_to(&mut snapshot, 21, Nhlfe::Pop(Pop { next, model, egress: None }));
        for label in [0, 21] {
            let below = echo("127.0.0.1", 3503);
            let frame = rewritten(&snapshot, &labelled(&[(label, 5, 60)], &below));
            match label {
                21 => assert_eq!(sent(&frame), out(ether_type::IPV4, &[&below]), "{model:?}"),
                _ => assert_eq!(frame.meta().verdict, punted(PuntReason::LspPing)),
            }
        }
        assert_eq!(
            verdict_of(&snapshot, &[(21, 5, 60)], &echo("127.0.0.1", 3504)),
            dropped(DropReason::MartianDestination)
        );
    }
    // Behind a penultimate hop it comes unlabelled, where labels are spoken at all.
    let plain = stack(&[&eth(ether_type::IPV4), &echo("127.0.0.1", 3503)]);
    assert_eq!(rewritten(&snapshot, &plain).meta().verdict, punted(PuntReason::LspPing));
    change(&mut snapshot, GE0, |i| i.mpls = false);
    assert_eq!(rewritten(&snapshot, &plain).meta().verdict, dropped(DropReason::MartianDestination));
}

#[test]
fn what_only_a_link_may_say_is_not_heard_out_of_a_tunnel() {
    let mut snapshot = label_router();
    pop(&mut snapshot, 20, PIPE);
    // A neighbour solicitation with the hop limit that is to prove it came from the link.
    let mut header = ipv6(("2001:db8:1::9", "2001:db8:1::1"), 58, 24);
    header[7] = 255;
    let solicitation = stack(&[&header, &[135, 0, 0, 0, 0, 0, 0, 0], &[0; 16]]);
    assert_eq!(verdict_of(&snapshot, &[(20, 5, 60)], &solicitation), dropped(DropReason::NdInvalid));
    let echo = stack(&[&header, &[128, 0, 0, 0, 0, 0, 0, 0], &[0; 16]]);
    assert_eq!(verdict_of(&snapshot, &[(20, 5, 60)], &echo), punted(PuntReason::Local));
    for (to, reason) in [("ff02::1", DropReason::Multicast), ("fe80::1", DropReason::LinkLocal)] {
        let below = stack(&[&ipv6(("2001:db8:1::9", to), 17, 8), &udp(1, 2, 0)]);
        assert_eq!(verdict_of(&snapshot, &[(20, 5, 60)], &below), dropped(reason), "{to}");
    }
    let group = stack(&[&ipv4(("10.1.0.9", "224.0.0.5"), 8), &udp(1, 2, 0)]);
    assert_eq!(verdict_of(&snapshot, &[(20, 5, 60)], &group), dropped(DropReason::Multicast));
}

#[test]
fn an_exposed_packet_gets_the_checks_of_any_other() {
    let mut snapshot = label_router();
    pop(&mut snapshot, 20, UNIFORM);
    let with = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut below = ip4(64);
        edit(&mut below);
        verdict_of(&snapshot, &[(20, 5, 60)], &below)
    };
    assert_eq!(with(&|b| b[10] ^= 1), dropped(DropReason::Ipv4Checksum));
    assert_eq!(with(&|b| b[0] = 0x44), dropped(DropReason::Ipv4Malformed));
    assert_eq!(with(&|b| b.truncate(40)), dropped(DropReason::Ipv4Malformed));
    assert_eq!(with(&|b| b[0] = 0x50), dropped(DropReason::MplsPayload));
    let martian = stack(&[&ipv4(("127.0.0.1", "198.51.100.7"), 8), &udp(1, 2, 0)]);
    assert_eq!(verdict_of(&snapshot, &[(20, 5, 60)], &martian), dropped(DropReason::MartianSource));
    let nowhere = stack(&[&ipv4(("10.1.0.9", "203.0.113.1"), 8), &udp(1, 2, 0)]);
    assert_eq!(verdict_of(&snapshot, &[(20, 5, 60)], &nowhere), punted(PuntReason::NoRoute));
    // A customer may have the addresses that the core's links have.
    let overlapping = stack(&[&ipv4(("10.1.0.1", "198.51.100.7"), 8), &udp(1, 2, 0)]);
    let frame = rewritten(&snapshot, &labelled(&[(20, 5, 60)], &overlapping));
    assert_eq!(frame.meta().verdict, Verdict::Forward);
    assert!(frame.meta().flags.has(Flags(Flags::EXPOSED.0 | Flags::PORTS.0)));
}
