//! `[[match]]` and `[[rule]]`.

use super::name;
use crate::config::rule::{Conditions, MOST_VALUES, MatchGroup, Rule};
use crate::config::values::{Name, Small};
use crate::config::walk::{Table, Value};
use crate::config::words::Direction;

pub(super) fn group(mut table: Table<'_, '_>) -> Option<MatchGroup> {
    let name = name(&mut table, "name");
    let conditions = conditions(&mut table);
    table.finish();
    name.map(|name| MatchGroup { name, conditions })
}

pub(super) fn rule(mut table: Table<'_, '_>) -> Option<Rule> {
    let name = name(&mut table, "name");
    let rule = Rule {
        name: name.clone().unwrap_or_default(),
        direction: table.get("direction").unwrap_or(Direction::In),
        groups: names(&mut table, "match"),
        conditions: conditions(&mut table),
        class: table.get("class"),
        colour: table.get("colour"),
        mark: table.get("mark"),
        mark_tc: table.get::<Small<0, 7>>("mark-tc").map(|tc| tc.0 as u8),
    };
    table.finish();
    name.map(|_| rule)
}

fn conditions(table: &mut Table<'_, '_>) -> Conditions {
    Conditions {
        interface: names(table, "interface"),
        vrf: names(table, "vrf"),
        vlan: some::<Small<1, 4094>>(table, "vlan").into_iter().map(|vid| vid.0).collect(),
        source: some(table, "source"),
        destination: some(table, "destination"),
        source_port: some(table, "source-port"),
        destination_port: some(table, "destination-port"),
        protocol: some(table, "protocol"),
        dscp: some(table, "dscp"),
        tc: some::<Small<0, 7>>(table, "tc").into_iter().map(|tc| tc.0 as u8).collect(),
        length: some(table, "length"),
        fragment: some(table, "fragment"),
    }
}

fn names(table: &mut Table<'_, '_>, key: &'static str) -> Vec<String> {
    some::<Name>(table, key).into_iter().map(|name| name.0).collect()
}

/// The values of a key; one that is there has some, and not too many.
fn some<T: Value>(table: &mut Table<'_, '_>, key: &'static str) -> Vec<T> {
    let written = table.raw(key).and_then(|v| v.get_ref().as_array()).map(|items| items.len());
    match written {
        Some(0) => {
            table.fault(key, "a list without a value".into(), "leave it out for any, or name what matches");
        }
        Some(n) if n > MOST_VALUES => {
            let help = format!("at most {MOST_VALUES} are possible; make two rules of it");
            table.fault(key, format!("{n} values"), &help);
            return Vec::new();
        }
        _ => {}
    }
    table.list(key)
}
