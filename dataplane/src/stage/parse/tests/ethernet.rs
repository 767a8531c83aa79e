//! Ethernet and VLAN tags.

use crate::id::IfIndex;
use crate::packet::{DropReason, Flags, Layer3, PuntReason, Verdict};
use crate::stage::testing::*;
use crate::table::{Snapshot, Tpid, VlanMatch};
use crate::wire::ethernet::{BROADCAST, ether_type, multicast_v4};

const DROP_UNKNOWN: Verdict = Verdict::Drop(DropReason::VlanUnknown);

/// Interfaces on port 0: untagged, 100, 200 (802.1ad), 300.400 (802.1ad outside), 500.600.
fn vlans() -> Snapshot {
    let mut snapshot = router();
    for (id, vlan) in [
        (10, VlanMatch::Single(Tpid::Dot1q, 100)),
        (11, VlanMatch::Single(Tpid::Dot1ad, 200)),
        (12, VlanMatch::Double(Tpid::Dot1ad, 300, 400)),
        (13, VlanMatch::Double(Tpid::Dot1q, 500, 600)),
    ] {
        let mut tagged = interface(id, vlan, &[]);
        (tagged.port, tagged.mac) = (crate::id::PortIndex(0), MAC0);
        add(&mut snapshot, tagged);
    }
    snapshot
}

/// The call behind these tags: TPID, VID.
fn tagged(tags: &[(u16, u16)]) -> Vec<u8> {
    let mut frame = call()[..12].to_vec();
    for (tpid, vid) in tags {
        frame.extend(tpid.to_be_bytes());
        frame.extend((5 << 13 | vid).to_be_bytes()); // priority 5
    }
    frame.extend(&call()[12..]);
    frame
}

#[test]
fn tags_lead_to_their_interface() {
    let (q, ad) = (0x8100, 0x88a8);
    for (tags, id, l3_offset) in [
        (&[][..], 0, 14),
        (&[(q, 0)], 0, 18),            // VID 0: a priority only
        (&[(ad, 0)], 0, 18),           //
        (&[(q, 0), (q, 0)], 0, 22),    //
        (&[(q, 100)], 10, 18),         //
        (&[(ad, 200)], 11, 18),        //
        (&[(q, 100), (q, 0)], 10, 22), // a priority under a tag
        (&[(q, 0), (q, 100)], 10, 22), // and over one
        (&[(ad, 300), (q, 400)], 12, 22),
        (&[(q, 500), (q, 600)], 13, 22),
        (&[(q, 0), (q, 500), (q, 0), (q, 600)], 13, 30),
    ] {
        let frame = parsed(&vlans(), &tagged(tags));
        let meta = frame.meta();
        assert_eq!(meta.verdict, Verdict::Forward, "{tags:x?}");
        assert_eq!((meta.in_interface, meta.l3_offset), (IfIndex(id), l3_offset), "{tags:x?}");
        assert_eq!((meta.layer3, frame.l3()), (Layer3::Ipv4, &call()[14..]), "{tags:x?}");
    }
}

#[test]
fn other_tags_are_unknown() {
    let (q, ad) = (0x8100, 0x88a8);
    for tags in [
        &[(q, 101)][..],
        &[(ad, 100)],                              // right VID, other TPID
        &[(q, 200)],                               //
        &[(q, 4095)],                              // reserved
        &[(0x9100, 100)],                          // a TPID of others
        &[(q, 100), (q, 7)],                       // one tag too many
        &[(q, 300), (q, 400)],                     //
        &[(q, 500), (ad, 600)],                    //
        &[(q, 500), (q, 600), (q, 700)],           //
        &[(q, 0), (q, 0), (q, 0), (q, 0), (q, 0)], // more tags than are looked at
    ] {
        assert_eq!(parsed(&vlans(), &tagged(tags)).meta().verdict, DROP_UNKNOWN, "{tags:x?}");
    }
}

#[test]
fn a_port_without_an_untagged_interface_takes_tagged_frames_only() {
    let mut snapshot = Snapshot::default();
    add(&mut snapshot, interface(0, VlanMatch::Single(Tpid::Dot1q, 100), &["10.1.0.1/24"]));
    assert_eq!(parsed(&snapshot, &call()).meta().verdict, DROP_UNKNOWN);
    assert_eq!(parsed(&snapshot, &tagged(&[(0x8100, 100)])).meta().verdict, Verdict::Forward);
}

#[test]
fn frames_cut_short_are_runts_or_truncated_tags() {
    let frame = tagged(&[(0x8100, 100)]);
    for length in 0..18 {
        let expected = if length < 14 { DropReason::Runt } else { DropReason::VlanTruncated };
        assert_eq!(parsed(&vlans(), &frame[..length]).meta().verdict, Verdict::Drop(expected), "{length}");
    }
}

#[test]
fn stations_are_checked() {
    let to = |destination, source| {
        let frame = stack(&[&eth_to(destination, source, ether_type::IPV4), &call()[14..]]);
        let frame = parsed(&router(), &frame);
        (frame.meta().verdict, frame.meta().flags.has(Flags::L2_MULTICAST))
    };
    assert_eq!(to(MAC0, HOST0), (Verdict::Forward, false));
    assert_eq!(to(BROADCAST, HOST0), (Verdict::Forward, true));
    assert_eq!(to(multicast_v4([224, 0, 0, 5].into()), HOST0), (Verdict::Forward, true));
    assert_eq!(to(MAC1, HOST0).0, Verdict::Drop(DropReason::WrongMac));
    assert_eq!(to(MAC0, BROADCAST).0, Verdict::Drop(DropReason::SourceMacInvalid));
    assert_eq!(to(MAC0, [3, 0, 0, 0, 0, 1]).0, Verdict::Drop(DropReason::SourceMacInvalid));
    assert_eq!(to(MAC0, MAC0).0, Verdict::Drop(DropReason::SourceMacInvalid));
}

#[test]
fn other_protocols_go_their_ways() {
    let of = |kind| verdict(&stack(&[&eth(kind), &[0; 46]]));
    assert_eq!(of(ether_type::ARP), Verdict::Punt(PuntReason::Arp));
    assert_eq!(of(ether_type::MPLS), Verdict::Drop(DropReason::MplsDisabled));
    assert_eq!(of(0x88cc), Verdict::Drop(DropReason::EtherTypeUnknown)); // LLDP
    assert_eq!(of(46), Verdict::Drop(DropReason::EtherTypeUnknown)); // an IEEE 802.3 length
    let mut labelled = router();
    change(&mut labelled, GE0, |i| i.mpls = true);
    let of = |kind| parsed(&labelled, &stack(&[&eth(kind), &[0; 46]])).meta().verdict;
    assert_eq!(of(ether_type::MPLS), Verdict::Forward);
    assert_eq!(of(ether_type::MPLS_UPSTREAM), Verdict::Drop(DropReason::EtherTypeUnknown)); // RFC 5332
}

#[test]
fn an_interface_that_is_down_takes_nothing() {
    let mut snapshot = router();
    change(&mut snapshot, GE0, |i| i.enabled = false);
    let frame = parsed(&snapshot, &call());
    assert_eq!(frame.meta().verdict, Verdict::Drop(DropReason::InterfaceDown));
    assert_eq!(frame.meta().in_interface, GE0);
    let unknown = parsed(&Snapshot::default(), &call());
    assert_eq!(unknown.meta().verdict, Verdict::Drop(DropReason::InterfaceDown));
}
