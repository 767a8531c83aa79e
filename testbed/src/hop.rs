//! One router between two hosts, in virtual time: the real configuration reader,
//! compiler and router over in-process ports, and hosts with TCP at both ends.
//!
//! ```text
//!  surgery ── access line ── router ── access line ── hospital
//! ```

use std::collections::BTreeMap;

use control::commit::{PortFacts, State};
use control::config;
use dataplane::port::{AnyPort, Loopback, LoopbackEnd};
use dataplane::router::{Router, Size};
use dataplane::time::Time;

use crate::host::{Host, HostSpec};

/// Frames that a line holds: more than the router's queues do.
const LINE: usize = 8_192;

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum HopError {
    /// The configuration was refused.
    #[error("the router refused its configuration: {0}")]
    Configuration(String),
    /// The router does not start, has no port for a host, or does not answer one.
    #[error("the router {0}")]
    Router(String),
}

/// The router and its hosts. Whoever has it lets time pass by [`Hop::run_until`].
pub struct Hop {
    router: Router,
    /// The host at the port "surgery".
    pub surgery: Host,
    /// The host at the port "hospital".
    pub hospital: Host,
    now: Time,
}

impl std::fmt::Debug for Hop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hop").field("now", &self.now).finish_non_exhaustive()
    }
}

impl Hop {
    /// A router of this configuration, which has the ports "surgery" and "hospital".
    ///
    /// # Errors
    /// [`HopError`]
    pub fn new(text: &str, surgery: HostSpec, hospital: HostSpec) -> Result<Self, HopError> {
        let (router, mut ends) = router(text)?;
        let mut host = |name: &str, spec| {
            let end = ends.remove(name).ok_or_else(|| HopError::Router(format!("has no port {name}")))?;
            Ok(Host::new(spec, end))
        };
        let (surgery, hospital) = (host("surgery", surgery)?, host("hospital", hospital)?);
        Ok(Self { router, surgery, hospital, now: Time::ZERO })
    }

    /// Virtual time.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Waits until both hosts know their gateways, `patience` nanoseconds at most.
    ///
    /// # Errors
    /// [`HopError::Router`] when the router does not answer.
    pub fn settle(&mut self, patience: u64) -> Result<(), HopError> {
        let ready = |hop: &Self| hop.surgery.is_ready() && hop.hospital.is_ready();
        let end = self.now.nanos() + patience;
        self.run_until(end, ready);
        if ready(self) { Ok(()) } else { Err(HopError::Router("does not answer for its addresses".into())) }
    }

    /// Runs until the clock shows `end` nanoseconds or `done` says so.
    pub fn run_until(&mut self, end: u64, done: impl Fn(&Self) -> bool) {
        while self.now.nanos() < end && !done(self) {
            self.step();
        }
    }

    /// Does all that is due now and moves the clock on to what is due next.
    pub fn step(&mut self) {
        self.surgery.poll(self.now);
        self.hospital.poll(self.now);
        let router = self.router.step(self.now);
        let hosts = self.surgery.next_due(self.now).min(self.hospital.next_due(self.now));
        // The clock never stands still, whatever asks to be called again at once.
        self.now = router.min(hosts).max(Time(self.now.nanos() + 1));
    }
}

/// A router of this configuration, and the far ends of its ports by name.
fn router(text: &str) -> Result<(Router, BTreeMap<String, LoopbackEnd>), HopError> {
    let refused = |e: &dyn ToString| HopError::Configuration(e.to_string());
    let config = config::parse(text, "hop").map_err(|e| refused(&e))?;
    let no_threads = |e| HopError::Router(format!("cannot start: {e}"));
    let size = Size { buffers: config.router.buffers as usize, ..Size::default() };
    let mut router = Router::new(size).map_err(no_threads)?;
    // In-process ports have no station addresses: each is given one.
    let apply = |snapshot: &mut _| State::new().apply(config, &PortFacts::default(), snapshot);
    router.handle().commit(apply).map_err(|e| refused(&e))?;
    let mut ends = BTreeMap::new();
    let ports: Vec<_> = router.handle().snapshot().ports.iter().map(|(_, p)| p.clone()).collect();
    for port in ports {
        let (queue, end) = Loopback::new(LINE);
        router.add_port(port.id, vec![AnyPort::Loopback(queue)]);
        ends.insert(port.name.to_string(), end);
    }
    Ok((router, ends))
}
