//! Addresses that cannot be (RFC 1812 section 5.3.7, RFC 4291, RFC 2644).

use dataplane::packet::DropReason;
use testbed::packet::*;

use super::{TWO, V4, V6, lab, two_with};

#[test]
fn sources_that_cannot_send() {
    let mut lab = lab(TWO);
    for from in ["0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255"]
    {
        lab.send("ge0", ip(from, V4.b) / udp(1));
        lab.expect_drop(DropReason::MartianSource);
    }
    for from in ["::", "::1", "ff02::1", "ff0e::1", "::ffff:10.1.0.1"] {
        lab.send("ge0", ip(from, V6.b) / udp(1));
        lab.expect_drop(DropReason::MartianSource);
    }
    lab.expect_nothing_else();
}

#[test]
fn sources_that_are_the_router_itself() {
    let mut lab = lab(TWO);
    for f in super::FAMILIES {
        lab.send("ge0", ip(f.ra, f.b) / udp(1));
        lab.expect_drop(DropReason::SpoofedSelf);
    }
    lab.send("ge0", ip("10.1.0.255", V4.b) / udp(1));
    lab.expect_drop(DropReason::MartianSource);
    lab.expect_nothing_else();
}

#[test]
fn destinations_that_nothing_is_forwarded_to() {
    let mut lab = lab(TWO);
    for to in ["0.0.0.0", "127.0.0.1", "240.0.0.1"] {
        lab.send("ge0", ip(V4.a, to) / udp(1));
        lab.expect_drop(DropReason::MartianDestination);
    }
    for to in ["::", "::1", "::ffff:10.2.0.9"] {
        lab.send("ge0", ip(V6.a, to) / udp(1));
        lab.expect_drop(DropReason::MartianDestination);
    }
    lab.expect_nothing_else();
}

#[test]
fn multicast_is_not_forwarded() {
    let mut lab = lab(TWO);
    lab.send("ge0", eth().dst("01:00:5e:01:02:03") / ip(V4.a, "239.1.2.3") / udp(1));
    lab.expect_drop(DropReason::Multicast);
    lab.send("ge0", eth().dst("33:33:00:00:00:01") / ip(V6.a, "ff0e::1") / udp(1));
    lab.expect_drop(DropReason::Multicast);
    lab.expect_nothing_else();
}

#[test]
fn broadcasts_are_not_forwarded() {
    let mut lab = lab(TWO);
    // RFC 2644: not to another subnet's broadcast address, nor to everybody.
    lab.send("ge0", ip(V4.a, "10.2.0.255") / udp(1));
    lab.expect_drop(DropReason::Broadcast);
    lab.send("ge0", eth().broadcast() / ip(V4.a, "255.255.255.255") / udp(67));
    lab.expect_drop(DropReason::Broadcast);
    lab.send("ge0", eth().broadcast() / V4.ab() / udp(1));
    lab.expect_drop(DropReason::Broadcast);
    lab.expect_nothing_else();
}

#[test]
fn link_local_addresses_stay_on_their_link() {
    let mut lab = lab(TWO);
    lab.send("ge0", ip("169.254.1.1", V4.b) / udp(1));
    lab.expect_drop(DropReason::LinkLocal);
    lab.send("ge0", ip(V4.a, "169.254.1.1") / udp(1));
    lab.expect_drop(DropReason::LinkLocal);
    lab.send("ge0", ip(V6.a, "fe80::99") / udp(1));
    lab.expect_drop(DropReason::LinkLocal);
    lab.expect_nothing_else();
    // RFC 4443 section 3.1: a link-local source beyond its scope is told so.
    lab.host("ge0", "fe80::5");
    lab.forget();
    lab.send("ge0", ip("fe80::5", V6.b) / udp(1));
    let router = super::echo::link_local(&lab, "ge0");
    let error = lab.next_seen("ge0", testbed::lab::secs(1)).map(|seen| Packet::decode(&seen.bytes));
    let error = error.expect("an error");
    let expected = icmp6(1, 2).quoting(ip("fe80::5", V6.b) / udp(1));
    let from = error.layer(Kind::Ipv6).unwrap().address("src").unwrap().to_string();
    assert!(from == router || from == V6.ra, "it comes from {from}");
    assert_eq!(diff_packets(&(ip(&from, "fe80::5") / expected), &error), None);
    lab.expect_drop(DropReason::LinkLocal);
}

#[test]
fn further_martians_of_the_configuration() {
    let limits = r#"
        [limits]
        martian-sources = ["198.18.0.0/15", "2001:db8:bad::/48"]
        martian-destinations = ["10.2.0.128/25", "2001:db8:2:0:8000::/65"]
    "#;
    let mut lab = lab(&two_with("", limits));
    for (from, to) in [("198.18.5.5", V4.b), ("2001:db8:bad::1", V6.b)] {
        lab.send("ge0", ip(from, to) / udp(1));
        lab.expect_drop(DropReason::MartianSource);
    }
    for (from, to) in [(V4.a, "10.2.0.130"), (V6.a, "2001:db8:2:0:8000::1")] {
        lab.send("ge0", ip(from, to) / udp(1));
        lab.expect_drop(DropReason::MartianDestination);
    }
    lab.expect_nothing_else();
}
