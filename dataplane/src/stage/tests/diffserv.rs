//! Class and marks through tunnels (RFC 3270 section 2.6, RFC 5462).

use std::sync::Arc;

use super::*;
use crate::class::{Colour, TcMap, TrafficClass};
use crate::id::VrfId;
use crate::table::{Pop, Swap};
use crate::wire::dscp;
use crate::wire::ipv4::Ipv4Header;
use crate::wire::ipv6::Ipv6Header;

const AF21: u8 = 18;

const fn model(diffserv: DiffServModel) -> TunnelModel {
    TunnelModel { ttl: TtlModel::Uniform, diffserv }
}

/// A datagram with this DSCP and ECN 2.
fn marked(dscp: u8) -> Vec<u8> {
    let edit = |h: &mut Ipv4Header| h.traffic_class = dscp << 2 | 2;
    stack(&[&ipv4_with(V4, 17, 8, &[], edit), &udp(1, 2, 0)])
}

/// Class, DSCP and ECN of an IPv4 packet as it leaves.
fn left(frame: &Frame) -> (TrafficClass, u8, u8) {
    assert_eq!(frame.meta().verdict, Verdict::Forward);
    let header = Ipv4Header::check(frame.l3()).unwrap();
    (frame.meta().class, header.dscp(), header.ecn())
}

#[test]
fn the_egress_treats_and_marks_by_the_model() {
    use TrafficClass::{Clinical, Voice};
    for (diffserv, class, mark) in [
        (DiffServModel::Uniform, Voice, dscp::EF),
        (DiffServModel::Pipe, Voice, AF21),
        (DiffServModel::ShortPipe, Clinical, AF21),
    ] {
        let mut snapshot = label_router();
        let next = to_ge1(&mut snapshot);
        pop(&mut snapshot, 20, model(diffserv));
        label_to(&mut snapshot, 21, Nhlfe::Pop(Pop { next, model: model(diffserv), egress: Some(VrfId(0)) }));
        for label in [20, 21] {
            let frame = rewritten(&snapshot, &labelled(&[(label, 5, 60)], &marked(AF21)));
            assert_eq!(left(&frame), (class, mark, 2), "{diffserv:?}, label {label}");
        }
        // The penultimate hop: the class is the tunnel's in all three.
        label_to(&mut snapshot, 22, Nhlfe::Pop(Pop { next, model: model(diffserv), egress: None }));
        let frame = rewritten(&snapshot, &labelled(&[(22, 5, 60)], &marked(AF21)));
        assert_eq!(left(&frame), (Voice, mark, 2), "{diffserv:?}");
        // And a label that comes to the top is marked as a packet would be.
        let frame = rewritten(&snapshot, &labelled(&[(22, 5, 60), (500, 2, 60)], &marked(AF21)));
        let tc = if diffserv == DiffServModel::Uniform { 5 } else { 2 };
        assert_eq!(sent(&frame), out(ether_type::MPLS, &[&mpls(&[(500, tc, 59)]), &marked(AF21)]));
        assert_eq!(frame.meta().class, Voice);
    }
}

#[test]
fn a_label_below_takes_the_class_over_by_the_model() {
    use TrafficClass::{Clinical, Voice};
    for (diffserv, class, tc) in [
        (DiffServModel::Uniform, Voice, 5),
        (DiffServModel::Pipe, Voice, 2),
        (DiffServModel::ShortPipe, Clinical, 2),
    ] {
        let mut snapshot = label_router();
        let next = to_ge1(&mut snapshot);
        pop(&mut snapshot, 20, model(diffserv));
        label_to(&mut snapshot, 30, Nhlfe::Swap(Swap { label: 31, next }));
        let frame = rewritten(&snapshot, &labelled(&[(20, 5, 60), (30, 2, 60)], &marked(AF21)));
        assert_eq!(sent(&frame), out(ether_type::MPLS, &[&mpls(&[(31, tc, 59)]), &marked(AF21)]));
        assert_eq!(frame.meta().class, class, "{diffserv:?}");
    }
}

#[test]
fn a_uniform_tunnel_leaves_marks_of_its_class_alone() {
    let mut snapshot = label_router();
    pop(&mut snapshot, 20, model(DiffServModel::Uniform));
    let left = |tc, dscp| left(&rewritten(&snapshot, &labelled(&[(20, tc, 60)], &marked(dscp))));
    for mark in [44, 40, 46] {
        assert_eq!(left(5, mark), (TrafficClass::Voice, mark, 2));
    }
    assert_eq!(left(1, 14), (TrafficClass::Imaging, 14, 2));
    // Standard and scavenger share a traffic class: the mark tells them apart.
    assert_eq!(left(0, 8), (TrafficClass::Scavenger, 8, 2));
    assert_eq!(left(0, 46), (TrafficClass::Standard, 0, 2));
    assert_eq!(left(7, 0), (TrafficClass::Control, 48, 2));
}

#[test]
fn what_a_uniform_tunnel_leaves_alone_is_decided_by_classes() {
    use TrafficClass::{Video, Voice};
    let mut snapshot = label_router();
    pop(&mut snapshot, 20, model(DiffServModel::Uniform));
    // In: 5 and 4 are voice. Out: video is 5.
    let mut map = TcMap::default();
    map.classes[4] = (Voice, Colour::Green);
    map.tcs[Video.index()] = 5;
    change(&mut snapshot, GE0, |i| i.tc_map = Arc::new(map));
    let left = |tc, dscp| left(&rewritten(&snapshot, &labelled(&[(20, tc, 60)], &marked(dscp))));
    assert_eq!(left(5, 34), (Voice, dscp::EF, 2), "AF41 in TC 5");
    assert_eq!(left(5, 44), (Voice, 44, 2));
    assert_eq!(left(4, 44), (Voice, 44, 2));
    assert_eq!(left(4, 34), (Voice, dscp::EF, 2), "AF41 in TC 4");
    assert_eq!(left(0, 8), (TrafficClass::Scavenger, 8, 2));
}

#[test]
fn a_pipe_around_a_uniform_tunnel_gives_the_class_and_not_the_mark() {
    let mut snapshot = label_router();
    pop(&mut snapshot, 19, model(DiffServModel::Pipe));
    pop(&mut snapshot, 20, model(DiffServModel::Uniform));
    for (tc, mark) in [(2, AF21), (3, 26)] {
        let frame = rewritten(&snapshot, &labelled(&[(19, 5, 60), (20, tc, 60)], &marked(AF21)));
        assert_eq!(left(&frame), (TrafficClass::Voice, mark, 2), "TC {tc}");
    }
}

#[test]
fn an_ipv6_packet_is_marked_too_and_keeps_its_flow_label() {
    let mut snapshot = label_router();
    pop(&mut snapshot, 20, model(DiffServModel::Uniform));
    let mut below = ip6(64);
    below[..4].copy_from_slice(&0x6491_2345u32.to_be_bytes()); // AF21, ECN 1
    let frame = rewritten(&snapshot, &labelled(&[(20, 4, 60)], &below));
    let header = Ipv6Header::check(frame.l3()).unwrap();
    assert_eq!((header.dscp(), header.ecn(), header.flow_label(), header.hop_limit), (34, 1, 0x1_2345, 59));
    assert_eq!(frame.meta().class, TrafficClass::Video);
}

#[test]
fn traffic_classes_are_those_of_the_interfaces() {
    let mut snapshot = label_router();
    let next = to_ge1(&mut snapshot);
    let mut map = TcMap::default();
    map.classes[4] = (TrafficClass::Voice, Colour::Yellow);
    change(&mut snapshot, GE0, |i| i.tc_map = Arc::new(map));
    let mut map = TcMap::default();
    map.tcs[TrafficClass::Voice.index()] = 7;
    change(&mut snapshot, GE1, |i| i.tc_map = Arc::new(map));
    label_to(&mut snapshot, 30, Nhlfe::Swap(Swap { label: 31, next }));
    // A swap keeps the traffic class whatever the maps say.
    let frame = rewritten(&snapshot, &labelled(&[(30, 4, 60)], &ip4(64)));
    assert_eq!(sent(&frame), out(ether_type::MPLS, &[&mpls(&[(31, 4, 59)]), &ip4(64)]));
    assert_eq!((frame.meta().class, frame.meta().colour), (TrafficClass::Voice, Colour::Yellow));
    // A push takes it from the class, by the map of where it leaves.
    route(&mut snapshot, "198.51.100.0/24", push(&[17], next, UNIFORM));
    let frame = rewritten(&snapshot, &stack(&[&eth(ether_type::IPV4), &marked(dscp::EF)]));
    assert_eq!(&sent(&frame)[14..18], mpls(&[(17, 7, 63)]));
}
