//! Tables that align: no borders, numbers to the right, nothing cut off.

use anstyle::Style;
use comfy_table::{CellAlignment, ContentArrangement, presets};

use crate::output::{self, HEAD};

/// Spaces between two columns.
const GAP: u16 = 2;

/// A table of text.
pub(crate) struct Table {
    inner: comfy_table::Table,
    styles: Vec<Style>,
}

impl Table {
    /// With these headings; those that start with `>` are of columns of numbers.
    pub(crate) fn new(headings: &[&str]) -> Self {
        let mut inner = comfy_table::Table::new();
        inner.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        inner.set_header(headings.iter().map(|h| h.trim_start_matches('>')).collect::<Vec<_>>());
        for (at, heading) in headings.iter().enumerate() {
            let Some(column) = inner.column_mut(at) else { continue };
            column.set_padding((0, GAP));
            if heading.starts_with('>') {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Self { inner, styles: vec![HEAD] }
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.styled(cells, Style::new());
    }

    /// Adds a row of a style.
    pub(crate) fn styled<const N: usize>(&mut self, cells: [String; N], style: Style) {
        self.inner.add_row(cells.map(|c| if c.is_empty() { "-".to_owned() } else { c }).to_vec());
        self.styles.push(style);
    }

    /// Prints it, or says that there is nothing.
    pub(crate) fn print(&self, nothing: &str) {
        if self.is_empty() {
            return output::line(nothing);
        }
        for (text, style) in self.lines() {
            output::line(format_args!("{style}{text}{style:#}"));
        }
    }

    /// Whether it has no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// The headings and the rows, each with its style.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (String, Style)> {
        let styles = self.styles.iter().copied();
        self.inner.lines().map(|text| text.trim_end().to_owned()).zip(styles)
    }
}

/// A fraction of a second, in microseconds with one decimal.
pub(crate) fn micros(value: f64) -> String {
    format!("{value:.1}")
}

/// Bit/s that were measured, to four figures.
pub(crate) fn bits(rate: u64) -> String {
    let (unit, scale) = match rate {
        0..1_000 => return format!("{rate} bit/s"),
        1_000..1_000_000 => ("kbit/s", 1e3),
        1_000_000..1_000_000_000 => ("Mbit/s", 1e6),
        _ => ("Gbit/s", 1e9),
    };
    let value = rate as f64 / scale;
    let figures = 3 - value.log10() as usize;
    format!("{value:.figures$} {unit}")
}

/// Seconds as days, hours, minutes and seconds, the largest two.
pub(crate) fn span(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match () {
        () if days > 0 => format!("{days}d {hours}h"),
        () if hours > 0 => format!("{hours}h {minutes}m"),
        () if minutes > 0 => format!("{minutes}m {}s", seconds % 60),
        () => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measured_rates_have_four_figures() {
        let told = [0, 999, 1_234, 99_996, 9_998_123, 1_000_000_000, 123_456_789_012].map(bits);
        let wanted =
            ["0 bit/s", "999 bit/s", "1.234 kbit/s", "100.00 kbit/s", "9.998 Mbit/s", "1.000 Gbit/s"];
        assert_eq!(told[..6], wanted);
        assert_eq!(told[6], "123.5 Gbit/s");
    }

    #[test]
    fn spans_are_told_by_their_largest_two() {
        assert_eq!([5, 65, 3_700, 90_000].map(span), ["5s", "1m 5s", "1h 1m", "1d 1h"]);
    }
}
