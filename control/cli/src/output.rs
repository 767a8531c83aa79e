//! What commands print: tables that align, colours only on a terminal.

use std::io::IsTerminal;

use control::ConfigErrors;
use serde::Serialize;

use crate::exit::{Done, Failure};

/// The faults of a configuration file, drawn when a person looks.
pub(crate) fn faults(errors: &ConfigErrors) -> String {
    let terminal = std::io::stderr().is_terminal();
    if terminal { errors.fancy(std::env::var_os("NO_COLOR").is_none()) } else { errors.to_string() }
}

/// Prints `value` as indented JSON.
pub(crate) fn json(value: &impl Serialize) -> Done {
    let text = serde_json::to_string_pretty(value).map_err(|e| Failure::Failed(e.to_string()))?;
    anstream::println!("{text}");
    Ok(())
}

/// Runs a question to the router to its end.
pub(crate) fn ask<T>(
    question: impl Future<Output = Result<T, control::client::ClientError>>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(question)?)
}
