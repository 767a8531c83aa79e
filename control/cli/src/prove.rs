//! `viaduct prove`: what a whole network does, from its configuration files alone.

mod capacity;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;
use control::prove::{Intent, LinkError, Report, Router, Scope, isolation};
use control::{Config, ConfigErrors, PortFacts, compile};

use crate::exit::{Done, Failure};
use crate::output::{self, BAD, GOOD, ODD};

const EXAMPLES: &str = "\
The files are those of all routers of the network; of a directory every *.toml is
taken. Each is compiled to the tables its router would forward by, and every packet
is followed through them from every edge of every vrf: all destinations, and all
labels where an edge accepts labels. What communities and extranets all files declare
together is what is meant to reach what.

A leak, or a member that does not reach another's prefixes, is shown with one packet
and its path, driven through the same stages that a router runs. Packets that leave
with labels by an interface that names a link, whose other end is in no file, are
told, and are no fault. Two interfaces are joined when they name the same link, or
when a next hop of one is the other's address in the same subnet.

Examples:
  viaduct prove isolation network/         all files of a directory
  viaduct prove isolation pe1.toml p1.toml pe2.toml --json";

/// Prove what routers do, from their configuration files.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Isolation(Isolation),
    Capacity(capacity::Arguments),
}

/// Prove that communities are closed, and that their members reach each other.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Isolation {
    /// Configuration files, and directories of them.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Print figures and findings as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Done {
    match &arguments.what {
        What::Isolation(arguments) => closed(arguments),
        What::Capacity(arguments) => capacity::run(arguments),
    }
}

fn closed(arguments: &Isolation) -> Done {
    let files = files(&arguments.paths)?;
    let (configs, routers): (Vec<_>, Vec<_>) = compiled(&files)?.into_iter().unzip();
    let intent = Intent::of(&configs);
    if intent.is_empty() {
        let message = "no file declares a [[community]]: there is nothing to prove";
        return Err(Failure::Failed(message.into()));
    }
    let told = |errors: Vec<LinkError>| errors.iter().map(|e| format!("{e}\n")).collect::<String>();
    let report = isolation(&routers, &intent, Scope::Network).map_err(|e| Failure::Failed(told(e)))?;
    if arguments.json {
        output::json(&report)?;
    } else {
        print(&report);
    }
    if report.holds() { Ok(()) } else { Err(Failure::Failed(String::new())) }
}

/// The files named, and those of the directories named.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(path)? {
            let entry = entry?.path();
            inside.extend(entry.extension().is_some_and(|e| e == "toml").then_some(entry));
        }
        if inside.is_empty() {
            return Err(Failure::Failed(format!("{}: there is no *.toml in it", path.display())));
        }
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}

/// Compiles all files, as many at a time as there are cores.
fn compiled(files: &[PathBuf]) -> Result<Vec<(Config, Router)>, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let part = files.len().div_ceil(cores).max(1);
    let of_part = |files: &[PathBuf]| files.iter().map(|file| of_file(file)).collect::<Vec<_>>();
    let all: Vec<Result<_, Failure>> = std::thread::scope(|scope| {
        let parts: Vec<_> = files.chunks(part).map(|files| scope.spawn(move || of_part(files))).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect()
    });
    let (mut routers, mut faults) = (Vec::new(), String::new());
    for one in all {
        match one {
            Ok(one) => routers.push(one),
            Err(Failure::Faults(text)) => faults.push_str(&text),
            Err(other) => return Err(other),
        }
    }
    if !faults.is_empty() {
        return Err(Failure::Faults(faults));
    }
    if routers.len() < files.len() {
        return Err(Failure::Failed("a file could not be compiled".into()));
    }
    Ok(routers)
}

fn of_file(file: &Path) -> Result<(Config, Router), Failure> {
    let text = control::daemon::read(file)?;
    let faults = |errors: ConfigErrors| Failure::from(errors);
    let config = control::config::parse(&text.text, &text.file).map_err(faults)?;
    let snapshot = compile(&config, &PortFacts::default()).map_err(faults)?;
    let router = Router::new(&config, Arc::new(snapshot));
    Ok((config, router))
}

fn print(report: &Report) {
    let tell = |style: anstyle::Style, finding: String| {
        let (head, rest) = finding.split_once('\n').unwrap_or((&finding, ""));
        output::line(format_args!("{style}{head}{style:#}\n{}", rest.trim_end()));
    };
    report.leaks.iter().for_each(|leak| tell(BAD, leak.to_string()));
    report.missing.iter().for_each(|missing| tell(BAD, missing.to_string()));
    for unproved in &report.unproved {
        tell(if unproved.fault { BAD } else { ODD }, unproved.to_string());
    }
    report.loops.iter().for_each(|found| tell(ODD, found.to_string()));
    for member in &report.unknown_members {
        output::line(format_args!("{BAD}no router has the member {member}{BAD:#}"));
    }
    if report.more > 0 {
        output::line(format_args!("and {} findings more", report.more));
    }
    let figures = report.figures();
    let faults = report.unproved.iter().filter(|u| u.fault).count() + report.unknown_members.len();
    let found = match (report.leaks.len(), report.missing.len(), faults) {
        (0, 0, 0) if report.unproved.is_empty() => {
            format!("{GOOD}closed{GOOD:#}, and all that should be is reached")
        }
        (0, 0, 0) => format!("{GOOD}closed{GOOD:#} as far as these routers decide"),
        (leaks, missing, other) => format!("{BAD}{leaks} leaks, {missing} missing, {other} others{BAD:#}"),
    };
    output::line(format_args!("{figures}, {:.2} s: {found}", report.seconds));
}
