//! The router's configuration, as an operator would write it.

use crate::report::Mode;

/// The text for a demonstration of this kind, with a queue for each class or
/// with one for all.
pub fn configuration(mode: Mode, qos: bool) -> String {
    let kind = match mode {
        Mode::Namespaces => "af-packet",
        Mode::Virtual => "loopback",
    };
    let discipline = if qos { "classes" } else { "fifo" };
    include_str!("router.toml").replace("KIND", kind).replace("DISCIPLINE", discipline)
}
