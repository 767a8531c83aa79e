//! The control side of a running router: one wanted state, applied whole or
//! not at all, and the questions people ask about what it does.

mod labels;
mod lsp;
pub(crate) mod meters;
mod ping;
mod ports;
mod proof;
pub mod qos;
mod query;
mod routes;
mod rules;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use dataplane::packet::PoolSize;
use dataplane::port;
use dataplane::router::{Handle, Options, PollMode, Priority, Size};
use dataplane::table::{PortSpec, Snapshot};

use crate::api::types::{Applied, ConfigText, Refusal};
use crate::commit::{ApplyReport, LostRoutes, PortFacts, State};
use crate::config::{self, Config, ConfigErrors, Mode};
use crate::diff::{Change, diff};
use ports::OpenPorts;

/// Longest wait for a worker's answer.
const ANSWER: Duration = Duration::from_secs(2);
/// Longest IP datagram that standard buffers are promised to take, bytes.
const STANDARD_MTU: u16 = 1800;

/// The control side of one router process.
#[derive(Debug)]
pub struct Engine {
    handle: Handle,
    wanted: Mutex<Wanted>,
    started: Instant,
    /// What queues counted before, for rates.
    samples: Mutex<qos::Samples>,
    size: Size,
    /// `[router]` as it was when the router was started: what its workers go by.
    router: config::Router,
}

/// What is wanted, and the ports opened for it.
#[derive(Debug)]
struct Wanted {
    state: State,
    ports: OpenPorts,
    file: String,
}

impl From<ConfigErrors> for Refusal {
    fn from(errors: ConfigErrors) -> Self {
        Self { message: errors.to_string(), faults: errors.errors }
    }
}

/// A refusal that is not about one place in a file.
pub(crate) fn refuse(message: impl Into<String>) -> Refusal {
    Refusal { message: message.into(), faults: Vec::new() }
}

/// How large a router this configuration asks for.
pub fn size(config: &Config) -> Size {
    Size {
        workers: usize::from(config.router.workers),
        buffers: config.router.buffers as usize,
        buffer: if config.longest_mtu() > STANDARD_MTU { PoolSize::Jumbo } else { PoolSize::Standard },
        shared: config.lends(),
        for_rings: config.lent(),
    }
}

/// How its workers run.
pub fn options(config: &Config) -> Options {
    let router = &config.router;
    Options {
        mode: match router.mode {
            Mode::Busy => PollMode::Busy,
            Mode::Adaptive => PollMode::Adaptive,
            Mode::Interrupt => PollMode::Interrupt,
        },
        priority: match router.priority {
            config::Priority::Ordinary => Priority::Ordinary,
            config::Priority::RealTime => Priority::RealTime,
        },
        cores: router.cores.iter().map(|core| usize::from(*core)).collect(),
    }
}

impl Engine {
    /// The engine of a router that forwards nothing yet.
    pub fn new(handle: Handle, size: Size, router: config::Router) -> Self {
        let wanted = Wanted { state: State::new(), ports: OpenPorts::default(), file: String::new() };
        let (wanted, samples) = (Mutex::new(wanted), Mutex::default());
        Self { handle, wanted, samples, started: Instant::now(), size, router }
    }

    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn samples(&self) -> MutexGuard<'_, qos::Samples> {
        self.samples.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The buffers that its workers receive into.
    pub fn buffers(&self) -> PoolSize {
        self.size.buffer
    }

    /// The router's handle.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Makes `text` the wanted state: opens the ports it names, compiles it and
    /// publishes it as one generation. When anything is wrong nothing changes.
    ///
    /// # Errors
    /// Every fault of the file, a community that would not be closed, or the port that
    /// cannot be opened.
    pub fn apply(&self, text: &ConfigText) -> Result<Applied, Refusal> {
        let config = config::parse(&text.text, &text.file)?;
        let wanted = &mut *self.wanted();
        let mut warnings = self.check_size(&config)?;
        warnings.extend(config.warnings().iter().map(|w| w.plain(&text.file).trim_end().to_owned()));
        warnings.extend(proof::rehearse(&wanted.state, &self.handle.snapshot(), &config)?);
        let changes = diff(wanted.state.config(), &config);
        let mut plan = wanted.ports.plan(&config, &self.handle)?;
        let facts = PortFacts { macs: plan.macs() };
        let state = &mut wanted.state;
        let done = self.handle.commit(|snapshot| state.apply(config, &facts, snapshot));
        let report = match done {
            Ok(report) => report,
            Err(errors) => {
                let lost = plan.undo(&mut wanted.ports, &self.handle);
                let refusal = Refusal::from(errors);
                return Err(Refusal { message: refusal.message + &lost, ..refusal });
            }
        };
        let snapshot = self.handle.snapshot();
        plan.carry_out(&mut wanted.ports, &snapshot, &self.handle);
        self.handle.wake_all();
        wanted.file.clone_from(&text.file);
        let warnings = warnings.into_iter().chain(report_warnings(&report)).collect();
        // Reading a large file takes several times the memory of what it says.
        port::trim_heap();
        Ok(Applied { generation: snapshot.generation, changes, warnings })
    }

    /// What cannot change while the router runs: an error where forwarding would
    /// suffer, else a warning. The first configuration set the size.
    fn check_size(&self, config: &Config) -> Result<Vec<String>, Refusal> {
        let wants = size(config);
        if wants.buffer == PoolSize::Jumbo && self.size.buffer == PoolSize::Standard {
            let mtu = config.longest_mtu();
            return Err(refuse(format!(
                "an interface has mtu {mtu}, and this router was started with buffers for {STANDARD_MTU}: \
                 restart it with this file"
            )));
        }
        if wants.shared && !self.size.shared {
            let port = config.ports.iter().find(|port| port.memif.lends()).map_or("", |port| &port.name);
            return Err(refuse(format!(
                "port \"{port}\" is to do without copies (\"zero-copy\"), and this router was started with buffers that \
                 cannot be shared: restart it with this file"
            )));
        }
        self.check_trees(config)?;
        let fixed = |r: &config::Router| (r.workers, r.buffers, r.mode, r.priority, r.cores.clone());
        let differs = fixed(&config.router) != fixed(&self.router);
        let warning = "[router] workers, cores, buffers, mode and priority take effect when the router is started again";
        let more = wants.for_rings > self.size.for_rings;
        let lends = "ports without copies (\"zero-copy\") hold more buffers than this router has for them, and take those \
                     of frames that wait: restart it with this file";
        Ok([(differs, warning), (more, lends)]
            .into_iter()
            .filter(|(is, _)| *is)
            .map(|(_, w)| w.into())
            .collect())
    }

    /// Each tree of a port needs a worker, and there are as many as when the router was started.
    fn check_trees(&self, config: &Config) -> Result<(), Refusal> {
        let workers = self.handle.workers();
        let Some(port) = config.ports.iter().find(|port| usize::from(port.trees) > workers) else {
            return Ok(());
        };
        let (name, trees) = (&port.name, port.trees);
        Err(refuse(format!(
            "port \"{name}\" has {trees} trees, which need a worker each, and this router was started with \
             {workers}: restart it with this file"
        )))
    }

    /// What applying `text` would change; changes nothing.
    ///
    /// # Errors
    /// Every fault of the file.
    pub fn diff(&self, text: &ConfigText) -> Result<Vec<Change>, Refusal> {
        let config = config::parse(&text.text, &text.file)?;
        Ok(diff(self.wanted().state.config(), &config))
    }

    /// Looks at the lines of all ports: routes by one that went down are withdrawn
    /// until it is up again.
    ///
    /// # Errors
    /// A worker that does not answer.
    pub fn follow_links(&self) -> Result<(), Refusal> {
        // Held from before the workers are asked: an apply in between would make its ports look absent.
        let state = &mut self.wanted().state;
        let (status, snapshot) = (self.status()?, self.handle.snapshot());
        let is_down = |port: &&Arc<PortSpec>| query::line(&status, port.id) != "up";
        let down =
            snapshot.ports.iter().map(|(_, p)| p).filter(is_down).map(|p| p.name.to_string()).collect();
        if *state.down() == down {
            return Ok(());
        }
        tracing::info!("ports down now: {down:?}");
        let edit = |snapshot: &mut Snapshot| Ok::<_, Infallible>(state.links(down, snapshot));
        let Ok(_) = self.handle.commit(edit);
        Ok(())
    }

    /// Gives every port up, before the router stops.
    pub fn close(&self) {
        let wanted = &mut *self.wanted();
        wanted.ports.close_all(&self.handle);
    }
}

/// What the operator should know of an apply although nothing is wrong.
fn report_warnings(report: &ApplyReport) -> Vec<String> {
    let lost = |lost: &LostRoutes| {
        format!("vrf \"{}\" is gone, and {} run-time routes with it", lost.vrf, lost.routes)
    };
    let mut warnings: Vec<_> = report.lost.iter().map(lost).collect();
    if let Some(first) = report.lost_labels.first() {
        warnings.push(format!(
            "{} run-time labels went with their vrf, or are the configuration's now, {first} the first",
            report.lost_labels.len()
        ));
    }
    if report.unresolved > 0 {
        warnings.push(format!(
            "{} run-time routes and labels have a next hop that cannot be reached; they are used once it can be",
            report.unresolved
        ));
    }
    warnings
}
