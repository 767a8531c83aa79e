//! The tree beside DPDK's `rte_sched`: class, enqueue and dequeue of 64-byte frames in
//! bursts of 32, rates never the limit; every queue of 390 sites in use, or of one of them. Frames of
//! both lie in buffers of 2 KiB and some, as in a router.

use benches::sched::Deep;

use super::cpu::Watch;
use super::{How, Line, Took};

const SITES: u32 = 390;
const FRAMES: u64 = 1 << 20;

pub(super) fn lines() -> Vec<Line> {
    let line = |name, ours| Line { name, unit: "ns/frame", peer: "rte_sched", how: How::Inside(ours) };
    vec![line("sched-390-busy", || busy(SITES)), line("sched-1-busy", || busy(1))]
}

fn busy(sites: u32) -> Box<dyn FnMut() -> Took> {
    let mut load = Deep::new(SITES, sites);
    Box::new(move || {
        let watch = Watch::start();
        let passed = load.pass(FRAMES);
        let ns = watch.ns() / passed as f64;
        let (held, dropped) = load.held();
        Took { ns, more: format!("held={held} dropped={dropped}") }
    })
}
