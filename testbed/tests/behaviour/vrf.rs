//! Vrfs: the same addresses in two communities that never meet (RFC 4364).

use dataplane::packet::DropReason;
use testbed::lab::Lab;
use testbed::packet::*;

use super::{FAMILIES, V4, V6};

/// Two communities on two ports, alike to the last address.
const ALIKE: &str = r#"
    [[port]]
    name = "ge0"
    kind = "loopback"
    [[port]]
    name = "ge1"
    kind = "loopback"
    [[vrf]]
    name = "red"
    [[vrf]]
    name = "blue"
    otherwise = "prohibited"
    [[interface]]
    name = "red-a"
    port = "ge0"
    vlan = 10
    vrf = "red"
    addresses = ["10.1.0.254/24", "2001:db8:1::fe/64"]
    [[interface]]
    name = "red-b"
    port = "ge1"
    vlan = 10
    vrf = "red"
    addresses = ["10.2.0.254/24", "2001:db8:2::fe/64"]
    [[interface]]
    name = "blue-a"
    port = "ge0"
    vlan = 20
    vrf = "blue"
    addresses = ["10.1.0.254/24", "2001:db8:1::fe/64"]
    [[interface]]
    name = "blue-b"
    port = "ge1"
    vlan = 20
    vrf = "blue"
    addresses = ["10.2.0.254/24", "2001:db8:2::fe/64"]
"#;

fn lab() -> Lab {
    let mut lab = Lab::new(ALIKE);
    for f in FAMILIES {
        lab.host("red-a", f.a);
        lab.host("red-b", f.b);
    }
    lab.forget();
    lab
}

#[test]
fn equal_addresses_stay_in_their_community() {
    let mut lab = lab();
    for f in FAMILIES {
        let blue = lab.host("blue-b", f.b);
        lab.host("blue-a", f.a);
        lab.forget();
        lab.send("red-a", f.ab() / udp(1));
        lab.expect("red-b", f.ab().ttl(63) / udp(1));
        lab.send("blue-a", f.ab() / udp(2));
        let got = lab.expect("blue-b", f.ab().ttl(63) / udp(2));
        assert_eq!(got.layer(Kind::Eth).unwrap().mac("dst"), Some(blue));
        for (from, id) in [("red-a", 1), ("blue-a", 2)] {
            let (request, reply) = f.echo(id);
            lab.send(from, ip(f.a, f.ra) / request);
            lab.expect(from, ip(f.ra, f.a) / reply);
        }
    }
    lab.expect_nothing_else();
    lab.expect_no_drops();
}

#[test]
fn a_route_of_one_community_is_none_of_the_other() {
    let mut lab = lab();
    for f in FAMILIES {
        lab.host("blue-a", f.a);
        lab.forget();
        lab.route_add("red", f.beyond.0, &[f.b]);
        lab.send("red-a", ip(f.a, f.beyond.1) / udp(1));
        lab.expect("red-b", ip(f.a, f.beyond.1).ttl(63) / udp(1));
        let lost = || ip(f.a, f.beyond.1) / udp(2);
        lab.send("blue-a", lost());
        // Blue says prohibited to what it has no route for.
        lab.expect("blue-a", ip(f.ra, f.a) / f.icmp((3, 13), (1, 1)).quoting(lost()));
        lab.expect_drop(DropReason::Prohibited);
    }
    lab.expect_nothing_else();
}

#[test]
fn drops_are_counted_where_they_happen() {
    let mut lab = lab();
    for f in [V4, V6] {
        lab.send("red-a", ip(f.a, f.nowhere) / udp(1));
    }
    lab.run(testbed::lab::ms(1));
    let snapshot = lab.snapshot();
    let drops = |lab: &mut Lab, vrf: &str| {
        let id = snapshot.vrf_named(vrf).unwrap().id;
        lab.router().handle().vrf_drops(id)
    };
    assert_eq!(drops(&mut lab, "red"), [(DropReason::NoRoute, 2)]);
    assert_eq!(drops(&mut lab, "blue"), []);
}

#[test]
fn a_community_comes_and_goes() {
    let mut lab = lab();
    let without: String = ALIKE
        .split("[[interface]]")
        .filter(|part| !part.contains("blue-"))
        .collect::<Vec<_>>()
        .join("[[interface]]");
    lab.apply(&without.replace("[[vrf]]\n    name = \"blue\"\n    otherwise = \"prohibited\"", ""));
    lab.send_bytes("ge0", 0, &(eth().dst("ff:ff:ff:ff:ff:ff") / vlan(20) / V4.ab() / udp(1)).encode());
    lab.expect_drop(DropReason::VlanUnknown);
    lab.send("red-a", V4.ab() / udp(1));
    lab.expect("red-b", V4.ab().ttl(63) / udp(1));
    lab.apply(ALIKE);
    lab.run(testbed::lab::secs(15));
    lab.host("blue-b", V4.b);
    lab.forget();
    lab.send("blue-a", V4.ab() / udp(2));
    lab.expect("blue-b", V4.ab().ttl(63) / udp(2));
}
