//! `viaduct`: the router process and its command line.

mod apply;
mod check;
mod daemon;
mod demo;
mod exit;
mod output;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A software router for converged IP/MPLS networks.
#[derive(Debug, Parser)]
#[command(name = "viaduct", version, propagate_version = true, after_help = exit::HELP)]
struct Arguments {
    /// Control socket of the router process.
    #[arg(long, global = true, value_name = "PATH", default_value = control::client::DEFAULT_SOCKET)]
    socket: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the router process.
    Daemon(daemon::Arguments),
    /// Read a configuration file and report every fault in it.
    Check(check::Arguments),
    /// Make a configuration file the running router's, whole or not at all.
    Apply(apply::Arguments),
    /// Show the main job: calls stay perfect while a study crosses the same link.
    Demo(demo::Arguments),
    /// Show what the running router does.
    Show(show::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let socket = arguments.socket;
    let done = match arguments.command {
        Command::Daemon(arguments) => daemon::run(&arguments, &socket),
        Command::Check(arguments) => check::run(&arguments),
        Command::Apply(arguments) => apply::run(&arguments, &socket),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Show(arguments) => show::run(&arguments, &socket),
    };
    exit::code(done)
}
