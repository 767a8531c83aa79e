//! Two hosts face to face over a line with a bounded queue.

use dataplane::class::TrafficClass;
use dataplane::id::WorkerIndex;
use dataplane::packet::{Batch, Pool, PoolSize};
use dataplane::port::{Loopback, Port};

use super::*;
use crate::traffic::{Mix, Way};

const SECOND: u64 = 1_000_000_000;

fn spec(last: u8, peer: u8, rate: u64) -> HostSpec {
    let address = |last| Ipv4Addr::new(192, 0, 2, last);
    HostSpec {
        mac: [2, 0, 0, 0, 0, last],
        address: Ipv4Net::new(address(last), 24).unwrap(),
        gateway: address(peer),
        peer: address(peer),
        access: Access { rate, delay: Duration::from_millis(1) },
        back: Access { rate, delay: Duration::from_millis(1) },
        window: 256 * 1024,
        seed: u64::from(last),
    }
}

/// Passes frames from each port to the other.
struct Cable {
    ports: [Loopback; 2],
    pool: Pool,
}

impl Cable {
    fn new() -> (Self, [LoopbackEnd; 2]) {
        let ((a, end_a), (b, end_b)) = (Loopback::new(4096), Loopback::new(4096));
        (Self { ports: [a, b], pool: Pool::new(WorkerIndex(0), 256, PoolSize::Standard) }, [end_a, end_b])
    }

    fn pass(&mut self, now: Time) {
        for (from, to) in [(0, 1), (1, 0)] {
            let mut batch = Batch::new();
            while self.ports[from].receive(now, &mut self.pool, &mut batch) > 0 {
                self.ports[to].transmit(now, &mut batch, &mut self.pool);
            }
        }
    }
}

fn run(hosts: &mut [Host; 2], cable: &mut Cable, until: Time) {
    let mut now = Time::ZERO;
    while now < until {
        for host in &mut *hosts {
            host.poll(now);
        }
        cable.pass(now);
        now = hosts.iter_mut().map(|h| h.next_due(now)).min().unwrap();
    }
}

#[test]
fn probes_arrive_in_order_with_the_delay_of_the_links() {
    let (mut cable, [a, b]) = Cable::new();
    let mut hosts = [Host::new(spec(1, 2, SECOND), a), Host::new(spec(2, 1, SECOND), b)];
    let mix = Mix { calls: 3, videos: 0, transactions: 2.0, ..Mix::default() };
    hosts[0].send(mix.schedule(Way::Up, SECOND / 10, SECOND, 1));
    hosts[1].send(mix.schedule(Way::Down, SECOND / 10, SECOND, 1));
    run(&mut hosts, &mut cable, Time(2 * SECOND));
    for (from, to) in [(0, 1), (1, 0)] {
        let sent: u32 = hosts[from].schedule().unwrap().sent().values().sum();
        assert_eq!(hosts[to].meter().total().packets, u64::from(sent));
    }
    let delay = hosts[1].meter().percentiles(TrafficClass::Voice);
    // Twice 1 ms and twice 238 bytes at 1 Gbit/s.
    assert!((2_000_000..2_010_000).contains(&delay.p50), "{delay:?}");
    assert!(hosts[0].meter().class(TrafficClass::Clinical).packets > 0, "no response came");
}

#[test]
fn a_study_fills_the_line() {
    let (mut cable, [a, b]) = Cable::new();
    let mut hosts = [Host::new(spec(1, 2, 10_000_000), a), Host::new(spec(2, 1, 100_000_000), b)];
    hosts[1].offer_study(2_000_000);
    hosts[0].fetch_study(2_000_000, Time::ZERO);
    run(&mut hosts, &mut cable, Time(4 * SECOND));
    let took = hosts[0].study().unwrap().took().expect("the study arrived").as_secs_f64();
    // 1538 bytes of line for each 1448 of the study.
    let ideal = 2_000_000.0 / 1448.0 * 1538.0 * 8.0 / 1e7;
    assert!((ideal..1.05 * ideal).contains(&took), "took {took} s, ideal {ideal} s");
}
