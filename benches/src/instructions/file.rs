//! `benches/instructions.toml`: what the counts were when somebody last looked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::probe::{STAGES, TREES};

/// Instructions per packet, by way and by what was counted.
pub(super) type Counts = BTreeMap<String, BTreeMap<String, f64>>;

/// The part of a count that it may grow by.
pub(super) const MOST_GROWTH: f64 = 0.03;
/// Counts are kept to a tenth: so much may be rounding.
const ROUNDING: f64 = 0.1;

const HEAD: &str = "\
# Instructions per packet of the packet's way, counted by callgrind (x86_64, release build).
# `cargo run --release -p benches -- instructions` fails where one has grown by more than 3 %.
# Grown for a good reason, or shrunk: renew with `… -- instructions --write`, and say why in the commit.
";

/// How to bring the file in line.
const RENEW: &str = "where that is meant, renew benches/instructions.toml with
    cargo run --release -p benches -- instructions --write";

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.toml")
}

/// The counts of the file.
pub(super) fn read() -> Result<Counts, String> {
    let path = path();
    let of = |problem: &dyn std::fmt::Display| format!("{}: {problem}", path.display());
    let text = std::fs::read_to_string(&path).map_err(|e| of(&e))?;
    toml::from_str(&text).map_err(|e| of(&e))
}

/// The names of a way's counts, in order.
fn names_of(of_way: &BTreeMap<String, f64>) -> impl Iterator<Item = &'static str> {
    STAGES.into_iter().chain(TREES).filter(|name| of_way.contains_key(*name))
}

/// What a packet takes on this way, and the share of each stage in it; the rest of a worker's are its turn, its lines'
/// ends, counts and the tree.
pub(super) fn shares(of_way: &BTreeMap<String, f64>) -> Option<String> {
    let worker = of_way.get("worker").copied().filter(|worker| *worker > 0.0)?;
    let share = |count: f64| (count / worker * 100.0).round();
    let (mut text, mut rest) = (format!("{worker:.0} instructions:"), worker);
    for name in STAGES.into_iter().filter(|name| *name != "worker") {
        let count = of_way.get(name).copied().unwrap_or_default();
        rest -= count;
        let _ = write!(text, " {name} {} %,", share(count));
    }
    let _ = write!(text, " the rest {} %", share(rest));
    Some(text)
}

/// Writes the file.
pub(super) fn write(counts: &Counts) -> Result<(), String> {
    let mut text = HEAD.to_owned();
    for (way, of_way) in counts {
        let _ = writeln!(text, "\n[{way}]");
        for name in names_of(of_way) {
            let _ = writeln!(text, "{name} = {:.1}", of_way[name]);
        }
    }
    std::fs::write(path(), text).map_err(|e| format!("{}: {e}", path().display()))
}

/// The counts as a table; beside each that differs from `before` by how much.
pub(super) fn table(counts: &Counts, before: Option<&Counts>) -> String {
    let (mut text, mut head) = (String::new(), Vec::new());
    for (way, of_way) in counts {
        let names: Vec<_> = names_of(of_way).collect();
        if names != head {
            let _ = write!(text, "{}{:16}", if head.is_empty() { "" } else { "\n" }, "per packet");
            names.iter().for_each(|name| text += &format!("{name:>16}"));
            head = names;
        }
        let _ = write!(text, "\n{way:16}");
        for name in &head {
            let now = of_way[*name];
            let then = before.and_then(|before| before.get(way)?.get(*name).copied());
            let change = then.map_or(String::new(), |then| change(then, now));
            let _ = write!(text, "{:>16}", format!("{now:.1}{change}"));
        }
    }
    text
}

fn change(then: f64, now: f64) -> String {
    match (now - then).abs() <= ROUNDING {
        true => String::new(),
        false => format!(" ({:+.1} %)", (now - then) / then * 100.0),
    }
}

/// Says how `counts` compare with those `before`.
///
/// # Errors
/// What has grown by more than [`MOST_GROWTH`], or is not counted in the file, or not any more.
pub(super) fn compare(before: &Counts, counts: &Counts) -> Result<(), String> {
    println!("{}", table(counts, Some(before)));
    let names = |counts: &Counts| -> Vec<(String, String)> {
        let of_way = |(way, of): (&String, &BTreeMap<String, f64>)| {
            of.keys().map(|name| (way.clone(), name.clone())).collect::<Vec<_>>()
        };
        counts.iter().flat_map(of_way).collect()
    };
    if names(before) != names(counts) {
        return Err(format!("the file has other counts than are made now; {RENEW}"));
    }
    let grown: Vec<String> = names(counts)
        .into_iter()
        .filter_map(|(way, name)| {
            let (then, now) = (before[&way][&name], counts[&way][&name]);
            let most = then * (1.0 + MOST_GROWTH) + ROUNDING;
            (now > most).then(|| format!("{way}: {name} takes {now:.1} instructions, {then:.1} before"))
        })
        .collect();
    match grown.is_empty() {
        true => Ok(()),
        false => Err(format!("{}\n{RENEW}", grown.join("\n"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(parse: f64) -> Counts {
        Counts::from([("ipv4-1".into(), BTreeMap::from([("parse".into(), parse)]))])
    }

    #[test]
    fn three_in_a_hundred_more_is_too_much() {
        let before = counts(100.0);
        for (parse, well) in [(80.0, true), (100.0, true), (103.1, true), (103.2, false), (120.0, false)] {
            assert_eq!(compare(&before, &counts(parse)).is_ok(), well, "{parse}");
        }
        let told = compare(&before, &counts(120.0)).unwrap_err();
        assert!(told.starts_with("ipv4-1: parse takes 120.0 instructions, 100.0 before\n"), "{told}");
        assert!(told.contains("--write"));
    }

    #[test]
    fn shares_are_of_all_that_a_worker_takes() {
        let counts = [("parse", 50.0), ("lookup", 100.0), ("rewrite", 20.0), ("worker", 200.0)];
        let of_way = counts.map(|(name, count)| (name.to_owned(), count)).into();
        let told = "200 instructions: parse 25 %, classify 0 %, police 0 %, lookup 50 %, rewrite 10 %, the rest 15 %";
        assert_eq!(shares(&of_way).unwrap(), told);
        assert_eq!(shares(&BTreeMap::new()), None);
    }

    #[test]
    fn what_is_not_counted_on_both_sides_is_named() {
        assert!(compare(&Counts::new(), &counts(1.0)).is_err());
        assert!(compare(&counts(1.0), &Counts::new()).is_err());
    }

    #[test]
    fn the_file_has_every_count() {
        let file = read().unwrap();
        for (way, of_way) in &file {
            let names: &[&str] = if way == "tree" { &TREES } else { &STAGES };
            assert_eq!(names_of(of_way).collect::<Vec<_>>(), names, "{way}");
            assert!(of_way.values().all(|count| *count > 0.0) && of_way.len() == names.len(), "{way}");
        }
        assert_eq!(file.len(), 15);
    }
}
