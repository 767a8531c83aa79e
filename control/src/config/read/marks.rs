//! Maps between marks and classes: `[interface.dscp]`, `[interface.pcp]`,
//! `[interface.tc]`, and with `-out` those of what leaves.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::DeValue;

use crate::config::rule::{ByColour, Dscp, Meaning};
use crate::config::values::{self, Class, Small};
use crate::config::walk::{Table, Value};

/// A label's traffic class, or a tag's priority.
type Eighth = Small<0, 7>;

/// Entries of a table whose keys are data.
fn each<K: Ord, V>(
    table: &Table<'_, '_>,
    key: impl Fn(&str) -> Result<K, String>,
    help: &str,
    value: impl Fn(&Spanned<DeValue<'_>>, &str) -> Option<V>,
) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    for (word, span, at) in table.entries() {
        let shown: String = word.chars().take(64).collect();
        let path = table.path_of(&shown);
        match key(word) {
            Ok(k) if map.contains_key(&k) => {
                let message = "the same thing is named twice".into();
                table.reader.note(Some(span), &path, message, "name it once");
            }
            Ok(k) => drop(value(at, &path).map(|v| map.insert(k, v))),
            Err(message) => table.reader.note(Some(span), &path, message, help),
        }
    }
    map
}

fn read<T: Value>(table: &Table<'_, '_>, value: &Spanned<DeValue<'_>>, path: &str) -> Option<T> {
    let note = |m| table.reader.note(Some(value.span()), path, m, &T::allowed());
    T::read(value.get_ref()).map_err(note).ok()
}

pub(super) fn dscp(table: Table<'_, '_>) -> BTreeMap<u8, Meaning> {
    each(&table, values::dscp, &Dscp::allowed(), |value, path| read(&table, value, path))
}

pub(super) fn tc(table: Table<'_, '_>) -> BTreeMap<u8, Meaning> {
    of_eight(&table, "traffic class of a label", "it is a number of 0 to 7 (RFC 5462)")
}

pub(super) fn pcp(table: Table<'_, '_>) -> BTreeMap<u8, Meaning> {
    of_eight(&table, "priority of a tag", "it is a number of 0 to 7 (IEEE 802.1Q)")
}

/// What each of eight values means.
fn of_eight(table: &Table<'_, '_>, what: &str, help: &str) -> BTreeMap<u8, Meaning> {
    let key = |word: &str| match word.parse::<u8>() {
        Ok(n) if n < 8 => Ok(n),
        _ => Err(format!("\"{}\" is no {what}", word.chars().take(64).collect::<String>())),
    };
    each(table, key, help, |value, path| read(table, value, path))
}

pub(super) fn dscp_out(table: Table<'_, '_>) -> BTreeMap<Class, ByColour> {
    each(&table, Class::from_name, &Class::allowed(), |value, path| read(&table, value, path))
}

/// Class to a number of 0 to 7.
pub(super) fn eighths(table: Table<'_, '_>) -> BTreeMap<Class, u8> {
    each(&table, Class::from_name, &Class::allowed(), |value, path| {
        read::<Eighth>(&table, value, path).and_then(|n| u8::try_from(n.0).ok())
    })
}
