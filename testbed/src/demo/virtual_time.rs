//! The demonstration in one process, on in-process ports and a clock of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use control::commit::{PortFacts, State};
use control::config;
use dataplane::port::{AnyPort, Loopback, LoopbackEnd};
use dataplane::router::{Router, Size};
use dataplane::time::Time;

use super::phase::{self, Site, StudyState};
use super::plan::{self, BEFORE, DRAIN, HOSPITAL, Plan, SURGERY};
use super::progress::EVERY;
use super::{DemoError, DemoOptions, Progress, configuration};
use crate::host::{Access, Host, HostSpec};
use crate::report::{Mode, Outcome};
use crate::traffic::Way;

/// Frames that a line holds: more than the router's queues do.
const LINE: usize = 8_192;
/// The hosts' links to the router.
const ACCESS: Access = Access { rate: 1_000_000_000, delay: Duration::from_micros(500) };
/// Bytes of IP and TCP headers without options.
const HEADERS: u64 = 40;
/// How many times its planned length a phase may take: nobody waits for virtual time.
const PATIENT: u64 = 3;
/// Longest wait for the gateways to answer, nanoseconds.
const PATIENCE: u64 = 10_000_000_000;

/// The router between its two hosts.
struct World {
    router: Router,
    surgery: Host,
    hospital: Host,
    now: Time,
    /// When both began to send.
    start: Time,
    qos: bool,
    told: u64,
}

/// Runs one phase.
pub(super) fn run(
    plan: &Plan,
    qos: bool,
    options: &DemoOptions,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Outcome, DemoError> {
    let mut world = World::new(plan, qos)?;
    world.begin(plan)?;
    let mut tell = |world: &mut World, done| {
        options.stopped()?;
        progress(&world.progress(plan, done));
        Ok(())
    };
    world.until(world.start.nanos() + BEFORE, |_| false, &mut tell)?;
    let mut study = StudyState::default();
    study.other.0 = world.surgery.meter().total();
    world.hospital.offer_study(plan.study);
    world.surgery.fetch_study(plan.study, world.now);
    let fetched = |world: &World| world.surgery.study().is_some_and(|s| s.is_finished());
    world.until(world.start.nanos() + PATIENT * plan.phase, fetched, &mut tell)?;
    study.other.1 = world.surgery.meter().total();
    study.done = world.done();
    study.waited = Duration::from_nanos(world.now.since(world.start).saturating_sub(BEFORE));
    study.took = world.surgery.study().and_then(|s| s.took());
    world.stop();
    let end = world.now.nanos() + DRAIN;
    world.until(end, |_| false, &mut tell)?;
    phase::outcome(plan, [world.surgery.site(), world.hospital.site()], &study, HEADERS)
}

type Tell<'a> = dyn FnMut(&mut World, u64) -> Result<(), DemoError> + 'a;

impl World {
    fn new(plan: &Plan, qos: bool) -> Result<Self, DemoError> {
        let (router, mut ends) = router(&configuration(Mode::Virtual, qos))?;
        let mut host = |name: &str, own, peer| {
            let end = ends.remove(name).ok_or_else(|| DemoError::Router(format!("has no port {name}")))?;
            Ok(Host::new(spec(own, peer, plan.seed), end))
        };
        let (surgery, hospital) = (host("surgery", SURGERY, HOSPITAL)?, host("hospital", HOSPITAL, SURGERY)?);
        Ok(Self { router, surgery, hospital, now: Time::ZERO, start: Time::ZERO, qos, told: 0 })
    }

    /// Waits until both hosts know their gateways and sets them talking.
    fn begin(&mut self, plan: &Plan) -> Result<(), DemoError> {
        let ready = |world: &Self| world.surgery.is_ready() && world.hospital.is_ready();
        self.until(PATIENCE, ready, &mut |_, _| Ok(()))?;
        if !ready(self) {
            return Err(DemoError::Router("does not answer for its addresses".into()));
        }
        self.start = self.now;
        self.told = self.now.nanos();
        self.surgery.send(plan.mix.schedule(Way::Up, self.start.nanos(), u64::MAX, plan.seed));
        self.hospital.send(plan.mix.schedule(Way::Down, self.start.nanos(), u64::MAX, plan.seed));
        Ok(())
    }

    /// Does all that is due now and moves the clock on to what is due next.
    fn step(&mut self) {
        self.surgery.poll(self.now);
        self.hospital.poll(self.now);
        let router = self.router.step(self.now);
        let hosts = self.surgery.next_due(self.now).min(self.hospital.next_due(self.now));
        // The clock never stands still, whatever asks to be called again at once.
        self.now = router.min(hosts).max(Time(self.now.nanos() + 1));
    }

    /// Runs until the clock shows `end` nanoseconds or `done` says so.
    fn until(
        &mut self,
        end: u64,
        done: impl Fn(&Self) -> bool,
        tell: &mut Tell<'_>,
    ) -> Result<(), DemoError> {
        while self.now.nanos() < end && !done(self) {
            self.step();
            if self.now.nanos() >= self.told + EVERY {
                self.told = self.now.nanos();
                let bytes = self.done();
                tell(self, bytes)?;
            }
        }
        Ok(())
    }

    /// Bytes of the study that the surgery has.
    fn done(&self) -> u64 {
        self.surgery.study().map_or(0, |study| study.done())
    }

    /// No new packets of the models from now on.
    fn stop(&mut self) {
        for host in [&mut self.surgery, &mut self.hospital] {
            if let Some(schedule) = host.schedule_mut() {
                schedule.stop(self.now.nanos());
            }
        }
    }

    fn progress(&mut self, plan: &Plan, done: u64) -> Progress {
        let elapsed = self.now.since(self.start);
        let worst = [self.surgery.meter_mut().take_worst(), self.hospital.meter_mut().take_worst()];
        phase::progress(plan, self.qos, elapsed, [self.surgery.site(), self.hospital.site()], worst, done)
    }
}

impl Host {
    fn site(&self) -> Site<'_> {
        Site { sent: self.schedule().map(|s| s.sent()), received: self.meter() }
    }
}

/// A router of this configuration, and the far ends of its ports by name.
fn router(text: &str) -> Result<(Router, BTreeMap<String, LoopbackEnd>), DemoError> {
    let refused = |e: &dyn ToString| DemoError::Configuration(e.to_string());
    let config = config::parse(text, "demonstration").map_err(|e| refused(&e))?;
    let no_threads = |e| DemoError::Router(format!("cannot start: {e}"));
    let mut router = Router::new(Size::default()).map_err(no_threads)?;
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

fn spec(own: std::net::Ipv4Addr, peer: std::net::Ipv4Addr, seed: u64) -> HostSpec {
    let [a, b, c, last] = own.octets();
    HostSpec {
        mac: [2, 0, a, b, c, last],
        address: plan::subnet(own),
        gateway: plan::gateway(own),
        peer,
        access: ACCESS,
        seed: seed ^ u64::from(b),
    }
}
