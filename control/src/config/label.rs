//! `[labels]` and `[[label]]`: the label range, and labels whose way is given.
//!
//! Values are those of RFC 3032 section 2.1: 20 bits, of which 0 to 15 are reserved.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::route::{Hop, Via};
use super::words::{DiffServWord, TtlWord};

/// The highest label.
pub const MOST_LABEL: u32 = 0xf_ffff;
/// The lowest label that is not reserved.
pub const LEAST_LABEL: u32 = 16;
/// The label that says "send without one" (RFC 3032 section 2.1).
pub const IMPLICIT_NULL: u32 = 3;
/// Labels that one route can put on.
pub const MOST_PUSHED: usize = dataplane::table::Labels::MOST;

/// `[labels]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LabelRanges {
    /// Labels that the router gives out itself, "FIRST-LAST"; every other label from 16 to
    /// 1,048,575 is for `[[label]]`. Default "100000-1048575".
    pub dynamic: LabelRange,
}

/// Labels from `first` to `last`, both of them in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, JsonSchema)]
#[schemars(with = "String")]
pub struct LabelRange {
    /// 16 to `last`.
    pub first: u32,
    /// `first` to 1,048,575.
    pub last: u32,
}

impl LabelRange {
    /// Whether `label` is in it.
    pub const fn contains(self, label: u32) -> bool {
        self.first <= label && label <= self.last
    }
}

impl Default for LabelRange {
    fn default() -> Self {
        Self { first: 100_000, last: MOST_LABEL }
    }
}

impl FromStr for LabelRange {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let number = |t: &str| {
            let t = t.trim();
            (!t.is_empty() && t.bytes().all(|b| b.is_ascii_digit())).then(|| t.parse::<u32>().ok())?
        };
        let shown: String = text.chars().take(64).collect();
        let Some((first, last)) = text.split_once('-').and_then(|(a, b)| Some((number(a)?, number(b)?)))
        else {
            return Err(format!("\"{shown}\" is not a range of labels"));
        };
        match (first, last) {
            _ if first > last => Err(format!("{first} is more than {last}: the range is empty")),
            _ if first < LEAST_LABEL => Err(format!("{first} is reserved (RFC 3032 section 2.1)")),
            _ if last > MOST_LABEL => Err(format!("{last} is no label: it has 20 bits")),
            _ => Ok(Self { first, last }),
        }
    }
}

impl fmt::Display for LabelRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl Serialize for LabelRange {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// `[[label]]`: an incoming label and its way; one of `swap`, `pop` and `vrf`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct StaticLabel {
    /// The label, 16 to 1,048,575, outside of the dynamic range.
    pub label: u32,
    /// The label that replaces it: 16 to 1,048,575, 0 or 2 (explicit null), or 3 (implicit null:
    /// it is taken off and what is below is sent to `via`).
    pub swap: Option<u32>,
    /// Whether it is taken off and what is below is sent to `via`; without `via`, a label below
    /// is looked up, and an IP packet goes the way of Vrf "default". Default false.
    pub pop: bool,
    /// The Vrf in which the packet below it is looked up.
    pub vrf: Option<String>,
    /// Next hops of `swap` and `pop`, at most 64, each an address or
    /// `{ address, interface, push, swap }`; several share the flows (ECMP). A `swap` here is in
    /// the place of the label's: every neighbour gives out its own labels.
    pub via: Vec<Via>,
    /// The interface of the next hops that name none; needed for IPv6 link-local ones.
    pub interface: Option<String>,
    /// The Vrf in which next hops are resolved. Default "default".
    pub via_vrf: Option<String>,
    /// Labels put on top of the one swapped in, outermost first; at most 8. Default: none.
    pub push: Vec<u32>,
    /// What `pop` or `vrf` hands on of the TTL. Default: the Vrf's, else "uniform".
    pub ttl: Option<TtlWord>,
    /// What `pop` or `vrf` hands on of the marks. Default: the Vrf's, else "pipe".
    pub diffserv: Option<DiffServWord>,
}

/// What becomes of a packet with a static label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelAction<'a> {
    /// The label is replaced, and the packet goes to the next hops.
    Swap(u32),
    /// The label is replaced by what each next hop says.
    SwapEach,
    /// The label is taken off, and what is below goes to the next hops.
    Pop,
    /// The label is taken off, and what is below is looked up in this Vrf.
    Lookup(&'a str),
}

impl StaticLabel {
    /// What becomes of the packet.
    pub fn action(&self) -> LabelAction<'_> {
        match (self.swap, &self.vrf) {
            (_, Some(vrf)) => LabelAction::Lookup(vrf),
            _ if self.swaps_each() => LabelAction::SwapEach,
            (Some(label), None) => LabelAction::Swap(label),
            (None, None) => LabelAction::Pop,
        }
    }

    /// Whether next hops have labels of their own to be swapped in.
    pub fn swaps_each(&self) -> bool {
        self.via.iter().any(|via| via.swap.is_some())
    }

    /// The next hops, with what holds for all of them filled in.
    pub fn hops(&self) -> impl Iterator<Item = Hop<'_>> {
        let vrf = self.via_vrf.as_deref().unwrap_or("default");
        let each = self.swaps_each();
        self.via.iter().map(move |via| {
            let swap = if each { via.swap.or(self.swap) } else { None };
            Hop { swap, ..via.hop(self.interface.as_deref(), &self.push, vrf) }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_range_stays_within_what_labels_there_are() {
        let read = |text: &str| text.parse::<LabelRange>();
        assert_eq!(read("16 - 1048575"), Ok(LabelRange { first: 16, last: MOST_LABEL }));
        assert_eq!(read("15-99").unwrap_err(), "15 is reserved (RFC 3032 section 2.1)");
        assert_eq!(read("16-1048576").unwrap_err(), "1048576 is no label: it has 20 bits");
        assert_eq!(read("99-98").unwrap_err(), "99 is more than 98: the range is empty");
        for text in ["", "16", "-16", "16-", "a-b", "+16-99", "16-99999999999"] {
            assert!(read(text).unwrap_err().ends_with("is not a range of labels"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(a in LEAST_LABEL..=MOST_LABEL, b in LEAST_LABEL..=MOST_LABEL, label in 0u32..1 << 20) {
            let range = LabelRange { first: a.min(b), last: a.max(b) };
            prop_assert_eq!(range.to_string().parse(), Ok(range));
            prop_assert_eq!(range.contains(label), (range.first..=range.last).contains(&label));
        }
    }
}
