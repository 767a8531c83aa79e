//! `viaduct demo`: a call stays perfect while a study crosses the same link.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{Cell, CellAlignment, Table};
use dataplane::class::TrafficClass;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use testbed::demo::{self, DemoOptions, Progress};
use testbed::report::{ClassOutcome, DemoReport, Mode};

use crate::exit::{Done, Failure};
use crate::output;

/// Show the main job: 30 calls, a video session, clinical transactions and an
/// imaging study over one 10 Mbit/s link, first without QoS, then with it.
///
/// As root it does so on real interfaces in network namespaces, with the real
/// router process; otherwise, or with --virtual, in virtual time.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Print the result as one JSON object.
    #[arg(long)]
    json: bool,
    /// How long it may take altogether.
    #[arg(long, value_name = "N", default_value_t = 30,
          value_parser = clap::value_parser!(u64).range(demo::LEAST_SECONDS..=demo::MOST_SECONDS))]
    seconds: u64,
    /// Seed of every random choice.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Run in virtual time even as root.
    #[arg(long = "virtual")]
    in_virtual_time: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Done {
    let options = DemoOptions { seconds: arguments.seconds, seed: arguments.seed, stop: Arc::default() };
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, options.stop.clone())?;
    }
    let mut view = View::new();
    let report = match mode(arguments) {
        Mode::Namespaces => {
            let program = std::env::current_exe()?;
            demo::run_namespaces(&options, &program, &mut |progress| view.show(progress))
        }
        Mode::Virtual => demo::run_virtual(&options, &mut |progress| view.show(progress)),
    };
    view.end();
    let report = report.map_err(|error| Failure::Failed(error.to_string()))?;
    if arguments.json {
        return output::json(&report);
    }
    anstream::println!("{}\n{}", table(&report), report.conclusion());
    Ok(())
}

/// On what to run it; says so, and why.
fn mode(arguments: &Arguments) -> Mode {
    let (mode, why) = match arguments.in_virtual_time {
        true => (Mode::Virtual, None),
        false => demo::available(),
    };
    match (mode, why) {
        (Mode::Namespaces, _) => anstream::eprintln!(
            "surgery — router — hospital in three network namespaces, the real router process between them"
        ),
        (Mode::Virtual, None) => anstream::eprintln!("in virtual time, on in-process ports"),
        (Mode::Virtual, Some(why)) => {
            anstream::eprintln!("in virtual time, on in-process ports; on real interfaces it {why}");
        }
    }
    mode
}

/// What is seen while it runs: a live picture on a terminal, else a line a second.
struct View {
    terminal: Option<MultiProgress>,
    bars: BTreeMap<Option<TrafficClass>, ProgressBar>,
    phase: Option<bool>,
    line: Duration,
}

impl View {
    fn new() -> Self {
        let terminal = std::io::stderr().is_terminal().then(MultiProgress::new);
        Self { terminal, bars: BTreeMap::new(), phase: None, line: Duration::ZERO }
    }

    fn show(&mut self, progress: &Progress) {
        if self.phase.replace(progress.qos) != Some(progress.qos) {
            self.end();
            self.line = Duration::ZERO;
            anstream::eprintln!("{}", heading(progress.qos));
        }
        match &self.terminal {
            Some(_) => self.draw(progress),
            None => self.say(progress),
        }
    }

    fn draw(&mut self, progress: &Progress) {
        let Some(terminal) = &self.terminal else { return };
        let study = self.bars.entry(None).or_insert_with(|| {
            let style =
                ProgressStyle::with_template("  study     {bar:40} {decimal_bytes} of {decimal_total_bytes}");
            let bar = ProgressBar::new(progress.study);
            terminal.add(style.map_or(bar.clone(), |style| bar.with_style(style)))
        });
        study.set_position(progress.study_done);
        for (class, live) in &progress.classes {
            let bar = self.bars.entry(Some(*class)).or_insert_with(|| {
                let bar = ProgressBar::new_spinner();
                let style = ProgressStyle::with_template("  {msg}");
                terminal.add(style.map_or(bar.clone(), |style| bar.with_style(style)))
            });
            bar.set_message(format!(
                "{class:<9} {:>7} sent {:>7} arrived   longest delay {:>7.1} ms",
                live.sent,
                live.received,
                live.worst.as_secs_f64() * 1e3
            ));
        }
    }

    fn say(&mut self, progress: &Progress) {
        if progress.elapsed < self.line {
            return;
        }
        self.line = progress.elapsed + Duration::from_secs(1);
        let classes = progress.classes.iter().map(|(class, live)| {
            let milliseconds = live.worst.as_secs_f64() * 1e3;
            format!("{class} {}/{} {milliseconds:.1} ms", live.received, live.sent)
        });
        anstream::eprintln!(
            "  {:>3.0} s  {}, study {:.1} of {:.1} MB",
            progress.elapsed.as_secs_f64(),
            classes.collect::<Vec<_>>().join(", "),
            megabytes(progress.study_done),
            megabytes(progress.study)
        );
    }

    fn end(&mut self) {
        for (_, bar) in std::mem::take(&mut self.bars) {
            bar.abandon();
        }
    }
}

fn heading(qos: bool) -> &'static str {
    if qos { "QoS on: a queue for each class" } else { "QoS off: one queue, first in, first out" }
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Both phases beside each other.
fn table(report: &DemoReport) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY);
    table.set_header(["", "", "QoS off", "QoS on"]);
    let (off, on) = (&report.without_qos, &report.with_qos);
    for class in on.classes.keys().copied() {
        let rows = rows(off.class(class)).into_iter().zip(rows(on.class(class)));
        for (n, ((what, off), (_, on))) in rows.enumerate() {
            row(&mut table, if n == 0 { class.name() } else { "" }, what, off, on);
        }
    }
    let study = format!("{:.1} MB took", megabytes(on.transfer.bytes));
    let took = |t: testbed::report::Transfer| format!("{:.2} s", t.seconds);
    let ideal = |t: testbed::report::Transfer| format!("{:.2} s", t.ideal_seconds);
    let ratio = |t: testbed::report::Transfer| format!("{:.2}", t.ratio());
    row(&mut table, "transfer", &study, took(off.transfer), took(on.transfer));
    row(&mut table, "", "ideally", ideal(off.transfer), ideal(on.transfer));
    row(&mut table, "", "took ÷ ideal", ratio(off.transfer), ratio(on.transfer));
    table
}

fn row(table: &mut Table, class: &str, what: &str, off: String, on: String) {
    let number = |text| Cell::new(text).set_alignment(CellAlignment::Right);
    table.add_row([Cell::new(class), Cell::new(what), number(off), number(on)]);
}

fn rows(class: &ClassOutcome) -> Vec<(&'static str, String)> {
    let milliseconds = |us: f64| format!("{:.2} ms", us / 1e3);
    let part = 100.0 * class.lost as f64 / class.sent.max(1) as f64;
    let mut rows = vec![
        ("sent", class.sent.to_string()),
        ("lost", format!("{} ({part:.2} %)", class.lost)),
        ("delay, half within", milliseconds(class.p50_us)),
        ("delay, 99 % within", milliseconds(class.p99_us)),
        ("delay, 99.9 % within", milliseconds(class.p999_us)),
        ("jitter", milliseconds(class.jitter_us)),
    ];
    rows.extend(class.mos.map(|mos| ("MOS", format!("{mos:.2}"))));
    rows
}
