//! A scheduler's tree whose queues are all in use: what choosing costs, as DPDK's
//! `rte_sched` is measured in `peers/dpdk/sched.c`.

use std::sync::Arc;

use dataplane::class::{CLASSES, TrafficClass};
use dataplane::id::{IfIndex, WorkerIndex};
use dataplane::packet::{BATCH, Batch, Frame, Pool, PoolSize};
use dataplane::qos::{Aqm, Cells, InterfaceQos, Scheduler, ShaperSpec, TreeLimits};
use dataplane::time::Time;

/// Frames in each queue to begin with.
const DEPTH: u32 = 16;
/// Bytes of each.
const LENGTH: usize = 64;
/// Frames taken out at once, and queued again.
const BURST: usize = 32;
/// Bit/s of each interface of a wide tree, and bytes of its frames.
const WIDE_RATE: u64 = 1_000_000;
const WIDE_LENGTH: usize = 1000;

/// The same frames over and over through every queue of some interfaces, whose rates hold nothing back.
#[derive(Debug)]
pub struct Deep {
    tree: Scheduler,
    busy: u32,
    next: u32,
    now: Time,
    out: Batch,
    dropped: Vec<(Frame, dataplane::packet::DropReason)>,
}

impl Deep {
    /// A tree of so many interfaces; the first `busy` of them have frames, in every class. Weights are even, so that none runs dry.
    pub fn new(interfaces: u32, busy: u32) -> Self {
        let shaper = ShaperSpec { rate: 400_000_000_000, burst: 1_000_000, overhead: 24, cells: Cells::None };
        let mut qos = InterfaceQos { shaper: Some(shaper), ..InterfaceQos::default() };
        for class in &mut qos.classes {
            (class.aqm, class.flows, class.weight) = (Aqm::Tail, 0, 1);
        }
        let qos = Arc::new(qos);
        let mut tree = Scheduler::new(0);
        tree.set_limits(TreeLimits { bytes: u64::MAX, ..TreeLimits::default() });
        tree.sync(0, (0..interfaces).map(|i| (IfIndex(i), &qos)), &mut Vec::new());
        let mut deep = Self { tree, busy, next: 0, now: Time(1), out: Batch::new(), dropped: Vec::new() };
        let frames = busy * CLASSES as u32 * DEPTH;
        let mut pool = Pool::new(WorkerIndex(0), frames as usize, PoolSize::Standard);
        while let Some(mut frame) = pool.get() {
            assert!(frame.set_len(LENGTH).is_ok());
            deep.classify(&mut frame);
            enqueue(&mut deep.tree, frame, deep.now);
        }
        deep.pass(u64::from(frames));
        deep
    }

    /// For the next queue in turn.
    fn classify(&mut self, frame: &mut Frame) {
        let (site, class) = (self.next / CLASSES as u32, self.next as usize % CLASSES);
        let meta = frame.meta_mut();
        (meta.out_interface, meta.class) = (IfIndex(site), TrafficClass::ALL[class]);
        self.next = if self.next + 1 == self.busy * CLASSES as u32 { 0 } else { self.next + 1 };
    }

    /// As a worker does with each batch.
    fn queue_all(&mut self, batch: &mut Batch) {
        self.tree.enqueue_all(batch, self.now, &mut self.dropped);
        assert!(self.dropped.is_empty(), "a queue is full");
    }

    /// Lets so many frames pass: out of the tree, to another class, and in again. Gives how many.
    pub fn pass(&mut self, frames: u64) -> u64 {
        let (mut passed, mut out) = (0, std::mem::take(&mut self.out));
        while passed < frames {
            self.now = Time(self.now.0 + 1_000);
            let most = BURST.min((frames - passed) as usize);
            passed += self.tree.dequeue(self.now, most, &mut out, &mut self.dropped) as u64;
            out.frames_mut().iter_mut().for_each(|frame| self.classify(frame));
            self.queue_all(&mut out);
        }
        self.out = out;
        passed
    }

    /// Frames in the tree, and frames it dropped.
    pub fn held(&self) -> (usize, usize) {
        (self.tree.held_frames(), self.dropped.len())
    }
}

/// Interfaces shaped to 1 Mbit/s each, of which some hold a call's frame and a bulk frame, while time passes
/// as the sum of their rates has it: each frame takes its interface out of the rings, through the
/// timing wheel and back. What leaves is queued again at once: its buffer is as cold as so many
/// interfaces make it.
#[derive(Debug)]
pub struct Wide {
    tree: Scheduler,
    now: Time,
    /// Nanoseconds that a burst takes at the busy interfaces' rates together.
    burst: u64,
    out: Batch,
}

impl Wide {
    /// So many interfaces, and so many of them busy, spread over all.
    pub fn new(interfaces: u32, busy: u32) -> Self {
        let shaper = ShaperSpec { rate: WIDE_RATE, burst: 1_000_000, overhead: 24, cells: Cells::None };
        let qos = Arc::new(InterfaceQos { shaper: Some(shaper), ..InterfaceQos::default() });
        let mut tree = Scheduler::new(0);
        tree.set_limits(TreeLimits { bytes: u64::MAX, frames: usize::MAX, ..TreeLimits::default() });
        tree.sync(0, (0..interfaces).map(|i| (IfIndex(i), &qos)), &mut Vec::new());
        let burst = (BATCH * (WIDE_LENGTH + 24)) as u64 * 8_000_000_000 / (WIDE_RATE * u64::from(busy));
        let mut load = Self { tree, now: Time(0), burst, out: Batch::new() };
        // Every busy one of many, spread over them.
        for n in 0..busy {
            for class in [TrafficClass::Voice, TrafficClass::Imaging] {
                enqueue(&mut load.tree, wide_frame(IfIndex(n * (interfaces / busy)), class), load.now);
            }
        }
        load.pass(u64::from(busy) * 4);
        load
    }

    /// Lets so many frames pass; gives how many.
    pub fn pass(&mut self, frames: u64) -> u64 {
        let (mut passed, mut dropped) = (0, Vec::new());
        while passed < frames {
            self.now = Time(self.now.0 + self.burst).max(self.tree.next_event(self.now));
            let most = BATCH.min((frames - passed) as usize);
            passed += self.tree.dequeue(self.now, most, &mut self.out, &mut dropped) as u64;
            self.out.drain().for_each(|frame| enqueue(&mut self.tree, frame, self.now));
        }
        assert!(dropped.is_empty() && self.tree.held_frames() > 0);
        passed
    }
}

fn enqueue(tree: &mut Scheduler, frame: Frame, now: Time) {
    assert!(tree.enqueue(frame, now).is_ok(), "a queue is full");
}

fn wide_frame(interface: IfIndex, class: TrafficClass) -> Frame {
    let mut frame = Frame::standard();
    let meta = frame.meta_mut();
    (meta.out_interface, meta.class) = (interface, class);
    assert!(frame.set_len(WIDE_LENGTH).is_ok());
    frame
}
