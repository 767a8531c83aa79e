//! Longest-prefix match: single and batched lookups, and loading.
//!
//! Three kinds of access: random hits over the whole table (waits for memory),
//! 4,096 addresses again and again (the working set of a busy hour), one route.

use std::hint::black_box;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use benches::prefixes;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use dataplane::id::NhlfeId;
use dataplane::table::{Fib4, Fib6};
use ipnet::{Ipv4Net, Ipv6Net};

/// Addresses of random hits: more than any cache holds the ways of.
const RANDOM: usize = 1 << 19;
const HOT: usize = 4_096;
/// Addresses in a batch.
const BATCH: usize = 64;

macro_rules! benches {
    ($load:ident, $lookups:ident, $fib:ty, $net:ty, $addr:ty) => {
        fn $load(prefixes: &[$net]) -> $fib {
            let mut fib = <$fib>::default();
            for (prefix, i) in prefixes.iter().zip(0..) {
                fib.insert(*prefix, NhlfeId(i % 1_000));
            }
            fib
        }

        fn $lookups(group: &mut BenchmarkGroup<'_, WallTime>, table: &str, fib: &$fib, addresses: &[$addr]) {
            group.throughput(Throughput::Elements(addresses.len() as u64));
            group.bench_function(format!("{table}/single"), |b| {
                b.iter(|| {
                    let found = addresses.iter().filter_map(|address| fib.lookup(*address));
                    black_box(found.fold(0, |sum: u32, nhlfe| sum.wrapping_add(nhlfe.0)))
                });
            });
            let mut found = [NhlfeId::NONE; BATCH];
            group.bench_function(format!("{table}/batch of 64"), |b| {
                b.iter(|| {
                    for addresses in addresses.chunks(BATCH) {
                        fib.lookup_batch(addresses, &mut found);
                        black_box(&found);
                    }
                });
            });
        }
    };
}

benches!(load4, lookups4, Fib4, Ipv4Net, Ipv4Addr);
benches!(load6, lookups6, Fib6, Ipv6Net, Ipv6Addr);

fn lookup(c: &mut Criterion) {
    let mut group = c.benchmark_group("fib lookup");
    group.sample_size(30).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));

    let million = prefixes::v4(1_000_000, 1);
    let (fib, random) = (load4(&million), prefixes::hits4(&million, RANDOM, 2));
    println!("1,000,000 IPv4 routes: {} bytes", fib.memory());
    let one = load4(&[Ipv4Net::default()]);
    lookups4(&mut group, "v4 1 route", &one, &random[..HOT]);
    lookups4(&mut group, "v4 1M routes, hot 4096", &fib, &random[..HOT]);
    lookups4(&mut group, "v4 1M routes, random hits", &fib, &random);

    let prefixes = prefixes::v6(200_000, 1);
    let (fib, random) = (load6(&prefixes), prefixes::hits6(&prefixes, RANDOM, 2));
    println!("200,000 IPv6 routes: {} bytes", fib.memory());
    lookups6(&mut group, "v6 200k routes, hot 4096", &fib, &random[..HOT]);
    lookups6(&mut group, "v6 200k routes, random hits", &fib, &random);
    group.finish();
}

fn load(c: &mut Criterion) {
    let mut group = c.benchmark_group("fib load");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(5));
    let million = prefixes::v4(1_000_000, 1);
    group.throughput(Throughput::Elements(million.len() as u64));
    group.bench_function("v4 1M routes", |b| b.iter_with_large_drop(|| load4(&million)));
    let prefixes = prefixes::v6(200_000, 1);
    group.throughput(Throughput::Elements(prefixes.len() as u64));
    group.bench_function("v6 200k routes", |b| b.iter_with_large_drop(|| load6(&prefixes)));
    group.finish();
}

criterion_group!(benches, lookup, load);
criterion_main!(benches);
