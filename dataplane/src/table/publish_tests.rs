//! Who frees a generation and when, and what a reader sees, on real threads.

use std::sync::Mutex as StdMutex;
use std::thread::{self, ThreadId};

use super::*;

/// Remembers which threads dropped one.
#[derive(Debug)]
struct Table {
    number: u64,
    twice: u64,
    dropped: Arc<StdMutex<Vec<(u64, ThreadId)>>>,
}

impl Drop for Table {
    fn drop(&mut self) {
        let mut dropped = self.dropped.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        dropped.push((self.number, thread::current().id()));
    }
}

#[test]
fn a_reader_sees_the_newest_at_its_next_burst() {
    let mut publisher = Publisher::new("a");
    let mut reader = publisher.reader();
    assert_eq!(*reader.current(), "a");
    publisher.publish("b");
    publisher.publish("c");
    assert_eq!((reader.generation(), publisher.is_quiescent()), (0, false));
    assert_eq!((*reader.current(), reader.generation()), ("c", 2));
    assert!(publisher.is_quiescent());
    assert_eq!((*publisher.latest(), *publisher.reader().current()), ("c", "c"));
}

#[test]
fn a_sleeping_reader_keeps_one_generation_and_no_more() {
    let mut publisher = Publisher::new(0);
    let mut asleep = publisher.reader();
    let mut awake = publisher.reader();
    for value in 1..100 {
        publisher.publish(value);
        assert_eq!(*awake.current(), value);
        assert!(publisher.lag() <= 2, "{} kept", publisher.lag());
    }
    publisher.reap();
    assert_eq!((publisher.lag(), asleep.generation()), (1, 0));
    assert_eq!(*asleep.current(), 99);
    assert_eq!((publisher.reap(), publisher.lag()), (1, 0));
}

#[test]
fn a_reader_that_is_gone_holds_nothing() {
    let mut publisher = Publisher::new(0);
    let reader = publisher.reader();
    publisher.publish(1);
    assert_eq!(publisher.lag(), 1);
    drop(reader);
    assert_eq!((publisher.reap(), publisher.lag()), (1, 0));
    let value = publisher.latest();
    assert_eq!(Arc::strong_count(&value), 2, "the publisher's and this one");
}

#[test]
fn tables_die_on_the_publishers_thread_and_readers_never_go_back() {
    const GENERATIONS: u64 = 20_000;
    let dropped = Arc::new(StdMutex::new(Vec::new()));
    let table = |number| Table { number, twice: 2 * number, dropped: dropped.clone() };
    let mut publisher = Publisher::new(table(0));
    let readers: Vec<_> = (0..3).map(|_| publisher.reader()).collect();
    let workers: Vec<_> = readers
        .into_iter()
        .map(|mut reader| {
            thread::spawn(move || {
                let mut last = 0;
                while last < GENERATIONS {
                    let table = reader.current();
                    assert_eq!(table.twice, 2 * table.number);
                    assert!(table.number >= last, "from {last} back to {}", table.number);
                    last = table.number;
                }
            })
        })
        .collect();
    for number in 1..=GENERATIONS {
        publisher.publish(table(number));
        assert!(publisher.lag() <= 6, "{} kept", publisher.lag());
    }
    for worker in workers {
        worker.join().unwrap();
    }
    drop(publisher);
    let dropped = dropped.lock().unwrap();
    assert_eq!(dropped.len() as u64, GENERATIONS + 1);
    assert!(dropped.iter().all(|(_, by)| *by == thread::current().id()));
}
