//! The terminal: taken while the view is live, and given back however that ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self, Event, KeyEventKind};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::draw::draw;
use super::feed::Feed;
use super::view::{Act, View};
use crate::exit::Done;

/// Longest wait for a key before the router's news are looked for.
const TICK: Duration = Duration::from_millis(100);
/// How often it is drawn anew while there are none: how old it is, is said.
const AGE: Duration = Duration::from_secs(1);

/// Gives the terminal back when it goes: from raw mode, and from its other screen. A panic does so too.
struct Restore;

impl Drop for Restore {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Shows the view until a key or a signal ends it.
pub(super) fn run(view: &mut View, feed: &Feed) -> Done {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, stop.clone())?;
    }
    let restore = Restore;
    let mut terminal = ratatui::try_init()?;
    // A table of thousands of sites costs the router's own machine: it is drawn where something changed.
    let mut drawn: Option<Instant> = None;
    while !stop.load(Ordering::Relaxed) {
        while let Some(news) = feed.news() {
            view.news(news);
            drawn = None;
        }
        if drawn.is_none_or(|at| at.elapsed() >= AGE) {
            terminal.draw(|frame| {
                let area = frame.area();
                draw(view, area, frame.buffer_mut());
            })?;
            drawn = Some(Instant::now());
        }
        if !event::poll(TICK)? {
            continue;
        }
        drawn = None;
        let act = match event::read()? {
            Event::Key(key) if key.kind != KeyEventKind::Release => view.key(key),
            _ => None,
        };
        match act {
            Some(Act::Quit) => break,
            Some(Act::Ask(want)) => feed.want(want),
            None => {}
        }
    }
    drop(restore);
    Ok(())
}
