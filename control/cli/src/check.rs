//! `viaduct check`: every fault of a configuration file, without a router.

use std::path::PathBuf;

use control::{PortFacts, compile};

use crate::exit::{Done, Failure};
use crate::output::{self, ODD};

const EXAMPLES: &str = "\
Every fault is told in one go, with file, line, column and key, and what is
allowed there. Devices are not looked at: that is for apply. Warnings are of what is allowed and should be
meant: rules that overlap, or a memif port with zero-copy, whose peer can read and change every
packet in the router.

Examples:
  viaduct check site.toml
  viaduct check --json site.toml   {\"file\", \"errors\": [{\"line\", \"column\", \"key\", \"message\", \"help\"}], \"more\",
                                   \"warnings\": as errors}";

/// Read and compile a configuration file, and report every fault in it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Configuration file.
    file: PathBuf,
    /// Print the faults as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Done {
    let text = control::daemon::read(&arguments.file)?;
    let checked = control::config::parse(&text.text, &text.file)
        .and_then(|config| compile(&config, &PortFacts::default()).map(|snapshot| (config, snapshot)));
    let (config, snapshot) = match checked {
        Ok(compiled) => compiled,
        Err(errors) => {
            if arguments.json {
                output::json(&errors)?;
            }
            return Err(Failure::from(errors));
        }
    };
    let warnings = config.warnings();
    if arguments.json {
        let told = serde_json::json!({ "file": text.file, "errors": [], "more": 0, "warnings": warnings });
        return output::json(&told);
    }
    for warning in &warnings {
        anstream::eprint!("{ODD}warning:{ODD:#} {}", warning.plain(&text.file));
    }
    let prefixes: usize = snapshot.vrfs.iter().map(|(_, v)| v.fib4.len() + v.fib6.len()).sum();
    output::line(format_args!(
        "{}: {} ports, {} interfaces, {} vrfs, {} routes ({prefixes} prefixes forwarded by); no faults",
        text.file,
        config.ports.len(),
        config.interfaces.len(),
        config.vrfs.len() + 1,
        config.routes.len()
    ));
    Ok(())
}
