//! ICMP and ICMPv6, what errors quote, and what stands behind the quote (RFC 4884, RFC 4950).

use super::{
    Around, ipv6_at, mac_at, mpls, network, raw, read_checksum, right_checksum, stack, u16_at, u32_at,
};
use crate::packet::checksum;
use crate::packet::layer::{Checksum, Kind, Layer, Value};

/// The length of the quote in words, and where it ends, when an extension follows it.
fn quoted_words(kind: Kind, bytes: &[u8]) -> Option<(u8, usize)> {
    let (words, unit) = match (kind, bytes[0]) {
        (Kind::Icmp, 3 | 11 | 12) => (bytes[5], 4),
        (Kind::Icmp6, 1 | 3) => (bytes[4], 8),
        _ => return None,
    };
    let end = 8 + usize::from(words) * unit;
    let version = bytes.get(end..).filter(|rest| rest.len() >= 4).map(|rest| rest[0] >> 4);
    (words > 0 && version == Some(2)).then_some((words, end))
}

/// An extension structure: its header, and its objects.
fn extension(bytes: &[u8]) -> Vec<Layer> {
    let mut layer = Layer::new(Kind::Extension);
    layer.read_rare("reserved", u16_at(bytes, 0) & 0xfff);
    let value = u16_at(bytes, 2);
    let right = checksum::internet(&[&bytes[..2], &bytes[4..]].concat());
    match value {
        0 => layer.read("checksum", Value::Checksum(Checksum::Absent), false),
        _ => read_checksum(&mut layer, value, Some(right)),
    }
    stack(layer, objects(&bytes[4..], true))
}

/// Objects to the end; `first` as long as no label stack has been read.
fn objects(bytes: &[u8], first: bool) -> Vec<Layer> {
    let length = usize::from(u16_at(bytes, 0));
    if bytes.len() < 4 || length < 4 || length > bytes.len() {
        return raw(bytes);
    }
    let (object, rest) = bytes.split_at(length);
    // The incoming label stack (RFC 4950 section 3).
    let labels = first && object[2..4] == [1, 1] && length > 4 && length.is_multiple_of(4);
    let mut layers = if labels {
        object[4..].chunks(4).filter_map(|entry| mpls(entry).into_iter().next()).collect()
    } else {
        let mut layer = Layer::new(Kind::Object);
        layer.read_number("class", object[2]);
        layer.read_number("type", object[3]);
        layer.read("bytes", Value::Bytes(object[4..].to_vec()), false);
        vec![layer]
    };
    layers.extend(objects(rest, first && !labels));
    layers
}

fn is_error(kind: Kind, icmp_type: u8) -> bool {
    match kind {
        Kind::Icmp => matches!(icmp_type, 3 | 4 | 5 | 11 | 12),
        _ => icmp_type < 128,
    }
}

pub(super) fn icmp(bytes: &[u8], around: Around) -> Vec<Layer> {
    if bytes.len() < 8 {
        return raw(bytes);
    }
    let quote = quoted_words(Kind::Icmp, bytes);
    let mut layer = Layer::new(Kind::Icmp);
    layer.read_number("type", bytes[0]);
    layer.read_number("code", bytes[1]);
    // The byte of the quote's length is told by itself.
    let others = if quote.is_some() { 0xff00_ffff } else { u32::MAX };
    let word = u32_at(bytes, 4) & others;
    match (bytes[0], bytes[1]) {
        (0 | 8, _) => read_echo(&mut layer, bytes),
        (3, 4) => {
            layer.read_number("mtu", u16_at(bytes, 6));
            layer.read_rare("unused", word >> 16);
        }
        (12, _) => {
            layer.read_number("pointer", bytes[4]);
            layer.read_rare("unused", word & 0xff_ffff);
        }
        _ => layer.read_rare("unused", word),
    }
    read_quote(&mut layer, quote);
    read_checksum(&mut layer, u16_at(bytes, 2), right_checksum(1, bytes, 2, around));
    stack(layer, icmp_contents(Kind::Icmp, bytes, quote))
}

fn read_echo(layer: &mut Layer, bytes: &[u8]) {
    layer.read_number("id", u16_at(bytes, 4));
    layer.read_number("seq", u16_at(bytes, 6));
}

fn read_quote(layer: &mut Layer, quote: Option<(u8, usize)>) {
    if let Some((words, _)) = quote {
        layer.read_number("words", words);
    }
}

fn icmp_contents(kind: Kind, bytes: &[u8], quote: Option<(u8, usize)>) -> Vec<Layer> {
    if !is_error(kind, bytes[0]) {
        return raw(&bytes[8..]);
    }
    let end = quote.map_or(bytes.len(), |(_, end)| end);
    let mut layers = network(&bytes[8..end], true);
    if layers.iter().any(|layer| layer.kind == Kind::Extension) {
        // An error that quotes one with an extension: two of them cannot be told apart.
        layers = raw(&bytes[8..end]);
        layers.iter_mut().for_each(|layer| layer.quoted = true);
    }
    if quote.is_some() {
        layers.extend(extension(&bytes[end..]));
    }
    layers
}

pub(super) fn icmp6(bytes: &[u8], around: Around) -> Vec<Layer> {
    if bytes.len() < 8 {
        return raw(bytes);
    }
    if matches!(bytes[0], 135 | 136) && bytes.len() >= 24 {
        return vec![discovery(bytes, around)];
    }
    let quote = quoted_words(Kind::Icmp6, bytes);
    let mut layer = Layer::new(Kind::Icmp6);
    layer.read_number("type", bytes[0]);
    layer.read_number("code", bytes[1]);
    match bytes[0] {
        128 | 129 => read_echo(&mut layer, bytes),
        2 => layer.read_number("mtu", u32_at(bytes, 4)),
        4 => layer.read_number("pointer", u32_at(bytes, 4)),
        _ => layer.read_rare("unused", u32_at(bytes, 4) & if quote.is_some() { 0xff_ffff } else { u32::MAX }),
    }
    read_quote(&mut layer, quote);
    read_checksum(&mut layer, u16_at(bytes, 2), right_checksum(58, bytes, 2, around));
    stack(layer, icmp_contents(Kind::Icmp6, bytes, quote))
}

fn discovery(bytes: &[u8], around: Around) -> Layer {
    let solicitation = bytes[0] == 135;
    let (kind, option) = if solicitation { (Kind::Solicitation, 1) } else { (Kind::Advertisement, 2) };
    let mut layer = Layer::new(kind);
    layer.read("target", ipv6_at(bytes, 8), false);
    let flags = u32_at(bytes, 4);
    layer.read("flags", Value::Number(flags.into()), solicitation && flags != 0);
    let mut options = &bytes[24..];
    if options.len() >= 8 && options[..2] == [option, 1] {
        layer.read("mac", mac_at(options, 2), false);
        options = &options[8..];
    }
    layer.read_rare("code", bytes[1]);
    layer.read("options", Value::Bytes(options.to_vec()), false);
    read_checksum(&mut layer, u16_at(bytes, 2), right_checksum(58, bytes, 2, around));
    layer
}
