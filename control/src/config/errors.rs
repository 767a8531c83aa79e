//! What is wrong with a configuration, all of it at once.
//!
//! Each entry names file, line, column and key, says what is allowed and how to
//! mend it. The list is plain data, so that the API gives it as it is; on a
//! terminal it is drawn with the lines in question.

use std::cell::OnceCell;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::DeTable;

/// Entries kept of one list; the others are only counted.
pub const MOST_ERRORS: usize = 100;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigError {
    /// Line, from 1; 0 where no place in the file is to blame.
    pub line: usize,
    /// Column in characters, from 1; 0 as for `line`.
    pub column: usize,
    /// The key, from the file's root: `interface[0].mtu`. Lists count from 0.
    pub key: String,
    /// The name of the item of a list that the key is of, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What is allowed, or how to mend it.
    pub help: String,
    /// The bytes of the file in question.
    #[serde(skip)]
    span: Option<Range<usize>>,
}

/// Everything that is wrong with one configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigErrors {
    /// The file's name, as the caller gave it.
    pub file: String,
    /// What is wrong, in the file's order; at most [`MOST_ERRORS`].
    pub errors: Vec<ConfigError>,
    /// How many more there are.
    pub more: usize,
    #[serde(skip)]
    text: Arc<str>,
}

/// What a check found, before it is placed in the file.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) span: Option<Range<usize>>,
    pub(super) key: String,
    pub(super) message: String,
    pub(super) help: String,
}

impl ConfigErrors {
    /// Puts findings in the file's order and gives each its line and column.
    pub(super) fn new(file: &str, text: &Arc<str>, mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|f| f.span.as_ref().map_or(usize::MAX, |s| s.start));
        findings.dedup_by(|a, b| a.span == b.span && a.message == b.message && a.key == b.key);
        let more = findings.len().saturating_sub(MOST_ERRORS);
        findings.truncate(MOST_ERRORS);
        let root = OnceCell::new();
        let named = |key: &str| item(root.get_or_init(|| DeTable::parse_recoverable(text).0), key);
        let mut places = Places { text, offset: 0, line: 1 };
        let errors = findings.into_iter().map(|f| {
            let (line, column) = f.span.as_ref().map_or((0, 0), |s| places.find(s.start));
            let Finding { span, key, message, help } = f;
            let item = named(&key);
            ConfigError { line, column, key, item, message, help, span }
        });
        Self { file: file.into(), errors: errors.collect(), more, text: text.clone() }
    }

    /// Drawn for a terminal: the lines in question, with colours when `colours`.
    pub fn fancy(&self, colours: bool) -> String {
        let theme = if colours { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_links(false);
        let source = NamedSource::new(&self.file, self.text.to_string());
        let mut out = String::new();
        for error in &self.errors {
            // Nothing can fail in writing to a string; a drawing that does falls back to words.
            if handler.render_report(&mut out, &Drawn { error, source: &source }).is_err() {
                out.push_str(&error.plain(&self.file));
            }
            out.push('\n');
        }
        out.push_str(&self.summary());
        out
    }

    fn summary(&self) -> String {
        let n = self.errors.len() + self.more;
        let shown =
            if self.more > 0 { format!(", the first {} shown", self.errors.len()) } else { String::new() };
        format!("{}: {n} error{}{shown}; nothing was changed\n", self.file, if n == 1 { "" } else { "s" })
    }
}

impl ConfigError {
    /// `file:line:column: key: what is wrong`, then the help, each on a line.
    pub fn plain(&self, file: &str) -> String {
        let place = if self.line > 0 { format!("{file}:{}:{}", self.line, self.column) } else { file.into() };
        let key = if self.key.is_empty() { String::new() } else { format!(" {}:", self.key) };
        let help = if self.help.is_empty() { String::new() } else { format!("    {}\n", self.help) };
        format!("{place}:{key} {}{}\n{help}", self.message, self.of())
    }

    /// The item's name where the message does not say it: numbers are for machines.
    fn of(&self) -> String {
        let list = self.key.split('[').next().unwrap_or_default();
        let told =
            |name: &&String| !self.key.ends_with("].name") && !self.message.contains(&format!("\"{name}\""));
        self.item.as_ref().filter(told).map_or_else(String::new, |name| format!(" ({list} \"{name}\")"))
    }
}

impl fmt::Display for ConfigErrors {
    /// Plain lines: `file:line:column: key: what is wrong`, then the help.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.errors.iter().try_for_each(|e| f.write_str(&e.plain(&self.file)))?;
        f.write_str(&self.summary())
    }
}

impl std::error::Error for ConfigErrors {}

/// The name of the item of a list that `key` begins with.
fn item(root: &Spanned<DeTable<'_>>, key: &str) -> Option<String> {
    let (list, rest) = key.split_once('[')?;
    let index: usize = rest.split_once(']')?.0.parse().ok()?;
    let item = root.get_ref().get(list)?.get_ref().as_array()?.get(index)?;
    let name = item.get_ref().as_table()?.get("name")?.get_ref().as_str()?;
    Some(name.chars().take(64).collect())
}

/// Lines and columns of rising offsets, in one walk through the text.
struct Places<'a> {
    text: &'a str,
    offset: usize,
    line: usize,
}

impl Places<'_> {
    fn find(&mut self, at: usize) -> (usize, usize) {
        let at = floor_boundary(self.text, at);
        let bytes = self.text.as_bytes();
        self.line += bytes[self.offset.min(at)..at].iter().filter(|b| **b == b'\n').count();
        self.offset = at.max(self.offset);
        let start = bytes[..at].iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
        (self.line, self.text[start..at].chars().count() + 1)
    }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
}

/// One entry as miette draws it.
#[derive(Debug)]
struct Drawn<'a> {
    error: &'a ConfigError,
    source: &'a NamedSource<String>,
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.error.key.is_empty() {
            f.write_str(&self.error.message)
        } else {
            write!(f, "{}: {}{}", self.error.key, self.error.message, self.error.of())
        }
    }
}

impl std::error::Error for Drawn<'_> {}

impl Diagnostic for Drawn<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        (!self.error.help.is_empty()).then(|| Box::new(&self.error.help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.error.span.clone()?;
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(Some("here".into()), span))))
    }
}
