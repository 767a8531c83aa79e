//! Draws a view into the cells of a terminal.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::feed::Want;
use super::view::{Sort, View};
use crate::output::{BAD, FAINT, HEAD, ODD};
use crate::qos;
use crate::table::bits;

/// Lines before the table of sites, and the one of keys behind it.
const ABOVE: usize = 3;
const BELOW: usize = 1;

/// A line and how it looks.
type Line = (String, anstyle::Style);

fn look(style: anstyle::Style) -> Style {
    match style {
        s if s == BAD => Style::new().fg(Color::Red),
        s if s == ODD => Style::new().fg(Color::Yellow),
        s if s == HEAD => Style::new().add_modifier(Modifier::BOLD),
        s if s == FAINT => Style::new().add_modifier(Modifier::DIM),
        _ => Style::new(),
    }
}

/// What is at the top: what is seen, and whether it is fresh.
fn title(view: &View) -> [Line; 2] {
    let what = match &view.want {
        Want::Sites => {
            let all = &view.sites.totals;
            let [now, lately] = all.delivered.map(bits);
            let depth = (all.depth.frames, all.depth.bytes);
            format!(
                "{} sites by {}: {now} delivered, {lately} over 10 s; {} frames, {} bytes queued",
                all.sites,
                view.sort.word(),
                depth.0,
                depth.1
            )
        }
        Want::Site(name) => format!("site {name}"),
    };
    let state = match view.trouble() {
        Some((why, since)) => {
            (format!("nothing new for {} s, asked again each second: {why}", since.as_secs()), BAD)
        }
        None => (String::new(), FAINT),
    };
    [(what, HEAD), state]
}

fn keys(view: &View) -> Line {
    let text = match view.want {
        Want::Sites => {
            let sorts = Sort::ALL.iter().zip(1..).map(|(sort, key)| format!("{key} {}", sort.word()));
            format!("{}  s next  ↑↓ choose  Enter classes  q quit", sorts.collect::<Vec<_>>().join("  "))
        }
        Want::Site(_) => "↑↓ scroll  Esc back  q quit".into(),
    };
    (text, FAINT)
}

/// The classes of a site, and what they dropped.
fn tree(view: &View) -> Vec<Line> {
    let Some(tree) = &view.tree else { return vec![("asking the router".into(), FAINT)] };
    let plain = |text: String| (text, anstyle::Style::new());
    let mut lines: Vec<Line> = qos::head(&tree.site, &tree.port).into_iter().map(plain).collect();
    let drops = qos::drops(&tree.classes);
    for table in [qos::rates(&tree.classes), qos::queues(&tree.classes), drops] {
        if !table.is_empty() {
            lines.push(plain(String::new()));
            lines.extend(table.lines());
        }
    }
    lines
}

/// The head of the table, and its rows.
fn sites(view: &View) -> (Line, Vec<Line>) {
    let table = qos::sites(view.sites.sites.iter());
    let mut lines = table.lines();
    let head = lines.next().unwrap_or_default();
    (head, lines.collect())
}

/// Writes a line, cut off where the area ends.
fn put(buffer: &mut Buffer, area: Rect, row: usize, (text, style): &Line, more: Style) {
    if row < usize::from(area.height) {
        let style = look(*style).patch(more);
        buffer.set_stringn(area.x, area.y + row as u16, text, usize::from(area.width), style);
    }
}

/// Draws the view; what it has no room for is reached by choosing.
pub(super) fn draw(view: &mut View, area: Rect, buffer: &mut Buffer) {
    let height = usize::from(area.height);
    for (row, line) in title(view).iter().enumerate() {
        put(buffer, area, row, line, Style::new());
    }
    match view.want {
        Want::Site(_) => {
            let lines = tree(view);
            view.page = height.saturating_sub(ABOVE).max(1);
            view.scroll = view.scroll.min(lines.len().saturating_sub(view.page));
            for (row, line) in lines.iter().skip(view.scroll).take(view.page).enumerate() {
                put(buffer, area, ABOVE - 1 + row, line, Style::new());
            }
        }
        Want::Sites => table(view, area, buffer),
    }
    put(buffer, area, height.saturating_sub(BELOW), &keys(view), Style::new());
}

fn table(view: &mut View, area: Rect, buffer: &mut Buffer) {
    let (head, rows) = sites(view);
    view.page = usize::from(area.height).saturating_sub(ABOVE + BELOW).max(1);
    let (chosen, last) = (view.row(), rows.len().saturating_sub(view.page));
    view.top = view.top.max((chosen + 1).saturating_sub(view.page)).min(chosen).min(last);
    put(buffer, area, ABOVE - 1, &head, Style::new());
    for (at, line) in rows.iter().enumerate().skip(view.top).take(view.page) {
        let more = if at == chosen { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() };
        put(buffer, area, ABOVE + at - view.top, line, more);
    }
}

/// The whole view as lines of text, as wide and as long as they are, without the line of keys.
pub(super) fn text(view: &mut View) -> Vec<String> {
    let mut lines: Vec<String> = title(view).map(|(text, _)| text).into();
    match view.want {
        Want::Sites => {
            let (head, rows) = sites(view);
            lines.push(head.0);
            lines.extend(rows.into_iter().map(|(text, _)| text));
        }
        Want::Site(_) => lines.extend(tree(view).into_iter().map(|(text, _)| text)),
    }
    lines
}
