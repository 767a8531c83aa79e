//! Tests of what a reader sees while a table changes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::id::NhlfeId;
use crate::table::Publisher;

/// Every generation leads all `addresses` to its own number, as `lead` has it do: a burst that found
/// two would have seen two generations. `first` leads them to 0.
pub(super) fn a_reader_sees_one_generation_a_burst<T: Clone + Send + Sync>(
    first: T,
    addresses: usize,
    look_up: impl Fn(&T, &mut [NhlfeId]) + Sync,
    lead: impl Fn(&mut T, NhlfeId),
) {
    let mut publisher = Publisher::new(first);
    let (mut reader, stop) = (publisher.reader(), AtomicBool::new(false));
    thread::scope(|scope| {
        let read = scope.spawn(|| {
            let (mut last, mut found) = (0, vec![NhlfeId::NONE; addresses]);
            while !stop.load(Ordering::Relaxed) {
                look_up(reader.current(), &mut found);
                if !found.iter().all(|nhlfe| *nhlfe == found[0] && nhlfe.0 >= last) {
                    return Err(found);
                }
                last = found[0].0;
            }
            Ok(())
        });
        for generation in 1..1_000 {
            let mut next = T::clone(&publisher.latest());
            lead(&mut next, NhlfeId(generation));
            publisher.publish(next);
        }
        stop.store(true, Ordering::Relaxed);
        assert_eq!(read.join().unwrap(), Ok(()));
    });
}
