//! A hub with two lines: spokes send to it by one Vrf, and it to them by another
//! (RFC 4364 section 4.3.5).
//!
//! ```text
//!   spoke1 10.1.0.0/24 ─┐        ┌─▶ hub-in  10.200.0.0/24 ─▶┐
//!                       ├── pe ──┤                           │ the hub's own router
//!   spoke2 10.2.0.0/24 ─┘        └─◀ hub-out 10.201.0.0/24 ◀─┘
//! ```

use control::prove::{Report, Rule};

use super::proved;

const FILE: &str = r#"
[router]
name = "pe"

[[vrf]]
name = "hub-in"
rd = "65000:1"
export = ["65000:100"]
[[vrf]]
name = "hub-out"
rd = "65000:2"
import = ["65000:1"]
[[vrf]]
name = "spoke1"
rd = "65000:3"
export = ["65000:1"] # spoke1
import = ["65000:100"] # spoke1
[[vrf]]
name = "spoke2"
rd = "65000:4"
export = ["65000:1"]
import = ["65000:100"] # spoke2

[[route]]
vrf = "hub-in"
prefix = "10.0.0.0/8"
via = "10.200.0.1"

[[community]]
name = "clinic"
members = ["hub-in", "hub-out", "spoke1", "spoke2"]
hubs = ["hub-in", "hub-out"]
receive-only = ["hub-in"]
send-only = ["hub-out"]
"#;

fn file() -> String {
    let line = |(vrf, net): (&str, u8)| {
        format!(
            "[[port]]\nname = \"{vrf}\"\nkind = \"loopback\"\n\
             [[interface]]\nname = \"{vrf}\"\nvrf = \"{vrf}\"\naddresses = [\"10.{net}.0.254/24\"]\n"
        )
    };
    let lines = [("hub-in", 200), ("hub-out", 201), ("spoke1", 1), ("spoke2", 2)].map(line);
    FILE.to_owned() + &lines.concat()
}

#[track_caller]
fn with(was: &str, is: &str) -> Report {
    let text = file();
    assert!(text.contains(was), "{was}");
    proved([("pe.toml", text.replace(was, is).as_str())])
}

/// The rule that packets of `from` to `to` break.
#[track_caller]
fn broken(report: &Report, from: &str, to: &str) -> Rule {
    let leak = report.leaks.iter().find(|l| l.from.vrf == from && l.to.vrf == to);
    leak.unwrap_or_else(|| panic!("no leak from {from} to {to}: {report:?}")).rule.clone()
}

#[test]
fn a_hub_with_a_line_for_each_direction_is_whole_and_closed() {
    let report = with("clinic", "clinic");
    assert!(report.holds(), "{report:?}");
}

#[test]
fn without_the_directions_each_line_of_the_hub_misses_the_other_s_part() {
    let report = with("receive-only = [\"hub-in\"]\nsend-only = [\"hub-out\"]\n", "");
    assert!(report.leaks.is_empty(), "{report:?}");
    let missing = |from: &str, to: &str| report.missing.iter().any(|m| m.from.vrf == from && m.to.vrf == to);
    assert!(missing("hub-out", "hub-in") && missing("spoke1", "hub-out"), "{report:?}");
}

#[test]
fn a_spoke_that_the_hub_does_not_import_is_missing() {
    let report = with("export = [\"65000:1\"] # spoke1", "");
    assert!(report.leaks.is_empty(), "{report:?}");
    let missing = report.missing.iter().map(|m| (m.from.vrf.as_str(), m.to.vrf.as_str()));
    assert_eq!(missing.collect::<Vec<_>>(), [("hub-out", "spoke1")]);
}

#[test]
fn what_only_receives_does_not_send_and_what_only_sends_is_not_sent_to() {
    let back = "name = \"hub-in\"\nrd = \"65000:1\"\nexport = [\"65000:100\"]";
    let report = with(back, &format!("{back}\nimport = [\"65000:1\"]"));
    assert_eq!(broken(&report, "hub-in", "spoke2"), Rule::OneWay("clinic".into()));

    let out = "name = \"hub-out\"\nrd = \"65000:2\"\nimport = [\"65000:1\"]";
    let report = with(out, &format!("{out}\nexport = [\"65000:100\"]"));
    assert_eq!(broken(&report, "spoke1", "hub-out"), Rule::OneWay("clinic".into()));
}

#[test]
fn a_spoke_does_not_pass_the_hub_by() {
    let report = with("import = [\"65000:100\"] # spoke2", "import = [\"65000:100\", \"65000:1\"]");
    assert_eq!(broken(&report, "spoke2", "spoke1"), Rule::Spokes("clinic".into()));
}
