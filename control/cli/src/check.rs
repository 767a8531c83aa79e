//! `viaduct check`: every fault of a configuration file, without a router.

use std::path::PathBuf;

use crate::exit::{Done, Failure};
use crate::output;

/// Read a configuration file and report every fault in it, with line and key.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Configuration file.
    file: PathBuf,
    /// Print the faults as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Done {
    let text = control::daemon::read(&arguments.file)?;
    match control::config::parse(&text.text, &text.file) {
        Ok(config) => {
            if arguments.json {
                return output::json(&serde_json::json!({ "file": text.file, "errors": [] }));
            }
            anstream::println!(
                "{}: {} ports, {} interfaces, {} vrfs, {} routes; no faults",
                text.file,
                config.ports.len(),
                config.interfaces.len(),
                config.vrfs.len() + 1,
                config.routes.len()
            );
            Ok(())
        }
        Err(errors) => {
            if arguments.json {
                output::json(&errors)?;
            }
            Err(Failure::Faults(output::faults(&errors)))
        }
    }
}
