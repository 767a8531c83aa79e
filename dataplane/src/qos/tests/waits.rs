//! What `explain` says about waiting, against what then happens.

use super::*;
use crate::class::TrafficClass::{Clinical, Control, Imaging, Scavenger, Standard, Voice};
use crate::qos::{Discipline, PolicerSpec};

const SITE: IfIndex = IfIndex(0);

fn surgery() -> InterfaceQos {
    let mut qos = shaped(10_000_000, 0);
    class(&mut qos, Voice).policer = Some(PolicerSpec { rate: 3_300_000, burst: 30 * 238 });
    qos
}

#[test]
fn the_bound_of_thirty_calls_on_ten_megabits() {
    let bench = Bench::new(0, &[surgery()]);
    assert_eq!(bench.tree.worst_wait(SITE, Voice, Time(0)), 6_942_400);
    assert_eq!(bench.tree.expected_wait(SITE, Voice, Time(0)), 0);
    assert_eq!(bench.tree.worst_wait(SITE, Scavenger, Time(0)), u64::MAX);
}

#[test]
fn nothing_is_promised_without_a_policer_a_rate_or_an_interface() {
    let bench = Bench::new(0, &[shaped(10_000_000, 0), plain()]);
    assert_eq!(bench.tree.worst_wait(SITE, Clinical, Time(0)), u64::MAX);
    // Voice itself: its full queue of the shortest frames, and one full frame.
    let full = (1 << 20) + (1u64 << 20).div_ceil(60) * 24;
    assert_eq!(bench.tree.worst_wait(SITE, Voice, Time(0)), (full + 1538) * 800);
    assert_eq!(bench.tree.worst_wait(IfIndex(1), Clinical, Time(0)), 0);
    assert_eq!(bench.tree.worst_wait(IfIndex(9), Clinical, Time(0)), 0);
}

#[test]
fn a_time_limit_bounds_every_wait() {
    let mut qos = shaped(10_000_000, 0);
    class(&mut qos, Clinical).limit_time = 40 * MS;
    let bench = Bench::new(0, &[qos]);
    assert_eq!(bench.tree.worst_wait(SITE, Clinical, Time(0)), 40 * MS);
}

/// Fills a link, asks, queues one frame more and sees how long it waits.
fn asked_and_waited(qos: InterfaceQos, asked: TrafficClass) -> (u64, u64, u64) {
    let mut bench = Bench::new(0, &[qos]);
    for n in 0..40 {
        for class in [Control, Clinical, Imaging, Standard, Scavenger, Voice] {
            bench.enqueue(0, class, if n % 2 == 0 { 1514 } else { 300 }, n);
        }
    }
    bench.run(10 * MS);
    let (expected, worst) = (
        bench.tree.expected_wait(SITE, asked, Time(bench.now)),
        bench.tree.worst_wait(SITE, asked, Time(bench.now)),
    );
    assert_eq!(bench.enqueue(0, asked, 100, 1_000_000), None);
    bench.run(S);
    let waited = bench.gone.iter().find(|g| g.serial == 1_000_000).unwrap().waited;
    (expected, worst, waited)
}

#[test]
fn a_frame_waits_as_long_as_was_said() {
    let fifo = InterfaceQos { discipline: Discipline::Fifo, ..surgery() };
    let (expected, worst, waited) = asked_and_waited(fifo, Clinical);
    assert!(expected.abs_diff(waited) <= 1 && waited <= worst, "{expected} {waited} {worst}");
    let mut qos = surgery();
    class(&mut qos, Voice).policer = Some(PolicerSpec { rate: 3_300_000, burst: 20_000 });
    // The order of weighted classes is right to a full frame of each.
    for (asked, right_to) in [(Control, 6), (Clinical, 6), (Imaging, 6), (Standard, 6), (Scavenger, 0)] {
        let (expected, worst, waited) = asked_and_waited(qos.clone(), asked);
        assert!(expected.abs_diff(waited) <= right_to * 1_230_400 + 1, "{asked} {expected} {waited}");
        assert!(waited <= worst, "{asked} {waited} {worst}");
    }
}
