//! Walking the parsed file: each key asked for by name, each fault noted with
//! its place, none of them an end to the reading.
//!
//! A [`Table`] remembers which keys it was asked for; when the reading of it is
//! finished, every other key in it is an error, with the nearest known word.

use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::errors::Finding;

/// Findings kept while reading, so that a hostile file cannot make the list large.
const MOST_FINDINGS: usize = 10_000;

/// Where the faults go.
#[derive(Default)]
pub(super) struct Reader {
    findings: RefCell<Vec<Finding>>,
    /// A key that is missing may be the one that could not be parsed.
    broken_syntax: bool,
}

impl Reader {
    pub(super) fn new(broken_syntax: bool) -> Self {
        Self { broken_syntax, ..Self::default() }
    }

    pub(super) fn note(&self, span: Option<Range<usize>>, key: &str, message: String, help: &str) {
        let mut findings = self.findings.borrow_mut();
        if findings.len() < MOST_FINDINGS {
            findings.push(Finding { span, key: key.into(), message, help: help.into() });
        }
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.findings.into_inner()
    }
}

/// A value that a key can have.
pub(super) trait Value: Sized {
    /// What may be written, as a sentence.
    fn allowed() -> String;
    /// The value, or what is wrong with it.
    fn read(value: &DeValue<'_>) -> Result<Self, String>;
}

/// The text of a string value, or that it is none.
pub(super) fn text<'v>(value: &'v DeValue<'_>) -> Result<&'v str, String> {
    value.as_str().ok_or_else(|| format!("this is {}, not a string", kind(value)))
}

/// The value of an integer.
pub(super) fn integer(value: &DeValue<'_>) -> Result<i64, String> {
    let Some(n) = value.as_integer() else {
        return Err(format!("this is {}, not a number", kind(value)));
    };
    i64::from_str_radix(n.as_str(), n.radix()).map_err(|_| format!("{} is too large", n.as_str()))
}

/// What a value is, in words.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The nearest of `known` to `word`, when it is near enough to be meant.
pub(super) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // Long words are no slips of the pen, and the distance is quadratic.
    let short = (word.len() <= 64).then_some(word)?;
    let scored = known.into_iter().map(|k| (strsim::damerau_levenshtein(short, k), k));
    scored.filter(|(d, k)| *d <= 1 + k.len() / 4).min().map(|(_, k)| k)
}

/// "did you mean" and what there is, for a word that is not known.
pub(super) fn help_words<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    let mut known: Vec<&str> = known.into_iter().collect();
    known.dedup();
    let meant = nearest(word, known.iter().copied());
    let meant = meant.map(|k| format!("did you mean \"{k}\"? ")).unwrap_or_default();
    const SHOWN: usize = 24;
    match known.len() {
        0 => "there is none".into(),
        n if n > SHOWN => format!("{meant}allowed: {}, and {} more", known[..SHOWN].join(", "), n - SHOWN),
        _ => format!("{meant}allowed: {}", known.join(", ")),
    }
}

/// The same for the name of an item of a list of the file, of which there may be none.
pub(super) fn help_names<'k>(list: &str, name: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    let mut known = known.into_iter().peekable();
    match known.peek() {
        None => format!("there is none: add [[{list}]] with name = \"{name}\""),
        Some(_) => help_words(name, known),
    }
}

/// One table of the file.
pub(super) struct Table<'r, 't> {
    pub(super) reader: &'r Reader,
    table: &'r DeTable<'t>,
    /// Its key from the root; empty for the root.
    pub(super) path: String,
    pub(super) span: Range<usize>,
    asked: Vec<&'static str>,
}

impl<'r, 't> Table<'r, 't> {
    pub(super) fn new(reader: &'r Reader, table: &'r DeTable<'t>, path: String, span: Range<usize>) -> Self {
        Self { reader, table, path, span, asked: Vec::new() }
    }

    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.into() } else { format!("{}.{key}", self.path) }
    }

    fn wrong(&self, key: &str, span: Range<usize>, message: String, help: &str) {
        self.reader.note(Some(span), &self.path_of(key), message, help);
    }

    /// Notes a fault of `key`, at its value when it has one.
    pub(super) fn fault(&self, key: &str, message: String, help: &str) {
        let span = self.table.get(key).map_or(self.span.clone(), |v| v.span());
        self.wrong(key, span, message, help);
    }

    /// The raw value of `key`.
    pub(super) fn raw(&mut self, key: &'static str) -> Option<&'r Spanned<DeValue<'t>>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.table.get(key)
    }

    fn take<T: Value>(&self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<T> {
        T::read(value.get_ref()).map_err(|m| self.wrong(key, value.span(), m, &T::allowed())).ok()
    }

    /// The value of `key`, if it is there and right.
    pub(super) fn get<T: Value>(&mut self, key: &'static str) -> Option<T> {
        let value = self.raw(key)?;
        self.take(key, value)
    }

    /// The value of a `key` that must be there.
    pub(super) fn need<T: Value>(&mut self, key: &'static str) -> Option<T> {
        if self.raw(key).is_none() && !self.reader.broken_syntax {
            self.wrong(key, self.span.clone(), format!("\"{key}\" is missing"), &T::allowed());
        }
        self.get(key)
    }

    /// A whole number within `range`.
    pub(super) fn number(
        &mut self,
        key: &'static str,
        range: RangeInclusive<i64>,
        unit: &str,
    ) -> Option<i64> {
        let value = self.raw(key)?;
        let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
        let allowed = format!("allowed: {} to {}{unit}", range.start(), range.end());
        let checked = integer(value.get_ref())
            .and_then(|n| range.contains(&n).then_some(n).ok_or_else(|| format!("{n} is out of range")));
        checked.map_err(|m| self.wrong(key, value.span(), m, &allowed)).ok()
    }

    /// A value that can be compared, within `range`.
    pub(super) fn within<T>(&mut self, key: &'static str, range: RangeInclusive<T>) -> Option<T>
    where
        T: Value + PartialOrd + std::fmt::Display,
    {
        let raw = self.raw(key)?;
        let bounds = format!("{} to {}", range.start(), range.end());
        let (message, help) = match T::read(raw.get_ref()) {
            Ok(value) if range.contains(&value) => return Some(value),
            Ok(value) => (format!("{value} is out of range"), format!("allowed: {bounds}")),
            Err(message) => (message, format!("{}; allowed: {bounds}", T::allowed())),
        };
        self.wrong(key, raw.span(), message, &help);
        None
    }

    /// A list; a single value stands for a list of one.
    pub(super) fn list<T: Value>(&mut self, key: &'static str) -> Vec<T> {
        let Some(value) = self.raw(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            return self.take(key, value).into_iter().collect();
        };
        let indexed = items.iter().enumerate();
        indexed.filter_map(|(i, item)| self.take(&format!("{key}[{i}]"), item)).collect()
    }

    fn sub(&self, path: String, value: &'r Spanned<DeValue<'t>>) -> Option<Table<'r, 't>> {
        let Some(table) = value.get_ref().as_table() else {
            let message = format!("this is {}, not a table", kind(value.get_ref()));
            self.reader.note(Some(value.span()), &path, message, "write it as [table] or { key = value }");
            return None;
        };
        Some(Table::new(self.reader, table, path, value.span()))
    }

    /// A list of values and tables; a single one stands for a list of one.
    pub(super) fn mixed<V: Value, T>(
        &mut self,
        key: &'static str,
        plain: impl Fn(V) -> T,
        read: impl Fn(Table<'r, 't>) -> Option<T>,
    ) -> Vec<T> {
        let Some(value) = self.raw(key) else { return Vec::new() };
        let item = |key: String, item: &'r Spanned<DeValue<'t>>| match item.get_ref().as_table() {
            Some(_) => self.sub(self.path_of(&key), item).and_then(&read),
            None => self.take(&key, item).map(&plain),
        };
        match value.get_ref().as_array() {
            None => item(key.into(), value).into_iter().collect(),
            Some(items) => {
                let indexed = items.iter().enumerate();
                indexed.filter_map(|(i, one)| item(format!("{key}[{i}]"), one)).collect()
            }
        }
    }

    /// The table called `key`.
    pub(super) fn table(&mut self, key: &'static str) -> Option<Table<'r, 't>> {
        let value = self.raw(key)?;
        self.sub(self.path_of(key), value)
    }

    /// The array of tables called `key`, each with its place in the list.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<(usize, Table<'r, 't>)> {
        let Some(value) = self.raw(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            let message = format!("this is {}, not a list of tables", kind(value.get_ref()));
            self.wrong(key, value.span(), message, &format!("write each as [[{key}]]"));
            return Vec::new();
        };
        let indexed = items.iter().enumerate();
        let table = |(i, item)| Some((i, self.sub(format!("{}[{i}]", self.path_of(key)), item)?));
        indexed.filter_map(table).collect()
    }

    /// Every key with its place and value, for tables whose keys are data.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'r str, Range<usize>, &'r Spanned<DeValue<'t>>)> {
        self.table.iter().map(|(k, v)| (k.get_ref().as_ref(), k.span(), v))
    }

    /// Notes every key that nothing asked for.
    pub(super) fn finish(self) {
        for (key, span, _) in self.entries().filter(|(k, ..)| !self.asked.contains(k)) {
            let help = help_words(key, self.asked.iter().copied());
            let place =
                if self.path.is_empty() { "a configuration".into() } else { format!("\"{}\"", self.path) };
            let shown: String = key.chars().take(64).collect();
            self.wrong(&shown, span, format!("there is no key \"{shown}\" in {place}"), &help);
        }
    }
}

/// The place of `path` (`interface[2].qos.rate`), or of the nearest table around it.
pub(super) fn locate(root: &Spanned<DeTable<'_>>, path: &str) -> Option<Range<usize>> {
    let mut table = root.get_ref();
    let mut found = None;
    for part in path.split('.') {
        let (key, index) = match part.split_once('[') {
            Some((key, index)) => (key, index.trim_end_matches(']').parse::<usize>().ok()),
            None => (part, None),
        };
        let Some(mut value) = table.get(key) else { break };
        if let (Some(index), Some(items)) = (index, value.get_ref().as_array()) {
            value = items.get(index)?;
        }
        found = Some(value.span());
        let Some(inner) = value.get_ref().as_table() else { break };
        table = inner;
    }
    found
}
