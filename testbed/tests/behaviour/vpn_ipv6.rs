//! IPv6 in a VPN over an IPv4 core, 6VPE (RFC 4659), and the other way about.

use testbed::packet::*;

use super::labels::{expect_bytes, far};
use super::vpn::{EGRESS, HERE, LSP, THERE, customer, lab, label, port, route, vrf};
use super::{V4, V6};

/// The core speaks one family only, `core_via` is the P router in it.
fn text(core: &str, egress: &str, core_via: &str) -> String {
    let length = if egress.contains(':') { 128 } else { 32 };
    let mut text = port("core", &format!("mpls = true\nmpls-mtu = 1508\naddresses = [\"{core}\"]"));
    text +=
        &route("default", &format!("{egress}/{length}"), &format!("via = \"{core_via}\"\npush = [{LSP}]"));
    text += &(vrf("red", "") + &customer("red") + &label(HERE[0], "red"));
    for f in [V4, V6] {
        text += &route("red", f.beyond.0, &format!("via = \"{egress}\"\npush = [{}]", THERE[0]));
    }
    text
}

#[test]
fn both_families_cross_a_core_of_one() {
    let cores = [("10.2.0.254/24", EGRESS, V4), ("2001:db8:2::fe/64", "2001:db8:ff::2", V6)];
    for (core, egress, p) in cores {
        let mut lab = testbed::lab::Lab::new(&text(core, egress, p.b));
        lab.host("core", p.b);
        lab.host("red", V4.a);
        lab.host("red", V6.a);
        lab.forget();
        for f in [V4, V6] {
            let out = |ttl| far(&f).dscp(EF).ttl(ttl) / udp(5004) / rtp();
            lab.send("red", out(64));
            let labels = mpls(LSP).tc(5).ttl(63) / mpls(THERE[0]).tc(5).ttl(63);
            expect_bytes(&mut lab, "core", labels / out(63));
            let back = |ttl| ip(f.beyond.1, f.a).ttl(ttl) / udp(1) / payload(60);
            lab.send("core", mpls(HERE[0]).ttl(62) / back(62));
            expect_bytes(&mut lab, "red", back(61));
        }
        lab.expect_nothing_else();
        lab.expect_no_drops();
    }
}

#[test]
fn the_flow_label_and_extension_headers_go_along() {
    let mut lab = lab(&super::vpn::pe_text("", ""), &["red"]);
    let packets: [fn(u8) -> Packet; 3] = [
        |ttl| far(&V6).ttl(ttl).flow_label(0xabcde) / udp(1) / payload(60),
        |ttl| far(&V6).ttl(ttl).destination_options(&[5, 2, 0, 0]) / tcp(1).syn() / payload(60),
        |ttl| far(&V6).ttl(ttl).fragment(7, 0, true).next_header(17) / payload(64),
    ];
    for packet in packets {
        lab.send("red", packet(64));
        expect_bytes(&mut lab, "core", mpls(LSP).ttl(63) / mpls(THERE[0]).ttl(63) / packet(63));
    }
    lab.expect_no_drops();
}
