//! How commands ask and print: JSON, faults, changes.

use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use control::client::ClientError;
use control::{Change, ConfigErrors};
use serde::Serialize;

use crate::exit::{Done, Failure};

/// What is wrong or lost.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
/// What is well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What wants a look.
pub(crate) const ODD: Style = AnsiColor::Yellow.on_default();
/// What matters less.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// Headings.
pub(crate) const HEAD: Style = Style::new().bold();

/// The faults of a configuration file, drawn when a person looks.
pub(crate) fn faults(errors: &ConfigErrors) -> String {
    let terminal = std::io::stderr().is_terminal();
    if terminal { errors.fancy(std::env::var_os("NO_COLOR").is_none()) } else { errors.to_string() }
}

/// Prints a line; a reader that has gone away ends nothing.
pub(crate) fn line(text: impl std::fmt::Display) {
    let _ = writeln!(anstream::stdout(), "{text}");
}

/// Prints `value` as indented JSON.
pub(crate) fn json(value: &impl Serialize) -> Done {
    line(serde_json::to_string_pretty(value).map_err(|e| Failure::Failed(e.to_string()))?);
    Ok(())
}

/// Runs a question to the router to its end.
pub(crate) fn ask<T>(question: impl Future<Output = Result<T, ClientError>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(question)?)
}

/// `text` as a value of a query (RFC 3986 section 2.1).
pub(crate) fn encoded(text: &str) -> String {
    let byte = |b: u8| match b {
        b if b.is_ascii_alphanumeric() || b"-._~:/".contains(&b) => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// Prints differences: green what comes, red what goes, yellow what changes.
pub(crate) fn changes(changes: &[Change]) {
    for change in changes {
        let style = match (&change.old, &change.new) {
            (None, _) => GOOD,
            (_, None) => BAD,
            _ => ODD,
        };
        line(format_args!("{style}{change}{style:#}"));
    }
}
