//! Bad stacks, labels that lead nowhere, TTL at its end: each with its named drop.

use super::*;
use crate::id::VrfId;
use crate::packet::Layer3;
use crate::table::{EcmpGroup, Pop, Push, Swap};
use crate::wire::ethernet::multicast_v4;

#[test]
fn every_label_is_refused_where_mpls_is_off() {
    let mut snapshot = label_router();
    let next = to_ge1(&mut snapshot);
    for label in (0..1 << 20).step_by(4099) {
        label_to(&mut snapshot, label, Nhlfe::Swap(Swap { label: 17, next }));
    }
    change(&mut snapshot, GE0, |i| i.mpls = false);
    let mut frames = batch(&labelled(&[(0, 0, 64)], &ip4(64)));
    for label in 0..1u32 << 20 {
        let frame = &mut frames.frames_mut()[0];
        let top = mpls(&[(label, 0, 64)]);
        frame.meta_mut().verdict = Verdict::Forward;
        frame.bytes_mut()[14..18].copy_from_slice(&top);
        crate::stage::parse::run(&mut frames, &snapshot, crate::id::PortIndex(0));
        assert_eq!(frames.frames()[0].meta().verdict, dropped(DropReason::MplsDisabled), "label {label}");
    }
}

#[test]
fn a_stack_that_is_cut_short_or_has_no_bottom_is_malformed() {
    let mut snapshot = label_router();
    pop(&mut snapshot, 20, UNIFORM);
    let malformed = dropped(DropReason::MplsMalformed);
    for cut in 0..4 {
        let frame = rewritten(&snapshot, &stack(&[&eth(ether_type::MPLS), &mpls(&[(20, 0, 9)])[..cut]]));
        assert_eq!((frame.meta().verdict, frame.meta().layer3), (malformed, Layer3::Mpls), "{cut} bytes");
    }
    // No bottom: the entries end where the frame does.
    let open = [&mpls(&[(20, 0, 9), (0, 0, 0)])[..4], &mpls(&[(20, 0, 9), (0, 0, 0)])[..4]].concat();
    for cut in 4..8 {
        let frame = rewritten(&snapshot, &stack(&[&eth(ether_type::MPLS), &open[..cut]]));
        assert_eq!(frame.meta().verdict, malformed, "{cut} bytes");
    }
    // An entropy label indicator is followed by an entropy label (RFC 6790 section 4.2).
    assert_eq!(verdict_of(&snapshot, &[(20, 0, 9), (7, 0, 9)], &ip4(9)), malformed);
    let eli = mpls(&[(7, 0, 9), (0, 0, 0)]);
    let frame = rewritten(&snapshot, &stack(&[&eth(ether_type::MPLS), &eli[..4]]));
    assert_eq!(frame.meta().verdict, malformed);
}

#[test]
fn a_deep_stack_is_switched_and_not_popped_for_ever() {
    let mut snapshot = label_router();
    let next = to_ge1(&mut snapshot);
    pop(&mut snapshot, 20, UNIFORM);
    label_to(&mut snapshot, 30, Nhlfe::Swap(Swap { label: 17, next }));
    for depth in [64, 100, 300] {
        let mut entries = vec![(20, 1, 9); depth];
        assert_eq!(verdict_of(&snapshot, &entries, &ip4(9)), dropped(DropReason::LookupLoop));
        entries[0] = (30, 5, 64);
        let frame = rewritten(&snapshot, &labelled(&entries, &ip4(9)));
        entries[0] = (17, 5, 63);
        assert_eq!(sent(&frame), out(ether_type::MPLS, &[&mpls(&entries), &ip4(9)]));
    }
    assert_eq!(verdict_of(&snapshot, &[(20, 1, 200); 15], &ip4(9)), Verdict::Forward);
}

#[test]
fn ttl_ends_where_the_label_says() {
    let mut snapshot = label_router();
    let next = to_ge1(&mut snapshot);
    label_to(&mut snapshot, 30, Nhlfe::Swap(Swap { label: 17, next }));
    label_to(&mut snapshot, 31, Nhlfe::Pop(Pop { next, model: PIPE, egress: Some(VrfId(0)) }));
    pop(&mut snapshot, 20, UNIFORM);
    pop(&mut snapshot, 21, PIPE);
    let expired = punted(PuntReason::TtlExpired);
    for ttl in [0, 1] {
        let bytes = labelled(&[(30, 5, ttl), (17, 0, 99)], &ip4(64));
        let frame = rewritten(&snapshot, &bytes);
        assert_eq!((frame.meta().verdict, frame.bytes()), (expired, &bytes[..]));
        assert_eq!(verdict_of(&snapshot, &[(20, 5, ttl)], &ip4(64)), expired);
        assert_eq!(verdict_of(&snapshot, &[(20, 5, ttl), (30, 0, 64)], &ip4(64)), expired);
        assert_eq!(verdict_of(&snapshot, &[(0, 5, ttl)], &ip4(64)), expired);
        // A pipe is one hop for its contents: their own TTL counts, and 0 never passes.
        let pipe = if ttl == 0 { expired } else { Verdict::Forward };
        assert_eq!(verdict_of(&snapshot, &[(21, 5, ttl)], &ip4(64)), pipe);
        assert_eq!(verdict_of(&snapshot, &[(31, 5, ttl)], &ip4(64)), pipe);
        assert_eq!(verdict_of(&snapshot, &[(21, 5, 64)], &ip4(ttl)), expired);
    }
    // To the router itself the last hop is enough.
    let own = stack(&[&ipv4(("10.1.0.9", "10.2.0.1"), 8), &udp(1, 2, 0)]);
    assert_eq!(verdict_of(&snapshot, &[(20, 5, 1)], &own), punted(PuntReason::Local));
}

#[test]
fn labels_that_lead_nowhere() {
    let mut snapshot = label_router();
    let next = to_ge1(&mut snapshot);
    let none = dropped(DropReason::MplsNoLabel);
    assert_eq!(verdict_of(&snapshot, &[(99, 5, 64)], &ip4(64)), none);
    let bad = [
        Nhlfe::Local,
        Nhlfe::Glean(GE1),
        Nhlfe::Swap(Swap { label: 17, next: NhlfeId(999) }),
        Nhlfe::Pop(Pop { next: NhlfeId(999), model: UNIFORM, egress: None }),
    ];
    for (label, nhlfe) in (40..).zip(bad) {
        label_to(&mut snapshot, label, nhlfe.clone());
        assert_eq!(verdict_of(&snapshot, &[(label, 5, 64), (17, 0, 9)], &ip4(64)), none, "{nhlfe:?}");
    }
    label_to(&mut snapshot, 50, Nhlfe::Blackhole);
    assert_eq!(verdict_of(&snapshot, &[(50, 5, 64)], &ip4(64)), dropped(DropReason::Blackhole));
    label_to(&mut snapshot, 51, Nhlfe::Unreachable);
    assert_eq!(verdict_of(&snapshot, &[(51, 5, 64)], &ip4(64)), punted(PuntReason::Unreachable));
    // What is for labelled frames only is nothing for a prefix.
    let pop = Pop { next, model: UNIFORM, egress: None };
    for nhlfe in [Nhlfe::Swap(Swap { label: 17, next }), Nhlfe::Pop(pop)] {
        route(&mut snapshot, "203.0.113.0/24", nhlfe);
        let plain = stack(&[&eth(ether_type::IPV4), &ipv4(("10.1.0.9", "203.0.113.1"), 8), &udp(1, 2, 0)]);
        assert_eq!(rewritten(&snapshot, &plain).meta().verdict, none);
    }
}

#[test]
fn chains_end_or_are_a_loop() {
    let mut snapshot = label_router();
    let next = to_ge1(&mut snapshot);
    let turn = entry(&mut snapshot, Nhlfe::Blackhole);
    snapshot.nhlfes.set(turn.index(), push(&[17], turn, UNIFORM));
    label_to(&mut snapshot, 30, Nhlfe::Swap(Swap { label: 16, next: turn }));
    assert_eq!(verdict_of(&snapshot, &[(30, 5, 64)], &ip4(64)), dropped(DropReason::LookupLoop));
    let ring = entry(&mut snapshot, Nhlfe::Blackhole);
    let group = EcmpGroup::new(&[ring]).unwrap();
    snapshot.nhlfes.set(ring.index(), Nhlfe::Ecmp(group.into()));
    snapshot.ilm.set(31, ring);
    assert_eq!(verdict_of(&snapshot, &[(31, 5, 64)], &ip4(64)), dropped(DropReason::LookupLoop));
    // Sixteen entries fit, one more does not.
    let eight = [16, 17, 18, 19, 20, 21, 22, 23];
    let inner = entry(&mut snapshot, push(&eight, next, PIPE));
    route(&mut snapshot, "198.51.100.0/24", push(&eight, inner, PIPE));
    let plain = stack(&[&eth(ether_type::IPV4), &ip4(64)]);
    let frame = rewritten(&snapshot, &plain);
    let all: Vec<_> = eight.iter().chain(&eight).map(|label| (*label, 0, 255)).collect();
    assert_eq!(sent(&frame), out(ether_type::MPLS, &[&mpls(&all), &ip4(63)]));
    let more = entry(&mut snapshot, push(&[24], next, PIPE));
    let inner = entry(&mut snapshot, push(&eight, more, PIPE));
    route(&mut snapshot, "198.51.100.0/24", push(&eight, inner, PIPE));
    assert_eq!(rewritten(&snapshot, &plain).meta().verdict, dropped(DropReason::NoHeadroom));
}

#[test]
fn labels_leave_only_where_mpls_is_on_and_the_interface_up() {
    let mut snapshot = label_router();
    let next = to_ge1(&mut snapshot);
    label_to(&mut snapshot, 30, Nhlfe::Swap(Swap { label: 17, next }));
    snapshot.ilm.set(32, next); // the label stays as it is
    route(&mut snapshot, "198.51.100.0/24", push(&[17], next, UNIFORM));
    let plain = stack(&[&eth(ether_type::IPV4), &ip4(64)]);
    let all = |snapshot: &Snapshot| {
        let swap = verdict_of(snapshot, &[(30, 5, 64)], &ip4(64));
        let kept = verdict_of(snapshot, &[(32, 5, 64)], &ip4(64));
        [swap, kept, rewritten(snapshot, &plain).meta().verdict]
    };
    assert_eq!(all(&snapshot), [Verdict::Forward; 3]);
    change(&mut snapshot, GE1, |i| i.mpls = false);
    assert_eq!(all(&snapshot), [dropped(DropReason::MplsDisabled); 3]);
    change(&mut snapshot, GE1, |i| (i.mpls, i.enabled) = (true, false));
    assert_eq!(all(&snapshot), [dropped(DropReason::InterfaceDown); 3]);
    snapshot.interfaces.remove(GE1.index());
    assert_eq!(all(&snapshot), [dropped(DropReason::InterfaceDown); 3]);
}

#[test]
fn groups_of_stations_get_no_labels() {
    let mut snapshot = label_router();
    pop(&mut snapshot, 20, UNIFORM);
    let group = eth_to(multicast_v4([224, 0, 0, 5].into()), HOST0, ether_type::MPLS);
    let frame = rewritten(&snapshot, &stack(&[&group, &mpls(&[(20, 0, 64)]), &ip4(64)]));
    assert_eq!(frame.meta().verdict, dropped(DropReason::Broadcast));
}

#[test]
fn a_push_of_nothing_leaves_plain_ip() {
    let mut snapshot = label_router();
    change(&mut snapshot, GE1, |i| i.mpls = false);
    let next = to_ge1(&mut snapshot);
    let Nhlfe::Push(none) = push(&[], next, UNIFORM) else { return };
    route(&mut snapshot, "198.51.100.0/24", Nhlfe::Push(Push { entropy: true, ..none }));
    let frame = rewritten(&snapshot, &stack(&[&eth(ether_type::IPV4), &ip4(64)]));
    assert_eq!(sent(&frame), out(ether_type::IPV4, &[&ip4(63)]));
    assert_eq!(frame.meta().vrf, VrfId(0));
}
