//! The acceptance table, row by row: a study of 100 MB and calls that all send at once.

use control::capacity::capacity;
use control::config;
use testbed::acceptance::{ROWS, Row, STUDY, run};

/// Runs a row and holds it to what the table asks; the calls must have come as close to
/// their bound as a full frame before them brings them.
#[track_caller]
fn keeps(row: Row) {
    let kept = run(&row, STUDY).unwrap();
    assert_eq!(kept.broken(&row), [""; 0], "{row:?}");
    // All of it was looked at: the study's queue in every tenth of a second, and the calls all the time.
    let tenths = kept.seconds * 10.0;
    assert!(kept.standing.len() as f64 >= tenths * 0.95 - 2.0, "{} of {tenths}", kept.standing.len());
    let packets = f64::from(row.calls) * 2.0 * 50.0 * kept.seconds;
    assert!(kept.sent as f64 >= packets * 0.95, "{} of {packets}", kept.sent);
    let reached = kept.worst.as_secs_f64() / row.bound().as_secs_f64();
    assert!(reached > 0.99, "{row:?}: only {reached:.3} of the bound was reached");
}

#[test]
fn ten_megabits_thirty_calls() {
    keeps(ROWS[0]);
}

#[test]
fn a_hundred_megabits_a_hundred_calls() {
    keeps(ROWS[1]);
}

#[test]
fn a_gigabit_a_thousand_calls() {
    keeps(ROWS[2]);
}

#[test]
fn the_ideal_times_and_the_bounds_are_the_table_s() {
    let ideal = ROWS.map(|row| row.ideal(STUDY));
    let told = [format!("{:.1}", ideal[0]), format!("{:.2}", ideal[1]), format!("{:.2}", ideal[2])];
    assert_eq!(told, ["118.9", "9.39", "0.94"]);
    let bounds = ROWS.map(|row| format!("{:.2}", row.bound().as_secs_f64() * 1e3));
    assert_eq!(bounds, ["6.94", "2.03", "1.92"]);
}

#[test]
fn every_row_s_calls_are_promised_within_the_bound_and_the_promise_holds() {
    for row in ROWS {
        let text = row.configuration("loopback", "");
        let config = config::parse(&text, "row.toml").unwrap_or_else(|errors| panic!("{errors}"));
        let capacity = capacity(&config);
        assert!(capacity.holds() && config.promises.len() == 2, "{row:?}");
        let bound = u64::try_from(row.bound().as_nanos()).unwrap();
        let voice = capacity.rows.iter().filter(|line| line.class == "voice");
        assert!(voice.map(|line| line.wait).eq([Some(bound); 2]), "{row:?}");
    }
}

/// Under a cap of 33 % a link of 10 Mbit/s carries 34 calls: 3.3 Mbit/s by 95.2 kbit/s.
#[test]
fn a_hundred_calls_on_ten_megabits_are_refused_and_thirty_four_are_not() {
    let with = |calls: u16| {
        let text = Row { calls, ..ROWS[0] }.configuration("loopback", "");
        let cap = "voice.policer = { rate = \"3.3 Mbit/s\" }\n[[promise]]";
        config::parse(&text.replace("[[promise]]", cap), "row.toml")
    };
    assert!(with(34).is_ok());
    let refused = |calls| with(calls).unwrap_err().to_string();
    assert!(refused(35).contains("34 calls fit as it is"), "{}", refused(35));
    let why = refused(100);
    for part in
        ["it sends 9520 kbit/s", "the policer of voice lets 3300 kbit/s through", "34 calls fit as it is"]
    {
        assert!(why.contains(part), "{part} in {why}");
    }
}
