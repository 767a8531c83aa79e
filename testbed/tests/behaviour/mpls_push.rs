//! Push: an IP packet gets its label stack (RFC 3031 section 3.10, RFC 3032 section 2.1).

use dataplane::packet::DropReason;
use testbed::packet::*;

use super::labels::{beyond, both, expect_bytes, far, lsr, two_mpls};
use super::{FAMILIES, V4, V6};

#[test]
fn one_to_eight_labels_outermost_first() {
    for count in 1..=8u32 {
        let labels: Vec<u32> = (0..count).map(|n| 30_012 + n * 1000).collect();
        let mut lab = lsr(&both(|f| beyond(f, &format!("push = {labels:?}"))));
        for f in FAMILIES {
            let inner = |ttl| far(&f).dscp(EF).ttl(ttl) / udp(5004) / rtp();
            lab.send("ge0", inner(64));
            let stack = labels.iter().fold(Packet::default(), |stack, l| stack / mpls(*l).tc(5).ttl(63));
            expect_bytes(&mut lab, "ge1", stack / inner(63));
        }
        lab.expect_nothing_else();
        lab.expect_no_drops();
    }
}

#[test]
fn nine_labels_are_refused_and_so_is_one_that_is_none() {
    for push in ["[16, 17, 18, 19, 20, 21, 22, 23, 24]", "[1048576]", "[7]"] {
        let mut lab = lsr("");
        let text = two_mpls("", "", &beyond(&V4, &format!("push = {push}")));
        let refusal = lab.try_apply(&text).expect_err(push);
        assert!(refusal.contains("push"), "{push}: {refusal}");
    }
}

#[test]
fn implicit_null_pushes_nothing() {
    // A neighbour that is itself the end of the LSP (RFC 3032 section 2.1 rule 4d).
    let mut lab = lsr(&both(|f| beyond(f, "push = [3]")));
    for f in FAMILIES {
        lab.send("ge0", far(&f).ttl(64) / udp(1) / payload(60));
        expect_bytes(&mut lab, "ge1", far(&f).ttl(63) / udp(1) / payload(60));
    }
    let mut lab = lsr(&both(|f| beyond(f, "push = [3, 20000]")));
    for f in FAMILIES {
        lab.send("ge0", far(&f).ttl(64) / udp(1) / payload(60));
        expect_bytes(&mut lab, "ge1", mpls(20_000).ttl(63) / far(&f).ttl(63) / udp(1) / payload(60));
    }
    lab.expect_no_drops();
}

#[test]
fn each_next_hop_has_its_own_labels() {
    let hop = |address: &str, label: u32| format!("{{ address = \"{address}\", push = [{label}] }}");
    let more = both(|f| {
        let other = if f.v6 { "2001:db8:2::a" } else { "10.2.0.10" };
        let via = [hop(f.b, 101), hop(other, 102)].join(", ");
        format!("[[route]]\nprefix = \"{}\"\nvia = [{via}]\n", f.beyond.0)
    });
    let mut lab = lsr(&more);
    for f in FAMILIES {
        let other = lab.host("ge1", if f.v6 { "2001:db8:2::a" } else { "10.2.0.10" });
        let first = lab.host("ge1", f.b);
        lab.forget();
        let mut seen = [0; 2];
        for flow in 0..400u16 {
            lab.send("ge0", far(&f) / udp(flow) / payload(60));
            let got = lab.expect("ge1", rest());
            let label = super::labels::stack(&got);
            let to = got.layer(Kind::Eth).unwrap().mac("dst").unwrap();
            let by = usize::from(to == other);
            assert!(to == other || to == first);
            assert_eq!(label, [[101], [102]][by]);
            seen[by] += 1;
        }
        assert!(seen.iter().all(|n| (140..=260).contains(n)), "{seen:?} of 400 flows");
    }
    lab.expect_no_drops();
}

#[test]
fn labelled_and_unlabelled_next_hops_stand_beside_each_other() {
    let via = format!("[\"{}\", {{ address = \"10.2.0.10\", push = [102] }}]", V4.b);
    let mut lab = lsr(&format!("[[route]]\nprefix = \"{}\"\nvia = {via}\n", V4.beyond.0));
    lab.host("ge1", "10.2.0.10");
    lab.forget();
    let mut labelled = 0;
    for flow in 0..200u16 {
        lab.send("ge0", far(&V4).ttl(64) / udp(flow) / payload(60));
        let got = lab.expect("ge1", rest());
        let plain = diff_packets(&(far(&V4).ttl(63) / udp(flow) / payload(60)), &got);
        let pushed =
            diff_packets(&(mpls(102).bos().ttl(63) / far(&V4).ttl(63) / udp(flow) / payload(60)), &got);
        assert!(plain.is_none() || pushed.is_none(), "{got}");
        labelled += usize::from(pushed.is_none());
    }
    assert!((60..=140).contains(&labelled), "{labelled} of 200 flows labelled");
}

#[test]
fn options_and_extension_headers_go_along() {
    let mut lab = lsr(&both(|f| beyond(f, "push = [17]")));
    let packets: [fn(u8) -> Packet; 3] = [
        |ttl| far(&V4).ttl(ttl).options(&[1, 1, 1, 1]) / udp(1) / payload(60),
        |ttl| far(&V6).ttl(ttl).destination_options(&[5, 2, 0, 0]) / udp(1) / payload(60),
        |ttl| far(&V4).ttl(ttl).mf().id(7).protocol(17) / payload(64),
    ];
    for packet in packets {
        lab.send("ge0", packet(64));
        expect_bytes(&mut lab, "ge1", mpls(17).ttl(63) / packet(63));
    }
    lab.expect_no_drops();
}

#[test]
fn padding_of_the_line_is_not_carried_into_the_lsp() {
    let mut lab = lsr(&beyond(&V4, "push = [17]"));
    lab.send("ge0", far(&V4) / udp(1));
    let seen = lab.next_seen("ge1", testbed::lab::secs(1)).unwrap();
    assert_eq!(seen.bytes.len(), 14 + 4 + 20 + 8);
}

#[test]
fn a_hop_that_has_run_out_is_not_pushed() {
    let mut lab = lsr(&both(|f| beyond(f, "push = [17]")));
    for f in FAMILIES {
        let last = || far(&f).ttl(1) / udp(33434) / payload(32);
        lab.send("ge0", last());
        lab.expect("ge0", ip(f.ra, f.a) / f.icmp((11, 0), (3, 0)).quoting(last()));
        lab.expect_drop(DropReason::TtlExpired);
    }
    lab.expect_nothing_else();
}

#[test]
fn the_router_s_own_packets_are_pushed_too() {
    // The echo reply's way back is an LSP.
    let back = |f: &super::Family| {
        format!("[[route]]\nprefix = \"{}\"\nvia = \"{}\"\npush = [17]\n", f.beyond.0, f.b)
    };
    let mut lab = lsr(&both(back));
    for f in FAMILIES {
        let (request, reply) = f.echo(3);
        lab.send("ge0", ip(f.beyond.1, f.ra) / request / payload(60));
        let got = lab.expect("ge1", mpls(17).bos() / ip(f.ra, f.beyond.1) / reply / payload(60));
        let ttl = |kind| got.layer(kind).and_then(|layer: &Layer| layer.number("ttl"));
        let inner = ttl(if f.v6 { Kind::Ipv6 } else { Kind::Ipv4 });
        // Not lowered: the router made it (RFC 1812 section 4.2.2.9).
        assert_eq!((inner, ttl(Kind::Mpls)), (Some(64), Some(64)));
    }
    lab.expect_no_drops();
}
