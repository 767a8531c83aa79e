//! What interfaces and classes are sure of, and what the rest is divided by.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::class::TrafficClass::{Clinical, Imaging, National, Standard, Video, Voice};
use crate::qos::{Count, PolicerSpec, RateSpec, TreeLimits};

const FULL: usize = 1514;
const JUMBO: usize = 9014;

fn sure(rate: u64, weight: u32) -> InterfaceQos {
    let assured = (rate > 0).then_some(RateSpec { rate, burst: MS });
    let shaper = Some(ShaperSpec { rate: 1_000_000_000, burst: MS, overhead: 24, cells: Cells::None });
    InterfaceQos { assured, weight, shaper, ..plain() }
}

/// Keeps so many full frames of Standard waiting at each of these sites for `time`; gives bit/s on the line.
fn contend(bench: &mut Bench, sites: &[u32], time: u64) -> Vec<u64> {
    let (start, from) = (bench.now, bench.gone.len());
    while bench.now < start + time {
        for site in sites {
            let held = |b: &Bench| b.tree.stats(IfIndex(*site), Standard).map_or(0, |s| s.depth.packets);
            while held(bench) < 30 {
                assert_eq!(bench.enqueue(*site, Standard, FULL, 0), None);
            }
        }
        bench.run(bench.now + MS);
    }
    let bits = |site: &u32| {
        let of = bench.gone[from..].iter().filter(|g| g.interface == IfIndex(*site));
        of.map(|g| (g.len as u64 + 24) * 8).sum::<u64>() * S / time
    };
    sites.iter().map(bits).collect()
}

fn about(got: u64, expected: u64, part: f64) {
    assert!((got as f64 / expected as f64 - 1.0).abs() < part, "{got} of {expected}");
}

#[test]
fn what_is_sure_comes_first_and_the_rest_is_divided_by_weight() {
    // 100 Mbit/s: 30 + 20 are sure; 50 are divided 1 : 1 : 3.
    let mut bench = Bench::new(100_000_000, &[sure(30_000_000, 1), sure(20_000_000, 1), sure(0, 3)]);
    let got = contend(&mut bench, &[0, 1, 2], S);
    for (got, expected) in got.into_iter().zip([40_000_000, 30_000_000, 30_000_000]) {
        about(got, expected, 0.01);
    }
    // One has nothing to send: what it was sure of is divided by weight too.
    let got = contend(&mut bench, &[0, 2], S);
    about(got[0], 47_500_000, 0.01);
    about(got[1], 52_500_000, 0.01);
}

#[test]
fn a_site_that_comes_back_has_what_it_is_sure_of_at_once() {
    let mut bench = Bench::new(100_000_000, &[sure(30_000_000, 1), sure(0, 1), sure(0, 1)]);
    contend(&mut bench, &[1, 2], 100 * MS);
    // Ten full frames: four ms at 30 Mbit/s.
    (0..10).for_each(|n| assert_eq!(bench.enqueue(0, Standard, FULL, 1_000 + n), None));
    (0..60).for_each(|_| _ = (bench.enqueue(1, Standard, FULL, 0), bench.enqueue(2, Standard, FULL, 0)));
    let began = bench.now;
    bench.run(began + 4_300_000);
    assert!(bench.gone.iter().any(|g| g.serial == 1_009), "all ten left within their time");
}

#[test]
fn a_site_whose_only_class_with_frames_is_held_saves_no_more_than_a_burst() {
    let mut held = sure(30_000_000, 1);
    class(&mut held, Imaging).shaper = Some(RateSpec { rate: 100_000, burst: MS });
    let mut bench = Bench::new(100_000_000, &[held, sure(0, 1)]);
    (0..10).for_each(|n| assert_eq!(bench.enqueue(0, Imaging, FULL, n), None));
    bench.run(200 * MS);
    assert!(bench.tree.stats(IfIndex(0), Imaging).unwrap().depth.packets > 0);
    let from = bench.gone.len();
    (0..60).for_each(|_| _ = (bench.enqueue(0, Standard, FULL, 99), bench.enqueue(1, Standard, FULL, 99)));
    bench.run(bench.now + 5 * MS);
    // Of 40 frames, a burst of two and 30 Mbit/s go first; the rest is divided.
    let others = bench.gone[from..].iter().filter(|g| g.interface == IfIndex(1)).count();
    assert!((11..=15).contains(&others), "{others} of the other");
}

#[test]
fn a_class_with_a_rate_of_its_own_gets_it_between_jumbo_frames() {
    let mut qos = shaped(6_000_000, 0);
    (class(&mut qos, Imaging).weight, class(&mut qos, Standard).weight) = (90, 1);
    class(&mut qos, Imaging).shaper = Some(RateSpec { rate: 5_000_000, burst: MS });
    let mut bench = Bench::new(0, &[qos]);
    bench.free.extend((0..16).map(|_| Frame::jumbo()));
    for tick in 0..4_000 {
        for of in [Imaging, Standard] {
            let held = |b: &Bench| b.tree.stats(IfIndex(0), of).map_or(0, |s| s.depth.packets);
            while held(&bench) < 4 && bench.enqueue(0, of, JUMBO, 0).is_none() {}
        }
        bench.run(tick * MS);
    }
    let sent = bench.tree.stats(IfIndex(0), Imaging).unwrap().sent;
    about((sent.bytes + 24 * sent.packets) * 8 / 4, 5_000_000, 0.01);
}

#[test]
fn classes_get_what_they_are_sure_of_and_a_part_of_the_rest() {
    let mut qos = shaped(10_000_000, 0);
    qos.classes.iter_mut().for_each(|class| class.weight = 1);
    class(&mut qos, Voice).policer = Some(PolicerSpec { rate: 2_000_000, burst: 20_000 });
    class(&mut qos, Clinical).guaranteed = 4_000_000;
    class(&mut qos, National).guaranteed = 1_000_000;
    // 3 Mbit/s are free: by weight a seventh for each of seven classes.
    let mut bench = Bench::new(0, &[qos]);
    for tick in 0..4_000 {
        for of in TrafficClass::ALL {
            let held = |b: &Bench| b.tree.stats(IfIndex(0), of).map_or(0, |s| s.depth.packets);
            let most = if of == Voice { 4 } else { 20 };
            while held(&bench) < most && bench.enqueue(0, of, 700, 0).is_none() {}
        }
        bench.run(tick * MS);
    }
    let rate = |of| {
        let sent = bench.tree.stats(IfIndex(0), of).unwrap().sent;
        (sent.bytes + 24 * sent.packets) * 8 / 4
    };
    about(rate(Voice), 2_000_000, 0.02);
    about(rate(Clinical), 4_428_571, 0.02);
    about(rate(National), 1_428_571, 0.02);
    about(rate(Imaging), 428_571, 0.02);
}

#[test]
fn the_tax_of_cells_is_paid() {
    let accounted = |overhead, cells, len| ShaperSpec { rate: 1, burst: 0, overhead, cells }.accounted(len);
    // PPPoE, LLC over AAL5: a call's 200 bytes at IP and 40 fill five cells of 48.
    assert_eq!(accounted(40 - 14, Cells::Atm, 214), 5 * 53);
    assert_eq!(accounted(40 - 14, Cells::Atm, 215), 6 * 53);
    assert_eq!(accounted(40 - 14, Cells::Atm, 1514), 33 * 53);
    // Over PTM, one byte in 65.
    assert_eq!(accounted(30 - 14, Cells::Ptm, 112), 130);
    assert_eq!(accounted(30 - 14, Cells::Ptm, 113), 132);
    assert_eq!((accounted(-14, Cells::None, 10), accounted(-64, Cells::None, 10)), (46, 1));
}

/// Frames below 60 bytes take the line as long as 60: an interface's rate and a port's hold it to that, whether frames
/// leave one by one, in a row or with others by weight.
#[test]
fn short_frames_take_what_the_line_fills_them_up_to() {
    const RATE: u64 = 8_000_000;
    for (port, spec) in [(0, shaped(RATE, 0)), (RATE, plain())] {
        for classes in [vec![Voice], vec![Imaging], vec![Imaging, Clinical, Standard]] {
            let mut bench = Bench::new(port, std::slice::from_ref(&spec));
            for n in 0..3_000 {
                let class = classes[n % classes.len()];
                assert_eq!(bench.enqueue(0, class, [42, 54, 60][n % 3], n as u32), None);
            }
            bench.run(10 * S);
            let (first, last) = (bench.gone.first().unwrap().at, bench.gone.last().unwrap().at);
            // A byte is a microsecond; a burst of the port, and what calls do not wait for.
            let least = 2_999 * 84 * 1_000 - 3 * 1_538 * 1_000;
            assert!((least..=2_999 * 84 * 1_000).contains(&(last - first)), "{} {classes:?}", last - first);
        }
    }
}

#[test]
fn an_overload_in_one_site_takes_no_room_from_another() {
    let mut bench = Bench::new(0, &[shaped(8_000, 0), shaped(8_000, 0), shaped(8_000, 0)]);
    bench.tree.set_limits(TreeLimits { frames: 60, ..TreeLimits::default() });
    let of = |bench: &mut Bench, site, class| {
        (0..100).filter(|_| bench.enqueue(site, class, 100, 0).is_none()).count()
    };
    let fill =
        |bench: &mut Bench, site| [Imaging, Clinical, Video, National].map(|class| of(bench, site, class));
    // Ten are each one's own; of the other 30 a quarter is for calls. Each class has four times what it leaves.
    assert_eq!(fill(&mut bench, 0), [27, 5, 1, 0]);
    assert_eq!(27 + 5 + 1, 10 + 23);
    // Of their own it is two.
    assert_eq!((fill(&mut bench, 1), fill(&mut bench, 2)), ([7, 1, 0, 0], [7, 1, 0, 0]));
    assert_eq!((0..19).filter(|_| bench.enqueue(1, Voice, 100, 0).is_none()).count(), 2 + 7);
    assert_eq!(TreeLimits { frames: 60, ..TreeLimits::default() }.kept(3), 7);
}

/// The shortest frames of one class, as many as come, are not all that a tree holds: other classes have room,
/// and so have other flows of that class.
#[test]
fn a_flood_of_short_frames_takes_no_room_from_other_classes_and_flows() {
    let mut qos = shaped(8_000, 0);
    class(&mut qos, Standard).flows = 8;
    class(&mut qos, Standard).aqm = Aqm::Tail;
    let mut bench = Bench::new(0, &[qos]);
    bench.tree.set_limits(TreeLimits { frames: 400, ..TreeLimits::default() });
    let taken = (0..1_000).filter(|_| bench.enqueue_flow(0, Standard, 60, (1, 1)).is_none()).count();
    assert_eq!(taken, 240);
    assert_eq!(bench.enqueue_flow(0, Standard, 60, (1, 1)), Some(DropReason::QueueFrames));
    let refused = bench.tree.stats(IfIndex(0), Standard).unwrap().dropped(DropReason::QueueFrames);
    assert_eq!(refused, Count { packets: 761, bytes: 761 * 60 });
    // A longer frame of another flow is queued in the stead of one of the flood's.
    assert_eq!(bench.enqueue_flow(0, Standard, 1_500, (2, 2)), Some(DropReason::QueueFrames));
    let stats = bench.tree.stats(IfIndex(0), Standard).unwrap();
    assert_eq!(stats.depth, Count { packets: 240, bytes: 239 * 60 + 1_500 });
    assert_eq!((0..60).filter(|_| bench.enqueue(0, Clinical, 1_500, 0).is_none()).count(), 48);
}

/// Nor do many flows of a few short frames each: one of long frames has its part.
#[test]
fn many_flows_of_short_frames_leave_a_long_one_its_part() {
    let mut qos = shaped(8_000_000, 0);
    class(&mut qos, Standard).flows = 128;
    class(&mut qos, Standard).aqm = Aqm::Tail;
    let mut bench = Bench::new(0, &[qos]);
    bench.tree.set_limits(TreeLimits { frames: 400, ..TreeLimits::default() });
    let (mut long, end) = (Vec::new(), S * 3 / 2);
    // 20,000 frames/s of sixty flows; eight of one.
    for n in 0..30_000u32 {
        bench.run(u64::from(n) * 50_000);
        bench.enqueue_flow(0, Standard, 60, (n, n % 60));
        if n % 2_500 == 1_000 {
            long.push(1_000_000 + n);
            bench.enqueue_flow(0, Standard, FULL, (1_000_000 + n, 99));
        }
    }
    bench.run(end + S);
    let sent = bench.gone.iter().filter(|gone| gone.why.is_none() && long.contains(&gone.serial)).count();
    // Which flow has most is known about.
    assert!(long.len() == 12 && sent >= 11, "{sent}");
}

#[test]
fn the_queues_of_a_site_are_bounded_together() {
    let mut bench = Bench::new(0, &[InterfaceQos { limit_bytes: 1_000, ..shaped(8_000, 0) }]);
    (0..4).for_each(|_| assert_eq!(bench.enqueue(0, Imaging, 100, 0), None));
    (0..4).for_each(|_| assert_eq!(bench.enqueue(0, Clinical, 100, 0), None));
    assert_eq!(bench.enqueue(0, Clinical, 100, 0), Some(DropReason::SiteBytes));
    // An eighth is for calls.
    (0..2).for_each(|_| assert_eq!(bench.enqueue(0, Voice, 100, 0), None));
    assert_eq!(bench.enqueue(0, Voice, 100, 0), Some(DropReason::SiteBytes));
}

#[test]
fn an_empty_site_is_small() {
    let with = |sites: usize| {
        let specs = vec![InterfaceQos::default(); sites];
        Bench::new(0, &specs).tree.site_memory()
    };
    assert!(with(1) <= 4096, "{} bytes", with(1));
}

/// Bits of what leaves, by the millisecond: of each site, frames of Imaging and what is with priority.
fn by_window(bench: &Bench, sites: usize, windows: u64, window: u64) -> Vec<Vec<[u64; 2]>> {
    let mut sums = vec![vec![[0; 2]; windows as usize]; sites];
    for gone in bench.gone.iter().filter(|gone| gone.why.is_none() && gone.at < windows * window) {
        let of = &mut sums[gone.interface.index()][(gone.at / window) as usize];
        of[usize::from(gone.class == Voice)] += (gone.len as u64 + 24) * 8;
    }
    sums
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// A site that always has something waiting gets what it is sure of, its calls counted to it, in every window of
    /// 200 ms, to what one frame of each site, of data and of calls, takes, whatever the others send; and in no window does the
    /// port send more than its rate, its burst and two frames.
    #[test]
    fn every_window_holds_what_was_promised(
        rates in vec(prop_oneof![Just(0u64), 1_200_000u64..3_000_000], 2..5),
        lens in vec(64usize..1515, 4),
        weights in vec(1u32..4, 4),
        calls in 0u32..4,
    ) {
        const PORT: u64 = 10_000_000;
        const STEP: u64 = 5 * MS;
        const WINDOW: usize = 40;
        let total: u64 = rates.iter().sum();
        let rates: Vec<_> = rates.iter().map(|r| if total > PORT * 9 / 10 { r / 2 } else { *r }).collect();
        let specs: Vec<_> = rates.iter().zip(&weights).map(|(r, w)| sure(*r, *w)).collect();
        let mut bench = Bench::new(PORT, &specs);
        for step in 0..80 {
            for site in 0..rates.len() as u32 {
                let held = |b: &Bench| b.tree.stats(IfIndex(site), Imaging).map_or(0, |s| s.depth.bytes);
                while held(&bench) < 16_000 {
                    prop_assert_eq!(bench.enqueue(site, Imaging, lens[site as usize], 0), None);
                }
                if step % 4 == 0 {
                    (0..calls).for_each(|_| _ = bench.enqueue(site, Voice, 214, 0));
                }
            }
            bench.run(step * STEP + STEP - 1);
        }
        let sent: Vec<_> = bench.gone.iter().filter(|g| g.why.is_none()).copied().collect();
        let bits = |g: &Gone| (g.len as u64 + 24) * 8;
        // Every window from the start of one frame on to the end of another.
        for from in (0..sent.len()).step_by(97) {
            let mut all = 0;
            for gone in &sent[from..] {
                all += bits(gone);
                let time = gone.at - sent[from].at;
                prop_assert!(all <= PORT * time / S + PORT * MS / S + 2 * 1538 * 8);
            }
        }
        let sums = by_window(&bench, rates.len(), 80, STEP);
        let longest: u64 = lens[..rates.len()].iter().map(|len| (*len as u64 + 24) * 8).sum();
        for (site, rate) in rates.iter().enumerate().filter(|(_, rate)| **rate > 0) {
            let owed = rate * STEP * WINDOW as u64 / S;
            let slack = longest * rate / PORT + (lens[site] as u64 + 24) * 8 * 2;
            prop_assert!(slack * 2 <= owed, "{slack} of {owed} says nothing");
            for from in 0..=sums[site].len() - WINDOW {
                let got: u64 = sums[site][from..from + WINDOW].iter().flatten().sum();
                prop_assert!(got + slack >= owed, "{got} of {owed} at {rate}, from {from}, slack {slack}");
            }
        }
    }
}
