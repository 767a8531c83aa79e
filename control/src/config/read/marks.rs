//! Maps between marks and classes: `[interface.dscp]`, `[interface.tc]` and
//! `[interface.tc-out]`.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::DeValue;

use crate::config::values::{self, Class, Small};
use crate::config::walk::{Table, Value};

/// A value of a label's traffic class field.
type Tc = Small<0, 7>;

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

pub(super) fn dscp(table: Table<'_, '_>) -> BTreeMap<u8, Class> {
    let help = "a DSCP is a name such as \"ef\" or \"af41\", or 0 to 63";
    each(&table, values::dscp, help, |value, path| read(&table, value, path))
}

pub(super) fn tc(table: Table<'_, '_>) -> BTreeMap<u8, Class> {
    let key = |word: &str| match word.parse::<u8>() {
        Ok(n) if n < 8 => Ok(n),
        _ => Err(format!("\"{}\" is no traffic class of a label", word.chars().take(64).collect::<String>())),
    };
    each(&table, key, "it is a number of 0 to 7 (RFC 5462)", |value, path| read(&table, value, path))
}

pub(super) fn tc_out(table: Table<'_, '_>) -> BTreeMap<Class, u8> {
    each(&table, Class::from_name, &Class::allowed(), |value, path| {
        read::<Tc>(&table, value, path).and_then(|tc| u8::try_from(tc.0).ok())
    })
}
