//! Routes that go from one local Vrf to another by route target (RFC 4364 section 4.3.1).

use dataplane::packet::DropReason;
use testbed::lab::Lab;
use testbed::packet::*;

use super::vpn::{allocated, core, port, route, vrf};
use super::{FAMILIES, Family};

/// A Vrf with a subnet of its own: community `n`, host .1, router .254.
fn site(name: &str, n: u8, lines: &str) -> String {
    let addresses = format!("addresses = [\"10.{n}.0.254/24\", \"2001:db8:{n}::fe/64\"]");
    vrf(name, lines) + &port(name, &format!("vrf = \"{name}\"\n{addresses}"))
}

/// The host of community `n`, in a family.
fn host(f: &Family, n: u8) -> String {
    if f.v6 { format!("2001:db8:{n}::1") } else { format!("10.{n}.0.1") }
}

fn router(f: &Family, n: u8) -> String {
    if f.v6 { format!("2001:db8:{n}::fe") } else { format!("10.{n}.0.254") }
}

#[track_caller]
fn lab(text: &str, sites: &[(&str, u8)]) -> Lab {
    let mut lab = Lab::new(text);
    for (name, n) in sites {
        for f in FAMILIES {
            lab.host(name, &host(&f, *n));
        }
    }
    lab.forget();
    lab
}

const TWO: [(&str, u8); 2] = [("red", 1), ("blue", 2)];

fn targets(import: &str, export: &str) -> String {
    format!("import = [{import}]\nexport = [{export}]")
}

#[track_caller]
fn passes(lab: &mut Lab, from: (&str, u8), to: (&str, u8)) {
    for f in FAMILIES {
        let packet = |ttl| ip(&host(&f, from.1), &host(&f, to.1)).ttl(ttl) / udp(1) / payload(60);
        lab.send(from.0, packet(64));
        lab.expect(to.0, packet(63));
    }
    lab.expect_no_drops();
}

#[track_caller]
fn stays(lab: &mut Lab, from: (&str, u8), to: &str) {
    for f in FAMILIES {
        let packet = || ip(&host(&f, from.1), to_family(&f, to).as_str()) / udp(1) / payload(60);
        lab.send(from.0, packet());
        lab.expect(
            from.0,
            ip(&router(&f, from.1), &host(&f, from.1)) / f.icmp((3, 0), (1, 0)).quoting(packet()),
        );
        lab.expect_drop(DropReason::NoRoute);
    }
}

/// `n` as the host of community `n` in a family.
fn to_family(f: &Family, n: &str) -> String {
    host(f, n.parse().unwrap())
}

#[test]
fn what_one_exports_and_another_imports_is_reached() {
    let text = site("red", 1, &targets("\"65000:2\"", "\"65000:1\""))
        + &site("blue", 2, &targets("\"65000:1\"", "\"65000:2\""));
    let mut lab = lab(&text, &TWO);
    passes(&mut lab, TWO[0], TWO[1]);
    passes(&mut lab, TWO[1], TWO[0]);
    // The router's own address in the other community answers too.
    for f in FAMILIES {
        let (request, reply) = f.echo(1);
        lab.send("red", ip(&host(&f, 1), &router(&f, 2)) / request / payload(60));
        lab.expect("red", ip(&router(&f, 2), &host(&f, 1)) / reply / payload(60));
    }
    lab.expect_nothing_else();
}

#[test]
fn without_a_common_target_nothing_is() {
    for (red, blue) in [
        (targets("\"65000:3\"", "\"65000:1\""), targets("\"65000:4\"", "\"65000:2\"")),
        (String::new(), String::new()),
        (targets("\"65000:2\"", "\"65000:1\""), targets("", "")),
    ] {
        let text = site("red", 1, &red) + &site("blue", 2, &blue);
        let mut lab = lab(&text, &TWO);
        stays(&mut lab, TWO[0], "2");
        stays(&mut lab, TWO[1], "1");
        lab.expect_nothing_else();
    }
}

#[test]
fn one_way_is_one_way() {
    // Red knows blue's prefixes; blue knows nothing of red.
    let text = site("red", 1, &targets("\"65000:2\"", "")) + &site("blue", 2, &targets("", "\"65000:2\""));
    let mut lab = lab(&text, &TWO);
    passes(&mut lab, TWO[0], TWO[1]);
    stays(&mut lab, TWO[1], "1");
}

#[test]
fn static_and_run_time_routes_are_exported_as_connected_ones_are() {
    let static_route = route("blue", "10.60.0.0/16", "via = \"10.2.0.1\"")
        + &route("blue", "2001:db8:60::/48", "via = \"2001:db8:2::1\"");
    let text = site("red", 1, &targets("\"65000:2\"", ""))
        + &site("blue", 2, &targets("", "\"65000:2\""))
        + &static_route;
    let mut lab = lab(&text, &TWO);
    lab.route_add("blue", "10.61.0.0/16", &["10.2.0.1"]);
    lab.route_add("blue", "2001:db8:61::/48", &["2001:db8:2::1"]);
    let reached = |lab: &mut Lab, src: &str, dst: &str| {
        lab.send("red", ip(src, dst).ttl(64) / udp(1) / payload(60));
        lab.expect("blue", ip(src, dst).ttl(63) / udp(1) / payload(60));
    };
    for n in [60, 61] {
        reached(&mut lab, "10.1.0.1", &format!("10.{n}.9.9"));
        reached(&mut lab, "2001:db8:1::1", &format!("2001:db8:{n}:9::9"));
    }
    lab.route_del("blue", "10.61.0.0/16");
    lab.send("red", ip("10.1.0.1", "10.61.9.9") / udp(1) / payload(60));
    lab.run(testbed::lab::ms(1));
    lab.expect_drop(DropReason::NoRoute);
}

#[test]
fn a_route_that_was_imported_is_not_exported_again() {
    // Red → blue → green by targets would make blue a way through.
    let text = site("red", 1, &targets("", "\"65000:1\""))
        + &site("blue", 2, &targets("\"65000:1\"", "\"65000:2\""))
        + &site("green", 3, &targets("\"65000:2\"", ""));
    let mut lab = lab(&text, &[("red", 1), ("blue", 2), ("green", 3)]);
    passes(&mut lab, ("blue", 2), ("red", 1));
    passes(&mut lab, ("green", 3), ("blue", 2));
    stays(&mut lab, ("green", 3), "1");
}

#[test]
fn an_own_route_goes_before_an_imported_one() {
    let text = site("red", 1, &targets("\"65000:2\"", ""))
        + &site("blue", 2, &targets("", "\"65000:2\""))
        + &route("red", "10.60.0.0/16", "via = \"10.1.0.1\"")
        + &route("blue", "10.60.0.0/16", "via = \"10.2.0.1\"");
    let mut lab = lab(&text, &TWO);
    lab.host("red", "10.1.0.7");
    lab.forget();
    lab.send("red", ip("10.1.0.7", "10.60.0.1") / udp(1) / payload(60));
    // Its own, and back by the interface it came from.
    let got = lab.expect("red", ip("10.1.0.7", "10.60.0.1").ttl(63) / udp(1) / payload(60));
    assert!(got.layer(Kind::Udp).is_some());
    assert!(lab.take("blue").is_empty());
}

#[test]
fn targets_change_and_routes_come_and_go_with_them() {
    let of =
        |import: &str| site("red", 1, &targets(import, "")) + &site("blue", 2, &targets("", "\"65000:2\""));
    let mut lab = lab(&of("\"65000:2\""), &TWO);
    passes(&mut lab, TWO[0], TWO[1]);
    lab.apply(&of(""));
    stays(&mut lab, TWO[0], "2");
    lab.apply(&of("\"65000:7\", \"65000:2\""));
    passes(&mut lab, TWO[0], TWO[1]);
}

/// A subnet's broadcast address is of its link alone (RFC 2644): nothing leaves, not even a
/// question whose it is, whether a label leads to the Vrf or to the prefix, or another Vrf
/// has taken the subnet over.
#[test]
fn directed_broadcasts_end_here_by_labels_and_from_vrfs_that_import() {
    for mode in ["per-vrf", "per-ce", "per-prefix"] {
        let text = core()
            + &site("red", 1, &format!("{}\nlabel = \"{mode}\"", targets("", "\"65000:1\"")))
            + &site("blue", 3, &targets("\"65000:1\"", ""));
        let mut lab = lab(&text, &[("red", 1), ("blue", 3)]);
        let packet = |from: &str| ip(from, "10.1.0.255") / udp(1) / payload(60);
        lab.send("blue", packet("10.3.0.1"));
        let given: Vec<u32> = allocated(&lab).into_iter().map(|(label, _)| label).collect();
        for label in &given {
            lab.send("core", mpls(*label) / packet("10.77.0.1"));
        }
        lab.expect_nothing_else();
        lab.expect_drops(&[(DropReason::Broadcast, 1 + given.len() as u64)]);
    }
}
