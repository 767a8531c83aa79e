//! `cargo run --release -p benches --` `compare`: Viaduct and its peers, measured in turn;
//! `instructions`: what a packet costs, counted exactly.

mod compare;

use std::process::ExitCode;

use benches::instructions;
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
    Instructions(instructions::Arguments),
}

fn main() -> ExitCode {
    match Arguments::parse().what {
        What::Compare(arguments) => compare::run(&arguments),
        What::Instructions(arguments) => match instructions::run(arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(problem) => {
                eprintln!("{problem}");
                ExitCode::FAILURE
            }
        },
    }
}
