//! `viaduct diff`: what applying a file would change.

use std::path::{Path, PathBuf};

use control::Change;
use control::client::Client;

use crate::exit::Done;
use crate::output;

const EXAMPLES: &str = "\
A line starts with + for what comes, - for what goes, ~ for what changes.

Examples:
  viaduct diff site.toml            against the running router
  viaduct diff old.toml new.toml    two files, without a router";

/// Tell what applying a configuration file would change; change nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Configuration file.
    file: PathBuf,
    /// A second file: the differences from the first to this one, without a router.
    to: Option<PathBuf>,
    /// Print the differences as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments, socket: &Path) -> Done {
    let text = control::daemon::read(&arguments.file)?;
    let config = control::config::parse(&text.text, &text.file)?;
    let changes: Vec<Change> = match &arguments.to {
        Some(to) => {
            let to = control::daemon::read(to)?;
            control::diff(&config, &control::config::parse(&to.text, &to.file)?)
        }
        None => output::ask(Client::new(socket).post("/v1/diff", &text))?,
    };
    if arguments.json {
        return output::json(&changes);
    }
    output::changes(&changes);
    if changes.is_empty() {
        output::line("no differences");
    }
    Ok(())
}
