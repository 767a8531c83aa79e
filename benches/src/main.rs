//! `cargo run --release -p benches --` `compare`: Viaduct and its peers, measured in turn;
//! `instructions`: what a packet costs, counted exactly; `plots`: how cost grows, drawn.

mod compare;

use std::process::ExitCode;

use benches::{instructions, plots};
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
    Plots(plots::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().what {
        What::Compare(arguments) => return compare::run(&arguments),
        What::Instructions(arguments) => instructions::run(arguments),
        What::Plots(arguments) => plots::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}
