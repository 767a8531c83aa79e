//! What the tests of the router process share: the process, and the hosts it
//! stands between, which are the kernel's own in namespaces of their own.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]

pub mod probe;
pub mod process;
pub mod provider;
pub mod site;
pub mod transfer;

use std::io::Write;
use std::time::{Duration, Instant};

use testbed::netns;

/// The longest any test waits for one thing.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// Whether namespaces can be made; says loudly why not.
pub fn root() -> bool {
    let available = netns::available();
    if let Err(why) = &available {
        // Past the test harness, which keeps what a passing test prints.
        let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
    }
    available.is_ok()
}

/// Looks until `done`; panics when it never is.
pub fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "never saw: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
