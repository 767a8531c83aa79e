//! When the router says that something went wrong, and when it must not
//! (RFC 1812 section 4.3.2, RFC 1122 section 3.2.2, RFC 4443 section 2.4).

use dataplane::packet::DropReason;
use testbed::lab::{ms, secs};
use testbed::packet::*;

use super::{FAMILIES, TWO, V4, V6, lab, two_with};

#[test]
fn a_closed_port_is_told() {
    let mut lab = lab(TWO);
    for f in FAMILIES {
        let knock = || ip(f.a, f.ra) / udp(161) / payload(20);
        lab.send("ge0", knock());
        lab.expect("ge0", ip(f.ra, f.a) / f.icmp((3, 3), (1, 4)).quoting(knock()));
    }
    lab.expect_nothing_else();
}

#[test]
fn an_unknown_protocol_is_told() {
    let mut lab = lab(TWO);
    let v4 = || ip(V4.a, V4.ra).protocol(132) / payload(20);
    lab.send("ge0", v4());
    lab.expect("ge0", ip(V4.ra, V4.a) / icmp(3, 2).quoting(v4()));
    let v6 = || ip(V6.a, V6.ra).protocol(132) / payload(20);
    lab.send("ge0", v6());
    // RFC 4443 section 3.4: the pointer is at the Next Header field, byte 6.
    lab.expect("ge0", ip(V6.ra, V6.a) / icmp6(4, 1).pointer(6).quoting(v6()));
    lab.expect_nothing_else();
}

#[test]
fn the_error_comes_from_the_interface_the_packet_came_in_by() {
    let mut lab = lab(TWO);
    for f in FAMILIES {
        lab.send("ge1", ip(f.b, f.nowhere) / udp(1));
        lab.expect("ge1", ip(f.rb, f.b) / f.icmp((3, 0), (1, 0)).quoting(ip(f.b, f.nowhere) / udp(1)));
    }
}

#[test]
fn nothing_is_said_about_an_error() {
    let mut lab = lab(TWO);
    for f in FAMILIES {
        for error in [f.icmp((3, 1), (1, 3)), f.icmp((11, 0), (3, 0)), f.icmp((12, 0), (4, 0))] {
            lab.send("ge0", ip(f.a, f.nowhere) / error.clone().quoting(f.ab() / udp(1)));
            lab.send("ge0", f.ab().ttl(1) / error.quoting(f.ab() / udp(1)));
        }
        lab.expect_nothing_else();
        lab.expect_drops(&[(DropReason::NoRoute, 3), (DropReason::TtlExpired, 3)]);
    }
}

#[test]
fn an_echo_request_is_no_error() {
    let mut lab = lab(TWO);
    for f in FAMILIES {
        lab.send("ge0", f.ab().ttl(1) / f.echo(1).0);
        lab.expect("ge0", ip(f.ra, f.a) / f.icmp((11, 0), (3, 0)).quoting(f.ab().ttl(1) / f.echo(1).0));
    }
}

#[test]
fn nothing_is_said_about_later_fragments() {
    let mut lab = lab(TWO);
    let whole = ip(V4.a, V4.nowhere) / udp(1) / payload(100);
    lab.send("ge0", ip(V4.a, V4.nowhere).protocol(17).offset(48) / whole.part(48..108));
    let whole = ip(V6.a, V6.nowhere) / udp(1) / payload(100);
    lab.send("ge0", ip(V6.a, V6.nowhere).fragment(1, 48, false).next_header(17) / whole.part(48..108));
    lab.expect_nothing_else();
    lab.expect_drops(&[(DropReason::NoRoute, 2)]);
}

#[test]
fn nothing_is_said_about_what_came_by_layer_2_broadcast_or_multicast() {
    let mut lab = lab(TWO);
    for f in FAMILIES {
        lab.send("ge0", eth().broadcast() / ip(f.a, f.nowhere) / udp(1));
        lab.send("ge0", eth().dst("01:00:5e:00:00:05") / ip(f.a, f.ra) / udp(161));
        lab.send("ge0", eth().broadcast() / f.ab().ttl(1) / udp(1));
        lab.send("ge0", eth().broadcast() / f.ab() / udp(1));
    }
    lab.expect_nothing_else();
}

#[test]
fn nothing_is_said_to_a_source_that_is_nobody_in_particular() {
    let mut lab = lab(TWO);
    for from in ["0.0.0.0", "224.0.0.5", "10.1.0.255", "127.0.0.1"] {
        lab.send("ge0", ip(from, V4.nowhere) / udp(1));
    }
    for from in ["::", "ff02::1", "::1"] {
        lab.send("ge0", ip(from, V6.nowhere) / udp(1));
    }
    lab.expect_nothing_else();
}

#[test]
fn no_redirects_are_sent_and_none_are_taken() {
    let mut lab = lab(TWO);
    for f in FAMILIES {
        let second = if f.v6 { "2001:db8:1::2" } else { "10.1.0.2" };
        lab.host("ge0", second);
        lab.forget();
        lab.send("ge0", ip(f.a, second) / udp(1));
        lab.expect("ge0", ip(f.a, second).ttl(63) / udp(1));
        lab.expect_nothing_else();
    }
    let redirect = ip(V4.a, V4.ra) / icmp(5, 1).quoting(ip(V4.ra, V4.b) / udp(1));
    lab.send("ge0", redirect);
    lab.send("ge0", V4.ab() / udp(7));
    lab.expect("ge1", V4.ab().ttl(63) / udp(7));
}

#[test]
fn errors_are_rate_limited() {
    let limits = "[limits]\nicmp-errors-per-second = 100";
    let mut lab = lab(&two_with("", limits));
    for f in FAMILIES {
        lab.run(secs(2));
        lab.forget();
        lab.offer("ge0", f.ab().ttl(1) / udp(1), ms(1));
        lab.run(secs(1));
        lab.stop_offering();
        let said = lab.take("ge0").len();
        assert!((95..=112).contains(&said), "{said} errors in a second");
        let expired = lab.drops();
        assert_eq!(expired, [(DropReason::TtlExpired, 1000)]);
    }
}
