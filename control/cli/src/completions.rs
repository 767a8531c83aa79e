//! `viaduct completions`: what shells complete the command line by.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::exit::Done;

const EXAMPLES: &str = "\
Examples:
  viaduct completions bash > /etc/bash_completion.d/viaduct
  viaduct completions zsh > ~/.zfunc/_viaduct
  viaduct completions fish > ~/.config/fish/completions/viaduct.fish";

/// Print a shell's completions.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The shell.
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments) -> Done {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut crate::Arguments::command(), "viaduct", &mut text);
    std::io::stdout().write_all(&text)?;
    Ok(())
}
