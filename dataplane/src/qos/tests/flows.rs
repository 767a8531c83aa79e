//! Flows of a class, each under controlled delay, against lists: RFC 8290 section 4 and RFC 8289 section 5 as they
//! are written down, a frame at a time.

use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::prelude::*;

use super::marks::Delay;
use super::*;
use crate::class::TrafficClass::Imaging;
use crate::qos::CodelSpec;
use crate::qos::flows::SHARED;

const FULL: usize = 1514;

#[derive(Clone, Copy, Debug)]
struct Waiting {
    serial: u32,
    len: usize,
    since: u64,
    /// Its ends know ECN.
    ect: bool,
}

/// A flow's own queue; or that of flows that found none, whose hashes end alike.
#[derive(Clone, Debug, Default)]
struct Flow {
    own: bool,
    /// The last bits of it alone, where it is not its own.
    hash: u32,
    waiting: VecDeque<Waiting>,
    credit: i64,
    delay: Delay,
}

/// What the class should hold, and give.
#[derive(Debug)]
struct Model {
    /// Flows with a queue of their own, at most.
    most: usize,
    spec: CodelSpec,
    ecn: bool,
    /// The time of a full frame, nanoseconds.
    frame: u64,
    fresh: VecDeque<Flow>,
    old: VecDeque<Flow>,
    /// Those that begin when the shared one of their last bits has nothing left.
    behind: VecDeque<Flow>,
}

/// The next frame that leaves the queue, and what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fate {
    serial: u32,
    why: Option<DropReason>,
    marked: bool,
    /// It was too near to say.
    doubt: bool,
}

impl Model {
    fn all(&mut self) -> impl Iterator<Item = &mut Flow> {
        self.fresh.iter_mut().chain(&mut self.old).chain(&mut self.behind)
    }

    fn offer(&mut self, hash: u32, frame: Waiting) {
        let bits = hash % SHARED;
        let closed = self.behind.iter().any(|flow| flow.hash % SHARED == bits);
        let next = self.behind.iter().any(|flow| (flow.own, flow.hash) == (false, bits));
        let shares = self.fresh.iter().chain(&self.old).any(|flow| (flow.own, flow.hash) == (false, bits));
        let owned = self.all().filter(|flow| flow.own).count();
        let has = self.all().any(|flow| (flow.own, flow.hash) == (true, hash));
        // What is behind a shared queue is not overtaken by what comes to one of its own.
        let own = has || !next && owned < self.most;
        let hash = if own { hash } else { bits };
        let rounds = self.fresh.iter_mut().chain(&mut self.old).filter(|_| own || !closed);
        let mut flows = self.behind.iter_mut().chain(rounds);
        if let Some(flow) = flows.find(|flow| (flow.own, flow.hash) == (own, hash)) {
            return flow.waiting.push_back(frame);
        }
        drop(flows);
        let round = if shares { &mut self.behind } else { &mut self.fresh };
        let waiting = VecDeque::from([frame]);
        round.push_back(Flow { own, hash, waiting, credit: FULL as i64, ..Flow::default() });
    }

    /// One that has nothing left is forgotten; those behind it begin.
    fn forget(&mut self, flow: &Flow) {
        let begins = |other: &Flow| !flow.own && other.hash % SHARED == flow.hash;
        let (begin, stay) = self.behind.split_off(0).into_iter().partition(begins);
        self.behind = stay;
        let mut begin: VecDeque<_> = begin;
        self.fresh.append(&mut begin);
    }

    /// The next frame; `seen` says whether controlled delay judged it long, for where that is too near to say.
    fn next(&mut self, now: u64, seen: bool) -> Option<Fate> {
        loop {
            let is_fresh = !self.fresh.is_empty();
            let round = if is_fresh { &mut self.fresh } else { &mut self.old };
            let mut flow = round.pop_front()?;
            if flow.credit <= 0 {
                flow.credit += FULL as i64;
                self.old.push_back(flow);
                continue;
            }
            let Some(frame) = flow.waiting.pop_front() else {
                let closed = !flow.own && self.behind.iter().any(|other| other.hash % SHARED == flow.hash);
                match is_fresh && !self.old.is_empty() && !closed {
                    true => self.old.push_back(flow),
                    false => self.forget(&flow),
                }
                continue;
            };
            // One that has a frame in every turn waits for one of each other.
            let turn = self.frame * (1 + self.fresh.len() + self.old.len() + self.behind.len()) as u64;
            let target = self.spec.target.max(turn);
            let spec = CodelSpec { target, interval: self.spec.interval.max(2 * target) };
            let left = flow.waiting.iter().map(|frame| frame.len).sum();
            let long = flow.delay.drops(spec, (now, now - frame.since), left, seen);
            let marked = long && self.ecn && frame.ect;
            let why = (long && !marked).then_some(DropReason::Codel);
            flow.credit -= if why.is_none() { frame.len as i64 } else { 0 };
            let doubt = flow.delay.doubt;
            let round = if is_fresh { &mut self.fresh } else { &mut self.old };
            round.push_front(flow);
            if self.all().all(|flow| flow.waiting.is_empty()) {
                // Nothing waits: nobody has anything to compete for.
                [&mut self.fresh, &mut self.old, &mut self.behind].into_iter().for_each(VecDeque::clear);
            }
            return Some(Fate { serial: frame.serial, why, marked, doubt });
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// So many frames of a flow and length, whose ends know ECN or not.
    Offer(u32, usize, usize, bool),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let len = prop_oneof![60usize..1515, Just(FULL)];
    let offer = (0..10u32, 1..40usize, len, any::<bool>());
    let step = prop_oneof![
        3 => offer.prop_map(|(flow, frames, len, ect)| Step::Offer(flow, frames, len, ect)),
        1 => (0..4 * MS).prop_map(Step::Wait),
        1 => (0..60 * MS).prop_map(Step::Wait),
    ];
    vec(step, 1..40)
}

/// The tree and the lists.
struct Court {
    bench: Bench,
    model: Model,
    serial: u32,
    /// It was too near to say what happens: from here on all may be otherwise.
    doubt: bool,
}

impl Court {
    fn new(rate: u64, spec: CodelSpec, most: u16, ecn: bool) -> Self {
        let mut qos = shaped(rate, 0);
        let imaging = class(&mut qos, Imaging);
        // All of the rate, nearly: its share makes no target longer.
        (imaging.weight, imaging.limit_bytes) = (10_000, 16 << 20);
        (imaging.aqm, imaging.flows, imaging.ecn) = (Aqm::Codel(spec), most, ecn);
        let mut bench = Bench::new(0, &[qos]);
        bench.now = S;
        let frame = (FULL as u64 + 24) * 8 * S / rate;
        let [fresh, old, behind] = Default::default();
        let model = Model { most: most.into(), spec, ecn, frame, fresh, old, behind };
        Self { bench, model, serial: 0, doubt: false }
    }

    fn offer(&mut self, flow: u32, len: usize, ect: bool) {
        // Hashes end alike in threes.
        let hash = flow.wrapping_mul(0x2468_ace0) + flow % 3;
        let (serial, since) = (self.serial, self.bench.now);
        self.serial += 1;
        self.bench.ect = ect;
        assert_eq!(self.bench.enqueue_flow(0, Imaging, len, (serial, hash)), None);
        self.model.offer(hash, Waiting { serial, len, since, ect });
    }

    /// Sends until `end`, a frame at a time.
    fn run(&mut self, end: u64) -> Result<(), TestCaseError> {
        self.bench.ect = true;
        while !self.doubt {
            let (from, marks) = (self.bench.gone.len(), self.bench.ce);
            self.bench.dequeue(1);
            let marked = self.bench.ce > marks;
            for gone in &self.bench.gone[from..] {
                let (why, marked) = (gone.why, gone.why.is_none() && marked);
                let said = self.model.next(self.bench.now, why.is_some() || marked);
                self.doubt |= said.is_some_and(|said| said.doubt);
                if self.doubt {
                    return Ok(());
                }
                prop_assert_eq!(said, Some(Fate { serial: gone.serial, why, marked, doubt: false }));
            }
            let next = self.bench.tree.next_event(Time(self.bench.now)).0;
            if next > end {
                break;
            }
            self.bench.now = next;
        }
        self.bench.now = end;
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Which frame leaves next, and which is dropped or marked, is what the lists say of each.
    #[test]
    fn flows_under_controlled_delay_are_what_their_rfc_says(
        rate in 20_000_000u64..200_000_000,
        (target, more) in (2 * MS..6 * MS, 0..20 * MS),
        most in 1u16..12,
        ecn in any::<bool>(),
        steps in steps(),
    ) {
        let mut court = Court::new(rate, CodelSpec { target, interval: 2 * target + more }, most, ecn);
        for step in steps {
            match step {
                Step::Offer(flow, frames, len, ect) => (0..frames).for_each(|_| court.offer(flow, len, ect)),
                Step::Wait(time) => court.run(court.bench.now + time)?,
            }
        }
        court.run(court.bench.now + 100 * S)?;
        prop_assert!(court.doubt || court.bench.tree.held_frames() == 0 && court.model.all().count() == 0);
    }
}
