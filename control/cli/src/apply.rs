//! `viaduct apply`: a configuration file into the running router.

use std::path::{Path, PathBuf};

use control::api::types::Applied;
use control::client::Client;

use crate::exit::{Done, Failure};
use crate::output::{self, ODD};

const EXAMPLES: &str = "\
The file is checked whole, then compiled and published as one generation. When
anything is wrong with it, nothing changes and packets go on as before.

Examples:
  viaduct diff site.toml      what it would change
  viaduct apply site.toml     change it";

/// Make a configuration file the running router's, whole or not at all.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Configuration file.
    file: PathBuf,
    /// Print what was done, or the faults, as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments, socket: &Path) -> Done {
    let text = control::daemon::read(&arguments.file)?;
    if let Err(errors) = control::config::parse(&text.text, &text.file) {
        if arguments.json {
            output::json(&errors)?;
        }
        return Err(Failure::from(errors));
    }
    let applied: Applied = output::ask(Client::new(socket).post("/v1/apply", &text))?;
    if arguments.json {
        return output::json(&applied);
    }
    output::changes(&applied.changes);
    for warning in &applied.warnings {
        anstream::eprintln!("{ODD}warning:{ODD:#} {warning}");
    }
    let n = applied.changes.len();
    let changes = match n {
        1 => "1 change".to_owned(),
        _ => format!("{n} changes"),
    };
    output::line(format_args!("{} is in force: {changes}, generation {}", text.file, applied.generation));
    Ok(())
}
