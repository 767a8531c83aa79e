//! Hub and spoke by route targets: spokes reach the hub, and one another only through
//! the hub's own router (RFC 4364 section 4.3.5).

use dataplane::packet::DropReason;
use testbed::lab::Lab;
use testbed::packet::*;

use super::vpn::{port, route, vrf};
use super::{FAMILIES, Family};

/// Spokes import the hub's routes, the hub those of the spokes. The hub's site has two
/// lines: what comes from spokes goes out by "hub-in", where its own router sends it on
/// to the spokes by "hub-out".
fn text(spokes: u8) -> String {
    let side = |name: &str, vrf: &str, n: u8| {
        let addresses = format!("addresses = [\"10.{n}.0.254/24\", \"2001:db8:{n}::fe/64\"]");
        port(name, &format!("vrf = \"{vrf}\"\n{addresses}"))
    };
    // To the hub everything that is no spoke's own.
    let mut text = vrf("hub-in", "export = [\"65000:100\"]")
        + &side("hub-in", "hub-in", 200)
        + &route("hub-in", "10.0.0.0/8", "via = \"10.200.0.1\"")
        + &route("hub-in", "2001:db8::/32", "via = \"2001:db8:200::1\"")
        + &vrf("hub-out", "import = [\"65000:1\"]")
        + &side("hub-out", "hub-out", 201);
    for n in 1..=spokes {
        let name = format!("spoke{n}");
        text += &vrf(&name, "import = [\"65000:100\"]\nexport = [\"65000:1\"]");
        text += &side(&name, &name, n);
    }
    text
}

fn host(f: &Family, n: u8) -> String {
    if f.v6 { format!("2001:db8:{n}::1") } else { format!("10.{n}.0.1") }
}

fn lab(spokes: u8) -> Lab {
    let mut lab = Lab::new(&text(spokes));
    for f in FAMILIES {
        lab.host("hub-in", &host(&f, 200));
        lab.host("hub-out", &host(&f, 201));
        for n in 1..=spokes {
            lab.host(&format!("spoke{n}"), &host(&f, n));
        }
    }
    lab.forget();
    lab
}

#[test]
fn from_spoke_to_spoke_the_hub_s_router_is_on_the_way() {
    let mut lab = lab(3);
    for f in FAMILIES {
        for (from, to) in [(1, 2), (2, 3), (3, 1)] {
            let packet = |ttl| ip(&host(&f, from), &host(&f, to)).ttl(ttl) / udp(1) / payload(60);
            lab.send(&format!("spoke{from}"), packet(64));
            lab.expect("hub-in", packet(63));
            // As the hub's router sends it on, one hop later.
            lab.send("hub-out", packet(62));
            lab.expect(&format!("spoke{to}"), packet(61));
        }
    }
    lab.expect_nothing_else();
    lab.expect_no_drops();
}

#[test]
fn the_hub_reaches_every_spoke_and_only_by_its_own_line() {
    let mut lab = lab(2);
    for f in FAMILIES {
        for n in [1, 2] {
            let packet = |ttl| ip(&host(&f, 201), &host(&f, n)).ttl(ttl) / udp(1) / payload(60);
            lab.send("hub-out", packet(64));
            lab.expect(&format!("spoke{n}"), packet(63));
        }
        // The hub's line out imports no hub: nothing leads back by it.
        lab.send("hub-out", ip(&host(&f, 201), &host(&f, 200)) / udp(1) / payload(60));
        lab.run(testbed::lab::ms(1));
        lab.expect_drop(DropReason::NoRoute);
        lab.forget();
    }
}
