//! One frame through a scheduler tree: enqueue and dequeue, in bursts of up to
//! 64, with every interface busy and with one of many.

use std::time::{Duration, Instant};

use benches::sched::{Deep, Wide};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn deep(c: &mut Criterion) {
    let mut group = c.benchmark_group("sched-deep");
    group.throughput(Throughput::Elements(1)).sample_size(20).measurement_time(Duration::from_secs(3));
    for (name, interfaces, busy) in [("390-busy", 390, 390), ("1-busy", 390, 1)] {
        let mut load = Deep::new(interfaces, busy);
        group.bench_function(name, |b| {
            b.iter_custom(|frames| {
                let start = Instant::now();
                let passed = load.pass(frames);
                start.elapsed().mul_f64(frames as f64 / passed as f64)
            });
        });
    }
    group.finish();
}

fn sched(c: &mut Criterion) {
    let mut group = c.benchmark_group("sched");
    group.throughput(Throughput::Elements(1)).sample_size(20).measurement_time(Duration::from_secs(3));
    for interfaces in [4, 40, 390, 4_000, 40_000] {
        for (name, busy) in [("all busy", interfaces), ("one busy", 1)] {
            let mut load = Wide::new(interfaces, busy);
            group.bench_function(BenchmarkId::new(name, interfaces), |b| {
                b.iter_custom(|frames| {
                    let start = Instant::now();
                    let passed = load.pass(frames);
                    start.elapsed().mul_f64(frames as f64 / passed as f64)
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, deep, sched);
criterion_main!(benches);
