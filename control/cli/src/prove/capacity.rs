//! `viaduct prove capacity`: what every site's classes are sure of.

use std::path::PathBuf;

use anstyle::Style;
use control::capacity::{Capacity, Row, capacity};
use control::config::parse_unkept;

use crate::exit::{Done, Failure};
use crate::output::{self, BAD, FAINT, GOOD};
use crate::table::Table;

const EXAMPLES: &str = "\
Of each class of each interface that has a rate: what it gets at least when every class
of every interface waits, no more than its policer lets in; the longest wait of a frame, from coming to being sent, and
the most that waits. These are of what is promised ([[promise]]); where nothing is, of
what the class's policer lets through; where it has none, of a full queue, which holds what qos.CLASS.limit
says, else what the class sends in 200 ms when all wait, or (control not) the interface in 50 ms if that is
more; 200 ms of the interface with codel. CALLS is how many fit. Bounds are worst cases (network calculus), not averages; turns of a worker come on
top, some microseconds each, two at the most for each rate on the way.

No bound is passed. On a line that sites share, traffic made to be the worst gets voice to half
of its wait at least, and other classes to a third, and to no more than twice their rate.

A promise that cannot be kept is told with the number that is short and what would mend
it; `check` and `apply` refuse such a file.

Examples:
  viaduct prove capacity site.toml
  viaduct prove capacity site.toml --interface surgery-17 --json";

/// Work out the longest wait and the calls that fit, for every site and class.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A router's configuration file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Of this interface only.
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Done {
    let text = control::daemon::read(&arguments.file)?;
    let config = parse_unkept(&text.text, &text.file).map_err(Failure::from)?;
    let mut told = capacity(&config);
    if let Some(name) = &arguments.interface {
        if !config.interfaces.iter().any(|i| i.name == *name) {
            return Err(Failure::Failed(format!("{}: there is no interface \"{name}\"", text.file)));
        }
        told.rows.retain(|row| row.interface == *name);
    }
    if arguments.json {
        output::json(&told)?;
    } else {
        print(&told);
    }
    if told.holds() { Ok(()) } else { Err(Failure::Failed(String::new())) }
}

fn print(told: &Capacity) {
    let mut table = Table::new(&["INTERFACE", "CLASS", ">AT-LEAST", "OF", ">WAIT", ">BACKLOG", ">CALLS"]);
    for row in &told.rows {
        let [rate, wait, backlog, calls] = row.columns();
        let cells =
            [row.interface.clone(), row.class.clone(), rate, row.of.to_string(), wait, backlog, calls];
        table.styled(cells, style(row));
    }
    table.print("no interface has a rate: give qos.rate, or the rate of its port");
    unbounded(&told.rows);
    for row in &told.rows {
        promises(row);
    }
}

/// Why no class of an interface has a bound, where it is the same for all.
fn unbounded(rows: &[Row]) {
    for of in rows.chunk_by(|a, b| a.interface == b.interface) {
        let Some(why) = of.first().and_then(|row| row.unbounded.as_ref()) else { continue };
        if of.iter().all(|row| row.unbounded.as_ref() == Some(why)) {
            output::line(format_args!("{FAINT}no bounds: {why}{FAINT:#}"));
        }
    }
}

fn style(row: &Row) -> Style {
    match row.promises.is_empty() {
        false if row.promises.iter().any(|held| held.short.is_some()) => BAD,
        false => GOOD,
        true if row.unbounded.is_some() => FAINT,
        true => Style::new(),
    }
}

fn promises(row: &Row) {
    for held in &row.promises {
        let of = format!("{} {}: {}", row.interface, row.class, held.promise);
        match &held.short {
            None => output::line(format_args!("{GOOD}kept{GOOD:#}    {of}")),
            Some((short, mend)) => {
                output::line(format_args!("{BAD}broken{BAD:#}  {of}\n    {short}\n    {mend}"));
            }
        }
    }
}
