//! The work that is counted: each stage in turn over the same batches, then a whole
//! worker from receive to transmit; and a scheduler's tree in which frames wait.
use std::hint::black_box;

use dataplane::id::{PortIndex, WorkerIndex};
use dataplane::packet::{BATCH, Batch, Pool, PoolSize, StackEdits, Verdict};
use dataplane::qos::{Ingress, InterfaceQos, MeterSpec, Policers};
use dataplane::stage::classify::RuleHits;
use dataplane::stage::{classify, lookup, parse, police, rewrite};
use dataplane::table::Snapshot;
use dataplane::time::Time;

use crate::sched::{Deep, Wide};
use crate::ways::{self, Way};
use crate::whole::Whole;

/// What is counted of a way, in order; the stages first.
pub(super) const STAGES: [&str; 6] = ["parse", "classify", "police", "lookup", "rewrite", "worker"];
/// Batches of one count.
const ROUNDS: usize = 16;
/// Packets of one count.
const PACKETS: usize = ROUNDS * BATCH;
/// Frames of one count of a tree of 390 interfaces of eight classes: each queue has its turn a few times.
const FRAMES: usize = 1 << 14;
/// What is counted of a tree: with one interface busy and with all, at rates that never bind; with all shaped to
/// 1 Mbit/s, each with calls beside a class of flows and controlled delay.
pub(super) const TREES: [&str; 3] = ["one-busy", "all-busy", "shaped"];
const SITES: u32 = 390;

/// What is run.
enum Work {
    Way(Box<Way>),
    Tree,
}

/// What counts stand together in the file, and its name there.
pub(super) struct Named {
    pub(super) name: String,
    work: Work,
}

impl Named {
    fn way(name: String, way: Way) -> Self {
        Self { name, work: Work::Way(Box::new(way)) }
    }

    /// Its counts, in order.
    pub(super) fn counts(&self) -> &'static [&'static str] {
        match self.work {
            Work::Way(_) => &STAGES,
            Work::Tree => &TREES,
        }
    }

    /// Packets of each of them.
    pub(super) fn packets(&self) -> usize {
        match self.work {
            Work::Way(_) => PACKETS,
            Work::Tree => FRAMES,
        }
    }
}

/// Makes a way of this name with so many routes or labels.
type Make = fn(&'static str, usize) -> Way;

/// Every way, with one route or label and with ten thousand; IPv4 with a hundred thousand routes, through match
/// rules, and of two classes; the tree.
pub(super) fn ways() -> Vec<Named> {
    let mut all = Vec::new();
    for (n, size) in [(1, "1"), (10_000, "10k")] {
        let make: [(&str, Make); 5] = [
            ("ipv4", ways::ipv4),
            ("ipv6", ways::ipv6),
            ("swap", ways::swap),
            ("push2", ways::push),
            ("pop-lookup", ways::pop),
        ];
        all.extend(make.map(|(name, make)| Named::way(format!("{name}-{size}"), make(name, n))));
    }
    all.push(Named::way("ipv4-100k".into(), ways::ipv4("ipv4", 100_000)));
    all.push(Named::way("rules-51".into(), ways::ruled("rules", 51)));
    all.push(Named::way("push2-10k-hqos".into(), ways::push("hqos", 10_000).with_hqos()));
    all.push(Named::way("mixed-10k".into(), ways::mixed("mixed", 10_000)));
    all.push(Named { name: "tree".into(), work: Work::Tree });
    all
}

/// Does what is counted.
pub(super) fn run(named: &Named) {
    match &named.work {
        Work::Way(way) => run_way(way),
        Work::Tree => run_trees(),
    }
}

/// Counts the trees.
fn run_trees() {
    for busy in [1, SITES] {
        let mut deep = Deep::new(SITES, busy);
        counted_region_of_tree(|| _ = deep.pass(FRAMES as u64));
        end_of_count();
    }
    let mut wide = Wide::new(SITES, SITES);
    counted_region_of_tree(|| _ = wide.pass(FRAMES as u64));
    end_of_count();
}

/// Counts every stage, then the worker.
fn run_way(way: &Way) {
    let mut stages = Stages::new(way);
    for counted in 0..STAGES.len() - 1 {
        let mut frames = way.frames().iter().cycle();
        for _ in 0..ROUNDS {
            stages.fill(&mut frames);
            (0..counted).for_each(|stage| stages.run(stage));
            counted_region(&mut stages, counted);
            stages.verify();
        }
        end_of_count();
    }
    let mut whole = Whole::new(way);
    let mut frames = way.frames().iter().cycle();
    // Once for what is made at the first packet.
    whole.batch(&mut frames);
    // A shaper that was idle keeps some for the next round.
    let mut out = 0;
    for _ in 0..ROUNDS {
        whole.send(&mut frames);
        counted_region_of_worker(&mut whole);
        out += whole.take();
    }
    assert_eq!(out, PACKETS, "{}", whole.outcome());
    end_of_count();
}

/// What is counted, by this name.
#[inline(never)]
fn counted_region(stages: &mut Stages<'_>, stage: usize) {
    stages.run(stage);
}

/// The same, of a worker.
#[inline(never)]
fn counted_region_of_worker(whole: &mut Whole) {
    whole.step();
}

/// The same, of a tree.
#[inline(never)]
fn counted_region_of_tree(pass: impl FnOnce()) {
    pass();
}

/// Where a report is written, by this name.
#[inline(never)]
fn end_of_count() {
    black_box(());
}

/// The stages of a worker, one by one.
struct Stages<'a> {
    snapshot: &'a Snapshot,
    batch: Batch,
    policers: Policers,
    hits: RuleHits,
    edits: StackEdits,
}

impl<'a> Stages<'a> {
    fn new(way: &'a Way) -> Self {
        let mut pool = Pool::new(WorkerIndex(0), BATCH, PoolSize::Standard);
        let mut batch = Batch::new();
        while let Some(frame) = pool.get() {
            // There are no more than fit.
            let _ = batch.push(frame);
        }
        let mut policers = Policers::new();
        // Every class of every interface, at a rate that none of them reaches.
        let policer = Ingress::Own(MeterSpec::policer(100_000_000_000, 1 << 20));
        let ingress = std::array::from_fn(|_| Some(policer.clone()));
        let qos = InterfaceQos { ingress, ..InterfaceQos::default() };
        policers.sync(way.snapshot().interfaces.iter().map(|(_, i)| (i.id, &qos)));
        let mut hits = RuleHits::new();
        hits.sync(&way.snapshot().rules);
        Self { snapshot: way.snapshot(), batch, policers, hits, edits: StackEdits::new() }
    }

    fn fill<'f>(&mut self, frames: &mut impl Iterator<Item = &'f Vec<u8>>) {
        for (room, bytes) in self.batch.frames_mut().iter_mut().zip(frames) {
            // The frames are short.
            let _ = room.fill(bytes);
        }
    }

    /// Only what goes on to the end costs what it should.
    fn verify(&self) {
        let lost = self.batch.frames().iter().find(|f| f.meta().verdict != Verdict::Forward);
        assert!(lost.is_none(), "a frame was not forwarded: {lost:?}");
    }

    #[inline(always)]
    fn run(&mut self, stage: usize) {
        let Self { snapshot, batch, policers, hits, edits } = self;
        match stage {
            0 => parse::run(batch, snapshot, PortIndex(0)),
            1 => classify::run(batch, snapshot, hits),
            2 => police::run(batch, policers, Time(1)),
            3 => {
                if batch.labelled() {
                    if lookup::labels::run(batch, snapshot) {
                        parse::exposed(batch, snapshot);
                        classify::exposed(batch, snapshot, hits);
                    }
                    classify::through(batch, snapshot, hits);
                }
                lookup::run(batch, snapshot, edits);
            }
            _ => {
                // The rules of the interface it leaves by, then what they and lookup decided.
                classify::leaving(batch, snapshot, edits, hits);
                rewrite::run(batch, snapshot, edits);
            }
        }
    }
}
