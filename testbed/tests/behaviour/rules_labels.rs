//! Match rules of what comes labelled: below a label that ends here they see the packet and
//! the Vrf that it is for; what stays labelled they see where they name a traffic class.

use dataplane::class::TrafficClass::{self, Clinical, Imaging, National, Standard, Video, Voice};
use testbed::lab::{Lab, ms};
use testbed::packet::*;

use super::labels::{IN, OUT, entry, expect_bytes, far, lsr, via};
use super::vpn::{self, HERE};
use super::{FAMILIES, V4};

/// The class that a packet leaves `out` in.
#[track_caller]
fn class_of(lab: &mut Lab, into: &str, packet: impl Into<Packet>, out: &str) -> TrafficClass {
    lab.send(into, packet);
    lab.run(ms(1));
    let sent: Vec<_> =
        TrafficClass::ALL.into_iter().filter(|class| lab.sent(out, *class).frames == 1).collect();
    assert_eq!(sent.len(), 1, "one frame in one class; dropped {:?}", lab.drops());
    lab.take(out);
    sent[0]
}

fn rule(name: &str, lines: &str) -> String {
    format!("[[rule]]\nname = \"{name}\"\n{lines}\n")
}

/// Packets by rule.
fn hits(lab: &mut Lab) -> Vec<(String, u64)> {
    let answers = lab.router().handle().status();
    lab.run(std::time::Duration::from_micros(1));
    let status = lab.router().handle().collect(&answers, testbed::lab::secs(5)).unwrap();
    status[0].rules.iter().map(|(name, count)| (name.to_string(), count.packets)).collect()
}

#[test]
fn at_the_egress_the_vrf_of_the_label_decides() {
    let rules = rule("red", "vrf = \"red\"\ndestination-port = 104\nclass = \"imaging\"")
        + &rule("core", "interface = \"core\"\ndestination-port = 5060\nclass = \"voice\"")
        + &rule("blue", "vrf = \"blue\"\nclass = \"clinical\"\nmark = \"af21\"");
    let mut lab = vpn::lab(&vpn::pe_text("", &rules), &["red", "blue"]);
    for f in FAMILIES {
        let from = |port| ip(f.beyond.1, f.a).dscp(AF41).ecn(2) / udp(port) / payload(60);
        let below = |n: usize, port| mpls(HERE[n]).tc(4) / from(port);
        assert_eq!(class_of(&mut lab, "core", below(0, 104), "red"), Imaging);
        assert_eq!(class_of(&mut lab, "core", below(0, 5060), "red"), Voice);
        assert_eq!(class_of(&mut lab, "core", below(0, 1), "red"), Video, "by its label");
        assert_eq!(class_of(&mut lab, "core", below(1, 104), "blue"), Clinical);
        // Its own interface is of that Vrf too.
        assert_eq!(class_of(&mut lab, "red", far(&f) / udp(104) / payload(60), "core"), Imaging);
        lab.send("core", below(1, 7));
        let marked = |dscp| ip(f.beyond.1, f.a).dscp(dscp).ecn(2).ttl(63);
        expect_bytes(&mut lab, "blue", marked(AF21) / udp(7) / payload(60));
        lab.send("core", below(0, 104));
        expect_bytes(&mut lab, "red", marked(AF41) / udp(104) / payload(60));
    }
}

#[test]
fn the_model_of_the_tunnel_comes_first_and_a_rule_has_the_last_word() {
    for (model, plain, mark) in
        [("pipe", Video, AF11), ("short-pipe", Imaging, AF11), ("uniform", Video, AF41)]
    {
        let rules = rule("by-mark", "dscp = \"af41\"\ndestination-port = 9\nclass = \"national\"")
            + &rule("marks", "destination-port = 8\nclass = \"voice\"\nmark = \"ef\"");
        let end = entry(IN, &format!("vrf = \"default\"\ndiffserv = \"{model}\""));
        let mut lab = lsr(&(end + &rules));
        for f in FAMILIES {
            let packet = |port| mpls(IN).tc(4) / f.ab().dscp(AF11).ecn(1) / udp(port) / payload(60);
            assert_eq!(class_of(&mut lab, "ge0", packet(7), "ge1"), plain, "{model}");
            // Behind a uniform tunnel the mark is the tunnel's.
            let nine = if model == "uniform" { National } else { plain };
            assert_eq!(class_of(&mut lab, "ge0", packet(9), "ge1"), nine, "{model}");
            assert_eq!(class_of(&mut lab, "ge0", packet(8), "ge1"), Voice, "{model}");
            for (port, mark) in [(7, mark), (8, EF)] {
                lab.send("ge0", packet(port));
                expect_bytes(&mut lab, "ge1", f.ab().dscp(mark).ecn(1).ttl(63) / udp(port) / payload(60));
            }
        }
    }
}

#[test]
fn what_passes_labelled_is_ruled_by_its_label_and_what_is_below_where_a_rule_names_it() {
    let rules = rule("not-of-labels", "class = \"control\"\nprotocol = [\"udp\", \"tcp\"]")
        + &rule("dicom", "tc = [0, 1]\ndestination-port = 104\nclass = \"imaging\"\nmark = \"ef\"")
        + &rule(
            "site",
            "tc = 0\nsource = [\"10.1.0.0/24\", \"2001:db8:1::/64\"]\nlength = \"0-200\"\nclass = \"clinical\"",
        )
        + &rule("three", "tc = 3\ncolour = \"yellow\"\nclass = \"national\"")
        + &rule("seven", "tc = 7\nclass = \"voice\"");
    let mut lab = lsr(&(via(IN, &format!("swap = {OUT}"), &V4) + &rules));
    for f in FAMILIES {
        let stack = |tc| mpls(IN).tc(tc) / mpls(99).tc(5);
        let packet = |tc, port: u16, bytes| stack(tc) / far(&f).dscp(AF41) / udp(port) / payload(bytes);
        assert_eq!(class_of(&mut lab, "ge0", packet(0, 104, 60), "ge1"), Imaging);
        assert_eq!(class_of(&mut lab, "ge0", packet(1, 104, 60), "ge1"), Imaging);
        assert_eq!(class_of(&mut lab, "ge0", packet(0, 105, 60), "ge1"), Clinical);
        assert_eq!(class_of(&mut lab, "ge0", packet(0, 105, 600), "ge1"), Standard);
        assert_eq!(class_of(&mut lab, "ge0", packet(4, 104, 60), "ge1"), Video, "by its label");
        assert_eq!(class_of(&mut lab, "ge0", packet(7, 104, 60), "ge1"), Voice);
        // What it carries stays to the bit, and so does the label's class.
        let left = |tc| mpls(OUT).tc(tc).ttl(63) / mpls(99).tc(5);
        lab.send("ge0", packet(1, 104, 60));
        expect_bytes(&mut lab, "ge1", left(1) / far(&f).dscp(AF41) / udp(104) / payload(60));
    }
    // What is no IP packet has a label all the same, and nothing else.
    let other = |tc| mpls(IN).tc(tc) / payload(60);
    for (tc, class) in [(7, Voice), (3, National), (0, Standard)] {
        assert_eq!(class_of(&mut lab, "ge0", other(tc), "ge1"), class);
    }
    assert_eq!(hits(&mut lab)[0], ("not-of-labels".into(), 0));
}

#[test]
fn the_top_label_as_received_counts_for_what_ends_here_too() {
    let rules = rule("outer", "tc = 6\nclass = \"scavenger\"") + &rule("inner", "tc = 2\nclass = \"voice\"");
    let ends = entry(IN, "vrf = \"default\"\ndiffserv = \"pipe\"");
    let mut lab = lsr(&(ends + &rules));
    let packet =
        |outer, inner| mpls(0).tc(outer) / mpls(IN).tc(inner) / V4.ab().dscp(AF41) / udp(1) / payload(60);
    assert_eq!(class_of(&mut lab, "ge0", packet(6, 2), "ge1"), TrafficClass::Scavenger);
    assert_eq!(class_of(&mut lab, "ge0", packet(4, 2), "ge1"), Video);
    assert_eq!(class_of(&mut lab, "ge0", packet(2, 6), "ge1"), Voice);
}

#[test]
fn labels_do_not_bring_a_mark_past_an_interface_that_is_not_trusted() {
    let text = super::labels::two_mpls("trust = false", "", &entry(IN, "vrf = \"default\""));
    let mut lab = super::lab(&(text + &rule("sip", "destination-port = 5060\nclass = \"voice\"")));
    for f in FAMILIES {
        for (port, mark) in [(1, CS0), (5060, EF)] {
            lab.send("ge0", mpls(IN).tc(5) / f.ab().dscp(CS6).ecn(3) / udp(port) / payload(60));
            expect_bytes(&mut lab, "ge1", f.ab().dscp(mark).ecn(3).ttl(63) / udp(port) / payload(60));
        }
    }
}

#[test]
fn what_is_held_is_counted_once() {
    let rules = rule("all", "protocol = \"udp\"\nclass = \"voice\"\nmark = \"ef\"")
        + &rule("six", "tc = 6\nclass = \"voice\"");
    let text = super::labels::two_mpls("", "", &(entry(IN, "vrf = \"default\"") + &rules));
    let mut lab = Lab::new(&text);
    lab.host("ge0", V4.a);
    lab.forget();
    lab.send("ge0", mpls(IN).tc(2) / V4.ab().dscp(AF21) / udp(1) / payload(60));
    lab.run(ms(1));
    lab.host("ge1", V4.b);
    lab.run(ms(2_000));
    assert_eq!(hits(&mut lab), [("all".into(), 1), ("six".into(), 0)]);
    let left = lab.take("ge1");
    let marks = left.iter().map(|seen| Packet::decode(&seen.bytes));
    let marks: Vec<_> = marks.filter_map(|p| p.layer(Kind::Ipv4).and_then(|ip| ip.number("dscp"))).collect();
    assert!(marks.contains(&u64::from(EF)), "{marks:?}");
}
