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

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dataplane::class::TrafficClass;
use dataplane::id::IfIndex;
use dataplane::packet::{BATCH, Batch, Frame};
use dataplane::qos::{Aqm, Cells, InterfaceQos, Scheduler, ShaperSpec, TreeLimits};
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

/// The same frames over and over through every queue of some interfaces, 16 in each, whose
/// rates hold nothing back: what choosing costs, as rte_sched is measured.
struct Deep {
    tree: Scheduler,
    busy: u32,
    next: u32,
    now: Time,
    out: Batch,
}

impl Deep {
    const BURST: usize = 32;

    fn new(interfaces: u32, busy: u32) -> Self {
        let shaper = ShaperSpec { rate: 400_000_000_000, burst: 1_000_000, overhead: 24, cells: Cells::None };
        let mut qos = InterfaceQos { shaper: Some(shaper), ..InterfaceQos::default() };
        qos.classes.iter_mut().for_each(|class| (class.aqm, class.flows) = (Aqm::Tail, 0));
        let qos = Arc::new(qos);
        let mut tree = Scheduler::new(0);
        tree.set_limits(TreeLimits { bytes: u64::MAX, ..TreeLimits::default() });
        tree.sync(0, (0..interfaces).map(|i| (IfIndex(i), &qos)), &mut Vec::new());
        let mut deep = Self { tree, busy, next: 0, now: Time(1), out: Batch::new() };
        for _ in 0..busy * 8 * 16 {
            let frame = deep.classified(frame(IfIndex(0), TrafficClass::Voice));
            queue(&mut deep.tree, frame, deep.now);
        }
        deep.pass(u64::from(busy) * 8 * 16);
        deep
    }

    /// The next queue in turn.
    fn classified(&mut self, mut frame: Frame) -> Frame {
        let meta = frame.meta_mut();
        (meta.out_interface, meta.class) =
            (IfIndex(self.next >> 3), TrafficClass::ALL[self.next as usize & 7]);
        self.next = if self.next + 1 == self.busy * 8 { 0 } else { self.next + 1 };
        frame
    }

    fn pass(&mut self, frames: u64) -> Duration {
        let (mut passed, mut dropped, mut out) = (0, Vec::new(), std::mem::take(&mut self.out));
        let start = Instant::now();
        while passed < frames {
            self.now = Time(self.now.0 + 1_000);
            passed += self.tree.dequeue(self.now, Self::BURST, &mut out, &mut dropped) as u64;
            for frame in out.frames_mut() {
                let meta = frame.meta_mut();
                meta.out_interface = IfIndex(self.next >> 3);
                meta.class = TrafficClass::ALL[self.next as usize & 7];
                self.next = if self.next + 1 == self.busy * 8 { 0 } else { self.next + 1 };
            }
            out.drain().for_each(|frame| queue(&mut self.tree, frame, self.now));
        }
        let took = start.elapsed();
        self.out = out;
        assert!(dropped.is_empty() && self.tree.held_frames() == self.busy as usize * 8 * 16);
        took.mul_f64(frames as f64 / passed as f64)
    }
}

fn deep(c: &mut Criterion) {
    let mut group = c.benchmark_group("sched-deep");
    group.throughput(Throughput::Elements(1)).sample_size(20).measurement_time(Duration::from_secs(3));
    for (name, interfaces, busy) in [("390-busy", 390, 390), ("1-busy", 390, 1)] {
        let mut load = Deep::new(interfaces, busy);
        group.bench_function(name, |b| b.iter_custom(|frames| load.pass(frames)));
    }
    group.finish();
}

fn sched(c: &mut Criterion) {
    let mut group = c.benchmark_group("sched");
    group.throughput(Throughput::Elements(1)).sample_size(20).measurement_time(Duration::from_secs(3));
    for interfaces in [1, 390, 4_000, 40_000] {
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
