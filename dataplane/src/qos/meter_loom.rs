//! Every interleaving of two workers that ask one meter.

use loom::thread;

use super::*;
use crate::qos::MeterKind;

/// Every way in which one of two threads is put off up to three times.
fn model(run: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(run);
}

/// Green bytes of frames of 100 that `share` asks for, a batch each, at these moments.
fn green<const N: usize>(mut share: Share, moments: [u64; N]) -> u64 {
    let ask = |now| {
        let colour = share.colour(Time(now), Colour::Green, 100);
        share.settle();
        if colour == Colour::Green { 100 } else { 0 }
    };
    moments.map(ask).iter().sum()
}

/// Tokens in both buckets, whole bytes.
fn left(meter: &SharedMeter) -> u64 {
    let levels = &meter.levels;
    (levels.committed.load(Relaxed) + levels.excess.load(Relaxed)) / cost(1)
}

#[test]
fn loom_no_token_is_spent_twice_or_lost() {
    // 8 Gbit/s: a byte a nanosecond. The bucket begins empty and has room for all.
    let spec = MeterSpec { kind: MeterKind::SrTcm, ..MeterSpec::policer(8_000_000_000, 1_000) };
    model(move || {
        let meter = Arc::new(SharedMeter::with(spec, 0, 0, 0));
        let (one, other) = (Share::new(meter.clone()), Share::new(meter.clone()));
        let worker = thread::spawn(move || green(one, [160]));
        let mine = green(other, [120, 250]);
        let theirs = worker.join().unwrap();
        // Time is claimed up to the last moment, unless its worker lost that claim to the other.
        let claimed = meter.levels.refilled.load(Relaxed);
        assert_eq!(mine + theirs + left(&meter), claimed);
        assert!(claimed >= 160 && claimed <= 250);
    });
}

#[test]
fn loom_what_overflows_is_spilt_once() {
    let spec = MeterSpec { ebs: 1_000, ..MeterSpec::policer(8_000_000_000, 50) };
    model(move || {
        let meter = Arc::new(SharedMeter::with(spec, 0, 0, 0));
        let (one, other) = (Share::new(meter.clone()), Share::new(meter.clone()));
        let ask = |mut share: Share, now| {
            let colour = share.colour(Time(now), Colour::Green, 40);
            share.settle();
            if colour == Colour::Red { 0 } else { 40 }
        };
        let worker = thread::spawn(move || ask(one, 200));
        let mine = ask(other, 100);
        let theirs = worker.join().unwrap();
        assert_eq!(mine + theirs + left(&meter), meter.levels.refilled.load(Relaxed));
    });
}
