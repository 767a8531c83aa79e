//! The values that conditions, maps and trust are written as.

use std::fmt;

use dataplane::class::Colour;
use dataplane::wire::l4::protocol;
use schemars::JsonSchema;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use toml::de::DeValue;

use crate::config::values::{self, Class};
use crate::config::walk::{Value, help_words, integer, kind, text};
use crate::config::words::{ColourWord, unknown};

/// A number or a range of numbers of 0 to 65,535.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, JsonSchema)]
pub struct Span16 {
    /// The first.
    pub first: u16,
    /// The last, no less than the first.
    pub last: u16,
}

impl fmt::Display for Span16 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.last {
            true => write!(f, "{}", self.first),
            false => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

impl Serialize for Span16 {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl Value for Span16 {
    fn allowed() -> String {
        "write a number of 0 to 65535, or a range such as \"10000-20000\"".into()
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let Some(text) = value.as_str() else {
            let n = integer(value)?;
            let n = u16::try_from(n).map_err(|_| format!("{n} is out of range"))?;
            return Ok(Self { first: n, last: n });
        };
        let shown: String = text.chars().take(64).collect();
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (first.trim().parse(), last.trim().parse()) {
            (Ok(first), Ok(last)) if first <= last => Ok(Self { first, last }),
            (Ok(_), Ok(_)) => Err(format!("\"{shown}\" ends before it begins")),
            _ => Err(format!("\"{shown}\" is neither a number nor a range of 0 to 65535")),
        }
    }
}

/// An upper-layer protocol number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct Protocol(pub u8);

const PROTOCOLS: [(&str, u8); 12] = [
    ("icmp", protocol::ICMP),
    ("igmp", 2),
    ("tcp", protocol::TCP),
    ("udp", protocol::UDP),
    ("dccp", protocol::DCCP),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("icmpv6", protocol::ICMPV6),
    ("ospf", 89),
    ("sctp", protocol::SCTP),
    ("udp-lite", protocol::UDP_LITE),
];

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match PROTOCOLS.iter().find(|(_, number)| *number == self.0) {
            Some((name, _)) => f.pad(name),
            None => self.0.fmt(f),
        }
    }
}

impl Value for Protocol {
    fn allowed() -> String {
        format!("{}, or 0 to 255", help_words("", PROTOCOLS.map(|(name, _)| name)))
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let Some(word) = value.as_str() else {
            let n = integer(value)?;
            return u8::try_from(n).map(Self).map_err(|_| format!("{n} is out of range"));
        };
        let known = PROTOCOLS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
        let number = known.map(|(_, number)| *number).or_else(|| word.parse().ok());
        number.map(Self).ok_or_else(|| unknown(word, &PROTOCOLS.map(|(name, _)| name)))
    }
}

/// A DSCP, 0 to 63.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub struct Dscp(pub u8);

impl Value for Dscp {
    fn allowed() -> String {
        "a DSCP is a name such as \"ef\" or \"af41\", or 0 to 63".into()
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        match value {
            DeValue::String(word) => values::dscp(word).map(Self),
            DeValue::Integer(number) => values::dscp(number.as_str()).map(Self),
            other => Err(format!("this is {}, not a DSCP", kind(other))),
        }
    }
}

/// DSCPs of one class, by colour: one for all, or green, yellow and red.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub struct ByColour(pub [Dscp; 3]);

impl Serialize for ByColour {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let [green, yellow, red] = self.0;
        if green == yellow && yellow == red { green.serialize(s) } else { self.0.serialize(s) }
    }
}

impl Value for ByColour {
    fn allowed() -> String {
        "write a DSCP such as \"ef\", or those of green, yellow and red: [\"af41\", \"af42\", \"af43\"]"
            .into()
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let Some(items) = value.as_array() else { return Dscp::read(value).map(|dscp| Self([dscp; 3])) };
        let marks: Vec<Dscp> =
            items.iter().map(|item| Dscp::read(item.get_ref())).collect::<Result<_, _>>()?;
        <[Dscp; 3]>::try_from(marks)
            .map(Self)
            .map_err(|marks| format!("{} DSCPs for three colours", marks.len()))
    }
}

/// What a mark says of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub struct Meaning {
    /// Its class.
    pub class: Class,
    /// Its drop precedence; `None` for the one that the mark has by itself.
    pub colour: Option<ColourWord>,
}

impl Meaning {
    /// Its colour, `own` being that of the mark by itself.
    pub fn colour(&self, own: Colour) -> Colour {
        self.colour.map_or(own, Into::into)
    }
}

impl Serialize for Meaning {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let Some(colour) = self.colour else { return self.class.serialize(s) };
        let mut both = s.serialize_struct("Meaning", 2)?;
        both.serialize_field("class", &self.class)?;
        both.serialize_field("colour", &colour)?;
        both.end()
    }
}

impl Value for Meaning {
    fn allowed() -> String {
        format!("{}; or {{ class = \"video\", colour = \"yellow\" }}", Class::allowed())
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let Some(table) = value.as_table() else {
            return Ok(Self { class: Class::from_name(text(value)?)?, colour: None });
        };
        if let Some((key, _)) =
            table.iter().find(|(k, _)| !["class", "colour"].contains(&k.get_ref().as_ref()))
        {
            return Err(unknown(key.get_ref(), &["class", "colour"]));
        }
        let class = table.get("class").ok_or("\"class\" is missing")?;
        let colour = table.get("colour").map(|colour| ColourWord::read(colour.get_ref())).transpose()?;
        Ok(Self { class: Class::read(class.get_ref())?, colour })
    }
}

/// Which marks of what comes in count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
pub enum Trust {
    /// None.
    Nothing,
    /// The DSCP, and of labelled frames the traffic class.
    #[default]
    Dscp,
    /// The VLAN tag's 802.1p priority; the DSCP where there is no tag, and of labelled
    /// frames the traffic class.
    Pcp,
}

impl Serialize for Trust {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => s.serialize_bool(false),
            Self::Dscp => s.serialize_bool(true),
            Self::Pcp => s.serialize_str("pcp"),
        }
    }
}

impl Value for Trust {
    fn allowed() -> String {
        "allowed: true (or \"dscp\"), \"pcp\", false".into()
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        match (value.as_bool(), value.as_str()) {
            (Some(true), _) | (_, Some("dscp")) => Ok(Self::Dscp),
            (Some(false), _) => Ok(Self::Nothing),
            (_, Some("pcp")) => Ok(Self::Pcp),
            (_, Some(word)) => Err(unknown(word, &["dscp", "pcp"])),
            _ => Err(format!("this is {}, not true, false or a word", kind(value))),
        }
    }
}
