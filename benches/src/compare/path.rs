//! The whole way of a packet in process, line to line: receive, every stage, exact counts,
//! the tree, transmit. What the in-process lines cost without a router is measured in turn
//! and taken off, so that what is left is the router's.
//!
//! The peer's figures were recorded by VPP 26.06 on a machine of this kind, in ticks, its
//! lines left out as well: they are told beside ours, not measured in turn. Frames are of 64
//! bytes with FCS, or 512; a line that ends in `-cold` has each batch in memory that no
//! cache has, and is of the stages alone.

use benches::instructions;
use benches::ways::{self, Way};
use benches::whole::{Lines, Whole};
use dataplane::id::{PortIndex, WorkerIndex};
use dataplane::packet::{BATCH, Batch, Pool, PoolSize};
use dataplane::pipeline::Pipeline;
use dataplane::time::Time;

use super::cpu::{self, Watch};
use super::figures::{Compared, Measured, Spread};
use super::{Told, Took};

/// Batches of one repetition.
const BATCHES: usize = 1 << 10;
/// Batches that no cache holds together: 128 MiB of buffers.
const COLD: usize = 1 << 10;
/// Bytes that a line of long frames adds to each.
const LONGER: usize = 448;

/// A way of packets, under what name its instructions are counted, and VPP's least and median ticks for it, where
/// they were recorded.
struct Path {
    name: &'static str,
    way: fn() -> Way,
    counted: Option<&'static str>,
    recorded: Option<(f64, f64)>,
}

fn paths() -> Vec<Path> {
    let path = |name, way: fn() -> Way, counted, recorded| Path { name, way, counted, recorded };
    vec![
        path("path-ipv4-1", || ways::ipv4("ipv4", 1), Some("ipv4-1"), Some((63.0, 89.0))),
        path("path-ipv4-100k", || ways::ipv4("ipv4", 100_000), Some("ipv4-100k"), None),
        path("path-ipv4-1m", || ways::ipv4("ipv4", 1_000_000), None, Some((233.0, 282.0))),
        path("path-ipv6", || ways::ipv6("ipv6", 10_000), Some("ipv6-10k"), None),
        path("path-swap-1", || ways::swap("swap", 1), Some("swap-1"), Some((69.0, 94.0))),
        path("path-swap-10k", || ways::swap("swap", 10_000), Some("swap-10k"), Some((108.0, 133.0))),
        path("path-swap-1m", || ways::swap("swap", 1_000_000), None, None),
        path("path-pe-ingress", || ways::push("push", 10_000), Some("push2-10k"), Some((160.0, 164.0))),
        path("path-pe-ingress-hqos", || ways::push("push", 10_000).with_hqos(), Some("push2-10k-hqos"), None),
        path("path-pe-egress", || ways::pop("pop", 10_000), Some("pop-lookup-10k"), Some((127.0, 144.0))),
        path("path-rules-51", || ways::ruled("rules", 51), Some("rules-51"), Some((253.0, 253.0))),
    ]
}

/// What a line adds to a path's name, the bytes it adds to a frame, and whether it is cold.
const SHAPES: [(&str, usize, bool); 4] =
    [("", 0, false), ("-512", LONGER, false), ("-cold", 0, true), ("-512-cold", LONGER, true)];

fn name(path: &Path, ending: &str) -> String {
    format!("{}{ending}", path.name)
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    paths().into_iter().map(|path| path.name)
}

/// Measures the lines that are wanted; whether there are any.
pub(super) fn run(wanted: &dyn Fn(&str) -> bool, rounds: u8, core: usize, told: &mut Told) -> bool {
    let mut some = false;
    for path in paths() {
        let shapes = SHAPES.iter().filter(|(ending, ..)| wanted(&name(&path, ending)));
        let shapes: Vec<_> = shapes.collect();
        if shapes.is_empty() {
            continue;
        }
        some = true;
        let way = (path.way)();
        for (ending, longer, cold) in shapes {
            let frames: Vec<_> = way.frames().iter().map(|frame| ways::longer(frame, *longer)).collect();
            let name = name(&path, ending);
            let took: Box<dyn FnMut() -> Took> =
                if *cold { Box::new(stages(&way, frames)) } else { Box::new(whole(&way, frames)) };
            let recorded = path.recorded.filter(|_| ending.is_empty());
            let shares = path.counted.filter(|_| !cold).map(instructions::shares).transpose();
            let compared = shares.and_then(|shares| {
                let mut compared = repeat(&name, recorded, took, ticks_per_ns()?, rounds, core);
                shares.into_iter().for_each(|shares| compared.outcome[0] += &format!("; {shares}"));
                Ok(compared)
            });
            told.tell(&name, compared);
        }
    }
    some
}

/// What the router takes of a packet's time between its lines.
fn whole<'a>(way: &'a Way, frames: Vec<Vec<u8>>) -> impl FnMut() -> Took + 'a {
    let (mut router, mut lines) = (Whole::new(way), Lines::new());
    move || {
        let mut took = [0.0; 2];
        let mut out = [0; 2];
        for (took, (out, routed)) in took.iter_mut().zip(out.iter_mut().zip([true, false])) {
            let mut frames = frames.iter().cycle();
            let watch = Watch::start();
            for _ in 0..BATCHES {
                *out += if routed { router.batch(&mut frames) } else { lines.batch(&mut frames) };
            }
            *took = watch.ns() / (BATCHES * BATCH) as f64;
        }
        let [with, without] = took;
        let more =
            format!("line to line {with:.1} ns, lines alone {without:.1} ns, {} of {} out", out[0], out[1]);
        Took { ns: with - without, more }
    }
}

/// What all stages take, of batches in memory that no cache has.
fn stages<'a>(way: &'a Way, frames: Vec<Vec<u8>>) -> impl FnMut() -> Took + 'a {
    let mut pool = Pool::new(WorkerIndex(0), BATCH * COLD, PoolSize::Standard);
    let mut batches: Vec<Batch> = (0..COLD).map(|_| Batch::new()).collect();
    for batch in &mut batches {
        while batch.room() > 0 && pool.get().is_some_and(|frame| batch.push(frame).is_ok()) {}
    }
    let mut pipeline = Pipeline::new();
    pipeline.sync(way.snapshot());
    let mut now = 0;
    move || {
        let mut frames = frames.iter().cycle();
        for room in batches.iter_mut().flat_map(|batch| batch.frames_mut()) {
            // They are shorter than a buffer.
            let _ = frames.next().map(|bytes| room.fill(bytes));
        }
        let watch = Watch::start();
        for batch in &mut batches {
            // As far from one another as batches of a worker are, for meters.
            now += 10_000;
            pipeline.ingress(batch, way.snapshot(), PortIndex(0), Time(now));
        }
        let ns = watch.ns() / (COLD * BATCH) as f64;
        let live: usize = batches.iter_mut().map(|batch| batch.live().count()).sum();
        Took { ns, more: format!("stages alone, {live} of {} forwarded", COLD * BATCH) }
    }
}

fn repeat(
    name: &str,
    recorded: Option<(f64, f64)>,
    mut ours: Box<dyn FnMut() -> Took + '_>,
    ticks_per_ns: f64,
    rounds: u8,
    core: usize,
) -> Compared {
    let before = cpu::load();
    let (mut mine, mut adds, mut cycles) = (Vec::new(), Vec::new(), Vec::new());
    let mut more = String::new();
    // The first round warms caches, and is forgotten.
    for round in 0..=rounds {
        let speed = cpu::adds_per_ns();
        let took = ours();
        if round > 0 {
            mine.push(took.ns);
            adds.push(speed / ticks_per_ns);
            cycles.push(took.ns * speed);
        }
        more = took.more;
    }
    let ours = Spread::of(mine);
    let peer = if recorded.is_some() { "VPP 26.06 (recorded)" } else { "nothing was recorded" };
    let (least, median) = recorded.unwrap_or((f64::NAN, f64::NAN));
    let theirs = Spread { min: least, median, max: f64::NAN }.times(1.0 / ticks_per_ns);
    let outcome = [format!("{more}; {:.0} adds a packet", Spread::of(cycles).median), String::new()];
    let line = Measured { name, unit: "ns/packet", ticks_per_ns, adds, rounds, core, before };
    line.compared(ours, (peer, theirs), outcome)
}

/// Ticks of the time-stamp counter a nanosecond, as the kernel measured it.
pub(super) fn ticks_per_ns() -> Result<f64, String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("cpu MHz"));
    let mhz = line.and_then(|line| line.split_once(':')?.1.trim().parse::<f64>().ok());
    mhz.map(|mhz| mhz / 1e3)
        .ok_or_else(|| "/proc/cpuinfo does not say how fast the processor's clock is".into())
}
