//! `viaduct show`: what the running router does.

use std::path::Path;

use control::client::Client;

use crate::exit::Done;
use crate::output;

/// Show what the running router does.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// ports, interfaces, neighbours, classes, drops, workers or version.
    what: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments, socket: &Path) -> Done {
    let path = format!("/v1/{}", arguments.what);
    let answer: serde_json::Value = output::ask(Client::new(socket).get(&path))?;
    output::json(&answer)
}
