//! The ring against a queue that is obviously right, and between two threads.

use std::sync::Arc as StdArc;

use proptest::prelude::*;

use super::*;

#[test]
fn a_full_ring_gives_frames_back_in_order() {
    let (mut sender, mut receiver) = Handoff::pair(4);
    let mut frames: Vec<u32> = (0..6).collect();
    assert_eq!((sender.send_batch(&mut frames), &frames[..]), (4, &[4, 5][..]));
    assert_eq!(sender.send(9), Err(9));
    let mut got = Vec::new();
    assert_eq!(receiver.receive(3, |f| got.push(f)), 3);
    assert_eq!(sender.send_from(&mut frames.into_iter()), 2);
    assert_eq!((receiver.len(), receiver.receive(64, |f| got.push(f))), (3, 3));
    assert_eq!(got, [0, 1, 2, 3, 4, 5]);
    assert_eq!((receiver.receive_one(), receiver.is_empty()), (None, true));
}

#[test]
fn what_waits_outlives_its_sender_and_dies_with_the_ring() {
    let (mut sender, mut receiver) = Handoff::pair(8);
    let value = StdArc::new(());
    assert_eq!(sender.send_batch(&mut vec![value.clone(); 3]), 3);
    assert!(!receiver.is_abandoned());
    drop(sender);
    assert!(receiver.is_abandoned());
    assert!(receiver.receive_one().is_some());
    assert_eq!(StdArc::strong_count(&value), 3);
    drop(receiver);
    assert_eq!(StdArc::strong_count(&value), 1);
}

#[test]
fn a_panic_while_receiving_takes_each_value_once() {
    let (mut sender, mut receiver) = Handoff::pair(8);
    let value = StdArc::new(());
    sender.send_batch(&mut vec![value.clone(); 4]);
    let mut n = 0;
    let panics = std::panic::AssertUnwindSafe(|| {
        receiver.receive(4, |_| {
            n += 1;
            assert!(n < 3, "on purpose");
        })
    });
    assert!(std::panic::catch_unwind(panics).is_err());
    assert_eq!((receiver.len(), StdArc::strong_count(&value)), (1, 2));
}

#[test]
fn two_threads_lose_and_reorder_nothing() {
    const FRAMES: u64 = 300_000;
    let (mut sender, mut receiver) = Handoff::pair(64);
    let worker = std::thread::spawn(move || {
        let (mut next, mut frames) = (0, Vec::new());
        while next < FRAMES || !frames.is_empty() {
            while frames.len() < 1 + (next % 47) as usize && next < FRAMES {
                frames.push(Box::new(next));
                next += 1;
            }
            if sender.send_batch(&mut frames) == 0 {
                std::thread::yield_now();
            }
        }
    });
    let mut expected = 0;
    while expected < FRAMES {
        let max = 1 + (expected % 31) as usize;
        let n = receiver.receive(max, |frame| {
            assert_eq!(*frame, expected);
            expected += 1;
        });
        if n == 0 {
            std::thread::yield_now();
        }
    }
    worker.join().unwrap();
    assert!(receiver.receive_one().is_none());
}

proptest! {
    /// The ring is a bounded queue.
    #[test]
    fn behaves_as_a_bounded_queue(steps in prop::collection::vec((any::<bool>(), 0usize..12), 1..200)) {
        let (mut sender, mut receiver) = Handoff::pair(8);
        // Positions start just below the wrap.
        for position in [&mut sender.tail, &mut sender.head, &mut receiver.tail, &mut receiver.head] {
            *position = usize::MAX - 5;
        }
        sender.ring.tail.store(usize::MAX - 5, Ordering::Relaxed);
        sender.ring.head.store(usize::MAX - 5, Ordering::Relaxed);
        let mut queue = std::collections::VecDeque::new();
        let mut next = 0u32;
        for (send, n) in steps {
            if send {
                let mut frames: Vec<u32> = (next..next + n as u32).collect();
                let sent = sender.send_batch(&mut frames);
                prop_assert_eq!(sent, n.min(8 - queue.len()));
                queue.extend(next..next + sent as u32);
                next += sent as u32;
            } else {
                let mut got = Vec::new();
                receiver.receive(n, |f| got.push(f));
                let expected: Vec<u32> = queue.drain(..n.min(queue.len())).collect();
                prop_assert_eq!(got, expected);
            }
        }
    }
}
