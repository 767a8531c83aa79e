//! What a plot shows: axes with units, and for each series points with the spread of their rounds.

use serde::{Deserialize, Serialize};

/// How an axis grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// By equal steps, from 0.
    Linear,
    /// By equal factors.
    Log,
}

/// One axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// What it counts, with its unit.
    pub label: String,
    /// How it grows.
    pub scale: Scale,
}

/// One point: the least, the median and the greatest of its rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Where on the axis below; more than 0.
    pub x: f64,
    /// The least.
    pub min: f64,
    /// The median.
    pub median: f64,
    /// The greatest.
    pub max: f64,
}

impl Point {
    /// Of `rounds`, of which there is at least one.
    pub fn of(x: f64, mut rounds: Vec<f64>) -> Self {
        rounds.sort_by(f64::total_cmp);
        let at = |i: usize| rounds.get(i).copied().unwrap_or(f64::NAN);
        Self { x, min: at(0), median: at(rounds.len() / 2), max: at(rounds.len().saturating_sub(1)) }
    }
}

/// Points that belong together, by growing `x`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// What they have in common.
    pub name: String,
    /// They.
    pub points: Vec<Point>,
}

/// A plot, and the figures in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chart {
    /// Its name, that of its files.
    pub name: String,
    /// What it says.
    pub title: String,
    /// Where and when it was measured.
    pub measured: String,
    /// The axis below.
    pub x: Axis,
    /// The axis beside.
    pub y: Axis,
    /// The lines.
    pub series: Vec<Series>,
}

impl Chart {
    /// Its points.
    pub fn points(&self) -> impl Iterator<Item = &Point> {
        self.series.iter().flat_map(|series| &series.points)
    }

    /// Whether it can be drawn.
    ///
    /// # Errors
    /// What is missing or cannot be drawn: no points, figures that are not numbers, or none above 0
    /// where an axis grows by factors.
    pub fn check(&self) -> Result<(), String> {
        let name = &self.name;
        if self.series.is_empty() || self.series.iter().any(|series| series.points.is_empty()) {
            return Err(format!("{name}: there is nothing to draw"));
        }
        if [&self.title, &self.x.label, &self.y.label].iter().any(|text| text.is_empty()) {
            return Err(format!("{name}: its title or an axis says nothing"));
        }
        let finite = |p: &Point| [p.x, p.min, p.median, p.max].iter().all(|n| n.is_finite());
        if let Some(point) = self.points().find(|point| !finite(point)) {
            return Err(format!("{name}: {point:?} is not of numbers"));
        }
        let log = |axis: &Axis| axis.scale == Scale::Log;
        let low = |p: &&Point| log(&self.x) && p.x <= 0.0 || log(&self.y) && p.min <= 0.0;
        match self.points().find(low) {
            Some(point) => Err(format!("{name}: {point:?} has no place on an axis that grows by factors")),
            None => Ok(()),
        }
    }
}
