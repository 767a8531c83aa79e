//! Every interleaving of a sender and a receiver.

use loom::thread;

use super::*;

/// Receives until `n` values have come, each the one after the last.
fn receive_all(mut receiver: Receiver<Box<usize>>, n: usize, max: usize) {
    let mut next = 0;
    while next < n {
        let got = receiver.receive(max, |value| {
            assert_eq!(*value, next);
            next += 1;
        });
        if got == 0 {
            thread::yield_now();
        }
    }
}

#[test]
fn loom_values_cross_once_and_in_order() {
    loom::model(|| {
        let (mut sender, receiver) = Handoff::pair(2);
        let worker = thread::spawn(move || receive_all(receiver, 3, 2));
        let mut values: Vec<_> = (0..3).map(Box::new).collect();
        while !values.is_empty() {
            if sender.send_batch(&mut values) == 0 {
                thread::yield_now();
            }
        }
        worker.join().unwrap();
    });
}

#[test]
fn loom_single_sends_over_a_full_ring() {
    loom::model(|| {
        let (mut sender, receiver) = Handoff::pair(2);
        let worker = thread::spawn(move || receive_all(receiver, 3, 1));
        for value in 0..3 {
            let mut value = Box::new(value);
            while let Err(back) = sender.send(value) {
                value = back;
                thread::yield_now();
            }
        }
        worker.join().unwrap();
    });
}

#[test]
fn loom_staged_values_cross_when_published_or_left() {
    loom::model(|| {
        let (mut sender, receiver) = Handoff::pair(2);
        let worker = thread::spawn(move || receive_all(receiver, 3, 2));
        assert!(sender.stage(Box::new(0)).is_ok() && sender.stage(Box::new(1)).is_ok());
        let mut value = Box::new(2);
        loop {
            sender.publish();
            match sender.stage(value) {
                Ok(()) => break,
                Err(back) => value = back,
            }
            thread::yield_now();
        }
        drop(sender);
        worker.join().unwrap();
    });
}

#[test]
fn loom_values_left_behind_are_freed_once() {
    loom::model(|| {
        let (mut sender, mut receiver) = Handoff::pair(2);
        let value = Arc::new(());
        let worker = thread::spawn(move || drop(receiver.receive_one()));
        let mut values = vec![value.clone(), value.clone(), value.clone()];
        let sent = sender.send_batch(&mut values);
        assert_eq!(sent + values.len(), 3);
        drop((sender, values));
        worker.join().unwrap();
        assert_eq!(Arc::strong_count(&value), 1);
    });
}
