//! Layers as text, for people.

use std::fmt;

use super::layer::{Checksum, Field, Kind, Layer, Value};
use super::{Packet, dscp};

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for layer in &self.layers {
            writeln!(f, "{layer}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.quoted { "| " } else { "" }, self.kind.name())?;
        let ends = self.get("src").zip(self.get("dst"));
        if let Some((src, dst)) = ends {
            write!(f, " {} > {}", value("src", src), value("dst", dst))?;
        }
        let told = |field: &&Field| !(ends.is_some() && matches!(field.name, "src" | "dst"));
        for field in self.fields.iter().filter(told).filter(|field| worth_telling(self.kind, field)) {
            write!(f, " {}", text(field))?;
        }
        Ok(())
    }
}

/// Whether a reader needs to see the field: not when it has the value it almost always has.
fn worth_telling(kind: Kind, field: &Field) -> bool {
    match (&field.value, field.name) {
        (Value::Checksum(c), _) => !matches!(c, Checksum::Good | Checksum::Unchecked(_)),
        (Value::Bytes(bytes), _) => !bytes.is_empty(),
        (Value::Number(_), "type") => matches!(kind, Kind::Icmp | Kind::Icmp6 | Kind::Object),
        (Value::Number(_), "hardware" | "hlen" | "plen" | "protocol" | "next" | "urgent") => field.odd,
        (Value::Number(_), "window" | "bos" | "length") => true,
        (Value::Number(_), "words") => false,
        (Value::Number(n), "tpid") => *n != 0x8100,
        (Value::Number(n), "ecn" | "reserved" | "reserved-bits" | "unused" | "df" | "mf") => *n != 0,
        (Value::Number(n), "offset" | "pcp" | "dei" | "flow") => *n != 0,
        _ => true,
    }
}

/// The field as `name value`.
pub(super) fn text(field: &Field) -> String {
    match (field.name, &field.value) {
        ("df" | "mf" | "bos" | "dei", Value::Number(1)) => field.name.into(),
        (name, v) => format!("{name} {}", value(name, v)),
    }
}

/// A field's value, as its RFC writes it.
pub(super) fn value(name: &str, value: &Value) -> String {
    match value {
        Value::Number(n) => number(name, *n),
        Value::Address(address) => address.to_string(),
        Value::Mac(mac) => mac.map(|byte| format!("{byte:02x}")).join(":"),
        Value::Bytes(bytes) => hex(bytes),
        Value::Checksum(Checksum::Good) => "right".into(),
        Value::Checksum(Checksum::Bad(None)) => "wrong".into(),
        Value::Checksum(Checksum::Bad(Some(value))) => format!("wrong ({value:#06x})"),
        Value::Checksum(Checksum::Absent) => "absent".into(),
        Value::Checksum(Checksum::Unchecked(value)) => format!("{value:#06x}"),
    }
}

fn number(name: &str, n: u64) -> String {
    match name {
        "dscp" => dscp::name(n).map_or_else(|| n.to_string(), str::to_string),
        "type" | "tpid" if n > 255 => format!("{n:#06x}"),
        "flags" => format!("{n:#x}"),
        "offset" => (n * 8).to_string(),
        "label" => special(n).map_or_else(|| n.to_string(), |what| format!("{n} ({what})")),
        _ => n.to_string(),
    }
}

/// The name of a special-purpose label (RFC 7274 section 5).
fn special(label: u64) -> Option<&'static str> {
    match label {
        0 => Some("explicit null"),
        1 => Some("router alert"),
        2 => Some("explicit null v6"),
        3 => Some("implicit null"),
        7 => Some("entropy indicator"),
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    let shown: String = bytes.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let more = if bytes.len() > 12 { "…" } else { "" };
    format!("[{}] {shown}{more}", bytes.len())
}
