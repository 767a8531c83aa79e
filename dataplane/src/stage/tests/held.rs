//! Labelled frames that wait for a neighbour, and those that the router makes.

use std::sync::Arc;

use super::*;
use crate::class::{Colour, TrafficClass};
use crate::id::{PortIndex, VrfId};
use crate::packet::{Batch, Flags, Layer3};
use crate::pipeline::Pipeline;
use crate::qos::{Ingress, InterfaceQos, MeterAction, MeterSpec};
use crate::table::{Pop, Swap};
use crate::time::Time;

/// What becomes of a frame that is received, held for its neighbour, and let go once
/// `mac` is known: verdicts and bytes before and after.
fn held(snapshot: &mut Snapshot, bytes: &[u8]) -> (Verdict, Frame) {
    let mut pipeline = Pipeline::new();
    pipeline.sync(snapshot);
    let mut frames = batch(bytes);
    pipeline.ingress(&mut frames, snapshot, PortIndex(0), Time::ZERO);
    let mut frame = frames.pop().unwrap();
    let first = frame.meta().verdict;
    assert_eq!(frame.bytes(), bytes, "its bytes are untouched");
    assert!(snapshot.set_neighbour(GE1, "10.2.0.77".parse().unwrap(), Some(HOST1)));
    frame.meta_mut().flags.set(Flags::RELEASED);
    let mut again = Batch::new();
    again.push(frame).unwrap();
    pipeline.local(&mut again, snapshot, Time(0));
    (first, again.pop().unwrap())
}

#[test]
fn a_frame_that_waited_goes_the_way_it_would_have_gone() {
    let router = || {
        let mut snapshot = label_router();
        let next = via(&mut snapshot, GE1, "10.2.0.77");
        let pop = |egress: Option<VrfId>| Nhlfe::Pop(Pop { next, model: UNIFORM, egress });
        label_to(&mut snapshot, 30, Nhlfe::Swap(Swap { label: 31, next }));
        label_to(&mut snapshot, 40, pop(None));
        label_to(&mut snapshot, 41, pop(Some(VrfId(0))));
        let vrf = PopLookup { vrf: VrfId(1), model: UNIFORM, bottom: true };
        label_to(&mut snapshot, 500, Nhlfe::PopLookup(vrf));
        route_to(&mut snapshot, VrfId(1), "198.51.100.0/24".parse().unwrap(), next);
        route(&mut snapshot, "198.51.100.0/24", push(&[17], next, UNIFORM));
        snapshot
    };
    let plain = out(ether_type::IPV4, &[&ip4(59)]);
    for (bytes, expected) in [
        (labelled(&[(30, 5, 60)], &ip4(64)), out(ether_type::MPLS, &[&mpls(&[(31, 5, 59)]), &ip4(64)])),
        (labelled(&[(40, 5, 60)], &ip4(64)), plain.clone()),
        (labelled(&[(41, 5, 60)], &ip4(64)), plain.clone()),
        (labelled(&[(500, 5, 60)], &ip4(64)), plain.clone()),
        (labelled(&[(0, 5, 61), (500, 5, 60)], &ip4(64)), plain),
        (
            labelled(&[(40, 5, 60), (16, 2, 64)], &ip4(64)),
            out(ether_type::MPLS, &[&mpls(&[(16, 2, 59)]), &ip4(64)]),
        ),
        (
            stack(&[&eth(ether_type::IPV4), &ip4(64)]),
            out(ether_type::MPLS, &[&mpls(&[(17, 0, 63)]), &ip4(63)]),
        ),
    ] {
        let (first, frame) = held(&mut router(), &bytes);
        assert_eq!(first, punted(PuntReason::NeighbourMiss));
        assert_eq!(sent(&frame), expected);
    }
}

#[test]
fn the_colour_that_its_meter_gave_it_stays() {
    let red = MeterSpec { actions: [MeterAction::Recolour; 3], ..MeterSpec::policer(8_000, 1) };
    let mut qos = InterfaceQos::default();
    qos.ingress[TrafficClass::Voice.index()] = Some(Ingress::Own(red));
    for model in [UNIFORM, PIPE] {
        let mut snapshot = label_router();
        change(&mut snapshot, GE0, |i| i.qos = Arc::new(qos.clone()));
        let next = via(&mut snapshot, GE1, "10.2.0.77");
        label_to(&mut snapshot, 30, Nhlfe::Swap(Swap { label: 31, next }));
        label_to(&mut snapshot, 40, Nhlfe::Pop(Pop { next, model, egress: None }));
        for label in [30, 40] {
            assert!(snapshot.set_neighbour(GE1, "10.2.0.77".parse().unwrap(), None) || label == 30);
            let (first, frame) = held(&mut snapshot, &labelled(&[(label, 5, 60)], &ip4(64)));
            assert_eq!(first, punted(PuntReason::NeighbourMiss));
            assert_eq!((frame.meta().class, frame.meta().colour), (TrafficClass::Voice, Colour::Red));
        }
    }
}

/// Imaging in a label, and the packet's own mark says the same or nothing: metered red, it is red when the label is off.
#[test]
fn the_colour_of_its_meter_outlives_its_label() {
    let red = MeterSpec { actions: [MeterAction::Recolour; 3], ..MeterSpec::policer(8_000, 1) };
    let mut qos = InterfaceQos::default();
    qos.ingress[TrafficClass::Imaging.index()] = Some(Ingress::Own(red));
    for diffserv in [DiffServModel::Pipe, DiffServModel::ShortPipe, DiffServModel::Uniform] {
        let mut snapshot = label_router();
        change(&mut snapshot, GE0, |i| i.qos = Arc::new(qos.clone()));
        let next = via(&mut snapshot, GE1, "10.2.0.77");
        let model = TunnelModel { diffserv, ..PIPE };
        label_to(&mut snapshot, 40, Nhlfe::Pop(Pop { next, model, egress: None }));
        let marked = ipv4_with(("10.1.0.9", "10.2.0.7"), 17, 24, &[], |h| h.traffic_class = 10 << 2);
        let frame = labelled(&[(40, 1, 60)], &stack(&[&marked, &[0; 24]]));
        let (mut frames, mut pipeline) = (batch(&frame), Pipeline::new());
        pipeline.sync(&snapshot);
        pipeline.ingress(&mut frames, &snapshot, PortIndex(0), Time::ZERO);
        let meta = frames.frames()[0].meta();
        assert_eq!((meta.class, meta.colour), (TrafficClass::Imaging, Colour::Red), "{diffserv:?}");
    }
}

#[test]
fn an_entropy_label_does_not_come_back_as_router_alert() {
    let mut snapshot = label_router();
    let next = to_ge1(&mut snapshot);
    label_to(&mut snapshot, 30, Nhlfe::Swap(Swap { label: 31, next }));
    let indicated: &[(u32, u8, u8)] = &[(1, 5, 60), (7, 0, 60), (1, 0, 0), (30, 2, 64)];
    let between: &[(u32, u8, u8)] = &[(7, 5, 60), (1, 0, 0), (1, 5, 60), (30, 2, 64)];
    for stack in [indicated, between] {
        let mut frames = batch(&labelled(stack, &ip4(64)));
        let mut pipeline = Pipeline::new();
        pipeline.ingress(&mut frames, &snapshot, PortIndex(0), Time::ZERO);
        let frame = &mut frames.frames_mut()[0];
        assert_eq!(frame.meta().verdict, punted(PuntReason::LspPing));
        frame.meta_mut().flags.set(Flags(Flags::HEARD.0 | Flags::RELEASED.0));
        pipeline.local(&mut frames, &snapshot, Time(0));
        let expected = out(ether_type::MPLS, &[&mpls(&[(1, 5, 59), (31, 2, 59)]), &ip4(64)]);
        assert_eq!(sent(&frames.frames()[0]), expected, "{stack:?}");
    }
}

/// A frame of the router's own that starts with `entries`.
fn own(snapshot: &Snapshot, entries: &[(u32, u8, u8)], edit: impl FnOnce(&mut Frame)) -> Frame {
    let mut frames = batch(&stack(&[&mpls(entries), &ip4(1)]));
    let frame = &mut frames.frames_mut()[0];
    (frame.meta_mut().layer3, frame.meta_mut().vrf) = (Layer3::Mpls, VrfId(0));
    edit(frame);
    Pipeline::new().local(&mut frames, snapshot, Time(0));
    frames.pop().unwrap()
}

#[test]
fn what_the_router_says_along_an_lsp_keeps_its_ttl() {
    let mut snapshot = label_router();
    let next = to_ge1(&mut snapshot);
    label_to(&mut snapshot, 30, Nhlfe::Swap(Swap { label: 31, next }));
    label_to(&mut snapshot, 40, Nhlfe::Pop(Pop { next, model: UNIFORM, egress: None }));
    for ttl in [1, 255] {
        let frame = own(&snapshot, &[(30, 6, ttl), (50, 6, 9)], |_| {});
        assert_eq!(sent(&frame), out(ether_type::MPLS, &[&mpls(&[(31, 6, ttl), (50, 6, 9)]), &ip4(1)]));
        assert_eq!(frame.meta().class, TrafficClass::Control);
        let frame = own(&snapshot, &[(40, 6, ttl)], |_| {});
        assert_eq!(sent(&frame), out(ether_type::IPV4, &[&ip4(1)]));
    }
    assert_eq!(own(&snapshot, &[(60, 6, 1)], |_| {}).meta().verdict, dropped(DropReason::MplsNoLabel));
}

#[test]
fn a_stack_that_is_complete_goes_the_way_it_is_given() {
    let mut snapshot = label_router();
    let next = to_ge1(&mut snapshot);
    let lsp = entry(&mut snapshot, push(&[70], next, PIPE));
    // Label 30 means something else to the router itself.
    label_to(&mut snapshot, 30, Nhlfe::Blackhole);
    let way = |nhlfe| {
        own(&snapshot, &[(30, 6, 1), (1, 0, 1)], |frame| {
            frame.meta_mut().flags.set(Flags::DIRECTED);
            frame.meta_mut().nhlfe = nhlfe;
        })
    };
    let (top, below) = (mpls(&[(30, 6, 1), (1, 0, 1)]), ip4(1));
    assert_eq!(sent(&way(next)), out(ether_type::MPLS, &[&top, &below]));
    let expected = mpls(&[(70, 6, 255), (30, 6, 1), (1, 0, 1)]);
    assert_eq!(sent(&way(lsp)), out(ether_type::MPLS, &[&expected, &below]));
}
