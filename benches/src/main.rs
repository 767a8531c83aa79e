//! `cargo run --release -p benches -- compare`: Viaduct and its peers, measured in turn.

mod compare;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measurements that need more than criterion.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Compare(compare::Arguments),
}

fn main() -> ExitCode {
    let What::Compare(arguments) = Arguments::parse().what;
    compare::run(&arguments)
}
