//! The scheduler in virtual time, against what its text promises.

mod aqm;
mod crowd;
mod flows;
mod fluid;
mod guarantee;
mod level;
mod marks;
mod oracle;
mod priority;
mod property;
mod report;
mod scenario;
mod together;
mod trees;
mod unseen;
mod waits;

use std::sync::Arc;

use super::{Aqm, Cells, ClassQos, InterfaceQos, Scheduler, ShaperSpec};
use crate::class::{Colour, TrafficClass};
use crate::id::IfIndex;
use crate::packet::{Batch, DropReason, Frame, Layer3};
use crate::time::Time;
use crate::wire::mpls::LabelStackEntry;

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
    /// Whether the frames' ends know ECN, and how many left marked.
    ect: bool,
    ce: u64,
}

impl Bench {
    fn new(port_rate: u64, interfaces: &[InterfaceQos]) -> Self {
        Self::with_port((port_rate, MS), interfaces)
    }

    /// At a port of this rate and burst.
    fn with_port((port_rate, burst): (u64, u64), interfaces: &[InterfaceQos]) -> Self {
        let mut tree = Scheduler::new(0);
        tree.set_port_burst(burst);
        let (free, gone, out) = (Vec::new(), Vec::new(), Batch::new());
        let mut bench = Self { tree, now: 0, free, gone, out, ect: false, ce: 0 };
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
        self.enqueue_flow(interface, class, len, (serial, serial))
    }

    /// As [`Bench::enqueue`], of a flow with this hash.
    fn enqueue_flow(
        &mut self,
        interface: u32,
        class: TrafficClass,
        len: usize,
        (serial, hash): (u32, u32),
    ) -> Option<DropReason> {
        let frame = self.frame(interface, class, len, (serial, hash));
        self.offer(frame)
    }

    fn frame(
        &mut self,
        interface: u32,
        class: TrafficClass,
        len: usize,
        (serial, hash): (u32, u32),
    ) -> Frame {
        let mut frame = self.free.pop().unwrap_or_else(Frame::standard);
        frame.reset();
        frame.set_len(len).unwrap();
        let meta = frame.meta_mut();
        (meta.out_interface, meta.class) = (IfIndex(interface), class);
        (meta.flow_hash, meta.in_interface) = (hash, IfIndex(serial));
        frame.rare_mut().received = Time(self.now);
        self.write_ecn(&mut frame);
        frame
    }

    /// Queues frames that come together, numbered from `serial` on.
    fn enqueue_all(&mut self, interface: u32, class: TrafficClass, lens: &[usize], serial: u32) {
        let (mut batch, mut dropped) = (Batch::new(), Vec::new());
        for (len, serial) in lens.iter().zip(serial..) {
            batch.push(self.frame(interface, class, *len, (serial, serial))).unwrap();
        }
        self.tree.enqueue_all(&mut batch, Time(self.now), &mut dropped);
        assert!(batch.is_empty());
        self.drops(dropped);
    }

    /// As [`Bench::enqueue`], of this colour.
    fn enqueue_coloured(
        &mut self,
        interface: u32,
        class: TrafficClass,
        len: usize,
        colour: Colour,
    ) -> Option<DropReason> {
        let mut frame = self.free.pop().unwrap_or_else(Frame::standard);
        frame.reset();
        frame.set_len(len).unwrap();
        let meta = frame.meta_mut();
        (meta.out_interface, meta.class, meta.colour) = (IfIndex(interface), class, colour);
        frame.rare_mut().received = Time(self.now);
        self.offer(frame)
    }

    /// As [`Bench::enqueue`], a full frame of UDP from this port below a label, its flow not yet known.
    fn enqueue_labelled(
        &mut self,
        interface: u32,
        class: TrafficClass,
        (port, serial): (u16, u32),
    ) -> Option<DropReason> {
        let mut frame = self.free.pop().unwrap_or_else(Frame::standard);
        frame.reset();
        frame.set_len(1514).unwrap();
        let label = LabelStackEntry::new(16, 0, true, 63).word().to_be_bytes();
        let ports = [port.to_be_bytes(), 53u16.to_be_bytes()].concat();
        let ip = [0x45, 0, 5, 0xd8, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        let head = [&[2; 12][..], &[0x88, 0x47], &label, &ip, &ports].concat();
        frame.bytes_mut()[..head.len()].copy_from_slice(&head);
        let meta = frame.meta_mut();
        (meta.out_interface, meta.class) = (IfIndex(interface), class);
        (meta.layer3, meta.l3_offset, meta.l3_length) = (Layer3::Mpls, 14, 1500);
        meta.in_interface = IfIndex(serial);
        frame.rare_mut().received = Time(self.now);
        self.offer(frame)
    }

    /// An IPv6 header's first bytes behind Ethernet's.
    fn write_ecn(&self, frame: &mut Frame) {
        if let Some(bytes) = frame.bytes_mut().get_mut(12..16) {
            bytes.copy_from_slice(&[0x86, 0xdd, 0x60, if self.ect { 0x20 } else { 0 }]);
        }
    }

    fn offer(&mut self, frame: Frame) -> Option<DropReason> {
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
            self.ce += u64::from(self.ect && frame.bytes()[15] & 0x30 == 0x30);
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

/// In no window more than `rate` in its time and `more` bytes; each frame and 24 bytes.
fn assert_in_every_window(gone: &[Gone], rate: u64, more: u64) {
    for from in 0..gone.len() {
        let mut sum = 0;
        for to in &gone[from..] {
            sum += to.len as u64 + 24;
            let most = u128::from(rate) * u128::from(to.at - gone[from].at) + u128::from(more * 8 * S);
            assert!(u128::from(sum * 8 * S) <= most, "{sum} bytes from {} to {}", gone[from].at, to.at);
        }
    }
}

fn gone(frame: &Frame, now: u64, why: Option<DropReason>) -> Gone {
    let m = frame.meta();
    let (at, waited) = (now, now - frame.rare().received.0);
    Gone {
        at,
        interface: m.out_interface,
        class: m.class,
        len: frame.len(),
        serial: m.in_interface.0,
        waited,
        why,
    }
}

/// Default shares, and one queue a class that drops only what comes when it is full.
fn plain() -> InterfaceQos {
    let mut qos = InterfaceQos::default();
    qos.classes.iter_mut().for_each(|class| (class.aqm, class.flows) = (Aqm::Tail, 0));
    qos
}

fn shaped(rate: u64, burst: u64) -> InterfaceQos {
    InterfaceQos { shaper: Some(ShaperSpec { rate, burst, overhead: 24, cells: Cells::None }), ..plain() }
}

fn class(qos: &mut InterfaceQos, class: TrafficClass) -> &mut ClassQos {
    &mut qos.classes[class.index()]
}

const MS: u64 = 1_000_000;
const S: u64 = 1_000_000_000;
