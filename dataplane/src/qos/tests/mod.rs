//! The scheduler in virtual time, against what its text promises.

mod oracle;
mod property;
mod scenario;
mod waits;

use std::sync::Arc;

use super::{ClassQos, InterfaceQos, Scheduler, ShaperSpec};
use crate::class::TrafficClass;
use crate::id::IfIndex;
use crate::packet::{Batch, DropReason, Frame};
use crate::time::Time;

/// One frame that left, or (`why`) was dropped.
#[derive(Clone, Copy, Debug)]
struct Gone {
    at: u64,
    interface: IfIndex,
    class: TrafficClass,
    len: usize,
    /// What it was queued with.
    serial: u32,
    waited: u64,
    why: Option<DropReason>,
}

/// A tree, a clock, and frames that are used again.
struct Bench {
    tree: Scheduler,
    now: u64,
    free: Vec<Frame>,
    gone: Vec<Gone>,
    out: Batch,
}

impl Bench {
    fn new(port_rate: u64, interfaces: &[InterfaceQos]) -> Self {
        let tree = Scheduler::new(port_rate);
        let mut bench = Self { tree, now: 0, free: Vec::new(), gone: Vec::new(), out: Batch::new() };
        let specs: Vec<_> = interfaces.iter().map(|i| Some(Arc::new(i.clone()))).collect();
        bench.sync(port_rate, &specs);
        bench
    }

    fn sync(&mut self, port_rate: u64, interfaces: &[Option<Arc<InterfaceQos>>]) {
        let mut dropped = Vec::new();
        let named = interfaces.iter().enumerate();
        let named = named.filter_map(|(i, qos)| Some((IfIndex(i as u32), qos.as_ref()?)));
        self.tree.sync(port_rate, named, &mut dropped);
        self.drops(dropped);
    }

    /// Queues a frame now; the reason if it is refused.
    fn enqueue(
        &mut self,
        interface: u32,
        class: TrafficClass,
        len: usize,
        serial: u32,
    ) -> Option<DropReason> {
        let mut frame = self.free.pop().unwrap_or_else(Frame::standard);
        frame.reset();
        frame.set_len(len).unwrap();
        let meta = frame.meta_mut();
        (meta.out_interface, meta.class) = (IfIndex(interface), class);
        (meta.received, meta.flow_hash) = (Time(self.now), serial);
        let (frame, why) = self.tree.enqueue(frame, Time(self.now)).err()?;
        self.drops(vec![(frame, why)]);
        Some(why)
    }

    /// Takes out what may leave now, at most `max`; gives how many left.
    fn dequeue(&mut self, max: usize) -> usize {
        let mut dropped = Vec::new();
        let given = self.tree.dequeue(Time(self.now), max, &mut self.out, &mut dropped);
        self.drops(dropped);
        assert_eq!(given, self.out.len());
        for frame in self.out.drain() {
            self.gone.push(gone(&frame, self.now, None));
            self.free.push(frame);
        }
        given
    }

    fn drops(&mut self, dropped: Vec<(Frame, DropReason)>) {
        for (frame, why) in dropped {
            self.gone.push(gone(&frame, self.now, Some(why)));
            self.free.push(frame);
        }
    }

    /// Runs to `end`: sends whenever the tree says that it can.
    fn run(&mut self, end: u64) {
        loop {
            while self.dequeue(64) > 0 {}
            let next = self.tree.next_event(Time(self.now)).0;
            if next > end {
                break;
            }
            assert!(next > self.now);
            self.now = next;
        }
        self.now = end;
    }
}

fn gone(frame: &Frame, now: u64, why: Option<DropReason>) -> Gone {
    let m = frame.meta();
    let (at, waited) = (now, now - m.received.0);
    Gone {
        at,
        interface: m.out_interface,
        class: m.class,
        len: frame.len(),
        serial: m.flow_hash,
        waited,
        why,
    }
}

fn shaped(rate: u64, burst: u64) -> InterfaceQos {
    InterfaceQos { shaper: Some(ShaperSpec { rate, burst, overhead: 24 }), ..InterfaceQos::default() }
}

fn class(qos: &mut InterfaceQos, class: TrafficClass) -> &mut ClassQos {
    &mut qos.classes[class.index()]
}

const MS: u64 = 1_000_000;
const S: u64 = 1_000_000_000;
