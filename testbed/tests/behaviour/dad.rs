//! The router's own addresses at start: tried, announced, defended
//! (RFC 5227, RFC 4862 section 5.4).

use testbed::lab::{Lab, secs};
use testbed::packet::*;

use super::{TWO, V4, V6};

fn frames(lab: &mut Lab, port: &str) -> Vec<Packet> {
    lab.take(port).iter().map(|seen| Packet::decode(&seen.bytes)).collect()
}

#[test]
fn addresses_are_probed_and_then_announced() {
    let mut lab = Lab::starting(TWO);
    lab.run(secs(10));
    let seen = frames(&mut lab, "ge0");
    let arps: Vec<_> = seen.iter().filter_map(|p| p.layer(Kind::Arp)).collect();
    let of = |layer: &Layer, name| layer.address(name).map(|a| a.to_string());
    // RFC 5227 section 2.1.1: a probe asks for the address from 0.0.0.0.
    assert_eq!(of(arps[0], "spa").as_deref(), Some("0.0.0.0"));
    assert_eq!(of(arps[0], "tpa").as_deref(), Some(V4.ra));
    let announced =
        arps[1..].iter().filter(|a| of(a, "spa") == of(a, "tpa") && of(a, "spa").as_deref() == Some(V4.ra));
    assert_eq!(announced.count(), 2, "ANNOUNCE_NUM");
    // RFC 4862 section 5.4.2: from the unspecified address, without a source link-layer option.
    let solicitation = seen
        .iter()
        .find(|p| p.layer(Kind::Solicitation).is_some_and(|s| of(s, "target").as_deref() == Some(V6.ra)));
    let solicitation = solicitation.expect("a solicitation");
    assert_eq!(of(solicitation.layer(Kind::Ipv6).unwrap(), "src").as_deref(), Some("::"));
    assert_eq!(solicitation.layer(Kind::Solicitation).unwrap().mac("mac"), None);
    let unsolicited = seen
        .iter()
        .filter(|p| p.layer(Kind::Advertisement).is_some_and(|a| of(a, "target").as_deref() == Some(V6.ra)));
    assert_eq!(unsolicited.count(), 2);
}

#[test]
fn an_address_that_somebody_has_is_not_used() {
    let mut lab = Lab::starting(TWO);
    lab.run(testbed::lab::ms(1));
    lab.send(
        "ge0",
        eth().broadcast().src("02:00:00:00:00:66")
            / arp().reply(V4.ra, V4.ra).sender_mac("02:00:00:00:00:66"),
    );
    let mine = neighbour_advertisement(V6.ra).flags(false, false, true).link_address("02:00:00:00:00:66");
    lab.send(
        "ge0",
        eth().dst("33:33:00:00:00:01").src("02:00:00:00:00:66") / ip(V6.ra, "ff02::1").ttl(255) / mine,
    );
    lab.run(secs(15));
    let announced = frames(&mut lab, "ge0").iter().any(|p| {
        let arp = p.layer(Kind::Arp).is_some_and(|a| a.address("spa") == Some(address(V4.ra)));
        let nd = p.layer(Kind::Advertisement).is_some_and(|a| a.address("target") == Some(address(V6.ra)));
        arp || nd
    });
    assert!(!announced, "an address that is taken is announced");
    let question = arp().request(V4.ra, "10.1.0.7").sender_mac("02:00:00:00:00:07");
    lab.send("ge0", eth().broadcast().src("02:00:00:00:00:07") / question);
    let question = neighbour_solicitation(V6.ra).link_address("02:00:00:00:00:07");
    lab.send(
        "ge0",
        eth().dst("33:33:ff:00:00:fe").src("02:00:00:00:00:07")
            / ip("2001:db8:1::7", "ff02::1:ff00:fe").ttl(255)
            / question,
    );
    lab.run(secs(1));
    let answered = frames(&mut lab, "ge0").iter().any(|p| {
        p.layer(Kind::Arp).is_some_and(|a| a.number("op") == Some(2))
            || p.layer(Kind::Advertisement).is_some()
    });
    assert!(!answered, "questions for it are answered");
}

#[test]
fn an_address_in_use_is_kept_and_defended() {
    let mut lab = Lab::new(TWO);
    lab.send(
        "ge0",
        eth().broadcast().src("02:00:00:00:00:66")
            / arp().request(V4.ra, V4.ra).sender_mac("02:00:00:00:00:66"),
    );
    lab.expect("ge0", eth().broadcast() / arp().request(V4.ra, V4.ra));
    let question = arp().request(V4.ra, "10.1.0.7").sender_mac("02:00:00:00:00:07");
    lab.send("ge0", eth().broadcast().src("02:00:00:00:00:07") / question);
    lab.expect("ge0", arp().reply(V4.ra, "10.1.0.7"));
}
