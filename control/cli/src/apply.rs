//! `viaduct apply`: a configuration file into the running router.

use std::path::{Path, PathBuf};

use control::api::types::Applied;
use control::client::Client;

use crate::exit::Done;
use crate::output;

/// Make a configuration file the running router's, whole or not at all.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Configuration file.
    file: PathBuf,
    /// Print what was done as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments, socket: &Path) -> Done {
    let text = control::daemon::read(&arguments.file)?;
    control::config::parse(&text.text, &text.file)
        .map_err(|errors| crate::exit::Failure::Faults(output::faults(&errors)))?;
    let applied: Applied = output::ask(Client::new(socket).post("/v1/apply", &text))?;
    if arguments.json {
        return output::json(&applied);
    }
    for change in &applied.changes {
        anstream::println!("{change}");
    }
    for warning in &applied.warnings {
        anstream::eprintln!("warning: {warning}");
    }
    anstream::println!("{} is in force, generation {}", text.file, applied.generation);
    Ok(())
}
