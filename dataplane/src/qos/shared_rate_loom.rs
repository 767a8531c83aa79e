//! Every interleaving of two trees that claim one line.

use loom::thread;

use super::*;

/// Every way in which one of two threads is put off up to three times.
fn model(run: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(run);
}

/// Tree `tree` of two at 8 Gbit/s: a byte a nanosecond.
fn seat(shared: &Arc<SharedRate>, tree: usize) -> Seat {
    let rate = RateSpec { rate: 8_000_000_000, burst: 1_000_000 };
    Seat::new(&Place { shared: shared.clone(), tree, trees: 2 }, rate, Time::ZERO, 0)
}

/// Bytes of frames of 100 that it claims, where it is let, at these moments.
fn claimed<const N: usize>(mut seat: Seat, want: Want, moments: [u64; N]) -> u64 {
    let claim = |now| {
        seat.idled(Time(now));
        seat.say(want);
        let lets = seat.lets(Time(now));
        if lets {
            seat.spend(Time(now), 100, false);
        }
        u64::from(lets) * 100
    };
    moments.map(claim).iter().sum()
}

#[test]
fn loom_no_more_is_claimed_than_the_line_carries_and_a_frame_of_each_tree() {
    model(|| {
        let shared = Arc::new(SharedRate::default());
        let start = 2_000_000;
        shared.not_before(Time(start));
        let (one, other) = (seat(&shared, 0), seat(&shared, 1));
        let worker = thread::spawn(move || claimed(one, Want::shared(0), [start + 10]));
        let mine = claimed(other, Want::shared(0), [start, start + 50, start + 160]);
        let theirs = worker.join().unwrap();
        // What was claimed is what the line was moved on by; it began with one of the claims.
        let free = shared.line.free.load(Relaxed) - start;
        assert!(mine + theirs <= free && free <= mine + theirs + 160, "{mine} {theirs} {free}");
        assert!(mine + theirs <= 160 + 2 * 100);
        // Whatever the other took, and if it took the line for idle until the second look.
        assert!(mine >= 100);
    });
}

#[test]
fn loom_a_round_that_was_begun_stays_begun() {
    model(|| {
        let shared = Arc::new(SharedRate::default());
        let (mut one, other) = (seat(&shared, 0), seat(&shared, 1));
        let worker = thread::spawn(move || {
            other.begin_round(7);
            other.begin_round(9);
        });
        one.begin_round(8);
        worker.join().unwrap();
        assert_eq!((one.round(3, true), one.round(3, true)), (9, 8));
    });
}
