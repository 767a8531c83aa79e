//! The demonstration in virtual time keeps what it promises, and is the same every time.

use dataplane::class::TrafficClass;
use testbed::demo::{DemoError, DemoOptions, run_virtual};
use testbed::report::{DemoReport, Mode};

fn demonstrate(seconds: u64, seed: u64) -> Result<DemoReport, DemoError> {
    run_virtual(&DemoOptions { seconds, seed, ..DemoOptions::default() }, &mut |_| {})
}

#[test]
fn with_qos_calls_are_perfect_and_the_study_is_as_fast_as_can_be() {
    let report = demonstrate(20, 1).unwrap();
    assert_eq!(report.mode, Mode::Virtual);
    let (on, off) = (&report.with_qos, &report.without_qos);
    let (voice, before) = (on.class(TrafficClass::Voice), off.class(TrafficClass::Voice));
    assert_eq!(voice.lost, 0);
    assert!(voice.mos.unwrap() >= 4.3, "{voice:?}");
    assert!(on.transfer.ratio() <= 1.10, "{:?}", on.transfer);
    assert!(before.mos.unwrap() <= voice.mos.unwrap() - 0.3, "{before:?}");
    assert!(before.p99_us >= 4.0 * voice.p99_us, "{before:?}");
}

#[test]
fn one_seed_is_one_report() {
    let report = |seed| demonstrate(10, seed).unwrap();
    assert_eq!(report(7), report(7));
    assert_ne!(report(7), report(8));
}
