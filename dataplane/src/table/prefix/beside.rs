//! What tests of large tables share: generations that come and go, and a reader beside them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use proptest::prelude::*;

use crate::id::NhlfeId;
use crate::table::Publisher;

/// One step of a test: what to do, with which of a few prefixes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Insert(u32),
    Remove,
    Fork,
    /// A clone is changed and given up.
    GiveUp(u32),
    /// One of the forks ends, or is the one that goes on.
    End(prop::sample::Index),
    Return(prop::sample::Index),
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        40 => (0u32..9).prop_map(Op::Insert),
        30 => Just(Op::Remove),
        10 => Just(Op::Fork),
        10 => (0u32..9).prop_map(Op::GiveUp),
        10 => any::<prop::sample::Index>().prop_map(Op::End),
        1 => any::<prop::sample::Index>().prop_map(Op::Return),
    ]
}

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
