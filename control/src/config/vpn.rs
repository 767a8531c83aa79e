//! Names of VPN routes: route distinguishers and route targets (RFC 4364 sections
//! 4.2 and 4.3), and which prefixes a target is for.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// Who gave a number out, and the number (RFC 4364 section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assigned {
    /// Type 0: an AS number of two bytes; written `65000:1`.
    As2(u16, u32),
    /// Type 1: an IPv4 address; written `192.0.2.1:1`.
    Address(Ipv4Addr, u16),
    /// Type 2: an AS number of four bytes; written `4200000000:1`, or `65000L:1`
    /// where two bytes would hold it.
    As4(u32, u16),
}

impl Assigned {
    /// The type field of a route distinguisher, and the high byte of a target's (RFC 4360, RFC 5668).
    pub const fn kind(self) -> u8 {
        match self {
            Self::As2(..) => 0,
            Self::Address(..) => 1,
            Self::As4(..) => 2,
        }
    }

    /// The six bytes behind the type field: administrator, then number.
    pub fn value(self) -> [u8; 6] {
        let (high, low) = match self {
            Self::As2(who, number) => ((u32::from(who) << 16) | (number >> 16), number as u16),
            Self::Address(who, number) => (u32::from(who), number),
            Self::As4(who, number) => (who, number),
        };
        let ([a, b, c, d], [e, f]) = (high.to_be_bytes(), low.to_be_bytes());
        [a, b, c, d, e, f]
    }
}

impl FromStr for Assigned {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let shown = || text.chars().take(64).collect::<String>();
        let (who, number) = text.split_once(':').ok_or_else(|| format!("\"{}\" has no colon", shown()))?;
        let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        let Some(number) = Some(number).filter(|n| digits(n)).and_then(|n| n.parse::<u32>().ok()) else {
            return Err(format!("\"{}\" does not end in a number of 0 to 4294967295", shown()));
        };
        let short = || {
            let what = "behind an address or an AS number of four bytes";
            u16::try_from(number).map_err(|_| format!("{number} is too large: {what} it is 0 to 65535"))
        };
        if let Ok(address) = who.parse::<Ipv4Addr>() {
            return Ok(Self::Address(address, short()?));
        }
        let (who, long) = who.strip_suffix('L').map_or((who, false), |who| (who, true));
        let Some(who) = Some(who).filter(|w| digits(w)).and_then(|w| w.parse::<u32>().ok()) else {
            return Err(format!("\"{}\" starts with neither an AS number nor an IPv4 address", shown()));
        };
        match u16::try_from(who) {
            Ok(who) if !long => Ok(Self::As2(who, number)),
            _ => Ok(Self::As4(who, short()?)),
        }
    }
}

impl fmt::Display for Assigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::As2(who, number) => write!(f, "{who}:{number}"),
            Self::Address(who, number) => write!(f, "{who}:{number}"),
            Self::As4(who, number) if *who <= u32::from(u16::MAX) => write!(f, "{who}L:{number}"),
            Self::As4(who, number) => write!(f, "{who}:{number}"),
        }
    }
}

macro_rules! assigned {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
        #[schemars(with = "String")]
        pub struct $name(pub Assigned);

        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                text.parse().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0.to_string())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
    };
}

assigned! {
    /// What makes a Vrf's prefixes unlike another's (RFC 4364 section 4.1).
    RouteDistinguisher
}
assigned! {
    /// Which Vrfs a route is for (RFC 4364 section 4.3.1).
    RouteTarget
}

impl RouteDistinguisher {
    /// As eight bytes (RFC 4364 section 4.2).
    pub fn bytes(self) -> [u8; 8] {
        let [a, b, c, d, e, f] = self.0.value();
        [0, self.0.kind(), a, b, c, d, e, f]
    }
}

impl RouteTarget {
    /// As an extended community of eight bytes (RFC 4360 section 4).
    pub fn bytes(self) -> [u8; 8] {
        let [a, b, c, d, e, f] = self.0.value();
        [self.0.kind(), 2, a, b, c, d, e, f]
    }
}

/// A target that a Vrf imports or exports, and for which of the routes. Written
/// as the target alone, or as `{ target = …, prefixes = … }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetRule {
    /// The target. An import takes routes that carry it; an export gives it to routes.
    pub target: RouteTarget,
    /// The prefix list that a route's prefix must be in. Default: any prefix.
    pub prefixes: Option<String>,
}

/// A route target, or a table that says which routes it is for.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "TargetRule")]
enum Written {
    /// For routes to any prefix.
    Target(RouteTarget),
    /// For some routes.
    Table {
        /// The target.
        target: RouteTarget,
        /// The `[[prefix-list]]` that a route's prefix must be in.
        prefixes: Option<String>,
    },
}

impl Serialize for TargetRule {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let target = self.target;
        match &self.prefixes {
            None => Written::Target(target),
            Some(prefixes) => Written::Table { target, prefixes: Some(prefixes.clone()) },
        }
        .serialize(s)
    }
}

impl JsonSchema for TargetRule {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TargetRule".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Written::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_are_those_of_rfc_4364_and_rfc_4360() {
        let rd = |text: &str| text.parse::<RouteDistinguisher>().unwrap().bytes();
        assert_eq!(rd("65000:70000"), [0, 0, 0xfd, 0xe8, 0, 1, 0x11, 0x70]);
        assert_eq!(rd("192.0.2.1:258"), [0, 1, 192, 0, 2, 1, 1, 2]);
        assert_eq!(rd("70000:258"), [0, 2, 0, 1, 0x11, 0x70, 1, 2]);
        assert_eq!(rd("65000L:1"), [0, 2, 0, 0, 0xfd, 0xe8, 0, 1]);
        assert_eq!("65000:1".parse::<RouteTarget>().unwrap().bytes(), [0, 2, 0xfd, 0xe8, 0, 0, 0, 1]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let wrong = |text: &str| text.parse::<RouteTarget>().unwrap_err();
        assert_eq!(wrong("65000"), "\"65000\" has no colon");
        assert_eq!(wrong("65000:x"), "\"65000:x\" does not end in a number of 0 to 4294967295");
        assert_eq!(wrong("red:1"), "\"red:1\" starts with neither an AS number nor an IPv4 address");
        assert!(wrong("192.0.2.1:65536").starts_with("65536 is too large"));
        assert!(wrong("70000:65536").starts_with("65536 is too large"));
        assert!(wrong("+1:1").starts_with("\"+1:1\" starts with neither"));
    }

    fn assigned() -> impl Strategy<Value = Assigned> {
        prop_oneof![
            (any::<u16>(), any::<u32>()).prop_map(|(a, n)| Assigned::As2(a, n)),
            (any::<Ipv4Addr>(), any::<u16>()).prop_map(|(a, n)| Assigned::Address(a, n)),
            (prop_oneof![any::<u32>(), 0u32..70_000], any::<u16>()).prop_map(|(a, n)| Assigned::As4(a, n)),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(assigned in assigned(), text in "\\PC{0,20}") {
            let rd = RouteDistinguisher(assigned);
            prop_assert_eq!(rd.to_string().parse(), Ok(rd));
            let rt = RouteTarget(assigned);
            prop_assert_eq!(rt.to_string().parse(), Ok(rt));
            if let Ok(read) = text.parse::<Assigned>() {
                prop_assert_eq!(read.to_string().parse(), Ok(read));
            }
        }
    }
}
