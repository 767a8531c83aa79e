//! The fault decorator over an in-process port: what a bad line does is exact,
//! counted, and the same for the same seed.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod ports;

use std::time::Duration;

use dataplane::id::WorkerIndex;
use dataplane::packet::{Batch, Pool, PoolSize};
use dataplane::port::{Fault, FaultOptions, Loopback, LoopbackEnd, Port};
use dataplane::time::Time;
use ports::{PLAIN, frame};

const MS: u64 = 1_000_000;

struct Bench {
    port: Fault<Loopback>,
    end: LoopbackEnd,
    pool: Pool,
    batch: Batch,
    now: Time,
}

impl Bench {
    fn new(options: FaultOptions, limit: usize) -> Self {
        let (port, end) = Loopback::new(limit);
        let pool = Pool::new(WorkerIndex(0), 512, PoolSize::Standard);
        Self { port: Fault::new(port, options), end, pool, batch: Batch::new(), now: Time::ZERO }
    }

    /// What the router receives when `frames` are sent to it, a burst each
    /// tenth of a millisecond, and then nothing for long enough.
    fn received(&mut self, frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut got = Vec::new();
        for some in frames.chunks(40) {
            some.iter().for_each(|frame| assert!(self.end.send(self.now, frame)));
            self.receive_into(&mut got, 2);
        }
        self.receive_into(&mut got, 40);
        got
    }

    fn receive_into(&mut self, got: &mut Vec<Vec<u8>>, times: usize) {
        for _ in 0..times {
            self.now = self.now + Duration::from_micros(50);
            self.port.poll(self.now);
            self.port.receive(self.now, &mut self.pool, &mut self.batch);
            for frame in self.batch.drain() {
                got.push(frame.bytes().to_vec());
                self.pool.put(frame);
            }
        }
    }

    /// What comes out at the far end when the router sends `frames`.
    fn sent(&mut self, frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let (mut out, mut next, mut batch) = (Vec::new(), 0, Batch::new());
        for _ in 0..100_000 {
            while next < frames.len() && batch.room() > 0 {
                let mut frame = self.pool.get().unwrap();
                frame.fill(&frames[next]).unwrap();
                batch.push(frame).unwrap();
                next += 1;
            }
            self.now = self.now + Duration::from_micros(50);
            self.port.transmit(self.now, &mut batch, &mut self.pool);
            self.receive_into(&mut Vec::new(), 1);
            out.extend(std::iter::from_fn(|| self.end.receive()).map(|(_, bytes)| bytes));
            if batch.is_empty() && next == frames.len() && self.port.wait_fd().is_none() {
                break;
            }
        }
        for _ in 0..40 {
            self.receive_into(&mut Vec::new(), 1);
            out.extend(std::iter::from_fn(|| self.end.receive()).map(|(_, bytes)| bytes));
        }
        out
    }
}

/// `n` frames that all differ.
fn numbered(n: u32) -> Vec<Vec<u8>> {
    (0..n)
        .map(|n| {
            let mut frame = frame(60, &PLAIN, 0);
            frame[20..24].copy_from_slice(&n.to_be_bytes());
            frame
        })
        .collect()
}

fn number(frame: &[u8]) -> usize {
    u32::from_be_bytes(frame[20..24].try_into().unwrap()) as usize
}

#[test]
fn a_good_line_changes_nothing() {
    let mut bench = Bench::new(FaultOptions::default(), 100);
    let frames = numbered(1000);
    assert_eq!(bench.received(&frames), frames);
    assert_eq!(bench.sent(&frames), frames);
    let stats = bench.port.stats();
    assert_eq!((stats.received, stats.sent), (1000, 1000));
    assert_eq!(bench.pool.available(), 512);
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_does_not() {
    let bad = FaultOptions {
        seed: 7,
        loss: 50_000,
        duplicate: 50_000,
        reorder: 50_000,
        corrupt: 50_000,
        stall: 1_000,
        stall_time: Duration::from_micros(300),
    };
    let frames = numbered(4000);
    let run = |seed| {
        let mut bench = Bench::new(FaultOptions { seed, ..bad }, 5000);
        (bench.received(&frames), bench.sent(&frames), bench.port.counts())
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
    let (received, sent, _) = run(7);
    assert_ne!(received, sent);
}

#[test]
fn lost_and_doubled_frames_are_counted_exactly() {
    let bad = FaultOptions { loss: 100_000, duplicate: 20_000, ..FaultOptions::default() };
    let mut bench = Bench::new(bad, 100);
    let frames = numbered(20_000);
    let received = bench.received(&frames);
    let sent = bench.sent(&frames);
    let counts = bench.port.counts();
    for (got, counts) in [(&received, counts.0), (&sent, counts.1)] {
        assert!((1800..2200).contains(&counts.lost), "{counts:?}");
        assert!((270..450).contains(&counts.duplicated), "{counts:?}");
        assert_eq!(got.len() as u64, 20_000 - counts.lost + counts.duplicated);
        assert!(got.is_sorted_by_key(|frame| number(frame)));
        let twice = got.windows(2).filter(|pair| pair[0] == pair[1]).count();
        assert_eq!(twice as u64, counts.duplicated);
    }
    // Lost in receiving: never received. Lost in sending: sent.
    assert_eq!(bench.port.stats().received, received.len() as u64);
    assert_eq!(bench.port.stats().sent, 20_000);
    assert_eq!(bench.pool.available(), 512);
}

#[test]
fn a_reordered_frame_comes_behind_the_next() {
    let mut bench = Bench::new(FaultOptions { reorder: 100_000, ..FaultOptions::default() }, 100);
    let frames = numbered(5000);
    for got in [bench.received(&frames), bench.sent(&frames)] {
        assert_eq!(got.len(), 5000);
        let displaced = got.iter().enumerate().filter(|(place, frame)| number(frame) < *place).count();
        for (place, frame) in got.iter().enumerate() {
            assert!(number(frame).abs_diff(place) <= 1);
        }
        assert!((300..600).contains(&displaced), "{displaced}");
    }
    let (receiving, sending) = bench.port.counts();
    assert!(receiving.reordered > 300 && sending.reordered > 300);
    assert_eq!(bench.pool.available(), 512);
}

/// The last frame of all has nobody to be overtaken by.
#[test]
fn a_frame_is_not_held_back_for_ever() {
    let mut bench = Bench::new(FaultOptions { reorder: 1_000_000, ..FaultOptions::default() }, 100);
    assert!(bench.end.send(Time::ZERO, &frame(60, &PLAIN, 1)));
    let mut got = Vec::new();
    bench.receive_into(&mut got, 1);
    assert!(got.is_empty() && bench.port.stats().received == 0);
    bench.now = Time(2 * MS);
    bench.receive_into(&mut got, 1);
    assert_eq!(got, [frame(60, &PLAIN, 1)]);
    assert_eq!(bench.port.counts().0.reordered, 0);
}

#[test]
fn a_corrupted_frame_differs_in_one_bit() {
    let mut bench = Bench::new(FaultOptions { corrupt: 200_000, ..FaultOptions::default() }, 100);
    let frames = vec![frame(90, &PLAIN, 3); 2000];
    for got in [bench.received(&frames), bench.sent(&frames)] {
        assert_eq!(got.len(), frames.len());
        let flipped = |f: &Vec<u8>| f.iter().zip(&frames[0]).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>();
        assert!(got.iter().all(|f| f.len() == 90 && flipped(f) <= 1));
        let bad = got.iter().filter(|f| flipped(f) == 1).count();
        assert!((320..480).contains(&bad), "{bad}");
    }
}

#[test]
fn a_stopped_line_goes_on_where_it_stopped() {
    let stall_time = Duration::from_millis(5);
    let mut bench = Bench::new(FaultOptions { stall: 1_000_000, stall_time, ..FaultOptions::default() }, 100);
    let frames = numbered(3);
    frames.iter().for_each(|frame| assert!(bench.end.send(Time::ZERO, frame)));
    let mut got = Vec::new();
    bench.receive_into(&mut got, 90);
    assert_eq!(got.len(), 0, "{:?}", bench.now);
    bench.receive_into(&mut got, 20);
    assert_eq!(got, frames);
    assert_eq!(bench.port.counts().0.stalls, 3);
}

#[test]
fn a_full_port_behind_loses_nothing() {
    let bad = FaultOptions { duplicate: 100_000, reorder: 100_000, ..FaultOptions::default() };
    let mut bench = Bench::new(bad, 7);
    let frames = numbered(1000);
    let mut got = bench.sent(&frames);
    got.sort();
    got.dedup();
    assert_eq!(got, frames);
    assert_eq!(bench.port.stats().sent, 1000);
    assert_eq!(bench.pool.available(), 512);
}
