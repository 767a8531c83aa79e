//! What a tree says of itself is what was seen of it.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::class::CLASSES;
use crate::qos::{Look, QueueStats, SiteReport};

/// Site 0: a DSL line, in cells; site 1: Ethernet; site 2 has no rate. Their frames wait so long at the most, 0 for no bound.
pub(super) fn three(limit_time: u64) -> [InterfaceQos; 3] {
    let dsl = ShaperSpec { rate: 2_000_000, burst: 2 * MS, overhead: 22, cells: Cells::Atm };
    let mut sites = [InterfaceQos { shaper: Some(dsl), ..plain() }, shaped(10_000_000, 0), plain()];
    for class in sites.iter_mut().flat_map(|site| &mut site.classes) {
        (class.limit_bytes, class.limit_time) = (6_000, limit_time);
    }
    sites
}

fn whole(bench: &mut Bench, site: u32) -> SiteReport {
    let now = Time(bench.now);
    bench.tree.report(Look::Whole(IfIndex(site)), now).sites.pop().unwrap()
}

/// The most accounted bytes of the 1 ms windows that frames opened one after the other.
fn burst(sent: &[(u64, u64)], since: usize) -> u64 {
    let (mut ends, mut sum, mut most) = (0, 0, 0);
    for (n, (at, bytes)) in sent.iter().enumerate() {
        if *at >= ends {
            (ends, sum) = (at + MS, 0);
        }
        sum += bytes;
        most = if n >= since { sum.max(most) } else { 0 };
    }
    most
}

/// Holds one class's counts against the frames that were seen; `frames` are those offered.
pub(super) fn judge(stats: &QueueStats, gone: &[Gone], spec: &InterfaceQos, offered: u64) {
    let sent: Vec<_> = gone.iter().filter(|g| g.why.is_none()).collect();
    let bytes = |of: &[&Gone]| of.iter().map(|g| g.len as u64).sum::<u64>();
    assert_eq!((stats.sent.packets, stats.sent.bytes), (sent.len() as u64, bytes(&sent)));
    let accounted = |g: &&Gone| spec.shaper.map_or(g.len.max(60) as u64, |s| s.accounted(g.len).into());
    assert_eq!(stats.accounted, sent.iter().map(accounted).sum::<u64>());
    for (why, count) in stats.drops() {
        let of: Vec<_> = gone.iter().filter(|g| g.why == Some(why)).collect();
        assert_eq!((count.packets, count.bytes), (of.len() as u64, bytes(&of)), "{why:?}");
    }
    let dropped: u64 = stats.drops().map(|(_, count)| count.packets).sum();
    assert_eq!(
        (stats.offered.packets, offered),
        (offered, stats.sent.packets + dropped + stats.depth.packets)
    );
    let mut waits: Vec<_> = sent.iter().map(|g| g.waited).collect();
    waits.sort_unstable();
    assert_eq!(stats.delay.max(), waits.last().copied().unwrap_or(0));
    for part in [0.5, 0.99, 0.999] {
        let rank = ((waits.len() as f64 * part).ceil() as usize).max(1) - 1;
        let (exact, told) = (waits.get(rank).copied().unwrap_or(0), stats.delay.quantile(part));
        assert!(told >= exact && told <= exact + (exact / 16).max(1024), "{told} for {exact}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Counts, waits, accounted bytes and bursts of every queue, beside what left and was dropped, one by one at a port's
    /// rate or as many as there are.
    #[test]
    fn every_number_is_what_was_seen(
        steps in vec((0u32..3, 0..CLASSES, 40usize..1515, 1usize..8, 0u64..3 * MS), 1..60),
        look in 0usize..60,
        port in prop::sample::select(vec![0, 20_000_000]),
        limit_time in prop::sample::select(vec![0, 20 * MS]),
    ) {
        let sites = three(limit_time);
        let mut bench = Bench::new(port, &sites);
        let (mut offered, mut seen, mut since) = ([[0u64; CLASSES]; 3], 0, [0; 3]);
        for (n, (site, of, len, frames, gap)) in steps.into_iter().enumerate() {
            offered[site as usize][of] += frames as u64;
            (0..frames).for_each(|n| _ = bench.enqueue(site, TrafficClass::ALL[of], len, n as u32));
            bench.run(bench.now + gap);
            if n == look {
                bench.tree.report(Look::Sample(0), Time(bench.now));
                let left = |site| bench.gone.iter().filter(move |g| g.interface.index() == site && g.why.is_none());
                (seen, since) = (bench.gone.len(), std::array::from_fn(|site| left(site).count()));
            }
        }
        for (site, spec) in sites.iter().enumerate() {
            let report = whole(&mut bench, site as u32);
            let gone: Vec<_> = bench.gone.iter().filter(|g| g.interface.index() == site).copied().collect();
            for class in TrafficClass::ALL {
                let of: Vec<_> = gone.iter().filter(|g| g.class == class).copied().collect();
                let stats = &report.queues[class.index()];
                judge(stats, &of, spec, offered[site][class.index()]);
                let fresh = bench.gone[seen..].iter().filter(|g| (g.interface.index(), g.class) == (site, class));
                let recent = fresh.filter(|g| g.why.is_none()).map(|g| g.waited).max();
                prop_assert_eq!(stats.delay.recent(), recent.unwrap_or(0));
            }
            let accounted = |len: usize| spec.shaper.map_or(len.max(60) as u64, |s| s.accounted(len).into());
            let sent = gone.iter().filter(|g| g.why.is_none()).map(|g| (g.at, accounted(g.len)));
            prop_assert_eq!(report.burst, burst(&sent.collect::<Vec<_>>(), since[site]));
        }
    }
}

#[test]
fn a_large_tree_is_told_in_pieces() {
    let mut bench = Bench::new(0, &vec![plain(); 70]);
    for site in 0..70 {
        bench.enqueue(site, TrafficClass::Voice, 200 + site as usize, 0);
    }
    bench.run(MS);
    let (mut told, mut from, mut pieces) = (Vec::new(), Some(0), 0);
    while let Some(place) = from {
        let report = bench.tree.report(Look::Brief(place), Time(5));
        assert_eq!((report.at, report.frames, report.bytes), (Time(5), 0, 0));
        let bytes = |site: &SiteReport| (site.id, site.queues[TrafficClass::Voice.index()].sent.bytes);
        told.extend(report.sites.iter().map(bytes));
        (from, pieces) = (report.next, pieces + 1);
    }
    assert_eq!((pieces, told.len()), (3, 70));
    assert!(told.iter().all(|(id, bytes)| *bytes == 200 + id.index() as u64));
    assert!(bench.tree.report(Look::Brief(70), Time(5)).sites.is_empty());
    assert!(bench.tree.report(Look::Whole(IfIndex(70)), Time(5)).sites.is_empty());
}
