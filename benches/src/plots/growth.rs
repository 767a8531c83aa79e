//! What grows, and what is measured of it: one thing a chart, everything else as in the
//! other benches.
//!
//! A packet's cost is that of the whole router between two in-process lines, the lines' own taken
//! off (as `compare --only path-` has it); a tree's is one frame out of it and another in.

use dataplane::packet::{BATCH, PoolSize};

use super::chart::{Axis, Scale};
use crate::cpu::Watch;
use crate::sched::Wide;
use crate::ways::{self, Way};
use crate::whole::{Lines, Whole};

/// Batches of one repetition, where they are full.
const BATCHES: usize = 512;
/// Frames of a tree's repetition.
const FRAMES: u64 = 1 << 17;

/// One repetition: nanoseconds.
pub(super) type Repeat = Box<dyn FnMut() -> f64>;

/// A point to be measured.
pub(super) struct Measured {
    /// The series it is of.
    pub(super) series: &'static str,
    /// How much of what grows.
    pub(super) x: f64,
    /// Makes what is repeated.
    pub(super) make: Box<dyn FnOnce() -> Repeat>,
}

/// A chart to be measured.
pub(super) struct Growth {
    /// Its name.
    pub(super) name: &'static str,
    /// What it says.
    pub(super) title: &'static str,
    /// The axis below.
    pub(super) x: Axis,
    /// The axis beside.
    pub(super) y: Axis,
    /// Its points, those of a series one after the other.
    pub(super) points: Vec<Measured>,
}

const MILLION: [usize; 7] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

/// Every chart there is.
pub(super) fn all() -> Vec<Growth> {
    vec![routes(), sites(), rules(), vrfs(), flows(), sizes(), batches(), memory()]
}

fn axis(label: &str, scale: Scale) -> Axis {
    Axis { label: label.into(), scale }
}

fn growth(name: &'static str, title: &'static str, x: &str, points: Vec<Measured>) -> Growth {
    Growth { name, title, x: axis(x, Scale::Log), y: axis("ns per packet", Scale::Linear), points }
}

/// Points of one series.
fn series<N: Copy + 'static>(
    series: &'static str,
    sizes: &[N],
    x: impl Fn(N) -> f64,
    make: fn(N) -> Repeat,
) -> Vec<Measured> {
    let point = |size: &N| {
        let size = *size;
        Measured { series, x: x(size), make: Box::new(move || make(size)) }
    };
    sizes.iter().map(point).collect()
}

fn count(n: usize) -> f64 {
    n as f64
}

fn routes() -> Growth {
    let mut points = series("IPv4, routes", &MILLION, count, |n| plain(&ways::ipv4("ipv4", n)));
    points.extend(series("IPv6, routes", &MILLION, count, |n| plain(&ways::ipv6("ipv6", n))));
    points.extend(series("MPLS, labels swapped", &MILLION, count, |n| plain(&ways::swap("swap", n))));
    let title = "A packet's whole way, by routes or labels that it may take";
    growth("routes", title, "routes in the table, or labels", points)
}

fn sites() -> Growth {
    let sites = [4, 40, 390, 4_000, 40_000];
    let x = |sites: u32| f64::from(sites);
    let mut points = series("all of them busy", &sites, x, |n| tree(n, n));
    points.extend(series("one of them busy", &sites, x, |n| tree(n, 1)));
    let title = "A frame out of the scheduler's tree and another in, by shaped sites of the port";
    Growth {
        y: axis("ns per frame", Scale::Linear),
        ..growth("sites", title, "sites, each shaped, of eight classes", points)
    }
}

fn rules() -> Growth {
    let points = series("IPv4", &[1, 10, 100, 1_000, 4_096], count, |n| plain(&ways::ruled("ruled", n)));
    growth("rules", "A packet's whole way, by match rules that it may meet", "match rules", points)
}

fn vrfs() -> Growth {
    let vrfs = [1, 10, 100, 1_000, 4_000];
    let points =
        series("PE egress: a label off, one of 10 routes", &vrfs, count, |n| plain(&ways::vrfs("vrfs", n)));
    growth("vrfs", "A packet's whole way out of a provider edge, by its Vrfs", "Vrfs", points)
}

fn flows() -> Growth {
    let points =
        series("Imaging beside another class, metered, shaped, its flows kept apart", &MILLION, count, |n| {
            let way = ways::ipv4("flows", 1_000).with_hqos();
            // One frame of each batch is of that: frames of one class alone would not be queued.
            let frames = (0..n.max(BATCH)).map(|i| match i % BATCH {
                0 => way.frames()[0].clone(),
                _ => ways::flow(&way.frames()[i % way.frames().len()], i % n),
            });
            let frames = frames.collect();
            whole(&way, frames, BATCH, PoolSize::Standard)
        });
    growth("flows", "A packet's whole way, by flows that come in turn", "flows", points)
}

fn sizes() -> Growth {
    // Bytes of a frame, FCS counted.
    let sizes = [64, 128, 256, 512, 1_024, 1_518, 2_048, 4_096, 9_000];
    let points = series("IPv4, 10,000 routes", &sizes, count, |bytes| {
        let way = ways::ipv4("sizes", 10_000).with_mtu(9_000);
        let frames = way.frames().iter().take(1_024).map(|frame| ways::longer(frame, bytes - 64)).collect();
        whole(&way, frames, BATCH, PoolSize::Jumbo)
    });
    growth(
        "sizes",
        "A packet's whole way, by the length of its frame",
        "bytes of a frame, FCS counted",
        points,
    )
}

fn batches() -> Growth {
    let sizes = [1, 2, 4, 8, 16, 32, 64];
    let few = |n| whole_of(&ways::ipv4("few", 1), n);
    let many = |n| whole_of(&ways::ipv4("many", 1_000_000), n);
    let mut points = series("IPv4, 1 route", &sizes, count, few);
    points.extend(series("IPv4, 1 M routes", &sizes, count, many));
    growth("batches", "A packet's whole way, by packets that come together", "packets in a batch", points)
}

fn memory() -> Growth {
    let mut points = series("IPv4", &MILLION, count, |n| {
        let way = ways::ipv4("ipv4", n);
        let bytes = way.snapshot().vrfs.get(0).map_or(f64::NAN, |vrf| vrf.fib4.memory() as f64);
        Box::new(move || bytes / 1024.0)
    });
    points.extend(series("IPv6", &MILLION, count, |n| {
        let way = ways::ipv6("ipv6", n);
        let bytes = way.snapshot().vrfs.get(0).map_or(f64::NAN, |vrf| vrf.fib6.memory() as f64);
        Box::new(move || bytes / 1024.0)
    }));
    Growth {
        y: axis("KiB of memory", Scale::Log),
        ..growth("memory", "Memory of a forwarding table, by its routes", "routes in the table", points)
    }
}

fn plain(way: &Way) -> Repeat {
    whole_of(way, BATCH)
}

fn whole_of(way: &Way, together: usize) -> Repeat {
    whole(way, way.frames().to_vec(), together, PoolSize::Standard)
}

/// The router's part of a packet's time between the lines, so many together.
fn whole(way: &Way, frames: Vec<Vec<u8>>, together: usize, size: PoolSize) -> Repeat {
    let (mut router, mut lines) = (Whole::sized(way, size), Lines::sized(size));
    let mut at = 0;
    Box::new(move || {
        let starts: Vec<usize> = (0..BATCHES * (BATCH / together).min(8))
            .map(|_| {
                at = if at + 2 * together > frames.len() { 0 } else { at + together };
                at
            })
            .collect();
        // Other points have been at the caches since.
        for frames in frames.chunks_exact(together).take(BATCHES) {
            router.batch(&mut frames.iter());
        }
        let time = |batch: &mut dyn FnMut(&[Vec<u8>]) -> usize| {
            let (watch, mut out) = (Watch::start(), 0);
            for at in &starts {
                out += batch(frames.get(*at..*at + together).unwrap_or_default());
            }
            if out == 0 { f64::NAN } else { watch.ns() / out as f64 }
        };
        let routed = time(&mut |frames| router.batch(&mut frames.iter()));
        routed - time(&mut |frames| lines.batch(&mut frames.iter()))
    })
}

fn tree(sites: u32, busy: u32) -> Repeat {
    let mut tree = Wide::new(sites, busy);
    Box::new(move || {
        let watch = Watch::start();
        let passed = tree.pass(FRAMES);
        watch.ns() / passed as f64
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_have_names_of_their_own_and_points_by_series_that_grow() {
        let all = all();
        let mut names: Vec<_> = all.iter().map(|growth| growth.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all.len());
        for growth in &all {
            assert!(growth.points.len() >= 4, "{}", growth.name);
            for pair in growth.points.windows(2) {
                let grows = pair[0].x < pair[1].x;
                assert!(grows || pair[0].series != pair[1].series, "{}", growth.name);
            }
        }
    }

    #[test]
    fn a_thousand_ipv4_routes_take_at_most_64_kib() {
        let bytes: Vec<_> =
            ways::ipv4("ipv4", 1_000).snapshot().vrfs.iter().map(|(_, vrf)| vrf.fib4.memory()).collect();
        assert!(
            bytes.iter().any(|bytes| *bytes > 32 << 10) && bytes.iter().all(|bytes| *bytes <= 64 << 10),
            "{bytes:?}"
        );
    }

    /// The first point of every series that is made in no time gives a figure.
    #[test]
    fn what_is_least_can_be_measured_in_every_chart() {
        for growth in all() {
            let name = growth.name;
            let Some(first) = growth.points.into_iter().next() else { panic!("{name} has no points") };
            let took = (first.make)()();
            assert!(took.is_finite(), "{name}: {took}");
        }
    }
}
