//! The small values that keys can have.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use dataplane::class::TrafficClass;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use toml::de::DeValue;

use super::community::Member;
use super::label::LabelRange;
use super::memif::{Permissions, Secret};
use super::prefix_list::PrefixRule;
use super::units::{Rate, Size, Span};
use super::vpn::{RouteDistinguisher, RouteTarget};
use super::walk::{Value, help_words, integer, kind, text};
use super::words::unknown;

/// A station address, six bytes in hexadecimal with colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, JsonSchema)]
#[schemars(with = "String")]
pub struct Mac(pub [u8; 6]);

impl FromStr for Mac {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{}\" is not a station address", text.chars().take(64).collect::<String>());
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts.next().filter(|p| p.len() == 2 && p.bytes().all(|b| b.is_ascii_hexdigit()));
            *byte = part.and_then(|p| u8::from_str_radix(p, 16).ok()).ok_or_else(wrong)?;
        }
        if parts.next().is_some() {
            return Err(wrong());
        }
        if bytes[0] & 1 == 1 || bytes == [0; 6] {
            return Err(format!("{text} is a group or zero address, which no station has"));
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        f.pad(&format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}"))
    }
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// Values that are written as a string and parsed from it.
macro_rules! from_text {
    ($($type:ty: $allowed:expr;)+) => {$(
        impl Value for $type {
            fn allowed() -> String { $allowed.into() }
            fn read(value: &DeValue<'_>) -> Result<Self, String> {
                text(value)?.parse().map_err(|e: <$type as FromStr>::Err| e.to_string())
            }
        }
    )+};
}

const ASSIGNED: &str = "write \"AS:NUMBER\" or \"ADDRESS:NUMBER\", such as \"65000:1\" or \"192.0.2.1:1\"";

from_text! {
    Rate: Rate::ALLOWED;
    Span: Span::ALLOWED;
    Size: Size::ALLOWED;
    Mac: "write six bytes such as \"02:00:00:00:00:01\"";
    RouteDistinguisher: ASSIGNED;
    RouteTarget: ASSIGNED;
    PrefixRule: "write \"[deny] PREFIX [ge LENGTH] [le LENGTH]\", such as \"10.0.0.0/8 le 24\"";
    LabelRange: "write \"FIRST-LAST\" within 16 to 1048575, such as \"100000-1048575\"";
    Member: "write a vrf's name, or ROUTER:VRF";
    Secret: "write 1 to 24 bytes";
    Permissions: "write three or four octal digits such as \"0660\"";
}

impl Value for IpAddr {
    fn allowed() -> String {
        "write an IPv4 or IPv6 address such as \"10.0.0.2\" or \"2001:db8::2\"".into()
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = text(value)?;
        text.parse()
            .map_err(|_| format!("\"{}\" is not an address", text.chars().take(64).collect::<String>()))
    }
}

impl Value for IpNet {
    fn allowed() -> String {
        "write an address and a prefix length such as \"10.0.0.1/24\" or \"2001:db8::1/64\"".into()
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = text(value)?;
        let shown: String = text.chars().take(64).collect();
        text.parse().map_err(|_| match text.parse::<IpAddr>() {
            Ok(_) => format!("\"{shown}\" has no prefix length"),
            Err(_) => format!("\"{shown}\" is not an address with a prefix length"),
        })
    }
}

impl Value for bool {
    fn allowed() -> String {
        "allowed: true, false".into()
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| format!("this is {}, not true or false", kind(value)))
    }
}

impl Value for String {
    fn allowed() -> String {
        "write a string in quotes, 1 to 4096 characters".into()
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = text(value)?;
        let fits = (1..=4096).contains(&text.len()) && !text.contains('\0');
        fits.then(|| text.to_owned()).ok_or_else(|| "this is empty or too long".into())
    }
}

/// A name: what other tables and commands call a thing by.
pub(super) struct Name(pub(super) String);

impl Value for Name {
    fn allowed() -> String {
        "a name is 1 to 63 letters, digits or any of . _ : / -, and starts with a letter or digit".into()
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = text(value)?;
        let shown: String = text.chars().take(64).collect();
        is_name(text).then(|| Self(text.into())).ok_or_else(|| format!("\"{shown}\" is not a name"))
    }
}

/// Whether a thing can be called `text`.
pub(super) fn is_name(text: &str) -> bool {
    text.len() <= 63
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:/-".contains(&b))
        && text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
}

/// A VLAN id or a core number: a small whole number in a list.
pub(super) struct Small<const FROM: i64, const TO: i64>(pub(super) u16);

impl<const FROM: i64, const TO: i64> Value for Small<FROM, TO> {
    fn allowed() -> String {
        format!("allowed: {FROM} to {TO}")
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let n = integer(value)?;
        let fits = (FROM..=TO).contains(&n).then(|| u16::try_from(n).ok()).flatten();
        fits.map(Self).ok_or_else(|| format!("{n} is out of range"))
    }
}

/// A traffic class, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(with = "String")]
pub struct Class(pub TrafficClass);

impl Serialize for Class {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.0.name())
    }
}

impl Value for Class {
    fn allowed() -> String {
        help_words("", TrafficClass::ALL.map(TrafficClass::name))
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        Self::from_name(text(value)?)
    }
}

impl Class {
    /// The class called `word`, or what is wrong with it.
    pub(super) fn from_name(word: &str) -> Result<Self, String> {
        word.parse().map(Self).map_err(|_| unknown(word, &TrafficClass::ALL.map(TrafficClass::name)))
    }
}

/// DSCP names of RFC 2474, 2597, 3246, 5865 and 8622.
const DSCP: [(&str, u8); 23] = [
    ("df", 0),
    ("le", 1),
    ("cs1", 8),
    ("af11", 10),
    ("af12", 12),
    ("af13", 14),
    ("cs2", 16),
    ("af21", 18),
    ("af22", 20),
    ("af23", 22),
    ("cs3", 24),
    ("af31", 26),
    ("af32", 28),
    ("af33", 30),
    ("cs4", 32),
    ("af41", 34),
    ("af42", 36),
    ("af43", 38),
    ("cs5", 40),
    ("voice-admit", 44),
    ("ef", 46),
    ("cs6", 48),
    ("cs7", 56),
];

/// A DSCP by name or number, 0 to 63; or what is wrong with it.
pub(super) fn dscp(word: &str) -> Result<u8, String> {
    let lower = word.to_ascii_lowercase();
    if let Some((_, value)) = DSCP.iter().find(|(name, _)| *name == lower) {
        return Ok(*value);
    }
    match word.parse::<u8>() {
        Ok(n) if n < 64 => Ok(n),
        Ok(n) => Err(format!("{n} is not a DSCP: it has six bits")),
        Err(_) => Err(unknown(&lower, &DSCP.map(|(name, _)| name)).replace("is not known", "is no DSCP")),
    }
}
