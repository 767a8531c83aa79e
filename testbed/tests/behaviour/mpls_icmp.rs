//! ICMP errors from inside an LSP: along it and back to the sender, with the labels
//! that the packet had (RFC 3032 section 2.3, RFC 4884, RFC 4950).

use dataplane::packet::DropReason;
use dataplane::wire::icmp::{Family, IcmpHeader, extension};
use dataplane::wire::mpls::LabelStackEntry;
use testbed::lab::{Lab, ms, secs};
use testbed::network::Backbone;
use testbed::network::plan::{LSP_LABEL, Plan, Site, VPN_LABEL};
use testbed::packet::*;

/// The hosts of a community at PE 1 and PE 2: the same addresses in each.
const NEAR: &str = "10.0.16.1";
const FAR: &str = "10.0.32.1";

/// A P router between two others: 17 is swapped, 18 taken off.
const P: &str = r#"
    [[port]]
    name = "a"
    kind = "loopback"
    [[port]]
    name = "b"
    kind = "loopback"
    [[interface]]
    name = "a"
    mpls = true
    addresses = ["172.16.0.1/30", "2001:db8:a::1/64"]
    [[interface]]
    name = "b"
    mpls = true
    mtu = 1400
    addresses = ["172.16.0.5/30", "2001:db8:b::1/64"]
    [[label]]
    label = 17
    swap = 21
    via = "172.16.0.6"
    [[label]]
    label = 18
    pop = true
    via = "172.16.0.6"
    [[route]]
    prefix = "203.0.113.0/24"
    via = "172.16.0.2"
"#;

fn p() -> Lab {
    let mut lab = Lab::new(P);
    lab.host("a", "172.16.0.2");
    lab.host("b", "172.16.0.6");
    lab.forget();
    lab
}

/// The next frame: its labels, source address, ICMP type, code and last two bytes of
/// the header's rest, and the stack that it carries.
type Error = (Vec<(u32, u8, u8)>, String, (u8, u8, u16), Vec<(u32, u8)>);

fn error(lab: &mut Lab, from: &str) -> Error {
    let seen = lab.next_seen(from, secs(1)).expect("an error");
    read(&seen.bytes)
}

fn read(frame: &[u8]) -> Error {
    let (mut labelled, mut rest) = (frame[12..14] == [0x88, 0x47], &frame[14..]);
    let mut labels = Vec::new();
    while labelled {
        let entry;
        (entry, rest) = LabelStackEntry::parse(rest).unwrap();
        labels.push((entry.label(), entry.tc(), entry.ttl()));
        labelled = !entry.bottom();
    }
    let packet = Packet::decode(frame);
    let ip = packet.layers().iter().find(|layer| layer.kind.is_ip()).unwrap();
    let source = ip.address("src").unwrap().to_string();
    let v4 = ip.kind == Kind::Ipv4;
    let (family, start, most) = if v4 { (Family::V4, 20, 576) } else { (Family::V6, 40, 1280) };
    let length =
        if v4 { u16::from_be_bytes([rest[2], rest[3]]) } else { u16::from_be_bytes([rest[4], rest[5]]) + 40 };
    assert!(length <= most, "{length} bytes");
    let (header, body) = IcmpHeader::parse(&rest[start..usize::from(length)]).unwrap();
    let (quote, structure) = extension::split(family, header, body);
    let stack = structure.and_then(|s| extension::stack(s).unwrap()).unwrap_or_default();
    assert!(structure.is_none() || quote.len() >= extension::LEAST_QUOTE);
    let mtu = u16::from_be_bytes([header.rest[2], header.rest[3]]);
    let told = stack.iter().map(|e| (e.label(), e.ttl())).collect();
    (labels, source, (header.kind, header.code, mtu), told)
}

#[test]
fn an_error_goes_along_the_lsp_with_the_labels_of_the_packet() {
    let mut lab = p();
    for (from, to, source, kind) in
        [("10.1.0.9", "10.2.0.9", "172.16.0.1", 11), ("2001:db8:1::9", "2001:db8:2::9", "2001:db8:a::1", 3)]
    {
        lab.send("a", mpls(17).tc(5).ttl(1) / mpls(99).tc(5).ttl(61) / ip(from, to) / udp(1) / payload(60));
        // Onward, as the packet would have gone: swapped, the lower label as it was.
        let (labels, from, told, stack) = error(&mut lab, "b");
        assert_eq!(labels, [(21, 6, 255), (99, 6, 255)]);
        assert_eq!((from, told, stack), (source.into(), (kind, 0, 0), vec![(17, 1), (99, 61)]));
        lab.expect_drop(DropReason::TtlExpired);
    }
    lab.expect_nothing_else();
}

#[test]
fn with_one_label_and_a_route_back_it_comes_straight_back() {
    let mut lab = p();
    for label in [17, 18] {
        lab.send("a", mpls(label).ttl(1) / ip("203.0.113.9", "10.2.0.9") / udp(1));
        let (labels, source, told, stack) = error(&mut lab, "a");
        assert_eq!((labels, source), (vec![], "172.16.0.1".into()), "label {label}");
        assert_eq!((told, stack), ((11, 0, 0), vec![(label, 1)]), "label {label}");
        lab.expect_drop(DropReason::TtlExpired);
    }
    lab.expect_nothing_else();
}

#[test]
fn the_mtu_that_fits_beside_the_labels_is_told_along_the_lsp() {
    let mut lab = p();
    // 1,400 bytes on the way out, of which two labels take 8; a swap takes none more.
    lab.send(
        "a",
        mpls(17).ttl(9) / mpls(99).ttl(9) / ip("10.1.0.9", "10.2.0.9").df() / udp(1) / payload(1365),
    );
    let (labels, _, told, stack) = error(&mut lab, "b");
    assert_eq!((labels.len(), told, stack), (2, (3, 4, 1392), vec![(17, 9), (99, 9)]));
    lab.expect_drop(DropReason::FragmentationNeeded);
    // One byte less goes.
    lab.send(
        "a",
        mpls(17).ttl(9) / mpls(99).ttl(9) / ip("10.1.0.9", "10.2.0.9").df() / udp(1) / payload(1364),
    );
    lab.expect("b", mpls(21) / mpls(99) / ip("10.1.0.9", "10.2.0.9").df() / udp(1) / payload(1364));
    lab.expect_no_drops();
}

#[test]
fn of_what_is_not_ip_nothing_is_said() {
    let mut lab = p();
    lab.send("a", mpls(17).ttl(1) / mpls(99).ttl(1) / payload(60));
    lab.expect_drop(DropReason::TtlExpired);
    lab.expect_nothing_else();
}

/// PE 1 and PE 2 around a chain of P routers, two communities with a host at each PE.
fn vpn(ps: usize) -> Backbone {
    let mut backbone = Plan { pes: 2, ps, communities: 2, ces: false }.build(1);
    for n in [1, 2] {
        for community in ["c1", "c2"] {
            for address in Site::at(n).addresses(0, 1) {
                backbone.lab(&format!("pe{n}")).host(community, &address.to_string());
            }
        }
        backbone.lab(&format!("pe{n}")).forget();
    }
    backbone
}

#[test]
fn a_trace_through_a_vpn_shows_every_router_and_its_labels() {
    assert_eq!([NEAR, FAR], [1, 2].map(|n| Site::at(n).addresses(0, 1)[0].to_string()));
    let mut backbone = vpn(2);
    // What PE 1 puts on: the LSP to PE 2, and below it the community's label.
    let (lsp, of) = (LSP_LABEL + 1, |n: u32| VPN_LABEL + n - 1);
    for (community, other, n) in [("c1", "c2", 1), ("c2", "c1", 2)] {
        let hops = [
            ("10.0.16.254", vec![]),
            ("172.16.0.2", vec![(lsp, 1), (of(n), 1)]),
            ("172.16.0.10", vec![(lsp, 1), (of(n), 2)]),
            ("10.0.32.254", vec![(of(n), 1)]),
        ];
        for (ttl, (router, labels)) in (1..).zip(hops) {
            backbone.lab("pe1").send(community, ip(NEAR, FAR).ttl(ttl) / udp(33_434) / payload(20));
            backbone.network.run(ms(50));
            let (under, source, told, stack) = error(backbone.lab("pe1"), community);
            assert_eq!((under.len(), source.as_str(), told), (0, router, (11, 0, 0)), "TTL {ttl}");
            assert_eq!(
                stack.iter().map(|l| l.0).collect::<Vec<_>>(),
                labels.iter().map(|l| l.0).collect::<Vec<_>>(),
                "TTL {ttl}"
            );
            // The label that ran out had one hop left.
            assert!(stack.first().is_none_or(|(_, ttl)| *ttl == 1), "TTL {ttl}: {stack:?}");
            assert!(backbone.lab("pe1").next_seen(other, ms(0)).is_none(), "{other} heard of {community}");
        }
        backbone.lab("pe1").send(community, ip(NEAR, FAR).ttl(5) / udp(33_434) / payload(20));
        backbone.network.run(ms(50));
        backbone.lab("pe2").expect(community, ip(NEAR, FAR).ttl(1) / udp(33_434) / payload(20));
    }
}

#[test]
fn path_mtu_discovery_works_through_the_tunnel() {
    // The P router's link to PE 2 takes 1,300 bytes, one label among them.
    let edit = |name: &str, text: String| match name {
        "p1" => text.replacen(
            "mpls = true\nmpls-mtu = 1508\nlink = \"pe2-p1\"",
            "mpls = true\nmtu = 1300\nmpls-mtu = 1300\nlink = \"pe2-p1\"",
            1,
        ),
        _ => text,
    };
    let mut backbone = Plan { pes: 2, ps: 1, communities: 1, ces: false }.build_with(1, edit);
    backbone.lab("pe1").host("c1", NEAR);
    backbone.lab("pe2").host("c1", FAR);
    let datagram = |length: usize| ip(NEAR, FAR).df().ttl(64) / udp(9) / payload(length - 28);
    backbone.lab("pe1").send("c1", datagram(1500));
    backbone.network.run(secs(1));
    let (_, _, told, stack) = error(backbone.lab("pe1"), "c1");
    assert_eq!((told, stack.len()), ((3, 4, 1296), 2));
    backbone.lab("pe1").send("c1", datagram(1296));
    backbone.network.run(secs(1));
    assert!(backbone.lab("pe2").next_seen("c1", ms(0)).is_some_and(|seen| seen.bytes.len() == 14 + 1296));
}
