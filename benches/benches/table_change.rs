//! Route changes into a table of a million, published while a worker looks up.
//!
//! One publication is: a clone of the latest table, so many changes to it, and
//! [`Publisher::publish`], which also frees what no reader holds. A third of the
//! changes take a route out, the others put one in or move it. The reader takes
//! the newest table for each batch of 64 lookups, on a thread of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use benches::prefixes::{self, Seeded};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dataplane::id::NhlfeId;
use dataplane::table::{Fib4, Publisher, Reader};
use ipnet::Ipv4Net;

/// Changes a measurement makes.
const CHANGES: usize = 10_000;

/// Looks up until told to stop; gives back how many lookups it made.
fn forward(mut reader: Reader<Fib4>, prefixes: &[Ipv4Net], stop: &AtomicBool) -> u64 {
    let addresses = prefixes::hits4(prefixes, 1 << 16, 3);
    let mut found = [NhlfeId::NONE; 64];
    let mut looked_up = 0;
    while !stop.load(Ordering::Relaxed) {
        for burst in addresses.chunks(found.len()) {
            reader.current().lookup_batch(burst, &mut found);
            looked_up += burst.len() as u64;
        }
    }
    looked_up
}

fn change(fib: &mut Fib4, prefixes: &[Ipv4Net], seeded: &mut Seeded) {
    let prefix = prefixes[seeded.below(prefixes.len() as u64) as usize];
    match seeded.below(3) {
        0 => fib.remove(prefix),
        _ => fib.insert(prefix, NhlfeId(seeded.below(1_000) as u32)),
    };
}

fn table_change(c: &mut Criterion) {
    let prefixes = prefixes::v4(1_000_000, 1);
    let mut fib = Fib4::default();
    for prefix in &prefixes {
        fib.insert(*prefix, NhlfeId(0));
    }
    let mut publisher = Publisher::new(fib);
    let mut seeded = Seeded(4);
    let mut group = c.benchmark_group("changes into 1M routes beside a reader");
    group.sample_size(20).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(4));
    group.throughput(Throughput::Elements(CHANGES as u64));
    for each in [1, 100, 1_000] {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let reader = publisher.reader();
            let worker = scope.spawn(|| forward(reader, &prefixes, &stop));
            group.bench_function(format!("{each} a publication"), |b| {
                b.iter(|| {
                    for _ in 0..CHANGES / each {
                        let mut fib = Fib4::clone(&publisher.latest());
                        (0..each).for_each(|_| change(&mut fib, &prefixes, &mut seeded));
                        publisher.publish(fib);
                    }
                });
            });
            stop.store(true, Ordering::Relaxed);
            println!("lookups by the reader meanwhile: {:?}", worker.join().ok());
        });
        assert!(publisher.lag() <= 2, "a reader holds two generations at most");
    }
    group.finish();
}

criterion_group!(benches, table_change);
criterion_main!(benches);
