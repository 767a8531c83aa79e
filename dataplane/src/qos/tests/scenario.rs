//! Links as a health network has them.

use super::*;
use crate::class::TrafficClass::{Clinical, Imaging, Scavenger, Standard, Video, Voice};
use crate::qos::{Discipline, PolicerSpec};

/// G.711: 200 bytes at IP, every 20 ms, with an Ethernet header.
const CALL: usize = 214;
/// A full frame without FCS.
const FULL: usize = 1514;

/// Thirty calls whose packets all come in the same instant, and an imaging
/// transfer that always has something to send; gives what left in one second.
fn surgery(qos: InterfaceQos) -> Bench {
    let mut bench = Bench::new(0, &[qos]);
    for tick in 0..1000 {
        bench.run(tick * MS);
        // What a sender with ten full frames in flight would keep queued.
        let held = |b: &Bench| b.tree.stats(IfIndex(0), Imaging).unwrap().depth.packets;
        while held(&bench) < 10 {
            assert_eq!(bench.enqueue(0, Imaging, FULL, 0), None);
        }
        if tick % 20 == 7 {
            (0..30).for_each(|call| assert_eq!(bench.enqueue(0, Voice, CALL, call), None));
        }
    }
    bench.run(S);
    bench
}

fn longest_wait(bench: &Bench, class: TrafficClass) -> u64 {
    bench.gone.iter().filter(|g| g.class == class).map(|g| g.waited).max().unwrap()
}

#[test]
fn thirty_calls_on_ten_megabits_never_notice_the_study() {
    let mut qos = shaped(10_000_000, 0);
    class(&mut qos, Voice).policer = Some(PolicerSpec { rate: 3_300_000, burst: 30 * 238 });
    let bench = surgery(qos);
    assert!(bench.gone.iter().all(|g| g.why.is_none()));
    let calls = bench.gone.iter().filter(|g| g.class == Voice).count();
    assert_eq!(calls, 50 * 30);
    // Thirty calls' frames and one full frame before them, at the line's rate.
    assert!(longest_wait(&bench, Voice) <= 6_942_400);
    let wire: usize = bench.gone.iter().map(|g| g.len + 24).sum();
    assert!((wire as i64 * 8 - 10_000_000).abs() <= 50_000, "{wire}");
    let stats = bench.tree.stats(IfIndex(0), Voice).unwrap();
    assert_eq!((stats.sent.packets, stats.delay.max()), (1500, longest_wait(&bench, Voice)));
    assert!(stats.delay.quantile(0.999) <= 6_942_400);
}

#[test]
fn with_one_queue_for_all_the_calls_wait_behind_the_study() {
    let qos = InterfaceQos { discipline: Discipline::Fifo, ..shaped(10_000_000, 0) };
    let bench = surgery(qos);
    assert!(longest_wait(&bench, Voice) > 12_000_000);
    let mut last = 0;
    for gone in &bench.gone {
        assert!(gone.at - gone.waited >= last, "first in, first out");
        last = gone.at - gone.waited;
    }
}

#[test]
fn voice_over_its_policed_rate_is_dropped_and_does_not_starve_the_rest() {
    let mut qos = shaped(10_000_000, 0);
    class(&mut qos, Voice).policer = Some(PolicerSpec { rate: 3_300_000, burst: 7140 });
    let mut bench = Bench::new(0, &[qos]);
    for tick in 0..10_000 {
        bench.run(tick * MS / 10);
        bench.enqueue(0, Voice, CALL, 0);
        if tick % 10 == 0 {
            bench.enqueue(0, Clinical, FULL, 0);
        }
    }
    bench.run(S);
    let sent = |class| bench.tree.stats(IfIndex(0), class).unwrap().sent.packets;
    let conforming = 3_300_000 / 8 / 238;
    assert!(sent(Voice) >= conforming && sent(Voice) <= conforming + 31, "{}", sent(Voice));
    assert!(sent(Clinical) * 1538 * 8 >= 6_550_000, "{}", sent(Clinical));
    let policed = bench.tree.stats(IfIndex(0), Voice).unwrap().dropped(DropReason::Policed);
    assert_eq!(
        policed.packets,
        bench.gone.iter().filter(|g| g.why == Some(DropReason::Policed)).count() as u64
    );
}

#[test]
fn every_site_of_390_gets_its_rate_at_twice_its_load() {
    const SITES: u32 = 390;
    let rate = |site: u32| 1_000_000 + u64::from(site % 7) * 250_000;
    let mut specs: Vec<_> = (0..SITES).map(|site| shaped(rate(site), 0)).collect();
    for spec in &mut specs {
        spec.classes.iter_mut().for_each(|c| c.limit_bytes = 2_500);
    }
    let mut bench = Bench::new(0, &specs);
    for tick in 0..1000u64 {
        bench.run(tick * MS);
        for site in 0..SITES {
            // Twice the rate, in frames of 500 bytes, classes in turn; one of each to start with.
            let due = |t: u64| 8 + t * rate(site) * 2 / 8 / 1000 / 500;
            for n in (if tick == 0 { 0 } else { due(tick) })..due(tick + 1) {
                bench.enqueue(site, TrafficClass::ALL[(n % 8) as usize], 476, n as u32);
            }
        }
    }
    bench.run(S - 1);
    let mut wire = [0u64; SITES as usize];
    for gone in bench.gone.iter().filter(|g| g.why.is_none()) {
        wire[gone.interface.index()] += 500 * 8;
    }
    for (site, bits) in wire.into_iter().enumerate() {
        let rate = rate(site as u32);
        assert!(bits.abs_diff(rate) <= rate / 200, "site {site}: {bits} of {rate}");
    }
    let refused = bench.gone.iter().filter(|g| g.why == Some(DropReason::QueueBytes)).count();
    assert!(refused * 500 * 8 > 390 * 1_600_000, "{refused}");
}

#[test]
fn what_guarantees_leave_idle_is_borrowed_and_scavenger_takes_only_leftovers() {
    let mut bench = Bench::new(0, &[shaped(8_000_000, 0)]);
    for n in 0..40 {
        bench.enqueue(0, Scavenger, 976, n);
        bench.enqueue(0, Standard, 976, n);
    }
    bench.run(200 * MS);
    let order: Vec<_> = bench.gone.iter().map(|g| g.class).collect();
    assert!(order[..40].iter().all(|c| *c == Standard) && order[40..].iter().all(|c| *c == Scavenger));
    assert_eq!((order.len(), bench.gone[79].at), (80, 79 * MS));
}

#[test]
fn frames_that_waited_too_long_or_would_are_dropped_by_name() {
    let mut qos = shaped(8_000_000, 0);
    class(&mut qos, Video).limit_time = 10 * MS;
    let mut bench = Bench::new(0, &[qos]);
    // 1 ms each: the eleventh has ten ms ahead of it, the twelfth more.
    let refused = (0..12).filter_map(|n| Some((n, bench.enqueue(0, Video, 976, n)?))).collect::<Vec<_>>();
    assert_eq!(refused, [(11, DropReason::QueueTime)]);
    // Calls come and take the link for five of those ms.
    (0..5).for_each(|n| assert_eq!(bench.enqueue(0, Voice, 976, n), None));
    bench.run(100 * MS);
    let late: Vec<_> =
        bench.gone.iter().filter(|g| g.why.is_some()).map(|g| (g.serial, g.waited / MS)).collect();
    assert_eq!(late, [(11, 0), (6, 11), (7, 11), (8, 11), (9, 11), (10, 11)]);
}
