//! The packet language against itself and against smoltcp's wire formats.

use proptest::prelude::*;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire;
use testbed::packet::*;

fn v4() -> impl Strategy<Value = Packet> {
    (any::<[u8; 8]>(), 0u8..64, any::<u8>(), any::<u16>(), prop::collection::vec(any::<u8>(), 0..8)).prop_map(
        |(a, dscp, ttl, id, options)| {
            let (src, dst) =
                (format!("{}.{}.{}.{}", a[0], a[1], a[2], a[3]), format!("10.{}.{}.{}", a[4], a[5], a[6]));
            let ip = ip(&src, &dst).dscp(dscp).ttl(ttl).id(id);
            if options.is_empty() { ip.into() } else { ip.options(&options).into() }
        },
    )
}

fn v6() -> impl Strategy<Value = Packet> {
    (any::<[u16; 4]>(), 0u8..64, any::<u8>(), 0u32..0x100000, 0u8..5).prop_map(
        |(a, dscp, ttl, flow, extension)| {
            let (src, dst) =
                (format!("2001:db8::{:x}:{:x}", a[0], a[1]), format!("2001:db8:1::{:x}:{:x}", a[2], a[3]));
            let ip = ip(&src, &dst).dscp(dscp).ttl(ttl).flow_label(flow);
            match extension {
                0 => ip.hop_by_hop(&[5, 2, 0, 0]).into(),
                1 => ip.destination_options(&[]).hop_by_hop(&[1, 1, 0]).into(),
                2 => ip.routing(4, 0, &["2001:db8::9"]).into(),
                3 => ip.fragment(77, 0, false).into(),
                _ => ip.into(),
            }
        },
    )
}

/// An upper layer that suits an IP version.
fn upper(v6: bool) -> impl Strategy<Value = Packet> {
    (0u8..6, any::<[u16; 4]>(), 0usize..200).prop_map(move |(which, n, length)| match (which, v6) {
        (0, _) => udp(n[0]).from(n[1]) / payload(length),
        (1, _) => tcp(n[0]).from(n[1]).syn().ack(n[2].into()).options(&[2, 4, 5, 180]) / payload(length),
        (2, false) => icmp_echo_request(n[0], n[1]) / payload(length),
        (2, true) => icmp6_echo_request(n[0], n[1]) / payload(length),
        (3, false) => icmp(3, 4)
            .mtu(n[0].into())
            .quoting(ip("10.0.0.1", "10.0.0.2") / udp(n[1]) / payload(length))
            .into(),
        (5, false) => icmp(11, 0)
            .quoting(ip("10.0.0.1", "10.0.0.2") / udp(n[1]) / payload(length))
            .stack(mpls(n[2].into()).ttl(1) / mpls(17).tc(n[3] as u8 & 7))
            .into(),
        (5, true) => {
            let quoted = ip("2001:db8::1", "2001:db8::2") / tcp(1) / payload(length);
            icmp6(3, 0).quoting(quoted).stack(mpls(n[2].into()).ttl(1)).into()
        }
        (3, true) => {
            icmp6(2, 0).mtu(n[0].into()).quoting(ip("2001:db8::1", "2001:db8::2") / tcp(n[1]).syn()).into()
        }
        (4, true) => neighbour_solicitation("fe80::1").link_address("02:00:00:00:00:07").into(),
        _ => udp(n[0]).no_checksum_if(!v6) / payload(length),
    })
}

trait ChecksumChoice {
    fn no_checksum_if(self, absent: bool) -> Self;
}

impl ChecksumChoice for Udp {
    fn no_checksum_if(self, absent: bool) -> Self {
        if absent { self.no_checksum() } else { self }
    }
}

fn datagram() -> impl Strategy<Value = Packet> {
    prop_oneof![
        (v4(), upper(false)).prop_map(|(ip, upper)| ip / upper),
        (v6(), upper(true)).prop_map(|(ip, upper)| ip / upper),
    ]
}

fn frame() -> impl Strategy<Value = Packet> {
    (0u8..5, 0u16..4096, 0u32..1 << 20, datagram()).prop_map(|(which, vid, label, datagram)| match which {
        0 => eth() / vlan(vid).pcp(5) / datagram,
        1 => eth() / vlan(vid).tpid(0x88a8) / vlan(7) / datagram,
        2 => eth() / mpls(label).tc(5) / mpls(17).ttl(3) / datagram,
        3 => eth() / arp().request("10.0.0.1", "10.0.0.2").sender_mac("02:00:00:00:00:01"),
        _ => eth() / datagram,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_encoded_meets_its_own_expectation(packet in frame()) {
        prop_assert_eq!(diff(&packet, &packet.encode()), None);
        prop_assert_eq!(diff(&packet, &packet.encode_padded()), None);
    }

    #[test]
    fn decoding_loses_nothing(packet in frame(), flips in prop::collection::vec((0usize..400, any::<u8>()), 0..4), cut in 0usize..400) {
        let mut bytes = packet.encode();
        for (at, value) in flips {
            let at = at % bytes.len();
            bytes[at] ^= value;
        }
        bytes.truncate(bytes.len().max(cut + 1) - cut);
        prop_assert_eq!(Packet::decode(&bytes).encode(), bytes);
    }

    #[test]
    fn any_bytes_decode(ether_type in prop::sample::select(vec![0x0800u16, 0x86dd, 0x0806, 0x8100, 0x8847, 5]), tail in prop::collection::vec(any::<u8>(), 0..120)) {
        let bytes = [&[2; 12], &ether_type.to_be_bytes()[..], &tail].concat();
        prop_assert_eq!(Packet::decode(&bytes).encode(), bytes);
    }

    #[test]
    fn smoltcp_finds_the_same_checksums_right(ip in v4(), upper in upper(false)) {
        let bytes = (ip / upper).encode();
        let packet = wire::Ipv4Packet::new_checked(&bytes[..]).unwrap();
        prop_assert!(packet.verify_checksum());
        let (src, dst) = (packet.src_addr().into(), packet.dst_addr().into());
        match packet.next_header() {
            wire::IpProtocol::Udp => prop_assert!(wire::UdpPacket::new_checked(packet.payload()).unwrap().verify_checksum(&src, &dst)),
            wire::IpProtocol::Tcp => prop_assert!(wire::TcpPacket::new_checked(packet.payload()).unwrap().verify_checksum(&src, &dst)),
            _ => prop_assert!(wire::Icmpv4Packet::new_checked(packet.payload()).unwrap().verify_checksum()),
        }
    }

    #[test]
    fn smoltcp_reads_ipv6_upper_layers_the_same(upper in upper(true)) {
        let bytes = (ip("2001:db8::1", "2001:db8::2").ttl(9) / upper).encode();
        let packet = wire::Ipv6Packet::new_checked(&bytes[..]).unwrap();
        prop_assert_eq!((packet.hop_limit(), packet.total_len()), (9, bytes.len()));
        let (src, dst) = (packet.src_addr(), packet.dst_addr());
        match packet.next_header() {
            wire::IpProtocol::Udp => prop_assert!(wire::UdpPacket::new_checked(packet.payload()).unwrap().verify_checksum(&src.into(), &dst.into())),
            wire::IpProtocol::Tcp => prop_assert!(wire::TcpPacket::new_checked(packet.payload()).unwrap().verify_checksum(&src.into(), &dst.into())),
            _ => prop_assert!(wire::Icmpv6Packet::new_checked(packet.payload()).unwrap().verify_checksum(&src, &dst)),
        }
    }
}

#[test]
fn smoltcp_reads_neighbour_discovery_the_same() {
    let packet = ip("fe80::1", "ff02::1:ff00:2").ttl(255)
        / neighbour_solicitation("fe80::2").link_address("02:00:00:00:00:07");
    let bytes = packet.encode();
    let ip = wire::Ipv6Packet::new_checked(&bytes[..]).unwrap();
    let icmp = wire::Icmpv6Packet::new_checked(ip.payload()).unwrap();
    let repr =
        wire::Icmpv6Repr::parse(&ip.src_addr(), &ip.dst_addr(), &icmp, &ChecksumCapabilities::default());
    let wire::Icmpv6Repr::Ndisc(wire::NdiscRepr::NeighborSolicit { target_addr, lladdr }) = repr.unwrap()
    else {
        panic!("not a solicitation");
    };
    assert_eq!(target_addr.to_string(), "fe80::2");
    assert_eq!(lladdr.unwrap().as_bytes(), [2, 0, 0, 0, 0, 7]);
}

#[test]
fn rfc_3032_label_stack_entry_is_laid_out_as_drawn() {
    let bytes =
        (eth() / mpls(30012).tc(5).ttl(63) / mpls(17).tc(5).ttl(63) / ip("10.1.0.1", "10.2.0.9")).encode();
    assert_eq!(bytes[12..22], [0x88, 0x47, 0x07, 0x53, 0xca, 0x3f, 0x00, 0x01, 0x1b, 0x3f]);
}

#[test]
fn rfc_4950_puts_the_label_stack_behind_a_quote_of_128_bytes() {
    let message = icmp(11, 0).quoting(ip("10.1.0.1", "10.2.0.9") / udp(53)).stack(mpls(30012).tc(5).ttl(1));
    let bytes = (ip("10.0.0.1", "10.1.0.1") / message).encode();
    let icmp = &bytes[20..];
    // RFC 4884 section 4.1: the length in 32-bit words; section 8: version 2.
    assert_eq!((icmp.len(), &icmp[4..8]), (8 + 128 + 4 + 8, &[0, 32, 0, 0][..]));
    assert_eq!(icmp[8 + 28..8 + 128], [0; 100]);
    assert_eq!(icmp[136..138], [0x20, 0]);
    // RFC 4950 section 3: class 1, type 1, then the entries.
    assert_eq!(icmp[140..], [0, 8, 1, 1, 0x07, 0x53, 0xcb, 0x01]);
    let text = Packet::decode_ip(&bytes).to_string();
    assert!(text.contains("icmp-extension\nmpls label 30012 tc 5 ttl 1 bos\n"), "{text}");
}

#[test]
fn an_extension_has_to_be_mentioned_and_its_stack_to_agree() {
    let about = || ip("10.1.0.1", "10.2.0.9") / udp(53) / payload(300);
    let with = |label: u32| ip("10.0.0.1", "10.1.0.1") / icmp(11, 0).quoting(about()).stack(mpls(label));
    let bytes = (eth() / with(17)).encode();
    assert_eq!(diff(&with(17), &bytes), None);
    assert!(diff(&with(18), &bytes).unwrap().contains("label: expected 18, got 17"));
    let without = ip("10.0.0.1", "10.1.0.1") / icmp(11, 0).quoting(about());
    assert!(diff(&without, &bytes).unwrap().contains("unexpected icmp-extension layer"));
}

#[test]
fn an_entropy_label_is_told_by_its_indicator() {
    let text = (mpls(16001) / mpls(7) / mpls(77777).ttl(0)).to_string();
    assert!(text.contains("label 7 (entropy indicator)"), "{text}");
}

#[test]
fn what_an_expectation_does_not_mention_may_be_anything() {
    let sent = eth().src("02:00:00:00:00:01")
        / ip("10.1.0.1", "10.2.0.9").id(7).dscp(EF).df()
        / udp(53)
        / payload(9);
    let expected = ip("10.1.0.1", "10.2.0.9") / udp(53) / payload(9);
    assert_eq!(diff(&expected, &sent.encode_padded()), None);
    assert_eq!(diff(&(eth() / ip("10.1.0.1", "10.2.0.9") / rest()), &sent.encode()), None);
}

#[test]
fn what_is_unusual_has_to_be_mentioned() {
    let header = || ip("10.1.0.1", "10.2.0.9");
    let expected = header() / udp(53) / payload(8);
    for (odd, why) in [
        (header().bad_checksum() / udp(53) / payload(8), "checksum wrong"),
        (header() / udp(53).bad_checksum() / payload(8), "checksum wrong"),
        (header().options(&[7, 3, 4]) / udp(53) / payload(8), "options [4] 07030400 was not expected"),
        (header().total_length(99) / udp(53) / payload(8), "length 99 was not expected"),
        (header().mf() / udp(53) / payload(8), "mf was not expected"),
        (vlan(5) / header() / udp(53) / payload(8), "unexpected vlan layer"),
        (header() / udp(53) / payload(9), "bytes differ first at byte 8: expected its end, got 08"),
        (header() / udp(53), "no payload layer"),
    ] {
        let text = diff(&expected, &(eth() / odd).encode()).expect("a difference");
        assert!(text.contains(why), "{why} is not told in:\n{text}");
    }
    let bad = eth() / header().bad_checksum() / udp(53) / payload(8);
    assert_eq!(diff(&bad, &bad.encode()), None);
}

#[test]
fn a_difference_shows_both_stacks_layer_by_layer() {
    let expected =
        eth() / mpls(17).tc(5) / ip("10.1.0.1", "10.2.0.9").dscp(EF).ttl(63) / udp(5004) / payload(4);
    let got = eth() / ip("10.1.0.1", "10.2.0.9").dscp(AF41).ttl(64).id(9) / udp(5004) / payload(4);
    let text = diff(&expected, &got.encode()).expect("a difference");
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    assert!(lines[1].starts_with("    eth "), "{text}");
    assert!(lines[2].starts_with("  ! mpls label 17 tc 5") && lines[2].ends_with("| -"), "{text}");
    assert_eq!(lines[3], "      ^ no mpls layer");
    assert!(lines[4].starts_with("  ! ipv4 10.1.0.1 > 10.2.0.9 dscp EF ttl 63"), "{text}");
    assert!(lines[4].contains("| ipv4 10.1.0.1 > 10.2.0.9 dscp AF41 ttl 64"), "{text}");
    assert_eq!(lines[5], "      ^ dscp: expected EF, got AF41");
    assert_eq!(lines[6], "      ^ ttl: expected 63, got 64");
    assert!(lines[7].starts_with("    udp dport 5004"), "{text}");
}

#[test]
fn a_quote_may_be_cut_short_but_must_agree() {
    let about = ip("10.1.0.1", "10.2.0.9").id(5) / udp(53) / payload(900);
    let whole = ip("10.0.0.1", "10.1.0.1") / icmp(3, 1).quoting(about.clone());
    let mut bytes = whole.encode();
    bytes.truncate(20 + 8 + 28 + 100);
    bytes[2..4].copy_from_slice(&(156u16).to_be_bytes());
    let mut cut = Packet::decode_ip(&bytes);
    for layer in [Kind::Ipv4, Kind::Icmp] {
        cut.layer_mut(layer).unwrap().unset("checksum");
    }
    let bytes = cut.encode();
    let expected = ip("10.0.0.1", "10.1.0.1") / icmp(3, 1).quoting(about);
    assert_eq!(diff_packets(&expected, &Packet::decode_ip(&bytes)), None);
    let other = ip("10.0.0.1", "10.1.0.1") / icmp(3, 1).quoting(ip("10.1.0.1", "10.2.0.9") / udp(54));
    let text = diff_packets(&other, &Packet::decode_ip(&bytes)).expect("a difference");
    assert!(text.contains("dport: expected 54, got 53"), "{text}");
}

#[test]
fn parts_of_a_datagram_make_its_fragments() {
    let whole = ip("10.1.0.1", "10.2.0.9").id(5) / udp(53) / payload(100);
    let first = ip("10.1.0.1", "10.2.0.9").id(5).mf().protocol(17) / whole.part(0..48);
    let last = ip("10.1.0.1", "10.2.0.9").id(5).offset(48).protocol(17) / whole.part(48..usize::MAX);
    assert_eq!(first.encode()[20..], whole.encode()[20..68]);
    assert_eq!(last.encode()[20..], whole.encode()[68..]);
}

#[test]
#[should_panic(expected = "\"10.1.0\" is not an IP address")]
fn a_mistyped_address_is_said_at_once() {
    let _ = ip("10.1.0", "10.2.0.9");
}

#[test]
#[should_panic(expected = "not of one IP version")]
fn mixed_versions_are_said_at_once() {
    let _ = ip("10.1.0.1", "2001:db8::1");
}
