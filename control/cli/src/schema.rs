//! `viaduct schema`: the configuration file's JSON Schema, for editors.

use crate::exit::Done;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  viaduct schema > viaduct.schema.json   for editors that check TOML by a schema";

/// Print the JSON Schema of the configuration file: every key, what it means
/// and what it may be.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {}

pub(crate) fn run() -> Done {
    output::json(&control::Config::schema())
}
