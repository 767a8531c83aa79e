//! `benches/instructions.toml`: what the counts were when somebody last looked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::probe::NAMES;

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

/// Writes the file.
pub(super) fn write(counts: &Counts) -> Result<(), String> {
    let mut text = HEAD.to_owned();
    for (way, of_way) in counts {
        let _ = writeln!(text, "\n[{way}]");
        for name in NAMES {
            let _ = writeln!(text, "{name} = {:.1}", of_way.get(name).copied().unwrap_or_default());
        }
    }
    std::fs::write(path(), text).map_err(|e| format!("{}: {e}", path().display()))
}

/// The counts as a table; beside each that differs from `before` by how much.
pub(super) fn table(counts: &Counts, before: Option<&Counts>) -> String {
    let mut text = format!("{:16}", "per packet");
    NAMES.iter().for_each(|name| text += &format!("{name:>16}"));
    for (way, of_way) in counts {
        let _ = write!(text, "\n{way:16}");
        for name in NAMES {
            let now = of_way.get(name).copied().unwrap_or_default();
            let then = before.and_then(|before| before.get(way)?.get(name).copied());
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
    fn what_is_not_counted_on_both_sides_is_named() {
        assert!(compare(&Counts::new(), &counts(1.0)).is_err());
        assert!(compare(&counts(1.0), &Counts::new()).is_err());
    }

    #[test]
    fn the_file_has_every_count() {
        let file = read().unwrap();
        assert!(file.values().all(|of_way| NAMES.iter().all(|name| of_way[*name] > 0.0)));
        assert_eq!(file.len(), 13);
    }
}
