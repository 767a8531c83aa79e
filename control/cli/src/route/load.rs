//! `viaduct route load`: a file of routes, checked whole, sent in parts.

use std::io::{IsTerminal, Read};
use std::path::Path;

use control::client::Client;
use control::{RouteChange, RouteReport};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ipnet::IpNet;

use super::line;
use crate::exit::Failure;

/// Changes sent together.
const PART: usize = 50_000;
/// Faults told of one file; the others are counted.
const MOST_FAULTS: usize = 20;
/// Changes between two plain lines of progress.
const STEP: u64 = 100_000;

/// Checks the file at `path`, and makes its changes.
pub(super) fn run(client: &Client, path: &Path, vrf: &str) -> Result<RouteReport, Failure> {
    let (text, name) = read(path)?;
    let lines = check(&text, &name, vrf)?;
    let progress = Progress::new(lines.len() as u64);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut sum = RouteReport::default();
    for (done, part) in lines.chunks(PART).enumerate() {
        let (numbers, batch): (Vec<usize>, Vec<RouteChange>) = changes(part, vrf).unzip();
        let sent = runtime.block_on(client.post("/v1/routes", &batch));
        let report: RouteReport =
            sent.map_err(|error| refused(error.into(), &name, &numbers, done * PART))?;
        add(&mut sum, &report);
        progress.advance(batch.len() as u64);
    }
    progress.finish();
    Ok(sum)
}

fn read(path: &Path) -> Result<(String, String), Failure> {
    let told = |error: std::io::Error| {
        Failure::Failed(format!("{}: {error}; name a file of routes that this user may read", path.display()))
    };
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(told)?;
        return Ok((text, "standard input".into()));
    }
    Ok((std::fs::read_to_string(path).map_err(told)?, path.display().to_string()))
}

/// A line of the file with its number, from 1.
type Line<'t> = (usize, &'t str);

/// The changes that these lines ask for.
fn changes<'t>(lines: &'t [Line<'t>], vrf: &'t str) -> impl Iterator<Item = (usize, RouteChange)> + 't {
    lines.iter().filter_map(move |(number, line)| Some((*number, line::parse(line, vrf).ok().flatten()?)))
}

fn prefix(change: &RouteChange) -> IpNet {
    match change {
        RouteChange::Add(route) => route.prefix,
        RouteChange::Remove { prefix, .. } => *prefix,
    }
}

/// The lines that ask for a change, when every line is sound: in the order of their
/// prefixes, in which tables take them fastest, those of one prefix in the file's.
fn check<'t>(text: &'t str, name: &str, vrf: &str) -> Result<Vec<Line<'t>>, Failure> {
    let (mut sound, mut faults, mut told) = (Vec::new(), 0, String::new());
    for (at, line) in text.lines().enumerate() {
        match line::parse(line, vrf) {
            Ok(change) => sound.extend(change.map(|change| (prefix(&change), (at + 1, line)))),
            Err(fault) => {
                faults += 1;
                if faults <= MOST_FAULTS {
                    told.push_str(&format!("{name}:{}: {fault}\n", at + 1));
                }
            }
        }
    }
    if faults == 0 {
        sound.sort_by_key(|(prefix, _)| *prefix);
        return Ok(sound.into_iter().map(|(_, line)| line).collect());
    }
    let shown = if faults > MOST_FAULTS { format!(", the first {MOST_FAULTS} shown") } else { String::new() };
    let plural = if faults == 1 { "" } else { "s" };
    Err(Failure::Faults(format!("{told}{name}: {faults} fault{plural}{shown}; no route was changed")))
}

/// What the router says about a part, with the lines of the file in place of its own numbers.
fn refused(failure: Failure, name: &str, numbers: &[usize], done: usize) -> Failure {
    let Failure::Failed(message) = failure else { return failure };
    let place = |line: &str| {
        let (number, rest) = line.strip_prefix("route ")?.split_once(": ")?;
        let at = numbers.get(number.parse::<usize>().ok()?.checked_sub(1)?)?;
        Some(format!("{name}:{at}: {rest}"))
    };
    let told: Vec<_> = message.lines().map(|l| place(l).unwrap_or_else(|| l.to_owned())).collect();
    Failure::Failed(format!(
        "{}\nthis part of {} changed nothing; {done} others are in force",
        told.join("\n"),
        plural(numbers.len())
    ))
}

fn plural(lines: usize) -> String {
    if lines == 1 { "1 line".into() } else { format!("{lines} lines") }
}

fn add(sum: &mut RouteReport, report: &RouteReport) {
    sum.added += report.added;
    sum.replaced += report.replaced;
    sum.removed += report.removed;
    sum.missing += report.missing;
    sum.unresolved += report.unresolved;
}

/// A bar on a terminal, plain lines otherwise; on standard error.
enum Progress {
    Bar(ProgressBar),
    Lines { done: std::cell::Cell<u64>, total: u64 },
}

impl Progress {
    fn new(total: u64) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines { done: 0.into(), total };
        }
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        let template = "{bar:40} {human_pos}/{human_len} routes, {per_sec}, {eta} left";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self::Bar(bar.with_style(style))
    }

    fn advance(&self, n: u64) {
        match self {
            Self::Bar(bar) => bar.inc(n),
            Self::Lines { done, total } => {
                let before = done.replace(done.get() + n);
                if before / STEP != done.get() / STEP {
                    eprintln!("{} of {total} routes", done.get());
                }
            }
        }
    }

    fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_lines_of_the_file() {
        let message = "route 2: there is no vrf \"red\"\nno route was changed".to_owned();
        let told = refused(Failure::Failed(message), "f", &[10, 13, 14], 7);
        let Failure::Failed(text) = told else { panic!() };
        assert!(
            text.ends_with("7 others are in force")
                && text
                    .starts_with("f:13: there is no vrf \"red\"\nno route was changed\nthis part of 3 lines"),
            "{text}"
        );
    }

    #[test]
    fn a_file_with_faults_is_told_whole_and_counted() {
        let text = "10.0.0.0/8 via 192.0.2.1\n\n# c\nnonsense\n10.0.0.0/8\n";
        let Err(Failure::Faults(told)) = check(text, "f", "default") else { panic!() };
        assert!(
            told.contains("f:4: \"nonsense\" is no prefix") && told.contains("f:5: no next hop"),
            "{told}"
        );
        assert!(told.ends_with("f: 2 faults; no route was changed"), "{told}");
        // In the order of prefixes, those of one prefix in the file's.
        let text = "del ::/0\n10.1.0.0/16 blackhole\n10.0.0.0/8 blackhole\ndel 10.0.0.0/8\n";
        let order =
            check(text, "f", "default").ok().map(|lines| lines.iter().map(|l| l.0).collect::<Vec<_>>());
        assert_eq!(order, Some(vec![3, 4, 2, 1]));
    }
}
