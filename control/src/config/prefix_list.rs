//! `[[prefix-list]]`: sets of prefixes, told rule by rule.

use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// `[[prefix-list]]`: the first rule that a prefix matches decides; a prefix that
/// matches none is not in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PrefixList {
    /// Its name.
    pub name: String,
    /// Its rules, first to last.
    pub entries: Vec<PrefixRule>,
}

impl PrefixList {
    /// Whether `prefix` is in the list.
    pub fn permits(&self, prefix: IpNet) -> bool {
        self.entries.iter().find(|rule| rule.matches(prefix)).is_some_and(|rule| !rule.deny)
    }
}

/// `"[deny] PREFIX [ge LENGTH] [le LENGTH]"`: prefixes inside PREFIX of certain
/// lengths. Without ge and le the prefix itself; with one of them, from PREFIX's own
/// length or to the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, JsonSchema)]
#[schemars(with = "String")]
pub struct PrefixRule {
    /// Whether what matches is not in the list.
    pub deny: bool,
    /// What the prefixes are inside of; no bits set past its length.
    pub prefix: IpNet,
    /// Least length, `prefix`'s own to its family's longest.
    pub ge: u8,
    /// Greatest length, `ge` to the family's longest.
    pub le: u8,
}

impl PrefixRule {
    /// Whether `prefix` is inside of the rule's, and of a length that it is for.
    pub fn matches(&self, prefix: IpNet) -> bool {
        (self.ge..=self.le).contains(&prefix.prefix_len()) && self.prefix.contains(&prefix)
    }

    /// Whether every prefix that `other` matches is matched by this one.
    pub fn covers(&self, other: &Self) -> bool {
        self.prefix.contains(&other.prefix) && self.ge <= other.ge && other.le <= self.le
    }
}

impl FromStr for PrefixRule {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_ascii_whitespace().peekable();
        let deny = words.next_if_eq(&"deny").is_some();
        let shown = || text.chars().take(64).collect::<String>();
        let word = words.next().ok_or_else(|| format!("\"{}\" has no prefix", shown()))?;
        let prefix: IpNet = word.parse().map_err(|_| format!("\"{}\" has no prefix", shown()))?;
        if prefix.trunc() != prefix {
            return Err(format!("{prefix} has bits set past its length; did you mean {}?", prefix.trunc()));
        }
        let (own, most) = (prefix.prefix_len(), prefix.max_prefix_len());
        let (mut ge, mut le) = (None, None);
        while let Some(bound) = words.next() {
            let slot = match bound {
                "ge" => &mut ge,
                "le" => &mut le,
                other => return Err(format!("\"{}\" is neither ge nor le", clip(other))),
            };
            let number = words.next().and_then(|n| n.parse::<u8>().ok()).filter(|n| (own..=most).contains(n));
            let number =
                number.ok_or_else(|| format!("{bound} of {prefix} is a length of {own} to {most}"))?;
            if slot.replace(number).is_some() {
                return Err(format!("{bound} is said twice"));
            }
        }
        let (ge, le) = match (ge, le) {
            (None, None) => (own, own),
            (ge, None) => (ge.unwrap_or(own), most),
            (ge, Some(le)) => (ge.unwrap_or(own), le),
        };
        if ge > le {
            return Err(format!("ge {ge} is more than le {le}: nothing can match"));
        }
        Ok(Self { deny, prefix, ge, le })
    }
}

fn clip(word: &str) -> String {
    word.chars().take(64).collect()
}

impl fmt::Display for PrefixRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (own, most) = (self.prefix.prefix_len(), self.prefix.max_prefix_len());
        write!(f, "{}{}", if self.deny { "deny " } else { "" }, self.prefix)?;
        let only_own = self.ge == own && self.le == own;
        if self.ge != own || (self.le == most && !only_own) {
            write!(f, " ge {}", self.ge)?;
        }
        if self.le != most && !only_own {
            write!(f, " le {}", self.le)?;
        }
        Ok(())
    }
}

impl Serialize for PrefixRule {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule(text: &str) -> PrefixRule {
        text.parse().unwrap()
    }

    #[test]
    fn lengths_are_bounded_as_said() {
        let lengths = |text: &str| (rule(text).ge, rule(text).le, rule(text).deny);
        assert_eq!(lengths("10.0.0.0/8"), (8, 8, false));
        assert_eq!(lengths("10.0.0.0/8 le 24"), (8, 24, false));
        assert_eq!(lengths("deny 2001:db8::/32 ge 48"), (48, 128, true));
        assert_eq!(lengths("10.0.0.0/8 le 24 ge 16"), (16, 24, false));
    }

    #[test]
    fn the_first_match_decides() {
        let entries = vec![rule("deny 10.2.0.0/16 le 32"), rule("10.0.0.0/8 le 24")];
        let list = PrefixList { name: "l".into(), entries };
        let permits = |prefix: &str| list.permits(prefix.parse().unwrap());
        assert!(permits("10.1.0.0/16") && permits("10.0.0.0/8") && permits("10.1.2.0/24"));
        assert!(!permits("10.2.3.0/24") && !permits("10.1.2.128/25") && !permits("11.0.0.0/8"));
        assert!(!permits("0.0.0.0/0") && !permits("2001:db8::/32"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let wrong = |text: &str| text.parse::<PrefixRule>().unwrap_err();
        assert_eq!(wrong(""), "\"\" has no prefix");
        assert_eq!(wrong("deny"), "\"deny\" has no prefix");
        assert_eq!(wrong("10.0.0.1/8"), "10.0.0.1/8 has bits set past its length; did you mean 10.0.0.0/8?");
        assert_eq!(wrong("10.0.0.0/8 24"), "\"24\" is neither ge nor le");
        assert_eq!(wrong("10.0.0.0/8 le 33"), "le of 10.0.0.0/8 is a length of 8 to 32");
        assert_eq!(wrong("10.0.0.0/8 ge 7"), "ge of 10.0.0.0/8 is a length of 8 to 32");
        assert_eq!(wrong("10.0.0.0/8 ge 24 le 16"), "ge 24 is more than le 16: nothing can match");
        assert_eq!(wrong("10.0.0.0/8 le 9 le 9"), "le is said twice");
    }

    fn rules() -> impl Strategy<Value = PrefixRule> {
        (any::<bool>(), any::<std::net::IpAddr>(), any::<[u8; 3]>()).prop_map(|(deny, address, [a, b, c])| {
            let most = if address.is_ipv4() { 32 } else { 128 };
            let own = a % (most + 1);
            let ge = own + b % (most - own + 1);
            let le = ge + c % (most - ge + 1);
            let prefix = IpNet::new(address, own).unwrap().trunc();
            PrefixRule { deny, prefix, ge, le }
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(rule in rules(), text in "\\PC{0,20}") {
            prop_assert_eq!(rule.to_string().parse(), Ok(rule));
            if let Ok(read) = text.parse::<PrefixRule>() {
                prop_assert_eq!(read.to_string().parse(), Ok(read));
            }
        }

        /// A rule that covers another matches what that one matches.
        #[test]
        fn to_cover_is_to_match_all(a in rules(), b in rules(), up in 0u8..9, more: bool) {
            // Rules that have something to do with each other.
            let around = b.prefix.prefix_len().saturating_sub(up);
            let prefix = IpNet::new(b.prefix.addr(), around).unwrap().trunc();
            let a = PrefixRule { prefix, ge: a.ge.max(around).min(b.le), le: if more { 128 } else { b.le }, ..a };
            let longest = IpNet::new(b.prefix.addr(), b.le).unwrap();
            let shortest = IpNet::new(b.prefix.addr(), b.ge).unwrap();
            if a.covers(&b) {
                prop_assert!(a.matches(longest) && a.matches(shortest));
            } else {
                prop_assert!(!(a.matches(longest) && a.matches(shortest)));
            }
        }
    }
}
