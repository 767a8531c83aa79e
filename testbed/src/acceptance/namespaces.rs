//! A row on real interfaces: three namespaces, the real router process, real sockets and
//! the kernel's TCP.

use std::path::Path;
use std::time::Duration;

use super::{HOSPITAL, Kept, Row, SURGERY};
use crate::demo::fetch::Fetch;
use crate::demo::namespaces::Network;
use crate::demo::process::RouterProcess;
use crate::demo::site::{Clock, Site};
use crate::demo::{DemoError, DemoOptions};
use crate::traffic::Way;

/// What the router's ports are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// Packet sockets.
    Packet,
    /// AF_XDP sockets.
    Xdp,
}

impl Driver {
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Packet => "af-packet",
            Self::Xdp => "af-xdp",
        }
    }
}

/// The hosts' threads have the same cores: a router's workers go first, where this machine lets them.
const REAL_TIME: &str = "[router]\npriority = \"real-time\"\n";
/// Time for the hosts to open their sockets in, nanoseconds.
const LISTENING: u64 = 300_000_000;
/// Until the study begins; the last half of a second has calls.
const BEFORE: Duration = Duration::from_millis(800);
/// Time for the last packets to arrive in.
const DRAIN: Duration = Duration::from_millis(500);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(5);

/// Runs a row with a study of `bytes`, `program daemon` being the router.
///
/// # Errors
/// [`DemoError`]; a study that takes three times its ideal has not arrived and took that long.
pub fn run_namespaces(row: &Row, bytes: u64, driver: Driver, program: &Path) -> Result<Kept, DemoError> {
    let network = Network::new()?;
    let text = row.configuration(driver.kind(), &allowances(row));
    let text = text.replacen("[router]\n", REAL_TIME, 1);
    let mut router = RouterProcess::start(&network.router, program, &text)?;
    network.wait(&mut router, &DemoOptions::default())?;
    let clock = Clock::start();
    // Not before both hosts listen.
    let start = clock.now() + LISTENING;
    let site = |namespace, own, peer, way| {
        let schedule = row.mix().schedule(way, start, u64::MAX, 1);
        Site::start(namespace, (own, peer), clock, schedule)
    };
    let surgery = site(&network.surgery, SURGERY, HOSPITAL, Way::Up)?;
    let hospital = site(&network.hospital, HOSPITAL, SURGERY, Way::Down)?;
    let dropped = network.dropped_on_lines()?;
    std::thread::sleep(BEFORE);
    let ideal = row.ideal(bytes);
    let patience = clock.now() + (3.0 * ideal * 1e9) as u64;
    let fetch = Fetch::start(&network.surgery, &network.hospital, clock, bytes)?;
    while fetch.took().is_none() && clock.now() < patience {
        router.check()?;
        std::thread::sleep(LOOK);
    }
    let seconds = fetch.took().map_or(3.0 * ideal, |took| took.as_secs_f64());
    [&surgery, &hospital].into_iter().for_each(Site::quiet);
    std::thread::sleep(DRAIN);
    let line = network.dropped_on_lines()? - dropped;
    let mut kept = Kept { seconds, ideal, line, ..Kept::default() };
    kept.add_calls(&surgery.sent(), &mut hospital.meter(), Duration::ZERO);
    kept.add_calls(&hospital.sent(), &mut surgery.meter(), Duration::ZERO);
    Ok(kept)
}

/// What the real clock needs: by 20 ms the machine may be late without the line losing of its rate,
/// and what calls bring in while it does something else for 100 ms is taken.
fn allowances(row: &Row) -> String {
    let third = row.rate() / 3_000;
    let held = u64::from(row.calls) * super::CALL_FRAME * super::CALL_PACKETS / 5;
    format!(
        "burst = \"20 ms\"\nvoice = {{ policer = {{ rate = \"{third} kbit/s\", burst = \"100 ms\" }}, limit = \"{held} B\" }}"
    )
}
