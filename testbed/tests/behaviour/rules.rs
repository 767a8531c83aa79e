//! Match rules: by every field, in order, for what comes in and what goes out; and marks
//! of every edge, with ECN as it was (RFC 2475 section 2.3, RFC 3168).

use std::sync::Arc;
use std::time::Duration;

use dataplane::class::TrafficClass::{self, Clinical, Imaging, Standard, Video, Voice};
use testbed::lab::{Lab, ms, secs};
use testbed::packet::*;

use super::{FAMILIES, TWO, V4, V6, lab, two_with};

/// [`TWO`] with these lines for ge0, and more tables behind.
fn ruled(ge0: &str, more: &str) -> Lab {
    let name = "[[interface]]\n    name = \"ge0\"";
    lab(&format!("{}\n{more}\n", TWO.replace(name, &format!("{name}\n{ge0}"))))
}

/// The class that a packet leaves in.
#[track_caller]
fn class_of(lab: &mut Lab, packet: impl Into<Packet>) -> TrafficClass {
    lab.send("ge0", packet);
    lab.run(ms(1));
    let sent: Vec<_> =
        TrafficClass::ALL.into_iter().filter(|class| lab.sent("ge1", *class).frames == 1).collect();
    assert_eq!(sent.len(), 1, "one frame in one class");
    lab.take("ge1");
    sent[0]
}

/// Frames by rule, over all workers.
fn hits(lab: &mut Lab) -> Vec<(String, u64)> {
    let answers = lab.router().handle().status();
    lab.run(Duration::from_micros(1));
    let status = lab.router().handle().collect(&answers, secs(5)).unwrap();
    let named = |(name, count): &(Arc<str>, dataplane::qos::Count)| (name.to_string(), count.packets);
    status[0].rules.iter().map(named).collect()
}

#[test]
fn each_field_decides() {
    let rules = r#"
        [[rule]]
        name = "fragments"
        fragment = ["first", "later"]
        class = "scavenger"
        [[rule]]
        name = "short"
        length = "0-60"
        protocol = "tcp"
        class = "clinical"
        [[rule]]
        name = "calls"
        destination-port = ["5060", "10000-20000"]
        protocol = ["udp", "udp-lite"]
        class = "voice"
        [[rule]]
        name = "from"
        source = ["10.1.0.1/32", "2001:db8:1::1/128"]
        source-port = 104
        class = "imaging"
        [[rule]]
        name = "to"
        destination = ["10.2.0.9/32", "2001:db8:2::/64"]
        dscp = ["af41", 5]
        class = "national"
        [[rule]]
        name = "any icmp"
        protocol = ["icmp", "icmpv6"]
        class = "control"
    "#
    .replace("any icmp", "any-icmp");
    let mut lab = ruled("", &rules);
    for f in FAMILIES {
        assert_eq!(class_of(&mut lab, f.ab() / udp(5060)), Voice);
        assert_eq!(class_of(&mut lab, f.ab() / udp(5061)), Standard);
        assert_eq!(class_of(&mut lab, f.ab() / udp(10_000)), Voice);
        assert_eq!(class_of(&mut lab, f.ab() / udp(20_000)), Voice);
        assert_eq!(class_of(&mut lab, f.ab() / udp(20_001)), Standard);
        assert_eq!(class_of(&mut lab, f.ab() / tcp(80) / payload(30)), Standard);
        assert_eq!(class_of(&mut lab, f.ab() / tcp(80)), Clinical);
        assert_eq!(class_of(&mut lab, f.ab() / udp(7).from(104)), Imaging);
        assert_eq!(class_of(&mut lab, f.ab().dscp(AF41) / udp(7)), TrafficClass::National);
        assert_eq!(class_of(&mut lab, f.ab().dscp(5) / udp(7)), TrafficClass::National);
        assert_eq!(class_of(&mut lab, f.ab() / f.echo(1).0), TrafficClass::Control);
    }
    assert_eq!(class_of(&mut lab, V4.ab().mf() / udp(5060) / payload(32)), TrafficClass::Scavenger);
    assert_eq!(class_of(&mut lab, V4.ab().offset(64).protocol(17) / payload(32)), TrafficClass::Scavenger);
    let counted: Vec<u64> = hits(&mut lab).into_iter().map(|(_, packets)| packets).collect();
    assert_eq!(counted[..5], [2, 2, 6, 2, 4]);
    // Answers of neighbours are ICMPv6 too.
    assert!(counted[5] >= 2);
}

#[test]
fn the_first_rule_decides_and_groups_hold_together() {
    let rules = r#"
        [[match]]
        name = "phones"
        source = "10.1.0.0/24"
        [[match]]
        name = "rtp"
        protocol = "udp"
        destination-port = "10000-20000"
        [[rule]]
        name = "calls"
        match = ["phones", "rtp"]
        class = "voice"
        [[rule]]
        name = "media"
        match = "rtp"
        class = "video"
        colour = "yellow"
    "#;
    let mut lab = ruled("", rules);
    assert_eq!(class_of(&mut lab, V4.ab() / udp(10_500)), Voice);
    assert_eq!(class_of(&mut lab, V6.ab() / udp(10_500)), Video);
    assert_eq!(class_of(&mut lab, V4.ab() / udp(9_999)), Standard);
    assert_eq!(hits(&mut lab), [("calls".into(), 1), ("media".into(), 1)]);
}

#[test]
fn where_a_packet_comes_in_decides() {
    let text = r#"
        [[port]]
        name = "ge0"
        kind = "loopback"
        [[port]]
        name = "ge1"
        kind = "loopback"
        [[vrf]]
        name = "red"
        [[interface]]
        name = "plain"
        port = "ge0"
        addresses = ["10.1.0.254/24"]
        [[interface]]
        name = "tagged"
        port = "ge0"
        vlan = 20
        addresses = ["10.3.0.254/24"]
        [[interface]]
        name = "of-red"
        port = "ge0"
        vlan = 30
        vrf = "red"
        addresses = ["10.4.0.254/24"]
        [[interface]]
        name = "ge1"
        addresses = ["10.2.0.254/24"]
        [[interface]]
        name = "red1"
        port = "ge1"
        vlan = 30
        vrf = "red"
        addresses = ["10.5.0.254/24"]
        [[rule]]
        name = "vlan"
        vlan = 20
        class = "voice"
        [[rule]]
        name = "vrf"
        vrf = "red"
        class = "video"
        [[rule]]
        name = "interface"
        interface = "plain"
        class = "imaging"
    "#;
    let mut lab = Lab::new(text);
    for (interface, host) in [
        ("plain", "10.1.0.1"),
        ("tagged", "10.3.0.1"),
        ("of-red", "10.4.0.1"),
        ("ge1", "10.2.0.9"),
        ("red1", "10.5.0.9"),
    ] {
        lab.host(interface, host);
    }
    lab.forget();
    for (packet, out, class) in [
        (ip("10.1.0.1", "10.2.0.9") / udp(1), "ge1", Imaging),
        (eth() / vlan(20) / ip("10.3.0.1", "10.2.0.9") / udp(1), "ge1", Voice),
        (eth() / vlan(30) / ip("10.4.0.1", "10.5.0.9") / udp(1), "red1", Video),
    ] {
        lab.send("ge0", packet);
        lab.run(ms(1));
        assert_eq!(lab.sent(out, class).frames, 1, "{out} {class}");
    }
}

#[test]
fn a_rule_marks_and_ecn_stays() {
    let rules = "[[rule]]\nname = \"dicom\"\ndestination-port = 104\nclass = \"imaging\"\nmark = \"af11\"\n";
    for trust in ["", "trust = false"] {
        let mut lab = ruled(trust, rules);
        for f in FAMILIES {
            for ecn in 0..4 {
                lab.send("ge0", f.ab().dscp(EF).ecn(ecn) / udp(104));
                lab.expect("ge1", f.ab().dscp(AF11).ecn(ecn).ttl(63) / udp(104));
            }
        }
        lab.expect_nothing_else();
    }
}

#[test]
fn on_an_interface_that_is_not_trusted_a_rule_gives_the_mark_of_its_class() {
    let rules = "[[rule]]\nname = \"sip\"\ndestination-port = 5060\nclass = \"voice\"\n\
                 [[rule]]\nname = \"video\"\ndestination-port = 5004\nclass = \"video\"\ncolour = \"red\"\n";
    let mut lab = ruled("trust = false", rules);
    for f in FAMILIES {
        for (port, came, leaves) in [(5060, CS1, EF), (5060, EF, EF), (5004, CS0, AF43), (80, CS7, CS0)] {
            lab.send("ge0", f.ab().dscp(came).ecn(1) / udp(port));
            lab.expect("ge1", f.ab().dscp(leaves).ecn(1).ttl(63) / udp(port));
        }
    }
}

#[test]
fn what_goes_out_is_ruled_and_marked_at_its_own_edge() {
    let text = two_with(
        "dscp-out = { voice = \"cs5\", video = [\"af31\", \"af32\", \"af33\"] }",
        "[[rule]]\nname = \"late\"\ndirection = \"out\"\ninterface = \"ge1\"\ndestination-port = 7\n\
         class = \"imaging\"\nmark = 11\n",
    );
    let mut lab = lab(&text);
    for f in FAMILIES {
        for (port, came, leaves) in
            [(1, EF, CS5), (1, AF41, AF31), (1, AF42, AF32), (1, AF43, AF33), (1, AF11, AF11), (7, EF, 11)]
        {
            lab.send("ge0", f.ab().dscp(came).ecn(2) / udp(port));
            lab.expect("ge1", f.ab().dscp(leaves).ecn(2).ttl(63) / udp(port));
        }
        // Nothing of it is for the other interface.
        lab.send("ge1", ip(f.b, f.a).dscp(EF) / udp(7));
        lab.expect("ge0", ip(f.b, f.a).dscp(EF).ttl(63) / udp(7));
        // What the router says itself keeps its own mark.
        let (ask, answer) = f.echo(1);
        lab.send("ge1", ip(f.b, f.rb).dscp(EF) / ask);
        lab.expect("ge1", ip(f.rb, f.b).dscp(EF) / answer);
    }
    assert_eq!(class_of(&mut lab, V4.ab() / udp(7)), Imaging);
    assert_eq!(hits(&mut lab), [("late".into(), 3)]);
}

#[test]
fn priorities_of_tags_are_read_and_written() {
    let text = r#"
        [[port]]
        name = "ge0"
        kind = "loopback"
        [[port]]
        name = "ge1"
        kind = "loopback"
        [[interface]]
        name = "in"
        port = "ge0"
        vlan = 20
        trust = "pcp"
        pcp = { 3 = "imaging", 2 = { class = "video", colour = "yellow" } }
        addresses = ["10.1.0.254/24"]
        [[interface]]
        name = "untagged"
        port = "ge0"
        trust = "pcp"
        addresses = ["10.3.0.254/24"]
        [[interface]]
        name = "out"
        port = "ge1"
        vlan = [300, 7]
        tpid = "802.1ad"
        pcp-out = { voice = 5, imaging = 1, video = 4 }
        dscp-out = { video = ["af41", "af42", "af43"] }
        addresses = ["10.2.0.254/24"]
    "#;
    let mut lab = Lab::new(text);
    for (interface, host) in [("in", "10.1.0.1"), ("untagged", "10.3.0.1"), ("out", "10.2.0.9")] {
        lab.host(interface, host);
    }
    lab.forget();
    let call = ip("10.1.0.1", "10.2.0.9");
    let out = |pcp| eth() / vlan(300).tpid(0x88a8).pcp(pcp) / vlan(7).pcp(pcp);
    lab.send("ge0", eth() / vlan(20).pcp(5) / call.clone().dscp(AF11) / udp(1));
    lab.expect("ge1", out(5) / call.clone().dscp(AF11).ttl(63) / udp(1));
    lab.send("ge0", eth() / vlan(20).pcp(3) / call.clone().dscp(EF) / udp(1));
    lab.expect("ge1", out(1) / call.clone().dscp(EF).ttl(63) / udp(1));
    lab.send("ge0", eth() / vlan(20).pcp(2) / call.clone() / udp(1));
    lab.expect("ge1", out(4) / call.clone().dscp(AF42).ttl(63) / udp(1));
    lab.send("ge0", eth() / vlan(20).pcp(4).dei() / call.clone() / udp(1));
    lab.expect("ge1", out(4) / call.clone().dscp(AF42).ttl(63) / udp(1));
    lab.send("ge0", eth() / vlan(20).pcp(0) / call.clone().dscp(EF) / udp(1));
    lab.expect("ge1", out(0) / call.clone().dscp(EF).ttl(63) / udp(1));
    // Without a tag the DSCP counts; a tag of priority alone is a tag.
    let other = ip("10.3.0.1", "10.2.0.9");
    lab.send("ge0", other.clone().dscp(EF) / udp(1));
    lab.expect("ge1", out(5) / other.clone().dscp(EF).ttl(63) / udp(1));
    lab.send("ge0", eth() / vlan(0).pcp(5) / other.clone() / udp(1));
    lab.expect("ge1", out(5) / other.ttl(63) / udp(1));
}

#[test]
fn counts_stay_with_their_names_and_a_change_loses_no_frame() {
    let rule = |name: &str, port: u16, class: &str| {
        format!("[[rule]]\nname = \"{name}\"\ndestination-port = {port}\nclass = \"{class}\"\n")
    };
    let text = |rules: &[String]| format!("{TWO}\n{}", rules.concat());
    let mut lab = lab(&text(&[rule("a", 1, "voice"), rule("b", 2, "video")]));
    for port in [1, 2, 2] {
        lab.send("ge0", V4.ab() / udp(port));
    }
    lab.run(ms(1));
    lab.apply(&text(&[rule("c", 3, "imaging"), rule("b", 2, "clinical"), rule("a", 1, "voice")]));
    for port in [1, 2, 3] {
        lab.send("ge0", V4.ab() / udp(port));
    }
    lab.run(ms(1));
    assert_eq!(hits(&mut lab), [("c".into(), 1), ("b".into(), 3), ("a".into(), 2)]);
    assert_eq!(lab.take("ge1").len(), 6);
    lab.expect_no_drops();
}

#[test]
fn what_waits_for_its_neighbour_is_counted_once_and_keeps_its_mark() {
    let rules = "[[rule]]\nname = \"dicom\"\ndestination-port = 104\ndscp = \"ef\"\nclass = \"imaging\"\nmark = \"af11\"\n";
    let mut lab = Lab::new(&format!("{TWO}\n{rules}"));
    lab.host("ge0", V4.a);
    lab.forget();
    lab.send("ge0", V4.ab().dscp(EF) / udp(104));
    lab.run(ms(1));
    lab.host("ge1", V4.b);
    lab.run(ms(2_000));
    let seen = lab.take("ge1");
    let packets = seen.iter().map(|seen| Packet::decode(&seen.bytes));
    let dscp = |p: Packet| p.layer(Kind::Ipv4).and_then(|header| header.number("dscp"));
    let marked = packets.filter_map(dscp).any(|dscp| dscp == u64::from(AF11));
    assert!(marked, "it leaves marked");
    assert_eq!(hits(&mut lab), [("dicom".into(), 1)]);
}
