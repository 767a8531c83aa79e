//! Meters of what comes in: three colours by RFC 2697, RFC 2698 and RFC 4115, what becomes
//! of each, and rates that several interfaces, classes and workers share.

use std::time::Duration;

use dataplane::class::TrafficClass::{Clinical, Imaging};
use dataplane::id::IfIndex;
use dataplane::packet::DropReason;
use testbed::lab::{Lab, ms, secs};
use testbed::packet::*;

use super::{FAMILIES, TWO, V4, lab};

/// [`TWO`] with these lines for ge0, and more tables behind.
fn metered(ge0: &str, more: &str) -> Lab {
    let name = "[[interface]]\n    name = \"ge0\"";
    lab(&format!("{}\n{more}\n", TWO.replace(name, &format!("{name}\n{ge0}"))))
}

/// Frames by the colour that meters of an interface gave them, over all workers.
fn colours(lab: &mut Lab, interface: u32) -> [u64; 3] {
    let answers = lab.router().handle().status();
    lab.run(Duration::from_micros(1));
    let status = lab.router().handle().collect(&answers, secs(5)).unwrap();
    let meters = status.iter().flat_map(|s| &s.meters).filter(|m| m.interface == IfIndex(interface));
    meters.fold([0; 3], |sum, m| std::array::from_fn(|c| sum[c] + m.counts[c].packets))
}

/// 1,000 bytes with the layer-2 header, from ge0 to ge1.
fn thousand(dscp: u8) -> Packet {
    V4.ab().dscp(dscp) / udp(104) / payload(958)
}

#[track_caller]
fn near(rate: f64, wanted: f64) {
    assert!((rate / wanted - 1.0).abs() <= 0.005, "{rate} is not {wanted} ± 0.5 %");
}

#[test]
fn each_colour_is_marked_as_configured_and_ecn_stays() {
    for f in FAMILIES {
        // Buckets of 2,000 and 1,600 bytes that fill at 8 kbit/s: 1 byte a ms.
        let mut lab = metered(
            "police.imaging = { kind = \"srtcm\", cir = \"8 kbit/s\", cbs = \"2000 B\", ebs = \"1600 B\", \
             green = \"pass\", yellow = { dscp = \"af12\" }, red = { dscp = 14 } }",
            "",
        );
        let study = |ttl, (dscp, ecn)| {
            f.ab().dscp(dscp).ecn(ecn).ttl(ttl) / udp(104) / payload(1_000 - 14 - f.header - 8)
        };
        let sent = [(AF11, 0), (AF11, 1), (AF11, 2), (AF11, 3), (AF13, 3)];
        let seen = [(AF11, 0), (AF11, 1), (AF12, 2), (AF13, 3), (AF13, 3)];
        for (sent, seen) in sent.into_iter().zip(seen) {
            lab.send("ge0", study(64, sent));
            lab.expect("ge1", study(63, seen));
        }
        // A second brings a thousand bytes to the committed bucket.
        lab.run(secs(1));
        lab.send("ge0", study(64, (AF11, 1)));
        lab.expect("ge1", study(63, (AF11, 1)));
        lab.expect_no_drops();
        lab.expect_nothing_else();
        assert_eq!(colours(&mut lab, 0), [3, 1, 2]);
    }
}

#[test]
fn a_colour_aware_meter_never_betters_a_colour() {
    let mut lab = metered(
        "police.imaging = { kind = \"srtcm\", cir = \"8 kbit/s\", cbs = \"2000 B\", ebs = \"2000 B\", \
         colour-aware = true }",
        "",
    );
    for dscp in [AF12, AF13, AF12, AF12, AF11, AF11, AF11] {
        lab.send("ge0", thousand(dscp));
    }
    // AF12: two fit the excess bucket, none the committed one. AF13 is red. AF11: two.
    lab.expect_drops(&[(DropReason::Policed, 3)]);
    assert_eq!(colours(&mut lab, 0), [2, 2, 3]);
}

#[test]
fn rates_of_each_standard_hold() {
    let meters = [
        ("kind = \"srtcm\", cir = \"10 Mbit/s\"", [10e6, 0.0]),
        ("kind = \"trtcm\", cir = \"10 Mbit/s\", pir = \"25 Mbit/s\"", [10e6, 15e6]),
        ("kind = \"rfc4115\", cir = \"10 Mbit/s\", eir = \"25 Mbit/s\"", [10e6, 25e6]),
    ];
    for (meter, rates) in meters {
        let mut lab = metered(&format!("police.imaging = {{ {meter}, cbs = \"5 ms\", red = \"drop\" }}"), "");
        lab.offer_rate("ge0", thousand(AF11), 80_000_000);
        lab.run(ms(500));
        let before = colours(&mut lab, 0);
        lab.run(secs(4) - Duration::from_micros(1));
        let after = colours(&mut lab, 0);
        let rate = |c: usize| (after[c] - before[c]) as f64 * 8_000.0 / 4.0;
        near(rate(0), rates[0]);
        if rates[1] > 0.0 {
            near(rate(1), rates[1]);
        }
        near(rate(0) + rate(1) + rate(2), 80e6);
    }
}

#[test]
fn interfaces_classes_and_workers_share_a_meter() {
    for workers in [1, 2] {
        let more = format!(
            "[router]\nworkers = {workers}\n[[meter]]\nname = \"bulk\"\nkind = \"trtcm\"\n\
             cir = \"10 Mbit/s\"\npir = \"20 Mbit/s\"\nyellow = \"recolour\"\n"
        );
        let shared = "police = { imaging.meter = \"bulk\", clinical.meter = \"bulk\" }";
        let text = TWO
            .replace("#ge1#", shared)
            .replace("\"ge0\"\n    addresses", &format!("\"ge0\"\n    {shared}\n    addresses"));
        let mut lab = lab(&format!("{text}\n{more}"));
        let back = |dscp| ip(V4.b, V4.a).dscp(dscp) / udp(104) / payload(958);
        lab.offer_rate("ge0", thousand(AF11), 30_000_000);
        lab.offer_rate("ge0", thousand(AF21), 20_000_000);
        lab.offer_rate("ge1", back(AF11), 40_000_000);
        lab.offer_rate("ge1", V4.ab().dscp(AF41) / udp(1) / payload(958), 5_000_000);
        lab.run(secs(1));
        lab.run(secs(4));
        let rate = lab.rate("ge1", Imaging) + lab.rate("ge1", Clinical) + lab.rate("ge0", Imaging);
        near(rate, 20e6);
        let [there, back] = [0, 1].map(|i| colours(&mut lab, i));
        let (green, yellow) = (there[0] + back[0], there[1] + back[1]);
        near(green as f64, yellow as f64);
    }
}

#[test]
fn a_changed_meter_loses_no_frame_and_holds_the_new_rate() {
    let meter = |cir: &str| {
        format!("[[meter]]\nname = \"m\"\nkind = \"rfc4115\"\ncir = \"{cir}\"\neir = \"1 Mbit/s\"\n")
    };
    let text = |cir: &str| {
        let name = "[[interface]]\n    name = \"ge0\"";
        format!("{}\n{}", TWO.replace(name, &format!("{name}\npolice.imaging.meter = \"m\"")), meter(cir))
    };
    let mut lab = lab(&text("10 Mbit/s"));
    lab.offer_rate("ge0", thousand(AF11), 9_000_000);
    lab.run(secs(1));
    lab.apply(&text("20 Mbit/s"));
    lab.run(secs(1));
    lab.expect_no_drops();
    lab.apply(&text("5 Mbit/s"));
    lab.run(secs(1));
    lab.run(secs(4));
    near(lab.rate("ge1", Imaging), 6e6);
}
