//! Workers on cores of their own: two of one router, or two routers of one, each loop with the
//! lines that it receives from and those that it sends to.
//!
//! ```text
//!   p0 ──▶ worker 0 ──▶ p2          p0 ──▶ worker 0 ─╲ ╱▶ p2
//!   p1 ──▶ worker 1 ──▶ p3          p1 ──▶ worker 1 ─╱ ╲▶ p3      (handed over)
//! ```
//!
//! Each loop's own thread puts frames on its lines and takes them off, so that two cores are
//! all it takes; what the lines cost is measured by loops without a router.
#![expect(clippy::panic, reason = "without its router there is nothing to measure")]

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use dataplane::id::{IfIndex, NhlfeId, PortIndex, VrfId};
use dataplane::packet::BATCH;
use dataplane::port::{AnyPort, Loopback, LoopbackEnd};
use dataplane::router::{Router, Size};
use dataplane::table::{Nhlfe, Snapshot};
use dataplane::time::Time;
use dataplane::worker::Worker;
use dataplane::worker::run::Clock;

use crate::prefixes;
use crate::ways;
use crate::whole::Lines;

/// Routes, and destinations of the frames of each loop.
const ROUTES: usize = 10_000;
const DESTINATIONS: usize = 4_096;
/// Frames of a loop that may be on their way.
const FLYING: usize = 4 * BATCH;
/// Frames that a line holds.
const LINE: usize = 4 * BATCH;

/// What the workers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A look-up of 10,000 routes.
    Plain,
    /// That, with a meter for what comes in and a tree with rates for what leaves.
    Hqos,
    /// As `Plain`, but each frame leaves by a port whose tree is the other worker's.
    Handed,
}

/// One router of as many workers as there are loops, of which each has two ports.
#[derive(Debug)]
pub struct Cores {
    router: Router,
    sides: Vec<Side>,
    clock: Clock,
}

/// Loops to be run together: each call is a turn, and gives how many frames came out.
pub type Loops<'a> = Vec<Box<dyn FnMut() -> usize + Send + 'a>>;

/// A loop's lines, and the frames that it is given, on cache lines of their own: `at` is written for each.
#[derive(Debug)]
#[repr(align(128))]
struct Side {
    near: LoopbackEnd,
    far: LoopbackEnd,
    frames: Vec<Vec<u8>>,
    at: usize,
    /// When the last turn was.
    last: Time,
    /// Frames of its own that have not come out yet, and those that come out here.
    sent: Arc<Flying>,
    comes: Arc<Flying>,
}

/// Frames on their way, on cache lines of their own: no loop waits for another's count.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Flying(AtomicUsize);

impl Cores {
    /// A router of `workers` workers, one or two.
    pub fn new(workers: NonZeroUsize, work: Work) -> Self {
        let workers = workers.get().min(2);
        let (snapshot, frames) = tables(work);
        let size = Size { workers, ..Size::default() };
        let mut router = Router::new(size).unwrap_or_else(|e| panic!("{e}"));
        let publish = |next: &mut Snapshot| {
            let generation = next.generation;
            *next = snapshot;
            next.generation = generation;
            Ok::<_, std::convert::Infallible>(())
        };
        let Ok(()) = router.handle().commit(publish);
        let mut ends = Vec::new();
        for port in 0..4 {
            let (queue, end) = Loopback::new(LINE);
            router.add_port(PortIndex(port), vec![AnyPort::Loopback(queue)]);
            ends.push(end);
        }
        // What the router says when it starts is said.
        router.step(Time(SECOND));
        for end in &ends {
            end.discard();
        }
        let flying = [(); 2].map(|()| Arc::<Flying>::default());
        let sides = frames.into_iter().enumerate().take(workers).map(|(i, frames)| Side {
            near: ends[i].clone(),
            far: ends[2 + i].clone(),
            frames,
            last: Time::NEVER,
            at: 0,
            sent: flying[i].clone(),
            comes: flying[if work == Work::Handed { 1 - i } else { i }].clone(),
        });
        Self { router, sides: sides.collect(), clock: Clock::start() }
    }

    /// Its loops: each call is a batch sent, a turn of the worker, and what came out, in frames.
    pub fn loops(&mut self) -> Loops<'_> {
        let clock = self.clock;
        let pairs = self.router.workers_mut().iter_mut().zip(&mut self.sides);
        pairs.map(|(worker, side)| Box::new(move || side.turn(worker, clock)) as _).collect()
    }

    /// What became of all frames, for people.
    pub fn outcome(&self) -> String {
        format!("{:?}", self.router.handle().totals())
    }
}

/// When routers start, so that what they do in their first second is done.
const SECOND: u64 = 1_000_000_000;

impl Side {
    #[inline]
    fn turn(&mut self, worker: &mut Worker, clock: Clock) -> usize {
        let now = Time(2 * SECOND + clock.now().nanos());
        // A loop that is ahead waits for the other: what is lost is no work.
        if self.sent.0.load(Ordering::Relaxed) < FLYING {
            for _ in 0..BATCH {
                self.at = (self.at + 1) % self.frames.len();
                self.near.send(now, &self.frames[self.at]);
            }
            self.sent.0.fetch_add(BATCH, Ordering::Relaxed);
        }
        worker.begin_turn(self.last.min(now), now);
        worker.poll(now);
        self.last = now;
        let out = self.far.discard();
        self.comes.0.fetch_sub(out, Ordering::Relaxed);
        out
    }
}

/// Lines alone, for as many loops: what the lines cost beside each other.
pub fn lines(loops: usize) -> Loops<'static> {
    let (_, frames) = tables(Work::Plain);
    let one = |frames: Vec<Vec<u8>>| {
        let (mut lines, mut at) = (Lines::new(), 0);
        Box::new(move || {
            at = if at + 2 * BATCH > frames.len() { 0 } else { at + BATCH };
            lines.batch(&mut frames.iter().skip(at))
        }) as _
    };
    frames.into_iter().take(loops).map(one).collect()
}

/// Runs loops together, each on a thread of its own that `pin` has put where it belongs; gives the
/// nanoseconds per frame of each, by its `watch`, over as many frames as so many turns take in. All
/// run until the last has had them.
pub fn together<W>(
    loops: Loops<'_>,
    turns: usize,
    pin: impl Fn(usize) + Sync,
    watch: impl Fn() -> W + Sync,
    ns: impl Fn(&W) -> f64 + Sync,
) -> Vec<f64> {
    let (ready, done, count) = (Barrier::new(loops.len()), AtomicUsize::new(0), loops.len());
    let one = |index, mut turn: Box<dyn FnMut() -> usize + Send + '_>| {
        pin(index);
        (0..turns / 8).for_each(|_| {
            turn();
        });
        ready.wait();
        let watch = watch();
        let mut frames = 0;
        while frames < turns * BATCH {
            frames += turn();
        }
        let took = ns(&watch);
        done.fetch_add(1, Ordering::AcqRel);
        while done.load(Ordering::Acquire) < count {
            turn();
        }
        took / frames as f64
    };
    std::thread::scope(|scope| {
        let one = &one;
        let threads = loops.into_iter().enumerate().map(|(i, turn)| scope.spawn(move || one(i, turn)));
        let threads: Vec<_> = threads.collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(f64::NAN)).collect()
    })
}

/// Nanoseconds that a cache line takes to the other loop's core and back: cores may be near each other or
/// far, and a machine of someone else's moves them about. The mean of so many `trips`, two at the least; `NaN`
/// where the other core did not answer.
pub fn there_and_back(trips: usize, pin: impl Fn(usize) + Sync) -> f64 {
    let lines = [(); 2].map(|()| Flying::default());
    let comes = |line: &Flying, trip| (0..1 << 30).any(|_| line.0.load(Ordering::Acquire) == trip);
    let travel = |from: usize| {
        pin(from);
        let (mut own, mut watch) = (lines.iter().cycle().skip(from).take(2), None);
        let (Some(mine), Some(other)) = (own.next(), own.next()) else { return f64::NAN };
        for trip in 1..=trips {
            // The other is there after the first.
            watch = if trip == 2 { Some(std::time::Instant::now()) } else { watch };
            if from == 1 && !comes(other, trip) {
                return f64::NAN;
            }
            mine.0.store(trip, Ordering::Release);
            if from == 0 && !comes(other, trip) {
                return f64::NAN;
            }
        }
        watch.map_or(f64::NAN, |watch| watch.elapsed().as_nanos() as f64 / (trips - 1) as f64)
    };
    std::thread::scope(|scope| {
        scope.spawn(|| travel(1));
        let asks = scope.spawn(|| travel(0));
        asks.join().unwrap_or(f64::NAN)
    })
}

/// What `loops` take of a frame's time where they share the work, nanoseconds.
pub fn shared(loops: &[f64]) -> f64 {
    1.0 / loops.iter().map(|ns| 1.0 / ns).sum::<f64>()
}

/// Tables of four ports, and the frames of both loops.
fn tables(work: Work) -> (Snapshot, [Vec<Vec<u8>>; 2]) {
    let config = control::config::parse(&configuration(work), "cores").unwrap_or_else(|e| panic!("{e}"));
    let mut snapshot = control::compile(&config, &Default::default()).unwrap_or_else(|e| panic!("{e}"));
    let to = [2, 3].map(|port: u16| {
        let adjacency = snapshot.adjacency_for(IfIndex(port.into()), [10, 255, port as u8, 2].into());
        NhlfeId(snapshot.nhlfes.insert(Nhlfe::Forward(adjacency)) as u32)
    });
    let routes = prefixes::v4(ROUTES, 1);
    let Some(vrf) = snapshot.vrfs.get_mut(VrfId(0).index()) else { return (snapshot, Default::default()) };
    for (i, route) in routes.iter().enumerate() {
        vrf.fib4.insert(*route, to[i % 2]);
    }
    let mut hits = prefixes::hits4(&routes, 4 * DESTINATIONS, 2);
    hits.retain(|a| (1..=223).contains(&a.octets()[0]) && ![10, 127, 169].contains(&a.octets()[0]));
    let own = |leads: NhlfeId| {
        let all: Vec<Ipv4Addr> =
            hits.iter().copied().filter(|hit| vrf.fib4.lookup(*hit) == Some(leads)).collect();
        all.into_iter().take(DESTINATIONS).map(|hit| ways::frame(&[], hit)).collect()
    };
    let mut frames: [Vec<Vec<u8>>; 2] = to.map(own);
    if work == Work::Handed {
        frames.reverse();
    }
    // Each port has its own station address.
    for (port, frame) in
        frames.iter_mut().enumerate().flat_map(|(i, all)| all.iter_mut().map(move |f| (i, f)))
    {
        frame[5] = 0x10 + port as u8;
    }
    (snapshot, frames)
}

fn configuration(work: Work) -> String {
    let mut text = String::new();
    for port in 0..4 {
        let _ = write!(
            text,
            r#"
            [[port]]
            name = "p{port}"
            kind = "loopback"
            [[interface]]
            name = "ge{port}"
            port = "p{port}"
            mac = "02:00:00:00:00:1{port}"
            addresses = ["10.255.{port}.1/24"]
            {}
            [[neighbour]]
            interface = "ge{port}"
            address = "10.255.{port}.2"
            mac = "02:00:00:00:00:0b"
            "#,
            if work == Work::Hqos { QOS } else { "" }
        );
    }
    text + "[limits]\ndad-probes = 0\nannouncements = 0\n" + if work == Work::Hqos { METER } else { "" }
}

const QOS: &str = r#"
police.voice.meter = "all"
[interface.qos]
rate = "100 Gbit/s"
guaranteed = "10 Gbit/s"
"#;
const METER: &str = "[[meter]]\nname = \"all\"\nkind = \"trtcm\"\ncir = \"40 Gbit/s\"\npir = \"50 Gbit/s\"\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> NonZeroUsize {
        NonZeroUsize::MIN.saturating_add(1)
    }

    #[test]
    fn every_frame_leaves_by_the_port_of_its_loop_whatever_the_work() {
        for work in [Work::Plain, Work::Hqos, Work::Handed] {
            let mut cores = Cores::new(two(), work);
            let mut out = [0; 2];
            for _ in 0..20 {
                for (turn, out) in cores.loops().iter_mut().zip(&mut out) {
                    *out += turn();
                }
            }
            // Handed or shaped, the last ones are on their way.
            assert!(out.iter().all(|n| (17 * BATCH..=20 * BATCH).contains(n)), "{work:?}: {out:?}");
            let totals = cores.router.handle().totals();
            assert_eq!(totals.dropped(), 0, "{work:?}: {totals:?}");
        }
    }

    #[test]
    fn a_line_comes_back() {
        let took = there_and_back(50, |_| {});
        assert!(took.is_finite() && took > 0.0, "{took}");
    }

    #[test]
    fn loops_run_together_and_two_share_the_time_of_a_frame() {
        let loops = lines(2);
        let took =
            together(loops, 16, |_| {}, std::time::Instant::now, |start| start.elapsed().as_nanos() as f64);
        assert_eq!(took.len(), 2);
        assert!(took.iter().all(|ns| *ns > 0.0), "{took:?}");
        assert_eq!(shared(&[10.0, 10.0]), 5.0);
        assert_eq!(shared(&[7.0]), 7.0);
    }
}
