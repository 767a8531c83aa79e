//! ICMP and ICMPv6 messages, with the extension structure behind a quote (RFC 4884).

use super::{Enclosing, encode, put_checksum, u8_of, u16_of, u32_of};
use crate::packet::checksum;
use crate::packet::layer::{Kind, Layer};

/// The least that a quote with an extension behind it has, bytes (RFC 4884 section 5.1).
const QUOTE: usize = 128;

/// A message with all that is above its header.
pub(super) fn message(layer: &Layer, above: &[Layer], enclosing: Option<Enclosing>) -> Vec<u8> {
    let at = above.iter().position(|l| l.kind == Kind::Extension && l.quoted == layer.quoted);
    let (quote, behind) = above.split_at(at.unwrap_or(above.len()));
    let mut contents = encode(quote, enclosing);
    let unit = if layer.kind == Kind::Icmp { 4 } else { 8 };
    let mut words = 0;
    if !behind.is_empty() {
        let least = contents.len().max(QUOTE).next_multiple_of(unit);
        words = u8_of(layer, "words", (least / unit) as u8);
        contents.resize(usize::from(words) * unit, 0);
        contents.extend(extension(behind));
    }
    let shift = if layer.kind == Kind::Icmp { 16 } else { 24 };
    finished(layer, u32::from(words) << shift, &contents, enclosing)
}

fn finished(layer: &Layer, words: u32, contents: &[u8], enclosing: Option<Enclosing>) -> Vec<u8> {
    let mut out = vec![u8_of(layer, "type", 0), u8_of(layer, "code", 0), 0, 0];
    out.extend((icmp_word(layer) | words).to_be_bytes());
    out.extend(contents);
    let right = match layer.kind {
        Kind::Icmp => checksum::internet(&out),
        _ => enclosing.map_or(0, |ip| ip.checksum(58, &out)),
    };
    put_checksum(&mut out, 2, layer.checksum(), right);
    out
}

/// The extension's header and objects; entries of a label stack make one object.
fn extension(layers: &[Layer]) -> Vec<u8> {
    let Some((header, mut rest)) = layers.split_first() else { return Vec::new() };
    let mut out = (0x2000 | u16_of(header, "reserved", 0)).to_be_bytes().to_vec();
    out.extend([0, 0]);
    while let Some(first) = rest.first() {
        let labels = rest.iter().take_while(|layer| layer.kind == Kind::Mpls).count();
        let (object, after) = rest.split_at(labels.max(1));
        let contents = encode(object, None);
        out.extend(match first.kind {
            Kind::Mpls => self::object(1, 1, &contents),
            Kind::Object => {
                self::object(u8_of(first, "class", 0), u8_of(first, "type", 0), first.bytes("bytes"))
            }
            _ => contents,
        });
        rest = after;
    }
    let right = checksum::internet(&out);
    put_checksum(&mut out, 2, header.checksum(), right);
    out
}

fn object(class: u8, kind: u8, contents: &[u8]) -> Vec<u8> {
    let length = (4 + contents.len()) as u16;
    [&length.to_be_bytes()[..], &[class, kind], contents].concat()
}

/// The second word of an ICMP header, by what the type puts there.
fn icmp_word(layer: &Layer) -> u32 {
    let low = |name| u32_of(layer, name) & 0xffff;
    if layer.get("id").is_some() || layer.get("seq").is_some() {
        return low("id") << 16 | low("seq");
    }
    match (layer.kind, layer.get("mtu"), layer.get("pointer")) {
        (Kind::Icmp, Some(_), _) => u32_of(layer, "unused") << 16 | low("mtu"),
        (Kind::Icmp, _, Some(_)) => u32_of(layer, "pointer") << 24 | u32_of(layer, "unused") & 0xff_ffff,
        (_, Some(_), _) => u32_of(layer, "mtu"),
        (_, _, Some(_)) => u32_of(layer, "pointer"),
        _ => u32_of(layer, "unused"),
    }
}
