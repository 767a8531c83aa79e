//! The proof that communities are closed, held against real routers: seeded leaks,
//! random packets, and networks of the full size.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod agree;
mod hub;
mod network;
mod running;
mod scale;
mod seeded;
mod seeds;
mod stages;

use std::sync::Arc;

use control::config::{Config, parse};
use control::prove::{Intent, Report, Router, Scope, isolation};
use control::{PortFacts, compile};

/// Names and configurations, read and compiled.
#[track_caller]
pub(crate) fn compiled<'t>(
    files: impl IntoIterator<Item = (&'t str, &'t str)>,
) -> (Vec<Config>, Vec<Router>) {
    let one = |(name, text): (&str, &str)| {
        let config = parse(text, name).unwrap_or_else(|errors| panic!("{errors}"));
        let snapshot = compile(&config, &PortFacts::default()).unwrap_or_else(|errors| panic!("{errors}"));
        let router = Router::new(&config, Arc::new(snapshot));
        (config, router)
    };
    files.into_iter().map(one).unzip()
}

/// The proof of these files, with the intent of all of them.
#[track_caller]
pub(crate) fn proved<'t>(files: impl IntoIterator<Item = (&'t str, &'t str)>) -> Report {
    let (configs, routers) = compiled(files);
    match isolation(&routers, &Intent::of(&configs), Scope::Network) {
        Ok(report) => report,
        Err(errors) => panic!("{errors:?}"),
    }
}
