//! Addresses that are the same in several communities: neighbours, echo, errors and
//! fragments are those of the community (RFC 4364 section 4.1).

use testbed::lab::Lab;
use testbed::packet::*;

use super::labels::expect_bytes;
use super::vpn::{HERE, lab, pe_text};
use super::{FAMILIES, Family, V4};

fn to(f: &Family) -> Ip {
    ip(f.beyond.1, f.a)
}

#[test]
fn the_same_neighbour_address_is_another_station_in_each() {
    let mut lab = lab(&pe_text("", ""), &[]);
    for f in FAMILIES {
        let macs = ["red", "blue"].map(|name| lab.host(name, f.a));
        lab.forget();
        for n in 0..2 {
            lab.send("core", mpls(HERE[n]).ttl(64) / to(&f).ttl(64) / udp(1) / payload(60));
            let got = expect_bytes(&mut lab, ["red", "blue"][n], to(&f).ttl(63) / udp(1) / payload(60));
            assert_eq!(got.layer(Kind::Eth).unwrap().mac("dst"), Some(macs[n]));
        }
        assert_ne!(macs[0], macs[1]);
    }
    lab.expect_no_drops();
}

/// The request for an address that nobody has answered for yet.
fn question(f: &Family, lab: &mut Lab, from: &str) {
    if f.v6 {
        let got = lab.expect(from, rest());
        assert_eq!(got.layer(Kind::Solicitation).unwrap().address("target"), Some(address(f.a)));
    } else {
        lab.expect(from, arp().request(f.a, f.ra));
    }
}

#[test]
fn an_answer_in_one_is_none_in_the_other() {
    let mut lab = lab(&pe_text("", ""), &[]);
    for f in FAMILIES {
        for (n, label) in HERE.into_iter().enumerate() {
            lab.send("core", mpls(label).ttl(64) / to(&f).ttl(64) / udp(n as u16) / payload(60));
        }
        question(&f, &mut lab, "red");
        question(&f, &mut lab, "blue");
        // Red's host comes up; blue's is still silent.
        lab.host("red", f.a);
        expect_bytes(&mut lab, "red", to(&f).ttl(63) / udp(0) / payload(60));
        assert!(!lab.take("blue").iter().any(|seen| Packet::decode(&seen.bytes).layer(Kind::Udp).is_some()));
        lab.host("blue", f.a);
        loop {
            let got = lab.expect("blue", rest());
            if got.layer(Kind::Udp).is_some() {
                assert_eq!(diff_packets(&(to(&f).ttl(63) / udp(1) / payload(60)), &got), None);
                break;
            }
        }
        lab.forget();
    }
}

#[test]
fn pings_with_the_same_identifier_do_not_meet() {
    let mut lab = lab(&pe_text("", ""), &["red", "blue"]);
    for f in FAMILIES {
        let (request, reply) = f.echo(1);
        for name in ["red", "blue"] {
            lab.send(name, ip(f.a, f.ra) / request.clone() / bytes(name));
        }
        for name in ["red", "blue"] {
            lab.expect(name, ip(f.ra, f.a) / reply.clone() / bytes(name));
        }
    }
    lab.expect_nothing_else();
}

#[test]
fn fragments_to_the_router_are_put_together_by_community() {
    // The same identification and addresses in both: halves must not be mixed.
    let mut lab = lab(&pe_text("", ""), &["red", "blue"]);
    let whole = |name: &str| ip(V4.a, V4.ra) / icmp_echo_request(7, 1) / bytes(name.repeat(400));
    let part = |ip: Ip, name: &str, range| ip.id(77).protocol(1) / whole(name).part(range);
    for name in ["red", "blu"] {
        let port = if name == "red" { "red" } else { "blue" };
        lab.send(port, part(ip(V4.a, V4.ra).mf(), name, 0..800));
    }
    for (name, port) in [("blu", "blue"), ("red", "red")] {
        lab.send(port, part(ip(V4.a, V4.ra).offset(800), name, 800..2000));
        lab.expect(port, ip(V4.ra, V4.a) / icmp_echo_reply(7, 1) / bytes(name.repeat(400)));
    }
    lab.expect_no_drops();
}

#[test]
fn the_router_answers_for_its_address_in_each() {
    let mut lab = lab(&pe_text("", ""), &["red", "blue"]);
    for name in ["red", "blue"] {
        let request = arp().request(V4.ra, "10.1.0.5").sender_mac("02:00:00:00:00:05");
        lab.send(name, eth().src("02:00:00:00:00:05").broadcast() / request);
        lab.expect(name, eth().dst("02:00:00:00:00:05") / arp().reply(V4.ra, "10.1.0.5"));
    }
    lab.expect_no_drops();
}
