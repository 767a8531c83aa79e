//! An extranet: one community sees a few prefixes of another, each direction an entry
//! of its own; everything else stays closed (RFC 4364 section 4.3.5).

use dataplane::packet::DropReason;
use testbed::lab::Lab;
use testbed::packet::*;

use super::FAMILIES;
use super::vpn::{port, route, vrf};

/// Social care may reach one server of the hospital, and the hospital's desks one
/// subnet of social care.
const LISTS: &str = r#"
    [[prefix-list]]
    name = "server"
    entries = ["10.2.0.0/28", "2001:db8:2:1::/64"]
    [[prefix-list]]
    name = "offices"
    entries = ["deny 10.1.0.128/25", "10.1.0.0/24 le 25", "2001:db8:1::/48 le 64"]
"#;

fn text() -> String {
    let side = |name: &str, n: u8| {
        let addresses = format!("addresses = [\"10.{n}.1.254/24\", \"2001:db8:{n}:ff::fe/64\"]");
        port(name, &format!("vrf = \"{name}\"\n{addresses}"))
    };
    let care = "export = [{ target = \"65000:1\", prefixes = \"offices\" }]\nimport = [{ target = \"65000:2\", prefixes = \"server\" }]";
    let hospital = "export = [\"65000:2\"]\nimport = [\"65000:1\"]";
    let mut text = LISTS.to_string()
        + &vrf("care", care)
        + &side("care", 1)
        + &vrf("hospital", hospital)
        + &side("hospital", 2);
    for (name, n) in [("care", 1), ("hospital", 2)] {
        for prefix in ["0.0/28", "0.16/28", "0.0/25", "0.128/25"] {
            text += &route(name, &format!("10.{n}.{prefix}"), &format!("via = \"10.{n}.1.1\""));
        }
        for subnet in [1, 2] {
            let prefix = format!("2001:db8:{n}:{subnet}::/64");
            text += &route(name, &prefix, &format!("via = \"2001:db8:{n}:ff::1\""));
        }
    }
    text
}

fn lab() -> Lab {
    let mut lab = Lab::new(&text());
    for (name, n) in [("care", 1), ("hospital", 2)] {
        lab.host(name, &format!("10.{n}.1.1"));
        lab.host(name, &format!("2001:db8:{n}:ff::1"));
    }
    lab.forget();
    lab
}

/// Whether a packet from the edge of one community to `to` passes to the other.
#[track_caller]
fn reaches(lab: &mut Lab, from: (&str, u8), to: &str, other: &str) -> bool {
    let source =
        if to.contains(':') { format!("2001:db8:{}:ff::1", from.1) } else { format!("10.{}.1.1", from.1) };
    lab.send(from.0, ip(&source, to).ttl(64) / udp(1) / payload(60));
    lab.run(testbed::lab::ms(1));
    let passed = lab.take(other);
    for seen in &passed {
        assert_eq!(diff(&(ip(&source, to).ttl(63) / udp(1) / payload(60)), &seen.bytes), None);
    }
    let dropped = lab.drops();
    assert_eq!(dropped.is_empty(), !passed.is_empty(), "{to}: {dropped:?}");
    assert!(dropped.iter().all(|(reason, _)| *reason == DropReason::NoRoute), "{to}: {dropped:?}");
    lab.forget();
    !passed.is_empty()
}

#[test]
fn the_listed_prefixes_are_reached_and_no_others() {
    let mut lab = lab();
    let (care, hospital) = (("care", 1), ("hospital", 2));
    for (to, may) in [
        ("10.2.0.1", true),
        ("10.2.0.15", true),
        ("10.2.0.16", false),
        ("10.2.0.17", false),
        ("10.2.0.127", false),
        ("10.2.0.200", false),
        ("10.2.1.1", false),
        ("2001:db8:2:1::9", true),
        ("2001:db8:2:2::9", false),
        ("2001:db8:2:ff::1", false),
    ] {
        assert_eq!(reaches(&mut lab, care, to, "hospital"), may, "from care to {to}");
    }
    for (to, may) in [
        ("10.1.0.127", true),
        ("10.1.0.128", false),
        ("10.1.0.200", false),
        ("10.1.1.1", false),
        ("2001:db8:1:1::9", true),
        ("2001:db8:1:2::9", true),
    ] {
        assert_eq!(reaches(&mut lab, hospital, to, "care"), may, "from hospital to {to}");
    }
}

#[test]
fn a_list_that_changes_opens_and_closes_at_once() {
    let mut lab = lab();
    let care = ("care", 1);
    assert!(reaches(&mut lab, care, "10.2.0.1", "hospital"));
    lab.apply(&text().replace("\"10.2.0.0/28\", ", "\"10.2.0.16/28\", "));
    assert!(!reaches(&mut lab, care, "10.2.0.1", "hospital"));
    assert!(reaches(&mut lab, care, "10.2.0.17", "hospital"));
    lab.apply(&text());
    assert!(reaches(&mut lab, care, "10.2.0.1", "hospital"));
}

#[test]
fn the_two_stay_closed_to_a_third() {
    let third = vrf("third", "")
        + &port("third", "vrf = \"third\"\naddresses = [\"10.3.1.254/24\", \"2001:db8:3:ff::fe/64\"]");
    let mut lab = Lab::new(&(text() + &third));
    lab.host("third", "10.3.1.1");
    lab.host("third", "2001:db8:3:ff::1");
    for (name, n) in [("care", 1), ("hospital", 2)] {
        lab.host(name, &format!("10.{n}.1.1"));
        lab.host(name, &format!("2001:db8:{n}:ff::1"));
    }
    lab.forget();
    for to in ["10.1.0.1", "10.2.0.1", "2001:db8:1:1::1", "2001:db8:2:1::1"] {
        assert!(!reaches(&mut lab, ("third", 3), to, "care"));
        assert!(!reaches(&mut lab, ("third", 3), to, "hospital"));
    }
    for f in FAMILIES {
        assert!(!reaches(&mut lab, ("care", 1), f.nowhere, "third"));
    }
    for to in ["10.3.1.1", "2001:db8:3:ff::1"] {
        assert!(!reaches(&mut lab, ("care", 1), to, "third"));
    }
}
