//! DSCP values by name (RFC 2474, RFC 2597, RFC 3246, RFC 5865, RFC 8622).

macro_rules! code_points {
    ($($name:ident = $value:literal, $text:literal;)+) => {
        $(
            #[doc = concat!("DSCP ", $text, ", ", stringify!($value), ".")]
            pub const $name: u8 = $value;
        )+

        /// The name of a code point, if it has one.
        pub(super) fn name(dscp: u64) -> Option<&'static str> {
            match dscp {
                $($value => Some($text),)+
                _ => None,
            }
        }
    };
}

code_points! {
    CS0 = 0, "CS0";
    LE = 1, "LE";
    CS1 = 8, "CS1";
    AF11 = 10, "AF11";
    AF12 = 12, "AF12";
    AF13 = 14, "AF13";
    CS2 = 16, "CS2";
    AF21 = 18, "AF21";
    AF22 = 20, "AF22";
    AF23 = 22, "AF23";
    CS3 = 24, "CS3";
    AF31 = 26, "AF31";
    AF32 = 28, "AF32";
    AF33 = 30, "AF33";
    CS4 = 32, "CS4";
    AF41 = 34, "AF41";
    AF42 = 36, "AF42";
    AF43 = 38, "AF43";
    CS5 = 40, "CS5";
    VOICE_ADMIT = 44, "VOICE-ADMIT";
    EF = 46, "EF";
    CS6 = 48, "CS6";
    CS7 = 56, "CS7";
}
