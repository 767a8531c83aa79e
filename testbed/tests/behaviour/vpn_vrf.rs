//! A PE router: two labels in, one label out, each community by itself (RFC 4364
//! sections 4 and 5).

use dataplane::packet::DropReason;
use testbed::packet::*;

use super::labels::{expect_bytes, far};
use super::vpn::{HERE, LSP, THERE, pe, pe_text};
use super::{FAMILIES, V4};

const COMMUNITIES: [&str; 2] = ["red", "blue"];

#[test]
fn a_customer_s_packet_leaves_under_its_vrf_s_label_and_the_lsp_s() {
    let mut lab = pe();
    for f in FAMILIES {
        for (n, from) in COMMUNITIES.into_iter().enumerate() {
            let inner = |ttl| far(&f).dscp(EF).ttl(ttl) / udp(5004) / rtp();
            lab.send(from, inner(64));
            let labels = mpls(LSP).tc(5).ttl(63) / mpls(THERE[n]).tc(5).ttl(63);
            expect_bytes(&mut lab, "core", labels / inner(63));
        }
    }
    lab.expect_nothing_else();
    lab.expect_no_drops();
}

#[test]
fn a_packet_from_the_core_reaches_the_community_of_its_label_alone() {
    let mut lab = pe();
    for f in FAMILIES {
        for (n, to) in COMMUNITIES.into_iter().enumerate() {
            let inner = |ttl| ip(f.beyond.1, f.a).dscp(AF41).ttl(ttl) / udp(9) / payload(60);
            lab.send("core", mpls(HERE[n]).tc(4).ttl(62) / inner(62));
            expect_bytes(&mut lab, to, inner(61));
            // With the outer label still on, by explicit null.
            lab.send("core", mpls(0).ttl(62) / mpls(HERE[n]).ttl(62) / inner(62));
            expect_bytes(&mut lab, to, inner(61));
        }
    }
    lab.expect_nothing_else();
    lab.expect_no_drops();
}

#[test]
fn a_customer_s_packet_does_not_leave_its_community() {
    let mut lab = pe();
    for f in FAMILIES {
        // To the core's own addresses, and to the other PE's.
        for to in [f.b, f.rb] {
            lab.send("red", ip(f.a, to) / udp(1) / payload(60));
            lab.expect(
                "red",
                ip(f.ra, f.a) / f.icmp((3, 0), (1, 0)).quoting(ip(f.a, to) / udp(1) / payload(60)),
            );
            lab.expect_drop(DropReason::NoRoute);
        }
    }
    lab.send("red", ip(V4.a, super::vpn::EGRESS) / udp(1) / payload(60));
    lab.expect("red", ip(V4.ra, V4.a) / icmp(3, 0).quoting(ip(V4.a, super::vpn::EGRESS) / udp(1)));
    lab.expect_drop(DropReason::NoRoute);
    // Nor in by a label of its own choice.
    for label in HERE.into_iter().chain(THERE).chain([LSP]) {
        lab.send("red", mpls(label) / V4.ab() / udp(1) / payload(60));
        lab.expect_drop(DropReason::MplsDisabled);
    }
    lab.expect_nothing_else();
}

#[test]
fn nor_does_the_core_s_plain_packet_get_into_one() {
    let mut lab = pe();
    for f in FAMILIES {
        let lost = || ip(f.b, f.a) / udp(1) / payload(60);
        lab.send("core", lost());
        lab.expect("core", ip(f.rb, f.b) / f.icmp((3, 0), (1, 0)).quoting(lost()));
        lab.expect_drop(DropReason::NoRoute);
    }
    lab.expect_nothing_else();
}

#[test]
fn each_community_pings_its_own_side_of_the_router() {
    let mut lab = pe();
    for f in FAMILIES {
        for (n, name) in COMMUNITIES.into_iter().enumerate() {
            let (request, reply) = f.echo(n as u16);
            // From the customer, and from behind the other PE.
            lab.send(name, ip(f.a, f.ra) / request.clone() / payload(60));
            lab.expect(name, ip(f.ra, f.a) / reply.clone() / payload(60));
            lab.send("core", mpls(HERE[n]) / ip(f.beyond.1, f.ra) / request / payload(60));
            let labels = mpls(LSP) / mpls(THERE[n]).bos();
            lab.expect("core", labels / ip(f.ra, f.beyond.1) / reply / payload(60));
        }
    }
    lab.expect_nothing_else();
    lab.expect_no_drops();
}

#[test]
fn errors_go_back_by_the_community_they_are_about() {
    let mut lab = pe();
    for f in FAMILIES {
        for (n, _) in COMMUNITIES.into_iter().enumerate() {
            let lost = || ip(f.beyond.1, f.nowhere).ttl(9) / udp(1) / payload(32);
            lab.send("core", mpls(HERE[n]).ttl(9) / lost());
            let quoted = f.icmp((3, 0), (1, 0)).quoting(lost()).stack(mpls(HERE[n]).ttl(9).bos());
            lab.expect("core", mpls(LSP) / mpls(THERE[n]).bos() / ip(f.ra, f.beyond.1) / quoted);
            lab.expect_drop(DropReason::NoRoute);
        }
    }
    lab.expect_nothing_else();
}

#[test]
fn the_models_are_chosen_per_vrf() {
    let mut lab =
        super::vpn::lab(&pe_text("ttl = \"pipe\"\ndiffserv = \"short-pipe\"", ""), &["red", "blue"]);
    for f in FAMILIES {
        lab.send("red", far(&f).dscp(EF).ttl(64) / udp(1) / payload(60));
        let got = lab.expect("core", rest());
        let expected =
            mpls(LSP).tc(5) / mpls(THERE[0]).tc(5).ttl(255) / far(&f).dscp(EF).ttl(63) / udp(1) / payload(60);
        assert_eq!(diff_packets(&expected, &got), None);
        let inner = |ttl| ip(f.beyond.1, f.a).dscp(AF11).ttl(ttl) / udp(9) / payload(60);
        lab.send("core", mpls(HERE[0]).tc(5).ttl(3) / inner(64));
        lab.run(testbed::lab::ms(1));
        assert_eq!(lab.sent("red", dataplane::class::TrafficClass::Imaging).frames, 1);
        expect_bytes(&mut lab, "red", inner(63));
    }
    lab.expect_no_drops();
}

#[test]
fn the_longest_packet_of_a_customer_fits_under_two_labels() {
    let mut lab = pe();
    for f in FAMILIES {
        let of = |length: usize, ttl| {
            let header = if f.v6 { far(&f) } else { far(&f).df() };
            header.ttl(ttl) / udp(9) / payload(length - f.header - 8)
        };
        lab.send("red", of(1500, 64));
        expect_bytes(&mut lab, "core", mpls(LSP).ttl(63) / mpls(THERE[0]).ttl(63) / of(1500, 63));
        lab.send("red", of(1501, 64));
        lab.expect("red", ip(f.ra, f.a) / f.icmp((3, 4), (2, 0)).mtu(1500).quoting(of(1501, 64)));
        lab.expect_drop(if f.v6 { DropReason::PacketTooBig } else { DropReason::FragmentationNeeded });
    }
    lab.expect_nothing_else();
}
