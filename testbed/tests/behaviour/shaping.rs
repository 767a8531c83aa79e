//! A shaped interface: the exact rate, voice first, shares of what is left
//! (RFC 3246, RFC 2597).

use dataplane::class::TrafficClass;
use testbed::lab::{Lab, ms, secs};
use testbed::packet::*;

use super::{FAMILIES, V4, lab, two_with};

/// ge1 held to 10 Mbit/s at layer 2.
fn shaped() -> Lab {
    lab(&two_with("qos = { rate = \"10 Mbit/s\", overhead = \"layer-2\" }", ""))
}

#[test]
fn the_rate_is_exact() {
    for f in FAMILIES {
        for length in [64, 500, 1400] {
            let mut lab = shaped();
            lab.offer_rate("ge0", f.ab() / udp(1) / payload(length), 25_000_000);
            lab.run(secs(1));
            lab.run(secs(2));
            let rate = lab.rate("ge1", TrafficClass::Standard);
            assert!((rate / 10e6 - 1.0).abs() < 0.002, "{rate} bit/s with {length} bytes");
        }
    }
}

#[test]
fn voice_overtakes_all_else_and_is_never_lost() {
    let mut lab = shaped();
    let call = || V4.ab().dscp(EF) / udp(5004) / rtp();
    lab.offer_rate("ge0", V4.ab().dscp(AF11) / tcp(104) / payload(1400), 20_000_000);
    lab.run(secs(1));
    lab.forget();
    // Ten calls, staggered.
    for _ in 0..10 {
        lab.offer("ge0", call(), ms(20));
        lab.run(ms(2));
    }
    lab.take("ge1");
    lab.run(secs(1));
    assert_eq!(lab.sent("ge1", TrafficClass::Voice).frames, 500);
    let snapshot = lab.snapshot();
    let ge1 = snapshot.interface_named("ge1").unwrap().id;
    let dropped = lab.router().handle().interface_counts(ge1).drops;
    assert!(dropped.iter().all(|(class, _, _)| *class == TrafficClass::Imaging), "{dropped:?}");
}

#[test]
fn shares_follow_the_weights_and_idle_share_is_borrowed() {
    let mut lab = shaped();
    let flow = |dscp| V4.ab().dscp(dscp) / udp(1) / payload(1000);
    for dscp in [AF41, AF31, AF21, AF11, CS0] {
        lab.offer_rate("ge0", flow(dscp), 8_000_000);
    }
    lab.run(secs(2));
    lab.run(secs(4));
    // Default weights: video 20, national 15, clinical 15, imaging 25, standard 20.
    for (class, weight) in [
        (TrafficClass::Video, 20.0),
        (TrafficClass::National, 15.0),
        (TrafficClass::Clinical, 15.0),
        (TrafficClass::Imaging, 25.0),
        (TrafficClass::Standard, 20.0),
    ] {
        let (rate, part) = (lab.rate("ge1", class), 10e6 * weight / 95.0);
        assert!((rate / part - 1.0).abs() < 0.03, "{class}: {rate}, its part is {part}");
    }
    lab.stop_offering();
    lab.run(secs(2));
    lab.offer_rate("ge0", flow(AF21), 20_000_000);
    lab.run(secs(1));
    lab.run(secs(1));
    assert!(lab.rate("ge1", TrafficClass::Clinical) > 9.95e6, "one class alone takes it all");
}

#[test]
fn scavenger_gets_only_what_nobody_wants() {
    let mut lab = shaped();
    let flow = |dscp| V4.ab().dscp(dscp) / udp(1) / payload(1000);
    lab.offer_rate("ge0", flow(LE), 20_000_000);
    lab.offer_rate("ge0", flow(CS0), 6_000_000);
    lab.run(secs(1));
    lab.run(secs(2));
    let (standard, scavenger) =
        (lab.rate("ge1", TrafficClass::Standard), lab.rate("ge1", TrafficClass::Scavenger));
    assert!((standard / 6e6 - 1.0).abs() < 0.01, "{standard}");
    assert!((scavenger / 4e6 - 1.0).abs() < 0.02, "{scavenger}");
}

#[test]
fn a_full_queue_drops_by_name_and_an_empty_one_delays_nothing() {
    let mut lab = shaped();
    lab.send("ge0", V4.ab() / udp(1) / payload(1000));
    let sent = lab.now();
    let seen = lab.next_seen("ge1", secs(1)).unwrap();
    assert_eq!(seen.at, sent, "an idle line sends at once");
    lab.offer_rate("ge0", V4.ab() / udp(1) / payload(1000), 40_000_000);
    lab.run(secs(1));
    let drops = lab.drops();
    assert!(!drops.is_empty());
    for (reason, _) in drops {
        use dataplane::packet::DropReason::{Codel, QueueBytes, QueueTime, TreeMemory};
        assert!(matches!(reason, Codel | QueueBytes | QueueTime | TreeMemory), "{reason}");
    }
}

#[test]
fn a_fifo_lets_bulk_stand_before_voice() {
    let mut lab = lab(&two_with("qos = { rate = \"10 Mbit/s\", discipline = \"fifo\" }", ""));
    lab.offer_rate("ge0", V4.ab().dscp(AF11) / tcp(104) / payload(1400), 20_000_000);
    lab.run(secs(2));
    lab.take("ge1");
    let sent = lab.now();
    lab.offer("ge0", V4.ab().dscp(EF) / udp(5004) / rtp(), ms(1));
    lab.run(ms(500));
    let first = lab.take("ge1").into_iter().find(|seen| seen.bytes.len() == 14 + 200);
    let wait = first.map(|seen| seen.at.since(sent));
    assert!(wait.is_none_or(|ns| ns > 20_000_000), "voice waited {wait:?} ns: that is no FIFO");
}
