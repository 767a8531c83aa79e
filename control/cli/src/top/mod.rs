//! `viaduct top`: the sites, live.
//!
//! ```text
//! router ⇄ feed (a thread: asks each second, waits 2 s at most) → view (what is shown) → draw → terminal
//!                                                                    ↑ keys
//! ```

mod draw;
mod feed;
mod screen;
#[cfg(test)]
mod tests;
mod view;

use std::io::IsTerminal;
use std::path::Path;

use control::client::Client;

use crate::exit::{Done, Failure};
use crate::output;
use feed::{Feed, Told, Want};
use view::{Sort, View};

const ABOUT: &str = "\
Keys: 1 to 5 sort by name, rate, drops, delay or depth, s by the next of these; up, down, Page Up,
Page Down, Home and End choose a site or scroll, Enter shows its classes, Esc goes back; q ends.

Sites are sorted by what was delivered in 1 s, dropped in 10 s, the longest wait of calls in 10 s, or
the bytes queued; the most first. `viaduct show qos --help` says what each column means.

Where the router goes away, what it said last stays, with its age, and it is asked again each second.";

/// Watch the sites: rates, queues, drops and the wait of calls, each second anew.
#[derive(Debug, clap::Args)]
#[command(after_help = ABOUT)]
pub(crate) struct Arguments {
    /// Begin with the classes of this interface.
    site: Option<String>,
    /// Sort by this first.
    #[arg(long, value_enum, default_value_t = Sort::Rate)]
    sort: Sort,
    /// Print one frame as text, and end; so it is too where the output is no terminal.
    #[arg(long)]
    once: bool,
}

pub(crate) fn run(arguments: &Arguments, socket: &Path) -> Done {
    let client = Client::new(socket);
    let want = arguments.site.clone().map_or(Want::Sites, Want::Site);
    let mut view = View::new(arguments.sort, want.clone());
    // The first answer decides whether there is anything to watch.
    let told = output::ask(feed::ask(&client, &want))?;
    if let (Told::Site(None), Some(name)) = (&told, &arguments.site) {
        return Err(Failure::Failed(format!("there is no interface \"{name}\"; `viaduct top` shows all")));
    }
    view.told(told);
    if arguments.once || !std::io::stdout().is_terminal() {
        draw::text(&mut view).iter().for_each(output::line);
        return Ok(());
    }
    screen::run(&mut view, &Feed::start(client, want)?)
}
