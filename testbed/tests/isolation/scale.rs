//! How long the proof of a whole network takes.

use std::time::Instant;

use testbed::network::plan::Plan;

use super::proved;

/// Proves a planned network; prints how long it took, and gives the figures.
fn prove(plan: Plan) -> (usize, usize, f64) {
    let mut files = plan.configurations();
    files[0].1 += &plan.intent();
    let started = Instant::now();
    let report = proved(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    assert!(report.holds(), "{:#?}", (&report.leaks, &report.missing, &report.unproved));
    assert!(report.loops.is_empty());
    println!(
        "{}: {:.2} s, with reading and compiling {:.2} s",
        report.figures(),
        report.seconds,
        started.elapsed().as_secs_f64()
    );
    // Every member of a community reaches every other and itself; "default" is one more.
    assert!(report.pairs >= plan.communities * plan.pes * plan.pes);
    (report.routers, report.prefixes, report.seconds)
}

#[test]
fn a_provider_network_is_closed_and_whole() {
    let (routers, prefixes, _) = prove(Plan { pes: 24, ps: 4, communities: 4, ces: false });
    assert_eq!(routers, 28);
    assert!(prefixes > 24 * 24 * 4 * 2);
}

/// 390 routers, of which each PE forwards by 10,000 prefixes. For release builds.
#[test]
#[ignore = "a measurement: cargo test --release -p testbed --test isolation -- --ignored --nocapture"]
fn three_hundred_and_ninety_routers_of_ten_thousand_prefixes_take_less_than_ten_seconds() {
    let (routers, prefixes, seconds) = prove(Plan { pes: 380, ps: 10, communities: 13, ces: false });
    assert_eq!(routers, 390);
    assert!(prefixes >= 380 * 10_000, "{prefixes}");
    assert!(seconds < 10.0, "{seconds} s");
}
