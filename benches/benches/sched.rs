//! One frame through a scheduler tree: enqueue and dequeue, in bursts of up to
//! 64, with every interface busy and with one of many.
//!
//! Each busy interface is shaped to 1 Mbit/s, holds a call's frame and a bulk
//! frame, and time passes as the sum of their rates has it, so that each frame
//! takes its interface out of the rings, through the timing wheel and back. What
//! leaves is queued again at once: its buffer is as cold as so many interfaces
//! make it.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use benches::sched::Deep;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dataplane::class::TrafficClass;
use dataplane::id::IfIndex;
use dataplane::packet::{BATCH, Batch, Frame};
use dataplane::qos::{Cells, InterfaceQos, Scheduler, ShaperSpec, TreeLimits};
use dataplane::time::Time;

const RATE: u64 = 1_000_000;
const LENGTH: usize = 1000;

struct Load {
    tree: Scheduler,
    now: Time,
    /// Nanoseconds that a burst takes at the busy interfaces' rates together.
    burst: u64,
    out: Batch,
}

impl Load {
    fn new(interfaces: u32, busy: u32) -> Self {
        let shaper = ShaperSpec { rate: RATE, burst: 1_000_000, overhead: 24, cells: Cells::None };
        let qos = Arc::new(InterfaceQos { shaper: Some(shaper), ..InterfaceQos::default() });
        let mut tree = Scheduler::new(0);
        tree.set_limits(TreeLimits { bytes: u64::MAX, frames: usize::MAX, ..TreeLimits::default() });
        tree.sync(0, (0..interfaces).map(|i| (IfIndex(i), &qos)), &mut Vec::new());
        let burst = (BATCH * (LENGTH + 24)) as u64 * 8_000_000_000 / (RATE * u64::from(busy));
        let mut load = Self { tree, now: Time(0), burst, out: Batch::new() };
        // Every busy one of many, spread over them.
        for n in 0..busy {
            for class in [TrafficClass::Voice, TrafficClass::Imaging] {
                queue(&mut load.tree, frame(IfIndex(n * (interfaces / busy)), class), load.now);
            }
        }
        load.pass(u64::from(busy) * 4);
        load
    }

    /// Passes at least so many frames; gives the time it took for exactly so many.
    fn pass(&mut self, frames: u64) -> Duration {
        let (mut passed, mut dropped) = (0, Vec::new());
        let start = Instant::now();
        while passed < frames {
            self.now = Time(self.now.0 + self.burst).max(self.tree.next_event(self.now));
            passed += self.tree.dequeue(self.now, BATCH, &mut self.out, &mut dropped) as u64;
            self.out.drain().for_each(|frame| queue(&mut self.tree, frame, self.now));
        }
        let took = start.elapsed();
        assert!(dropped.is_empty() && self.tree.held_frames() > 0);
        took.mul_f64(frames as f64 / passed as f64)
    }
}

fn queue(tree: &mut Scheduler, frame: Frame, now: Time) {
    if let Err((frame, reason)) = tree.enqueue(frame, now) {
        black_box((frame, reason));
    }
}

fn frame(interface: IfIndex, class: TrafficClass) -> Frame {
    let mut frame = Frame::standard();
    let meta = frame.meta_mut();
    (meta.out_interface, meta.class) = (interface, class);
    assert!(frame.set_len(LENGTH).is_ok());
    frame
}

fn deep(c: &mut Criterion) {
    let mut group = c.benchmark_group("sched-deep");
    group.throughput(Throughput::Elements(1)).sample_size(20).measurement_time(Duration::from_secs(3));
    for (name, interfaces, busy) in [("390-busy", 390, 390), ("1-busy", 390, 1)] {
        let mut load = Deep::new(interfaces, busy);
        group.bench_function(name, |b| {
            b.iter_custom(|frames| {
                let start = Instant::now();
                let passed = load.pass(frames);
                start.elapsed().mul_f64(frames as f64 / passed as f64)
            });
        });
    }
    group.finish();
}

fn sched(c: &mut Criterion) {
    let mut group = c.benchmark_group("sched");
    group.throughput(Throughput::Elements(1)).sample_size(20).measurement_time(Duration::from_secs(3));
    for interfaces in [4, 40, 390, 4_000, 40_000] {
        for (name, busy) in [("all busy", interfaces), ("one busy", 1)] {
            let mut load = Load::new(interfaces, busy);
            group.bench_function(BenchmarkId::new(name, interfaces), |b| {
                b.iter_custom(|frames| load.pass(frames));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, deep, sched);
criterion_main!(benches);
