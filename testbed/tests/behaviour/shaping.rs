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
    // The question for the neighbour has the line first.
    lab.send("ge0", V4.ab() / udp(1) / payload(1000));
    lab.run(ms(10));
    lab.take("ge1");
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

/// Two sites on VLANs 2 and 3 of ge1, a port of 20 Mbit/s.
fn sites(a: &str, b: &str) -> Lab {
    let site = |name: &str, vlan: u8, qos: &str| {
        format!(
            "[[interface]]\nname = \"{name}\"\nport = \"ge1\"\nvlan = {vlan}\n\
             addresses = [\"10.{vlan}.0.254/24\"]\nqos = {{ {qos} }}\n"
        )
    };
    let ports = "[[port]]\nname = \"ge0\"\nkind = \"loopback\"\n\
                 [[port]]\nname = \"ge1\"\nkind = \"loopback\"\nrate = \"20 Mbit/s\"\n\
                 [[interface]]\nname = \"ge0\"\naddresses = [\"10.1.0.254/24\"]\n";
    let mut lab = Lab::new(&format!("{ports}{}{}", site("a", 2, a), site("b", 3, b)));
    for (interface, host) in [("ge0", "10.1.0.1"), ("a", "10.2.0.1"), ("b", "10.3.0.1")] {
        lab.host(interface, host);
    }
    lab.forget();
    lab
}

/// Bit/s on the line, preamble and gap too, of frames of 1446 bytes.
fn on_the_line(lab: &mut Lab, site: &str, class: TrafficClass) -> f64 {
    lab.rate(site, class) * 1470.0 / 1446.0
}

#[test]
fn a_site_has_its_guarantee_first_and_the_rest_goes_by_weight() {
    let mut lab = sites(
        "rate = \"20 Mbit/s\", guaranteed = \"12 Mbit/s\"",
        "rate = \"20 Mbit/s\", guaranteed = \"2 Mbit/s\", weight = 3, imaging.rate = \"1 Mbit/s\"",
    );
    let bulk = |to: &str, dscp| ip("10.1.0.1", to).dscp(dscp) / udp(1) / payload(1400);
    lab.offer_rate("ge0", bulk("10.2.0.1", CS0), 30_000_000);
    lab.offer_rate("ge0", bulk("10.3.0.1", CS0), 30_000_000);
    lab.run(secs(1));
    lab.run(secs(2));
    for (site, part) in [("a", 12e6 + 1.5e6), ("b", 2e6 + 4.5e6)] {
        let rate = on_the_line(&mut lab, site, TrafficClass::Standard);
        assert!((rate / part - 1.0).abs() < 0.02, "{site}: {rate}, its part is {part}");
    }
    // Calls of either go before both; a class has its own rate at most.
    lab.offer("ge0", ip("10.1.0.1", "10.3.0.1").dscp(EF) / udp(5004) / rtp(), ms(20));
    lab.offer_rate("ge0", bulk("10.3.0.1", AF11), 3_000_000);
    lab.run(secs(2));
    let imaging = on_the_line(&mut lab, "b", TrafficClass::Imaging);
    assert!((imaging / 1e6 - 1.0).abs() < 0.02, "{imaging}");
    assert_eq!(lab.sent("b", TrafficClass::Voice).frames, 100);
    let site = lab.snapshot().interface_named("b").unwrap().id;
    let queues = lab.router().workers().iter().flat_map(|worker| worker.queues());
    let mut trees = queues.filter_map(|queue| queue.egress.as_ref());
    let calls = trees.find_map(|tree| tree.scheduler.stats(site, TrafficClass::Voice)).unwrap();
    // The frame that had begun, at 20 Mbit/s.
    assert!(calls.delay.max() <= 588_000, "{} ns", calls.delay.max());
}

#[test]
fn a_dsl_line_is_filled_cell_by_cell_and_not_more() {
    let mut lab = lab(&two_with("qos = { rate = \"2 Mbit/s\", overhead = \"pppoe-llc\" }", ""));
    lab.offer_rate("ge0", V4.ab() / udp(1) / payload(172), 5_000_000);
    lab.run(secs(1));
    lab.run(secs(4));
    // 200 bytes at IP and 40 of PPPoE and AAL5 are five cells of 53.
    let (rate, part) = (lab.rate("ge1", TrafficClass::Standard), 2e6 * 214.0 / 265.0);
    assert!((rate / part - 1.0).abs() < 0.005, "{rate} of {part}");
}
