//! Fair queues against plain lists: who is next, frame by frame, and that no flow shares for long.

use std::collections::{BTreeMap, VecDeque};

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::flows::SHARED;
use super::*;
use crate::id::IfIndex;
use crate::packet::Frame;
use crate::time::Time;

/// Flows of a class whose hashes end alike in threes.
fn hash(flow: u32) -> u32 {
    flow % 4 + (flow + 1) * SHARED
}

/// One queue of the oracle: of a flow, or of some that share.
#[derive(Debug, Default)]
struct Queue {
    own: Option<u32>,
    /// Shared ones: by the last bits of hashes.
    bits: u32,
    /// Serial numbers and lengths.
    frames: VecDeque<(u32, usize)>,
    credit: i32,
    behind: Vec<u32>,
    is_behind: bool,
}

/// The flows of one class, by names that are never used again.
#[derive(Debug, Default)]
struct Oracle {
    queues: BTreeMap<u32, Queue>,
    fresh: VecDeque<u32>,
    old: VecDeque<u32>,
    named: u32,
}

impl Oracle {
    fn owned(&self) -> usize {
        self.queues.values().filter(|queue| queue.own.is_some()).count()
    }

    fn sharing(&self) -> usize {
        self.queues.len() - self.owned()
    }

    fn make(&mut self, own: Option<u32>, bits: u32, behind: Option<u32>) -> u32 {
        self.named += 1;
        let (credit, is_behind) = (QUANTUM, behind.is_some());
        self.queues.insert(self.named, Queue { own, bits, credit, is_behind, ..Queue::default() });
        match behind {
            Some(shared) => self.queues.get_mut(&shared).unwrap().behind.push(self.named),
            None => self.fresh.push_back(self.named),
        }
        self.named
    }

    /// The flow's own queue, if it has one; the shared one of its hash, and the one behind that.
    fn find(&self, hash: u32) -> [Option<u32>; 3] {
        let of = |is: &dyn Fn(&Queue) -> bool| {
            self.queues.iter().find(|(_, queue)| is(queue)).map(|(name, _)| *name)
        };
        let shared = |queue: &Queue| queue.own.is_none() && queue.bits == hash % SHARED;
        [
            of(&|queue| queue.own == Some(hash)),
            of(&|queue| shared(queue) && !queue.is_behind),
            of(&|queue| shared(queue) && queue.is_behind),
        ]
    }

    /// Bytes of the queue that a flow's frames come to.
    fn bytes(&self, hash: u32) -> usize {
        let [own, first, next] = self.find(hash);
        let queue = own.or(next).or(first).map(|name| &self.queues[&name]);
        queue.map_or(0, |queue| queue.frames.iter().map(|frame| frame.1).sum())
    }

    /// Where a frame goes when the class may have one more of the pool or not.
    fn place(&mut self, hash: u32, most: usize, lets: bool) -> u32 {
        let [own, first, next] = self.find(hash);
        if let Some(name) = own.or(next) {
            return name;
        }
        let bits = hash % SHARED;
        if self.owned() < most && lets {
            return self.make(Some(hash), bits, first);
        }
        match first {
            Some(first) if self.queues[&first].behind.is_empty() => first,
            _ => self.make(None, bits, first),
        }
    }

    fn pop(&mut self) -> Option<u32> {
        loop {
            let is_fresh = !self.fresh.is_empty();
            let round = if is_fresh { &mut self.fresh } else { &mut self.old };
            let name = *round.front()?;
            let queue = self.queues.get_mut(&name).unwrap();
            if queue.credit > 0
                && let Some((serial, len)) = queue.frames.pop_front()
            {
                queue.credit -= len as i32;
                return Some(serial);
            }
            round.pop_front();
            if queue.credit <= 0 {
                queue.credit += QUANTUM;
                self.old.push_back(name);
            } else if is_fresh && !self.old.is_empty() && queue.behind.is_empty() {
                self.old.push_back(name);
            } else {
                for name in self.queues.remove(&name).unwrap().behind {
                    self.queues.get_mut(&name).unwrap().is_behind = false;
                    self.fresh.push_back(name);
                }
            }
        }
    }

    /// A frame is dropped: the first of its queue, which gives that queue's length in bytes.
    fn drop(&mut self, serial: u32) -> Option<usize> {
        let is = |queue: &&mut Queue| queue.frames.front().is_some_and(|frame| frame.0 == serial);
        let queue = self.queues.values_mut().find(is)?;
        let bytes = queue.frames.iter().map(|frame| frame.1).sum();
        queue.frames.pop_front();
        Some(bytes)
    }
}

/// Two classes and their pool, each beside its oracle.
struct Pair {
    flows: Flows,
    fq: [Fq; 2],
    oracle: [Oracle; 2],
    limit: usize,
    most: u16,
    serial: u32,
    held: [usize; 2],
    /// By class and flow, the last that was sent.
    left: BTreeMap<(usize, u32), u32>,
    flow_of: Vec<u32>,
    free: Vec<Frame>,
}

impl Pair {
    fn new(limit: usize, most: u16) -> Self {
        let mut flows = Flows::default();
        flows.reserve(limit, 2, std::iter::empty());
        let fq = [Fq::new(0), Fq::new(1)];
        let (oracle, left) = (<[Oracle; 2]>::default(), BTreeMap::new());
        let (flow_of, free) = (Vec::new(), Vec::new());
        Self { flows, fq, oracle, limit, most, serial: 0, held: [0; 2], left, flow_of, free }
    }

    fn push(&mut self, class: usize, flow: u32, len: usize) {
        let mut frame = self.free.pop().unwrap_or_else(Frame::standard);
        frame.set_len(len).unwrap();
        frame.meta_mut().in_interface = IfIndex(self.serial);
        let at = self.fq[class].flow_of(hash(flow), self.most, &mut self.flows);
        self.fq[class].push(at, Held { frame, since: Time::ZERO }, &mut self.flows);
        // Half is for both, a quarter for each.
        let part = self.limit / 4;
        let over = self.oracle.iter().map(|oracle| oracle.owned().saturating_sub(part)).sum::<usize>();
        let lets = self.oracle[class].owned() < part || over < self.limit - 2 * part;
        let oracle = &mut self.oracle[class];
        let name = oracle.place(hash(flow), self.most.into(), lets);
        oracle.queues.get_mut(&name).unwrap().frames.push_back((self.serial, len));
        self.flow_of.push(flow);
        self.held[class] += 1;
        self.serial += 1;
    }

    fn pop(&mut self, class: usize) -> Result<(), TestCaseError> {
        let next = self.fq[class].pop(&mut self.flows).map(|(held, at)| {
            self.flows.get(at).unwrap().charge(held.len());
            held.frame
        });
        let serial = next.as_ref().map(|frame| frame.meta().in_interface.0);
        prop_assert_eq!(serial, self.oracle[class].pop());
        match next {
            Some(frame) => {
                // Each flow keeps its order.
                let serial = frame.meta().in_interface.0;
                let before = self.left.insert((class, self.flow_of[serial as usize]), serial);
                prop_assert!(before.is_none_or(|before| before < serial));
                self.leaves(class, frame);
            }
            None => prop_assert_eq!(self.held[class], 0),
        }
        Ok(())
    }

    /// What gives way for a frame of this flow is the first of a queue that is longer than its own.
    fn evict(&mut self, class: usize, flow: u32, len: usize) -> Result<(), TestCaseError> {
        let own = self.oracle[class].bytes(hash(flow));
        let Some(held) = self.fq[class].evict(hash(flow), len, &mut self.flows) else { return Ok(()) };
        let bytes = self.oracle[class].drop(held.frame.meta().in_interface.0);
        prop_assert!(bytes.is_some_and(|bytes| bytes > own + len));
        self.leaves(class, held.frame);
        Ok(())
    }

    fn leaves(&mut self, class: usize, frame: Frame) {
        self.held[class] -= 1;
        self.free.push(frame);
    }

    fn agrees(&self) -> Result<(), TestCaseError> {
        let owned = self.oracle.iter().map(Oracle::owned).sum::<usize>();
        prop_assert_eq!(self.flows.used(), owned);
        for (fq, oracle) in self.fq.iter().zip(&self.oracle) {
            prop_assert_eq!((fq.used as usize, fq.shared as usize), (oracle.owned(), oracle.sharing()));
        }
        Ok(())
    }
}

#[derive(Clone, Debug)]
enum Step {
    Push(usize, u32, usize),
    Pop(usize, usize),
    Evict(usize, u32, usize),
    Clear(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0usize..2, 0u32..12, 40usize..1515).prop_map(|(class, flow, len)| Step::Push(class, flow, len)),
        3 => (0usize..2, 1usize..6).prop_map(|(class, count)| Step::Pop(class, count)),
        1 => (0usize..2, 0u32..12, 40usize..200).prop_map(|(class, flow, len)| Step::Evict(class, flow, len)),
        1 => (0usize..2).prop_map(Step::Clear),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// However few queues there are, frames leave in the oracle's order, those of a flow in their own, and nothing
    /// is left behind.
    #[test]
    fn frames_leave_in_turn_and_flows_keep_their_order(
        steps in vec(step(), 1..120),
        limit in 0usize..16,
        most in 1u16..6,
    ) {
        let mut pair = Pair::new(limit, most);
        for step in steps {
            match step {
                Step::Push(class, flow, len) => pair.push(class, flow, len),
                Step::Pop(class, count) => (0..count).try_for_each(|_| pair.pop(class))?,
                Step::Evict(class, flow, len) => pair.evict(class, flow, len)?,
                // As a queue does when it is empty.
                Step::Clear(class) if pair.held[class] == 0 => {
                    pair.fq[class].clear(&mut pair.flows);
                    pair.oracle[class] = Oracle::default();
                }
                Step::Clear(_) => {}
            }
            pair.agrees()?;
        }
        for class in 0..2 {
            while pair.held[class] > 0 {
                pair.pop(class)?;
            }
            pair.pop(class)?;
        }
        pair.agrees()?;
        prop_assert_eq!((pair.flows.used(), pair.oracle.iter().map(Oracle::sharing).sum::<usize>()), (0, 0));
    }

    /// After any crowd, as few flows as there are queues for have each its own again while all of them always have
    /// something waiting: each queue of the crowd is gone when it had its turns.
    #[test]
    fn no_flow_shares_for_long(
        crowd in vec((0u32..40, 40usize..1515, any::<bool>()), 1..120),
        most in 2u16..6,
        first in 0u32..40,
    ) {
        let mut pair = Pair::new(8, most);
        for (flow, len, leaves) in crowd {
            pair.push(0, flow, len);
            if leaves {
                pair.pop(0)?;
            }
        }
        let flows: Vec<_> = (0..u32::from(most)).map(|n| first + n).collect();
        flows.iter().for_each(|flow| pair.push(0, *flow, 1514));
        // A queue holds no more than all, and a turn is one frame of each.
        let turns = pair.held[0] + usize::from(most);
        for _ in 0..turns * (usize::from(most) + pair.fq[0].flows() as usize) {
            pair.pop(0)?;
            let waits = |flow: &u32| {
                let is = |frame: &(u32, usize)| pair.flow_of[frame.0 as usize] == *flow;
                pair.oracle[0].queues.values().any(|queue| queue.frames.iter().any(is))
            };
            let short: Vec<_> = flows.iter().copied().filter(|flow| !waits(flow)).collect();
            short.into_iter().for_each(|flow| pair.push(0, flow, 1514));
            if pair.fq[0].shared == 0 {
                break;
            }
        }
        pair.agrees()?;
        prop_assert_eq!(pair.fq[0].shared, 0);
    }
}
