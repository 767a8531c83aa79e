//! What one configuration says otherwise than another, by name and key.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::Config;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// What differs: `interface "wan" qos.rate`.
    pub key: String,
    /// What it was; `None` is not there.
    pub old: Option<String>,
    /// What it is to be; `None` is not there any more.
    pub new: Option<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => write!(f, "~ {}: {old} → {new}", self.key),
            (None, Some(new)) if new.is_empty() => write!(f, "+ {}", self.key),
            (None, Some(new)) => write!(f, "+ {}: {new}", self.key),
            (Some(old), None) if old.is_empty() => write!(f, "- {}", self.key),
            (Some(old), None) => write!(f, "- {}: {old}", self.key),
            (None, None) => write!(f, "  {}", self.key),
        }
    }
}

/// Lists in which the order says nothing.
const SETS: [&str; 7] = ["import", "export", "members", "hubs", "send-only", "receive-only", "prefixes"];

/// Every difference, from `old` to `new`. What stands in both in another order is none,
/// but for interface addresses, next hops, label stacks and the entries of a prefix list,
/// where the order is said.
pub fn diff(old: &Config, new: &Config) -> Vec<Change> {
    let [was_rules, is_rules] =
        [old, new].map(|config| config.rules.iter().map(|rule| rule.name.as_str()).collect::<Vec<_>>());
    let (old, new) = (flat(old), flat(new));
    let mut changes = Vec::new();
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    let mut whole: Option<&str> = None;
    for key in keys {
        // What is inside a thing that comes or goes as a whole is not told again.
        if whole.is_some_and(|w| key.strip_prefix(w).is_some_and(|rest| rest.starts_with(' '))) {
            continue;
        }
        let (was, is) = (old.get(key), new.get(key));
        if was != is {
            let is_whole = was.or(is).is_some_and(String::is_empty);
            whole = is_whole.then_some(key.as_str());
            let (old, new) = (was.cloned(), is.cloned());
            changes.push(Change { key: key.clone(), old, new });
        }
    }
    changes.extend(order(&was_rules, &is_rules));
    changes
}

/// The rules that stand in both, where they do not stand in the same order: the first that
/// matches decides.
fn order(old: &[&str], new: &[&str]) -> Option<Change> {
    let common = |of: &[&str], other: &[&str]| {
        of.iter().filter(|name| other.contains(name)).copied().collect::<Vec<_>>().join(", ")
    };
    let (was, is) = (common(old, new), common(new, old));
    (was != is).then(|| Change { key: "rules in the order of".into(), old: Some(was), new: Some(is) })
}

/// A configuration as key → value; a named thing is a key of its own with an empty value.
fn flat(config: &Config) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    // Types of the configuration have no map with keys other than strings, the one way to fail.
    let Ok(Value::Object(sections)) = serde_json::to_value(config) else { return out };
    for (section, value) in &sections {
        match value {
            Value::Array(items) => {
                for item in items {
                    let title = title(section, item);
                    out.insert(title.clone(), String::new());
                    flatten(&format!("{title} "), item, &mut out);
                }
            }
            other => flatten(&format!("{section} "), other, &mut out),
        }
    }
    out
}

/// What a list's item is called: its name, or what else makes it one.
fn title(section: &str, item: &Value) -> String {
    let text = |key: &str| item.get(key).map(shown).unwrap_or_default();
    match section {
        "route" => format!("route {} in vrf {} distance {}", text("prefix"), text("vrf"), text("distance")),
        "neighbour" => format!("neighbour {} on {}", text("address"), text("interface")),
        "label" => format!("label {}", text("label")),
        "extranet" => format!("extranet from \"{}\" to \"{}\"", text("from"), text("to")),
        _ => format!("{section} \"{}\"", text("name")),
    }
}

fn flatten(prefix: &str, value: &Value, out: &mut BTreeMap<String, String>) {
    let Value::Object(fields) = value else {
        out.insert(prefix.trim_end_matches(['.', ' ']).into(), shown(value));
        return;
    };
    for (key, value) in fields {
        let path = format!("{prefix}{key}");
        match value {
            Value::Null => {}
            Value::Object(_) => flatten(&format!("{path}."), value, out),
            Value::Array(items) if items.is_empty() => {}
            Value::Array(items) if SETS.contains(&key.as_str()) => {
                let mut items: Vec<String> = items.iter().map(shown).collect();
                items.sort();
                out.insert(path, items.join(", "));
            }
            _ => drop(out.insert(path, shown(value))),
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        // A next hop or a target with more than its name: `10.0.0.2 interface wan push [17, 18]`.
        Value::Object(fields) => {
            let field = |(key, value): (&String, &Value)| match (key.as_str(), value) {
                ("address" | "target", value) => shown(value),
                (_, Value::Array(_)) => format!("{key} [{}]", shown(value)),
                _ => format!("{key} {}", shown(value)),
            };
            let (first, more): (Vec<_>, Vec<_>) =
                fields.iter().partition(|(key, _)| matches!(key.as_str(), "address" | "target"));
            first.into_iter().chain(more).map(field).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;

    const OLD: &str = "[[port]]\nname = \"a\"\nkind = \"loopback\"\n
        [[interface]]\nname = \"a\"\naddresses = [\"10.0.0.1/24\"]\n[interface.qos]\nrate = \"10 Mbit/s\"\n
        [[route]]\nprefix = \"0.0.0.0/0\"\nvia = \"10.0.0.2\"\n";

    fn told(old: &str, new: &str) -> Vec<String> {
        let (old, new) = (parse(old, "old").unwrap(), parse(new, "new").unwrap());
        diff(&old, &new).iter().map(Change::to_string).collect()
    }

    #[test]
    fn the_same_is_no_difference() {
        assert_eq!(told(OLD, OLD), Vec::<String>::new());
        assert_eq!(told(OLD, &OLD.replace("10 Mbit/s", "10000 kbit/s")), Vec::<String>::new());
    }

    #[test]
    fn values_and_things_are_told_by_name() {
        let new = OLD.replace("10 Mbit/s", "20 Mbit/s").replace("10.0.0.2", "10.0.0.3")
            + "[[interface]]\nname = \"b\"\nport = \"a\"\nvlan = 7\n[limits]\ndad-probes = 0\n";
        assert_eq!(
            told(OLD, &new),
            [
                "~ interface \"a\" qos.rate: 10 Mbit/s → 20 Mbit/s",
                "+ interface \"b\"",
                "~ limits dad-probes: 1 → 0",
                "~ route 0.0.0.0/0 in vrf default distance 1 via: 10.0.0.2 → 10.0.0.3",
            ]
        );
        assert_eq!(told(&new, OLD)[1], "- interface \"b\"");
    }

    const LABELS: &str = "[[vrf]]\nname = \"red\"\nrd = \"65000:1\"\nimport = [\"65000:1\", \"65000:2\"]\n
        [[prefix-list]]\nname = \"p\"\nentries = [\"10.1.0.0/16\", \"deny 10.2.0.0/16\"]\n
        [[label]]\nlabel = 40000\nswap = 17\nvia = \"10.0.0.2\"\n
        [[community]]\nname = \"reds\"\nmembers = [\"red\", \"pe2:red2\"]\n
        [[community]]\nname = \"blues\"\nmembers = [\"blue\"]\n
        [[extranet]]\nfrom = \"reds\"\nto = \"blues\"\nprefixes = [\"10.3.0.0/16\"]\n";

    fn labelled() -> String {
        let mpls = "name = \"a\"\nmpls = true\naddresses";
        OLD.replace("name = \"a\"\naddresses", mpls) + LABELS
    }

    #[test]
    fn labels_vpns_and_communities_are_told_by_name() {
        let old = labelled();
        let change = |from: &str, to: &str| told(&old, &old.replace(from, to));
        assert_eq!(change("swap = 17", "swap = 18"), ["~ label 40000 swap: 17 → 18"]);
        assert_eq!(change("label = 40000", "label = 40001"), ["- label 40000", "+ label 40001"]);
        assert_eq!(
            change(
                "via = \"10.0.0.2\"\n[[vrf]]",
                "via = [\"10.0.0.3\", { address = \"10.0.0.2\", push = [17, 3] }]\n[[vrf]]"
            ),
            ["~ route 0.0.0.0/0 in vrf default distance 1 via: 10.0.0.2 → 10.0.0.3, 10.0.0.2 push [17, 3]"]
        );
        assert_eq!(
            change("\"65000:2\"]", "{ target = \"65000:2\", prefixes = \"p\" }]"),
            ["~ vrf \"red\" import: 65000:1, 65000:2 → 65000:1, 65000:2 prefixes p"]
        );
        assert_eq!(change("\"65000:1\", \"65000:2\"", "\"65000:2\", \"65000:1\""), Vec::<String>::new());
        assert_eq!(
            change("\"10.1.0.0/16\", \"deny 10.2.0.0/16\"", "\"deny 10.2.0.0/16\", \"10.1.0.0/16\""),
            ["~ prefix-list \"p\" entries: 10.1.0.0/16, deny 10.2.0.0/16 → deny 10.2.0.0/16, 10.1.0.0/16"]
        );
        assert_eq!(
            change("\"red\", \"pe2", "\"pe2"),
            ["~ community \"reds\" members: pe2:red2, red → pe2:red2"]
        );
        assert_eq!(
            change("10.3.0.0/16", "10.4.0.0/16"),
            ["~ extranet from \"reds\" to \"blues\" prefixes: 10.3.0.0/16 → 10.4.0.0/16"]
        );
        let more = format!("{old}[labels]\ndynamic = \"50000-59999\"\n");
        assert_eq!(told(&old, &more), ["~ labels dynamic: 100000-1048575 → 50000-59999"]);
        assert_eq!(
            change("mpls = true", "mpls = true\nmpls-mtu = 1508\ntc-out = { voice = 6 }"),
            ["~ interface \"a\" mpls-mtu: 1500 → 1508", "+ interface \"a\" tc-out.voice: 6"]
        );
    }
}
