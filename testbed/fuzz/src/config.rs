//! Any text through the configuration parser: it says what is wrong or gives a
//! configuration that passes its own checks again, and never panics.

use control::config;

/// Reads `data` as a configuration; gives whether it was accepted.
pub fn run(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    match config::parse(text, "fuzz.toml") {
        Ok(config) => {
            assert!(config.check().is_ok(), "what was accepted is refused when checked again");
            true
        }
        Err(errors) => {
            assert!(!errors.to_string().is_empty(), "refused without a word");
            assert!(!errors.fancy(false).is_empty(), "refused without a word");
            false
        }
    }
}
