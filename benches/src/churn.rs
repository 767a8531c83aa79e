//! Routes that change while packets are forwarded: a router of one worker with a million of them on a
//! thread of its own, and changes committed to it from another, one or many at a time.
//!
//! Packets come at a pace, by the time that the worker's thread had of its core, onto a line
//! that holds as many as a card's ring does. A default route covers whatever is taken out, so
//! that every packet has a way at any time: one that the line took and that does not come out is dropped
//! by the change. What the line has no room for is told apart by what kept it from being emptied: one turn of
//! the worker, of a batch at the most; the time between two, in which nothing of the router's runs, so that
//! the machine had taken the core away; or neither, where the core was slower than when the pace was found.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};

use dataplane::id::{AdjacencyId, NhlfeId};
use dataplane::packet::{BATCH, PoolSize};
use dataplane::router::Handle;
use dataplane::table::{Nhlfe, Snapshot};
use ipnet::Ipv4Net;

use crate::cpu::{self, Watch};
use crate::prefixes::{self, Seeded};
use crate::ways::{self, Way};
use crate::whole::Whole;

/// Frames that the line to the router holds.
const LINE: usize = 2_048;
/// Batches before the pace is known.
const FIRST: u64 = 1 << 10;

/// A router, what is sent through it, and what changes.
#[derive(Debug)]
pub struct Churn {
    whole: Whole,
    way: Way,
    routes: Vec<Ipv4Net>,
    leads: [NhlfeId; 2],
    seeded: Seeded,
}

/// What one run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ran {
    /// Nanoseconds a change.
    pub change: f64,
    /// Nanoseconds from packet to packet.
    pub packet: f64,
    /// Packets that were sent.
    pub sent: u64,
    /// Those of them that the line took, and that did not come out.
    pub dropped: u64,
    /// Those that it had no room for as a turn of the worker had taken long.
    pub late: u64,
    /// Those that it had no room for as the core had been away between two turns.
    pub away: u64,
    /// Those that it had no room for as many turns had taken longer than when the pace was found.
    pub slow: u64,
    /// Nanoseconds of the worker's longest turn, and of the longest time between two.
    pub longest: [f64; 2],
}

impl Churn {
    /// With so many routes and a default route.
    pub fn new(routes: usize) -> Self {
        let way = ways::ipv4("churn", routes);
        let whole = Whole::lined(&way, PoolSize::Standard, LINE);
        let Ok(leads) = whole.handle().commit(|next| Ok::<_, Infallible>(cover(next)));
        // Those of the way's tables.
        Self { whole, way, routes: prefixes::v4(routes, 1), leads, seeded: Seeded(4) }
    }

    /// Makes `changes` changes, `together` of them in one generation, while the worker, on `core`, forwards
    /// a packet every so many nanoseconds, or as fast as it can.
    pub fn run(&mut self, changes: u64, together: u64, core: usize, every: Option<f64>) -> Ran {
        let stop = AtomicBool::new(false);
        let Self { whole, way, routes, leads, seeded } = self;
        let (handle, frames) = (whole.handle(), way.frames());
        std::thread::scope(|scope| {
            let forwarding = scope.spawn(|| {
                // Where it cannot, both share what there is.
                let _ = cpu::pin(core);
                forward(whole, frames, every, &stop)
            });
            let watch = Watch::start();
            for _ in 0..changes.div_ceil(together) {
                commit(&handle, together, routes, *leads, seeded);
            }
            let change = watch.ns() / (changes.div_ceil(together) * together) as f64;
            stop.store(true, Ordering::Relaxed);
            let ran = forwarding.join().unwrap_or_default();
            Ran { change, ..ran }
        })
    }

    /// Routes in the table, the default route among them.
    pub fn routes(&self) -> usize {
        let snapshot = self.whole.handle().snapshot();
        snapshot.vrfs.get(0).map_or(0, |vrf| vrf.fib4.len())
    }
}

/// A default route, and two entries that lead to the same neighbour.
fn cover(next: &mut Snapshot) -> [NhlfeId; 2] {
    let to = next.nhlfes.iter().find_map(|(_, nhlfe)| match nhlfe {
        Nhlfe::Forward(adjacency) => Some(*adjacency),
        _ => None,
    });
    let to = to.unwrap_or(AdjacencyId(0));
    let leads = [(); 2].map(|()| NhlfeId(next.nhlfes.insert(Nhlfe::Forward(to)) as u32));
    if let Some(vrf) = next.vrfs.get_mut(0) {
        vrf.fib4.insert(Ipv4Net::default(), leads[0]);
    }
    leads
}

/// One generation: a third of its changes take a route out, the others put one in or move it.
fn commit(handle: &Handle, together: u64, routes: &[Ipv4Net], leads: [NhlfeId; 2], seeded: &mut Seeded) {
    let Ok(()) = handle.commit(|next| {
        let Some(vrf) = next.vrfs.get_mut(0) else { return Ok::<_, Infallible>(()) };
        for _ in 0..together {
            let route = routes[seeded.below(routes.len() as u64) as usize];
            match seeded.below(3) {
                0 => vrf.fib4.remove(route),
                which => vrf.fib4.insert(route, leads[which as usize - 1]),
            };
        }
        Ok(())
    });
}

/// Forwards until told to stop, and then what is still on the line.
fn forward(whole: &mut Whole, frames: &[Vec<u8>], every: Option<f64>, stop: &AtomicBool) -> Ran {
    let (mut frames, mut ran, mut out) = (frames.iter().cycle(), Ran::default(), 0);
    let mut watch = Watch::start();
    let (mut from, mut began, mut ended) = (0, 0.0, 0.0);
    // The longest turn, and time between two, since the line was empty last.
    let mut since = [0.0_f64; 2];
    while !stop.load(Ordering::Relaxed) || ran.sent < FIRST * BATCH as u64 {
        let now = watch.ns();
        since = [since[0].max(ended - began), since[1].max(now - ended)];
        ran.longest = [ran.longest[0].max(since[0]), ran.longest[1].max(since[1])];
        let due = every.map_or(ran.sent + BATCH as u64, |every| (now / every) as u64);
        let (mut refused, idle) = (0, due < ran.sent + BATCH as u64);
        while ran.sent + BATCH as u64 <= due {
            refused += (BATCH - whole.send(&mut frames)) as u64;
            ran.sent += BATCH as u64;
        }
        // Half of the time in which as many come due as the line holds.
        let long = every.unwrap_or(0.0) * LINE as f64 / 2.0;
        *(match since {
            [turn, between] if turn.max(between) < long => &mut ran.slow,
            [turn, between] if turn < between => &mut ran.away,
            _ => &mut ran.late,
        }) += refused;
        began = watch.ns();
        let empty = whole.turn() == 0;
        ended = watch.ns();
        out += whole.take() as u64;
        if empty {
            since = [0.0; 2];
        }
        if idle {
            // The slow path too has to see that there is another generation.
            whole.step();
            ended = watch.ns();
            began = ended;
        }
        if every.is_none() && ran.sent == FIRST * BATCH as u64 {
            // Caches are warm.
            (watch, from) = (Watch::start(), ran.sent);
            (began, ended, ran.longest) = (0.0, 0.0, [0.0; 2]);
        }
    }
    ran.packet = watch.ns() / (ran.sent - from).max(1) as f64;
    for _ in 0..2 * LINE / BATCH {
        whole.step();
        out += whole.take() as u64;
    }
    ran.dropped = ran.sent - out - ran.late - ran.away - ran.slow;
    ran
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_packet_is_lost_while_routes_come_and_go() {
        let mut churn = Churn::new(5_000);
        let before = churn.routes();
        assert!(before > 5_000, "{before}");
        for together in [1, 50] {
            let ran = churn.run(2_000, together, 0, None);
            assert_eq!((ran.dropped, ran.late, ran.away, ran.slow), (0, 0, 0, 0), "{ran:?}");
            assert!(ran.sent >= FIRST * BATCH as u64 && ran.change > 0.0 && ran.packet > 0.0, "{ran:?}");
        }
        assert!(churn.routes() < before, "some have been taken out");
        assert!(churn.routes() > before / 2, "and others put in again");
    }
}
