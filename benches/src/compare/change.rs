//! Loading and changing a table of a million IPv4 routes beside DPDK's `rte_fib`, and the
//! memory it takes.
//!
//! A third of the changes take a route out, the others put one in or move it. Each is
//! published by itself, as the peer's are, while a reader on another core looks up at full
//! speed. Memory is all that a table holds, the peer's list of its prefixes included. How far the two cores
//! are from each other, which a host may change at any time, is told beside the changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use benches::cores;
use benches::prefixes::Seeded;
use dataplane::id::NhlfeId;
use dataplane::table::{Fib4, Publisher, Reader};
use ipnet::Ipv4Net;

use super::cpu::Watch;
use super::fib::{hits, load4, million, tell_keys4, tell4};
use super::figures::Spread;
use super::{How, Line, Took, cpu};

/// Changes that one repetition makes.
const CHANGES: u32 = 200_000;
/// Of a cache line between the cores, in each repetition.
const TRIPS: usize = 20_000;
/// Addresses that the reader looks up together.
const BURST: usize = 32;

pub(super) fn lines() -> Vec<Line> {
    let line = |name, unit, ours| Line { name, unit, peer: "rte_fib", how: How::Inside(ours) };
    vec![
        line("load-1m", "ns/route", load),
        line("change-1m", "ns/change", changes),
        line("memory-1m", "bytes/route", memory),
    ]
}

fn load() -> Box<dyn FnMut() -> Took> {
    let routes = million();
    tell4(&routes);
    Box::new(move || {
        let watch = Watch::start();
        let fib = load4(&routes);
        let ns = watch.ns() / routes.len() as f64;
        Took { ns, more: format!("routes={}", fib.len()) }
    })
}

fn memory() -> Box<dyn FnMut() -> Took> {
    let routes = million();
    tell4(&routes);
    let bytes = load4(&routes).memory();
    Box::new(move || Took { ns: bytes as f64 / routes.len() as f64, more: format!("bytes={bytes}") })
}

fn changes() -> Box<dyn FnMut() -> Took> {
    let routes = million();
    let keys: Arc<[_]> = hits(&routes).into();
    tell4(&routes);
    tell_keys4("fib4-1m-hit", &keys);
    let mut publisher = Publisher::new(load4(&routes));
    let (mut seeded, mut line) = (Seeded(4), Vec::new());
    Box::new(move || {
        let (reader, stop) = (publisher.reader(), AtomicBool::new(false));
        thread::scope(|scope| {
            let looked_up = scope.spawn(|| read(reader, &keys, &stop));
            let watch = Watch::start();
            for _ in 0..CHANGES {
                let mut fib = Fib4::clone(&publisher.latest());
                change(&mut fib, &routes, &mut seeded);
                publisher.publish(fib);
            }
            let ns = watch.ns() / f64::from(CHANGES);
            stop.store(true, Ordering::Relaxed);
            let looked_up = looked_up.join().unwrap_or_default();
            line.push(there_and_back());
            let Spread { min, median, max } = Spread::of(line.clone());
            let routes = publisher.latest().len();
            let far = format!("a cache line there and back in {min:.0} / {median:.0} / {max:.0} ns");
            Took { ns, more: format!("looked-up={looked_up} routes={routes}; {far}") }
        })
    })
}

/// Nanoseconds of a cache line to the reader's core and back.
fn there_and_back() -> f64 {
    let cores = [rustix::thread::sched_getcpu(), cpu::other()];
    cores::there_and_back(TRIPS, |i| {
        // On the only core there is, both take turns.
        let _ = cpu::pin(cores[i]);
    })
}

fn change(fib: &mut Fib4, routes: &[Ipv4Net], seeded: &mut Seeded) {
    let prefix = routes[seeded.below(routes.len() as u64) as usize];
    match seeded.below(3) {
        0 => fib.remove(prefix),
        _ => fib.insert(prefix, NhlfeId(seeded.below(1_000) as u32)),
    };
}

/// Looks up on the next core until told to stop; how often.
fn read(mut reader: Reader<Fib4>, keys: &[std::net::Ipv4Addr], stop: &AtomicBool) -> u64 {
    // On the only core there is, it takes turns.
    let _ = cpu::pin(cpu::other());
    let (mut found, mut looked_up) = ([NhlfeId::NONE; BURST], 0);
    for burst in keys.chunks_exact(BURST).cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        reader.current().lookup_batch(burst, &mut found);
        looked_up += BURST as u64;
    }
    looked_up
}
