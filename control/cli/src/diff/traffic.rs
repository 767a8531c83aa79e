//! `viaduct diff OLD NEW --traffic FILE`, `--headers FILE`: packets whose class or marks would
//! change, as they come in or as they leave.

use std::path::Path;

use anstyle::Style;
use control::reclass::{Changed, Comparison, Differs, Left, Metered, Reclassed, Treated};
use control::{Config, PortFacts, compile};
use dataplane::wire::dscp;

use crate::exit::{Done, Failure};
use crate::explain::{capture, words};
use crate::output;
use crate::table::Table;

/// Where packets are taken from.
pub(super) struct Packets<'a> {
    pub(super) traffic: Option<&'a Path>,
    pub(super) headers: Option<&'a Path>,
    pub(super) place: Option<&'a str>,
}

impl Packets<'_> {
    pub(super) fn asked(&self) -> bool {
        self.traffic.is_some() || self.headers.is_some()
    }
}

/// Packets of both files, by both configurations.
pub(super) fn run(old: &Config, new: &Config, packets: &Packets<'_>, json: bool) -> Done {
    let [old, new] = [compile(old, &PortFacts::default())?, compile(new, &PortFacts::default())?];
    let mut comparison = Comparison::new(&old, &new);
    if let Some(file) = packets.traffic {
        for (frame, number) in capture::whole(file).map_err(Failure::Failed)?.iter().zip(1..) {
            let told = |why| Failure::Failed(format!("{}: packet {number}: {why}", file.display()));
            comparison.frame(frame, number, packets.place).map_err(told)?;
        }
    }
    if let Some(file) = packets.headers {
        headers(file, &mut comparison)?;
    }
    let found = comparison.done();
    if json { output::json(&found) } else { print(found) }
}

/// Faults of a file of headers that are told one by one.
const MOST_FAULTS: usize = 20;

/// A packet a line, in the words of explain; `#` starts a remark. All that is wrong is told at once.
fn headers(file: &Path, comparison: &mut Comparison<'_>) -> Done {
    let text = std::fs::read_to_string(file)
        .map_err(|e| Failure::Failed(format!("{}: {e}; name a file of headers", file.display())))?;
    let mut faults: Vec<String> = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let said: Vec<String> =
            line.split('#').next().unwrap_or("").split_whitespace().map(Into::into).collect();
        if said.is_empty() {
            continue;
        }
        let told = |why: String| format!("{}:{number}: {why}", file.display());
        let asked = words::question(&said).and_then(|question| comparison.question(&question, number));
        faults.extend(asked.err().map(told));
    }
    if faults.is_empty() {
        return Ok(());
    }
    let more = faults.len().saturating_sub(MOST_FAULTS);
    faults.truncate(MOST_FAULTS);
    faults.extend((more > 0).then(|| format!("and {more} more lines")));
    Err(Failure::Failed(faults.join("\n")))
}

fn print(found: Reclassed) -> Done {
    let mut table = Table::new(&[">PACKETS", ">BYTES", "INTERFACE", "CHANGES", "WAS", "BECOMES", "EXAMPLE"]);
    for row in found.rows {
        let example = format!("{}: {}", row.number, row.example);
        let (packets, bytes) = (row.packets.to_string(), row.bytes.to_string());
        let names: Vec<_> = row.differs.iter().map(|differs| differs.name()).collect();
        let (old, new) = words_of(&row);
        table.styled([packets, bytes, row.interface, names.join(" "), old, new, example], Style::new());
    }
    table.print("no packet's class or marks would change");
    output::line(format_args!(
        "{} of {} packets would change; meters are taken to be full, so that what is done with green is done",
        found.changed, found.packets
    ));
    for row in &found.metered {
        let Metered { interface, class, old, new, packets } = row;
        output::line(format_args!(
            "{packets} packets of {class} by {interface} are metered otherwise, which tells once more than that comes: \
             was {old}; becomes {new}"
        ));
    }
    if found.packets > found.read {
        output::line(format_args!(
            "these are {} packets, each taken to come in by every port; --in PORT names the one they came by",
            found.read
        ));
    }
    if found.skipped > 0 {
        output::line(format_args!("{} longer than any buffer of a router were skipped", found.skipped));
    }
    Ok(())
}

/// What they were and what they become; how they leave where something of that changes.
fn words_of(row: &Changed) -> (String, String) {
    let out = [Differs::ClassOut, Differs::ColourOut, Differs::DscpOut, Differs::TcOut, Differs::PriorityOut];
    let ends = |leaves: &Left, comes: &Treated| match (leaves, comes) {
        (Left::Ended(left), Treated::Ended(came)) => left != came,
        (Left::Ended(_), Treated::As { .. }) => true,
        _ => false,
    };
    let told = row.differs.iter().any(|differs| out.contains(differs))
        || ends(&row.old_leaves, &row.old) != ends(&row.new_leaves, &row.new);
    let words = |comes: &Treated, leaves: &Left| match told {
        true => format!("{}; leaves {}", came(comes), left(leaves)),
        false => came(comes),
    };
    (words(&row.old, &row.old_leaves), words(&row.new, &row.new_leaves))
}

fn marked(class: impl std::fmt::Display, colour: impl std::fmt::Debug, mark: Option<u8>) -> String {
    let mark = mark.map_or_else(String::new, |dscp| {
        let name = dscp::name(dscp).map_or_else(|| dscp.to_string(), str::to_lowercase);
        format!(", {name}")
    });
    format!("{class}, {}{mark}", format!("{colour:?}").to_lowercase())
}

fn came(treated: &Treated) -> String {
    match treated {
        Treated::As { class, colour, dscp } => marked(class, colour, *dscp),
        Treated::Ended(why) => why.clone(),
    }
}

fn left(left: &Left) -> String {
    match left {
        Left::As { class, colour, dscp, tc, priority } => {
            let tc = tc.map_or_else(String::new, |tc| format!(", tc {tc}"));
            let priority = priority.map_or_else(String::new, |priority| format!(", priority {priority}"));
            format!("{}{tc}{priority}", marked(class, colour, *dscp))
        }
        Left::Ended(why) => format!("not, {why}"),
    }
}
