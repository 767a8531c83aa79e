//! A chart as SVG: dark text on white, axes with their units, one colour a series, and for
//! each point a bar from the least to the greatest of its rounds.
//!
//! Axes that grow by factors are drawn by the logarithms of their figures, with a mark
//! at each power of ten (of two, where there are few).

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::chart::{Axis, Chart, Point, Scale};

/// Of the picture, pixels.
const SIZE: (u32, u32) = (1000, 640);
/// Part of the greatest figure that is left free above it.
const ROOM: f64 = 0.15;
const INK: RGBColor = RGBColor(30, 30, 30);
const FAINT: RGBColor = RGBColor(205, 205, 205);
/// Told apart by those who do not see all colours, too.
const COLOURS: [RGBColor; 4] =
    [RGBColor(0, 104, 170), RGBColor(200, 80, 0), RGBColor(0, 130, 95), RGBColor(140, 60, 130)];

/// One axis as it is drawn: from where to where, and where its marks are, where an axis by factors has
/// logarithms to the base of ten.
#[derive(Clone)]
struct Span {
    scale: Scale,
    from: f64,
    to: f64,
    marks: Vec<f64>,
}

impl Span {
    /// For figures between `least` and `most`, with room above for what is written there.
    fn new(axis: &Axis, least: f64, most: f64, room: f64) -> Self {
        match axis.scale {
            Scale::Linear => {
                let step = step(most * (1.0 + room));
                let count = (most * (1.0 + room) / step).ceil().max(1.0);
                let marks = (0..=count as u32).map(|i| f64::from(i) * step).collect();
                Self { scale: axis.scale, from: 0.0, to: count * step, marks }
            }
            Scale::Log => {
                let (from, to) = (least.log10(), most.log10());
                let (from, to) = (from - 0.05, to + 0.05 + (to - from) * room);
                let base = if to - from < 2.4 { 2f64.log10() } else { 1.0 };
                let first = (from / base).ceil() as i32;
                let last = (to / base).floor() as i32;
                let marks = (first..=last).map(|i| f64::from(i) * base).collect();
                Self { scale: axis.scale, from, to, marks }
            }
        }
    }

    /// Where a figure is.
    fn place(&self, figure: f64) -> f64 {
        if self.scale == Scale::Log { figure.log10() } else { figure }
    }

    /// The figure that is there.
    fn figure(&self, place: f64) -> f64 {
        if self.scale == Scale::Log { 10f64.powf(place) } else { place }
    }
}

impl Ranged for Span {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, figure: &f64, (first, last): (i32, i32)) -> i32 {
        let part = (self.place(*figure) - self.from) / (self.to - self.from);
        first + (f64::from(last - first) * part).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            return Vec::new();
        }
        self.marks.iter().map(|place| self.figure(*place)).collect()
    }

    fn range(&self) -> Range<f64> {
        self.figure(self.from)..self.figure(self.to)
    }
}

impl ValueFormatter<f64> for Span {
    fn format(figure: &f64) -> String {
        words(*figure)
    }
}

/// A step of 1, 2, 2½ or 5 that makes at most eight of `most`.
fn step(most: f64) -> f64 {
    let power = 10f64.powf((most / 8.0).log10().floor());
    let of = [1.0, 2.0, 2.5, 5.0].into_iter().find(|of| most / (of * power) <= 8.0);
    of.unwrap_or(10.0) * power
}

/// A figure as people write it.
fn words(figure: f64) -> String {
    let round = |n: f64| {
        let text = format!("{n:.1}");
        text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
    };
    match figure {
        n if n >= 999_500.0 => format!("{} M", round(n / 1e6)),
        n if n >= 9_999.5 => format!("{},000", (n / 1e3).round()),
        n if n >= 999.5 => format!("{},{:03}", (n.round() as u64) / 1000, (n.round() as u64) % 1000),
        n => round(n),
    }
}

/// The chart as SVG.
///
/// # Errors
/// What [`Chart::check`] finds, or what cannot be drawn.
pub fn svg(chart: &Chart) -> Result<String, String> {
    chart.check()?;
    let mut text = String::new();
    paint(chart, SVGBackend::with_string(&mut text, SIZE)).map_err(|e| format!("{}: {e}", chart.name))?;
    Ok(text)
}

type Painted = Result<(), Box<dyn std::error::Error>>;

fn paint(chart: &Chart, backend: SVGBackend<'_>) -> Painted {
    let root = backend.into_drawing_area();
    root.fill(&WHITE)?;
    let least = |of: fn(&Point) -> f64| chart.points().map(of).fold(f64::INFINITY, f64::min);
    let most = |of: fn(&Point) -> f64| chart.points().map(of).fold(0.0, f64::max);
    let x = Span::new(&chart.x, least(|p| p.x), most(|p| p.x), 0.0);
    let y = Span::new(&chart.y, least(|p| p.min), most(|p| p.max), ROOM);
    let text = |size: i32| ("sans-serif", size).into_font().color(&INK);
    let (body, foot) = root.split_vertically(SIZE.1 as i32 - 34);
    let middle = Pos::new(HPos::Center, VPos::Top);
    foot.draw_text(&chart.measured, &text(14).pos(middle), (SIZE.0 as i32 / 2, 4))?;
    let mut plot = ChartBuilder::on(&body)
        .caption(&chart.title, text(24))
        .margin(14)
        .margin_right(34)
        .x_label_area_size(62)
        .y_label_area_size(88)
        .build_cartesian_2d(x, y)?;
    plot.configure_mesh()
        .x_desc(&chart.x.label)
        .y_desc(&chart.y.label)
        .label_style(text(17))
        .axis_desc_style(text(19))
        .axis_style(INK)
        .bold_line_style(FAINT)
        .light_line_style(TRANSPARENT)
        .draw()?;
    for (series, colour) in chart.series.iter().zip(COLOURS.iter().cycle()) {
        let at = |p: &Point| (p.x, p.median);
        let line = LineSeries::new(series.points.iter().map(at), colour.stroke_width(3));
        let named = plot.draw_series(line)?.label(&series.name);
        let key = move |(x, y)| Rectangle::new([(x, y - 5), (x + 24, y + 5)], colour.filled());
        named.legend(key);
        plot.draw_series(series.points.iter().map(|p| Circle::new(at(p), 5, colour.filled())))?;
        let bar = |p: &Point| PathElement::new([(p.x, p.min), (p.x, p.max)], colour.stroke_width(2));
        plot.draw_series(series.points.iter().map(bar))?;
    }
    plot.configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .margin(14)
        .legend_area_size(34)
        .background_style(WHITE)
        .border_style(FAINT)
        .label_font(text(18))
        .draw()?;
    root.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plots::chart::Series;

    fn chart() -> Chart {
        let axis = |label: &str, scale| Axis { label: label.into(), scale };
        let points = [1.0, 100.0, 1e6].map(|x| Point::of(x, vec![20.0 + x.log10(), 19.0, 40.0]));
        Chart {
            name: "sample".into(),
            title: "What a packet takes & how it grows".into(),
            measured: "today, here".into(),
            x: axis("routes", Scale::Log),
            y: axis("ns per packet", Scale::Linear),
            series: vec![
                Series { name: "IPv4".into(), points: points.to_vec() },
                Series { name: "IPv6 <wide>".into(), points: points.to_vec() },
            ],
        }
    }

    /// Every element that is opened is closed, in order; the text between them.
    fn elements(svg: &str) -> Result<Vec<String>, String> {
        let (mut open, mut texts, mut rest) = (Vec::new(), Vec::new(), svg);
        while let Some((before, after)) = rest.split_once('<') {
            if before.contains('>') || before.contains('&') && !before.contains(';') {
                return Err(format!("bare signs in {before:?}"));
            }
            texts.extend(Some(before.trim().to_owned()).filter(|text| !text.is_empty()));
            let (tag, after) = after.split_once('>').ok_or("an element does not end")?;
            rest = after;
            if let Some(name) = tag.strip_prefix('/') {
                (open.pop() == Some(name)).then_some(()).ok_or(format!("{name} was not open"))?;
            } else if !tag.ends_with('/') && !tag.starts_with(['?', '!']) {
                open.push(tag.split_whitespace().next().unwrap_or_default());
            }
        }
        if open.is_empty() { Ok(texts) } else { Err(format!("{open:?} are left open")) }
    }

    #[test]
    fn a_chart_is_whole_svg_that_names_its_axes_and_series() {
        let svg = svg(&chart()).unwrap();
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
        let texts = elements(&svg).unwrap();
        let said = |text: &str| texts.iter().any(|said| said == text);
        for text in ["routes", "ns per packet", "IPv4", "IPv6 &lt;wide&gt;", "today, here", "1", "100", "1 M"]
        {
            assert!(said(text), "{text} is not in {texts:?}");
        }
        assert!(said("What a packet takes &amp; how it grows"), "{texts:?}");
        // A point of each series and round, and each within the picture.
        assert_eq!(svg.matches("<circle").count(), 6);
    }

    #[test]
    fn what_has_no_place_is_refused_by_name() {
        let mut empty = chart();
        empty.series[1].points.clear();
        assert_eq!(svg(&empty).unwrap_err(), "sample: there is nothing to draw");
        assert_eq!(
            svg(&Chart { series: vec![], ..chart() }).unwrap_err(),
            "sample: there is nothing to draw"
        );
        let mut unnamed = chart();
        unnamed.y.label.clear();
        assert_eq!(svg(&unnamed).unwrap_err(), "sample: its title or an axis says nothing");
        let mut zero = chart();
        zero.series[0].points[0].x = 0.0;
        assert!(svg(&zero).unwrap_err().contains("no place"));
        zero.series[0].points[0].x = f64::NAN;
        assert!(svg(&zero).unwrap_err().contains("not of numbers"));
    }

    #[test]
    fn marks_are_round_and_cover_all_figures() {
        for most in [0.3, 7.0, 61.0, 99.9, 250.0, 12_345.0] {
            let axis = Axis { label: "x".into(), scale: Scale::Linear };
            let span = Span::new(&axis, 0.0, most, ROOM);
            assert!(span.to >= most && (3..=9).contains(&span.marks.len()), "{most}: {:?}", span.marks);
        }
        let axis = Axis { label: "x".into(), scale: Scale::Log };
        let span = Span::new(&axis, 1.0, 64.0, 0.0);
        assert_eq!(
            span.marks.iter().map(|mark| words(span.figure(*mark))).collect::<Vec<_>>(),
            ["1", "2", "4", "8", "16", "32", "64"]
        );
        let span = Span::new(&axis, 4.0, 64.0, 0.0);
        assert_eq!(
            span.marks.iter().map(|mark| words(span.figure(*mark))).collect::<Vec<_>>(),
            ["4", "8", "16", "32", "64"]
        );
        assert_eq!(
            ["0.5", "7", "390", "4,000", "40,000", "1 M", "2.5 M"].map(str::to_owned),
            [0.5, 7.0, 390.0, 4e3, 4e4, 1e6, 2.5e6].map(words)
        );
    }
}
