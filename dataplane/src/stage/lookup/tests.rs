//! Where frames go: routes, ECMP, neighbours, local delivery, scope, TTL, MTU.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::id::{AdjacencyId, IfIndex, VrfId};
use crate::packet::{Batch, DropReason, Flags, Frame, PuntReason, Verdict};
use crate::stage::testing::*;
use crate::table::{EcmpGroup, Nhlfe, Snapshot, VlanMatch};
use crate::wire::ethernet::{BROADCAST, ether_type};
use crate::wire::ipv4::Ipv4Header;

const LOCAL: Verdict = Verdict::Punt(PuntReason::Local);

fn drop(reason: DropReason) -> Verdict {
    Verdict::Drop(reason)
}

fn punt(reason: PuntReason) -> Verdict {
    Verdict::Punt(reason)
}

/// A UDP datagram in a frame from the host on ge0.
fn frame(source: &str, destination: &str, ttl: u8, data: usize) -> Vec<u8> {
    let between = (source, destination);
    if destination.contains(':') {
        let mut header = ipv6(between, 17, data + 8);
        header[7] = ttl;
        return stack(&[&eth(ether_type::IPV6), &header, &udp(5004, 5006, data)]);
    }
    let header = ipv4_with(between, 17, data + 8, &[], |h| h.ttl = ttl);
    stack(&[&eth(ether_type::IPV4), &header, &udp(5004, 5006, data)])
}

fn to(snapshot: &Snapshot, destination: &str) -> Frame {
    let source = if destination.contains(':') { "2001:db8:1::9" } else { "10.1.0.9" };
    looked_up(snapshot, &frame(source, destination, 64, 0))
}

#[test]
fn the_longest_prefix_decides() {
    let mut snapshot = router();
    route(&mut snapshot, "0.0.0.0/0", Nhlfe::Blackhole);
    route(&mut snapshot, "198.51.100.128/25", Nhlfe::Unreachable);
    route(&mut snapshot, "198.51.100.129/32", Nhlfe::Prohibited);
    route(&mut snapshot, "2001:db8:100:1::/64", Nhlfe::Prohibited);
    let frame = to(&snapshot, "198.51.100.7");
    assert_eq!((frame.meta().verdict, frame.meta().out_interface), (Verdict::Forward, GE1));
    let adjacency = snapshot.adjacency(frame.meta().adjacency).unwrap();
    assert_eq!(adjacency.neighbour, "10.2.0.9".parse::<std::net::IpAddr>().unwrap());
    let verdict = |destination| to(&snapshot, destination).meta().verdict;
    assert_eq!(verdict("198.51.100.128"), punt(PuntReason::Unreachable));
    assert_eq!(verdict("198.51.100.129"), punt(PuntReason::Prohibited));
    assert_eq!(verdict("203.0.113.1"), drop(DropReason::Blackhole));
    assert_eq!(verdict("2001:db8:100::7"), Verdict::Forward);
    assert_eq!(verdict("2001:db8:100:1::7"), punt(PuntReason::Prohibited));
    assert_eq!(verdict("2001:db8:ffff::1"), punt(PuntReason::NoRoute));
    assert_eq!(to(&router(), "203.0.113.1").meta().verdict, punt(PuntReason::NoRoute));
}

#[test]
fn vrfs_with_the_same_addresses_do_not_mix() {
    let mut snapshot = router();
    let mut other = interface(2, VlanMatch::Untagged, &["10.1.0.1/24"]);
    other.vrf = VrfId(1);
    add(&mut snapshot, other);
    // 198.51.100.0/24 is known in the first Vrf only.
    let from = |port: u16, mac: u8| {
        let mut frame = call();
        frame[5] = mac;
        let mut batch = batch(&frame);
        crate::stage::parse::run(&mut batch, &snapshot, crate::id::PortIndex(port));
        look_up(&mut batch, &snapshot);
        let meta = *batch.frames()[0].meta();
        (meta.vrf, meta.verdict)
    };
    assert_eq!(from(0, 0), (VrfId(0), Verdict::Forward));
    assert_eq!(from(2, 2), (VrfId(1), punt(PuntReason::NoRoute)));
}

#[test]
fn a_batch_of_both_families_and_several_vrfs_is_found_each_its_own() {
    let mut snapshot = router();
    let vrf = snapshot.vrf(VrfId(0)).cloned().unwrap();
    snapshot.vrfs.set(1, vrf);
    let blackhole = route(&mut snapshot, "198.51.100.0/24", Nhlfe::Blackhole);
    let mut batch = Batch::new();
    for i in 0..60 {
        let destination = if i % 2 == 0 { "198.51.100.7" } else { "2001:db8:100::7" };
        let source = if i % 2 == 0 { "10.1.0.9" } else { "2001:db8:1::9" };
        let mut frame = parsed(&snapshot, &frame(source, destination, 64, 0));
        frame.meta_mut().vrf = VrfId(i / 3 % 2);
        batch.push(frame).unwrap();
    }
    look_up(&mut batch, &snapshot);
    for (i, frame) in batch.frames().iter().enumerate() {
        let black = i % 2 == 0 && i / 3 % 2 == 0;
        let expected = if black { drop(DropReason::Blackhole) } else { Verdict::Forward };
        assert_eq!((i, frame.meta().verdict), (i, expected));
        assert_eq!(frame.meta().nhlfe == blackhole, black);
    }
}

#[test]
fn equal_cost_paths_share_flows_and_keep_each_on_one() {
    let mut snapshot = router();
    let members: Vec<_> = (10..14)
        .map(|n| {
            let neighbour = format!("10.2.0.{n}");
            assert!(snapshot.set_neighbour(GE1, neighbour.parse().unwrap(), Some(HOST1)));
            route_via(&mut snapshot, &format!("192.0.2.{n}/32"), GE1, &neighbour)
        })
        .collect();
    let group = EcmpGroup::new(&members).unwrap();
    route(&mut snapshot, "203.0.113.0/24", Nhlfe::Ecmp(Arc::new(group)));
    let mut counts = BTreeMap::new();
    for n in 0..=255u32 {
        let destination = format!("203.0.113.{n}");
        let first = to(&snapshot, &destination);
        assert_eq!(first.meta().verdict, Verdict::Forward);
        assert_eq!(first.meta().adjacency, to(&snapshot, &destination).meta().adjacency);
        *counts.entry(first.meta().adjacency).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 4);
    assert!(counts.values().all(|n| (40..90).contains(n)), "{counts:?}");
}

#[test]
fn groups_within_groups_end_or_are_a_loop() {
    let mut snapshot = router();
    let end = route_via(&mut snapshot, "192.0.2.1/32", GE1, "10.2.0.9");
    let ecmp = |members: &[_]| Nhlfe::Ecmp(Arc::new(EcmpGroup::new(members).unwrap()));
    let inner = route(&mut snapshot, "192.0.2.2/32", ecmp(&[end]));
    let outer = route(&mut snapshot, "192.0.2.3/32", ecmp(&[inner]));
    assert_eq!(to(&snapshot, "192.0.2.3").meta().verdict, Verdict::Forward);
    assert_eq!(to(&snapshot, "192.0.2.3").meta().nhlfe, end);
    snapshot.nhlfes.set(inner.index(), ecmp(&[outer]));
    assert_eq!(to(&snapshot, "192.0.2.3").meta().verdict, drop(DropReason::LookupLoop));
}

#[test]
fn connected_destinations_are_neighbours_themselves() {
    let known = to(&router(), "10.2.0.9");
    assert_eq!((known.meta().verdict, known.meta().out_interface), (Verdict::Forward, GE1));
    assert_eq!(to(&router(), "2001:db8:2::9").meta().verdict, Verdict::Forward);
    for unknown in ["10.2.0.77", "2001:db8:2::77"] {
        let frame = to(&router(), unknown);
        assert_eq!(frame.meta().verdict, punt(PuntReason::NeighbourMiss));
        assert_eq!((frame.meta().out_interface, frame.meta().adjacency), (GE1, AdjacencyId::NONE));
    }
}

#[test]
fn an_unresolved_next_hop_is_a_neighbour_miss_with_its_adjacency() {
    let mut snapshot = router();
    route_via(&mut snapshot, "203.0.113.0/24", GE1, "10.2.0.77");
    let frame = to(&snapshot, "203.0.113.1");
    assert_eq!(frame.meta().verdict, punt(PuntReason::NeighbourMiss));
    let adjacency = snapshot.adjacency(frame.meta().adjacency).unwrap();
    assert_eq!(adjacency.neighbour.to_string(), "10.2.0.77");
}

#[test]
fn every_address_of_the_router_is_local_whatever_the_ttl() {
    for own in ["10.1.0.1", "10.2.0.1", "2001:db8:1::1", "2001:db8:2::1", "fe80::1"] {
        let source = if own.contains(':') { "2001:db8:1::9" } else { "10.1.0.9" };
        for ttl in [0, 1, 64] {
            assert_eq!(looked_up(&router(), &frame(source, own, ttl, 0)).meta().verdict, LOCAL, "{own}");
        }
    }
}

#[test]
fn ttl_and_hop_limit_end_a_way() {
    for ttl in [0, 1, 2] {
        let expected = if ttl == 2 { Verdict::Forward } else { punt(PuntReason::TtlExpired) };
        let v4 = looked_up(&router(), &frame("10.1.0.9", "198.51.100.7", ttl, 0));
        let v6 = looked_up(&router(), &frame("2001:db8:1::9", "2001:db8:100::7", ttl, 0));
        assert_eq!((v4.meta().verdict, v6.meta().verdict), (expected, expected), "TTL {ttl}");
    }
}

/// The call, sent to this station and destination.
fn sent_to(mac: [u8; 6], destination: &str) -> Verdict {
    let bytes = frame("10.1.0.9", destination, 64, 0);
    looked_up(&router(), &stack(&[&eth_to(mac, HOST0, ether_type::IPV4), &bytes[14..]])).meta().verdict
}

#[test]
fn broadcasts_stay_on_their_link() {
    let broadcast = drop(DropReason::Broadcast);
    assert_eq!(sent_to(BROADCAST, "10.1.0.255"), LOCAL);
    assert_eq!(sent_to(MAC0, "10.1.0.255"), broadcast); // not by the link's broadcast
    assert_eq!(sent_to(MAC0, "10.2.0.255"), broadcast); // RFC 2644: directed
    assert_eq!(sent_to(BROADCAST, "10.2.0.255"), broadcast);
    assert_eq!(sent_to(BROADCAST, "10.1.0.1"), broadcast); // RFC 1122 section 3.3.6
    assert_eq!(sent_to(BROADCAST, "198.51.100.7"), broadcast); // RFC 1812 section 5.3.4
}

#[test]
fn link_local_addresses_do_not_leave_their_link() {
    let verdict =
        |source, destination| looked_up(&router(), &frame(source, destination, 64, 0)).meta().verdict;
    assert_eq!(verdict("fe80::9", "2001:db8:100::7"), punt(PuntReason::BeyondScope));
    assert_eq!(verdict("fe80::9", "2001:db8:1::1"), LOCAL);
    assert_eq!(verdict("2001:db8:1::9", "fe80::9"), drop(DropReason::LinkLocal));
    assert_eq!(verdict("2001:db8:1::9", "fe80::2"), drop(DropReason::LinkLocal)); // ge1's
    assert_eq!(verdict("169.254.1.1", "198.51.100.7"), drop(DropReason::LinkLocal));
    assert_eq!(verdict("10.1.0.9", "169.254.1.1"), drop(DropReason::LinkLocal));
}

#[test]
fn too_long_a_datagram_is_told_of_or_fragmented_exactly_at_the_mtu() {
    let mut snapshot = router();
    change(&mut snapshot, GE1, |i| i.mtu = 1300);
    let v4 = |length: usize, fragment: u16| {
        let payload = length - 20;
        let edit = |h: &mut Ipv4Header| h.fragment = fragment.into();
        let header = ipv4_with(("10.1.0.9", "198.51.100.7"), 17, payload, &[], edit);
        let frame = looked_up(&snapshot, &stack(&[&eth(ether_type::IPV4), &header, &udp(1, 2, payload - 8)]));
        (frame.meta().verdict, frame.meta().flags.has(Flags::TOO_LONG), frame.rare().detail)
    };
    assert_eq!(v4(1300, Ipv4Header::DONT_FRAGMENT), (Verdict::Forward, false, 0));
    assert_eq!(v4(1301, Ipv4Header::DONT_FRAGMENT), (punt(PuntReason::FragmentationNeeded), false, 1300));
    assert_eq!(v4(1300, 0), (Verdict::Forward, false, 0));
    assert_eq!(v4(1301, 0), (Verdict::Forward, true, 1300));
    let v6 = |data| {
        let frame = looked_up(&snapshot, &frame("2001:db8:1::9", "2001:db8:100::7", 64, data));
        (frame.meta().verdict, frame.rare().detail)
    };
    assert_eq!(v6(1300 - 48), (Verdict::Forward, 0));
    assert_eq!(v6(1301 - 48), (punt(PuntReason::PacketTooBig), 1300));
}

#[test]
fn nothing_leaves_by_an_interface_that_is_down_or_gone() {
    let mut snapshot = router();
    change(&mut snapshot, GE1, |i| i.enabled = false);
    assert_eq!(to(&snapshot, "198.51.100.7").meta().verdict, drop(DropReason::InterfaceDown));
    assert_eq!(to(&snapshot, "10.2.0.9").meta().verdict, drop(DropReason::InterfaceDown));
    snapshot.interfaces.remove(GE1.index());
    assert_eq!(to(&snapshot, "198.51.100.7").meta().verdict, drop(DropReason::InterfaceDown));
}

/// A datagram of the router's own, looked up.
fn own(snapshot: &Snapshot, datagram: &[u8], out: IfIndex) -> Frame {
    let mut batch = batch(datagram);
    let frame = &mut batch.frames_mut()[0];
    (frame.meta_mut().vrf, frame.meta_mut().out_interface) = (VrfId(0), out);
    crate::stage::parse::datagram(frame);
    look_up(&mut batch, snapshot);
    batch.pop().unwrap()
}

#[test]
fn what_the_router_sends_is_looked_up_without_hop_or_scope() {
    let header = ipv4_with(("10.2.0.1", "198.51.100.7"), 1, 8, &[], |h| h.ttl = 1);
    let frame = own(&router(), &stack(&[&header, &[0; 8]]), IfIndex::NONE);
    assert_eq!((frame.meta().verdict, frame.meta().out_interface), (Verdict::Forward, GE1));
    assert!(frame.meta().flags.has(Flags::ORIGINATED));

    // To a link-local neighbour, by the interface that the sender names.
    let mut snapshot = router();
    assert!(snapshot.set_neighbour(GE0, "fe80::9".parse().unwrap(), Some(HOST0)));
    let reply = stack(&[&ipv6(("fe80::1", "fe80::9"), 58, 8), &[129, 0, 0, 0, 0, 0, 0, 0]]);
    let frame = own(&snapshot, &reply, GE0);
    assert_eq!((frame.meta().verdict, frame.meta().out_interface), (Verdict::Forward, GE0));
    assert_eq!(own(&snapshot, &reply, GE1).meta().verdict, punt(PuntReason::NeighbourMiss));
}
