//! The demonstration: a call stays perfect while a study crosses the same link.
//!
//! ```text
//!  surgery ────── router ────── hospital      both of the router's interfaces shaped to 10 Mbit/s
//!     30 calls and a video session both ways, clinical transactions,
//!     and one imaging study from the hospital to the surgery by TCP
//! ```
//!
//! First with one queue for everything, then with a queue for each class. With
//! root each host is a network namespace and the router the real process on real
//! interfaces; without, all of it runs in this process in virtual time. Either
//! way the router is configured by the same text, as a user's file is.

mod configuration;
pub(crate) mod fetch;
pub(crate) mod namespaces;
mod phase;
mod plan;
pub(crate) mod process;
mod progress;
pub(crate) mod site;
mod virtual_time;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use configuration::configuration;
pub use plan::{LEAST_SECONDS, MOST_SECONDS, Plan};
pub use progress::{Live, Progress};

use crate::netns::Namespace;
use crate::report::{DemoReport, Mode};

/// What to run.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// How long it may take altogether, seconds of its own clock:
    /// [`LEAST_SECONDS`] to [`MOST_SECONDS`].
    pub seconds: u64,
    /// Seeds every random choice; in virtual time, one seed is one report.
    pub seed: u64,
    /// Set by the caller when the demonstration is to end early.
    pub stop: Arc<AtomicBool>,
}

impl Default for DemoOptions {
    fn default() -> Self {
        Self { seconds: 30, seed: 1, stop: Arc::default() }
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Too short or too long a time.
    #[error("--seconds {0}: the demonstration takes {LEAST_SECONDS} to {MOST_SECONDS} seconds")]
    Seconds(u64),
    /// The caller said stop.
    #[error("stopped before the end")]
    Stopped,
    /// The router did not take its configuration.
    #[error("the router refused the demonstration's configuration: {0}")]
    Configuration(String),
    /// The router did not come up, or ended.
    #[error("the router {0}")]
    Router(String),
    /// The study did not arrive within the time of a phase.
    #[error(
        "only {done} of the study's {bytes} bytes arrived in {seconds:.1} s: is this machine busy? try more --seconds"
    )]
    Unfinished {
        /// Bytes that arrived.
        done: u64,
        /// Bytes of the study.
        bytes: u64,
        /// Seconds since it began.
        seconds: f64,
    },
    /// The system refused something.
    #[error("{action}: {reason}")]
    System {
        /// What was being done.
        action: String,
        /// What the system said.
        reason: String,
    },
}

impl DemoOptions {
    fn stopped(&self) -> Result<(), DemoError> {
        if self.stop.load(Ordering::Relaxed) { Err(DemoError::Stopped) } else { Ok(()) }
    }
}

/// A refusal of the system's, about `action`.
pub(crate) fn system<E: ToString>(action: &'static str) -> impl Fn(E) -> DemoError {
    move |reason| DemoError::System { action: action.into(), reason: reason.to_string() }
}

/// Does `work` in a namespace: `action`, should the system refuse it.
pub(crate) fn within<T: Send>(
    namespace: &Namespace,
    action: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send,
) -> Result<T, DemoError> {
    namespace.run(work).map_err(system(action))?.map_err(system(action))
}

/// Seconds for the network, two starts of the router and clearing up.
const SETUP: u64 = 4;

/// On what the demonstration can run here: namespaces, or virtual time and the
/// reason why not namespaces.
pub fn available() -> (Mode, Option<String>) {
    let links = || namespaces::Network::new().map(drop).map_err(|e| format!("needs virtual links: {e}"));
    match crate::netns::available().and_then(|()| links()) {
        Ok(()) => (Mode::Namespaces, None),
        Err(reason) => (Mode::Virtual, Some(reason)),
    }
}

/// Runs the demonstration in network namespaces, `program daemon` being the
/// router. `progress` is told a few times a second. Nothing is left behind,
/// however it ends.
///
/// # Errors
/// [`DemoError`]
pub fn run_namespaces(
    options: &DemoOptions,
    program: &Path,
    progress: &mut dyn FnMut(&Progress),
) -> Result<DemoReport, DemoError> {
    let plan = Plan::new(options.seconds, SETUP, options.seed)?;
    let network = namespaces::Network::new()?;
    let without_qos = network.run(program, &plan, false, options, progress)?;
    let with_qos = network.run(program, &plan, true, options, progress)?;
    Ok(DemoReport { mode: Mode::Namespaces, with_qos, without_qos })
}

/// Runs the demonstration in virtual time. `progress` is told a few times for
/// every second that passes there.
///
/// # Errors
/// [`DemoError`]
pub fn run_virtual(
    options: &DemoOptions,
    progress: &mut dyn FnMut(&Progress),
) -> Result<DemoReport, DemoError> {
    let plan = Plan::new(options.seconds, 0, options.seed)?;
    let without_qos = virtual_time::run(&plan, false, options, progress)?;
    let with_qos = virtual_time::run(&plan, true, options, progress)?;
    Ok(DemoReport { mode: Mode::Virtual, with_qos, without_qos })
}
