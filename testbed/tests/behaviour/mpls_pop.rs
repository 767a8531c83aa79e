//! The end of an LSP: the label is taken off, and what is below goes on by the Vrf
//! that the label stands for, or by the next label (RFC 3031 section 3.14, RFC 4364
//! section 5).

use dataplane::packet::DropReason;
use testbed::lab::Lab;
use testbed::packet::*;

use super::labels::{entry, expect_bytes, two_mpls, via};
use super::{FAMILIES, V4, V6};

/// Label of Vrf red, and of the end of an LSP in the default Vrf.
const RED: u32 = 20_000;
const END: u32 = 19_000;

const RED_SIDE: &str = r#"
    [[port]]
    name = "cust"
    kind = "loopback"
    [[vrf]]
    name = "red"
    [[interface]]
    name = "cust"
    vrf = "red"
    addresses = ["10.1.0.254/24", "2001:db8:1::fe/64"]
"#;

/// The way of red's packets to what is beyond.
const BACK: &str = r#"
        [[route]]
        vrf = "red"
        prefix = "10.9.0.0/16"
        via = "10.2.0.9"
        push = [777]
        [[route]]
        vrf = "red"
        prefix = "2001:db8:9::/48"
        via = "2001:db8:2::9"
        push = [777]
    "#;

/// A router with a customer in Vrf red, whose addresses are those of ge0 again.
fn pe(more: &str) -> Lab {
    let labels = entry(RED, "vrf = \"red\"") + &entry(END, "pop = true");
    let mut lab = super::lab(&two_mpls("", "", &format!("{RED_SIDE}{labels}{more}")));
    for f in FAMILIES {
        lab.host("cust", f.a);
    }
    lab.forget();
    lab
}

#[test]
fn the_vrf_of_the_label_is_where_the_packet_is_looked_up() {
    let mut lab = pe("");
    for f in FAMILIES {
        let inner = |ttl| ip(f.b, f.a).dscp(EF).ttl(ttl) / udp(5004) / rtp();
        lab.send("ge1", mpls(RED).tc(5).ttl(64) / inner(64));
        expect_bytes(&mut lab, "cust", inner(63));
        // And by the default Vrf the same address is on ge0.
        lab.send("ge1", mpls(END).tc(5).ttl(64) / inner(64));
        expect_bytes(&mut lab, "ge0", inner(63));
    }
    lab.expect_nothing_else();
    lab.expect_no_drops();
}

#[test]
fn it_does_not_matter_by_which_interface_a_label_comes() {
    // One label space for the whole router (RFC 3031 section 3.14).
    let mut lab = pe("");
    for from in ["ge0", "ge1"] {
        lab.send(from, mpls(RED) / ip(V4.b, V4.a) / udp(1) / payload(60));
        expect_bytes(&mut lab, "cust", ip(V4.b, V4.a).ttl(63) / udp(1) / payload(60));
    }
}

#[test]
fn a_vrf_that_has_no_route_says_so_in_its_own_name() {
    let mut lab = pe(BACK);
    for f in FAMILIES {
        let lost = || ip(f.beyond.1, f.nowhere) / udp(1) / payload(60);
        lab.send("ge1", mpls(RED).ttl(64) / lost());
        // The quote is what came, labels told behind it (RFC 4950).
        let error = f.icmp((3, 0), (1, 0)).quoting(lost()).stack(mpls(RED).ttl(64).bos());
        lab.expect("ge1", mpls(777).bos() / ip(f.ra, f.beyond.1) / error);
        lab.expect_drop(DropReason::NoRoute);
    }
    let snapshot = lab.snapshot();
    let drops = |lab: &mut Lab, vrf: &str| {
        let id = snapshot.vrf_named(vrf).unwrap().id;
        lab.router().handle().vrf_drops(id)
    };
    assert_eq!(drops(&mut lab, "red"), [(DropReason::NoRoute, 2)]);
    assert_eq!(drops(&mut lab, "default"), []);
}

#[test]
fn the_router_itself_is_reached_through_its_label() {
    let mut lab = pe(BACK);
    for f in FAMILIES {
        let (request, reply) = f.echo(7);
        lab.send("ge1", mpls(RED) / ip(f.beyond.1, f.ra) / request / payload(60));
        lab.expect("ge1", mpls(777).bos() / ip(f.ra, f.beyond.1) / reply / payload(60));
    }
    lab.expect_no_drops();
}

#[test]
fn a_vrf_s_label_must_be_the_bottom_of_the_stack() {
    let mut lab = pe("");
    for below in [RED, END, 12_345, 0, 2] {
        lab.send("ge1", mpls(RED) / mpls(below) / ip(V4.b, V4.a) / udp(1) / payload(60));
        lab.expect_drop(DropReason::MplsNotBottom);
    }
    lab.expect_nothing_else();
}

#[test]
fn below_the_end_of_an_lsp_the_next_label_is_looked_up() {
    let mut lab = pe(&via(500, "swap = 501", &V4));
    for f in FAMILIES {
        let inner = |ttl| ip(f.b, f.a).ttl(ttl) / udp(5004) / rtp();
        lab.send("ge1", mpls(END).ttl(64) / mpls(RED).ttl(64) / inner(64));
        expect_bytes(&mut lab, "cust", inner(63));
        lab.send("ge1", mpls(END).ttl(64) / mpls(END).ttl(64) / mpls(RED).ttl(64) / inner(64));
        expect_bytes(&mut lab, "cust", inner(63));
        lab.send("ge0", mpls(END).tc(3).ttl(64) / mpls(500).tc(3).ttl(64) / inner(64));
        expect_bytes(&mut lab, "ge1", mpls(501).tc(3).ttl(63) / inner(64));
    }
    lab.send("ge0", mpls(END) / mpls(12_345) / V4.ab() / udp(1) / payload(60));
    lab.expect_drop(DropReason::MplsNoLabel);
    lab.expect_nothing_else();
}

#[test]
fn what_is_neither_ipv4_nor_ipv6_below_the_last_label_goes_nowhere() {
    let mut lab = pe("");
    for label in [RED, END] {
        for nibble in (0..16u8).filter(|n| ![4, 6].contains(n)) {
            lab.send("ge1", mpls(label).bos() / bytes([nibble << 4; 60]));
            lab.expect_drop(DropReason::MplsPayload);
        }
    }
    lab.expect_nothing_else();
}

#[test]
fn the_packet_below_is_checked_as_any_other() {
    let mut lab = pe("");
    let datagram = || udp(1) / payload(60);
    let cases: [(Packet, DropReason); 7] = [
        (ip(V4.b, V4.a).bad_checksum() / datagram(), DropReason::Ipv4Checksum),
        (ip(V4.b, V4.a).total_length(2000) / datagram(), DropReason::Ipv4Malformed),
        (ip(V4.b, V4.a).header_words(4) / datagram(), DropReason::Ipv4Malformed),
        (ip(V6.b, V6.a).total_length(2000) / datagram(), DropReason::Ipv6Malformed),
        (ip("127.0.0.1", V4.a) / datagram(), DropReason::MartianSource),
        (ip("224.0.0.1", V4.a) / datagram(), DropReason::MartianSource),
        (ip(V4.b, "224.1.2.3") / datagram(), DropReason::Multicast),
    ];
    for (packet, reason) in cases {
        lab.send("ge1", mpls(RED) / packet);
        lab.expect_drop(reason);
    }
    lab.expect_nothing_else();
}

#[test]
fn a_customer_may_have_an_address_that_is_the_core_s() {
    // The interface it came in by is of another Vrf: its own addresses say nothing here.
    let mut lab = pe("");
    for f in FAMILIES {
        for source in [f.rb, f.b] {
            let inner = |ttl| ip(source, f.a).ttl(ttl) / udp(1) / payload(60);
            lab.send("ge1", mpls(RED).ttl(64) / inner(64));
            expect_bytes(&mut lab, "cust", inner(63));
        }
    }
    let broadcast = |ttl| ip("10.2.0.255", V4.a).ttl(ttl) / udp(1) / payload(60);
    lab.send("ge1", mpls(RED).ttl(64) / broadcast(64));
    expect_bytes(&mut lab, "cust", broadcast(63));
    lab.expect_no_drops();
}
