//! `viaduct man`: manual pages, one a command, made of what `--help` says.

use std::path::PathBuf;

use clap::CommandFactory;

use crate::exit::{Done, Failure};
use crate::output;

const EXAMPLES: &str = "\
Examples:
  viaduct man /usr/share/man/man1
  viaduct man pages && man -l pages/viaduct-show-routes.1";

/// Write the manual pages, one a command, into a folder.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The folder; it is made when it is not there.
    #[arg(default_value = ".", hide_default_value = true)]
    folder: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Done {
    let folder = &arguments.folder;
    let told = |error: std::io::Error| Failure::Failed(format!("{}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(told)?;
    clap_mangen::generate_to(crate::Arguments::command(), folder).map_err(told)?;
    output::line(format_args!("manual pages are in {}", folder.display()));
    Ok(())
}
