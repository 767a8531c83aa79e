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

/// Fills a link, asks, queues one frame more and sees how long it waits.
fn asked_and_waited(qos: InterfaceQos, asked: TrafficClass) -> (u64, u64) {
    let mut bench = Bench::new(0, &[qos]);
    for n in 0..40 {
        for class in [Control, Clinical, Imaging, Standard, Scavenger, Voice] {
            bench.enqueue(0, class, if n % 2 == 0 { 1514 } else { 300 }, n);
        }
    }
    bench.run(10 * MS);
    let expected = bench.tree.expected_wait(SITE, asked, 0, Time(bench.now));
    assert_eq!(bench.enqueue(0, asked, 100, 1_000_000), None);
    bench.run(S);
    let waited = bench.gone.iter().find(|g| g.serial == 1_000_000).unwrap().waited;
    (expected, waited)
}

#[test]
fn a_frame_waits_as_long_as_was_said() {
    let fifo = InterfaceQos { discipline: Discipline::Fifo, ..surgery() };
    let (expected, waited) = asked_and_waited(fifo, Clinical);
    assert!(expected.abs_diff(waited) <= 1, "{expected} {waited}");
    let mut qos = surgery();
    class(&mut qos, Voice).policer = Some(PolicerSpec { rate: 3_300_000, burst: 20_000 });
    // The order of weighted classes is right to a full frame of each.
    for (asked, right_to) in [(Control, 6), (Clinical, 6), (Imaging, 6), (Standard, 6), (Scavenger, 0)] {
        let (expected, waited) = asked_and_waited(qos.clone(), asked);
        assert!(expected.abs_diff(waited) <= right_to * 1_230_400 + 1, "{asked} {expected} {waited}");
    }
}
