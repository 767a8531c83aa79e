//! Whatever comes, in whatever order: the oracle agrees.

use proptest::collection::vec;
use proptest::prelude::*;

use super::oracle::Oracle;
use super::*;
use crate::class::CLASSES;
use crate::qos::scheduler::UNSEEN;
use crate::qos::{Count, Discipline, PORT_BURST, PolicerSpec, QUANTUM, RateSpec, TreeLimits};

const SITES: u32 = 4;

#[derive(Clone, Debug)]
enum Step {
    /// Frames of one class for one site, all at once.
    Offer(u32, usize, Vec<usize>),
    /// The same, as a batch.
    Together(u32, usize, Vec<usize>),
    /// Time passes: to the next event, or so long.
    Wait(Option<u64>),
    /// A turn of the worker so long after the tree was told the time last.
    Turn(u64),
    Dequeue(usize),
    Sync((u64, u64), Vec<Option<Arc<InterfaceQos>>>),
}

fn class_qos(class: usize) -> impl Strategy<Value = ClassQos> {
    let priority = prop::bool::weighted(if class == 1 { 0.9 } else { 0.1 });
    let limit_time = prop_oneof![3 => Just(0), 1 => 100_000..50 * MS];
    let rate = prop_oneof![8_000u64..100_000, 100_000u64..20_000_000];
    let shaper = (rate.clone(), 0..3 * MS).prop_map(|(rate, burst)| RateSpec { rate, burst });
    let policer = (rate, 60u64..6_000).prop_map(|(rate, burst)| PolicerSpec { rate, burst });
    let held = (prop::option::weighted(0.2, shaper), prop::option::weighted(0.2, policer));
    (priority, 0u32..20, 1_000u32..20_000, limit_time, held).prop_map(
        |(priority, weight, limit_bytes, limit_time, (shaper, policer))| ClassQos {
            priority,
            weight,
            guaranteed: 0,
            shaper,
            limit_bytes,
            limit_time,
            policer,
            aqm: Aqm::Tail,
            flows: 0,
            ecn: false,
            labels: Default::default(),
        },
    )
}

fn spec() -> impl Strategy<Value = Arc<InterfaceQos>> {
    let overhead = prop_oneof![Just(-14i16), Just(0), Just(4), Just(24)];
    let rate = prop_oneof![8_000u64..100_000, 1_000_000u64..100_000_000];
    let burst = prop_oneof![Just(0), 0..3 * MS];
    let cells = prop_oneof![4 => Just(Cells::None), 1 => Just(Cells::Atm), 1 => Just(Cells::Ptm)];
    let shaper = (rate, burst, overhead, cells).prop_map(|(rate, burst, overhead, cells)| ShaperSpec {
        rate,
        burst,
        overhead,
        cells,
    });
    let assured = (8_000u64..20_000_000, 0..3 * MS).prop_map(|(rate, burst)| RateSpec { rate, burst });
    let assured = prop::option::weighted(0.3, assured);
    let discipline = prop_oneof![4 => Just(Discipline::Classes), 1 => Just(Discipline::Fifo)];
    let classes = std::array::from_fn::<_, CLASSES, _>(class_qos);
    // Not always: what is known of an interface whose classes have rates of their own is less exact.
    let classes = (classes, prop::bool::weighted(0.4)).prop_map(|(mut classes, paced)| {
        classes.iter_mut().filter(|_| !paced).for_each(|class| class.shaper = None);
        classes
    });
    let shaper = prop::option::weighted(0.8, shaper);
    let weight = prop_oneof![Just(1), 1u32..10];
    let limit_bytes = prop_oneof![2 => Just(0), 1 => 64u64..20_000];
    let all = (shaper, assured, weight, limit_bytes, discipline, classes);
    all.prop_map(|(shaper, assured, weight, limit_bytes, discipline, classes)| {
        let ingress = Default::default();
        Arc::new(InterfaceQos { shaper, assured, weight, limit_bytes, discipline, classes, ingress })
    })
}

/// A port's rate and burst, and its interfaces.
fn tree() -> impl Strategy<Value = ((u64, u64), Vec<Option<Arc<InterfaceQos>>>)> {
    let rate = prop_oneof![Just(0), 1_000_000u64..50_000_000];
    let burst = prop_oneof![Just(PORT_BURST), 10_000..20 * MS];
    ((rate, burst), vec(prop::option::weighted(0.8, spec()), SITES as usize))
}

fn step() -> impl Strategy<Value = Step> {
    let gap = prop_oneof![1u64..10_000, 1..5 * MS];
    prop_oneof![
        5 => (0..SITES, 0..CLASSES, vec(40usize..1515, 1..6)).prop_map(|(s, c, l)| Step::Offer(s, c, l)),
        4 => (0..SITES, 0..CLASSES, vec(40usize..1515, 1..9)).prop_map(|(s, c, l)| Step::Together(s, c, l)),
        6 => prop::option::of(gap.clone()).prop_map(Step::Wait),
        3 => gap.prop_map(Step::Turn),
        6 => (1usize..8).prop_map(Step::Dequeue),
        1 => tree().prop_map(|(port, specs)| Step::Sync(port, specs)),
    ]
}

/// A tree and its judge.
struct Court {
    bench: Bench,
    oracle: Oracle,
    serial: u32,
    offered: Count,
    /// When the tree was last told the time.
    told: u64,
    /// A turn, and how long before it nobody looked, of that what counts.
    turn: (u64, u64),
}

impl Court {
    fn new(port: (u64, u64), specs: &[Option<Arc<InterfaceQos>>]) -> Self {
        let (bench, oracle) = (Bench::new(0, &[]), Oracle::default());
        let mut court = Self { bench, oracle, serial: 0, offered: Count::default(), told: 0, turn: (0, 0) };
        court.sync(port, specs);
        court
    }

    fn sync(&mut self, port: (u64, u64), specs: &[Option<Arc<InterfaceQos>>]) {
        let from = self.bench.gone.len();
        self.bench.tree.set_port_burst(port.1);
        self.bench.sync(port.0, specs);
        self.oracle.sync(self.at(self.told), port, specs, &self.bench.gone[from..]);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Offer(site, class, lens) => lens.into_iter().for_each(|len| self.offer(site, class, len)),
            Step::Together(site, class, lens) => self.offer_all(site, class, &lens),
            Step::Wait(gap) => self.wait(gap),
            Step::Turn(gap) => self.turn(gap),
            Step::Dequeue(max) => self.dequeue(max),
            Step::Sync(port, specs) => self.sync(port, &specs),
        }
        let tree = &self.bench.tree;
        assert_eq!((tree.held_frames(), tree.held_bytes()), self.oracle.held());
        let (now, latest) = (self.bench.now, self.oracle.next_event(self.bench.now));
        let next = tree.next_event(Time(now)).0;
        // Early, where something waits for a rate of its class.
        let early = (now..latest).contains(&next) && !self.oracle.is_exact(now);
        assert!(next == latest || early, "{next}, {latest}");
    }

    fn offer(&mut self, site: u32, class: usize, len: usize) {
        let class = TrafficClass::ALL[class];
        self.serial += 1;
        self.offered.add(len);
        self.told = self.bench.now;
        let why = self.bench.enqueue(site, class, len, self.serial);
        self.oracle.offered(self.at(self.bench.now), (site, class, len, self.serial), why);
    }

    /// What becomes of each frame is what would have become of it alone.
    fn offer_all(&mut self, site: u32, class: usize, lens: &[usize]) {
        let (class, first, from) = (TrafficClass::ALL[class], self.serial + 1, self.bench.gone.len());
        self.told = self.bench.now;
        self.bench.enqueue_all(site, class, lens, first);
        let refused = self.bench.gone.split_off(from);
        for (len, serial) in lens.iter().zip(first..) {
            self.serial = serial;
            self.offered.add(*len);
            let mut gone = refused.iter().filter(|gone| gone.serial == serial);
            self.bench.gone.extend(gone.clone());
            let why = gone.next_back().and_then(|gone| gone.why);
            self.oracle.offered(self.at(self.bench.now), (site, class, *len, serial), why);
        }
        assert!(refused.iter().all(|gone| (first..=self.serial).contains(&gone.serial)));
    }

    /// Whatever may have left meanwhile.
    fn turn(&mut self, gap: u64) {
        self.end_turn();
        self.bench.now += gap;
        let since = self.told.max(self.bench.now.saturating_sub(UNSEEN));
        self.turn = (self.bench.now, self.bench.now - since);
        self.bench.tree.begin_turn(Time(self.told), Time(self.bench.now));
    }

    /// A worker asks its trees in each turn.
    fn end_turn(&mut self) {
        if self.at(self.bench.now).1 > 0 {
            self.dequeue(64);
        }
    }

    /// A moment, and for how long before it nobody looked.
    fn at(&self, now: u64) -> (u64, u64) {
        (now, if self.turn.0 == now { self.turn.1 } else { 0 })
    }

    /// A nanosecond before the next event nothing leaves; at it something does.
    fn wait(&mut self, gap: Option<u64>) {
        self.end_turn();
        let (now, next) = (self.bench.now, self.bench.tree.next_event(Time(self.bench.now)).0);
        if next == u64::MAX || gap.is_some_and(|gap| now + gap < next) {
            self.bench.now += gap.unwrap_or(1);
            return;
        }
        if next > now {
            self.bench.now = next - 1;
            assert_eq!(self.bench.dequeue(64), 0);
            self.told = self.bench.now;
        }
        self.bench.now = next;
        let (before, early) = (self.bench.gone.len(), next < self.oracle.next_event(next));
        self.dequeue(1);
        assert!(self.bench.gone.len() > before || early);
    }

    fn dequeue(&mut self, max: usize) {
        let from = self.bench.gone.len();
        self.told = self.bench.now;
        self.bench.dequeue(max);
        self.oracle.left(self.at(self.bench.now), &self.bench.gone[from..], max);
    }

    /// Offered is sent, dropped and held: the tree's own counts and what was seen.
    fn close(&self) {
        let mut seen = Count { packets: self.bench.tree.frames as u64, bytes: self.bench.tree.bytes };
        self.bench.gone.iter().for_each(|g| seen.add(g.len));
        assert_eq!(seen, self.offered);
        for (interface, class, stats) in self.bench.tree.stats_iter() {
            let mut sum = (stats.sent.packets + stats.depth.packets, stats.sent.bytes + stats.depth.bytes);
            for (_, count) in stats.drops() {
                sum = (sum.0 + count.packets, sum.1 + count.bytes);
            }
            assert_eq!((stats.offered.packets, stats.offered.bytes), sum, "{interface} {class}");
            assert!(stats.worst.bytes >= stats.depth.bytes && stats.delay.count() == stats.sent.packets);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn every_frame_leaves_in_turn_in_time_and_is_counted((port, specs) in tree(), steps in vec(step(), 1..60)) {
        let mut court = Court::new(port, &specs);
        steps.into_iter().for_each(|step| court.step(step));
        while court.bench.tree.held_frames() > 0 {
            court.step(Step::Wait(None));
        }
        court.close();
    }

    /// Between two classes that both wait, service by weight never differs by
    /// more than a longest frame of each.
    #[test]
    fn weights_are_honoured_to_one_frame_of_each(
        weights in vec(prop_oneof![1u32..=10, 1u32..=10_000], 6),
        longest in vec(64usize..1515, 6),
        seed in vec(0usize..1515, 144),
    ) {
        const CLASS: [usize; 6] = [0, 2, 3, 4, 5, 6];
        let mut qos = shaped(1_000_000, 0);
        CLASS.iter().zip(&weights).for_each(|(c, w)| qos.classes[*c].weight = *w);
        let mut bench = Bench::new(0, &[qos]);
        for (n, len) in seed.iter().enumerate() {
            let i = n % 6;
            bench.enqueue(0, TrafficClass::ALL[CLASS[i]], 40 + len % (longest[i] - 39), n as u32);
        }
        bench.run(100 * S);
        let (mut left, mut served) = ([seed.len() / 6; 6], [0f64; 6]);
        for gone in &bench.gone {
            let i = CLASS.iter().position(|c| *c == gone.class.index()).unwrap();
            left[i] -= 1;
            served[i] += (gone.len.max(60) + 24) as f64 / f64::from(weights[i]);
            if left.contains(&0) {
                break;
            }
            for (a, b) in (0..6).flat_map(|a| (0..a).map(move |b| (a, b))) {
                let one = |i: usize| (longest[i] + 24) as f64 / f64::from(weights[i]);
                let apart = (served[a] - served[b]).abs();
                prop_assert!(apart <= (one(a) + one(b)) * 1.00001, "{} {} {}", a, b, apart);
            }
        }
    }

    #[test]
    fn sites_share_a_port_evenly(lens in vec(64usize..1515, 4), slow in 100_000u64..2_000_000) {
        share_a_port(&lens, slow)?;
    }
}

/// Sites that a port's rate holds back share it evenly; a slow one gets all it may have.
fn share_a_port(lens: &[usize], slow: u64) -> Result<(), TestCaseError> {
    let specs = [plain(), plain(), plain(), shaped(slow, 2 * MS)];
    let mut bench = Bench::new(10_000_000, &specs);
    // More than a third of what the port sends meanwhile, for each.
    for (site, len) in (0..4).zip(lens) {
        (0..30_000 / len + 1).for_each(|n| _ = bench.enqueue(site, TrafficClass::Imaging, *len, n as u32));
    }
    bench.run(60 * MS);
    let mut bytes = [0usize; 4];
    let sent = bench.gone.iter().filter(|g| g.why.is_none());
    sent.for_each(|g| bytes[g.interface.index()] += g.len);
    prop_assert!(bench.tree.stats_iter().all(|(_, _, stats)| stats.depth.packets > 0));
    let (least, most) = (bytes[..3].iter().min().unwrap(), bytes[..3].iter().max().unwrap());
    prop_assert!(most - least <= 1600 + 1514, "{bytes:?}");
    let due = slow * 60 / 1000 / 8;
    // Of the turn of one of the others, which it may have to wait for each time, its burst makes up for 2 ms.
    let turn = (QUANTUM as u64 + lens[..3].iter().max().map_or(0, |len| *len as u64 + 24)) * 800;
    let least = due * turn.min(2 * MS) / turn;
    let wire = bytes[3] as u64 * (lens[3] as u64 + 24) / lens[3] as u64;
    let some = due / 200 + slow * 2 / 8000 + 1538;
    prop_assert!(wire + some >= least && wire <= due + some, "{wire} of {due}");
    Ok(())
}

#[test]
fn a_turn_longer_than_a_burst_costs_a_slow_site_no_more_than_what_is_beyond() {
    share_a_port(&[1354, 1354, 1354, 64], 1_835_867).unwrap();
    share_a_port(&[1354, 1354, 1354, 1354], 1_999_999).unwrap();
}

#[test]
fn the_last_quarter_of_a_tree_is_kept_for_calls_and_control() {
    let mut bench = Bench::new(0, &[shaped(8_000, 0)]);
    bench.tree.set_limits(TreeLimits { bytes: 1 << 20, frames: 16, ..TreeLimits::default() });
    let refused = |bench: &mut Bench, class, n: u32| {
        (0..n).filter(|_| bench.enqueue(0, class, 100, 0).is_some()).count()
    };
    // Four times what is left then for each.
    assert_eq!(refused(&mut bench, TrafficClass::Imaging, 16), 6);
    assert_eq!(refused(&mut bench, TrafficClass::Clinical, 4), 2);
    assert_eq!(refused(&mut bench, TrafficClass::Standard, 4), 4);
    assert_eq!(refused(&mut bench, TrafficClass::Control, 1), 0);
    assert_eq!(refused(&mut bench, TrafficClass::Voice, 5), 2);
    assert_eq!(TreeLimits { frames: 16, ..TreeLimits::default() }.kept(1), 4);
    bench.tree.set_limits(TreeLimits { bytes: 1_700, frames: 99, ..TreeLimits::default() });
    assert_eq!(refused(&mut bench, TrafficClass::Voice, 3), 2);
    assert_eq!(bench.enqueue(7, TrafficClass::Voice, 100, 0), Some(DropReason::InterfaceGone));
}
