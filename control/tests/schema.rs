//! The schema that editors are given: what is sound fits it, what is not does not.

#![allow(clippy::unwrap_used, clippy::panic)]

use control::Config;
use serde_json::Value;

/// The part of JSON Schema that the schema uses: whether `value` fits, or where it does not.
fn fits(root: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let Value::Object(rules) = schema else { return Ok(()) };
    for (rule, said) in rules {
        let ok = match rule.as_str() {
            "$ref" => {
                let found = root.pointer(said.as_str().unwrap().trim_start_matches('#')).unwrap();
                fits(root, found, value, at)?;
                true
            }
            "type" => match said.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "integer" => value.is_i64() || value.is_u64(),
                "boolean" => value.is_boolean(),
                other => panic!("type {other} is not known"),
            },
            "const" => said == value,
            "enum" => said.as_array().unwrap().contains(value),
            "anyOf" | "oneOf" => {
                let kinds = said.as_array().unwrap();
                kinds.iter().any(|kind| fits(root, kind, value, at).is_ok())
            }
            "minimum" => value.as_i64().is_none_or(|n| n >= said.as_i64().unwrap()),
            "maximum" => value.as_i64().is_none_or(|n| n <= said.as_i64().unwrap()),
            "minItems" => value.as_array().is_none_or(|a| a.len() as u64 >= said.as_u64().unwrap()),
            "maxItems" => value.as_array().is_none_or(|a| a.len() as u64 <= said.as_u64().unwrap()),
            "required" => {
                said.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some())
            }
            "items" => {
                let items = value.as_array().into_iter().flatten().enumerate();
                items
                    .map(|(i, v)| fits(root, said, v, &format!("{at}[{i}]")))
                    .collect::<Result<Vec<_>, _>>()?;
                true
            }
            "propertyNames" => {
                let names = value.as_object().into_iter().flatten();
                names
                    .map(|(k, _)| fits(root, said, &k.as_str().into(), at))
                    .collect::<Result<Vec<_>, _>>()?;
                true
            }
            "properties" => true,
            "additionalProperties" | "patternProperties" => true,
            "description" | "format" | "$schema" | "title" | "$defs" => true,
            other => panic!("{other} is not known"),
        };
        if !ok {
            return Err(format!("{at}: {rule} {said}, not {value}"));
        }
    }
    value.as_object().into_iter().flatten().try_for_each(|(key, inner)| {
        let at = format!("{at}.{key}");
        let digit = rules.get("patternProperties").and_then(|p| p.get("^[0-7]$"));
        match rules.get("properties").and_then(|p| p.get(key)) {
            Some(rule) => fits(root, rule, inner, &at),
            None if digit.is_some() && key.len() == 1 && ("0"..="7").contains(&key.as_str()) => {
                fits(root, digit.unwrap(), inner, &at)
            }
            None => match rules.get("additionalProperties") {
                Some(Value::Bool(false)) => Err(format!("{at} is not known")),
                Some(rule) => fits(root, rule, inner, &at),
                None => Ok(()),
            },
        }
    })
}

fn told(text: &str) -> Result<(), String> {
    let schema = Config::schema().to_value();
    let file: Value = toml::from_str(text).unwrap();
    fits(&schema, &schema, &file, "file")
}

#[test]
fn every_example_fits() {
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(told(&text), Ok(()), "{}", path.display());
    }
}

#[test]
fn every_way_to_write_a_thing_fits() {
    for text in [
        "interface = [{ name = \"a\", vlan = [7, 8], dscp = { ef = \"voice\", \"1\" = \"standard\" } }]",
        "interface = [{ name = \"a\", tc = { 5 = \"voice\" }, tc-out = { voice = 5 }, police.voice.rate = \"1 Mbit/s\" }]",
        "interface = [{ name = \"a\", qos = { overhead = \"ip\", voice = { limit = [\"1 kB\", \"1 ms\"], policer = false } } }]",
        "interface = [{ name = \"a\", addresses = \"10.0.0.1/24\", qos = { overhead = -14, voice.policer.rate = \"1 Mbit/s\" } }]",
        "interface = [{ name = \"a\", qos.clinical = { aqm = \"wred\", wred.red = { from = \"1 kB\", to = \"2 kB\" }, ecn = true } }]",
        "interface = [{ name = \"a\", qos.imaging = { flows = 16, target = \"10 ms\", interval = \"200 ms\" } }]",
        "route = [{ prefix = \"::/0\", via = { address = \"fe80::1\", interface = \"a\", push = 17 }, push = [18, 19] }]",
        "vrf = [{ name = \"a\", import = [\"1:1\", { target = \"1:2\", prefixes = \"p\" }], export = \"1:1\" }]",
        "label = [{ label = 16, swap = 17, via = [\"10.0.0.1\", { address = \"10.0.0.2\" }] }]\nlabels.dynamic = \"16-99\"",
        "interface = [{ name = \"a\", police = { voice.meter = \"m\", video = { kind = \"srtcm\", cir = \"1 Mbit/s\", yellow = { dscp = 12 } } } }]",
        "meter = [{ name = \"m\", rate = \"1 Mbit/s\" }, { name = \"n\", kind = \"trtcm\", cir = \"1 Mbit/s\", pir = \"2 Mbit/s\", red = \"pass\" }]",
        "community = [{ name = \"a\", members = [\"b\", \"r:b\"], hubs = \"r:b\", send-only = \"b\", receive-only = [\"r:b\"] }]",
        "interface = [{ name = \"a\", trust = \"pcp\", pcp = { 3 = \"voice\", 4 = { class = \"video\", colour = \"red\" } }, pcp-out.voice = 5 }]",
        "interface = [{ name = \"a\", trust = false, dscp-out = { voice = 46, video = [\"af41\", \"af42\", 38] } }]",
        "match = [{ name = \"m\", source = \"10.0.0.0/8\", protocol = [\"udp\", 6], length = \"0-200\", fragment = \"later\" }]",
        "rule = [{ name = \"r\", match = \"m\", direction = \"out\", source-port = [1, \"2-3\"], vlan = 7, class = \"voice\", mark = \"ef\" }]",
        "router = { cores = 3 }\nlimits = { dad-probes = 0 }",
    ] {
        assert_eq!(told(text), Ok(()), "{text}");
    }
}

#[test]
fn what_is_wrong_does_not_fit() {
    for (text, at) in [
        ("rooter = {}", "file.rooter is not known"),
        ("interface = [{}]", "file.interface[0]: required [\"name\"], not {}"),
        ("interface = [{ name = \"a\", mtv = 9 }]", "file.interface[0].mtv is not known"),
        ("interface = [{ name = \"a\", tc = { 8 = \"voice\" } }]", "file.interface[0].tc.8 is not known"),
        ("interface = [{ name = \"a\", qos.vioce = {} }]", "file.interface[0].qos.vioce is not known"),
        ("rule = [{ name = \"r\", sorce = \"10.0.0.0/8\" }]", "file.rule[0].sorce is not known"),
        ("match = [{ source = \"10.0.0.0/8\" }]", "file.match[0]: required"),
        ("meter = [{ name = \"m\", rote = \"1 Mbit/s\" }]", "file.meter[0].rote is not known"),
        (
            "interface = [{ name = \"a\", police.voice = { meter = \"m\", x = 1 } }]",
            "file.interface[0].police.voice: anyOf",
        ),
        ("vrf = [{ name = \"a\", label = \"per-site\" }]", "file.vrf[0].label: oneOf"),
        ("route = [{ prefix = \"::/0\", via = { adress = \"::1\" } }]", "file.route[0].via: anyOf"),
        ("extranet = [{ from = \"a\", to = \"b\" }]", "file.extranet[0]: required"),
    ] {
        let error = told(text).unwrap_err();
        assert!(error.starts_with(at), "{text}: {error}");
    }
}
