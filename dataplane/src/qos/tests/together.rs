//! Frames of many interfaces that come together are queued as if they came one after the other.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::class::CLASSES;
use crate::qos::TreeLimits;

const SITES: u32 = 12;

/// What comes in a burst: how many in a row of one class of one interface, of what length.
type Row = (u32, usize, usize, usize);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    // Few interfaces and classes, so that many frames are behind others.
    vec((0..SITES, prop_oneof![Just(0usize), Just(3), 5..CLASSES], 60usize..1_515, 1usize..6), 1..10)
}

/// Short queues. Of five interfaces one has one queue for all classes, one keeps flows apart, one bounds how long frames wait.
fn sites() -> Vec<InterfaceQos> {
    (0..SITES)
        .map(|site| {
            let mut qos = shaped(20_000_000, MS);
            qos.classes.iter_mut().for_each(|class| class.limit_bytes = 9_000);
            match site % 5 {
                1 => qos.discipline = crate::qos::Discipline::Fifo,
                2 => class(&mut qos, TrafficClass::Standard).flows = 8,
                3 => class(&mut qos, TrafficClass::Clinical).limit_time = MS,
                _ => {}
            }
            qos
        })
        .collect()
}

fn bench(frames: usize) -> Bench {
    let mut bench = Bench::new(100_000_000, &sites());
    bench.tree.set_limits(TreeLimits { frames, ..TreeLimits::default() });
    bench
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn mixed_batches_are_frames_one_by_one(
        bursts in vec((rows(), 0usize..40, 0u64..400_000), 1..8),
        frames in 24usize..200,
    ) {
        let (mut one, mut all) = (bench(frames), bench(frames));
        let mut serial = 0;
        for (rows, leave, then) in bursts {
            let came: Vec<(Row, u32)> = rows
                .into_iter()
                .flat_map(|row| std::iter::repeat_n(row, row.3))
                .zip(serial..)
                .collect();
            serial += came.len() as u32;
            for batch in came.chunks(crate::packet::BATCH) {
                let (mut together, mut dropped) = (Batch::new(), Vec::new());
                for ((site, of, len, _), serial) in batch {
                    let of = TrafficClass::ALL[*of];
                    one.enqueue_flow(*site, of, *len, (*serial, serial % 3 + 1));
                    together.push(all.frame(*site, of, *len, (*serial, serial % 3 + 1))).unwrap();
                }
                all.tree.enqueue_all(&mut together, Time(all.now), &mut dropped);
                prop_assert!(together.is_empty());
                all.drops(dropped);
            }
            for bench in [&mut one, &mut all] {
                bench.dequeue(leave);
                bench.now += then;
            }
            prop_assert_eq!(one.tree.held_frames(), all.tree.held_frames());
            prop_assert_eq!(one.tree.held_bytes(), all.tree.held_bytes());
        }
        for bench in [&mut one, &mut all] {
            let end = bench.now + 3_000 * MS;
            bench.run(end);
        }
        prop_assert_eq!(format!("{:?}", one.gone), format!("{:?}", all.gone));
        for (one, all) in one.tree.stats_iter().zip(all.tree.stats_iter()) {
            prop_assert_eq!(format!("{one:?}"), format!("{all:?}"));
        }
    }
}
