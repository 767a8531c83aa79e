//! Routes that change while packets are forwarded: a router of one worker with a million of them on a
//! thread of its own, and changes committed to it from another, one or many at a time.
//!
//! Packets come at a pace, by the time that the worker's thread had of its core, onto a line
//! that holds as many as a card's ring does. A default route covers whatever is taken out, so
//! that every packet has a way at any time: one that does not come out is lost by the change.

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
    /// Those of them that did not come out.
    pub lost: u64,
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
    let (mut frames, mut sent, mut out) = (frames.iter().cycle(), 0, 0);
    let mut watch = Watch::start();
    let mut from = 0;
    while !stop.load(Ordering::Relaxed) || sent < FIRST * BATCH as u64 {
        let due = every.map_or(sent + BATCH as u64, |every| (watch.ns() / every) as u64);
        while sent + BATCH as u64 <= due {
            whole.send(&mut frames);
            sent += BATCH as u64;
        }
        whole.step();
        out += whole.take() as u64;
        if every.is_none() && sent == FIRST * BATCH as u64 {
            // Caches are warm.
            (watch, from) = (Watch::start(), sent);
        }
    }
    let packet = watch.ns() / (sent - from).max(1) as f64;
    for _ in 0..2 * LINE / BATCH {
        whole.step();
        out += whole.take() as u64;
    }
    Ran { change: 0.0, packet, sent, lost: sent - out }
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
            assert_eq!(ran.lost, 0, "{ran:?}");
            assert!(ran.sent >= FIRST * BATCH as u64 && ran.change > 0.0 && ran.packet > 0.0, "{ran:?}");
        }
        assert!(churn.routes() < before, "some have been taken out");
        assert!(churn.routes() > before / 2, "and others put in again");
    }
}
