//! Errors about packets that came labelled (RFC 3032 section 2.3, RFC 4884, RFC 4950),
//! and what a tunnel does not carry to the router.
//!
//! ```text
//!   core ── ge0 192.0.2.1 (default, MPLS) ┐
//!   site ── ge1 198.51.100.1 (red)        ┴ router     red has 10.0.0.0/8 on ge1
//! ```

use super::*;
use crate::packet::DropReason;
use crate::table::{Labels, Pop, PopLookup, Push, Swap, TunnelModel};
use crate::wire::icmp::{Family, IcmpHeader, extension};

pub(super) const RED: VrfId = VrfId(1);
/// What the labels of [`pe`] do.
const SWAPPED: u32 = 17;
const TO_RED: u32 = 30_012;
const TO_SITE: u32 = 30_013;
const HOP_POPS: u32 = 18;

/// The router of the picture. Entries: 0 and 1 glean, 2 and 3 to a neighbour on ge0
/// and ge1, the labels' from 4 on.
pub(super) fn pe() -> Bench {
    pe_with(|limits| (limits.dad_probes, limits.announcements) = (0, 0))
}

/// The same with other limits.
pub(super) fn pe_with(change: impl FnOnce(&mut Limits)) -> Bench {
    let mut bench = Bench::with(change);
    let ge1 = Arc::make_mut(bench.snapshot.interfaces.get_mut(1).unwrap());
    ge1.vrf = RED;
    let red = [("10.0.0.0/8", 3), ("198.51.100.0/30", 1)];
    let mut vrf = Vrf::new(RED, "red");
    for (net, id) in red {
        vrf.fib4.insert(net.parse().unwrap(), NhlfeId(id));
    }
    vrf.fib6.insert("2001:db8:7::/48".parse().unwrap(), NhlfeId(3));
    bench.snapshot.vrfs.set(1, vrf);
    for (id, interface, neighbour) in [(2, GE0, "192.0.2.9"), (3, GE1, "198.51.100.2")] {
        let adjacency = bench.snapshot.adjacency_for(interface, ip(neighbour));
        bench.snapshot.nhlfes.set(id, Nhlfe::Forward(adjacency));
    }
    let (vrf, model, bottom) = (RED, TunnelModel::default(), true);
    for (id, label, nhlfe) in [
        (4, SWAPPED, Nhlfe::Swap(Swap { label: 21, next: NhlfeId(2) })),
        (5, TO_RED, Nhlfe::PopLookup(PopLookup { vrf, model, bottom })),
        (6, TO_SITE, Nhlfe::Pop(Pop { next: NhlfeId(3), model, egress: Some(VrfId(1)) })),
        (7, HOP_POPS, Nhlfe::Pop(Pop { next: NhlfeId(2), model, egress: None })),
    ] {
        bench.snapshot.nhlfes.set(id, nhlfe);
        bench.snapshot.ilm.set(label, NhlfeId(id as u32));
    }
    bench.change(|ge0| ge0.mpls = true);
    for action in std::mem::take(&mut bench.out) {
        if let Action::Transmit(frame) = action {
            bench.host.recycle(frame);
        }
    }
    bench
}

/// A labelled frame; each entry is label, TC and TTL.
pub(super) fn labelled(entries: &[(u32, u8, u8)], datagram: &[u8]) -> Vec<u8> {
    let mut bytes = eth(ROUTER, mac(9), 0x8847, &[]);
    for (i, (label, tc, ttl)) in entries.iter().enumerate() {
        let mut entry = [0; 4];
        LabelStackEntry::new(*label, *tc, i + 1 == entries.len(), *ttl).emit(&mut entry).unwrap();
        bytes.extend(entry);
    }
    [bytes, datagram.to_vec()].concat()
}

/// The same frame with all its labels taken off, looked up in `vrf`.
pub(super) fn exposed(bytes: &[u8], labels: u8, vrf: VrfId, reason: PuntReason) -> Frame {
    let start = 14 + usize::from(labels) * 4;
    let plain = punted(&[&bytes[..12], &[8, 0], &bytes[start..]].concat(), reason);
    let mut frame = punted(bytes, reason);
    let meta = frame.meta_mut();
    *meta = *plain.meta();
    meta.l3_offset += u16::from(labels) * 4;
    (meta.popped, meta.vrf) = (labels, vrf);
    meta.flags.set(Flags::EXPOSED);
    frame
}

fn call(from: &str) -> Vec<u8> {
    ipv4(from, "10.2.0.9", 17, &[0x30, 0, 0x30, 1, 0, 20, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
}

fn refused(bench: &mut Bench, bytes: &[u8], reason: PuntReason) -> Vec<String> {
    bench.receive(bytes, reason);
    bench.told()
}

#[test]
fn an_error_carries_the_stack_behind_a_padded_original() {
    // | eth | 30012 TC 5 TTL 1 | 10.1.0.9 > 10.2.0.9, 40 bytes |
    let bytes = labelled(&[(TO_RED, 5, 1)], &call("10.1.0.9"));
    let mut bench = pe();
    bench.receive(&bytes, PuntReason::TtlExpired);
    let Action::Route(error) = &bench.out[0] else { panic!("{:?}", bench.out) };
    // | IP 20 | ICMP 8, length 32 words | original 40 + 88 zeros | header 4 | object 4 + 4 |
    let (header, body) = IcmpHeader::parse(&error.bytes()[20..]).unwrap();
    assert_eq!((header.kind, header.rest, body.len()), (11, [0, 32, 0, 0], 128 + 12));
    let (quote, structure) = extension::split(Family::V4, header, body);
    assert_eq!((&quote[..40], &quote[40..]), (&bytes[18..], &[0; 88][..]));
    let stack = extension::stack(structure.unwrap()).unwrap().unwrap();
    assert_eq!(stack, [LabelStackEntry::new(TO_RED, 5, true, 1)]);
    assert_eq!(error.meta().vrf, RED);
}

#[test]
fn an_icmpv6_error_counts_in_words_of_eight_bytes() {
    let datagram = ipv6("2001:db8:7::9", "2001:db8:8::9", 17, 64, &[0; 90]);
    let bytes = labelled(&[(SWAPPED, 3, 1), (99, 3, 60)], &datagram);
    let mut bench = pe();
    bench.receive(&bytes, PuntReason::TtlExpired);
    let Action::Route(error) = &bench.out[0] else { panic!("{:?}", bench.out) };
    // | 17 | 99 | IP 40 | ICMP 8, length 17 double words | original 130 + 6 zeros | 4 + 4 + 8 |
    let (header, body) = IcmpHeader::parse(&error.bytes()[8 + 40..]).unwrap();
    assert_eq!((header.kind, header.rest, body.len()), (3, [17, 0, 0, 0], 136 + 16));
    let (quote, structure) = extension::split(Family::V6, header, body);
    assert_eq!((&quote[..130], &quote[130..]), (&datagram[..], &[0; 6][..]));
    assert_eq!(extension::stack(structure.unwrap()).unwrap().unwrap().len(), 2);
}

#[test]
fn the_whole_message_stays_within_576_bytes_or_1280() {
    let long = ipv4("10.1.0.9", "10.2.0.9", 17, &[0; 1400]);
    let long6 = ipv6("2001:db8:7::9", "2001:db8:8::9", 17, 64, &[0; 1400]);
    for depth in [1usize, 2, 3, 30] {
        let stack: Vec<_> = (0..depth).map(|i| (if i == 0 { SWAPPED } else { 99 }, 0, 1)).collect();
        for (datagram, least, most) in [(&long, 572, 576), (&long6, 1272, 1280)] {
            let mut bench = pe();
            bench.receive(&labelled(&stack, datagram), PuntReason::TtlExpired);
            let Action::Route(error) = &bench.out[0] else { panic!("{depth}: {:?}", bench.out) };
            let labels = if error.meta().layer3 == Layer3::Mpls { 4 * depth } else { 0 };
            assert!((least..=most).contains(&(error.len() - labels)), "{depth}: {}", error.len() - labels);
        }
    }
}

#[test]
fn a_packet_switched_onward_is_told_about_along_its_lsp() {
    let mut bench = pe();
    let two = labelled(&[(SWAPPED, 5, 1), (99, 5, 61)], &call("10.1.0.9"));
    let told = "route 17/6/255 99/6/255 192.0.2.1 > 10.1.0.9 ttl 255: icmp 11/0 200000 dscp 48 + 144";
    assert_eq!(refused(&mut bench, &two, PuntReason::TtlExpired), [told, "drop ttl-expired"]);
    // One label and no route back: the same way.
    let one = labelled(&[(SWAPPED, 5, 1)], &call("10.1.0.9"));
    let told = "route 17/6/255 192.0.2.1 > 10.1.0.9 ttl 255: icmp 11/0 200000 dscp 48 + 140";
    assert_eq!(refused(&mut bench, &one, PuntReason::TtlExpired), [told, "drop ttl-expired"]);
    // A route that only discards is none.
    let dead = NhlfeId(bench.snapshot.nhlfes.insert(Nhlfe::Blackhole) as u32);
    bench.snapshot.vrfs.get_mut(0).unwrap().fib4.insert("0.0.0.0/0".parse().unwrap(), dead);
    assert_eq!(refused(&mut bench, &one, PuntReason::TtlExpired)[0], told);
}

#[test]
fn one_label_and_a_route_back_is_told_directly_two_never() {
    let mut bench = pe();
    bench.snapshot.vrfs.get_mut(0).unwrap().fib4.insert("203.0.113.0/24".parse().unwrap(), NhlfeId(2));
    let one = labelled(&[(SWAPPED, 0, 1)], &call("203.0.113.9"));
    let told = "route 192.0.2.1 > 203.0.113.9 ttl 64: icmp 11/0 200000 dscp 48 + 140";
    assert_eq!(refused(&mut bench, &one, PuntReason::TtlExpired)[0], told);
    let popped = labelled(&[(HOP_POPS, 0, 1)], &call("203.0.113.9"));
    assert_eq!(refused(&mut bench, &popped, PuntReason::TtlExpired)[0], told);
    let two = labelled(&[(SWAPPED, 0, 1), (99, 0, 1)], &call("203.0.113.9"));
    assert!(refused(&mut bench, &two, PuntReason::TtlExpired)[0].starts_with("route 17/6/255 99/6/255 "));
}

#[test]
fn where_the_tunnel_ends_here_the_error_stays_in_its_vrf() {
    // The core has a route to the same address: it must not be asked.
    let mut bench = pe();
    bench.snapshot.vrfs.get_mut(0).unwrap().fib4.insert("10.0.0.0/8".parse().unwrap(), NhlfeId(2));
    for stack in [&[(TO_RED, 5, 1)][..], &[(TO_SITE, 5, 1)], &[(0, 5, 1), (TO_RED, 5, 1)]] {
        bench.receive(&labelled(stack, &call("10.1.0.9")), PuntReason::TtlExpired);
        let Some(Action::Route(error)) = bench.out.first() else { panic!("{stack:?}: {:?}", bench.out) };
        assert_eq!((error.meta().vrf, error.meta().layer3), (RED, Layer3::Ipv4), "{stack:?}");
        // From an address of the Vrf: the core's own means nothing there.
        assert!(bench.told()[0].starts_with("route 198.51.100.1 > 10.1.0.9 ttl 64: icmp 11/0 "));
    }
    let frame = exposed(&labelled(&[(TO_RED, 5, 9)], &call("10.1.0.9")), 1, RED, PuntReason::NoRoute);
    bench.host.receive(frame, Time(5), &bench.snapshot, &mut bench.out);
    let Some(Action::Route(error)) = bench.out.first() else { panic!("{:?}", bench.out) };
    assert_eq!(error.meta().vrf, RED);
    assert!(bench.told()[0].contains("icmp 3/0 200000 dscp 48 + 140"));
}

#[test]
fn an_egress_is_of_its_vrf_wherever_its_way_leads() {
    // A discard, and another PE, by the core.
    let labels = Labels::new(&[24]).unwrap();
    let (next, model, entropy) = (NhlfeId(2), TunnelModel::default(), false);
    for way in [Nhlfe::Unreachable, Nhlfe::Push(Push { labels, next, model, entropy })] {
        let mut bench = pe();
        bench.snapshot.vrfs.get_mut(0).unwrap().fib4.insert("0.0.0.0/0".parse().unwrap(), NhlfeId(2));
        let next = NhlfeId(bench.snapshot.nhlfes.insert(way) as u32);
        bench.snapshot.nhlfes.set(6, Nhlfe::Pop(Pop { next, model, egress: Some(RED) }));
        bench.receive(&labelled(&[(TO_SITE, 5, 0)], &call("10.1.0.9")), PuntReason::TtlExpired);
        let Some(Action::Route(error)) = bench.out.first() else { panic!("{:?}", bench.out) };
        assert_eq!((error.meta().vrf, error.meta().layer3), (RED, Layer3::Ipv4));
        assert!(bench.told()[0].starts_with("route 198.51.100.1 > 10.1.0.9 "));
    }
}

#[test]
fn what_router_alert_shows_goes_on_and_a_flood_of_it_does_not() {
    let mut bench = pe_with(|limits| limits.echo_replies_per_second = 20);
    let bytes = labelled(&[(1, 5, 9), (TO_RED, 5, 9)], &call("10.1.0.9"));
    for n in 0..12 {
        bench.receive(&bytes, PuntReason::LspPing);
        match &bench.out[..] {
            [Action::Release(frame)] if n < 10 => {
                assert!(frame.meta().flags.has(Flags::HEARD) && frame.bytes() == bytes);
            }
            [Action::Drop(_, DropReason::MplsAlert)] if n >= 10 => {}
            other => panic!("{n}: {other:?}"),
        }
        bench.out.clear();
    }
}

#[test]
fn a_vrf_without_an_address_speaks_from_the_interface_it_came_by() {
    let mut bench = pe();
    Arc::make_mut(bench.snapshot.interfaces.get_mut(1).unwrap()).addresses = Arc::new([]);
    let told = refused(&mut bench, &labelled(&[(TO_RED, 5, 1)], &call("10.1.0.9")), PuntReason::TtlExpired);
    assert!(told[0].starts_with("route 192.0.2.1 > 10.1.0.9 "), "{told:?}");
}

#[test]
fn what_fits_with_the_labels_is_said_beside_the_length() {
    for (datagram, kind, rest, body) in [
        (call("10.1.0.9"), "3/4", "2005d4", 140),
        // Packet too big has no room for a length: no structure (RFC 4884 section 4.6).
        (ipv6("2001:db8:7::9", "2001:db8:8::9", 17, 64, &[0; 20]), "2/0", "5d4", 60),
    ] {
        let mut frame = punted(&labelled(&[(TO_RED, 5, 9)], &datagram), PuntReason::FragmentationNeeded);
        frame.rare_mut().detail = 1492;
        let mut bench = pe();
        bench.host.receive(frame, Time(5), &bench.snapshot, &mut bench.out);
        let told = bench.told();
        assert!(told[0].ends_with(&format!("icmp {kind} {rest} dscp 48 + {body}")), "{told:?}");
    }
}

#[test]
fn about_what_is_no_sound_datagram_below_nothing_is_said() {
    let good = call("10.1.0.9");
    let with = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        Ipv4Packet::new_unchecked(&mut bytes).fill_checksum();
        bytes
    };
    let mut wrong_sum = good.clone();
    wrong_sum[10] ^= 1;
    let error = ipv4("10.1.0.9", "10.2.0.9", 1, &icmp4(11, 0, [0; 4], &good));
    let error6 = ipv6("2001:db8:7::9", "2001:db8:8::9", 58, 64, &[1, 0, 0, 0, 0, 0, 0, 0]);
    // | IPv6, next 44 | fragment header, next 17, offset 8 | data |
    let later6 = ipv6("2001:db8:7::9", "2001:db8:8::9", 44, 64, &[17, 0, 0, 8, 0, 0, 0, 1, 1, 2, 3, 4]);
    let cases = [
        ("a pseudowire's control word", vec![0; 40]),
        ("nothing", vec![]),
        ("cut short", good[..39].to_vec()),
        ("a wrong header checksum", wrong_sum),
        ("a later fragment", with(7, 5)),
        ("a later IPv6 fragment", later6),
        ("an ICMP error", error),
        ("an ICMPv6 error", error6),
        ("from a group", with(12, 224)),
        ("to a group", with(16, 224)),
        ("from loopback", with(12, 127)),
    ];
    for (case, datagram) in cases {
        let mut bench = pe();
        let told =
            refused(&mut bench, &labelled(&[(SWAPPED, 5, 1), (99, 5, 1)], &datagram), PuntReason::TtlExpired);
        assert_eq!(told, ["drop ttl-expired"], "{case}");
    }
    // No bottom within the frame, and none within 64 entries.
    let endless: Vec<_> = (0..80).map(|_| (SWAPPED, 5, 1)).collect();
    for bytes in [labelled(&endless, &good), labelled(&[(SWAPPED, 5, 1), (99, 5, 1)], &good)[..20].to_vec()] {
        assert_eq!(refused(&mut pe(), &bytes, PuntReason::TtlExpired), ["drop ttl-expired"]);
    }
}

#[test]
fn subnets_of_the_core_mean_nothing_to_what_is_in_a_tunnel() {
    // 192.0.2.255 is a broadcast and 192.0.2.1 the router's own on ge0; in red they are hosts.
    for from in ["192.0.2.255", "192.0.2.1"] {
        let told = refused(&mut pe(), &labelled(&[(TO_RED, 5, 1)], &call(from)), PuntReason::TtlExpired);
        assert_eq!(told.len(), 2, "{from}: {told:?}");
    }
}

#[test]
fn neighbour_discovery_and_groups_are_not_heard_through_a_tunnel() {
    let solicitation = [&[135, 0, 0, 0, 0, 0, 0, 0][..], &[0x20, 1, 0xd, 0xb8], &[0; 11], &[1]].concat();
    let nd = ipv6("2001:db8::9", "2001:db8::1", 58, 255, &solicitation);
    let group = ipv6("2001:db8::9", "ff02::1", 58, 255, &[128, 0, 0, 0, 0, 7, 0, 1]);
    for (datagram, reason, drop) in [
        (nd, PuntReason::Local, DropReason::NdInvalid),
        (group, PuntReason::LinkMulticast, DropReason::Multicast),
    ] {
        let mut bench = pe();
        let frame = exposed(&labelled(&[(TO_RED, 5, 255)], &datagram), 1, RED, reason);
        bench.host.receive(frame, Time(5), &bench.snapshot, &mut bench.out);
        assert_eq!(bench.told(), [format!("drop {drop}")]);
    }
}

#[test]
fn a_link_local_sender_at_the_other_end_is_not_answered() {
    let echo = ipv6("fe80::9", "2001:db8:1::1", 58, 64, &[128, 0, 0, 0, 0, 7, 0, 1]);
    let mut bench = pe();
    let frame = exposed(&labelled(&[(TO_RED, 5, 9)], &echo), 1, RED, PuntReason::Local);
    bench.host.receive(frame, Time(5), &bench.snapshot, &mut bench.out);
    assert_eq!((bench.told(), bench.host.available()), (vec!["deliver".into()], 64));
}

#[test]
fn a_ping_through_a_tunnel_is_answered_in_its_vrf() {
    let echo = ipv4("10.1.0.9", "198.51.100.1", 1, &icmp4(8, 0, [0, 7, 0, 1], &[1; 8]));
    let mut bench = pe();
    let frame = exposed(&labelled(&[(TO_RED, 5, 9)], &echo), 1, RED, PuntReason::Local);
    bench.host.receive(frame, Time(5), &bench.snapshot, &mut bench.out);
    let Some(Action::Route(reply)) = bench.out.first() else { panic!("{:?}", bench.out) };
    assert_eq!(reply.meta().vrf, RED);
    assert!(bench.told()[0].starts_with("route 198.51.100.1 > 10.1.0.9 ttl 64: icmp 0/0 70001"));
}

#[test]
fn a_ping_into_a_tunnel_asks_from_an_address_of_its_vrf() {
    let mut bench = pe();
    let push = Push {
        labels: Labels::new(&[24]).unwrap(),
        next: NhlfeId(2),
        model: TunnelModel::default(),
        entropy: false,
    };
    let far = NhlfeId(bench.snapshot.nhlfes.insert(Nhlfe::Push(push)) as u32);
    bench.snapshot.vrfs.get_mut(1).unwrap().fib4.insert("10.9.0.0/16".parse().unwrap(), far);
    let request = ping::request("10.9.0.1");
    bench.host.ping(
        crate::host::PingRequest { vrf: RED, ..request },
        Time(5),
        &bench.snapshot,
        &mut bench.out,
    );
    assert!(bench.told()[0].starts_with("route 198.51.100.1 > 10.9.0.1 ttl 30: icmp 8/0 "));
}
