//! Traffic class: kept across a swap, always; from the DSCP when pushed; the uniform,
//! pipe and short pipe models when popped (RFC 5462, RFC 3270 section 2.6).

use dataplane::class::TrafficClass;
use testbed::lab::{Lab, ms};
use testbed::packet::*;

use super::labels::{IN, OUT, beyond, both, entry, expect_bytes, far, lsr, two_mpls, via};
use super::{FAMILIES, Family, V4};
use TrafficClass::{Clinical, Control, Imaging, National, Scavenger, Standard, Video, Voice};

/// Sends a packet in by ge0; gives the class it left ge1 in, and the packet.
#[track_caller]
fn class_of(lab: &mut Lab, packet: Packet) -> (TrafficClass, Packet) {
    lab.send("ge0", packet);
    lab.run(ms(1));
    let sent: Vec<_> =
        TrafficClass::ALL.into_iter().filter(|class| lab.sent("ge1", *class).frames == 1).collect();
    assert_eq!(sent.len(), 1, "one frame in one class{:?}", lab.drops());
    let seen = lab.take("ge1").remove(0);
    (sent[0], Packet::decode(&seen.bytes))
}

/// Each value and the class it stands for.
const VALUES: [(u8, TrafficClass); 8] = [
    (0, Standard),
    (1, Imaging),
    (2, Clinical),
    (3, National),
    (4, Video),
    (5, Voice),
    (6, Control),
    (7, Control),
];

#[test]
fn a_swap_keeps_it_and_it_decides_the_queue() {
    let mut lab = lsr(&via(IN, &format!("swap = {OUT}"), &V4));
    for (tc, class) in VALUES {
        // The DSCP of the packet below says something else, and is not asked.
        let inner = || far(&V4).dscp(AF11).ecn(3) / udp(1) / payload(60);
        let (got, left) = class_of(&mut lab, mpls(IN).tc(tc) / inner());
        assert_eq!(got, class, "TC {tc}");
        assert_eq!(diff_packets(&(mpls(OUT).tc(tc).ttl(63) / inner()), &left), None);
    }
}

#[test]
fn a_swap_keeps_it_whatever_the_maps_say() {
    let map = "tc = { 5 = \"video\", 0 = \"scavenger\" }";
    let out = "tc-out = { video = 1, voice = 7 }";
    let mut lab = super::lab(&two_mpls(map, out, &via(IN, &format!("swap = {OUT}"), &V4)));
    for (tc, class) in [(5, Video), (0, Scavenger), (4, Video), (6, Control)] {
        let (got, left) = class_of(&mut lab, mpls(IN).tc(tc) / far(&V4) / udp(1) / payload(60));
        assert_eq!(got, class, "TC {tc}");
        assert_eq!(left.layer(Kind::Mpls).unwrap().number("tc"), Some(tc.into()));
    }
}

#[test]
fn push_gives_every_label_that_of_the_class() {
    let mut lab = lsr(&both(|f| beyond(f, "push = [500, 501]")));
    for f in FAMILIES {
        for (dscp, tc) in [
            (EF, 5),
            (VOICE_ADMIT, 5),
            (CS6, 6),
            (CS7, 6),
            (AF41, 4),
            (AF43, 4),
            (AF31, 3),
            (AF22, 2),
            (AF11, 1),
            (0, 0),
            (LE, 0),
            (63, 0),
        ] {
            let inner = |ttl| far(&f).dscp(dscp).ttl(ttl) / udp(1) / payload(60);
            lab.send("ge0", inner(64));
            let stack = mpls(500).tc(tc).ttl(63) / mpls(501).tc(tc).ttl(63);
            expect_bytes(&mut lab, "ge1", stack / inner(63));
        }
    }
}

#[test]
fn push_goes_by_the_map_of_the_interface_it_leaves_by() {
    let out = "tc-out = { voice = 7, standard = 2 }";
    let mut lab = super::lab(&two_mpls("", out, &both(|f| beyond(f, "push = [500]"))));
    for f in FAMILIES {
        for (dscp, tc) in [(EF, 7), (0, 2), (AF41, 4)] {
            lab.send("ge0", far(&f).dscp(dscp) / udp(1) / payload(60));
            lab.expect("ge1", mpls(500).tc(tc).bos() / far(&f).dscp(dscp).ttl(63) / udp(1) / payload(60));
        }
    }
}

/// The end of an LSP with this model.
fn end(model: &str) -> Lab {
    lsr(&entry(IN, &format!("vrf = \"default\"\ndiffserv = \"{model}\"")))
}

/// What leaves when a packet marked `dscp` came in under a label of class `tc`.
fn popped(lab: &mut Lab, f: &Family, tc: u8, dscp: u8) -> (TrafficClass, u64, u64) {
    let (class, left) = class_of(lab, mpls(IN).tc(tc) / f.ab().dscp(dscp).ecn(2) / udp(1) / payload(60));
    let ip = left.layer(if f.v6 { Kind::Ipv6 } else { Kind::Ipv4 }).unwrap();
    // Its checksum is right whatever was changed in it.
    assert_eq!(diff_packets(&(f.ab().ttl(63) / udp(1) / payload(60)), &left), None);
    (class, ip.number("dscp").unwrap(), ip.number("ecn").unwrap())
}

#[test]
fn a_pipe_treats_by_the_label_and_leaves_the_mark() {
    let mut lab = end("pipe");
    for f in FAMILIES {
        for (tc, class) in VALUES {
            assert_eq!(popped(&mut lab, &f, tc, AF11), (class, AF11.into(), 2));
        }
    }
}

#[test]
fn a_short_pipe_treats_by_the_mark_and_leaves_it() {
    let mut lab = end("short-pipe");
    for f in FAMILIES {
        for (dscp, class) in [(EF, Voice), (AF11, Imaging), (0, Standard), (CS1, Scavenger), (CS6, Control)] {
            assert_eq!(popped(&mut lab, &f, 3, dscp), (class, dscp.into(), 2));
        }
    }
}

#[test]
fn a_uniform_tunnel_hands_its_mark_on() {
    let mut lab = end("uniform");
    for f in FAMILIES {
        for (tc, class, dscp) in [
            (5, Voice, EF),
            (4, Video, AF41),
            (3, National, AF31),
            (2, Clinical, AF21),
            (1, Imaging, AF11),
            (0, Standard, 0),
        ] {
            assert_eq!(popped(&mut lab, &f, tc, if tc == 1 { EF } else { AF12 }), (class, dscp.into(), 2));
        }
        // A mark of that class already stays as it is: AF43 is Video too.
        assert_eq!(popped(&mut lab, &f, 4, AF43), (Video, AF43.into(), 2));
        assert_eq!(popped(&mut lab, &f, 5, VOICE_ADMIT), (Voice, VOICE_ADMIT.into(), 2));
    }
}

#[test]
fn at_the_penultimate_hop_the_label_below_is_marked_by_the_model() {
    for (model, expected) in [("uniform", 5), ("pipe", 2), ("short-pipe", 2)] {
        let mut lab = lsr(&via(IN, &format!("pop = true\ndiffserv = \"{model}\""), &V4));
        let below = |tc, ttl| mpls(20_000).tc(tc).ttl(ttl) / far(&V4).dscp(AF11) / udp(1) / payload(60);
        let (class, left) = class_of(&mut lab, mpls(IN).tc(5).ttl(64) / below(2, 64));
        assert_eq!(diff_packets(&below(expected, 63), &left), None, "{model}");
        assert_eq!(class, Voice, "{model}: this hop is still in the tunnel");
    }
}

#[test]
fn a_label_s_class_can_be_policed() {
    let police = "[interface.police.voice]\nrate = \"100 kbit/s\"";
    let text = two_mpls(police, "", &via(IN, &format!("swap = {OUT}"), &V4));
    let mut lab = super::lab(&text);
    for n in 0..400 {
        lab.send("ge0", mpls(IN).tc(5) / far(&V4) / udp(n) / payload(1000));
        lab.send("ge0", mpls(IN).tc(4) / far(&V4) / udp(n) / payload(1000));
    }
    lab.run(ms(100));
    let left: Vec<_> = lab.take("ge1").iter().map(|seen| Packet::decode(&seen.bytes)).collect();
    let of = |tc| left.iter().filter(|p| p.layer(Kind::Mpls).unwrap().number("tc") == Some(tc)).count();
    assert_eq!(of(4), 400);
    assert!(of(5) < 100, "{} of 400 voice packets passed the policer", of(5));
}
