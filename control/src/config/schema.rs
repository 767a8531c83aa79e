//! The JSON Schema of the file, for editors.
//!
//! It is made of the types, whose texts are the reference. They say what a
//! configuration is once it is read; here it is turned into what may be written:
//! keys with defaults left out, one value in place of a list, words in place of
//! numbers.

use dataplane::class::TrafficClass;
use schemars::Schema;
use serde_json::{Map, Value, json};

use super::types::Config;

/// Keys that must be there, by table. A key of any other table may be left out.
const NEEDED: [(&str, &[&str]); 15] = [
    ("MatchGroup", &["name"]),
    ("Rule", &["name"]),
    ("Port", &["name", "kind"]),
    ("Interface", &["name"]),
    ("Policer", &["rate"]),
    ("Meter", &["kind", "cir"]),
    ("Curve", &["from", "to"]),
    ("Vrf", &["name"]),
    ("PrefixList", &["name", "entries"]),
    ("Route", &["prefix"]),
    ("StaticLabel", &["label"]),
    ("Community", &["name", "members"]),
    ("Extranet", &["from", "to", "prefixes"]),
    ("Promise", &["interface"]),
    ("Neighbour", &["interface", "address", "mac"]),
];

/// The schema of what may be written.
pub(super) fn schema() -> Schema {
    let mut schema = schemars::schema_for!(Config);
    let root = schema.ensure_object();
    table(root, "");
    if let Some(Value::Object(definitions)) = root.get_mut("$defs") {
        for (name, definition) in definitions.iter_mut().filter_map(|(n, d)| Some((n, d.as_object_mut()?))) {
            table(definition, name);
            written(definition, name);
        }
        shared_meter(definitions);
    }
    schema
}

/// A table has the keys it must have, and none that is not known.
fn table(definition: &mut Map<String, Value>, name: &str) {
    let Some(Value::Object(properties)) = definition.get_mut("properties") else { return };
    for property in properties.values_mut() {
        no_null(property);
        // The lists at the root are lists of tables, each under a header of its own.
        if !name.is_empty() {
            one_for_a_list(property);
        }
    }
    let needed = NEEDED.iter().find(|(table, _)| *table == name).map(|(_, keys)| json!(keys));
    match needed {
        Some(keys) => drop(definition.insert("required".into(), keys)),
        None => drop(definition.remove("required")),
    }
    definition.insert("additionalProperties".into(), json!(false));
}

/// What is not given is left out, not null.
fn no_null(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::Array(types)) = fields.get_mut("type") {
                types.retain(|one| one != "null");
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    fields.insert("type".into(), one);
                }
            }
            if let Some(Value::Array(kinds)) = fields.get_mut("anyOf") {
                kinds.retain(|kind| kind.get("type").is_none_or(|t| t != "null"));
                if let [Value::Object(one)] = kinds.as_slice() {
                    let one = one.clone();
                    fields.remove("anyOf");
                    fields.extend(one);
                }
            }
            fields.values_mut().for_each(no_null);
        }
        Value::Array(items) => items.iter_mut().for_each(no_null),
        _ => {}
    }
}

/// A single value stands for a list of one.
fn one_for_a_list(property: &mut Value) {
    let Value::Object(fields) = property else { return };
    if fields.get("type").is_none_or(|kind| kind != "array") {
        return;
    }
    let Some(items) = fields.remove("items") else { return };
    fields.remove("type");
    fields.insert("anyOf".into(), json!([items, { "type": "array", "items": items }]));
}

/// What is written otherwise than it is kept.
fn written(definition: &mut Map<String, Value>, name: &str) {
    let classes = TrafficClass::ALL.map(TrafficClass::name);
    let by_class =
        |value: Value| json!({ "propertyNames": { "enum": classes }, "additionalProperties": value });
    match name {
        "Class" => drop(definition.insert("enum".into(), json!(classes))),
        "Vlan" => kinds(
            definition,
            json!([vlan(), { "type": "array", "items": vlan(), "minItems": 1, "maxItems": 2 }]),
        ),
        "Limit" => kinds(
            definition,
            json!([{ "type": "string" }, { "type": "array", "items": { "type": "string" } }]),
        ),
        "PolicerChoice" => kinds(definition, json!([{ "const": false }, { "$ref": "#/$defs/Policer" }])),
        "MeterAction" => kinds(
            definition,
            json!([{ "enum": ["pass", "recolour", "drop"] }, {
                "type": "object", "required": ["dscp"], "additionalProperties": false,
                "properties": { "dscp": {
                    "anyOf": [{ "type": "string" }, { "type": "integer", "minimum": 0, "maximum": 63 }]
                } },
            }]),
        ),
        "Span16" => kinds(definition, json!([number(65_535), { "type": "string" }])),
        "Protocol" => kinds(definition, json!([number(255), { "type": "string" }])),
        "Dscp" => kinds(definition, json!([number(63), { "type": "string" }])),
        "Trust" => kinds(definition, json!([{ "type": "boolean" }, { "enum": ["dscp", "pcp"] }])),
        "ByColour" => {
            let one = json!({ "$ref": "#/$defs/Dscp" });
            kinds(definition, json!([one, { "type": "array", "items": one, "minItems": 3, "maxItems": 3 }]));
        }
        "Meaning" => kinds(
            definition,
            json!([{ "$ref": "#/$defs/Class" }, {
                "type": "object", "required": ["class"], "additionalProperties": false,
                "properties": {
                    "class": { "$ref": "#/$defs/Class" }, "colour": { "$ref": "#/$defs/ColourWord" },
                },
            }]),
        ),
        "Police" | "Via" | "TargetRule" => no_null_and_lists(definition),
        "Qos" => {
            let words = json!({ "enum": super::read::LINKS.map(|(name, ..)| name) });
            let bytes = json!({ "type": "integer", "minimum": -64, "maximum": 256 });
            property(definition, "overhead", json!({ "anyOf": [bytes, words] }));
            if let Some(Value::Object(properties)) = definition.get_mut("properties") {
                let settings =
                    classes.map(|class| (class.to_owned(), json!({ "$ref": "#/$defs/ClassSettings" })));
                properties.extend(settings);
            }
        }
        "Interface" => {
            let meaning = json!({ "$ref": "#/$defs/Meaning" });
            property(definition, "dscp", json!({ "additionalProperties": meaning }));
            for key in ["tc", "pcp"] {
                let eight =
                    json!({ "additionalProperties": false, "patternProperties": { "^[0-7]$": meaning } });
                property(definition, key, eight);
            }
            for key in ["tc-out", "tc-ce", "pcp-out"] {
                property(definition, key, by_class(number(7)));
            }
            property(definition, "dscp-out", by_class(json!({ "$ref": "#/$defs/ByColour" })));
            property(definition, "police", by_class(json!({ "$ref": "#/$defs/Police" })));
        }
        _ => {}
    }
}

/// A `[[meter]]` has a name beside the keys of a policer or of a meter.
fn shared_meter(definitions: &mut Map<String, Value>) {
    let of = |name: &str| definitions.get(name).and_then(|d| d.get("properties")).cloned();
    let own = [of("Policer"), of("Meter"), of("SharedMeter")].into_iter().flatten();
    let properties: Map<String, Value> = own.filter_map(|p| p.as_object().cloned()).flatten().collect();
    let Some(Value::Object(shared)) = definitions.get_mut("SharedMeter") else { return };
    shared.remove("anyOf");
    shared.insert("properties".into(), Value::Object(properties));
    shared.insert("required".into(), json!(["name"]));
}

fn number(most: u16) -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": most })
}

fn vlan() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": 4094 })
}

/// A definition becomes one of `kinds`; its text stays.
fn kinds(definition: &mut Map<String, Value>, kinds: Value) {
    definition.retain(|key, _| key == "description");
    definition.insert("anyOf".into(), kinds);
}

/// A property is written in another way; its text stays.
fn property(definition: &mut Map<String, Value>, key: &str, mut value: Value) {
    let Some(Value::Object(properties)) = definition.get_mut("properties") else { return };
    let text = properties.get(key).and_then(|old| old.get("description")).cloned();
    if let (Some(text), Value::Object(fields)) = (text, &mut value) {
        fields.insert("description".into(), text);
    }
    properties.insert(key.into(), value);
}

/// The tables within a definition that is one of several kinds.
fn no_null_and_lists(definition: &mut Map<String, Value>) {
    let Some(Value::Array(kinds)) = definition.get_mut("anyOf") else { return };
    for kind in kinds.iter_mut().filter_map(Value::as_object_mut) {
        let needed = kind.get("required").cloned();
        table(kind, "within");
        if let (Some(needed), true) = (needed, kind.contains_key("properties")) {
            kind.insert("required".into(), needed);
        }
    }
}
