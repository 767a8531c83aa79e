//! What a queue holds where nobody said a limit: what its class sends in a time.

#![allow(clippy::unwrap_used, clippy::panic)]

use control::config::parse;
use control::{PortFacts, capacity, compile};
use dataplane::class::TrafficClass::{
    self, Clinical, Control, Imaging, National, Scavenger, Standard, Video, Voice,
};
use dataplane::qos::{Aqm, InterfaceQos, default_curves};
use proptest::prelude::*;

/// Eight full frames of 1,500 bytes at layer 3, with Ethernet and two tags.
const EIGHT: u32 = 8 * 1_522;

/// What the one interface of a port has; `port` and `qos` are lines of their tables.
fn spec(port: &str, qos: &str) -> InterfaceQos {
    let text = format!(
        "[[port]]\nname = \"wan\"\nkind = \"loopback\"\n{port}\n[[interface]]\nname = \"wan\"\n[interface.qos]\n{qos}\n"
    );
    let snapshot =
        compile(&parse(&text, "t").unwrap_or_else(|e| panic!("{e}")), &PortFacts::default()).unwrap();
    (*snapshot.interface_named("wan").unwrap().qos).clone()
}

fn limits<const N: usize>(spec: &InterfaceQos, classes: [TrafficClass; N]) -> [u32; N] {
    classes.map(|class| spec.classes[class.index()].limit_bytes)
}

#[test]
fn a_plain_queue_holds_what_its_class_sends_in_a_fifth_of_a_second_when_all_wait() {
    // Two thirds of the rate beside voice, of which control has 5 parts of 140, video 60, clinical 15.
    let spec = spec("", "rate = \"100 Mbit/s\"\nvideo.weight = 60");
    assert_eq!(limits(&spec, [Control, Video]), [59_524, 714_286]);
    // What is idle can be borrowed: 50 ms of all of the rate.
    assert_eq!(limits(&spec, [National, Clinical]), [625_000; 2]);
    // Voice of 20 ms; what controlled delay keeps short, and what has no part of its own, of the whole rate.
    assert_eq!(
        limits(&spec, [Voice, Imaging, Standard, Scavenger]),
        [250_000, 2_500_000, 2_500_000, 2_500_000]
    );
}

#[test]
fn a_few_full_frames_always_fit_and_never_more_than_a_bound() {
    let slow = spec("", "rate = \"1 Mbit/s\"");
    assert_eq!(limits(&slow, [Control, Voice, Video, Clinical]), [EIGHT; 4]);
    let fast = spec("", "rate = \"400 Gbit/s\"");
    assert_eq!(limits(&fast, [Control, Video, Imaging]), [16 << 20; 3]);
}

#[test]
fn guarantees_and_rates_of_classes_count() {
    let qos = "rate = \"100 Mbit/s\"\nvoice.policer = { rate = \"10 Mbit/s\" }\n\
               clinical.guaranteed = \"40 Mbit/s\"\nvideo.rate = \"4 Mbit/s\"\nimaging.rate = \"8 Mbit/s\"\n";
    let whole = spec("", qos);
    // Clinical: 40 Mbit/s, and 15 parts of 100 of the 50 that are free. Video: no more than it is shaped to.
    assert_eq!(limits(&whole, [Video, Imaging]), [100_000, 200_000]);
    let near = |limit: [u32; 1], bytes: u32| limit[0].abs_diff(bytes) <= 2;
    assert!(near(limits(&whole, [Clinical]), 1_187_500));
    // Control by what the interface is guaranteed: 5 parts of what 70 Mbit/s leave beside 10 and 40.
    let part = spec("", &format!("guaranteed = \"70 Mbit/s\"\n{qos}"));
    assert!(near(limits(&whole, [Control]), 62_500) && near(limits(&part, [Control]), 25_000));
    // Others have what they may borrow: by the same parts of the rate that voice leaves.
    assert!(near(limits(&part, [Clinical]), 1_612_500), "43 of 60 parts of 90 Mbit/s");
    let little = spec("", "rate = \"100 Mbit/s\"\nguaranteed = \"2 Mbit/s\"");
    assert_eq!(limits(&little, [Control, Video]), [EIGHT, 625_000], "voice may have all of it");
}

#[test]
fn an_interface_without_a_rate_goes_by_its_ports() {
    let line = spec("rate = \"100 Mbit/s\"", "weight = 1");
    // Nothing polices voice, so that all of it is the others'.
    assert_eq!(limits(&line, [Control, Video, Voice, Imaging]), [125_000, 625_000, 250_000, 2_500_000]);
    assert_eq!(limits(&spec("", "weight = 1"), TrafficClass::ALL), [1 << 20; 8]);
}

#[test]
fn what_is_said_is_what_holds() {
    let said = spec(
        "",
        "rate = \"10 Mbit/s\"\ncontrol.limit = \"20 kB\"\nvideo.limit = \"100 ms\"\nclinical.limit = \"1 s\"",
    );
    // A time needs room for what the line sends in it.
    assert_eq!(limits(&said, [Control, Video, Clinical]), [20_000, 250_000, 1_250_000]);
    let aqm = spec(
        "",
        "rate = \"100 Mbit/s\"\nvideo.aqm = \"codel\"\nimaging.aqm = \"tail\"\nclinical.aqm = \"wred\"",
    );
    assert_eq!(limits(&aqm, [Video, Imaging, Clinical]), [2_500_000, 625_000, 625_000]);
    assert_eq!(
        aqm.classes[Clinical.index()].aqm,
        Aqm::Wred(default_curves(625_000)),
        "curves follow the limit"
    );
    // One queue has the whole rate.
    let fifo = spec("", "rate = \"100 Mbit/s\"\ndiscipline = \"fifo\"");
    assert_eq!(limits(&fifo, [Standard, Control]), [2_500_000; 2]);
}

proptest! {
    /// With the limits of the default no plain queue makes a frame wait longer than 200 ms, or than 50 ms of the whole rate take
    /// what its class is sure of, or eight full frames do, counted as the shaper counts the shortest frames.
    #[test]
    fn no_plain_queue_stands_for_long(
        rate in 1_000u64..1_000_000, sure in 0u64..50, weights in [1u32..100, 1u32..100, 1u32..100],
    ) {
        let [control, video, clinical] = weights;
        let clinical_sure = (rate * sure / 100).max(8);
        let text = format!(
            "[[port]]\nname = \"wan\"\nkind = \"loopback\"\n[[interface]]\nname = \"wan\"\n[interface.qos]\nrate = \"{rate} kbit/s\"\n\
             control.weight = {control}\nvideo.weight = {video}\nclinical = {{ weight = {clinical}, guaranteed = \"{clinical_sure} kbit/s\" }}\n"
        );
        let config = parse(&text, "t").unwrap();
        for class in [Control, Video, National, Clinical] {
            let row = capacity::of_class(&config, "wan", class).unwrap();
            let (sure, wait) = (row.rate.unwrap(), row.wait.unwrap());
            // The shortest frame is 60 bytes of layer 2 and 84 on the line; before the queue's own, one of each class, and voice.
            let borrowed = if class == Control { 0.0 } else { 0.05 * rate as f64 * 1e3 };
            let queued = (0.2 * sure as f64).max(f64::from(EIGHT) * 8.0).max(borrowed) * 84.0 / 60.0;
            let voice = rate as f64 * 1e3 / 3.0 * 0.02 + 8.0 * 1_546.0;
            let before = 9.0 * 8.0 * 1_546.0 + voice;
            let at_most = queued / sure as f64 + before * 1.5 / (rate as f64 * 1e3 * 2.0 / 3.0) + 0.001;
            prop_assert!(wait as f64 / 1e9 <= at_most, "{class}: {wait} ns, {at_most} s, sure of {sure}");
        }
    }
}
