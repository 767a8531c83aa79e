//! Every interleaving of a publisher and one reader; with two readers, every one
//! of at most three preemptions.

use loom::cell::UnsafeCell;
use loom::thread;

use super::*;

/// A table that loom watches: reading it after or while it is freed is a race,
/// and freeing it on a reader's thread a failure.
struct Table {
    number: UnsafeCell<u64>,
    home: thread::ThreadId,
}

impl Table {
    fn new(number: u64) -> Self {
        Self { number: UnsafeCell::new(number), home: thread::current().id() }
    }

    #[allow(unsafe_code)]
    fn number(&self) -> u64 {
        // SAFETY: loom fails the test when a write may run beside this read.
        self.number.with(|number| unsafe { *number })
    }
}

impl Drop for Table {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        assert_eq!(self.home, thread::current().id(), "freed by a reader");
        // SAFETY: loom fails the test when a read may run beside this write.
        self.number.with_mut(|number| unsafe { *number = u64::MAX });
    }
}

/// Asks `times` times; what it sees never goes back and is never freed.
fn watch(mut reader: Reader<Table>, times: usize) {
    let mut last = 0;
    for _ in 0..times {
        let number = reader.current().number();
        assert!((last..=2).contains(&number), "from {last} to {number}");
        last = number;
    }
}

#[test]
fn loom_one_reader_two_publications() {
    loom::model(|| {
        let mut publisher = Publisher::new(Table::new(0));
        let reader = publisher.reader();
        let worker = thread::spawn(move || watch(reader, 2));
        publisher.publish(Table::new(1));
        publisher.publish(Table::new(2));
        assert!(publisher.lag() <= 2);
        worker.join().unwrap();
        publisher.reap();
        assert_eq!(publisher.lag(), 0);
    });
}

#[test]
fn loom_two_readers_one_publication() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let mut publisher = Publisher::new(Table::new(0));
        let readers = [publisher.reader(), publisher.reader()];
        let workers = readers.map(|reader| thread::spawn(move || watch(reader, 1)));
        publisher.publish(Table::new(1));
        for worker in workers {
            worker.join().unwrap();
        }
        publisher.reap();
        assert_eq!(publisher.lag(), 0);
    });
}

#[test]
fn loom_reaping_beside_a_reader_that_leaves() {
    loom::model(|| {
        let mut publisher = Publisher::new(Table::new(0));
        let reader = publisher.reader();
        let worker = thread::spawn(move || watch(reader, 1));
        publisher.publish(Table::new(1));
        publisher.reap();
        publisher.publish(Table::new(2));
        worker.join().unwrap();
        publisher.reap();
        assert_eq!(publisher.lag(), 0);
    });
}
