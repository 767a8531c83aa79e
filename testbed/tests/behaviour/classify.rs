//! DSCP to traffic class: the default map, the configuration's, and marks not trusted.

use dataplane::class::{ClassMap, TrafficClass};
use testbed::lab::{Lab, ms};
use testbed::packet::*;

use super::{FAMILIES, Family, TWO, lab};

/// The class that a mark is sent in.
fn class_of(lab: &mut Lab, f: &Family, dscp: u8) -> TrafficClass {
    lab.send("ge0", f.ab().dscp(dscp) / udp(1));
    lab.run(ms(1));
    let sent: Vec<_> =
        TrafficClass::ALL.into_iter().filter(|class| lab.sent("ge1", *class).frames == 1).collect();
    assert_eq!(sent.len(), 1, "one frame in one class");
    lab.expect("ge1", f.ab().dscp(dscp).ttl(63) / udp(1));
    sent[0]
}

#[test]
fn the_default_map_is_that_of_the_classes() {
    use TrafficClass::{Clinical, Control, Imaging, National, Scavenger, Standard, Video, Voice};
    let mut lab = lab(TWO);
    for f in FAMILIES {
        for (dscp, class) in [
            (EF, Voice),
            (VOICE_ADMIT, Voice),
            (CS5, Voice),
            (CS6, Control),
            (CS7, Control),
            (AF41, Video),
            (AF43, Video),
            (CS4, Video),
            (AF31, National),
            (CS3, National),
            (AF21, Clinical),
            (CS2, Clinical),
            (AF11, Imaging),
            (AF13, Imaging),
            (CS0, Standard),
            (LE, Scavenger),
            (CS1, Scavenger),
            (63, Standard),
            (5, Standard),
        ] {
            assert_eq!(class_of(&mut lab, &f, dscp), class, "DSCP {dscp}");
        }
    }
}

#[test]
fn every_mark_goes_by_the_map_and_leaves_as_it_came() {
    let mut lab = lab(TWO);
    for f in FAMILIES {
        for dscp in 0..64 {
            assert_eq!(class_of(&mut lab, &f, dscp), ClassMap::default().get(dscp).0);
        }
    }
}

#[test]
fn the_configuration_changes_the_map() {
    let text = TWO.replacen("#ge1#", "", 1).replace(
        "[[interface]]\n    name = \"ge0\"",
        "[[interface]]\n    name = \"ge0\"\n    dscp = { ef = \"video\", 5 = \"clinical\" }",
    );
    let mut lab = lab(&text);
    assert_eq!(class_of(&mut lab, &super::V4, EF), TrafficClass::Video);
    assert_eq!(class_of(&mut lab, &super::V6, 5), TrafficClass::Clinical);
    assert_eq!(class_of(&mut lab, &super::V4, CS5), TrafficClass::Voice);
}

#[test]
fn a_mark_may_mean_a_colour_too() {
    let text = TWO.replace(
        "[[interface]]\n    name = \"ge0\"",
        "[[interface]]\n    name = \"ge0\"\n    dscp = { cs4 = { class = \"video\", colour = \"red\" } }\n    \
         police.video = { kind = \"srtcm\", cir = \"1 Mbit/s\", colour-aware = true }",
    );
    let mut lab = lab(&text);
    lab.send("ge0", super::V4.ab().dscp(CS4) / udp(1));
    lab.expect_drop(dataplane::packet::DropReason::Policed);
    lab.send("ge0", super::V4.ab().dscp(AF42) / udp(1));
    lab.expect("ge1", super::V4.ab().dscp(AF42).ttl(63) / udp(1));
}

#[test]
fn marks_that_are_not_trusted_are_standard_and_leave_as_that() {
    let text = TWO
        .replace("[[interface]]\n    name = \"ge0\"", "[[interface]]\n    name = \"ge0\"\n    trust = false");
    let mut lab = lab(&text);
    for f in FAMILIES {
        for ecn in 0..4 {
            lab.send("ge0", f.ab().dscp(EF).ecn(ecn) / udp(1));
            lab.run(ms(1));
            assert_eq!(lab.sent("ge1", TrafficClass::Standard).frames, 1);
            lab.expect("ge1", f.ab().dscp(CS0).ecn(ecn).ttl(63) / udp(1));
        }
        // The way back is another interface's, and trusted.
        lab.send("ge1", ip(f.b, f.a).dscp(EF) / udp(1));
        lab.expect("ge0", ip(f.b, f.a).dscp(EF).ttl(63) / udp(1));
    }
}
