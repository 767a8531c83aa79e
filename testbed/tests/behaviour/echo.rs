//! Echo to the router's own addresses (RFC 1812 section 4.3.3.6, RFC 4443 section 4).

use dataplane::packet::DropReason;
use testbed::lab::{Lab, secs};
use testbed::packet::*;

use super::{FAMILIES, TWO, V4, lab, two_with};

#[test]
fn every_own_address_answers_on_every_side_with_the_same_data() {
    let mut lab = lab(TWO);
    for f in FAMILIES {
        for router in [f.ra, f.rb] {
            for length in [0, 1, 56, 1400] {
                let (request, reply) = f.echo(9);
                lab.send("ge0", ip(f.a, router).dscp(AF21) / request / payload(length));
                lab.expect("ge0", ip(router, f.a).dscp(AF21) / reply / payload(length));
            }
        }
    }
    lab.expect_nothing_else();
    lab.expect_no_drops();
}

#[test]
fn the_link_local_address_answers_on_its_link() {
    let mut lab = lab(TWO);
    lab.host("ge0", "fe80::77");
    let router = link_local(&lab, "ge0");
    lab.send("ge0", ip("fe80::77", &router) / icmp6_echo_request(1, 2) / payload(8));
    lab.expect("ge0", ip(&router, "fe80::77") / icmp6_echo_reply(1, 2) / payload(8));
    let other = link_local(&lab, "ge1");
    lab.forget();
    lab.send("ge0", ip("fe80::77", &other) / icmp6_echo_request(1, 2));
    lab.expect_drop(DropReason::LinkLocal);
    lab.expect_nothing_else();
}

/// The link-local address of an interface.
pub(crate) fn link_local(lab: &Lab, interface: &str) -> String {
    let snapshot = lab.snapshot();
    let addresses = &snapshot.interface_named(interface).unwrap().addresses;
    let of = |a: &dataplane::table::InterfaceAddress| match a.net.addr() {
        std::net::IpAddr::V6(v6) if v6.is_unicast_link_local() => Some(v6.to_string()),
        _ => None,
    };
    addresses.iter().find_map(of).expect("a link-local address")
}

#[test]
fn a_broken_request_is_not_answered() {
    let mut lab = lab(TWO);
    for f in FAMILIES {
        lab.send("ge0", ip(f.a, f.ra) / f.echo(1).0.bad_checksum() / payload(8));
        lab.expect_drop(DropReason::LocalMalformed);
    }
    lab.expect_nothing_else();
}

#[test]
fn a_request_to_a_broadcast_address_is_not_answered() {
    let mut lab = lab(TWO);
    for to in ["10.1.0.255", "10.2.0.255", "255.255.255.255"] {
        lab.send("ge0", ip(V4.a, to) / icmp_echo_request(1, 1));
        lab.send("ge0", eth().broadcast() / ip(V4.a, to) / icmp_echo_request(1, 1));
    }
    lab.run(secs(1));
    assert!(lab.take("ge0").is_empty() && lab.take("ge1").is_empty());
}

#[test]
fn replies_are_rate_limited() {
    let limits = "[limits]\necho-replies-per-second = 100";
    let mut lab = lab(&two_with("", limits));
    lab.run(secs(2));
    for f in FAMILIES {
        for n in 0..500 {
            lab.send("ge0", ip(f.a, f.ra) / f.echo(n).0);
        }
        lab.run(secs(1));
        let answered = lab.take("ge0").len();
        assert!((10..=120).contains(&answered), "{answered} of 500 answered");
    }
}
