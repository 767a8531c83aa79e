//! How cost grows: measured, and drawn with the figures beside it.
//!
//! `plots [--only NAME] [--out DIR]` writes `NAME.svg` and `NAME.json` for each chart. The points of a
//! chart are measured in turn, round by round, since the clock of a shared machine drifts.

pub mod chart;
mod draw;
mod growth;

use std::fs;
use std::path::{Path, PathBuf};

use chart::{Chart, Point, Series};
pub use draw::svg;
use growth::{Growth, Repeat};

use crate::cpu;

/// Draw how cost grows.
///
/// Each chart is measured on one core, its points in turn, and written as SVG, with its figures as JSON
/// beside it: routes, sites, rules, vrfs, flows, sizes, batches, memory. Drawn are the medians of all
/// rounds; a bar at each point goes from the least to the greatest.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only this chart; may be repeated.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Where the files go.
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/plots"))]
    out: PathBuf,
    /// Rounds, 3 to 99.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u8).range(3..=99))]
    rounds: u8,
    /// The core that everything is pinned to. Default: the last one.
    #[arg(long)]
    core: Option<usize>,
    /// Measure nothing: draw the figures that are there again.
    #[arg(long)]
    redraw: bool,
}

/// Measures and draws.
///
/// # Errors
/// What there is no chart of, or what could not be measured, drawn or written.
pub fn run(arguments: &Arguments) -> Result<(), String> {
    let charts = wanted(&arguments.only)?;
    let core = arguments.core.unwrap_or_else(cpu::last);
    cpu::pin(core).map_err(|e| format!("core {core} cannot be pinned to: {e}"))?;
    fs::create_dir_all(&arguments.out).map_err(|e| format!("{}: {e}", arguments.out.display()))?;
    for growth in charts {
        let chart = match arguments.redraw {
            true => read(&arguments.out, growth.name)?,
            false => measure(growth, arguments.rounds),
        };
        write(&arguments.out, &chart)?;
        println!("{}", said(&chart));
    }
    Ok(())
}

/// The charts of these names; all where none is named.
fn wanted(only: &[String]) -> Result<Vec<Growth>, String> {
    let all = growth::all();
    if let Some(unknown) = only.iter().find(|name| all.iter().all(|growth| growth.name != **name)) {
        let names: Vec<_> = all.iter().map(|growth| growth.name).collect();
        return Err(format!("there is no chart \"{unknown}\"; there are {}", names.join(", ")));
    }
    Ok(all.into_iter().filter(|g| only.is_empty() || only.iter().any(|name| name == g.name)).collect())
}

/// All points, round by round; the first round warms caches, and is forgotten.
fn measure(growth: Growth, rounds: u8) -> Chart {
    let Growth { name, title, x, y, points } = growth;
    let mut made: Vec<(&str, f64, Repeat, Vec<f64>)> = Vec::new();
    for point in points {
        made.push((point.series, point.x, (point.make)(), Vec::new()));
    }
    for round in 0..=rounds {
        for (_, _, repeat, took) in &mut made {
            let took_now = repeat();
            took.extend(Some(took_now).filter(|_| round > 0));
        }
    }
    let mut series: Vec<Series> = Vec::new();
    for (name, x, _, took) in made {
        let point = Point::of(x, took);
        match series.last_mut().filter(|last| last.name == name) {
            Some(last) => last.points.push(point),
            None => series.push(Series { name: name.into(), points: vec![point] }),
        }
    }
    let measured = format!(
        "{}, {}, one core; medians of {rounds} rounds, bars from the least to the greatest",
        cpu::today(),
        cpu::model()
    );
    Chart { name: name.into(), title: title.into(), measured, x, y, series }
}

/// Figures as they were written.
fn read(folder: &Path, name: &str) -> Result<Chart, String> {
    let file = folder.join(format!("{name}.json"));
    let text = fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
    serde_json::from_str(&text).map_err(|e| format!("{}: {e}", file.display()))
}

/// Writes the picture and its figures; neither where it cannot be drawn.
fn write(folder: &Path, chart: &Chart) -> Result<(), String> {
    let picture = svg(chart)?;
    let figures = serde_json::to_string_pretty(chart).map_err(|e| e.to_string())?;
    for (ending, text) in [("svg", picture), ("json", figures + "\n")] {
        let file = folder.join(format!("{}.{ending}", chart.name));
        fs::write(&file, text).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    Ok(())
}

/// The medians, for people.
fn said(chart: &Chart) -> String {
    let mut text = format!("{}: {}", chart.name, chart.y.label);
    for series in &chart.series {
        let points = series.points.iter().map(|p| format!("{} {:.1}", p.x, p.median));
        text += &format!("\n  {}: {}", series.name, points.collect::<Vec<_>>().join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::chart::{Axis, Scale};
    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn parse(words: &[&str]) -> Result<Arguments, clap::Error> {
        Line::try_parse_from(std::iter::once(&"plots").chain(words)).map(|line| line.arguments)
    }

    #[test]
    fn arguments_name_charts_a_folder_and_rounds() {
        let told =
            parse(&["--only", "rules", "--only", "sites", "--out", "/nowhere", "--rounds", "9"]).unwrap();
        assert_eq!(told.only, ["rules", "sites"]);
        assert_eq!((told.out.to_str(), told.rounds, told.redraw), (Some("/nowhere"), 9, false));
        assert!(parse(&[]).unwrap().out.ends_with("benches/plots"));
        assert!(parse(&["--rounds", "2"]).is_err());
        let names: Vec<_> = wanted(&told.only).unwrap().iter().map(|growth| growth.name).collect();
        assert_eq!(names, ["sites", "rules"]);
        let unknown = wanted(&["rule".to_owned()]).err().unwrap();
        assert!(unknown.starts_with("there is no chart \"rule\"; there are routes, sites, "), "{unknown}");
    }

    #[test]
    fn points_are_repeated_and_what_is_written_can_be_read_again() {
        let axis = |label: &str| Axis { label: label.into(), scale: Scale::Log };
        let point = |series, x: f64| growth::Measured {
            series,
            x,
            make: Box::new(move || {
                let mut n = 0.0;
                Box::new(move || {
                    n += x;
                    n
                })
            }),
        };
        let points = vec![point("a", 1.0), point("a", 10.0), point("b", 1.0)];
        let growth = Growth { name: "sample", title: "A sample", x: axis("things"), y: axis("ns"), points };
        let chart = measure(growth, 3);
        let [a, b] = &chart.series[..] else { panic!("{:?}", chart.series) };
        assert_eq!(a.points, [Point::of(1.0, vec![2.0, 3.0, 4.0]), Point::of(10.0, vec![20.0, 30.0, 40.0])]);
        assert_eq!((&*b.name, b.points.len()), ("b", 1));
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &chart).unwrap();
        assert_eq!(read(folder.path(), "sample").unwrap(), chart);
        assert_eq!(fs::read_to_string(folder.path().join("sample.svg")).unwrap(), svg(&chart).unwrap());
        let empty = Chart { series: vec![], name: "empty".into(), ..chart };
        assert!(write(folder.path(), &empty).is_err());
        assert!(!folder.path().join("empty.svg").exists());
    }
}
