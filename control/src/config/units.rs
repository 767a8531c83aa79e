//! Rates, times and sizes as people write them: a number, a space, a unit.
//!
//! Decimal prefixes are powers of ten (`kbit/s`, `kB`), binary ones powers of
//! two (`KiB`). Each value prints in the largest unit that keeps it exact, and
//! what is printed parses back to the same value.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// Splits "10 Mbit/s" into its number and unit; the space may be left out.
fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.strip_prefix(' ').unwrap_or(unit))
}

/// `number` × `unit`, exact; `None` when it is no number or is not a whole count of the smallest unit.
fn scale(number: &str, unit: u64) -> Option<u64> {
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || part.is_empty() || part.len() > 9 {
        return None;
    }
    let ten = 10u128.checked_pow(u32::try_from(part.len()).ok()?)?;
    let value = whole.parse::<u64>().ok()?;
    let scaled = u128::from(value) * u128::from(unit) * ten + part.parse::<u128>().ok()? * u128::from(unit);
    scaled.is_multiple_of(ten).then(|| u64::try_from(scaled / ten).ok())?
}

/// Whether it is digits, with a point between them or none.
fn is_number(text: &str) -> bool {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    digits(whole) && digits(part)
}

macro_rules! quantity {
    ($(#[$meta:meta])* $name:ident, $what:literal, [$(($unit:literal, $scale:expr)),+], $allowed:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
        #[schemars(with = "String")]
        pub struct $name(pub u64);

        impl $name {
            /// Units, smallest first.
            const UNITS: &'static [(&'static str, u64)] = &[$(($unit, $scale)),+];
            /// What may be written.
            pub const ALLOWED: &'static str = $allowed;
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                if text.trim_start().starts_with(['-', '\u{2212}']) {
                    return Err(format!("\"{text}\" is less than nothing"));
                }
                let (number, unit) = split(text.trim());
                let Some((_, scale_by)) = Self::UNITS.iter().find(|(name, _)| *name == unit) else {
                    return Err(match unit {
                        "" => format!("\"{text}\" has no unit"),
                        _ => format!("\"{unit}\" is not a unit of {}", $what),
                    });
                };
                scale(number, *scale_by).map(Self).ok_or_else(|| match is_number(number) {
                    false => format!("\"{text}\" is not {}", $what),
                    true if scale(number.split('.').next().unwrap_or(number), *scale_by).is_none() => {
                        format!("\"{text}\" is more than there can be")
                    }
                    true => format!("\"{text}\" is no whole number of {}", Self::UNITS[0].0),
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let fits = |(_, scale): &&(&str, u64)| self.0 >= *scale && self.0.is_multiple_of(*scale);
                let (unit, scale) = Self::UNITS.iter().rev().find(fits).unwrap_or(&Self::UNITS[0]);
                f.pad(&format!("{} {unit}", self.0 / scale))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
    };
}

quantity! {
    /// A rate, bits per second.
    Rate, "a rate",
    [("bit/s", 1), ("kbit/s", 1_000), ("Mbit/s", 1_000_000), ("Gbit/s", 1_000_000_000)],
    "a rate is a number and bit/s, kbit/s, Mbit/s or Gbit/s, such as \"10 Mbit/s\""
}
quantity! {
    /// A time, nanoseconds.
    Span, "a time",
    [("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000)],
    "a time is a number and ns, us, ms or s, such as \"5 ms\""
}
quantity! {
    /// A size, bytes.
    Size, "a size",
    [("B", 1), ("kB", 1_000), ("KiB", 1 << 10), ("MB", 1_000_000), ("MiB", 1 << 20), ("GB", 1_000_000_000), ("GiB", 1 << 30)],
    "a size is a number and B, kB, MB, GB, KiB, MiB or GiB, such as \"64 kB\""
}

impl Rate {
    /// Bytes that pass in `time` at this rate, rounded up.
    pub fn bytes_in(self, time: Span) -> u64 {
        let bits = u128::from(self.0) * u128::from(time.0);
        u64::try_from(bits.div_ceil(8_000_000_000)).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn units_mean_what_they_say() {
        assert_eq!("10 Mbit/s".parse(), Ok(Rate(10_000_000)));
        assert_eq!("64kbit/s".parse(), Ok(Rate(64_000)));
        assert_eq!("2.048 Mbit/s".parse(), Ok(Rate(2_048_000)));
        assert_eq!("1 Gbit/s".parse(), Ok(Rate(1_000_000_000)));
        assert_eq!("5 ms".parse(), Ok(Span(5_000_000)));
        assert_eq!("0.5 us".parse(), Ok(Span(500)));
        assert_eq!("64 kB".parse(), Ok(Size(64_000)));
        assert_eq!("64 KiB".parse(), Ok(Size(65_536)));
        assert_eq!(Rate(10_000_000).bytes_in(Span(5_000_000)), 6_250);
        assert_eq!(Rate(1).bytes_in(Span(1)), 1);
    }

    #[test]
    fn anything_else_is_refused_with_a_reason() {
        assert_eq!("10".parse::<Rate>(), Err("\"10\" has no unit".into()));
        assert_eq!("10 mbit/s".parse::<Rate>(), Err("\"mbit/s\" is not a unit of a rate".into()));
        assert_eq!("10 MB".parse::<Rate>(), Err("\"MB\" is not a unit of a rate".into()));
        assert_eq!("0.5 B".parse::<Size>(), Err("\"0.5 B\" is no whole number of B".into()));
        assert_eq!("-5 ms".parse::<Span>(), Err("\"-5 ms\" is less than nothing".into()));
        assert_eq!("1e3 ms".parse::<Span>(), Err("\"e3 ms\" is not a unit of a time".into()));
        assert_eq!(". ms".parse::<Span>(), Err("\". ms\" is not a time".into()));
        let large = "99999999999999999999 Gbit/s";
        assert_eq!(large.parse::<Rate>(), Err(format!("\"{large}\" is more than there can be")));
        for bad in ["", ".", "ms", " ms", "1..2 ms", ".5 ms", "5. ms", "-5 ms", "1e3 ms", "5  ms"] {
            assert!(bad.parse::<Span>().is_err(), "{bad:?}");
        }
        assert!("99999999999999999999 s".parse::<Span>().is_err());
        assert!("18446744073709551615 s".parse::<Span>().is_err());
    }

    proptest! {
        #[test]
        fn what_is_printed_parses_back(n: u64) {
            prop_assert_eq!(Rate(n).to_string().parse(), Ok(Rate(n)));
            prop_assert_eq!(Span(n).to_string().parse(), Ok(Span(n)));
            prop_assert_eq!(Size(n).to_string().parse(), Ok(Size(n)));
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = text.parse::<Rate>();
            let _ = text.parse::<Span>();
        }
    }
}
