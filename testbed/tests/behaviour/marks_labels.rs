//! Marks of what leaves labelled: the traffic class of labels that are put on, swapped and
//! left alone, the DSCP below them by the tunnel's model (RFC 3270 section 2.6), the priority of
//! tags; ECN as it was (RFC 3168).

use testbed::lab::Lab;
use testbed::packet::*;

use super::labels::{IN, OUT, beyond, both, expect_bytes, far, lsr, two_mpls, via};
use super::{FAMILIES, V4};

fn out_rule(name: &str, lines: &str) -> String {
    format!("[[rule]]\nname = \"{name}\"\ndirection = \"out\"\n{lines}\n")
}

#[test]
fn a_rule_for_what_goes_out_decides_the_labels_that_are_put_on() {
    let rules = out_rule("dicom", "interface = \"ge1\"\ndestination-port = 104\nclass = \"imaging\"")
        + &out_rule("marked", "destination-port = 105\nmark = \"af41\"")
        + &out_rule("labels", "destination-port = 106\nmark-tc = 7")
        + &out_rule("five", "tc = 5\nmark = \"cs5\"\nclass = \"video\"");
    let mut lab = lsr(&(both(|f| beyond(f, "push = [500, 501]")) + &rules));
    for f in FAMILIES {
        for (port, came, tc, leaves) in
            [(104, 0, 1, 0), (105, AF21, 2, AF41), (106, AF31, 7, AF31), (1, EF, 4, CS5), (1, AF11, 1, AF11)]
        {
            let inner = |dscp, ttl| far(&f).dscp(dscp).ecn(1).ttl(ttl) / udp(port) / payload(60);
            lab.send("ge0", inner(came, 64));
            let labels = mpls(500).tc(tc).ttl(63) / mpls(501).tc(tc).ttl(63);
            expect_bytes(&mut lab, "ge1", labels / inner(leaves, 63));
        }
    }
    lab.expect_nothing_else();
}

#[test]
fn the_mark_below_is_that_of_the_class_where_the_tunnel_is_uniform() {
    for (model, marked) in [("uniform", [CS5, AF32]), ("pipe", [EF, AF42]), ("short-pipe", [EF, AF42])] {
        let out = "dscp-out = { voice = \"cs5\", video = [\"af31\", \"af32\", \"af33\"] }";
        let routes = both(|f| beyond(f, &format!("push = [500]\ndiffserv = \"{model}\"")));
        let mut lab = super::lab(&two_mpls("", out, &routes));
        for f in FAMILIES {
            for (came, tc, leaves) in [(EF, 5, marked[0]), (AF42, 4, marked[1]), (AF11, 1, AF11)] {
                let inner = |dscp, ttl| far(&f).dscp(dscp).ecn(2).ttl(ttl) / udp(1) / payload(60);
                lab.send("ge0", inner(came, 64));
                expect_bytes(&mut lab, "ge1", mpls(500).tc(tc).ttl(63) / inner(leaves, 63));
            }
        }
    }
}

#[test]
fn a_swapped_label_is_marked_anew_where_it_is_asked_for() {
    let swap = via(IN, &format!("swap = {OUT}"), &V4);
    let rules = out_rule("three", "tc = 3\nmark-tc = 2")
        + &out_rule("dicom", "tc = [0, 1]\ndestination-port = 104\nclass = \"voice\"\nmark-tc = 6")
        + &out_rule("ip", "destination-port = 104\nmark = \"ef\"\nmark-tc = 7");
    for (remark, map) in [(false, [0, 1, 2, 2, 4, 5]), (true, [3, 1, 7, 2, 4, 5])] {
        let out = format!("tc-out = {{ standard = 3, clinical = 7 }}\nremark-tc = {remark}");
        let mut lab = super::lab(&two_mpls("", &out, &(swap.clone() + &rules)));
        for f in FAMILIES {
            // It and what is below it stay as they are to the bit.
            let below = |port| mpls(9).tc(5).ttl(7) / far(&f).dscp(AF11).ecn(3) / udp(port) / payload(60);
            for (tc, leaves) in (0..).zip(map) {
                lab.send("ge0", mpls(IN).tc(tc) / below(1));
                expect_bytes(&mut lab, "ge1", mpls(OUT).tc(leaves).ttl(63) / below(1));
            }
            if !remark {
                lab.send("ge0", mpls(IN).tc(1) / below(104));
                expect_bytes(&mut lab, "ge1", mpls(OUT).tc(6).ttl(63) / below(104));
            }
        }
    }
}

#[test]
fn labels_of_an_interface_that_is_not_trusted_leave_as_their_class() {
    let swap = via(IN, &format!("swap = {OUT}\npush = [600]"), &V4);
    let rule = "[[rule]]\nname = \"phones\"\ntc = 5\nprotocol = \"udp\"\ndestination-port = 5060\nclass = \"voice\"\n";
    let mut lab = super::lab(&two_mpls("trust = false", "", &(swap + rule)));
    for (tc, port, leaves) in [(7, 1, 0), (5, 1, 0), (0, 1, 0), (5, 5060, 5), (4, 5060, 0)] {
        let below = || far(&V4).dscp(EF).ecn(1) / udp(port) / payload(60);
        lab.send("ge0", mpls(IN).tc(tc) / below());
        let labels = mpls(600).tc(leaves).ttl(63) / mpls(OUT).tc(leaves).ttl(63);
        expect_bytes(&mut lab, "ge1", labels / below());
    }
}

#[test]
fn an_entropy_label_has_no_class_whatever_marks_the_others() {
    let route = beyond(&V4, "push = [500]\nentropy = true");
    let rule = out_rule("all", "protocol = \"udp\"\nmark-tc = 3\nclass = \"voice\"");
    let mut lab = lsr(&(route + &rule));
    lab.send("ge0", far(&V4) / udp(1) / payload(60));
    let left = super::labels::taken(&mut lab, "ge1").remove(0);
    let entries = left.layers().iter().filter(|layer| layer.kind == Kind::Mpls);
    let tcs: Vec<_> = entries.filter_map(|entry| entry.number("tc")).collect();
    assert_eq!(tcs, [3, 3, 0]);
}

#[test]
fn the_priority_of_tags_follows_the_class_of_what_is_labelled() {
    let text = r#"
        [[port]]
        name = "ge0"
        kind = "loopback"
        [[port]]
        name = "ge1"
        kind = "loopback"
        [[interface]]
        name = "ge0"
        mpls = true
        addresses = ["10.1.0.254/24"]
        [[interface]]
        name = "out"
        port = "ge1"
        vlan = 300
        mpls = true
        mpls-mtu = 1508
        pcp-out = { voice = 5, imaging = 1, video = 4 }
        addresses = ["10.2.0.254/24"]
        [[label]]
        label = 30012
        swap = 17
        via = "10.2.0.9"
        [[route]]
        prefix = "10.9.0.0/16"
        via = "10.2.0.9"
        push = [500]
        [[rule]]
        name = "dicom"
        direction = "out"
        tc = 0
        destination-port = 104
        class = "imaging"
    "#;
    let mut lab = Lab::new(text);
    lab.host("ge0", V4.a);
    lab.host("out", V4.b);
    lab.forget();
    let tagged = |pcp| eth() / vlan(300).pcp(pcp);
    for (tc, port, pcp) in [(5, 1, 5), (4, 1, 4), (0, 1, 0), (0, 104, 1)] {
        let below = || far(&V4).ecn(2) / udp(port) / payload(60);
        lab.send("ge0", mpls(30_012).tc(tc) / below());
        lab.expect("ge1", tagged(pcp) / mpls(17).tc(tc).ttl(63) / below());
    }
    for (dscp, port, pcp, tc) in [(EF, 1, 5, 5), (0, 104, 1, 1)] {
        lab.send("ge0", far(&V4).dscp(dscp) / udp(port) / payload(60));
        let labels = tagged(pcp) / mpls(500).tc(tc).ttl(63);
        lab.expect("ge1", labels / far(&V4).dscp(dscp).ttl(63) / udp(port) / payload(60));
    }
}
