//! `viaduct`: the router process and its command line.
//!
//! One file a command. Called by the name `viaductd` it is `viaduct daemon`.

mod apply;
mod check;
mod completions;
mod daemon;
mod demo;
mod diff;
mod exit;
mod explain;
mod hops;
mod label;
mod lsp;
mod man;
mod output;
mod ping;
mod prove;
mod qos;
mod route;
mod schema;
mod show;
mod table;
mod top;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A software router for converged IP/MPLS networks.
///
/// Installed also as viaductd, which is `viaduct daemon`.
#[derive(Debug, Parser)]
#[command(name = "viaduct", version, propagate_version = true, after_help = exit::HELP)]
pub(crate) struct Arguments {
    /// Control socket of the router process.
    #[arg(long, global = true, value_name = "PATH", default_value = control::client::DEFAULT_SOCKET)]
    socket: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Daemon(daemon::Arguments),
    Check(check::Arguments),
    Apply(apply::Arguments),
    Demo(demo::Arguments),
    Diff(diff::Arguments),
    Schema(schema::Arguments),
    Show(show::Arguments),
    Top(top::Arguments),
    Route(route::Arguments),
    Label(label::Arguments),
    Ping(ping::Arguments),
    Lsp(lsp::Arguments),
    Explain(explain::Arguments),
    Prove(prove::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse_from(words(std::env::args_os().collect()));
    let socket = arguments.socket;
    exit::code(match arguments.command {
        Command::Daemon(arguments) => daemon::run(&arguments, &socket),
        Command::Check(arguments) => check::run(&arguments),
        Command::Apply(arguments) => apply::run(&arguments, &socket),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments, &socket),
        Command::Schema(_) => schema::run(),
        Command::Show(arguments) => show::run(&arguments, &socket),
        Command::Top(arguments) => top::run(&arguments, &socket),
        Command::Route(arguments) => route::run(&arguments, &socket),
        Command::Label(arguments) => label::run(&arguments, &socket),
        Command::Ping(arguments) => ping::run(&arguments, &socket),
        Command::Lsp(arguments) => lsp::run(&arguments, &socket),
        Command::Explain(arguments) => explain::run(&arguments, &socket),
        Command::Prove(arguments) => prove::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Man(arguments) => man::run(&arguments),
    })
}

/// The command line, with `daemon` put in where the program is called `viaductd`.
fn words(mut words: Vec<OsString>) -> Vec<OsString> {
    let name = words.first().map(Path::new).and_then(Path::file_name);
    if name.is_some_and(|name| name == "viaductd") {
        words.insert(1, "daemon".into());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn viaductd_is_viaduct_daemon() {
        let told = |line: &str| words(line.split(' ').map(Into::into).collect()).len();
        assert_eq!(told("/usr/bin/viaductd --config f"), 4);
        assert_eq!(told("viaduct daemon --config f"), 4);
        let arguments = Arguments::try_parse_from(words(vec!["./viaductd".into(), "--config=f".into()]));
        assert!(matches!(arguments.unwrap().command, Command::Daemon(_)));
    }
}
