//! Meters beside DPDK's `rte_meter`: colour-blind, 1,560 flows drawn at random, frames of
//! 64 to 1,087 bytes, one every nanosecond (most of it red), or every 5 ns (`-mixed`:
//! every colour its share, which no branch can foretell).

use std::hint::black_box;

use dataplane::class::Colour;
use dataplane::qos::{Meter, MeterAction, MeterKind, MeterProfile, MeterSpec};
use dataplane::time::Time;

use super::cpu::Watch;
use super::{How, Line, Took};

/// 390 sites with four metered classes.
const FLOWS: u64 = 1560;
const FRAMES: usize = 1 << 21;

pub(super) fn lines() -> Vec<Line> {
    let line = |name, peer, ours| Line { name, unit: "ns/frame", peer, how: How::Inside(ours) };
    vec![
        line("meter-srtcm", "rte_meter srTCM", || meter(MeterKind::SrTcm, 1)),
        line("meter-trtcm", "rte_meter trTCM", || meter(MeterKind::TrTcm, 1)),
        line("meter-srtcm-mixed", "rte_meter srTCM", || meter(MeterKind::SrTcm, 5)),
        line("meter-trtcm-mixed", "rte_meter trTCM", || meter(MeterKind::TrTcm, 5)),
    ]
}

/// 30 MB/s committed, 60 MB/s at most (trTCM), as `peers/dpdk/meter.c` has it.
fn meter(kind: MeterKind, gap: u64) -> Box<dyn FnMut() -> Took> {
    let actions = [MeterAction::Recolour; 3];
    let (cir, eir, cbs, ebs) = (240_000_000, 480_000_000, 4_096, 8_192);
    let spec = MeterSpec { kind, colour_aware: false, cir, cbs, eir, ebs, actions };
    let (profile, flows) = (black_box(MeterProfile::new(&spec)), flows());
    Box::new(move || {
        let mut meters = vec![Meter::new(); FLOWS as usize];
        let (mut colours, mut now) = ([0u64; 3], 10_000_000);
        let watch = Watch::start();
        for (i, flow) in flows.iter().enumerate() {
            let bytes = 64 + (i as u32 & 1023);
            let colour = meters[*flow as usize].colour(&profile, Time(now), Colour::Green, bytes);
            colours[colour as usize] += 1;
            now += gap;
        }
        let ns = watch.ns() / FRAMES as f64;
        let [green, yellow, red] = colours;
        Took { ns, more: format!("green={green} yellow={yellow} red={red}") }
    })
}

/// The peer's draws: xorshift64* from the same seed.
fn flows() -> Vec<u32> {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let draw = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) % FLOWS) as u32
    };
    std::iter::repeat_with(draw).take(FRAMES).collect()
}
