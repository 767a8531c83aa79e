//! What passes a tree is what the tree would have given: the same traffic with and without.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::packet::BATCH;
use crate::qos::{Aqm, Cells, Discipline, InterfaceQos, Look, PolicerSpec, RateSpec, ShaperSpec, TreeLimits};

/// A frame that comes: interface, class, bytes, flow.
type Comes = (u32, usize, usize, u32);
/// A frame that leaves: interface, class, flow, which one it was.
type Left = (IfIndex, TrafficClass, u32, u32);

/// An interface's own rate, from one that holds up the second frame to one that holds up none.
fn shaper() -> impl Strategy<Value = ShaperSpec> {
    let rate = prop::sample::select(vec![1_000_000u64, 50_000_000, 1_000_000_000, 10_000_000_000]);
    let burst = prop_oneof![Just(0u64), 0..40_000u64, Just(2_000_000)];
    let cells = prop_oneof![4 => Just(Cells::None), 1 => Just(Cells::Atm), 1 => Just(Cells::Ptm)];
    let shaper = (rate, burst, prop::sample::select(vec![-14i16, 0, 24]), cells);
    shaper.prop_map(|(rate, burst, overhead, cells)| ShaperSpec { rate, burst, overhead, cells })
}

/// Two interfaces at one line.
fn specs() -> impl Strategy<Value = Vec<InterfaceQos>> {
    let one = (0usize..12, 1u32..4, prop::option::of(shaper())).prop_map(|(kind, weight, shaper)| {
        let mut qos = InterfaceQos { weight, shaper, ..InterfaceQos::default() };
        let rate = RateSpec { rate: 50_000_000, burst: 1_000_000 };
        match kind {
            0 => qos.classes.iter_mut().for_each(|class| (class.aqm, class.flows) = (Aqm::Tail, 0)),
            1 => qos.discipline = Discipline::Fifo,
            2 => qos.limit_bytes = 3_000,
            3 => qos.assured = Some(rate),
            4 => qos.classes[TrafficClass::Video.index()].shaper = Some(rate),
            5 => {
                let policer = PolicerSpec { rate: 100_000, burst: 2_000 };
                qos.classes[TrafficClass::Voice.index()].policer = Some(policer);
            }
            6 => qos.classes.iter_mut().for_each(|class| class.flows = 0),
            7 => {
                let policer = PolicerSpec { rate: 50_000_000, burst: 20_000 };
                qos.classes.iter_mut().for_each(|class| class.policer = Some(policer));
                qos.assured = Some(RateSpec { rate: 100_000, burst: 1_000_000 });
            }
            8 => {
                let rate = RateSpec { rate: 900_000_000, burst: 100_000 };
                qos.classes.iter_mut().for_each(|class| class.shaper = Some(rate));
            }
            9 => qos.classes.iter_mut().for_each(|class| (class.flows, class.limit_time) = (0, 20_000)),
            _ => {}
        }
        qos
    });
    prop::collection::vec(one, 2)
}

/// What comes in each turn, after how long, and how much the line takes then.
fn turns(flows: u32) -> impl Strategy<Value = Vec<(u64, Vec<Comes>, usize)>> {
    let row = (0u32..2, 0usize..8, prop::collection::vec((20usize..1514, 0..flows), 1..24));
    let row = row.prop_map(|(interface, class, frames)| {
        let frame = |(len, flow)| (interface, class, len, flow);
        frames.into_iter().map(frame).collect::<Vec<Comes>>()
    });
    let rows = prop_oneof![3 => prop::collection::vec(row.clone(), 1), 1 => prop::collection::vec(row, 0..5)];
    let takes = prop_oneof![4 => Just(64usize), 1 => 0usize..64];
    let gap = prop_oneof![0u64..80_000, 0u64..2_000_000];
    prop::collection::vec((gap, rows.prop_map(|rows| rows.concat()), takes), 1..20)
}

/// A tree, with frames that may pass it or without.
struct Side {
    tree: Scheduler,
    straight: Option<Straight>,
    staged: Staged,
    dropped: Dropped,
    /// How many frames left without having been queued.
    passed: usize,
}

impl Side {
    fn new(specs: &[InterfaceQos], port_rate: u64, straight: bool) -> Self {
        let specs: Vec<_> = specs.iter().cloned().map(Arc::new).collect();
        let mut tree = Scheduler::new(port_rate);
        tree.set_limits(TreeLimits { frames: 48, ..TreeLimits::default() });
        let interfaces = specs.iter().enumerate().map(|(id, qos)| (IfIndex(id as u32), qos));
        tree.sync(port_rate, interfaces, &mut Vec::new());
        let straight = straight.then(Straight::default);
        Self { tree, straight, staged: Staged::default(), dropped: Vec::new(), passed: 0 }
    }

    fn turn(&mut self, since: Time, now: Time, comes: &[Comes], serial: u32, takes: usize) -> Vec<Left> {
        self.tree.begin_turn(since, now);
        let frames = (serial..).zip(comes).map(|(serial, (interface, class, len, flow))| {
            let mut frame = Frame::standard();
            frame.set_len(*len).unwrap();
            let meta = frame.meta_mut();
            (meta.out_interface, meta.class) = (IfIndex(*interface), TrafficClass::ALL[*class]);
            (meta.flow_hash, meta.in_interface) = (*flow, IfIndex(serial));
            frame
        });
        let idle = self.staged.frames.is_empty();
        let mut batch = Batch::new();
        for frame in frames {
            batch.push(frame).unwrap();
            // All of one, or as many as there are until then, now and then.
            let of = |at: Option<&Comes>| at.map(|(interface, class, ..)| (*interface, *class));
            let whole = comes.iter().all(|next| of(Some(next)) == of(comes.first()));
            if let Some(straight) = self.straight.as_mut().filter(|_| !whole && serial.is_multiple_of(2)) {
                if batch.len() == comes.len().min(BATCH) {
                    straight.take_mixed(&mut batch, &mut self.tree, now, &mut self.dropped);
                }
                continue;
            }
            if let Some(straight) = self.straight.as_mut().filter(|_| whole && serial.is_multiple_of(2)) {
                let least = if serial.is_multiple_of(4) { comes.len() } else { comes.len().div_ceil(2) };
                let key = key(&batch.frames()[0]);
                if batch.len() >= least.min(BATCH) {
                    straight.take_all(&mut batch, key, &mut self.tree, idle, now, &mut self.dropped);
                }
                continue;
            }
            for frame in batch.drain() {
                let taken = match &mut self.straight {
                    Some(straight) => straight.take(frame, &mut self.tree, idle, now, &mut self.dropped),
                    None => self.tree.enqueue(frame, now),
                };
                self.dropped.extend(taken.err());
            }
        }
        for frame in batch.drain() {
            let straight = self.straight.as_mut().unwrap();
            let taken = straight.take(frame, &mut self.tree, idle, now, &mut self.dropped);
            self.dropped.extend(taken.err());
        }
        if self.staged.frames.is_empty() {
            let Self { tree, straight, staged, dropped, .. } = self;
            if straight.as_mut().is_some_and(|straight| straight.give(staged, tree, now, dropped)) {
                self.passed += staged.frames.len();
            } else {
                tree.dequeue(now, 64, &mut staged.frames, dropped);
                staged.note();
            }
        }
        let left =
            |f: Frame| (f.meta().out_interface, f.meta().class, f.meta().flow_hash, f.meta().in_interface.0);
        let left = self.staged.frames.drain_front(takes).map(left).collect();
        self.staged.count(takes, &Counters::new());
        left
    }

    fn counts(&mut self, now: Time) -> [String; 2] {
        [0, 1].map(|id| format!("{:?}", self.tree.report(Look::Whole(IfIndex(id)), now)))
    }

    /// Frames that were refused, each with why.
    fn refused(&self) -> Vec<(u32, DropReason)> {
        let mut all: Vec<_> =
            self.dropped.iter().map(|(frame, why)| (frame.meta().in_interface.0, *why)).collect();
        all.sort_unstable();
        all
    }
}

fn sides(specs: &[InterfaceQos], rate: u64) -> [Side; 2] {
    [true, false].map(|straight| Side::new(specs, rate, straight))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn order_counts_and_drops_are_those_of_queueing(
        specs in specs(),
        rate in prop_oneof![4 => Just(0u64), 1 => Just(20_000_000), 2 => Just(2_000_000_000)],
        turns in turns(1),
        tells in any::<bool>(),
    ) {
        let [mut with, mut without] = sides(&specs, rate);
        let (mut now, mut serial) = (Time(1_000_000), 0);
        for (gap, comes, takes) in turns {
            let since = if tells { now } else { Time::NEVER };
            now = Time(now.0 + gap);
            let left = with.turn(since, now, &comes, serial, takes);
            prop_assert_eq!(left, without.turn(since, now, &comes, serial, takes));
            prop_assert_eq!(with.counts(now), without.counts(now));
            prop_assert_eq!(with.tree.next_event(now), without.tree.next_event(now));
            serial += comes.len() as u32;
        }
        prop_assert_eq!(with.refused(), without.refused());
    }

    /// Where a class keeps flows apart, each flow stays in order and no count is another.
    #[test]
    fn flows_stay_in_order(turns in turns(5)) {
        let [mut with, mut without] = sides(&[InterfaceQos::default(), InterfaceQos::default()], 0);
        let (mut now, mut serial) = (Time::ZERO, 0);
        let mut orders = [BTreeMap::new(), BTreeMap::new()];
        for (gap, comes, _) in turns {
            let since = now;
            now = Time(now.0 + gap);
            for (side, order) in [&mut with, &mut without].into_iter().zip(&mut orders) {
                for (interface, class, flow, serial) in side.turn(since, now, &comes, serial, 64) {
                    order.entry((interface, class, flow)).or_insert_with(Vec::new).push(serial);
                }
            }
            serial += comes.len() as u32;
        }
        let [one, other] = orders;
        for (side, order) in [(&with, &one), (&without, &other)] {
            prop_assert!(order.values().all(|serials| serials.is_sorted()));
            let left: usize = order.values().map(Vec::len).sum();
            prop_assert_eq!(left + side.dropped.len() + side.tree.held_frames(), serial as usize);
        }
    }
}

/// It is there for the common case: a batch of one class, nothing in its way.
#[test]
fn a_batch_of_one_class_passes() {
    let mut side = Side::new(&[InterfaceQos::default(), InterfaceQos::default()], 0, true);
    let comes: Vec<Comes> = (0..20).map(|n| (0, 0, 60 + n, n as u32)).collect();
    let left = side.turn(Time(5), Time(5), &comes, 0, 64);
    assert_eq!((left.len(), side.passed), (20, 20));
    let stats = side.tree.stats(IfIndex(0), TrafficClass::ALL[0]).unwrap();
    assert_eq!((stats.sent.packets, stats.worst.packets, stats.delay.count()), (20, 20, 20));
}

/// As many as what the time since the last turn brought, and one more: 50 µs of 1 Gbit/s are 6,250 bytes.
#[test]
fn a_batch_passes_rates_that_let_all_of_it() {
    let shaper = ShaperSpec { rate: 1_000_000_000, burst: 2_000_000, overhead: 24, cells: Cells::None };
    let rated = || InterfaceQos { shaper: Some(shaper), ..InterfaceQos::default() };
    let turn = |since: u64, class: TrafficClass, frames: usize, port: u64| {
        let mut side = Side::new(&[rated(), rated()], port, true);
        side.tree.set_limits(TreeLimits::default());
        // 250 bytes with what goes between frames.
        let row: Vec<Comes> = (0..frames as u32).map(|flow| (0, class.index(), 226, flow)).collect();
        (side.turn(Time(since), Time(1_000_000), &row, 0, 64).len(), side.passed)
    };
    for port in [0, 2_000_000_000] {
        for since in [950_000, 0] {
            assert_eq!(turn(since, TrafficClass::Standard, 26, port), (26, 26));
            assert_eq!(turn(since, TrafficClass::Standard, 27, port), (26, 0));
        }
        assert_eq!(turn(950_001, TrafficClass::Standard, 26, port), (25, 0));
        assert_eq!(turn(1_000_000, TrafficClass::Standard, 1, port), (1, 1));
        // Calls leave while no more than a full frame is owed: six, and the one that exceeds it.
        assert_eq!(turn(950_000, TrafficClass::Voice, 32, port), (32, 32));
        assert_eq!(turn(950_000, TrafficClass::Voice, 33, port), (32, 0));
    }
}

#[test]
fn what_the_line_took_is_counted_for_whose_it_was() {
    let mut counters = Counters::new();
    let names: [Arc<str>; 2] = ["a".into(), "b".into()];
    let interfaces = (0..).map(IfIndex).zip(&names);
    counters.sync(interfaces, std::iter::empty(), std::iter::empty());
    let mut staged = Staged::default();
    for (interface, len) in [(0, 60), (0, 70), (0, 80), (1, 90)] {
        let mut frame = Frame::standard();
        frame.set_len(len).unwrap();
        (frame.meta_mut().out_interface, frame.meta_mut().class) = (IfIndex(interface), TrafficClass::Voice);
        staged.frames.push(frame).unwrap();
    }
    staged.note();
    let mut sent = |taken: usize| {
        staged.frames.drain_front(taken).for_each(drop);
        staged.count(taken, &counters);
        [0, 1].map(|id| {
            let sent = &counters.interface(IfIndex(id)).unwrap().sent[TrafficClass::Voice.index()];
            (sent.frames.get(), sent.bytes.get())
        })
    };
    assert_eq!(sent(2), [(2, 130), (0, 0)]);
    assert_eq!(sent(0), [(2, 130), (0, 0)]);
    assert_eq!(sent(2), [(3, 210), (1, 90)]);
}
