//! Swap, push, pop, and look-up behind a pop (RFC 3031 section 3.10), with the TTL of
//! RFC 3443 section 3.

use super::*;
use crate::id::VrfId;
use crate::packet::{Flags, Layer3};
use crate::table::{Pop, Swap};

#[test]
fn a_swap_touches_the_top_entry_only_and_keeps_the_traffic_class() {
    let mut snapshot = label_router();
    let next = to_ge1(&mut snapshot);
    label_to(&mut snapshot, 30_012, Nhlfe::Swap(Swap { label: 17, next }));
    for tc in 0..8 {
        let below = ip4(9);
        let frame = rewritten(&snapshot, &labelled(&[(30_012, tc, 64), (500, 1, 7)], &below));
        assert_eq!(sent(&frame), out(ether_type::MPLS, &[&mpls(&[(17, tc, 63), (500, 1, 7)]), &below]));
        let frame = rewritten(&snapshot, &labelled(&[(30_012, tc, 2)], &below));
        assert_eq!(sent(&frame), out(ether_type::MPLS, &[&mpls(&[(17, tc, 1)]), &below]));
        assert_eq!((frame.meta().layer3, frame.meta().l3_offset), (Layer3::Mpls, 14));
    }
}

#[test]
fn a_swap_may_push_on_top_and_what_is_below_need_not_be_ip() {
    let mut snapshot = label_router();
    let next = to_ge1(&mut snapshot);
    let tunnel = entry(&mut snapshot, push(&[40, 41], next, PIPE));
    label_to(&mut snapshot, 30_012, Nhlfe::Swap(Swap { label: 17, next: tunnel }));
    let frame = rewritten(&snapshot, &labelled(&[(30_012, 3, 64)], &[0xaa; 33]));
    let expected = out(ether_type::MPLS, &[&mpls(&[(40, 3, 255), (41, 3, 255), (17, 3, 63)]), &[0xaa; 33]]);
    assert_eq!(sent(&frame), expected);
}

#[test]
fn push_over_ip_takes_ttl_by_model_and_traffic_class_by_class() {
    for (model, transport) in [(UNIFORM, 63), (PIPE, 255)] {
        let mut snapshot = label_router();
        let next = to_ge1(&mut snapshot);
        let lsp = entry(&mut snapshot, push(&[30_012], next, model));
        route(&mut snapshot, "198.51.100.0/24", push(&[17], lsp, UNIFORM));
        route(&mut snapshot, "2001:db8:100::/48", push(&[18], lsp, UNIFORM));
        let voice = |h: &mut crate::wire::ipv4::Ipv4Header| h.traffic_class = 46 << 2 | 1;
        let datagram = stack(&[&ipv4_with(V4, 17, 26, &[], voice), &udp(5004, 5006, 18)]);
        let frame = rewritten(&snapshot, &stack(&[&eth(ether_type::IPV4), &datagram]));
        let lower = |h: &mut crate::wire::ipv4::Ipv4Header| (h.traffic_class, h.ttl) = (46 << 2 | 1, 63);
        let datagram = stack(&[&ipv4_with(V4, 17, 26, &[], lower), &udp(5004, 5006, 18)]);
        let expected = out(ether_type::MPLS, &[&mpls(&[(30_012, 5, transport), (17, 5, 63)]), &datagram]);
        assert_eq!(sent(&frame), expected);
        assert_eq!((frame.meta().l3_offset, frame.meta().layer3), (22, Layer3::Ipv4));
        let frame = rewritten(&snapshot, &stack(&[&eth(ether_type::IPV6), &ip6(64)]));
        let expected = out(ether_type::MPLS, &[&mpls(&[(30_012, 0, transport), (18, 0, 63)]), &ip6(63)]);
        assert_eq!(sent(&frame), expected);
    }
}

#[test]
fn the_penultimate_hop_follows_rfc_3443_section_3() {
    for (model, own, left) in
        [(UNIFORM, 64, 59), (UNIFORM, 60, 59), (UNIFORM, 3, 3), (UNIFORM, 1, 1), (PIPE, 64, 64), (PIPE, 1, 1)]
    {
        let mut snapshot = label_router();
        let next = to_ge1(&mut snapshot);
        label_to(&mut snapshot, 20, Nhlfe::Pop(Pop { next, model, egress: None }));
        // A label is left.
        let frame = rewritten(&snapshot, &labelled(&[(20, 5, 60), (500, 2, own)], &ip4(9)));
        assert_eq!(sent(&frame), out(ether_type::MPLS, &[&mpls(&[(500, 2, left)]), &ip4(9)]), "{model:?}");
        // None is.
        let frame = rewritten(&snapshot, &labelled(&[(20, 5, 60)], &ip4(own)));
        assert_eq!(sent(&frame), out(ether_type::IPV4, &[&ip4(left)]), "{model:?}");
        let frame = rewritten(&snapshot, &labelled(&[(20, 5, 60)], &ip6(own)));
        assert_eq!(sent(&frame), out(ether_type::IPV6, &[&ip6(left)]), "{model:?}");
        // The tunnel's own hop counts in both.
        let frame = rewritten(&snapshot, &labelled(&[(20, 5, 1)], &ip4(own)));
        assert_eq!(frame.meta().verdict, Verdict::Punt(PuntReason::TtlExpired));
        assert_eq!((frame.meta().layer3, frame.meta().popped), (Layer3::Mpls, 0));
    }
}

#[test]
fn the_egress_keeps_to_its_vrf_wherever_its_way_leads() {
    for egress in [None, Some(VrfId(7))] {
        let mut snapshot = label_router();
        let next = to_ge1(&mut snapshot);
        change(&mut snapshot, GE1, |i| i.vrf = VrfId(5));
        let ways = [
            (entry(&mut snapshot, push(&[17], next, UNIFORM)), Verdict::Forward, 5),
            (entry(&mut snapshot, Nhlfe::Glean(GE1)), punted(PuntReason::NeighbourMiss), 5),
            (entry(&mut snapshot, Nhlfe::Unreachable), punted(PuntReason::Unreachable), 0),
            (entry(&mut snapshot, Nhlfe::Blackhole), Verdict::Drop(DropReason::Blackhole), 0),
        ];
        for (next, verdict, of_way) in ways {
            label_to(&mut snapshot, 20, Nhlfe::Pop(Pop { next, model: UNIFORM, egress }));
            let frame = rewritten(&snapshot, &labelled(&[(20, 5, 60)], &ip4(64)));
            // The penultimate hop knows the Vrf by where the packet leaves alone.
            let vrf = egress.unwrap_or(VrfId(of_way));
            assert_eq!((frame.meta().verdict, frame.meta().vrf), (verdict, vrf), "{egress:?}");
        }
    }
}

#[test]
fn a_label_of_one_customer_edge_is_the_egress() {
    for (model, own, left) in [(UNIFORM, 64, 59), (PIPE, 64, 63), (PIPE, 2, 1)] {
        let mut snapshot = label_router();
        change(&mut snapshot, GE1, |i| (i.vrf, i.mpls) = (VrfId(7), false));
        let next = to_ge1(&mut snapshot);
        label_to(&mut snapshot, 20, Nhlfe::Pop(Pop { next, model, egress: Some(VrfId(7)) }));
        let frame = rewritten(&snapshot, &labelled(&[(20, 5, 60)], &ip4(own)));
        assert_eq!(sent(&frame), out(ether_type::IPV4, &[&ip4(left)]), "{model:?}");
        assert_eq!(frame.meta().vrf, VrfId(7));
        assert!(frame.meta().flags.has(Flags::EXPOSED));
        let two = rewritten(&snapshot, &labelled(&[(20, 5, 60), (21, 5, 60)], &ip4(own)));
        assert_eq!(two.meta().verdict, Verdict::Drop(DropReason::MplsNotBottom));
    }
}

#[test]
fn what_is_popped_is_looked_up_in_the_vrf_of_the_label() {
    for (model, own, left) in [(UNIFORM, 64, 59), (UNIFORM, 5, 4), (PIPE, 64, 63)] {
        let mut snapshot = label_router();
        let next = to_ge1(&mut snapshot);
        route_to(&mut snapshot, VrfId(1), "198.51.100.0/24".parse().unwrap(), next);
        route_to(&mut snapshot, VrfId(1), "2001:db8:100::/48".parse().unwrap(), next);
        let pop = PopLookup { vrf: VrfId(1), model, bottom: true };
        label_to(&mut snapshot, 500, Nhlfe::PopLookup(pop));
        let frame = rewritten(&snapshot, &labelled(&[(500, 5, 60)], &ip4(own)));
        assert_eq!(sent(&frame), out(ether_type::IPV4, &[&ip4(left)]), "{model:?}");
        assert_eq!((frame.meta().vrf, frame.meta().popped), (VrfId(1), 1));
        let frame = rewritten(&snapshot, &labelled(&[(500, 5, 60)], &ip6(own)));
        assert_eq!(sent(&frame), out(ether_type::IPV6, &[&ip6(left)]));
        let two = rewritten(&snapshot, &labelled(&[(500, 5, 60), (500, 5, 60)], &ip4(own)));
        assert_eq!(two.meta().verdict, Verdict::Drop(DropReason::MplsNotBottom));
    }
}

#[test]
fn a_transport_label_and_a_vrfs_go_off_at_once() {
    let mut snapshot = label_router();
    let next = to_ge1(&mut snapshot);
    route_to(&mut snapshot, VrfId(1), "198.51.100.0/24".parse().unwrap(), next);
    let transport = PopLookup { vrf: VrfId(0), model: UNIFORM, bottom: false };
    label_to(&mut snapshot, 20, Nhlfe::PopLookup(transport));
    label_to(&mut snapshot, 500, Nhlfe::PopLookup(PopLookup { vrf: VrfId(1), model: UNIFORM, bottom: true }));
    let frame = rewritten(&snapshot, &labelled(&[(20, 5, 30), (500, 5, 60)], &ip4(64)));
    assert_eq!(sent(&frame), out(ether_type::IPV4, &[&ip4(29)]));
    assert_eq!((frame.meta().vrf, frame.meta().popped), (VrfId(1), 2));
    // And alone, to the Vrf of the transport.
    let frame = rewritten(&snapshot, &labelled(&[(20, 5, 30)], &ip4(64)));
    assert_eq!((sent(&frame), frame.meta().vrf), (&out(ether_type::IPV4, &[&ip4(29)])[..], VrfId(0)));
}
