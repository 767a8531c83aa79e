//! A frame beside what was expected, layer by layer.

use super::layer::{Checksum, Kind, Layer, Value};
use super::{Packet, encode, render};

/// Compares a frame with an expectation: `None` when it meets it, otherwise both stacks
/// side by side with the differences under the layers that have them.
///
/// An expectation that does not begin with `eth()` is about what the Ethernet header carries.
pub fn diff(expected: &Packet, got: &[u8]) -> Option<String> {
    diff_packets(expected, &Packet::decode(got))
}

/// As [`diff`], with a packet that is decoded already.
pub fn diff_packets(expected: &Packet, got: &Packet) -> Option<String> {
    let mut expected = flattened(&expected.layers);
    let frame = got.layers.first().is_some_and(|layer| layer.kind == Kind::Eth);
    if frame && expected.first().is_none_or(|layer| layer.kind != Kind::Eth) {
        expected.insert(0, Layer::new(Kind::Eth));
    }
    let rows = aligned(&expected, &got.layers);
    rows.iter().any(|row| !row.notes.is_empty()).then(|| side_by_side(&rows))
}

/// A layer of each side and what differs between them.
struct Row {
    expected: Option<String>,
    got: Option<String>,
    notes: Vec<String>,
}

/// The upper layers of a fragment as the bytes that the decoder sees.
fn flattened(layers: &[Layer]) -> Vec<Layer> {
    let is_fragment = |layer: &Layer| {
        let partial = layer.number("mf").unwrap_or(0) | layer.number("offset").unwrap_or(0) != 0;
        partial && matches!(layer.kind, Kind::Ipv4 | Kind::Fragment)
    };
    let at = layers.iter().position(is_fragment).map(|at| at + 1);
    let Some(at) = at.filter(|at| layers[*at..].iter().any(|l| l.kind.protocol().is_some())) else {
        return layers.to_vec();
    };
    let bytes = encode::encode(&layers[at..], encode::Enclosing::of(&layers[..at]));
    let mut payload = Layer::new(Kind::Payload).with("bytes", Value::Bytes(bytes));
    payload.quoted = layers[at].quoted;
    let mut flat = layers[..at].to_vec();
    flat.push(payload);
    flat
}

/// Pairs the layers up so that as many as possible stand beside one of their kind.
fn aligned(expected: &[Layer], got: &[Layer]) -> Vec<Row> {
    if let Some((rest, before)) = expected.split_last()
        && rest.kind == Kind::Rest
    {
        let mut rows = aligned(before, &got[..got.len().min(before.len())]);
        let tail = got.get(before.len()..).unwrap_or_default();
        rows.extend(tail.iter().map(|layer| Row::anything(Some(layer))));
        return rows;
    }
    let (mut e, mut g, mut rows) = (0, 0, Vec::new());
    for (pe, pg) in common(expected, got) {
        rows.extend(expected[e..pe].iter().map(Row::missing));
        rows.extend(got[g..pg].iter().map(|layer| Row::extra(layer, false)));
        rows.push(Row::both(&expected[pe], &got[pg]));
        (e, g) = (pe + 1, pg + 1);
    }
    // A quote may be cut anywhere, and an expectation of one may stop anywhere.
    let quoting = e > 0 && expected[e - 1].quoted;
    let cut = |layer: &Layer| layer.quoted && quoting;
    rows.extend(expected[e..].iter().filter(|layer| !cut(layer)).map(Row::missing));
    rows.extend(got[g..].iter().map(|layer| Row::extra(layer, cut(layer))));
    rows
}

/// The longest common subsequence of kinds, as pairs of indexes.
fn common(expected: &[Layer], got: &[Layer]) -> Vec<(usize, usize)> {
    let same = |e: usize, g: usize| expected[e].kind == got[g].kind && expected[e].quoted == got[g].quoted;
    let mut length = vec![vec![0usize; got.len() + 1]; expected.len() + 1];
    for e in (0..expected.len()).rev() {
        for g in (0..got.len()).rev() {
            length[e][g] = match same(e, g) {
                true => length[e + 1][g + 1] + 1,
                false => length[e + 1][g].max(length[e][g + 1]),
            };
        }
    }
    let (mut e, mut g, mut pairs) = (0, 0, Vec::new());
    while e < expected.len() && g < got.len() {
        if same(e, g) {
            pairs.push((e, g));
            (e, g) = (e + 1, g + 1);
        } else if length[e + 1][g] >= length[e][g + 1] {
            e += 1;
        } else {
            g += 1;
        }
    }
    pairs
}

impl Row {
    fn missing(layer: &Layer) -> Self {
        let notes = vec![format!("no {} layer", layer.kind.name())];
        Self { expected: Some(layer.to_string()), got: None, notes }
    }

    fn extra(layer: &Layer, allowed: bool) -> Self {
        if allowed {
            return Self::anything(Some(layer));
        }
        let notes = vec![format!("unexpected {} layer", layer.kind.name())];
        Self { expected: None, got: Some(layer.to_string()), notes }
    }

    fn anything(layer: Option<&Layer>) -> Self {
        Self { expected: Some("…".into()), got: layer.map(Layer::to_string), notes: Vec::new() }
    }

    fn both(expected: &Layer, got: &Layer) -> Self {
        let given = expected.fields.iter().filter_map(|field| {
            let value = got.get(field.name);
            let met = value.is_some_and(|value| meets(&field.value, value, expected.quoted));
            (!met).then(|| note(field.name, &field.value, value))
        });
        let odd = got.fields.iter().filter(|f| f.odd && expected.get(f.name).is_none());
        let odd = odd.map(|field| format!("{} was not expected", render::text(field)));
        Self {
            expected: Some(expected.to_string()),
            got: Some(got.to_string()),
            notes: given.chain(odd).collect(),
        }
    }
}

fn meets(expected: &Value, got: &Value, quoted: bool) -> bool {
    match (expected, got) {
        (Value::Checksum(Checksum::Bad(None)), Value::Checksum(Checksum::Bad(_))) => true,
        (Value::Checksum(Checksum::Good), Value::Checksum(Checksum::Unchecked(_))) => true,
        (Value::Bytes(expected), Value::Bytes(got)) if quoted => expected.starts_with(got),
        (expected, got) => expected == got,
    }
}

fn note(name: &str, expected: &Value, got: Option<&Value>) -> String {
    if let (Value::Bytes(expected), Some(Value::Bytes(got))) = (expected, got) {
        let common = expected.iter().zip(got).take_while(|(a, b)| a == b).count();
        let byte = |bytes: &[u8]| bytes.get(common).map_or("its end".into(), |b| format!("{b:02x}"));
        let (e, g) = (byte(expected), byte(got));
        return format!("{name} differ first at byte {common}: expected {e}, got {g}");
    }
    let got = got.map_or("nothing".into(), |got| render::value(name, got));
    format!("{name}: expected {}, got {got}", render::value(name, expected))
}

fn side_by_side(rows: &[Row]) -> String {
    let left = |row: &Row| row.expected.as_ref().map_or(0, |text| text.chars().count());
    let width = rows.iter().map(left).max().unwrap_or(0).clamp(8, 72);
    let mut out = format!("    {:width$}   got\n", "expected");
    for row in rows {
        let mark = if row.notes.is_empty() { ' ' } else { '!' };
        let expected = row.expected.as_deref().unwrap_or("-");
        out += &format!("  {mark} {expected:width$} | {}\n", row.got.as_deref().unwrap_or("-"));
        for note in &row.notes {
            out += &format!("      ^ {note}\n");
        }
    }
    out
}
