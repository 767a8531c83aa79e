//! The forwarding path over in-process ports, one core, 64-byte frames: what a
//! packet costs, and each stage's share of it.
//!
//! `stages/…` adds one stage after another to filling a batch of 64, so that the
//! difference of two lines is a stage's cost. `router/…` is the whole worker:
//! receive, stages, scheduler, transmit; `line/…` beside it is what the
//! in-process line itself costs.

#![expect(clippy::panic, reason = "a bench without its tables has nothing to measure")]

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::Duration;

use benches::prefixes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dataplane::id::{IfIndex, NhlfeId, PortIndex, WorkerIndex};
use dataplane::packet::{BATCH, Batch, Pool, PoolSize, StackEdits};
use dataplane::pipeline::Pipeline;
use dataplane::port::{AnyPort, Loopback, LoopbackEnd, Port};
use dataplane::qos::Policers;
use dataplane::router::{Router, Size};
use dataplane::stage::classify::RuleHits;
use dataplane::stage::{classify, lookup, parse, police, rewrite};
use dataplane::table::{Nhlfe, Snapshot};
use dataplane::time::Time;

/// Destinations that frames are sent to.
const DESTINATIONS: usize = 1 << 16;

const ROUTER: &str = r#"
[[port]]
name = "p0"
kind = "loopback"
[[port]]
name = "p1"
kind = "loopback"
[[interface]]
name = "ge0"
port = "p0"
mac = "02:00:00:00:00:10"
addresses = ["10.255.0.1/24"]
[[interface]]
name = "ge1"
port = "p1"
mac = "02:00:00:00:00:11"
addresses = ["10.255.1.1/24"]
[[neighbour]]
interface = "ge1"
address = "10.255.1.2"
mac = "02:00:00:00:00:0b"
[[route]]
prefix = "0.0.0.0/0"
via = "10.255.1.2"
[limits]
dad-probes = 0
announcements = 0
"#;

/// The tables with `routes` prefixes beside the default route, and frames to
/// addresses that they cover.
fn tables(routes: usize) -> (Snapshot, Vec<[u8; 60]>) {
    let config = control::config::parse(ROUTER, "bench").unwrap_or_else(|e| panic!("{e}"));
    let mut snapshot = control::compile(&config, &Default::default()).unwrap_or_else(|e| panic!("{e}"));
    let adjacency = snapshot.adjacency_for(IfIndex(1), [10, 255, 1, 2].into());
    let nhlfe = NhlfeId(snapshot.nhlfes.insert(Nhlfe::Forward(adjacency)) as u32);
    let prefixes = prefixes::v4(routes, 1);
    if let Some(vrf) = snapshot.vrfs.get_mut(0) {
        for prefix in &prefixes {
            vrf.fib4.insert(*prefix, nhlfe);
        }
    }
    let mut destinations = prefixes::hits4(&prefixes, if routes > 1 { DESTINATIONS } else { BATCH }, 2);
    // Addresses that a unicast packet may have: the others are dropped by name.
    destinations.retain(|a| (1..=223).contains(&a.octets()[0]) && ![10, 127, 169].contains(&a.octets()[0]));
    (snapshot, destinations.into_iter().map(frame).collect())
}

/// A UDP datagram with DSCP EF in a 60-byte frame (64 with FCS).
fn frame(destination: Ipv4Addr) -> [u8; 60] {
    let mut frame = [0u8; 60];
    frame[..6].copy_from_slice(&[2, 0, 0, 0, 0, 0x10]);
    frame[6..12].copy_from_slice(&[2, 0, 0, 0, 0, 0x0a]);
    frame[12..24].copy_from_slice(&[8, 0, 0x45, 0xb8, 0, 46, 0, 1, 0, 0, 64, 17]);
    frame[26..30].copy_from_slice(&[10, 255, 0, 2]);
    frame[30..34].copy_from_slice(&destination.octets());
    let sum = dataplane::wire::checksum::checksum(&frame[14..34]);
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame[34..42].copy_from_slice(&[0x13, 0x88, 0x13, 0x89, 0, 26, 0, 0]);
    frame
}

/// Fills the batch with the next frames of the ring.
fn fill(batch: &mut Batch, frames: &[[u8; 60]], at: &mut usize) {
    for frame in batch.frames_mut() {
        *at = (*at + 1) % frames.len();
        // The frames are short.
        let _ = frame.fill(&frames[*at]);
    }
}

fn stages(c: &mut Criterion, snapshot: &Snapshot, frames: &[[u8; 60]], routes: usize) {
    let mut group = c.benchmark_group("stages");
    group.throughput(Throughput::Elements(BATCH as u64)).measurement_time(Duration::from_secs(2));
    let mut pool = Pool::new(WorkerIndex(0), BATCH, PoolSize::Standard);
    let (mut batch, mut policers, mut at) = (Batch::new(), Policers::new(), 0);
    let (mut edits, mut hits) = (StackEdits::new(), RuleHits::new());
    while let Some(frame) = pool.get() {
        let _ = batch.push(frame);
    }
    policers.sync(snapshot.interfaces.iter().map(|(_, i)| (i.id, &*i.qos)));
    let names = ["fill", "+ parse", "+ classify", "+ police", "+ lookup", "+ rewrite"];
    for (upto, name) in names.into_iter().enumerate() {
        group.bench_function(BenchmarkId::new(name, routes), |b| {
            b.iter(|| {
                fill(&mut batch, frames, &mut at);
                for stage in 1..=upto {
                    match stage {
                        1 => parse::run(&mut batch, snapshot, PortIndex(0)),
                        2 => classify::run(&mut batch, snapshot, &mut hits),
                        3 => police::run(&mut batch, &mut policers, Time(1)),
                        4 => lookup::run(&mut batch, snapshot, &mut edits),
                        _ => rewrite::run(&mut batch, snapshot, &edits),
                    }
                }
                black_box(batch.frames().len())
            });
        });
    }
    let mut pipeline = Pipeline::new();
    pipeline.sync(snapshot);
    group.bench_function(BenchmarkId::new("all, as the worker calls them", routes), |b| {
        b.iter(|| {
            fill(&mut batch, frames, &mut at);
            pipeline.ingress(&mut batch, snapshot, PortIndex(0), Time(1));
            black_box(batch.frames().len())
        });
    });
    let all_forwarded = batch.live().count() == BATCH;
    assert!(
        all_forwarded,
        "frames were dropped: {:?}",
        batch.frames().iter().map(|f| f.meta().verdict).next()
    );
}

fn loopback(router: &mut Router, port: u16) -> LoopbackEnd {
    let (queue, end) = Loopback::new(4 * BATCH);
    router.add_port(PortIndex(port), vec![AnyPort::Loopback(queue)]);
    end
}

fn router(c: &mut Criterion, snapshot: &Snapshot, frames: &[[u8; 60]], routes: usize) {
    let mut group = c.benchmark_group("router");
    group.throughput(Throughput::Elements(BATCH as u64)).measurement_time(Duration::from_secs(2));
    let Ok(mut router) = Router::new(Size::default()) else { return };
    let publish = |s: &mut Snapshot| {
        let generation = s.generation;
        *s = snapshot.clone();
        s.generation = generation;
        Ok::<_, std::convert::Infallible>(())
    };
    let Ok(()) = router.handle().commit(publish);
    let (a, b_end) = (loopback(&mut router, 0), loopback(&mut router, 1));
    let (mut now, mut at, mut sent) = (1_000_000_000, 0, 0);
    router.step(Time(now));
    group.bench_function(BenchmarkId::new("whole", routes), |b| {
        b.iter(|| {
            now += 10_000;
            for _ in 0..BATCH {
                at = (at + 1) % frames.len();
                a.send(Time(now), &frames[at]);
            }
            router.step(Time(now));
            let got = b_end.discard();
            sent += BATCH;
            assert_eq!(got, BATCH, "{:?}", router.handle().totals());
        });
    });
}

/// The in-process line alone: what `router/whole` pays for it.
fn line(c: &mut Criterion, frames: &[[u8; 60]]) {
    let mut group = c.benchmark_group("line");
    group.throughput(Throughput::Elements(BATCH as u64)).measurement_time(Duration::from_secs(2));
    let (mut port, end) = Loopback::new(4 * BATCH);
    let mut pool = Pool::new(WorkerIndex(0), 2 * BATCH, PoolSize::Standard);
    let mut batch = Batch::new();
    group.bench_function("there and back", |b| {
        b.iter(|| {
            for frame in frames.iter().take(BATCH) {
                end.send(Time(1), frame);
            }
            port.receive(Time(1), &mut pool, &mut batch);
            port.transmit(Time(1), &mut batch, &mut pool);
            end.discard()
        });
    });
}

fn pipeline(c: &mut Criterion) {
    for routes in [1, 1_000_000] {
        let (snapshot, frames) = tables(routes);
        stages(c, &snapshot, &frames, routes);
        router(c, &snapshot, &frames, routes);
        if routes == 1 {
            line(c, &frames);
        }
    }
}

criterion_group!(benches, pipeline);
criterion_main!(benches);
