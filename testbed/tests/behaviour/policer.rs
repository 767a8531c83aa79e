//! Policers: in `police` for what comes in, at the queue for what goes out
//! (RFC 2697, RFC 3246).

use dataplane::class::TrafficClass;
use dataplane::packet::DropReason;
use testbed::lab::{Lab, secs};
use testbed::packet::*;

use super::{FAMILIES, TWO, V4, lab, two_with};

fn policed() -> Lab {
    let ge0 = "[[interface]]\n    name = \"ge0\"";
    let text =
        TWO.replace(ge0, &format!("{ge0}\n    police.voice = {{ rate = \"1 Mbit/s\", burst = \"20 ms\" }}"));
    lab(&text)
}

#[test]
fn what_is_within_the_rate_passes_and_the_rest_is_dropped_by_name() {
    for f in FAMILIES {
        let mut lab = policed();
        let voice = || f.ab().dscp(EF) / udp(5004) / rtp();
        lab.offer_rate("ge0", voice(), 900_000);
        lab.run(secs(4));
        lab.expect_no_drops();
        lab.stop_offering();
        lab.offer_rate("ge0", voice(), 3_000_000);
        lab.run(secs(1));
        lab.run(secs(4));
        let rate = lab.rate("ge1", TrafficClass::Voice);
        assert!((rate / 1e6 - 1.0).abs() < 0.02, "{rate}");
        assert!(lab.drops().iter().all(|(why, _)| *why == DropReason::Policed));
    }
}

#[test]
fn other_classes_are_not_touched() {
    let mut lab = policed();
    lab.offer_rate("ge0", V4.ab().dscp(AF41) / udp(1) / payload(1000), 50_000_000);
    lab.run(secs(1));
    lab.expect_no_drops();
}

#[test]
fn a_shaped_interface_polices_voice_to_a_third_so_that_others_live() {
    let mut lab = lab(&two_with("qos = { rate = \"10 Mbit/s\", overhead = \"layer-2\" }", ""));
    lab.offer_rate("ge0", V4.ab().dscp(EF) / udp(1) / payload(158), 20_000_000);
    lab.offer_rate("ge0", V4.ab() / udp(1) / payload(1000), 20_000_000);
    lab.run(secs(1));
    lab.run(secs(3));
    let voice = lab.rate("ge1", TrafficClass::Voice);
    assert!((voice / (10e6 / 3.0) - 1.0).abs() < 0.02, "{voice}");
    let standard = lab.rate("ge1", TrafficClass::Standard);
    assert!((standard / (10e6 * 2.0 / 3.0) - 1.0).abs() < 0.02, "{standard}");
    assert!(lab.drops().iter().any(|(why, n)| *why == DropReason::Policed && *n > 1000));
}
