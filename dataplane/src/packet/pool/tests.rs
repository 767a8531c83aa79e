//! Frames come back, whoever they end with; and what workers keep of each other's is set off.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

fn of(home: usize, count: usize) -> Pool {
    Pool::new(WorkerIndex(home as u8), count, PoolSize::Standard)
}

#[test]
fn an_empty_pool_gives_none_and_takes_back_its_own() {
    let mut pool = of(3, 2);
    let (a, b) = (pool.get().unwrap(), pool.get().unwrap());
    assert!(pool.get().is_none());
    pool.put(a);
    pool.put(b);
    pool.put(of(4, 1).get().unwrap());
    assert_eq!((pool.available(), pool.foreign().len()), (2, 1));
    assert_eq!(pool.get().unwrap().meta().home, WorkerIndex(3));
}

/// A batch is lent, and taken back, as its frames are one by one.
#[test]
fn frames_that_go_together_go_as_each_alone() {
    let (mut pool, mut batch) = (of(0, 80), Batch::new());
    pool.trade(2);
    let seen = |frame: &Frame| format!("{frame:?} {} {}", frame.headroom(), frame.capacity());
    let fresh = seen(&of(0, 1).get().unwrap());
    let mut free = 80;
    for (wanted, back, of_another) in [(5, 3, 0), (70, 4, 1), (0, 2, 0), (90, 64, 2), (64, 90, 0), (3, 3, 1)]
    {
        let (held, room) = (batch.len(), batch.room());
        assert_eq!(pool.lend(wanted, &mut batch), wanted.min(room));
        assert_eq!(batch.len(), held + wanted.min(room));
        for frame in &mut batch.frames_mut()[held..] {
            assert_eq!(seen(frame), fresh);
            // As something leaves it.
            (frame.meta_mut().length, frame.meta_mut().pcp) = (60, 7);
            frame.set_len(60).unwrap();
        }
        free -= wanted.min(room);
        // Others of them stand anywhere among those that come back.
        let mut there = of(1, 2);
        for (at, frame) in batch.frames_mut().iter_mut().take(back).step_by(2).take(of_another).enumerate() {
            *frame = there.get().unwrap();
            assert_eq!(frame.meta().home, WorkerIndex(1), "{at}");
        }
        let (len, before) = (batch.len(), pool.accounts[1]);
        pool.put_front(&mut batch, back);
        free += back.min(len);
        assert_eq!((batch.len(), pool.available()), (len.saturating_sub(back), free));
        let mut expected = before;
        (0..of_another).for_each(|_| expected.keep());
        assert_eq!((pool.accounts[1], pool.foreign().len()), (expected, 0));
    }
    assert_eq!(pool.room(), Frame::standard().capacity());
    assert_eq!(Pool::new(WorkerIndex(0), 1, PoolSize::Jumbo).room(), Frame::jumbo().capacity());
}

#[test]
fn what_is_kept_is_told_and_only_more_than_may_be_owed_is_given_for() {
    let (mut here, mut there) = (of(0, 64), of(1, 64));
    here.trade(2);
    there.trade(2);
    let mut told = Vec::new();
    // Four may be owed: the fifth has three given, at once.
    for kept in 1..=5 {
        here.put(there.get().unwrap());
        here.settle(false, |to, due| {
            told.push((kept, to, if let Due::Kept(kept) = due { kept } else { 0 }));
            Ok(())
        });
    }
    let expected = [(1, 1, 1), (2, 1, 1), (3, 1, 1), (4, 1, 1), (5, 1, 0), (5, 1, 0), (5, 1, 0), (5, 1, -2)];
    assert_eq!(told, expected);
    // A frame that was kept is this pool's when it leaves again; one of the slow path is kept aside.
    assert!(std::iter::from_fn(|| here.get()).all(|frame| frame.meta().home == WorkerIndex(0)));
    here.put(of(2, 1).get().unwrap());
    assert_eq!((here.available(), here.foreign().len()), (0, 1));
}

/// Frames that a pool has, and those that a ring between two workers holds.
const COUNT: usize = 32;
const RING: usize = 5;

#[derive(Debug)]
enum Sent {
    Across(Frame),
    Home(Frame),
    Kept(i32),
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A worker sends a frame to another.
    Cross(usize, usize),
    /// What came from the first is taken by the second.
    Receive(usize, usize),
    /// A worker is done with the frame that it has held longest.
    End(usize),
    Settle(usize, bool),
}

#[derive(Debug)]
struct Workers {
    pools: Vec<Pool>,
    held: Vec<VecDeque<Frame>>,
    /// From one to another.
    rings: Vec<Vec<VecDeque<Sent>>>,
}

impl Workers {
    fn new(count: usize) -> Self {
        let mut pools: Vec<_> = (0..count).map(|home| of(home, COUNT)).collect();
        pools.iter_mut().for_each(|pool| pool.trade(count));
        let several = || (0..count).map(|_| VecDeque::new()).collect();
        Self {
            pools,
            held: (0..count).map(|_| VecDeque::new()).collect(),
            rings: (0..count).map(|_| several()).collect(),
        }
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Cross(from, to) => {
                let ring = &mut self.rings[from][to];
                if from != to
                    && ring.len() < RING
                    && let Some(frame) = self.pools[from].get()
                {
                    assert_eq!(frame.meta().home.index(), from);
                    ring.push_back(Sent::Across(frame));
                }
            }
            Step::Receive(from, to) => {
                for sent in std::mem::take(&mut self.rings[from][to]) {
                    match sent {
                        Sent::Across(frame) => self.held[to].push_back(frame),
                        Sent::Home(frame) => self.pools[to].take_back(frame),
                        Sent::Kept(kept) => self.pools[to].hear(WorkerIndex(from as u8), kept),
                    }
                }
            }
            Step::End(worker) => {
                self.held[worker].pop_front().into_iter().for_each(|frame| self.pools[worker].put(frame));
            }
            Step::Settle(worker, all) => self.settle(worker, all),
        }
    }

    fn settle(&mut self, worker: usize, all: bool) {
        let (pool, rings) = (&mut self.pools[worker], &mut self.rings[worker]);
        let mut refused = false;
        pool.settle(all, |to, due| {
            let ring = &mut rings[to];
            refused |= ring.len() >= RING;
            match due {
                Due::Frame(frame) if ring.len() >= RING => return Err(Some(frame)),
                Due::Kept(_) if ring.len() >= RING => return Err(None),
                Due::Frame(frame) => ring.push_back(Sent::Home(frame)),
                Due::Kept(kept) => ring.push_back(Sent::Kept(kept)),
            }
            Ok(())
        });
        let most = if all { 0 } else { pool.slack };
        let owes = pool.accounts.iter().any(|account| account.due(most) > 0);
        assert!(!owes || refused || pool.available() == 0 || !all, "what is owed was not given");
    }

    fn frames(&self) -> usize {
        let is_frame = |sent: &&Sent| !matches!(sent, Sent::Kept(_));
        let crossing = self.rings.iter().flatten().flatten().filter(is_frame).count();
        let held: usize = self.held.iter().map(VecDeque::len).sum();
        crossing + held + self.pools.iter().map(Pool::available).sum::<usize>()
    }

    /// Lets all end, until nobody has anything to say.
    fn come_to_rest(&mut self) {
        let count = self.pools.len();
        for _ in 0..1_000 {
            for (from, to) in (0..count).flat_map(|from| (0..count).map(move |to| (from, to))) {
                self.run(Step::Receive(from, to));
            }
            for worker in 0..count {
                while !self.held[worker].is_empty() {
                    self.run(Step::End(worker));
                }
                self.settle(worker, true);
            }
            if self.rings.iter().flatten().all(VecDeque::is_empty) {
                return;
            }
        }
        panic!(
            "they go on for ever: {:?}",
            self.pools.iter().map(|p| p.accounts.clone()).collect::<Vec<_>>()
        );
    }
}

fn steps(workers: usize) -> impl Strategy<Value = Vec<Step>> {
    let one = 0..workers;
    let step = prop_oneof![
        4 => (one.clone(), one.clone()).prop_map(|(from, to)| Step::Cross(from, to)),
        3 => (one.clone(), one.clone()).prop_map(|(from, to)| Step::Receive(from, to)),
        4 => one.clone().prop_map(Step::End),
        2 => (one, any::<bool>()).prop_map(|(worker, all)| Step::Settle(worker, all)),
    ];
    prop::collection::vec(step, 0..400)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_frame_is_lost_and_at_rest_every_worker_has_as_many_as_at_first(
        (count, steps) in (2..5usize).prop_flat_map(|count| (Just(count), steps(count)))
    ) {
        let mut workers = Workers::new(count);
        for step in steps {
            workers.run(step);
            prop_assert_eq!(workers.frames(), count * COUNT);
        }
        workers.come_to_rest();
        let available: Vec<_> = workers.pools.iter().map(Pool::available).collect();
        prop_assert_eq!(available, vec![COUNT; count]);
        let settled = |pool: &Pool| pool.accounts.iter().all(|account| *account == Account::default());
        prop_assert!(workers.pools.iter().all(settled), "{:?}", workers.pools);
    }
}
