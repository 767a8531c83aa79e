//! Names of differentiated services code points (IANA DSCP registry).

/// Every named code point: name, value, and where it is from.
pub const NAMED: [(&str, u8, &str); 23] = [
    ("DF", 0, "RFC 2474"),
    ("LE", 1, "RFC 8622"),
    ("CS1", 8, "RFC 2474"),
    ("AF11", 10, "RFC 2597"),
    ("AF12", 12, "RFC 2597"),
    ("AF13", 14, "RFC 2597"),
    ("CS2", 16, "RFC 2474"),
    ("AF21", 18, "RFC 2597"),
    ("AF22", 20, "RFC 2597"),
    ("AF23", 22, "RFC 2597"),
    ("CS3", 24, "RFC 2474"),
    ("AF31", 26, "RFC 2597"),
    ("AF32", 28, "RFC 2597"),
    ("AF33", 30, "RFC 2597"),
    ("CS4", 32, "RFC 2474"),
    ("AF41", 34, "RFC 2597"),
    ("AF42", 36, "RFC 2597"),
    ("AF43", 38, "RFC 2597"),
    ("CS5", 40, "RFC 2474"),
    ("VOICE-ADMIT", 44, "RFC 5865"),
    ("EF", 46, "RFC 3246"),
    ("CS6", 48, "RFC 2474"),
    ("CS7", 56, "RFC 2474"),
];

/// Expedited forwarding.
pub const EF: u8 = 46;

/// The name of a code point, where it has one.
pub fn name(dscp: u8) -> Option<&'static str> {
    NAMED.iter().find(|(_, value, _)| *value == dscp).map(|(name, ..)| *name)
}

/// The code point called `name` (any case; CS0 and BE are DF), or written as a number 0 to 63.
pub fn parse(name: &str) -> Option<u8> {
    let alias = |s: &str| s.eq_ignore_ascii_case("CS0") || s.eq_ignore_ascii_case("BE");
    if alias(name) {
        return Some(0);
    }
    let named = NAMED.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name)).map(|(_, v, _)| *v);
    named.or_else(|| name.parse().ok().filter(|v| *v < 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_each_others() {
        for (text, value, _) in NAMED {
            assert_eq!((name(value), parse(text)), (Some(text), Some(value)));
            assert_eq!(parse(&text.to_lowercase()), Some(value));
        }
        assert_eq!((parse("cs0"), parse("be"), parse("63")), (Some(0), Some(0), Some(63)));
        assert_eq!((parse("64"), parse("AF44"), parse(""), name(63)), (None, None, None, None));
    }

    #[test]
    fn af_classes_follow_the_formula_of_rfc_2597() {
        for class in 1..=4u8 {
            for drop in 1..=3u8 {
                assert_eq!(parse(&format!("AF{class}{drop}")), Some(8 * class + 2 * drop));
            }
        }
    }
}
