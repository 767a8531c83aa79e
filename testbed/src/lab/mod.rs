//! The one-router laboratory: the real configuration reader, compiler and router
//! over in-process ports, on a clock that only the test moves.
//!
//! ```text
//! configuration text → control::config → control::commit → dataplane::Router ⇄ loopback lines ⇄ the test
//! ```
//!
//! A test sends packets, and says what must come out. After every step the
//! laboratory checks that no frame is lost without a name: received + originated +
//! fragments = sent + delivered + dropped + held.
//!
//! Everything here panics where the test is wrong or the router is: that is how a
//! test fails.
#![expect(clippy::panic, reason = "a laboratory that finds a fault fails the test it stands in")]

mod expect;
mod host;
mod line;
mod offer;
mod routes;
mod send;

use std::collections::BTreeMap;
use std::time::Duration;

use control::commit::{PortFacts, State};
use control::config::{self, Config};
use dataplane::packet::{DropReason, PoolSize};
use dataplane::port::{AnyPort, Loopback};
use dataplane::router::{Router, Size};
use dataplane::table::{Interface, Snapshot};
use dataplane::time::Time;

pub use expect::Seen;
use host::Hosts;
use line::Line;
use offer::{Flow, Window};
pub use routes::added;

/// Frames that each line holds.
const LINE: usize = 1 << 16;
/// Virtual time that [`Lab::new`] gives the router to try and announce its addresses.
const SETTLING: Duration = Duration::from_secs(15);

/// `n` milliseconds.
pub const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// `n` microseconds.
pub const fn us(n: u64) -> Duration {
    Duration::from_micros(n)
}

/// `n` seconds.
pub const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// One router and its lines.
#[derive(Debug)]
pub struct Lab {
    router: Router,
    state: State,
    now: Time,
    /// By port name.
    lines: BTreeMap<String, Line>,
    hosts: Hosts,
    flows: Vec<Flow>,
    window: Window,
    /// Drops that the test has spoken of already.
    judged: BTreeMap<DropReason, u64>,
}

impl Lab {
    /// A router with this configuration, after it has tried and announced its addresses.
    ///
    /// # Panics
    /// When the configuration is refused.
    #[track_caller]
    pub fn new(configuration: &str) -> Self {
        let mut lab = Self::starting(configuration);
        lab.run(SETTLING);
        lab.forget();
        lab
    }

    /// A router with this configuration at the moment of its start.
    ///
    /// # Panics
    /// When the configuration is refused.
    #[track_caller]
    pub fn starting(configuration: &str) -> Self {
        Self::with_size(configuration, |_| {})
    }

    /// As [`Lab::starting`], its size changed by `edit`.
    ///
    /// # Panics
    /// When the configuration is refused.
    #[track_caller]
    pub fn with_size(configuration: &str, edit: impl FnOnce(&mut Size)) -> Self {
        let mut size = size(&parsed(configuration).unwrap_or_else(|refusal| panic!("{refusal}")));
        edit(&mut size);
        let router = Router::new(size).unwrap_or_else(|error| panic!("no router: {error}"));
        let mut lab = Self {
            router,
            state: State::new(),
            now: Time::ZERO,
            lines: BTreeMap::new(),
            hosts: Hosts::default(),
            flows: Vec::new(),
            window: Window::default(),
            judged: BTreeMap::new(),
        };
        lab.apply(configuration);
        lab
    }

    /// Makes this configuration the wanted state.
    ///
    /// # Panics
    /// When it is refused.
    #[track_caller]
    pub fn apply(&mut self, configuration: &str) {
        if let Err(refusal) = self.try_apply(configuration) {
            panic!("{refusal}");
        }
    }

    /// As [`Lab::apply`]; gives the refusal as text.
    ///
    /// # Errors
    /// Every fault of the configuration; nothing has changed then.
    pub fn try_apply(&mut self, configuration: &str) -> Result<(), String> {
        let config = parsed(configuration)?;
        let names = || config.ports.iter().map(|port| port.name.clone());
        let facts = PortFacts { macs: names().map(|name| (name.clone(), line::mac(&name))).collect() };
        let state = &mut self.state;
        let change = |snapshot: &mut Snapshot| state.apply(config.clone(), &facts, snapshot);
        self.router.handle().commit(change).map_err(|errors| errors.to_string())?;
        self.join_lines(&config);
        self.turn();
        Ok(())
    }

    /// Opens lines for ports that are new, and closes those of ports that are gone.
    fn join_lines(&mut self, config: &Config) {
        let snapshot = self.snapshot();
        let gone = |name: &String| !config.ports.iter().any(|port| port.name == *name);
        for name in self.lines.keys().filter(|name| gone(name)).cloned().collect::<Vec<_>>() {
            if let Some(line) = self.lines.remove(&name) {
                drop(self.router.handle().remove_port(line.id));
            }
        }
        for (_, spec) in snapshot.ports.iter() {
            if self.lines.contains_key(&*spec.name) {
                continue;
            }
            let queues =
                config.ports.iter().find(|port| *port.name == *spec.name).map_or(1, |port| port.queues);
            let (ports, ends): (Vec<_>, Vec<_>) = (0..queues).map(|_| Loopback::new(LINE)).unzip();
            self.router.add_port(spec.id, ports.into_iter().map(AnyPort::Loopback).collect());
            self.lines.insert(spec.name.to_string(), Line::new(spec.id, ends));
        }
    }

    /// The router.
    pub fn router(&mut self) -> &mut Router {
        &mut self.router
    }

    /// The control side's own state: its routes.
    pub fn state(&mut self) -> &mut State {
        &mut self.state
    }

    /// Virtual time.
    pub fn now(&self) -> Time {
        self.now
    }

    /// What is forwarded by.
    pub fn snapshot(&self) -> std::sync::Arc<Snapshot> {
        self.router.handle().snapshot()
    }

    /// Takes a port's line down or up.
    pub fn set_link(&mut self, port: &str, up: bool) {
        self.line(port).ends.iter().for_each(|end| end.set_up(up));
    }

    /// Has a queue of a port's line, which stays up, take nothing any more, or take it again.
    pub fn set_takes(&mut self, port: &str, queue: usize, takes: bool) {
        self.line(port).ends[queue].set_limit(if takes { LINE } else { 0 });
    }

    /// Lets `time` pass; frames that leave meanwhile wait to be expected.
    pub fn run(&mut self, time: Duration) {
        self.open_window();
        self.run_until(self.now + time);
    }

    /// Lets time pass up to `until`, event by event.
    fn run_until(&mut self, until: Time) {
        loop {
            let next = self.due();
            if !self.move_to(next, until) {
                break;
            }
        }
    }

    /// Does what is due now; gives when something is due again, later than now.
    pub(crate) fn due(&mut self) -> Time {
        self.offer_due();
        let next = self.turn().min(self.next_offer());
        // A line that takes nothing now is tried again a little later.
        if next > self.now { next } else { self.now + us(10) }
    }

    /// Moves its clock, on the word of the network it is in.
    pub(crate) fn set_now(&mut self, now: Time) {
        self.now = now.max(self.now);
    }

    /// Puts bytes on the line to a port; `false` when it is full or down.
    pub(crate) fn put(&mut self, port: &str, bytes: &[u8]) -> bool {
        self.lines.get(port).is_some_and(|line| line.put(self.now, 0, bytes))
    }

    /// Moves on to `next`, or to `until` when that is no later; `false` then. What is due
    /// at `until` itself belongs to the time after.
    fn move_to(&mut self, next: Time, until: Time) -> bool {
        self.now = next.min(until).max(self.now);
        next < until
    }

    /// Runs the router at the present time until all is quiet, neighbours' answers included.
    /// Gives when there will be something to do again.
    fn turn(&mut self) -> Time {
        loop {
            let next = self.router.step(self.now);
            let answered = self.collect();
            self.check_conservation();
            if !answered {
                return next;
            }
        }
    }

    /// Takes what the router sent off the lines; `true` when a neighbour answered some of it.
    fn collect(&mut self) -> bool {
        let mut answered = false;
        for (name, line) in &mut self.lines {
            while let Some((at, bytes)) = line.take() {
                match self.hosts.hear(name, &bytes) {
                    host::Heard::Nothing => line.seen.push_back(Seen { at, bytes }),
                    host::Heard::Consumed => {}
                    host::Heard::Answer(answer) => answered |= line.put(self.now, 0, &answer),
                }
            }
        }
        answered
    }

    /// Checks that every frame is accounted for.
    #[track_caller]
    fn check_conservation(&self) {
        let totals = self.router.handle().totals();
        let held = self.router.held() as i64;
        assert!(
            totals.unaccounted() == held,
            "frames are lost without a name: {} unaccounted for, {held} held\n{totals:#?}",
            totals.unaccounted()
        );
    }

    /// The interface of this name; or, for a port's name, its untagged one.
    fn interface_of(snapshot: &Snapshot, name: &str) -> Option<Interface> {
        let interfaces = || snapshot.interfaces.iter().map(|(_, interface)| interface);
        let of_port = || {
            let port = snapshot.ports.iter().find(|(_, port)| &*port.name == name)?.1.id;
            interfaces().find(|i| i.port == port && i.vlan == dataplane::table::VlanMatch::Untagged)
        };
        interfaces().find(|i| &*i.name == name).or_else(of_port).map(|i| Interface::clone(i))
    }

    /// The port that a port's or interface's name is about.
    #[track_caller]
    fn port_of(&self, name: &str) -> String {
        if self.lines.contains_key(name) {
            return name.into();
        }
        let snapshot = self.snapshot();
        let port = snapshot.interface_named(name).and_then(|i| snapshot.port(i.port));
        let Some(port) = port else { panic!("there is no port or interface \"{name}\"") };
        port.name.to_string()
    }

    #[track_caller]
    fn line(&mut self, name: &str) -> &mut Line {
        let port = self.port_of(name);
        match self.lines.get_mut(&port) {
            Some(line) => line,
            None => panic!("port \"{port}\" is not open"),
        }
    }
}

fn parsed(configuration: &str) -> Result<Config, String> {
    config::parse(configuration, "lab.toml").map_err(|errors| errors.to_string())
}

/// As large a router as the configuration asks for.
fn size(config: &Config) -> Size {
    Size {
        workers: usize::from(config.router.workers),
        buffers: (config.router.buffers as usize).min(4096),
        buffer: if config.longest_mtu() > 1800 { PoolSize::Jumbo } else { PoolSize::Standard },
        ..Size::default()
    }
}
