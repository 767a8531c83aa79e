//! The longest packet, to the byte, labels counted (RFC 3032 section 3).

use dataplane::packet::DropReason;
use testbed::lab::Lab;
use testbed::packet::*;

use super::labels::{IN, OUT, beyond, both, entry, expect_bytes, far, taken, two_mpls, via};
use super::{FAMILIES, Family, V4, V6};

/// A datagram of this length in all, TTL 64.
fn of(f: &Family, length: usize) -> Packet {
    datagram(f, length, 64)
}

fn datagram(f: &Family, length: usize, ttl: u8) -> Packet {
    let header = if f.v6 { far(f) } else { far(f).df() }.ttl(ttl);
    header / udp(9) / payload(length - f.header - 8)
}

/// Both routes beyond push these labels; ge1 sends 1,500 bytes of IP, or `mpls_mtu` with labels.
fn pushing(labels: &str, mpls_mtu: usize) -> Lab {
    let out = format!("mpls-mtu = {mpls_mtu}");
    super::lab(&two_mpls("", &out, &both(|f| beyond(f, &format!("push = {labels}")))))
}

#[test]
fn a_packet_fits_with_its_labels_or_is_answered_with_what_would() {
    for (labels, count) in [("[17]", 1), ("[17, 18]", 2), ("[17, 18, 19]", 3)] {
        for mpls_mtu in [1500, 1508, 1512] {
            let mut lab = pushing(labels, mpls_mtu);
            let fits = mpls_mtu - 4 * count;
            for f in FAMILIES {
                lab.send("ge0", of(&f, fits));
                let stack = (17..17 + count as u32).fold(Packet::default(), |s, l| s / mpls(l).ttl(63));
                expect_bytes(&mut lab, "ge1", stack / datagram(&f, fits, 63));
                lab.send("ge0", of(&f, fits + 1));
                let icmp = f.icmp((3, 4), (2, 0)).mtu(fits as u32);
                lab.expect("ge0", ip(f.ra, f.a) / icmp.quoting(of(&f, fits + 1)));
                let why = if f.v6 { DropReason::PacketTooBig } else { DropReason::FragmentationNeeded };
                lab.expect_drop(why);
            }
            lab.expect_nothing_else();
        }
    }
}

#[test]
fn without_labels_the_interface_s_own_mtu_counts() {
    // A longer MPLS MTU is no permission for plain IP.
    let mut lab = super::lab(&two_mpls("", "mpls-mtu = 1600", &via(IN, "pop = true", &V4)));
    lab.send("ge0", mpls(IN) / of(&V4, 1500));
    expect_bytes(&mut lab, "ge1", datagram(&V4, 1500, 63));
    lab.send("ge0", mpls(IN) / of(&V4, 1501));
    let forwarded = taken(&mut lab, "ge1").iter().any(|p| p.layer(Kind::Udp).is_some_and(|udp| !udp.quoted));
    assert!(!forwarded);
    lab.expect_drop(DropReason::FragmentationNeeded);
}

#[test]
fn ipv4_that_may_be_cut_is_and_every_piece_has_the_whole_stack() {
    let mut lab = pushing("[500, 501]", 1500);
    let whole = || far(&V4).id(7).ttl(64).dscp(EF) / udp(9) / payload(1472);
    lab.send("ge0", whole());
    let stack = || mpls(500).tc(5).ttl(63) / mpls(501).tc(5).ttl(63);
    let part = |ip: Ip, range| stack() / ip.id(7).ttl(63).dscp(EF).protocol(17) / whole().part(range);
    // 1,500 − 8 of labels = 1,492: a header and 1,472 bytes, a multiple of 8.
    expect_bytes(&mut lab, "ge1", part(far(&V4).mf(), 0..1472));
    expect_bytes(&mut lab, "ge1", part(far(&V4).offset(1472), 1472..1480));
    lab.expect_nothing_else();
    lab.expect_no_drops();
}

#[test]
fn ipv6_is_cut_where_its_sender_cannot_make_it_shorter() {
    // RFC 3032 section 3.5: 1,280 bytes at most, and a fragment header.
    let routes = both(|f| beyond(f, "push = [500, 501]"));
    let mut lab = super::lab(&two_mpls("", "mtu = 1280", &routes));
    let whole = far(&V6).ttl(64) / udp(9) / payload(1280 - 48 - 8);
    let sent = |length: usize| far(&V6).ttl(64).fragment(77, 0, false) / udp(9) / payload(length - 48 - 8);
    lab.send("ge0", sent(1280));
    let stack = || mpls(500).ttl(63) / mpls(501).ttl(63);
    let part = |from: u16, more, to| {
        let header = far(&V6).ttl(63).fragment(77, from, more).next_header(17);
        stack() / header / whole.part(from.into()..to)
    };
    // 1,280 − 8 of labels − 48 of headers = 1,224.
    expect_bytes(&mut lab, "ge1", part(0, true, 1224));
    expect_bytes(&mut lab, "ge1", part(1224, false, 1232));
    lab.expect_no_drops();
    lab.send("ge0", sent(1281));
    // No link of IPv6 is said to take less than 1,280.
    lab.expect("ge0", ip(V6.ra, V6.a) / V6.icmp((3, 4), (2, 0)).mtu(1280).quoting(sent(1281)));
    lab.expect_drop(DropReason::PacketTooBig);
    lab.expect_nothing_else();
}

#[test]
fn a_swap_makes_nothing_longer() {
    let mut lab = super::lab(&two_mpls("", "mpls-mtu = 1508", &via(IN, &format!("swap = {OUT}"), &V4)));
    for (below, fits) in [(1, 1500), (2, 1496)] {
        let rest = |length| {
            let stack = (1..below).fold(Packet::default(), |stack, n| stack / mpls(900 + n).ttl(9));
            stack / mpls(1000).ttl(9) / of(&V4, length)
        };
        lab.send("ge0", mpls(IN).ttl(64) / rest(fits));
        expect_bytes(&mut lab, "ge1", mpls(OUT).ttl(63) / rest(fits));
        lab.send("ge0", mpls(IN).ttl(64) / rest(fits + 1));
        assert!(!taken(&mut lab, "ge1").iter().any(|p| p.layer(Kind::Udp).is_some_and(|udp| !udp.quoted)));
        lab.expect_drop(DropReason::FragmentationNeeded);
        lab.forget();
    }
}

#[test]
fn in_the_middle_of_an_lsp_ipv4_that_may_be_cut_is() {
    let mut lab = super::lab(&two_mpls("", "mpls-mtu = 1500", &via(IN, &format!("swap = {OUT}"), &V4)));
    let whole = || far(&V4).id(9).ttl(9) / udp(9) / payload(1472);
    lab.send("ge0", mpls(IN).tc(3).ttl(64) / mpls(1000).tc(2).ttl(5) / whole());
    let stack = || mpls(OUT).tc(3).ttl(63) / mpls(1000).tc(2).ttl(5);
    // The TTL below is the label's business no longer than the label is there.
    let part = |ip: Ip, range| stack() / ip.id(9).ttl(9).protocol(17) / whole().part(range);
    expect_bytes(&mut lab, "ge1", part(far(&V4).mf(), 0..1472));
    expect_bytes(&mut lab, "ge1", part(far(&V4).offset(1472), 1472..1480));
    lab.expect_nothing_else();
    lab.expect_no_drops();
}

#[test]
fn what_is_no_ip_and_too_long_goes_nowhere() {
    let mut lab = super::lab(&two_mpls("", "", &via(IN, &format!("swap = {OUT}"), &V4)));
    lab.send("ge0", mpls(IN).ttl(64).bos() / bytes([0x11; 1496]));
    expect_bytes(&mut lab, "ge1", mpls(OUT).ttl(63).bos() / bytes([0x11; 1496]));
    lab.send("ge0", mpls(IN).ttl(64).bos() / bytes([0x11; 1497]));
    lab.expect_drop(DropReason::FragmentationNeeded);
    lab.expect_nothing_else();
}

#[test]
fn labels_pushed_in_the_middle_count_too() {
    let more = via(IN, &format!("swap = {OUT}\npush = [500]"), &V4);
    let mut lab = super::lab(&two_mpls("", "mpls-mtu = 1508", &more));
    lab.send("ge0", mpls(IN).ttl(64) / of(&V6, 1500));
    expect_bytes(&mut lab, "ge1", mpls(500).ttl(63) / mpls(OUT).ttl(63) / of(&V6, 1500));
    lab.send("ge0", mpls(IN).ttl(64) / of(&V6, 1501));
    assert!(!taken(&mut lab, "ge1").iter().any(|p| p.layer(Kind::Udp).is_some_and(|udp| !udp.quoted)));
    lab.expect_drop(DropReason::PacketTooBig);
}

#[test]
fn an_mpls_mtu_that_cannot_be_is_refused() {
    let mut lab = super::lab(&two_mpls("", "", &entry(IN, "pop = true")));
    for mtu in [1499, 9101, 0] {
        assert!(lab.try_apply(&two_mpls("", &format!("mpls-mtu = {mtu}"), "")).is_err(), "{mtu}");
    }
    lab.apply(&two_mpls("", "mpls-mtu = 9100", ""));
}
